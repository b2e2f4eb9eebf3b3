//! Every planted bug, with the properties that it breaks.

use super::{Bug, bugs, build};
use plimsoll_oracle::Property;
use plimsoll_sim::recipes::{Polling, SubjectSpec};

/// A planted bug.
pub(crate) struct Planted {
    /// The name of its type.
    pub(crate) name: &'static str,
    /// The properties that it breaks, the plainest first.
    pub(crate) breaks: &'static [Property],
    /// The core with this bug.
    pub(crate) spec: SubjectSpec,
}

/// The core without a bug.
pub(crate) const CONTROL: SubjectSpec = spec::<bugs::Control>();

const fn spec<B: Bug>() -> SubjectSpec {
    SubjectSpec {
        build: build::<B>,
        polling: Polling::Always,
    }
}

macro_rules! catalogue {
    ($($bug:ident: $($property:ident)+;)+) => {
        /// Every planted bug, in the order of the properties that it breaks.
        pub(crate) const ALL: &[Planted] = &[$(Planted {
            name: stringify!($bug),
            breaks: &[$(Property::$property),+],
            spec: spec::<bugs::$bug>(),
        }),+];
    };
}

catalogue! {
    ParallelMaxCommit: CommitCoversOnlyFinished NoLoss;
    CommitPolled: CommitCoversOnlyFinished NoLoss;
    WrongPlusOne: CommitCoversOnlyFinished NoLoss;
    SkipFailures: CommitCoversOnlyFinished NoLoss;
    LatestUncommitted: NoLoss;
    LatestNewPartition: NoLoss;
    AsyncRetryReorders: NoRewind;
    CommitAfterRevoke: NoZombie NoRewind;
    RevokedBufferDelivered: NoZombie;
    ForgetsKeys: KeyOrder;
    DeadLettersTooSoon: DeadLetterExact;
    DeadLetterNotAwaited: DeadLetterExact CommitCoversOnlyFinished;
    RetriesWithoutEnd: BoundedRedelivery;
    CommitsRarely: BoundedDuplicates;
    PoisonLoop: Liveness;
    NeverResumes: Liveness;
    CommitFailureStops: Liveness;
    NeverAnswersRevoke: Liveness;
    ClosesAtOnce: CleanShutdown;
}
