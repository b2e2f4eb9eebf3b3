//! What the application of a member learns, and says.

use super::{Member, Observation, World};
use crate::{Callback, DeadLetterCopy, Seams, Speaker};
use plimsoll_core::{
    AssignmentEpoch, Command, Event, NextOffset, Offset, RebalanceId, Start, TopicPartition,
};
use plimsoll_protocol::PartitionIndex;

/// What the application learns.
impl<S: Speaker, At: Seams<S>> Member<S, At> {
    /// Returns whether there is something that [`poll_event`](Self::poll_event) tells.
    pub fn has_event(&self) -> bool {
        let rebalance = self.group.rebalance();
        rebalance.has_callback() || !rebalance.is_under_way() && self.fetcher.has_records()
    }

    /// Tells the application what there is for it, besides what the world was told.
    pub fn poll_event(&mut self, world: &mut impl World<S>) -> Option<Event<S::Payload>> {
        match self.has_callback() {
            true => self.poll_callback(world),
            false => self.poll_records(usize::MAX),
        }
    }

    /// Notes whether the application polls. In Java's client fetches, and what leads to a join, wait
    /// for that.
    #[inline]
    pub fn handle_polling(&mut self, world: &mut impl World<S>, polls: bool) {
        let now = world.now();
        if self.group.handle_polling(now, &self.view, polls) {
            self.carry_out(world);
            self.fetcher.handle_polling(now, &self.view, polls);
            self.carry_out(world);
        }
    }

    /// Returns whether there may be a rebalance to tell of, which comes before records.
    #[inline]
    pub fn has_callback(&self) -> bool {
        self.group.rebalance().has_callback()
    }

    /// Returns whether the application owes an answer to a rebalance.
    #[inline]
    pub fn awaits_answer(&self) -> bool {
        self.group.rebalance().awaits_answer()
    }

    /// Tells of a rebalance; `None`: that has become moot.
    pub fn poll_callback(&mut self, world: &mut impl World<S>) -> Option<Event<S::Payload>> {
        let told = self.group.poll_callback(world.now(), &self.view);
        let Some((rebalance, mut callback)) = told else {
            self.carry_out(world);
            return None;
        };
        let passing = &mut callback;
        if !self.passes(world, |at, parts| at.callback(parts, rebalance, passing)) {
            self.carry_out(world);
            return None;
        }
        Some(match callback {
            Callback::Assigned(partitions) => Event::Assigned {
                rebalance,
                partitions,
            },
            Callback::Revoked(indices) => {
                self.start.give_up(&self.view, &indices);
                self.stop_fetching(world, &indices);
                Event::Revoked {
                    rebalance,
                    partitions: self.names(&indices),
                }
            }
            Callback::Lost(indices) => {
                self.start.give_up(&self.view, &indices);
                self.lose(world, &indices);
                Event::Lost {
                    rebalance,
                    partitions: self.names(&indices),
                }
            }
        })
    }

    /// Tells of records that were fetched, of one partition and no more than `at_most`, or of a
    /// position that has moved on without one; neither comes while a rebalance is under way.
    #[inline]
    pub fn poll_records(&mut self, at_most: usize) -> Option<Event<S::Payload>> {
        if self.group.rebalance().is_under_way() {
            return None;
        }
        let fetched = self.fetcher.poll_records(at_most)?;
        let (partition, epoch) = (
            self.view.topology.partition(fetched.partition),
            fetched.epoch,
        );
        Some(match fetched.records.is_empty() {
            false => Event::Fetched {
                partition,
                epoch,
                records: fetched.records,
            },
            true => Event::Passed {
                partition,
                epoch,
                position: fetched.position,
            },
        })
    }

    /// Fetches what the records that the application has taken made room for.
    pub fn fetch_next(&mut self, world: &mut impl World<S>) {
        self.fetcher.fetch_next(world.now(), &self.view);
        self.carry_out(world);
    }

    /// Fetches partitions no more that the application is to give up.
    fn stop_fetching(&mut self, world: &mut impl World<S>, partitions: &[PartitionIndex]) {
        for index in partitions {
            let has_buffered = self.fetcher.has_buffered(*index);
            self.fetcher.unassign(*index);
            if self.fetcher.is_held(*index) {
                world.observe(Observation::Revoked {
                    partition: self.view.topology.partition(*index),
                    has_buffered,
                });
            }
        }
    }

