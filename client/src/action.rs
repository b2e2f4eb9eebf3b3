//! What the parts of a member's client want done, and where they go on with what they asked for.
//!
//! A part sees neither the world nor the other parts: it leaves actions, which the member carries
//! out.

use crate::{Ask, Failure, Speaker};
use plimsoll_core::{
    Assignment, AssignmentEpoch, CommitId, CommitOutcome, Event, NextOffset, Record, TopicPartition,
};
use plimsoll_protocol::{ErrorName, Node, PartitionIndex, Request};
use std::time::Duration;

/// An order of a part.
#[derive(Debug)]
pub enum Action<S: Speaker> {
    /// A request to a broker.
    Ask(Ask<S::Dialect, Continuation>),
    /// A request that every broker can answer, to one that can be reached.
    AskAny(Duration, Request<S::Dialect>, Continuation),
    /// A request to which no answer is awaited.
    Say(Node, Request<S::Dialect>),
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
    /// Partitions whose ends and committed offsets are known: the application can have them; the
    /// leader epoch of the record before what was committed for each, where the commit names it.
    Assign(Vec<Assignment>, Vec<Option<u32>>),
    /// The news for observers that a position is out of range, as a broker says.
    OutOfRange(PartitionIndex, NextOffset),
    /// The news for observers that a position went back to where logs part, and from where.
    WentBack(PartitionIndex, NextOffset, NextOffset),
    /// News for the application.
    Tell(Event<S::Payload>),
    /// A commit that went out.
    CommitSent,
    /// The news for observers that a commit which went out came to nothing.
    CommitFailed(Failure),
    /// What the application learns of a commit.
    EndCommit(CommitId, CommitOutcome),
    /// The refusal of a commit of these partitions: its sender is none of the generation's members,
    /// or, where a client makes something of it, the group rebalances.
    NotAMember(ErrorName, Vec<TopicPartition>),
    /// What became of a dead-letter copy: whether it was acknowledged, or why not.
    EndDeadLetter(DeadLetterCopy<S::Payload>, Result<(), Failure>),
    /// The end of the process.
    End,
}

/// The point at which a member's client goes on when a request is answered, or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// The leaders of partitions.
    Metadata,
    /// A lookup of the coordinator.
    FindCoordinator,
    /// A connection with the coordinator.
    Connection,
    /// A join, of this attempt at membership.
    JoinGroup(u32),
    /// A sync, of this attempt at membership.
    SyncGroup(u32),
    /// A heartbeat, of this attempt at membership.
    Heartbeat(u32),
    /// The end of the membership.
    LeaveGroup,
    /// A commit.
    OffsetCommit(CommitId),
    /// The committed offsets, for the attempt at membership that gave the partitions.
    OffsetFetch(u32),
    /// One end of the log of a partition that is to start, for the attempt that gave it; the start,
    /// where that is known.
    StartOffsets(u32, PartitionIndex, Option<NextOffset>),
    /// The same for a partition whose position was out of range, with the fetch's version.
    ResetOffsets(PartitionIndex, u32, Option<NextOffset>),
    /// The proof of a position, with the fetch's version, under a leader of this epoch.
    Proof(PartitionIndex, u32, u32),
    /// A poll of a broker.
    Fetch,
    /// A dead-letter copy, by its number.
    DeadLetter(u32),
}

/// A record whose dead-letter copy is on its way.
#[derive(Clone, Debug)]
pub struct DeadLetterCopy<P> {
    /// Where the record lies.
    pub partition: TopicPartition,
    /// The assignment under which it was given up.
    pub epoch: AssignmentEpoch,
    /// The record.
    pub record: Record<P>,
}
