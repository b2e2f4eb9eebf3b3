//! One scenario under some seeds, and what it must show.

use crate::args::{BackendName, SeedRange};
use crate::backend::Choice;
use crate::shell;
use plimsoll_oracle::{Header, Property};
use plimsoll_scenarios::scenario::{Expected, Override};
use plimsoll_scenarios::{Plan, Scenario};
use std::collections::BTreeSet;
use std::time::Duration;

/// A scenario to run under some seeds.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// The scenario's name on the command line.
    pub label: String,
    /// The scenario, with the subject that stands trial.
    pub scenario: Scenario,
    /// The subject that stands trial: its name, or a command.
    pub subject: String,
    /// The seeds to run.
    pub seeds: SeedRange,
    /// The seeds among them that are left out: the backend cannot execute their plans.
    pub without: BTreeSet<u64>,
    /// The seeds among them whose plans break brokers of a real cluster, and so run apart from
    /// others.
    pub apart: BTreeSet<u64>,
    /// The verdict that it must show.
    pub expectation: Expectation,
    /// The settings that stand over those of its file.
    pub set: Vec<Override>,
}

impl Trial {
    /// Returns the number of its schedules.
    pub(crate) fn schedules(&self) -> u64 {
        self.seeds.len() - self.without.len() as u64
    }

    /// Returns about how long a run takes in real time: until the healing, and until all is
    /// committed and calm.
    pub(crate) fn usual_length(&self) -> Duration {
        let settings = &self.scenario.settings;
        let consumers = &settings.consumers;
        let calm = consumers.heartbeat * 2 + consumers.config.commit.longest_tail();
        settings.safety.unwrap_or_default() + calm
    }

    /// Returns the header of the trace that a plan of it leaves.
    pub(crate) fn header(&self, plan: &Plan, backend: BackendName) -> Header {
        let (label, backend) = (&self.label, backend.word());
        Header::new(label, plan.seed, &self.subject, backend, plan.names())
    }

    /// Returns the part of a command line that states its settings again.
    pub(crate) fn settings_stated(&self) -> String {
        let set = self.set.iter();
        let set = set.map(|set| format!(" --set {}", shell::quoted(&set.to_string())));
        set.collect()
    }

    /// Returns the command that runs one seed again.
    pub(crate) fn again(&self, seed: u64, choice: &Choice) -> String {
        let label = shell::quoted(&self.label);
        let mut command = format!("plimsoll run {label} --seeds {seed}..{}", seed + 1);
        if self.expectation == Expectation::Open && choice.command().is_none() {
            command += &format!(" --subject {}", self.subject);
        }
        command + &self.settings_stated() + &choice.arguments()
    }
}

/// What a trial must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// The verdict that the scenario names.
    Stated(Expected),
    /// No verdict: the subject is not the scenario's own, and every violation is reported.
    Open,
}

impl Expectation {
    /// Tells whether a violation of this property is expected.
    pub(crate) fn names(&self, property: Property) -> bool {
        self.named().contains(&property)
    }

    /// Returns the properties that are expected to be violated.
    pub(crate) fn named(&self) -> &[Property] {
        match self {
            Self::Stated(Expected::Violated(properties)) => properties,
            Self::Stated(Expected::Held) | Self::Open => &[],
        }
    }
}
