//! The work of tools on topics and groups: before a plan begins, and for its faults, where it takes its
//! time.

use super::client::encode;
use super::{HOST, Host, OwnClient};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, GroupId,
    OffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::topic_name;
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{FaultKind, ResetTo};
use plimsoll_scenarios::schedule::{Done, FaultIndex};
use plimsoll_sim::served::{PartitionReport, Report, ServedCluster};
use std::sync::Arc;
use std::time::Duration;

/// The name by which tools call themselves: no injected error hits them.
pub const TOOL: &str = "plimsoll-tool";

/// The time that brokers get to know each other, and then new topics.
const SETTLING: Duration = Duration::from_millis(100);

/// The longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);

/// The time that brokers are given, in milliseconds.
const WITHIN_MS: i32 = 5_000;

/// Creates topics, by their names and numbers of partitions, before anybody is connected. Returns
/// the time of the cluster then, which goes on as it needs.
pub fn create_topics<'a>(
    cluster: &mut ServedCluster,
    topics: impl IntoIterator<Item = (&'a str, u32)>,
) -> Instant {
    let topics = topics.into_iter().map(|(name, partitions)| {
        CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions.cast_signed())
            .with_replication_factor(-1)
    });
    let request = CreateTopicsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(WITHIN_MS);
    let known = Instant::ZERO + SETTLING;
    run_until(cluster, known);
    let created = known + SETTLING;
    let connected = cluster.connect(known, BrokerId(1), HOST.into());
    if let (Some(id), Some(frame)) = (connected, encode(TOOL, &request, 7)) {
        cluster.receive(known, id, frame);
        run_until(cluster, created);
        cluster.disconnect(created, id);
    }
    created
}

/// Lets the time of a cluster go on.
fn run_until(cluster: &mut ServedCluster, end: Instant) {
    while let Some(at) = cluster.poll_timeout().filter(|at| *at <= end) {
        cluster.handle_timeout(at);
    }
    cluster.handle_timeout(end);
}

/// Does what a fault asks of tools, and tells the host when it is done.
pub async fn carry_out<H: Host>(host: H, plan: Arc<Plan>, fault: FaultIndex) {
    let changed = match host.report().await {
        Some(report) => {
            let client = OwnClient::new(host.clone(), TOOL, WITHIN);
            let mut tools = Tools {
                client,
                plan: &plan,
                report,
            };
            tools.carry_out(fault).await
        }
        None => None,
    };
    host.done(fault, Done::from(changed.unwrap_or(false))).await;
}

/// The tools at work for a fault.
struct Tools<'a, H: Host> {
    client: OwnClient<H>,
    plan: &'a Plan,
    /// The state of the cluster when they began.
    report: Report,
}

/// Each returns whether it changed anything; `None`: something is not there, or does not answer.
impl<H: Host> Tools<'_, H> {
    async fn carry_out(&mut self, fault: FaultIndex) -> Option<bool> {
        match fault.of(self.plan).kind {
            FaultKind::AddPartitions { topic, count } => {
                self.add_partitions(topic.0, count.0).await
            }
            FaultKind::Retention { partition, share } => {
                self.remove_records(partition, share.0).await
            }
            FaultKind::OffsetsReset { partition, to } => self.reset_offsets(partition, to).await,
            _ => None,
        }
    }

    /// Adds partitions to a topic.
    async fn add_partitions(&mut self, topic: u32, count: u32) -> Option<bool> {
        let before = self.report.partitions(self.name(topic))?.len() as u32;
        let wanted = CreatePartitionsTopic::default()
            .with_name(topic_name(self.name(topic)))
            .with_count((before + count).cast_signed())
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(WITHIN_MS);
        let serving = self.report.serving().next()?;
        let answer = self.client.ask(serving, &request, 3).await?;
        Some(answer.results.iter().all(|result| result.error_code == 0))
    }

    /// Removes the first records of a partition, up to a share of it.
    async fn remove_records(&mut self, partition: TopicPartition, share: f64) -> Option<bool> {
        let place = self.place(partition)?;
        let (start, end, leader) = (place.log_start, place.high_watermark, place.leader?);
        let before = start + ((end - start) as f64 * share) as u64;
        let wanted = DeleteRecordsPartition::default()
            .with_partition_index(partition.partition.cast_signed())
            .with_offset(before.cast_signed());
        let wanted = DeleteRecordsTopic::default()
            .with_name(topic_name(self.name(partition.topic)))
            .with_partitions(vec![wanted]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(WITHIN_MS);
        let answer = self.client.ask(leader, &request, 2).await?;
        let mut results = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Some(before > start && results.all(|result| result.error_code == 0))
    }

    /// Sets the offset of a partition of every group that has no members, as Kafka lets tools do.
    async fn reset_offsets(&mut self, partition: TopicPartition, to: ResetTo) -> Option<bool> {
        let place = self.place(partition)?;
        let next = to.within(place.log_start, place.high_watermark);
        let offset = OffsetCommitRequestPartition::default()
            .with_partition_index(partition.partition.cast_signed())
            .with_committed_offset(next.cast_signed());
        let offset = OffsetCommitRequestTopic::default()
            .with_name(topic_name(self.name(partition.topic)))
            .with_partitions(vec![offset]);
        let mut any = false;
        for group in &self.report.groups {
            let request = OffsetCommitRequest::default()
                .with_group_id(GroupId(StrBytes::from_string(group.name.clone())))
                .with_generation_id_or_member_epoch(-1)
                .with_topics(vec![offset.clone()]);
            let Some(coordinator) = group.coordinator else {
                continue;
            };
            let answer = self.client.ask(coordinator, &request, 8).await;
            let topics = answer.iter().flat_map(|answer| &answer.topics);
            let mut offsets = topics.flat_map(|topic| &topic.partitions);
            any |= offsets.any(|offset| offset.error_code == 0);
        }
        Some(any)
    }

    fn place(&self, partition: TopicPartition) -> Option<&PartitionReport> {
        let topic = self.name(partition.topic);
        self.report.partition(topic, partition.partition)
    }

    fn name(&self, topic: u32) -> &str {
        self.plan.settings.topic_name(topic)
    }
}
