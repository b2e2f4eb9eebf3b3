//! What the application of a member learns, and says.

use super::{Member, World};
use crate::{Callback, DeadLetterCopy, Speaker};
use plimsoll_core::{Command, Event, Instant, RebalanceId, Start, TopicPartition};
use plimsoll_protocol::PartitionIndex;

/// What the application learns, and says.
impl<S: Speaker> Member<S> {
    /// Tells the application what there is for it, besides what the world was told.
    pub fn poll_event(&mut self, world: &mut impl World<S>) -> Option<Event<S::Payload>> {
        if self.group.rebalance().has_callback() {
            return self.poll_callback(world);
        }
        if self.group.rebalance().is_under_way() {
            return None;
        }
        let (index, epoch, records) = self.fetcher.poll_records(usize::MAX)?;
        Some(Event::Fetched {
            partition: self.view.topology.partition(index),
            epoch,
            records,
        })
    }

    /// Tells of a rebalance; `None`: that has become moot.
    fn poll_callback(&mut self, world: &mut impl World<S>) -> Option<Event<S::Payload>> {
        let Some((rebalance, callback)) = self.group.poll_callback(world.now(), &self.view) else {
            self.carry_out(world);
            return None;
        };
        Some(match callback {
            Callback::Assigned(partitions) => Event::Assigned {
                rebalance,
                partitions,
            },
            Callback::Revoked(indices) => {
                indices
                    .iter()
                    .for_each(|index| self.fetcher.unassign(*index));
                Event::Revoked {
                    rebalance,
                    partitions: self.partitions(&indices),
                }
            }
            Callback::Lost(indices) => {
                for index in &indices {
                    self.fetcher.unassign(*index);
                    self.fetcher.release(*index);
                }
                Event::Lost {
                    rebalance,
                    partitions: self.partitions(&indices),
                }
            }
        })
    }

    fn partitions(&self, indices: &[PartitionIndex]) -> Vec<TopicPartition> {
        let indices = indices.iter();
        indices
            .map(|index| self.view.topology.partition(*index))
            .collect()
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
            }
            Command::Commit { commit, offsets } => {
                let (now, stamp) = (world.now(), self.group.stamp());
                self.commits
                    .commit(now, &self.view, stamp, commit, &offsets);
            }
            Command::Pause { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.pause(index);
                }
            }
            Command::Resume { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.resume(world.now(), &self.view, index);
                }
            }
            Command::Seek {
                partition,
                epoch,
                position,
            } => {
                if let Some(index) = self.view.topology.index(partition) {
                    let (now, of) = (world.now(), (index, epoch));
                    self.fetcher.seek(now, &self.view, of, position);
                }
            }
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(world, rebalance, starts);
            }
            Command::CompleteRevoke { rebalance } => {
                for index in self.group.handle_revoke_answer(rebalance) {
                    self.fetcher.release(index);
                }
                self.settle(world.now());
            }
            Command::Close => self.close(world.now()),
        }
        self.carry_out(world);
    }

    /// Fetches what was assigned from where the application begins.
    fn complete_assign(
        &mut self,
        world: &mut impl World<S>,
        rebalance: RebalanceId,
        starts: Vec<Start>,
    ) {
        if !self.group.handle_assign_answer(rebalance) {
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
        }
        let now = world.now();
        self.fetcher.fetch_all(now, &self.view);
        self.carry_out(world);
        self.settle(now);
    }

    /// Leaves the group, once no commit is outstanding: the application is done.
    fn close(&mut self, now: Instant) {
        self.is_closing = true;
        self.fetcher.unassign_all();
        self.start.forget();
        self.group.close(now);
        self.settle(now);
    }
}
