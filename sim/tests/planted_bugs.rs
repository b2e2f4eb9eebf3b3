//! Every checker is seen to catch what it exists for: bugs that real consumers had, planted
//! outside of product code, are convicted; the core without them is acquitted of the same plans.

mod planted;

use planted::{Bug, bugs, stalls};
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Property, Trace};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Polling, SubjectSpec};
use std::collections::BTreeSet;

const SEEDS: u64 = 60;

/// Returns every property that some seed violates.
fn violated<B: Bug>(scenario: &str) -> BTreeSet<Property> {
    let scenario = match Scenario::parse("planted.toml", scenario) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    let spec = SubjectSpec {
        build: planted::build::<B>,
        polling: Polling::Always,
    };
    let mut simulator = Simulator::with_spec(spec);
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

#[track_caller]
fn convicts<B: Bug>(scenario: &str, properties: &[Property]) {
    let control = violated::<bugs::Control>(scenario);
    assert!(
        control.is_empty(),
        "the core itself is convicted of {control:?}"
    );
    let violated = violated::<B>(scenario);
    for property in properties {
        assert!(
            violated.contains(property),
            "{property} held; violated: {violated:?}"
        );
    }
}

/// Handlers that fail now and then, side by side by key, and a crash.
const FAILURES_AND_A_CRASH: &str = r#"
[workload]
messages = 80
rate = "8/s"
keys = 12
[consumers]
members = 2
ordering = "key"
commit = { interval = "1s" }
retry = { attempts = 8, backoff = "500ms..2s" }
[handler]
time = "1ms..30ms"
retryable = 0.2
[[faults]]
at = "5s"
do = "crash"
member = "consumer-1"
for = "3s"
"#;

/// Members come and go while handlers are slow.
const REBALANCES: &str = r#"
[workload]
messages = 150
rate = "15/s"
[consumers]
starts = ["0s", "3s", "6s"]
commit = { interval = "500ms" }
[handler]
time = "20ms..300ms"
[[faults]]
at = "8s"
do = "stop"
member = "consumer-2"
for = "2s"
"#;

#[test]
fn parallel_max_commit_loses() {
    convicts::<bugs::ParallelMaxCommit>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn commit_polled_loses() {
    convicts::<bugs::CommitPolled>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn wrong_plus_one_loses() {
    convicts::<bugs::WrongPlusOne>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn skipped_failures_are_lost() {
    convicts::<bugs::SkipFailures>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn async_retry_rewinds() {
    convicts::<bugs::AsyncRetryReorders>(
        r#"
[workload]
messages = 80
rate = "8/s"
[consumers]
members = 1
commit = { interval = "500ms" }
[[faults]]
when = "commit-in-flight"
nth = 5
do = "lose-response"
member = "triggering"
request = "OffsetCommit"
"#,
        &[Property::NoRewind],
    );
}

#[test]
fn commit_after_revoke_is_a_zombie() {
    convicts::<bugs::CommitAfterRevoke>(
        &REBALANCES.replace("[handler]", "assignor = \"cooperative-sticky\"\n[handler]"),
        &[Property::NoZombie, Property::NoRewind],
    );
}

#[test]
fn revoked_buffer_delivered_is_a_zombie() {
    convicts::<bugs::RevokedBufferDelivered>(REBALANCES, &[Property::NoZombie]);
}

#[test]
fn forgotten_keys_lose_their_order() {
    convicts::<bugs::ForgetsKeys>(FAILURES_AND_A_CRASH, &[Property::KeyOrder]);
}

/// Some records fail more often than the budget allows, some for ever.
const DEAD_LETTERS: &str = r#"
[workload]
messages = 60
rate = "10/s"
[consumers]
members = 2
retry = { attempts = 3, backoff = "50ms..200ms" }
commit = { interval = "1s" }
[handler]
retryable = 0.2
[[handler.messages]]
message = 7
fails = "always"
[[handler.messages]]
message = 20
permanent = true
"#;

#[test]
fn dead_letters_too_soon_are_not_exact() {
    convicts::<bugs::DeadLettersTooSoon>(DEAD_LETTERS, &[Property::DeadLetterExact]);
}

#[test]
fn dead_letter_not_awaited_is_not_exact() {
    convicts::<bugs::DeadLetterNotAwaited>(
        DEAD_LETTERS,
        &[
            Property::DeadLetterExact,
            Property::CommitCoversOnlyFinished,
        ],
    );
}

#[test]
fn retries_without_end_exceed_the_budget() {
    convicts::<bugs::RetriesWithoutEnd>(DEAD_LETTERS, &[Property::BoundedRedelivery]);
}

#[test]
fn poison_loop_never_ends() {
    convicts::<bugs::PoisonLoop>(DEAD_LETTERS, &[Property::Liveness]);
}

#[test]
fn rare_commits_repeat_too_much() {
    convicts::<bugs::CommitsRarely>(
        r#"
[workload]
messages = 200
rate = "20/s"
[consumers]
members = 2
commit = { interval = "500ms" }
[expect]
duplicates_slack = "1s"
[[faults]]
at = "8s"
do = "crash"
member = "consumer-1"
for = "3s"
"#,
        &[Property::BoundedDuplicates],
    );
}

#[test]
fn a_partition_that_is_never_resumed_is_stuck() {
    convicts::<bugs::NeverResumes>(
        r#"
[workload]
messages = 100
rate = "100/s"
start = "5s"
[consumers]
members = 1
max_buffered_records = 4
[handler]
time = "10ms..50ms"
"#,
        &[Property::Liveness],
    );
}

#[test]
fn a_failed_commit_that_stops_everything_is_stuck() {
    convicts::<bugs::CommitFailureStops>(
        r#"
[workload]
messages = 120
rate = "10/s"
[consumers]
members = 2
commit = { interval = "500ms" }
[[faults]]
at = "8s"
do = "error"
request = "OffsetCommit"
error = "COORDINATOR_NOT_AVAILABLE"
for = "1s"
"#,
        &[Property::Liveness],
    );
}

#[test]
fn an_unanswered_revocation_is_noticed() {
    convicts::<bugs::NeverAnswersRevoke>(
        &REBALANCES.replace("[handler]", "poll_deadline = \"5m\"\n[handler]"),
        &[Property::Liveness],
    );
}

#[test]
fn a_stop_without_a_commit_is_not_clean() {
    convicts::<bugs::ClosesAtOnce>(
        &REBALANCES.replace("500ms", "5s"),
        &[Property::CleanShutdown],
    );
}

#[test]
fn latest_without_a_first_commit_loses() {
    convicts::<bugs::LatestUncommitted>(
        r#"
[workload]
messages = 40
rate = "10/s"
start = "9s"
[consumers]
members = 1
initial = "latest"
[[faults]]
at = "7s"
do = "stop"
member = "consumer-1"
for = "10s"
"#,
        &[Property::NoLoss],
    );
}

#[test]
fn a_new_partition_read_from_its_end_loses() {
    convicts::<bugs::LatestNewPartition>(
        r#"
[workload]
messages = 300
rate = "20/s"
[consumers]
members = 2
initial = "latest"
metadata_refresh = "5s"
[[faults]]
at = "9s"
do = "add-partitions"
topic = "orders"
count = 2
"#,
        &[Property::NoLoss],
    );
}

const BROKERS_STALL_IN_TURN: &str =
    include_str!("../../scenarios/library/broker/brokers-stall-in-turn.toml");

#[test]
fn a_partition_forgotten_until_the_next_rebalance_does_not_progress() {
    convicts::<stalls::ForgetsAfterFailedCommit>(BROKERS_STALL_IN_TURN, &[Property::Progress]);
}

#[test]
fn a_paused_partition_that_is_never_resumed_does_not_progress() {
    convicts::<bugs::NeverResumes>(
        r#"
[workload]
messages = 100
rate = "100/s"
start = "5s"
[consumers]
members = 1
max_buffered_records = 4
[handler]
time = "10ms..50ms"
"#,
        &[Property::Progress],
    );
}

#[test]
fn a_failure_whose_result_is_dropped_does_not_progress() {
    convicts::<stalls::DropsFailures>(
        &FAILURES_AND_A_CRASH.replace("ordering = \"key\"", "ordering = \"partition\""),
        &[Property::Progress],
    );
}

#[test]
fn a_position_out_of_range_for_good_does_not_progress() {
    convicts::<stalls::NeverSeeks>(
        include_str!("../../scenarios/library/topic/retention.toml"),
        &[Property::Progress, Property::Liveness],
    );
}

/// The last commit before the healing is refused, and no listed message follows it.
#[test]
fn a_failed_commit_that_the_next_record_makes_good_is_live() {
    let violated = violated::<stalls::ForgetsFailedCommits>(
        r#"
[workload]
messages = 40
rate = "10/s"
[consumers]
members = 2
commit = { interval = "1s" }
[[faults]]
at = "3s"
do = "error"
request = "OffsetCommit"
error = "COORDINATOR_NOT_AVAILABLE"
for = "10s"
"#,
    );
    assert!(violated.is_empty(), "{violated:?}");
}

/// Takes one stored record away: `acked-is-durable` guards the simulated cluster itself.
#[test]
fn a_cluster_that_forgets_is_noticed() {
    let scenario = Scenario::parse("planted.toml", "[workload]\nmessages = 20\n").unwrap();
    let plan = Plan::draw(&scenario, 1);
    let mut trace = Trace::new();
    Simulator::new().run(&plan, &mut trace).unwrap();
    let mut forgetful = Trace::new();
    let stored = |event| matches!(event, plimsoll_oracle::TraceEvent::Stored { .. });
    let lost = trace
        .entries()
        .iter()
        .position(|entry| stored(entry.event))
        .unwrap();
    for (index, entry) in trace.entries().iter().enumerate() {
        if index != lost {
            forgetful.push(entry.at, entry.event);
        }
    }
    let mut judge = Judge::new();
    assert!(
        !judge
            .judge(&plan.terms(), &trace, &[])
            .violates(Property::AckedIsDurable)
    );
    assert!(
        judge
            .judge(&plan.terms(), &forgetful, &[])
            .violates(Property::AckedIsDurable)
    );
}
