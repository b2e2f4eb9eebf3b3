//! Topics that come and go.

use super::{Context, Plan, body, each_once};
use crate::protocol::{AdminRequest, AdminResponse, Node, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::To;
use crate::wire::names::broker_node;
use crate::wire::settings::{Change, Source, TOPIC, TopicSettings, changed};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::Wire;
use plimsoll_codec::{OFFSETS_TOPIC, topic_name};
use plimsoll_oracle::ErrorName;
use std::collections::BTreeSet;
use uuid::Uuid;

/// `num.partitions`.
const DEFAULT_PARTITIONS: i32 = 1;

/// The longest name of a topic (`Topic.MAX_NAME_LENGTH`).
const LONGEST_NAME: usize = 249;

/// What a new topic is to be.
pub(super) struct New {
    partitions: i32,
    /// -1: as the cluster has it.
    replication: i16,
    /// Replicas of each partition; empty: they are placed.
    replicas: Vec<Vec<Node>>,
    settings: TopicSettings,
}

impl New {
    /// Returns what a topic is that a client asked for without a word.
    pub(super) fn by_default() -> Self {
        Self {
            partitions: DEFAULT_PARTITIONS,
            replication: -1,
            replicas: Vec::new(),
            settings: TopicSettings::new(),
        }
    }
}

impl Context<'_, '_> {
    /// Creates topics, each with a result of its own (`ReplicationControlManager.createTopics`).
    pub(super) fn create_topics(&mut self, request: kafka::CreateTopicsRequest) -> Plan {
        let version = self.version;
        let mut parts = Vec::new();
        let mut results = Vec::new();
        // New names are compared with topics that were there before.
        let before = self.names.settings.keys();
        let before: BTreeSet<String> = before.map(|name| name.replace('.', "_")).collect();
        for (topic, is_twice) in each_once(request.topics, |topic| topic.name.clone()) {
            let checked = match is_twice {
                // `ControllerApis.createTopics`.
                true => Err(ResponseError::InvalidRequest.code()),
                false => self.check_new(&topic, &before),
            };
            let result = CreatableTopicResult::default()
                .with_name(topic.name.clone())
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_error_message(None)
                .with_configs(Some(Vec::new()));
            let created = checked.and_then(|new| {
                let id = match request.validate_only {
                    true => self.names.uuid(),
                    false => {
                        let (id, create) = self.create(&topic.name, &new)?;
                        parts.push((To::Controller, create));
                        id
                    }
                };
                Ok((id, new))
            });
            let result = match created {
                Ok((id, new)) => result
                    .with_topic_id(id)
                    .with_num_partitions(new.partitions)
                    .with_replication_factor(new.replication)
                    .with_configs(Some(self.told(&new.settings))),
                Err(code) => result.with_error_code(code),
            };
            results.push(result);
        }
        let is_asked = !request.validate_only;
        Plan::new(parts, move |names, _, answers| {
            let mut answers = answers.into_iter();
            let topics = results.into_iter().map(|result| {
                if !is_asked || result.error_code != 0 {
                    return result;
                }
                match error_of(answers.next()) {
                    0 => result,
                    code => {
                        names.remove_topic(&result.name);
                        CreatableTopicResult::default()
                            .with_name(result.name)
                            .with_num_partitions(-1)
                            .with_replication_factor(-1)
                            .with_error_code(code)
                    }
                }
            });
            let response = kafka::CreateTopicsResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }

    /// Returns what a topic is to be that is asked for; the error is Kafka's code. `before` are the
    /// topics that there are, with `_` for each `.`, as metrics have them (`Topic.hasCollision`).
    fn check_new(&self, topic: &CreatableTopic, before: &BTreeSet<String>) -> Result<New, i16> {
        let name = &*topic.name.0;
        if self.names.settings.contains_key(name) {
            return Err(ErrorName::TopicAlreadyExists.code());
        }
        if !is_valid(name) || before.contains(&name.replace('.', "_")) {
            return Err(ResponseError::InvalidTopicException.code());
        }
        let changes: Vec<_> = topic
            .configs
            .iter()
            .map(|config| Change::set(&config.name, config.value.as_deref()))
            .collect();
        let settings = changed(&TopicSettings::new(), &changes);
        // A setting that is named twice has its last value there; here it is refused.
        let settings = settings.map_err(|error| error.code())?;
        let mut assignments = topic.assignments.clone();
        if !assignments.is_empty() && (topic.num_partitions, topic.replication_factor) != (-1, -1) {
            return Err(ResponseError::InvalidRequest.code());
        }
        assignments.sort_by_key(|assignment| assignment.partition_index);
        let are_all = (0..)
            .zip(&assignments)
            .all(|(n, given)| given.partition_index == n);
        if !are_all {
            return Err(ErrorName::InvalidReplicaAssignment.code());
        }
        let replicas = assignments
            .iter()
            .map(|given| self.nodes(&given.broker_ids));
        let replicas = replicas.collect::<Result<Vec<_>, _>>()?;
        let partitions = match (topic.num_partitions, replicas.len()) {
            (-1, 0) => DEFAULT_PARTITIONS,
            (-1, given) => given as i32,
            (given, _) => given,
        };
        let placement = self.names.placement;
        let replication = match (topic.replication_factor, replicas.first()) {
            (-1, Some(replicas)) => replicas.len() as i16,
            (-1, None) => placement.replication as i16,
            (factor, _) => factor,
        };
        if !(1..=placement.brokers as i16).contains(&replication) {
            return Err(ErrorName::InvalidReplicationFactor.code());
        }
        if partitions < 1 {
            return Err(ResponseError::InvalidPartitions.code());
        }
        Ok(New {
            partitions,
            replication,
            replicas,
            settings,
        })
    }

    /// Returns the brokers with these numbers; the error is Kafka's code.
    fn nodes(&self, ids: &[BrokerId]) -> Result<Vec<Node>, i16> {
        let brokers = self.names.placement.brokers;
        let nodes = ids.iter().map(|id| broker_node(*id, brokers));
        let nodes: Option<Vec<Node>> = nodes.collect();
        let nodes = nodes.filter(|nodes| !nodes.is_empty());
        nodes.ok_or(ErrorName::InvalidReplicaAssignment.code())
    }

    /// Adds partitions to topics (`ReplicationControlManager.createPartitions`).
    pub(super) fn create_partitions(&mut self, request: kafka::CreatePartitionsRequest) -> Plan {
        let version = self.version;
        let mut parts = Vec::new();
        let mut results = Vec::new();
        for (topic, is_twice) in each_once(request.topics, |topic| topic.name.clone()) {
            let checked = match is_twice {
                true => Err(ResponseError::InvalidRequest.code()),
                false => self.check_more(&topic),
            };
            let added = checked.and_then(|(count, replicas)| {
                if request.validate_only {
                    return Ok(());
                }
                let new = self.new_partitions(count)?;
                self.names.known.add_partitions(&topic.name, &new);
                self.names.apply_settings(&topic.name, self.at.shared);
                let mut replicas = replicas.into_iter();
                let partitions = new.into_iter().map(|new| {
                    let given = replicas.next();
                    (new, given.unwrap_or_default())
                });
                let create = AdminRequest::CreatePartitions {
                    partitions: partitions.collect(),
                };
                parts.push((To::Controller, create.into()));
                Ok(())
            });
            let result = CreatePartitionsTopicResult::default()
                .with_name(topic.name)
                .with_error_code(added.err().unwrap_or(0));
            results.push(result);
        }
        let is_asked = !request.validate_only;
        Plan::new(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let results = results.into_iter().map(|result| match result.error_code {
                0 if is_asked => result.with_error_code(error_of(answers.next())),
                _ => result,
            });
            let response =
                kafka::CreatePartitionsResponse::default().with_results(results.collect());
            body(&response, version)
        })
    }

    /// Returns the number of partitions that a topic is to have more, and their replicas where they
    /// are given; the error is Kafka's code.
    fn check_more(&self, topic: &CreatePartitionsTopic) -> Result<(i32, Vec<Vec<Node>>), i16> {
        let known = self.names.known.topic(&topic.name.0);
        let known = known.ok_or(ErrorName::UnknownTopicOrPartition.code())?;
        let more = topic.count - known.partitions.len() as i32;
        if more <= 0 {
            return Err(ResponseError::InvalidPartitions.code());
        }
        let Some(assignments) = &topic.assignments else {
            return Ok((more, Vec::new()));
        };
        if assignments.len() != more as usize {
            return Err(ErrorName::InvalidReplicaAssignment.code());
        }
        let replicas = assignments
            .iter()
            .map(|given| self.nodes(&given.broker_ids));
        Ok((more, replicas.collect::<Result<_, _>>()?))
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
            let known = self.names.known.topic_with(id).map(topic_name);
            let name = name.or(known);
            let known = name
                .as_ref()
                .and_then(|name| self.names.known.topic_id(name));
            let id = known.unwrap_or(id);
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
                (None, None) => ResponseError::UnknownTopicId.code(),
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

    /// Makes a topic, and the request that brings its partitions into being; the error is Kafka's
    /// code.
    pub(super) fn create(&mut self, name: &str, new: &New) -> Result<(Uuid, Request<Wire>), i16> {
        let mut placement = self.names.placement;
        if new.replication != -1 {
            placement.replication = new.replication as u16;
        }
        let indexes = self.new_partitions(new.partitions)?;
        let given = |(number, partition): (usize, &PartitionIndex)| {
            let given = new.replicas.get(number).cloned();
            let placed = || placement.replicas(*partition).collect();
            (*partition, given.unwrap_or_else(placed))
        };
        let partitions = indexes.iter().enumerate().map(given).collect();
        let id = self.names.add_topic(name, indexes, new.settings.clone());
        self.names.apply_settings(name, self.at.shared);
        let create = AdminRequest::CreatePartitions { partitions };
        Ok((id, create.into()))
    }

    /// Tells the settings of a new topic (KIP-525).
    fn told(&self, settings: &TopicSettings) -> Vec<CreatableTopicConfigs> {
        let told = TOPIC.iter().map(|setting| {
            let own = settings.get(setting.name).cloned();
            let (value, source) = match own {
                Some(own) => (own.into(), Source::Topic),
                None => self.names.default_of(setting),
            };
            CreatableTopicConfigs::default()
                .with_name(StrBytes::from_static_str(setting.name))
                .with_value(Some(value))
                .with_config_source(source as i8)
        });
        told.collect()
    }

    /// Returns indexes for new partitions; the error is Kafka's code.
    fn new_partitions(&mut self, count: i32) -> Result<Vec<PartitionIndex>, i16> {
        let new = self.at.shared.add_partitions(count as usize);
        new.ok_or(ResponseError::InvalidPartitions.code())
    }
}

pub(super) fn is_valid(name: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !matches!(name, "" | "." | "..") && name.len() <= LONGEST_NAME && name.chars().all(is_legal)
}

/// Returns Kafka's code of the error in an answer of the controller; 0: there is none.
pub(super) fn error_of(answer: Option<Response<Wire>>) -> i16 {
    let result = match answer {
        Some(Response::Admin(answer)) => match *answer {
            AdminResponse::CreatePartitions(result)
            | AdminResponse::DeletePartitions(result)
            | AdminResponse::ElectLeader(result) => result,
            _ => return -1,
        },
        Some(Response::Failed(error)) => Err(error),
        _ => return -1,
    };
    result.err().map_or(0, ErrorName::code)
}
