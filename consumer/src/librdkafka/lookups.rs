//! The questions to brokers that come before fetching begins, or goes on.
//!
//! The calls block, so they have a thread of their own, and polling goes on meanwhile. A question
//! that fails is asked again until it succeeds: an error never counts as "nothing was committed".

use super::context::RawConsumer;
use super::metadata;
use super::topics::{Topics, next_offset};
use plimsoll_core::{Assignment, AssignmentEpoch, NextOffset, RebalanceId, TopicPartition};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{io, thread};

/// The longest time of one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before a question that failed is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// Held as long as an answer is awaited: a question whose answer is not awaited is dropped.
pub(super) type Wanted = Arc<()>;

/// A question to the brokers.
#[derive(Debug)]
pub(super) enum Question {
    /// The committed offsets and both ends of partitions that were assigned.
    Start {
        rebalance: RebalanceId,
        partitions: Vec<TopicPartition>,
        wanted: Weak<()>,
    },
    /// Both ends of a partition whose position was refused.
    Ends {
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
        /// Whether the log was cut below the position, as its leader epochs show.
        truncated: bool,
        wanted: Weak<()>,
    },
}

/// The answer to a question.
#[derive(Debug)]
pub(super) enum Answer {
    Start {
        rebalance: RebalanceId,
        assignments: Vec<Assignment>,
    },
    Ends {
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
        log_start: NextOffset,
        high_watermark: NextOffset,
    },
}

/// Starts the thread, which ends when the sender of questions is dropped.
pub(super) fn spawn(
    consumer: Arc<RawConsumer>,
    topics: Arc<Topics>,
    answer: impl Fn(Answer) + Send + 'static,
) -> io::Result<Sender<Question>> {
    let (sender, questions) = channel();
    let lookups = Lookups { consumer, topics };
    thread::Builder::new()
        .name("plimsoll-lookup".into())
        .spawn(move || lookups.run(&questions, &answer))?;
    Ok(sender)
}

struct Lookups {
    consumer: Arc<RawConsumer>,
    topics: Arc<Topics>,
}

impl Lookups {
    fn run(&self, questions: &Receiver<Question>, answer: &impl Fn(Answer)) {
        let mut open: Vec<Question> = Vec::new();
        loop {
            let next = if open.is_empty() {
                questions.recv().map_err(RecvTimeoutError::from)
            } else {
                questions.recv_timeout(PAUSE)
            };
            match next {
                Ok(question) => open.push(question),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            open.retain(|question| match self.ask(question) {
                Ok(found) => {
                    found.into_iter().for_each(answer);
                    false
                }
                Err(error) => {
                    tracing::warn!(%error, ?question, "a lookup failed, and is tried again");
                    true
                }
            });
        }
    }

    /// Returns the answer; `None` where it is not awaited any more.
    fn ask(&self, question: &Question) -> KafkaResult<Option<Answer>> {
        match question {
            Question::Start { wanted, .. } | Question::Ends { wanted, .. }
                if wanted.strong_count() == 0 =>
            {
                Ok(None)
            }
            Question::Start {
                rebalance,
                partitions,
                ..
            } => Ok(Some(Answer::Start {
                rebalance: *rebalance,
                assignments: self.assignments(partitions)?,
            })),
            Question::Ends {
                partition,
                epoch,
                position,
                truncated,
                ..
            } => {
                let (log_start, mut high_watermark) = self.ends(&[*partition])?[0];
                if *truncated && *position > log_start {
                    // The log may have grown past the position again, with other records: an end
                    // above the position would say that the position is good.
                    high_watermark = high_watermark.min(NextOffset::new(position.get() - 1));
                }
                Ok(Some(Answer::Ends {
                    partition: *partition,
                    epoch: *epoch,
                    position: *position,
                    log_start,
                    high_watermark,
                }))
            }
        }
    }

    fn assignments(&self, assigned: &[TopicPartition]) -> KafkaResult<Vec<Assignment>> {
        let mut assignments = Vec::with_capacity(assigned.len());
        for (number, topic) in (0..).zip(self.topics.names()) {
            let of_topic: Vec<TopicPartition> = assigned
                .iter()
                .copied()
                .filter(|partition| partition.topic == number)
                .collect();
            let Some(highest) = of_topic.iter().map(|p| p.partition).max() else {
                continue;
            };
            // A broker may not have heard of the newest partitions yet.
            let partitions = self.partitions(topic)?.max(highest + 1);
            let committed = self.committed(number, partitions)?;
            let founding = committed.iter().flatten().map(|(_, founding)| *founding);
            let founding_partitions = founding.min();
            for (partition, (log_start, high_watermark)) in
                of_topic.iter().zip(self.ends(&of_topic)?)
            {
                let own = committed.get(partition.partition as usize);
                assignments.push(Assignment {
                    partition: *partition,
                    committed: own.copied().flatten().map(|(next, _)| next),
                    log_start,
                    high_watermark,
                    founding_partitions,
                    partitions,
                });
            }
        }
        Ok(assignments)
    }

    /// Returns the number of partitions of a topic.
    fn partitions(&self, topic: &str) -> KafkaResult<u32> {
        let metadata = self.consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else {
            return Err(KafkaError::MetadataFetch(
                RDKafkaErrorCode::UnknownTopicOrPartition,
            ));
        };
        match found.error() {
            Some(error) => Err(KafkaError::MetadataFetch(error.into())),
            None => Ok(u32::try_from(found.partitions().len()).unwrap_or(u32::MAX)),
        }
    }

    /// Returns what the group committed for each partition of a topic, with the number of
    /// partitions in the commit's metadata. A commit of another client has none there, which counts
    /// as 0: then every partition counts as added later, and nothing is skipped.
    fn committed(
        &self,
        topic: u32,
        partitions: u32,
    ) -> KafkaResult<Vec<Option<(NextOffset, u32)>>> {
        let all = (0..partitions).map(|number| (TopicPartition::new(topic, number), None));
        let found = self
            .consumer
            .committed_offsets(self.topics.list(all), TIMEOUT)?;
        let elements = found.elements().into_iter();
        elements
            .map(|element| {
                element.error()?;
                let founding = metadata::read(element.metadata());
                Ok(next_offset(element.offset()).map(|next| (next, founding)))
            })
            .collect()
    }

    /// Returns the first offset and the high watermark of each partition.
    fn ends(&self, partitions: &[TopicPartition]) -> KafkaResult<Vec<(NextOffset, NextOffset)>> {
        let ask = |end: Offset| -> KafkaResult<Vec<NextOffset>> {
            let all = partitions.iter().map(|partition| (*partition, Some(end)));
            let found = self
                .consumer
                .offsets_for_times(self.topics.list(all), TIMEOUT)?;
            let elements = found.elements().into_iter();
            elements
                .map(|element| {
                    element.error()?;
                    let missing = KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset);
                    next_offset(element.offset()).ok_or(missing)
                })
                .collect()
        };
        let (starts, ends) = (ask(Offset::Beginning)?, ask(Offset::End)?);
        if starts.len() != partitions.len() || ends.len() != partitions.len() {
            return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::BadMessage));
        }
        Ok(starts.into_iter().zip(ends).collect())
    }
}
