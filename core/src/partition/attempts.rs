//! The attempts at the records of one partition: handlers, their retries and dead letters.

use super::{Flow, Partition, Stage};
use crate::retry::Failure;
use crate::shared::Shared;
use crate::slab::Slot;
use crate::{Command, DeadLetterReason, Offset, Outcome};

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
        if let Some(writes) = self.writes_before_cut.get_mut(&offset) {
            *writes -= 1;
            if *writes == 0 {
                self.writes_before_cut.remove(&offset);
            }
            return false;
        }
        let Some(slot) = self.index.get(offset) else {
            return false;
        };
        let Some(unfinished) = self.unfinished.get_mut(slot) else {
            return false;
        };
        let Stage::Writing { reason, failures } = unfinished.stage else {
            return false;
        };
        self.in_flight -= 1;
        if acknowledged {
            shared.counters.dead_lettered += 1;
            self.finish(slot, shared);
            return true;
        }
        shared.counters.dead_letter_failures += 1;
        if self.draining {
            self.forget(slot);
            return true;
        }
        let failures = failures.saturating_add(1);
        let due = shared.retry_after(self.id, offset, Failure::DeadLetter(failures));
        unfinished.stage = Stage::PausingWrite {
            due,
            reason,
            failures,
        };
        true
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
            Stage::Queued | Stage::Running { .. } | Stage::Writing { .. } => {}
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
