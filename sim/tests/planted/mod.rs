//! How a bug is planted around the core: it changes what goes in or comes out.

mod bug;
mod catalogue;
pub(crate) mod client;
pub(crate) mod commits;
pub(crate) mod drains;
pub(crate) mod exits;
pub(crate) mod handlers;
pub(crate) mod letters;
mod moments;
pub(crate) mod offsets;
mod power;
pub(crate) mod repeats;
mod rewinds;
pub(crate) mod stalls;
mod standstill;

pub(crate) use bug::{Bug, Control, Planted, leave_out};
use bug::{Command, Commands, Event, Events};
pub(crate) use plimsoll_sim::recipes::Payload;
pub(crate) use plimsoll_sim::recipes::SubjectSpec as Spec;

use plimsoll_core::{Config, Machine};
use plimsoll_sim::recipes::{Behaviour, Polling};

/// Builds a process's consumer with the bug `B`.
pub(crate) fn build<B: Bug>(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Planted::<B>::new(*config))
}

/// Returns the core with the bug `B` on the client of librdkafka.
pub(crate) const fn spec<B: Bug>() -> Spec {
    Spec {
        build: build::<B>,
        polling: Polling::Always,
        behaviour: Behaviour::PLIMSOLL,
        seams: None,
    }
}
