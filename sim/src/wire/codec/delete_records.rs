//! DeleteRecords.

use super::places::{self, Places};
use super::{Context, Plan, body};
use crate::protocol::{OffsetsRequest, Wanted};
use crate::wire::settings::is_deleted;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use plimsoll_codec::OFFSETS_TOPIC;
use std::time::Duration;

impl Context<'_, '_> {
    pub(super) fn delete_records(&mut self, request: kafka::DeleteRecordsRequest) -> Plan {
        let version = self.version;
        let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            let is_internal = &*topic.name.0 == OFFSETS_TOPIC;
            let settings = self.names.settings.get(&*topic.name.0);
            let keeps_all = settings.is_some_and(|settings| !is_deleted(settings));
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self
                    .names
                    .known
                    .partition(&topic.name, wanted.partition_index);
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
