//! What a trace says, as tables: read in one pass, and shared by every checker.
//!
//! Logical time is the index of an entry, so "before" is `<`, and [`NEVER`] is later than every
//! entry. The tables keep their memory from one run to the next.

use super::ids::{AssignmentId, AttemptId, EntryIndex, NEVER, RecordId, Slot, Slots};
use super::table::Table;
use crate::{Entry, MemberId, MessageId, Terms, Trace};
use plimsoll_core::{InitialPosition, NextOffset, Offset, Ordering, Outcome, TopicPartition};

/// Everything that one trace says.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) slots: Slots,
    pub(super) partitions: Table<Slot, Partition>,
    pub(super) assignments: Table<AssignmentId, Assignment>,
    pub(super) attempts: Table<AttemptId, Attempt>,
    /// Those of `attempts` at records that were already finished.
    pub(super) repeats: Vec<AttemptId>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) acks: Vec<Ack>,
    pub(super) commits: Vec<Commit>,
    pub(super) rewinds: Vec<Rewind>,
    pub(super) stops: Vec<Stop>,
    pub(super) healed: EntryIndex,
    pub(super) quiet: EntryIndex,
    pub(super) ended: EntryIndex,
    pub(super) lag: u64,
    /// Partitions of earlier runs, kept for their memory.
    pub(super) spare: Vec<Partition>,
    by_key: Vec<(u32, Offset)>,
}

/// One partition of a topic.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) id: TopicPartition,
    /// Whether the topic had it before the group first owned any of its partitions.
    pub(super) founding: bool,
    pub(super) records: Table<Offset, Record>,
    /// What each member last knew of it.
    pub(super) holdings: Table<MemberId, Holding>,
    /// The first assignment to any member.
    pub(super) first: Option<AssignmentId>,
    /// The newest assignment to any member.
    pub(super) current: Option<AssignmentId>,
    /// The newest attempt at one of its records that was already finished.
    pub(super) last_repeat: Option<AttemptId>,
    /// The number of times that it was assigned, or moved back by no will of the consumer.
    pub(super) chances: u32,
    pub(super) log_start: NextOffset,
    /// Whether retention ever removed a record that the group had not committed.
    pub(super) overtaken: bool,
    pub(super) log_end: NextOffset,
    /// The group's committed offset.
    pub(super) committed: NextOffset,
    /// The entry that set `committed`.
    pub(super) committed_by: EntryIndex,
    /// The offset from which its newest owner reads.
    pub(super) position: NextOffset,
    /// The entry that set `position`.
    pub(super) position_by: EntryIndex,
}

/// One offset of a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) message: Option<MessageId>,
    pub(super) key: Option<u32>,
    pub(super) stored: EntryIndex,
    /// The moment when the producer learned that this very message is stored here.
    pub(super) acked: EntryIndex,
    /// The first effect of an attempt that went well, or the acknowledged dead letter.
    pub(super) finished: EntryIndex,
    /// The moment from which the group does not owe it: retention removed it, or, from the start,
    /// the group starts after it.
    pub(super) excused: EntryIndex,
    /// The moment when the scenario itself moved the group's offset beyond it.
    pub(super) skipped: EntryIndex,
    /// The moment from which every earlier record of its key is settled.
    pub(super) free_from: EntryIndex,
    /// The newest attempt at it.
    pub(super) last_attempt: Option<AttemptId>,
    /// The number of attempts at it.
    pub(super) deliveries: u32,
    /// The number of attempts at it that went well.
    pub(super) oks: u32,
}

/// What one member last knew of one partition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holding {
    /// Its newest assignment of the partition.
    pub(super) assignment: Option<AssignmentId>,
    /// The moment when it learned that this assignment is over.
    pub(super) withdrawn: EntryIndex,
    /// The lowest position to which it moved back under this assignment.
    pub(super) sought: Option<NextOffset>,
}

/// One partition given to one member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) slot: Slot,
    pub(super) position: NextOffset,
    /// The group's generation; -1 where it could not be seen.
    pub(super) generation: i32,
    /// What disrupted it: revoked, lost, given to another, or its process crashed or was stopped.
    pub(super) ended: EntryIndex,
}

/// One call of a handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) record: RecordId,
    /// The member's newest assignment of the partition at that moment.
    pub(super) assignment: Option<AssignmentId>,
    /// The moment when its member had learned that this assignment is over.
    pub(super) withdrawn: EntryIndex,
    /// Its number among the attempts at the record, as the sink counts.
    pub(super) number: u32,
    /// The attempt before it at the same record.
    pub(super) previous: Option<AttemptId>,
    /// The number of attempts at the record so far, this one included.
    pub(super) deliveries: u32,
    /// The number of attempts at the record that went well so far, this one included.
    pub(super) oks: u32,
    /// The partition's chances at the attempt's last entry.
    pub(super) chances: u32,
    /// The entry of its outcome.
    pub(super) ended: EntryIndex,
    /// The answer of the sink; `None`: stopped, or still running.
    pub(super) outcome: Option<Outcome>,
}

/// A record's acknowledged copy in the dead-letter topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeadLetter {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) record: RecordId,
    pub(super) assignment: Option<AssignmentId>,
}

/// A promise of the cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    pub(super) entry: EntryIndex,
    pub(super) record: RecordId,
    pub(super) message: MessageId,
}

