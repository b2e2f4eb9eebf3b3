//! Rebalances, and all other changes of librdkafka's assignment.
//!
//! An assignment is answered at once, with none of its partitions: each is added to what is fetched
//! when its start is known and the core has taken it. While librdkafka waits for the answer to an
//! assignment it fetches nothing at all; and if the metadata change before that, a member of an
//! eager group joins again with what it was given, and is told of the next assignment without a
//! revocation between (`rd_kafka_cgrp_revoke_all_rejoin`). Partitions of the earlier one would be
//! fetched and committed beside their next owner for ever.

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

/// The longest time for which the starts that are known of an assignment wait for the others, so that
/// the core is told of all at once. The lookups of healthy brokers take a few round trips.
const TELL_WITHIN: Duration = Duration::from_millis(500);

/// The assignments that have not begun, and the rebalance that librdkafka waits for.
#[derive(Default)]
pub(super) struct Rebalances {
    last: u32,
    /// The partitions that the core is to give up, and has not yet.
    unanswered: Option<Unanswered>,
    /// The partitions whose starts are looked up.
    sought: BTreeMap<TopicPartition, Sought>,
    /// The starts that were found, and that the core was not told yet.
    found: Vec<Assignment>,
    /// The time at which the core is told of them in any case.
    tell_by: Option<Instant>,
    /// The partitions that the core was told of, and has not answered, by the number under which it
    /// was told.
    told: BTreeMap<RebalanceId, Vec<TopicPartition>>,
    /// The changes that wait until the core has given up what it is to: librdkafka would take them
    /// for the answer.
    changes: Vec<Change>,
}

struct Unanswered {
    id: RebalanceId,
    kind: Kind,
    partitions: Vec<TopicPartition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Revoked,
    Lost,
}

impl Kind {
    /// Returns what the core is told of partitions that it is to give up.
    fn event<P>(self, rebalance: RebalanceId, partitions: Vec<TopicPartition>) -> Event<P> {
        match self {
            Self::Revoked => Event::Revoked {
                rebalance,
                partitions,
            },
            Self::Lost => Event::Lost {
                rebalance,
                partitions,
            },
        }
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

    /// Forgets what was to begin of partitions that are given up.
    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.sought.retain(|id, _| !partitions.contains(id));
        self.found.retain(|a| !partitions.contains(&a.partition));
        for told in self.told.values_mut() {
            told.retain(|id| !partitions.contains(id));
        }
        for change in &mut self.changes {
            if let Change::Begin(starts) = change {
                starts.retain(|start| !partitions.contains(&start.partition));
            }
        }
    }

    /// Takes what the core is to be told of partitions whose starts are known, once that is so of all,
    /// or they have waited long enough for the others.
    fn take_assigned(&mut self) -> Option<(RebalanceId, Vec<Assignment>)> {
        let waits = self.tell_by.is_some_and(|tell_by| Instant::now() < tell_by);
        if self.found.is_empty() || waits && !self.sought.is_empty() {
            return None;
        }
        let (id, found) = (self.next_id(), std::mem::take(&mut self.found));
        self.told
            .insert(id, found.iter().map(|a| a.partition).collect());
        Some((id, found))
    }

    /// Answers what librdkafka waits for, as the member is about to leave.
    pub(super) fn close(self, consumer: &RawConsumer, topics: &Topics) {
        let Some(unanswered) = self.unanswered else {
            return;
        };
        let partitions = unanswered.partitions.iter();
        let list = topics.list(partitions.map(|p| (*p, None)));
        consumer.context().answer(consumer, false, &list);
    }
}

/// Rebalances.
impl PollThread {
    /// Takes a rebalance that librdkafka reports.
    pub(super) fn rebalance(&mut self, callback: Callback) {
        if self.topics.set_group_unavailable(false) {
            tracing::info!("the group takes the member");
        }
        match callback {
            Callback::Assign(partitions) => self.take_assignment(&partitions),
            Callback::Revoke(partitions) => self.give_up(Kind::Revoked, partitions),
            Callback::Lost(partitions) => self.give_up(Kind::Lost, partitions),
            Callback::Interrupted(reason) => self.outbox.fail(ClientError::Fatal {
                reason: reason.to_string(),
            }),
        }
    }

