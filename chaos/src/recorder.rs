//! The one trace of a run, into which the world writes what all observers report, and the clock
//! that gives the entries their times.

use plimsoll_core::Instant;
use plimsoll_oracle::{Trace, TraceEvent};
use std::time;

/// The time of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: time::Instant,
}

impl Clock {
    /// Begins a run.
    pub(crate) fn start() -> Self {
        Self {
            began: time::Instant::now(),
        }
    }

    /// Returns the time since the run began.
    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    /// Waits until a moment of the run.
    pub(crate) async fn sleep_until(self, at: Instant) {
        let moment = self.began + at.since_start();
        tokio::time::sleep_until(moment.into()).await;
    }
}

/// The one trace of a run. The world alone writes it, so an entry's place and its time agree.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub clock: Clock,
    trace: Trace,
}

impl Recorder {
    /// Makes an empty trace.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            trace: Trace::default(),
        }
    }

    /// Notes an observation.
    pub(crate) fn note(&mut self, event: TraceEvent) {
        self.trace.push(self.clock.now(), event);
    }

    /// Takes the trace out.
    pub(crate) fn take(&mut self) -> Trace {
        std::mem::take(&mut self.trace)
    }
}
