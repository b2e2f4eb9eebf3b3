//! Partitions that come and go (`ReplicationControlManager`).

use super::Controller;
use crate::cluster::env::ClusterEnv;
use crate::protocol::{
    AdminRequest, AdminResponse, BrokerSet, Dialect, Node, PartitionState, ReplicaOrder,
};
use crate::topology::PartitionIndex;
use plimsoll_oracle::ErrorName;

impl Controller {
    /// Creates the first `count` of these partitions that do not exist yet.
    pub(crate) fn add_partitions<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partitions: impl Iterator<Item = PartitionIndex>,
        count: u32,
    ) {
        let missing: Vec<_> = partitions
            .filter(|partition| !self.exists(*partition))
            .take(count as usize)
            .collect();
        for partition in missing {
            let state = self.begin(self.placement.place(partition));
            self.add(state);
        }
        self.publish(env);
    }

    /// Does what a tool asks. What it decides is known to the brokers a moment later.
    pub(super) fn handle_admin<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        request: AdminRequest<D>,
    ) -> AdminResponse<D> {
        self.partitions.grow(env.shared().partitions());
        match request {
            AdminRequest::CreatePartitions { partitions } => {
                AdminResponse::CreatePartitions(self.create_partitions(env, &partitions))
            }
            AdminRequest::DeletePartitions { partitions } => {
                AdminResponse::DeletePartitions(self.delete_partitions(env, partitions))
            }
            AdminRequest::ElectLeader {
                partition,
                preferred,
            } => AdminResponse::ElectLeader(self.elect_leader(env, partition, preferred)),
            AdminRequest::DescribeGroup { .. } => {
                AdminResponse::DescribeGroup(Err(ErrorName::NotCoordinator))
            }
            AdminRequest::ListGroups => AdminResponse::ListGroups(Ok(Vec::new())),
            AdminRequest::DeleteGroup { .. } => {
                AdminResponse::DeleteGroup(Err(ErrorName::NotCoordinator))
            }
            AdminRequest::OffsetDelete { .. } => {
                AdminResponse::OffsetDelete(Err(ErrorName::NotCoordinator))
            }
        }
    }

    /// Creates partitions: all of them, or none (`createTopic`, `createPartitions`).
    fn create_partitions<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partitions: &[(PartitionIndex, Vec<Node>)],
    ) -> Result<(), ErrorName> {
        let states: Result<Vec<_>, _> = partitions
            .iter()
            .map(|(partition, replicas)| self.new_partition(*partition, replicas))
            .collect();
        states?.into_iter().for_each(|state| self.add(state));
        self.publish(env);
        Ok(())
    }

    /// Returns a new partition, on these replicas, or placed where there are none. One of them must
    /// be able to lead it.
    fn new_partition(
        &self,
        partition: PartitionIndex,
        replicas: &[Node],
    ) -> Result<PartitionState, ErrorName> {
        if self.exists(partition) {
            return Err(ErrorName::TopicAlreadyExists);
        }
        let mut state = self.placement.place(partition);
        let mut error = ErrorName::InvalidReplicationFactor;
        if !replicas.is_empty() {
            error = ErrorName::InvalidReplicaAssignment;
            state.replicas = self.replica_set(replicas)?;
            state.order = ReplicaOrder::new(replicas.iter().copied());
        }
        let state = self.begin(state);
        state.leader.map(|_| state).ok_or(error)
    }

    /// Returns brokers as a set. Each must exist, and be named once
    /// (`validateManualPartitionAssignment`).
    fn replica_set(&self, replicas: &[Node]) -> Result<BrokerSet, ErrorName> {
        let mut set = BrokerSet::default();
        for replica in replicas {
            if !self.brokers.contains(*replica) || set.contains(*replica) {
                return Err(ErrorName::InvalidReplicaAssignment);
            }
            set = set.with(*replica);
        }
        Ok(set)
    }

    /// Returns a new partition as it begins: those of its replicas are in sync that may lead.
    fn begin(&self, mut state: PartitionState) -> PartitionState {
        let active = self.active().among(state.replicas);
        if !active.is_empty() {
            state.in_sync = active;
        }
        state.leader = self.candidate(state, active);
        state
    }

    fn add(&mut self, state: PartitionState) {
        self.partitions[state.partition] = Some(state);
        self.changed.push(state.partition);
    }

    /// Deletes partitions: all of them, or none (`deleteTopic`).
    fn delete_partitions<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partitions: Vec<PartitionIndex>,
    ) -> Result<(), ErrorName> {
        if !partitions.iter().all(|partition| self.exists(*partition)) {
            return Err(ErrorName::UnknownTopicOrPartition);
        }
        for partition in &partitions {
            self.partitions[*partition] = None;
        }
        self.removed.extend(partitions);
        self.publish(env);
        Ok(())
    }

    /// Makes the preferred replica the leader, or any of a partition that has none (`electLeader`).
    /// No election is unclean here: a partition has no leader only where none is eligible.
    fn elect_leader<D: Dialect>(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        preferred: bool,
    ) -> Result<(), ErrorName> {
        let state = self.partition(partition);
        let state = state.ok_or(ErrorName::UnknownTopicOrPartition)?;
        let first = state.order.of(state.replicas).next();
        let is_needed = match preferred {
            true => state.leader != first,
            false => state.leader.is_none(),
        };
        if !is_needed {
            return Err(ErrorName::ElectionNotNeeded);
        }
        if !preferred {
            return Err(ErrorName::EligibleLeadersNotAvailable);
        }
        if first.is_none() || self.candidate(state, state.in_sync) != first {
            return Err(ErrorName::PreferredLeaderNotAvailable);
        }
        self.lead(env, partition, first, state.in_sync);
        self.publish(env);
        Ok(())
    }
}
