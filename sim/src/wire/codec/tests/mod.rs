//! Every message comes out of its bytes as it went in: what a client encodes a broker decodes, and
//! the other way round.

mod requests;
mod responses;
mod tools;

use super::SERVED;
use crate::cluster::{Broker, ClusterSettings, Placement, Shared};
use crate::protocol::{BrokerSet, GroupIndex, GroupMemberId, Node, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::{At, Connection, Edge, EdgeOptions, FetchSessions, Step, Wire};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::frames::Head;
use plimsoll_codec::{Sent, encode_in, key_of};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::BrokerSettings;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const BROKERS: u16 = 3;

/// What the client is, as the broker learns it from the heads of its requests and its connection.
const CLIENT: &str = "client";
const HOST: &str = "host";

/// The group of all requests.
const GROUP: GroupIndex = GroupIndex(0);

/// The numbers of members and instances that have names.
const MEMBERS: std::ops::Range<u32> = 1..5;

/// A client and a broker that know the same names.
struct Wires {
    edge: Edge,
    broker: Broker<Wire>,
    shared: Shared<Wire>,
    sessions: FetchSessions,
}

/// A request that a broker has read, and whose answer its client awaits.
struct Asked {
    connection: Connection,
    sent: Sent,
}

impl Wires {
    fn new() -> Self {
        let placement = Placement::by_number(BROKERS, BROKERS);
        let settings = ClusterSettings::new(placement, 1, BrokerSettings::default());
        let mut edge = Edge::new(EdgeOptions {
            settings: &settings,
            racks: &[],
            seed: 1,
        });
        let mut shared = Shared::new(settings.partitions);
        let names = &mut edge.names;
        for (topic, count) in [("orders", 3), ("payments", 2)] {
            let partitions = shared.add_partitions(count).expect("there is room");
            names.add_topic(topic, partitions, BTreeMap::new());
        }
        assert_eq!(names.group(&mut shared, "group"), GROUP);
        for number in MEMBERS {
            names.member_id(GroupMemberId(number), CLIENT);
            let name = format!("instance-{number}");
            names.known.bind_instance(name.into(), number);
        }
        Self {
            edge,
            broker: Broker::new(&settings, Node(0)),
            shared,
            sessions: FetchSessions::new(1, 0),
        }
    }

    /// Has a request encoded in a version, and read by a broker; `None`: the version cannot say it.
    fn ask(&mut self, request: &Request<Wire>, version: i16) -> Option<(Asked, Step)> {
        let head = Head {
            correlation: 7,
            client_id: StrBytes::from_static_str(CLIENT),
        };
        let (frame, sent) = encode_in(&mut self.edge.names.known, &head, request, version)?;
        let mut connection = Connection::new(HOST.to_owned());
        let at = at(&self.broker, &mut self.shared, &mut self.sessions);
        let step = self.edge.decode(at, &mut connection, frame);
        Some((Asked { connection, sent }, step))
    }

    /// Has a request encoded in the newest version that can say it.
    fn ask_newest(&mut self, request: &Request<Wire>) -> (Asked, Step) {
        let mut versions = versions(request).rev();
        let asked = versions.find_map(|version| self.ask(request, version));
        asked.expect("a version says it")
    }

    /// Has a response encoded, and read by the client.
    fn answer(&mut self, asked: Asked, response: Response<Wire>) -> Response<Wire> {
        let Asked {
            mut connection,
            sent,
        } = asked;
        let at = at(&self.broker, &mut self.shared, &mut self.sessions);
        match self.edge.answered(at, &mut connection, response) {
            Step::Answer(frame) => {
                let read = sent.decode(&mut self.edge.names.known, frame);
                read.expect("the client reads it")
            }
            step => panic!("no answer: {step:?}"),
        }
    }
}

fn at<'a>(
    state: &'a Broker<Wire>,
    shared: &'a mut Shared<Wire>,
    sessions: &'a mut FetchSessions,
) -> At<'a> {
    let open = (0..BROKERS).map(Node);
    At {
        now: Instant::ZERO,
        time: None,
        state,
        sessions,
        open: open.fold(BrokerSet::default(), BrokerSet::with),
        shared,
    }
}

/// Returns the versions of a request's kind that are served.
fn versions(request: &Request<Wire>) -> std::ops::RangeInclusive<i16> {
    let key = key_of(request).expect("clients send it");
    let served = SERVED.iter().find(|(served, ..)| *served == key);
    served
        .map(|(_, first, last)| *first..=*last)
        .expect("it is served")
}

