//! Rare things that a suite must have met: a suite in which one never happened proves little.

crate::words! {
    /// A rare thing, read from a trace.
    pub enum Sometimes: "rare thing" {
        /// A commit was accepted while the group was rebalancing.
        CommitDuringRebalance = "commit-during-rebalance",
        /// A revocation found handlers in flight.
        RevokedWithHandlersInFlight = "revoked-with-handlers-in-flight",
        /// A member never learned what became of a commit.
        UnknownCommit = "unknown-commit",
        /// A commit was refused because its member belonged to an older generation, or to none.
        FencedCommit = "fenced-commit",
        /// A member found that its partitions were gone.
        LostPartitions = "lost-partitions",
        /// A paused process woke up after others had taken its partitions.
        ZombieWokeUp = "zombie-woke-up",
        /// A process died after an effect and before its commit.
        CrashBeforeCommit = "crash-before-commit",
        /// A partition got a new leader.
        LeaderChanged = "leader-changed",
        /// The group got a new coordinator.
        CoordinatorChanged = "coordinator-changed",
        /// A record was dead-lettered.
        DeadLettered = "dead-lettered",
        /// A handler was stopped before it came back.
        HandlerStopped = "handler-stopped",
        /// A handler wrote its effect after another member had got its partition.
        ZombieEffect = "zombie-effect",
        /// A record was processed again.
        Duplicate = "duplicate",
        /// A member was told that its position is outside of what the partition holds.
        OutOfRange = "out-of-range",
        /// A response was lost after its request was applied.
        ResponseLost = "response-lost",
        /// A member's process ended although nothing had asked it to.
        MemberExited = "member-exited",
        /// A commit arrived after its member had closed the connection on which it was sent.
        LateCommit = "late-commit",
    }
}
