//! The questions to brokers that come before fetching begins, or goes on.
//!
//! The calls block, so they have threads of their own, and polling goes on meanwhile: one thread
//! asks what the group committed, and one for each broker that does not answer at once asks for the
//! ends of the partitions that it leads. librdkafka fails a call as a whole where one partition of
//! it fails (`rd_kafka_offsets_for_times`), so no partition is asked for together with one that has
//! no leader, or another one. A question that fails is asked again until it succeeds: an error never
//! counts as "nothing was committed".

use super::commits::is_silence;
use super::context::RawConsumer;
use super::outbox::Outbox;
use super::threads;
use super::topics::{Topics, next_offset};
use crate::commit_metadata;
use plimsoll_core::{Assignment, AssignmentEpoch, NextOffset, RebalanceId, TopicPartition};
use plimsoll_librdkafka::leader_epochs;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest time of one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The bounds of the pause before questions that failed are asked again: it doubles each time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// Held as long as an answer is awaited: a question whose answer is not awaited is dropped.
pub(super) type Wanted = Arc<()>;

/// A question to the brokers about a partition.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) partition: TopicPartition,
    pub(super) about: About,
    pub(super) wanted: Weak<()>,
}

/// The subject of a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum About {
    /// The start of a partition that was assigned: its committed offset, else both of its ends.
    Start { rebalance: RebalanceId },
    /// Both ends of a partition whose position was refused.
    Ends {
        epoch: AssignmentEpoch,
        position: NextOffset,
        /// Whether the log was cut below the position, as its leader epochs show.
        truncated: bool,
    },
}

