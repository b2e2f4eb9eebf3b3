//! How long partitions stood still although nothing kept them from moving.
//!
//! A partition could move where its newest owner is alive and has a readable record that is not
//! finished. It moves with every beginning and end of a handler, dead letter, higher commit, change
//! of position or of its leader. Time does not count, because a correct consumer must never be
//! convicted for it:
//! - after a failed attempt, for the longest pause; after one that calls for a dead letter, until
//!   the partition moves again: the write may fail without end;
//! - while a handler of the partition runs, up to its deadline;
//! - while as many handlers of the member run as may run, or as ever ran at once, up to the
//!   deadline of the newest: it may have no other hands, like a loop that handles one record after
//!   the other; and while its commit is under way, which such a loop waits for;
//! - while the member stands still, gives partitions up, or a fault is aimed at it, or at no
//!   member; after a fault, for the time in which all settles;
//! - until the last of its commits that failed in a row, if the member started no handler since the
//!   first of them: it may wait for its commits. A fault on commits alone excuses nothing else.

use super::hands::{self, Hands, Member};
use super::history::{Attempt, History};
use super::ids::{AssignmentId, EntryIndex, Slot};
use super::table::{Id, Table};
use crate::{Entry, MemberId, Terms, Trace, TraceEvent};
use plimsoll_core::{Instant, NextOffset, Offset, OutOfRangePolicy, Outcome};
use std::time::Duration;

/// What one run shows; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    lines: Table<Slot, Line>,
    hands: Hands,
    /// The number of assignments so far.
    assigned: usize,
    /// Each time that a partition stood still for longer than it may.
    pub(super) found: Vec<Stall>,
}

/// A partition that stood still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) owner: AssignmentId,
    /// The time that counts.
    pub(super) counted: Duration,
    /// The number of records that it had to handle.
    pub(super) waiting: u32,
    /// The entry with which it last moved.
    pub(super) from: EntryIndex,
    /// The entry with which it moved again, or could not any more.
    pub(super) until: EntryIndex,
    /// Whether it moved again.
    pub(super) moved: bool,
}

/// One partition at the moment.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    owner: Option<(AssignmentId, MemberId)>,
    /// The offset from which its owner reads, or that it has committed: nothing below it waits.
    position: NextOffset,
    log_end: NextOffset,
    committed: NextOffset,
    /// The number of readable records from `position` on that are not settled.
    waiting: u32,
    /// The number of its owner's handlers that run.
    running: u32,
    /// The end of the deadline of the newest of them.
    deadline: Instant,
    /// The moment from which standing still counts.
    since: Instant,
    /// What was excused of its owner's time by then, and for how long its hands were full.
    excused: Duration,
    busy: Duration,
    /// Whether it waits for a dead letter.
    owes_letter: bool,
    /// The entry with which it last moved.
    moved: EntryIndex,
}

impl Stalls {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, history: &History, trace: &Trace) {
        self.clear();
        let mut reader = Reader {
            stalls: self,
            terms,
            history,
            entry: EntryIndex::START,
            now: Instant::ZERO,
        };
        for (index, Entry { at, event }) in trace.entries().iter().enumerate() {
            (reader.entry, reader.now) = (EntryIndex::new(index), *at);
            reader.observe(event);
        }
        for slot in reader.slots() {
            reader.look(slot, false);
        }
    }

    /// Forgets the run before.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.hands.clear();
        self.found.clear();
        self.assigned = 0;
    }
}

/// The reading of one trace, at one of its entries.
struct Reader<'a> {
    stalls: &'a mut Stalls,
    terms: &'a Terms,
    history: &'a History,
    entry: EntryIndex,
    now: Instant,
}

