//! What the cluster knows, as JSON.

use plimsoll_sim::served::{
    BrokerState, GroupReport, OffsetReport, PartitionReport, ServedCluster, TopicReport,
};
use serde_json::{Value, json};

pub(super) fn of(cluster: &ServedCluster) -> Value {
    let report = cluster.report();
    let brokers = report.brokers.iter();
    let brokers = brokers.map(|broker| json!({ "id": broker.id.0, "state": state(broker.state) }));
    json!({
        "brokers": brokers.collect::<Vec<_>>(),
        "topics": report.topics.iter().map(topic).collect::<Vec<_>>(),
        "groups": report.groups.iter().map(group).collect::<Vec<_>>(),
    })
}

fn state(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Serving => "serving",
        BrokerState::Starting => "starting",
        BrokerState::Stopping => "stopping",
        BrokerState::Paused => "paused",
        BrokerState::Down => "down",
    }
}

fn topic(topic: &TopicReport) -> Value {
    let partitions = topic.partitions.iter().map(partition);
    json!({ "name": topic.name, "partitions": partitions.collect::<Vec<_>>() })
}

fn partition(partition: &PartitionReport) -> Value {
    json!({
        "leader": partition.leader.map(|leader| leader.0),
        "log_start": partition.log_start,
        "high_watermark": partition.high_watermark,
    })
}

fn group(group: &GroupReport) -> Value {
    json!({
        "name": group.name,
        "coordinator": group.coordinator.map(|coordinator| coordinator.0),
        "offsets": group.offsets.iter().map(offset).collect::<Vec<_>>(),
    })
}

fn offset(offset: &OffsetReport) -> Value {
    json!({
        "topic": offset.topic,
        "partition": offset.partition,
        "next": offset.next,
        "lag": offset.lag,
    })
}
