//! The report of `plimsoll run` for programs: one document, with a `version` that rises when a
//! field changes its meaning or goes away. Of the simulator, all but `timing` is the same for the
//! same arguments.

use super::{cause, per_second};
use crate::args::BackendName;
use crate::conviction::{self, Conviction, End, Evidence, NotShrunk, Recording, Story};
use crate::library::Skipped;
use crate::missing;
use crate::report::{self, Failure, Report, ScenarioOutcome, ScenarioReport};
use crate::runner::{Count, Effect, Tally};
use crate::selection;
use crate::trial::Expectation;
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Entry, Names, Sometimes, Word};
use plimsoll_scenarios::scenario::Expected;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The version of the document.
const VERSION: u32 = 2;

/// Renders the report as a JSON document and a line feed.
pub(crate) fn report(report: &Report) -> String {
    let totals = report.totals();
    let document = Document {
        version: VERSION,
        plimsoll: env!("CARGO_PKG_VERSION"),
        exit: report.exit().code(),
        interrupted: report.interrupted,
        seeds: Seeds {
            from: report.seeds.from,
            to: report.seeds.to,
        },
        backend: report.backend.word(),
        subject: report.subject.as_deref(),
        totals: Totals {
            schedules: totals.schedules,
            clock: Clock::of(report.backend, totals.simulated, totals.events),
            measures: Measures::of(totals.measures),
            sometimes: sometimes(&totals.coverage),
        },
        scenarios: report
            .scenarios
            .iter()
            .map(|scenario| Scenario::of(scenario, report.backend, report.hashes))
            .collect(),
        not_executed: report.not_executed.iter().map(NotExecuted::of).collect(),
        skipped: skipped(&report.skipped),
        timing: Timing::of(&report.timing, totals.schedules),
    };
    to_text(&document)
}

/// Renders a document as text and a line feed.
pub(crate) fn to_text(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    text.expect("documents have string keys and no fallible fields") + "\n"
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    plimsoll: &'static str,
    exit: u8,
    interrupted: bool,
    backend: &'static str,
    seeds: Seeds,
    /// The subject of the command line: its name, or the command after `--`.
    subject: Option<&'a str>,
    totals: Totals,
    scenarios: Vec<Scenario<'a>>,
    not_executed: Vec<NotExecuted<'a>>,
    /// What stood in folders and is no scenario.
    skipped: Vec<String>,
    timing: Timing,
}

#[derive(Serialize)]
struct Seeds {
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct Totals {
    schedules: u64,
    #[serde(flatten)]
    clock: Clock,
    #[serde(flatten)]
    measures: Measures,
    sometimes: BTreeMap<&'static str, u64>,
}

/// The largest measurements of any run.
#[derive(Serialize)]
struct Measures {
    longest_stall_seconds: f64,
    highest_lag: u64,
}

impl Measures {
    const fn of(measures: plimsoll_oracle::Measures) -> Self {
        Self {
            longest_stall_seconds: measures.longest_stall.as_secs_f64(),
            highest_lag: measures.highest_lag,
        }
    }
}

/// The time that runs took by their own clock, in seconds.
#[derive(Serialize)]
#[serde(untagged)]
enum Clock {
    Simulated { simulated_seconds: f64, events: u64 },
    Real { real_seconds: f64 },
}

impl Clock {
    const fn of(backend: BackendName, time: Duration, events: u64) -> Self {
        match backend {
            BackendName::Sim => Self::Simulated {
                simulated_seconds: time.as_secs_f64(),
                events,
            },
            BackendName::Kafka => Self::Real {
                real_seconds: time.as_secs_f64(),
            },
        }
    }
}

/// The measurements that depend on the machine.
#[derive(Serialize)]
pub(crate) struct Timing {
    seconds: f64,
    schedules_per_second: f64,
    jobs: usize,
}

impl Timing {
    /// Derives the rate from the number of schedules.
    pub(crate) fn of(timing: &report::Timing, schedules: u64) -> Self {
        Self {
            seconds: timing.elapsed.as_secs_f64(),
            schedules_per_second: per_second(schedules, timing.elapsed),
            jobs: timing.jobs.get(),
        }
    }
}

#[derive(Serialize)]
struct Scenario<'a> {
    scenario: &'a str,
    name: &'a str,
    subject: &'a str,
    /// `null`: the subject is not the scenario's own, and nothing is expected of it.
    expected: Option<Vec<&'static str>>,
    outcome: &'static str,
    schedules: u64,
    #[serde(flatten)]
    clock: Clock,
    properties: Vec<Property>,
    #[serde(flatten)]
    measures: Measures,
    sometimes: BTreeMap<&'static str, u64>,
    faults: Vec<FaultEntry>,
    failures: Vec<FailureEntry<'a>>,
    /// What the scenario names and no run showed, where that fails nothing.
    untried: Vec<FailureEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashes: Option<BTreeMap<u64, String>>,
}

