//! What tools ask about brokers, and about what this cluster does not have.

use super::operations::on_cluster;
use super::{Context, Plan, body};
use crate::protocol::{Batch as _, BrokerSet, Content, Node, Request, Response};
use crate::wire::names::kafka_broker;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::topic_name;
use std::collections::BTreeMap;

/// The name of the cluster.
pub(super) const CLUSTER_ID: &str = "plimsoll-served-cluster";

/// The directory in which a broker's logs lie, by name alone: they are in memory.
const LOG_DIR: &str = "/memory";

/// `EndpointType.BROKER` and `EndpointType.CONTROLLER`.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

impl Context<'_, '_> {
    /// Tells the brokers (`KafkaApis.handleDescribeCluster`); controllers are told by controllers
    /// alone (KIP-919).
    pub(super) fn describe_cluster(&mut self, request: kafka::DescribeClusterRequest) -> Plan {
        let version = self.version;
        let refused = match request.endpoint_type {
            _ if version < 1 => None,
            BROKERS => None,
            CONTROLLERS => Some(ResponseError::MismatchedEndpointType),
            _ => Some(ResponseError::UnsupportedEndpointType),
        };
        if let Some(error) = refused {
            let response = kafka::DescribeClusterResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let operations = on_cluster(request.include_cluster_authorized_operations);
        Plan::of_broker([Request::Metadata], move |names, at, mut answers| {
            let alive = match answers.pop()? {
                Response::Metadata(cluster) => cluster.alive.among(at.open),
                _ => BrokerSet::default(),
            };
            let nodes = (0..names.placement.brokers).map(Node);
            let told = nodes.filter(|node| request.include_fenced_brokers || alive.contains(*node));
            let brokers = told.map(|node| {
                let (host, port) = names.address(node);
                DescribeClusterBroker::default()
                    .with_broker_id(kafka_broker(node))
                    .with_host(host)
                    .with_port(port)
                    .with_rack(names.rack(node).cloned())
                    .with_is_fenced(!alive.contains(node))
            });
            let response = kafka::DescribeClusterResponse::default()
                .with_cluster_id(StrBytes::from_static_str(CLUSTER_ID))
                .with_controller_id(1.into())
                .with_brokers(brokers.collect())
                .with_cluster_authorized_operations(operations);
            body(&response, version)
        })
    }

    /// Tells which partitions lie at the broker, and how large they are: all, or those that are
    /// asked for and are there (`ReplicaManager.describeLogDirs`).
    pub(super) fn describe_log_dirs(&mut self, request: kafka::DescribeLogDirsRequest) -> Plan {
        let mut topics = BTreeMap::<&str, Vec<DescribeLogDirsPartition>>::new();
        for (name, topic) in self.names.known.topics() {
            let asked = request.topics.as_ref().map(|topics| {
                let of_topic = topics.iter().filter(|topic| **topic.topic == **name);
                of_topic
                    .flat_map(|topic| &topic.partitions)
                    .collect::<Vec<_>>()
            });
            for (number, partition) in (0..).zip(&topic.partitions) {
                let is_asked = asked.as_ref().is_none_or(|asked| asked.contains(&&number));
                let Some(log) = self.at.state.hosted(*partition).filter(|_| is_asked) else {
                    continue;
                };
                let sizes = log.iter().map(|entry| match &entry.content {
                    Content::Batch(batch) => i64::from(batch.size()),
                    // What coordinators write are no bytes here.
                    _ => 0,
                });
                let described = DescribeLogDirsPartition::default()
                    .with_partition_index(number)
                    .with_partition_size(sizes.sum());
                topics.entry(name).or_default().push(described);
            }
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            DescribeLogDirsTopic::default()
                .with_name(topic_name(name))
                .with_partitions(partitions)
        });
        let result = DescribeLogDirsResult::default()
            .with_log_dir(StrBytes::from_static_str(LOG_DIR))
            .with_topics(topics.collect());
        let response = kafka::DescribeLogDirsResponse::default().with_results(vec![result]);
        Plan::answer(body(&response, self.version))
    }

    /// Tells quotas: no client has any.
    pub(super) fn describe_client_quotas(&mut self) -> Plan {
        let response =
            kafka::DescribeClientQuotasResponse::default().with_entries(Some(Vec::new()));
        Plan::answer(body(&response, self.version))
    }

    /// Tells what is being moved to other brokers: nothing ever is.
    pub(super) fn list_partition_reassignments(&mut self) -> Plan {
        let response = kafka::ListPartitionReassignmentsResponse::default();
        Plan::answer(body(&response, self.version))
    }

    /// Refuses to tell access control lists: there is no authorizer (`AclApis.handleDescribeAcls`).
    pub(super) fn describe_acls(&mut self) -> Plan {
        let response = kafka::DescribeAclsResponse::default()
            .with_error_code(ResponseError::SecurityDisabled.code());
        Plan::answer(body(&response, self.version))
    }

    /// Refuses to begin with SASL, which the listener has not
    /// (`KafkaApis.handleSaslHandshakeRequest`).
    pub(super) fn sasl_handshake(&mut self) -> Plan {
        let response = kafka::SaslHandshakeResponse::default()
            .with_error_code(ResponseError::IllegalSaslState.code());
        Plan::answer(body(&response, self.version))
    }

    /// Refuses to go on with SASL (`KafkaApis.handleSaslAuthenticateRequest`).
    pub(super) fn sasl_authenticate(&mut self) -> Plan {
        let response = kafka::SaslAuthenticateResponse::default()
            .with_error_code(ResponseError::IllegalSaslState.code());
        Plan::answer(body(&response, self.version))
    }
}
