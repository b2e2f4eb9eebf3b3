//! Membership.

use super::*;
use crate::Callback;
use crate::Joined;
use plimsoll_core::{Assignment, Event, RebalanceId, TopicPartition};
use plimsoll_protocol::ErrorName as E;
use plimsoll_protocol::{GroupMemberId, JoinGroupResponse, ProtocolType, SyncGroupResponse};

pub(super) const MEMBER: GroupMemberId = GroupMemberId(1);

pub(super) fn new(settings: Settings, instance: Option<u32>) -> Group {
    Group::new(Settings {
        instance,
        ..settings
    })
}

/// Makes a client a member that owns a partition.
pub(super) fn owner(mut group: Group, view: &View) -> Group {
    join(&mut group, view, 1, &[P0]);
    own(&mut group, view);
    group
}

pub(super) fn generation(generation: i32) -> Joined<Plain> {
    Joined::Generation(Box::new(JoinGroupResponse {
        generation,
        member: MEMBER,
        leader: GroupMemberId(9),
        skip_assignment: false,
        protocol: Some((ProtocolType::CONSUMER, Assignor::Range)),
        members: Vec::new(),
    }))
}

pub(super) fn refused<T>(error: E) -> Result<T, Failure> {
    Err(Failure::Refused(error))
}

/// Returns the answer to a sync that gives these partitions.
pub(super) fn given(partitions: &[PartitionIndex]) -> Result<SyncGroupResponse<Plain>, Failure> {
    Ok(SyncGroupResponse {
        protocol: None,
        assignment: partitions.to_vec(),
    })
}

/// Lets a group join, and have these partitions to start.
pub(super) fn join(group: &mut Group, view: &View, attempt: u32, partitions: &[PartitionIndex]) {
    group.handle_timeout(NOW, view);
    group.handle_join(NOW, view, attempt, Ok(generation(1)));
    group.handle_sync(NOW, view, attempt, given(partitions));
    told(|| group.poll_action());
}

pub(super) fn assignment() -> Assignment {
    Assignment {
        partition: TopicPartition::new(0, 0),
        committed: None,
        log_start: NextOffset::new(0),
        high_watermark: NextOffset::new(0),
        founding_partitions: None,
        partitions: 4,
    }
}

