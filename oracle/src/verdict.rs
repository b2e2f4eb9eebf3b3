//! Properties and their judgements.

use plimsoll_core::Instant;
use std::time::Duration;

crate::words! {
    /// A promise; each checker's file quotes its exact statement.
    pub enum Property: "property" {
        /// Every acknowledged record is finished in the group that owes it.
        NoLoss = "no-loss",
        /// A commit covers no record that is not finished.
        CommitCoversOnlyFinished = "commit-covers-only-finished",
        /// A committed offset never decreases.
        NoRewind = "no-rewind",
        /// A member that does not own a partition neither commits nor handles it.
        NoZombie = "no-zombie",
        /// A record waits for every earlier record of its key or partition, and has one handler at
        /// once.
        KeyOrder = "key-order",
        /// The records that cannot be handled are dead-lettered, and no others.
        DeadLetterExact = "dead-letter-exact",
        /// A record is delivered at most as many times as its budget allows.
        BoundedRedelivery = "bounded-redelivery",
        /// A disruption repeats at most one commit interval of work.
        BoundedDuplicates = "bounded-duplicates",
        /// Once everything is healed, the group catches up in time.
        Liveness = "liveness",
        /// A graceful stop ends in time and repeats nothing.
        CleanShutdown = "clean-shutdown",
        /// With transactions, each input has one visible output.
        ExactlyOnce = "exactly-once",
        /// The cluster kept what it acknowledged (guards the simulator).
        AckedIsDurable = "acked-is-durable",
        /// A member ends only when it was asked to stop.
        NoExit = "no-exit",
        /// A member that gives a partition up in peace has committed what it finished.
        CleanHandover = "clean-handover",
        /// No more handlers at once, and no attempt sooner, than the settings allow.
        WithinLimits = "within-limits",
        /// A partition that nothing hinders moves within a bound.
        Progress = "progress",
    }
}

/// What a checker says of a property in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The promise was kept, and there was something to keep.
    Held,
    /// The promise was broken.
    Violated(Violation),
    /// Nothing in this run could show it, for this reason.
    NotObserved(&'static str),
}

/// How a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The moment from which it was broken for good.
    pub at: Instant,
    /// A word for the way in which it was broken, of its property's own: a commit that was early
    /// and one past what is never finished are two kinds.
    pub kind: &'static str,
    /// One sentence that names the records, members and offsets.
    pub summary: String,
    /// The entries of the trace that show it, as indices, in order.
    pub evidence: Vec<usize>,
    /// The number of times that it was broken in this run.
    pub count: usize,
}

/// The outcome of a run: every property's judgement, in the order in which [`Property`] lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    judgements: Vec<(Property, Judgement)>,
    measures: Measures,
}

/// What was measured in one run, besides the judgements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// The longest time for which a partition had an owner and a record to handle and did not begin
    /// with it, for whatever reason.
    pub longest_stall: Duration,
    /// The largest number of readable records that were not committed, over all partitions.
    pub highest_lag: u64,
}

impl Measures {
    /// Returns the larger ones of two runs.
    pub fn max(self, other: Self) -> Self {
        Self {
            longest_stall: self.longest_stall.max(other.longest_stall),
            highest_lag: self.highest_lag.max(other.highest_lag),
        }
    }
}

impl Verdict {
    /// Makes a verdict of judgements, which stand in the order in which [`Property`] lists them.
    pub fn new(judgements: Vec<(Property, Judgement)>) -> Self {
        Self {
            judgements,
            measures: Measures::default(),
        }
    }

    /// Returns the verdict with what was measured.
    #[must_use]
    pub fn with(self, measures: Measures) -> Self {
        Self { measures, ..self }
    }

    /// Returns what was measured.
    pub fn measures(&self) -> Measures {
        self.measures
    }

    /// Returns every judgement, in the order in which [`Property`] lists them.
    pub fn judgements(&self) -> &[(Property, Judgement)] {
        &self.judgements
    }

    /// Returns the properties that were broken, and how.
    pub fn violations(&self) -> impl Iterator<Item = (Property, &Violation)> {
        self.judgements
            .iter()
            .filter_map(|(property, judgement)| match judgement {
                Judgement::Violated(violation) => Some((*property, violation)),
                _ => None,
            })
    }

    /// Returns whether a property was broken.
    pub fn violates(&self, property: Property) -> bool {
        self.violations().any(|(violated, _)| violated == property)
    }
}
