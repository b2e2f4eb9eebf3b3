//! Backend `turmoil`: what people put in production, on a simulated network.
//!
//! Members are the [`Driver`](plimsoll::Driver) with its handlers over
//! [`NativeClient`](plimsoll_native::NativeClient), which speaks Kafka's protocol in bytes, over
//! the TCP of `turmoil-net`. Behind the brokers' ports stands the simulator's cluster
//! ([`ServedCluster`](plimsoll_sim::served::ServedCluster)). The plan, its faults, the sink, the
//! trace and its checkers are those of every backend.
//!
//! All of a run is in one thread, in one tokio runtime whose clock is paused: it goes from event
//! to event, by whole milliseconds. Nothing is drawn but from the streams of the plan's seed, and tasks
//! run in the order in which they were woken; so the same seed gives the same trace.
//!
//! Processes share the runtime, and each has a gate in front of all of its tasks. A process that
//! stands still is one whose gate is closed; behind the gate of a dead one, nothing runs any more.

mod clock;
mod gate;
mod member;
mod net;
mod parts;
mod producer;
mod refusal;
mod run;
mod service;
mod world;

pub use member::Sink;
pub use parts::{AtTheSeams, Handling, Parts};

use net::HostNumber;
use plimsoll_oracle::{BrokerId, MemberId, Trace};
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use std::net::SocketAddr;
use world::{DEAD_LETTERS, PORT};

/// The number of the first member's host.
const FIRST_MEMBER: u16 = 0x100;

/// The backend `turmoil`. Each thread has one of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turmoil {
    parts: Parts,
}

impl Turmoil {
    /// Creates the backend of what runs in production.
    pub const fn new() -> Self {
        Self::of(Parts::PRODUCTION)
    }

    /// Creates the backend of processes that are made of these parts.
    pub const fn of(parts: Parts) -> Self {
        Self { parts }
    }
}

impl Backend for Turmoil {
    fn name(&self) -> &'static str {
        "turmoil"
    }

    fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        refusal::refuses(plan)
    }

    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError> {
        let ran = run::run(plan, self.parts);
        *trace = ran.map_err(|error| BackendError::Environment(error.to_string()))?;
        Ok(())
    }
}

/// Returns the host of a broker, which is counted from 0.
fn broker_host(broker: BrokerId) -> HostNumber {
    HostNumber(broker.0 as u16 + 1)
}

/// Returns the address at which a broker listens.
fn broker_address(broker: BrokerId) -> SocketAddr {
    SocketAddr::new(net::address(broker_host(broker)), PORT)
}

/// Returns the host of a member.
fn member_host(member: MemberId) -> HostNumber {
    HostNumber(FIRST_MEMBER + member.0 as u16)
}

/// Returns the member at a host, if there is one.
fn member_at(host: HostNumber) -> Option<MemberId> {
    let number = host.0.checked_sub(FIRST_MEMBER)?;
    Some(MemberId(number.into()))
}
