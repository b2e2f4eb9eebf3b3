//! Every checker is seen to catch what it exists for: bugs that real consumers had, planted
//! outside of product code, are convicted; the core without them is acquitted of the same plans.

mod planted;

use planted::{Bug, Control, commits, handlers, letters, offsets, repeats};
use plimsoll_oracle::check::{Coverage, Judge};
use plimsoll_oracle::{Property, Sometimes, Trace};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::SubjectSpec;
use std::collections::BTreeSet;

const SEEDS: u64 = 60;

/// Returns every property that some seed violates.
fn violated<B: Bug>(scenario: &str) -> BTreeSet<Property> {
    let scenario = match Scenario::parse("planted.toml", scenario) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    violated_by(planted::spec::<B>(), &scenario)
}

/// Returns every property that a subject violates under some seed.
fn violated_by(spec: SubjectSpec, scenario: &Scenario) -> BTreeSet<Property> {
    let mut simulator = Simulator::with_spec(spec);
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    let mut violated = BTreeSet::new();
    for seed in 0..SEEDS {
        let plan = Plan::draw(scenario, seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        violated.extend(verdict.violations().map(|(property, _)| property));
    }
    violated
}

#[track_caller]
fn convicts<B: Bug>(scenario: &str, properties: &[Property]) {
    let control = violated::<Control>(scenario);
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
    convicts::<commits::ParallelMaxCommit>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn commit_polled_loses() {
    convicts::<commits::CommitPolled>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn wrong_plus_one_loses() {
    convicts::<commits::WrongPlusOne>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn skipped_failures_are_lost() {
    convicts::<commits::SkipFailures>(
        FAILURES_AND_A_CRASH,
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn async_retry_rewinds() {
    convicts::<commits::AsyncRetryReorders>(
        r#"
[workload]
messages = 80
rate = "8/s"
[consumers]
members = 1
commit = { interval = "500ms" }
[[faults]]
at = "6s"
do = "error"
request = "OffsetCommit"
error = "REBALANCE_IN_PROGRESS"
share = 0.5
for = "4s"
"#,
        &[Property::NoRewind],
    );
}

#[test]
fn commit_after_revoke_is_a_zombie() {
    convicts::<commits::CommitAfterRevoke>(
        &REBALANCES.replace("[handler]", "assignor = \"cooperative-sticky\"\n[handler]"),
        &[Property::NoZombie, Property::NoRewind],
    );
}

#[test]
fn forgotten_keys_lose_their_order() {
    convicts::<handlers::ForgetsKeys>(FAILURES_AND_A_CRASH, &[Property::KeyOrder]);
}

/// Slow handlers of records without keys, some of which fail once.
const SLOW_AND_FAILING: &str = r#"
[workload]
messages = 120
rate = "30/s"
start = "4s"
[consumers]
members = 2
max_in_flight = 2
retry = { attempts = 6, backoff = "200ms..2s", jitter = 0.2 }
[handler]
time = "20ms..300ms"
retryable = 0.3
"#;

#[test]
fn one_order_for_a_whole_partition() {
    convicts::<handlers::Unordered>(SLOW_AND_FAILING, &[Property::KeyOrder]);
}

#[test]
fn skipped_failures_are_overtaken() {
    convicts::<commits::SkipFailures>(SLOW_AND_FAILING, &[Property::KeyOrder]);
}

#[test]
fn two_handlers_of_one_record_break_every_ordering() {
    for ordering in ["partition", "key", "unordered"] {
        let ordering = format!("[consumers]\nordering = \"{ordering}\"");
        let scenario = SLOW_AND_FAILING.replace("[consumers]", &ordering);
        convicts::<handlers::DispatchesTwice>(&scenario, &[Property::KeyOrder]);
    }
}

#[test]
fn limits_are_kept() {
    let unordered = "[consumers]\nordering = \"unordered\"";
    let unordered = SLOW_AND_FAILING.replace("[consumers]", unordered);
    convicts::<handlers::NoLimitOfHandlers>(&unordered, &[Property::WithinLimits]);
    convicts::<handlers::NoBackoff>(SLOW_AND_FAILING, &[Property::WithinLimits]);
    convicts::<handlers::BackoffDoesNotGrow>(SLOW_AND_FAILING, &[Property::WithinLimits]);
    convicts::<handlers::NoJitter>(SLOW_AND_FAILING, &[Property::WithinLimits]);
}

#[test]
fn a_handler_for_a_partition_of_another_is_a_zombie() {
    let scenario = SLOW_AND_FAILING.replace(
        "[workload]",
        "[[topics]]\nname = \"orders\"\npartitions = 4\n[workload]",
    );
    convicts::<handlers::MixesPartitionsUp>(&scenario, &[Property::NoZombie]);
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
    convicts::<letters::DeadLettersTooSoon>(DEAD_LETTERS, &[Property::DeadLetterExact]);
}

#[test]
fn dead_letter_not_awaited_is_not_exact() {
    convicts::<letters::DeadLetterNotAwaited>(
        DEAD_LETTERS,
        &[
            Property::DeadLetterExact,
            Property::CommitCoversOnlyFinished,
        ],
    );
}

#[test]
fn a_dead_letter_that_is_written_twice_is_not_exact() {
    convicts::<handlers::WritesLettersTwice>(DEAD_LETTERS, &[Property::DeadLetterExact]);
}

#[test]
fn a_dead_letter_of_what_went_well_is_not_exact() {
    convicts::<handlers::LettersWhatWentWell>(DEAD_LETTERS, &[Property::DeadLetterExact]);
}

#[test]
fn retries_without_end_exceed_the_budget() {
    convicts::<letters::RetriesWithoutEnd>(DEAD_LETTERS, &[Property::BoundedRedelivery]);
}

#[test]
fn poison_loop_never_ends() {
    convicts::<letters::PoisonLoop>(
        DEAD_LETTERS,
        &[Property::Liveness, Property::BoundedRedelivery],
    );
}

#[test]
fn one_try_too_many_exceeds_the_budget() {
    convicts::<repeats::OneTryTooMany>(DEAD_LETTERS, &[Property::BoundedRedelivery]);
}

#[test]
fn earlier_rebalances_do_not_raise_the_budget() {
    let joins = DEAD_LETTERS
        .replace("members = 2", "starts = [\"0s\", \"5s\", \"9s\"]")
        .replace("messages = 60", "messages = 180")
        .replace("message = 7\n", "message = 170\n");
    convicts::<repeats::BudgetGrows>(&joins, &[Property::BoundedRedelivery]);
}

/// Two members commit twice a second, and one of them is killed.
const A_CRASH: &str = r#"
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
"#;

#[test]
fn rare_commits_repeat_too_much() {
    convicts::<commits::CommitsRarely>(A_CRASH, &[Property::BoundedDuplicates]);
}

#[test]
fn no_commit_at_all_repeats_too_much() {
    convicts::<repeats::NeverCommits>(A_CRASH, &[Property::BoundedDuplicates]);
}

#[test]
fn a_start_below_the_committed_offset_repeats_too_much() {
    convicts::<repeats::BeginsBelowCommitted>(A_CRASH, &[Property::BoundedDuplicates]);
}

/// Members join, and nothing else happens.
const JOINS: [&str; 2] = [
    include_str!("../../scenarios/library/rebalance/members-join-in-peace.toml"),
    include_str!("../../scenarios/library/rebalance/rare-commits.toml"),
];

#[test]
fn no_commit_in_a_revocation_repeats_what_was_done() {
    for joins in JOINS {
        convicts::<repeats::NoCommitInRevocation>(joins, &[Property::CleanHandover]);
    }
}

#[test]
fn a_revocation_taken_for_a_loss_repeats_what_was_done() {
    for joins in JOINS {
        convicts::<repeats::RevokedTakenForLost>(joins, &[Property::CleanHandover]);
    }
}

#[test]
fn a_commit_of_one_partition_in_a_revocation_repeats_the_others() {
    for joins in JOINS {
        convicts::<repeats::CommitsOneOfRevoked>(joins, &[Property::CleanHandover]);
    }
}

#[test]
fn a_drain_without_a_commit_is_not_clean() {
    convicts::<repeats::ClosesUncommitted>(
        &REBALANCES.replace("500ms", "5s"),
        &[Property::CleanShutdown],
    );
}

#[test]
fn a_stop_that_is_not_heard_is_not_clean() {
    convicts::<repeats::NeverStops>(
        &format!("duration = \"60s\"\n{REBALANCES}"),
        &[Property::CleanShutdown],
    );
}

#[test]
fn latest_without_a_first_commit_loses() {
    convicts::<offsets::LatestUncommitted>(
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
    convicts::<offsets::LatestNewPartition>(
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

/// A backlog, and brokers that say out-of-range of offsets that they hold.
const OUT_OF_RANGE_IN_RANGE: &str =
    include_str!("../../scenarios/library/topic/out-of-range-in-range.toml");

#[test]
fn out_of_range_to_the_end_loses_the_backlog() {
    convicts::<offsets::OutOfRangeToTheEnd>(
        OUT_OF_RANGE_IN_RANGE,
        &[Property::NoLoss, Property::CommitCoversOnlyFinished],
    );
}

/// What the scenario itself skips is lost by decision, and named; nothing else is broken by it.
#[test]
fn what_the_scenario_skips_is_lost() {
    let skipped = include_str!("planted/offsets-skipped.toml");
    let expected = BTreeSet::from([Property::NoLoss]);
    assert_eq!(violated::<Control>(skipped), expected);
}

/// A partition that halts leaves no trace of a seek, and is told of all the same.
#[test]
fn a_partition_that_halts_is_told_of() {
    let halts = include_str!("planted/out-of-range-halts.toml");
    let scenario = Scenario::parse("halts.toml", halts).unwrap();
    let mut trace = Trace::new();
    let plan = Plan::draw(&scenario, 1);
    Simulator::new().run(&plan, &mut trace).unwrap();
    let mut coverage = Coverage::default();
    coverage.add(&trace);
    let out_of_range = coverage
        .counts()
        .find(|(rare, _)| *rare == Sometimes::OutOfRange);
    assert!(out_of_range.is_some_and(|(_, count)| count > 0));
    // The records behind the halt are late, by the setting's own will.
    let violated = violated::<Control>(halts);
    assert!(
        violated.is_subset(&BTreeSet::from([Property::Liveness])),
        "{violated:?}"
    );
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
