//! What a member does, and what that shows of what it owns.

use super::*;

const ORDERS: [TopicPartition; 2] = [TopicPartition::new(0, 0), TopicPartition::new(0, 1)];

fn member(given: &[TopicPartition]) -> Member {
    let mut member = Member::default();
    member.joined(3);
    member.sync(owned(given));
    member
}

fn owned(partitions: &[TopicPartition]) -> BTreeSet<TopicPartition> {
    partitions.iter().copied().collect()
}

const FIRST: Option<Ownership> = Some(Ownership::Begins(AssignmentEpoch(1)));

#[test]
fn a_partition_is_owned_from_the_first_fetch_of_what_was_given() {
    let mut member = member(&ORDERS[..1]);
    assert_eq!(member.does(ORDERS[1], Deed::Fetch, 5), None);
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 5), FIRST);
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 9), None);
}

/// A client that gets a partition back may hand out what a fetch over the rebalance brought,
/// and commit it, before it fetches again.
#[test]
fn what_is_given_again_is_owned_before_it_is_fetched_again() {
    let mut member = member(&ORDERS[..1]);
    member.does(ORDERS[0], Deed::Fetch, 20);
    member.join(Instant::from_millis(7), &BTreeSet::new());
    assert_eq!(member.does(ORDERS[0], Deed::Call, 12), None);
    member.sync(owned(&ORDERS[..1]));
    assert_eq!(member.revoked_at(ORDERS[0]), None);
    let second = Ownership::Begins(AssignmentEpoch(2));
    assert_eq!(member.does(ORDERS[0], Deed::Call, 12), Some(second));
    assert_eq!(member.does(ORDERS[0], Deed::Commit, 13), None);
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 30), None);
}

/// kafkajs asks to join after each change of the coordinator, and goes on where that fails; its
/// commits are accepted in the old generation.
#[test]
fn a_request_to_join_that_no_group_took_gives_nothing_up() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 20);
    let gone = member.join(Instant::from_millis(7), &BTreeSet::new());
    assert_eq!(gone.len(), 1);
    member.join(Instant::from_millis(8), &BTreeSet::new());
    member.join_refused();
    assert!(!member.is_joining() && member.revoked_at(ORDERS[0]).is_none());
    let again = Ownership::Begins(AssignmentEpoch(2));
    assert_eq!(member.does(ORDERS[0], Deed::Call, 21), Some(again));
    // What the group has let go is not its own, whatever the next broker says.
    member.fence();
    member.join(Instant::from_millis(9), &BTreeSet::new());
    member.join_refused();
    assert_eq!(member.does(ORDERS[0], Deed::Call, 22), None);
}

/// A client may ask for the next records before it hands out the last ones.
#[test]
fn an_assignment_begins_at_the_lowest_of_its_first_deeds() {
    let mut member = member(&ORDERS[..1]);
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 20), FIRST);
    let lower = Ownership::BeganLower(AssignmentEpoch(1));
    assert_eq!(member.does(ORDERS[0], Deed::Call, 12), Some(lower));
    // One that goes back afterwards repeats what it owned.
    assert_eq!(member.does(ORDERS[0], Deed::Call, 3), None);
}

#[test]
fn a_member_that_joins_without_a_partition_has_given_it_up() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 0);
    member.does(ORDERS[1], Deed::Fetch, 0);
    let now = Instant::from_millis(7);
    let gone = member.join(now, &owned(&ORDERS[1..]));
    assert_eq!(gone, [(ORDERS[0], Gone::Revoked { announced: false })]);
    assert!(member.is_joining());
    assert_eq!(member.revoked_at(ORDERS[0]), Some(now));
    // A fetch that was still on its way does not give it back.
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 4), None);
    assert_eq!(member.does(ORDERS[1], Deed::Fetch, 4), None);
    assert!(member.holds(ORDERS[1]));
}

#[test]
fn a_member_that_was_told_that_it_is_fenced_has_lost_what_it_owned() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 0);
    member.fence();
    let gone = member.join(Instant::ZERO, &BTreeSet::new());
    assert_eq!(gone, [(ORDERS[0], Gone::Lost)]);
}

#[test]
fn a_fetch_that_crosses_a_loss_begins_no_assignment() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 0);
    assert!(member.lose(Instant::ZERO, ORDERS[0]));
    assert_eq!(member.does(ORDERS[0], Deed::Fetch, 3), None);
    // Until the group gives it anew.
    member.sync(BTreeSet::from(ORDERS));
    let begun = member.does(ORDERS[0], Deed::Fetch, 3);
    assert_eq!(begun, Some(Ownership::Begins(AssignmentEpoch(2))));
}

#[test]
fn what_was_announced_is_not_told_twice() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 0);
    assert!(member.revoke(Instant::ZERO, ORDERS[0]));
    assert!(!member.revoke(Instant::from_millis(4), ORDERS[0]));
    let gone = member.join(Instant::from_millis(9), &BTreeSet::new());
    assert_eq!(gone, [(ORDERS[0], Gone::Revoked { announced: true })]);
    assert_eq!(member.revoked_at(ORDERS[0]), Some(Instant::ZERO));
}

#[test]
fn another_offset_is_a_reset_only_after_one_that_was_out_of_range() {
    let mut member = member(&ORDERS);
    member.does(ORDERS[0], Deed::Fetch, 50);
    // A pause throws away what was fetched ahead.
    assert_eq!(member.reset_by_fetch(ORDERS[0], 40), None);
    member.does(ORDERS[0], Deed::Fetch, 40);
    assert_eq!(member.out_of_range(ORDERS[0]), Some(40));
    assert_eq!(member.reset_by_fetch(ORDERS[0], 60), Some(40));
    assert_eq!(member.reset_by_fetch(ORDERS[0], 70), None);
}
