//! What a broker knows of the cluster: it follows the controller's decisions, and tells clients.

use super::broker::Broker;
use super::connections::Reply;
use super::env::ClusterEnv;
use super::observations;
use super::replica::{Following, Leading, Role};
use crate::protocol::{ClusterMetadata, Dialect, GroupIndex, Node, PartitionState, Response};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_oracle::ErrorName;

/// The controller's decisions.
impl<D: Dialect> Broker<D> {
    /// Applies what the controller decided on partitions.
    pub(super) fn handle_metadata(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        states: Vec<PartitionState>,
    ) {
        for state in states {
            self.apply_state(env, state);
        }
        for leader in self.fetchers.ids() {
            self.fetch_from(env, leader);
        }
    }

    fn apply_state(&mut self, env: &mut impl ClusterEnv<D>, state: PartitionState) {
        let partition = state.partition;
        let before = self.replicas[partition].state;
        if before.is_some_and(|before| before.partition_epoch >= state.partition_epoch) {
            return;
        }
        // What was said of a reader up to now was said to this leader, in this epoch.
        self.note_news(partition);
        let replica = &mut self.replicas[partition];
        replica.state = Some(state);
        if before.is_some_and(|before| before.leader_epoch == state.leader_epoch) {
            if let Some(leading) = replica.leading() {
                leading.proposed = None;
            }
            return self.advance_high_watermark(env, partition);
        }
        if replica.is_leader() {
            if state.leader == Some(self.node) {
                return self.lead_on(env, partition, state);
            }
            self.resign(env, partition, ErrorName::NotLeaderOrFollower);
        }
        if let Some(leader) = before.and_then(|before| before.leader) {
            self.fetchers[leader].unfollow(partition);
        }
        match state.leader {
            Some(leader) if leader == self.node => self.lead(env, partition, state),
            leader if state.replicas.contains(self.node) => self.follow(partition, leader),
            _ => self.replicas[partition].role = Role::None,
        }
        self.answer_parked(env, partition);
    }

    fn lead(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        state: PartitionState,
    ) {
        let end = self.begin_epoch(env, partition, state.leader_epoch);
        let leading = Leading::new(env.now(), self.fetchers.len(), end, state.in_sync);
        self.replicas[partition].role = Role::Leader(leading);
        if self.offsets.contains(partition) {
            self.start_coordinator(env, partition, state.leader_epoch);
        }
        self.advance_high_watermark(env, partition);
        self.schedule_lag_check(env.now());
    }

    /// Goes on as leader in a new epoch: of what was between the two epochs this broker never heard
    /// (`MetadataLoader` makes one image of all that it has to catch up with). What waits goes on
    /// waiting (`Partition.makeLeader`), and the coordinator stays as it is
    /// (`CoordinatorRuntime.scheduleLoadOperation`: "already active").
    fn lead_on(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        state: PartitionState,
    ) {
        let end = self.begin_epoch(env, partition, state.leader_epoch);
        if let Some(leading) = self.replicas[partition].leading() {
            leading.begin_epoch(env.now(), end, state.in_sync);
        }
        self.advance_high_watermark(env, partition);
        self.schedule_lag_check(env.now());
        self.answer_parked(env, partition);
    }

    /// Begins a leader epoch in the log of a partition. Returns the log's end.
    fn begin_epoch(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        epoch: u32,
    ) -> u64 {
        let log = &mut self.replicas[partition].log;
        observations::compared(env, partition, log, epoch);
        log.begin_epoch(epoch);
        log.end()
    }

    fn follow(&mut self, partition: PartitionIndex, leader: Option<Node>) {
        self.replicas[partition].role = Role::Follower(Following::new());
        if let Some(leader) = leader {
            self.fetchers[leader].follow(partition);
        }
    }

    /// Gives a leadership up: this broker will never learn whether what waits was replicated. What
    /// waits is told why.
    fn resign(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        error: ErrorName,
    ) {
        self.stop_coordinator(env, partition);
        let replica = &mut self.replicas[partition];
        let Role::Leader(leading) = std::mem::take(&mut replica.role) else {
            return;
        };
        for waiting in leading.waiting {
            self.complete(env, waiting.writer, Err(error));
        }
        for removal in leading.removals {
            self.reply(env, removal.reply, Response::Offsets(Err(error)));
        }
    }

    /// Forgets partitions that are gone, with their logs (`ReplicaManager.applyDelta`), and what
    /// groups committed of them.
    pub(super) fn remove_partitions(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        removed: &[PartitionIndex],
    ) {
        let mut gone = PartitionSet::default();
        for partition in removed {
            let replica = self.replicas.get(*partition);
            // A broker that was down still has the log (`LogManager.isStrayReplica`).
            if replica.is_some_and(|replica| replica.state.is_some() || replica.log.end() > 0) {
                self.remove_partition(env, *partition);
                gone.insert(*partition);
            }
        }
        if !gone.is_empty() {
            self.forget_offsets_of(env, &gone);
        }
    }

    /// Forgets a partition. What waits there is told that it does not exist: the broker's metadata
    /// are the first to say so (`BrokerMetadataPublisher.onMetadataUpdate`,
    /// `ReplicaManager.getPartitionOrError`).
    fn remove_partition(&mut self, env: &mut impl ClusterEnv<D>, partition: PartitionIndex) {
        self.note_news(partition);
        self.resign(env, partition, ErrorName::UnknownTopicOrPartition);
        let before = std::mem::take(&mut self.replicas[partition]).state;
        if let Some(leader) = before.and_then(|before| before.leader) {
            self.fetchers[leader].unfollow(partition);
        }
        self.answer_parked(env, partition);
    }
}

/// What clients ask. The answers are as old as what this broker last heard.
impl<D: Dialect> Broker<D> {
    pub(super) fn handle_metadata_request(&mut self, env: &mut impl ClusterEnv<D>, reply: Reply) {
        let mut partitions = Vec::with_capacity(self.replicas.len());
        partitions.extend(self.replicas.values().filter_map(|replica| replica.state));
        let metadata = ClusterMetadata {
            partitions,
            alive: self.active,
        };
        self.reply(env, reply, Response::Metadata(metadata));
    }

    /// Tells which broker leads the group's partition (`KafkaApis.getCoordinator`).
    pub(super) fn handle_find_coordinator(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        group: GroupIndex,
    ) {
        let state = self.replicas[env.shared().offsets_of(group)].state;
        let leader = state.and_then(|state| state.leader);
        let coordinator = leader.ok_or(ErrorName::CoordinatorNotAvailable);
        self.reply(env, reply, Response::FindCoordinator(coordinator));
    }
}
