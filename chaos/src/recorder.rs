//! The one trace of a run, into which all observers write.

use crate::lock::lock;
use plimsoll_core::Instant;
use plimsoll_oracle::{Entry, Trace, TraceEvent};
use std::sync::Mutex;
use std::time;

/// The one trace of a run. What is observed gets its time and its place under one lock, so that
/// the trace has the order in which the observers saw things.
#[derive(Debug)]
pub(crate) struct Recorder {
    began: time::Instant,
    trace: Mutex<Trace>,
}

impl Recorder {
    /// Makes an empty trace; its time begins now.
    pub(crate) fn new() -> Self {
        Self {
            began: time::Instant::now(),
            trace: Mutex::default(),
        }
    }

    /// Returns the time since the run began.
    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    /// Returns the moment of the machine's clock that is `at` in the run.
    pub(crate) fn moment(&self, at: Instant) -> time::Instant {
        self.began + at.since_start()
    }

    /// Notes an observation.
    pub(crate) fn note(&self, event: TraceEvent) -> Entry {
        let mut trace = lock(&self.trace);
        // Read under the lock: the time of the trace never goes backwards.
        let at = self.now();
        trace.push(at, event);
        Entry { at, event }
    }

    /// Takes the trace out; later observations are lost with the run.
    pub(crate) fn take(&self) -> Trace {
        std::mem::take(&mut *lock(&self.trace))
    }
}
