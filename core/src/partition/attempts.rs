//! The attempts at the records of one partition: handlers, their retries and dead letters.

use super::{Flow, Partition, Stage};
use crate::retry::Failure;
use crate::shared::Shared;
use crate::slab::Slot;
use crate::{Command, DeadLetterReason, Offset, Outcome, RefusedLetterPolicy};

impl<P: Clone> Partition<P> {
    /// Starts the handler of a record that [may run](Self::take_runnable).
    #[inline]
    pub(crate) fn start(&mut self, slot: Slot, shared: &mut Shared<P>) -> Option<Command<P>> {
        let deadline = shared.handler_deadline();
        let unfinished = self.unfinished.get_mut(slot)?;
        let offset = unfinished.record.offset;
        let flight = shared.flights.start(self.id, offset, deadline);
        unfinished.stage = Stage::Running { flight };
        unfinished.attempt = unfinished.attempt.saturating_add(1);
        unfinished.calls = unfinished.calls.saturating_add(1);
        self.highest_attempt = self.highest_attempt.max(unfinished.attempt);
        self.in_flight += 1;
        shared.counters.dispatched += 1;
        Some(Command::Dispatch {
            partition: self.id,
            epoch: self.epoch,
            attempt: unfinished.attempt,
            record: unfinished.record.clone(),
        })
    }

    /// Takes the result of a handler; returns `false` where nothing waits for it.
    #[inline]
    pub(crate) fn processed(
        &mut self,
        offset: Offset,
        attempt: u32,
        outcome: Outcome,
        shared: &mut Shared<P>,
    ) -> bool {
        let Some(slot) = self.index.get(offset) else {
            return false;
        };
        let Some(unfinished) = self.unfinished.get_mut(slot) else {
            return false;
        };
        let Stage::Running { flight } = unfinished.stage else {
            return false;
        };
        if unfinished.attempt != attempt {
            return false;
        }
        shared.flights.end(flight);
        self.in_flight -= 1;
        match outcome {
            Outcome::Ok => self.finish(slot, shared),
            Outcome::Retryable => self.attempt_failed(slot, false, shared),
            Outcome::Permanent => self.attempt_failed(slot, true, shared),
        }
        true
    }

    /// Cancels a handler that has passed its deadline, and was taken out of those that run.
    pub(crate) fn expired(&mut self, offset: Offset, shared: &mut Shared<P>) {
        let Some(slot) = self.index.get(offset) else {
            return;
        };
        self.in_flight -= 1;
        shared.counters.timed_out += 1;
        shared.commands.push_back(self.cancel(offset));
        self.attempt_failed(slot, false, shared);
    }

    /// Takes the answer to the write of a dead letter; returns `false` where nothing waits for it.
    pub(crate) fn dead_lettered(
        &mut self,
        offset: Offset,
        acknowledged: bool,
        shared: &mut Shared<P>,
    ) -> bool {
        let Some((slot, reason, failures)) = self.end_write(offset) else {
            return false;
        };
        if acknowledged {
            shared.counters.dead_lettered += 1;
            self.finish(slot, shared);
            return true;
        }
        shared.counters.dead_letter_failures += 1;
        self.write_again(slot, reason, failures.saturating_add(1), shared);
        true
    }

    /// Takes the refusal of a dead letter for good; returns `false` where nothing waits for it.
    pub(crate) fn dead_letter_refused(&mut self, offset: Offset, shared: &mut Shared<P>) -> bool {
        let Some((slot, reason, _)) = self.end_write(offset) else {
            return false;
        };
        shared.counters.dead_letters_refused += 1;
        self.refused.insert(offset);
        if shared.config.refused_letters == RefusedLetterPolicy::Halt && !self.draining {
            if let Some(unfinished) = self.unfinished.get_mut(slot) {
                unfinished.stage = Stage::Refused;
            }
        } else {
            // After the longest pause.
            self.write_again(slot, reason, u32::MAX, shared);
        }
        true
    }

