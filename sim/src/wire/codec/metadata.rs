//! Metadata: the brokers, and the topics with their leaders.

use super::cluster::CLUSTER_ID;
use super::operations::{ON_TOPIC, on_cluster};
use super::topics::{New, is_valid};
use super::{Context, Plan, body};
use crate::protocol::{ClusterMetadata, PartitionState, Request, Response};
use crate::wire::To;
use crate::wire::names::{Names, kafka_broker};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::{OFFSETS_TOPIC, topic_name};
use plimsoll_oracle::ErrorName;
use uuid::Uuid;

/// `max.request.partition.size.limit`.
const MOST_PARTITIONS: i32 = 2_000;

impl Context<'_, '_> {
    pub(super) fn metadata(&mut self, request: kafka::MetadataRequest) -> Plan {
        let version = self.version;
        let wanted = request
            .topics
            .filter(|topics| version > 0 || !topics.is_empty());
        let mut parts = Vec::new();
        let named: Option<Vec<(Option<String>, Uuid)>> = wanted.map(|topics| {
            let topics = topics.into_iter();
            topics
                .map(|topic| match topic.name {
                    Some(name) => (Some(name.to_string()), Uuid::nil()),
                    None => {
                        let known = self.names.known.topic_with(topic.topic_id);
                        (known.map(str::to_owned), topic.topic_id)
                    }
                })
                .collect()
        });
        if request.allow_auto_topic_creation || version < 4 {
            for name in named.iter().flatten().filter_map(|(name, _)| name.as_ref()) {
                let is_new = !self.names.settings.contains_key(name);
                if is_new
                    && is_valid(name)
                    && let Ok((_, create)) = self.create(name, &New::by_default())
                {
                    parts.push((To::Controller, create));
                }
            }
        }
        parts.push((To::Broker, Request::Metadata));
        let on_topics = request.include_topic_authorized_operations;
        let on_cluster = on_cluster(request.include_cluster_authorized_operations);
        Plan::new(parts, move |names, at, mut answers| {
            let (cluster, failed) = match answers.pop() {
                Some(Response::Metadata(cluster)) => (cluster, None),
                Some(Response::Failed(error)) => (ClusterMetadata::default(), Some(error)),
                _ => return None,
            };
            let brokers = cluster.alive.among(at.open).iter().map(|node| {
                let (host, port) = names.address(node);
                MetadataResponseBroker::default()
                    .with_node_id(kafka_broker(node))
                    .with_host(host)
                    .with_port(port)
                    .with_rack(names.rack(node).cloned())
            });
            let mut topics = match failed {
                None => described(names, &cluster, named),
                Some(error) => failed_topics(error, named),
            };
            if on_topics {
                for topic in &mut topics {
                    topic.topic_authorized_operations = ON_TOPIC;
                }
            }
            let response = kafka::MetadataResponse::default()
                .with_brokers(brokers.collect())
                .with_cluster_id(Some(StrBytes::from_static_str(CLUSTER_ID)))
                .with_controller_id(1.into())
                .with_cluster_authorized_operations(on_cluster)
                .with_topics(topics);
            body(&response, version)
        })
    }

    /// Tells topics in parts (KIP-966; `DescribeTopicPartitionsRequestHandler`): by name, from the
    /// cursor on, as many partitions as are wanted.
    pub(super) fn describe_topic_partitions(
        &mut self,
        request: kafka::DescribeTopicPartitionsRequest,
    ) -> Plan {
        let version = self.version;
        let mut named: Vec<String> = match request.topics.is_empty() {
            true => self.names.settings.keys().cloned().collect(),
            false => request
                .topics
                .iter()
                .map(|topic| topic.name.to_string())
                .collect(),
        };
        named.sort();
        named.dedup();
        let (first, mut skipped) = match request.cursor {
            Some(cursor) => (cursor.topic_name.to_string(), cursor.partition_index),
            None => (String::new(), 0),
        };
        named.retain(|name| *name >= first);
        if named.first() != Some(&first) {
            skipped = 0;
        }
        let mut left = request.response_partition_limit.clamp(1, MOST_PARTITIONS) as usize;
        Plan::of_broker([Request::Metadata], move |names, _, mut answers| {
            let Response::Metadata(cluster) = answers.pop()? else {
                return None;
            };
            let named = named.into_iter().map(|name| (Some(name), Uuid::nil()));
            let mut topics = Vec::new();
            let mut next = None;
            for mut topic in described(names, &cluster, Some(named.collect())) {
                let skip = std::mem::take(&mut skipped);
                topic
                    .partitions
                    .retain(|partition| partition.partition_index >= skip);
                if topic.partitions.len() > left {
                    let cursor = Cursor::default()
                        .with_topic_name(topic.name.clone().unwrap_or_default())
                        .with_partition_index(topic.partitions[left].partition_index);
                    next = Some(cursor);
                    topic.partitions.truncate(left);
                }
                left -= topic.partitions.len();
                if next.is_none() || !topic.partitions.is_empty() {
                    topics.push(in_parts(topic));
                }
                if next.is_some() {
                    break;
                }
            }
            let response = kafka::DescribeTopicPartitionsResponse::default()
                .with_topics(topics)
                .with_next_cursor(next);
            body(&response, version)
        })
    }
}