impl Reader<'_> {
    #[inline]
    fn observe(&mut self, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Stored {
                partition, offset, ..
            } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.stored(slot, offset);
                }
            }
            E::HandlerStarted {
                member, partition, ..
            } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.started(slot, member);
                }
            }
            E::Effect {
                member,
                partition,
                offset,
                outcome,
                ..
            } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.ended(slot, member);
                    self.finished(slot, offset);
                    self.failed(slot, offset, outcome);
                }
            }
            E::HandlerStopped {
                member,
                partition,
                offset,
                ..
            } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.ended(slot, member);
                    self.failed(slot, offset, Outcome::Retryable);
                }
            }
            E::DeadLettered {
                partition, offset, ..
            } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.moves(slot);
                    self.finished(slot, offset);
                }
            }
            E::CommitSent { member } => self.member(member).commits = true,
            E::Committed {
                member,
                partition,
                next,
                ..
            } => {
                self.member(member).commit_accepted();
                if let Some(slot) = self.history.slots.get(partition) {
                    self.committed(slot, next);
                }
            }
            E::CommitRefused { member, .. } | E::CommitUnknown { member } => {
                let now = self.now;
                self.member(member).commit_failed(now);
            }
            _ => self.observe_rare(event),
        }
    }

    fn observe_rare(&mut self, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Assigned {
                member,
                partition,
                position,
                ..
            } => {
                let id = AssignmentId::from_index(self.stalls.assigned);
                self.stalls.assigned += 1;
                self.member(member).revoking = 0;
                if let Some(slot) = self.history.slots.get(partition) {
                    self.assigned(slot, (id, member), position);
                }
            }
            E::Revoked { member, .. } => {
                self.member(member).revoking += 1;
                self.disown();
            }
            E::Released { member, .. } | E::Lost { member, .. } => {
                let revoking = &mut self.member(member).revoking;
                *revoking = revoking.saturating_sub(1);
                self.disown();
            }
            E::MemberStopping { .. } | E::MemberStopped { .. } | E::MemberExited { .. } => {
                self.disown();
            }
            E::MemberCrashed { member } | E::MemberStarted { member } => {
                self.disown();
                self.member(member).restart();
            }
            E::MemberPaused { member } => self.member(member).paused = true,
            E::MemberResumed { member } => {
                self.member(member).paused = false;
                self.settle(Some(member));
            }
            E::PositionReset { partition, to, .. } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.moves(slot);
                    self.stalls.lines.row_mut(slot).position = to;
                    self.count(slot);
                }
            }
            E::Removed { partition, .. } | E::OffsetsReset { partition, .. } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.moves(slot);
                    self.count(slot);
                }
            }
            E::LeaderChanged { partition, .. } => {
                if let Some(slot) = self.history.slots.get(partition) {
                    self.moves(slot);
                }
                self.settle(None);
            }
            E::CoordinatorChanged { .. } => self.settle(None),
            E::FaultBegan { fault, member, .. } => {
                let hands = &mut self.stalls.hands;
                hands.fault_began((fault, member), self.now, self.terms);
            }
            E::FaultEnded { fault } => {
                let hands = &mut self.stalls.hands;
                hands.fault_ended(fault, self.now, self.terms);
            }
            E::Healed => self.stalls.hands.healed(self.now, self.terms),
            _ => {}
        }
    }
}

