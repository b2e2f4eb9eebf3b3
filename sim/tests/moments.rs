//! Faults at moments inside of a rebalance, which no entry of a trace tells.

use plimsoll_core::TopicPartition;
use plimsoll_oracle::{FaultId, MemberId, Trace, TraceEvent, Word};
use plimsoll_scenarios::scenario::Condition;
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use std::collections::BTreeMap;

/// A group that rebalances at 8 s, although no member comes or goes, and in which a member is
/// paused for longer than its session; `fault` is one more.
fn run(fault: &str) -> Trace {
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
[handler]
time = "50ms..400ms"
[[faults]]
id = 1
at = "8s"
do = "rebalance"
[[faults]]
id = 2
at = "12s"
do = "pause"
member = "consumer-1"
for = "8s"
{fault}
"#
    );
    let scenario = match Scenario::parse("moments.toml", &text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    let mut trace = Trace::new();
    let plan = Plan::draw(&scenario, 3);
    Simulator::new().run(&plan, &mut trace).unwrap();
    trace
}

#[test]
fn every_moment_comes_true_and_names_its_member() {
    for condition in Condition::ALL {
        let is_new = condition.moment().is_some() || *condition == Condition::PartitionsLost;
        if !is_new {
            continue;
        }
        let trace = run(&format!(
            "[[faults]]\nid = 3\nwhen = \"{condition}\"\ndo = \"cut\"\nmember = \"triggering\"\n"
        ));
        let mut events = trace.entries().iter().map(|entry| entry.event);
        let began = events.any(|event| {
            let TraceEvent::FaultBegan { fault, member, .. } = event else {
                return false;
            };
            fault == FaultId(3) && member.is_some()
        });
        assert!(began, "{condition}");
    }
}

/// Returns the owner of each partition before a moment in seconds.
fn owners(trace: &Trace, before: u64) -> BTreeMap<TopicPartition, MemberId> {
    let entries = trace.entries().iter();
    let entries = entries.filter(|entry| entry.at.as_nanos() < before * 1_000_000_000);
    let assigned = entries.filter_map(|entry| match entry.event {
        TraceEvent::Assigned {
            member, partition, ..
        } => Some((partition, member)),
        _ => None,
    });
    assigned.collect()
}

#[test]
fn a_rebalance_leaves_each_member_what_it_had() {
    let trace = run("");
    assert_eq!(owners(&trace, 8), owners(&trace, 12));
    let assigned = |from: u64, to: u64| {
        let entries = trace.entries().iter();
        let within = entries.filter(|entry| {
            let second = entry.at.as_nanos() / 1_000_000_000;
            from <= second && second < to
        });
        let is_assigned = |event: &TraceEvent| matches!(event, TraceEvent::Assigned { .. });
        within.filter(|entry| is_assigned(&entry.event)).count()
    };
    assert_eq!((assigned(0, 8), assigned(8, 12)), (4, 4), "all anew");
}
