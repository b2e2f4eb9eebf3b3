//! The ends of logs, for the lag, and whether topics are there: looked at from time to time.
//!
//! The end of a log comes with what is fetched from it, and librdkafka keeps it. Of a partition
//! that is paused or stands still nothing is fetched, so its leader is asked. Only of these: a
//! question that is not answered in its time takes the connection along
//! (`rd_kafka_broker_timeout_scan`, `socket.max.fails`), and with each one the pause before the next
//! connection doubles; and an answer waits until the fetch before it on its connection is answered.
//!
//! Librdkafka tells once that a topic is not there, or may not be read, and never that it is again.

use super::context::RawConsumer;
use super::outbox::Outbox;
use super::threads;
use super::topics::{Topics, next_offset};
use plimsoll_core::{PartitionStatus, TopicPartition};
use plimsoll_librdkafka::high_watermark;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The longest time of a question for ends of logs: longer than a fetch waits by default
/// (`fetch.wait.max.ms`) many times over.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time of a question for a topic, which takes no connection along.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(2);

/// The time between two questions for topics of which the member has no partition.
const TOPICS_INTERVAL: Duration = Duration::from_secs(5);

/// The consumer to ask by, the topics that keep the answers, and the questions.
type State = (
    Weak<RawConsumer>,
    Arc<Topics>,
    Receiver<Vec<PartitionStatus>>,
);

/// Starts the thread, which ends when the sender of questions is dropped. It does not keep the
/// consumer alive.
pub(super) fn spawn(
    consumer: &Arc<RawConsumer>,
    topics: Arc<Topics>,
    outbox: Outbox,
) -> io::Result<Sender<Vec<PartitionStatus>>> {
    let (sender, questions) = channel();
    let state = (Arc::downgrade(consumer), topics, questions);
    let run = |state: &mut State| run(&state.0, &state.1, &state.2);
    threads::spawn("plimsoll-lag", outbox, state, run, drop)?;
    Ok(sender)
}

fn run(consumer: &Weak<RawConsumer>, topics: &Topics, questions: &Receiver<Vec<PartitionStatus>>) {
    let mut assigned = Vec::new();
    let mut topics_at = Instant::now() + TOPICS_INTERVAL;
    loop {
        let time = topics_at.saturating_duration_since(Instant::now());
        match questions.recv_timeout(time) {
            Ok(asked) => {
                // Only the last one matters, where an answer took long.
                assigned = questions.try_iter().last().unwrap_or(asked);
                look_at_ends(consumer, topics, &assigned);
            }
            Err(RecvTimeoutError::Timeout) => {
                look_for(consumer, topics, &assigned);
                topics_at = Instant::now() + TOPICS_INTERVAL;
                assigned.clear();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Keeps the ends of logs: those that librdkafka knows, and those that leaders tell.
fn look_at_ends(consumer: &Weak<RawConsumer>, topics: &Topics, partitions: &[PartitionStatus]) {
    // Without a consumer there is nothing to look at.
    let Some(consumer) = consumer.upgrade() else {
        return;
    };
    let (still, fetched): (Vec<&PartitionStatus>, Vec<&PartitionStatus>) = partitions
        .iter()
        .partition(|status| status.paused || status.halted);
    topics.set_high_watermarks(fetched.iter().filter_map(|status| {
        let id = status.partition;
        let end = high_watermark(&consumer, topics.name(id.topic)?, id.partition)?;
        Some((id, next_offset(Offset::Offset(end))?))
    }));
    let still = still.iter().map(|status| status.partition);
    let still = with_leaders(&consumer, topics, still);
    if !still.is_empty()
        && let Err(error) = ask(&consumer, topics, &still)
    {
        tracing::debug!(%error, "the ends of some logs are not known");
    }
}

/// Returns those of some partitions that have a leader. One without would hold the others up:
/// librdkafka waits for it, and fails the question as a whole.
fn with_leaders(
    consumer: &RawConsumer,
    topics: &Topics,
    partitions: impl Iterator<Item = TopicPartition>,
) -> Vec<TopicPartition> {
    let mut led: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let has_leader = |id: &TopicPartition| {
        let led = led.entry(id.topic).or_insert_with(|| {
            let name = topics.name(id.topic).map(|name| &**name);
            let metadata = consumer.fetch_metadata(name, TOPIC_TIMEOUT);
            let topics = metadata.iter().flat_map(|metadata| metadata.topics());
            let partitions = topics.flat_map(|topic| topic.partitions());
            let led = partitions.filter(|partition| partition.leader() >= 0);
            led.map(|partition| partition.id().cast_unsigned())
                .collect()
        });
        led.contains(&id.partition)
    };
    partitions.filter(has_leader).collect()
}

/// Notes which topics cannot be read. Those of which the member has partitions can.
fn look_for(consumer: &Weak<RawConsumer>, topics: &Topics, assigned: &[PartitionStatus]) {
    let assigned = assigned.iter().map(|status| status.partition.topic);
    let assigned: BTreeSet<u32> = assigned.collect();
    for (number, topic) in (0..).zip(topics.names()) {
        let Some(consumer) = consumer.upgrade() else {
            return;
        };
        let error = match assigned.contains(&number) {
            true => None,
            false => match consumer.fetch_metadata(Some(topic), TOPIC_TIMEOUT) {
                Ok(metadata) => metadata.topics().iter().find_map(|found| found.error()),
                // Whether it is there is not known.
                Err(_) => continue,
            },
        };
        let error = error.map(|error| KafkaError::MetadataFetch(error.into()));
        if topics.set_unavailable(number, error.is_some()) {
            match error {
                Some(error) => tracing::error!(%error, topic, "a topic cannot be read"),
                None => tracing::info!(topic, "a topic can be read again"),
            }
        }
    }
}

/// Asks for the ends of some logs, and keeps them.
fn ask(consumer: &RawConsumer, topics: &Topics, partitions: &[TopicPartition]) -> KafkaResult<()> {
    let ends = partitions
        .iter()
        .map(|partition| (*partition, Some(Offset::End)));
    let found = consumer.offsets_for_times(topics.list(ends), TIMEOUT)?;
    topics.set_high_watermarks(found.elements().iter().filter_map(|found| {
        found.error().ok()?;
        let partition = topics.partition(found.topic(), found.partition())?;
        Some((partition, next_offset(found.offset())?))
    }));
    Ok(())
}
