//! How a schedule is run and judged.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict};
use plimsoll_scenarios::{Backend as _, Plan};
use plimsoll_turmoil::Turmoil;

/// Runs a plan, and judges it.
pub(crate) fn run(plan: &Plan) -> (Trace, Verdict) {
    let mut backend = Turmoil::new();
    let mut trace = Trace::new();
    let ran = backend.run(plan, &mut trace);
    assert_eq!(ran, Ok(()), "seed {}", plan.seed);
    let verdict = Judge::new().judge(&backend.terms(plan), &trace, backend.unobservable());
    (trace, verdict)
}
