//! Rebalances, and all other changes of librdkafka's assignment.
//!
//! While librdkafka waits for the answer to a rebalance, it fetches nothing at all. So an
//! assignment is answered soon, with the partitions whose starts are known by then; the others are
//! added to it later, each as if the group had just given it to the member.

use super::context::{Callback, RawConsumer, assign, unassign};
use super::fetching::{Fetching, Truncated};
use super::lookups::{About, Answer, Question, Wanted};
use super::thread::PollThread;
use super::topics::Topics;
use crate::ClientError;
use plimsoll_core::{
    Assignment, AssignmentEpoch, Event, NextOffset, RebalanceId, Start, TopicPartition,
};
use plimsoll_librdkafka::is_dismissed;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time for which an assignment waits for starts. The lookups of healthy brokers take a
/// few round trips.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The rebalance that librdkafka waits for, and what is to follow it.
#[derive(Default)]
pub(super) struct Rebalances {
    last: u32,
    unanswered: Option<Unanswered>,
    /// The partitions whose starts are looked up.
    sought: BTreeMap<TopicPartition, Sought>,
    /// The starts that were found, and that the core was not told yet.
    found: Vec<Assignment>,
    /// The partitions that the core was told of after their rebalance was answered, by the number
    /// under which it was told.
    late: BTreeMap<RebalanceId, Vec<TopicPartition>>,
    /// The changes that wait until the rebalance is answered: librdkafka would take them for the
    /// answer.
    changes: Vec<Change>,
}

struct Unanswered {
    id: RebalanceId,
    kind: Kind,
    partitions: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An assignment of which the core was not told yet, and is at the latest then.
    Assigns { tell_by: Instant },
    /// An assignment of which the core was told.
    Assigned,
    /// A revocation.
    Revoked,
    /// A loss.
    Lost,
}

impl Kind {
    const fn gives_up(self) -> bool {
        matches!(self, Self::Revoked | Self::Lost)
    }
}

/// A partition whose start is looked up.
struct Sought {
    rebalance: RebalanceId,
    /// A token that is dropped when the start is found, or not needed any more: then the lookup
    /// ends.
    _wanted: Wanted,
}

/// A change of librdkafka's assignment.
enum Change {
    Begin(Vec<Start>),
    Seek(TopicPartition, AssignmentEpoch, NextOffset),
}

impl Rebalances {
    fn next_id(&mut self) -> RebalanceId {
        self.last = self.last.wrapping_add(1);
        RebalanceId(self.last)
    }

    /// Takes the rebalance that librdkafka waits for, if it is this one.
    fn take_unanswered(&mut self, id: RebalanceId, assigns: bool) -> Option<Unanswered> {
        self.unanswered
            .take_if(|u| u.id == id && (u.kind == Kind::Assigned) == assigns)
    }

    /// Forgets what was to begin of partitions that are given up.
    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.sought.retain(|id, _| !partitions.contains(id));
        self.found.retain(|a| !partitions.contains(&a.partition));
        for late in self.late.values_mut() {
            late.retain(|id| !partitions.contains(id));
        }
        for change in &mut self.changes {
            if let Change::Begin(starts) = change {
                starts.retain(|start| !partitions.contains(&start.partition));
            }
        }
    }

    /// Takes what the core is to be told of partitions whose starts are known.
    fn take_assigned(&mut self) -> Option<(RebalanceId, Vec<Assignment>)> {
        if let Some(unanswered) = &mut self.unanswered
            && let Kind::Assigns { tell_by } = unanswered.kind
        {
            let sought = &self.sought;
            let is_known = |id| !sought.contains_key(id);
            let all_known = unanswered.partitions.iter().all(is_known);
            return (all_known || Instant::now() >= tell_by).then(|| {
                unanswered.kind = Kind::Assigned;
                (unanswered.id, std::mem::take(&mut self.found))
            });
        }
        if self.found.is_empty() {
            return None;
        }
        let (id, found) = (self.next_id(), std::mem::take(&mut self.found));
        self.late
            .insert(id, found.iter().map(|a| a.partition).collect());
        Some((id, found))
    }

    /// Answers the rebalance that librdkafka waits for, as the member is about to leave.
    pub(super) fn close(self, consumer: &RawConsumer, topics: &Topics) {
        let Some(unanswered) = self.unanswered else {
            return;
        };
        let partitions = unanswered.partitions.iter();
        let list = topics.list(partitions.map(|p| (*p, None)));
        let assigns = !unanswered.kind.gives_up();
        consumer.context().answer(consumer, assigns, &list);
    }
}