    /// Answers an assignment, and looks up where its partitions begin.
    fn take_assignment(&mut self, partitions: &[TopicPartition]) {
        match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {}
            RebalanceProtocol::Eager | RebalanceProtocol::None => self.lose_earlier(),
        }
        self.check(assign(&self.consumer, &TopicPartitionList::new()));
        self.rebalances.tell_by = Some(Instant::now() + TELL_WITHIN);
        self.seek_starts(partitions);
    }

    /// Gives up what an eager group gave to the member before, and has given anew by now without
    /// asking for it.
    fn lose_earlier(&mut self) {
        let rebalances = &self.rebalances;
        let sought = rebalances.sought.keys();
        let found = rebalances.found.iter().map(|a| &a.partition);
        let told = rebalances.told.values().flatten();
        let mut earlier: Vec<TopicPartition> = self.fetching.keys().copied().collect();
        earlier.extend(sought.chain(found).chain(told));
        earlier.sort_unstable();
        earlier.dedup();
        if !earlier.is_empty() {
            tracing::warn!("the group assigns without having revoked: what was assigned is lost");
            self.give_up(Kind::Lost, earlier);
        }
    }

    /// Lets the core give partitions up. librdkafka goes on when it has the answer, and reports
    /// nothing else in the meantime.
    fn give_up(&mut self, kind: Kind, mut partitions: Vec<TopicPartition>) {
        let rebalance = self.rebalances.next_id();
        self.rebalances.forget(&partitions);
        // Partitions that are about to go need no more records.
        for partition in &partitions {
            self.pause(*partition, true);
        }
        self.outbox.tell(kind.event(rebalance, partitions.clone()));
        // The answer to this is one to what was lost before, too.
        if let Some(earlier) = self.rebalances.unanswered.take() {
            partitions.extend(earlier.partitions);
        }
        self.rebalances.unanswered = Some(Unanswered {
            id: rebalance,
            kind,
            partitions,
        });
    }

    fn seek_starts(&mut self, partitions: &[TopicPartition]) {
        let rebalance = self.rebalances.next_id();
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
        if let Some(told) = self.rebalances.told.remove(&rebalance) {
            starts.retain(|start| told.contains(&start.partition));
            self.rebalances.changes.push(Change::Begin(starts));
        }
        self.change_if_quiet();
    }

    pub(super) fn complete_revoke(&mut self, rebalance: RebalanceId) {
        let unanswered = &mut self.rebalances.unanswered;
        let Some(unanswered) = unanswered.take_if(|u| u.id == rebalance) else {
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
    /// revocation. The handlers of what is given up would work on beside those of its next owner until
    /// the deadline of the revocation.
    pub(super) fn notice_dismissal(&mut self) {
        if let Some(Unanswered {
            kind: Kind::Revoked,
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
    /// example: what is being given up is lost.
    ///
    /// librdkafka tells no loss before it has the answer to a revocation
    /// (`rd_kafka_cgrp_revoke_all_rejoin_maybe`), and the core answers that once its last commit is
    /// accepted; so the two would wait for each other until the deadline of the revocation.
    pub(super) fn dismissed(&mut self, carried: &[TopicPartition]) {
        let Some(unanswered) = &mut self.rebalances.unanswered else {
            return;
        };
        let mut given_up = unanswered.partitions.iter();
        if unanswered.kind == Kind::Revoked && given_up.any(|given| carried.contains(given)) {
            unanswered.kind = Kind::Lost;
            let lost = Kind::Lost.event(unanswered.id, unanswered.partitions.clone());
            self.outbox.tell(lost);
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
