//! What a command found, before anyone decides how to print it.

use crate::args::{BackendName, SeedRange};
use crate::conviction::Conviction;
use crate::exit::Exit;
use crate::runner::{Broken, Tally, Trial};
use crate::selection::NotExecuted;
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Property, Sometimes};
use plimsoll_scenarios::BackendError;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What `plimsoll run` found.
#[derive(Debug)]
pub struct Report {
    /// What executed the schedules.
    pub backend: BackendName,
    /// The seeds that were asked for.
    pub seeds: SeedRange,
    /// The subject of the command line: its name, or the command after `--`.
    pub subject: Option<String>,
    /// Every scenario, in the order of the command line.
    pub scenarios: Vec<ScenarioReport>,
    /// What was asked for and not executed.
    pub not_executed: Vec<NotExecuted>,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// What was written for `--trace`.
    pub trace: Option<PathBuf>,
    /// What depends on the machine.
    pub timing: Timing,
}

/// What depends on the machine, and on nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long the schedules took, without the shrinking.
    pub elapsed: Duration,
    /// How many threads ran them.
    pub jobs: NonZeroUsize,
}

/// What one scenario came to.
#[derive(Debug)]
pub struct ScenarioReport {
    /// What was tried.
    pub trial: Trial,
    /// What was counted.
    pub tally: Tally,
    /// Every expectation that was not met; none: it passed.
    pub failures: Vec<Failure>,
}

/// An expectation that was not met.
#[derive(Debug)]
pub enum Failure {
    /// A property was violated, and the scenario does not expect it.
    Violated(Box<Conviction>),
    /// The scenario expects a violation that no run showed.
    NotViolated(Property),
    /// A rare thing that the scenario names did not happen in any run.
    NeverHappened(Sometimes),
    /// The trace is not the one that a regression recorded.
    TraceDiffers {
        /// The hash in the file.
        recorded: String,
        /// The hash of the run.
        found: String,
    },
    /// There is no verdict.
    Broken {
        /// Of which seed.
        seed: u64,
        /// Why.
        broken: Broken,
        /// The command that shows it again.
        again: String,
    },
}

impl Failure {
    /// How the program ends because of it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Violated(_) | Self::NotViolated(_) | Self::NeverHappened(_) => Exit::Violated,
            Self::TraceDiffers { .. } => Exit::Internal,
            Self::Broken { broken, .. } => broken.exit(),
        }
    }
}

impl Broken {
    /// How the program ends because of it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Panicked(_) | Self::Failed(BackendError::Internal(_)) => Exit::Internal,
            Self::Refused(_) => Exit::Mistake,
            Self::Failed(_) => Exit::Environment,
        }
    }
}

impl Report {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.failures()
            .fold(Exit::Met, |exit, (_, failure)| exit.or(failure.exit()))
    }

    /// Every failure, with its scenario.
    pub fn failures(&self) -> impl Iterator<Item = (&ScenarioReport, &Failure)> {
        self.scenarios
            .iter()
            .flat_map(|scenario| scenario.failures.iter().map(move |f| (scenario, f)))
    }

    /// All runs of all scenarios.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for ScenarioReport { tally, .. } in &self.scenarios {
            totals.schedules += tally.schedules;
            totals.simulated += tally.simulated;
            totals.events += tally.events;
            totals.coverage.merge(&tally.coverage);
        }
        totals
    }
}

/// All runs of all scenarios.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// How many runs.
    pub schedules: u64,
    /// How much time, by the clock of the runs: simulated, but for real Kafka.
    pub simulated: Duration,
    /// How many simulated events.
    pub events: u64,
    /// How often each rare thing happened.
    pub coverage: Coverage,
}
