//! What passes between clients and brokers, as far as the trace tells it.

use crate::trace::Event;
use bytes::Bytes;
use kafka_protocol::messages::{
    JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request};
use plimsoll_oracle::{ErrorName, RequestKind, Word as _};

/// Returns the kind of a request, if faults know it.
pub(crate) fn kind(request: &[u8]) -> Option<RequestKind> {
    RequestKind::of_api_key(i16::from_be_bytes(*request.first_chunk()?))
}

/// Returns the client's name for itself, which stands in the same place in every request.
pub(crate) fn client_id(request: &[u8]) -> Option<&str> {
    let length = i16::from_be_bytes(*request.get(8..)?.first_chunk()?);
    let id = request.get(10..)?.get(..usize::try_from(length).ok()?)?;
    str::from_utf8(id).ok()
}

/// Returns whether [`events`] reads such requests.
pub(crate) const fn is_told(kind: RequestKind) -> bool {
    matches!(
        kind,
        RequestKind::JoinGroup | RequestKind::LeaveGroup | RequestKind::OffsetCommit
    )
}

/// Returns what a request tells that was answered. A broker has read it, so that no length in it
/// asks for more memory than it has bytes.
pub(crate) fn events(kind: RequestKind, request: Bytes, answer: Bytes) -> Vec<Event> {
    let told = match kind {
        RequestKind::JoinGroup => joined(request, answer),
        RequestKind::LeaveGroup => left(request, answer),
        RequestKind::OffsetCommit => committed(request, answer),
        _ => None,
    };
    told.unwrap_or_default()
}

/// Reads a request and its answer.
fn read<R: Request>(mut request: Bytes, mut answer: Bytes) -> Option<(R, R::Response)> {
    let version = i16::from_be_bytes(*request.get(2..)?.first_chunk()?);
    RequestHeader::decode(&mut request, R::header_version(version)).ok()?;
    ResponseHeader::decode(&mut answer, R::Response::header_version(version)).ok()?;
    let request = R::decode(&mut request, version).ok()?;
    Some((request, R::Response::decode(&mut answer, version).ok()?))
}

fn joined(request: Bytes, answer: Bytes) -> Option<Vec<Event>> {
    let (request, answer) = read::<JoinGroupRequest>(request, answer)?;
    let joined = Event::Joined {
        group: request.group_id.to_string(),
        member: answer.member_id.to_string(),
        generation: answer.generation_id,
    };
    (answer.error_code == 0).then(|| vec![joined])
}

fn left(request: Bytes, answer: Bytes) -> Option<Vec<Event>> {
    let (request, answer) = read::<LeaveGroupRequest>(request, answer)?;
    let left = Event::Left {
        group: request.group_id.to_string(),
        // Before version 3, a request is about the one member that sends it.
        members: request.members.len().max(1),
    };
    (answer.error_code == 0).then(|| vec![left])
}

fn committed(request: Bytes, answer: Bytes) -> Option<Vec<Event>> {
    let (request, answer) = read::<OffsetCommitRequest>(request, answer)?;
    let mut events = Vec::new();
    for (topic, answered) in request.topics.into_iter().zip(answer.topics) {
        for (offset, answered) in topic.partitions.into_iter().zip(answered.partitions) {
            let group = request.group_id.to_string();
            let topic = topic.name.to_string();
            let (partition, next) = (offset.partition_index, offset.committed_offset);
            events.push(match answered.error_code {
                0 => Event::Committed {
                    group,
                    topic,
                    partition,
                    next,
                    generation: request.generation_id_or_member_epoch,
                },
                code => Event::CommitRefused {
                    group,
                    topic,
                    partition,
                    next,
                    error: error(code),
                },
            });
        }
    }
    Some(events)
}

/// Returns the name of an error, or its number where it has none here.
fn error(code: i16) -> String {
    let mut known = ErrorName::ALL.iter();
    let known = known.find(|error| error.code() == code);
    known.map_or_else(|| code.to_string(), |error| error.word().into())
}
