//! Responses to requests of clients.

use super::requests::{
    batch, committed, committed_offsets, instances, members, opaque, protocol_names,
};
use super::{BROKERS, partitions, requests};
use crate::protocol::{
    BrokerSet, ClusterMetadata, Content, FetchRequest, FetchResponse, FetchedPartition,
    FoundOffset, GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, JoinedMember,
    Leaving, LogEntry, Node, OffsetCommitResponse, PartitionState, ProtocolType, ReplicaOrder,
    Request, Response, SyncGroupResponse, Wanted,
};
use crate::topology::PartitionIndex;
use plimsoll_codec::Supported;
use plimsoll_codec::Wire;
use plimsoll_core::Offset;
use plimsoll_oracle::{ErrorName, Word as _};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::rc::Rc;

/// Any request of a client, with an answer to it.
pub(super) fn of_any_kind() -> impl Strategy<Value = (Rc<Request<Wire>>, Response<Wire>)> {
    requests::of_any_kind().prop_flat_map(|request| {
        let (answers, request) = (to(&request), Rc::new(request));
        answers.prop_map(move |answer| (Rc::clone(&request), answer))
    })
}

/// Answers to a request.
fn to(request: &Request<Wire>) -> BoxedStrategy<Response<Wire>> {
    match request {
        Request::Metadata => metadata().prop_map(Response::Metadata).boxed(),
        Request::FindCoordinator { .. } => {
            let nodes = (0..BROKERS).prop_map(|node| Ok(Node(node)));
            let none = Just(Err(ErrorName::CoordinatorNotAvailable));
            let found = prop_oneof![nodes, none];
            found.prop_map(Response::FindCoordinator).boxed()
        }
        Request::Produce { .. } => {
            let appended = results((0..i64::MAX as u64).prop_map(Offset::new));
            appended.prop_map(Response::Produce).boxed()
        }
        Request::Parts(parts) => {
            let answers: Vec<_> = parts.iter().map(to).collect();
            answers.prop_map(Response::Parts).boxed()
        }
        Request::Fetch(fetch) => fetched(fetch).boxed(),
        Request::Offsets(request) => places(request.wanted).boxed(),
        Request::JoinGroup(join) => joined(join).boxed(),
        Request::SyncGroup { protocol, .. } => {
            let protocol = protocol.clone();
            let synced = results(opaque()).prop_map(move |assignment| {
                Response::SyncGroup(assignment.map(|assignment| SyncGroupResponse {
                    protocol: protocol.clone(),
                    assignment,
                }))
            });
            synced.boxed()
        }
        Request::Heartbeat(_) => results(Just(())).prop_map(Response::Heartbeat).boxed(),
        Request::LeaveGroup { members, .. } => left(members).boxed(),
        Request::OffsetCommit { offsets, .. } => {
            let partitions: Vec<_> = offsets.iter().map(|offset| offset.partition).collect();
            let refused = some_of(partitions, errors());
            let response = refused.prop_map(|refused| {
                Response::OffsetCommit(OffsetCommitResponse {
                    error: None,
                    refused,
                })
            });
            response.boxed()
        }
        Request::OffsetFetch {
            partitions: asked, ..
        } => {
            let asked = asked.clone().unwrap_or_else(partitions);
            let offsets = some_of(asked, committed_offsets()).prop_map(|offsets| {
                let offsets = offsets.into_iter();
                let offsets = offsets.map(|(partition, (offset, leader_epoch, text))| {
                    committed(partition, offset, &text, leader_epoch)
                });
                offsets.collect()
            });
            results(offsets).prop_map(Response::OffsetFetch).boxed()
        }
        request => panic!("no client sends {request:?}"),
    }
}

/// An error, sometimes one of which only the number is known: 29, a refused authorisation.
fn errors() -> impl Strategy<Value = ErrorName> + Clone {
    prop_oneof![9 => select(ErrorName::ALL), 1 => Just(ErrorName::Other(29))]
}

/// A value, or an error instead.
fn results<T: std::fmt::Debug + 'static>(
    values: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Result<T, ErrorName>> {
    prop_oneof![3 => values.prop_map(Ok), 1 => errors().prop_map(Err)]
}

/// A value for each of some of these partitions, or of none.
fn some_of<T: Clone + std::fmt::Debug + 'static>(
    partitions: Vec<PartitionIndex>,
    values: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Vec<(PartitionIndex, T)>> {
    let most = partitions.len();
    subsequence(partitions, 0..=most).prop_flat_map(move |some| {
        let values = vec(values.clone(), some.len());
        values.prop_map(move |values| some.iter().copied().zip(values).collect())
    })
}

