//! What is fetched, when, and what becomes of it.

use super::*;
use plimsoll_core::{AssignmentEpoch, NextOffset};
use plimsoll_oracle::RequestKind as K;

/// Returns the offsets of a partition's records that arrived.
fn fetched(bench: &mut Bench, partition: u32) -> Vec<u64> {
    let events = bench.learned().into_iter();
    let records = events.filter_map(|event| match event {
        Event::Fetched {
            partition: of,
            records,
            ..
        } if of.partition == partition => Some(records),
        _ => None,
    });
    records
        .flatten()
        .map(|record| record.offset.get())
        .collect()
}

fn fetches(bench: &mut Bench, to: Node) -> Vec<Vec<(PartitionIndex, u64)>> {
    let requests = bench.requests().into_iter();
    let requests = requests.filter(|asked| asked.to == to);
    requests
        .filter_map(|asked| positions(&asked.request))
        .collect()
}

#[test]
fn one_poll_goes_to_each_leader_with_all_that_it_leads() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    assert_eq!(
        fetches(&mut bench, Node(0)),
        [vec![(P0, 0), (PartitionIndex(3), 0)]]
    );
    assert_eq!(bench.kafka.parked(), 3);
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(10));
    assert_eq!(fetched(&mut bench, 0), [0]);
    assert_eq!(
        fetches(&mut bench, Node(0)),
        [vec![(P0, 1), (PartitionIndex(3), 0)]]
    );
    bench.run(ms(2_100));
    assert_eq!(
        fetches(&mut bench, Node(1)).len(),
        1,
        "a long poll of two seconds"
    );
}

#[test]
fn a_pause_drops_what_is_on_its_way_and_a_resume_fetches_it_again() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    let partition = bench.name(P0);
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.say(Command::Pause { partition });
    bench.run(ms(10));
    assert_eq!(fetched(&mut bench, 0), [0; 0]);
    bench.run(ms(3_000));
    assert_eq!(fetched(&mut bench, 0), [0; 0]);
    bench.requests();
    bench.say(Command::Resume { partition });
    bench.run(ms(100));
    assert!(
        fetches(&mut bench, Node(0)).is_empty(),
        "the long poll of the others holds it up"
    );
    bench.run(ms(2_000));
    assert_eq!(fetched(&mut bench, 0), [0]);
}

#[test]
fn a_seek_moves_and_drops_and_one_of_an_old_assignment_does_nothing() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    for message in 1..5 {
        bench.kafka.append(&mut bench.env, P0, message);
    }
    bench.run(ms(10));
    assert_eq!(fetched(&mut bench, 0), [0, 1, 2, 3]);
    let partition = bench.name(P0);
    let position = NextOffset::new(2);
    bench.say(Command::Seek {
        partition,
        epoch: AssignmentEpoch(99),
        position,
    });
    assert!(!bench.saw(|event| matches!(event, TraceEvent::PositionReset { .. })));
    bench.say(Command::Seek {
        partition,
        epoch: AssignmentEpoch(1),
        position,
    });
    let from = NextOffset::new(4);
    assert!(bench.saw(|event| matches!(event,
        TraceEvent::PositionReset { from: f, to, .. } if *f == from && *to == position)));
    bench.run(ms(2_100));
    assert_eq!(fetched(&mut bench, 0), [2, 3]);
}

#[test]
fn nothing_of_a_revoked_partition_is_delivered() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.run(ms(2_895));
    probe::be_silent();
    bench.kafka.refuse(
        K::Heartbeat,
        plimsoll_oracle::ErrorName::RebalanceInProgress,
    );
    bench.run(ms(200));
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(100));
    assert_eq!(fetched(&mut bench, 0), [0; 0]);
}

#[test]
fn records_wait_while_a_handler_runs_in_the_poll_loop() {
    let mut bench = Bench::new(Polling::Inline, "").joined();
    probe::dispatch();
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(10));
    bench.kafka.append(&mut bench.env, P0, 2);
    bench.run(ms(50));
    assert_eq!(fetched(&mut bench, 0), [0]);
    bench.run(ms(50));
    assert_eq!(fetched(&mut bench, 0), [1]);
}

#[test]
fn an_inline_application_is_called_between_two_handlers() {
    let mut bench = Bench::new(Polling::Inline, "").joined();
    bench.run(ms(2_895));
    probe::dispatch();
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.kafka.append(&mut bench.env, P0, 2);
    bench.kafka.refuse(
        K::Heartbeat,
        plimsoll_oracle::ErrorName::RebalanceInProgress,
    );
    bench.run(ms(60));
    let order = |events: Vec<Event<Payload>>| -> Vec<&'static str> {
        let names = events.iter().map(|event| match event {
            Event::Processed { .. } => "processed",
            Event::Revoked { .. } => "revoked",
            Event::Fetched { .. } => "fetched",
            _ => "other",
        });
        names.filter(|name| *name != "other").collect()
    };
    assert_eq!(order(bench.learned()), ["fetched"]);
    bench.run(ms(200));
    let learned = order(bench.learned());
    let revoked = learned.iter().position(|name| *name == "revoked");
    let processed = learned.iter().position(|name| *name == "processed");
    assert!(revoked.is_some() && processed < revoked, "{learned:?}");
}

#[test]
fn a_new_leader_is_found_by_asking_for_metadata() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.requests();
    bench.kafka.lead(P0, Some(Node(2)));
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(150));
    assert!(bench.asked().contains(&K::Metadata));
    assert_eq!(
        fetched(&mut bench, 0),
        [0; 0],
        "the new leader's long poll is in flight"
    );
    bench.run(ms(2_000));
    assert_eq!(fetched(&mut bench, 0), [0]);
}

