//! The scenario language: what may go wrong, as types that cannot hold a bad value.
//!
#![doc = include_str!("language.md")]

mod aliases;
pub mod alone;
mod check;
mod cluster;
mod consumers;
mod distribution;
mod errors;
mod expect;
mod explain;
mod fate;
mod faults;
mod file;
mod form;
mod handler;
pub(crate) mod ids;
mod manual;
mod measures;
mod messages;
mod network;
mod over;
mod policies;
mod reading;
mod starts;
mod table;
mod topics;
mod units;
mod value;
mod workload;
mod write;

pub use cluster::{BrokerSettings, Cluster};
pub use consumers::Consumers;
pub use distribution::Distribution;
pub use errors::{Mistake, Problem, ScenarioError};
pub use expect::{Exits, Expect, Expected, Repeats};
pub use fate::{Fate, outage_hits};
pub(crate) use faults::Dice;
pub use faults::{
    BrokerTarget, Condition, Direction, Factor, Failure, Fault, FaultKind, FaultName, FaultSpec,
    Lasts, MemberTarget, Moment, PartitionCount, RandomFaults, ResetTo, TopicNumber, Trigger,
};
pub use file::schema;
pub use handler::Handler;
pub use manual::{LANGUAGE, ManualKey, ManualTable, TOP, settings};
pub use messages::Message;
pub use network::Network;
pub use over::Override;
pub use plimsoll_protocol::{Acks, Assignor};
pub use reading::read_toml;
pub use topics::Topic;
pub use units::Share;
pub use workload::{Producer, Traffic, Workload};

pub(crate) use table::Keys;

use std::time::Duration;

/// A scenario file, parsed: everything but the random choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The part that does not depend on the seed.
    pub settings: Settings,
    /// The messages that are produced: described, or one by one.
    pub workload: Workload,
    /// The faults: explicit ones, and descriptions of random ones.
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
    /// The time during which faults may happen (the safety phase); then everything is healed.
    /// `None`: until the last message is produced and the last timed fault is over.
    pub safety: Option<Duration>,
    /// Whether it is short enough to be run against real Kafka too.
    pub real_time: bool,
    /// The brokers.
    pub cluster: Cluster,
    /// The topics; the index is the topic's number in a `TopicPartition`.
    pub topics: Vec<Topic>,
    /// The settings of the producer.
    pub producer: Producer,
    /// The consumer group under test.
    pub consumers: Consumers,
    /// The times and the failures of handlers.
    pub handler: Handler,
    /// The network when nothing is wrong.
    pub network: Network,
    /// The verdict and the rare things that the run must show.
    pub expect: Expect,
}

impl Settings {
    /// Returns the name of a topic, by its number in a `TopicPartition`.
    pub fn topic_name(&self, topic: u32) -> &str {
        &self.topics[topic as usize].name
    }

    /// Returns the number of the dead-letter topic in a `TopicPartition`: it comes after the
    /// workload's.
    pub fn dead_letter_topic(&self) -> u32 {
        self.topics.len() as u32
    }

    /// Returns the number of `__consumer_offsets` in a `TopicPartition`.
    pub fn offsets_topic(&self) -> u32 {
        self.dead_letter_topic() + 1
    }
}

impl Scenario {
    /// Parses a scenario file; `name` is what errors and the default of `name` use (a path).
    ///
    /// # Errors
    /// Where the text is no scenario: every mistake that could be found, each with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        file::parse(name, text, &[])
    }

    /// Parses a scenario file with settings that stand over those of the file.
    ///
    /// # Errors
    /// As [`Scenario::parse`]; mistakes in `overrides` are shown as in lines behind the file.
    pub fn parse_with(
        name: &str,
        text: &str,
        overrides: &[Override],
    ) -> Result<Self, ScenarioError> {
        file::parse(name, text, overrides)
    }

    /// Tells whether a file's text may be meant as a scenario, so that a folder can be searched for
    /// them: one with a mistake may, the settings of another tool may not.
    pub fn is_meant(text: &str) -> bool {
        file::is_meant(text)
    }

    /// Tells whether nothing goes wrong in it: no fault, no handler that fails, and no member that
    /// starts later than the others.
    pub fn is_calm(&self) -> bool {
        let Settings {
            consumers, handler, ..
        } = &self.settings;
        let shares = [
            handler.retryable,
            handler.permanent,
            handler.panic,
            handler.hang,
        ];
        let mut starts = consumers.starts.iter();
        self.faults.is_empty()
            && shares.iter().all(|share| *share == 0.0)
            && handler.messages.is_empty()
            && starts.all(|start| *start == consumers.starts[0])
    }

    /// Finds what is wrong with a scenario that was made by a program: nothing, where
    /// [`to_toml`](Self::to_toml) gives a file that [`parse`](Self::parse) accepts.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        check::scenario(self, &mut problems);
        problems
    }

    /// Writes the scenario as a file that a person can read, and that parses to an equal one.
    ///
    /// Only what differs from the defaults is written. Comments may be put in front of it.
    pub fn to_toml(&self) -> String {
        file::write(self)
    }
}
