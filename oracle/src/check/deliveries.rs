//! From handlers, their answers and dead letters to the tables of a [`History`].

use super::history::{Attempt, DeadLetter, History, LetterAck, Trespass};
use super::ids::{AssignmentId, AttemptId, EntryIndex, NEVER, RecordId};
use crate::{MemberId, MessageId, Terms};
use plimsoll_core::{AssignmentEpoch, Outcome};

impl History {
    #[inline]
    pub(super) fn started(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        message: MessageId,
        number: u32,
    ) -> AttemptId {
        let partition = &mut self.partitions[id.slot];
        let holding = partition.holding(member);
        let chances = partition.chances;
        let assignment = holding.assignment.map(|id| &self.assignments[id]);
        let record = partition.records.row_mut(id.offset);
        record.message = record.message.or(Some(message));
        record.deliveries += 1;
        // A zombie may deliver it under an older assignment than others did before.
        let before = assignment.map_or(0, |assignment| assignment.chances_before);
        let stale = assignment.is_some_and(|assignment| assignment.stale);
        record.chances_before = record.chances_before.min(before);
        let attempt = self.attempts.push(Attempt {
            entry,
            member,
            record: id,
            assignment: holding.assignment,
            withdrawn: holding.withdrawn,
            number,
            previous: record.last_attempt,
            deliveries: record.deliveries,
            oks: record.oks,
            chances: chances - record.chances_before,
            ended: NEVER,
            outcome: None,
            told: NEVER,
        });
        record.last_attempt = Some(attempt);
        if record.finished != NEVER && !stale {
            self.repeats.push(attempt);
            partition.last_repeat = Some(attempt);
        }
        attempt
    }

    /// Notes what an attempt whose beginning was seen says of its member's process.
    #[inline]
    pub(super) fn began(&mut self, terms: &Terms, id: AttemptId) {
        let attempt = &self.attempts[id];
        let process = self.processes.row_mut(attempt.member);
        process.running += 1;
        let limit = terms.config.max_in_flight;
        if process.running >= limit {
            self.at_limit = true;
            if process.running > limit {
                self.crowds.push(id);
            }
        }
        if process.ended != NEVER {
            let trespass = Trespass::Dead(process.ended);
            self.trespasses.push((id, trespass));
        } else if attempt.assignment.is_none()
            && let Some(owner) = self.partitions[attempt.record.slot].current
            && self.assignments[owner].ended == NEVER
        {
            self.trespasses.push((id, Trespass::NeverOwned(owner)));
        }
    }

    /// Returns the attempt to which an answer belongs. It starts with its answer where its
    /// beginning was not seen.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        message: MessageId,
        number: u32,
    ) -> AttemptId {
        match self.running(member, id, number) {
            Some(attempt) => {
                self.ran(member);
                attempt
            }
            None => self.started(entry, member, id, message, number),
        }
    }

    #[inline]
    fn running(&mut self, member: MemberId, id: RecordId, number: u32) -> Option<AttemptId> {
        let record = self.partitions[id.slot].records.row_mut(id.offset);
        let newest = record.last_attempt;
        self.attempts_back_from(newest).find(|&attempt| {
            let attempt = &self.attempts[attempt];
            attempt.number == number && attempt.member == member && attempt.ended == NEVER
        })
    }

    #[inline]
    pub(super) fn answered(
        &mut self,
        entry: EntryIndex,
        id: AttemptId,
        message: MessageId,
        outcome: Outcome,
    ) {
        let attempt = &mut self.attempts[id];
        let partition = &mut self.partitions[attempt.record.slot];
        let record = &mut partition.records[attempt.record.offset];
        attempt.ended = entry;
        attempt.outcome = Some(outcome);
        match self.processes.row_mut(attempt.member).paused {
            true => self.unheard.push(id),
            false => attempt.told = entry,
        }
        if outcome == Outcome::Ok && record.message == Some(message) {
            record.finished = record.finished.min(entry);
            record.oks += 1;
            attempt.oks = record.oks;
            attempt.chances = partition.chances - record.chances_before;
        } else if outcome == Outcome::Permanent && self.gives_up && record.message == Some(message)
        {
            record.finished = record.finished.min(entry);
        }
    }

    pub(super) fn handler_stopped(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        number: u32,
    ) {
        if let Some(attempt) = self.running(member, id, number) {
            self.attempts[attempt].ended = entry;
            self.ran(member);
        }
    }

    /// Notes that a handler whose beginning was seen runs no more.
    #[inline]
    fn ran(&mut self, member: MemberId) {
        let process = self.processes.row_mut(member);
        process.running = process.running.saturating_sub(1);
    }

    pub(super) fn dead_lettered(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        message: MessageId,
        epoch: Option<AssignmentEpoch>,
    ) {
        let record = self.partitions[id.slot].records.row_mut(id.offset);
        record.message = record.message.or(Some(message));
        if record.message == Some(message) {
            record.finished = record.finished.min(entry);
        }
        self.dead_letters.push(DeadLetter {
            entry,
            member,
            record: id,
            epoch,
        });
    }

    pub(super) fn letter_acknowledged(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        message: MessageId,
        epoch: Option<AssignmentEpoch>,
    ) {
        let assignment = match epoch {
            // Only the process that lives learns anything, so the newest of this number is meant.
            Some(epoch) => self.assignments_of(member, id.slot, epoch).last(),
            None => self.tried_under(member, id),
        };
        self.letter_acks.push(LetterAck {
            entry,
            member,
            record: id,
            message,
            assignment,
            exact: epoch.is_some(),
        });
    }

    /// Returns the assignment under which a member last tried a record; else its newest one of the
    /// partition.
    fn tried_under(&mut self, member: MemberId, id: RecordId) -> Option<AssignmentId> {
        let partition = &mut self.partitions[id.slot];
        let held = partition.holding(member).assignment;
        let record = partition.records.row_mut(id.offset);
        // The write may have been under way when the member got the partition anew.
        let tried = record.last_attempt.map(|attempt| &self.attempts[attempt]);
        let tried = tried.filter(|attempt| attempt.member == member);
        tried.map_or(held, |attempt| attempt.assignment)
    }
}
