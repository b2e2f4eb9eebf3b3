//! Offsets that groups commit.

use super::{Context, Plan, body};
use crate::protocol::{CommittedOffset, OffsetCommitResponse, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::dialect::{Metadata, Wire};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::NextOffset;
use plimsoll_oracle::ErrorName;
use std::collections::BTreeMap;

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
                offsets.extend(partition.map(|partition| CommittedOffset {
                    partition,
                    next: NextOffset::new(commit.committed_offset.max(0) as u64),
                    metadata: Metadata {
                        text: commit.committed_metadata.unwrap_or_default(),
                        leader_epoch: commit.committed_leader_epoch,
                    },
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
                        .with_error_code(committed(answer.as_ref(), partition))
                });
                OffsetCommitResponseTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            let response = kafka::OffsetCommitResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }

    pub(super) fn offset_fetch(&mut self, request: kafka::OffsetFetchRequest) -> Plan {
        let version = self.version;
        let group = self.names.group(self.at.shared, &request.group_id);
        let asked = request.topics.map(|topics| {
            let topics = topics.into_iter();
            let topics = topics.map(|topic| {
                let partitions = topic.partition_indexes.into_iter();
                let partitions =
                    partitions.map(|index| (index, self.names.partition(&topic.name, index)));
                (topic.name.clone(), partitions.collect::<Vec<_>>())
            });
            topics.collect::<Vec<_>>()
        });
        let wanted = asked.as_ref().map(|topics| {
            let partitions = topics.iter().flat_map(|(_, partitions)| partitions);
            partitions.filter_map(|(_, partition)| *partition).collect()
        });
        let request = Request::OffsetFetch {
            group,
            partitions: wanted,
            require_stable: request.require_stable,
        };
        Plan::of_broker([request], move |names, _, mut answers| {
            let (offsets, code) = match answers.pop() {
                Some(Response::OffsetFetch(Ok(offsets))) => (offsets, 0),
                Some(Response::OffsetFetch(Err(error)) | Response::Failed(error)) => {
                    (Vec::new(), error.code())
                }
                _ => return None,
            };
            let found: BTreeMap<PartitionIndex, CommittedOffset<Wire>> = offsets
                .into_iter()
                .map(|offset| (offset.partition, offset))
                .collect();
            let asked = asked.unwrap_or_else(|| {
                let mut topics = BTreeMap::<StrBytes, Vec<_>>::new();
                for partition in found.keys() {
                    if let Some((topic, index)) = names.place(*partition) {
                        topics
                            .entry(topic.0)
                            .or_default()
                            .push((index, Some(*partition)));
                    }
                }
                let topics = topics.into_iter();
                topics
                    .map(|(name, partitions)| (name.into(), partitions))
                    .collect()
            });
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition)| {
                    let found = partition.and_then(|partition| found.get(&partition));
                    // Before version 2 errors stand in the partitions.
                    let code = if version < 2 { code } else { 0 };
                    fetched(index, found).with_error_code(code)
                });
                OffsetFetchResponseTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            let response = kafka::OffsetFetchResponse::default()
                .with_error_code(code)
                .with_topics(topics.collect());
            body(&response, version)
        })
    }
}

fn committed(answer: Option<&Response<Wire>>, partition: Option<PartitionIndex>) -> i16 {
    let error = match (answer, partition) {
        (_, None) => Some(ErrorName::UnknownTopicOrPartition),
        (
            Some(Response::OffsetCommit(OffsetCommitResponse { error, refused })),
            Some(partition),
        ) => {
            let own = refused.iter().find(|(refused, _)| *refused == partition);
            own.map(|(_, error)| *error).or(*error)
        }
        (Some(Response::Failed(error)), _) => Some(*error),
        _ => Some(ErrorName::NotCoordinator),
    };
    error.map_or(0, ErrorName::code)
}

fn fetched(index: i32, found: Option<&CommittedOffset<Wire>>) -> OffsetFetchResponsePartition {
    let partition = OffsetFetchResponsePartition::default().with_partition_index(index);
    match found {
        Some(offset) => partition
            .with_committed_offset(offset.next.get() as i64)
            .with_committed_leader_epoch(offset.metadata.leader_epoch)
            .with_metadata(Some(offset.metadata.text.clone())),
        None => partition
            .with_committed_offset(-1)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default())),
    }
}
