//! The consumer: takes events to the partition that they concern, and hands out commands.

use crate::partition::Partition;
use crate::rebalance::Rebalances;
use crate::shared::Shared;
use crate::{
    AssignmentEpoch, Command, CommitId, Config, Counters, Event, Instant, Machine, Offset,
    PartitionStatus, TopicPartition,
};
use std::collections::BTreeMap;

/// Plimsoll's consumer.
///
/// It promises, whatever happens around it:
///
/// - A commit carries the [watermark](PartitionStatus::watermark): every record below is finished,
///   which means that its handler succeeded or that its dead letter was acknowledged.
/// - At most one commit is in flight, and none is sent twice.
/// - A record that fails holds up its partition, its key or only itself, as
///   [`Config::ordering`] says, and nothing else.
/// - No handler starts for a partition that is revoked; what is in flight is waited for, and
///   committed, before the partition is given up.
/// - What carries an old [`AssignmentEpoch`] changes nothing.
#[derive(Debug)]
pub struct Consumer<P> {
    /// The partitions that this member owns, in boxes: the tree moves its values at each change.
    pub(crate) partitions: BTreeMap<TopicPartition, Box<Partition<P>>>,
    pub(crate) shared: Shared<P>,
    pub(crate) rebalances: Rebalances,
    pub(crate) last_epoch: AssignmentEpoch,
}

impl<P> Consumer<P> {
    /// Creates a consumer that owns nothing yet. A configuration that does not pass
    /// [`Config::validate`] is [clamped](Config::clamped).
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            partitions: BTreeMap::new(),
            shared: Shared::new(config.clamped()),
            rebalances: Rebalances::default(),
            last_epoch: AssignmentEpoch(0),
        }
    }

    /// Returns the settings that the consumer keeps to.
    pub const fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Returns the owned partitions, in order.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionStatus> {
        self.partitions.values().map(|partition| partition.status())
    }

    /// Returns the status of a partition, if it is owned.
    pub fn partition(&self, partition: TopicPartition) -> Option<PartitionStatus> {
        let partition = self.partitions.get(&partition)?;
        Some(partition.status())
    }

    /// Returns the partitions that stand still because their position is out of range.
    pub fn halted(&self) -> impl Iterator<Item = TopicPartition> {
        self.partitions
            .iter()
            .filter(|(_, partition)| partition.is_halted())
            .map(|(id, _)| *id)
    }

    /// Returns whether a record was fetched under this assignment, and is neither finished nor
    /// given up.
    pub fn is_unfinished(
        &self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) -> bool {
        let partition = self.partitions.get(&partition);
        partition.is_some_and(|p| p.epoch() == epoch && p.is_unfinished(offset))
    }

    /// Returns the number of handlers that run.
    pub const fn in_flight(&self) -> usize {
        self.shared.flights.len()
    }

    /// Returns the number of fetched records that are not finished.
    pub fn buffered_records(&self) -> usize {
        let partitions = self.partitions.values();
        partitions
            .map(|partition| partition.buffered_records())
            .sum()
    }

    /// Returns the number of records that wait for the end of a pause after a failure.
    pub fn retries(&self) -> usize {
        self.shared.retries.len()
    }

    /// Returns the commit that waits for its outcome.
    pub fn commit_in_flight(&self) -> Option<CommitId> {
        self.shared.commits.in_flight()
    }

    /// Returns the counts since the consumer was created.
    pub const fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Returns whether [`Command::Close`] was decided: no other command follows it.
    pub const fn is_closed(&self) -> bool {
        self.rebalances.is_closed()
    }
}

