//! What requests for places in the logs of partitions have in common.

use super::{result, together};
use crate::dialect::Wire;
use crate::names::Names;
use kafka_protocol::messages::TopicName;
use plimsoll_protocol::{FoundOffset, OffsetsRequest, Request, Response};
use std::collections::BTreeMap;

/// The `replica_id` of consumers.
pub const CONSUMER: i32 = -1;

/// The `isolation_level` of consumers, as librdkafka's have it: of a transaction they read what is
/// committed, and nothing behind one that has not ended.
pub(super) const READ_COMMITTED: i8 = 1;

/// Returns what a client wants to know, of one partition in each part.
pub(super) fn asked(parts: &[Request<Wire>]) -> Option<Vec<OffsetsRequest>> {
    let parts = parts.iter().map(|part| match part {
        Request::Offsets(request) => Some(*request),
        _ => None,
    });
    parts.collect()
}

/// Reads a place, where there is one.
pub(super) fn found(offset: i64, leader_epoch: i32, timestamp: i64) -> Option<FoundOffset> {
    Some(FoundOffset {
        offset: u64::try_from(offset).ok()?,
        leader_epoch: u32::try_from(leader_epoch).ok(),
        timestamp: Some(timestamp).filter(|timestamp| *timestamp >= 0),
    })
}

/// Makes of what is told of each partition (the code of an error, and the place) the answers to
/// what was asked, in its order.
pub(super) fn answers(
    names: &Names,
    asked: &[OffsetsRequest],
    told: impl Iterator<Item = ((TopicName, i32), i16, Option<FoundOffset>)>,
) -> Option<Response<Wire>> {
    let mut places = BTreeMap::new();
    for ((topic, index), code, found) in told {
        let partition = names.partition(&topic, index)?;
        places.insert(partition, result(code).map(|()| found));
    }
    let answers = asked
        .iter()
        .map(|request| Some(Response::Offsets(*places.get(&request.partition)?)));
    together(answers.collect::<Option<_>>()?)
}
