//! How the group's leader gives partitions to members, assignor by assignor.

use crate::protocol::{GroupMemberId, JoinedMember};
use crate::topology::{PartitionIndex, Topology};
use plimsoll_scenarios::scenario::Assignor;

/// The partitions of each member.
pub(super) type Assignments = Vec<(GroupMemberId, Vec<PartitionIndex>)>;

/// Gives `partitions` (in order of topics and numbers) to members, all of which consume all topics.
pub(super) fn assign(
    assignor: Assignor,
    topology: &Topology,
    members: &[JoinedMember],
    partitions: &[PartitionIndex],
) -> Assignments {
    let mut members: Vec<&JoinedMember> = members.iter().collect();
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
    members: &[&JoinedMember],
    partitions: &[PartitionIndex],
) -> Assignments {
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
fn round_robin(members: &[&JoinedMember], partitions: &[PartitionIndex]) -> Assignments {
    let mut assignments = nothing(members);
    for (number, partition) in partitions.iter().enumerate() {
        assignments[number % members.len()].1.push(*partition);
    }
    assignments
}

/// Leaves each member what it has, up to its share, and gives what is left to members that have too
/// little, but nothing goes from hand to hand: a partition that another member still owns is given
/// out in the next round (`AbstractStickyAssignor.constrainedAssign`, then
/// `CooperativeStickyAssignor.adjustAssignment`, KIP-429).
fn cooperative_sticky(members: &[&JoinedMember], partitions: &[PartitionIndex]) -> Assignments {
    let owner = |partition: PartitionIndex| {
        let mut claims = members.iter().filter(|m| m.owned.contains(&partition));
        // Where two members claim a partition in the same generation, neither is believed.
        match (claims.next(), claims.next()) {
            (Some(member), None) => Some(member.member),
            _ => None,
        }
    };
    let least = partitions.len() / members.len();
    let mut may_have_more = partitions.len() % members.len();
    let mut assignments = nothing(members);
    for (member, assigned) in &mut assignments {
        assigned.extend(partitions.iter().filter(|p| owner(**p) == Some(*member)));
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
        let claimed_by_other = |partition: PartitionIndex| {
            let mut others = members.iter().filter(|other| other.member != *member);
            others.any(|other| other.owned.contains(&partition))
        };
        assigned.retain(|partition| !claimed_by_other(*partition));
        assigned.sort_unstable();
    }
    assignments
}

fn nothing(members: &[&JoinedMember]) -> Assignments {
    let members = members.iter();
    members.map(|member| (member.member, Vec::new())).collect()
}