#[derive(Serialize)]
struct Property {
    property: &'static str,
    held: u64,
    violated: u64,
    not_observed: u64,
    /// The number of schedules for each reason.
    not_observed_because: BTreeMap<&'static str, u64>,
    first_seed: Option<u64>,
}

/// A fault that the scenario writes, or all drawn ones of a kind.
#[derive(Serialize)]
struct FaultEntry {
    /// As a file says it; of drawn ones, the kind.
    fault: String,
    drawn: bool,
    planned: u64,
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

const fn outcome(outcome: ScenarioOutcome) -> &'static str {
    match outcome {
        ScenarioOutcome::Failed => "failed",
        ScenarioOutcome::NotRun => "not-run",
        ScenarioOutcome::NotTried => "not-tried",
        ScenarioOutcome::Held => "held",
        ScenarioOutcome::ViolatedAsExpected => "violated-as-expected",
    }
}

fn skipped(skipped: &Skipped) -> Vec<String> {
    let paths = skipped.files.iter().chain(&skipped.folders);
    paths.map(|path| path.display().to_string()).collect()
}

/// Schedules that were asked for and not executed.
#[derive(Serialize)]
struct NotExecuted<'a> {
    scenario: &'a str,
    schedules: u64,
    reason: &'a str,
}

impl<'a> NotExecuted<'a> {
    fn of(entry: &'a selection::NotExecuted) -> Self {
        Self {
            scenario: &entry.label,
            schedules: entry.schedules,
            reason: &entry.reason,
        }
    }
}

impl<'a> Scenario<'a> {
    fn of(scenario: &'a ScenarioReport, backend: BackendName, hashes: bool) -> Self {
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
                    Some(properties.iter().map(|property| property.word()).collect())
                }
            },
            outcome: outcome(scenario.outcome(backend)),
            schedules: tally.schedules,
            clock: Clock::of(backend, tally.simulated, tally.events),
            properties: properties(tally),
            measures: Measures::of(tally.measures),
            sometimes: sometimes(&tally.coverage),
            faults: faults(scenario),
            failures: failures.iter().map(FailureEntry::of).collect(),
            untried: untried.iter().map(FailureEntry::of).collect(),
            hashes: hashes.then(|| {
                let hashes = tally.hashes.iter();
                hashes
                    .map(|(seed, hash)| (*seed, hash.to_string()))
                    .collect()
            }),
        }
    }
}

fn properties(tally: &Tally) -> Vec<Property> {
    let entry = |(property, count): (plimsoll_oracle::Property, Count)| Property {
        property: property.word(),
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

fn sometimes(coverage: &Coverage) -> BTreeMap<&'static str, u64> {
    let counts = coverage.counts();
    counts
        .map(|(rare, count): (Sometimes, u64)| (rare.word(), count))
        .collect()
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum FailureEntry<'a> {
    Violated {
        property: &'static str,
        seed: u64,
        schedules: u64,
        again: &'a str,
        regression: Option<String>,
        /// The violation before whose regression this is.
        same_as: Option<SameAs<'a>>,
        shrunk: Option<Box<Shrunk<'a>>>,
        not_shrunk: Option<String>,
        /// The run in real time, where nothing is shrunk.
        seen: Option<Box<Sighting<'a>>>,
    },
    NotViolated {
        property: &'static str,
    },
    NeverHappened {
        sometimes: &'static str,
    },
    NeverTookEffect {
        fault: &'a str,
        reasons: Vec<&'static str>,
    },
    TraceDiffers {
        recorded: &'a str,
        found: &'a str,
    },
    Broken {
        seed: u64,
        reason: String,
        again: &'a str,
    },
}

#[derive(Serialize)]
struct SameAs<'a> {
    scenario: &'a str,
    property: &'static str,
}

#[derive(Serialize)]
struct Shrunk<'a> {
    summary: &'a str,
    /// What led to it, in one sentence.
    cause: String,
    at_seconds: f64,
    /// What the numbers in the timeline stand for.
    names: Names,
    timeline: Vec<Event<'a>>,
    messages: usize,
    faults: usize,
    runs: u32,
    /// The limit at which the search for a smaller schedule ended, if at one.
    ended_by: Option<&'static str>,
}

