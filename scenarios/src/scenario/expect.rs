//! `[expect]`: what a run must show.
//!
//! ```toml
//! [expect]
//! violated = ["no-loss"]
//! sometimes = ["crash-before-commit"]
//! liveness_within = "60s"
//! ```

use super::errors::{Problem, place};
use super::value::{Value, written_as_words};
use super::write::{self, Section};
use plimsoll_oracle::{Property, Sometimes};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// What every run of a scenario must show.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// The verdict.
    pub verdict: Expected,
    /// `liveness`: how long after the healing every group must have lag zero and stable membership.
    pub liveness_within: Duration,
    /// `bounded-duplicates`: how long beyond the commit interval a finished record may stand
    /// uncommitted.
    pub duplicates_slack: Duration,
    /// `clean-shutdown`: how long a graceful stop may take.
    pub shutdown_within: Duration,
    /// Rare things that must happen in some run of the scenario.
    pub sometimes: Vec<Sometimes>,
    /// The hash of the trace; in regressions only.
    pub trace: Option<String>,
}

/// The verdict that a scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No property is violated, in any run.
    Held,
    /// Each of these is violated in some run (in a regression: in its one run), and no other.
    Violated(Vec<Property>),
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            verdict: Expected::Held,
            liveness_within: Duration::from_secs(60),
            duplicates_slack: Duration::from_secs(2),
            shutdown_within: Duration::from_secs(40),
            sometimes: Vec::new(),
            trace: None,
        }
    }
}

/// What every run of the scenario must show.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(super) struct RawExpect {
    /// "held" (the default): no property is violated, in any run.
    verdict: Option<Value<Held>>,
    /// Properties that are violated in some run, and no other ever.
    violated: Option<Vec<Value<Property>>>,
    /// How long after the healing every group must have lag zero and stable membership; default
    /// "60s".
    liveness_within: Option<Value<Duration>>,
    /// How long beyond the commit interval a finished record may stand uncommitted; default "2s".
    duplicates_slack: Option<Value<Duration>>,
    /// How long a graceful stop may take; default "40s".
    shutdown_within: Option<Value<Duration>>,
    /// Rare things that must happen in some run of the scenario.
    sometimes: Option<Vec<Value<Sometimes>>>,
    /// The hash of the trace; in regressions only.
    trace: Option<String>,
}

plimsoll_oracle::words! {
    /// The one word that `verdict` may be.
    pub(super) enum Held: "verdict" {
        /// No property is violated, in any run.
        Held = "held",
    }
}

written_as_words!(Held);

impl RawExpect {
    pub(super) fn resolve(self, problems: &mut Vec<Problem>) -> Expect {
        let default = Expect::default();
        if self.verdict.is_some() && self.violated.is_some() {
            let message = "a verdict is either held or violated";
            problems.push(
                Problem::new(place!["expect", "verdict"], message)
                    .expected("expected `verdict` or `violated`, not both"),
            );
        }
        let time = |value: Option<Value<Duration>>, or| value.map_or(or, |value| value.0);
        Expect {
            verdict: self.violated.map_or(Expected::Held, |violated| {
                Expected::Violated(violated.into_iter().map(|value| value.0).collect())
            }),
            liveness_within: time(self.liveness_within, default.liveness_within),
            duplicates_slack: time(self.duplicates_slack, default.duplicates_slack),
            shutdown_within: time(self.shutdown_within, default.shutdown_within),
            sometimes: self.sometimes.map_or(default.sometimes, |sometimes| {
                sometimes.into_iter().map(|value| value.0).collect()
            }),
            trace: self.trace,
        }
    }
}

impl Expect {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.verdict == Expected::Violated(Vec::new()) {
            let message = "no property is named that must be violated";
            problems.push(
                Problem::new(place!["expect", "violated"], message)
                    .expected("expected at least one, or verdict = \"held\""),
            );
        }
    }

    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[expect]");
        let default = Self::default();
        if let Expected::Violated(properties) = &self.verdict {
            section.line("violated", write::words(properties));
        }
        for (key, time, default) in [
            (
                "liveness_within",
                self.liveness_within,
                default.liveness_within,
            ),
            (
                "duplicates_slack",
                self.duplicates_slack,
                default.duplicates_slack,
            ),
            (
                "shutdown_within",
                self.shutdown_within,
                default.shutdown_within,
            ),
        ] {
            section.differing(key, (time, default), write::time);
        }
        if !self.sometimes.is_empty() {
            section.line("sometimes", write::words(&self.sometimes));
        }
        if let Some(trace) = &self.trace {
            section.text("trace", trace);
        }
        section.finish(file, false);
    }
}
