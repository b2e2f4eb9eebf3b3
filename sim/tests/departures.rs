//! What it costs a group that a cooperative member without partitions stops without a word, as one
//! of librdkafka 2.12.1 does.

use plimsoll_core::{Consumer, Instant};
use plimsoll_oracle::{Trace, TraceEvent};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Behaviour, Polling, SubjectSpec};
use std::time::Duration;

const SEEDS: u64 = 30;

/// Three members have two partitions. The one that has none stops, and then one that has.
const SCENARIO: &str = r#"
duration = "40s"
cluster = { brokers = 1, replication = 1, min_insync = 1 }
topics = [{ name = "orders", partitions = 2 }]
workload = { messages = 100, rate = "5/s" }
handler = { time = "1ms" }

[consumers]
group = "billing"
starts = ["0s", "0s", "4s"]
assignor = "cooperative-sticky"
session_timeout = "10s"
heartbeat = "1s"

[[faults]]
at = "12s"
do = "stop"
member = "consumer-3"
for = "25s"

[[faults]]
at = "14s"
do = "stop"
member = "consumer-1"
for = "25s"
"#;

/// Returns the longest time for which a partition that was given up at a stop had no owner.
fn longest_gap(behaviour: Behaviour) -> Duration {
    let scenario = Scenario::parse("departures.toml", SCENARIO).unwrap();
    let mut simulator = Simulator::with_spec(SubjectSpec {
        build: |config| Box::new(Consumer::new(*config)),
        polling: Polling::Always,
        behaviour,
        seams: None,
    });
    let mut trace = Trace::new();
    let mut longest = Duration::ZERO;
    for seed in 0..SEEDS {
        trace.clear();
        simulator
            .run(&Plan::draw(&scenario, seed), &mut trace)
            .unwrap();
        let stopped = Instant::from_millis(14_000);
        let entries = trace.entries().iter();
        let mut later = entries.filter(|entry| entry.at >= stopped);
        let next = later.find(|entry| matches!(entry.event, TraceEvent::Assigned { .. }));
        longest = longest.max(next.unwrap().at.saturating_since(stopped));
    }
    longest
}

#[test]
fn a_member_without_partitions_that_does_not_leave_holds_the_group_up_for_its_session() {
    assert!(longest_gap(Behaviour::PLIMSOLL) < Duration::from_secs(3));
    let forgets = Behaviour {
        leaves_without_partitions: false,
        ..Behaviour::PLIMSOLL
    };
    assert!(longest_gap(forgets) > Duration::from_secs(6));
}
