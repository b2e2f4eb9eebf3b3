//! What tools do to topics and groups, for faults that take their time.

use crate::own::{CLIENT_ID, OwnClient};
use crate::world::{Shared, in_plan};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, DeleteRecordsRequest, GroupId, OffsetCommitRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::TopicPartition;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{FaultKind, ResetTo};
use plimsoll_scenarios::schedule::FaultIndex;
use plimsoll_sim::served::{BrokerState, PartitionReport, Report};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// The time that brokers are given, in milliseconds.
const WITHIN_MS: i32 = 5_000;

/// Carries out a fault, and tells the world when it is done.
pub(crate) async fn carry_out(world: Shared, plan: Arc<Plan>, index: FaultIndex) {
    let client = OwnClient::new(world.clone(), CLIENT_ID, WITHIN);
    let report = world.with(|world| world.report());
    let mut tools = Tools {
        client,
        plan: &plan,
        report,
    };
    let changed = match index.of(&plan).kind {
        FaultKind::AddPartitions { topic, count } => tools.add_partitions(topic.0, count.0).await,
        FaultKind::Retention { partition, share } => tools.remove_records(partition, share.0).await,
        FaultKind::OffsetsReset { partition, to } => tools.reset_offset(partition, to).await,
        _ => None,
    };
    world.with(|world| world.done(index, changed.unwrap_or(false)));
}

/// What tools need.
struct Tools<'a> {
    client: OwnClient,
    plan: &'a Plan,
    /// What the cluster knew when they began.
    report: Report,
}

impl Tools<'_> {
    /// Adds partitions to a topic.
    async fn add_partitions(&mut self, topic: u32, count: u32) -> Option<bool> {
        let before = self.partitions(topic)?.len() as u32;
        let wanted = CreatePartitionsTopic::default()
            .with_name(self.topic(topic))
            .with_count((before + count).cast_signed())
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(WITHIN_MS);
        let mut brokers = self.report.brokers.iter();
        let serving = brokers.find(|broker| broker.state == BrokerState::Serving)?;
        let serving = in_plan(serving.id);
        let answer = self.client.ask(serving, &request, 3).await?;
        Some(answer.results.iter().all(|result| result.error_code == 0))
    }

    /// Removes the first records of a partition, up to a share of it.
    async fn remove_records(&mut self, partition: TopicPartition, share: f64) -> Option<bool> {
        let number = partition.partition;
        let place = self.partitions(partition.topic)?.get(number as usize)?;
        let (start, end, leader) = (place.log_start, place.high_watermark, place.leader?);
        let before = start + ((end - start) as f64 * share) as u64;
        let wanted = DeleteRecordsPartition::default()
            .with_partition_index(number.cast_signed())
            .with_offset(before.cast_signed());
        let wanted = DeleteRecordsTopic::default()
            .with_name(self.topic(partition.topic))
            .with_partitions(vec![wanted]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(WITHIN_MS);
        let answer = self.client.ask(in_plan(leader), &request, 2).await?;
        let mut results = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Some(before > start && results.all(|result| result.error_code == 0))
    }

    /// Sets the group's offset of a partition, where the group has no member, as Kafka lets tools
    /// do.
    async fn reset_offset(&mut self, partition: TopicPartition, to: ResetTo) -> Option<bool> {
        let number = partition.partition;
        let place = self.partitions(partition.topic)?.get(number as usize)?;
        let next = to.within(place.log_start, place.high_watermark);
        let group = &self.plan.settings.consumers.group;
        let mut groups = self.report.groups.iter();
        let coordinator = groups.find(|of| of.name == *group)?.coordinator?;
        let offset = OffsetCommitRequestPartition::default()
            .with_partition_index(number.cast_signed())
            .with_committed_offset(next.cast_signed());
        let offset = OffsetCommitRequestTopic::default()
            .with_name(self.topic(partition.topic))
            .with_partitions(vec![offset]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.clone())))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![offset]);
        let answer = self.client.ask(in_plan(coordinator), &request, 8).await?;
        let mut offsets = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Some(offsets.all(|offset| offset.error_code == 0))
    }

    fn topic(&self, number: u32) -> TopicName {
        let name = self.plan.settings.topics[number as usize].name.clone();
        TopicName(StrBytes::from_string(name))
    }

    fn partitions(&self, topic: u32) -> Option<&[PartitionReport]> {
        let name = &self.plan.settings.topics[topic as usize].name;
        let mut topics = self.report.topics.iter();
        let topic = topics.find(|topic| topic.name == *name)?;
        Some(&topic.partitions)
    }
}
