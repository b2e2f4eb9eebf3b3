//! Membership, where Java does otherwise than librdkafka.

use super::group::{MEMBER, generation, give_up, join, owner, refused};
use super::*;
use crate::Callback;
use plimsoll_protocol::ErrorName as E;

/// Creates a member on Java that owns a partition.
fn java(view: &View) -> Group {
    owner(Group::new(like(Behaviour::JAVA)), view)
}

/// `requestRejoin` only notes it; `onJoinPrepare` is called in `poll()`.
#[test]
fn java_rebalances_when_it_polls_and_sends_heartbeats_until_then() {
    let view = knowledge();
    let mut group = java(&view);
    group.handle_polling(NOW, &view, false);
    for beat in [3_000, 6_000] {
        let now = NOW + ms(beat);
        assert_eq!(group.poll_timeout(&view), now);
        group.handle_timeout(now, &view);
        assert_eq!(told(|| group.poll_action()), ["ask 0 Heartbeat(1)"]);
        group.handle_heartbeat(now, &view, 1, refused(E::RebalanceInProgress));
        assert_eq!(told(|| group.poll_action()), [""; 0]);
        assert!(!group.rebalance().has_callback());
    }
    assert!(group.handle_polling(NOW + ms(7_000), &view, true));
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    let (_, callback) = group.poll_callback(NOW, &view).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0]));

    // librdkafka's main loop waits for no poll.
    let mut group = owner(Group::new(settings()), &view);
    assert!(!group.handle_polling(NOW, &view, false));
    group.handle_heartbeat(NOW, &view, 1, refused(E::RebalanceInProgress));
    assert!(group.rebalance().has_callback());
}

#[test]
fn java_joins_when_it_polls() {
    let view = knowledge();
    let mut group = Group::new(like(Behaviour::JAVA));
    join(&mut group, &view, 1, &[]);
    group.handle_polling(NOW, &view, false);
    group.handle_heartbeat(NOW, &view, 1, refused(E::UnknownMemberId));
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    assert_eq!(group.poll_timeout(&view), Instant::FAR_FUTURE);
    group.handle_polling(NOW + ms(500), &view, true);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(3)"]);
}

