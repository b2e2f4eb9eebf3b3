//! Offsets that groups commit.

use super::groups::refused_id;
use super::{Context, Plan, body};
use crate::protocol::{
    AdminRequest, AdminResponse, CommittedOffset, OffsetCommitResponse, Request, Response,
};
use crate::topology::PartitionIndex;
use crate::wire::dialect::{Metadata, Wire};
use crate::wire::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{GroupId, TopicName};
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
                        negative: Some(commit.committed_offset).filter(|offset| *offset < 0),
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

    /// Forgets what a group committed. Partitions that there are not are refused before a
    /// coordinator is asked, and where there are no others, none is
    /// (`KafkaApis.handleOffsetDeleteRequest`).
    pub(super) fn offset_delete(&mut self, request: kafka::OffsetDeleteRequest) -> Plan {
        let version = self.version;
        if let Some(error) = refused_id(&request.group_id) {
            let response = kafka::OffsetDeleteResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let group = self.names.group(self.at.shared, &request.group_id);
        let mut topics = Vec::new();
        let mut asked = Vec::new();
        for topic in request.topics {
            let indexes = topic
                .partitions
                .iter()
                .map(|partition| partition.partition_index);
            let names = &*self.names;
            let partitions: Vec<_> = indexes
                .map(|index| (index, names.partition(&topic.name, index)))
                .collect();
            let known: Vec<_> = partitions.iter().filter_map(|(_, known)| *known).collect();
            if !known.is_empty() {
                topics.push((topic.name.0.clone(), known));
            }
            asked.push((topic.name, partitions));
        }
        let delete = Request::from(AdminRequest::OffsetDelete {
            group,
            topics: topics.clone(),
        });
        let parts = (!topics.is_empty()).then_some(delete);
        Plan::of_broker(parts, move |_, _, mut answers| {
            let deleted = match answers.pop() {
                None => Ok(Vec::new()),
                Some(Response::Admin(answer)) => match *answer {
                    AdminResponse::OffsetDelete(result) => result,
                    _ => return None,
                },
                Some(Response::Failed(error)) => Err(error),
                Some(_) => return None,
            };
            let response = kafka::OffsetDeleteResponse::default();
            let deleted = match deleted {
                Ok(deleted) => deleted,
                Err(error) => return body(&response.with_error_code(error.code()), version),
            };
            let code = |partition: Option<PartitionIndex>| {
                let answer = deleted.iter().find(|(of, _)| Some(*of) == partition);
                let unknown = Some(ErrorName::UnknownTopicOrPartition);
                let error = answer.map_or(unknown, |(_, error)| *error);
                error.map_or(0, ErrorName::code)
            };
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition)| {
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(code(partition))
                });
                OffsetDeleteResponseTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            body(&response.with_topics(topics.collect()), version)
        })
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

fn fetched(index: i32, found: Option<&CommittedOffset<Wire>>) -> OffsetFetchResponsePartition {
    let partition = OffsetFetchResponsePartition::default().with_partition_index(index);
    match found {
        Some(offset) => partition
            .with_committed_offset(offset.metadata.negative.unwrap_or(offset.next.get() as i64))
            .with_committed_leader_epoch(offset.metadata.leader_epoch)
            .with_metadata(Some(offset.metadata.text.clone())),
        None => partition
            .with_committed_offset(-1)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default())),
    }
}
