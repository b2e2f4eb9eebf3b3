//! Consumers that stand still, give up badly, stop badly or end by themselves are convicted.

use super::{Control, drains, exits, stalls};
use crate::{FAILURES_AND_A_CRASH, REBALANCES, convicts, violated};
use plimsoll_oracle::Property;
use std::collections::BTreeSet;

/// Commits are refused for a second, with an error upon which the client does not try again.
const REFUSED_COMMITS: &str = r#"
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
error = "REBALANCE_IN_PROGRESS"
for = "1s"
"#;

#[test]
fn revoked_buffer_delivered_is_a_zombie() {
    convicts::<drains::RevokedBufferDelivered>(REBALANCES, &[Property::NoZombie]);
}

#[test]
fn a_partition_that_is_never_resumed_is_stuck_and_does_not_progress() {
    convicts::<stalls::NeverResumes>(
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
        &[Property::Liveness, Property::Progress],
    );
}

#[test]
fn a_failed_commit_that_stops_everything_is_stuck() {
    convicts::<stalls::CommitFailureStops>(REFUSED_COMMITS, &[Property::Liveness]);
}

#[test]
fn an_unanswered_revocation_is_noticed() {
    convicts::<drains::NeverAnswersRevoke>(
        &REBALANCES.replace("[handler]", "poll_deadline = \"5m\"\n[handler]"),
        &[Property::Liveness],
    );
}

#[test]
fn a_stop_without_a_commit_is_not_clean() {
    convicts::<drains::ClosesAtOnce>(
        &REBALANCES.replace("500ms", "5s"),
        &[Property::CleanShutdown],
    );
}

#[test]
fn a_partition_forgotten_until_the_next_rebalance_does_not_progress() {
    convicts::<stalls::ForgetsAfterFailedCommit>(REFUSED_COMMITS, &[Property::Progress]);
}

#[test]
fn a_pause_that_outlives_its_assignment_is_stuck() {
    convicts::<stalls::PauseOutlivesAssignment>(
        include_str!("../../../scenarios/library/commit/tiny-buffers-eager.toml"),
        &[Property::Liveness],
    );
}

#[test]
fn what_a_drain_cancels_is_not_finished() {
    convicts::<drains::CancelledCountsAsFinished>(
        include_str!("../../../scenarios/library/rebalance/drain-deadline.toml"),
        &[Property::CommitCoversOnlyFinished, Property::NoLoss],
    );
}

#[test]
fn a_stop_does_not_wait_for_handlers_that_were_given_up() {
    convicts::<drains::ExpiredStaysInFlight>(
        include_str!("../../../scenarios/library/shutdown/stop-after-timeout.toml"),
        &[Property::CleanShutdown],
    );
}

#[test]
fn a_process_that_ends_by_itself_is_noticed() {
    convicts::<exits::EndsWhenACommitFails>(REFUSED_COMMITS, &[Property::NoExit]);
    convicts::<exits::EndsWhenAHandlerFails>(FAILURES_AND_A_CRASH, &[Property::NoExit]);
    convicts::<exits::EndsWhenRevoked>(REBALANCES, &[Property::NoExit]);
}

/// Members that end are started again at the healing, and catch up: every other property holds.
#[test]
fn members_that_all_end_violate_no_exit_unless_the_scenario_allows_it() {
    let allowed = include_str!("../../../scenarios/library/rebalance/static-members-fenced.toml");
    assert_eq!(violated::<Control>(allowed), BTreeSet::new());
    let never = allowed.replace("exits = \"allowed\"", "exits = \"never\"");
    let expected = BTreeSet::from([Property::NoExit]);
    assert_eq!(violated::<Control>(&never), expected);
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
        include_str!("../../../scenarios/library/topic/retention.toml"),
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
