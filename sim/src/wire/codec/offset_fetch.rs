//! OffsetFetch.

use super::{Context, Plan, body};
use crate::protocol::{CommittedOffset, Request, Response};
use crate::wire::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::{NOTHING_COMMITTED, Wire, offset_of};
use plimsoll_oracle::ErrorName;
use std::collections::BTreeMap;

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
                    .filter_map(|index| names.known.partition(name, *index))
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
        if let Some(place) = names.known.place(offset.partition) {
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
            .with_committed_offset(NOTHING_COMMITTED)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default())),
    }
}
