//! How the group's leader gives partitions to members, assignor by assignor.

use crate::Owned;
use plimsoll_protocol::{Assignor, Generation, GroupMemberId, PartitionIndex, Topology};

/// The assignment of each member.
pub(crate) type Assignments<A> = Vec<(GroupMemberId, A)>;

/// A member that gets partitions.
#[derive(Clone, Debug)]
pub(crate) struct Joining {
    pub(crate) member: GroupMemberId,
    /// `group.instance.id` of a static member.
    pub(crate) instance: Option<u32>,
    pub(crate) owned: Owned,
}

/// Gives `partitions` (in order of topics and numbers) to members, all of which consume all topics.
pub(crate) fn assign(
    assignor: Assignor,
    topology: &Topology,
    members: &[Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let mut members: Vec<&Joining> = members.iter().collect();
    // Static members first, by their lasting names: they keep their place through restarts
    // (`AbstractPartitionAssignor.MemberInfo.compareTo`).
    members.sort_by_key(|member| (member.instance.is_none(), member.instance, member.member));
    if members.is_empty() {
        return Vec::new();
    }
    match assignor {
        Assignor::Range => range(topology, &members, partitions),
        Assignor::RoundRobin => round_robin(&members, partitions),
        Assignor::CooperativeSticky => cooperative_sticky(&members, partitions),
    }
}

/// Gives each member a contiguous range of each topic; the first members get one partition more
/// where the number does not divide (`RangeAssignor`).
fn range(
    topology: &Topology,
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let mut assignments = nothing(members);
    let same_topic = |a: &PartitionIndex, b: &PartitionIndex| {
        topology.partition(*a).topic == topology.partition(*b).topic
    };
    for topic in partitions.chunk_by(same_topic) {
        let (each, more) = (topic.len() / members.len(), topic.len() % members.len());
        let mut rest = topic;
        for (number, (_, assigned)) in assignments.iter_mut().enumerate() {
            let (own, others) = rest.split_at(each + usize::from(number < more));
            assigned.extend_from_slice(own);
            rest = others;
        }
    }
    assignments
}

/// Gives out all partitions of all topics, one by one, in turn (`RoundRobinAssignor`).
fn round_robin(
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let mut assignments = nothing(members);
    for (number, partition) in partitions.iter().enumerate() {
        assignments[number % members.len()].1.push(*partition);
    }
    assignments
}

/// Leaves each member what it has, up to its share, and gives what is left to members that have too
/// little (`AbstractStickyAssignor.constrainedAssign`), but nothing goes from hand to hand.
fn cooperative_sticky(
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let least = partitions.len() / members.len();
    let mut may_have_more = partitions.len() % members.len();
    let mut assignments = nothing(members);
    for (member, assigned) in &mut assignments {
        let own = |partition: &&PartitionIndex| owner(members, **partition) == Some(*member);
        assigned.extend(partitions.iter().filter(own));
        if assigned.len() > least && may_have_more > 0 {
            may_have_more -= 1;
            assigned.truncate(least + 1);
        } else {
            assigned.truncate(least);
        }
    }
    let mut free: Vec<PartitionIndex> = partitions.to_vec();
    free.retain(|partition| !assignments.iter().any(|(_, own)| own.contains(partition)));
    for partition in free {
        let shortest = assignments.iter_mut().min_by_key(|(_, own)| own.len());
        if let Some((_, own)) = shortest {
            own.push(partition);
        }
    }
    for (member, assigned) in &mut assignments {
        assigned.retain(|partition| may_have(members, *member, *partition));
        assigned.sort_unstable();
    }
    assignments
}

/// Returns whose claim of a partition is believed: that of the newest generation (KIP-792), and
/// none where two are of one generation, "this will be invalidated and removed from their previous
/// assignment" (`prepopulateCurrentAssignments`).
fn owner(members: &[&Joining], partition: PartitionIndex) -> Option<GroupMemberId> {
    let claims = || members.iter().filter(|m| m.owned.has(partition));
    let since = |claim: &Joining| -> Generation { claim.owned.since };
    let is_double = |claim: &&&Joining| {
        let same = claims().filter(|other| since(other) == since(claim));
        same.count() > 1
    };
    if claims().any(|claim| is_double(&claim)) {
        return None;
    }
    let newest = claims().max_by_key(|claim| since(claim));
    newest.map(|claim| claim.member)
}

/// Returns whether a member can have a partition in this round: where any member claims it, only
/// that one can, and of several the last, whatever its generation
/// (`rd_kafka_cooperative_protocol_adjust_assignment`: in `rd_kafka_collect_partitions` each claim
/// replaces the one before; the members come in the coordinator's order, which is none, here the
/// order of names). Another one gets it in the next round, when it is given up (KIP-429).
fn may_have(members: &[&Joining], member: GroupMemberId, partition: PartitionIndex) -> bool {
    let mut claims = members.iter().filter(|m| m.owned.has(partition));
    claims.next_back().is_none_or(|last| last.member == member)
}

fn nothing(members: &[&Joining]) -> Assignments<Vec<PartitionIndex>> {
    let members = members.iter();
    members.map(|member| (member.member, Vec::new())).collect()
}
