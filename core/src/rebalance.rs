//! Assignments, revocations, losses and the shutdown.

use crate::partition::Partition;
use crate::{
    Assignment, AssignmentEpoch, Command, Config, Consumer, InitialPosition, Instant, NextOffset,
    OutOfRangePolicy, RebalanceId, Start, TopicPartition,
};

/// Partitions, each with the assignment that is meant: by now there may be a newer one.
type Owned = Vec<(TopicPartition, AssignmentEpoch)>;

/// The rebalances that this member has to answer, and its shutdown.
#[derive(Debug, Default)]
pub(crate) struct Rebalances {
    /// The assignments whose start is not committed yet.
    assigns: Vec<(RebalanceId, Owned)>,
    /// The revocations and the shutdown that are not answered yet.
    drains: Vec<Drain>,
    /// Whether the shutdown has begun.
    closing: bool,
    closed: bool,
}

/// Partitions that are being given up: handlers end, then what they finished is committed.
#[derive(Debug)]
struct Drain {
    reason: Reason,
    partitions: Owned,
    /// The moment at which the handlers in flight are cancelled.
    cancel_at: Instant,
    /// The moment from which the last commit is not waited for any longer.
    give_up_at: Instant,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Revoked(RebalanceId),
    Shutdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for the handlers in flight.
    Handlers,
    /// Waiting until a commit of all that they finished is accepted; after one that is not, the
    /// next one follows.
    Commit,
}

impl Rebalances {
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.drains.iter().map(|drain| match drain.phase {
            Phase::Handlers => drain.cancel_at,
            Phase::Commit => drain.give_up_at,
        });
        deadlines.min()
    }

    /// Returns whether a last commit is waited for.
    pub(crate) fn awaits_commit(&self) -> bool {
        self.drains.iter().any(|drain| drain.phase == Phase::Commit)
    }

    /// Returns whether nothing waits for an answer, as is the case for nearly every event.
    #[inline]
    pub(crate) const fn is_quiet(&self) -> bool {
        self.assigns.is_empty() && self.drains.is_empty()
    }
}

impl Drain {
    fn new(reason: Reason, partitions: Owned, now: Instant, config: &Config) -> Self {
        let (for_handlers, for_all) = match reason {
            Reason::Revoked(_) => (config.revoke_deadline, config.longest_revocation()),
            Reason::Shutdown => (config.shutdown_deadline, config.longest_shutdown()),
        };
        Self {
            reason,
            partitions,
            cancel_at: now + for_handlers,
            give_up_at: now + for_all,
            phase: Phase::Handlers,
        }
    }
}

impl<P: Clone> Consumer<P> {
    /// Takes over partitions that the group gave to this member.
    pub(crate) fn assigned(&mut self, rebalance: RebalanceId, assignments: Vec<Assignment>) {
        let mut owned = Owned::with_capacity(assignments.len());
        for assignment in assignments {
            let id = assignment.partition;
            self.drop_partition(id);
            self.last_epoch = AssignmentEpoch(self.last_epoch.0.wrapping_add(1));
            let epoch = self.last_epoch;
            let (start, at_end) = start_of(&assignment, self.shared.config.initial);
            let founding = assignment.founding_partitions;
            let mut partition = Partition::new(
                id,
                epoch,
                start,
                assignment.committed,
                founding.unwrap_or(assignment.partitions),
                self.shared.config.ordering,
            );
            if at_end {
                // A crash before the start is committed would lose what is produced until the
                // next member starts, at what is the end by then.
                partition.await_start();
            }
            if self.rebalances.closing {
                partition.drain(&mut self.shared);
            }
            partition.mark_dirty(&mut self.shared);
            if partition.is_uncommitted() {
                self.shared.commits.hurry(self.shared.now);
            }
            self.partitions.insert(id, Box::new(partition));
            owned.push((id, epoch));
        }
        let mut drains = self.rebalances.drains.iter_mut();
        if let Some(shutdown) = drains.find(|drain| drain.reason == Reason::Shutdown) {
            // The start is still to be committed before the group is left.
            shutdown.partitions.extend(&owned);
            shutdown.phase = Phase::Handlers;
        }
        self.rebalances.assigns.push((rebalance, owned));
    }