/// Partitions.
impl Reader<'_> {
    #[inline]
    fn stored(&mut self, slot: Slot, offset: Offset) {
        let line = self.stalls.lines.row_mut(slot);
        if line.log_end.covers(offset) {
            // Another record at an offset that was seen already: the log was cut.
            return self.count(slot);
        }
        line.log_end = offset.next();
        if !line.position.covers(offset) {
            line.waiting += 1;
            if line.waiting == 1 {
                self.restart(slot, self.now);
            }
        }
    }

    #[inline]
    fn started(&mut self, slot: Slot, member: MemberId) {
        self.moves(slot);
        let now = self.now;
        let deadline = hands::deadline(&self.terms.config, now);
        let line = self.stalls.lines.row_mut(slot);
        if line.owner.is_some_and(|(_, owner)| owner == member) {
            line.running += 1;
            line.deadline = deadline;
        }
        let member = self.member(member);
        member.running += 1;
        member.most = member.most.max(member.running);
        member.started = now;
    }

    #[inline]
    fn ended(&mut self, slot: Slot, member: MemberId) {
        self.moves(slot);
        let line = self.stalls.lines.row_mut(slot);
        if line.owner.is_some_and(|(_, owner)| owner == member) {
            line.running = line.running.saturating_sub(1);
        }
        let member = self.member(member);
        member.running = member.running.saturating_sub(1);
    }

    /// Takes in that a record may be finished by this entry.
    #[inline]
    fn finished(&mut self, slot: Slot, offset: Offset) {
        let record = &self.history.partitions[slot].records[offset];
        let line = self.stalls.lines.row_mut(slot);
        if record.finished == self.entry && !line.position.covers(offset) {
            line.waiting = line.waiting.saturating_sub(1);
        }
    }

    /// Takes in that an attempt did not go well: the next one, or a dead letter, follows.
    fn failed(&mut self, slot: Slot, offset: Offset, outcome: Outcome) {
        if outcome == Outcome::Ok {
            return;
        }
        let config = &self.terms.config;
        let record = &self.history.partitions[slot].records[offset];
        let is_spent = |attempt: &Attempt| attempt.deliveries >= config.retry.attempts;
        let mut attempts = self.history.attempts_at(record);
        let spent = attempts.any(|attempt| attempt.ended == self.entry && is_spent(attempt));
        let owes_letter = config.dead_letters && (spent || outcome == Outcome::Permanent);
        self.stalls.lines.row_mut(slot).owes_letter = owes_letter;
        self.restart(slot, self.now + config.retry.max_backoff);
    }

    #[inline]
    fn committed(&mut self, slot: Slot, next: NextOffset) {
        let line = self.stalls.lines.row_mut(slot);
        let before = line.committed;
        line.committed = next;
        if next > before {
            self.moves(slot);
            // What it passed waits no more: where it was not finished, it is lost.
            let line = self.stalls.lines.row_mut(slot);
            line.position = line.position.max(next);
            self.count(slot);
        }
    }

    fn assigned(
        &mut self,
        slot: Slot,
        (id, member): (AssignmentId, MemberId),
        position: NextOffset,
    ) {
        self.disown();
        if self.history.assignments[id].stale {
            return;
        }
        let line = self.stalls.lines.row_mut(slot);
        line.owner = Some((id, member));
        line.position = position;
        line.running = 0;
        line.owes_letter = false;
        line.moved = self.entry;
        self.count(slot);
        self.restart(slot, self.now);
    }

    /// Takes partitions from the owners whose assignments end with this entry.
    fn disown(&mut self) {
        for slot in self.slots() {
            let owner = self.stalls.lines[slot].owner;
            if owner.is_some_and(|(owner, _)| self.history.assignments[owner].ended <= self.entry) {
                self.look(slot, false);
                self.stalls.lines.row_mut(slot).owner = None;
            }
        }
    }

    /// Counts what a partition has to handle.
    fn count(&mut self, slot: Slot) {
        let (entry, line) = (self.entry, self.stalls.lines.row_mut(slot));
        let records = &self.history.partitions[slot].records;
        let records = records.rows_from(line.position.first_unfinished());
        let waiting = records
            .filter(|(_, record)| record.stored <= entry && record.settled() > entry)
            .count();
        line.waiting = waiting as u32;
    }

    /// Takes in that a partition moves.
    #[inline]
    fn moves(&mut self, slot: Slot) {
        self.look(slot, true);
        self.restart(slot, self.now);
        let line = self.stalls.lines.row_mut(slot);
        line.moved = self.entry;
        line.owes_letter = false;
    }

    /// Lets the time of a partition count from a moment on.
    #[inline]
    fn restart(&mut self, slot: Slot, from: Instant) {
        let owner = self.stalls.lines.row_mut(slot).owner;
        let owner = owner.map_or_else(Member::default, |(_, owner)| *self.member(owner));
        let line = self.stalls.lines.row_mut(slot);
        line.since = from;
        line.excused = owner.excused;
        line.busy = owner.busy;
    }

    /// Notes for how long a partition has stood still.
    #[inline]
    fn look(&mut self, slot: Slot, moved: bool) {
        let line = *self.stalls.lines.row_mut(slot);
        let Some((owner, member)) = line.owner else {
            return;
        };
        if line.waiting == 0 || line.owes_letter || self.is_halted(slot) {
            return;
        }
        let (now, member) = (self.now, *self.member(member));
        let mut since = line.since;
        let mut excused = member.excused - line.excused;
        if line.running > 0 {
            // Its own handler is what fills the hands.
            since = since.max(line.deadline);
        } else {
            excused += member.busy - line.busy;
        }
        let (first, last) = member.trouble;
        if member.started <= first {
            since = since.max(last);
        }
        let counted = now.saturating_since(since).saturating_sub(excused);
        if counted > self.terms.progress_within {
            self.stalls.found.push(Stall {
                owner,
                counted,
                waiting: line.waiting,
                from: line.moved,
                until: self.entry,
                moved,
            });
        }
    }

    /// Returns whether a partition may stand still by its own policy.
    fn is_halted(&self, slot: Slot) -> bool {
        self.terms.config.out_of_range == OutOfRangePolicy::Halt
            && self.history.partitions[slot].overtaken
    }

    fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.stalls.lines.len()).map(Slot::from_index)
    }
}

/// Members.
impl Reader<'_> {
    /// Returns a member, whose time is counted up to now.
    #[inline]
    fn member(&mut self, id: MemberId) -> &mut Member {
        self.stalls.hands.member(id, self.now, &self.terms.config)
    }

    fn settle(&mut self, member: Option<MemberId>) {
        self.stalls.hands.settle(member, self.now, self.terms);
    }
}
