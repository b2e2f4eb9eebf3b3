//! OffsetFetch.

use super::offset_commit::committed_offset;
use super::{Call, Caller, result};
use crate::dialect::Wire;
use crate::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use plimsoll_protocol::ErrorName;
use plimsoll_protocol::PartitionIndex;
use plimsoll_protocol::{CommittedOffset, GroupIndex, Response};

/// The offset of a partition of which nothing is committed (`OffsetFetchResponse.INVALID_OFFSET`).
pub const NOTHING_COMMITTED: i64 = -1;

impl Caller<'_> {
    pub(super) fn offset_fetch(
        &mut self,
        group: GroupIndex,
        partitions: Option<&[PartitionIndex]>,
        require_stable: bool,
    ) -> Option<Call> {
        let version = self.version;
        let group = self.names.group_id(group)?;
        let asked = match partitions {
            None => None,
            Some(partitions) => Some(
                self.names
                    .by_topic(partitions.iter().map(|partition| (*partition, ())))?,
            ),
        };
        let asked = asked.map(|topics| {
            let topics = topics.into_iter();
            topics.map(|(name, indexes)| (name, indexes.into_iter().map(|(index, ())| index)))
        });
        let request = kafka::OffsetFetchRequest::default().with_require_stable(require_stable);
        let request = match version {
            ..8 => {
                let topics = asked.map(|topics| {
                    let topics = topics.map(|(name, indexes)| {
                        OffsetFetchRequestTopic::default()
                            .with_name(name)
                            .with_partition_indexes(indexes.collect())
                    });
                    topics.collect()
                });
                request.with_group_id(group).with_topics(topics)
            }
            _ => {
                let topics = asked.map(|topics| {
                    let topics = topics.map(|(name, indexes)| {
                        OffsetFetchRequestTopics::default()
                            .with_name(name)
                            .with_partition_indexes(indexes.collect())
                    });
                    topics.collect()
                });
                let group = OffsetFetchRequestGroup::default()
                    .with_group_id(group)
                    .with_topics(topics);
                request.with_groups(vec![group])
            }
        };
        self.asks(
            &request,
            move |names, mut response: kafka::OffsetFetchResponse| {
                let answer = match version {
                    ..8 => told_in_partitions(names, response),
                    _ => told_in_group(names, response.groups.pop()?),
                };
                Some(Response::OffsetFetch(answer?))
            },
        )
    }
}

/// What a group committed, as a client reads it; `None`: an error that it does not know.
type Told = Option<Result<Vec<CommittedOffset<Wire>>, ErrorName>>;

/// Reads the answer of one group. An error of a partition is one of all.
fn told_in_partitions(names: &Names, response: kafka::OffsetFetchResponse) -> Told {
    if let Err(error) = result(response.error_code) {
        return Some(Err(error));
    }
    let mut committed = Vec::new();
    for topic in response.topics {
        for told in topic.partitions {
            if let Err(error) = result(told.error_code) {
                return Some(Err(error));
            }
            if told.committed_offset != NOTHING_COMMITTED {
                let partition = names.partition(&topic.name, told.partition_index)?;
                let metadata = (told.metadata, told.committed_leader_epoch);
                committed.push(committed_offset(partition, told.committed_offset, metadata));
            }
        }
    }
    Some(Ok(committed))
}

/// Reads the answer of one group among several.
fn told_in_group(names: &Names, group: OffsetFetchResponseGroup) -> Told {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|told| {
            OffsetFetchResponsePartition::default()
                .with_error_code(told.error_code)
                .with_partition_index(told.partition_index)
                .with_committed_offset(told.committed_offset)
                .with_committed_leader_epoch(told.committed_leader_epoch)
                .with_metadata(told.metadata)
        });
        OffsetFetchResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    let alone = kafka::OffsetFetchResponse::default()
        .with_error_code(group.error_code)
        .with_topics(topics.collect());
    told_in_partitions(names, alone)
}
