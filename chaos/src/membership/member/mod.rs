//! One member, as far as the wire shows it: what the group gave it, what it owns, and from where.

#[cfg(test)]
mod tests;

use plimsoll_core::{AssignmentEpoch, Instant, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// One member, as far as the wire shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
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

/// Something that a member does with a partition that it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Fetch,
    Call,
    Commit,
}

/// The way in which a member loses a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Revoked { announced: bool },
    Lost,
}

/// The news of the ownership of a partition that a deed brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    /// The first deed of an assignment: the member owns the partition now.
    Begins(AssignmentEpoch),
    /// The member owned the partition from a lower offset on than its first deed showed.
    BeganLower(AssignmentEpoch),
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

impl Member {
    /// Returns the generation of the group that it is in.
    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    /// Returns whether it is between a request to join and its assignment.
    pub(super) fn is_joining(&self) -> bool {
        self.joining
    }

    /// Returns whether it was told that it belongs to no current generation.
    pub(super) fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Returns whether its process asked to join at least once.
    pub(super) fn has_joined(&self) -> bool {
        self.has_joined
    }

    /// Returns whether it owns the partition.
    pub(super) fn holds(&self, partition: TopicPartition) -> bool {
        self.held.contains_key(&partition)
    }

    /// Returns the number of partitions that it owns.
    pub(super) fn load(&self) -> usize {
        self.held.len()
    }

    /// Returns when it learned that it must give the partition up, if it has learned that and has
    /// not got the partition anew.
    pub(super) fn revoked_at(&self, partition: TopicPartition) -> Option<Instant> {
        self.withdrawn.get(&partition).copied()
    }

    /// Notes a request to join with the partitions that the member says it still owns; returns
    /// those that it gave up.
    pub(super) fn join(
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
    pub(super) fn join_refused(&mut self) {
        self.joining = false;
        let offered = std::mem::take(&mut self.offered);
        self.withdrawn
            .retain(|partition, _| !offered.contains(partition));
        self.given.extend(offered);
    }

    /// Notes that the group took its request to join, in a generation.
    pub(super) fn joined(&mut self, generation: i32) {
        self.generation = generation;
        self.fenced = false;
        self.offered.clear();
    }

    /// Notes that it was told that it belongs to no current generation.
    pub(super) fn fence(&mut self) {
        self.fenced = true;
        self.offered.clear();
    }

    /// Notes that it learned of the revocation of a partition; returns whether that is new.
    pub(super) fn revoke(&mut self, now: Instant, partition: TopicPartition) -> bool {
        let is_new = self.holds(partition) && !self.withdrawn.contains_key(&partition);
        if is_new {
            self.withdrawn.insert(partition, now);
        }
        is_new
    }

    /// Notes that it learned of the loss of a partition; returns whether it had it. A fetch of it
    /// may be on its way still, and begins no new assignment.
    pub(super) fn lose(&mut self, now: Instant, partition: TopicPartition) -> bool {
        self.withdrawn.insert(partition, now);
        let had = self.held.remove(&partition).is_some();
        if had {
            self.given.remove(&partition);
        }
        had
    }

    /// Gives up all partitions but `kept`, and returns them.
    pub(super) fn give_up(
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
    pub(super) fn sync(&mut self, given: BTreeSet<TopicPartition>) {
        self.joining = false;
        self.withdrawn
            .retain(|partition, _| !given.contains(partition));
        self.given = given;
    }

    /// Notes something that it does with a partition at `offset`; returns what that shows of its
    /// ownership, if that is anything new.
    pub(super) fn does(
        &mut self,
        partition: TopicPartition,
        deed: Deed,
        offset: u64,
    ) -> Option<Ownership> {
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

    /// Notes that its last fetch of a partition was out of range; returns the offset of the fetch.
    pub(super) fn out_of_range(&mut self, partition: TopicPartition) -> Option<u64> {
        let held = self.held.get_mut(&partition)?;
        let fetched = held.fetched?;
        held.out_of_range = true;
        Some(fetched)
    }

    /// Notes that a fetch from `offset` follows one that was out of range; returns the position
    /// that it leaves, if it leaves one.
    pub(super) fn reset_by_fetch(&mut self, partition: TopicPartition, offset: u64) -> Option<u64> {
        let held = self.held.get_mut(&partition)?;
        let was_out_of_range = std::mem::take(&mut held.out_of_range);
        let from = held
            .fetched
            .filter(|&from| was_out_of_range && from != offset)?;
        held.fetched = Some(offset);
        Some(from)
    }
}
