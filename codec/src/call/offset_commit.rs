//! OffsetCommit.

use super::{Call, Caller, result};
use crate::dialect::{Metadata, Wire};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::NextOffset;
use plimsoll_protocol::PartitionIndex;
use plimsoll_protocol::{CommittedOffset, OffsetCommitResponse, Response, Sender};

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
                    if let Err(error) = result(partition.error_code) {
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
pub fn committed_offset(
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
pub fn offset_of(offset: &CommittedOffset<Wire>) -> i64 {
    let negative = offset.metadata.negative;
    negative.unwrap_or(offset.next.get() as i64)
}
