//! Rebalances as the application sees them: what it is told, what it answers, and what follows.

use super::application::Callback;
use super::group::Phase;
use super::process::{Process, settings};
use crate::env::Env;
use crate::topology::PartitionIndex;
use plimsoll_core::{RebalanceId, Start};
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::scenario::Assignor;

/// What the group decides.
impl Process {
    /// Begins a rebalance. While the application is in the middle of an earlier callback nothing
    /// happens: the next heartbeat will say it again.
    pub(super) fn rebalance(&mut self, env: &mut Env<'_>) {
        if self.group.phase != Phase::Joined || self.application.is_rebalancing() {
            return;
        }
        // What was assigned and is not started yet was never the application's.
        self.start.forget();
        self.group.added.clear();
        self.group.rejoin = false;
        if is_cooperative(env) || self.group.owned.is_empty() {
            return self.join_again(env);
        }
        let owned = self.group.owned.clone();
        self.application.call(Callback::Revoked(owned));
    }

    /// Takes the partitions that the sync gave to this member.
    pub(super) fn assigned(&mut self, env: &mut Env<'_>, mut partitions: Vec<PartitionIndex>) {
        partitions.sort_unstable();
        let mut revoked = self.group.owned.clone();
        revoked.retain(|partition| !partitions.contains(partition));
        partitions.retain(|partition| !self.group.owned.contains(partition));
        self.group.rejoin = !revoked.is_empty();
        if revoked.is_empty() {
            return self.begin(env, partitions);
        }
        // Only the cooperative protocol comes here with partitions in hand (KIP-429).
        self.group.added = partitions;
        self.application.call(Callback::Revoked(revoked));
    }

    /// Ends the membership, and with it every claim to partitions.
    pub(super) fn lose_all(&mut self, env: &mut Env<'_>, forget_member: bool) {
        if self.group.phase == Phase::Leaving {
            return;
        }
        self.group.reset(env.now());
        if forget_member {
            self.group.member = None;
        }
        self.start.forget();
        let owned = &self.group.owned;
        self.application.lose(owned);
        self.join_if_needed(env);
    }

    fn begin(&mut self, env: &mut Env<'_>, partitions: Vec<PartitionIndex>) {
        if partitions.is_empty() {
            if self.group.rejoin {
                self.join_again(env);
            }
            return;
        }
        self.start.begin(&self.view, self.group.attempt, partitions);
        self.carry_out(env);
    }

    fn join_again(&mut self, env: &mut Env<'_>) {
        self.group.rejoin = false;
        self.group.phase = Phase::Unjoined;
        self.group.join_at = env.now();
        self.join_if_needed(env);
    }
}

/// What the application is told, at the moment at which it is told.
impl Process {
    /// Notes that the application learns of partitions that it gets.
    pub(super) fn tell_assigned(&mut self, partitions: &[PartitionIndex]) {
        self.group.owned.extend_from_slice(partitions);
        self.group.owned.sort_unstable();
    }

    /// Notes that the application learns of partitions that it is to give up.
    pub(super) fn tell_revoked(&mut self, env: &mut Env<'_>, partitions: &[PartitionIndex]) {
        for index in partitions {
            self.fetcher.unassign(*index);
            if self.fetcher.is_held(*index) {
                let partition = env.topology.partition(*index);
                env.observe(TraceEvent::Revoked {
                    member: self.id,
                    partition,
                    in_flight: env.sink.in_flight(self.id, partition),
                });
            }
        }
    }

    /// Notes that the application learns of partitions that are gone.
    pub(super) fn tell_lost(&mut self, env: &mut Env<'_>, partitions: &[PartitionIndex]) {
        for index in partitions {
            self.fetcher.unassign(*index);
            if self.fetcher.release(*index) {
                env.observe(TraceEvent::Lost {
                    member: self.id,
                    partition: env.topology.partition(*index),
                });
            }
        }
    }
}

/// What the application answers.
impl Process {
    /// Fetches what was assigned from where the application begins.
    pub(super) fn complete_assign(
        &mut self,
        env: &mut Env<'_>,
        rebalance: RebalanceId,
        starts: Vec<Start>,
    ) {
        if !self.application.take_answered_assign(rebalance) {
            return;
        }
        for start in starts {
            let Some(index) = env.topology.index(start.partition) else {
                continue;
            };
            self.fetcher.assign(index, start.epoch, start.position);
            env.observe(TraceEvent::Assigned {
                member: self.id,
                partition: start.partition,
                epoch: start.epoch,
                position: start.position,
                generation: self.group.generation,
            });
        }
        self.fetch_all(env);
        if self.group.rejoin {
            self.join_again(env);
        }
    }

    /// Releases what the application gave up, or forgot because it was gone.
    pub(super) fn complete_revoke(&mut self, env: &mut Env<'_>, rebalance: RebalanceId) {
        let Some(callback) = self.application.take_answered_revoke(rebalance) else {
            return;
        };
        let given_up = callback.partitions();
        self.group.owned.retain(|owned| !given_up.contains(owned));
        if let Callback::Lost(_) = callback {
            return self.join_if_needed(env);
        }
        for index in given_up {
            if self.fetcher.release(*index) {
                env.observe(TraceEvent::Released {
                    member: self.id,
                    partition: env.topology.partition(*index),
                });
            }
        }
        if self.group.phase != Phase::Joined {
            return;
        }
        if self.group.rejoin {
            let added = std::mem::take(&mut self.group.added);
            self.begin(env, added);
        } else {
            self.join_again(env);
        }
    }
}

fn is_cooperative(env: &Env<'_>) -> bool {
    settings(env).assignor == Assignor::CooperativeSticky
}
