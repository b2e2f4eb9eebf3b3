//! Records: replicated, read, truncated, refused.

use super::*;
use crate::protocol::{
    BrokerSet, Content, FetchPosition, FetchResponse, NO_EPOCH, PRODUCE_TIMEOUT_MS, Positions,
    Wanted,
};

const A: Node = Node(0);
const B: Node = Node(1);
const C: Node = Node(2);

fn in_sync(cluster: &Cluster, leader: Node) -> BrokerSet {
    cluster.broker(leader).replicas[P].in_sync()
}

#[test]
fn what_all_replicas_have_survives_the_leader() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..5 {
        let offset = cluster.produce(A, id, Acks::All, Some(id));
        assert_eq!(offset, Ok(Offset::new(u64::from(id))));
    }
    cluster.crash(A);
    assert_eq!(
        cluster.leader(P),
        A,
        "nothing happens before the session ends"
    );
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.leader(P), B);
    assert_eq!(cluster.readable(), [0, 1, 2, 3, 4]);
    assert_eq!(
        cluster.produce(B, 5, Acks::All, Some(5)),
        Ok(Offset::new(5))
    );
    cluster.start(A);
    cluster.run_for(millis(10_000));
    assert!(cluster.controller.is_healthy());
    assert_eq!(cluster.log(A), [0, 1, 2, 3, 4, 5]);
    let stored: Vec<_> = (0..6).map(|id| (id, u64::from(id))).collect();
    assert_eq!(cluster.stored(), stored);
}

#[test]
fn a_leader_that_was_cut_off_truncates_what_only_it_had() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.isolate(A);
    assert_eq!(
        cluster.produce(A, 10, Acks::Leader, None),
        Ok(Offset::new(1))
    );
    let unanswered = cluster.send_produce(A, 11, Acks::All, None);
    cluster.run_for(millis(12_000));
    assert_eq!(cluster.answer(unanswered).map(|_| ()), None);
    assert_eq!(cluster.leader(P), B);
    assert_eq!(cluster.produce(B, 20, Acks::All, None), Ok(Offset::new(1)));
    // The old leader still believes that it leads, and shows what was replicated, but nothing more.
    assert_eq!(cluster.fetch(A, 0, 0).entries.len(), 1);
    cluster.reunite(A);
    cluster.run_for(millis(5_000));
    assert!(matches!(
        cluster.answer(unanswered),
        Some(Response::Produce(Err(ErrorName::NotLeaderOrFollower)))
    ));
    for broker in [A, B, C] {
        assert_eq!(cluster.log(broker), [0, 20]);
    }
    assert_eq!(cluster.stored(), [(0, 0), (20, 1)]);
    assert!(cluster.controller.is_healthy());
}

#[test]
fn a_leader_that_lacks_what_was_readable_is_told_of() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..5 {
        cluster.produce(A, id, Acks::All, None).expect("replicated");
    }
    cluster.run_for(millis(5_000));
    // No election here is unclean, so the logs of both others are damaged by hand.
    for broker in [B, C] {
        cluster.brokers[broker].replicas[P].truncate_to(0, 3);
    }
    cluster.crash(A);
    cluster.run_for(millis(12_000));
    assert_eq!(cluster.truncated(), [3]);
    // The next record takes the place of one that is gone, and is told of.
    assert_eq!(cluster.produce(B, 9, Acks::All, None), Ok(Offset::new(3)));
    assert_eq!(cluster.stored().last(), Some(&(9, 3)));
    // The old leader comes back, and follows: nothing more is lost.
    cluster.start(A);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.log(A), [0, 1, 2, 9]);
    assert_eq!(cluster.truncated(), [3]);
}

#[test]
fn a_leader_with_other_records_in_the_place_of_readable_ones_is_told_of() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..5 {
        cluster.produce(A, id, Acks::All, None).expect("replicated");
    }
    let log = &mut cluster.brokers[A].replicas[P].log;
    log.truncate(2);
    for id in 7..11 {
        let value = Value::Message {
            id: MessageId(id),
            key: None,
            bytes: 1,
            sequence: None,
        };
        log.append(77, Content::Batch(value));
    }
    let Cluster { env, brokers, .. } = &mut cluster;
    brokers[A].compare_log(env, P);
    assert_eq!(cluster.truncated(), [2]);
}

