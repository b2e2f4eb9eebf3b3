//! The scenario language: what may go wrong, as types that cannot hold a bad value.

mod cluster;
mod consumers;
mod expect;
mod faults;
mod handler;
mod network;
mod topics;
mod workload;

pub use cluster::{BrokerSettings, Cluster};
pub use consumers::{Assignor, Consumers};
pub use expect::{Expect, Expected};
pub use faults::{
    BrokerTarget, Condition, Direction, Fault, FaultKind, FaultSpec, MemberTarget, RandomFaults,
    RequestKind, Trigger,
};
pub use handler::{Distribution, Fate, Handler};
pub use network::Network;
pub use topics::Topic;
pub use workload::{Acks, Message, Producer, Traffic, Workload};

use std::time::Duration;

/// A scenario file, parsed: everything but the random choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What does not depend on the seed.
    pub settings: Settings,
    /// What is produced: described, or message by message.
    pub workload: Workload,
    /// What goes wrong: explicit faults and descriptions of random ones.
    pub faults: Vec<FaultSpec>,
    /// The one seed of a regression; `None` in a scenario of the library.
    pub seed: Option<u64>,
}

/// The part of a scenario that does not depend on the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The name that reports use; the file's stem unless the file gives one.
    pub name: String,
    /// One sentence on what goes wrong here.
    pub description: String,
    /// How long faults may happen (the safety phase); then everything is healed.
    /// `None`: until the last message is produced and the last timed fault is over.
    pub safety: Option<Duration>,
    /// The brokers.
    pub cluster: Cluster,
    /// The topics; the index is the topic's number in a `TopicPartition`.
    pub topics: Vec<Topic>,
    /// How messages are produced.
    pub producer: Producer,
    /// The consumer group under test.
    pub consumers: Consumers,
    /// How handlers behave.
    pub handler: Handler,
    /// How the network behaves when nothing is wrong.
    pub network: Network,
    /// What the run must show.
    pub expect: Expect,
}

impl Scenario {
    /// Parses a scenario file; `name` is what errors and the default of `name` use (a path).
    pub fn parse(_name: &str, _text: &str) -> Result<Self, ScenarioError> {
        unimplemented!("parser")
    }

    /// Writes the scenario as a file that a person can read, and that parses to an equal one.
    pub fn to_toml(&self) -> String {
        unimplemented!("writer")
    }
}

/// A mistake in a scenario file: where, what was expected, and the nearest valid word.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct ScenarioError {
    message: String,
}