/// Rebalances.
impl PollThread {
    /// Takes a rebalance that librdkafka reports. librdkafka goes on when it has the answer, and
    /// reports no other one in the meantime, unless it had to give this one up.
    pub(super) fn rebalance(&mut self, callback: Callback) {
        if self.topics.set_group_unavailable(false) {
            tracing::info!("the group takes the member");
        }
        let id = self.rebalances.next_id();
        let (kind, partitions) = match callback {
            Callback::Assign(partitions) => {
                self.seek_starts(id, &partitions);
                let tell_by = Instant::now() + ANSWER_WITHIN;
                (Kind::Assigns { tell_by }, partitions)
            }
            Callback::Revoke(partitions) => {
                self.outbox.tell(Event::Revoked {
                    rebalance: id,
                    partitions: partitions.clone(),
                });
                (Kind::Revoked, partitions)
            }
            Callback::Lost(partitions) => {
                self.outbox.tell(Event::Lost {
                    rebalance: id,
                    partitions: partitions.clone(),
                });
                (Kind::Lost, partitions)
            }
            Callback::Interrupted(reason) => {
                return self.outbox.fail(ClientError::Fatal {
                    reason: reason.to_string(),
                });
            }
        };
        if kind.gives_up() {
            self.rebalances.forget(&partitions);
            // Partitions that are about to go need no more records.
            for partition in &partitions {
                self.pause(*partition, true);
            }
        }
        self.rebalances.unanswered = Some(Unanswered {
            id,
            kind,
            partitions,
        });
    }

    fn seek_starts(&mut self, rebalance: RebalanceId, partitions: &[TopicPartition]) {
        let questions = partitions.iter().map(|partition| {
            let wanted = Wanted::default();
            let question = Question {
                partition: *partition,
                about: About::Start { rebalance },
                wanted: Arc::downgrade(&wanted),
            };
            let sought = Sought {
                rebalance,
                _wanted: wanted,
            };
            self.rebalances.sought.insert(*partition, sought);
            question
        });
        let questions = questions.collect();
        self.ask(questions);
    }

    /// Tells the core of partitions whose starts are known, once it is time for that.
    pub(super) fn tell_assigned(&mut self) {
        if let Some((rebalance, partitions)) = self.rebalances.take_assigned() {
            let unknown = self.rebalances.sought.len();
            if tracing::enabled!(tracing::Level::DEBUG) {
                let known = self.topics.shown(partitions.iter().map(|a| a.partition));
                tracing::debug!(known, unknown, "starts are known");
            }
            self.outbox.tell(Event::Assigned {
                rebalance,
                partitions,
            });
        }
    }

    pub(super) fn complete_assign(&mut self, rebalance: RebalanceId, mut starts: Vec<Start>) {
        if self.rebalances.take_unanswered(rebalance, true).is_some() {
            self.begin(&starts);
        } else if let Some(late) = self.rebalances.late.remove(&rebalance) {
            starts.retain(|start| late.contains(&start.partition));
            self.rebalances.changes.push(Change::Begin(starts));
        }
        self.change_if_quiet();
    }

    pub(super) fn complete_revoke(&mut self, rebalance: RebalanceId) {
        let Some(unanswered) = self.rebalances.take_unanswered(rebalance, false) else {
            return;
        };
        // What was given up before it was fetched is not in librdkafka's assignment, and a list
        // that has more than that is refused as a whole.
        let mut revoked = unanswered.partitions;
        revoked.retain(|partition| self.fetching.contains_key(partition));
        let list = self.topics.list(revoked.iter().map(|p| (*p, None)));
        self.check(unassign(&self.consumer, &list));
        for partition in revoked {
            if let Some(fetching) = self.fetching.remove(&partition) {
                fetching.discard();
            }
        }
        self.change_if_quiet();
    }

    /// Notices that the group has let the member go while librdkafka waits for the answer to a
    /// rebalance. The handlers of what is given up would work on beside those of its next owner until
    /// the deadline of the revocation.
    pub(super) fn notice_dismissal(&mut self) {
        if let Some(Unanswered {
            kind: Kind::Assigns { .. } | Kind::Assigned | Kind::Revoked,
            partitions,
            ..
        }) = &self.rebalances.unanswered
            && !partitions.is_empty()
            && is_dismissed(&self.consumer)
        {
            let partitions = partitions.clone();
            tracing::warn!("the group has let the member go in the middle of a rebalance");
            self.dismissed(&partitions);
        }
    }

    /// Goes on after the group has let the member go, and refused a commit of these partitions, for
    /// example.
    ///
    /// librdkafka tells no loss before it has the answer to a rebalance
    /// (`rd_kafka_cgrp_revoke_all_rejoin_maybe`). The core answers an assignment once its start is
    /// committed, and a revocation once its last commit is accepted; so the two would wait for each
    /// other, for ever or until the deadline of the revocation. An assignment is answered with none
    /// of its partitions; what is being given up is lost.
    pub(super) fn dismissed(&mut self, carried: &[TopicPartition]) {
        let asked = |u: &mut Unanswered| u.partitions.iter().any(|given| carried.contains(given));
        let Some(unanswered) = self.rebalances.unanswered.take_if(asked) else {
            return;
        };
        if unanswered.kind.gives_up() {
            if unanswered.kind == Kind::Revoked {
                self.outbox.tell(Event::Lost {
                    rebalance: unanswered.id,
                    partitions: unanswered.partitions.clone(),
                });
            }
            let kind = Kind::Lost;
            self.rebalances.unanswered = Some(Unanswered { kind, ..unanswered });
        } else {
            self.rebalances.forget(&unanswered.partitions);
            self.check(assign(&self.consumer, &TopicPartitionList::new()));
            self.change_if_quiet();
        }
    }

