//! What librdkafka sends again, as it was.

use super::group::{MEMBER, assignment, generation, given, join, new, owner, refused};
use super::*;
use plimsoll_protocol::ErrorName as E;
use std::time::Duration;

/// Lets a heartbeat be sent, and returns how long its answer is awaited.
fn heartbeat(group: &mut Group, now: Instant, view: &View) -> Duration {
    group.handle_timeout(now, view);
    match group.poll_action() {
        Some(Action::Ask(ask)) if matches!(ask.request, Request::Heartbeat(_)) => ask.timeout,
        other => panic!("no heartbeat: {other:?}"),
    }
}

/// `rd_kafka_cgrp_handle_Heartbeat`: `__TRANSPORT` is not sent again, `__TIMED_OUT` is.
#[test]
fn a_heartbeat_that_timed_out_is_sent_again_with_what_is_left_of_its_time() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    let mut now = NOW + ms(3_000);
    assert_eq!(heartbeat(&mut group, now, &view), ms(5_000));
    for (passes, pause, left) in [(5_100, 100, 4_800), (400, 200, 4_200)] {
        now += ms(passes);
        group.handle_heartbeat(now, &view, 1, Err(Failure::TimedOut));
        assert_eq!(told(|| group.poll_action()), [""; 0], "it was not lost");
        now += ms(pause);
        assert_eq!(group.poll_timeout(&view), now);
        assert_eq!(heartbeat(&mut group, now, &view), ms(left));
    }
    group.handle_heartbeat(now, &view, 1, Err(Failure::TimedOut));
    assert_eq!(group.poll_timeout(&view), NOW + ms(9_000), "the third tick");
    now = NOW + ms(9_000);
    assert_eq!(heartbeat(&mut group, now, &view), ms(5_000), "a new one");
    group.handle_heartbeat(now, &view, 1, Err(Failure::Lost));
    assert_eq!(told(|| group.poll_action()), ["LoseCoordinator"]);
}

/// `rd_kafka_buf_retry`: "Absolute timeout, check for expiry".
#[test]
fn a_heartbeat_that_waits_for_a_coordinator_is_given_up_when_its_time_is_over() {
    let view = knowledge();
    let mut group = new(settings(), None);
    join(&mut group, &view, 1, &[P0]);
    group.handle_started(vec![assignment()]);
    assert!(
        group.poll_callback(NOW, &view).is_some(),
        "no end of the session meanwhile"
    );
    told(|| group.poll_action());
    let now = NOW + ms(3_000);
    assert_eq!(heartbeat(&mut group, now, &view), ms(5_000));
    group.handle_heartbeat(now, &view, 1, Err(Failure::TimedOut));
    group.handle_timeout(now + ms(10_000), &view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    let tick = now + ms(12_000);
    assert_eq!(heartbeat(&mut group, tick, &view), ms(5_000), "a new one");
}

/// It lies in the queue of the coordinator's connection, of which the join state knows nothing; and
/// until it has an outcome no other one goes out, in the next generation either
/// (`RD_KAFKA_CGRP_F_HEARTBEAT_IN_TRANSIT`).
#[test]
fn a_heartbeat_is_sent_again_as_it_was_while_the_member_joins() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    let mut now = NOW + ms(3_000);
    heartbeat(&mut group, now, &view);
    group.handle_heartbeat(now, &view, 1, Err(Failure::TimedOut));
    group.handle_commit_refused(now, &view, E::IllegalGeneration, &[]);
    let (id, _) = group.poll_callback(now, &view).expect("a loss");
    super::group::give_up(&mut group, now, &view, id);
    let asked = told(|| group.poll_action());
    assert_eq!(asked.last().map(String::as_str), Some("ask 0 JoinGroup(3)"));
    now += ms(100);
    assert_eq!(group.poll_timeout(&view), now);
    group.handle_timeout(now, &view);
    let Some(Action::Ask(ask)) = group.poll_action() else {
        panic!("no heartbeat");
    };
    let Request::Heartbeat(sender) = ask.request else {
        panic!("{:?}", ask.request);
    };
    assert_eq!((sender.member, sender.generation), (MEMBER, 1));
    group.handle_join(now, &view, 3, Ok(generation(2)));
    group.handle_sync(now, &view, 3, given(&[P0]));
    told(|| group.poll_action());
    now += ms(3_000);
    group.handle_timeout(now, &view);
    assert_eq!(told(|| group.poll_action()), [""; 0], "one is in transit");
    group.handle_heartbeat(now, &view, 3, Ok(()));
    heartbeat(&mut group, now + ms(3_000), &view);
}

