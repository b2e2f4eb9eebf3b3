//! Every planted bug, with the properties that it breaks.

use super::{Bug, bugs, build, handlers, repeats, stalls};
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
    ($($file:ident::$bug:ident: $($property:ident)+;)+) => {
        /// Every planted bug, in the order of the properties that it breaks.
        pub(crate) const ALL: &[Planted] = &[$(Planted {
            name: stringify!($bug),
            breaks: &[$(Property::$property),+],
            spec: spec::<$file::$bug>(),
        }),+];
    };
}

catalogue! {
    bugs::ParallelMaxCommit: CommitCoversOnlyFinished NoLoss;
    bugs::CommitPolled: CommitCoversOnlyFinished NoLoss;
    bugs::WrongPlusOne: CommitCoversOnlyFinished NoLoss;
    bugs::SkipFailures: CommitCoversOnlyFinished NoLoss KeyOrder;
    bugs::CancelledCountsAsFinished: CommitCoversOnlyFinished NoLoss;
    bugs::OutOfRangeToTheEnd: NoLoss CommitCoversOnlyFinished;
    bugs::LatestUncommitted: NoLoss;
    bugs::LatestNewPartition: NoLoss;
    bugs::AsyncRetryReorders: NoRewind;
    bugs::FirstCommitIsTheStart: NoRewind;
    bugs::StaleCommitThread: NoRewind;
    bugs::CommitAfterRevoke: NoZombie NoRewind;
    bugs::RevokedBufferDelivered: NoZombie;
    handlers::MixesPartitionsUp: NoZombie;
    bugs::ForgetsKeys: KeyOrder;
    handlers::Unordered: KeyOrder;
    handlers::DispatchesTwice: KeyOrder;
    bugs::DeadLettersTooSoon: DeadLetterExact;
    bugs::DeadLetterNotAwaited: DeadLetterExact CommitCoversOnlyFinished;
    handlers::WritesLettersTwice: DeadLetterExact;
    handlers::LettersWhatWentWell: DeadLetterExact;
    bugs::RetriesWithoutEnd: BoundedRedelivery;
    repeats::BudgetGrows: BoundedRedelivery;
    repeats::OneTryTooMany: BoundedRedelivery;
    bugs::CommitsRarely: BoundedDuplicates;
    repeats::NeverCommits: BoundedDuplicates Liveness;
    repeats::BeginsBelowCommitted: BoundedDuplicates;
    repeats::NoCommitInRevocation: CleanHandover;
    repeats::RevokedTakenForLost: CleanHandover;
    repeats::CommitsOneOfRevoked: CleanHandover;
    bugs::ClosesAtOnce: CleanShutdown;
    repeats::ClosesUncommitted: CleanShutdown;
    repeats::NeverStops: CleanShutdown;
    bugs::ExpiredStaysInFlight: CleanShutdown Liveness;
    bugs::PoisonLoop: Liveness BoundedRedelivery;
    bugs::NeverResumes: Liveness Progress;
    bugs::PauseOutlivesAssignment: Liveness Progress;
    bugs::CommitFailureStops: Liveness;
    bugs::NeverAnswersRevoke: Liveness;
    stalls::ForgetsAfterFailedCommit: Progress;
    stalls::DropsFailures: Progress;
    stalls::NeverSeeks: Progress Liveness;
    handlers::NoLimitOfHandlers: WithinLimits;
    handlers::NoBackoff: WithinLimits;
    handlers::BackoffDoesNotGrow: WithinLimits;
    handlers::NoJitter: WithinLimits;
    bugs::EndsWhenACommitFails: NoExit;
    bugs::EndsWhenAHandlerFails: NoExit;
    bugs::EndsWhenRevoked: NoExit;
}
