//! What executes a plan.

use crate::Plan;
use plimsoll_oracle::{FaultId, Property, Terms, Trace};

/// What executes a plan and records a trace.
pub trait Backend {
    /// Returns its name on the command line.
    fn name(&self) -> &'static str;

    /// Returns why this backend cannot execute the plan; a backend never skips a fault.
    fn refuses(&self, plan: &Plan) -> Option<Refusal>;

    /// Returns the properties that its traces cannot show, each with the reason.
    fn unobservable(&self) -> &'static [(Property, &'static str)] {
        &[]
    }

    /// Returns the terms on which a run of this plan is judged. What a subject is not told, it need
    /// not keep.
    fn terms(&self, plan: &Plan) -> Terms {
        plan.terms()
    }

    /// Executes the plan. `trace` is empty on entry.
    ///
    /// # Errors
    /// Where the plan could not be executed to its end: what stands in `trace` then proves nothing.
    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError>;

    /// Returns what each process of the last run wrote for people, by the name of its file.
    fn logs(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Returns what disturbed the last run besides its faults, if anything did: what such a run
    /// shows proves nothing against its subject.
    fn disturbance(&self) -> Option<&str> {
        None
    }

    /// Prepares the second try of a run that was disturbed: what it shared the machine with is to be
    /// less from now on.
    fn make_room(&mut self) {}
}

/// Why a plan was not executed to its end, by whose mistake it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The environment lacks something, or broke.
    #[error("{0}")]
    Environment(String),
    /// The subject cannot be run.
    #[error("{0}")]
    Subject(String),
    /// Plimsoll itself failed.
    #[error("{0}")]
    Internal(String),
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
}

/// Why a backend cannot execute a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The fault that it cannot do, if it is one.
    pub fault: Option<FaultId>,
    /// The reason, as a sentence.
    pub reason: String,
}