impl<P: Clone> Consumer<P> {
    fn handle(&mut self, event: Event<P>) {
        match event {
            Event::Fetched {
                partition,
                epoch,
                records,
            } => self.on_partition(partition, epoch, |p, shared| {
                p.fetched(records, shared);
                true
            }),
            Event::Processed {
                partition,
                epoch,
                offset,
                attempt,
                outcome,
            } => self.on_partition(partition, epoch, |p, shared| {
                p.processed(offset, attempt, outcome, shared)
            }),
            Event::DeadLettered {
                partition,
                epoch,
                offset,
                acknowledged,
            } => self.on_partition(partition, epoch, |p, shared| {
                p.dead_lettered(offset, acknowledged, shared)
            }),
            Event::DeadLetterRefused {
                partition,
                epoch,
                offset,
            } => self.on_partition(partition, epoch, |p, shared| {
                p.dead_letter_refused(offset, shared)
            }),
            Event::Passed {
                partition,
                epoch,
                position,
            } => self.on_partition(partition, epoch, |p, shared| p.passed(position, shared)),
            Event::OutOfRange {
                partition,
                epoch,
                log_start,
                high_watermark,
                ..
            } => self.out_of_range(partition, epoch, log_start, high_watermark),
            Event::CommitFinished { commit, outcome } => self.commit_finished(commit, outcome),
            Event::Assigned {
                rebalance,
                partitions,
            } => self.assigned(rebalance, partitions),
            Event::Revoked {
                rebalance,
                partitions,
            } => self.revoked(rebalance, &partitions),
            Event::Lost {
                rebalance,
                partitions,
            } => self.lost(rebalance, &partitions),
            Event::Shutdown => self.shutdown(),
        }
    }

    /// Lets a partition handle what belongs to its current assignment. Counts as stale what belongs
    /// to another one, and what the partition has no use for.
    #[inline]
    fn on_partition(
        &mut self,
        id: TopicPartition,
        epoch: AssignmentEpoch,
        handle: impl FnOnce(&mut Partition<P>, &mut Shared<P>) -> bool,
    ) {
        let used = match self.partitions.get_mut(&id) {
            Some(partition) if partition.epoch() == epoch => handle(partition, &mut self.shared),
            _ => false,
        };
        if !used {
            self.shared.counters.stale += 1;
        }
    }

    /// Does what follows from an event beyond its own partition: answers rebalances and commits.
    #[inline]
    fn settle(&mut self) {
        if !self.rebalances.is_quiet() {
            self.answer_rebalances();
        }
        if self.shared.owned != self.partitions.len() {
            self.share_out();
        }
        self.commit_if_due();
    }

    /// Gives each partition its share of the total of bytes, as there are more or fewer of them.
    fn share_out(&mut self) {
        self.shared.owned = self.partitions.len();
        for partition in self.partitions.values_mut() {
            partition.fit(&mut self.shared);
        }
    }

    /// Starts the next handler, if one may run: partitions take turns.
    #[inline]
    fn next_dispatch(&mut self) -> Option<Command<P>> {
        while self.shared.flights.len() < self.shared.config.max_in_flight {
            let id = self.shared.ready.pop_front()?;
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            let next = partition.take_runnable();
            if partition.stays_listed() {
                self.shared.ready.push_back(id);
            }
            if let Some(slot) = next {
                return partition.start(slot, &mut self.shared);
            }
        }
        None
    }
}

impl<P: Clone> Machine<P> for Consumer<P> {
    fn handle_event(&mut self, now: Instant, event: Event<P>) {
        if self.is_closed() {
            return;
        }
        self.shared.now = self.shared.now.max(now);
        self.handle(event);
        self.settle();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        let now = self.shared.now.max(now);
        self.shared.now = now;
        while let Some((id, offset)) = self.shared.flights.take_expired(now) {
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.expired(offset, &mut self.shared);
            }
        }
        while let Some((id, offset)) = self.shared.retries.take_due(now) {
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.wake(offset, &mut self.shared);
            }
        }
        self.settle();
    }

    fn poll_command(&mut self) -> Option<Command<P>> {
        // A dispatch is decided when the driver asks for it, so that no revocation overtakes it.
        if let Some(command) = self.shared.commands.pop_front() {
            return Some(command);
        }
        self.next_dispatch()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timers = [
            self.shared.flights.next_deadline(),
            self.shared.retries.next_due(),
            self.shared.commits.next_due(),
            self.rebalances.next_deadline(),
        ];
        // A flattening iterator would cost more than all that it looks at.
        let timers = timers.map(|timer| timer.unwrap_or(Instant::FAR_FUTURE));
        let earliest = timers.into_iter().min();
        earliest.filter(|at| *at < Instant::FAR_FUTURE)
    }
}
