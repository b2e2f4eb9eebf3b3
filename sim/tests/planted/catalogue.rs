//! Every planted bug, with the properties that it breaks.

use super::client::{assignors, client_spec, committing, fetching, membership, starts};
use super::{
    Control, Spec, commits, drains, exits, handlers, letters, offsets, repeats, spec, stalls,
};
use plimsoll_oracle::Property;

/// A planted bug.
pub(crate) struct Planted {
    /// The name of its type.
    pub(crate) name: &'static str,
    /// Where it stands.
    pub(crate) place: &'static str,
    /// The properties that it breaks, the plainest first.
    pub(crate) breaks: &'static [Property],
    /// The core and its client with this bug.
    pub(crate) spec: Spec,
}

/// The core without a bug.
pub(crate) const CONTROL: Spec = spec::<Control>();

macro_rules! catalogue {
    ($($place:literal, $spec:ident { $($file:ident::$bug:ident: $($property:ident)+;)+ })+) => {
        /// Every planted bug: those around the core, then those of the client.
        pub(crate) const ALL: &[Planted] = &[$($(Planted {
            name: stringify!($bug),
            place: $place,
            breaks: &[$(Property::$property),+],
            spec: $spec::<$file::$bug>(),
        }),+),+];
    };
}

catalogue! {
    "around the core", spec {
        commits::ParallelMaxCommit: CommitCoversOnlyFinished NoLoss;
        commits::CommitPolled: CommitCoversOnlyFinished NoLoss;
        commits::WrongPlusOne: CommitCoversOnlyFinished NoLoss;
        commits::SkipFailures: CommitCoversOnlyFinished NoLoss KeyOrder;
        commits::FiltersTooMuch: NoLoss CommitCoversOnlyFinished;
        drains::CancelledCountsAsFinished: CommitCoversOnlyFinished NoLoss;
        offsets::OutOfRangeToTheEnd: NoLoss CommitCoversOnlyFinished;
        offsets::LatestUncommitted: NoLoss;
        offsets::LatestNewPartition: NoLoss;
        commits::AsyncRetryReorders: NoRewind;
        commits::FirstCommitIsTheStart: NoRewind;
        commits::StaleCommitThread: NoRewind;
        commits::NeverCommitsAgain: NoRewind;
        commits::IgnoresCommitIds: NoRewind;
        commits::CommitAfterRevoke: NoZombie NoRewind;
        drains::RevokedBufferDelivered: NoZombie;
        handlers::MixesPartitionsUp: NoZombie;
        handlers::ForgetsKeys: KeyOrder;
        handlers::Unordered: KeyOrder;
        handlers::DispatchesTwice: KeyOrder;
        handlers::IgnoresAttempts: KeyOrder;
        handlers::IgnoresEpochs: KeyOrder;
        letters::DeadLettersTooSoon: DeadLetterExact;
        letters::DeadLetterNotAwaited: DeadLetterExact CommitCoversOnlyFinished;
        handlers::WritesLettersTwice: DeadLetterExact;
        handlers::LettersWhatWentWell: DeadLetterExact;
        letters::RetriesWithoutEnd: BoundedRedelivery;
        letters::RetriesWhatWentWell: BoundedRedelivery;
        repeats::BudgetGrows: BoundedRedelivery;
        repeats::OneTryTooMany: BoundedRedelivery;
        commits::CommitsRarely: BoundedDuplicates;
        repeats::NeverCommits: BoundedDuplicates Liveness;
        repeats::BeginsBelowCommitted: BoundedDuplicates;
        repeats::NoCommitInRevocation: CleanHandover;
        repeats::RevokedTakenForLost: CleanHandover;
        repeats::CommitsOneOfRevoked: CleanHandover;
        drains::ClosesAtOnce: CleanShutdown;
        repeats::ClosesUncommitted: CleanShutdown;
        repeats::NeverStops: CleanShutdown;
        drains::ExpiredStaysInFlight: CleanShutdown Liveness;
        letters::PoisonLoop: Liveness BoundedRedelivery;
        stalls::NeverResumes: Liveness Progress;
        stalls::PauseOutlivesAssignment: Liveness Progress;
        stalls::CommitFailureStops: Liveness;
        drains::NeverAnswersRevoke: Liveness;
        stalls::ForgetsAfterFailedCommit: Progress;
        stalls::LosesAWakeup: Progress Liveness;
        stalls::DropsFailures: Progress;
        stalls::NeverSeeks: Progress Liveness;
        handlers::NoLimitOfHandlers: WithinLimits;
        handlers::NoBackoff: WithinLimits;
        handlers::BackoffDoesNotGrow: WithinLimits;
        handlers::NoJitter: WithinLimits;
        exits::EndsWhenACommitFails: NoExit;
        exits::EndsWhenAHandlerFails: NoExit;
        exits::EndsWhenRevoked: NoExit;
        exits::EndsAfterFiveCommits: NoExit;
    }
    "in the client", client_spec {
        fetching::ForgetsAPartition: Liveness Progress;
        fetching::ResumeSkips: NoLoss CommitCoversOnlyFinished KeyOrder;
        fetching::TakesLateFetches: NoLoss CommitCoversOnlyFinished KeyOrder;
        fetching::ErrorsResetToTheEnd: NoLoss CommitCoversOnlyFinished KeyOrder;
        fetching::StaleLeaders: Liveness Progress;
        fetching::AwaitsLostFetches: Liveness Progress;
        fetching::FailedCommitHoldsBack: Liveness Progress;
        starts::AsksOffsetsOnce: Liveness Progress;
        starts::AsksEndsOnce: Liveness Progress;
        starts::RefusedMeansUncommitted: NoRewind BoundedDuplicates;
        starts::RemembersOffsets: NoRewind BoundedDuplicates CleanHandover;
        starts::UncommittedMeansLatest: NoLoss CommitCoversOnlyFinished;
        committing::RefusedCommitIsGood: BoundedDuplicates CleanHandover;
        committing::FailedCommitIsNotTold: Liveness BoundedDuplicates;
        committing::CommitLeavesOneOut: Liveness CleanHandover BoundedDuplicates CleanShutdown;
        committing::SendsOldCommitsAgain: NoRewind NoZombie;
        committing::CommitsInTheNextGeneration: NoZombie NoRewind;
        committing::RefusedLetterIsGood: DeadLetterExact CommitCoversOnlyFinished NoLoss;
        membership::StaleCoordinator: Liveness;
        membership::IgnoresRebalances: Liveness;
        membership::HeartbeatsEnd: Liveness;
        membership::RevocationIsNotTold: NoZombie NoRewind BoundedDuplicates;
        membership::JoinsBeforeTheAnswer: NoZombie NoRewind;
        membership::LossIsNotTold: NoZombie NoRewind CleanHandover;
        assignors::AssignsTwice: NoZombie NoRewind;
        assignors::AssignsNotAll: Liveness;
        assignors::CountsPartitionsOnce: Liveness;
    }
}
