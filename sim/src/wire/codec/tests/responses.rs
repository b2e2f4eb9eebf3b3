//! Responses to requests of clients.

use super::requests::{
    batch, by_partition, committed, committed_offsets, instances, members, opaque, protocol_names,
};
use super::{BROKERS, GROUP, partitions, requests};
use crate::protocol::{
    BrokerSet, ClusterMetadata, Content, FetchRequest, FetchResponse, FetchedPartition,
    FoundOffset, JoinError, JoinGroupResponse, JoinedMember, LogEntry, Node, OffsetCommitResponse,
    PartitionState, ProtocolType, ReplicaOrder, Request, Response, SyncGroupResponse, Wanted,
};
use crate::wire::Wire;
use crate::wire::dialect::Supported;
use plimsoll_core::{NextOffset, Offset};
use plimsoll_oracle::{ErrorName, Word as _};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Any request of a client, with an answer to it.
pub(super) fn any() -> impl Strategy<Value = (Request<Wire>, Response<Wire>)> {
    requests::any().prop_flat_map(|request| {
        let answer = to(&request);
        answer.prop_map(move |answer| (copy(&request), answer))
    })
}

fn copy(request: &Request<Wire>) -> Request<Wire> {
    let _ = request;
    todo!()
}
