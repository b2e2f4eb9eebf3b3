//! What a trace says, as tables: read in one pass, and shared by every checker.
//!
//! Logical time is the index of an entry, so "before" is `<`, and [`NEVER`] is later than every
//! entry. The tables keep their memory from one run to the next.

use super::ids::{AssignmentId, AttemptId, EntryIndex, NEVER, RecordId, Slot, Slots};
use super::table::Table;
use crate::{Entry, MemberId, MessageId, Setting, Terms, Trace};
use plimsoll_core::{
    AssignmentEpoch, InitialPosition, NextOffset, Offset, Ordering, Outcome, TopicPartition,
};

/// Everything that one trace says.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) slots: Slots,
    pub(super) partitions: Table<Slot, Partition>,
    pub(super) assignments: Table<AssignmentId, Assignment>,
    pub(super) attempts: Table<AttemptId, Attempt>,
    /// Those of `attempts` at records that were already finished, but for those of a member that
    /// was slow to learn of an older generation.
    pub(super) repeats: Vec<AttemptId>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) letter_acks: Vec<LetterAck>,
    pub(super) acks: Vec<Ack>,
    pub(super) commits: Vec<Commit>,
    pub(super) rewinds: Vec<Rewind>,
    pub(super) cuts: Vec<Cut>,
    pub(super) exits: Vec<Exit>,
    pub(super) seeks: Vec<Seek>,
    pub(super) stops: Vec<Stop>,
    pub(super) processes: Table<MemberId, Process>,
    /// Attempts that no living owner of their partition could make.
    pub(super) trespasses: Vec<(AttemptId, Trespass)>,
    /// Attempts that began while as many others of their member ran as its settings allow.
    pub(super) crowds: Vec<AttemptId>,
    /// Attempts that were answered while their process stood still.
    pub(super) unheard: Vec<AttemptId>,
    /// Whether some member ran as many handlers as its settings allow.
    pub(super) at_limit: bool,
    pub(super) healed: EntryIndex,
    pub(super) quiet: EntryIndex,
    pub(super) ended: EntryIndex,
    pub(super) lag: u64,
    /// Whether a permanent failure finishes its record: what the subject does then is not known.
    pub(super) gives_up: bool,
    /// Partitions of earlier runs, kept for their memory.
    pub(super) spare: Vec<Partition>,
    pub(super) by_key: Vec<(u32, Offset)>,
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
    /// The next offset below which the next commit may not fall: `committed`, or less where the
    /// cluster lost what was committed.
    pub(super) floor: NextOffset,
    /// The newest cut of its log to which the group has not returned yet.
    pub(super) cut: Option<Cut>,
    /// Whether the next commit arrives on a connection that its member had closed.
    pub(super) late: bool,
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
    /// The first effect of an attempt that went well, or the moment when its copy became readable
    /// in the dead-letter topic.
    pub(super) finished: EntryIndex,
    /// The moment from which the group does not owe it: retention removed it, or, from the start,
    /// the group starts after it.
    pub(super) excused: EntryIndex,
    /// The moment when the scenario itself moved the group's offset beyond it.
    pub(super) skipped: EntryIndex,
    /// The moment from which every earlier record that must come before it is settled: by the
    /// ordering of the run those of its key, or of its partition.
    pub(super) free_from: EntryIndex,
    /// The newest attempt at it.
    pub(super) last_attempt: Option<AttemptId>,
    /// The number of attempts at it.
    pub(super) deliveries: u32,
    /// The number of attempts at it that went well.
    pub(super) oks: u32,
    /// The partition's chances before the first assignment under which it was delivered began.
    pub(super) chances_before: u32,
}

/// What one member last knew of one partition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holding {
    /// Its newest assignment of the partition.
    pub(super) assignment: Option<AssignmentId>,
    /// The moment when it learned that this assignment is over.
    pub(super) withdrawn: EntryIndex,
    /// The moment when it learned that the assignment was taken from it unasked.
    pub(super) lost: EntryIndex,
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
    /// The member's own number of it; a new process counts anew.
    pub(super) epoch: AssignmentEpoch,
    /// Whether it was of an older generation than the partition's newest: its member was slow to
    /// learn of it.
    pub(super) stale: bool,
    /// The partition's assignment that it took the place of; none, where it was of an older
    /// generation.
    pub(super) previous: Option<AssignmentId>,
    /// The partition's chances before it began.
    pub(super) chances_before: u32,
    /// The group's committed offset when it began.
    pub(super) committed: NextOffset,
    /// What disrupted it: revoked, lost, given to another, or its process crashed or was stopped.
    pub(super) ended: EntryIndex,
    /// The moment when its member gave the partition up after a revocation.
    pub(super) released: EntryIndex,
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
    /// The partition's chances at the attempt's last entry, from those on under which the record
    /// was first delivered.
    pub(super) chances: u32,
    /// The entry of its outcome.
    pub(super) ended: EntryIndex,
    /// The answer of the sink; `None`: stopped, or still running.
    pub(super) outcome: Option<Outcome>,
    /// The moment from which its process may know the answer: its end, or the moment when a process
    /// that stood still went on.
    pub(super) told: EntryIndex,
}

/// A record's copy in the dead-letter topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeadLetter {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) record: RecordId,
    /// The member's number of the assignment that wrote it; `None` where it could not be seen.
    pub(super) epoch: Option<AssignmentEpoch>,
}

