//! The bugs that are planted in the simulator, around the core and in the client, in what runs under
//! turmoil: the same code, over messages and bytes.

#[path = "../../../sim/tests/planted/bug.rs"]
mod bug;
#[path = "../../../sim/tests/planted/catalogue.rs"]
#[allow(dead_code, reason = "it is also for pages about the bugs")]
pub(crate) mod catalogue;
mod client;
#[path = "../../../sim/tests/planted/commits.rs"]
#[allow(dead_code, reason = "some are for plans that only the simulator has")]
mod commits;
#[path = "../../../sim/tests/planted/drains.rs"]
mod drains;
#[path = "../../../sim/tests/planted/exits.rs"]
mod exits;
#[path = "../../../sim/tests/planted/handlers.rs"]
mod handlers;
#[path = "../../../sim/tests/planted/letters.rs"]
mod letters;
#[path = "../../../sim/tests/planted/offsets.rs"]
mod offsets;
pub(crate) mod places;
#[path = "../../../sim/tests/planted/repeats.rs"]
mod repeats;
#[path = "../../../sim/tests/planted/stalls.rs"]
#[allow(dead_code, reason = "some are for plans that only the simulator has")]
mod stalls;

pub(crate) use bug::{Bug, Control};
use bug::{Command, Commands, Event, Events, Planted, leave_out};
use plimsoll::{Config, Core, Message as Payload};
use plimsoll_core::Consumer;
use plimsoll_turmoil::Parts as Spec;

impl<B: Bug> Core for Planted<B> {
    fn consumer(&self) -> &Consumer<Payload> {
        &self.core
    }
}

fn build<B: Bug>(config: Config) -> Box<dyn Core + Send> {
    Box::new(Planted::<B>::new(config))
}

/// Returns what runs in production, with the bug `B` around its core.
pub(crate) const fn spec<B: Bug>() -> Spec {
    Spec {
        core: build::<B>,
        ..Spec::PRODUCTION
    }
}
