//! Trials on embedded brokers: real processes, and neither container engine nor network.

use crate::program::{Ended, command};
use std::fs;
use std::path::Path;

/// A scenario with what real brokers refuse: settings, errors of choice, a rebalance that no member
/// asks for, two brokers.
const REFUSED_BY_REAL_BROKERS: &str = r#"
description = "Commits are refused, and the group rebalances although no member comes or goes."
duration = "14s"
real_time = true

[cluster]
brokers = 2

[cluster.settings]
"group.initial.rebalance.delay.ms" = 100

[[topics]]
name = "orders"
partitions = 4

[workload]
messages = 100
rate = "10/s"
start = "2s"

[consumers]
members = 2
session_timeout = "6s"
heartbeat = "1s"
commit = { interval = "500ms" }

[handler]
time = "5ms..20ms"

[[faults]]
at = "5s"
do = "error"
request = "OffsetCommit"
error = "NOT_COORDINATOR"
share = 0.5
for = "3s"

[[faults]]
at = "9s"
do = "rebalance"
"#;

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn plimsoll_is_acquitted_with_a_cluster_for_each_schedule() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenarios = [
        "quick/member-killed",
        "quick/leader-dies",
        "quick/brokers-restarted",
    ];
    let ended = on_embedded_brokers(folder.path(), &scenarios);
    is_acquitted(&ended, scenarios.len());
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn embedded_brokers_do_what_real_ones_refuse() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("x.toml"), REFUSED_BY_REAL_BROKERS).expect("it is written");
    is_acquitted(&on_embedded_brokers(folder.path(), &["x.toml"]), 1);
}

/// librdkafka assigns a second time without a revocation, where the metadata change before the first
/// assignment is answered; a consumer that looked up starts before its answer had both, in every
/// second run.
#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_topic_that_grows_while_it_is_assigned_gets_no_second_owner() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = ["topic/partitions-added-often", "--seeds", "4"];
    let ended = on_embedded_brokers(folder.path(), &scenario);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let report = ended.json();
    assert_eq!(report["scenarios"][0]["schedules"], 4, "{report:#}");
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn embedded_brokers_say_of_plimsoll_what_the_simulator_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let places = [
        "--places",
        "sim,driver,embedded",
        "--seeds",
        "sim=20,driver=5",
    ];
    let compare = [&["compare"], &places[..], &["quick/member-killed"]].concat();
    let ended = without_engine(folder.path(), &compare);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let mut rows = ended.stdout.lines();
    let row = rows.find(|line| line.contains("quick/member-killed"));
    let cells = row.map(|row| row.matches("held").count());
    assert_eq!(cells, Some(3), "{}", ended.transcript());
}

/// Runs scenarios where there is no container engine; a fault that does not happen fails.
fn on_embedded_brokers(folder: &Path, scenarios: &[&str]) -> Ended {
    let run = ["run", "--strict", "--format", "json"];
    let brokers = ["--backend", "kafka", "--brokers", "embedded"];
    without_engine(folder, &[&run[..], &brokers, scenarios].concat())
}

fn without_engine(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::without_engine(&mut command(folder, arguments))
}

fn is_acquitted(ended: &Ended, scenarios: usize) {
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let report = ended.json();
    let found = report["scenarios"].as_array().expect("a list");
    assert_eq!(found.len(), scenarios, "{}", ended.transcript());
    for scenario in found {
        assert_eq!(scenario["schedules"], 1, "{scenario:#}");
        let mut properties = scenario["properties"].as_array().expect("a list").iter();
        let no_loss = properties.find(|one| one["property"] == "no-loss");
        assert_eq!(no_loss.expect("it is judged")["held"], 1, "{scenario:#}");
    }
}
