//! ListOffsets, OffsetForLeaderEpoch, DeleteRecords: places in the logs of partitions.

use super::{Context, Plan, body, each_once};
use crate::protocol::{FoundOffset, NO_EPOCH, OffsetsRequest, Request, Response, Wanted};
use crate::wire::dialect::Wire;
use crate::wire::names::OFFSETS_TOPIC;
use crate::wire::settings::is_deleted;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use plimsoll_oracle::ErrorName;
use std::time::Duration;

impl Context<'_, '_> {
    pub(super) fn list_offsets(&mut self, request: kafka::ListOffsetsRequest) -> Plan {
        let version = self.version;
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            for (wanted, is_twice) in each_once(topic.partitions, |wanted| wanted.partition_index) {
                let index = wanted.partition_index;
                let partition = self.names.partition(&topic.name, index);
                match (is_twice, at_timestamp(wanted.timestamp, version)) {
                    // `ListOffsetsRequest.duplicatePartitions`.
                    (true, _) => places.refuse(ResponseError::InvalidRequest),
                    (_, None) => places.refuse(ResponseError::UnsupportedVersion),
                    (_, Some(at)) => places.ask(partition.map(|partition| {
                        OffsetsRequest::new(partition, wanted.current_leader_epoch, at)
                    })),
                }
                asked.push((topic.name.clone(), index));
            }
        }
        places.plan(move |found| {
            let mut topics = Vec::<ListOffsetsTopicResponse>::new();
            for ((name, index), found) in asked.into_iter().zip(found) {
                let partition = ListOffsetsPartitionResponse::default()
                    .with_partition_index(index)
                    .with_error_code(code(&found))
                    .with_timestamp(place(&found, |found| found.timestamp))
                    .with_offset(place(&found, |found| Some(found.offset as i64)))
                    // `ReplicaManager.fetchOffset`: before, answers have no room for it.
                    .with_leader_epoch(if version >= 4 { epoch(&found) } else { -1 });
                match topics.last_mut() {
                    Some(topic) if topic.name == name => topic.partitions.push(partition),
                    _ => topics.push(
                        ListOffsetsTopicResponse::default()
                            .with_name(name)
                            .with_partitions(vec![partition]),
                    ),
                }
            }
            let response = kafka::ListOffsetsResponse::default().with_topics(topics);
            body(&response, version)
        })
    }

    pub(super) fn offset_for_leader_epoch(
        &mut self,
        request: kafka::OffsetForLeaderEpochRequest,
    ) -> Plan {
        let version = self.version;
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self.names.partition(&topic.topic, wanted.partition);
                let epoch = u32::try_from(wanted.leader_epoch).unwrap_or(NO_EPOCH);
                places.ask(partition.map(|partition| {
                    let at = Wanted::EndOfEpoch(epoch);
                    OffsetsRequest::new(partition, wanted.current_leader_epoch, at)
                }));
                partitions.push(wanted.partition);
            }
            asked.push((topic.topic, partitions));
        }
        places.plan(move |found| {
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().zip(&mut *found);
                let partitions = partitions.map(|(index, found)| {
                    EpochEndOffset::default()
                        .with_partition(index)
                        .with_error_code(code(&found))
                        .with_leader_epoch(epoch(&found))
                        .with_end_offset(place(&found, |found| Some(found.offset as i64)))
                });
                OffsetForLeaderTopicResult::default()
                    .with_topic(name)
                    .with_partitions(partitions.collect())
            });
            let response =
                kafka::OffsetForLeaderEpochResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }

    pub(super) fn delete_records(&mut self, request: kafka::DeleteRecordsRequest) -> Plan {
        let version = self.version;
        let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            let is_internal = &*topic.name.0 == OFFSETS_TOPIC;
            let known = self.names.topics.get(&*topic.name.0);
            let keeps_all = known.is_some_and(|topic| !is_deleted(&topic.settings));
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self.names.partition(&topic.name, wanted.partition_index);
                let removal = Wanted::Removal {
                    // Of the negative ones only -1 means something; no log reaches to the others.
                    below: (wanted.offset != -1)
                        .then(|| u64::try_from(wanted.offset).unwrap_or(u64::MAX)),
                    timeout,
                };
                let is_leader = partition.is_some_and(|partition| self.at.state.leads(partition));
                match is_internal {
                    true => places.refuse(ResponseError::InvalidTopicException),
                    // `Partition.deleteRecordsOnLeader`.
                    false if keeps_all && is_leader => {
                        places.refuse(ResponseError::PolicyViolation);
                    }
                    false => places.ask(
                        partition.map(|partition| OffsetsRequest::new(partition, -1, removal)),
                    ),
                }
                partitions.push(wanted.partition_index);
            }
            asked.push((topic.name, partitions));
        }
        places.plan(move |found| {
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().zip(&mut *found);
                let partitions = partitions.map(|(index, found)| {
                    DeleteRecordsPartitionResult::default()
                        .with_partition_index(index)
                        .with_error_code(code(&found))
                        .with_low_watermark(place(&found, |found| Some(found.offset as i64)))
                });
                DeleteRecordsTopicResult::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            let response = kafka::DeleteRecordsResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }
}

