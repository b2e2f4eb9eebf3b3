//! Counts of the rare things of [`Sometimes`].

use super::ids::{Slot, Slots};
use super::table::Table;
use crate::{ErrorName, MemberId, Sometimes, Trace, TraceEvent, Word};
use plimsoll_core::{NextOffset, Offset, Outcome, TopicPartition};

/// The number of times that each rare thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: [u64; Sometimes::ALL.len()],
}

impl Coverage {
    /// Counts the rare things of one more run.
    pub fn add(&mut self, trace: &Trace) {
        let mut scan = Scan::default();
        for entry in trace.entries() {
            if let Some(rare) = scan.observe(&entry.event) {
                self.counts[rare as usize] += 1;
            }
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// Returns the number of times that each rare thing happened, in the order of
    /// [`Sometimes::ALL`].
    pub fn counts(&self) -> impl Iterator<Item = (Sometimes, u64)> {
        Sometimes::ALL.iter().copied().zip(self.counts)
    }
}

/// What must be remembered from one entry to the next.
#[derive(Default)]
struct Scan {
    slots: Slots,
    partitions: Table<Slot, Seen>,
    members: Table<MemberId, Process>,
}

#[derive(Default)]
struct Seen {
    owner: Option<MemberId>,
    committed: NextOffset,
    /// Whether each record was finished before.
    finished: Table<Offset, bool>,
}

#[derive(Clone, Default)]
struct Process {
    paused: bool,
    /// Whether another member got a partition of it while it stood still.
    robbed: bool,
    /// The last effect that went well, for each partition.
    effects: Vec<(Slot, Offset)>,
}

impl Scan {
    /// Returns the rare thing that this entry completes; at most one, because each is told by
    /// another kind of entry.
    fn observe(&mut self, event: &TraceEvent) -> Option<Sometimes> {
        use TraceEvent as E;
        match *event {
            E::Committed {
                partition,
                next,
                rebalancing,
                ..
            } => {
                self.seen(partition).1.committed = next;
                rebalancing.then_some(Sometimes::CommitDuringRebalance)
            }
            E::Effect {
                member,
                partition,
                offset,
                outcome: Outcome::Ok,
                ..
            } => self.effect(member, partition, offset),
            E::Assigned {
                member, partition, ..
            } => {
                self.assigned(member, partition);
                None
            }
            E::MemberPaused { member } => {
                self.members.row_mut(member).paused = true;
                None
            }
            E::MemberResumed { member } => {
                let process = self.members.row_mut(member);
                process.paused = false;
                std::mem::take(&mut process.robbed).then_some(Sometimes::ZombieWokeUp)
            }
            E::MemberCrashed { member } => self.crashed(member),
            E::MemberExited { .. } => Some(Sometimes::MemberExited),
            E::Revoked { in_flight, .. } => {
                (in_flight > 0).then_some(Sometimes::RevokedWithHandlersInFlight)
            }
            E::CommitRefused { error, .. } => fenced(error).then_some(Sometimes::FencedCommit),
            E::CommitUnknown { .. } => Some(Sometimes::UnknownCommit),
            E::LateCommit { .. } => Some(Sometimes::LateCommit),
            E::Lost { .. } => Some(Sometimes::LostPartitions),
            E::LeaderChanged { .. } => Some(Sometimes::LeaderChanged),
            E::CoordinatorChanged { .. } => Some(Sometimes::CoordinatorChanged),
            E::DeadLettered { .. } => Some(Sometimes::DeadLettered),
            E::HandlerStopped { .. } => Some(Sometimes::HandlerStopped),
            E::OutOfRange { .. } => Some(Sometimes::OutOfRange),
            E::ResponseLost { .. } => Some(Sometimes::ResponseLost),
            _ => None,
        }
    }

    fn effect(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<Sometimes> {
        let (slot, seen) = self.seen(partition);
        let robbed = seen.owner.is_some_and(|owner| owner != member);
        let again = std::mem::replace(seen.finished.row_mut(offset), true);
        let effects = &mut self.members.row_mut(member).effects;
        match effects.iter_mut().find(|(effect, _)| *effect == slot) {
            Some((_, last)) => *last = offset,
            None => effects.push((slot, offset)),
        }
        match robbed {
            true => Some(Sometimes::ZombieEffect),
            false => again.then_some(Sometimes::Duplicate),
        }
    }

    fn assigned(&mut self, member: MemberId, partition: TopicPartition) {
        let before = self.seen(partition).1.owner.replace(member);
        if let Some(before) = before {
            let before = self.members.row_mut(before);
            before.robbed |= before.paused;
        }
    }

    fn crashed(&mut self, member: MemberId) -> Option<Sometimes> {
        let process = std::mem::take(self.members.row_mut(member));
        let mut effects = process.effects.iter();
        effects
            .any(|&(slot, offset)| !self.partitions[slot].committed.covers(offset))
            .then_some(Sometimes::CrashBeforeCommit)
    }

    fn seen(&mut self, partition: TopicPartition) -> (Slot, &mut Seen) {
        let slot = self.slots.get(partition).unwrap_or_else(|| {
            let slot = self.partitions.push(Seen::default());
            self.slots.set(partition, slot);
            slot
        });
        (slot, &mut self.partitions[slot])
    }
}

/// Returns whether the error says that the member is of an older generation, or of none.
fn fenced(error: ErrorName) -> bool {
    matches!(
        error,
        ErrorName::IllegalGeneration | ErrorName::UnknownMemberId | ErrorName::FencedInstanceId
    )
}