#[test]
fn a_log_end_that_a_reader_saw_never_goes_back() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..5 {
        cluster.produce(A, id, Acks::All, None).expect("replicated");
    }
    cluster.move_leader(P);
    let mut refused = 0;
    for _ in 0..1_000 {
        cluster.run_for(millis(1));
        match cluster.find(B, positions::question(Wanted::Latest)) {
            Ok(end) => assert!(end.is_some_and(|end| end.offset >= 5), "{end:?}"),
            // KIP-207: it leads and does not know yet how far readers have come. Where its log
            // begins it knows.
            Err(ErrorName::OffsetNotAvailable) => {
                refused += 1;
                let start = cluster.find(B, positions::question(Wanted::Earliest));
                assert_eq!(
                    start.map(|start| start.map(|start| start.offset)),
                    Ok(Some(0))
                );
                let fetched = cluster.fetch(B, 5, 1);
                assert_eq!(fetched.partitions, [], "neither records nor an error");
            }
            Err(ErrorName::NotLeaderOrFollower) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(
        refused > 0,
        "the new leader never lagged behind the old one"
    );
}

#[test]
fn with_too_few_in_sync_nothing_is_taken_and_nothing_becomes_readable() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.replica_lag_time_max = millis(2_000);
    });
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.pause(B);
    cluster.pause(C);
    cluster.produce(A, 1, Acks::Leader, None).expect("appended");
    let waiting = cluster.send_produce(A, 2, Acks::All, None);
    cluster.run_for(millis(5_000));
    assert_eq!(in_sync(&cluster, A), BrokerSet::default().with(A));
    // The producer's connection is busy with the write that waits.
    assert!(cluster.answer(waiting).is_none());
    let another = Request::Produce {
        partition: P,
        batch: Value::Message {
            id: MessageId(3),
            key: None,
            bytes: 1,
            sequence: None,
        },
        acks: Acks::All,
        timeout_ms: PRODUCE_TIMEOUT_MS,
    };
    assert!(matches!(
        cluster.ask(cluster.member(0), A, Channel::Data, another),
        Response::Produce(Err(ErrorName::NotEnoughReplicas))
    ));
    assert_eq!(cluster.readable(), [0]);
    cluster.resume(B);
    cluster.run_for(millis(3_000));
    assert_eq!(in_sync(&cluster, A), BrokerSet::default().with(A).with(B));
    assert_eq!(cluster.readable(), [0, 1, 2]);
    assert!(matches!(
        cluster.answer(waiting),
        Some(Response::Produce(Ok(offset))) if offset.get() == 2
    ));
}

