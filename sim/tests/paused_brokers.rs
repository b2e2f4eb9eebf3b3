//! What a broker does when it wakes with the requests that came while it stood still.

use plimsoll_oracle::{Trace, TraceEvent};
use plimsoll_scenarios::{Backend, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;

const SEEDS: u64 = 30;

/// One broker stands still, and the connection breaks on which a commit lies in its kernel.
const SCENARIO: &str = r#"
duration = "20s"
cluster = { brokers = 1, replication = 1, min_insync = 1 }
topics = [{ name = "orders", partitions = 1 }]
workload = { messages = 60, rate = "5/s" }
handler = { time = "1ms" }
consumers = { group = "billing", members = 1, commit = { interval = "500ms" } }

[[faults]]
at = "10s"
do = "broker-pause"
broker = "broker-1"
for = "3s"

[[faults]]
at = "12s"
do = "cut"
member = "consumer-1"
"#;

#[test]
fn what_came_before_its_connection_broke_is_done() {
    let scenario = Scenario::parse("paused.toml", SCENARIO).unwrap();
    let mut simulator = Simulator::with_subject(Subject::Plimsoll);
    let mut trace = Trace::new();
    let mut late = 0;
    for seed in 0..SEEDS {
        trace.clear();
        let plan = Plan::draw(&scenario, seed);
        simulator.run(&plan, &mut trace).unwrap();
        let entries = trace.entries().iter();
        late += entries
            .filter(|entry| matches!(entry.event, TraceEvent::LateCommit { .. }))
            .count() as u64;
    }
    assert!(late > SEEDS / 2, "{late}");
}
