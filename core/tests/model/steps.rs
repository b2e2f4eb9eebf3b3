//! The steps of a run: what may happen to a consumer.

use plimsoll_core::{
    CommitOutcome, CommitPolicy, Config, InitialPosition, Ordering, OutOfRangePolicy, Outcome,
    RefusedLetterPolicy, RetryPolicy,
};
use proptest::prelude::*;
use std::time::Duration;

/// One thing that happens. An index counts among the things there are at that moment, modulo their
/// number.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// An assignment of partitions (a bit each).
    Assign {
        partitions: u8,
        /// The distance from the committed offset to the end of the log, if there is a commit.
        behind: Option<u64>,
        founding: Option<u32>,
    },
    /// A revocation of partitions.
    Revoke { partitions: u8 },
    /// A loss of partitions.
    Lose { partitions: u8 },
    /// New records.
    Fetch { which: usize, count: u64 },
    /// Records that came before, and perhaps a few more.
    Refetch { which: usize, back: u64, count: u64 },
    /// Records of an assignment that is over.
    FetchStale { which: usize, count: u64 },
    /// The end of a handler.
    Handle { which: usize, outcome: Outcome },
    /// The success of all handlers, in order.
    HandleAll,
    /// The end of a handler that was cancelled, or whose partition is gone.
    HandleLate { which: usize, outcome: Outcome },
    /// The end of a dead-letter write.
    DeadLetter { which: usize, acknowledged: bool },
    /// The outcome of the commit in flight.
    Commit { outcome: CommitOutcome },
    /// The outcome of a commit that is not in flight.
    CommitLate { outcome: CommitOutcome },
    /// A span without events.
    Wait { millis: u64 },
    /// A resumed partition, by a rebalance and without a command.
    ResumeBehind { which: usize },
    /// A position that moves over offsets without a record.
    Pass { which: usize, count: u64 },
    /// The removal, by retention, of what would be fetched next.
    Expire { which: usize, beyond: u64 },
    /// A new leader that has less than what was fetched.
    Truncate { which: usize, below: u64 },
    /// The refusal of a good position.
    RefuseWrongly { which: usize },
    /// A request to stop.
    Shutdown,
}

/// The sets of three partitions that are not empty, a bit each.
const PARTITIONS: std::ops::Range<u8> = 1..8;

pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let which = 0_usize..32;
    let w = || which.clone();
    let count = || prop_oneof![4 => 1_u64..8, 1 => 1_u64..40];
    let behind = proptest::option::of(0_u64..20);
    let founding = proptest::option::of(0_u32..4);
    prop_oneof![
        4 => (PARTITIONS, behind, founding)
            .prop_map(|(partitions, behind, founding)| Step::Assign { partitions, behind, founding }),
        2 => PARTITIONS.prop_map(|partitions| Step::Revoke { partitions }),
        1 => PARTITIONS.prop_map(|partitions| Step::Lose { partitions }),
        12 => (w(), count()).prop_map(|(which, count)| Step::Fetch { which, count }),
        1 => (w(), 1_u64..20, count())
            .prop_map(|(which, back, count)| Step::Refetch { which, back, count }),
        1 => (w(), count()).prop_map(|(which, count)| Step::FetchStale { which, count }),
        20 => (w(), outcomes()).prop_map(|(which, outcome)| Step::Handle { which, outcome }),
        4 => Just(Step::HandleAll),
        2 => (w(), outcomes()).prop_map(|(which, outcome)| Step::HandleLate { which, outcome }),
        3 => (w(), any::<bool>())
            .prop_map(|(which, acknowledged)| Step::DeadLetter { which, acknowledged }),
        8 => commit_outcomes().prop_map(|outcome| Step::Commit { outcome }),
        1 => commit_outcomes().prop_map(|outcome| Step::CommitLate { outcome }),
        8 => prop_oneof![5 => 0_u64..300, 1 => 0_u64..8000].prop_map(|millis| Step::Wait { millis }),
        1 => w().prop_map(|which| Step::ResumeBehind { which }),
        2 => (w(), 1_u64..30).prop_map(|(which, count)| Step::Pass { which, count }),
        1 => (w(), 1_u64..30).prop_map(|(which, beyond)| Step::Expire { which, beyond }),
        1 => (w(), 1_u64..30).prop_map(|(which, below)| Step::Truncate { which, below }),
        1 => w().prop_map(|which| Step::RefuseWrongly { which }),
        1 => Just(Step::Shutdown),
    ]
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        6 => Just(Outcome::Ok),
        3 => Just(Outcome::Retryable),
        1 => Just(Outcome::Permanent),
    ]
}

fn commit_outcomes() -> impl Strategy<Value = CommitOutcome> {
    prop_oneof![
        3 => Just(CommitOutcome::Ok),
        1 => Just(CommitOutcome::Failed),
        1 => Just(CommitOutcome::Unknown),
    ]
}

/// Draws settings with small limits, so that a short run meets all of them.
pub(crate) fn configs() -> impl Strategy<Value = Config> {
    let policies = (
        prop_oneof![
            Just(Ordering::Partition),
            Just(Ordering::Key),
            Just(Ordering::Unordered)
        ],
        prop_oneof![
            Just(InitialPosition::Earliest),
            Just(InitialPosition::Latest)
        ],
        prop_oneof![
            Just(OutOfRangePolicy::Earliest),
            Just(OutOfRangePolicy::Latest),
            Just(OutOfRangePolicy::Halt)
        ],
        any::<bool>(),
    );
    let commit = (
        proptest::option::of((0_u64..1000).prop_map(Duration::from_millis)),
        proptest::option::of(1_u32..10),
    );
    let limits = (
        1_usize..8,
        1_usize..20,
        1_usize..400,
        1_usize..50,
        1_usize..1_200,
    );
    let times = (
        proptest::option::of((50_u64..400).prop_map(Duration::from_millis)),
        (0_u64..600).prop_map(Duration::from_millis),
        1_u32..4,
    );
    (policies, commit, limits, times).prop_map(|(policies, commit, limits, times)| Config {
        ordering: policies.0,
        initial: policies.1,
        out_of_range: policies.2,
        dead_letters: policies.3,
        refused_letters: RefusedLetterPolicy::Retry,
        commit: CommitPolicy {
            interval: commit.0,
            every: commit.1,
        },
        retry: RetryPolicy {
            attempts: times.2,
            backoff: Duration::from_millis(20),
            max_backoff: Duration::from_millis(100),
            jitter: 0.5,
        },
        handler_deadline: times.0,
        max_in_flight: limits.0,
        max_buffered_records: limits.1,
        max_buffered_bytes: limits.2,
        max_total_bytes: limits.4,
        max_span: limits.3,
        revoke_deadline: times.1,
        shutdown_deadline: times.1,
        jitter_seed: 7,
    })
}