#[test]
fn without_a_leader_metadata_is_asked_for_again_and_again_with_a_pause() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.lead(P0, None);
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(150));
    bench.asked();
    bench.run(ms(1_000));
    let asked = bench.asked();
    let refreshes = asked.iter().filter(|kind| **kind == K::Metadata).count();
    assert!((2..=11).contains(&refreshes), "{refreshes}");
}

#[test]
fn a_broken_connection_repeats_the_poll_without_repeating_records() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.append(&mut bench.env, P1, 1);
    bench.run(ms(10));
    bench.disconnect(Node(1));
    bench.run(ms(50));
    bench.kafka.append(&mut bench.env, P1, 2);
    bench.run(ms(200));
    assert_eq!(fetched(&mut bench, 1), [0, 1]);
}

#[test]
fn out_of_range_stands_still_until_the_application_seeks() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.log_start = 5;
    bench = bench.joined();
    bench.kafka.log_start = 7;
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(20));
    let events = bench.learned();
    let found = events.iter().find_map(|event| match event {
        Event::OutOfRange {
            epoch,
            position,
            log_start,
            high_watermark,
            ..
        } => Some((
            *epoch,
            position.get(),
            log_start.get(),
            high_watermark.get(),
        )),
        _ => None,
    });
    let (epoch, position, log_start, high_watermark) = found.expect("out of range");
    assert_eq!((position, log_start, high_watermark), (5, 7, 8));
    bench.run(ms(5_000));
    assert_eq!(fetched(&mut bench, 0), [0; 0]);
    let asked = bench.asked();
    let ranges = asked.iter().filter(|kind| **kind == K::ListOffsets);
    assert_eq!(
        ranges.count(),
        16,
        "for both ends of each log at the start, and once more"
    );
    let partition = bench.name(P0);
    bench.say(Command::Seek {
        partition,
        epoch,
        position: NextOffset::new(log_start),
    });
    bench.run(ms(2_100));
    assert_eq!(fetched(&mut bench, 0), [7]);
}

#[test]
fn a_poll_that_is_never_answered_costs_the_connection() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.ignores.push(K::Fetch);
    bench = bench.joined();
    bench.kafka.ignores.clear();
    bench.kafka.append(&mut bench.env, P1, 1);
    bench.run(ms(6_800));
    assert_eq!(fetched(&mut bench, 1), [0; 0]);
    bench.run(ms(500));
    assert_eq!(fetched(&mut bench, 1), [0]);
}

#[test]
fn what_an_old_leader_still_answers_is_not_wanted() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.run(ms(500));
    bench.kafka.lead(P0, Some(Node(1)));
    bench.kafka.lead(P1, Some(Node(2)));
    bench.kafka.believers.push((P0, Node(0)));
    // The other partition's new leader makes it ask for metadata; both polls wait for this one.
    bench.kafka.append(&mut bench.env, P1, 1);
    bench.run(ms(200));
    bench.learned();
    bench.kafka.append(&mut bench.env, P0, 2);
    bench.run(ms(2_500));
    assert_eq!(fetched(&mut bench, 0), [0], "once");
}

#[test]
fn nothing_is_delivered_while_a_callback_waits_for_its_answer() {
    let librdkafka = Behaviour::LIBRDKAFKA;
    let mut bench = Bench::on(librdkafka, Polling::Always, COOPERATIVE).joined();
    probe::be_silent();
    let error = plimsoll_oracle::ErrorName::RebalanceInProgress;
    bench.kafka.refuse(K::Heartbeat, error);
    bench.kafka.assignment = Some(vec![P0, P1]);
    bench.run(ms(3_100));
    let events = bench.learned();
    let revoked = events.last().expect("a revocation");
    let rebalance = probe::rebalance_of(revoked);
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(100));
    assert_eq!(fetched(&mut bench, 0), [0; 0]);
    bench.say(Command::CompleteRevoke { rebalance });
    bench.run(ms(10));
    let events = bench.learned();
    let assigned = events.last().expect("an assignment of nothing");
    let rebalance = probe::rebalance_of(assigned);
    let starts = Vec::new();
    bench.say(Command::CompleteAssign { rebalance, starts });
    bench.run(ms(10));
    assert_eq!(fetched(&mut bench, 0), [0]);
}

/// `rd_kafka_assignment_pause` of all that is assigned.
#[test]
fn a_rebalance_throws_away_what_was_fetched_ahead_also_of_what_stays() {
    let librdkafka = Behaviour::LIBRDKAFKA;
    let mut bench = Bench::on(librdkafka, Polling::Inline, COOPERATIVE).joined();
    bench.run(ms(2_895));
    probe::dispatch();
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(4));
    for message in 2..4 {
        bench.kafka.append(&mut bench.env, P0, message);
    }
    // The handler of the first one runs, and the others wait in the client.
    bench.run(ms(4));
    assert_eq!(fetched(&mut bench, 0), [0]);
    let error = plimsoll_oracle::ErrorName::RebalanceInProgress;
    bench.kafka.refuse(K::Heartbeat, error);
    bench.run(ms(190));
    assert_eq!(fetched(&mut bench, 0), [0; 0], "its handler has ended");
    bench.requests();
    bench.run(ms(2_100));
    assert_eq!(fetched(&mut bench, 0), [1, 2]);
    let again = fetches(&mut bench, Node(0));
    assert!(again.iter().flatten().any(|asked| *asked == (P0, 1)));
}
