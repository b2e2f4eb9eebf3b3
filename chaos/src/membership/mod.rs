//! Which member owns which partitions, as the wire shows it: from what passes the proxy to the
//! observations of the trace. It knows neither proxy nor trace: what passes goes in, and what the
//! trace is to say of it comes out.
//!
//! A member owns a partition from the first thing that it does with it after the group gave it the
//! partition: a fetch, a call of the sink or a commit. It may handle first what a fetch over the
//! rebalance had brought, and fetch behind that: it owns the partition from the lowest offset of
//! the first fetch, the first call and the first commit. It has learned of a revocation, at the
//! latest, when it asks to join again without the partition, unless the broker that it asks does not
//! coordinate the group: then nothing has happened, and it may go on as it is. A subject that prints what it learns
//! (`partitions_revoked`) is taken at its word, and earlier.

#[cfg(test)]
mod tests;

use crate::known::Wishes;
use crate::names::Names;
use crate::per_member::PerMember;
use crate::proxy::{CommitAnswer, Seen};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which member owns which partitions.
#[derive(Debug)]
pub(crate) struct Membership {
    names: Arc<Names>,
    members: PerMember<Member>,
    /// Whether any process has asked to join the group.
    anyone_has_joined: bool,
    /// A member that asked for a protocol that the proxy hides.
    asked_for_hidden: Option<MemberId>,
    /// The wishes of all members so far.
    wishes: Wishes,
}

/// What the trace is to say of a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    /// This entry.
    Entry(TraceEvent),
    /// That the member learned that it must give a partition up. The entry also has the number of
    /// handlers at work, which the sink knows.
    Revoked(TopicPartition),
    /// That it owns a partition from a lower offset on than the entry of the assignment says.
    OwnsFrom {
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
    },
}

/// One member, as far as the wire shows it.
#[derive(Clone, Debug, Default)]
struct Member {
    generation: i32,
    /// Whether the member is between a request to join and its assignment.
    joining: bool,
    /// Whether the member was told that it belongs to no current generation.
    fenced: bool,
    /// The partitions that the group gave it last.
    given: BTreeSet<TopicPartition>,
    /// Those among them that it gave up by asking to join, until the group takes the request.
    offered: BTreeSet<TopicPartition>,
    /// Whether its process asked to join at least once.
    has_joined: bool,
    /// The partitions that it owns.
    held: BTreeMap<TopicPartition, Held>,
    /// The time at which it learned that a partition goes; until the group gives it the partition
    /// anew.
    withdrawn: BTreeMap<TopicPartition, Instant>,
    /// The number of assignments of a partition.
    epochs: u32,
}

/// A partition that a member owns.
#[derive(Clone, Debug)]
struct Held {
    epoch: AssignmentEpoch,
    /// The lowest offset of the deeds in `begun`.
    start: u64,
    /// The deeds that the member has done with it at least once.
    begun: BTreeSet<Deed>,
    /// The offset of its last fetch.
    fetched: Option<u64>,
    /// Whether its last fetch was out of range.
    out_of_range: bool,
}

/// Something that a member does with a partition that it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Fetch,
    Call,
    Commit,
}

/// The way in which a member loses a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Revoked { announced: bool },
    Lost,
}

impl Membership {
    /// Makes `members` members, which own nothing.
    pub(crate) fn new(members: usize, names: Arc<Names>) -> Self {
        Self {
            names,
            members: PerMember::new(members, |_| Member::default()),
            anyone_has_joined: false,
            asked_for_hidden: None,
            wishes: Wishes::default(),
        }
    }