/// The answer to a question.
#[derive(Debug)]
pub(super) enum Answer {
    Start {
        rebalance: RebalanceId,
        assignment: Assignment,
        /// The leader epoch of the record before what was committed, if the commit named it.
        leader_epoch: Option<i32>,
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
    outbox: Outbox,
    answer: impl Fn(Answer) + Send + Sync + 'static,
) -> io::Result<Sender<Vec<Question>>> {
    let (sender, questions) = channel();
    let asker = Asker {
        consumer,
        topics,
        answer: Arc::new(answer),
    };
    let lookups = Lookups {
        asker,
        outbox: outbox.clone(),
        asked: BTreeMap::new(),
    };
    let run = move |lookups: &mut Lookups| lookups.run(&questions);
    threads::spawn("plimsoll-lookup", outbox, lookups, run, drop)?;
    Ok(sender)
}

/// The thread, with all that it works on.
struct Lookups {
    asker: Asker,
    outbox: Outbox,
    /// The brokers that are asked for ends.
    asked: BTreeMap<i32, JoinHandle<()>>,
}

/// Asks brokers, and blocks meanwhile.
#[derive(Clone)]
struct Asker {
    consumer: Arc<RawConsumer>,
    topics: Arc<Topics>,
    answer: Arc<dyn Fn(Answer) + Send + Sync>,
}

/// The answers about a topic, as far as there are some.
struct Known {
    /// The leaders of the partitions that have one.
    leaders: BTreeMap<u32, i32>,
    /// The number of partitions.
    partitions: u32,
    /// What the group committed for each partition; an error where that is not known.
    committed: Vec<KafkaResult<Committed>>,
}

/// The offset that the group committed for a partition, if it did.
type Committed = Option<CommittedOffset>;

#[derive(Clone, Copy)]
struct CommittedOffset {
    next: NextOffset,
    /// The leader epoch of the record before it, if the commit names it.
    leader_epoch: Option<i32>,
    /// The number of partitions that stands in the metadata of the commit.
    founding_partitions: u32,
}

/// A question that is left to the leader of its partition, and what is known already.
struct Rest {
    question: Question,
    partitions: u32,
    founding_partitions: Option<u32>,
}

impl Lookups {
    fn run(&mut self, questions: &Receiver<Vec<Question>>) {
        let mut open: Vec<Question> = Vec::new();
        let mut pause = PAUSES.0;
        loop {
            let next = if open.is_empty() {
                questions.recv().map_err(RecvTimeoutError::from)
            } else {
                questions.recv_timeout(pause)
            };
            match next {
                Ok(more) => {
                    open.extend(more);
                    pause = PAUSES.0;
                }
                Err(RecvTimeoutError::Timeout) => pause = PAUSES.1.min(pause * 2),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            open.retain(Question::is_wanted);
            self.ask(&open);
        }
    }

    /// Asks for all that is open, once.
    fn ask(&mut self, open: &[Question]) {
        let mut by_leader: BTreeMap<i32, Vec<Rest>> = BTreeMap::new();
        for (number, topic) in (0..).zip(self.asker.topics.names()) {
            let of_topic = open.iter().filter(|q| q.partition.topic == number);
            let of_topic: Vec<&Question> = of_topic.filter(|q| q.is_wanted()).collect();
            if of_topic.is_empty() {
                continue;
            }
            match self.asker.known(number, topic, &of_topic) {
                Ok(known) => {
                    for question in of_topic {
                        if let Some((leader, rest)) = self.asker.answer_by(&known, question) {
                            by_leader.entry(leader).or_default().push(rest);
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, topic, "a lookup failed, and is tried again");
                }
            }
        }
        self.asked.retain(|_, thread| !thread.is_finished());
        for (leader, rest) in by_leader {
            if !self.asked.contains_key(&leader) {
                self.ask_leader(leader, rest);
            }
        }
    }

    /// Asks a broker for ends, on a thread of its own.
    fn ask_leader(&mut self, leader: i32, rest: Vec<Rest>) {
        let (asker, outbox) = (self.asker.clone(), self.outbox.clone());
        let ask = move |asker: &mut Asker| asker.answer_by_ends(leader, &rest);
        match threads::spawn("plimsoll-ends", outbox, asker, ask, drop) {
            Ok(thread) => _ = self.asked.insert(leader, thread),
            Err(error) => tracing::warn!(%error, "a thread could not be started"),
        }
    }
}

impl Asker {
    /// Returns what is known of a topic, as far as these questions need it.
    fn known(&self, number: u32, topic: &str, questions: &[&Question]) -> KafkaResult<Known> {
        let metadata = self.consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
        let found = found.ok_or(unknown)?;
        if let Some(error) = found.error() {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let leaders = found.partitions().iter().filter_map(|partition| {
            let leader = Some(partition.leader()).filter(|leader| *leader >= 0)?;
            Some((u32::try_from(partition.id()).ok()?, leader))
        });
        // A broker may not have heard of the newest partitions yet.
        let highest = questions.iter().map(|q| q.partition.partition).max();
        let counted = u32::try_from(found.partitions().len()).unwrap_or(u32::MAX);
        let partitions = counted.max(highest.map_or(0, |highest| highest + 1));
        let starts = questions.iter().any(|question| question.is_about_start());
        Ok(Known {
            leaders: leaders.collect(),
            partitions,
            committed: match starts {
                true => self.committed(number, partitions)?,
                false => Vec::new(),
            },
        })
    }

    /// Returns what the group committed for each partition of a topic. A commit of another client
    /// has no number of partitions in its metadata, which counts as 0: then every partition counts
    /// as added later, and nothing is skipped.
    fn committed(&self, topic: u32, partitions: u32) -> KafkaResult<Vec<KafkaResult<Committed>>> {
        let all = (0..partitions).map(|number| (TopicPartition::new(topic, number), None));
        let list = self.topics.list(all);
        let found = self.consumer.committed_offsets(list, TIMEOUT)?;
        let epochs = leader_epochs(&found);
        let elements = found.elements().into_iter().zip(epochs);
        let committed = elements.map(|(element, leader_epoch)| {
            element.error()?;
            let founding_partitions = commit_metadata::read(element.metadata());
            Ok(next_offset(element.offset()).map(|next| CommittedOffset {
                next,
                leader_epoch,
                founding_partitions,
            }))
        });
        Ok(committed.collect())
    }

    /// Answers a question by what is known of its topic; returns what is left to the leader of the
    /// partition, if it is not answered.
    fn answer_by(&self, known: &Known, question: &Question) -> Option<(i32, Rest)> {
        let Question { partition, .. } = *question;
        let again = |problem: &str| {
            let topic = self.topics.name(partition.topic).map(|name| &**name);
            let partition = partition.partition;
            tracing::warn!(topic, partition, "{problem}, and is asked for again");
        };
        let founding = known.committed.iter().flatten().flatten();
        let founding_partitions = founding.map(|c| c.founding_partitions).min();
        if let About::Start { rebalance } = question.about {
            match known.committed.get(partition.partition as usize) {
                Some(Ok(Some(CommittedOffset {
                    next, leader_epoch, ..
                }))) => {
                    let assignment = Assignment {
                        partition,
                        committed: Some(*next),
                        // Where the group goes on, the ends do not matter: its leader need not be
                        // there yet.
                        log_start: *next,
                        high_watermark: *next,
                        founding_partitions,
                        partitions: known.partitions,
                    };
                    (self.answer)(Answer::Start {
                        rebalance,
                        assignment,
                        leader_epoch: *leader_epoch,
                    });
                    return None;
                }
                // Whether a partition was added later is told by what was committed for the others.
                Some(Ok(None)) if known.committed.iter().all(Result::is_ok) => {}
                _ => {
                    again("the group's offset is not known");
                    return None;
                }
            }
        }
        let Some(leader) = known.leaders.get(&partition.partition) else {
            again("the partition has no leader");
            return None;
        };
        let rest = Rest {
            question: question.clone(),
            partitions: known.partitions,
            founding_partitions,
        };
        Some((*leader, rest))
    }

    /// Answers questions by the ends of their partitions, which one broker leads.
    fn answer_by_ends(&self, leader: i32, rest: &[Rest]) {
        let Err(error) = self.answer_together(rest) else {
            return;
        };
        tracing::warn!(%error, leader, "a lookup of ends failed, and is tried again");
        if rest.len() > 1 && !is_silence(&error) {
            for one in rest {
                // The others do not wait until this one can be answered.
                let _ = self.answer_together(std::slice::from_ref(one));
            }
        }
    }

    fn answer_together(&self, rest: &[Rest]) -> KafkaResult<()> {
        let starts = self.ends(rest, Offset::Beginning)?;
        if !rest.iter().any(|rest| rest.question.is_wanted()) {
            return Ok(());
        }
        let ends = self.ends(rest, Offset::End)?;
        for (rest, (log_start, high_watermark)) in rest.iter().zip(starts.into_iter().zip(ends)) {
            (self.answer)(rest.answer(log_start, high_watermark));
        }
        Ok(())
    }

    /// Returns one end of each partition.
    fn ends(&self, rest: &[Rest], end: Offset) -> KafkaResult<Vec<NextOffset>> {
        let all = rest.iter().map(|rest| (rest.question.partition, Some(end)));
        let list = self.topics.list(all);
        let found = self.consumer.offsets_for_times(list, TIMEOUT)?;
        let elements = found.elements().into_iter().map(|element| {
            element.error()?;
            let missing = KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset);
            next_offset(element.offset()).ok_or(missing)
        });
        let ends = elements.collect::<KafkaResult<Vec<NextOffset>>>()?;
        match ends.len() == rest.len() {
            true => Ok(ends),
            false => Err(KafkaError::OffsetFetch(RDKafkaErrorCode::BadMessage)),
        }
    }
}

impl Question {
    fn is_wanted(&self) -> bool {
        self.wanted.strong_count() > 0
    }

    const fn is_about_start(&self) -> bool {
        matches!(self.about, About::Start { .. })
    }
}

impl Rest {
    fn answer(&self, log_start: NextOffset, mut high_watermark: NextOffset) -> Answer {
        let Question { partition, .. } = self.question;
        match self.question.about {
            About::Start { rebalance } => Answer::Start {
                rebalance,
                assignment: Assignment {
                    partition,
                    committed: None,
                    log_start,
                    high_watermark,
                    founding_partitions: self.founding_partitions,
                    partitions: self.partitions,
                },
                leader_epoch: None,
            },
            About::Ends {
                epoch,
                position,
                truncated,
            } => {
                if truncated && position > log_start {
                    // The log may have grown past the position again, with other records: an end
                    // above the position would say that the position is good.
                    high_watermark = high_watermark.min(NextOffset::new(position.get() - 1));
                }
                Answer::Ends {
                    partition,
                    epoch,
                    position,
                    log_start,
                    high_watermark,
                }
            }
        }
    }
}
