//! Places in logs, and starts that move.

use super::batches::{self, CLIENT, OFFSETS, Q};
use super::*;
use crate::protocol::batched::Records;
use crate::protocol::{
    Content, FoundOffset, LogEntry, NO_EPOCH, OffsetsRequest, PRODUCE_TIMEOUT_MS, Wanted,
};
use plimsoll_oracle::TraceEvent;

const A: Node = Node(0);
const B: Node = Node(1);
const C: Node = Node(2);

/// Returns a question by a client that knows no leader epoch.
pub(super) fn question(wanted: Wanted) -> OffsetsRequest {
    OffsetsRequest::new(P, -1, wanted)
}

fn found(offset: u64, leader_epoch: Option<u32>, timestamp: Option<i64>) -> Option<FoundOffset> {
    Some(FoundOffset {
        offset,
        leader_epoch,
        timestamp,
    })
}

fn removal(below: Option<u64>, timeout: Duration) -> Wanted {
    Wanted::Removal { below, timeout }
}

impl batches::Cluster {
    pub(super) fn find(
        &mut self,
        at: Node,
        request: OffsetsRequest,
    ) -> Result<Option<FoundOffset>, ErrorName> {
        match self.ask(at, Request::Offsets(request)) {
            Response::Offsets(found) => found,
            other => panic!("{other:?}"),
        }
    }

    fn produce_timed(&mut self, timestamps: &'static [i64]) {
        self.ask(A, batches::produce(P, Records::timed(timestamps)));
    }
}

#[test]
fn ends_and_times_are_found() {
    let mut cluster = batches::Cluster::new();
    for (wanted, offset) in [(Wanted::Earliest, Some(0)), (Wanted::Latest, Some(0))] {
        let there = offset.and_then(|offset| found(offset, Some(0), None));
        assert_eq!(cluster.find(A, question(wanted)), Ok(there));
    }
    for wanted in [Wanted::MaxTimestamp, Wanted::Timestamp(0)] {
        assert_eq!(cluster.find(A, question(wanted)), Ok(None));
    }
    cluster.produce_timed(&[1_000, 3_000, 2_000]);
    cluster.produce_timed(&[2_500]);
    let late = found(1, Some(0), Some(3_000));
    for (wanted, expected) in [
        (Wanted::Earliest, found(0, Some(0), None)),
        (Wanted::Latest, found(4, Some(0), None)),
        (Wanted::MaxTimestamp, late),
        (Wanted::Timestamp(1_000), found(0, Some(0), Some(1_000))),
        (Wanted::Timestamp(1_001), late),
        (Wanted::Timestamp(3_000), late),
        (Wanted::Timestamp(3_001), None),
    ] {
        assert_eq!(
            cluster.find(A, question(wanted)),
            Ok(expected),
            "{wanted:?}"
        );
    }
}

#[test]
fn only_the_leader_of_the_epoch_that_a_client_knows_answers() {
    let mut cluster = batches::Cluster::new();
    cluster.produce_timed(&[1_000]);
    for wanted in [
        Wanted::Earliest,
        Wanted::Latest,
        Wanted::Timestamp(0),
        Wanted::EndOfEpoch(0),
        removal(Some(0), Duration::ZERO),
    ] {
        let later = OffsetsRequest::new(P, 1, wanted);
        assert_eq!(cluster.find(A, later), Err(ErrorName::UnknownLeaderEpoch));
        let not_led = cluster.find(B, question(wanted));
        assert_eq!(not_led, Err(ErrorName::NotLeaderOrFollower), "{wanted:?}");
        let right = OffsetsRequest::new(P, 0, wanted);
        assert!(cluster.find(A, right).is_ok());
    }
}

