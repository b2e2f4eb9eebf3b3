//! Messages that go through the bytes of Kafka's protocol change nothing: same scenario, same seed,
//! same trace.

use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, LIBRARY, Plan, Scenario};
use plimsoll_sim::Simulator;

/// Runs a plan.
#[track_caller]
fn run(mut simulator: Simulator, plan: &Plan) -> Trace {
    let mut trace = Trace::new();
    let ran = simulator.run(plan, &mut trace);
    assert_eq!(ran, Ok(()), "{} {}", plan.settings.name, plan.seed);
    trace
}

/// Compares the traces of a scenario's first seeds.
#[track_caller]
fn compare(name: &str, text: &str, seeds: u64) {
    let scenario = Scenario::parse(name, text).expect("the library has scenarios");
    for seed in 0..seeds {
        let plan = Plan::draw(&scenario, seed);
        let lean = run(Simulator::new(), &plan);
        let encoded = run(Simulator::new().encoded(), &plan);
        let mut both = lean.entries().iter().zip(encoded.entries());
        let differ = both.find(|(lean, encoded)| lean != encoded);
        assert_eq!(
            differ, None,
            "{name}, seed {seed}: first without bytes, then with"
        );
        assert_eq!(
            lean.fingerprint(),
            encoded.fingerprint(),
            "{name}, seed {seed}"
        );
    }
}

#[test]
fn bytes_change_no_trace() {
    for (name, text) in LIBRARY {
        compare(name, text, 1);
    }
}
