//! The production driver under simulated time: subject `plimsoll-driver`.
//!
//! Where subject `plimsoll` is the core alone, this one is what people put in production around it:
//! the [`Driver`](plimsoll::Driver) with its loop, its handlers as tasks, its timers, its metrics
//! and its shutdown, in a tokio runtime of its own for each process. It stands behind
//! [`Machine`](plimsoll_core::Machine) like every subject, so the simulator does not know of it:
//!
//! - The runtime has one thread and a paused clock, which shows the engine's time. Whatever reaches
//!   the process, an event or its deadline, the runtime runs until it is idle, at that moment.
//! - The simulated client stands behind [`GroupClient`](plimsoll::GroupClient). What the driver
//!   submits, and each call of the handler, is a command; the answer of the sink ends the call.
//! - A crash drops the runtime, with all that runs in it. A process that stands still is not
//!   called, and its clock jumps when it goes on.
//!
//! A handler of one's own ([`Driven::with_handler`]) takes the place of the one that only calls the
//! sink: `plimsoll-testing` tries users' handlers so.
//!
//! Nothing in it is random: all tasks run on one thread, in the order in which they were woken.

mod calls;
mod client;
mod clock;
mod machine;
mod message;
mod own;
mod rest;

pub use client::Workload;
pub use machine::Driven;
pub use message::{Content, Contents};
pub use own::{Effects, Sink};

use plimsoll_core::{Config, Machine};
use plimsoll_scenarios::Subject;
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Payload, SubjectSpec};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Creates a simulator that knows `plimsoll-driver` too. Its subject is the one that each plan
/// names.
pub fn simulator() -> Simulator {
    Simulator::with_specs(spec)
}

/// Returns how a subject is built and driven: `plimsoll-driver`, or one of the simulator's own.
pub fn spec(subject: Subject) -> Option<SubjectSpec> {
    match subject {
        Subject::PlimsollDriver => Some(SubjectSpec {
            build,
            ..SubjectSpec::of(Subject::Plimsoll)?
        }),
        own => SubjectSpec::of(own),
    }
}

/// Builds a new process's consumer.
fn build(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Driven::new(*config))
}

/// Locks what one thread alone uses. A handler that panics leaves it whole.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
