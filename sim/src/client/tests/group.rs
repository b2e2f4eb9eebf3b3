//! Joining, staying, being thrown out, leaving.

use super::*;
use crate::protocol::{BrokerSet, GroupMemberId};
use plimsoll_oracle::ErrorName;
use plimsoll_oracle::RequestKind as K;

const COOPERATIVE: &str = "assignor = \"cooperative-sticky\"\n";
const STATIC: &str = "static_ids = true\n";

fn is_revoked(event: &Event<Payload>) -> bool {
    matches!(event, Event::Revoked { .. })
}

fn is_lost(event: &Event<Payload>) -> bool {
    matches!(event, Event::Lost { .. })
}

#[test]
fn a_member_asks_in_the_order_of_a_real_client() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    let mut asked = bench.asked();
    asked[5..].sort_by_key(|kind| format!("{kind:?}"));
    assert_eq!(
        asked,
        [
            K::Metadata,
            K::FindCoordinator,
            K::JoinGroup,
            K::JoinGroup,
            K::SyncGroup,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::ListOffsets,
            K::OffsetFetch,
        ]
    );
    assert_eq!(bench.member.owned(), 4);
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::Assigned { .. })),
        4
    );
}

#[test]
fn nothing_is_fetched_before_the_application_says_where_to_start() {
    let mut bench = Bench::new(Polling::Always, "");
    probe::be_silent();
    bench = bench.joined();
    assert!(
        bench
            .requests()
            .iter()
            .all(|asked| positions(&asked.request).is_none())
    );
    let assigned = &bench.learned()[0];
    let rebalance = probe::rebalance_of(assigned);
    bench.say(Command::CompleteAssign {
        rebalance,
        starts: Vec::new(),
    });
    assert_eq!(
        bench.member.owned(),
        0,
        "what is not started is not fetched"
    );
}

#[test]
fn heartbeats_come_at_their_interval_and_not_during_a_join() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.asked();
    bench.run(ms(9_500));
    assert_eq!(bench.asked(), [K::Heartbeat; 3]);
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.kafka.ignores.push(K::JoinGroup);
    bench.run(ms(12_000));
    assert_eq!(bench.asked(), [K::Heartbeat, K::JoinGroup]);
}

/// librdkafka's join has a connection of its own, so that it hangs at a frozen coordinator until
/// its own time is over: `max.poll.interval.ms` and 3 s. A fetch from the same broker times out
/// before.
#[test]
fn a_join_at_a_frozen_coordinator_waits_longer_than_a_fetch_from_it() {
    let mut bench = Bench::new(Polling::Always, "");
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.kafka.ignores.push(K::Fetch);
    bench = bench.joined();
    bench.asked();
    bench.kafka.ignores.push(K::JoinGroup);
    bench.run(ms(4_000));
    assert_eq!(bench.asked(), [K::Heartbeat, K::JoinGroup]);
    bench.run(ms(21_500));
    let asked = bench.asked();
    assert!(asked.contains(&K::Metadata), "the fetches timed out");
    let others = asked.iter().filter(|kind| **kind != K::Metadata);
    assert_eq!(others.count(), 0, "{asked:?}");
    bench.kafka.ignores.clear();
    bench.run(ms(3_000));
    let asked = bench.asked();
    assert!(
        asked.contains(&K::FindCoordinator) && asked.contains(&K::JoinGroup),
        "{asked:?}"
    );
}

/// A fenced broker is in no metadata, and what waits on a connection with it waits no longer.
#[test]
fn a_join_at_a_coordinator_that_metadata_names_no_more_goes_to_the_next_one() {
    let mut bench = Bench::new(Polling::Always, "metadata_refresh = \"10s\"\n").joined();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.kafka.ignores.push(K::JoinGroup);
    bench.run(ms(4_000));
    bench.kafka.ignores.clear();
    bench.kafka.coordinator = Node(1);
    bench.kafka.alive = BrokerSet(0b110);
    bench.requests();
    bench.run(ms(7_000));
    let requests = bench.requests().into_iter();
    let joins = requests.filter(|asked| matches!(asked.request, Request::JoinGroup(_)));
    let asked: Vec<Node> = joins.map(|asked| asked.to).collect();
    assert_eq!(asked.first(), Some(&Node(1)), "{asked:?}");
}

