//! `[expect]`: what a run must show.

use crate::{Property, Sometimes};
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
