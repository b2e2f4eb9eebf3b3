//! How a bug is planted below the core: it stands at the seams of the client, between its parts,
//! the brokers and the application.

pub(crate) mod assignors;
pub(crate) mod committing;
mod elsewhere;
mod failure;
pub(crate) mod fetching;
pub(crate) mod membership;
mod neutral;
pub(crate) mod starts;

use super::Control;
use failure::failure_of;
use plimsoll_client::Seams;
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
