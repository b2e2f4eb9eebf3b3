//! The ends of logs, for the lag: asked for from time to time.
//!
//! What comes with fetched records tells nothing of a partition that is paused or stands still.

use super::context::RawConsumer;
use super::topics::{Topics, next_offset};
use plimsoll_core::TopicPartition;
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::Offset;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{io, thread};

/// The longest time of one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the thread, which ends when the sender of questions is dropped. It does not keep the
/// consumer alive.
pub(super) fn spawn(
    consumer: &Arc<RawConsumer>,
    topics: Arc<Topics>,
) -> io::Result<Sender<Vec<TopicPartition>>> {
    let (sender, questions) = channel();
    let consumer = Arc::downgrade(consumer);
    thread::Builder::new()
        .name("plimsoll-ends".into())
        .spawn(move || run(&consumer, &topics, &questions))?;
    Ok(sender)
}

fn run(consumer: &Weak<RawConsumer>, topics: &Topics, questions: &Receiver<Vec<TopicPartition>>) {
    while let Ok(mut asked) = questions.recv() {
        // Only the last one matters, where an answer took long.
        while let Ok(newer) = questions.try_recv() {
            asked = newer;
        }
        let Some(consumer) = consumer.upgrade() else {
            return;
        };
        let ends = asked
            .iter()
            .map(|partition| (*partition, Some(Offset::End)));
        match consumer.offsets_for_times(topics.list(ends), TIMEOUT) {
            Ok(found) => topics.set_high_watermarks(found.elements().iter().filter_map(|found| {
                found.error().ok()?;
                let partition = topics.partition(found.topic(), found.partition())?;
                Some((partition, next_offset(found.offset())?))
            })),
            // The next question comes soon.
            Err(error) => tracing::debug!(%error, "the ends of logs are not known"),
        }
    }
}