#[test]
fn eager_gives_everything_up_before_it_joins_again() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.asked();
    probe::be_silent();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(7_000));
    let events = bench.learned();
    let revoked = events
        .iter()
        .find(|event| is_revoked(event))
        .expect("a revocation");
    assert!(!bench.asked().contains(&K::JoinGroup));
    assert_eq!(bench.member.owned(), 0);
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::Revoked { .. })),
        4
    );
    let rebalance = probe::rebalance_of(revoked);
    bench.run(ms(3_000));
    assert_eq!(bench.asked(), [K::Heartbeat], "heartbeats go on meanwhile");
    bench.say(Command::CompleteRevoke { rebalance });
    bench.run(ms(20));
    assert_eq!(bench.asked()[..2], [K::JoinGroup, K::SyncGroup]);
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::Released { .. })),
        4
    );
}

#[test]
fn cooperative_keeps_what_stays_and_joins_again_after_giving_up_the_rest() {
    let librdkafka = Behaviour::LIBRDKAFKA;
    let mut bench = Bench::on(librdkafka, Polling::Always, COOPERATIVE).joined();
    bench.learned();
    bench.requests();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.kafka.assignment = Some(vec![P0, P1]);
    bench.run(ms(3_100));
    let events = bench.learned();
    let [Event::Revoked { partitions, .. }, assigned @ ..] = &events[..] else {
        panic!("{events:?}");
    };
    // An assignment follows all the same, and another one the second round.
    let nothing = |event: &Event<Payload>| matches!(event, Event::Assigned { partitions, .. } if partitions.is_empty());
    assert_eq!(assigned.len(), 2);
    assert!(assigned.iter().all(nothing), "{assigned:?}");
    assert_eq!(
        partitions.iter().map(|p| p.partition).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(bench.member.owned(), 2);
    let joins = bench.requests();
    let owned: Vec<usize> = joins
        .iter()
        .filter_map(|asked| match &asked.request {
            Request::JoinGroup(join) => Some(join.subscription.owned.len()),
            _ => None,
        })
        .collect();
    assert_eq!(owned, [4, 2], "a second round follows the revocation");
}

#[test]
fn cooperative_starts_what_came_with_a_revocation_and_then_joins_again() {
    let mut bench = Bench::new(Polling::Always, COOPERATIVE);
    bench.kafka.assignment = Some(vec![P0, P1]);
    bench = bench.joined();
    bench.requests();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.kafka.assignment = Some(vec![P1, P2]);
    bench.run(ms(3_100));
    let requests = bench.requests();
    let joins = requests.iter().filter_map(|asked| match &asked.request {
        Request::JoinGroup(join) => Some(join.subscription.owned.clone()),
        _ => None,
    });
    assert_eq!(joins.collect::<Vec<_>>(), [vec![P0, P1], vec![P1, P2]]);
    assert_eq!(bench.member.owned(), 2);
}

#[test]
fn a_coordinator_that_cannot_be_found_is_asked_for_with_a_pause() {
    // librdkafka asks the broker to which it is connected, and Sarama another one each time.
    for (behaviour, stays) in [
        (Behaviour::LIBRDKAFKA, true),
        (Behaviour::SARAMA_1_61, false),
    ] {
        let mut bench = Bench::on(behaviour, Polling::Always, "");
        for _ in 0..1_000 {
            let error = ErrorName::CoordinatorNotAvailable;
            bench.kafka.refuse(K::FindCoordinator, error);
        }
        bench = bench.joined();
        bench.requests();
        bench.run(ms(2_000));
        let requests = bench.requests();
        assert!((2..=20).contains(&requests.len()), "{}", requests.len());
        let mut pairs = requests.windows(2);
        assert!(pairs.all(|pair| (pair[0].to == pair[1].to) == stays));
    }
}

#[test]
fn an_expelled_member_loses_everything_and_joins_as_a_new_one() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.learned();
    bench.kafka.refuse(K::Heartbeat, ErrorName::UnknownMemberId);
    bench.run(ms(3_100));
    let events = bench.learned();
    assert!(is_lost(&events[0]), "{events:?}");
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::Lost { .. })),
        4
    );
    assert!(!bench.saw(|event| matches!(event, TraceEvent::Released { .. })));
    let joins = bench.requests();
    let last = joins.iter().rev().find_map(|asked| match &asked.request {
        Request::Heartbeat(sender) | Request::SyncGroup { sender, .. } => Some(sender.member),
        _ => None,
    });
    assert_eq!(last, Some(GroupMemberId(2)));
}

