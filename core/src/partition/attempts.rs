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
        let entry = self.entries.get_mut(slot)?;
        let offset = entry.record.offset;
        let flight = shared.flights.start(self.id, offset, deadline);
        entry.stage = Stage::Running { flight };
        entry.attempt = entry.attempt.saturating_add(1);
        entry.calls = entry.calls.saturating_add(1);
        self.highest_attempt = self.highest_attempt.max(entry.attempt);
        self.in_flight += 1;
        shared.counters.dispatched += 1;
        Some(Command::Dispatch {
            partition: self.id,
            epoch: self.epoch,
            attempt: entry.attempt,
            record: entry.record.clone(),
        })
    }

    /// A handler came back; `false` where nothing waits for this result.
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
        let Some(entry) = self.entries.get_mut(slot) else {
            return false;
        };
        let Stage::Running { flight } = entry.stage else {
            return false;
        };
        if entry.attempt != attempt {
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

    /// A handler has passed its deadline, and is no longer among those that run.
    pub(crate) fn expired(&mut self, offset: Offset, shared: &mut Shared<P>) {
        let Some(slot) = self.index.get(offset) else {
            return;
        };
        self.in_flight -= 1;
        shared.counters.timed_out += 1;
        shared.commands.push_back(self.cancel(offset));
        self.attempt_failed(slot, false, shared);
    }

    /// The write of a dead letter ended; `false` where nothing waits for it.
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
        let Some(entry) = self.entries.get_mut(slot) else {
            return false;
        };
        let Stage::Writing { reason, failures } = entry.stage else {
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
        entry.stage = Stage::PausingWrite {
            due,
            reason,
            failures,
        };
        true
    }

    /// The pause of a record is over.
    pub(crate) fn wake(&mut self, offset: Offset, shared: &mut Shared<P>) {
        let Some(slot) = self.index.get(offset) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(slot) else {
            return;
        };
        match entry.stage {
            Stage::Pausing { .. } => {
                entry.stage = Stage::Queued;
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
        let Some(entry) = self.entries.get_mut(slot) else {
            return;
        };
        let exhausted = entry.calls >= shared.config.retry.attempts;
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
            let failure = Failure::Attempt(entry.calls);
            let due = shared.retry_after(self.id, entry.record.offset, failure);
            entry.stage = Stage::Pausing { due };
        }
    }

    fn write_dead_letter(
        &mut self,
        slot: Slot,
        reason: DeadLetterReason,
        failures: u32,
        shared: &mut Shared<P>,
    ) {
        let Some(entry) = self.entries.get_mut(slot) else {
            return;
        };
        entry.stage = Stage::Writing { reason, failures };
        self.in_flight += 1;
        shared.commands.push_back(Command::DeadLetter {
            partition: self.id,
            epoch: self.epoch,
            record: entry.record.clone(),
            attempts: entry.calls,
            reason,
        });
    }
}
