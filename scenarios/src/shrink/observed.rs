//! What the shrinker is told of a run.

use plimsoll_core::Instant;
use plimsoll_oracle::{FaultId, MemberId, Trace, TraceEvent, Verdict};

/// What the shrinker is told of a run.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The judgement of every property.
    pub verdict: Verdict,
    /// The number of simulated events.
    pub events: u64,
    /// The faults that took effect.
    faults: Vec<Beginning>,
}

/// The beginning of a fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    fault: FaultId,
    /// The moment at which it began.
    pub at: Instant,
    /// The member that it hit, if it was aimed at one.
    pub member: Option<MemberId>,
}

impl Observed {
    /// Takes from a trace what the shrinker needs of it.
    pub fn new(verdict: Verdict, trace: &Trace, events: u64) -> Self {
        let mut faults: Vec<Beginning> = Vec::new();
        for entry in trace.entries() {
            match entry.event {
                TraceEvent::FaultBegan { fault, member, .. } => faults.push(Beginning {
                    fault,
                    at: entry.at,
                    member,
                }),
                // It began, and did nothing.
                TraceEvent::FaultMissed { fault, .. } => {
                    faults.retain(|beginning| beginning.fault != fault);
                }
                _ => {}
            }
        }
        Self {
            faults,
            verdict,
            events,
        }
    }

    /// Makes what is told of a run that shows nothing.
    pub(super) fn nothing() -> Self {
        Self {
            verdict: Verdict::new(Vec::new()),
            events: 0,
            faults: Vec::new(),
        }
    }

    /// Returns the beginning of a fault; `None`: it did not take effect.
    pub(super) fn beginning(&self, fault: FaultId) -> Option<Beginning> {
        let mut faults = self.faults.iter();
        faults.find(|beginning| beginning.fault == fault).copied()
    }

    /// Returns whether a fault took effect.
    pub(super) fn took_effect(&self, fault: FaultId) -> bool {
        self.beginning(fault).is_some()
    }
}