#[test]
fn an_old_generation_keeps_its_member_id() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.requests();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::IllegalGeneration);
    bench.run(ms(3_100));
    let requests = bench.requests();
    let mut members = requests.iter().filter_map(|asked| match &asked.request {
        Request::JoinGroup(join) => Some(join.member),
        _ => None,
    });
    assert_eq!(members.next(), Some(Some(GroupMemberId(1))));
    assert!(is_lost(&bench.learned()[1]));
}

#[test]
fn a_session_without_answers_is_over() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.learned();
    bench.kafka.ignores.push(K::Heartbeat);
    bench.run(ms(9_850));
    assert!(bench.learned().is_empty());
    bench.run(ms(200));
    assert!(is_lost(&bench.learned()[0]));
}

#[test]
fn a_fenced_member_ends() {
    let mut bench = Bench::new(Polling::Always, STATIC).joined();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::FencedInstanceId);
    bench.run(ms(3_100));
    assert!(!bench.member.is_running());
    assert!(bench.saw(|event| matches!(event, TraceEvent::MemberExited { .. })));
}

#[test]
fn the_coordinator_is_looked_up_again_and_the_generation_stays() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.learned();
    bench.asked();
    bench.kafka.refuse(K::Heartbeat, ErrorName::NotCoordinator);
    bench.kafka.coordinator = Node(2);
    bench.run(ms(7_000));
    let requests = bench.requests();
    let heartbeats = requests
        .iter()
        .filter(|asked| matches!(asked.request, Request::Heartbeat(_)));
    assert_eq!(
        heartbeats.map(|asked| asked.to).collect::<Vec<_>>(),
        [Node(0), Node(2)]
    );
    assert!(bench.learned().is_empty(), "nothing was lost");
}

#[test]
fn a_broken_connection_to_the_coordinator_costs_no_membership() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.learned();
    bench.asked();
    bench.disconnect(Node(0));
    bench.run(ms(3_200));
    let asked = bench.asked();
    assert!(
        asked.contains(&K::FindCoordinator) && asked.contains(&K::Heartbeat),
        "{asked:?}"
    );
    assert!(!asked.contains(&K::JoinGroup));
}

#[test]
fn another_member_joining_during_the_sync_means_joining_again() {
    let mut bench = Bench::new(Polling::Always, "");
    bench
        .kafka
        .refuse(K::SyncGroup, ErrorName::RebalanceInProgress);
    bench = bench.joined();
    assert_eq!(bench.member.owned(), 0, "not within a second");
    bench.run(ms(1_000));
    let asked = bench.asked();
    assert_eq!(
        asked.iter().filter(|kind| **kind == K::JoinGroup).count(),
        3
    );
    assert_eq!(bench.member.owned(), 4);
}

#[test]
fn a_member_that_sees_more_partitions_joins_again_but_in_sarama_and_java_only_the_leader() {
    let cases = [
        (Behaviour::LIBRDKAFKA, true, 1),
        (Behaviour::LIBRDKAFKA, false, 1),
        (Behaviour::SARAMA_1_61, false, 0),
        (Behaviour::JAVA, true, 1),
        (Behaviour::JAVA, false, 0),
    ];
    for (behaviour, leads, joins) in cases {
        let spec = SubjectSpec {
            build: probe::build,
            polling: Polling::Always,
            behaviour,
            seams: None,
        };
        probe::reset();
        let mut bench = Bench::of(spec, "metadata_refresh = \"30s\"\n");
        bench.kafka.member_leads = leads;
        bench.kafka.assignment = Some(vec![P0, P1]);
        bench
            .kafka
            .leaders
            .retain(|info| info.partition != PartitionIndex(3));
        bench = bench.joined();
        bench.asked();
        let fourth = Kafka::new(&bench.env).leaders[3];
        bench.kafka.leaders.push(fourth);
        bench.run(ms(29_000));
        assert!(!bench.asked().contains(&K::JoinGroup));
        bench.run(ms(2_000));
        let asked = bench.asked();
        let joined = asked.iter().filter(|kind| **kind == K::JoinGroup).count();
        assert_eq!(joined, joins, "{behaviour:?}, leads: {leads}");
    }
}

