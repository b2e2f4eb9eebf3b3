//! What Java's poll loop promises: nothing is committed of which the handler has not returned,
//! other than in librdkafka; but past what failed and was logged, the commit goes. And the poll
//! deadline is one for all records of a poll.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Property, Trace, TraceEvent};
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

/// A member that finds a backlog, of which each record takes its time.
const BACKLOG: &str = r#"
duration = "40s"
[[topics]]
name = "orders"
partitions = 1
[workload]
messages = 100
rate = "20/s"
[consumers]
starts = ["8s"]
initial = "earliest"
session_timeout = "6s"
heartbeat = "2s"
poll_deadline = "10s"
[handler]
time = "300ms"
"#;

/// Members that join while others are busy, and keep what does not move.
const COOPERATIVE: &str = r#"
duration = "15s"
[[topics]]
name = "orders"
partitions = 6
[workload]
messages = 100
rate = "8/s"
start = "2s"
[consumers]
starts = ["0s", "5s", "8s"]
initial = "earliest"
assignor = "cooperative-sticky"
session_timeout = "6s"
heartbeat = "1s"
commit = { interval = "1s" }
[handler]
time = "100ms..500ms"
"#;

/// Returns the properties that a subject violates in any schedule, and the number of those in which
/// it loses partitions.
fn outcome(subject: Subject, text: &str) -> (BTreeSet<Property>, u64) {
    let scenario = Scenario::parse("java.toml", text).expect("it is a scenario");
    let mut simulator = Simulator::with_subject(subject);
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    let (mut violated, mut losses) = (BTreeSet::new(), 0);
    for seed in 0..SEEDS {
        let plan = Plan::draw(&scenario, seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        violated.extend(verdict.violations().map(|(property, _)| property));
        let mut entries = trace.entries().iter();
        losses += u64::from(entries.any(|entry| matches!(entry.event, TraceEvent::Lost { .. })));
    }
    (violated, losses)
}

/// Returns the properties that a subject violates, where this share of its handlers fails.
fn violated(subject: Subject, failing: &str) -> BTreeSet<Property> {
    outcome(subject, &SCENARIO.replace("SHARE", failing)).0
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

/// `max.poll.interval.ms` is shorter than the time for `max.poll.records`: the member leaves before
/// it has committed, and begins with the same records again. librdkafka's loop polls between two of
/// them.
#[test]
fn java_that_polls_more_than_it_can_handle_in_time_gets_no_further() {
    let (violated, losses) = outcome(Subject::JavaCommitSync, BACKLOG);
    assert_eq!(losses, SEEDS);
    assert!(violated.contains(&Property::BoundedDuplicates));
    assert_eq!(outcome(Subject::AutoCommit, BACKLOG).1, 0);
}

/// A poll that sends a join returns records all the same, and until it is through no commit is sent
/// (`generationIfStable`); the loop does not commit again when the rebalance ends. On embedded
/// brokers, the program `Recipe.java` with kafka-clients 4.3.1 broke this promise in 3 of 5 runs of
/// `quick/member-joins`, and in 6 of 6 with auto-commit.
#[test]
fn java_does_not_commit_what_it_handles_while_it_joins_cooperatively() {
    for subject in JAVA {
        let (violated, _) = outcome(subject, COOPERATIVE);
        assert!(violated.contains(&Property::CleanHandover), "{subject}");
    }
    for (subject, assignor) in [
        (Subject::JavaAutoCommit, "range"),
        (Subject::JavaCommitSync, "range"),
        (Subject::Plimsoll, "cooperative-sticky"),
    ] {
        let scenario = COOPERATIVE.replace("cooperative-sticky", assignor);
        let (violated, _) = outcome(subject, &scenario);
        assert!(!violated.contains(&Property::CleanHandover), "{subject}");
    }
}
