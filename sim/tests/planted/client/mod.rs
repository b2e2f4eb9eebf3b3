//! How a bug is planted below the core: it stands at the seams of the client, between its parts,
//! the brokers and the application.

pub(crate) mod assignors;
pub(crate) mod committing;
mod elsewhere;
pub(crate) mod fetching;
pub(crate) mod membership;
mod neutral;
pub(crate) mod starts;

use super::Control;
use plimsoll_client::{Failure, Seams};
use plimsoll_protocol::{Dialect, Response};
use plimsoll_sim::recipes::{LeanSpeaker, SubjectSpec};

/// Returns the core without a bug on the client of librdkafka with the bug `B`.
pub(crate) const fn client_spec<B: Seams<LeanSpeaker> + Default + 'static>() -> SubjectSpec {
    SubjectSpec {
        seams: Some(stand::<B>),
        ..super::spec::<Control>()
    }
}

fn stand<B: Seams<LeanSpeaker> + Default + 'static>() -> Box<dyn Seams<LeanSpeaker>> {
    Box::new(B::default())
}

/// Returns why a request came to nothing, if it did.
fn failure_of<D: Dialect>(answer: &Result<Response<D>, Failure>) -> Option<Failure> {
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
