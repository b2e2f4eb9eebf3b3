//! OffsetFetch.

use super::call::{Call, Caller, result};
use super::offset_commit::{committed_offset, offset_of};
use super::{Context, Plan, body};
use crate::protocol::{CommittedOffset, GroupIndex, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::dialect::Wire;
use crate::wire::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::ErrorName;
use std::collections::BTreeMap;

/// The offset of a partition of which nothing is committed (`OffsetFetchResponse.INVALID_OFFSET`).
const NOTHING: i64 = -1;

impl Context<'_, '_> {
    /// Tells what groups committed: one, and from version 8 on several (KIP-709).
    pub(super) fn offset_fetch(&mut self, request: kafka::OffsetFetchRequest) -> Plan {
        let version = self.version;
        let groups: Vec<(GroupId, Asked)> = match version {
            ..8 => {
                let topics = request.topics.map(|topics| {
                    let topics = topics.into_iter();
                    topics
                        .map(|topic| (topic.name, topic.partition_indexes))
                        .collect()
                });
                vec![(request.group_id, topics)]
            }
            _ => {
                let groups = request.groups.into_iter().map(|group| {
                    let topics = group.topics.map(|topics| {
                        let topics = topics.into_iter();
                        topics
                            .map(|topic| (topic.name, topic.partition_indexes))
                            .collect()
                    });
                    (group.group_id, topics)
                });
                groups.collect()
            }
        };
        let parts: Vec<_> = groups
            .iter()
            .map(|(group, asked)| self.offset_fetch_of(group, asked, request.require_stable))
            .collect();
        Plan::of_broker(parts, move |names, _, answers| {
            let mut fetched = Vec::new();
            for ((group, asked), answer) in groups.into_iter().zip(answers) {
                fetched.push((group, fetched_of(names, asked, answer)?));
            }
            let response = kafka::OffsetFetchResponse::default();
            let response = match version {
                ..8 => {
                    let (_, only) = fetched.pop()?;
                    in_partitions(response, only, version)
                }
                _ => response.with_groups(fetched.into_iter().map(in_group).collect()),
            };
            body(&response, version)
        })
    }

    /// Makes the request for what one group committed.
    fn offset_fetch_of(&mut self, group: &str, asked: &Asked, stable: bool) -> Request<Wire> {
        let group = self.names.group(self.at.shared, group);
        let partitions = asked.as_ref().map(|topics| {
            let all = topics.iter().flat_map(|(name, partitions)| {
                let names = &*self.names;
                partitions
                    .iter()
                    .filter_map(|index| names.partition(name, *index))
            });
            all.collect()
        });
        Request::OffsetFetch {
            group,
            partitions,
            require_stable: stable,
        }
    }
}

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
    if let Err(error) = result(response.error_code)? {
        return Some(Err(error));
    }
    let mut committed = Vec::new();
    for topic in response.topics {
        for told in topic.partitions {
            if let Err(error) = result(told.error_code)? {
                return Some(Err(error));
            }
            if told.committed_offset != NOTHING {
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

/// The partitions that are asked for, by topic; `None`: all of which something was committed.
type Asked = Option<Vec<(TopicName, Vec<i32>)>>;

/// What a group committed, by topic and partition, or why it cannot be told.
struct Fetched {
    error: Option<ErrorName>,
    topics: Vec<(TopicName, Vec<OffsetFetchResponsePartition>)>,
}

/// Reads the answer to one group's request.
fn fetched_of(names: &Names, asked: Asked, answer: Response<Wire>) -> Option<Fetched> {
    let (offsets, error) = match answer {
        Response::OffsetFetch(Ok(offsets)) => (offsets, None),
        Response::OffsetFetch(Err(error)) | Response::Failed(error) => (Vec::new(), Some(error)),
        _ => return None,
    };
    let mut found = BTreeMap::<(TopicName, i32), CommittedOffset<Wire>>::new();
    for offset in offsets {
        if let Some(place) = names.place(offset.partition) {
            found.insert(place, offset);
        }
    }
    let asked = asked.unwrap_or_else(|| {
        let mut topics = BTreeMap::<TopicName, Vec<i32>>::new();
        for (topic, index) in found.keys() {
            topics.entry(topic.clone()).or_default().push(*index);
        }
        topics.into_iter().collect()
    });
    let topics = asked.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|index| {
            let place = (name.clone(), index);
            fetched(index, found.get(&place))
        });
        let partitions = partitions.collect();
        (name, partitions)
    });
    Some(Fetched {
        error,
        topics: topics.collect(),
    })
}

/// Makes the answer of one group. Before version 2, errors stand in the partitions.
fn in_partitions(
    response: kafka::OffsetFetchResponse,
    fetched: Fetched,
    version: i16,
) -> kafka::OffsetFetchResponse {
    let code = fetched.error.map_or(0, ErrorName::code);
    let topics = fetched.topics.into_iter().map(|(name, mut partitions)| {
        if version < 2 {
            partitions
                .iter_mut()
                .for_each(|partition| partition.error_code = code);
        }
        OffsetFetchResponseTopic::default()
            .with_name(name)
            .with_partitions(partitions)
    });
    response.with_topics(topics.collect()).with_error_code(code)
}

/// Makes the answer of one group among several, which is told nothing else with an error.
fn in_group((group, fetched): (GroupId, Fetched)) -> OffsetFetchResponseGroup {
    let topics = fetched
        .topics
        .into_iter()
        .filter(|_| fetched.error.is_none());
    let topics = topics.map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|partition| {
            OffsetFetchResponsePartitions::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
        });
        OffsetFetchResponseTopics::default()
            .with_name(name)
            .with_partitions(partitions.collect())
    });
    OffsetFetchResponseGroup::default()
        .with_group_id(group)
        .with_topics(topics.collect())
        .with_error_code(fetched.error.map_or(0, ErrorName::code))
}

fn fetched(index: i32, found: Option<&CommittedOffset<Wire>>) -> OffsetFetchResponsePartition {
    let partition = OffsetFetchResponsePartition::default().with_partition_index(index);
    match found {
        Some(offset) => partition
            .with_committed_offset(offset_of(offset))
            .with_committed_leader_epoch(offset.metadata.leader_epoch)
            .with_metadata(Some(offset.metadata.text.clone())),
        None => partition
            .with_committed_offset(NOTHING)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default())),
    }
}