/// A member learned that a record's copy is in the dead-letter topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct LetterAck {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) record: RecordId,
    pub(super) message: MessageId,
    /// The assignment that wrote the copy.
    pub(super) assignment: Option<AssignmentId>,
    /// Whether the backend could see which assignment that was.
    pub(super) exact: bool,
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
    /// The next offset below which it may not fall.
    pub(super) floor: NextOffset,
    /// The lowest position to which the member had moved back.
    pub(super) sought: Option<NextOffset>,
    /// Whether the member had closed the connection when the commit arrived.
    pub(super) late: bool,
    /// The group's generation in the request; -1 outside of a generation.
    pub(super) generation: i32,
    /// The moment when the member's process had sent its newest commit.
    pub(super) sent: EntryIndex,
    /// The moment when the member had learned that its own assignment was lost.
    pub(super) lost: EntryIndex,
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

/// The log of a partition became shorter, by readable records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) entry: EntryIndex,
    pub(super) slot: Slot,
    /// Its end before.
    pub(super) from: NextOffset,
    /// Its end since.
    pub(super) to: NextOffset,
    /// Whether an owner has moved its position back because of it.
    pub(super) followed: bool,
}

/// An end of a process that was not asked to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    /// Its exit status, where that was seen.
    pub(super) status: Option<i32>,
}

/// A member moved its position back: records from `to` on come to it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seek {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) slot: Slot,
    pub(super) to: NextOffset,
}

/// A graceful stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) entry: EntryIndex,
    pub(super) member: MemberId,
    pub(super) stopped: EntryIndex,
    /// Whether the member crashed or stood still meanwhile, or another got its partitions.
    pub(super) disturbed: bool,
    /// The first moment at which it took partitions for lost that no other member had got.
    pub(super) lost: EntryIndex,
}

/// What a member's process was doing, as far as the trace was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    /// Whether it stands still.
    pub(super) paused: bool,
    /// The number of its handlers that run.
    pub(super) running: usize,
    /// The moment when it ended.
    pub(super) ended: EntryIndex,
    /// The moment when it sent its newest commit, for the first time.
    pub(super) sent: EntryIndex,
    /// The state of that commit.
    pub(super) newest: Newest,
}

/// The state of a member's newest commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Newest {
    /// Sent once, or decided.
    #[default]
    Sent,
    /// Without an outcome that its client could take for the last: it may be sent again.
    Failed,
    /// Sent again.
    SentAgain,
}

/// Why no living owner of a partition could make an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trespass {
    /// Its member never had the partition, which this assignment gave to another.
    NeverOwned(AssignmentId),
    /// Its member's process had ended here, and no other had started.
    Dead(EntryIndex),
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
        chances_before: u32::MAX,
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
        self.gives_up = !terms.knows(Setting::Attempts);
        for (index, Entry { event, .. }) in trace.entries().iter().enumerate() {
            self.observe(terms, EntryIndex::new(index), event);
        }
        if terms.config.initial == InitialPosition::Latest {
            self.excuse_before_start(trace);
        }
        match terms.config.ordering {
            Ordering::Partition => self.link_records(),
            Ordering::Key => self.link_keys(),
            Ordering::Unordered => {}
        }
    }

    /// Returns a record that the trace has named.
    pub(super) fn record(&self, id: RecordId) -> &Record {
        &self.partitions[id.slot].records[id.offset]
    }

    /// Returns whether a partition was given away, or moved back, after it had an owner.
    pub(super) fn is_disrupted(&self) -> bool {
        let again = self
            .partitions
            .iter()
            .any(|partition| partition.chances > 1);
        again || !self.repeats.is_empty()
    }

    pub(super) fn assignment(&self, id: Option<AssignmentId>) -> Option<&Assignment> {
        id.map(|id| &self.assignments[id])
    }

    /// Returns a member's assignments of a partition that carry a number of its own, in order.
    /// There is more than one where its process was started again.
    pub(super) fn assignments_of(
        &self,
        member: MemberId,
        slot: Slot,
        epoch: AssignmentEpoch,
    ) -> impl Iterator<Item = AssignmentId> {
        let assignments = self.assignments.with_ids();
        let own = assignments
            .filter(move |(_, own)| own.epoch == epoch && own.member == member && own.slot == slot);
        own.map(|(id, _)| id)
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

    /// Returns the newest cut that took a record which was there before `until`.
    pub(super) fn cut_off(&self, id: RecordId, until: EntryIndex) -> Option<&Cut> {
        let cuts = self.cuts.iter().rev();
        cuts.filter(|cut| cut.slot == id.slot && cut.entry < until)
            .find(|cut| cut.from.covers(id.offset) && !cut.to.covers(id.offset))
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
        self.letter_acks.clear();
        self.acks.clear();
        self.commits.clear();
        self.rewinds.clear();
        self.cuts.clear();
        self.exits.clear();
        self.seeks.clear();
        self.stops.clear();
        self.processes.clear();
        self.trespasses.clear();
        self.crowds.clear();
        self.unheard.clear();
        self.at_limit = false;
        self.healed = NEVER;
        self.quiet = NEVER;
        self.ended = NEVER;
        self.lag = 0;
    }
}
