//! The reader of the topics: which offset holds which message, and which record has a copy in the
//! dead-letter topic.
//!
//! It reads every partition from its start, straight from the brokers, and belongs to no group.

use crate::channel::Sender;
use crate::error::ChaosError;
use crate::leaders::PartitionCounts;
use crate::names::Names;
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::MessageId;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;

/// The header by which a record names its message.
pub(crate) const MESSAGE: &str = "plimsoll-message";

/// The longest wait of one poll for records.
const LOOK: Duration = Duration::from_millis(50);

/// A record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub partition: TopicPartition,
    pub offset: Offset,
    /// The message that it carries.
    pub message: MessageId,
    /// The record that its headers say it is the copy of.
    pub origin: Option<(TopicPartition, Offset)>,
}

/// The thread that reads the topics.
#[derive(Debug)]
pub(crate) struct Tail {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Tail {
    /// Starts the thread. It reads the partitions that `counts` shows, and the dead-letter topic.
    ///
    /// # Errors
    /// Where librdkafka or the operating system refuses.
    pub(crate) fn start(
        bootstrap: &str,
        names: Arc<Names>,
        counts: watch::Receiver<PartitionCounts>,
        records: Sender<Read>,
    ) -> Result<Self, ChaosError> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            // The library wants one; with partitions assigned by hand it is never joined.
            .set("group.id", format!("{}.tail", names.group))
            .set("client.id", "plimsoll-tail")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            .set("topic.metadata.refresh.interval.ms", "1000")
            .set("socket.timeout.ms", "3000")
            .create()
            .map_err(|error| cannot("make a consumer", &error))?;
        let ended = Arc::new(AtomicBool::new(false));
        let reader = TopicReader {
            names,
            counts,
            records,
            consumer,
            next: BTreeMap::new(),
        };
        let thread = thread::Builder::new().name("plimsoll-tail".into()).spawn({
            let ended = ended.clone();
            move || reader.run(&ended)
        });
        let thread = thread.map_err(|error| cannot("start a thread", &error))?;
        Ok(Self { ended, thread })
    }

    /// Ends the thread, and waits for its end.
    pub(crate) fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        // A reader that panicked has read nothing more; the run shows that as lag.
        let _ = self.thread.join();
    }
}

fn cannot(what: &str, error: &dyn std::error::Error) -> ChaosError {
    ChaosError::Internal(format!("cannot {what}: {error}"))
}

/// The consumer that the thread runs.
struct TopicReader {
    names: Arc<Names>,
    counts: watch::Receiver<PartitionCounts>,
    records: Sender<Read>,
    consumer: BaseConsumer,
    /// The next offset to read, by partition.
    next: BTreeMap<TopicPartition, i64>,
}

impl TopicReader {
    fn run(mut self, ended: &AtomicBool) {
        while !ended.load(Ordering::Relaxed) {
            self.assign_new_partitions();
            match self.consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    let Some(id) = self.place(&message) else {
                        continue;
                    };
                    self.next.insert(id, message.offset() + 1);
                    if let Some(read) = read(&self.names, id, &message) {
                        self.records.send(read);
                    }
                }
                // Brokers come and go here; librdkafka tries again by itself.
                Some(Err(error)) => tracing::debug!(%error, "reading the topics failed"),
                None => {}
            }
        }
        // Without this the consumer would fetch on until it is closed.
        let _ = self.consumer.unassign();
    }

    fn assign_new_partitions(&mut self) {
        let counts = self.counts.borrow_and_update().clone();
        let workload = counts.into_iter().flat_map(|(topic, partitions)| {
            (0..partitions).map(move |partition| TopicPartition::new(topic, partition))
        });
        let dead_letters = TopicPartition::new(self.names.topics.len() as u32, 0);
        let mut grown = false;
        for id in workload.chain([dead_letters]) {
            self.next.entry(id).or_insert_with(|| {
                grown = true;
                0
            });
        }
        if !grown {
            return;
        }
        let mut list = TopicPartitionList::new();
        for (id, next) in &self.next {
            let topic = self.names.topic(id.topic);
            let offset = rdkafka::Offset::Offset(*next);
            if let Err(error) = list.add_partition_offset(topic, id.partition as i32, offset) {
                tracing::error!(%error, "cannot read {topic}-{}", id.partition);
            }
        }
        if let Err(error) = self.consumer.assign(&list) {
            tracing::error!(%error, "cannot read the topics");
        }
    }

    fn place(&self, message: &BorrowedMessage<'_>) -> Option<TopicPartition> {
        let partition = u32::try_from(message.partition()).ok()?;
        self.names.partition(message.topic(), partition)
    }
}

/// Reads one record; `None` where it is no record of this run.
fn read(names: &Names, partition: TopicPartition, message: &BorrowedMessage<'_>) -> Option<Read> {
    let offset = Offset::new(u64::try_from(message.offset()).ok()?);
    let Some(id) = message_id(message) else {
        tracing::warn!("{}@{offset} is no record of this run", message.topic());
        return None;
    };
    Some(Read {
        partition,
        offset,
        message: id,
        origin: origin(names, message),
    })
}

/// Reads which message a record carries: from its header, or from its unchanged value.
fn message_id(message: &BorrowedMessage<'_>) -> Option<MessageId> {
    if let Some(id) = header(message, MESSAGE) {
        return id.parse().ok().map(MessageId);
    }
    let value = std::str::from_utf8(message.payload()?).ok()?;
    value.split_whitespace().next()?.parse().ok().map(MessageId)
}

/// Reads the record that a dead letter is the copy of, where its headers say so.
fn origin(names: &Names, message: &BorrowedMessage<'_>) -> Option<(TopicPartition, Offset)> {
    let topic = header(message, "plimsoll-topic")?;
    let partition = header(message, "plimsoll-partition")?.parse().ok()?;
    let offset = header(message, "plimsoll-offset")?.parse().ok()?;
    Some((names.partition(topic, partition)?, Offset::new(offset)))
}

fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let headers = message.headers()?;
    let header = headers.iter().find(|header| header.key == name)?;
    std::str::from_utf8(header.value?).ok()
}