    /// Ends the write of a dead letter, if one is in flight; returns the record's slot, why it was
    /// written, and the number of writes that failed before.
    fn end_write(&mut self, offset: Offset) -> Option<(Slot, DeadLetterReason, u32)> {
        if let Some(writes) = self.writes_before_cut.get_mut(&offset) {
            *writes -= 1;
            if *writes == 0 {
                self.writes_before_cut.remove(&offset);
            }
            return None;
        }
        let slot = self.index.get(offset)?;
        let Stage::Writing { reason, failures } = self.unfinished.get_mut(slot)?.stage else {
            return None;
        };
        self.in_flight -= 1;
        Some((slot, reason, failures))
    }

    /// Writes a dead letter again after a pause, unless the partition is being given up.
    fn write_again(
        &mut self,
        slot: Slot,
        reason: DeadLetterReason,
        failures: u32,
        shared: &mut Shared<P>,
    ) {
        if self.draining {
            self.forget(slot);
        } else if let Some(unfinished) = self.unfinished.get_mut(slot) {
            let failure = Failure::DeadLetter(failures);
            unfinished.stage = Stage::PausingWrite {
                due: shared.retry_after(self.id, unfinished.record.offset, failure),
                reason,
                failures,
            };
        }
    }

    /// Goes on with a record whose pause is over.
    pub(crate) fn wake(&mut self, offset: Offset, shared: &mut Shared<P>) {
        let Some(slot) = self.index.get(offset) else {
            return;
        };
        let Some(unfinished) = self.unfinished.get_mut(slot) else {
            return;
        };
        match unfinished.stage {
            Stage::Pausing { .. } => {
                unfinished.stage = Stage::Queued;
                self.lanes.rejoin(slot);
                self.list(shared);
            }
            Stage::PausingWrite {
                reason, failures, ..
            } => self.write_dead_letter(slot, reason, failures, shared),
            Stage::Queued | Stage::Running { .. } | Stage::Writing { .. } | Stage::Refused => {}
        }
    }

    #[inline]
    fn finish(&mut self, slot: Slot, shared: &mut Shared<P>) {
        let Some((offset, key)) = self.forget(slot) else {
            return;
        };
        shared.counters.finished += 1;
        shared.commits.count_finished(shared.now);
        if self.watermark.finish(offset) {
            self.mark_dirty(shared);
        }
        if self.draining {
            return;
        }
        self.lanes.leave(slot, key);
        self.list(shared);
        if self.flow == Flow::Paused {
            self.resume_if_room(shared);
        }
    }

    fn attempt_failed(&mut self, slot: Slot, permanent: bool, shared: &mut Shared<P>) {
        shared.counters.failed_attempts += 1;
        let Some(unfinished) = self.unfinished.get_mut(slot) else {
            return;
        };
        let exhausted = unfinished.calls >= shared.config.retry.attempts;
        if shared.config.dead_letters && (permanent || exhausted) {
            let reason = if permanent {
                DeadLetterReason::Permanent
            } else {
                DeadLetterReason::AttemptsExhausted
            };
            self.write_dead_letter(slot, reason, 0, shared);
        } else if self.draining {
            self.forget(slot);
        } else {
            let failure = Failure::Attempt(unfinished.calls);
            let due = shared.retry_after(self.id, unfinished.record.offset, failure);
            unfinished.stage = Stage::Pausing { due };
        }
    }

    fn write_dead_letter(
        &mut self,
        slot: Slot,
        reason: DeadLetterReason,
        failures: u32,
        shared: &mut Shared<P>,
    ) {
        let Some(unfinished) = self.unfinished.get_mut(slot) else {
            return;
        };
        unfinished.stage = Stage::Writing { reason, failures };
        self.in_flight += 1;
        shared.commands.push_back(Command::DeadLetter {
            partition: self.id,
            epoch: self.epoch,
            record: unfinished.record.clone(),
            attempts: unfinished.calls,
            reason,
        });
    }
}
