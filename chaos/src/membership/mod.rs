//! Which member owns which partitions, as the wire shows it: from what passes the proxy to the
//! observations of the trace. It knows neither proxy nor trace: what passes goes in, and what the
//! trace is to say of it comes out.
//!
//! A member owns a partition from the first thing that it does with it after the group gave it the
//! partition: a fetch, a call of the sink or a commit. It may handle first what a fetch over the
//! rebalance had brought, and fetch behind that: it owns the partition from the lowest offset of
//! the first fetch, the first call and the first commit. It has learned of a revocation, at the
//! latest, when it asks to join again without the partition, unless the broker that it asks does not
//! coordinate the group: then nothing has happened, and it may go on as it is. A subject that prints
//! what it learns (`partitions_revoked`) is taken at its word, and earlier.

mod member;
#[cfg(test)]
mod tests;

use self::member::{Deed, Gone, Member, Ownership};
use crate::known::Wishes;
use crate::names::Names;
use crate::per_member::PerMember;
use crate::proxy::{CommitAnswer, Seen};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, TraceEvent};
use std::collections::BTreeSet;
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
        let holders = holders.filter(|(_, member)| member.holds(partition));
        // A zombie holds it too, from an older generation.
        let newest = holders.max_by_key(|(_, member)| member.generation())?;
        Some(newest.0)
    }

    /// Returns the owner of the most partitions; of several, the first.
    pub(crate) fn busiest(&self) -> Option<MemberId> {
        let members = self.members.ids().rev();
        members.max_by_key(|member| self.members[*member].load())
    }

    /// Returns when the member learned that it must give a partition up, if it has learned that and
    /// has not got the partition anew.
    pub(crate) fn revoked_at(
        &self,
        member: MemberId,
        partition: TopicPartition,
    ) -> Option<Instant> {
        self.members[member].revoked_at(partition)
    }

    /// Returns whether the member's process has asked to join the group.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.members[member].has_joined()
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
        let generations = self.members.values().map(Member::generation);
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
                self.members[member].joined(generation);
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
                self.members[member].fence();
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
        let fetched = self.members[member].out_of_range(partition);
        let told = fetched.map(|fetched| {
            Shown::Entry(TraceEvent::OutOfRange {
                member,
                partition,
                position: NextOffset::new(fetched),
            })
        });
        told.into_iter().collect()
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

    /// Takes in that the subject printed that it learned of the revocation of a partition. Some
    /// say so of a loss too: Sarama has one word for both, and so has what Java's clients do where
    /// nothing else is said (`ConsumerRebalanceListener.onPartitionsLost`).
    pub(crate) fn handle_revoked(
        &mut self,
        now: Instant,
        member: MemberId,
        partition: TopicPartition,
    ) -> Option<Shown> {
        if self.members[member].is_fenced() {
            return self.handle_lost(now, member, partition);
        }
        let is_new = self.members[member].revoke(now, partition);
        is_new.then_some(Shown::Revoked(partition))
    }

    /// Takes in that the subject printed that it learned of the loss of a partition.
    pub(crate) fn handle_lost(
        &mut self,
        now: Instant,
        member: MemberId,
        partition: TopicPartition,
    ) -> Option<Shown> {
        let had = self.members[member].lose(now, partition);
        had.then_some(Shown::Entry(TraceEvent::Lost { member, partition }))
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
        self.members.values().any(Member::is_joining)
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
                } else if generation == self.members[member].generation() {
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
        if let Some(error) = refused.and_then(ErrorName::from_code) {
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
        let generation = self.members[member].generation();
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