/// Returns what a timestamp of `ListOffsets` asks for, where this version has it
/// (`ReplicaManager.timestampMinSupportedVersion`).
fn at_timestamp(timestamp: i64, version: i16) -> Option<Wanted> {
    match timestamp {
        0.. => Some(Wanted::Timestamp(timestamp)),
        -1 => Some(Wanted::Latest),
        -2 => Some(Wanted::Earliest),
        -3 if version >= 7 => Some(Wanted::MaxTimestamp),
        // All that there is lies on the broker's own disk (KIP-405) ...
        -4 if version >= 8 => Some(Wanted::Earliest),
        // ... and nothing elsewhere (KIP-1005).
        -5 if version >= 9 => Some(Wanted::Timestamp(i64::MAX)),
        _ => None,
    }
}

/// What a broker is asked for, and what is refused here, in the order of the request.
#[derive(Default)]
struct Places {
    parts: Vec<Request<Wire>>,
    refused: Vec<Option<ResponseError>>,
}

type Found = Result<Option<FoundOffset>, i16>;

impl Places {
    /// Asks for a place; `None`: there is no such partition.
    fn ask(&mut self, request: Option<OffsetsRequest>) {
        match request {
            Some(request) => {
                self.parts.push(Request::Offsets(request));
                self.refused.push(None);
            }
            None => self.refuse(ResponseError::UnknownTopicOrPartition),
        }
    }

    fn refuse(&mut self, error: ResponseError) {
        self.refused.push(Some(error));
    }

    fn plan(
        self,
        finish: impl FnOnce(&mut dyn Iterator<Item = Found>) -> Option<bytes::Bytes> + Send + 'static,
    ) -> Plan {
        let Self { parts, refused } = self;
        Plan::together(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let mut found = refused.into_iter().map(|refused| match refused {
                Some(error) => Err(error.code()),
                None => match answers.next() {
                    Some(Response::Offsets(found)) => found.map_err(ErrorName::code),
                    Some(Response::Failed(error)) => Err(error.code()),
                    _ => Err(ResponseError::UnknownServerError.code()),
                },
            });
            finish(&mut found)
        })
    }
}

fn code(found: &Found) -> i16 {
    found.err().unwrap_or(0)
}

fn place(found: &Found, of: impl Fn(&FoundOffset) -> Option<i64>) -> i64 {
    let found = found.as_ref().ok().and_then(Option::as_ref);
    found.and_then(of).unwrap_or(-1)
}

fn epoch(found: &Found) -> i32 {
    place(found, |found| found.leader_epoch.map(i64::from)) as i32
}
