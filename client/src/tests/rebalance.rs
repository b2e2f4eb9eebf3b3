//! What the application is told of rebalances.

use super::*;
use crate::rebalance::Next;
use crate::{Callback, Rebalance};
use plimsoll_core::{Assignment, RebalanceId};

fn topology() -> Topology {
    topology_of(&[4])
}

fn assignments(partitions: &[PartitionIndex]) -> Vec<Assignment> {
    let topology = topology();
    let assignments = partitions.iter().map(|index| Assignment {
        partition: topology.partition(*index),
        committed: None,
        log_start: NextOffset::new(0),
        high_watermark: NextOffset::new(0),
        founding_partitions: None,
        partitions: 4,
    });
    assignments.collect()
}

/// Returns the state after the application began with these partitions.
fn owning(cooperative: bool, partitions: &[PartitionIndex]) -> Rebalance {
    on(Behaviour::LIBRDKAFKA, cooperative, partitions)
}

fn on(behaviour: Behaviour, cooperative: bool, partitions: &[PartitionIndex]) -> Rebalance {
    let mut rebalance = Rebalance::new(cooperative, behaviour);
    rebalance.handle_started(assignments(partitions));
    let told = rebalance.poll_callback(&topology());
    let (id, _) = told.expect("an assignment");
    assert!(rebalance.handle_assign_answer(id));
    assert_eq!(rebalance.after_assignment(), Next::Wait);
    rebalance
}

fn tell(rebalance: &mut Rebalance) -> Option<(RebalanceId, Callback)> {
    assert!(rebalance.has_callback());
    rebalance.poll_callback(&topology())
}

#[test]
fn eager_gives_up_all_and_then_joins() {
    let mut rebalance = owning(false, &[P0, P1]);
    assert_eq!(rebalance.begin(), Next::Wait);
    let (id, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0, P1]));
    assert!(
        !rebalance.handle_assign_answer(id),
        "it was asked otherwise"
    );
    assert!(rebalance.handle_revoke_answer(id).is_some());
    assert_eq!(rebalance.after_revocation(), Next::Join);
    assert_eq!(rebalance.begin(), Next::Join, "there is nothing left");
}

#[test]
fn cooperative_starts_what_is_new_once_the_rest_is_given_up_and_then_joins() {
    let mut rebalance = owning(true, &[P0, P1]);
    assert_eq!(rebalance.begin(), Next::Join);
    assert_eq!(rebalance.handle_assignment(vec![P2, P1]), Next::Wait);
    let (id, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0]));
    rebalance.handle_revoke_answer(id);
    assert_eq!(rebalance.after_revocation(), Next::Start(vec![P2]));
    rebalance.handle_started(assignments(&[P2]));
    let (id, _) = tell(&mut rebalance).expect("an assignment");
    assert!(rebalance.handle_assign_answer(id));
    assert_eq!(rebalance.after_assignment(), Next::Join);
    assert_eq!(rebalance.brings(), [P1, P2]);
}

/// `ConsumerCoordinator.onJoinPrepare`.
#[test]
fn java_has_a_turn_before_each_join_of_a_cooperative_member() {
    let prepare = |rebalance: &mut Rebalance| {
        let (id, callback) = tell(rebalance).expect("its turn");
        assert_eq!(callback, Callback::Revoked(Vec::new()));
        assert!(rebalance.handle_revoke_answer(id).is_some());
        assert_eq!(rebalance.after_revocation(), Next::Join);
    };
    let mut rebalance = on(Behaviour::JAVA, true, &[P0, P1]);
    assert_eq!(rebalance.begin(), Next::Wait);
    prepare(&mut rebalance);
    assert_eq!(rebalance.handle_assignment(vec![P1]), Next::Wait);
    let (id, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0]));
    rebalance.handle_revoke_answer(id);
    assert_eq!(rebalance.after_revocation(), Next::Wait);
    let (id, _) = tell(&mut rebalance).expect("an assignment of nothing");
    assert!(rebalance.handle_assign_answer(id));
    assert_eq!(rebalance.after_assignment(), Next::Wait);
    prepare(&mut rebalance);
    assert_eq!(rebalance.brings(), [P1]);
    let mut rebalance = Rebalance::new(true, Behaviour::JAVA);
    assert_eq!(rebalance.begin(), Next::Join, "there is nothing to commit");
}

#[test]
fn in_sarama_a_loss_overtakes_what_was_not_told_and_does_not_wait_for_an_answer() {
    let mut rebalance = on(Behaviour::SARAMA_1_61, true, &[P0, P1]);
    rebalance.handle_assignment(vec![P0]);
    let (revocation, _) = tell(&mut rebalance).expect("a revocation");
    rebalance.handle_lost();
    let (loss, callback) = tell(&mut rebalance).expect("a loss");
    assert_eq!(callback, Callback::Lost(vec![P0, P1]));
    assert_eq!(rebalance.handle_revoke_answer(revocation), None, "too late");
    rebalance.handle_lost();
    assert!(!rebalance.has_callback(), "it knows");
    assert!(rebalance.handle_revoke_answer(loss).is_some());
    assert!(!rebalance.is_under_way());
}

#[test]
fn a_loss_is_moot_once_everything_was_given_up() {
    let mut rebalance = on(Behaviour::SARAMA_1_61, false, &[P0]);
    rebalance.begin();
    let (revocation, _) = tell(&mut rebalance).expect("a revocation");
    rebalance.handle_lost();
    assert!(rebalance.handle_revoke_answer(revocation).is_some());
    assert_eq!(tell(&mut rebalance), None);
    assert!(!rebalance.is_under_way());
}

