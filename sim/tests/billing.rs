//! The test of the README: a scenario of one's own as a property test.

use plimsoll_oracle::{Trace, check::Judge};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

#[test]
fn billing_loses_nothing() {
    let text = std::fs::read_to_string("tests/billing.toml").unwrap();
    let scenario = Scenario::parse("tests/billing.toml", &text).unwrap();
    let (mut simulator, mut judge, mut trace) = (Simulator::new(), Judge::new(), Trace::new());
    for seed in 0..1_000 {
        let plan = Plan::draw(&scenario, seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        assert_eq!(verdict.violations().next(), None, "with seed {seed}");
    }
}
