//! What a consumer asks of its driver.

use crate::{AssignmentEpoch, CommitId, NextOffset, Offset, RebalanceId, Record, TopicPartition};

/// The position from which a driver fetches an assigned partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The partition.
    pub partition: TopicPartition,
    /// The assignment: everything that is fetched, dispatched and processed under it carries it.
    pub epoch: AssignmentEpoch,
    /// The offset of the first record to fetch.
    pub position: NextOffset,
}

/// One partition's part of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The watermark: every record below it is finished.
    pub next: NextOffset,
    /// The number of partitions that the topic had when the group first committed for it. It is
    /// kept in the commit's metadata, and read back into
    /// [`Assignment::founding_partitions`](crate::Assignment).
    pub founding_partitions: u32,
}

/// The reason why a record goes to the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterReason {
    /// A budget of attempts that is used up.
    AttemptsExhausted,
    /// A permanent error of the handler.
    Permanent,
}

/// What a consumer asks of its driver, in the order in which to do it.
///
/// It is exhaustive on purpose: a driver that passed over a command which it does not know would
/// never answer it, and the consumer would wait. With another command, drivers should not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<P> {
    /// Call the handler. Answered by [`Event::Processed`](crate::Event), unless cancelled.
    Dispatch {
        /// The record's partition.
        partition: TopicPartition,
        /// The record's assignment; named in the answer.
        epoch: AssignmentEpoch,
        /// The number of the attempt, from 1 in each assignment; named in the answer.
        attempt: u32,
        /// The record.
        record: Record<P>,
    },
    /// Stop a handler. No answer is awaited, and a late one changes nothing.
    Cancel {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was dispatched.
        epoch: AssignmentEpoch,
        /// The record's offset.
        offset: Offset,
    },
    /// Write the record into the dead-letter topic and wait for its acknowledgement.
    /// Answered by [`Event::DeadLettered`](crate::Event) or `DeadLetterRefused`.
    DeadLetter {
        /// The record's partition.
        partition: TopicPartition,
        /// The record's assignment; named in the answer.
        epoch: AssignmentEpoch,
        /// The record.
        record: Record<P>,
        /// The number of times that the handler was called for it.
        attempts: u32,
        /// The reason.
        reason: DeadLetterReason,
    },
    /// Send a commit. Always answered by [`Event::CommitFinished`](crate::Event).
    Commit {
        /// The commit's number; named in the answer.
        commit: CommitId,
        /// The offsets, at most one for each partition.
        offsets: Vec<CommitOffset>,
    },
    /// Stop fetching a partition.
    Pause {
        /// The partition.
        partition: TopicPartition,
    },
    /// Fetch a paused partition again.
    Resume {
        /// The partition.
        partition: TopicPartition,
    },
    /// Fetch from another position, and drop what was fetched before.
    Seek {
        /// The partition.
        partition: TopicPartition,
        /// The assignment to which the seek belongs.
        epoch: AssignmentEpoch,
        /// The offset of the first record to fetch.
        position: NextOffset,
    },
    /// Begin to fetch: the answer to [`Event::Assigned`](crate::Event).
    CompleteAssign {
        /// The rebalance of the event.
        rebalance: RebalanceId,
        /// One entry for each partition of the event that is still assigned and not being given up.
        starts: Vec<Start>,
    },
    /// Give the partitions up: the answer to `Revoked` and to `Lost`.
    CompleteRevoke {
        /// The rebalance of the event.
        rebalance: RebalanceId,
    },
    /// Leave the group. The last command: everything is drained and committed.
    Close,
}
