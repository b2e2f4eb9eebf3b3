//! From handlers, their answers and dead letters to the tables of a [`History`].

use super::history::{Attempt, DeadLetter, History, NEVER};
use crate::{MemberId, MessageId, Terms};
use plimsoll_core::{Offset, Outcome, TopicPartition};

impl History {
    #[inline]
    pub(super) fn started(
        &mut self,
        slot: u32,
        entry: u32,
        member: MemberId,
        offset: Offset,
        message: MessageId,
        number: u32,
    ) -> u32 {
        let partition = &mut self.partitions[slot as usize];
        let holding = partition.holding(member);
        let chances = partition.chances;
        let record = partition.record(offset.get());
        if record.message == NEVER {
            record.message = message.0;
        }
        record.deliveries += 1;
        let this = self.attempts.len() as u32;
        let previous = std::mem::replace(&mut record.last_attempt, this);
        if record.finished != NEVER {
            self.repeats.push(this);
        }
        self.attempts.push(Attempt {
            entry,
            slot,
            offset: offset.get() as u32,
            member,
            assignment: holding.assignment,
            withdrawn: holding.withdrawn,
            number,
            previous,
            deliveries: record.deliveries,
            oks: record.oks,
            chances,
            ended: NEVER,
            outcome: None,
        });
        this
    }

    /// The attempt to which an answer belongs. A subject whose beginnings nobody sees begins with
    /// its answer.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        slot: u32,
        entry: u32,
        member: MemberId,
        offset: Offset,
        message: MessageId,
        number: u32,
    ) -> u32 {
        match self.running(slot, member, offset, number) {
            Some(attempt) => attempt,
            None => self.started(slot, entry, member, offset, message, number),
        }
    }

    #[inline]
    fn running(&mut self, slot: u32, member: MemberId, offset: Offset, number: u32) -> Option<u32> {
        let partition = &mut self.partitions[slot as usize];
        let mut candidate = partition.record(offset.get()).last_attempt;
        while let Some(attempt) = self.attempts.get(candidate as usize) {
            if attempt.number == number && attempt.member == member && attempt.ended == NEVER {
                return Some(candidate);
            }
            candidate = attempt.previous;
        }
        None
    }

    #[inline]
    pub(super) fn answered(
        &mut self,
        attempt: u32,
        entry: u32,
        message: MessageId,
        outcome: Outcome,
    ) {
        let attempt = &mut self.attempts[attempt as usize];
        let partition = &mut self.partitions[attempt.slot as usize];
        let record = &mut partition.records[attempt.offset as usize];
        attempt.ended = entry;
        attempt.outcome = Some(outcome);
        if outcome == Outcome::Ok && record.message == message.0 {
            record.finished = record.finished.min(entry);
            record.oks += 1;
            attempt.oks = record.oks;
            attempt.chances = partition.chances;
        }
    }

    pub(super) fn handler_stopped(
        &mut self,
        terms: &Terms,
        entry: u32,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        number: u32,
    ) {
        let slot = self.slot(terms, partition);
        if let Some(attempt) = self.running(slot, member, offset, number) {
            self.attempts[attempt as usize].ended = entry;
        }
    }

    pub(super) fn dead_lettered(
        &mut self,
        slot: u32,
        entry: u32,
        member: MemberId,
        offset: Offset,
        message: MessageId,
    ) {
        let partition = &mut self.partitions[slot as usize];
        let holding = partition.holding(member);
        let record = partition.record(offset.get());
        if record.message == NEVER {
            record.message = message.0;
        }
        if record.message == message.0 {
            record.dead_lettered = record.dead_lettered.min(entry);
            record.finished = record.finished.min(entry);
        }
        // Its write may have been under way when the member got the partition anew.
        let tried = self.attempts.get(record.last_attempt as usize);
        let tried = tried.filter(|attempt| attempt.member == member);
        self.dead_letters.push(DeadLetter {
            entry,
            slot,
            offset: offset.get() as u32,
            member,
            assignment: tried.map_or(holding.assignment, |attempt| attempt.assignment),
        });
    }
}
