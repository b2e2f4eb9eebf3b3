//! The reader of the topics: which offset holds which message, and which record has a copy in the
//! dead-letter topic.
//!
//! It reads every partition from its start, straight from the brokers, and belongs to no group.

use crate::admin::{self, Admin, Failure, HARNESS, check, topic_name};
use crate::channel::Sender;
use crate::leaders::PartitionCounts;
use crate::names::Names;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use kafka_protocol::records::Record;
use plimsoll_codec::{Aborted, batch};
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::MessageId;
use plimsoll_serve::produce::MESSAGE;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The time for which a broker waits for records, in milliseconds.
const POLL_MS: i32 = 500;

/// The time limit for the answer to a fetch.
const WITHIN: Duration = Duration::from_secs(3);

/// The pause after a failure: brokers come and go here.
const PAUSE: Duration = Duration::from_millis(50);

/// The newest version of Fetch that names topics rather than numbering them.
const FETCH: i16 = 12;

/// The most that one fetch brings, in bytes; a larger batch comes all the same.
const FETCH_BYTES: i32 = 1 << 20;

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

/// Reads the partitions that `counts` shows, and the dead-letter topic, for as long as it is
/// polled.
pub(crate) async fn read_topics(
    admin: Admin,
    names: Arc<Names>,
    mut counts: watch::Receiver<PartitionCounts>,
    records: Sender<Read>,
) {
    let (mut known, mut readers) = (BTreeSet::new(), JoinSet::new());
    let dead_letters = TopicPartition::new(names.topics.len() as u32, 0);
    loop {
        let shown = counts.borrow_and_update().clone();
        let workload = shown.into_iter().flat_map(|(topic, partitions)| {
            (0..partitions).map(move |partition| TopicPartition::new(topic, partition))
        });
        for partition in workload.chain([dead_letters]) {
            if known.insert(partition) {
                let reader = Reader {
                    admin: admin.clone(),
                    names: names.clone(),
                    records: records.clone(),
                    partition,
                    next: 0,
                };
                readers.spawn(reader.run());
            }
        }
        if counts.changed().await.is_err() {
            // No partition comes any more.
            return while readers.join_next().await.is_some() {};
        }
    }
}

/// The reader of one partition.
struct Reader {
    admin: Admin,
    names: Arc<Names>,
    records: Sender<Read>,
    partition: TopicPartition,
    /// The offset to read next.
    next: i64,
}

impl Reader {
    async fn run(mut self) {
        loop {
            let Err(Failure::Passing(why) | Failure::Final(why)) = self.read().await;
            tracing::debug!("reading {}: {why}", self.topic());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads from the leader of now until that fails.
    async fn read(&mut self) -> Result<Infallible, Failure> {
        let (topic, partition) = (self.topic(), self.partition.partition);
        let leader = self.admin.connect_with_leader(topic, partition, HARNESS);
        let mut connection = leader.await?;
        loop {
            let request = self.request();
            let answer = admin::within(WITHIN, connection.call(&request, FETCH)).await?;
            self.handle_fetched(answer).await?;
        }
    }

    fn request(&self) -> FetchRequest {
        let partition = FetchPartition::default()
            .with_partition(self.partition.partition.cast_signed())
            .with_fetch_offset(self.next)
            .with_partition_max_bytes(FETCH_BYTES);
        let topic = FetchTopic::default()
            .with_topic(topic_name(self.topic()))
            .with_partitions(vec![partition]);
        FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(POLL_MS)
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES)
            // What a transaction took back is no record.
            .with_isolation_level(1)
            .with_session_epoch(-1)
            .with_topics(vec![topic])
    }

    async fn handle_fetched(&mut self, answer: FetchResponse) -> Result<(), Failure> {
        check(answer.error_code)?;
        let mut partitions = (answer.responses.into_iter()).flat_map(|topic| topic.partitions);
        let empty = || Failure::Passing("an empty answer".into());
        let fetched = partitions.next().ok_or_else(empty)?;
        if fetched.error_code == ResponseError::OffsetOutOfRange.code() {
            let ends = self.admin.log_ends(self.topic()).await;
            let ends = ends.map_err(|error| Failure::Passing(error.to_string()))?;
            let place = self.partition.partition as usize;
            let (start, _) = ends.get(place).copied().ok_or_else(empty)?;
            self.next = start.cast_signed();
            return Ok(());
        }
        check(fetched.error_code)?;
        self.handle_records(fetched);
        Ok(())
    }

    fn handle_records(&mut self, fetched: PartitionData) {
        let mut aborted = Aborted::new(fetched.aborted_transactions.unwrap_or_default());
        for batch in batch::split(fetched.records.unwrap_or_default()) {
            if aborted.shows(&batch) {
                match batch.records() {
                    Ok(records) => records.iter().for_each(|record| self.tell(record)),
                    Err(why) => tracing::warn!("records of {} are unreadable: {why}", self.topic()),
                }
            }
            // The first batch may have begun before what was asked for.
            self.next = self.next.max(batch.next);
        }
    }

    fn tell(&self, record: &Record) {
        if record.offset >= self.next
            && let Some(read) = read(&self.names, self.partition, record)
        {
            self.records.send(read);
        }
    }

    fn topic(&self) -> &str {
        self.names.topic(self.partition.topic)
    }
}

/// Reads one record; `None` where it is no record of this run.
fn read(names: &Names, partition: TopicPartition, record: &Record) -> Option<Read> {
    let offset = Offset::new(u64::try_from(record.offset).ok()?);
    let Some(id) = message_id(record) else {
        let topic = names.topic(partition.topic);
        tracing::warn!("{topic}@{offset} is no record of this run");
        return None;
    };
    Some(Read {
        partition,
        offset,
        message: id,
        origin: origin(names, record),
    })
}

/// Reads which message a record carries: from its header, or from its unchanged value.
fn message_id(record: &Record) -> Option<MessageId> {
    if let Some(id) = header(record, MESSAGE) {
        return id.parse().ok().map(MessageId);
    }
    let value = std::str::from_utf8(record.value.as_ref()?).ok()?;
    value.split_whitespace().next()?.parse().ok().map(MessageId)
}

/// Reads the record that a dead letter is the copy of, where its headers say so.
fn origin(names: &Names, record: &Record) -> Option<(TopicPartition, Offset)> {
    let topic = header(record, "plimsoll-topic")?;
    let partition = header(record, "plimsoll-partition")?.parse().ok()?;
    let offset = header(record, "plimsoll-offset")?.parse().ok()?;
    Some((names.partition(topic, partition)?, Offset::new(offset)))
}

fn header<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    std::str::from_utf8(record.headers.get(name.as_bytes())?.as_ref()?).ok()
}
