//! From a request to its frame, and from the frame of the answer to a response. Each kind of
//! request has a file.

mod api_versions;
mod delete_records;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod join_group;
mod leave_group;
pub(crate) mod list_offsets;
mod metadata;
pub(crate) mod offset_commit;
pub(crate) mod offset_fetch;
mod offset_for_leader_epoch;
pub(crate) mod places;
mod produce;
mod sync_group;
mod versions;

pub use versions::{BY_ID, Versions};

use crate::dialect::Wire;
use crate::frames::{Head, LENGTH};
use crate::names::Names;
use bytes::Bytes;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol;
use plimsoll_protocol::{ErrorName, Request, Response, Wanted};
use std::fmt;
use std::time::Duration;

/// The frame of a request, without its length, and what reads the answer to it.
type Call = (Bytes, Sent);

/// A request that a client has sent, and whose answer it awaits.
pub struct Sent(Read);

impl fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sent")
    }
}

/// Makes a response of the frame of the answer.
type Read = Box<dyn FnOnce(&mut Names, Bytes) -> Option<Response<Wire>> + Send>;

/// What request kinds see of a client.
struct Caller<'a> {
    names: &'a mut Names,
    version: i16,
    head: &'a Head,
}

/// Makes a frame of a request, without the length in front of it, in the newest of these versions
/// that can say it, and what reads the answer; `None`: there is none, or something in it has no
/// name.
pub fn encode(
    names: &mut Names,
    head: &Head,
    versions: &Versions,
    request: &Request<Wire>,
) -> Option<(Bytes, Sent)> {
    let mut versions = versions.of(key_of(request)?)?.rev();
    versions.find_map(|version| encode_in(names, head, request, version))
}

/// Makes a frame of a request in one version; `None`: that cannot say it. What clients may leave
/// out where a version has no room for it (`ignorable` in Kafka's schemas) is left out.
pub fn encode_in(
    names: &mut Names,
    head: &Head,
    request: &Request<Wire>,
    version: i16,
) -> Option<(Bytes, Sent)> {
    let mut caller = Caller {
        names,
        version,
        head,
    };
    caller.call(request)
}

impl Sent {
    /// Reads the frame of the answer; `None`: it answers another request, makes no sense, or has an
    /// error that no client of ours knows.
    pub fn decode(self, names: &mut Names, frame: Bytes) -> Option<Response<Wire>> {
        (self.0)(names, frame)
    }
}

/// Returns the kind of a request; `None`: clients do not send it.
pub fn key_of(request: &Request<Wire>) -> Option<ApiKey> {
    Some(match request {
        Request::ApiVersions => ApiKey::ApiVersions,
        Request::Metadata => ApiKey::Metadata,
        Request::FindCoordinator { .. } => ApiKey::FindCoordinator,
        Request::Produce { .. } => ApiKey::Produce,
        Request::Fetch(_) => ApiKey::Fetch,
        Request::Offsets(request) => match request.wanted {
            Wanted::EndOfEpoch(_) => ApiKey::OffsetForLeaderEpoch,
            Wanted::Removal { .. } => ApiKey::DeleteRecords,
            _ => ApiKey::ListOffsets,
        },
        Request::Parts(parts) => return key_of(parts.first()?),
        Request::JoinGroup(_) => ApiKey::JoinGroup,
        Request::SyncGroup { .. } => ApiKey::SyncGroup,
        Request::Heartbeat(_) => ApiKey::Heartbeat,
        Request::LeaveGroup { .. } => ApiKey::LeaveGroup,
        Request::OffsetCommit { .. } => ApiKey::OffsetCommit,
        Request::OffsetFetch { .. } => ApiKey::OffsetFetch,
        // Tools are no clients of ours, and the rest is between brokers.
        Request::Admin(_) | Request::BrokerHeartbeat { .. } | Request::AlterPartition { .. } => {
            return None;
        }
    })
}

impl Caller<'_> {
    fn call(&mut self, request: &Request<Wire>) -> Option<Call> {
        let parts = match request {
            Request::Parts(parts) => parts,
            one => std::slice::from_ref(one),
        };
        match (parts.first()?, parts.len()) {
            (Request::Produce { .. }, _) => self.produce(parts),
            (Request::Offsets(first), _) => match first.wanted {
                Wanted::EndOfEpoch(_) => self.offset_for_leader_epoch(parts),
                Wanted::Removal { timeout, .. } => self.delete_records(parts, timeout),
                _ => self.list_offsets(parts),
            },
            (_, 2..) => None,
            (Request::ApiVersions, _) => self.api_versions(),
            (Request::Metadata, _) => self.metadata(),
            (Request::FindCoordinator { group }, _) => self.find_coordinator(*group),
            (Request::Fetch(fetch), _) => self.fetch(fetch),
            (Request::JoinGroup(join), _) => self.join_group(join),
            (
                Request::SyncGroup {
                    sender,
                    protocol,
                    assignments,
                },
                _,
            ) => self.sync_group(sender, protocol.as_ref(), assignments),
            (Request::Heartbeat(sender), _) => self.heartbeat(sender),
            (Request::LeaveGroup { group, members }, _) => self.leave_group(*group, members),
            (Request::OffsetCommit { sender, offsets }, _) => self.offset_commit(sender, offsets),
            (
                Request::OffsetFetch {
                    group,
                    partitions,
                    require_stable,
                },
                _,
            ) => self.offset_fetch(*group, partitions.as_deref(), *require_stable),
            _ => None,
        }
    }

    /// Makes a call of a request; `answered` makes a response of the answer to it.
    fn asks<R: protocol::Request>(
        &self,
        request: &R,
        answered: impl FnOnce(&mut Names, R::Response) -> Option<Response<Wire>> + Send + 'static,
    ) -> Option<Call> {
        let (head, version) = (self.head.clone(), self.version);
        let frame = head.frame(request, version)?.slice(LENGTH..);
        let read =
            move |names: &mut Names, frame| answered(names, head.read::<R>(version, frame).ok()?);
        Some((frame, Sent(Box::new(read))))
    }
}

/// Puts the answers to parts together.
fn together(mut answers: Vec<Response<Wire>>) -> Option<Response<Wire>> {
    match answers.len() {
        1 => answers.pop(),
        _ => Some(Response::Parts(answers)),
    }
}

/// Reads a code of an error.
fn result(code: i16) -> Result<(), ErrorName> {
    ErrorName::from_code(code).map_or(Ok(()), Err)
}

/// Returns a time as it stands in requests; `None`: it is too long, or ends within a millisecond.
fn millis(time: Duration) -> Option<i32> {
    let is_whole = time.subsec_nanos().is_multiple_of(1_000_000);
    i32::try_from(time.as_millis()).ok().filter(|_| is_whole)
}

/// Returns a leader epoch as it stands in requests; -1: the sender does not say.
fn epoch_or_none(epoch: u32) -> i32 {
    i32::try_from(epoch).unwrap_or(-1)
}
