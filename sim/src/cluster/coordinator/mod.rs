//! Group coordinators: each broker coordinates the groups that lie in the partitions of
//! `__consumer_offsets` which it leads.
//!
//! [`group`] is the state machine of a classic group, with a file for each phase of a rebalance
//! ([`join`], [`sync`]), one for its [`session`]s and one for the [`vote`]. It knows nothing of
//! logs and connections: it leaves [`action`]s, which the broker carries out here. [`request`] is
//! what is asked of groups, [`admin`] what tools ask, [`operation`] when it is answered, [`offsets`]
//! what they committed.
//!
//! A group that is not in its coordinator's map does not exist. Kafka has a state `Dead` for it,
//! which shows where a group is described, and in the moment in which a coordinator is unloaded:
//! here the map of that is gone by then.

pub(super) mod action;
mod admin;
mod group;
mod join;
mod load;
mod offsets;
pub(super) mod operation;
mod request;
mod session;
pub(super) mod snapshot;
mod sync;
mod vote;

use super::broker::Broker;
use super::env::ClusterEnv;
use crate::protocol::{Content, Dialect, Generation, GroupIndex};
use crate::topology::PartitionIndex;
use action::{Action, Change, GroupWrite};
use group::Group;
use offsets::Offsets;
use operation::Operation;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::ErrorName;
use snapshot::GroupSnapshot;
use std::collections::BTreeMap;
use std::time::Duration;

/// The coordinator of the groups in one partition of `__consumer_offsets`, on the broker that leads
/// it (`GroupCoordinatorShard`).
#[derive(Debug)]
pub(crate) struct Coordinator<D: Dialect> {
    /// Time at which it has loaded.
    ready_at: Instant,
    /// `group.initial.rebalance.delay.ms`.
    initial_delay: Duration,
    /// The groups that exist (`GroupMetadataManager.groups`).
    groups: BTreeMap<GroupIndex, Group<D>>,
    pub(super) offsets: Offsets<D>,
}

impl<D: Dialect> Coordinator<D> {
    /// Returns a group's committed offset of a partition.
    pub(crate) fn committed(
        &self,
        group: GroupIndex,
        partition: PartitionIndex,
    ) -> Option<NextOffset> {
        self.offsets.get(group, partition)
    }

    /// Returns a group's generation, if it is stable with `members` members.
    pub(crate) fn stable_generation(
        &self,
        group: GroupIndex,
        members: usize,
    ) -> Option<Generation> {
        match self.groups.get(&group) {
            Some(group) => group.stable_generation(members),
            None => (members == 0).then_some(0),
        }
    }

    /// Returns a group. One that does not exist has no member that could ask.
    fn group_mut(&mut self, group: GroupIndex) -> Result<&mut Group<D>, ErrorName> {
        let group = self.groups.get_mut(&group);
        group.ok_or(ErrorName::UnknownMemberId)
    }

    /// Returns a group, which it creates where there is none
    /// (`GroupMetadataManager.getOrMaybeCreateClassicGroup`).
    fn group_or_new(&mut self, group: GroupIndex) -> &mut Group<D> {
        let delay = self.initial_delay;
        let group = self.groups.entry(group);
        group.or_insert_with(|| Group::new(delay))
    }
}

/// The coordinators on their broker.
impl<D: Dialect> Broker<D> {
    /// Starts a coordinator: this broker leads its partition now, and answers once it has loaded that
    /// (`CoordinatorLoaderImpl.load`; before, `CoordinatorRuntime` answers
    /// `COORDINATOR_LOAD_IN_PROGRESS`).
    pub(in crate::cluster) fn start_coordinator(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        offsets: PartitionIndex,
        leader_epoch: u32,
    ) {
        let replica = &self.replicas[offsets];
        let ready_at = match leader_epoch {
            0 => env.now(),
            _ => env.now() + self.settings.offsets_load_time,
        };
        let initial_delay = self.settings.group_initial_rebalance_delay;
        let latest = load::latest(&replica.log, env.shared());
        let groups = latest.into_iter().map(|(group, snapshot)| {
            let loaded = Group::load(initial_delay, snapshot, ready_at);
            (group, loaded)
        });
        let mut coordinator = Coordinator {
            ready_at,
            initial_delay,
            groups: groups.collect(),
            offsets: Offsets::default(),
        };
        let high_watermark = replica.high_watermark();
        coordinator.offsets.apply(&replica.log, high_watermark);
        let deadlines = coordinator.groups.values().map(Group::next_deadline);
        let earliest = deadlines.min().unwrap_or(Instant::FAR_FUTURE);
        self.coordinators.insert(offsets, coordinator);
        self.wake_by(earliest);
    }