/// One partition's part of an accepted commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) slot: Slot,
    pub(super) next: NextOffset,
    /// What was committed before.
    pub(super) previous: NextOffset,
    /// The entry that set `previous`.
    pub(super) previous_by: EntryIndex,
    /// The lowest position to which the member had moved back.
    pub(super) sought: Option<NextOffset>,
    /// The member's own newest assignment of the partition.
    pub(super) own: Option<AssignmentId>,
    /// The newest assignment of the partition to any member.
    pub(super) current: Option<AssignmentId>,
}

/// The group was moved back by no will of its members: records from `to` on come again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewind {
    pub(super) entry: EntryIndex,
    pub(super) slot: Slot,
    pub(super) to: NextOffset,
}

/// A graceful stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) stopped: EntryIndex,
    /// Whether the member crashed, stood still or lost partitions meanwhile.
    pub(super) disturbed: bool,
}

impl Partition {
    pub(super) fn holding(&self, member: MemberId) -> Holding {
        self.holdings.get(member).copied().unwrap_or_default()
    }

    /// Returns the records below a next offset, in order.
    pub(super) fn records_below(&mut self, next: NextOffset) -> impl Iterator<Item = &mut Record> {
        self.records.iter_mut().take(next.get() as usize)
    }
}

impl Record {
    /// An offset of which nothing is known.
    pub(super) const UNSEEN: Self = Self {
        message: None,
        key: None,
        stored: NEVER,
        acked: NEVER,
        finished: NEVER,
        excused: NEVER,
        skipped: NEVER,
        free_from: EntryIndex::START,
        last_attempt: None,
        deliveries: 0,
        oks: 0,
    };

    /// Returns from when on it blocks no other record: it is finished, removed, or skipped by the
    /// scenario.
    #[inline]
    pub(super) fn settled(&self) -> EntryIndex {
        self.finished.min(self.excused).min(self.skipped)
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::UNSEEN
    }
}

impl Attempt {
    /// Returns whether it was made under a later assignment than this, or under none that was seen.
    pub(super) fn is_under_later(&self, than: AssignmentId) -> bool {
        self.assignment.is_none_or(|assignment| assignment > than)
    }
}

impl History {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, trace: &Trace) {
        self.clear();
        for (index, Entry { event, .. }) in trace.entries().iter().enumerate() {
            self.observe(terms, EntryIndex::new(index), event);
        }
        if terms.config.initial == InitialPosition::Latest {
            self.excuse_before_start();
        }
        if terms.config.ordering != Ordering::Unordered {
            self.link_keys();
        }
    }

    /// Returns a record that the trace has named.
    pub(super) fn record(&self, id: RecordId) -> &Record {
        &self.partitions[id.slot].records[id.offset]
    }

    pub(super) fn assignment(&self, id: Option<AssignmentId>) -> Option<&Assignment> {
        id.map(|id| &self.assignments[id])
    }

    /// Returns the attempts at a record, newest first.
    pub(super) fn attempts_at(&self, record: &Record) -> impl Iterator<Item = &Attempt> {
        let ids = self.attempts_back_from(record.last_attempt);
        ids.map(|id| &self.attempts[id])
    }

    /// Returns an attempt and those before it at the same record, newest first.
    pub(super) fn attempts_back_from(
        &self,
        newest: Option<AttemptId>,
    ) -> impl Iterator<Item = AttemptId> {
        std::iter::successors(newest, |&id| self.attempts[id].previous)
    }

    /// Returns the attempts at records that were already finished, in order.
    pub(super) fn repeats(&self) -> impl Iterator<Item = &Attempt> {
        self.repeats.iter().map(|&id| &self.attempts[id])
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.spare.extend(self.partitions.drain());
        self.assignments.clear();
        self.attempts.clear();
        self.repeats.clear();
        self.dead_letters.clear();
        self.acks.clear();
        self.commits.clear();
        self.rewinds.clear();
        self.stops.clear();
        self.healed = NEVER;
        self.quiet = NEVER;
        self.ended = NEVER;
        self.lag = 0;
    }

    /// Excuses the records before the group's start: a group that starts at the end of a partition
    /// owes nothing of what was there before; a partition that was added later is owed from its
    /// start.
    fn excuse_before_start(&mut self) {
        for partition in self.partitions.iter_mut() {
            if !partition.founding {
                continue;
            }
            let start = match partition.first {
                Some(first) => self.assignments[first].position,
                // A partition that was never owned owes nothing.
                None => NextOffset::new(u64::MAX),
            };
            for record in partition.records_below(start) {
                record.excused = EntryIndex::START;
            }
        }
    }

    /// Finds when each record's predecessors of the same key were settled.
    fn link_keys(&mut self) {
        let by_key = &mut self.by_key;
        for partition in self.partitions.iter_mut() {
            by_key.clear();
            let records = partition.records.with_ids();
            by_key.extend(records.filter_map(|(offset, record)| Some((record.key?, offset))));
            // Stable: the records of a key stay in the order of their offsets.
            by_key.sort_by_key(|&(key, _)| key);
            for pair in by_key.windows(2) {
                let ((key, before), (next_key, offset)) = (pair[0], pair[1]);
                if key == next_key {
                    let before = &partition.records[before];
                    let free_from = before.free_from.max(before.settled());
                    partition.records[offset].free_from = free_from;
                }
            }
        }
    }
}
