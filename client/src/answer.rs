//! Answers as the parts that asked read them: typed, with every kind of error in one place.

use crate::Failure;
use plimsoll_core::{NextOffset, Offset};
use plimsoll_protocol::{
    ClusterMetadata, CommittedOffset, Dialect, ErrorName, FetchResponse, FoundOffset,
    GroupMemberId, JoinError, JoinGroupResponse, Node, OffsetCommitResponse, Response,
    SyncGroupResponse,
};

/// The content of an answer where the broker did what it was asked.
pub trait Answer<D: Dialect>: Sized {
    /// Returns what a response carries; `None` where it is the answer to another kind of request.
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>>;
}

/// Reads what became of a request as the type that its continuation takes. An answer that cannot
/// be read says no more than a lost one.
#[inline]
pub fn read<D: Dialect, T: Answer<D>>(result: Result<Response<D>, Failure>) -> Result<T, Failure> {
    match result? {
        Response::Failed(error) => Err(Failure::Refused(error)),
        response => match T::read(response) {
            Some(result) => result.map_err(Failure::Refused),
            None => Err(Failure::Lost),
        },
    }
}

/// The answer of a coordinator to a join.
#[derive(Debug)]
pub enum Joined<D: Dialect> {
    /// A new generation.
    Generation(Box<JoinGroupResponse<D>>),
    /// The id with which to join again (KIP-394).
    MemberId(GroupMemberId),
}

/// A connection that is made.
#[derive(Debug)]
pub struct Connected;

/// `ApiVersions`.
impl<D: Dialect> Answer<D> for Connected {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::ApiVersions => Some(Ok(Self)),
            _ => None,
        }
    }
}

/// `Metadata`.
impl<D: Dialect> Answer<D> for ClusterMetadata {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Metadata(metadata) => Some(Ok(metadata)),
            _ => None,
        }
    }
}

/// `FindCoordinator`.
impl<D: Dialect> Answer<D> for Node {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::FindCoordinator(result) => Some(result),
            _ => None,
        }
    }
}

/// `Produce`.
impl<D: Dialect> Answer<D> for Offset {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Produce(result) => Some(result),
            _ => None,
        }
    }
}

/// `Fetch`.
impl<D: Dialect> Answer<D> for Box<FetchResponse<D>> {
    #[inline]
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Fetch(response) => Some(Ok(response)),
            _ => None,
        }
    }
}

/// `ListOffsets`. Both ends of a log are always somewhere.
impl<D: Dialect> Answer<D> for NextOffset {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Offsets(Ok(found)) => Some(Ok(Self::new(found?.offset))),
            Response::Offsets(Err(error)) => Some(Err(error)),
            _ => None,
        }
    }
}

/// `OffsetForLeaderEpoch`; `None`: the log has no such epoch.
impl<D: Dialect> Answer<D> for Option<FoundOffset> {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Offsets(result) => Some(result),
            _ => None,
        }
    }
}

/// `JoinGroup`.
impl<D: Dialect> Answer<D> for Joined<D> {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::JoinGroup(Ok(joined)) => Some(Ok(Self::Generation(joined))),
            Response::JoinGroup(Err(JoinError::MemberIdRequired(id))) => {
                Some(Ok(Self::MemberId(id)))
            }
            Response::JoinGroup(Err(JoinError::Other(error) | JoinError::Ended(error, _))) => {
                Some(Err(error))
            }
            _ => None,
        }
    }
}

/// `SyncGroup`.
impl<D: Dialect> Answer<D> for SyncGroupResponse<D> {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::SyncGroup(result) => Some(result),
            _ => None,
        }
    }
}

/// `OffsetFetch`.
impl<D: Dialect> Answer<D> for Vec<CommittedOffset<D>> {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::OffsetFetch(result) => Some(result),
            _ => None,
        }
    }
}

/// `Heartbeat`, `LeaveGroup`: what is answered is that it was done, or tried for each member.
impl<D: Dialect> Answer<D> for () {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::Heartbeat(result) => Some(result),
            Response::LeaveGroup(result) => Some(result.map(|_| ())),
            _ => None,
        }
    }
}

/// `OffsetCommit`: an error of the whole is one of all offsets that were not refused before.
impl<D: Dialect> Answer<D> for OffsetCommitResponse {
    fn read(response: Response<D>) -> Option<Result<Self, ErrorName>> {
        match response {
            Response::OffsetCommit(response) => Some(match response.error {
                Some(error) => Err(error),
                None => Ok(response),
            }),
            _ => None,
        }
    }
}
