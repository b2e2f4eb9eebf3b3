//! The ends of logs, for the lag: asked for from time to time.
//!
//! What comes with fetched records tells nothing of a partition that is paused or stands still.

use super::context::RawConsumer;
use super::outbox::Outbox;
use super::threads;
use super::topics::{Topics, next_offset};
use plimsoll_core::TopicPartition;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The longest time of one request for all partitions, and of one for one of them.
const TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT_OF_ONE: Duration = Duration::from_millis(200);

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
    while let Ok(mut asked) = questions.recv() {
        // Only the last one matters, where an answer took long.
        while let Ok(newer) = questions.try_recv() {
            asked = newer;
        }
        if ask(consumer, topics, &asked, TIMEOUT).is_ok() {
            continue;
        }
        // librdkafka fails the call as a whole where one partition of it fails, as one without a
        // leader does.
        for partition in asked {
            if let Err(error) = ask(consumer, topics, &[partition], TIMEOUT_OF_ONE) {
                tracing::debug!(%error, ?partition, "the end of a log is not known");
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
