//! What passes, and what the trace says of it.

use super::*;

const ORDERS: [TopicPartition; 2] = [TopicPartition::new(0, 0), TopicPartition::new(0, 1)];

fn membership(members: usize) -> Membership {
    let names = Names {
        topics: vec!["orders".into()],
        dead_letters: "dead-letters".into(),
        group: "group".into(),
    };
    Membership::new(members, Arc::new(names))
}

#[test]
fn of_two_that_hold_a_partition_the_newer_generation_owns_it() {
    let mut membership = membership(2);
    for (id, generation) in [(MemberId(0), 4), (MemberId(1), 5)] {
        membership.members[id].joined(generation);
        membership.members[id].sync(BTreeSet::from(ORDERS));
        membership.members[id].does(ORDERS[0], Deed::Fetch, 0);
    }
    assert_eq!(membership.owner(ORDERS[0]), Some(MemberId(1)));
    assert_eq!(membership.owner(ORDERS[1]), None);
    assert_eq!(membership.busiest(), Some(MemberId(0)));
}

#[test]
fn what_passes_is_shown_as_the_trace_says_it() {
    let (mut membership, member) = (membership(1), MemberId(0));
    let orders = || vec![("orders".to_owned(), 0)];
    let mut see = |seen| membership.handle_seen(Instant::ZERO, member, seen);
    assert_eq!(see(Seen::Joined { generation: 3 }), []);
    let partitions = orders();
    assert_eq!(see(Seen::Synced { partitions }), []);
    let fetching = Seen::Fetching {
        topic: "orders".into(),
        partition: 0,
        offset: 5,
    };
    let assigned = Shown::Entry(TraceEvent::Assigned {
        member,
        partition: ORDERS[0],
        epoch: AssignmentEpoch(1),
        position: NextOffset::new(5),
        generation: 3,
    });
    assert_eq!(see(fetching), [assigned]);
    let partition = ORDERS[0];
    let released = Shown::Entry(TraceEvent::Released { member, partition });
    assert_eq!(see(Seen::Left), [Shown::Revoked(partition), released]);
}

#[test]
fn a_revocation_that_a_fenced_member_tells_is_a_loss() {
    let (mut membership, member) = (membership(1), MemberId(0));
    let [partition, other] = ORDERS;
    membership.members[member].joined(3);
    membership.members[member].sync(BTreeSet::from(ORDERS));
    for owned in ORDERS {
        membership.members[member].does(owned, Deed::Fetch, 0);
    }
    let now = Instant::from_millis(7);
    let told = membership.handle_revoked(now, member, partition);
    assert_eq!(told, Some(Shown::Revoked(partition)));
    membership.members[member].fence();
    let told = membership.handle_revoked(now, member, other);
    let partition = other;
    let lost = Shown::Entry(TraceEvent::Lost { member, partition });
    assert_eq!(told, Some(lost));
    assert!(!membership.members[member].holds(other));
}
