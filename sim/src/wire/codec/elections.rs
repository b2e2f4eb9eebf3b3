//! Elections of leaders.

use super::topics::error_of;
use super::{Context, Plan, body};
use crate::protocol::AdminRequest;
use crate::wire::To;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use plimsoll_codec::topic_name;
use plimsoll_oracle::ErrorName;

/// `ElectionType.PREFERRED`.
const PREFERRED: i8 = 0;

impl Context<'_, '_> {
    /// Has leaders elected: of chosen partitions, or of all. Of all, only those are told that
    /// needed it (`ReplicationControlManager.electLeaders`).
    pub(super) fn elect_leaders(&mut self, request: kafka::ElectLeadersRequest) -> Plan {
        let version = self.version;
        let preferred = request.election_type == PREFERRED;
        let of_all = request.topic_partitions.is_none();
        let asked: Vec<(TopicName, Vec<i32>)> = match request.topic_partitions {
            Some(topics) => topics
                .into_iter()
                .map(|t| (t.topic, t.partitions))
                .collect(),
            None => {
                let topics = self.names.known.topics().map(|(name, topic)| {
                    let partitions = 0..topic.partitions.len() as i32;
                    (topic_name(name), partitions.collect())
                });
                topics.collect()
            }
        };
        let mut parts = Vec::new();
        let mut topics = Vec::new();
        for (name, indexes) in asked {
            let partitions: Vec<_> = indexes
                .into_iter()
                .map(|index| (index, self.names.known.partition(&name, index)))
                .collect();
            let known = partitions.iter().filter_map(|(_, known)| *known);
            parts.extend(known.map(|partition| {
                let elect = AdminRequest::ElectLeader {
                    partition,
                    preferred,
                };
                (To::Controller, elect.into())
            }));
            topics.push((name, partitions));
        }
        Plan::new(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let mut results = Vec::new();
            for (name, partitions) in topics {
                let partitions = partitions.into_iter().map(|(index, known)| {
                    let code = match known {
                        Some(_) => error_of(answers.next()),
                        None => ErrorName::UnknownTopicOrPartition.code(),
                    };
                    PartitionResult::default()
                        .with_partition_id(index)
                        .with_error_code(code)
                        .with_error_message(None)
                });
                let needless = ErrorName::ElectionNotNeeded.code();
                let told: Vec<_> = partitions
                    .filter(|result| !of_all || result.error_code != needless)
                    .collect();
                if !told.is_empty() {
                    let result = ReplicaElectionResult::default()
                        .with_topic(name)
                        .with_partition_result(told);
                    results.push(result);
                }
            }
            let response =
                kafka::ElectLeadersResponse::default().with_replica_election_results(results);
            body(&response, version)
        })
    }
}