    /// Returns the owner of a partition.
    pub(crate) fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        let holders = self.members.iter();
        let holders = holders.filter(|(_, member)| member.held.contains_key(&partition));
        // A zombie holds it too, from an older generation.
        let newest = holders.max_by_key(|(_, member)| member.generation)?;
        Some(newest.0)
    }

    /// Returns the owner of the most partitions; of several, the first.
    pub(crate) fn busiest(&self) -> Option<MemberId> {
        let members = self.members.ids().rev();
        members.max_by_key(|member| self.members[*member].held.len())
    }

    /// Returns when the member learned that it must give a partition up, if it has learned that and
    /// has not got the partition anew.
    pub(crate) fn revoked_at(
        &self,
        member: MemberId,
        partition: TopicPartition,
    ) -> Option<Instant> {
        self.members[member].withdrawn.get(&partition).copied()
    }

    /// Returns whether the member's process has asked to join the group.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.members[member].has_joined
    }

    /// Returns whether any process has asked to join the group, of whatever member.
    pub(crate) fn anyone_has_joined(&self) -> bool {
        self.anyone_has_joined
    }

    /// Returns a member that asked for a protocol that the proxy hides, if one did.
    pub(crate) fn asked_for_hidden(&self) -> Option<MemberId> {
        self.asked_for_hidden
    }

    /// Returns what all members so far have wished of the group.
    pub(crate) fn wishes(&self) -> Wishes {
        self.wishes
    }

    /// Returns the newest generation that any member is in.
    pub(crate) fn generation(&self) -> i32 {
        let generations = self.members.values().map(|member| member.generation);
        generations.max().unwrap_or_default()
    }

    /// Forgets all about a member: its process is a new one, or gone.
    pub(crate) fn forget(&mut self, member: MemberId) {
        self.members[member] = Member::default();
    }

    /// Takes in what passed between a member and a broker.
    pub(crate) fn handle_seen(&mut self, now: Instant, member: MemberId, seen: Seen) -> Vec<Shown> {
        let entry = |event| vec![Shown::Entry(event)];
        match seen {
            Seen::CommitSent { .. } => entry(TraceEvent::CommitSent { member }),
            Seen::CommitAnswered {
                generation,
                offsets,
                late,
            } => self.commit_answered(member, generation, &offsets, late),
            Seen::CommitUnanswered => entry(TraceEvent::CommitUnknown { member }),
            Seen::ResponseLost { request } => entry(TraceEvent::ResponseLost { member, request }),
            Seen::Joining { owned, wishes } => {
                self.anyone_has_joined = true;
                self.wishes.add(wishes);
                let owned = self.partitions(&owned);
                shown(member, self.members[member].join(now, &owned))
            }
            Seen::Joined { generation } => {
                let member = &mut self.members[member];
                member.generation = generation;
                member.fenced = false;
                member.offered.clear();
                Vec::new()
            }
            Seen::JoinRefused => {
                self.members[member].join_refused();
                Vec::new()
            }
            Seen::Synced { partitions } => {
                let given = self.partitions(&partitions);
                self.members[member].sync(given);
                Vec::new()
            }
            Seen::Left => {
                let gone = self.members[member].give_up(now, &BTreeSet::new());
                shown(member, gone)
            }
            Seen::Fenced { .. } => {
                let member = &mut self.members[member];
                member.fenced = true;
                member.offered.clear();
                Vec::new()
            }
            Seen::Hidden => {
                self.asked_for_hidden.get_or_insert(member);
                Vec::new()
            }
            Seen::RebalanceAsked | Seen::CommitInTransaction => Vec::new(),
            Seen::Fetching {
                topic,
                partition,
                offset,
            } => {
                let partition = self.names.partition(&topic, partition);
                let shown =
                    partition.and_then(|partition| self.fetching(member, partition, offset));
                shown.into_iter().collect()
            }
            Seen::OutOfRange { topic, partition } => {
                match self.names.partition(&topic, partition) {
                    Some(partition) => self.out_of_range(member, partition),
                    None => Vec::new(),
                }
            }
        }
    }

    fn out_of_range(&mut self, member: MemberId, partition: TopicPartition) -> Vec<Shown> {
        let held = self.members[member].held.get_mut(&partition);
        let Some((held, fetched)) = held.and_then(|held| held.fetched.map(|at| (held, at))) else {
            return Vec::new();
        };
        held.out_of_range = true;
        vec![Shown::Entry(TraceEvent::OutOfRange {
            member,
            partition,
            position: NextOffset::new(fetched),
        })]
    }

    /// Takes in that a member's handler of a record reached the sink.
    pub(crate) fn handle_called(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<Shown> {
        self.does(member, partition, Deed::Call, offset.get())
    }

    /// Takes in that the subject printed that it learned of the revocation of a partition. Returns
    /// whether that is new.
    pub(crate) fn handle_revoked(
        &mut self,
        now: Instant,
        member: MemberId,
        partition: TopicPartition,
    ) -> bool {
        let member = &mut self.members[member];
        let is_new =
            member.held.contains_key(&partition) && !member.withdrawn.contains_key(&partition);
        if is_new {
            member.withdrawn.insert(partition, now);
        }
        is_new
    }

    /// Takes in that the subject printed that it learned of the loss of a partition. Returns
    /// whether it had the partition.
    pub(crate) fn handle_lost(
        &mut self,
        now: Instant,
        member: MemberId,
        partition: TopicPartition,
    ) -> bool {
        self.members[member].lose(now, partition)
    }

    /// Returns those of the named partitions that are this run's.
    pub(crate) fn partitions(&self, named: &[(String, u32)]) -> BTreeSet<TopicPartition> {
        let named = named.iter();
        named
            .filter_map(|(topic, partition)| self.names.partition(topic, *partition))
            .collect()
    }

    /// Returns whether any member is between a request to join and its assignment.
    fn is_rebalancing(&self) -> bool {
        self.members.values().any(|member| member.joining)
    }

    fn commit_answered(
        &mut self,
        member: MemberId,
        generation: i32,
        offsets: &[CommitAnswer],
        late: bool,
    ) -> Vec<Shown> {
        let rebalancing = self.is_rebalancing();
        let mut entries = Vec::new();
        let mut refused = None;
        for answer in offsets {
            let Some(partition) = self.names.partition(&answer.topic, answer.partition) else {
                continue;
            };
            if answer.error == 0 {
                if late {
                    entries.push(Shown::Entry(TraceEvent::LateCommit { member, partition }));
                } else if generation == self.members[member].generation {
                    entries.extend(self.does(member, partition, Deed::Commit, answer.next));
                }
                entries.push(Shown::Entry(TraceEvent::Committed {
                    member,
                    partition,
                    next: NextOffset::new(answer.next),
                    generation,
                    rebalancing,
                }));
            } else {
                refused = Some(answer.error);
            }
        }
        if let Some(code) = refused {
            // Kafka's error, or else the closest one that the trace has a word for.
            let error = ErrorName::from_code(code).unwrap_or(ErrorName::CoordinatorNotAvailable);
            entries.push(Shown::Entry(TraceEvent::CommitRefused { member, error }));
        }
        entries
    }

    fn fetching(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: u64,
    ) -> Option<Shown> {
        if let Some(from) = self.members[member].reset_by_fetch(partition, offset) {
            return Some(Shown::Entry(TraceEvent::PositionReset {
                member,
                partition,
                from: NextOffset::new(from),
                to: NextOffset::new(offset),
            }));
        }
        self.does(member, partition, Deed::Fetch, offset)
    }

    /// Takes in what a member does with a partition; returns what that shows of its ownership.
    fn does(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        deed: Deed,
        offset: u64,
    ) -> Option<Shown> {
        let position = NextOffset::new(offset);
        let generation = self.members[member].generation;
        match self.members[member].does(partition, deed, offset)? {
            Ownership::Begins(epoch) => Some(Shown::Entry(TraceEvent::Assigned {
                member,
                partition,
                epoch,
                position,
                generation,
            })),
            Ownership::BeganLower(epoch) => Some(Shown::OwnsFrom {
                partition,
                epoch,
                position,
            }),
        }
    }
}

