//! The one trace of a run, into which the world writes what all observers report, and the clock
//! that gives the entries their times.

use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, TopicPartition};
use plimsoll_oracle::{MemberId, Trace, TraceEvent};
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
    entries: Vec<(Instant, TraceEvent)>,
}

impl Recorder {
    /// Makes an empty trace.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            entries: Vec::new(),
        }
    }

    /// Notes an observation.
    pub(crate) fn note(&mut self, event: TraceEvent) {
        self.entries.push((self.clock.now(), event));
    }

    /// Mends the entry of an assignment, which began at a lower offset than could be known then.
    pub(crate) fn mend_assignment(
        &mut self,
        owner: MemberId,
        owned: TopicPartition,
        of: AssignmentEpoch,
        from: NextOffset,
    ) {
        let mut events = self.entries.iter_mut().rev().map(|(_, event)| event);
        let begun_at = events.find_map(|event| match event {
            TraceEvent::Assigned {
                member,
                partition,
                epoch,
                position,
                ..
            } if (*member, *partition, *epoch) == (owner, owned, of) => Some(position),
            _ => None,
        });
        if let Some(position) = begun_at {
            *position = from;
        }
    }

    /// Takes the trace out.
    pub(crate) fn take(&mut self) -> Trace {
        let mut trace = Trace::default();
        for (at, event) in self.entries.drain(..) {
            trace.push(at, event);
        }
        trace
    }
}
