//! Metadata, and topics that come and go.

use super::{Context, Plan, body};
use crate::protocol::{
    AdminRequest, AdminResponse, BrokerSet, ClusterMetadata, Node, PartitionState, Request,
    Response,
};
use crate::topology::PartitionIndex;
use crate::wire::To;
use crate::wire::dialect::Wire;
use crate::wire::names::{Names, OFFSETS_TOPIC, broker_node, kafka_broker, topic_name};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::ErrorName;
use uuid::Uuid;

/// Settings of brokers that clients can ask for.
const BROKER_SETTINGS: &[(&str, &str)] = &[("auto.create.topics.enable", "true")];

/// `num.partitions`.
const DEFAULT_PARTITIONS: i32 = 1;

/// The longest name of a topic (`Topic.MAX_NAME_LENGTH`).
const LONGEST_NAME: usize = 249;

const INVALID_TOPIC: i16 = 17;
const INVALID_PARTITIONS: i16 = 37;
const UNKNOWN_TOPIC_ID: i16 = 100;

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
                        let known = self.names.topic_with(topic.topic_id);
                        (known.map(str::to_owned), topic.topic_id)
                    }
                })
                .collect()
        });
        if request.allow_auto_topic_creation || version < 4 {
            for name in named.iter().flatten().filter_map(|(name, _)| name.as_ref()) {
                let is_new = !self.names.topics.contains_key(name);
                if is_new
                    && is_valid(name)
                    && let Ok((_, create)) = self.create(name, DEFAULT_PARTITIONS, -1, &[])
                {
                    parts.push((To::Controller, create));
                }
            }
        }
        parts.push((To::Broker, Request::Metadata));
        Plan::new(parts, move |names, at, mut answers| {
            let cluster = match answers.pop() {
                Some(Response::Metadata(cluster)) => cluster,
                _ => ClusterMetadata {
                    partitions: Vec::new(),
                    alive: BrokerSet::default(),
                },
            };
            let brokers = cluster.alive.among(at.open).iter().map(|node| {
                let (host, port) = names.address(kafka_broker(node));
                MetadataResponseBroker::default()
                    .with_node_id(kafka_broker(node))
                    .with_host(host)
                    .with_port(port)
            });
            let response = kafka::MetadataResponse::default()
                .with_brokers(brokers.collect())
                .with_cluster_id(Some("plimsoll-served-cluster".into()))
                .with_controller_id(1.into())
                .with_topics(described(names, &cluster, named));
            body(&response, version)
        })
    }

    pub(super) fn create_topics(&mut self, request: kafka::CreateTopicsRequest) -> Plan {
        let version = self.version;
        let mut parts = Vec::new();
        let mut results = Vec::new();
        for topic in request.topics {
            let result = CreatableTopicResult::default()
                .with_name(topic.name.clone())
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_configs(Some(Vec::new()));
            let mut assignments = topic.assignments;
            assignments.sort_by_key(|assignment| assignment.partition_index);
            let brokers = self.names.placement.brokers;
            let replicas: Option<Vec<Vec<Node>>> = assignments
                .iter()
                .map(|assignment| {
                    let ids = assignment.broker_ids.iter();
                    ids.map(|id| broker_node(*id, brokers)).collect()
                })
                .collect();
            let Some(replicas) = replicas else {
                let code = ErrorName::InvalidReplicaAssignment.code();
                results.push((result.with_error_code(code), None));
                continue;
            };
            let partitions = match (topic.num_partitions, replicas.len()) {
                (-1, 0) => DEFAULT_PARTITIONS,
                (-1, given) => given as i32,
                (given, _) => given,
            };
            let factor = topic.replication_factor;
            if request.validate_only {
                results.push((result, None));
                continue;
            }
            match self.create(&topic.name, partitions, factor, &replicas) {
                Ok((id, create)) => {
                    parts.push((To::Controller, create));
                    let replication = match (factor, replicas.first()) {
                        (-1, Some(replicas)) => replicas.len() as i16,
                        (-1, None) => self.names.placement.replication as i16,
                        (factor, _) => factor,
                    };
                    let result = result
                        .with_topic_id(id)
                        .with_num_partitions(partitions)
                        .with_replication_factor(replication);
                    results.push((result, Some(topic.name.to_string())));
                }
                Err(code) => results.push((result.with_error_code(code), None)),
            }
        }
        Plan::new(parts, move |names, _, answers| {
            let mut answers = answers.into_iter();
            let topics = results.into_iter().map(|(result, created)| {
                let Some(name) = created else {
                    return result;
                };
                let code = error_of(answers.next());
                if code != 0 {
                    names.remove_topic(&name);
                }
                result.with_error_code(code)
            });
            let response = kafka::CreateTopicsResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }

    pub(super) fn create_partitions(&mut self, request: kafka::CreatePartitionsRequest) -> Plan {
        let version = self.version;
        let mut parts = Vec::new();
        let mut results = Vec::new();
        for topic in request.topics {
            let known = self.names.topics.get(&*topic.name.0);
            let have = known.map(|topic| topic.partitions.len() as i32);
            let code = match have {
                None => ErrorName::UnknownTopicOrPartition.code(),
                Some(have) if topic.count <= have => INVALID_PARTITIONS,
                Some(have) => match self.new_partitions(topic.count - have) {
                    Err(code) => code,
                    Ok(new) => {
                        self.names.add_partitions(&topic.name, &new);
                        let partitions = new.into_iter().map(|new| (new, Vec::new())).collect();
                        let create = AdminRequest::CreatePartitions { partitions };
                        parts.push((To::Controller, create.into()));
                        0
                    }
                },
            };
            let result = CreatePartitionsTopicResult::default()
                .with_name(topic.name)
                .with_error_code(code);
            results.push(result);
        }
        Plan::new(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let results = results.into_iter().map(|result| match result.error_code {
                0 => result.with_error_code(error_of(answers.next())),
                _ => result,
            });
            let response =
                kafka::CreatePartitionsResponse::default().with_results(results.collect());
            body(&response, version)
        })
    }

    pub(super) fn delete_topics(&mut self, request: kafka::DeleteTopicsRequest) -> Plan {
        let version = self.version;
        let by_name = request
            .topic_names
            .into_iter()
            .map(|name| (Some(name), Uuid::nil()));
        let by_either = request
            .topics
            .into_iter()
            .map(|topic| (topic.name, topic.topic_id));
        let wanted: Vec<_> = by_name.chain(by_either).collect();
        let mut parts = Vec::new();
        let mut results = Vec::new();
        for (name, id) in wanted {
            let known = self.names.topic_with(id).map(topic_name);
            let name = name.or(known);
            let removed = name
                .as_ref()
                .filter(|name| &*name.0 != OFFSETS_TOPIC)
                .and_then(|name| self.names.remove_topic(name));
            let code = match (removed, &name) {
                (Some(partitions), _) => {
                    let delete = AdminRequest::DeletePartitions { partitions };
                    parts.push((To::Controller, delete.into()));
                    0
                }
                (None, Some(_)) => ErrorName::UnknownTopicOrPartition.code(),
                (None, None) => UNKNOWN_TOPIC_ID,
            };
            let result = DeletableTopicResult::default()
                .with_name(name)
                .with_topic_id(id)
                .with_error_code(code);
            results.push(result);
        }
        Plan::new(parts, move |_, _, _| {
            let response = kafka::DeleteTopicsResponse::default().with_responses(results);
            body(&response, version)
        })
    }

    pub(super) fn describe_configs(&mut self, request: kafka::DescribeConfigsRequest) -> Plan {
        let resources = request.resources.into_iter().map(|resource| {
            let is_known = resource.resource_type != 2
                || self.names.topics.contains_key(&*resource.resource_name);
            let code = match is_known {
                true => 0,
                false => ErrorName::UnknownTopicOrPartition.code(),
            };
            let is_wanted = |name: &str| {
                let wanted = resource.configuration_keys.as_ref();
                wanted.is_none_or(|keys| keys.iter().any(|key| **key == *name))
            };
            let settings = BROKER_SETTINGS.iter();
            let settings =
                settings.filter(|(name, _)| resource.resource_type == 4 && is_wanted(name));
            let configs = settings.map(|(name, value)| {
                DescribeConfigsResourceResult::default()
                    .with_name(StrBytes::from_static_str(name))
                    .with_value(Some(StrBytes::from_static_str(value)))
                    .with_read_only(true)
            });
            DescribeConfigsResult::default()
                .with_configs(configs.collect())
                .with_error_code(code)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
        });
        let response = kafka::DescribeConfigsResponse::default().with_results(resources.collect());
        Plan::answer(body(&response, self.version))
    }

    /// Makes a topic, and the request that brings its partitions into being; the error is Kafka's
    /// code.
    fn create(
        &mut self,
        name: &str,
        partitions: i32,
        replication: i16,
        replicas: &[Vec<Node>],
    ) -> Result<(Uuid, Request<Wire>), i16> {
        let placement = self.names.placement;
        if !is_valid(name) {
            return Err(INVALID_TOPIC);
        }
        if self.names.topics.contains_key(name) {
            return Err(ErrorName::TopicAlreadyExists.code());
        }
        if partitions < 1 {
            return Err(INVALID_PARTITIONS);
        }
        let mut factor = placement;
        if replication != -1 {
            factor.replication = u16::try_from(replication).unwrap_or(0);
        }
        if !(1..=placement.brokers).contains(&factor.replication) {
            return Err(ErrorName::InvalidReplicationFactor.code());
        }
        let new = self.new_partitions(partitions)?;
        let given = |(number, partition): (usize, &PartitionIndex)| {
            let given = replicas.get(number).cloned();
            let placed = || factor.replicas(*partition).collect();
            (*partition, given.unwrap_or_else(placed))
        };
        let partitions = new.iter().enumerate().map(given).collect();
        let id = self.names.add_topic(name, new);
        let create = AdminRequest::CreatePartitions { partitions };
        Ok((id, create.into()))
    }

    /// Returns indexes for new partitions; the error is Kafka's code.
    fn new_partitions(&mut self, count: i32) -> Result<Vec<PartitionIndex>, i16> {
        let new = self.at.shared.add_partitions(count as usize);
        new.ok_or(INVALID_PARTITIONS)
    }
}

fn is_valid(name: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !matches!(name, "" | "." | "..") && name.len() <= LONGEST_NAME && name.chars().all(is_legal)
}

fn error_of(answer: Option<Response<Wire>>) -> i16 {
    let result = match answer {
        Some(Response::Admin(answer)) => match *answer {
            AdminResponse::CreatePartitions(result) | AdminResponse::DeletePartitions(result) => {
                result
            }
            _ => return -1,
        },
        Some(Response::Failed(error)) => Err(error),
        _ => return -1,
    };
    result.err().map_or(0, ErrorName::code)
}

/// Describes topics: those that were named, or all.
fn described(
    names: &Names,
    cluster: &ClusterMetadata,
    named: Option<Vec<(Option<String>, Uuid)>>,
) -> Vec<MetadataResponseTopic> {
    let all = || {
        let names = names.topics.keys();
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
            return topic.with_error_code(UNKNOWN_TOPIC_ID);
        };
        if !is_valid(&name) {
            return topic.with_error_code(INVALID_TOPIC);
        }
        let unknown = ErrorName::UnknownTopicOrPartition.code();
        let Some(known) = names.topics.get(&name) else {
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
