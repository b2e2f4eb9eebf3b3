//! The expectations that were not met, and what shows it.

use super::OneOf;
use crate::conviction::{self, Conviction, End, Evidence, NotShrunk, Recording};
use crate::report::{self, Failure};
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Entry, Missed, Names, Property, Sometimes, Violation};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;

/// Convictions that show the same bug.
#[derive(Serialize, JsonSchema)]
pub(super) struct Bug<'a> {
    /// Its number in the report for people.
    number: usize,
    /// The scenario whose failure tells it best.
    scenario: &'a str,
    /// The property of that failure.
    property: OneOf<Property>,
    /// The seed of that failure.
    seed: u64,
    /// The other properties that it breaks.
    also_broken: Vec<OneOf<Property>>,
    /// The other scenarios that show it.
    also_in: Vec<&'a str>,
}

impl<'a> Bug<'a> {
    pub(super) fn of(number: usize, bug: &report::Bug<'a>) -> Self {
        Self {
            number,
            scenario: &bug.scenario.trial.label,
            property: OneOf(bug.conviction.property),
            seed: bug.conviction.seed,
            also_broken: bug.properties.iter().copied().map(OneOf).collect(),
            also_in: bug.scenarios.clone(),
        }
    }
}

/// An expectation that was not met.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum FailureEntry<'a> {
    /// A violation that the scenario does not expect.
    Violated {
        /// The property.
        property: OneOf<Property>,
        /// The lowest seed that breaks it.
        seed: u64,
        /// The number of runs that violated it.
        schedules: u64,
        /// The command that shows it again.
        again: &'a str,
        /// The file with its schedule.
        regression: Option<String>,
        /// The violation before whose regression this is.
        same_as: Option<SameAs<'a>>,
        /// The smallest schedule that shows it.
        shrunk: Option<Box<Shrunk<'a>>>,
        /// The reason why there is no smaller schedule.
        not_shrunk: Option<String>,
        /// The run in real time, where nothing is shrunk.
        seen: Option<Box<Sighting<'a>>>,
    },
    /// A violation that the scenario expects and no run showed.
    NotViolated {
        /// The property.
        property: OneOf<Property>,
    },
    /// A rare thing that the scenario names and that happened in no run.
    NeverHappened {
        /// The rare thing.
        sometimes: OneOf<Sometimes>,
    },
    /// A fault that the scenario writes and that took effect in no run.
    NeverTookEffect {
        /// The fault, as a file says it.
        fault: &'a str,
        /// The reasons.
        reasons: Vec<OneOf<Missed>>,
    },
    /// Another trace than the one that a regression recorded.
    TraceDiffers {
        /// The hash in the file.
        recorded: &'a str,
        /// The hash of the run.
        found: &'a str,
    },
    /// A schedule without a verdict.
    Broken {
        /// The seed of the schedule.
        seed: u64,
        /// Why there is no verdict.
        reason: String,
        /// The command that shows it again.
        again: &'a str,
    },
}

impl<'a> FailureEntry<'a> {
    pub(super) fn of(failure: &'a Failure) -> Self {
        match failure {
            Failure::Violated(conviction) => Self::violated(conviction),
            Failure::NotViolated(property) => Self::NotViolated {
                property: OneOf(*property),
            },
            Failure::NeverHappened(rare) => Self::NeverHappened {
                sometimes: OneOf(*rare),
            },
            Failure::NeverTookEffect { fault, reasons } => Self::NeverTookEffect {
                fault,
                reasons: reasons.iter().copied().map(OneOf).collect(),
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
            Evidence::Shrunk(smallest) => {
                shrunk = Some(Box::new(Shrunk::of(smallest, conviction)));
            }
            Evidence::NotShrunk(NotShrunk::Interrupted) => not_shrunk = Some("interrupted".into()),
            Evidence::NotShrunk(NotShrunk::Broken(error)) => not_shrunk = Some(error.to_string()),
            Evidence::Seen(sighting) => seen = Some(Box::new(Sighting::of(sighting))),
        }
        Self::Violated {
            property: OneOf(conviction.property),
            seed: conviction.seed,
            schedules: conviction.runs,
            again: &conviction.again,
            regression: regression.and_then(written),
            same_as: conviction.same_as.as_ref().map(|first| SameAs {
                scenario: &first.label,
                property: OneOf(first.property),
            }),
            shrunk,
            not_shrunk,
            seen,
        }
    }
}

/// An earlier violation of the same report.
#[derive(Serialize, JsonSchema)]
pub(super) struct SameAs<'a> {
    /// Its scenario.
    scenario: &'a str,
    /// Its property.
    property: OneOf<Property>,
}

