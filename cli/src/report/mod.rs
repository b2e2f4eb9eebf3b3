//! What `plimsoll run` found, before it is put into words.

mod bugs;

pub(crate) use bugs::Bug;

use crate::args::{BackendName, SeedRange};
use crate::conviction::Conviction;
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::Skipped;
use crate::runner::{Count, Tally};
use crate::selection::NotExecuted;
use crate::trial::Trial;
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Measures, Missed, Property, Sometimes};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What `plimsoll run` found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The backend that executed the schedules.
    pub backend: BackendName,
    /// The place where that was, as words that end a sentence.
    pub place: &'static str,
    /// The seeds that were asked for.
    pub seeds: SeedRange,
    /// The subject of the command line: its name, or the command after `--`.
    pub subject: Option<String>,
    /// Every scenario, in the order of the command line.
    pub scenarios: Vec<ScenarioReport>,
    /// The schedules that were asked for and not executed.
    pub not_executed: Vec<NotExecuted>,
    /// What stood beside the scenarios in folders.
    pub skipped: Skipped,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// The file that was written for `--trace`.
    pub trace: Option<PathBuf>,
    /// The folder that is written for `--report`.
    pub folder: Option<PathBuf>,
    /// Whether the hash of every trace was asked for.
    pub hashes: bool,
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
    /// What the scenario names and no run showed, where that fails nothing: too few runs.
    pub untried: Vec<Failure>,
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
    /// A fault that the scenario writes and that took effect in no run.
    NeverTookEffect {
        /// The fault, as a file says it.
        fault: String,
        /// The reasons.
        reasons: Vec<Missed>,
    },
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
            Self::Violated(_)
            | Self::NotViolated(_)
            | Self::NeverHappened(_)
            | Self::NeverTookEffect { .. } => Exit::Violated,
            Self::TraceDiffers { .. } => Exit::Internal,
            Self::Broken { error, .. } => error.exit(),
        }
    }
}

/// How a scenario came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScenarioOutcome {
    /// An expectation that was not met.
    Failed,
    /// No run at all.
    NotRun,
    /// No failure on real Kafka, where something that the scenario names did not happen: what it
    /// is for was not tried.
    NotTried,
    /// Every property held, where it was observed.
    Held,
    /// The violations that the scenario expects, and no others.
    ViolatedAsExpected,
}

impl ScenarioReport {
    /// Returns how it came out. In the simulator, what did not happen under a few seeds happens
    /// under others; a run on real Kafka is all there is.
    pub(crate) fn outcome(&self, backend: BackendName) -> ScenarioOutcome {
        if !self.failures.is_empty() {
            ScenarioOutcome::Failed
        } else if self.tally.schedules == 0 {
            ScenarioOutcome::NotRun
        } else if !self.untried.is_empty() && backend == BackendName::Kafka {
            ScenarioOutcome::NotTried
        } else if self.trial.expectation.named().is_empty() {
            ScenarioOutcome::Held
        } else {
            ScenarioOutcome::ViolatedAsExpected
        }
    }
}

impl ScenarioReport {
    /// Returns the properties that some run violated.
    pub(crate) fn violated(&self) -> impl Iterator<Item = (Property, Count)> {
        let counts = self.tally.counts();
        counts.filter(|(_, count)| count.violated > 0)
    }

    /// Returns the properties that no run could show, each with the reasons and the number of runs
    /// of each, the most frequent first.
    pub(crate) fn unobserved(&self) -> Vec<(Property, Vec<(&'static str, u64)>)> {
        let counts = self.tally.counts();
        let unobserved = counts.filter(|(_, count)| count.held + count.violated == 0);
        unobserved
            .map(|(property, _)| (property, self.tally.reasons_of(property)))
            .collect()
    }

    /// Returns the number of its schedules without a verdict.
    pub(crate) fn without_verdict(&self) -> u64 {
        let failures = self.failures.iter();
        let broken = failures.filter(|failure| matches!(failure, Failure::Broken { .. }));
        broken.count() as u64
    }

    /// Tells whether fewer seeds ran than were asked for.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.tally.schedules < self.trial.schedules()
    }
}

impl Report {
    /// Returns how the program ends.
    pub(crate) fn exit(&self) -> Exit {
        let found = self.failures().map(|(_, failure)| failure.exit()).max();
        found.unwrap_or(Exit::Met).or_interrupted(self.interrupted)
    }

    /// Returns every failure, with its scenario.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&ScenarioReport, &Failure)> {
        self.scenarios
            .iter()
            .flat_map(|scenario| scenario.failures.iter().map(move |f| (scenario, f)))
    }

    /// Returns the properties that no run of a scenario could show, each with the most frequent
    /// reason and the names of the scenarios.
    pub(crate) fn not_observed(&self) -> BTreeMap<(Property, &'static str), Vec<&str>> {
        let mut by_reason: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for scenario in &self.scenarios {
            for (property, reasons) in scenario.unobserved() {
                let reason = reasons.first().map_or("no run", |(reason, _)| *reason);
                let labels = by_reason.entry((property, reason)).or_default();
                labels.push(scenario.trial.label.as_str());
            }
        }
        by_reason
    }

    /// Adds up all runs of all scenarios.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for scenario in &self.scenarios {
            let tally = &scenario.tally;
            totals.schedules += tally.schedules;
            totals.disturbed += tally.disturbed();
            totals.without_verdict += scenario.without_verdict();
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
    /// The number of schedules that were run a second time.
    pub disturbed: u64,
    /// The number of schedules without a verdict.
    pub without_verdict: u64,
    /// The time of all runs by their own clocks: simulated time, except on real Kafka.
    pub simulated: Duration,
    /// The number of simulated events.
    pub events: u64,
    /// The number of times that each rare thing happened.
    pub coverage: Coverage,
    /// The longest stall and the highest lag of any run.
    pub measures: Measures,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Expectation;
    use plimsoll_scenarios::Scenario;
    use plimsoll_scenarios::scenario::Expected;

    /// A run on real Kafka cannot be had again under other seeds.
    #[test]
    fn what_did_not_happen_on_real_kafka_was_not_tried() {
        let scenario = Scenario::parse("x.toml", "").expect("it is a scenario");
        let mut report = ScenarioReport {
            trial: Trial {
                label: "x".into(),
                scenario,
                subject: "plimsoll".into(),
                seeds: SeedRange { from: 0, to: 1 },
                without: std::collections::BTreeSet::new(),
                apart: std::collections::BTreeSet::new(),
                expectation: Expectation::Stated(Expected::Held),
                set: Vec::new(),
            },
            tally: Tally::default(),
            failures: Vec::new(),
            untried: vec![Failure::NeverHappened(Sometimes::Duplicate)],
        };
        report.tally.schedules = 1;
        let outcome = |report: &ScenarioReport| {
            [BackendName::Sim, BackendName::Kafka].map(|backend| report.outcome(backend))
        };
        let [sim, kafka] = outcome(&report);
        assert_eq!(sim, ScenarioOutcome::Held);
        assert_eq!(kafka, ScenarioOutcome::NotTried);
        report.untried.clear();
        assert_eq!(outcome(&report), [ScenarioOutcome::Held; 2]);
        report
            .failures
            .push(Failure::NeverHappened(Sometimes::Duplicate));
        assert_eq!(outcome(&report), [ScenarioOutcome::Failed; 2]);
    }
}
