//! What a driver tells a consumer.

use crate::{NextOffset, Offset, TopicPartition};

/// One rebalance callback: the answer names it, so that a late answer cannot be
/// taken for the answer to a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RebalanceId(pub u32);

/// Increases each time a partition is assigned to this member.
///
/// The consumer hands it out in [`Command::CompleteAssign`](crate::Command);
/// everything in flight carries it, and what carries an old one is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentEpoch(pub u32);

/// One commit request of this consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub u32);

/// A hash of a record's key; records of equal hash are handled in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

/// A record, with a payload that the consumer carries and never reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P> {
    /// Where it stands in its partition.
    pub offset: Offset,
    /// `None` where the record has no key: it then has no order to keep by key.
    pub key: Option<KeyHash>,
    /// What it counts against the limit of buffered bytes.
    pub bytes: u32,
    /// What the handler gets; cloned once an attempt, so make it cheap to clone.
    pub payload: P,
}

/// A partition that the group gave to this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which partition.
    pub partition: TopicPartition,
    /// What the group committed for it, if anything.
    pub committed: Option<NextOffset>,
    /// The partition's first offset.
    pub log_start: NextOffset,
    /// The high watermark: the offset that the next record that can be read will get.
    pub high_watermark: NextOffset,
    /// How many partitions the topic had when the group first committed for it
    /// (read back from the metadata of its commits); `None` where the group never
    /// committed for this topic. A partition at or above it was added later.
    pub founding_partitions: Option<u32>,
    /// How many partitions the topic has now.
    pub partitions: u32,
}

/// What became of one attempt at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler did its work.
    Ok,
    /// The handler failed, and may succeed when called again.
    Retryable,
    /// The handler failed, and would fail each time.
    Permanent,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// The broker accepted it.
    Ok,
    /// The broker refused it: nothing was committed.
    Failed,
    /// No answer came: it may have been applied, or may still be.
    Unknown,
}

/// What a driver tells a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<P> {
    /// The group gave partitions to this member (in addition to those it has).
    /// Answered by [`Command::CompleteAssign`](crate::Command).
    Assigned {
        /// Named in the answer.
        rebalance: RebalanceId,
        /// The partitions that are new to this member.
        partitions: Vec<Assignment>,
    },
    /// The group takes partitions away; this member still owns them until it answers.
    /// Answered by [`Command::CompleteRevoke`](crate::Command).
    Revoked {
        /// Named in the answer.
        rebalance: RebalanceId,
        /// The partitions to give up.
        partitions: Vec<TopicPartition>,
    },
    /// Partitions are gone: others may already own them, and commits would be refused.
    /// Answered by [`Command::CompleteRevoke`](crate::Command), at once.
    Lost {
        /// Named in the answer.
        rebalance: RebalanceId,
        /// The partitions that are gone.
        partitions: Vec<TopicPartition>,
    },
    /// Records arrived, in offset order, from the position that the consumer asked for.
    Fetched {
        /// Their partition.
        partition: TopicPartition,
        /// The assignment under which they were fetched.
        epoch: AssignmentEpoch,
        /// The records; offsets may have gaps (compaction, transaction markers).
        records: Vec<Record<P>>,
    },
    /// The position is outside of what the partition holds.
    /// Answered by a [`Command::Seek`](crate::Command), unless the policy is to halt.
    OutOfRange {
        /// Its partition.
        partition: TopicPartition,
        /// The assignment under which it was fetched.
        epoch: AssignmentEpoch,
        /// The position that was refused.
        position: NextOffset,
        /// The partition's first offset now.
        log_start: NextOffset,
        /// The partition's high watermark now.
        high_watermark: NextOffset,
    },
    /// A handler came back.
    Processed {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was dispatched.
        epoch: AssignmentEpoch,
        /// The record.
        offset: Offset,
        /// The attempt of the [`Command::Dispatch`](crate::Command) that this answers.
        attempt: u32,
        /// How it ended. A panic counts as retryable.
        outcome: Outcome,
    },
    /// A write into the dead-letter topic ended.
    DeadLettered {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was sent.
        epoch: AssignmentEpoch,
        /// The record.
        offset: Offset,
        /// Whether the dead-letter topic acknowledged it.
        acknowledged: bool,
    },
    /// A commit ended.
    CommitFinished {
        /// Which.
        commit: CommitId,
        /// How.
        outcome: CommitOutcome,
    },
    /// Finish what is in flight, commit, and close.
    Shutdown,
}
