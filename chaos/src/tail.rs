//! The reader of the topics: which offset holds which message, and which record has a copy in the
//! dead-letter topic.
//!
//! It reads every partition from its start, straight from the brokers, and belongs to no group.

use crate::lock::lock;
use crate::log::StoredMessage;
use crate::world::World;
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId, TraceEvent};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The header by which a record names its message.
pub(crate) const MESSAGE: &str = "plimsoll-message";

/// The longest wait of one poll for records.
const LOOK: Duration = Duration::from_millis(50);

/// The thread that reads the topics.
#[derive(Debug)]
pub(crate) struct Tail {
    ended: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Tail {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where librdkafka or the operating system refuses.
    pub(crate) fn start(world: Arc<World>, bootstrap: &str) -> Result<Self, String> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            // The library wants one; with partitions assigned by hand it is never joined.
            .set("group.id", format!("{}.tail", world.names.group))
            .set("client.id", "plimsoll-tail")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            .set("topic.metadata.refresh.interval.ms", "1000")
            .set("socket.timeout.ms", "3000")
            .create()
            .map_err(|error| format!("cannot make a consumer: {error}"))?;
        let ended = Arc::new(AtomicBool::new(false));
        let reader = TopicReader {
            world,
            consumer,
            next: BTreeMap::new(),
        };
        let thread = thread::Builder::new().name("plimsoll-tail".into()).spawn({
            let ended = ended.clone();
            move || reader.run(&ended)
        });
        let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self {
            ended,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Ends the thread, and waits for its end.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = lock(&self.thread).take() {
            // A reader that panicked has read nothing more; the run shows that as lag.
            let _ = thread.join();
        }
    }
}

/// The consumer that the thread runs.
struct TopicReader {
    world: Arc<World>,
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
                    read(&self.world, id, &message);
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
        let world = &self.world;
        let workload = (0..world.names.topics.len() as u32).flat_map(|topic| {
            let partitions = world.leaders.partitions(topic);
            (0..partitions).map(move |partition| TopicPartition::new(topic, partition))
        });
        let dead_letters = TopicPartition::new(world.names.topics.len() as u32, 0);
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
            let topic = world.names.topic(id.topic);
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
        self.world.names.partition(message.topic(), partition)
    }
}

/// Takes in one record.
fn read(world: &Arc<World>, partition: TopicPartition, message: &BorrowedMessage<'_>) {
    let Ok(offset) = u64::try_from(message.offset()) else {
        return;
    };
    let offset = Offset::new(offset);
    let Some(id) = message_id(message) else {
        tracing::warn!("{}@{offset} is no record of this run", message.topic());
        return;
    };
    let planned = world.message(id);
    let record = StoredMessage {
        message: id,
        key: planned.and_then(|planned| planned.key),
    };
    if world.names.is_workload(partition) {
        world.observe(TraceEvent::Stored {
            message: id,
            partition,
            offset,
            key: record.key,
        });
    } else if let Some((partition, offset)) = origin(world, message, id) {
        world.observe(TraceEvent::DeadLettered {
            // A subject may dead-letter a message that it never tried; the trace needs some member.
            member: world.sink.tried_by(id).unwrap_or(MemberId(0)),
            partition,
            offset,
            message: id,
        });
    }
    // Last: when a wait for the record ends, the trace has it.
    world.log.insert(partition, offset, record);
}

/// Reads which message a record carries: from its header, or from its unchanged value.
fn message_id(message: &BorrowedMessage<'_>) -> Option<MessageId> {
    if let Some(id) = header(message, MESSAGE) {
        return id.parse().ok().map(MessageId);
    }
    let value = std::str::from_utf8(message.payload()?).ok()?;
    value.split_whitespace().next()?.parse().ok().map(MessageId)
}

/// Finds the record that a dead letter is the copy of: by its headers, or else by its message.
fn origin(
    world: &World,
    message: &BorrowedMessage<'_>,
    id: MessageId,
) -> Option<(TopicPartition, Offset)> {
    let named = || {
        let topic = header(message, "plimsoll-topic")?;
        let partition = header(message, "plimsoll-partition")?.parse().ok()?;
        let offset = header(message, "plimsoll-offset")?.parse().ok()?;
        Some((
            world.names.partition(topic, partition)?,
            Offset::new(offset),
        ))
    };
    named().or_else(|| world.log.find(id))
}

fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let headers = message.headers()?;
    let header = headers.iter().find(|header| header.key == name)?;
    std::str::from_utf8(header.value?).ok()
}
