//! What is asked of topics and groups for a scenario, as tools ask it.

use super::Done;
use crate::control::{Answer, Control};
use crate::own::{self, OwnClient};
use crate::world::World;
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
    OffsetCommitRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::ResetTo;
use plimsoll_scenarios::schedule::FaultIndex;
use plimsoll_sim::served::{BrokerState, PartitionReport, Report};
use std::time::Duration;

/// The time that brokers get to know each other, and then a new topic.
const SETTLING: Duration = Duration::from_millis(100);

/// The time that brokers are given for what a tool asks, in milliseconds.
const WITHIN_MS: i32 = 5_000;

/// Creates the topics of a plan, before anybody is connected. The world's time goes on as it needs,
/// which the wall clock does not.
pub(crate) fn create(world: &mut World, plan: &Plan) {
    run(world, SETTLING);
    let topics = plan.settings.topics.iter().map(|topic| {
        CreatableTopic::default()
            .with_name(topic_name(&topic.name))
            .with_num_partitions(topic.partitions.cast_signed())
            .with_replication_factor(-1)
    });
    let request = CreateTopicsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(WITHIN_MS);
    let now = world.began;
    let connected = world.connect(now, BrokerId(1), own::HOST.into(), true);
    if let (Some((id, mut answers)), Some(frame)) = (connected, own::encode(&request, 7)) {
        world.received(now, id, frame);
        run(world, SETTLING);
        debug_assert!(matches!(answers.try_recv(), Ok(Answer::Frame(_))));
        world.disconnected(world.began, id);
    }
}

/// Lets the world's time go on.
fn run(world: &mut World, time: Duration) {
    let end = world.began + time;
    while let Some(at) = world.poll_timeout().filter(|at| *at <= end) {
        world.handle_timeout(at);
    }
    world.handle_timeout(end);
    world.began = end;
}

/// Begins something that takes its time, and tells the world when it is done.
pub(super) fn begin(
    control: Control,
    fault: FaultIndex,
    work: impl Future<Output = Option<bool>> + Send + 'static,
) {
    tokio::spawn(async move {
        let done = Done::from(work.await.unwrap_or(false));
        let tell = move |world: &mut World, now| world.done(now, fault, done);
        control.call(tell).await
    });
}

/// Adds partitions to a topic.
pub(super) async fn add_partitions(control: Control, topic: String, count: u32) -> Option<bool> {
    let report = control.call(|world, _| world.cluster.report()).await?;
    let before = of_topic(&report, &topic)?.len() as u32;
    let wanted = CreatePartitionsTopic::default()
        .with_name(topic_name(&topic))
        .with_count((before + count).cast_signed())
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![wanted])
        .with_timeout_ms(WITHIN_MS);
    let broker = any(&report)?;
    let answer = OwnClient::new(control).ask(broker, &request, 3).await?;
    Some(answer.results.iter().all(|result| result.error_code == 0))
}

/// Removes the first records of a partition, up to a share of it.
pub(super) async fn remove_records(
    control: Control,
    (topic, partition): (String, u32),
    share: f64,
) -> Option<bool> {
    let report = control.call(|world, _| world.cluster.report()).await?;
    let place = of_topic(&report, &topic)?.get(partition as usize)?;
    let (start, end) = (place.log_start, place.high_watermark);
    let before = start + ((end - start) as f64 * share) as u64;
    let wanted = DeleteRecordsPartition::default()
        .with_partition_index(partition.cast_signed())
        .with_offset(before.cast_signed());
    let wanted = DeleteRecordsTopic::default()
        .with_name(topic_name(&topic))
        .with_partitions(vec![wanted]);
    let request = DeleteRecordsRequest::default()
        .with_topics(vec![wanted])
        .with_timeout_ms(WITHIN_MS);
    let leader = place.leader?;
    let answer = OwnClient::new(control).ask(leader, &request, 2).await?;
    let mut results = answer.topics.iter().flat_map(|topic| &topic.partitions);
    Some(before > start && results.all(|result| result.error_code == 0))
}

/// Sets the offset of a partition of every group that has none of its members, as Kafka lets tools
/// do.
pub(super) async fn reset_offsets(
    control: Control,
    (topic, partition): (String, u32),
    to: ResetTo,
) -> Option<bool> {
    let report = control.call(|world, _| world.cluster.report()).await?;
    let place = of_topic(&report, &topic)?.get(partition as usize)?;
    let next = to.within(place.log_start, place.high_watermark);
    let offset = OffsetCommitRequestPartition::default()
        .with_partition_index(partition.cast_signed())
        .with_committed_offset(next.cast_signed());
    let offset = OffsetCommitRequestTopic::default()
        .with_name(topic_name(&topic))
        .with_partitions(vec![offset]);
    let mut client = OwnClient::new(control);
    let mut any = false;
    for group in &report.groups {
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.name.clone())))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![offset.clone()]);
        let Some(coordinator) = group.coordinator else {
            continue;
        };
        let answer = client.ask(coordinator, &request, 8).await;
        let topics = answer.iter().flat_map(|answer| &answer.topics);
        let mut offsets = topics.flat_map(|topic| &topic.partitions);
        any |= offsets.any(|offset| offset.error_code == 0);
    }
    Some(any)
}

/// Returns the partitions of a topic.
pub(super) fn of_topic<'a>(report: &'a Report, name: &str) -> Option<&'a [PartitionReport]> {
    let mut topics = report.topics.iter();
    let topic = topics.find(|topic| topic.name == name)?;
    Some(&topic.partitions)
}

/// Returns a broker that serves.
pub(super) fn any(report: &Report) -> Option<BrokerId> {
    let mut brokers = report.brokers.iter();
    let serving = brokers.find(|broker| broker.state == BrokerState::Serving)?;
    Some(serving.id)
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