#[test]
fn an_unanswered_callback_misses_the_poll_deadline() {
    let mut bench = Bench::new(Polling::Inline, "").joined();
    probe::be_silent();
    bench.learned();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(3_100));
    let revoked = bench.learned();
    assert!(is_revoked(&revoked[0]));
    bench.asked();
    bench.run(ms(19_500));
    assert!(!bench.asked().contains(&K::LeaveGroup));
    // The client looks twice a second.
    bench.run(ms(1_000));
    assert_eq!(bench.asked(), [K::LeaveGroup]);
    assert!(bench.learned().is_empty(), "no loss before the answer");
    bench.say(Command::CompleteRevoke {
        rebalance: probe::rebalance_of(&revoked[0]),
    });
    bench.run(ms(100));
    assert_eq!(
        bench.asked()[..2],
        [K::JoinGroup, K::JoinGroup],
        "as a new member"
    );
}

#[test]
fn a_handler_in_the_poll_loop_misses_the_deadline_and_others_do_not() {
    for (polling, leaves) in [(Polling::Inline, true), (Polling::Always, false)] {
        let mut bench = Bench::new(polling, "").joined();
        probe::dispatch();
        bench.env.sink.attempts.hang(MEMBER);
        bench.kafka.append(&mut bench.env, P0, 1);
        bench.run(ms(100));
        bench.learned();
        bench.asked();
        bench.run(ms(25_000));
        let asked = bench.asked();
        assert_eq!(asked.contains(&K::LeaveGroup), leaves, "{polling:?}");
        // "do not rejoin group until the application has called poll" (`rd_kafka_cgrp_join`).
        assert!(!asked.contains(&K::JoinGroup), "{polling:?}");
        assert!(bench.learned().is_empty(), "it learns when it polls");
        let handlers = bench.env.sink.unhang(MEMBER);
        bench.step(WorldEvent::HandlerDone(handlers[0]));
        bench.run(ms(100));
        assert_eq!(bench.learned().iter().any(is_lost), leaves, "{polling:?}");
        assert_eq!(bench.asked().contains(&K::JoinGroup), leaves, "{polling:?}");
    }
}

#[test]
fn a_dynamic_member_leaves_when_it_closes_and_a_static_one_does_not() {
    for (more, leaves) in [("", true), (STATIC, false)] {
        let mut bench = Bench::new(Polling::Always, more).joined();
        bench.asked();
        bench.member.stop(&mut bench.env);
        assert_eq!(bench.learned().last(), Some(&Event::Shutdown));
        assert!(bench.member.is_running(), "it drains first");
        bench.say(Command::Close);
        assert_eq!(bench.member.is_running(), leaves);
        bench.run(ms(100));
        assert_eq!(bench.asked().contains(&K::LeaveGroup), leaves);
        assert!(!bench.member.is_running());
        assert_eq!(
            bench.count(|event| matches!(event, TraceEvent::MemberStopped { .. })),
            1
        );
    }
}

#[test]
fn leaving_does_not_wait_for_ever() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.ignores.push(K::LeaveGroup);
    bench.say(Command::Close);
    bench.run(ms(4_900));
    assert!(bench.member.is_running());
    bench.run(ms(200));
    assert!(!bench.member.is_running());
}

#[test]
fn a_restarted_process_remembers_nothing_but_the_numbers_of_requests() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.member.crash(&mut bench.env);
    assert_eq!(
        (bench.member.is_running(), bench.member.next_timeout()),
        (false, None)
    );
    // An answer to the dead process must not be taken for one to the new one.
    let last = bench.requests().iter().map(|asked| asked.correlation).max();
    let last = last.expect("requests");
    bench.member.start(&mut bench.env);
    bench.run(ms(3_000));
    assert_eq!(bench.member.owned(), 4);
    let requests = bench.requests();
    let member = requests.iter().find_map(|asked| match &asked.request {
        Request::JoinGroup(join) => Some(join.member),
        _ => None,
    });
    assert_eq!(member, Some(None));
    assert!(requests.iter().all(|asked| asked.correlation > last));
}