    /// Ends the client if librdkafka refused a change of the assignment: its state is then unknown.
    fn check(&self, result: KafkaResult<()>) {
        if let Err(error) = result {
            self.fail(&error);
        }
    }
}

/// Positions.
impl PollThread {
    /// Takes the answer of a lookup, if it is still awaited.
    pub(super) fn found(&mut self, answer: Answer) {
        match answer {
            Answer::Start {
                rebalance,
                assignment,
                leader_epoch,
            } => {
                let id = assignment.partition;
                let sought = self.rebalances.sought.get(&id);
                if sought.is_some_and(|sought| sought.rebalance == rebalance) {
                    self.rebalances.sought.remove(&id);
                    let committed = assignment.committed.unwrap_or_default();
                    self.leader_epochs.begin(id, committed, leader_epoch);
                    self.rebalances.found.push(assignment);
                }
            }
            Answer::Ends {
                partition,
                epoch,
                position,
                log_start,
                high_watermark,
            } => {
                if let Some(fetching) = self.fetching.get_mut(&partition)
                    && fetching.epoch == epoch
                    && fetching.refused
                {
                    // (The question ends with its token.)
                    fetching.wanted = Wanted::default();
                    self.outbox.tell(Event::OutOfRange {
                        partition,
                        epoch,
                        position,
                        log_start,
                        high_watermark,
                    });
                }
            }
        }
    }

    pub(super) fn ask_for_ends(&self, partition: TopicPartition, truncated: Truncated) {
        if let Some(fetching) = self.fetching.get(&partition) {
            let about = About::Ends {
                epoch: fetching.epoch,
                position: fetching.next,
                truncated,
            };
            self.ask(vec![Question {
                partition,
                about,
                wanted: Arc::downgrade(&fetching.wanted),
            }]);
        }
    }

    fn ask(&self, questions: Vec<Question>) {
        if self.lookups.send(questions).is_err() {
            self.outbox.fail(ClientError::Ended);
        }
    }

    pub(super) fn seek(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
    ) {
        let seek = Change::Seek(partition, epoch, position);
        self.rebalances.changes.push(seek);
        self.change_if_quiet();
    }

    /// Changes what is fetched, unless librdkafka waits for the answer to a rebalance: it takes any
    /// change for that (`rd_kafka_cgrp_incremental_unassign`).
    fn change_if_quiet(&mut self) {
        if self.rebalances.changes.is_empty() {
            return;
        }
        // A rebalance may be told that was not heard yet.
        self.serve();
        if self.rebalances.unanswered.is_some() {
            return;
        }
        for change in std::mem::take(&mut self.rebalances.changes) {
            match change {
                Change::Begin(starts) => self.begin(&starts),
                Change::Seek(partition, epoch, position) => {
                    self.fetch_from(partition, epoch, position);
                }
            }
        }
    }

    /// Begins to fetch partitions.
    fn begin(&mut self, starts: &[Start]) {
        for start in starts {
            let id = start.partition;
            // When an old queue of the same partition is dropped, it takes the callback for
            // wake-ups along: so it goes before the new one comes.
            self.fetching.remove(&id);
            let Some(topic) = self.topics.name(id.topic) else {
                continue;
            };
            let (consumer, waker, epochs) = (&self.consumer, &self.waker, &self.leader_epochs);
            match Fetching::new(
                consumer,
                waker,
                epochs,
                topic,
                id,
                start.epoch,
                start.position,
            ) {
                Some(fetching) => _ = self.fetching.insert(id, fetching),
                None => self.outbox.fail(ClientError::Fatal {
                    reason: format!("librdkafka has no queue for {topic} [{}]", id.partition),
                }),
            }
        }
        let list = self.positions(starts.iter().map(|s| (s.partition, s.position)));
        self.check(match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.assign_all(),
        });
    }

    /// Fetches from another position. A seek is a new assignment: after a refused position
    /// librdkafka refuses a seek as well.
    fn fetch_from(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
    ) {
        let Some(fetching) = self.fetching.get_mut(&partition) else {
            return;
        };
        if fetching.epoch != epoch {
            return;
        }
        fetching.begin_at(position);
        self.check(match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                let one = self.positions([(partition, position)]);
                let gone = self.consumer.incremental_unassign(&one);
                gone.and_then(|()| self.consumer.incremental_assign(&one))
            }
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.assign_all(),
        });
    }

    /// Lets librdkafka fetch all partitions from where each of them is: where the group rebalances
    /// eagerly, it takes an assignment only as a whole.
    fn assign_all(&self) -> KafkaResult<()> {
        let all = self.fetching.iter().map(|(id, f)| (*id, f.next));
        self.consumer.assign(&self.positions(all))
    }
}