/// Returns the request that a broker was given to do.
fn given(step: Step) -> Request<Wire> {
    match step {
        Step::Ask(_, request) => request,
        Step::Tell(mut requests) => requests.pop().expect("one"),
        step => panic!("nothing to do: {step:?}"),
    }
}

/// Returns the partitions of all topics that clients use, in order.
fn partitions() -> Vec<PartitionIndex> {
    let settings = BrokerSettings::default();
    let first = settings.offsets_topic_partitions as u16;
    (first..first + 5).map(PartitionIndex).collect()
}

proptest! {
    #[test]
    fn requests_come_out_as_they_went_in(request in requests::of_any_kind()) {
        let mut wires = Wires::new();
        let (_, step) = wires.ask_newest(&request);
        prop_assert_eq!(format!("{:?}", given(step)), format!("{request:?}"));
    }

    #[test]
    fn responses_come_out_as_they_went_in((request, response) in responses::of_any_kind()) {
        let mut wires = Wires::new();
        let (asked, _) = wires.ask_newest(&request);
        let before = format!("{response:?}");
        let after = wires.answer(asked, response);
        prop_assert_eq!(format!("{after:?}"), before);
    }
}

#[test]
fn each_version_says_a_request_whole_or_not_at_all() {
    let mut said = BTreeMap::new();
    for request in requests::plain() {
        for version in versions(&request) {
            let mut wires = Wires::new();
            let Some((_, step)) = wires.ask(&request, version) else {
                continue;
            };
            let key = key_of(&request).expect("clients send it");
            let after = format!("{:?}", given(step));
            assert_eq!(after, format!("{request:?}"), "{key:?}, version {version}");
            said.entry(format!("{key:?}"))
                .or_insert_with(BTreeSet::new)
                .insert(version);
        }
    }
    let said = said
        .iter()
        .map(|(kind, versions)| (&kind[..], versions.len()));
    let said: Vec<_> = said.collect();
    let all = [
        ("DeleteRecords", 3),
        ("Fetch", 14),
        ("FindCoordinator", 7),
        ("Heartbeat", 5),
        ("JoinGroup", 10),
        ("LeaveGroup", 6),
        ("ListOffsets", 10),
        // Before version 4, to ask for a topic creates it.
        ("Metadata", 10),
        ("OffsetCommit", 8),
        ("OffsetFetch", 9),
        ("OffsetForLeaderEpoch", 3),
        ("Produce", 11),
        ("SyncGroup", 6),
    ];
    assert_eq!(said, all);
}

#[test]
fn an_error_of_the_whole_reaches_the_client() {
    for request in requests::plain() {
        let mut wires = Wires::new();
        let (asked, _) = wires.ask_newest(&request);
        let answer = wires.answer(asked, Response::Failed(ErrorName::RequestTimedOut));
        let answer = format!("{answer:?}");
        assert!(answer.contains("RequestTimedOut"), "{answer}");
    }
}

#[test]
fn what_opens_a_connection_is_answered_at_once() {
    let request = Request::ApiVersions;
    for version in versions(&request) {
        let mut wires = Wires::new();
        let (asked, step) = wires.ask(&request, version).expect("all say it");
        let Step::Answer(frame) = step else {
            panic!("not answered: {step:?}");
        };
        let read = asked.sent.decode(&mut wires.edge.names.known, frame);
        assert!(matches!(read, Some(Response::ApiVersions)), "{read:?}");
    }
}

#[test]
fn an_answer_that_is_cut_or_of_another_request_is_none() {
    let request = Request::Heartbeat(requests::sender());
    let mut wires = Wires::new();
    let (asked, _) = wires.ask_newest(&request);
    let mut connection = asked.connection;
    let at = at(&wires.broker, &mut wires.shared, &mut wires.sessions);
    let response = Response::Heartbeat(Ok(()));
    let Step::Answer(frame) = wires.edge.answered(at, &mut connection, response) else {
        panic!("no answer");
    };
    let mut read = |frame: bytes::Bytes| {
        let (asked, _) = wires.ask_newest(&request);
        asked.sent.decode(&mut wires.edge.names.known, frame)
    };
    assert!(read(frame.clone()).is_some());
    for length in 0..frame.len() {
        assert!(read(frame.slice(..length)).is_none(), "{length} bytes");
    }
    let mut other = frame.to_vec();
    other[3] += 1;
    assert!(read(other.into()).is_none());
}
