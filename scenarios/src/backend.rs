//! What executes a plan.

use crate::{FaultId, Plan, Property, Trace};

/// What executes a plan and records a trace.
pub trait Backend {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Why this backend cannot execute the plan; a backend never skips a fault.
    fn refuses(&self, plan: &Plan) -> Option<Refusal>;

    /// The properties that its traces cannot show, each with the reason.
    fn unobservable(&self) -> &'static [(Property, &'static str)] {
        &[]
    }

    /// Executes the plan. `trace` is empty on entry.
    fn run(&mut self, plan: &Plan, trace: &mut Trace);
}

/// Why a backend cannot execute a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The fault that it cannot do, if it is one.
    pub fault: Option<FaultId>,
    /// The reason, as a sentence.
    pub reason: String,
}
