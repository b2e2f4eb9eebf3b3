//! What tools ask about groups.

use super::Coordinator;
use super::group::Group;
use super::offsets::tombstone;
use super::operation::Operation;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::protocol::{
    AdminRequest, AdminResponse, Content, Dialect, GroupDescription, GroupIndex, GroupState,
    ListedGroup, MemberDescription, ProtocolType, Protocols,
};
use crate::topology::PartitionIndex;
use plimsoll_oracle::ErrorName;

impl<D: Dialect> Broker<D> {
    /// Does what a tool asks.
    pub(super) fn handle_admin(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: AdminRequest<D>,
    ) {
        let response = match request {
            AdminRequest::DescribeGroup { group } => {
                AdminResponse::DescribeGroup(self.describe_group(env, group))
            }
            AdminRequest::ListGroups => AdminResponse::ListGroups(self.list_groups(env)),
            AdminRequest::DeleteGroup { group } => return self.delete_group(env, reply, group),
            AdminRequest::OffsetDelete { group, topics } => {
                match self.delete_offsets(env, reply, group, topics) {
                    Ok(()) => return,
                    Err(error) => AdminResponse::OffsetDelete(Err(error)),
                }
            }
            AdminRequest::CreatePartitions { .. }
            | AdminRequest::DeletePartitions { .. }
            | AdminRequest::ElectLeader { .. } => {
                debug_assert!(false, "meant for the controller");
                self.connections.finish(reply);
                return;
            }
        };
        self.reply(env, reply, response.into());
    }

    /// Describes a group as it is: a read operation, which waits for nothing
    /// (`GroupCoordinatorService.describeGroups`).
    fn describe_group(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
    ) -> Result<GroupDescription<D>, ErrorName> {
        let coordinator = self.coordinator_of(env, group)?;
        Ok(coordinator.existing(group)?.describe())
    }

    /// Returns the groups that this broker coordinates. As long as it loads any, it cannot tell
    /// (`GroupCoordinatorService.listGroups`).
    fn list_groups(&mut self, env: &mut impl ClusterEnv<D>) -> Result<Vec<ListedGroup>, ErrorName> {
        let now = env.now();
        let mut coordinators = self.coordinators.values();
        if coordinators.any(|coordinator| now < coordinator.ready_at) {
            return Err(ErrorName::CoordinatorLoadInProgress);
        }
        let groups = self.coordinators.values().flat_map(|c| c.groups.iter());
        let listed = groups.map(|(index, group)| ListedGroup {
            group: *index,
            state: group.state,
            protocol_type: group.protocol_type,
        });
        Ok(listed.collect())
    }

    /// Deletes a group without members, with all that it committed
    /// (`GroupCoordinatorShard.deleteGroups`).
    fn delete_group(&mut self, env: &mut impl ClusterEnv<D>, reply: Reply, group: GroupIndex) {
        let coordinator = match self.coordinator_of(env, group) {
            Ok(coordinator) => coordinator,
            Err(error) => {
                let response = AdminResponse::DeleteGroup(Err(error));
                return self.reply(env, reply, response.into());
            }
        };
        let is_empty = coordinator.existing(group).and_then(Group::check_delete);
        if let Err(error) = is_empty {
            let operation = Operation::DeleteGroup(reply, group, Err(error));
            return self.wait_for_pending_writes(env, group, operation);
        }
        coordinator.groups.remove(&group);
        let offsets = self.committed_of(env, group).into_iter();
        let tombstones = offsets.map(|partition| tombstone((group, partition)));
        let end = [Content::GroupTombstone(group)];
        let next_snapshot = env.shared().next_snapshot();
        let operation = Operation::DeleteGroup(reply, group, Ok(next_snapshot));
        self.write(env, group, tombstones.chain(end), operation);
    }

