//! What was found in one scenario.

use super::failure::FailureEntry;
use super::{Clock, Measures, OneOf, sometimes};
use crate::missing;
use crate::report::{Report, ScenarioOutcome, ScenarioReport};
use crate::runner::{Count, Effect, Tally};
use crate::trial::Expectation;
use plimsoll_oracle::Word;
use plimsoll_scenarios::scenario::Expected;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was found in one scenario.
#[derive(Serialize, JsonSchema)]
pub(super) struct Scenario<'a> {
    /// The scenario's name on the command line.
    scenario: &'a str,
    /// The scenario's own name.
    name: &'a str,
    /// The consumer that was tried: its name, or a command.
    subject: &'a str,
    /// The properties that it must violate; `null`: the subject is not the scenario's own, and
    /// nothing is expected of it.
    expected: Option<Vec<OneOf<plimsoll_oracle::Property>>>,
    /// How it came out.
    outcome: ScenarioOutcome,
    /// The number of runs.
    schedules: u64,
    /// The number of schedules among them that were run a second time, because the machine had
    /// disturbed the first run.
    disturbed: u64,
    /// The number of schedules without a verdict, which are none of those runs; the first of them
    /// ends the scenario.
    without_verdict: u64,
    #[serde(flatten)]
    clock: Clock,
    /// The counted judgements of every property.
    properties: Vec<Property>,
    #[serde(flatten)]
    measures: Measures,
    /// The number of times that each rare thing happened.
    sometimes: BTreeMap<&'static str, u64>,
    /// The faults, and in how many runs each took effect.
    faults: Vec<FaultEntry>,
    /// The expectations that were not met; none: the scenario passed.
    failures: Vec<FailureEntry<'a>>,
    /// What the scenario names and no run showed, where that fails nothing.
    untried: Vec<FailureEntry<'a>>,
    /// The hash of each trace by seed, with `--print-hashes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hashes: Option<BTreeMap<u64, String>>,
}

impl<'a> Scenario<'a> {
    pub(super) fn of(scenario: &'a ScenarioReport, report: &'a Report) -> Self {
        let ScenarioReport {
            trial,
            tally,
            failures,
            untried,
        } = scenario;
        let settings = &trial.scenario.settings;
        Self {
            scenario: &trial.label,
            name: &settings.name,
            subject: &trial.subject,
            expected: match &trial.expectation {
                Expectation::Open => None,
                Expectation::Stated(Expected::Held) => Some(Vec::new()),
                Expectation::Stated(Expected::Violated(properties)) => {
                    Some(properties.iter().copied().map(OneOf).collect())
                }
            },
            outcome: scenario.outcome(report.backend),
            schedules: tally.schedules,
            disturbed: tally.disturbed(),
            without_verdict: scenario.without_verdict(),
            clock: Clock::of(report.backend, tally.simulated, tally.events),
            properties: properties(tally),
            measures: Measures::of(tally.measures),
            sometimes: sometimes(&tally.coverage),
            faults: faults(scenario),
            failures: failures.iter().map(FailureEntry::of).collect(),
            untried: untried.iter().map(FailureEntry::of).collect(),
            hashes: report.hashes.then(|| {
                let hashes = tally.hashes.iter();
                hashes
                    .map(|(seed, hash)| (*seed, hash.to_string()))
                    .collect()
            }),
        }
    }
}

/// The counted judgements of one property.
#[derive(Serialize, JsonSchema)]
struct Property {
    /// The property.
    property: OneOf<plimsoll_oracle::Property>,
    /// The number of runs that kept the promise and could have broken it.
    held: u64,
    /// The number of runs that broke it.
    violated: u64,
    /// The number of runs that could not show it.
    not_observed: u64,
    /// The number of schedules for each reason.
    not_observed_because: BTreeMap<&'static str, u64>,
    /// The lowest seed that broke it.
    first_seed: Option<u64>,
}

fn properties(tally: &Tally) -> Vec<Property> {
    let entry = |(property, count): (plimsoll_oracle::Property, Count)| Property {
        property: OneOf(property),
        held: count.held,
        violated: count.violated,
        not_observed: count.not_observed,
        not_observed_because: tally
            .reasons()
            .filter(|(unobserved, _, _)| *unobserved == property)
            .map(|(_, reason, runs)| (reason, runs))
            .collect(),
        first_seed: count.first,
    };
    tally.counts().map(entry).collect()
}

/// A fault that the scenario writes, or all drawn ones of a kind.
#[derive(Serialize, JsonSchema)]
struct FaultEntry {
    /// The fault as a file says it; of drawn ones, the kind.
    fault: String,
    /// Whether it is drawn by the seed.
    drawn: bool,
    /// The number of runs whose plan had it; of drawn ones, of faults.
    planned: u64,
    /// The number of those that took effect.
    took_effect: u64,
    /// The number of times that it did not, for each reason.
    missed_because: BTreeMap<&'static str, u64>,
}

impl FaultEntry {
    fn of(fault: String, drawn: bool, effect: Effect) -> Self {
        let missed = effect.missed();
        Self {
            fault,
            drawn,
            planned: effect.planned,
            took_effect: effect.took,
            missed_because: missed.map(|(reason, runs)| (reason.word(), runs)).collect(),
        }
    }
}

fn faults(scenario: &ScenarioReport) -> Vec<FaultEntry> {
    let ScenarioReport { trial, tally, .. } = scenario;
    let topics = &trial.scenario.settings.topics;
    let ids: Vec<_> = missing::written(trial).map(|fault| fault.id).collect();
    let written = missing::written(trial).map(|fault| {
        FaultEntry::of(
            fault.in_one_line(topics),
            false,
            missing::effect(fault, tally),
        )
    });
    let drawn = tally.effects.drawn(&ids).into_iter();
    let drawn = drawn.map(|(name, effect)| FaultEntry::of(name.word().into(), true, effect));
    written.chain(drawn).collect()
}