/// Lets a member send its sync, and take its answers in turn, after each of which it sends the same
/// again after the pause beside it.
fn sync_again(settings: Settings, answers: &[(Failure, u64)]) -> (Group, Instant) {
    let view = knowledge();
    let mut group = syncing(settings, &view);
    let mut now = NOW;
    for (failure, pause) in answers {
        group.handle_sync(now, &view, 1, Err(*failure));
        now += ms(*pause);
        assert_eq!(group.poll_timeout(&view), now, "{failure:?}");
        group.handle_timeout(now, &view);
        let asked = told(|| group.poll_action());
        assert_eq!(asked, ["ask 0 SyncGroup(1)"], "{failure:?}");
    }
    (group, now)
}

fn syncing(settings: Settings, view: &View) -> Group {
    let mut group = new(settings, None);
    group.handle_timeout(NOW, view);
    group.handle_join(NOW, view, 1, Ok(generation(1)));
    told(|| group.poll_action());
    group
}

/// `rd_kafka_cgrp_handle_SyncGroup`: `rd_kafka_buf_retry` comes before the next join.
#[test]
fn a_sync_without_an_answer_is_sent_again_twice_and_then_given_up() {
    let busy = Failure::Refused(E::CoordinatorLoadInProgress);
    for failure in [busy, Failure::Lost, Failure::TimedOut] {
        let (mut group, now) = sync_again(settings(), &[(failure, 100), (failure, 200)]);
        let view = knowledge();
        group.handle_sync(now, &view, 1, Err(failure));
        let joins_at = group.poll_timeout(&view);
        assert_eq!(joins_at, NOW + ms(1_000), "it joins again: {failure:?}");
    }
}

/// `retry.backoff.max.ms`.
#[test]
fn no_pause_before_a_sync_is_longer_than_a_second() {
    let busy = Failure::Refused(E::CoordinatorLoadInProgress);
    let slow = Settings {
        retry_backoff: ms(800),
        ..settings()
    };
    sync_again(slow, &[(busy, 800), (busy, 1_000)]);
}

/// What is to be sent on the coordinator's connection stays in its queue, also where that is made
/// with another broker, and no longer than the time of a sync.
#[test]
fn a_sync_waits_for_a_coordinator_until_its_time_is_over() {
    for (waits, gives_up) in [(12_000, false), (13_000, true)] {
        let mut view = knowledge();
        let mut group = new(settings(), None);
        group.handle_timeout(NOW, &view);
        view.coordinator.forget();
        group.handle_join(NOW, &view, 1, Ok(generation(1)));
        assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(1)"]);
        assert_eq!(group.poll_timeout(&view), NOW + ms(13_000));
        let now = NOW + ms(waits);
        group.handle_timeout(now, &view);
        told(|| group.poll_action());
        view.handle_coordinator(now, Ok(Node(2)));
        group.handle_coordinator(now, &view);
        let asks = match gives_up {
            true => "ask 2 JoinGroup(2)",
            false => "ask 2 SyncGroup(1)",
        };
        assert_eq!(told(|| group.poll_action()), [asks]);
    }
}

/// A commit is refused meanwhile, from which the client learns that the group does not know it any
/// more: it learns so once more from the sync, and goes on from there.
#[test]
fn a_sync_that_is_sent_again_says_the_same() {
    let view = knowledge();
    let mut group = syncing(settings(), &view);
    group.handle_sync(NOW, &view, 1, refused(E::CoordinatorLoadInProgress));
    group.handle_commit_refused(NOW, &view, E::UnknownMemberId, &[]);
    let now = NOW + ms(100);
    group.handle_timeout(now, &view);
    let Some(Action::Ask(ask)) = group.poll_action() else {
        panic!("no sync");
    };
    let Request::SyncGroup { sender, .. } = ask.request else {
        panic!("{:?}", ask.request);
    };
    assert_eq!((sender.member, sender.generation), (MEMBER, 1));
    group.handle_sync(now, &view, 1, refused(E::UnknownMemberId));
    assert_eq!(group.poll_timeout(&view), NOW + ms(1_000), "it joins anew");
}

/// `rd_kafka_OffsetFetchRequest`: `RD_KAFKA_REQUEST_MAX_RETRIES`; Sarama's pause does not grow.
#[test]
fn a_coordinator_that_loads_is_asked_for_offsets_again_after_a_pause() {
    let view = knowledge();
    let growing = [100, 200, 400, 800, 1_000, 1_000];
    for (behaviour, pauses) in [
        (Behaviour::LIBRDKAFKA, &growing[..]),
        (Behaviour::SARAMA_1_61, &[250; 3]),
    ] {
        let mut start = Start::new(like(behaviour));
        start.begin(NOW, &view, 1, Vec::new());
        let mut now = NOW;
        for &pause in pauses {
            assert_eq!(asked(|| start.poll_action()).len(), 1);
            start.handle_committed(now, &view, 1, refused(E::CoordinatorLoadInProgress));
            now += ms(pause);
            assert_eq!(start.poll_timeout(&view), now, "{behaviour:?}");
            start.advance(now, &view);
        }
    }
}
