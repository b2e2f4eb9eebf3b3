//! A scenario that plays on a cluster that is served.

use crate::wire::{commit, connect, events, eventually, http};
use plimsoll_scenarios::{Plan, Scenario};
use plimsoll_serve::{Options, Served, serve};
use serde_json::Value;

/// Serves a scenario with three brokers and 30 messages in a third of a second, until its healing.
fn playing(duration: &str, rest: &str) -> Served {
    let text = format!(
        r#"
        name = "a test"
        duration = "{duration}"

        [[topics]]
        name = "t"
        partitions = 2

        [workload]
        messages = 30
        rate = 100.0

        {rest}
        "#
    );
    let scenario = Scenario::parse("test.toml", &text).expect("a scenario");
    serve(Options::of(Plan::draw(&scenario, 1))).expect("there are free ports")
}

/// Waits for something to happen. Returns it.
fn happens(cluster: &Served, event: &str, fault: &str) -> Value {
    let mut found = None;
    let is_there = || {
        let mut events = events(cluster, event).into_iter();
        found = events.find(|entry| entry["fault"].as_str().unwrap_or("").contains(fault));
        found.is_some()
    };
    assert!(
        eventually(is_there),
        "no {event} of {fault}: {}",
        http(cluster, "GET /trace").1
    );
    found.expect("it was found")
}

fn partitions(cluster: &Served) -> Vec<Value> {
    let (_, body) = http(cluster, "GET /cluster");
    let cluster: Value = serde_json::from_str(&body).expect("JSON");
    let mut topics = cluster["topics"].as_array().expect("a list").iter();
    let topic = topics
        .find(|topic| topic["name"] == "t")
        .expect("it was created");
    topic["partitions"].as_array().expect("a list").clone()
}

#[test]
fn its_topics_are_there_at_once_and_its_messages_come() {
    let cluster = playing("1s", "");
    assert_eq!(cluster.brokers().len(), 3);
    assert_eq!(partitions(&cluster).len(), 2);
    assert!(eventually(|| !events(&cluster, "produced").is_empty()));
    let produced = &events(&cluster, "produced")[0];
    assert_eq!(produced["messages"], 30);
    assert_eq!(produced["failed"], 0);
    let ends = partitions(&cluster).into_iter();
    let ends = ends.map(|partition| partition["high_watermark"].as_u64().expect("a number"));
    assert_eq!(ends.sum::<u64>(), 30, "each of them once");
}

#[test]
fn faults_of_brokers_and_topics_happen_at_their_times() {
    let cluster = playing(
        "3s",
        r#"
        [[faults]]
        at = "100ms"
        do = "leader-move"
        partition = "t-0"

        [[faults]]
        at = "200ms"
        do = "add-partitions"

        [[faults]]
        at = "500ms"
        do = "retention"
        partition = "t-0"

        [[faults]]
        at = "1s"
        do = "broker-crash"
        broker = "broker-3"
        for = "300ms"
        "#,
    );
    let began = happens(&cluster, "fault-began", "broker-crash");
    assert_eq!(began["broker"], 3);
    assert!(began["at_ns"].as_u64().expect("a number") >= 1_000_000_000);
    happens(&cluster, "fault-ended", "broker-crash");
    for fault in ["leader-move", "add-partitions", "retention"] {
        happens(&cluster, "fault-ended", fault);
    }
    let missed = events(&cluster, "fault-missed");
    assert!(missed.is_empty(), "{missed:?}");
    let partitions = partitions(&cluster);
    assert_eq!(partitions.len(), 3);
    assert!(partitions[0]["log_start"].as_u64() > Some(0));
    let down = &events(&cluster, "broker-down")[0];
    assert_eq!(down["broker"], 3);
    assert!(eventually(|| !events(&cluster, "healed").is_empty()));
}

#[test]
fn what_is_done_to_consumers_is_told_and_left_to_them() {
    let cluster = playing(
        "1s",
        r#"
        [[faults]]
        at = "100ms"
        do = "crash"
        member = "consumer-1"
        for = "100ms"

        [[faults]]
        when = "revoked"
        do = "coordinator-move"
        "#,
    );
    let told = happens(&cluster, "fault-not-played", "crash");
    assert_eq!(
        told["reason"],
        "the cluster has no members of its own: do it to your consumer"
    );
    let told = happens(&cluster, "fault-not-played", "coordinator-move");
    assert!(
        told["reason"]
            .as_str()
            .expect("a text")
            .contains("inside of a consumer")
    );
}

#[test]
fn conditions_that_the_cluster_sees_trigger_faults() {
    let cluster = playing(
        "60s",
        r#"
        [cluster]
        brokers = 1
        replication = 1
        min_insync = 1

        [[faults]]
        when = "5th acknowledged"
        do = "add-partitions"

        [[faults]]
        when = "2nd commit-accepted"
        do = "lose-response"
        request = "OffsetCommit"

        [[faults]]
        when = "4th commit-in-flight"
        do = "cut"
        "#,
    );
    happens(&cluster, "fault-ended", "add-partitions");
    let mut stream = connect(&cluster, 0);
    assert_eq!(commit(&mut stream, "billing", 1), Some(0));
    assert_eq!(commit(&mut stream, "billing", 2), Some(0));
    assert_eq!(
        commit(&mut stream, "billing", 3),
        None,
        "the answer is lost"
    );
    happens(&cluster, "fault-ended", "lose-response");
    let mut stream = connect(&cluster, 0);
    assert_eq!(
        commit(&mut stream, "billing", 4),
        None,
        "the connection is cut before it arrives"
    );
    let missed = events(&cluster, "fault-missed");
    assert!(missed.is_empty(), "{missed:?}");
    let committed = events(&cluster, "committed");
    let last = committed.last().expect("commits");
    assert_eq!(last["next"], 3, "the cut one was not applied");
}

#[test]
fn what_never_came_is_told_at_the_healing() {
    let cluster = playing(
        "1s",
        r#"
        [[faults]]
        when = "commit-accepted"
        do = "rebalance"

        [[faults]]
        at = "100ms"
        do = "rebalance"
        "#,
    );
    let missed = happens(&cluster, "fault-missed", "commit-accepted");
    assert_eq!(missed["reason"], "no-condition");
    let missed = happens(&cluster, "fault-missed", "100ms");
    assert_eq!(missed["reason"], "no-effect", "there is no group");
}