/// Returns what the trace is to say of partitions that a member gave up.
fn shown(member: MemberId, gone: Vec<(TopicPartition, Gone)>) -> Vec<Shown> {
    let mut entries = Vec::new();
    for (partition, how) in gone {
        match how {
            Gone::Lost => entries.push(Shown::Entry(TraceEvent::Lost { member, partition })),
            Gone::Revoked { announced } => {
                if !announced {
                    entries.push(Shown::Revoked(partition));
                }
                entries.push(Shown::Entry(TraceEvent::Released { member, partition }));
            }
        }
    }
    entries
}

impl Member {
    /// Notes a request to join with the partitions that the member says it still owns; returns
    /// those that it gave up.
    fn join(
        &mut self,
        now: Instant,
        owned: &BTreeSet<TopicPartition>,
    ) -> Vec<(TopicPartition, Gone)> {
        self.joining = true;
        self.has_joined = true;
        if !self.fenced {
            self.offered.extend(self.given.difference(owned).copied());
        }
        self.give_up(now, owned)
    }

    /// Notes that the broker that it asked does not coordinate the group: it is a member as before.
    fn join_refused(&mut self) {
        self.joining = false;
        let offered = std::mem::take(&mut self.offered);
        self.withdrawn
            .retain(|partition, _| !offered.contains(partition));
        self.given.extend(offered);
    }

