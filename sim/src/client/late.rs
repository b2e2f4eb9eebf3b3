//! Results of handlers that were cancelled, which come all the same.
//!
//! A result and a cancel may cross, and a handler may take its time to notice that it was
//! cancelled. Then its result comes while the next attempt runs, or when the partition is back
//! under another assignment: a consumer must know it by its numbers (`Command::Cancel`: a late
//! answer changes nothing).

use crate::recipes::Payload;
use crate::sink::HandlerCall;
use plimsoll_core::{Event, Instant, Outcome};
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// The share of cancelled handlers whose result comes.
const SHARE: f64 = 0.5;

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
        if !self.rng.chance(SHARE) {
            return;
        }
        let within = self.rng.below(WITHIN.as_nanos() as u64);
        let at = now + Duration::from_nanos(within);
        self.due = self.due.min(at);
        let result = Event::Processed {
            partition: call.partition,
            epoch: call.epoch,
            offset: call.offset,
            attempt: call.attempt,
            outcome: Outcome::Retryable,
        };
        self.waiting.push((at, result));
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
