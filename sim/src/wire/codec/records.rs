//! Produce, Fetch, ListOffsets.

use super::{Context, Plan, Silence, body};
use crate::protocol::{Content, FetchPosition, FetchResponse, FetchedPartition, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::At;
use crate::wire::dialect::{BadBatch, RecordBatch, Wire};
use crate::wire::names::topic_name;
use bytes::BytesMut;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use std::time::Duration;
use uuid::Uuid;

/// The number of offsets of a partition that a fetch looks at.
const LOOKED_AT: u32 = 1_000_000;

impl Context<'_, '_> {
    pub(super) fn produce(&mut self, request: kafka::ProduceRequest) -> Plan {
        let version = self.version;
        let (acks, are_valid) = match request.acks {
            0 => (Acks::None, true),
            1 => (Acks::Leader, true),
            // `ReplicaManager.isValidRequiredAcks`.
            other => (Acks::All, other == -1),
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
                    (Some(_), _) if !are_valid => Some(ResponseError::InvalidRequiredAcks.code()),
                    (Some(partition), Ok(batch)) => {
                        parts.push(Request::Produce {
                            partition,
                            batch,
                            acks,
                        });
                        None
                    }
                    (None, _) => Some(ErrorName::UnknownTopicOrPartition.code()),
                    (_, Err(BadBatch::Corrupt)) => Some(ResponseError::CorruptMessage.code()),
                    (_, Err(BadBatch::Invalid)) => Some(ResponseError::InvalidRecord.code()),
                };
                partitions.push((data.index, refused));
            }
            asked.push((topic.name, topic.topic_id, partitions));
        }
        let mut refused = asked.iter().flat_map(|(_, _, partitions)| partitions);
        let any_refused = refused.any(|(_, refused)| refused.is_some());
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
        plan.silence = (acks == Acks::None).then_some(match any_refused {
            // `KafkaApis.handleProduceRequest`: there is no answer to tell it.
            true => Silence::Close,
            false => Silence::Keep,
        });
        plan
    }

    pub(super) fn fetch(&mut self, request: kafka::FetchRequest) -> Plan {
        let version = self.version;
        let mut fetch = self.at.shared.fetch_request();
        fetch.follower = false;
        fetch.max_wait = Duration::from_millis(request.max_wait_ms.max(0) as u64);
        fetch.max_records = LOOKED_AT;
        fetch.is_incremental = false;
        let mut asked = Vec::new();
        for mut topic in request.topics {
            self.name_by_id(&mut topic.topic, topic.topic_id);
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self.names.partition(&topic.topic, wanted.partition);
                if let Some(partition) = partition {
                    let epoch = u32::try_from(wanted.current_leader_epoch).ok();
                    let own = self.at.state.leader_epoch(partition);
                    fetch.positions.insert(FetchPosition {
                        partition,
                        offset: wanted.fetch_offset.max(0) as u64,
                        leader_epoch: epoch.or(own).unwrap_or_default(),
                        last_fetched_epoch: 0,
                        high_watermark: u64::MAX,
                        log_start: 0,
                    });
                } else {
                    // What is not known is told at once.
                    fetch.max_wait = Duration::ZERO;
                }
                partitions.push((wanted.partition, partition, wanted.partition_max_bytes));
            }
            asked.push((topic.topic, topic.topic_id, partitions));
        }
        let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0);
        Plan::of_broker([Request::Fetch(fetch)], move |_, at, mut answers| {
            let mut response = kafka::FetchResponse::default();
            match answers.pop() {
                Some(Response::Fetch(fetched)) => {
                    let mut left = max_bytes;
                    let topics = asked.into_iter().map(|(name, id, partitions)| {
                        let partitions = partitions.into_iter().map(|(index, partition, max)| {
                            let max = usize::try_from(max).unwrap_or(0);
                            partition_data(at, &fetched, index, partition, max, &mut left)
                        });
                        FetchableTopicResponse::default()
                            .with_topic(name)
                            .with_topic_id(id)
                            .with_partitions(partitions.collect())
                    });
                    response.responses = topics.collect();
                    at.shared.recycle_response(fetched);
                }
                Some(Response::Failed(error)) => response.error_code = error.code(),
                _ => return None,
            }
            body(&response, version)
        })
    }

    /// Finds the name of a topic that a request names by its id.
    fn name_by_id(&self, name: &mut kafka::TopicName, id: Uuid) {
        if let Some(known) = self.names.topic_with(id).filter(|_| !id.is_nil()) {
            *name = topic_name(known);
        }
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

/// Makes the answer of one partition, with as many batches as there is room for, but with one in any
/// case where it is the first of the answer (KIP-74).
fn partition_data(
    at: &At<'_>,
    fetched: &FetchResponse<Wire>,
    index: i32,
    partition: Option<PartitionIndex>,
    max: usize,
    left: &mut usize,
) -> PartitionData {
    let data = PartitionData::default()
        .with_partition_index(index)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_preferred_read_replica((-1).into())
        .with_records(Some(Default::default()));
    let Some(partition) = partition else {
        return data.with_error_code(ErrorName::UnknownTopicOrPartition.code());
    };
    let mut first = 0;
    let told = fetched.partitions.iter().find(|told| {
        let is_it = told.partition == partition;
        first += if is_it { 0 } else { told.entries as usize };
        is_it
    });
    let (start, end) = at.state.log_ends(partition);
    let (start, end) = match told {
        Some(FetchedPartition {
            error: Some(error), ..
        }) => return data.with_error_code(error.code()),
        Some(told) => (told.log_start, told.high_watermark),
        None => (start.get(), end.get()),
    };
    let entries = told.map_or(0, |told| told.entries as usize);
    let mut records = BytesMut::new();
    for entry in &fetched.entries[first.min(fetched.entries.len())..][..entries] {
        let Content::Batch(batch) = &entry.content else {
            continue;
        };
        let is_first = records.is_empty() && *left > 0;
        if !is_first && (records.len() + batch.size() > max || batch.size() > *left) {
            break;
        }
        *left = left.saturating_sub(batch.size());
        batch.write(entry.offset.get(), entry.leader_epoch, &mut records);
    }
    data.with_high_watermark(end as i64)
        .with_last_stable_offset(end as i64)
        .with_log_start_offset(start as i64)
        .with_records(Some(records.freeze()))
}