/// Makes of a topic in metadata one that is told in parts.
fn in_parts(topic: MetadataResponseTopic) -> DescribeTopicPartitionsResponseTopic {
    let partitions = topic.partitions.into_iter().map(|partition| {
        DescribeTopicPartitionsResponsePartition::default()
            .with_error_code(partition.error_code)
            .with_partition_index(partition.partition_index)
            .with_leader_id(partition.leader_id)
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(partition.replica_nodes)
            .with_isr_nodes(partition.isr_nodes)
            .with_offline_replicas(partition.offline_replicas)
            .with_eligible_leader_replicas(Some(Vec::new()))
            .with_last_known_elr(Some(Vec::new()))
    });
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(topic.error_code)
        .with_name(topic.name)
        .with_topic_id(topic.topic_id)
        .with_is_internal(topic.is_internal)
        .with_partitions(partitions.collect())
        .with_topic_authorized_operations(ON_TOPIC)
}

/// Answers an error of the whole: each topic that was named has it
/// (`MetadataRequest.getErrorResponse`).
fn failed_topics(
    error: ErrorName,
    named: Option<Vec<(Option<String>, Uuid)>>,
) -> Vec<MetadataResponseTopic> {
    let named = named.into_iter().flatten();
    let topics = named.map(|(name, id)| {
        MetadataResponseTopic::default()
            .with_name(Some(topic_name(name.as_deref().unwrap_or_default())))
            .with_topic_id(id)
            .with_error_code(error.code())
    });
    topics.collect()
}

/// Describes topics: those that were named, or all.
fn described(
    names: &Names,
    cluster: &ClusterMetadata,
    named: Option<Vec<(Option<String>, Uuid)>>,
) -> Vec<MetadataResponseTopic> {
    let all = || {
        let names = names.settings.keys();
        names
            .map(|name| (Some(name.clone()), Uuid::nil()))
            .collect()
    };
    let named = named.unwrap_or_else(all);
    let topics = named.into_iter().map(|(name, id)| {
        let topic = MetadataResponseTopic::default()
            .with_name(name.as_deref().map(topic_name))
            .with_topic_id(id);
        let Some(name) = name else {
            return topic.with_error_code(ResponseError::UnknownTopicId.code());
        };
        if !is_valid(&name) {
            return topic.with_error_code(ResponseError::InvalidTopicException.code());
        }
        let unknown = ErrorName::UnknownTopicOrPartition.code();
        let Some(known) = names.known.topic(&name) else {
            return topic.with_error_code(unknown);
        };
        let mut partitions = Vec::new();
        for (number, index) in known.partitions.iter().enumerate() {
            let state = cluster
                .partitions
                .iter()
                .find(|state| state.partition == *index);
            partitions
                .extend(state.map(|state| described_partition(number as i32, state, cluster)));
        }
        if partitions.is_empty() {
            // The broker has not heard of it yet.
            return topic.with_error_code(unknown);
        }
        topic
            .with_topic_id(known.id)
            .with_is_internal(name == OFFSETS_TOPIC)
            .with_partitions(partitions)
    });
    topics.collect()
}

fn described_partition(
    number: i32,
    state: &PartitionState,
    cluster: &ClusterMetadata,
) -> MetadataResponsePartition {
    let code = match state.leader {
        Some(_) => 0,
        None => ErrorName::LeaderNotAvailable.code(),
    };
    let replicas = || state.order.of(state.replicas);
    let offline = replicas().filter(|node| !cluster.alive.contains(*node));
    MetadataResponsePartition::default()
        .with_error_code(code)
        .with_partition_index(number)
        .with_leader_id(state.leader.map_or((-1).into(), kafka_broker))
        .with_leader_epoch(state.leader_epoch as i32)
        .with_replica_nodes(replicas().map(kafka_broker).collect())
        .with_isr_nodes(state.in_sync.iter().map(kafka_broker).collect())
        .with_offline_replicas(offline.map(kafka_broker).collect())
}