    /// Fetches partitions no more that are gone.
    fn lose(&mut self, world: &mut impl World<S>, partitions: &[PartitionIndex]) {
        for index in partitions {
            self.fetcher.unassign(*index);
            if self.fetcher.release(*index) {
                let partition = self.view.topology.partition(*index);
                world.observe(Observation::Lost(partition));
            }
        }
    }

    fn names(&self, partitions: &[PartitionIndex]) -> Vec<TopicPartition> {
        let partitions = partitions.iter();
        partitions
            .map(|index| self.view.topology.partition(*index))
            .collect()
    }
}

/// What the application says.
impl<S: Speaker, At: Seams<S>> Member<S, At> {
    /// Lets a command of the application pass its seam, to the client or to handlers. Returns
    /// whether it does; only then it is [executed](Self::execute).
    #[inline]
    pub fn lets_pass(&mut self, world: &impl World<S>, command: &mut Command<S::Payload>) -> bool {
        self.passes(world, |at, parts| at.command(parts, command))
    }

    /// Notes that a handler begins with a record.
    #[inline]
    pub fn handle_dispatched(&mut self, partition: TopicPartition, offset: Offset) {
        if let Some(index) = self.view.topology.index(partition) {
            self.fetcher.handle_dispatched(index, offset);
        }
    }

    /// Does what the application says. Handlers are not the client's.
    pub fn execute(&mut self, world: &mut impl World<S>, command: Command<S::Payload>) {
        match command {
            Command::Dispatch { .. } | Command::Cancel { .. } => {}
            Command::DeadLetter {
                partition,
                epoch,
                record,
                ..
            } => {
                let copy = DeadLetterCopy {
                    partition,
                    epoch,
                    record,
                };
                self.dead_letters.write(&self.view, copy);
                self.carry_out(world);
            }
            Command::Commit { commit, offsets } => {
                let (now, stamp) = (world.now(), self.group.stamp());
                let epoch = |index, next| self.fetcher.epoch_before(index, next);
                self.commits
                    .commit(now, &self.view, stamp, (commit, &offsets), epoch);
                self.carry_out(world);
            }
            Command::Pause { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.pause(index);
                }
            }
            Command::Resume { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.resume(world.now(), &self.view, index);
                    self.carry_out(world);
                }
            }
            Command::Seek {
                partition,
                epoch,
                position,
            } => self.seek(world, partition, epoch, position),
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(world, rebalance, starts);
            }
            Command::CompleteRevoke { rebalance } => self.complete_revoke(world, rebalance),
            Command::Close => self.close(world),
        }
    }

    /// Moves a partition to where the application says.
    fn seek(
        &mut self,
        world: &mut impl World<S>,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        to: NextOffset,
    ) {
        let Some(index) = self.view.topology.index(partition) else {
            return;
        };
        let of = (index, epoch);
        if let Some(from) = self.fetcher.seek(world.now(), &self.view, of, to) {
            world.observe(Observation::PositionReset {
                partition,
                from,
                to,
            });
            self.carry_out(world);
        }
    }

    /// Fetches what was assigned from where the application begins.
    fn complete_assign(
        &mut self,
        world: &mut impl World<S>,
        rebalance: RebalanceId,
        mut starts: Vec<Start>,
    ) {
        if !self.group.handle_assign_answer(rebalance, &mut starts) {
            return;
        }
        for start in starts {
            let Some(index) = self.view.topology.index(start.partition) else {
                continue;
            };
            self.fetcher.assign(index, start.epoch, start.position);
            if !self.commits.is_settled() {
                self.fetcher.hold_back(index);
            }
            world.observe(Observation::Assigned {
                partition: start.partition,
                epoch: start.epoch,
                position: start.position,
                generation: self.group.synced(),
            });
        }
        let now = world.now();
        self.fetcher.fetch_all(now, &self.view);
        self.carry_out(world);
        self.settle(now);
        self.carry_out(world);
    }

    /// Releases what the application gave up, or forgot because it was gone.
    fn complete_revoke(&mut self, world: &mut impl World<S>, rebalance: RebalanceId) {
        for index in self.group.handle_revoke_answer(rebalance) {
            if self.fetcher.release(index) {
                let partition = self.view.topology.partition(index);
                world.observe(Observation::Released(partition));
            }
        }
        self.settle(world.now());
        self.carry_out(world);
    }

    /// Leaves the group, once no commit is outstanding: the application is done.
    fn close(&mut self, world: &mut impl World<S>) {
        let now = world.now();
        self.is_closing = true;
        self.fetcher.unassign_all();
        self.start.forget();
        self.group.close(now);
        self.settle(now);
        self.carry_out(world);
    }
}