    /// Notes that it learned of the loss of a partition; returns whether it had it. A fetch of it
    /// may be on its way still, and begins no new assignment.
    fn lose(&mut self, now: Instant, partition: TopicPartition) -> bool {
        self.withdrawn.insert(partition, now);
        let had = self.held.remove(&partition).is_some();
        if had {
            self.given.remove(&partition);
        }
        had
    }

    /// Gives up all partitions but `kept`, and returns them.
    fn give_up(
        &mut self,
        now: Instant,
        kept: &BTreeSet<TopicPartition>,
    ) -> Vec<(TopicPartition, Gone)> {
        let mut gone = Vec::new();
        let (fenced, withdrawn) = (self.fenced, &mut self.withdrawn);
        self.given.retain(|partition| kept.contains(partition));
        self.held.retain(|partition, _| {
            let keeps = kept.contains(partition);
            if !keeps {
                let announced = withdrawn.contains_key(partition);
                withdrawn.entry(*partition).or_insert(now);
                let how = match fenced && !announced {
                    true => Gone::Lost,
                    false => Gone::Revoked { announced },
                };
                gone.push((*partition, how));
            }
            keeps
        });
        gone
    }

    /// Notes the partitions that the group gave it. What is given again is its own again, even
    /// before it fetches.
    fn sync(&mut self, given: BTreeSet<TopicPartition>) {
        self.joining = false;
        self.withdrawn
            .retain(|partition, _| !given.contains(partition));
        self.given = given;
    }

    /// Notes something that it does with a partition at `offset`; returns what that shows of its
    /// ownership, if that is anything new.
    fn does(&mut self, partition: TopicPartition, deed: Deed, offset: u64) -> Option<Ownership> {
        let Some(held) = self.held.get_mut(&partition) else {
            return self.begin(partition, deed, offset);
        };
        if deed == Deed::Fetch {
            held.fetched = Some(offset);
        }
        let is_lower = held.begun.insert(deed) && offset < held.start;
        if is_lower {
            held.start = offset;
        }
        is_lower.then_some(Ownership::BeganLower(held.epoch))
    }

    /// Begins to own a partition, if the group gave it.
    fn begin(&mut self, partition: TopicPartition, deed: Deed, offset: u64) -> Option<Ownership> {
        if !self.given.contains(&partition) {
            return None;
        }
        self.epochs += 1;
        let epoch = AssignmentEpoch(self.epochs);
        let held = Held {
            epoch,
            start: offset,
            begun: BTreeSet::from([deed]),
            fetched: (deed == Deed::Fetch).then_some(offset),
            out_of_range: false,
        };
        self.held.insert(partition, held);
        Some(Ownership::Begins(epoch))
    }

    /// Notes that a fetch from `offset` follows one that was out of range; returns the position
    /// that it leaves, if it leaves one.
    fn reset_by_fetch(&mut self, partition: TopicPartition, offset: u64) -> Option<u64> {
        let held = self.held.get_mut(&partition)?;
        let was_out_of_range = std::mem::take(&mut held.out_of_range);
        let from = held
            .fetched
            .filter(|&from| was_out_of_range && from != offset)?;
        held.fetched = Some(offset);
        Some(from)
    }
}

/// The news of the ownership of a partition that a deed brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// The first deed of an assignment: the member owns the partition now.
    Begins(AssignmentEpoch),
    /// The member owned the partition from a lower offset on than its first deed showed.
    BeganLower(AssignmentEpoch),
}
