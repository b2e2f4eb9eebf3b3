//! OffsetCommit.

use super::{Context, Plan, body};
use crate::protocol::{OffsetCommitResponse, Request, Response};
use crate::topology::PartitionIndex;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use plimsoll_codec::{Wire, committed_offset};
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
                let partition = self
                    .names
                    .known
                    .partition(&topic.name, commit.partition_index);
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
