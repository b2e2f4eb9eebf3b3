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
    /// The numbers of the topics to which it has subscribed, in order.
    pub(crate) topics: Vec<u32>,
}

impl Joining {
    /// Returns whether it has subscribed to the topic of a partition.
    fn consumes(&self, topology: &Topology, partition: PartitionIndex) -> bool {
        let topic = topology.partition(partition).topic;
        self.topics.binary_search(&topic).is_ok()
    }
}

/// Gives `partitions` (in order of topics and numbers) to members, each of a topic to which it has
/// subscribed.
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
    let is_consumed =
        |index: &&PartitionIndex| members.iter().any(|m| m.consumes(topology, **index));
    let partitions: Vec<_> = partitions.iter().filter(is_consumed).copied().collect();
    let partitions = &partitions[..];
    match assignor {
        Assignor::Range => range(topology, &members, partitions),
        Assignor::RoundRobin => round_robin(topology, &members, partitions),
        Assignor::CooperativeSticky => cooperative_sticky(topology, &members, partitions),
    }
}

/// Gives each member a contiguous range of each topic to which it has subscribed; the first members get one partition more
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
        let consumes = |member: &&Joining| member.consumes(topology, topic[0]);
        let consumers = members.iter().filter(|member| consumes(member)).count();
        let (each, more) = (topic.len() / consumers, topic.len() % consumers);
        let mut rest = topic;
        let own = assignments.iter_mut().zip(members);
        let own = own.filter(|(_, member)| consumes(member));
        for (number, ((_, assigned), _)) in own.enumerate() {
            let (own, others) = rest.split_at(each + usize::from(number < more));
            assigned.extend_from_slice(own);
            rest = others;
        }
    }
    assignments
}

/// Gives out all partitions of all topics, one by one, in turn; a member that has not subscribed to
/// a topic is passed over (`RoundRobinAssignor.assignPartitions`).
fn round_robin(
    topology: &Topology,
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let mut assignments = nothing(members);
    let mut turn = 0;
    for partition in partitions {
        let mut turns = (turn..turn + members.len()).map(|turn| turn % members.len());
        if let Some(next) = turns.find(|next| members[*next].consumes(topology, *partition)) {
            assignments[next].1.push(*partition);
            turn = next + 1;
        }
    }
    assignments
}

/// Leaves members what they have as far as that is even, but nothing goes from hand to hand.
fn cooperative_sticky(
    topology: &Topology,
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    // `AbstractStickyAssignor.allSubscriptionsEqual`.
    let mut assignments = match members.iter().all(|m| m.topics == members[0].topics) {
        true => sticky(members, partitions),
        false => sticky_among_few(topology, members, partitions),
    };
    for (member, assigned) in &mut assignments {
        assigned.retain(|partition| may_have(members, *member, *partition));
        assigned.sort_unstable();
    }
    assignments
}

/// Leaves each member what it has, up to its share, and gives what is left to members that have too
/// little (`AbstractStickyAssignor.constrainedAssign`).
fn sticky(members: &[&Joining], partitions: &[PartitionIndex]) -> Assignments<Vec<PartitionIndex>> {
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
    assignments
}

/// Leaves each member what it has of topics to which it has subscribed, gives what is left to those
/// that have the least, and then takes from one that has two more than another what that one may
/// have (`AbstractStickyAssignor.generalAssign`, `performReassignments`).
fn sticky_among_few(
    topology: &Topology,
    members: &[&Joining],
    partitions: &[PartitionIndex],
) -> Assignments<Vec<PartitionIndex>> {
    let mut assignments = nothing(members);
    let mut free = Vec::new();
    for partition in partitions {
        let owner = owner(members, *partition);
        let place = members.iter().position(|member| {
            member.consumes(topology, *partition) && owner == Some(member.member)
        });
        match place {
            Some(place) => assignments[place].1.push(*partition),
            None => free.push(*partition),
        }
    }
    for partition in free {
        if let Some(place) = least(topology, members, &assignments, partition) {
            assignments[place].1.push(partition);
        }
    }
    // Each move makes the numbers more even, so that there is a last one.
    let mut moved = true;
    while std::mem::take(&mut moved) {
        for partition in partitions {
            let has = |(_, own): &(GroupMemberId, Vec<_>)| own.contains(partition);
            let from = assignments.iter().position(has);
            let to = least(topology, members, &assignments, *partition);
            if let (Some(from), Some(to)) = (from, to)
                && assignments[from].1.len() > assignments[to].1.len() + 1
            {
                assignments[from].1.retain(|own| own != partition);
                assignments[to].1.push(*partition);
                moved = true;
            }
        }
    }
    assignments
}

/// Returns the place of the member that has the least, of those that consume a partition's topic.
fn least(
    topology: &Topology,
    members: &[&Joining],
    assignments: &Assignments<Vec<PartitionIndex>>,
    partition: PartitionIndex,
) -> Option<usize> {
    let places = 0..members.len();
    let consumers = places.filter(|place| members[*place].consumes(topology, partition));
    consumers.min_by_key(|place| assignments[*place].1.len())
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
