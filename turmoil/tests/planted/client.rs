//! The bugs of clients.

#[path = "../../../sim/tests/planted/client/assignors.rs"]
pub(super) mod assignors;
#[path = "../../../sim/tests/planted/client/committing.rs"]
pub(super) mod committing;
#[path = "../../../sim/tests/planted/client/failure.rs"]
mod failure;
#[path = "../../../sim/tests/planted/client/fetching.rs"]
#[allow(dead_code, reason = "some are of other clients than Plimsoll's")]
pub(super) mod fetching;
#[path = "../../../sim/tests/planted/client/membership.rs"]
#[allow(dead_code, reason = "some are of other clients than Plimsoll's")]
pub(super) mod membership;
#[path = "../../../sim/tests/planted/client/starts.rs"]
pub(super) mod starts;

use failure::failure_of;
use plimsoll_client::Seams;
use plimsoll_native::WireSpeaker;
use plimsoll_turmoil::{AtTheSeams, Parts};

/// Returns what runs in production, with the bug `B` in its client.
pub(crate) const fn client_spec<B: Seams<WireSpeaker> + Default + Send + 'static>() -> Parts {
    Parts {
        seams: stand::<B>,
        ..Parts::PRODUCTION
    }
}

fn stand<B: Seams<WireSpeaker> + Default + Send + 'static>() -> AtTheSeams {
    Some(Box::new(B::default()))
}
