//! The trace: the ordered record of everything observable in a run.
//!
//! The checkers read it and nothing else. An entry says what an observer outside of the consumer
//! could have seen: at the sink, at the brokers, or at the process.

#![expect(
    missing_docs,
    reason = "fields named member, partition, offset, message and attempt say what they are"
)]

mod fingerprint;
mod header;
mod jsonl;
mod layout;
mod names;
#[cfg(test)]
mod tests;
mod timeline;

pub use fingerprint::Fingerprint;
pub use header::Header;
pub use jsonl::TraceError;
pub use names::{NamedFault, NamedTopic, Names};
pub use timeline::Timeline;

use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, Missed, RequestKind};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};

/// One observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The moment of the observation, never earlier than that of the entry before.
    pub at: Instant,
    /// What was observed.
    pub event: TraceEvent,
}

/// What can be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// A record became readable (the high watermark passed it). With a producer that is not
    /// idempotent, a message may be stored more than once.
    Stored {
        message: MessageId,
        partition: TopicPartition,
        offset: Offset,
        key: Option<u32>,
    },
    /// The producer learned that a message is stored. The record may become readable a moment
    /// later (with acks=1), or never.
    Acknowledged {
        message: MessageId,
        partition: TopicPartition,
        offset: Offset,
    },
    /// The producer gave a message up: no group owes it, but it may be stored.
    ProduceFailed { message: MessageId },
    /// Retention removed every record of the partition below `log_start`.
    Removed {
        partition: TopicPartition,
        log_start: NextOffset,
    },
    /// A leader's log ends at `log_end`, or has other records from there on: those that had become
    /// readable behind it are gone, acknowledged or not.
    Truncated {
        partition: TopicPartition,
        log_end: NextOffset,
    },
    /// Brokers agreed on a new leader of a partition.
    LeaderChanged {
        partition: TopicPartition,
        leader: BrokerId,
        epoch: u32,
    },
    /// The group's coordinator is now on this broker.
    CoordinatorChanged { broker: BrokerId },

    /// A member's process started.
    MemberStarted { member: MemberId },
    /// A member was asked to stop gracefully.
    MemberStopping { member: MemberId },
    /// A member's process ended, as it was asked to.
    MemberStopped { member: MemberId },
    /// A member's process ended by itself, and nothing had asked it to.
    MemberExited {
        member: MemberId,
        /// Its exit status; `None` where it cannot be seen, or where a signal ended the process.
        status: Option<i32>,
    },
    /// A member's process was killed.
    MemberCrashed { member: MemberId },
    /// A member's process stands still.
    MemberPaused { member: MemberId },
    /// A member's process goes on.
    MemberResumed { member: MemberId },

    /// A member began to fetch a partition that the group gave to it.
    Assigned {
        member: MemberId,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
        /// The group's generation as the member knows it; -1 where that cannot be seen.
        generation: i32,
    },
    /// A member learned that a partition is taken away; it may still finish what it began.
    Revoked {
        member: MemberId,
        partition: TopicPartition,
        /// The number of handlers of this partition in flight at that moment.
        in_flight: u32,
    },
    /// A member gave a partition up, after `Revoked`.
    Released {
        member: MemberId,
        partition: TopicPartition,
    },
    /// A member learned that it owns a partition no more, and perhaps has not for a while.
    Lost {
        member: MemberId,
        partition: TopicPartition,
    },
    /// A member was told that its position is outside of what the partition holds, rightly or not.
    OutOfRange {
        member: MemberId,
        partition: TopicPartition,
        position: NextOffset,
    },
    /// A member moved its position: out of range, or for any other reason.
    PositionReset {
        member: MemberId,
        partition: TopicPartition,
        from: NextOffset,
        to: NextOffset,
    },

    /// A member sent a commit.
    CommitSent { member: MemberId },
    /// A broker accepted one partition's part of a commit.
    Committed {
        member: MemberId,
        partition: TopicPartition,
        next: NextOffset,
        /// The group's generation in the request; -1 outside of a generation.
        generation: i32,
        /// Whether the group was rebalancing at that moment.
        rebalancing: bool,
    },
    /// The part of a commit that is accepted next reached its broker after the member had closed
    /// the connection on which it was sent.
    LateCommit {
        member: MemberId,
        partition: TopicPartition,
    },
    /// A member learned that its commit was refused.
    CommitRefused { member: MemberId, error: ErrorName },
    /// A member got no answer to its commit.
    CommitUnknown { member: MemberId },
    /// The scenario itself moved the group's committed offset.
    OffsetsReset {
        partition: TopicPartition,
        next: NextOffset,
    },

    /// A handler began.
    HandlerStarted {
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        message: MessageId,
        /// The number of the attempt, counted by the sink over the whole run, from 1.
        attempt: u32,
    },
    /// The sink answered an attempt: with `Outcome::Ok` the effect is written and the record is
    /// finished, whether or not the consumer lives to learn it.
    Effect {
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        message: MessageId,
        key: Option<u32>,
        attempt: u32,
        outcome: Outcome,
    },
    /// A handler was stopped before the sink answered: cancelled, or killed with its process.
    HandlerStopped {
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        attempt: u32,
    },
    /// A record's copy in the dead-letter topic became readable (the high watermark passed it),
    /// whether or not the member that wrote it lives to learn it.
    DeadLettered {
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        message: MessageId,
        /// The assignment under which the member gave the record up; `None` where the backend
        /// cannot see it.
        epoch: Option<AssignmentEpoch>,
    },
    /// A member learned that a record's copy is in the dead-letter topic.
    DeadLetterAcknowledged {
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        message: MessageId,
        /// The assignment under which the member gave the record up; `None` where the backend
        /// cannot see it.
        epoch: Option<AssignmentEpoch>,
    },

    /// A fault began. For the process faults, `member` or `broker` is what it hit.
    FaultBegan {
        fault: FaultId,
        member: Option<MemberId>,
        broker: Option<BrokerId>,
    },
    /// A fault ended by itself or was healed.
    FaultEnded { fault: FaultId },
    /// A fault did not take effect, and will not any more. It may have begun; it has ended.
    FaultMissed { fault: FaultId, reason: Missed },
    /// A response was lost on purpose.
    ResponseLost {
        member: MemberId,
        request: RequestKind,
    },
    /// Everything is healed: the liveness phase begins.
    Healed,
    /// Every group has lag zero, and has had stable membership for a while.
    Quiet,
    /// The run is over; `lag` records were not committed by then.
    Ended { lag: u64 },
}

/// The record of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    entries: Vec<Entry>,
}

impl Trace {
    /// Returns an empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all entries, and keeps their memory for the next run.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Appends an observation.
    ///
    /// # Panics
    /// In debug builds, where `at` is earlier than the entry before.
    #[inline]
    pub fn push(&mut self, at: Instant, event: TraceEvent) {
        debug_assert!(self.entries.last().is_none_or(|last| last.at <= at));
        self.entries.push(Entry { at, event });
    }

    /// Returns all observations, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
