//! Where partitions start, and dead letters.

use super::*;
use crate::protocol::{CommittedOffset, Founding, Value};
use plimsoll_core::{AssignmentEpoch, DeadLetterReason, NextOffset, Offset, Record};
use plimsoll_oracle::RequestKind as K;
use plimsoll_oracle::{ErrorName, MessageId};
use plimsoll_scenarios::scenario::Acks;

fn committed(partition: PartitionIndex, metadata: Option<u32>) -> CommittedOffset {
    CommittedOffset {
        partition,
        next: NextOffset::new(3),
        metadata: Founding {
            partitions: metadata,
            leader_epoch: None,
        },
    }
}

fn founding(bench: &mut Bench) -> Vec<(Option<u64>, Option<u32>, u32)> {
    let events = bench.learned();
    let Some(Event::Assigned { partitions, .. }) = events.first() else {
        panic!("{events:?}");
    };
    let partitions = partitions.iter();
    partitions
        .map(|p| {
            (
                p.committed.map(NextOffset::get),
                p.founding_partitions,
                p.partitions,
            )
        })
        .collect()
}

#[test]
fn what_the_group_committed_comes_back_with_the_founding_partitions() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.committed = vec![committed(P0, Some(3)), committed(P1, Some(2))];
    bench = bench.joined();
    let some = (Some(3), Some(2), 4);
    let none = (None, Some(2), 4);
    assert_eq!(founding(&mut bench), [some, some, none, none]);
}

#[test]
fn a_group_without_commits_has_no_founding_partitions() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    assert_eq!(founding(&mut bench), [(None, None, 4); 4]);
}

#[test]
fn commits_of_others_say_nothing_about_the_founding_partitions() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.committed = vec![committed(P0, None)];
    bench = bench.joined();
    assert_eq!(founding(&mut bench)[1], (None, Some(0), 4));
}

#[test]
fn positions_are_asked_for_until_they_are_known() {
    let mut bench = Bench::new(Polling::Always, "");
    bench
        .kafka
        .refuse(K::OffsetFetch, ErrorName::CoordinatorLoadInProgress);
    bench
        .kafka
        .refuse(K::OffsetFetch, ErrorName::NotCoordinator);
    bench
        .kafka
        .refuse(K::ListOffsets, ErrorName::LeaderNotAvailable);
    bench = bench.joined();
    assert!(bench.learned().is_empty());
    bench.run(ms(500));
    assert_eq!(bench.member.owned(), 4);
    let asked = bench.asked();
    assert_eq!(
        asked.iter().filter(|kind| **kind == K::OffsetFetch).count(),
        3
    );
    assert_eq!(
        asked.iter().filter(|kind| **kind == K::ListOffsets).count(),
        9,
        "for both ends of four logs, and once more"
    );
}

fn on(behaviour: Behaviour) -> Bench {
    Bench::on(behaviour, Polling::Always, "")
}

fn sarama() -> Bench {
    on(Behaviour::SARAMA_1_61)
}

#[test]
fn stable_offsets_are_asked_for_by_clients_that_want_them() {
    let clients: [(fn() -> Bench, bool); 2] =
        [(|| Bench::new(Polling::Always, ""), true), (sarama, false)];
    for (client, wants) in clients {
        let requests = client().joined().requests().into_iter();
        let asked = requests.filter_map(|asked| match asked.request {
            Request::OffsetFetch { require_stable, .. } => Some(require_stable),
            _ => None,
        });
        assert_eq!(asked.collect::<Vec<_>>(), [wants]);
    }
}

/// Plimsoll's consumer answers an assignment at once: its member goes on, and joins when the group
/// rebalances, while starts are looked up.
#[test]
fn an_assignment_waits_for_no_starts() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.ignores.push(K::ListOffsets);
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench = bench.joined();
    bench.run(ms(3_100));
    let [Event::Revoked { partitions, .. }] = &bench.learned()[..] else {
        panic!("it is told of what it gives up alone");
    };
    assert_eq!(partitions.len(), 4);
    let syncs = bench.asked().into_iter();
    assert_eq!(syncs.filter(|kind| *kind == K::SyncGroup).count(), 2);
    bench.kafka.ignores.clear();
    // The questions have no answer within `request_timeout`, and are asked again.
    bench.run(ms(6_000));
    assert_eq!(bench.member.owned(), 4);
}

