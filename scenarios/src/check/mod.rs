//! The checkers: each judges one property from a trace.

use crate::{Plan, Property, Sometimes, Trace, Verdict};

/// Judges runs; keeps its memory from one run to the next.
#[derive(Debug, Default)]
pub struct Judge {}

impl Judge {
    /// A judge with no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The judgement of every property. `unobservable` names what the backend cannot show.
    pub fn judge(
        &mut self,
        _plan: &Plan,
        _trace: &Trace,
        _unobservable: &[(Property, &'static str)],
    ) -> Verdict {
        unimplemented!("checkers")
    }
}

/// How often each rare thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: [u64; Sometimes::ALL.len()],
}

impl Coverage {
    /// Counts the rare things of one more run.
    pub fn add(&mut self, _trace: &Trace) {
        unimplemented!("coverage")
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// How often a rare thing happened, in the order of [`Sometimes::ALL`].
    pub fn counts(&self) -> impl Iterator<Item = (Sometimes, u64)> {
        Sometimes::ALL.into_iter().zip(self.counts)
    }
}
