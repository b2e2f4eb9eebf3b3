//! What `plimsoll run` found, before it is put into words.

use crate::args::{BackendName, SeedRange};
use crate::conviction::Conviction;
use crate::error::CliError;
use crate::exit::Exit;
use crate::runner::Tally;
use crate::selection::NotExecuted;
use crate::trial::Trial;
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Measures, Property, Sometimes};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What `plimsoll run` found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The backend that executed the schedules.
    pub backend: BackendName,
    /// The seeds that were asked for.
    pub seeds: SeedRange,
    /// The subject of the command line: its name, or the command after `--`.
    pub subject: Option<String>,
    /// Every scenario, in the order of the command line.
    pub scenarios: Vec<ScenarioReport>,
    /// The schedules that were asked for and not executed.
    pub not_executed: Vec<NotExecuted>,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// The file that was written for `--trace`.
    pub trace: Option<PathBuf>,
    /// The measurements that depend on the machine.
    pub timing: Timing,
}

/// What depends on the machine, and on nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// The time that the schedules took, without the shrinking.
    pub elapsed: Duration,
    /// The number of threads that ran them.
    pub jobs: NonZeroUsize,
}

/// What `plimsoll run` found in one scenario.
#[derive(Debug)]
pub(crate) struct ScenarioReport {
    /// The scenario and its seeds.
    pub trial: Trial,
    /// The counted results of its runs.
    pub tally: Tally,
    /// The expectations that were not met; none: the scenario passed.
    pub failures: Vec<Failure>,
}

/// An expectation that was not met.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A violation that the scenario does not expect.
    Violated(Box<Conviction>),
    /// A violation that the scenario expects and no run showed.
    NotViolated(Property),
    /// A rare thing that the scenario names and that happened in no run.
    NeverHappened(Sometimes),
    /// Another trace than the one that a regression recorded.
    TraceDiffers {
        /// The hash in the file.
        recorded: String,
        /// The hash of the run.
        found: String,
    },
    /// A schedule without a verdict.
    Broken {
        /// The seed of the schedule.
        seed: u64,
        /// Why there is no verdict.
        error: CliError,
        /// The command that shows it again.
        again: String,
    },
}

impl Failure {
    /// Returns how the program ends because of it.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Violated(_) | Self::NotViolated(_) | Self::NeverHappened(_) => Exit::Violated,
            Self::TraceDiffers { .. } => Exit::Internal,
            Self::Broken { error, .. } => error.exit(),
        }
    }
}

impl Report {
    /// Returns how the program ends.
    pub(crate) fn exit(&self) -> Exit {
        let exits = self.failures().map(|(_, failure)| failure.exit());
        exits.max().unwrap_or(Exit::Met)
    }

    /// Returns every failure, with its scenario.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&ScenarioReport, &Failure)> {
        self.scenarios
            .iter()
            .flat_map(|scenario| scenario.failures.iter().map(move |f| (scenario, f)))
    }

    /// Adds up all runs of all scenarios.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for ScenarioReport { tally, .. } in &self.scenarios {
            totals.schedules += tally.schedules;
            totals.simulated += tally.simulated;
            totals.events += tally.events;
            totals.coverage.merge(&tally.coverage);
            totals.measures = totals.measures.max(tally.measures);
        }
        totals
    }
}

/// All runs of all scenarios.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    /// The number of runs.
    pub schedules: u64,
    /// The time of all runs by their own clocks: simulated time, except on real Kafka.
    pub simulated: Duration,
    /// The number of simulated events.
    pub events: u64,
    /// The number of times that each rare thing happened.
    pub coverage: Coverage,
    /// The longest stall and the highest lag of any run.
    pub measures: Measures,
}
