//! Assignors on members and partitions as they come.

use super::*;
use crate::Owned;
use crate::assignor::{Assignments, Joining, assign};
use plimsoll_protocol::GroupMemberId;

fn workload(topology: &Topology) -> Vec<PartitionIndex> {
    topology
        .all()
        .filter(|index| topology.is_workload(*index))
        .collect()
}

fn member(id: u32, owned: &[u16]) -> Joining {
    Joining {
        member: GroupMemberId(id),
        instance: None,
        owned: Owned {
            partitions: owned.iter().copied().map(PartitionIndex).collect(),
            since: 4,
        },
    }
}

/// Creates a member that has had nothing since an older generation.
fn stale(id: u32, owned: &[u16]) -> Joining {
    let mut stale = member(id, owned);
    stale.owned.since = 3;
    stale
}

fn plain(assignments: Assignments<Vec<PartitionIndex>>) -> Vec<(u32, Vec<u16>)> {
    let assignments = assignments.into_iter();
    assignments
        .map(|(m, own)| (m.0, own.iter().map(|p| p.0).collect()))
        .collect()
}

fn assigned(assignor: Assignor, partitions: &[u32], members: &[Joining]) -> Vec<(u32, Vec<u16>)> {
    let topology = topology_of(partitions);
    plain(assign(assignor, &topology, members, &workload(&topology)))
}

#[test]
fn range_goes_topic_by_topic() {
    let members = [member(2, &[]), member(1, &[])];
    let expected = [(1, vec![0, 1, 3, 4]), (2, vec![2, 5])];
    assert_eq!(assigned(Assignor::Range, &[3, 3], &members), expected);
}

#[test]
fn round_robin_deals_over_all_topics() {
    let members = [member(2, &[]), member(1, &[])];
    let expected = [(1, vec![0, 2, 4]), (2, vec![1, 3, 5])];
    assert_eq!(assigned(Assignor::RoundRobin, &[3, 3], &members), expected);
}

#[test]
fn static_members_keep_their_place_through_a_new_member_id() {
    let named = |id, instance| Joining {
        instance: Some(instance),
        ..member(id, &[])
    };
    let before = assigned(Assignor::Range, &[4], &[named(1, 0), named(2, 1)]);
    let after = assigned(Assignor::Range, &[4], &[named(3, 0), named(2, 1)]);
    assert_eq!(before[0].1, after[0].1);
    assert_eq!(before[1], after[1]);
}

#[test]
fn sticky_moves_only_what_balance_asks_for_and_in_two_rounds() {
    let first = assigned(Assignor::CooperativeSticky, &[6], &[member(1, &[])]);
    assert_eq!(first, [(1, vec![0, 1, 2, 3, 4, 5])]);
    let joined = [member(1, &[0, 1, 2, 3, 4, 5]), member(2, &[])];
    let second = assigned(Assignor::CooperativeSticky, &[6], &joined);
    assert_eq!(
        second,
        [(1, vec![0, 1, 2]), (2, vec![])],
        "not before they are given up"
    );
    let third = [member(1, &[0, 1, 2]), member(2, &[])];
    let third = assigned(Assignor::CooperativeSticky, &[6], &third);
    assert_eq!(third, [(1, vec![0, 1, 2]), (2, vec![3, 4, 5])]);
}

#[test]
fn a_claim_of_an_older_generation_is_not_believed() {
    let sticky = |members: &[Joining]| assigned(Assignor::CooperativeSticky, &[4], members);
    let kept = sticky(&[stale(1, &[0, 1]), member(2, &[0, 1])]);
    assert_eq!(kept, [(1, vec![2, 3]), (2, vec![0, 1])]);
    // The last claim that librdkafka reads hides the newer one for a round.
    let hidden = sticky(&[member(1, &[0, 1]), stale(2, &[0, 1])]);
    assert_eq!(hidden, [(1, vec![]), (2, vec![2, 3])]);
}

#[test]
fn of_two_claims_of_one_generation_none_is_believed() {
    let members = [member(1, &[0, 1]), member(2, &[1, 2])];
    let assigned = assigned(Assignor::CooperativeSticky, &[4], &members);
    assert_eq!(assigned, [(1, vec![0]), (2, vec![2, 3])]);
}

#[test]
fn every_partition_has_one_owner_once_no_member_claims_what_another_owns() {
    for assignor in [
        Assignor::Range,
        Assignor::RoundRobin,
        Assignor::CooperativeSticky,
    ] {
        for members in 1..6 {
            for partitions in 1..12 {
                let names: Vec<_> = (1..=members).map(|id| member(id, &[])).collect();
                let assigned = assigned(assignor, &[partitions, 2], &names);
                let mut all: Vec<u16> = assigned.iter().flat_map(|(_, own)| own.clone()).collect();
                all.sort_unstable();
                assert!(
                    all.iter().copied().eq(0..partitions as u16 + 2),
                    "{assigned:?}"
                );
                let sizes = assigned.iter().map(|(_, own)| own.len());
                let spread = sizes.clone().max().unwrap() - sizes.min().unwrap();
                let most = if assignor == Assignor::Range { 2 } else { 1 };
                assert!(spread <= most, "{assignor:?}: {assigned:?}");
            }
        }
    }
}
