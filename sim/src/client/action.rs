//! What the parts of a member's client want done, and where they go on with what they asked for.
//!
//! A part sees neither the world nor the other parts: it leaves actions, which the process carries
//! out.

use super::connection::{Ask, Failure};
use crate::protocol::{Node, Request};
use crate::recipes::Payload;
use crate::topology::PartitionIndex;
use plimsoll_core::{
    Assignment, AssignmentEpoch, CommitId, CommitOutcome, Event, NextOffset, Offset, TopicPartition,
};
use plimsoll_oracle::{ErrorName, MessageId};
use std::time::Duration;

/// What a part wants done.
#[derive(Debug)]
pub(super) enum Action {
    /// A request to a broker.
    Ask(Ask<Continuation>),
    /// A request that every broker can answer, to one that can be reached.
    AskAny(Duration, Request, Continuation),
    /// A request to which no answer is awaited.
    Say(Node, Request),
    /// A long poll to a broker, for what the fetcher wants of it.
    Poll(Node),
    /// The choice of another broker to ask: the last one did not help.
    TryAnotherBroker,
    /// New metadata, asked for as soon as the backoff allows: something is wrong with what is
    /// known.
    RefreshMetadata,
    /// New metadata soon, at its own deadline.
    WantMetadata,
    /// Another lookup: the coordinator says that it is not, or does not answer.
    LoseCoordinator,
    /// The hold of all partitions, or its end.
    Hold(bool),
    /// The end of Sarama's session: its claims return, and it joins again.
    EndSession,
    /// The start of partitions that this attempt at membership gave.
    Start(u32, Vec<PartitionIndex>),
    /// The end of a start: its partitions will not be this member's.
    ForgetStart,
    /// Partitions whose ends and committed offsets are known: the application can have them.
    Assign(Vec<Assignment>),
    /// The news for observers that a position is out of range, as a broker says.
    OutOfRange(PartitionIndex, NextOffset),
    /// News for the application.
    Tell(Event<Payload>),
    /// A commit that went out.
    CommitSent,
    /// The news for observers that a commit which went out came to nothing.
    CommitFailed(Failure),
    /// What the application learns of a commit.
    EndCommit(CommitId, CommitOutcome),
    /// The refusal of a commit of these partitions: its sender is none of the generation's members.
    NotAMember(ErrorName, Vec<TopicPartition>),
    /// What became of a dead-letter copy: whether it was acknowledged.
    EndDeadLetter(DeadLetterCopy, bool),
    /// The end of the process.
    End,
}

/// Where a member's client goes on when a request is answered, or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuation {
    Metadata,
    FindCoordinator,
    /// A connection with the coordinator.
    Connection,
    /// This one and the next two carry the attempt at membership to which they belong.
    JoinGroup(u32),
    SyncGroup(u32),
    Heartbeat(u32),
    LeaveGroup,
    OffsetCommit(CommitId),
    /// This one and the next carry the attempt at membership that gave the partitions.
    OffsetFetch(u32),
    /// One end of a partition's log; the start, where that is known.
    StartOffsets(u32, PartitionIndex, Option<NextOffset>),
    /// The same for a partition whose position was out of range, with the fetch's version.
    ResetOffsets(PartitionIndex, u32, Option<NextOffset>),
    Fetch,
    DeadLetter(DeadLetterCopy),
}

/// A record whose dead-letter copy is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeadLetterCopy {
    pub partition: TopicPartition,
    pub epoch: AssignmentEpoch,
    pub offset: Offset,
    pub message: MessageId,
}