#[derive(Serialize)]
struct Sighting<'a> {
    summary: &'a str,
    /// What led to it, in one sentence.
    cause: String,
    at_seconds: f64,
    /// What the numbers in the timeline stand for.
    names: Names,
    timeline: Vec<Event<'a>>,
    trace: Option<String>,
    simulate: &'a str,
}

/// An event of a timeline.
#[derive(Serialize)]
struct Event<'a> {
    /// As a line of a trace says it.
    #[serde(flatten)]
    entry: &'a Entry,
    /// The name of the member, the broker or another part of the run.
    actor: &'a str,
    /// The event, in words.
    text: &'a str,
    /// Whether it is one of those that show the violation.
    marked: bool,
}

impl<'a> FailureEntry<'a> {
    fn of(failure: &'a Failure) -> Self {
        match failure {
            Failure::Violated(conviction) => Self::violated(conviction),
            Failure::NotViolated(property) => Self::NotViolated {
                property: property.word(),
            },
            Failure::NeverHappened(rare) => Self::NeverHappened {
                sometimes: rare.word(),
            },
            Failure::NeverTookEffect { fault, reasons } => Self::NeverTookEffect {
                fault,
                reasons: reasons.iter().map(|reason| reason.word()).collect(),
            },
            Failure::TraceDiffers { recorded, found } => Self::TraceDiffers { recorded, found },
            Failure::Broken { seed, error, again } => Self::Broken {
                seed: *seed,
                reason: error.to_string(),
                again,
            },
        }
    }

    fn violated(conviction: &'a Conviction) -> Self {
        let regression = conviction.regression.as_ref();
        let (mut shrunk, mut not_shrunk, mut seen) = (None, None, None);
        match &conviction.evidence {
            Evidence::Shrunk(smallest) => shrunk = Some(Box::new(Shrunk::of(smallest))),
            Evidence::NotShrunk(NotShrunk::Interrupted) => not_shrunk = Some("interrupted".into()),
            Evidence::NotShrunk(NotShrunk::Broken(error)) => not_shrunk = Some(error.to_string()),
            Evidence::Seen(sighting) => seen = Some(Box::new(Sighting::of(sighting))),
        }
        Self::Violated {
            property: conviction.property.word(),
            seed: conviction.seed,
            schedules: conviction.runs,
            again: &conviction.again,
            regression: regression.and_then(written),
            same_as: conviction.same_as.as_ref().map(|first| SameAs {
                scenario: &first.label,
                property: first.property.word(),
            }),
            shrunk,
            not_shrunk,
            seen,
        }
    }
}

impl<'a> Shrunk<'a> {
    fn of(shrunk: &'a conviction::Shrunk) -> Self {
        Self {
            summary: &shrunk.violation.summary,
            cause: cause::sentence(&shrunk.story.cause),
            at_seconds: shrunk.violation.at.since_start().as_secs_f64(),
            names: shrunk.recording.plan.names(),
            timeline: timeline(&shrunk.story, &shrunk.recording),
            messages: shrunk.messages,
            faults: shrunk.faults,
            runs: shrunk.runs,
            ended_by: match shrunk.end {
                End::Smallest => None,
                End::Schedules => Some("schedules"),
                End::Events => Some("events"),
                End::Time => Some("time"),
                End::Interrupted => Some("interrupt"),
            },
        }
    }
}

impl<'a> Sighting<'a> {
    fn of(sighting: &'a conviction::Sighting) -> Self {
        Self {
            summary: &sighting.violation.summary,
            cause: cause::sentence(&sighting.story.cause),
            at_seconds: sighting.violation.at.since_start().as_secs_f64(),
            names: sighting.recording.plan.names(),
            timeline: timeline(&sighting.story, &sighting.recording),
            trace: written(&sighting.trace),
            simulate: &sighting.simulate,
        }
    }
}

fn timeline<'a>(story: &'a Story, recording: &'a Recording) -> Vec<Event<'a>> {
    let events = story.moments.iter().filter_map(|moment| {
        Some(Event {
            entry: recording.trace.entries().get(moment.entry)?,
            actor: &moment.actor,
            text: &moment.what,
            marked: moment.shows,
        })
    });
    events.collect()
}

fn written(file: &Result<PathBuf, String>) -> Option<String> {
    file.as_ref().ok().map(|path| path.display().to_string())
}