    /// Stops a coordinator: another broker leads its partition now
    /// (`GroupMetadataManager.onUnloaded`).
    pub(in crate::cluster) fn stop_coordinator(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        offsets: PartitionIndex,
    ) {
        let stopped = self.coordinators.remove(&offsets);
        for mut group in stopped.into_iter().flat_map(|c| c.groups.into_values()) {
            group.abandon();
            for action in group.actions.drain(..) {
                if let Action::Reply(reply, response) = action {
                    self.reply(env, reply, response);
                }
            }
        }
    }

    /// Returns the coordinator of a group, if that is on this broker and has loaded.
    fn coordinator_of(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
    ) -> Result<&mut Coordinator<D>, ErrorName> {
        let offsets = env.shared().offsets_of(group);
        match self.coordinators.get_mut(&offsets) {
            None => Err(ErrorName::NotCoordinator),
            Some(coordinator) if env.now() < coordinator.ready_at => {
                Err(ErrorName::CoordinatorLoadInProgress)
            }
            Some(coordinator) => Ok(coordinator),
        }
    }

    /// Begins a rebalance of a group that is stable. Returns whether there was one.
    pub(crate) fn rebalance_group(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
    ) -> bool {
        let now = env.now();
        let coordinator = self.coordinator_of(env, group);
        let state = coordinator.and_then(|coordinator| coordinator.group_mut(group));
        let begins = state.is_ok_and(|group| group.rebalance(now));
        self.carry_out(env, group);
        begins
    }

    /// Does what is due at the groups' deadlines.
    pub(in crate::cluster) fn expire_groups(&mut self, env: &mut impl ClusterEnv<D>) {
        let now = env.now();
        let (mut earliest, mut any_wants) = (Instant::FAR_FUTURE, false);
        let coordinators = self.coordinators.values_mut();
        for group in coordinators.flat_map(|coordinator| coordinator.groups.values_mut()) {
            group.expire(now);
            match group.actions.is_empty() {
                true => earliest = earliest.min(group.next_deadline()),
                false => any_wants = true,
            }
        }
        self.wake_by(earliest);
        while any_wants && let Some(group) = self.group_that_wants() {
            self.carry_out(env, group);
        }
    }

    /// Returns the first group that wants something done.
    fn group_that_wants(&self) -> Option<GroupIndex> {
        let mut groups = self.coordinators.values().flat_map(|c| c.groups.iter());
        let found = groups.find(|(_, group)| !group.actions.is_empty());
        found.map(|(index, _)| *index)
    }

    /// Does what a group wants.
    fn carry_out(&mut self, env: &mut impl ClusterEnv<D>, group: GroupIndex) {
        let offsets = env.shared().offsets_of(group);
        while let Some(coordinator) = self.coordinators.get_mut(&offsets)
            && let Some(state) = coordinator.groups.get_mut(&group)
        {
            match state.actions.pop_front() {
                Some(Action::Reply(reply, response)) => self.reply(env, reply, response),
                Some(Action::Write(change, snapshot)) => {
                    self.write_group(env, group, change, snapshot);
                }
                None => {
                    let deadline = state.next_deadline();
                    return self.wake_by(deadline);
                }
            }
        }
    }

    fn write_group(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
        change: Change,
        snapshot: GroupSnapshot<D>,
    ) {
        let write = GroupWrite {
            group,
            change,
            snapshot: env.shared().keep_snapshot(group, snapshot),
        };
        let content = Content::Group {
            group,
            snapshot: write.snapshot,
        };
        self.write(env, group, [content].into_iter(), Operation::Group(write));
    }
}