    /// Deletes what a group committed of partitions to whose topics no member has subscribed
    /// (`OffsetMetadataManager.deleteOffsets`); the broker's metadata say which there are
    /// (`KafkaApis.handleOffsetDeleteRequest`).
    fn delete_offsets(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        group: GroupIndex,
        topics: Vec<(D::Topic, Vec<PartitionIndex>)>,
    ) -> Result<(), ErrorName> {
        let state = self.coordinator_of(env, group)?.existing(group)?;
        state.check_offset_delete()?;
        let subscribed: Vec<_> = topics
            .iter()
            .map(|(topic, _)| state.is_subscribed(topic))
            .collect();
        let committed = self.committed_of(env, group);
        let (mut answers, mut tombstones) = (Vec::new(), Vec::new());
        for ((_, partitions), is_subscribed) in topics.into_iter().zip(subscribed) {
            for partition in partitions {
                let replica = self.replicas.get(partition);
                let error = if replica.is_none_or(|replica| replica.state.is_none()) {
                    Some(ErrorName::UnknownTopicOrPartition)
                } else {
                    is_subscribed.then_some(ErrorName::GroupSubscribedToTopic)
                };
                if error.is_none() && committed.contains(&partition) {
                    tombstones.push(tombstone((group, partition)));
                }
                answers.push((partition, error));
            }
        }
        let operation = Operation::OffsetDelete(reply, answers);
        self.write(env, group, tombstones.into_iter(), operation);
        Ok(())
    }

    /// Returns the partitions of which a group committed an offset, replicated or not.
    fn committed_of(&self, env: &mut impl ClusterEnv<D>, group: GroupIndex) -> Vec<PartitionIndex> {
        let offsets = env.shared().offsets_of(group);
        let Some(coordinator) = self.coordinators.get(&offsets) else {
            return Vec::new();
        };
        let log = &self.replicas[offsets].log;
        let written = coordinator.offsets.written(log, group);
        written.iter().map(|offset| offset.partition).collect()
    }
}

impl<D: Dialect> Coordinator<D> {
    /// Returns a group that exists (`GroupMetadataManager.group`).
    fn existing(&self, group: GroupIndex) -> Result<&Group<D>, ErrorName> {
        self.groups.get(&group).ok_or(ErrorName::GroupIdNotFound)
    }
}

impl<D: Dialect> Group<D> {
    /// Describes the group. What its members said shows where it is stable alone
    /// (`GroupMetadataManager.describeGroups`, `ClassicGroupMember.describeNoMetadata`).
    fn describe(&self) -> GroupDescription<D> {
        let is_stable = self.state == GroupState::Stable;
        let protocol = self.protocol.as_ref().filter(|_| is_stable);
        let profiles = self.members.iter().map(|member| &member.profile);
        let members = profiles.map(|profile| MemberDescription {
            member: profile.id,
            instance: profile.instance,
            client: profile.client.clone(),
            subscription: protocol.map(|name| profile.subscription.under(name)),
            assignment: profile.assignment.clone(),
        });
        GroupDescription {
            state: self.state,
            protocol_type: self.protocol_type,
            protocol: protocol.cloned(),
            members: members.collect(),
        }
    }

    /// Checks whether the group may be deleted (`ClassicGroup.validateDeleteGroup`).
    fn check_delete(&self) -> Result<(), ErrorName> {
        match self.state {
            GroupState::Empty => Ok(()),
            _ => Err(ErrorName::NonEmptyGroup),
        }
    }

    /// Checks whether offsets may be deleted (`ClassicGroup.validateOffsetDelete`): of members that
    /// are no consumers the coordinator does not know what they need.
    fn check_offset_delete(&self) -> Result<(), ErrorName> {
        match self.state {
            GroupState::Empty => Ok(()),
            _ if self.protocol_type == Some(ProtocolType::CONSUMER) => Ok(()),
            _ => Err(ErrorName::NonEmptyGroup),
        }
    }

    /// Returns whether any member has subscribed to a topic, as far as can be known
    /// (`ClassicGroup.isSubscribedToTopic`).
    fn is_subscribed(&self, topic: &D::Topic) -> bool {
        if self.protocol_type != Some(ProtocolType::CONSUMER) {
            return false;
        }
        let mut subscriptions = self.members.iter().map(|m| &m.profile.subscription);
        subscriptions.any(|subscription| match &self.protocol {
            Some(protocol) => subscription.under(protocol).subscribes(topic),
            None => true,
        })
    }
}
