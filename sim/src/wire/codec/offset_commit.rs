//! OffsetCommit.

use super::call::{Call, Caller, result};
use super::{Context, Plan, body};
use crate::protocol::{CommittedOffset, OffsetCommitResponse, Request, Response, Sender};
use crate::topology::PartitionIndex;
use crate::wire::dialect::{Metadata, Wire};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::NextOffset;
use plimsoll_oracle::ErrorName;

impl Context<'_, '_> {
    pub(super) fn offset_commit(&mut self, request: kafka::OffsetCommitRequest) -> Plan {
        let version = self.version;
        let sender = self.sender(
            &request.group_id,
            request.generation_id_or_member_epoch,
            &request.member_id,
            &request.group_instance_id,
        );
        let mut offsets = Vec::new();
        let mut asked = Vec::new();
        for topic in request.topics {
            let mut partitions = Vec::new();
            for commit in topic.partitions {
                let partition = self.names.partition(&topic.name, commit.partition_index);
                let metadata = (commit.committed_metadata, commit.committed_leader_epoch);
                offsets.extend(partition.map(|partition| {
                    committed_offset(partition, commit.committed_offset, metadata)
                }));
                partitions.push((commit.partition_index, partition));
            }
            asked.push((topic.name, partitions));
        }
        let parts = (!offsets.is_empty()).then_some(Request::OffsetCommit { sender, offsets });
        Plan::of_broker(parts, move |_, _, mut answers| {
            let answer = answers.pop();
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition)| {
                    OffsetCommitResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(committed(answer.as_ref(), partition, version))
                });
                OffsetCommitResponseTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            let response = kafka::OffsetCommitResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }
}

impl Caller<'_> {
    pub(super) fn offset_commit(
        &mut self,
        sender: &Sender,
        offsets: &[CommittedOffset<Wire>],
    ) -> Option<Call> {
        let topics = self
            .names
            .by_topic(offsets.iter().map(|offset| (offset.partition, offset)))?;
        let topics = topics.into_iter().map(|(name, offsets)| {
            let partitions = offsets.into_iter().map(|(index, offset)| {
                OffsetCommitRequestPartition::default()
                    .with_partition_index(index)
                    .with_committed_offset(offset_of(offset))
                    .with_committed_leader_epoch(offset.metadata.leader_epoch)
                    .with_committed_metadata(Some(offset.metadata.text.clone()))
            });
            OffsetCommitRequestTopic::default()
                .with_name(name)
                .with_partitions(partitions.collect())
        });
        let request = kafka::OffsetCommitRequest::default()
            .with_group_id(self.names.group_id(sender.group)?)
            .with_generation_id_or_member_epoch(sender.generation)
            .with_member_id(self.names.known_member_id(sender.member)?)
            .with_group_instance_id(self.names.instance_name(sender.instance))
            .with_topics(topics.collect());
        self.asks(&request, |names, response: kafka::OffsetCommitResponse| {
            // No error is one of the whole here: each partition has its own.
            let mut refused = Vec::new();
            for topic in response.topics {
                for partition in topic.partitions {
                    if let Err(error) = result(partition.error_code)? {
                        let index = names.partition(&topic.name, partition.partition_index)?;
                        refused.push((index, error));
                    }
                }
            }
            Some(Response::OffsetCommit(OffsetCommitResponse {
                error: None,
                refused,
            }))
        })
    }
}

/// Makes a committed offset of what stands in messages.
pub(super) fn committed_offset(
    partition: PartitionIndex,
    offset: i64,
    (text, leader_epoch): (Option<StrBytes>, i32),
) -> CommittedOffset<Wire> {
    CommittedOffset {
        partition,
        next: NextOffset::new(offset.max(0) as u64),
        metadata: Metadata {
            text: text.unwrap_or_default(),
            leader_epoch,
            negative: Some(offset).filter(|offset| *offset < 0),
        },
    }
}

/// Returns a committed offset as it stands in messages.
pub(super) fn offset_of(offset: &CommittedOffset<Wire>) -> i64 {
    let negative = offset.metadata.negative;
    negative.unwrap_or(offset.next.get() as i64)
}

fn committed(
    answer: Option<&Response<Wire>>,
    partition: Option<PartitionIndex>,
    version: i16,
) -> i16 {
    let error = match (answer, partition) {
        (_, None) => Some(ErrorName::UnknownTopicOrPartition),
        (
            Some(Response::OffsetCommit(OffsetCommitResponse { error, refused })),
            Some(partition),
        ) => {
            let own = refused.iter().find(|(refused, _)| *refused == partition);
            match own.map(|(_, error)| *error).or(*error) {
                // Clients before version 9 do not know of it
                // (`OffsetMetadataManager.validateOffsetCommit`).
                Some(ErrorName::GroupIdNotFound) if version < 9 => {
                    Some(ErrorName::IllegalGeneration)
                }
                error => error,
            }
        }
        (Some(Response::Failed(error)), _) => Some(*error),
        _ => Some(ErrorName::NotCoordinator),
    };
    error.map_or(0, ErrorName::code)
}
