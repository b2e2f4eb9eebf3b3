//! What an `error` fault does to a client: each error that brokers answer with is what real clients
//! take it for, and no right consumer is blamed for what an answer forces.
//!
//! The files in `errors/` have the errors of each kind of request, in one line those that no trace
//! tells apart, for a subject on each client library. librdkafka 2.12.1 takes them so:
//!
//! - Fetch (`rd_kafka_fetch_reply_handle_partition_error`): out of range resets the position; upon
//!   all others the leader is asked for again, and the partition waits.
//! - ListOffsets (`rd_kafka_handle_ListOffsets`): all but one refresh the metadata.
//! - Metadata (`rd_kafka_parse_Metadata_update_topic`): a topic without a leader is news of
//!   nothing; one that does not exist leaves the subscription, and with it its partitions.
//! - OffsetCommit (`rd_kafka_handle_OffsetCommit_error`): some are sent again, or deferred; two end
//!   the membership, and a fenced member ends. The trace names the error.
//! - OffsetFetch: some make the client look for the coordinator. librdkafka itself asks again only
//!   after some (`StartRetries`); Plimsoll's consumer, which is tried here, after all.
//! - JoinGroup (`rd_kafka_cgrp_handle_JoinGroup`): a coordinator that is none is looked for; an
//!   unknown member forgets its id; a fenced one ends; upon all others the member joins again, also
//!   where that is in vain: neither Plimsoll's consumer nor the recipes end upon an error that is
//!   not fatal to the client (Java's client throws).
//! - SyncGroup (`rd_kafka_cgrp_handle_SyncGroup`): as with JoinGroup; an old generation loses its
//!   partitions too, and what a coordinator that loads refused is sent again.
//! - Heartbeat (`rd_kafka_cgrp_handle_Heartbeat`): each says something else of the membership.
//! - LeaveGroup (`rd_kafka_cgrp_handle_LeaveGroup`): the client ends, whatever the answer says.
//!
//! Sarama differs in Metadata (`client.updateMetadata`: a session goes on with what it has), Fetch
//! (`brokerConsumer.handleResponses`: out of range ends the session), and all that concerns the
//! group (`consumerGroup.joinSync`, `consumerGroupSession.heartbeatLoop`,
//! `offsetManager.fetchInitialOffset`, `offsetManager.handleResponse`), where its versions differ.
//!
//! Java differs in what concerns the group (`AbstractCoordinator.JoinGroupResponseHandler`,
//! `SyncGroupResponseHandler`, `HeartbeatResponseHandler`): nothing is sent again as it was, and a
//! member that joins is told of an old generation too. In OffsetCommit
//! (`ConsumerCoordinator.OffsetCommitResponseHandler`) a group that rebalances has the member join.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{ErrorName, RequestKind, Trace, Word};
use plimsoll_scenarios::{Backend, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;

/// A group in which every kind of request is made while the fault lasts: a member joins, another
/// leaves and comes back, the coordinator moves, metadata are asked for all the time.
fn scenario(assignor: &str, request: RequestKind, error: ErrorName) -> Scenario {
    let text = format!(
        r#"
duration = "32s"
[[topics]]
name = "orders"
partitions = 4
[workload]
messages = 160
rate = "6/s"
[consumers]
starts = ["0s", "0s", "13s"]
assignor = "{assignor}"
session_timeout = "6s"
heartbeat = "500ms"
metadata_refresh = "1s"
commit = {{ interval = "500ms" }}
[handler]
time = "5ms..60ms"
[[faults]]
at = "12500ms"
do = "error"
request = "{request}"
error = "{error}"
share = 0.8
for = "4s"
[[faults]]
at = "14s"
do = "coordinator-move"
[[faults]]
at = "14500ms"
do = "stop"
member = "consumer-2"
for = "1s"
[[faults]]
at = "15s"
do = "retention"
partition = "orders-1"
share = 0.2
[expect]
exits = "allowed"
"#
    );
    match Scenario::parse("errors.toml", &text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    }
}

const ASSIGNORS: [&str; 2] = ["range", "cooperative-sticky"];
const SEEDS: [u64; 2] = [1, 4];

/// Runs what an error does, under both protocols. Joins that are refused are two seconds apart: in
/// one run there may be none, while the fault lasts, of a member that has an id.
fn traces(subject: Subject, request: RequestKind, error: ErrorName) -> Vec<Trace> {
    let mut simulator = Simulator::with_subject(subject);
    let runs = ASSIGNORS.iter().flat_map(|a| SEEDS.map(|seed| (a, seed)));
    let traces = runs.map(|(assignor, seed)| {
        let plan = Plan::draw(&scenario(assignor, request, error), seed);
        let mut trace = Trace::new();
        simulator.run(&plan, &mut trace).unwrap();
        trace
    });
    traces.collect()
}

/// Returns the errors of a request, those that no trace tells apart side by side.
fn classes(subject: Subject, request: RequestKind) -> String {
    let mut classes: Vec<(Vec<Trace>, Vec<&str>)> = Vec::new();
    for &error in ErrorName::of_request(request) {
        let traces = traces(subject, request, error);
        match classes.iter_mut().find(|(known, _)| *known == traces) {
            Some((_, errors)) => errors.push(error.word()),
            None => classes.push((traces, vec![error.word()])),
        }
    }
    let mut lines: Vec<_> = classes
        .iter()
        .map(|(_, errors)| errors.join(" = "))
        .collect();
    lines.sort_unstable();
    format!("{request}\n    {}\n", lines.join("\n    "))
}

#[test]
fn errors_are_told_apart_as_clients_tell_them_apart() {
    let mut others = Vec::new();
    for (subject, expected) in [
        (Subject::Plimsoll, include_str!("errors/librdkafka.txt")),
        (
            Subject::Sarama160AutoMark,
            include_str!("errors/sarama-1.60.txt"),
        ),
        (
            Subject::SaramaAutoMark,
            include_str!("errors/sarama-1.61.txt"),
        ),
        (Subject::JavaCommitSync, include_str!("errors/java.txt")),
    ] {
        let requests = RequestKind::ALL.iter();
        let table: String = requests.map(|kind| classes(subject, *kind)).collect();
        if table != expected {
            let path = std::env::temp_dir().join(format!("errors-{subject}.txt"));
            std::fs::write(&path, &table).expect("the table can be written");
            others.push(path);
        }
    }
    assert!(others.is_empty(), "other tables, now in {others:?}");
}

#[test]
fn the_core_is_acquitted_whatever_brokers_answer() {
    let mut simulator = Simulator::new();
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    for &request in RequestKind::ALL {
        for &error in ErrorName::of_request(request) {
            for (assignor, seed) in ASSIGNORS.iter().flat_map(|a| (0..8).map(move |s| (a, s))) {
                let plan = Plan::draw(&scenario(assignor, request, error), seed);
                trace.clear();
                simulator.run(&plan, &mut trace).unwrap();
                let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
                let violated: Vec<_> = verdict.violations().collect();
                assert!(
                    violated.is_empty(),
                    "{request} {error} {assignor} {seed}: {violated:?}"
                );
            }
        }
    }
}