#[test]
fn what_is_not_replicated_is_not_found() {
    let mut cluster = batches::Cluster::new();
    cluster.produce_timed(&[1_000]);
    // The followers hear no more, and the client does not wait for them.
    let mut unreplicated = batches::produce(P, Records::timed(&[2_000]));
    if let Request::Produce { acks, .. } = &mut unreplicated {
        *acks = Acks::Leader;
    }
    let broker = &mut cluster.brokers[A];
    let (message, to_others) = (
        Message::Request(Correlation(9), unreplicated),
        Channel::Data,
    );
    broker.handle_message(&mut cluster.world, CLIENT, to_others, message);
    cluster.world.messages.clear();
    assert_eq!(cluster.brokers[A].replicas[P].log.end(), 2);
    for wanted in [Wanted::Timestamp(1_001), Wanted::MaxTimestamp] {
        assert_eq!(cluster.find(A, question(wanted)), Ok(None));
    }
    let end = cluster.find(A, question(Wanted::Latest));
    assert_eq!(end, Ok(found(1, Some(0), None)));
}

impl Cluster {
    pub(super) fn find(
        &mut self,
        at: Node,
        request: OffsetsRequest,
    ) -> Result<Option<FoundOffset>, ErrorName> {
        let client = self.member(0);
        match self.ask(client, at, Channel::Data, Request::Offsets(request)) {
            Response::Offsets(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// Returns where the logs of the brokers begin.
    fn starts(&self) -> [u64; 3] {
        [A, B, C].map(|node| self.brokers[node].replicas[P].log.start())
    }
}

#[test]
fn an_epoch_ends_where_the_next_leader_began() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..3 {
        cluster.produce(A, id, Acks::All, None).expect("replicated");
    }
    cluster.move_leader(P);
    cluster.run_for(millis(1_000));
    assert_eq!(cluster.leader(P), B);
    cluster.produce(B, 3, Acks::All, None).expect("replicated");
    let mut end = |known: i32, of| {
        let request = OffsetsRequest::new(P, known, Wanted::EndOfEpoch(of));
        cluster.find(B, request)
    };
    assert_eq!(end(1, 0), Ok(found(3, Some(0), None)));
    assert_eq!(end(1, 1), Ok(found(4, Some(1), None)));
    assert_eq!(end(1, 2), Ok(None));
    assert_eq!(end(1, NO_EPOCH), Ok(None));
    assert_eq!(end(0, 0), Err(ErrorName::FencedLeaderEpoch));
    assert_eq!(end(2, 0), Err(ErrorName::UnknownLeaderEpoch));
}

#[test]
fn records_are_removed_once_all_replicas_have_removed_them() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..5 {
        cluster.produce(A, id, Acks::All, None).expect("replicated");
    }
    let client = cluster.member(0);
    let request = Request::Offsets(question(removal(Some(2), millis(10_000))));
    let asked = cluster.send(client, A, Channel::Data, request);
    cluster.run_for(millis(2));
    assert!(cluster.answer(asked).is_none());
    assert_eq!(cluster.starts(), [2, 0, 0]);
    let answer = cluster.wait_for(asked, millis(5_000));
    let low_watermark = found(2, None, None);
    assert!(matches!(answer, Some(Response::Offsets(Ok(found))) if found == low_watermark));
    assert_eq!(cluster.starts(), [2, 2, 2]);
    let entries = cluster.env.trace.entries().iter();
    let removals = entries.filter(|entry| matches!(entry.event, TraceEvent::Removed { .. }));
    assert_eq!(removals.count(), 1);
    // Below the start nothing changes; beyond the end is a mistake; without an offset all goes.
    let ask = |cluster: &mut Cluster, below| {
        let found = cluster.find(A, question(removal(below, millis(2_900))));
        found.map(|found| found.map(|found| found.offset))
    };
    assert_eq!(ask(&mut cluster, Some(1)), Ok(Some(2)));
    assert_eq!(ask(&mut cluster, Some(6)), Err(ErrorName::OffsetOutOfRange));
    assert_eq!(ask(&mut cluster, None), Ok(Some(5)));
    assert_eq!(cluster.starts(), [5, 5, 5]);
}

#[test]
fn a_removal_that_a_follower_does_not_learn_of_is_answered_in_time() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.isolate(C);
    let mut remove = |timeout| cluster.find(A, question(removal(Some(1), millis(timeout))));
    assert_eq!(remove(2_500), Err(ErrorName::RequestTimedOut));
    // A broker that is fenced is not waited for (`Partition.lowWatermarkIfLeader`).
    cluster.run_for(millis(15_000));
    let again = cluster.find(A, question(removal(Some(1), millis(2_500))));
    assert_eq!(again, Ok(found(1, None, None)));
    cluster.reunite(C);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.starts(), [1, 1, 1]);
}