#[test]
fn a_retried_message_is_stored_once_even_by_another_leader() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..4 {
        cluster.produce(A, id, Acks::All, Some(id)).expect("stored");
    }
    assert_eq!(
        cluster.produce(A, 3, Acks::All, Some(3)),
        Ok(Offset::new(3))
    );
    cluster.crash(A);
    cluster.run_for(millis(10_000));
    assert_eq!(
        cluster.produce(B, 3, Acks::All, Some(3)),
        Ok(Offset::new(3))
    );
    assert_eq!(
        cluster.produce(B, 1, Acks::All, Some(1)),
        Ok(Offset::new(1))
    );
    assert_eq!(
        cluster.produce(B, 9, Acks::All, Some(9)),
        Err(ErrorName::OutOfOrderSequenceNumber)
    );
    for id in 4..8 {
        cluster.produce(B, id, Acks::All, Some(id)).expect("stored");
    }
    assert_eq!(
        cluster.produce(B, 2, Acks::All, Some(2)),
        Err(ErrorName::OutOfOrderSequenceNumber),
        "only five batches are remembered"
    );
    assert_eq!(cluster.readable(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn readers_are_fenced_by_epoch_and_bounded_by_the_log() {
    let mut cluster = Cluster::new(|_| {});
    for id in 0..4 {
        cluster.produce(A, id, Acks::All, None).expect("stored");
    }
    cluster.move_leader(P);
    cluster.run_for(millis(2_500));
    let mut error = |to, offset, epoch| {
        let response = cluster.fetch(to, offset, epoch);
        response.partitions.first().and_then(|told| told.error)
    };
    assert_eq!(error(B, 0, 0), Some(ErrorName::FencedLeaderEpoch));
    assert_eq!(error(B, 0, 2), Some(ErrorName::UnknownLeaderEpoch));
    assert_eq!(error(A, 0, 1), Some(ErrorName::NotLeaderOrFollower));
    assert_eq!(error(B, 5, 1), Some(ErrorName::OffsetOutOfRange));
    assert_eq!(error(B, 4, 1), None);
    let leader = &mut cluster.brokers[B];
    leader.remove_records(&mut cluster.env, P, 0.5);
    cluster.produce(B, 4, Acks::All, None).expect("stored");
    cluster.run_for(millis(2_500));
    assert_eq!(
        cluster.fetch(B, 1, 1).partitions[0].error,
        Some(ErrorName::OffsetOutOfRange)
    );
    assert_eq!(cluster.fetch(B, 2, 1).entries.len(), 3);
    for broker in [A, B, C] {
        assert_eq!(cluster.broker(broker).log_ends(P).0, NextOffset::new(2));
    }
}

#[test]
fn a_long_poll_ends_when_a_record_is_replicated() {
    let mut cluster = Cluster::new(|_| {});
    let poll = cluster.send_fetch(cluster.member(0), A, 0, 0);
    cluster.run_for(millis(100));
    assert!(cluster.answer(poll).is_none());
    cluster.produce(A, 0, Acks::All, None).expect("stored");
    cluster.run_for(millis(2));
    let Some(Response::Fetch(response)) = cluster.answer(poll) else {
        panic!("still waiting");
    };
    assert_eq!(response.entries.len(), 1);
}

#[test]
fn a_connection_is_served_one_request_at_a_time() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("stored");
    let poll = cluster.send_fetch(cluster.member(0), A, 1, 0);
    let behind = cluster.send_fetch(cluster.member(0), A, 0, 0);
    let elsewhere = cluster.send_fetch(cluster.member(1), A, 0, 0);
    cluster.run_for(millis(490));
    assert!(cluster.answer(elsewhere).is_some());
    assert!(cluster.answer(behind).is_none(), "the poll is first");
    cluster.run_for(millis(20));
    assert!(cluster.answer(poll).is_some() && cluster.answer(behind).is_some());
}

#[test]
fn a_poll_is_answered_at_once_when_the_leader_is_another() {
    let mut cluster = Cluster::new(|_| {});
    let poll = cluster.send_fetch(cluster.member(0), A, 0, 0);
    cluster.run_for(millis(10));
    cluster.move_leader(P);
    cluster.run_for(millis(3));
    let Some(Response::Fetch(response)) = cluster.answer(poll) else {
        panic!("still waiting");
    };
    assert_eq!(
        response.partitions[0].error,
        Some(ErrorName::FencedLeaderEpoch)
    );
}

/// Returns a cluster in which broker A leads several partitions, and the starts of all of these.
fn cluster_of_four() -> (Cluster, Positions) {
    let cluster = Cluster::new(|settings| settings.topics[0].partitions = 4);
    let of_broker_a = cluster.env.topology.all();
    let of_broker_a =
        of_broker_a.filter(|partition| cluster.controller.leader(*partition) == Some(A));
    let starts = of_broker_a.map(|partition| FetchPosition {
        partition,
        offset: 0,
        leader_epoch: 0,
        last_fetched_epoch: NO_EPOCH,
        high_watermark: 0,
        log_start: 0,
        max_bytes: u32::MAX,
    });
    let starts: Positions = starts.collect();
    assert!(starts.iter().count() > 1 && starts.get(P).is_some());
    (cluster, starts)
}

/// Polls broker A as a member, which waits until a message is stored in `P`. Returns the answer.
fn poll(
    cluster: &mut Cluster,
    positions: Positions,
    is_incremental: bool,
    message: u32,
) -> FetchResponse {
    let poll = cluster.send_poll(cluster.member(0), A, positions, is_incremental);
    cluster.run_for(millis(10));
    assert!(cluster.answer(poll).is_none(), "it waits");
    cluster
        .produce(A, message, Acks::All, None)
        .expect("stored");
    match cluster.wait_for(poll, millis(100)) {
        Some(Response::Fetch(response)) => *response,
        other => panic!("{other:?}"),
    }
}

/// Returns the partitions and the offsets of the records that a poll was told of.
fn told(response: &FetchResponse) -> (Vec<PartitionIndex>, Vec<u64>) {
    let (partitions, records) = (response.partitions.iter(), response.entries.iter());
    (
        partitions.map(|told| told.partition).collect(),
        records.map(|record| record.offset.get()).collect(),
    )
}

#[test]
fn a_poll_is_told_of_what_has_news_and_of_nothing_else() {
    let (mut cluster, starts) = cluster_of_four();
    let response = poll(&mut cluster, starts.clone(), false, 7);
    assert_eq!(told(&response), (vec![P], vec![0]));
    assert!(response.asked.iter().eq(starts.iter()), "they come back");
}

#[test]
fn an_incremental_poll_is_told_of_what_came_since() {
    let (mut cluster, starts) = cluster_of_four();
    let mut positions = poll(&mut cluster, starts, false, 7).asked;
    positions.get_mut(P).expect("it was asked for").offset = 1;
    let response = poll(&mut cluster, positions, true, 8);
    assert_eq!(told(&response), (vec![P], vec![1]));
}

#[test]
fn what_came_between_two_polls_is_told_at_once() {
    let (mut cluster, starts) = cluster_of_four();
    let mut positions = poll(&mut cluster, starts, false, 7).asked;
    cluster.produce(A, 8, Acks::All, None).expect("stored");
    positions.get_mut(P).expect("it was asked for").offset = 1;
    let poll = cluster.send_poll(cluster.member(0), A, positions, true);
    let Some(Response::Fetch(response)) = cluster.wait_for(poll, millis(10)) else {
        panic!("no answer");
    };
    assert_eq!(told(&response), (vec![P], vec![1]));
}

#[test]
fn a_broker_that_forgot_its_reader_looks_at_all_that_it_asks_for() {
    let (mut cluster, starts) = cluster_of_four();
    let member = cluster.member(0);
    let positions = poll(&mut cluster, starts, false, 7).asked;
    cluster.env.cut(member, A, Channels::ALL);
    cluster.run_for(millis(10));
    let poll = cluster.send_poll(member, A, positions, true);
    let Some(Response::Fetch(response)) = cluster.wait_for(poll, millis(10)) else {
        panic!("no answer");
    };
    assert_eq!(told(&response), (vec![P], vec![0]));
}

#[test]
fn a_follower_is_in_sync_when_it_has_all_that_readers_see() {
    let mut cluster = Cluster::new(|_| {});
    cluster.crash(B);
    cluster.run_for(millis(10_000));
    let mut last = cluster.send_produce(A, 0, Acks::All, None);
    for id in 1..1_500 {
        last = cluster.send_produce(A, id, Acks::All, None);
    }
    assert!(cluster.wait_for(last, millis(20_000)).is_some());
    cluster.start(B);
    let readable = cluster.broker(A).log_ends(P).1;
    let mut fetched_some = false;
    while !in_sync(&cluster, A).contains(B) {
        cluster.run_for(millis(1));
        let end = cluster.broker(B).replicas[P].log.end();
        fetched_some |= end > 0 && end < readable.get();
        let complete = end == readable.get();
        assert!(complete || !in_sync(&cluster, A).contains(B), "{end}");
    }
    assert!(fetched_some, "one fetch was enough: this shows nothing");
}

#[test]
fn the_last_in_sync_replica_stays_and_no_other_may_lead() {
    let mut cluster = Cluster::new(|_| {});
    cluster.crash(B);
    cluster.crash(C);
    cluster.run_for(millis(10_000));
    assert_eq!(in_sync(&cluster, A), BrokerSet::default().with(A));
    cluster.produce(A, 0, Acks::Leader, None).expect("appended");
    cluster.crash(A);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.controller.leader(P), None);
    cluster.start(B);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.controller.leader(P), None, "it would be unclean");
    cluster.start(A);
    cluster.run_for(millis(5_000));
    assert_eq!(cluster.leader(P), A);
    assert_eq!(cluster.readable(), [0]);
}

#[test]
fn a_replica_that_lags_never_leads() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.replica_lag_time_max = millis(2_000);
    });
    for (from, to) in [(A, B), (B, A)] {
        cluster.env.network.block(from, to);
    }
    cluster.produce(A, 0, Acks::Leader, None).expect("appended");
    cluster.run_for(millis(5_000));
    assert_eq!(in_sync(&cluster, A), BrokerSet::default().with(A).with(C));
    cluster.crash(C);
    cluster.run_for(millis(10_000));
    cluster.crash(A);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.controller.leader(P), None);
}

#[test]
fn acks_none_breaks_the_connection_where_it_cannot_be_stored() {
    let mut cluster = Cluster::new(|_| {});
    let stored = cluster.send_produce(A, 0, Acks::None, None);
    let lost = cluster.send_produce(B, 1, Acks::None, None);
    cluster.run_for(millis(100));
    assert!(cluster.answer(stored).is_none() && cluster.answer(lost).is_none());
    assert_eq!(cluster.broken, [(cluster.env.producer(), B)]);
    assert_eq!(cluster.readable(), [0]);
}
