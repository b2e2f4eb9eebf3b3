//! What shows that a property is violated.

mod death;
pub(crate) mod recorded;
pub(crate) mod shrinking;
pub(crate) mod smaller;

use crate::error::CliError;
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Property, Trace, Violation};
use plimsoll_scenarios::{Plan, Regression};
use std::path::PathBuf;

/// A violated property, and what shows it.
#[derive(Debug)]
pub(crate) struct Conviction {
    /// The property.
    pub property: Property,
    /// The lowest seed that breaks it.
    pub seed: u64,
    /// The number of runs that violated it.
    pub runs: u64,
    /// What shows it.
    pub evidence: Evidence,
    /// The command that shows it again.
    pub again: String,
    /// The file with its schedule, or the reason why there is none.
    pub regression: Option<Result<PathBuf, String>>,
    /// The crash that makes a loss of it, where it lost nothing.
    pub death: Option<Death>,
    /// The conviction before that its smallest schedule shows too; the file is that one's.
    pub same_as: Option<SameAs>,
}

/// A crash that makes a loss of a commit that was early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    /// The loss, in one sentence.
    pub broke: String,
    /// The command that shows it.
    pub again: String,
}

/// The run that shows a violation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recording {
    /// The plan of the run: its members, brokers, topics and faults.
    pub plan: Plan,
    /// The record of everything that was observed.
    pub trace: Trace,
}

/// An earlier conviction of the same report.
#[derive(Clone, Debug)]
pub(crate) struct SameAs {
    /// Its scenario's name on the command line.
    pub label: String,
    /// Its property.
    pub property: Property,
}

/// What shows a violation.
#[derive(Debug)]
pub(crate) enum Evidence {
    /// The smallest schedule that breaks the property.
    Shrunk(Box<Shrunk>),
    /// The reason why there is no smaller schedule.
    NotShrunk(NotShrunk),
    /// The run in real time that broke it, which no other run is like.
    Seen(Box<Sighting>),
}

/// Why there is no smaller schedule.
#[derive(Debug)]
pub(crate) enum NotShrunk {
    /// Ctrl-C, before it was found.
    Interrupted,
    /// A schedule without a verdict among those that the shrinker ran.
    Broken(CliError),
}

/// A shrunk schedule that violates a property.
#[derive(Clone, Debug)]
pub(crate) struct Shrunk {
    /// The violation: its sentence, its moment, and its evidence.
    pub violation: Violation,
    /// What its report tells.
    pub story: Story,
    /// The run of the schedule.
    pub recording: Recording,
    /// The schedule as a file.
    pub regression: Regression,
    /// The number of messages that are left.
    pub messages: usize,
    /// The number of faults that are left.
    pub faults: usize,
    /// The number of schedules that were run to find it.
    pub runs: u32,
    /// Why the search for a smaller one ended.
    pub end: End,
    /// A crash that makes a loss of it, shrunk, where it lost nothing.
    pub death: Option<Box<Shrunk>>,
}

/// Why the search for a smaller schedule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing smaller was found.
    Smallest,
    /// The number of schedules that it may run.
    Schedules,
    /// The number of events that it may simulate.
    Events,
    /// The time that it may take.
    Time,
    /// Ctrl-C.
    Interrupted,
}

/// A violation in a run in real time, which cannot be had again.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// The violation: its sentence, its moment, and its evidence.
    pub violation: Violation,
    /// What its report tells.
    pub story: Story,
    /// The run.
    pub recording: Recording,
    /// The file with the trace, or the reason why there is none.
    pub trace: Result<PathBuf, String>,
    /// The files with what its processes wrote to standard error.
    pub logs: Vec<PathBuf>,
    /// The command that searches for a smaller plan that fails on real Kafka too; absent where it
    /// has searched.
    pub shrink: Option<String>,
    /// The command that runs the same plan in the simulator, which can shrink it.
    pub simulate: String,
}
