//! What a consumer asks of its driver.

use crate::{AssignmentEpoch, CommitId, NextOffset, Offset, RebalanceId, Record, TopicPartition};

/// Where a driver starts to fetch an assigned partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Which partition.
    pub partition: TopicPartition,
    /// Carried by everything that is fetched, dispatched and processed under this assignment.
    pub epoch: AssignmentEpoch,
    /// The first record to fetch.
    pub position: NextOffset,
}

/// One partition's part of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitOffset {
    /// Which partition.
    pub partition: TopicPartition,
    /// Everything below is finished.
    pub next: NextOffset,
    /// Goes into the commit's metadata, and comes back in
    /// [`Assignment::founding_partitions`](crate::Assignment).
    pub founding_partitions: u32,
}

/// Why a record goes to the dead-letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterReason {
    /// The retry budget is used up.
    AttemptsExhausted,
    /// The handler's error was permanent.
    Permanent,
}

/// What a consumer asks of its driver, in the order in which to do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<P> {
    /// Call the handler. Answered by [`Event::Processed`](crate::Event), unless cancelled.
    Dispatch {
        /// The record's partition.
        partition: TopicPartition,
        /// Named in the answer.
        epoch: AssignmentEpoch,
        /// Counts from 1 within one assignment; named in the answer.
        attempt: u32,
        /// The record.
        record: Record<P>,
    },
    /// Stop a handler. No answer is awaited, and a late one changes nothing.
    Cancel {
        /// The record's partition.
        partition: TopicPartition,
        /// As dispatched.
        epoch: AssignmentEpoch,
        /// The record.
        offset: Offset,
    },
    /// Write the record into the dead-letter topic and wait for its acknowledgement.
    /// Answered by [`Event::DeadLettered`](crate::Event).
    DeadLetter {
        /// The record's partition.
        partition: TopicPartition,
        /// Named in the answer.
        epoch: AssignmentEpoch,
        /// The record.
        record: Record<P>,
        /// How often the handler was called.
        attempts: u32,
        /// Why.
        reason: DeadLetterReason,
    },
    /// Commit. Answered by [`Event::CommitFinished`](crate::Event), always.
    Commit {
        /// Named in the answer.
        commit: CommitId,
        /// At most one entry a partition.
        offsets: Vec<CommitOffset>,
    },
    /// Stop fetching a partition.
    Pause {
        /// Which.
        partition: TopicPartition,
    },
    /// Fetch a paused partition again.
    Resume {
        /// Which.
        partition: TopicPartition,
    },
    /// Fetch from another position, and drop what was fetched before.
    Seek {
        /// Which partition.
        partition: TopicPartition,
        /// The assignment to which the seek belongs.
        epoch: AssignmentEpoch,
        /// The first record to fetch.
        position: NextOffset,
    },
    /// Begin to fetch: the answer to [`Event::Assigned`](crate::Event).
    CompleteAssign {
        /// As in the event.
        rebalance: RebalanceId,
        /// One entry for each partition of the event that is still assigned.
        starts: Vec<Start>,
    },
    /// Give the partitions up: the answer to `Revoked` and to `Lost`.
    CompleteRevoke {
        /// As in the event.
        rebalance: RebalanceId,
    },
    /// Leave the group: everything is drained and committed. The last command.
    Close,
}
