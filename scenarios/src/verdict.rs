//! Properties and their judgements.

use plimsoll_core::Instant;
use std::fmt;

/// A promise; each checker's file quotes its exact statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the checkers' files state them")]
pub enum Property {
    NoLoss,
    CommitCoversOnlyFinished,
    NoRewind,
    NoZombie,
    KeyOrder,
    DeadLetterExact,
    BoundedRedelivery,
    BoundedDuplicates,
    Liveness,
    CleanShutdown,
    ExactlyOnce,
    AckedIsDurable,
}

impl Property {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::NoLoss,
        Self::CommitCoversOnlyFinished,
        Self::NoRewind,
        Self::NoZombie,
        Self::KeyOrder,
        Self::DeadLetterExact,
        Self::BoundedRedelivery,
        Self::BoundedDuplicates,
        Self::Liveness,
        Self::CleanShutdown,
        Self::ExactlyOnce,
        Self::AckedIsDurable,
    ];

    /// The word for it in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoLoss => "no-loss",
            Self::CommitCoversOnlyFinished => "commit-covers-only-finished",
            Self::NoRewind => "no-rewind",
            Self::NoZombie => "no-zombie",
            Self::KeyOrder => "key-order",
            Self::DeadLetterExact => "dead-letter-exact",
            Self::BoundedRedelivery => "bounded-redelivery",
            Self::BoundedDuplicates => "bounded-duplicates",
            Self::Liveness => "liveness",
            Self::CleanShutdown => "clean-shutdown",
            Self::ExactlyOnce => "exactly-once",
            Self::AckedIsDurable => "acked-is-durable",
        }
    }

    /// The property of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|property| property.name() == name)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a checker says of one run.
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
    /// When it was broken for good.
    pub at: Instant,
    /// One sentence that names the records, members and offsets.
    pub summary: String,
    /// The entries of the trace that show it, as indices, in order.
    pub evidence: Vec<usize>,
    /// How often it was broken in this run.
    pub count: usize,
}

/// The outcome of a run: every property's judgement, in the order of [`Property::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    judgements: Vec<(Property, Judgement)>,
}

impl Verdict {
    /// A verdict of these judgements.
    pub fn new(judgements: Vec<(Property, Judgement)>) -> Self {
        Self { judgements }
    }

    /// Every judgement, in the order of [`Property::ALL`].
    pub fn judgements(&self) -> &[(Property, Judgement)] {
        &self.judgements
    }

    /// What was broken, and how.
    pub fn violations(&self) -> impl Iterator<Item = (Property, &Violation)> {
        self.judgements
            .iter()
            .filter_map(|(property, judgement)| match judgement {
                Judgement::Violated(violation) => Some((*property, violation)),
                _ => None,
            })
    }

    /// Whether a property was broken.
    pub fn violates(&self, property: Property) -> bool {
        self.violations().any(|(violated, _)| violated == property)
    }
}
