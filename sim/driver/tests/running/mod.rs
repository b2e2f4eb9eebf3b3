//! How a schedule is run and judged.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

/// Runs a seed of a scenario, and judges it.
pub(crate) fn run(simulator: &mut Simulator, scenario: &Scenario, seed: u64) -> (Trace, Verdict) {
    let plan = Plan::draw(scenario, seed);
    let mut trace = Trace::new();
    let ran = simulator.run(&plan, &mut trace);
    assert_eq!(ran, Ok(()), "seed {seed}");
    let verdict = Judge::new().judge(&plan.terms(), &trace, simulator.unobservable());
    (trace, verdict)
}
