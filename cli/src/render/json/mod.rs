//! The report of `plimsoll run` for programs: one document, with a `version` that rises when a
//! field changes its meaning or goes away. Of the simulator, all but `timing` is the same for the
//! same arguments. `plimsoll schema --report` prints its schema, which is made of the types here
//! and of what their comments say.

mod failure;
mod scenario;

use super::per_second;
use crate::args::BackendName;
use crate::library::Skipped;
use crate::report::{self, Report};
use crate::selection;
use failure::Bug;
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Sometimes, Word};
use scenario::Scenario;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
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
            disturbed: totals.disturbed,
            without_verdict: totals.without_verdict,
            clock: Clock::of(report.backend, totals.simulated, totals.events),
            measures: Measures::of(totals.measures),
            sometimes: sometimes(&totals.coverage),
        },
        scenarios: report
            .scenarios
            .iter()
            .map(|scenario| Scenario::of(scenario, report))
            .collect(),
        bugs: (1..)
            .zip(&report.bugs())
            .map(|(number, bug)| Bug::of(number, bug))
            .collect(),
        not_executed: report.not_executed.iter().map(NotExecuted::of).collect(),
        skipped: skipped(&report.skipped),
        timing: Timing::of(&report.timing, totals.schedules),
    };
    to_text(&document)
}

/// Returns the schema of the document.
pub(crate) fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    schema.insert("title".into(), "Report of plimsoll run".into());
    schema
}

/// Renders a document as text and a line feed.
pub(crate) fn to_text(document: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(document);
    text.expect("documents have string keys and no fallible fields") + "\n"
}

/// What `plimsoll run` found.
#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    /// The version of this document; it rises when a field changes its meaning or goes away.
    #[schemars(extend("const" = VERSION))]
    version: u32,
    /// The version of the program.
    plimsoll: &'static str,
    /// The exit code of the program.
    exit: u8,
    /// Whether a signal ended the run; the report covers what ran.
    interrupted: bool,
    /// The backend that executed the schedules.
    #[schemars(extend("enum" = ["sim", "kafka"]))]
    backend: &'static str,
    /// The seeds that were asked for.
    seeds: Seeds,
    /// The subject of the command line: its name, or the command after `--`.
    subject: Option<&'a str>,
    /// All runs of all scenarios.
    totals: Totals,
    /// Every scenario, in the order of the command line.
    scenarios: Vec<Scenario<'a>>,
    /// The bugs that the failures show, each once.
    bugs: Vec<Bug<'a>>,
    /// The schedules that were asked for and not executed.
    not_executed: Vec<NotExecuted<'a>>,
    /// What stood in folders and is no scenario.
    skipped: Vec<String>,
    /// The measurements that depend on the machine.
    timing: Timing,
}

/// Seeds from `from` up to, not including, `to`.
#[derive(Serialize, JsonSchema)]
struct Seeds {
    /// The first seed.
    from: u64,
    /// One past the last seed.
    to: u64,
}

/// All runs of all scenarios.
#[derive(Serialize, JsonSchema)]
struct Totals {
    /// The number of runs.
    schedules: u64,
    /// The number of schedules among them that were run a second time, because the machine had
    /// disturbed the first run.
    disturbed: u64,
    /// The number of schedules without a verdict, which are none of those runs.
    without_verdict: u64,
    #[serde(flatten)]
    clock: Clock,
    #[serde(flatten)]
    measures: Measures,
    /// The number of times that each rare thing happened.
    sometimes: BTreeMap<&'static str, u64>,
}

/// The largest measurements of any run.
#[derive(Serialize, JsonSchema)]
struct Measures {
    /// The longest time for which a partition had an owner and a record to handle and did not begin
    /// with it.
    longest_stall_seconds: f64,
    /// The largest number of readable records that were not committed, over all partitions.
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
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Clock {
    /// In the simulator, with the number of simulated events.
    Simulated { simulated_seconds: f64, events: u64 },
    /// On real Kafka.
    Real { real_seconds: f64 },
}

impl Clock {
    const fn of(backend: BackendName, time: Duration, events: u64) -> Self {
        match backend {
            BackendName::Sim | BackendName::Turmoil => Self::Simulated {
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
#[derive(Serialize, JsonSchema)]
pub(crate) struct Timing {
    /// The time that the schedules took, without the shrinking.
    seconds: f64,
    /// The rate.
    schedules_per_second: f64,
    /// The number of threads.
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

fn skipped(skipped: &Skipped) -> Vec<String> {
    let paths = skipped.files.iter().chain(&skipped.folders);
    paths.map(|path| path.display().to_string()).collect()
}

/// Schedules that were asked for and not executed.
#[derive(Serialize, JsonSchema)]
struct NotExecuted<'a> {
    /// The scenario's name on the command line.
    scenario: &'a str,
    /// The number of schedules.
    schedules: u64,
    /// Why they are not executed.
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

fn sometimes(coverage: &Coverage) -> BTreeMap<&'static str, u64> {
    let counts = coverage.counts();
    counts
        .map(|(rare, count): (Sometimes, u64)| (rare.word(), count))
        .collect()
}

/// One of a fixed list of words; the schema lists them.
struct OneOf<T>(T);

impl<T: Word> Serialize for OneOf<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<T: Word> JsonSchema for OneOf<T> {
    fn schema_name() -> Cow<'static, str> {
        T::WHAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = T::ALL.iter().map(|value| value.word());
        json_schema!({ "type": "string", "enum": words.collect::<Vec<_>>() })
    }
}