/// The smallest schedule that shows a violation.
#[derive(Serialize, JsonSchema)]
pub(super) struct Shrunk<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    /// The number of messages that are left.
    messages: usize,
    /// The number of faults that are left.
    faults: usize,
    /// The number of schedules that were run to find it.
    runs: u32,
    /// The limit at which the search for a smaller schedule ended, if at one.
    #[schemars(extend("enum" = ["schedules", "events", "time", "interrupt", null]))]
    ended_by: Option<&'static str>,
    /// What a crash more makes of it, where it lost nothing by itself: the loss of a record.
    with_a_crash: Option<WithACrash<'a>>,
}

impl<'a> Shrunk<'a> {
    fn of(shrunk: &'a conviction::Shrunk, conviction: &'a Conviction) -> Self {
        let recording = &shrunk.recording;
        let death = shrunk.death.as_deref().zip(conviction.death.as_ref());
        Self {
            told: Told::of(&shrunk.violation, &shrunk.story, recording),
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
            with_a_crash: death.map(|(shrunk, death)| WithACrash {
                property: OneOf(Property::NoLoss),
                told: Told::of(&shrunk.violation, &shrunk.story, &shrunk.recording),
                messages: shrunk.messages,
                faults: shrunk.faults,
                runs: shrunk.runs,
                again: &death.again,
            }),
        }
    }
}

/// The smallest schedule in which a crash more makes a loss of a commit that was early.
#[derive(Serialize, JsonSchema)]
pub(super) struct WithACrash<'a> {
    /// The property that it violates.
    property: OneOf<Property>,
    #[serde(flatten)]
    told: Told<'a>,
    /// The number of messages that are left.
    messages: usize,
    /// The number of faults that are left, the crash among them.
    faults: usize,
    /// The number of schedules that were run to find it.
    runs: u32,
    /// The command that shows it again.
    again: &'a str,
}

/// A run in real time that shows a violation, which no other run is like.
#[derive(Serialize, JsonSchema)]
pub(super) struct Sighting<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    /// The file with the trace.
    trace: Option<String>,
    /// The files with what its processes wrote to standard error.
    logs: Vec<String>,
    /// The command that searches for a smaller plan that fails on real Kafka too.
    shrink: Option<&'a str>,
    /// The command that runs the same plan in the simulator, which can shrink it.
    simulate: &'a str,
}

impl<'a> Sighting<'a> {
    fn of(sighting: &'a conviction::Sighting) -> Self {
        Self {
            told: Told::of(&sighting.violation, &sighting.story, &sighting.recording),
            trace: written(&sighting.trace),
            logs: sighting
                .logs
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            shrink: sighting.shrink.as_deref(),
            simulate: &sighting.simulate,
        }
    }
}

/// A violation: what broke, why, and the events.
#[derive(Serialize, JsonSchema)]
struct Told<'a> {
    /// What broke, in one sentence.
    summary: &'a str,
    /// What led to it, in one sentence.
    cause: String,
    /// What a death at that moment would lose, in one sentence, where nothing was lost yet.
    at_stake: Option<String>,
    /// The moment at which it broke, in seconds since the run began.
    at_seconds: f64,
    /// What the numbers in the timeline stand for.
    names: Names,
    /// The events that show it and those around it, in order.
    timeline: Vec<Event<'a>>,
    /// The number of events around it that are left out, from the beginning.
    left_out: usize,
}

impl<'a> Told<'a> {
    fn of(violation: &'a Violation, story: &'a Story, recording: &'a Recording) -> Self {
        Self {
            summary: &violation.summary,
            cause: story.cause.to_string(),
            at_stake: story.at_stake.as_ref().map(ToString::to_string),
            at_seconds: violation.at.since_start().as_secs_f64(),
            names: recording.plan.names(),
            timeline: timeline(story, recording),
            left_out: story.left_out,
        }
    }
}

/// An event of a timeline: what a line of a trace says, and the same for people.
#[derive(Serialize, JsonSchema)]
struct Event<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    /// The name of the member, the broker or another part of the run.
    actor: &'a str,
    /// The event, in words.
    text: &'a str,
    /// Whether it is one of those that show the violation.
    marked: bool,
    /// Whether it is one of those that led to it.
    cause: bool,
}

fn timeline<'a>(story: &'a Story, recording: &'a Recording) -> Vec<Event<'a>> {
    let causes: Vec<usize> = story.cause.entries().collect();
    let events = story.moments.iter().filter_map(|moment| {
        Some(Event {
            entry: recording.trace.entries().get(moment.entry)?,
            actor: &moment.actor,
            text: &moment.what,
            marked: moment.shows,
            cause: causes.contains(&moment.entry),
        })
    });
    events.collect()
}

fn written(file: &Result<PathBuf, String>) -> Option<String> {
    file.as_ref().ok().map(|path| path.display().to_string())
}
