//! Metadata: the brokers, and the topics with their leaders.

use super::{Call, Caller, result};
use crate::names::{Names, OFFSETS_TOPIC, topic_name};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use plimsoll_protocol::{
    BrokerSet, ClusterMetadata, NO_EPOCH, Node, PartitionIndex, PartitionState, ReplicaOrder,
    Response,
};

impl Caller<'_> {
    /// Asks for the topics whose names it knows; none is created by that.
    pub(super) fn metadata(&mut self) -> Option<Call> {
        let version = self.version;
        if version < 4 {
            // To ask for a topic creates it.
            return None;
        }
        let topics = self.names.topics().map(|(name, _)| name);
        let topics = topics.filter(|name| *name != OFFSETS_TOPIC);
        let topics =
            topics.map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))));
        let request = kafka::MetadataRequest::default()
            .with_topics(Some(topics.collect()))
            .with_allow_auto_topic_creation(false);
        self.asks(&request, |names, response: kafka::MetadataResponse| {
            for broker in &response.brokers {
                names.take_address(broker.node_id, &broker.host, broker.port)?;
            }
            let alive = nodes(names, response.brokers.iter().map(|broker| broker.node_id))?;
            let mut partitions = Vec::new();
            let mut errors = Vec::new();
            for topic in &response.topics {
                let name = topic.name.as_ref()?;
                let told = result(topic.error_code).map(|()| topic.topic_id);
                names.take_topic(name, told);
                if let Err(error) = told {
                    errors.push(error);
                    continue;
                }
                for told in &topic.partitions {
                    let partition = names.described_partition(name, told.partition_index);
                    if let Some(partition) = partition {
                        partitions.push(told_partition(names, partition, told)?);
                    }
                }
            }
            // What no topic is told of without the same error is an error of the whole.
            match errors.first() {
                Some(error) if errors.len() == response.topics.len() => {
                    Some(Response::Failed(*error))
                }
                _ => Some(Response::Metadata(ClusterMetadata {
                    partitions,
                    alive: set_of(&alive),
                })),
            }
        })
    }
}

/// Reads what a client is told of a partition. How often it changed is not told.
fn told_partition(
    names: &mut Names,
    partition: PartitionIndex,
    told: &MetadataResponsePartition,
) -> Option<PartitionState> {
    let replicas = nodes(names, told.replica_nodes.iter().copied())?;
    let in_sync = nodes(names, told.isr_nodes.iter().copied())?;
    let leader = (told.leader_id.0 >= 0).then_some(told.leader_id);
    Some(PartitionState {
        partition,
        replicas: set_of(&replicas),
        order: ReplicaOrder::new(replicas.into_iter()),
        leader: leader.and_then(|id| names.told_broker(id)),
        leader_epoch: u32::try_from(told.leader_epoch).unwrap_or(NO_EPOCH),
        in_sync: set_of(&in_sync),
        partition_epoch: 0,
    })
}

/// Returns the brokers with these numbers; `None`: they are more than can be told apart.
fn nodes(names: &mut Names, ids: impl Iterator<Item = BrokerId>) -> Option<Vec<Node>> {
    ids.map(|id| names.told_broker(id)).collect()
}

/// Returns the set of brokers, which clients do not read: one for which it has no room is left out.
fn set_of(nodes: &[Node]) -> BrokerSet {
    let nodes = nodes
        .iter()
        .copied()
        .filter(|node| node.0 < BrokerSet::CAPACITY);
    nodes.fold(BrokerSet::default(), BrokerSet::with)
}