/// Lets the application have a partition.
fn own(group: &mut Group, view: &View) {
    group.handle_started(vec![assignment()]);
    let (id, _) = group.poll_callback(NOW, view).expect("an assignment");
    assert!(group.handle_assign_answer(id, &mut Vec::new()));
    group.handle_settled(NOW, view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
}

/// Lets the application answer a revocation or a loss while no commit is outstanding.
pub(super) fn give_up(
    group: &mut Group,
    now: Instant,
    view: &View,
    id: RebalanceId,
) -> Vec<PartitionIndex> {
    let given_up = group.handle_revoke_answer(id);
    group.handle_settled(now, view);
    given_up
}

#[test]
fn a_member_joins_with_the_id_that_it_is_given_and_starts_what_it_gets() {
    let view = knowledge();
    let mut group = new(settings(), None);
    assert_eq!(group.poll_timeout(&view), Instant::ZERO);
    group.handle_timeout(NOW, &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(1)"]);
    group.handle_join(NOW, &view, 1, Ok(Joined::MemberId(MEMBER)));
    let Some(Action::Ask(ask)) = group.poll_action() else {
        panic!("no second join");
    };
    let Request::JoinGroup(request) = ask.request else {
        panic!("{:?}", ask.request);
    };
    assert_eq!(request.member, Some(MEMBER));
    group.handle_join(NOW, &view, 1, Ok(generation(4)));
    assert_eq!(told(|| group.poll_action()), [""; 0], "an old answer");
    group.handle_join(NOW, &view, 2, Ok(generation(5)));
    assert_eq!(told(|| group.poll_action()), ["ask 0 SyncGroup(2)"]);
    group.handle_sync(NOW, &view, 2, given(&[P1]));
    let start = ["Start(2, [PartitionIndex(1)])"];
    assert_eq!(told(|| group.poll_action()), start);
    assert_eq!(group.stamp(), Some((MEMBER, 5)));
    assert_eq!(group.poll_timeout(&view), NOW + ms(3_000), "a heartbeat");
}

#[test]
fn a_join_that_failed_is_repeated_after_a_pause_and_a_fenced_one_is_not() {
    let view = knowledge();
    for (error, follows) in [
        (E::NotCoordinator, vec!["LoseCoordinator"]),
        (E::CoordinatorLoadInProgress, vec![]),
        (E::FencedInstanceId, vec!["End"]),
    ] {
        let mut group = new(settings(), None);
        group.handle_timeout(NOW, &view);
        told(|| group.poll_action());
        group.handle_join(NOW, &view, 1, refused(error));
        assert_eq!(told(|| group.poll_action()), follows, "{error:?}");
        if error != E::FencedInstanceId {
            assert_eq!(group.poll_timeout(&view), NOW + ms(2_000), "{error:?}");
        }
    }
    let mut group = new(settings(), None);
    group.handle_timeout(NOW, &view);
    told(|| group.poll_action());
    group.handle_join(NOW, &view, 1, Err(Failure::Lost));
    let again = group.poll_timeout(&view);
    assert_eq!(again, NOW + ms(1_000), "nothing was refused");
}

#[test]
fn a_cooperative_member_that_owns_nothing_joins_again_after_the_interval() {
    let view = knowledge();
    let mut group = new(cooperative(), None);
    join(&mut group, &view, 1, &[]);
    group.handle_heartbeat(NOW, &view, 1, refused(E::UnknownMemberId));
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    assert_eq!(group.poll_timeout(&view), NOW + ms(1_000));
}

#[test]
fn an_unknown_member_without_partitions_joins_anew_at_once() {
    let view = knowledge();
    let mut group = new(settings(), None);
    join(&mut group, &view, 1, &[]);
    group.handle_heartbeat(NOW, &view, 1, refused(E::UnknownMemberId));
    let expected = ["ForgetStart", "ask 0 JoinGroup(3)"];
    assert_eq!(told(|| group.poll_action()), expected);
    assert_eq!(group.stamp(), Some((GroupMemberId::EMPTY, 1)));
}

#[test]
fn a_member_with_partitions_joins_anew_once_the_application_knows() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    group.handle_heartbeat(NOW, &view, 1, refused(E::IllegalGeneration));
    assert_eq!(told(|| group.poll_action()), ["ForgetStart"]);
    assert_eq!(group.poll_timeout(&view), Instant::FAR_FUTURE);
    let (id, callback) = group.poll_callback(NOW, &view).expect("a loss");
    assert_eq!(callback, Callback::Lost(vec![P0]));
    let given_up = give_up(&mut group, NOW, &view, id);
    assert_eq!(given_up, [], "it was not asked to");
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(3)"]);
}

/// `rd_kafka_cgrp_revoke_all_rejoin_maybe`: "already in progress, skipping".
#[test]
fn no_loss_is_told_before_a_revocation_is_answered_and_then_it_is_moot() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    group.handle_heartbeat(NOW, &view, 1, refused(E::RebalanceInProgress));
    let (id, _) = group.poll_callback(NOW, &view).expect("a revocation");
    let now = NOW + ms(3_000);
    group.handle_timeout(now, &view);
    group.handle_heartbeat(now, &view, 1, refused(E::UnknownMemberId));
    assert!(!group.rebalance().has_callback());
    assert_eq!(group.poll_timeout(&view), Instant::FAR_FUTURE, "it waits");
    group.handle_timeout(NOW + ms(20_000), &view);
    assert!(!group.rebalance().has_callback(), "nor is its session over");
    told(|| group.poll_action());
    assert_eq!(give_up(&mut group, now, &view, id), [P0]);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
    assert!(!group.rebalance().is_under_way());
}

