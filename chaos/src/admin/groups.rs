//! Groups: their coordinators, their members, and what they have committed.

use super::{Admin, Failure, OFFSETS_TOPIC, check, retry};
use crate::error::ChaosError;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// A group as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupState {
    /// Kafka's word for it: `Stable`, `Empty`, `PreparingRebalance`, `Dead`, ...
    pub state: String,
    /// The number of its members.
    pub members: usize,
}

impl Admin {
    /// Returns the index of the broker that coordinates the group.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<u32, ChaosError> {
        let what = format!("name the coordinator of the group {group}");
        retry(&what, move |_| self.coordinator_now(group)).await
    }

    /// Returns the partition of `__consumer_offsets` that keeps the group; its leader is the
    /// coordinator.
    pub(crate) async fn offsets_partition(&self, group: &str) -> Result<u32, ChaosError> {
        let partitions = self.topic(OFFSETS_TOPIC).await?.partitions.len();
        Ok(partition_of_group(group, partitions))
    }

    /// Returns what the group has committed: topic, partition, and the offset of the next record.
    pub(crate) async fn committed(
        &self,
        group: &str,
    ) -> Result<Vec<(String, u32, u64)>, ChaosError> {
        // Stable offsets only, as clients ask for them: what is not replicated may be undone.
        let request = &OffsetFetchRequest::default()
            .with_group_id(group_id(group))
            .with_topics(None)
            .with_require_stable(true);
        let what = format!("tell what the group {group} has committed");
        retry(&what, move |_| async move {
            let coordinator = self.coordinator_now(group).await?;
            let answer = self.broker(coordinator, request, 7).await?;
            check(answer.error_code)?;
            let mut committed = Vec::new();
            for topic in &answer.topics {
                for partition in &topic.partitions {
                    check(partition.error_code)?;
                    // A negative offset says that nothing is committed.
                    if let (Ok(number), Ok(next)) = (
                        u32::try_from(partition.partition_index),
                        u64::try_from(partition.committed_offset),
                    ) {
                        committed.push((topic.name.to_string(), number, next));
                    }
                }
            }
            committed.sort_unstable();
            Ok(committed)
        })
        .await
    }

    /// Returns the group's state and the number of its members.
    pub(crate) async fn group(&self, group: &str) -> Result<GroupState, ChaosError> {
        let request = &DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        retry(
            &format!("describe the group {group}"),
            move |_| async move {
                let coordinator = self.coordinator_now(group).await?;
                // Version 6 has an error for a group that is not there, older ones say `Dead`.
                let answer = self.broker(coordinator, request, 5).await?;
                let found = (answer.groups.first())
                    .ok_or_else(|| Failure::Passing("an empty answer".into()))?;
                check(found.error_code)?;
                Ok(GroupState {
                    state: found.group_state.to_string(),
                    members: found.members.len(),
                })
            },
        )
        .await
    }

    /// Commits an offset for no member, as Kafka's own tool does that resets a group. Returns
    /// whether the coordinator took it: it does not as long as the group has members.
    pub(crate) async fn reset_offset(
        &self,
        group: &str,
        topic: &str,
        partition: u32,
        next: u64,
    ) -> Result<bool, ChaosError> {
        let (partition, next) = (partition as i32, next as i64);
        let offset = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(next)
            .with_committed_metadata(Some(StrBytes::default()));
        let offsets = OffsetCommitRequestTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partitions(vec![offset]);
        let request = &OffsetCommitRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![offsets]);
        let what = format!("reset the group {group} in {topic}-{partition} to {next}");
        retry(&what, move |_| async move {
            let coordinator = self.coordinator_now(group).await?;
            let answer = self.broker(coordinator, request, 7).await?;
            let mut answers = answer.topics.iter().flat_map(|topic| &topic.partitions);
            let answer = answers
                .next()
                .ok_or_else(|| Failure::Passing("an empty answer".into()))?;
            let refused = ResponseError::UnknownMemberId.code();
            if answer.error_code == refused {
                return Ok(false);
            }
            check(answer.error_code)?;
            Ok(true)
        })
        .await
    }

    /// Deletes a group; one that does not exist is deleted already. Its members leave it first:
    /// their processes are gone, and the group would keep them for as long as their sessions last.
    pub(crate) async fn delete_group(&self, group: &str) -> Result<(), ChaosError> {
        let request = &DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
        retry(&format!("delete the group {group}"), move |_| async move {
            let coordinator = self.coordinator_now(group).await?;
            self.remove_members(coordinator, group).await?;
            let answer = self.broker(coordinator, request, 2).await?;
            (answer.results.iter())
                .filter(|found| found.error_code != ResponseError::GroupIdNotFound.code())
                .try_for_each(|found| check(found.error_code))
        })
        .await
    }

    /// Lets all members of a group leave it, as Kafka's `removeMembersFromConsumerGroup` does.
    async fn remove_members(&self, coordinator: u32, group: &str) -> Result<(), Failure> {
        let request = &DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        let answer = self.broker(coordinator, request, 5).await?;
        let members = answer.groups.iter().flat_map(|group| &group.members);
        let members: Vec<MemberIdentity> = members
            .map(|member| MemberIdentity::default().with_member_id(member.member_id.clone()))
            .collect();
        if members.is_empty() {
            return Ok(());
        }
        let request = &LeaveGroupRequest::default()
            .with_group_id(group_id(group))
            .with_members(members);
        // A member that has left meanwhile has an error of its own in the answer, and is gone.
        check(self.broker(coordinator, request, 4).await?.error_code)
    }

    /// Returns the names of all groups.
    #[cfg(feature = "containers")]
    pub(crate) async fn groups(&self) -> Result<Vec<String>, ChaosError> {
        let request = &kafka_protocol::messages::ListGroupsRequest::default();
        retry("list its groups", move |_| async move {
            let mut groups = Vec::new();
            for broker in self.brokers.iter() {
                let answer = self.broker(broker.index, request, 3).await?;
                check(answer.error_code)?;
                groups.extend(answer.groups.iter().map(|group| group.group_id.to_string()));
            }
            groups.sort_unstable();
            Ok(groups)
        })
        .await
    }

    async fn coordinator_now(&self, group: &str) -> Result<u32, Failure> {
        let request = &FindCoordinatorRequest::default()
            .with_key(StrBytes::from_string(group.to_owned()))
            .with_key_type(0);
        let answer = self.any(request, 3).await?;
        check(answer.error_code)?;
        self.index(answer.node_id.0).ok_or_else(|| {
            Failure::Passing(format!(
                "the unknown node {} coordinates it",
                answer.node_id.0
            ))
        })
    }
}

fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

/// Computes the group's partition of the offsets topic, as Kafka does.
fn partition_of_group(group: &str, partitions: usize) -> u32 {
    // The lowest number has no absolute value; Kafka takes 0 for it.
    let hash = java_hash(group).checked_abs().unwrap_or(0);
    let partitions = u32::try_from(partitions).unwrap_or(u32::MAX).max(1);
    hash.unsigned_abs() % partitions
}

/// Computes Java's `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_java_does() {
        // jshell> "...".hashCode()
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("orders"), -1_008_770_331);
        assert_eq!(java_hash("Plimsoll 🚢"), 679_103_369);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
    }

    #[test]
    fn groups_are_spread_by_the_absolute_hash() {
        assert_eq!(partition_of_group("orders", 4), 3);
        assert_eq!(partition_of_group("polygenelubricants", 4), 0);
        assert_eq!(partition_of_group("orders", 0), 0);
    }
}
