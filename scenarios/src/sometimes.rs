//! Rare things that a suite must have met: a suite in which one never happened proves little.

/// A rare thing, read from a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sometimes {
    /// A commit was accepted while the group was rebalancing.
    CommitDuringRebalance,
    /// A revocation found handlers in flight.
    RevokedWithHandlersInFlight,
    /// A member never learned what became of a commit.
    UnknownCommit,
    /// A commit was refused because its member belonged to an older generation, or to none.
    FencedCommit,
    /// A member found that its partitions were gone.
    LostPartitions,
    /// A paused process woke up after others had taken its partitions.
    ZombieWokeUp,
    /// A process died after an effect and before its commit.
    CrashBeforeCommit,
    /// A partition got a new leader.
    LeaderChanged,
    /// The group got a new coordinator.
    CoordinatorChanged,
    /// A record was dead-lettered.
    DeadLettered,
    /// A handler was stopped before it came back.
    HandlerStopped,
    /// A record was processed again.
    Duplicate,
    /// A position was outside of what the partition held.
    OutOfRange,
    /// A response was lost after its request was applied.
    ResponseLost,
}

impl Sometimes {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 14] = [
        Self::CommitDuringRebalance,
        Self::RevokedWithHandlersInFlight,
        Self::UnknownCommit,
        Self::FencedCommit,
        Self::LostPartitions,
        Self::ZombieWokeUp,
        Self::CrashBeforeCommit,
        Self::LeaderChanged,
        Self::CoordinatorChanged,
        Self::DeadLettered,
        Self::HandlerStopped,
        Self::Duplicate,
        Self::OutOfRange,
        Self::ResponseLost,
    ];

    /// The word for it in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommitDuringRebalance => "commit-during-rebalance",
            Self::RevokedWithHandlersInFlight => "revoked-with-handlers-in-flight",
            Self::UnknownCommit => "unknown-commit",
            Self::FencedCommit => "fenced-commit",
            Self::LostPartitions => "lost-partitions",
            Self::ZombieWokeUp => "zombie-woke-up",
            Self::CrashBeforeCommit => "crash-before-commit",
            Self::LeaderChanged => "leader-changed",
            Self::CoordinatorChanged => "coordinator-changed",
            Self::DeadLettered => "dead-lettered",
            Self::HandlerStopped => "handler-stopped",
            Self::Duplicate => "duplicate",
            Self::OutOfRange => "out-of-range",
            Self::ResponseLost => "response-lost",
        }
    }

    /// The rare thing of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rare| rare.name() == name)
    }
}