#[test]
fn a_loss_is_told_with_the_first_heartbeat_after_an_assignment_was_answered() {
    let view = knowledge();
    let mut group = new(settings(), None);
    join(&mut group, &view, 1, &[P0]);
    group.handle_started(vec![assignment()]);
    let (id, _) = group.poll_callback(NOW, &view).expect("an assignment");
    let now = NOW + ms(3_000);
    group.handle_timeout(now, &view);
    group.handle_heartbeat(now, &view, 1, refused(E::UnknownMemberId));
    assert!(!group.rebalance().has_callback());
    let now = NOW + ms(4_000);
    assert!(group.handle_assign_answer(id, &mut Vec::new()));
    group.handle_settled(now, &view);
    assert!(!group.rebalance().has_callback());
    let heartbeat = group.poll_timeout(&view);
    assert_eq!(heartbeat, NOW + ms(6_000));
    group.handle_timeout(heartbeat, &view);
    let (_, callback) = group.poll_callback(heartbeat, &view).expect("a loss");
    assert_eq!(callback, Callback::Lost(vec![P0]));
}

#[test]
fn without_a_coordinator_nothing_is_due_but_the_end_of_the_session() {
    let mut view = knowledge();
    let mut group = new(settings(), None);
    join(&mut group, &view, 1, &[]);
    view.coordinator.forget();
    assert_eq!(group.poll_timeout(&view), NOW + ms(10_000));
    group.handle_timeout(NOW + ms(9_999), &view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    view.handle_coordinator(NOW + ms(9_999), Ok(Node(2)));
    group.handle_coordinator(NOW + ms(9_999), &view);
    assert_eq!(told(|| group.poll_action()), ["ask 2 Heartbeat(1)"]);
}

/// `rd_kafka_cgrp_heartbeat`: "Don't send heartbeats if max.poll.interval.ms was exceeded".
#[test]
fn a_late_poller_that_owes_an_answer_learns_of_its_loss_when_its_session_is_over() {
    let view = knowledge();
    let mut group = new(settings(), None);
    join(&mut group, &view, 1, &[P0]);
    group.handle_started(vec![assignment()]);
    let (id, _) = group.poll_callback(NOW, &view).expect("an assignment");
    group.handle_missed_poll(NOW, &view);
    assert!(group.handle_assign_answer(id, &mut Vec::new()));
    group.handle_settled(NOW, &view);
    group.handle_timeout(NOW + ms(9_999), &view);
    assert!(!group.rebalance().has_callback(), "no heartbeat is refused");
    group.handle_timeout(NOW + ms(10_000), &view);
    assert!(group.rebalance().has_callback());
}

#[test]
fn a_late_poller_leaves_and_a_static_one_does_not() {
    let view = knowledge();
    for (instance, leaves) in [(None, true), (Some(1), false)] {
        let mut group = new(settings(), instance);
        join(&mut group, &view, 1, &[]);
        group.handle_missed_poll(NOW, &view);
        let actions = told(|| group.poll_action());
        assert_eq!(actions[0].starts_with("say 0 LeaveGroup"), leaves);
        let mut group = new(settings(), instance);
        join(&mut group, &view, 1, &[]);
        group.leave(&view);
        let leave = if leaves { "ask 0 LeaveGroup" } else { "End" };
        assert_eq!(told(|| group.poll_action()), [leave]);
    }
}

#[test]
fn an_unknown_cooperative_member_loses_its_partitions_when_it_gets_another_id() {
    let view = knowledge();
    let mut group = owner(new(cooperative(), None), &view);
    let now = NOW + ms(3_000);
    group.handle_heartbeat(now, &view, 1, refused(E::RebalanceInProgress));
    let rejoins = ["ForgetStart", "ask 0 JoinGroup(2)"];
    assert_eq!(told(|| group.poll_action()), rejoins);
    group.handle_join(now, &view, 2, refused(E::UnknownMemberId));
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    assert!(!group.rebalance().has_callback(), "it is not lost yet");
    let now = NOW + ms(5_000);
    group.handle_timeout(now, &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(3)"]);
    group.handle_join(now, &view, 3, Ok(Joined::MemberId(GroupMemberId(2))));
    let (id, callback) = group.poll_callback(now, &view).expect("a loss");
    assert_eq!(callback, Callback::Lost(vec![P0]));
    give_up(&mut group, now, &view, id);
    let joins = ["ForgetStart", "ask 0 JoinGroup(5)"];
    assert_eq!(told(|| group.poll_action()), joins);
}

/// Lets a static cooperative member be called unknown by a join, and join again by its name, into
/// this generation.
fn rejoined(checks_generations: bool, next: i32) -> (Group, View) {
    let view = knowledge();
    let mut settings = cooperative();
    settings.behaviour.checks_generations = checks_generations;
    let mut group = owner(new(settings, Some(3)), &view);
    let now = NOW + ms(3_000);
    group.handle_heartbeat(now, &view, 1, refused(E::RebalanceInProgress));
    group.handle_join(now, &view, 2, refused(E::UnknownMemberId));
    told(|| group.poll_action());
    assert!(!group.rebalance().has_callback(), "it never learns of it");
    group.handle_timeout(now + ms(2_000), &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(3)"]);
    group.handle_join(now + ms(2_000), &view, 3, Ok(generation(next)));
    (group, view)
}

#[test]
fn a_static_cooperative_member_that_a_join_calls_unknown_is_asked_to_give_up_what_is_anothers() {
    let (mut group, view) = rejoined(false, 3);
    assert_eq!(told(|| group.poll_action()), ["ask 0 SyncGroup(3)"]);
    group.handle_sync(NOW, &view, 3, given(&[]));
    let (_, callback) = group.poll_callback(NOW, &view).expect("a callback");
    assert_eq!(callback, Callback::Revoked(vec![P0]), "and not lost");
    assert_eq!(group.stamp(), Some((MEMBER, 3)), "its commit counts");
}

#[test]
fn a_member_that_checks_generations_ends_when_one_went_by_without_it() {
    let (mut group, _) = rejoined(true, 3);
    assert_eq!(told(|| group.poll_action()), ["End"]);
    let (mut group, _) = rejoined(true, 2);
    assert_eq!(told(|| group.poll_action()), ["ask 0 SyncGroup(3)"]);
}

#[test]
fn a_cooperative_member_says_in_which_generation_it_got_what_it_owns() {
    let view = knowledge();
    let mut group = new(cooperative(), None);
    let joins = |group: &mut Group| match group.poll_action() {
        Some(Action::Ask(ask)) => match ask.request {
            Request::JoinGroup(request) => (
                request.subscription.owned.partitions,
                request.subscription.owned.since,
            ),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    group.handle_timeout(NOW, &view);
    assert_eq!(joins(&mut group), (vec![], -1));
    group.handle_join(NOW, &view, 1, Ok(generation(4)));
    group.handle_sync(NOW, &view, 1, given(&[P0]));
    told(|| group.poll_action());
    own(&mut group, &view);
    let now = NOW + ms(3_000);
    group.handle_heartbeat(now, &view, 1, refused(E::RebalanceInProgress));
    assert!(matches!(group.poll_action(), Some(Action::ForgetStart)));
    assert_eq!(joins(&mut group), (vec![P0], 4));
    // It learns of a generation and not of its assignment.
    group.handle_join(now, &view, 2, Ok(generation(5)));
    group.handle_sync(now, &view, 2, refused(E::RebalanceInProgress));
    told(|| group.poll_action());
    group.handle_timeout(now + ms(1_000), &view);
    assert_eq!(joins(&mut group), (vec![P0], 4));
}

#[test]
fn a_topic_that_is_gone_leaves_the_subscription_until_it_is_back() {
    for (settings, is_lost) in [(settings(), false), (cooperative(), true)] {
        let mut view = knowledge();
        let mut group = owner(new(settings, None), &view);
        let now = NOW + ms(3_000);
        let gone = Failure::Refused(E::UnknownTopicOrPartition);
        view.metadata.handle_answer(now, Err(gone));
        group.handle_topics_gone(now, &view);
        let (id, callback) = group.poll_callback(now, &view).expect("a callback");
        assert_eq!(matches!(callback, Callback::Lost(_)), is_lost);
        give_up(&mut group, now, &view, id);
        assert_eq!(told(|| group.poll_action()), ["ForgetStart"], "no join");
        view.metadata.handle_answer(now, Ok(told_of(Vec::new())));
        group.handle_metadata(now, &view);
        assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
    }
}

/// `wait-unassign-to-complete`: `rd_kafka_cgrp_join_state_serve` sends no heartbeat then.
#[test]
fn a_commit_without_an_outcome_holds_the_next_join_up_and_the_heartbeats() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    group.handle_heartbeat(NOW, &view, 1, refused(E::RebalanceInProgress));
    let (id, _) = group.poll_callback(NOW, &view).expect("a revocation");
    told(|| group.poll_action());
    assert_eq!(group.handle_revoke_answer(id), [P0]);
    assert_eq!(group.poll_timeout(&view), Instant::FAR_FUTURE);
    let now = NOW + ms(30_000);
    group.handle_timeout(now, &view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
    group.handle_settled(now, &view);
    assert_eq!(told(|| group.poll_action()), ["ask 0 JoinGroup(2)"]);
}

#[test]
fn what_is_being_given_up_is_lost_when_the_group_lets_the_member_go() {
    for error in [E::UnknownMemberId, E::IllegalGeneration] {
        let view = knowledge();
        let mut group = owner(new(settings(), None), &view);
        group.handle_heartbeat(NOW, &view, 1, refused(E::RebalanceInProgress));
        let (id, _) = group.poll_callback(NOW, &view).expect("a revocation");
        told(|| group.poll_action());
        group.handle_commit_refused(NOW, &view, error, &[TopicPartition::new(0, 3)]);
        assert_eq!(told(|| group.poll_action()), [""; 0], "another one's");
        let partitions = vec![TopicPartition::new(0, 0)];
        group.handle_commit_refused(NOW, &view, error, &partitions);
        let Some(Action::Tell(event)) = group.poll_action() else {
            panic!("it is not told");
        };
        let lost = Event::Lost {
            rebalance: id,
            partitions,
        };
        assert_eq!(event, lost);
        assert_eq!(group.handle_revoke_answer(id), [P0]);
    }
}

#[test]
fn a_commit_that_is_refused_ends_the_membership_unless_a_generation_is_on_its_way() {
    let view = knowledge();
    let carried = [TopicPartition::new(0, 0)];
    for (error, stamp) in [
        (E::UnknownMemberId, (GroupMemberId::EMPTY, 1)),
        (E::IllegalGeneration, (MEMBER, -1)),
    ] {
        let mut group = owner(new(settings(), None), &view);
        group.handle_commit_refused(NOW, &view, error, &carried);
        let (_, callback) = group.poll_callback(NOW, &view).expect("a loss");
        assert_eq!(callback, Callback::Lost(vec![P0]));
        assert_eq!(group.stamp(), Some(stamp));
    }
    let mut group = owner(new(cooperative(), None), &view);
    let now = NOW + ms(3_000);
    group.handle_heartbeat(now, &view, 1, refused(E::RebalanceInProgress));
    group.handle_commit_refused(now, &view, E::IllegalGeneration, &carried);
    assert!(!group.rebalance().has_callback());
    assert_eq!(group.stamp(), Some((MEMBER, 1)));
}
