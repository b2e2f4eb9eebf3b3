//! A rolling restart lasts from its first stop until its last process is back.

use plimsoll_core::Instant;
use plimsoll_oracle::{Trace, TraceEvent};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use std::time::Duration;

const SCENARIO: &str = r#"
description = "A rolling restart."
duration = "40s"

[[topics]]
name = "orders"
partitions = 6

[workload]
messages = 60
rate = "3/s"

[consumers]
members = 3
"#;

/// The trace of the scenario with these faults.
fn trace(faults: &str) -> Trace {
    let scenario = format!("faults = [{faults}]\n{SCENARIO}");
    let scenario = Scenario::parse("rolling.toml", &scenario).expect("it is a scenario");
    let mut trace = Trace::new();
    let ran = Simulator::new().run(&Plan::draw(&scenario, 1), &mut trace);
    assert_eq!(ran, Ok(()));
    trace
}

/// The moment of the last observation of this kind.
#[track_caller]
fn last(trace: &Trace, is_it: impl Fn(&TraceEvent) -> bool) -> Instant {
    let mut entries = trace.entries().iter().rev();
    entries
        .find(|entry| is_it(&entry.event))
        .expect("observed")
        .at
}

fn began(trace: &Trace) -> Instant {
    last(trace, |event| {
        matches!(event, TraceEvent::FaultBegan { .. })
    })
}

fn ended(trace: &Trace) -> Instant {
    last(trace, |event| {
        matches!(event, TraceEvent::FaultEnded { .. })
    })
}

#[test]
fn a_roll_over_members_ends_when_the_last_one_runs_again() {
    let trace = trace(r#"{ at = "10s", do = "rolling-restart", for = "4s" }"#);
    let started = last(&trace, |event| {
        matches!(event, TraceEvent::MemberStarted { .. })
    });
    assert_eq!(ended(&trace), started);
    assert!(started - began(&trace) >= Duration::from_secs(8));
}

#[test]
fn a_roll_over_brokers_ends_when_the_last_one_is_in_sync_again() {
    let trace = trace(r#"{ at = "10s", do = "rolling-broker-restart", for = "5s" }"#);
    let lasted = ended(&trace) - began(&trace);
    // Each of three brokers takes 3.5 s to 7 s to start again, and the next one waits for it.
    assert!(lasted > Duration::from_millis(13_500), "{lasted:?}");
    assert!(lasted < Duration::from_secs(23), "{lasted:?}");
}

#[test]
fn brokers_wait_for_each_other() {
    let trace = trace(r#"{ at = "10s", do = "rolling-broker-restart", for = "1ms" }"#);
    let lasted = ended(&trace) - began(&trace);
    assert!(lasted > Duration::from_millis(100), "{lasted:?}");
}

#[test]
fn a_roll_over_a_process_that_does_not_end_is_ended_by_the_healing() {
    let trace = trace(
        r#"{ at = "9s", do = "pause", member = "consumer-2" },
           { at = "10s", do = "rolling-restart", for = "4s" }"#,
    );
    let healed = last(&trace, |event| *event == TraceEvent::Healed);
    assert_eq!(ended(&trace), healed);
}