/// The thread for heartbeats rests while a join is in flight, so that nothing reads its answer.
#[test]
fn java_reads_the_answer_to_a_join_when_it_polls() {
    let view = knowledge();
    let mut group = Group::new(like(Behaviour::JAVA));
    group.handle_timeout(NOW, &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(1)"]);
    group.handle_polling(NOW, &view, false);
    group.handle_join(NOW, &view, 1, Ok(generation(1)));
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    assert_eq!(group.stamp(), None, "it is in no generation yet");
    group.handle_polling(NOW, &view, true);
    assert_eq!(told(|| group.poll_action()), ["ask 0 SyncGroup(1)"]);
    assert_eq!(group.stamp(), None, "nor does it commit between the two");
}

/// "session timed out without receiving a heartbeat response"
#[test]
fn java_looks_for_its_coordinator_when_a_session_has_no_answer_and_goes_on() {
    let view = knowledge();
    for (behaviour, expected, loses) in [
        (Behaviour::JAVA, "LoseCoordinator", false),
        (Behaviour::LIBRDKAFKA, "ForgetStart", true),
    ] {
        let mut group = owner(Group::new(like(behaviour)), &view);
        group.handle_timeout(NOW + ms(3_000), &view);
        told(|| group.poll_action());
        group.handle_timeout(NOW + ms(10_000), &view);
        assert_eq!(told(|| group.poll_action()), [expected], "{behaviour:?}");
        assert_eq!(group.rebalance().has_callback(), loses, "{behaviour:?}");
    }
}

/// Without a coordinator the thread looks for it, and looks at no time.
#[test]
fn javas_session_begins_anew_with_the_coordinator_that_it_finds() {
    let (view, lost) = (knowledge(), ignorance());
    let mut group = java(&view);
    assert_eq!(group.poll_timeout(&lost), Instant::FAR_FUTURE);
    group.handle_timeout(NOW + ms(30_000), &lost);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    group.handle_coordinator(NOW + ms(30_000), &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 Heartbeat(1)"]);
    group.handle_timeout(NOW + ms(39_999), &view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
}

/// `Heartbeat.failHeartbeat`.
#[test]
fn java_sends_the_next_heartbeat_soon_after_one_that_failed() {
    let view = knowledge();
    let mut group = java(&view);
    for pause in [100, 200, 400] {
        group.handle_heartbeat(NOW, &view, 1, refused(E::NotCoordinator));
        assert_eq!(told(|| group.poll_action()), ["LoseCoordinator"]);
        assert_eq!(group.poll_timeout(&view), NOW + ms(pause));
    }
    group.handle_heartbeat(NOW, &view, 1, Ok(()));
    group.handle_heartbeat(NOW, &view, 1, Err(Failure::Lost));
    assert_eq!(group.poll_timeout(&view), NOW + ms(100), "they count anew");
}

#[test]
fn java_sends_no_sync_again_and_joins_after_a_pause() {
    let view = knowledge();
    for (error, follows, at) in [
        (E::NotCoordinator, vec!["LoseCoordinator"], NOW + ms(100)),
        (E::CoordinatorLoadInProgress, vec![], NOW + ms(100)),
        (E::FencedInstanceId, vec!["End"], NOW + ms(100)),
    ] {
        let mut group = Group::new(like(Behaviour::JAVA));
        group.handle_timeout(NOW, &view);
        group.handle_join(NOW, &view, 1, Ok(generation(1)));
        told(|| group.poll_action());
        group.handle_sync(NOW, &view, 1, refused(error));
        assert_eq!(told(|| group.poll_action()), follows, "{error:?}");
        assert_eq!(group.poll_timeout(&view), at, "{error:?}");
    }
    let mut group = Group::new(like(Behaviour::JAVA));
    group.handle_timeout(NOW, &view);
    group.handle_join(NOW, &view, 1, Ok(generation(1)));
    told(|| group.poll_action());
    group.handle_sync(NOW, &view, 1, refused(E::RebalanceInProgress));
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
}

/// `max.poll.interval.ms` ends in a listener: the thread leaves the group, and the member joins as
/// a new one when the listener returns.
#[test]
fn java_that_left_while_it_gave_partitions_up_joins_when_they_are_given_up() {
    let view = knowledge();
    let mut group = java(&view);
    group.handle_heartbeat(NOW, &view, 1, refused(E::RebalanceInProgress));
    let (id, _) = group.poll_callback(NOW, &view).expect("a revocation");
    told(|| group.poll_action());
    group.handle_missed_poll(NOW, &view);
    let said = told(|| group.poll_action());
    assert!(said[0].starts_with("say 0 LeaveGroup"), "{said:?}");
    assert_eq!(group.stamp(), None);
    give_up(&mut group, NOW, &view, id);
    let expected = ["ForgetStart", "ask 0 JoinGroup(3)"];
    assert_eq!(told(|| group.poll_action()), expected);
}

/// `OffsetCommitResponseHandler`: "requestRejoin", and the generation is kept.
#[test]
fn a_commit_that_tells_java_of_a_rebalance_begins_it() {
    let view = knowledge();
    let mut group = java(&view);
    group.handle_commit_refused(NOW, &view, E::RebalanceInProgress, &[]);
    assert!(group.rebalance().has_callback());
    assert_eq!(group.stamp(), Some((MEMBER, 1)));
    let mut group = java(&view);
    group.handle_commit_refused(NOW, &view, E::UnknownMemberId, &[]);
    let (_, callback) = group.poll_callback(NOW, &view).expect("a loss");
    assert_eq!(callback, Callback::Lost(vec![P0]));
    assert_eq!(group.stamp(), None);
}
