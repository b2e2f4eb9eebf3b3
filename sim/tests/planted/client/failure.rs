//! Why a request came to nothing.

use plimsoll_client::Failure;
use plimsoll_protocol::{Dialect, Response};

/// Returns why a request came to nothing, if it did.
pub(crate) fn failure_of<D: Dialect>(answer: &Result<Response<D>, Failure>) -> Option<Failure> {
    let refusal = match answer {
        Err(failure) => return Some(*failure),
        Ok(Response::Failed(error)) => Some(*error),
        Ok(Response::OffsetFetch(Err(error))) => Some(*error),
        Ok(Response::Offsets(Err(error))) => Some(*error),
        Ok(Response::Heartbeat(Err(error))) => Some(*error),
        Ok(_) => None,
    };
    refusal.map(Failure::Refused)
}
