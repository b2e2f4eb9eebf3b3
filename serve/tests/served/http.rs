//! Faults and state over HTTP.

use crate::wire::{METADATA, answer, ask, commit, connect, done, events, frame, http, served};
use bytes::Bytes;
use kafka_protocol::messages::MetadataRequest;
use plimsoll_serve::Served;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Metadata v4 of all topics, of a client with a name.
fn metadata_of(client: &'static str) -> Bytes {
    frame(&MetadataRequest::default().with_topics(None), client, 4)
}

fn cluster_of(cluster: &Served) -> Value {
    let (status, body) = http(cluster, "GET /cluster");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Returns whether nothing is answered for a while.
fn is_silent(stream: &mut TcpStream) -> bool {
    let timeout = |millis| Some(Duration::from_millis(millis));
    stream.set_read_timeout(timeout(300)).expect("a timeout");
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(timeout(30_000)).expect("a timeout");
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn brokers_are_paused_and_healed() {
    let cluster = served(2);
    let state = || cluster_of(&cluster)["brokers"][1]["state"].clone();
    assert_eq!(state(), "serving");
    done(&cluster, "/brokers/2/pause");
    assert_eq!(state(), "paused");
    done(&cluster, "/heal");
    assert_eq!(state(), "serving");
    let asked = events(&cluster, "asked");
    let faults: Vec<_> = asked.iter().map(|entry| &entry["fault"]).collect();
    assert_eq!(faults, ["/brokers/2/pause", "/heal"]);
}

/// Requests that make no sense, or that cannot be done; the status and a part of each answer.
const MISTAKES: [(&str, u16, &str); 18] = [
    (
        "POST /brokers/7/crash",
        404,
        "there is no broker 7; there are 1, 2",
    ),
    ("POST /brokers/2/crsh", 404, "did you mean crash?"),
    ("POST /brokers/2/throttle", 400, "how long is missing: ms=N"),
    (
        "POST /groups/biling/rebalance",
        404,
        "did you mean billing?",
    ),
    (
        "POST /groups/billing/rebalance",
        409,
        "the group is not stable",
    ),
    (
        "POST /groups/billing/move",
        404,
        "did you mean move-coordinator?",
    ),
    (
        "POST /topics/orders/0/move-leader",
        404,
        "there is no topic orders",
    ),
    (
        "POST /topics/__consumer_offsets/50/move-leader",
        404,
        "has no partition 50; it has 50, from 0 on",
    ),
    (
        "POST /fail?request=OfsetCommit&error=NOT_COORDINATOR",
        400,
        "did you mean OffsetCommit?",
    ),
    (
        "POST /fail?request=OffsetCommit&error=NOT_COORDINATR",
        400,
        "did you mean NOT_COORDINATOR?",
    ),
    ("POST /fail?request=Fetch", 400, "missing field `error`"),
    (
        "POST /fail?request=Fetch&error=NOT_COORDINATOR&broker=9",
        404,
        "there is no broker 9",
    ),
    ("POST /cut?clientid=c", 400, "unknown field `clientid`"),
    (
        "POST /hold?direction=request",
        400,
        "did you mean requests?",
    ),
    ("POST /end?fault=3", 404, "no hold or delay has number 3"),
    ("POST /heel", 404, "did you mean heal?"),
    ("POST /edn?fault=3", 404, "did you mean end?"),
    ("GET /heal", 405, "/heal wants POST, not GET"),
];

#[test]
fn mistakes_are_told_with_the_right_word() {
    let cluster = served(2);
    let mut stream = connect(&cluster, 0);
    commit(&mut stream, "billing", 0);
    for (request, status, text) in MISTAKES {
        let (answered, body) = http(&cluster, request);
        assert_eq!(answered, status, "{request}: {body}");
        assert!(body.contains(text), "{request}: {body}");
    }
    assert!(
        events(&cluster, "asked").is_empty(),
        "nothing of it was done"
    );
}

#[test]
fn a_commit_of_one_group_fails_or_is_applied_without_an_answer() {
    let cluster = served(1);
    let mut stream = connect(&cluster, 0);
    ask(&mut stream, &metadata_with_topic());
    done(
        &cluster,
        "/fail?request=OffsetCommit&error=REBALANCE_IN_PROGRESS&group=billing",
    );
    assert_eq!(commit(&mut stream, "shipping", 0), Some(0));
    assert_eq!(commit(&mut stream, "billing", 1), Some(27));
    assert_eq!(commit(&mut stream, "billing", 2), Some(0));
    done(
        &cluster,
        "/lose-response?request=OffsetCommit&group=billing&count=1",
    );
    assert_eq!(commit(&mut stream, "shipping", 3), Some(0));
    assert_eq!(
        commit(&mut stream, "billing", 4),
        None,
        "the answer is lost"
    );
    let offsets = &cluster_of(&cluster)["groups"][0];
    assert_eq!(offsets["name"], "billing");
    assert_eq!(offsets["offsets"][0]["next"], 4, "and the commit is not");
    let lost = events(&cluster, "response-lost");
    assert_eq!(lost[0]["request"], "OffsetCommit");
    let committed = events(&cluster, "committed");
    let told = |at: usize| {
        (
            committed[at]["group"].clone(),
            committed[at]["next"].clone(),
        )
    };
    assert_eq!(told(1), (json!("billing"), json!(2)));
    let refused = &events(&cluster, "commit-refused")[0];
    assert_eq!(refused["error"], "REBALANCE_IN_PROGRESS");
}

/// Metadata v4 of the topic `t`, which creates it.
fn metadata_with_topic() -> Bytes {
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::protocol::StrBytes;
    let name = TopicName(StrBytes::from_static_str("t"));
    let topic = MetadataRequestTopic::default().with_name(Some(name));
    let request = MetadataRequest::default()
        .with_topics(Some(vec![topic]))
        .with_allow_auto_topic_creation(true);
    frame(&request, "tool", 4)
}

#[test]
fn what_a_client_sends_is_held_and_another_client_is_not() {
    let cluster = served(1);
    let (mut held, mut free) = (connect(&cluster, 0), connect(&cluster, 0));
    ask(&mut held, &metadata_of("held"));
    for direction in ["requests", "responses", "both"] {
        let path = format!("/hold?client-id=held&direction={direction}");
        let fault = done(&cluster, &path)["fault"].clone();
        held.write_all(&metadata_of("held")).unwrap();
        assert!(is_silent(&mut held), "{direction}");
        ask(&mut free, &metadata_of("free"));
        done(&cluster, &format!("/end?fault={fault}"));
        assert!(answer(&mut held).is_some(), "{direction}");
    }
}

#[test]
fn what_passes_is_delayed_each_way() {
    let cluster = served(1);
    let mut stream = connect(&cluster, 0);
    done(&cluster, "/delay?ms=200&broker=1");
    let asked = Instant::now();
    ask(&mut stream, &METADATA);
    assert!(asked.elapsed() >= Duration::from_millis(400));
    done(&cluster, "/heal");
    let asked = Instant::now();
    (0..5).for_each(|_| drop(ask(&mut stream, &METADATA)));
    assert!(asked.elapsed() < Duration::from_millis(400), "it is healed");
}

#[test]
fn one_client_is_cut() {
    let cluster = served(1);
    let (mut first, mut second) = (connect(&cluster, 0), connect(&cluster, 0));
    ask(&mut first, &metadata_of("first"));
    ask(&mut second, &metadata_of("second"));
    let closed = done(&cluster, "/cut?client-id=first&broker=1");
    assert_eq!(closed, json!({ "closed": 1 }));
    assert_eq!(answer(&mut first), None);
    ask(&mut second, &metadata_of("second"));
}

#[test]
fn leaders_and_coordinators_move() {
    let cluster = served(2);
    let mut stream = connect(&cluster, 0);
    ask(&mut stream, &metadata_with_topic());
    commit(&mut stream, "billing", 0);
    let coordinator = || cluster_of(&cluster)["groups"][0]["coordinator"].clone();
    let leader = || {
        let topics = cluster_of(&cluster)["topics"].clone();
        let topics = topics.as_array().expect("a list").clone();
        let topic = topics.into_iter().find(|topic| topic["name"] == "t");
        topic.expect("it was created")["partitions"][0]["leader"].clone()
    };
    let before = (leader(), coordinator());
    done(&cluster, "/topics/t/0/move-leader");
    done(&cluster, "/groups/billing/move-coordinator");
    assert_ne!(leader(), before.0);
    assert_ne!(coordinator(), before.1);
    let changes = events(&cluster, "leader-changed");
    assert_eq!(changes[0]["topic"], "t");
    assert_eq!(changes[0]["leader"], leader());
    assert_eq!(changes[1]["topic"], "__consumer_offsets");
}