    /// Begins to give up partitions that the group takes away; it waits for the answer.
    pub(crate) fn revoked(&mut self, rebalance: RebalanceId, partitions: &[TopicPartition]) {
        let owned = self.begin_drain(partitions);
        let reason = Reason::Revoked(rebalance);
        let drain = Drain::new(reason, owned, self.shared.now, &self.shared.config);
        self.rebalances.drains.push(drain);
    }

    /// Drops partitions that are gone, and may already have another owner. Where they were being
    /// given up, that is answered with it.
    pub(crate) fn lost(&mut self, rebalance: RebalanceId, partitions: &[TopicPartition]) {
        let drains = &mut self.rebalances.drains;
        drains.retain(|drain| drain.reason != Reason::Revoked(rebalance));
        for partition in partitions {
            self.drop_partition(*partition);
        }
        self.shared
            .commands
            .push_back(Command::CompleteRevoke { rebalance });
    }

    /// Begins to give up all partitions, in order to stop.
    pub(crate) fn shutdown(&mut self) {
        if self.rebalances.closing {
            return;
        }
        self.rebalances.closing = true;
        let all: Vec<TopicPartition> = self.partitions.keys().copied().collect();
        let owned = self.begin_drain(&all);
        let drain = Drain::new(
            Reason::Shutdown,
            owned,
            self.shared.now,
            &self.shared.config,
        );
        self.rebalances.drains.push(drain);
    }

    /// Moves a position that is outside of what the partition holds, as the policy says.
    pub(crate) fn out_of_range(
        &mut self,
        id: TopicPartition,
        epoch: AssignmentEpoch,
        log_start: NextOffset,
        high_watermark: NextOffset,
    ) {
        let Some(partition) = self.owned(id, epoch) else {
            return;
        };
        if partition.is_draining() || partition.is_halted() {
            return;
        }
        let position = partition.position();
        let target = match self.shared.config.out_of_range {
            OutOfRangePolicy::Earliest => log_start,
            OutOfRangePolicy::Latest => high_watermark,
            OutOfRangePolicy::Halt => position,
        };
        let Some(partition) = self.partitions.get_mut(&id) else {
            return;
        };
        if (log_start..=high_watermark).contains(&position) {
            // The refused position is not the one to read next: a late or repeated report.
            partition.seek_forward(position, &mut self.shared);
        } else if self.shared.config.out_of_range == OutOfRangePolicy::Halt {
            partition.halt(&mut self.shared);
        } else if position < log_start {
            partition.seek_forward(target, &mut self.shared);
        } else {
            partition.restart(target, &mut self.shared);
        }
    }

    /// Answers the rebalances that can be answered now.
    pub(crate) fn answer_rebalances(&mut self) {
        self.complete_assigns();
        // A drain that completes may be what another one waited for.
        while self.advance_drains() {}
        if self.rebalances.closed {
            self.shared.commands.push_back(Command::Close);
        }
    }

    fn complete_assigns(&mut self) {
        let assigns = std::mem::take(&mut self.rebalances.assigns);
        for (rebalance, owned) in assigns {
            let waits = owned
                .iter()
                .any(|&(id, epoch)| self.owned(id, epoch).is_some_and(Partition::awaits_start));
            if waits {
                self.rebalances.assigns.push((rebalance, owned));
                continue;
            }
            let starts = owned
                .iter()
                .filter_map(|&(id, epoch)| {
                    // What is given up already is not read: its start may not be committed.
                    let partition = self.owned(id, epoch).filter(|p| !p.is_draining())?;
                    Some(Start {
                        partition: id,
                        epoch,
                        position: partition.position(),
                    })
                })
                .collect();
            self.shared
                .commands
                .push_back(Command::CompleteAssign { rebalance, starts });
        }
    }

