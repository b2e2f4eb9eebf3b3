//! Produce.

use super::call::{Call, Caller, result, together};
use super::{BY_ID, Context, Plan, body};
use crate::protocol::{Request, Response};
use crate::wire::dialect::{RecordBatch, Wire};
use crate::wire::names::topic_name;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use plimsoll_core::{NextOffset, Offset};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use std::collections::BTreeMap;
use uuid::Uuid;

impl Context<'_, '_> {
    /// Appends to all partitions at once, and answers when the last one is done (`DelayedProduce`).
    pub(super) fn produce(&mut self, request: kafka::ProduceRequest) -> Plan {
        let version = self.version;
        let acks = match request.acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        };
        let mut batches = Vec::new();
        // By topic, its partitions: each with its index, where there is one, or why it is refused.
        let mut asked = Vec::new();
        let mut are_taken = true;
        for mut topic in request.topic_data {
            let unknown = self.name_by_id(&mut topic.name, topic.topic_id);
            let mut partitions = Vec::new();
            for data in topic.partition_data {
                let partition = self.names.partition(&topic.name, data.index);
                let batch = RecordBatch::read(data.records.unwrap_or_default());
                let result = match (partition, batch) {
                    _ if acks.is_none() => Err(ResponseError::InvalidRequiredAcks),
                    (None, _) => Err(unknown),
                    (_, Err(bad)) => Err(bad.error()),
                    (Some(partition), Ok(batch)) => {
                        batches.push((partition, batch));
                        Ok(())
                    }
                };
                are_taken &= result.is_ok();
                partitions.push((data.index, partition, result));
            }
            asked.push((topic.name, topic.topic_id, partitions));
        }
        let acks = acks.unwrap_or(Acks::All);
        let is_silent = acks == Acks::None;
        let parts = batches
            .into_iter()
            .map(|(partition, batch)| Request::Produce {
                partition,
                batch,
                // Where an error cannot be told, the connection is closed behind the appends
                // (`KafkaApis.handleProduceRequest`).
                acks: match is_silent && !are_taken {
                    true => Acks::Leader,
                    false => acks,
                },
                timeout_ms: u32::try_from(request.timeout_ms).unwrap_or(0),
            });
        let mut plan = Plan::together(parts, move |_, at, answers| {
            if is_silent {
                return None;
            }
            let mut answers = answers.into_iter();
            let topics = asked.into_iter().map(|(name, id, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition, result)| {
                    let result = result
                        .map_err(|error| error.code())
                        .and_then(|()| produced(answers.next()));
                    let start = partition.map(|partition| at.state.log_ends(partition).0);
                    partition_response(index, result, start)
                });
                TopicProduceResponse::default()
                    .with_name(name)
                    .with_topic_id(id)
                    .with_partition_responses(partitions.collect())
            });
            let response = kafka::ProduceResponse::default().with_responses(topics.collect());
            body(&response, version)
        });
        plan.is_silent = is_silent && are_taken;
        plan
    }

    /// Finds the name of a topic that a request names by its id. Returns the error of its
    /// partitions that there are not.
    pub(super) fn name_by_id(&self, name: &mut kafka::TopicName, id: Uuid) -> ResponseError {
        match self.names.topic_with(id).filter(|_| !id.is_nil()) {
            Some(known) => *name = topic_name(known),
            None if self.version >= BY_ID => return ResponseError::UnknownTopicId,
            None => {}
        }
        ResponseError::UnknownTopicOrPartition
    }
}

impl Caller<'_> {
    /// Appends to partitions, on the same terms. Where it wants no answer, none comes.
    pub(super) fn produce(&mut self, parts: &[Request<Wire>]) -> Option<Call> {
        let version = self.version;
        let mut asked = Vec::new();
        let mut batches = Vec::new();
        let mut terms = None;
        for part in parts {
            let Request::Produce {
                partition,
                batch,
                acks,
                timeout_ms,
            } = part
            else {
                return None;
            };
            if *terms.get_or_insert((*acks, *timeout_ms)) != (*acks, *timeout_ms) {
                return None;
            }
            asked.push(*partition);
            batches.push((*partition, batch.bytes()));
        }
        let (acks, timeout_ms) = terms?;
        let mut topics = Vec::new();
        for (name, batches) in self.names.by_topic(batches)? {
            let topic = match version {
                BY_ID.. => TopicProduceData::default().with_topic_id(self.names.topic_id(&name)?),
                _ => TopicProduceData::default().with_name(name),
            };
            let partitions = batches.into_iter().map(|(index, batch)| {
                PartitionProduceData::default()
                    .with_index(index)
                    .with_records(Some(batch))
            });
            topics.push(topic.with_partition_data(partitions.collect()));
        }
        let request = kafka::ProduceRequest::default()
            .with_acks(match acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            })
            .with_timeout_ms(i32::try_from(timeout_ms).ok()?)
            .with_topic_data(topics);
        self.asks(&request, move |names, response: kafka::ProduceResponse| {
            let mut appended = BTreeMap::new();
            for topic in response.responses {
                for told in topic.partition_responses {
                    let partition =
                        names.told_partition(&topic.name, topic.topic_id, told.index)?;
                    let offset = Offset::new(told.base_offset.max(0) as u64);
                    appended.insert(partition, result(told.error_code)?.map(|()| offset));
                }
            }
            let answers = asked.into_iter().map(|partition| {
                let appended = appended.get(&partition)?;
                Some(Response::Produce(*appended))
            });
            together(answers.collect::<Option<_>>()?)
        })
    }
}

/// Makes the answer for one partition, of which the broker knows where its log starts.
fn partition_response(
    index: i32,
    result: Result<i64, i16>,
    log_start: Option<NextOffset>,
) -> PartitionProduceResponse {
    let told = log_start.filter(|_| result.map_or_else(tells_start, |_| true));
    PartitionProduceResponse::default()
        .with_index(index)
        .with_error_code(result.err().unwrap_or(0))
        .with_base_offset(result.unwrap_or(-1))
        .with_log_append_time_ms(-1)
        .with_log_start_offset(told.map_or(-1, |start| start.get() as i64))
}

fn produced(answer: Option<Response<Wire>>) -> Result<i64, i16> {
    match answer {
        Some(Response::Produce(Ok(offset))) => Ok(offset.get() as i64),
        Some(Response::Produce(Err(error)) | Response::Failed(error)) => Err(error.code()),
        _ => Err(ResponseError::UnknownServerError.code()),
    }
}

/// Returns whether an answer with an error tells where the log starts, since that was looked at
/// (`ReplicaManager.appendRecordsToLocalLog`).
fn tells_start(code: i16) -> bool {
    [
        ErrorName::OutOfOrderSequenceNumber,
        ErrorName::InvalidProducerEpoch,
        ErrorName::NotEnoughReplicas,
        ErrorName::RequestTimedOut,
    ]
    .iter()
    .any(|error| error.code() == code)
}
