//! Produce, ListOffsets, InitProducerId.

use super::{Context, Plan, body};
use crate::protocol::{Request, Response};
use crate::wire::dialect::{BadBatch, RecordBatch, Wire};
use crate::wire::names::topic_name;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use uuid::Uuid;

impl Context<'_, '_> {
    pub(super) fn produce(&mut self, request: kafka::ProduceRequest) -> Plan {
        let version = self.version;
        let acks = match request.acks {
            0 => Acks::None,
            1 => Acks::Leader,
            _ => Acks::All,
        };
        let mut parts = Vec::new();
        // By topic, its partitions: the error of each that is refused here.
        let mut asked = Vec::new();
        for mut topic in request.topic_data {
            self.name_by_id(&mut topic.name, topic.topic_id);
            let mut partitions = Vec::new();
            for data in topic.partition_data {
                let partition = self.names.partition(&topic.name, data.index);
                let batch = RecordBatch::read(data.records.unwrap_or_default());
                let refused = match (partition, batch) {
                    (Some(partition), Ok(batch)) => {
                        parts.push(Request::Produce {
                            partition,
                            batch,
                            acks,
                        });
                        None
                    }
                    (None, _) => Some(ErrorName::UnknownTopicOrPartition.code()),
                    (_, Err(BadBatch::Corrupt)) => Some(2),
                    (_, Err(BadBatch::Invalid)) => Some(87),
                };
                partitions.push((data.index, refused));
            }
            asked.push((topic.name, topic.topic_id, partitions));
        }
        let mut plan = Plan::of_broker(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let topics = asked.into_iter().map(|(name, id, partitions)| {
                let partitions = partitions.into_iter().map(|(index, refused)| {
                    let result = match refused {
                        Some(code) => Err(code),
                        None => produced(answers.next()),
                    };
                    PartitionProduceResponse::default()
                        .with_index(index)
                        .with_error_code(result.err().unwrap_or(0))
                        .with_base_offset(result.unwrap_or(-1))
                        .with_log_append_time_ms(-1)
                        .with_log_start_offset(if result.is_ok() { 0 } else { -1 })
                });
                TopicProduceResponse::default()
                    .with_name(name)
                    .with_topic_id(id)
                    .with_partition_responses(partitions.collect())
            });
            let response = kafka::ProduceResponse::default().with_responses(topics.collect());
            body(&response, version)
        });
        plan.is_silent = acks == Acks::None;
        plan
    }

    /// Finds the name of a topic that a request names by its id. Returns whether there is one.
    pub(super) fn name_by_id(&self, name: &mut kafka::TopicName, id: Uuid) -> bool {
        let known = self.names.topic_with(id).filter(|_| !id.is_nil());
        if let Some(known) = known {
            *name = topic_name(known);
        }
        known.is_some()
    }

    pub(super) fn list_offsets(&mut self, request: kafka::ListOffsetsRequest) -> Plan {
        let version = self.version;
        let mut parts = Vec::new();
        let mut asked = Vec::new();
        for topic in request.topics {
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self.names.partition(&topic.name, wanted.partition_index);
                parts.extend(partition.map(|partition| Request::ListOffsets { partition }));
                partitions.push((wanted.partition_index, partition, wanted.timestamp));
            }
            asked.push((topic.name, partitions));
        }
        Plan::of_broker(parts, move |_, at, answers| {
            let mut answers = answers.into_iter();
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition, timestamp)| {
                    let result = match partition {
                        None => Err(ErrorName::UnknownTopicOrPartition),
                        Some(_) => listed(answers.next(), timestamp),
                    };
                    let epoch = partition.and_then(|partition| at.state.leader_epoch(partition));
                    ListOffsetsPartitionResponse::default()
                        .with_partition_index(index)
                        .with_error_code(result.err().map_or(0, ErrorName::code))
                        .with_timestamp(-1)
                        .with_offset(result.unwrap_or(-1))
                        .with_leader_epoch(epoch.map_or(-1, |epoch| epoch as i32))
                });
                ListOffsetsTopicResponse::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            let response = kafka::ListOffsetsResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }

    pub(super) fn init_producer_id(&mut self, request: kafka::InitProducerIdRequest) -> Plan {
        let response = kafka::InitProducerIdResponse::default();
        let response = match request.transactional_id {
            // COORDINATOR_NOT_AVAILABLE: transactions have none.
            Some(_) => response.with_error_code(ErrorName::CoordinatorNotAvailable.code()),
            None => {
                let (id, epoch) = match request.producer_id.0 {
                    known @ 0.. if request.producer_epoch < i16::MAX - 1 => {
                        (known, request.producer_epoch + 1)
                    }
                    _ => (self.names.new_producer(), 0),
                };
                response
                    .with_producer_id(id.into())
                    .with_producer_epoch(epoch)
            }
        };
        Plan::answer(body(&response, self.version))
    }
}

fn produced(answer: Option<Response<Wire>>) -> Result<i64, i16> {
    match answer {
        Some(Response::Produce(result)) => result
            .map(|offset| offset.get() as i64)
            .map_err(ErrorName::code),
        Some(Response::Failed(error)) => Err(error.code()),
        _ => Err(-1),
    }
}

fn listed(answer: Option<Response<Wire>>, timestamp: i64) -> Result<i64, ErrorName> {
    let result = match (answer, timestamp) {
        (Some(Response::ListOffsets { latest, .. }), -1) => latest,
        (Some(Response::ListOffsets { earliest, .. }), -2) => earliest,
        // No time is known: there is no such offset.
        (Some(Response::ListOffsets { latest, .. }), _) => return latest.map(|_| -1),
        (Some(Response::Failed(error)), _) => Err(error),
        _ => Err(ErrorName::NotLeaderOrFollower),
    };
    result.map(|offset| offset.get() as i64)
}
