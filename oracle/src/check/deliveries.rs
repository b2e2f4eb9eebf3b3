//! From handlers, their answers and dead letters to the tables of a [`History`].

use super::history::{Attempt, DeadLetter, History};
use super::ids::{AttemptId, EntryIndex, NEVER, RecordId};
use crate::{MemberId, MessageId};
use plimsoll_core::Outcome;

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
        });
        record.last_attempt = Some(attempt);
        if record.finished != NEVER {
            self.repeats.push(attempt);
            partition.last_repeat = Some(attempt);
        }
        attempt
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
            Some(attempt) => attempt,
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
        attempt: AttemptId,
        message: MessageId,
        outcome: Outcome,
    ) {
        let attempt = &mut self.attempts[attempt];
        let partition = &mut self.partitions[attempt.record.slot];
        let record = &mut partition.records[attempt.record.offset];
        attempt.ended = entry;
        attempt.outcome = Some(outcome);
        if outcome == Outcome::Ok && record.message == Some(message) {
            record.finished = record.finished.min(entry);
            record.oks += 1;
            attempt.oks = record.oks;
            attempt.chances = partition.chances - record.chances_before;
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
        }
    }

    pub(super) fn dead_lettered(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        id: RecordId,
        message: MessageId,
    ) {
        let partition = &mut self.partitions[id.slot];
        let held = partition.holding(member).assignment;
        let record = partition.records.row_mut(id.offset);
        record.message = record.message.or(Some(message));
        if record.message == Some(message) {
            record.finished = record.finished.min(entry);
        }
        // Its write may have been under way when the member got the partition anew.
        let tried = record.last_attempt.map(|attempt| &self.attempts[attempt]);
        let tried = tried.filter(|attempt| attempt.member == member);
        self.dead_letters.push(DeadLetter {
            entry,
            member,
            record: id,
            assignment: tried.map_or(held, |attempt| attempt.assignment),
        });
    }
}
