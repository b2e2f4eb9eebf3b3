//! DeleteRecords.

use super::call::{self, Call, Caller};
use super::places::{self, Places};
use super::{Context, Plan, body};
use crate::protocol::{OffsetsRequest, Request, Wanted};
use crate::wire::dialect::Wire;
use crate::wire::names::OFFSETS_TOPIC;
use crate::wire::settings::is_deleted;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use std::time::Duration;

impl Context<'_, '_> {
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
                        .with_error_code(places::code(&found))
                        .with_low_watermark(places::place(&found, |found| {
                            Some(found.offset as i64)
                        }))
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

impl Caller<'_> {
    pub(super) fn delete_records(
        &mut self,
        parts: &[Request<Wire>],
        longest: Duration,
    ) -> Option<Call> {
        let asked = places::asked(parts)?;
        let mut removals = Vec::new();
        for request in &asked {
            match request.wanted {
                Wanted::Removal { below, timeout } if timeout == longest => {
                    let below = below.map_or(-1, |below| below as i64);
                    removals.push((request.partition, below));
                }
                _ => return None,
            }
        }
        let topics = self
            .names
            .by_topic(removals)?
            .into_iter()
            .map(|(name, removals)| {
                let partitions = removals.into_iter().map(|(index, below)| {
                    DeleteRecordsPartition::default()
                        .with_partition_index(index)
                        .with_offset(below)
                });
                DeleteRecordsTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
        let request = kafka::DeleteRecordsRequest::default()
            .with_timeout_ms(call::millis(longest)?)
            .with_topics(topics.collect());
        self.asks(
            &request,
            move |names, response: kafka::DeleteRecordsResponse| {
                let told = response.topics.into_iter().flat_map(|topic| {
                    topic.partitions.into_iter().map(move |place| {
                        let found = places::found(place.low_watermark, -1, -1);
                        let of = (topic.name.clone(), place.partition_index);
                        (of, place.error_code, found)
                    })
                });
                places::answers(names, &asked, told)
            },
        )
    }
}