/// What a broker knows of all partitions.
fn metadata() -> impl Strategy<Value = ClusterMetadata> {
    let nodes = || Just((0..BROKERS).map(Node).collect::<Vec<_>>());
    let replicas = (nodes().prop_shuffle(), 1..=usize::from(BROKERS));
    let state = replicas.prop_flat_map(|(mut replicas, count)| {
        replicas.truncate(count);
        let leaders = option::of(select(replicas.clone()));
        let in_sync = subsequence(replicas.clone(), 0..=count);
        (Just(replicas), leaders, in_sync, 0..i32::MAX as u32)
    });
    let states = vec(state, partitions().len());
    let alive = subsequence((0..BROKERS).map(Node).collect::<Vec<_>>(), 0..=3);
    (states, alive).prop_map(|(states, alive)| {
        let states = partitions().into_iter().zip(states);
        let states =
            states.map(
                |(partition, (replicas, leader, in_sync, leader_epoch))| PartitionState {
                    partition,
                    replicas: set_of(&replicas),
                    order: ReplicaOrder::new(replicas.into_iter()),
                    leader,
                    leader_epoch,
                    in_sync: set_of(&in_sync),
                    partition_epoch: 0,
                },
            );
        ClusterMetadata {
            partitions: states.collect(),
            alive: set_of(&alive),
        }
    })
}

fn set_of(nodes: &[Node]) -> BrokerSet {
    let nodes = nodes.iter().copied();
    nodes.fold(BrokerSet::default(), BrokerSet::with)
}

/// What is told of every partition that a fetch asks for.
fn fetched(fetch: &FetchRequest) -> impl Strategy<Value = Response<Wire>> + use<> {
    let asked = fetch.positions.clone();
    let offsets = 0..i64::MAX as u64;
    let batches = vec((0..i64::MAX as u64 / 2, 0..i32::MAX, 1_u32..4), 0..3);
    let diverging = option::of((0..i32::MAX as u32, offsets.clone()));
    let told = results((batches, offsets.clone(), offsets, diverging));
    let told = vec(told, asked.iter().count());
    told.prop_map(move |told| {
        let mut response = FetchResponse {
            asked: asked.clone(),
            ..FetchResponse::default()
        };
        for (partition, told) in asked.partitions().iter().zip(told) {
            let error = told.as_ref().err().copied();
            let (batches, high_watermark, log_start, diverging) = told.unwrap_or_default();
            response.partitions.push(FetchedPartition {
                partition,
                error,
                entries: batches.len() as u32,
                high_watermark,
                log_start,
                diverging,
            });
            let entries = batches
                .into_iter()
                .map(|(offset, epoch, records)| LogEntry {
                    offset: Offset::new(offset),
                    leader_epoch: epoch as u32,
                    content: Content::Batch(batch(offset, epoch, records)),
                });
            response.entries.extend(entries);
        }
        Response::Fetch(Box::new(response))
    })
}

/// A place that was found, as far as it is told where this was wanted.
fn places(wanted: Wanted) -> impl Strategy<Value = Response<Wire>> {
    let epochs = option::of(0..i32::MAX as u32);
    let timestamps = option::of(0..i64::MAX);
    let found = (0..i64::MAX as u64, epochs, timestamps);
    let found = found.prop_map(move |(offset, leader_epoch, timestamp)| FoundOffset {
        offset,
        leader_epoch: leader_epoch.filter(|_| !matches!(wanted, Wanted::Removal { .. })),
        timestamp: timestamp
            .filter(|_| !matches!(wanted, Wanted::Removal { .. } | Wanted::EndOfEpoch(_))),
    });
    results(option::of(found)).prop_map(Response::Offsets)
}

fn joined(join: &JoinGroupRequest<Wire>) -> impl Strategy<Value = Response<Wire>> + use<> {
    let asked = join.member.unwrap_or(GroupMemberId::EMPTY);
    let may_skip = join.skips_assignment;
    let others = vec((members(), instances(), opaque()), 0..4);
    let joined = (
        0..i32::MAX,
        protocol_names(),
        (members(), members()),
        any::<bool>(),
        others,
    );
    let joined = joined.prop_map(move |(generation, name, (member, leader), skips, others)| {
        let members = others
            .into_iter()
            .map(|(member, instance, metadata)| JoinedMember {
                member,
                instance,
                subscription: Supported(vec![(name.clone(), metadata)]),
            });
        Ok(Box::new(JoinGroupResponse {
            generation,
            protocol: Some((ProtocolType::CONSUMER, name.clone())),
            member,
            leader,
            skip_assignment: skips && may_skip,
            members: members.collect(),
        }))
    });
    let refused = (errors(), members()).prop_map(move |(error, member)| {
        Err(match error {
            ErrorName::MemberIdRequired => JoinError::MemberIdRequired(member),
            // Under its own id one cannot be told from the other.
            error if member == asked => JoinError::Other(error),
            error => JoinError::Ended(error, member),
        })
    });
    prop_oneof![joined, refused].prop_map(Response::JoinGroup)
}

fn left(members: &[Leaving]) -> impl Strategy<Value = Response<Wire>> + use<> {
    let members = members.to_vec();
    let results_of = vec(results(Just(())), members.len());
    let left = results_of.prop_map(move |results| {
        let left = members.iter().zip(results);
        let left = left.map(|(leaving, result)| match result {
            Ok(()) => Ok(*leaving),
            Err(error) => Err((*leaving, error)),
        });
        left.collect()
    });
    results(left).prop_map(Response::LeaveGroup)
}
