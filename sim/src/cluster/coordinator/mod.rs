//! The group coordinator: the leader of the group's partition of `__consumer_offsets`.
//!
//! [`group`] is the state machine of a classic group, with a file for each phase of a rebalance
//! ([`join`], [`sync`]) and one for its [`session`]s. It knows nothing of logs and connections: it
//! leaves [`action`]s, which the broker carries out here.

pub(super) mod action;
mod group;
mod join;
mod load;
mod offsets;
pub(super) mod operation;
mod session;
pub(super) mod snapshot;
mod sync;

use super::broker::Broker;
use super::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::protocol::{
    CommittedOffset, Content, Dialect, Generation, JoinError, Request, Response,
};
use crate::topology::{PartitionIndex, PerPartition};
use action::{Action, Change, GroupWrite};
use group::Group;
use operation::Operation;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::ErrorName;
use snapshot::GroupSnapshot;

/// The group's coordinator on one broker.
#[derive(Debug)]
pub(super) struct Coordinator<D: Dialect> {
    /// Time at which it has loaded.
    ready_at: Instant,
    pub(super) group: Group<D>,
    /// Offsets that were committed and replicated.
    offsets: PerPartition<Option<CommittedOffset<D>>>,
    /// Offset up to which `offsets` reflects the log.
    applied: u64,
}

impl<D: Dialect> Coordinator<D> {
    /// Returns the group's committed offset of a partition.
    pub(super) fn committed(&self, partition: PartitionIndex) -> Option<NextOffset> {
        let offset = self.offsets[partition].as_ref();
        offset.map(|offset| offset.next)
    }

    /// Returns the group's generation, if it is stable with `members` members.
    pub(super) fn stable_generation(&self, members: usize) -> Option<Generation> {
        self.group.stable_generation(members)
    }

    fn is_loading(&self, now: Instant) -> bool {
        now < self.ready_at
    }
}

/// The coordinator on its broker.
impl<D: Dialect> Broker<D> {
    /// Starts the coordinator: this broker leads the group's partition now.
    pub(in crate::cluster) fn start_coordinator(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        leader_epoch: u32,
    ) {
        let replica = &self.replicas[self.offsets_partition];
        let ready_at = match leader_epoch {
            0 => env.now(),
            _ => env.now() + self.settings.offsets_load_time,
        };
        let snapshot = load::latest(&replica.log, &env.shared().group_snapshots);
        let mut coordinator = Coordinator {
            ready_at,
            group: Group::load(&self.settings, snapshot, ready_at),
            offsets: PerPartition::new(self.replicas.len(), |_| None),
            applied: 0,
        };
        coordinator.apply_committed(&replica.log, replica.high_watermark());
        let deadline = coordinator.group.next_deadline();
        self.coordinator = Some(coordinator);
        self.wake_by(deadline);
    }

    /// Stops the coordinator: another broker leads the group's partition now.
    pub(in crate::cluster) fn stop_coordinator(&mut self, env: &mut impl ClusterEnv<D>) {
        if let Some(mut coordinator) = self.coordinator.take() {
            coordinator.group.abandon();
            for action in coordinator.group.actions.drain(..) {
                if let Action::Reply(reply, response) = action {
                    self.reply(env, reply, response);
                }
            }
        }
    }