#[test]
fn a_rebalance_forgets_partitions_that_were_not_started_yet_where_they_are_looked_up_afterwards() {
    for behaviour in [Behaviour::SARAMA_1_61, Behaviour::LIBRDKAFKA] {
        let mut bench = on(behaviour);
        bench.kafka.ignores.push(K::ListOffsets);
        bench
            .kafka
            .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
        bench = bench.joined();
        bench.run(ms(3_000));
        bench.kafka.ignores.clear();
        bench.kafka.assignment = Some(vec![P2]);
        bench.run(ms(500));
        // The first partitions were never the application's: it is told nothing of them.
        let events = bench.learned();
        let is_revoked = |event: &Event<Payload>| matches!(event, Event::Revoked { .. });
        assert!(!events.iter().any(is_revoked), "{events:?}");
        let syncs = bench.asked().into_iter();
        assert_eq!(syncs.filter(|kind| *kind == K::SyncGroup).count(), 2);
    }
}

/// Seen with librdkafka 2.12.1: its partitions stand still until the group rebalances, while its
/// heartbeats go on.
#[test]
fn in_librdkafka_partitions_stand_still_whose_committed_offsets_were_refused() {
    let mut bench = on(Behaviour::LIBRDKAFKA);
    bench
        .kafka
        .refuse(K::OffsetFetch, ErrorName::NotCoordinator);
    bench = bench.joined();
    bench.run(ms(20_000));
    assert_eq!(bench.member.owned(), 0);
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(5_000));
    assert_eq!(bench.member.owned(), 4);
}

#[test]
fn what_a_rebalance_forgot_is_not_told_when_its_answer_comes_late() {
    let mut bench = sarama();
    bench.kafka.ignores.push(K::ListOffsets);
    bench = bench.joined();
    bench.kafka.ignores.push(K::JoinGroup);
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(3_000));
    bench.kafka.ignores = vec![K::JoinGroup];
    bench.run(ms(6_000));
    assert_eq!(bench.learned(), []);
}

fn dead_letter(bench: &Bench) -> Command<Payload> {
    Command::DeadLetter {
        partition: bench.name(P1),
        epoch: AssignmentEpoch(2),
        record: Record {
            offset: Offset::new(4),
            key: None,
            bytes: 10,
            payload: Payload {
                message: MessageId(9),
                key: None,
            },
        },
        attempts: 3,
        reason: DeadLetterReason::Permanent,
    }
}

fn acknowledged(bench: &mut Bench) -> Vec<bool> {
    let events = bench.learned().into_iter();
    let answers = events.filter_map(|event| match event {
        Event::DeadLettered { acknowledged, .. } => Some(acknowledged),
        _ => None,
    });
    answers.collect()
}

#[test]
fn a_dead_letter_counts_when_all_replicas_have_it() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    let (topic, command) = (bench.env.topology.dead_letters(), dead_letter(&bench));
    bench.requests();
    bench.say(command);
    bench.run(ms(10));
    let requests = bench.requests();
    let Request::Produce {
        partition,
        batch,
        acks,
        ..
    } = &requests[0].request
    else {
        panic!("{requests:?}");
    };
    assert_eq!((*partition, *acks), (topic, Acks::All));
    let Value::DeadLetter {
        id,
        partition,
        offset,
        member,
        epoch,
    } = batch
    else {
        panic!("{batch:?}");
    };
    assert_eq!(
        (*id, *partition, *offset),
        (MessageId(9), P1, Offset::new(4))
    );
    assert_eq!((*member, *epoch), (MemberId(0), AssignmentEpoch(2)));
    assert_eq!(acknowledged(&mut bench), [true]);
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::DeadLetterAcknowledged { .. })),
        1
    );
}

#[test]
fn a_dead_letter_that_failed_or_got_lost_is_not_acknowledged() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.refuse(K::Produce, ErrorName::NotEnoughReplicas);
    let command = dead_letter(&bench);
    bench.say(command.clone());
    bench.run(ms(10));
    bench.kafka.ignores.push(K::Produce);
    bench.say(command.clone());
    bench.run(ms(5_100));
    let topic = bench.env.topology.dead_letters();
    bench.kafka.lead(topic, None);
    bench.run(ms(500));
    bench.disconnect(Node(1));
    bench.run(ms(500));
    bench.say(command);
    assert_eq!(acknowledged(&mut bench), [false; 3]);
    assert!(!bench.saw(|event| matches!(event, TraceEvent::DeadLetterAcknowledged { .. })));
}
