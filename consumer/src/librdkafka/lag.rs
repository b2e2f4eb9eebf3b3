//! The ends of logs, for the lag, and whether topics are there: asked for from time to time.
//!
//! What comes with fetched records tells nothing of a partition that is paused or stands still, and
//! librdkafka tells once that a topic is not there, or may not be read, and never that it is again.

use super::context::RawConsumer;
use super::outbox::Outbox;
use super::threads;
use super::topics::{Topics, next_offset};
use plimsoll_core::TopicPartition;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The longest time of one request for all partitions, and of one for one of them.
const TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT_OF_ONE: Duration = Duration::from_millis(200);

/// The time between two questions for topics of which the member has no partition.
const TOPICS_INTERVAL: Duration = Duration::from_secs(5);

/// The consumer to ask by, the topics that keep the answers, and the questions.
type State = (
    Weak<RawConsumer>,
    Arc<Topics>,
    Receiver<Vec<TopicPartition>>,
);

/// Starts the thread, which ends when the sender of questions is dropped. It does not keep the
/// consumer alive.
pub(super) fn spawn(
    consumer: &Arc<RawConsumer>,
    topics: Arc<Topics>,
    outbox: Outbox,
) -> io::Result<Sender<Vec<TopicPartition>>> {
    let (sender, questions) = channel();
    let state = (Arc::downgrade(consumer), topics, questions);
    let run = |state: &mut State| run(&state.0, &state.1, &state.2);
    threads::spawn("plimsoll-lag", outbox, state, run, drop)?;
    Ok(sender)
}

fn run(consumer: &Weak<RawConsumer>, topics: &Topics, questions: &Receiver<Vec<TopicPartition>>) {
    let mut assigned = Vec::new();
    let mut topics_at = Instant::now() + TOPICS_INTERVAL;
    loop {
        let time = topics_at.saturating_duration_since(Instant::now());
        match questions.recv_timeout(time) {
            Ok(asked) => {
                // Only the last one matters, where an answer took long.
                assigned = questions.try_iter().last().unwrap_or(asked);
                ask_all(consumer, topics, &assigned);
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

/// Asks for the ends of logs: of all together, and where that fails, of each.
fn ask_all(consumer: &Weak<RawConsumer>, topics: &Topics, partitions: &[TopicPartition]) {
    if ask(consumer, topics, partitions, TIMEOUT).is_ok() {
        return;
    }
    // librdkafka fails the call as a whole where one partition of it fails, as one without a
    // leader does.
    for partition in partitions {
        if let Err(error) = ask(consumer, topics, &[*partition], TIMEOUT_OF_ONE) {
            let partition = topics.shown([*partition]);
            tracing::debug!(%error, partition, "the end of a log is not known");
        }
    }
}

/// Notes which topics cannot be read. Those of which the member has partitions can.
fn look_for(consumer: &Weak<RawConsumer>, topics: &Topics, assigned: &[TopicPartition]) {
    let assigned: BTreeSet<u32> = assigned.iter().map(|id| id.topic).collect();
    for (number, topic) in (0..).zip(topics.names()) {
        let Some(consumer) = consumer.upgrade() else {
            return;
        };
        let error = match assigned.contains(&number) {
            true => None,
            false => match consumer.fetch_metadata(Some(topic), TIMEOUT) {
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

/// Asks for the ends of some logs, and keeps them. Without a consumer there is nothing to ask.
fn ask(
    consumer: &Weak<RawConsumer>,
    topics: &Topics,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> KafkaResult<()> {
    let Some(consumer) = consumer.upgrade() else {
        return Ok(());
    };
    let ends = partitions
        .iter()
        .map(|partition| (*partition, Some(Offset::End)));
    let found = consumer.offsets_for_times(topics.list(ends), timeout)?;
    topics.set_high_watermarks(found.elements().iter().filter_map(|found| {
        found.error().ok()?;
        let partition = topics.partition(found.topic(), found.partition())?;
        Some((partition, next_offset(found.offset())?))
    }));
    Ok(())
}
