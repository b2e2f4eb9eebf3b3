//! Consumers that take a group back are convicted.

use super::commits;
use crate::{REBALANCES, convicts, violated_by};
use plimsoll_oracle::Property;
use plimsoll_scenarios::{Scenario, Subject};
use plimsoll_sim::recipes::SubjectSpec;
use std::collections::BTreeSet;

#[test]
fn a_first_commit_of_the_start_rewinds() {
    convicts::<commits::FirstCommitIsTheStart>(REBALANCES, &[Property::NoRewind]);
}

#[test]
fn a_stale_commit_rewinds() {
    convicts::<commits::StaleCommitThread>(REBALANCES, &[Property::NoRewind]);
}

/// Connections are closed whose commits arrive after later ones; in the one the group is idle by
/// then, in the other it often is.
const LATE_COMMITS: [&str; 2] = [
    include_str!("../../../scenarios/library/network/late-commit-idle.toml"),
    include_str!("../../../scenarios/library/network/late-commit.toml"),
];

#[test]
fn a_late_commit_that_is_not_made_good_rewinds() {
    for late in LATE_COMMITS {
        convicts::<commits::NeverCommitsAgain>(late, &[Property::NoRewind]);
    }
}

/// A commit that took less than a second was sent twice, on two connections: the client gave the
/// first one up for an older request that waited on it.
#[test]
fn a_late_first_copy_that_is_not_made_good_rewinds() {
    let text = include_str!("../../../scenarios/library/network/resent-commit.toml");
    convicts::<commits::NeverCommitsAgain>(text, &[Property::NoRewind]);
}

/// Commits wait for their outcome, which is often a refusal, while those of older ones are told
/// again.
const SLOW_AND_REFUSED_COMMITS: &str = r#"
[[topics]]
name = "orders"
partitions = 4
[workload]
messages = 160
rate = "20/s"
start = "5s"
[consumers]
members = 4
session_timeout = "10s"
heartbeat = "1s"
request_timeout = "3s"
commit = { interval = "500ms" }
[[faults]]
at = "6s"
do = "throttle"
broker = "coordinator"
by = "900ms"
for = "12s"
[[faults]]
at = "6s"
do = "error"
request = "OffsetCommit"
error = "COORDINATOR_LOAD_IN_PROGRESS"
share = 0.6
for = "11s"
"#;

#[test]
fn an_outcome_taken_for_that_of_another_commit_rewinds() {
    convicts::<commits::IgnoresCommitIds>(SLOW_AND_REFUSED_COMMITS, &[Property::NoRewind]);
}

/// The coordinator drops a static cooperative member while it joins. By its next join it comes back
/// with what others had meanwhile, and commits that in the new generation, unless it notices that
/// there was a generation without it.
#[test]
fn a_static_member_that_was_left_out_commits_what_others_had() {
    let text =
        include_str!("../../../scenarios/library/rebalance/left-out-static-cooperative.toml");
    let scenario = Scenario::parse("left-out.toml", text).unwrap();
    let violated = |checks_generations| {
        let mut spec = SubjectSpec::of(Subject::Plimsoll).expect("it is ours");
        spec.behaviour.checks_generations = checks_generations;
        violated_by(spec, &scenario)
    };
    assert_eq!(violated(true), BTreeSet::new());
    assert!(violated(false).contains(&Property::NoRewind));
}