#[test]
fn a_leader_that_resigns_tells_those_that_wait_for_a_removal() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    let client = cluster.member(0);
    let request = Request::Offsets(question(removal(Some(1), millis(30_000))));
    cluster.isolate(C);
    let asked = cluster.send(client, A, Channel::Data, request);
    cluster.run_for(millis(100));
    cluster.move_leader(P);
    let answer = cluster.wait_for(asked, millis(1_000));
    let refusal = ErrorName::NotLeaderOrFollower;
    assert!(matches!(answer, Some(Response::Offsets(Err(error))) if error == refusal));
}

fn batch(partition: PartitionIndex, id: u32, timeout_ms: u32) -> Request {
    Request::Produce {
        partition,
        batch: Value::Message {
            id: MessageId(id),
            key: None,
            bytes: 1,
            sequence: None,
        },
        acks: Acks::All,
        timeout_ms,
    }
}

/// Partition 3 is led by broker A as well, partition 1 by broker B.
#[test]
fn the_parts_of_a_request_wait_side_by_side() {
    let (p1, p3) = (PartitionIndex(1), PartitionIndex(3));
    let mut cluster = Cluster::new(|settings| settings.topics[0].partitions = 4);
    let client = cluster.env.producer();
    let parts = |timeout_ms| {
        let parts = [(P, 1), (p1, 2), (p3, 3)];
        let parts = parts.map(|(partition, id)| batch(partition, id, timeout_ms));
        Request::Parts(parts.into())
    };
    let results = |response| match response {
        Some(Response::Parts(answers)) => {
            let results = answers.into_iter().map(|answer| match answer {
                Response::Produce(result) => result.map(Offset::get),
                other => panic!("{other:?}"),
            });
            results.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let asked = cluster.send(client, A, Channel::Data, parts(PRODUCE_TIMEOUT_MS));
    let answer = cluster.wait_for(asked, millis(1_000));
    let not_led = Err(ErrorName::NotLeaderOrFollower);
    assert_eq!(results(answer), [Ok(0), not_led, Ok(0)]);
    cluster.isolate(A);
    let asked = cluster.send(client, A, Channel::Data, parts(500));
    cluster.run_for(millis(400));
    assert!(
        cluster.answer(asked).is_none(),
        "one part is answered, but not the others"
    );
    for partition in [P, p3] {
        assert_eq!(cluster.brokers[A].replicas[partition].log.end(), 2);
    }
    let answer = cluster.wait_for(asked, millis(200));
    let late = Err(ErrorName::RequestTimedOut);
    assert_eq!(results(answer), [late, not_led, late]);
}

#[test]
fn what_later_commits_replaced_is_not_kept() {
    let mut cluster = batches::Cluster::new();
    let (from_0, from_q) = (batches::commit(&cluster, P), batches::commit(&cluster, Q));
    cluster.ask(B, from_q(4));
    for next in 0..10_000 {
        cluster.ask(B, from_0(next));
    }
    for broker in cluster.brokers.values() {
        let log = &broker.replicas[OFFSETS].log;
        assert!(log.all().len() < 5_000, "{}", log.all().len());
        let is_of_q = |entry: &LogEntry<_>| match &entry.content {
            Content::Commit(commit) => commit.offset.partition == Q,
            _ => false,
        };
        assert!(log.all().iter().any(is_of_q));
    }
    let mut offsets = batches::committed(&mut cluster);
    offsets.sort_unstable();
    assert_eq!(offsets, [(P, 9_999), (Q, 4)]);
}
