//! Results of handlers that were cancelled, which come all the same, and outcomes of commits that
//! are told twice.
//!
//! A result and a cancel may cross, and a handler may take its time to notice that it was
//! cancelled. Then its result comes while the next attempt runs, or when the partition is back
//! under another assignment: a consumer must know it by its numbers (`Command::Cancel`: a late
//! answer changes nothing).
//!
//! librdkafka's callback of a commit names no request, and a client that sends a commit again may
//! hear of both: a consumer must know an outcome by the number of its commit
//! (`Event::CommitFinished`).

use crate::recipes::Payload;
use crate::sink::HandlerCall;
use plimsoll_core::{CommitId, CommitOutcome, Event, Instant, Outcome};
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// The share of cancelled handlers whose result comes.
const SHARE: f64 = 0.5;

/// The share of commits whose outcome is told once more.
const SHARE_OF_COMMITS: f64 = 0.2;

/// The time within which it comes.
const WITHIN: Duration = Duration::from_secs(3);

/// The late results of one process, which die with it.
#[derive(Debug)]
pub(super) struct Late {
    rng: Rng,
    /// Results, each with the time at which it comes.
    waiting: Vec<(Instant, Event<Payload>)>,
    /// The earliest of these times; [`Instant::FAR_FUTURE`]: none.
    due: Instant,
}

impl Late {
    /// Creates the state of a new process, by its number among all processes of the run.
    pub(super) fn new(seed: u64, process: u64) -> Self {
        Self {
            rng: Rng::substream(seed, Purpose::Late, process),
            waiting: Vec::new(),
            due: Instant::FAR_FUTURE,
        }
    }

    /// Notes that a handler was cancelled. It fails, if it says anything.
    pub(super) fn handle_cancelled(&mut self, now: Instant, call: HandlerCall) {
        let result = Event::Processed {
            partition: call.partition,
            epoch: call.epoch,
            offset: call.offset,
            attempt: call.attempt,
            outcome: Outcome::Retryable,
        };
        self.tell_later(now, SHARE, result);
    }

    /// Notes that a commit has its outcome, which the subject learns now.
    pub(super) fn handle_committed(
        &mut self,
        now: Instant,
        commit: CommitId,
        outcome: CommitOutcome,
    ) {
        let again = Event::CommitFinished { commit, outcome };
        self.tell_later(now, SHARE_OF_COMMITS, again);
    }

    fn tell_later(&mut self, now: Instant, share: f64, event: Event<Payload>) {
        if !self.rng.chance(share) {
            return;
        }
        let within = self.rng.below(WITHIN.as_nanos() as u64);
        let at = now + Duration::from_nanos(within);
        self.due = self.due.min(at);
        self.waiting.push((at, event));
    }

    /// Takes the next result that is due.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Event<Payload>> {
        if self.due > now {
            return None;
        }
        let index = self.waiting.iter().position(|(at, _)| *at <= now)?;
        let (_, event) = self.waiting.remove(index);
        let times = self.waiting.iter().map(|(at, _)| *at);
        self.due = times.min().unwrap_or(Instant::FAR_FUTURE);
        Some(event)
    }

    /// Returns when the next result comes; [`Instant::FAR_FUTURE`]: none does.
    #[inline]
    pub(super) fn poll_timeout(&self) -> Instant {
        self.due
    }
}