    /// Takes every drain as far as it gets; returns whether one was completed.
    fn advance_drains(&mut self) -> bool {
        for index in 0..self.rebalances.drains.len() {
            self.advance_drain(index);
        }
        let drains = std::mem::take(&mut self.rebalances.drains);
        // The shutdown drains all partitions there are: with it, every revocation is complete.
        let closes = drains
            .iter()
            .any(|drain| drain.reason == Reason::Shutdown && self.is_complete(drain));
        self.rebalances.closed |= closes;
        let (done, waiting): (Vec<Drain>, Vec<Drain>) = drains
            .into_iter()
            .partition(|drain| closes || self.is_complete(drain));
        self.rebalances.drains = waiting;
        for drain in &done {
            for &(id, epoch) in &drain.partitions {
                if self.owned(id, epoch).is_some() {
                    self.drop_partition(id);
                }
            }
            if let Reason::Revoked(rebalance) = drain.reason {
                self.shared
                    .commands
                    .push_back(Command::CompleteRevoke { rebalance });
            }
        }
        !done.is_empty()
    }

    fn advance_drain(&mut self, index: usize) {
        let drain = &self.rebalances.drains[index];
        if drain.phase != Phase::Handlers {
            return;
        }
        let idle = drain
            .partitions
            .iter()
            .all(|&(id, epoch)| self.owned(id, epoch).is_none_or(Partition::is_idle));
        if !idle && self.shared.now < drain.cancel_at {
            return;
        }
        for (id, epoch) in drain.partitions.clone() {
            if let Some(partition) = self.partitions.get_mut(&id)
                && partition.epoch() == epoch
            {
                partition.abandon(&mut self.shared);
                // Also where only an earlier commit is in doubt.
                partition.mark_dirty(&mut self.shared);
            }
        }
        if self.is_uncommitted(&self.rebalances.drains[index]) {
            self.shared.commits.hurry_last(self.shared.now);
        }
        self.rebalances.drains[index].phase = Phase::Commit;
    }

    /// Returns whether the partitions of this drain can be given up.
    ///
    /// What was finished there must be committed. No commit in flight may carry one of them, the
    /// drain's own last one or any other: it must not arrive after the partition has its next
    /// owner.
    fn is_complete(&self, drain: &Drain) -> bool {
        if drain.phase == Phase::Handlers {
            return false;
        }
        let commits = &self.shared.commits;
        let mut partitions = drain.partitions.iter();
        let carried = partitions.any(|&(id, _)| commits.carries(id));
        let committed = !carried && !self.is_uncommitted(drain);
        committed || self.shared.now >= drain.give_up_at
    }

    /// Returns whether a partition of this drain has something of which no commit was accepted yet.
    fn is_uncommitted(&self, drain: &Drain) -> bool {
        let mut partitions = drain.partitions.iter();
        partitions.any(|&(id, epoch)| self.owned(id, epoch).is_some_and(Partition::is_uncommitted))
    }

    /// Stops starting handlers for those of `partitions` that are owned, and returns these.
    fn begin_drain(&mut self, partitions: &[TopicPartition]) -> Owned {
        let mut owned = Owned::with_capacity(partitions.len());
        for id in partitions {
            if let Some(partition) = self.partitions.get_mut(id) {
                partition.drain(&mut self.shared);
                owned.push((*id, partition.epoch()));
            }
        }
        owned
    }

    /// Forgets a partition with all that is in flight, if it is owned.
    fn drop_partition(&mut self, id: TopicPartition) {
        if let Some(mut partition) = self.partitions.remove(&id) {
            partition.abandon(&mut self.shared);
            self.shared.commits.forget(id);
            self.shared.ready.retain(|ready| *ready != id);
        }
    }

    /// Returns the partition, if it is owned under this very assignment.
    fn owned(&self, id: TopicPartition, epoch: AssignmentEpoch) -> Option<&Partition<P>> {
        let partition = self.partitions.get(&id)?;
        (partition.epoch() == epoch).then_some(partition)
    }
}

/// Returns where to start an assigned partition, and whether that is the end of its log, which
/// moves on.
fn start_of(assignment: &Assignment, initial: InitialPosition) -> (NextOffset, bool) {
    if let Some(committed) = assignment.committed {
        return (committed, false);
    }
    let added_later = assignment
        .founding_partitions
        .is_some_and(|founding| assignment.partition.partition >= founding);
    if initial == InitialPosition::Earliest || added_later {
        (assignment.log_start, false)
    } else {
        (assignment.high_watermark, true)
    }
}