    pub(in crate::cluster) fn handle_group_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: Request<D>,
    ) {
        let now = env.now();
        let Some(coordinator) = &mut self.coordinator else {
            let refusal = refusal(&request, ErrorName::NotCoordinator);
            return self.reply(env, reply, refusal);
        };
        if coordinator.is_loading(now) {
            let refusal = match request {
                // The member shall wait, not rejoin (`GroupCoordinatorService.heartbeat`).
                Request::Heartbeat { .. } => Response::Heartbeat(Ok(())),
                _ => refusal(&request, ErrorName::CoordinatorLoadInProgress),
            };
            return self.reply(env, reply, refusal);
        }
        let group = &mut coordinator.group;
        match request {
            Request::Heartbeat {
                generation,
                member,
                instance,
            } => {
                match group.heartbeat(now, generation, member, instance) {
                    // An exception, which does not wait.
                    Err(error) if error != ErrorName::RebalanceInProgress => {
                        self.reply(env, reply, Response::Heartbeat(Err(error)));
                    }
                    answer => {
                        let heartbeat = Operation::Heartbeat(reply, answer);
                        self.wait_for_pending_writes(env, heartbeat);
                    }
                }
            }
            Request::OffsetCommit {
                generation,
                member,
                instance,
                offsets,
            } => match group.accept_commit(now, generation, member, instance) {
                Ok(rebalancing) => self.write_commit(env, reply, generation, &offsets, rebalancing),
                Err(error) => self.reply(env, reply, Response::OffsetCommit(Err(error))),
            },
            Request::OffsetFetch { require_stable } => {
                self.fetch_offsets(env, reply, require_stable);
            }
            Request::JoinGroup(request) => {
                // A member without an id gets one, whatever becomes of its request.
                let is_new = request.member.is_none();
                let fresh = is_new.then(|| env.shared().new_group_member());
                group.join(now, reply, *request, fresh);
                self.carry_out(env);
                self.limit_wait(env, reply, Operation::Join(reply));
            }
            Request::SyncGroup {
                generation,
                member,
                instance,
                assignments,
            } => {
                group.sync(reply, generation, (member, instance), assignments);
                self.carry_out(env);
                self.limit_wait(env, reply, Operation::Sync(reply));
            }
            Request::LeaveGroup { member } => {
                let answer = group.leave(now, member);
                self.carry_out(env);
                self.wait_for_pending_writes(env, Operation::Leave(reply, answer));
            }
            _ => debug_assert!(false, "not about the group"),
        }
    }

    /// Begins a rebalance of a group that is stable. Returns whether there was one.
    pub(crate) fn rebalance_group(&mut self, env: &mut impl ClusterEnv<D>) -> bool {
        let now = env.now();
        let Some(coordinator) = self.coordinator.as_mut().filter(|c| !c.is_loading(now)) else {
            return false;
        };
        let begins = coordinator.group.rebalance(now);
        self.carry_out(env);
        begins
    }

    /// Does what is due at the group's deadlines.
    pub(in crate::cluster) fn expire_group(&mut self, env: &mut impl ClusterEnv<D>) {
        if let Some(coordinator) = &mut self.coordinator {
            coordinator.group.expire(env.now());
            self.carry_out(env);
        }
    }

    /// Does what the group wants.
    fn carry_out(&mut self, env: &mut impl ClusterEnv<D>) {
        while let Some(coordinator) = &mut self.coordinator {
            match coordinator.group.actions.pop_front() {
                Some(Action::Reply(reply, response)) => self.reply(env, reply, response),
                Some(Action::Write(change, snapshot)) => self.write_group(env, change, snapshot),
                None => {
                    let deadline = coordinator.group.next_deadline();
                    return self.wake_by(deadline);
                }
            }
        }
    }

    fn write_group(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        change: Change,
        snapshot: GroupSnapshot<D>,
    ) {
        let write = GroupWrite {
            change,
            snapshot: env.shared().group_snapshots.len() as u32,
        };
        env.shared().group_snapshots.push(snapshot);
        let content = Content::Group(write.snapshot);
        self.write(env, [content].into_iter(), Operation::Group(write));
    }
}

fn refusal<D: Dialect>(request: &Request<D>, error: ErrorName) -> Response<D> {
    match request {
        Request::JoinGroup(_) => Response::JoinGroup(Err(JoinError::Other(error))),
        Request::SyncGroup { .. } => Response::SyncGroup(Err(error)),
        Request::Heartbeat { .. } => Response::Heartbeat(Err(error)),
        Request::LeaveGroup { .. } => Response::LeaveGroup(Err(error)),
        Request::OffsetCommit { .. } => Response::OffsetCommit(Err(error)),
        Request::OffsetFetch { .. } => Response::OffsetFetch(Err(error)),
        _ => Response::Failed(error),
    }
}