#[test]
fn the_fetcher_holds_from_the_moment_at_which_there_is_something_to_tell() {
    let mut rebalance = owning(true, &[P0, P1]);
    assert_eq!(rebalance.poll_hold(), None);
    rebalance.handle_assignment(vec![P1, P2]);
    assert_eq!(rebalance.poll_hold(), Some(true), "before it is polled");
    let (id, _) = tell(&mut rebalance).expect("a revocation");
    rebalance.handle_revoke_answer(id);
    rebalance.after_revocation();
    assert_eq!(rebalance.poll_hold(), Some(false));
    rebalance.handle_started(assignments(&[P2]));
    assert_eq!(rebalance.poll_hold(), Some(true));
    let (id, _) = tell(&mut rebalance).expect("an assignment");
    assert_eq!(rebalance.poll_hold(), None);
    rebalance.handle_assign_answer(id);
    assert_eq!(rebalance.poll_hold(), Some(false));
}

#[test]
fn a_cooperative_member_is_told_that_it_gets_nothing() {
    let mut rebalance = owning(true, &[P0]);
    assert_eq!(rebalance.handle_assignment(vec![P0]), Next::Wait);
    let (id, callback) = tell(&mut rebalance).expect("an assignment");
    assert_eq!(callback, Callback::Assigned(Vec::new()));
    assert!(rebalance.handle_assign_answer(id));
    assert_eq!(rebalance.after_assignment(), Next::Wait);
    // A member without partitions has nothing that stands still meanwhile.
    let mut rebalance = Rebalance::new(true, Behaviour::LIBRDKAFKA);
    assert_eq!(rebalance.handle_assignment(Vec::new()), Next::Wait);
    assert!(!rebalance.is_under_way());
}

#[test]
fn what_becomes_known_late_is_told_after_the_answer_unless_another_rebalance_begins() {
    let mut rebalance = owning(false, &[P0]);
    rebalance.handle_started(assignments(&[P1]));
    let (first, _) = tell(&mut rebalance).expect("an assignment");
    rebalance.handle_started(assignments(&[P2]));
    assert!(!rebalance.has_callback(), "the first one is not answered");
    assert!(rebalance.handle_assign_answer(first));
    assert_eq!(rebalance.after_assignment(), Next::Wait);
    let (second, callback) = tell(&mut rebalance).expect("an assignment");
    assert_eq!(callback, Callback::Assigned(assignments(&[P2])));
    rebalance.handle_started(assignments(&[PartitionIndex(3)]));
    assert!(rebalance.handle_assign_answer(second));
    assert_eq!(rebalance.begin(), Next::Wait);
    let (_, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0, P1, P2]));
}

/// Returns the state of Plimsoll's consumer after it was given these partitions, none of which the
/// application knows yet.
fn given(cooperative: bool, partitions: &[PartitionIndex]) -> Rebalance {
    let mut rebalance = Rebalance::new(cooperative, Behaviour::PLIMSOLL);
    let next = rebalance.handle_assignment(partitions.to_vec());
    assert_eq!(next, Next::Start(partitions.to_vec()));
    rebalance
}

#[test]
fn plimsolls_consumer_answers_an_assignment_before_the_application_is_told() {
    let mut rebalance = given(false, &[P0, P1]);
    assert!(!rebalance.is_under_way());
    assert_eq!(rebalance.after_assignment(), Next::Wait);
    assert!(!rebalance.has_callback(), "no start is known");
    rebalance.handle_started(assignments(&[P0]));
    let (first, callback) = tell(&mut rebalance).expect("an assignment");
    assert_eq!(callback, Callback::Assigned(assignments(&[P0])));
    assert!(!rebalance.is_under_way(), "nothing waits for what it says");
    rebalance.handle_started(assignments(&[P1]));
    // All that was given is given up, told or not, and what the application says of it is too late.
    assert_eq!(rebalance.begin(), Next::Wait);
    let (id, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0, P1]));
    assert_eq!(rebalance.handle_taken(first), Some(Vec::new()));
    assert!(rebalance.handle_revoke_answer(id).is_some());
    assert!(!rebalance.has_callback(), "it is another member's");
}

#[test]
fn a_cooperative_member_keeps_what_it_was_given_whether_it_has_begun_or_not() {
    let mut rebalance = given(true, &[P0, P1]);
    assert_eq!(rebalance.begin(), Next::Join);
    assert_eq!(rebalance.brings(), [P0, P1]);
    assert_eq!(rebalance.handle_assignment(vec![P1, P2]), Next::Wait);
    rebalance.handle_started(assignments(&[P0, P1]));
    let (id, callback) = tell(&mut rebalance).expect("a revocation");
    assert_eq!(callback, Callback::Revoked(vec![P0]));
    let (told, callback) = tell(&mut rebalance).expect("an assignment meanwhile");
    assert_eq!(callback, Callback::Assigned(assignments(&[P1])));
    assert!(rebalance.handle_revoke_answer(id).is_some());
    assert_eq!(rebalance.after_revocation(), Next::Start(vec![P2]));
    assert_eq!(rebalance.after_assignment(), Next::Join, "at once");
    assert_eq!(rebalance.brings(), [P1, P2]);
    let taken = rebalance.handle_taken(told).map(|taken| taken.len());
    assert_eq!((taken, rebalance.handle_taken(told)), (Some(1), None));
}
