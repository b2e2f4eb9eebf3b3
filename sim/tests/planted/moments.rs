//! A bug of one moment of a rebalance is found in few seeds by faults that come at a time, and in
//! nearly all of them by a fault that waits for that moment.

use super::{Bug, Control, drains, spec};
use plimsoll_oracle::Trace;
use plimsoll_oracle::check::Judge;
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

const SEEDS: u64 = 20;

/// Returns the number of seeds in which a bug is convicted of something, where connections break
/// `when` a group rebalances in peace, or at a time.
fn convicted<B: Bug>(when: &str) -> u64 {
    let text = format!(
        r#"
duration = "25s"
[[topics]]
name = "orders"
partitions = 4
[workload]
messages = 160
rate = "10/s"
[consumers]
members = 2
session_timeout = "6s"
heartbeat = "500ms"
max_buffered_records = 6
# Behind a long fetch the look-up of starts takes long enough for the bug to show without a fault.
fetch_wait_max = "5ms"
commit = {{ interval = "500ms" }}
[handler]
time = "50ms..400ms"
[[faults]]
at = "7s"
do = "rebalance"
[[faults]]
{when}
do = "cut"
[[faults]]
at = "16s"
do = "rebalance"
"#
    );
    let scenario = match Scenario::parse("moment.toml", &text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    let mut simulator = Simulator::with_spec(spec::<B>());
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    let is_convicted = |seed: &u64| {
        let plan = Plan::draw(&scenario, *seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        verdict.violations().next().is_some()
    };
    (0..SEEDS).filter(is_convicted).count() as u64
}

#[test]
fn a_fault_at_its_moment_finds_what_a_fault_at_a_time_finds_by_luck() {
    for at in ["8s", "12s"] {
        let when = format!("at = \"{at}\"\nmember = \"consumer-1\"");
        let found = convicted::<drains::RevokedBufferDelivered>(&when);
        assert!(found <= SEEDS / 5, "{at}: {found} of {SEEDS}");
    }
    for moment in ["revoked-buffered", "3rd sync-in-flight"] {
        let when = format!("when = \"{moment}\"\nmember = \"triggering\"");
        let found = convicted::<drains::RevokedBufferDelivered>(&when);
        assert!(found + 1 >= SEEDS, "{moment}: {found} of {SEEDS}");
        assert_eq!(convicted::<Control>(&when), 0, "{moment}");
    }
}
