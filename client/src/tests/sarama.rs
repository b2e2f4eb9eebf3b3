//! Membership, where Sarama does otherwise than librdkafka.

use super::group::{MEMBER, generation, give_up, owner, refused};
use super::*;
use crate::Callback;
use plimsoll_protocol::ErrorName as E;
use plimsoll_protocol::ProtocolType;

/// Creates a member on Sarama that owns a partition.
fn sarama(behaviour: Behaviour, view: &View) -> Group {
    owner(Group::new(like(behaviour)), view)
}

/// librdkafka's SyncGroup ends at version 3; the others have the fields of KIP-559.
#[test]
fn sarama_and_java_say_by_which_protocol_they_believe_the_group_to_be_assigned() {
    let voted = Some((ProtocolType::CONSUMER, Assignor::Range));
    for (behaviour, expected) in [
        (Behaviour::LIBRDKAFKA, None),
        (Behaviour::SARAMA_1_61, voted),
        (Behaviour::JAVA, voted),
    ] {
        let view = knowledge();
        let mut group = Group::new(like(behaviour));
        group.handle_timeout(NOW, &view);
        told(|| group.poll_action());
        group.handle_join(NOW, &view, 1, Ok(generation(1)));
        let Some(Action::Ask(ask)) = group.poll_action() else {
            panic!("no sync");
        };
        let Request::SyncGroup { protocol, .. } = ask.request else {
            panic!("{:?}", ask.request);
        };
        assert_eq!(protocol, expected);
    }
}

#[test]
fn sarama_ends_its_session_when_the_coordinator_moves_and_carries_on_from_1_61() {
    let view = knowledge();
    let mut group = sarama(Behaviour::SARAMA_1_60, &view);
    group.handle_heartbeat(NOW, &view, 1, refused(E::NotCoordinator));
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    let (id, callback) = group.poll_callback(NOW, &view).expect("the end");
    assert_eq!(callback, Callback::Revoked(vec![P0]));
    assert_eq!(
        group.poll_timeout(&view),
        Instant::FAR_FUTURE,
        "no heartbeat"
    );
    give_up(&mut group, NOW, &view, id);
    // The coordinator that it knows says once more that it is none.
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
    assert_eq!(group.stamp(), Some((MEMBER, 1)), "it keeps its id");

    let mut group = sarama(Behaviour::SARAMA_1_61, &view);
    for _ in 0..3 {
        group.handle_heartbeat(NOW, &view, 1, refused(E::NotCoordinator));
        assert_eq!(told(|| group.poll_action()), ["LoseCoordinator"]);
        assert_eq!(group.poll_timeout(&view), NOW + ms(250));
    }
    group.handle_heartbeat(NOW, &view, 1, refused(E::NotCoordinator));
    assert!(
        group.poll_callback(NOW, &view).is_some(),
        "Metadata.Retry.Max"
    );
}

/// A claim that exits ends the session (`consumerGroupSession.consume`): every other claim is
/// given up with it, and the member joins again with its id.
#[test]
fn in_sarama_a_claim_that_ends_gives_all_claims_up() {
    let view = knowledge();
    let mut group = sarama(Behaviour::SARAMA_1_61, &view);
    group.end_session(NOW, &view);
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    let (id, callback) = group.poll_callback(NOW, &view).expect("the end");
    assert_eq!(callback, Callback::Revoked(vec![P0]));
    give_up(&mut group, NOW, &view, id);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
    assert_eq!(group.stamp(), Some((MEMBER, 1)), "it keeps its id");
}

/// The recipe's loop calls `Consume` again after a second; what was assigned is forgotten.
#[test]
fn in_sarama_a_session_that_could_not_begin_is_followed_by_another_one_after_a_pause() {
    let view = knowledge();
    let mut group = Group::new(like(Behaviour::SARAMA_1_61));
    super::group::join(&mut group, &view, 1, &[P0]);
    group.end_session(NOW, &view);
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    assert_eq!(group.poll_timeout(&view), NOW + ms(1_000), "no heartbeat");
    group.handle_timeout(NOW + ms(1_000), &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
}

#[test]
fn sarama_gives_an_unreachable_coordinator_three_further_tries() {
    let view = knowledge();
    for behaviour in [Behaviour::SARAMA_1_60, Behaviour::SARAMA_1_61] {
        let mut group = sarama(behaviour, &view);
        for _ in 0..3 {
            group.handle_heartbeat(NOW, &view, 1, Err(Failure::Lost));
            assert_eq!(told(|| group.poll_action()), ["ask 0 Heartbeat(1)"]);
        }
        group.handle_heartbeat(NOW, &view, 1, Err(Failure::Lost));
        assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
        assert!(group.rebalance().has_callback());
    }
}

#[test]
fn sarama_tries_a_join_five_times_and_then_consumes_again() {
    let view = knowledge();
    let mut group = Group::new(like(Behaviour::SARAMA_1_61));
    let mut now = NOW;
    for pause in [2_000, 2_000, 2_000, 2_000, 1_000, 2_000] {
        group.handle_timeout(now, &view);
        told(|| group.poll_action());
        let attempt = group.attempt();
        group.handle_join(now, &view, attempt, refused(E::NotCoordinator));
        assert_eq!(group.poll_timeout(&view), now + ms(pause));
        now += ms(pause);
    }
    // An error that no further try would mend: `Consume` returns it.
    group.handle_timeout(now, &view);
    let attempt = group.attempt();
    group.handle_join(now, &view, attempt, refused(E::InconsistentGroupProtocol));
    assert_eq!(group.poll_timeout(&view), now + ms(1_000));
}
