//! What Java's poll loop promises: nothing is committed of which the handler has not returned,
//! other than in librdkafka; but past what failed and was logged, the commit goes.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Property, Trace};
use plimsoll_scenarios::{Backend, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;
use std::collections::BTreeSet;

const SEEDS: u64 = 50;

const JAVA: [Subject; 2] = [Subject::JavaAutoCommit, Subject::JavaCommitSync];

/// Members that are killed and stopped while they handle what they polled.
const SCENARIO: &str = r#"
duration = "20s"
[[topics]]
name = "orders"
partitions = 4
[workload]
messages = 200
rate = "20/s"
start = "1s"
[consumers]
members = 2
initial = "earliest"
commit = { interval = "1s" }
[handler]
time = "5ms..50ms"
retryable = SHARE
[[faults]]
at = "6300ms"
do = "crash"
member = "consumer-1"
for = "2s"
[[faults]]
at = "10700ms"
do = "stop"
member = "consumer-2"
for = "2s"
[expect]
liveness_within = "40s"
duplicates_slack = "3s"
"#;

/// Returns the properties that a subject violates in any schedule, where this share of its handlers
/// fails.
fn violated(subject: Subject, failing: &str) -> BTreeSet<Property> {
    let text = SCENARIO.replace("SHARE", failing);
    let scenario = Scenario::parse("java.toml", &text).expect("it is a scenario");
    let mut simulator = Simulator::with_subject(subject);
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    let mut violated = BTreeSet::new();
    for seed in 0..SEEDS {
        let plan = Plan::draw(&scenario, seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        violated.extend(verdict.violations().map(|(property, _)| property));
    }
    violated
}

#[test]
fn java_keeps_every_promise_where_no_handler_fails() {
    for subject in JAVA {
        assert_eq!(violated(subject, "0.0"), BTreeSet::new(), "{subject}");
    }
}

/// `enable.auto.offset.store`: librdkafka stores an offset before the handler begins.
#[test]
fn auto_commit_of_librdkafka_commits_what_is_being_handled() {
    let violated = violated(Subject::AutoCommit, "0.0");
    assert!(violated.contains(&Property::CommitCoversOnlyFinished));
}

#[test]
fn java_loses_what_failed_and_was_logged() {
    for subject in JAVA {
        let violated = violated(subject, "0.1");
        assert!(violated.contains(&Property::NoLoss), "{subject}");
    }
}
