//! How a schedule is run and judged.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict};
use plimsoll_scenarios::{Backend as _, Plan};
use plimsoll_turmoil::Turmoil;

/// Runs a plan, and judges it; `None`: it is refused.
pub(crate) fn judged(mut backend: Turmoil, plan: &Plan) -> Option<(Trace, Verdict)> {
    if backend.refuses(plan).is_some() {
        return None;
    }
    let mut trace = Trace::new();
    let ran = backend.run(plan, &mut trace);
    assert_eq!(ran, Ok(()), "seed {}", plan.seed);
    let verdict = Judge::new().judge(&backend.terms(plan), &trace, backend.unobservable());
    Some((trace, verdict))
}
