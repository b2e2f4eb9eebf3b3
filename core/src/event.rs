//! What a driver tells a consumer.

use crate::{NextOffset, Offset, TopicPartition};

/// The number of a rebalance callback. The answer names it, so that a late answer cannot be
/// taken for the answer to a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RebalanceId(pub u32);

/// The number of an assignment: it increases each time a partition is assigned to this member.
///
/// The consumer hands it out in [`Command::CompleteAssign`](crate::Command);
/// everything in flight carries it, and what carries an old one is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentEpoch(pub u32);

/// The number of a commit request of this consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub u32);

/// A hash of a record's key; records of equal hash are handled in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

/// A record, with a payload that the consumer carries and never reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P> {
    /// The offset in its partition.
    pub offset: Offset,
    /// The hash of its key; `None` where it has none, and so no order to keep by key.
    pub key: Option<KeyHash>,
    /// The size that counts against the limit of buffered bytes.
    pub bytes: u32,
    /// What the handler gets. It is cloned for each attempt, so it should be cheap to clone.
    pub payload: P,
}

/// A partition that the group gave to this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The partition.
    pub partition: TopicPartition,
    /// The next offset that the group committed for it, if any.
    pub committed: Option<NextOffset>,
    /// The partition's first offset. Where the group has committed, it is not looked at.
    pub log_start: NextOffset,
    /// The high watermark: the offset that the next record that can be read will get. Where the
    /// group has committed, it is not looked at.
    pub high_watermark: NextOffset,
    /// The number of partitions that the topic had when the group first committed for it
    /// (read back from the metadata of its commits); `None` where the group never
    /// committed for this topic. A partition whose number is not below it was added later.
    pub founding_partitions: Option<u32>,
    /// The number of partitions that the topic has now.
    pub partitions: u32,
}

/// The outcome of an attempt at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success.
    Ok,
    /// A failure after which the handler may succeed when it is called again.
    Retryable,
    /// A failure that would come each time.
    Permanent,
}

/// The outcome of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Acceptance by the broker.
    Ok,
    /// Refusal by the broker: nothing was committed.
    Failed,
    /// No answer: the commit may have been applied, or may still be.
    Unknown,
}

/// What a driver tells a consumer.
///
/// It is exhaustive on purpose: a [`Machine`](crate::Machine) that passed over an event which it does
/// not know would leave it without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<P> {
    /// An assignment: the group gave partitions to this member, in addition to those it has.
    /// Answered by [`Command::CompleteAssign`](crate::Command).
    Assigned {
        /// The rebalance; named in the answer.
        rebalance: RebalanceId,
        /// The partitions that are new to this member.
        partitions: Vec<Assignment>,
    },
    /// A revocation: the group takes partitions away, which this member owns until it answers.
    /// Answered by [`Command::CompleteRevoke`](crate::Command).
    Revoked {
        /// The rebalance; named in the answer.
        rebalance: RebalanceId,
        /// The partitions to give up.
        partitions: Vec<TopicPartition>,
    },
    /// A loss: other members may already own the partitions, and commits would be refused.
    /// Answered by [`Command::CompleteRevoke`](crate::Command), at once.
    Lost {
        /// The rebalance; named in the answer. It may be that of a revocation that is not answered
        /// yet, whose partitions are lost meanwhile: both have one answer.
        rebalance: RebalanceId,
        /// The partitions that are gone.
        partitions: Vec<TopicPartition>,
    },
    /// Fetched records, in offset order, from the position that the consumer asked for.
    Fetched {
        /// The partition.
        partition: TopicPartition,
        /// The assignment under which they were fetched.
        epoch: AssignmentEpoch,
        /// The records; their offsets may have gaps (compaction, transaction markers).
        records: Vec<Record<P>>,
    },
    /// A position that has moved on without a record: what lies below it and was not fetched is
    /// none (transaction markers), or is gone (compaction).
    Passed {
        /// The partition.
        partition: TopicPartition,
        /// The assignment under which it is fetched.
        epoch: AssignmentEpoch,
        /// The offset of the next record, if one comes.
        position: NextOffset,
    },
    /// A refused position: it is outside of what the partition holds.
    /// Answered by a [`Command::Seek`](crate::Command), unless the policy is to halt.
    OutOfRange {
        /// The partition.
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
    /// The end of a handler.
    Processed {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was dispatched.
        epoch: AssignmentEpoch,
        /// The record's offset.
        offset: Offset,
        /// The attempt of the [`Command::Dispatch`](crate::Command) that this answers.
        attempt: u32,
        /// The outcome. A panic counts as retryable.
        outcome: Outcome,
    },
    /// The end of a write into the dead-letter topic.
    DeadLettered {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was sent.
        epoch: AssignmentEpoch,
        /// The record's offset.
        offset: Offset,
        /// Whether the dead-letter topic acknowledged it.
        acknowledged: bool,
    },
    /// The refusal of a dead letter for good: it would be refused each time, until the
    /// dead-letter topic or the rights to it change. Takes the place of `DeadLettered`.
    DeadLetterRefused {
        /// The record's partition.
        partition: TopicPartition,
        /// The assignment under which it was sent.
        epoch: AssignmentEpoch,
        /// The record's offset.
        offset: Offset,
    },
    /// The end of a commit.
    CommitFinished {
        /// The commit of the [`Command::Commit`](crate::Command) that this answers.
        commit: CommitId,
        /// The outcome.
        outcome: CommitOutcome,
    },
    /// A request to stop: to finish what is in flight, commit, and close.
    Shutdown,
}
