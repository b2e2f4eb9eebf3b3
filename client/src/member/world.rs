//! What is around a member: it carries its requests, takes its news, and may watch it.

use crate::{DeadLetterCopy, Failure, Speaker};
use plimsoll_core::{AssignmentEpoch, Event, Instant, NextOffset, TopicPartition};
use plimsoll_protocol::{
    Channel, Channels, Correlation, FetchRequest, FetchResponse, Generation, Node, Request,
};

/// The surroundings of a member, which carry its requests and take its news. Where they neither
/// watch the member nor keep memory, they have the first four of these functions alone.
pub trait World<S: Speaker> {
    /// Returns the time.
    fn now(&self) -> Instant;

    /// Sends a request to a broker, whose answer comes to
    /// [`Member::handle_response`](crate::Member::handle_response).
    fn send(&mut self, to: (Node, Channel), correlation: Correlation, request: Request<S::Dialect>);

    /// Closes connections with a broker. The news of it comes to
    /// [`Member::handle_disconnected`](crate::Member::handle_disconnected), later.
    fn close(&mut self, peer: Node, channels: Channels);

    /// Takes news for the application.
    fn tell(&mut self, event: Event<S::Payload>);

    /// Returns an empty request for a fetch, in used memory where there is some.
    #[inline]
    fn fetch_request(&mut self) -> Box<FetchRequest> {
        Box::default()
    }

    /// Takes the memory of the answer to a fetch, which has been read, or is not wanted any more.
    #[inline]
    fn recycle(&mut self, response: Box<FetchResponse<S::Dialect>>) {
        drop(response);
    }

    /// Notes that a request goes out now whose answer is awaited.
    #[inline]
    fn note_request(&mut self, _request: &Request<S::Dialect>) {}

    /// Notes what the member does at this moment.
    #[inline]
    fn observe(&mut self, _observation: Observation<'_, S>) {}
}

/// An act of a member that nothing around it sees otherwise.
#[derive(Debug)]
pub enum Observation<'a, S: Speaker> {
    /// It begins to fetch a partition, as the application says.
    Assigned {
        /// The partition.
        partition: TopicPartition,
        /// The assignment.
        epoch: AssignmentEpoch,
        /// The offset of the first record.
        position: NextOffset,
        /// The generation that gave the partition.
        generation: Generation,
    },
    /// It is about to tell the application to give up a partition with which that had begun.
    Revoked {
        /// The partition.
        partition: TopicPartition,
        /// Whether records of it were fetched with which no handler has begun.
        has_buffered: bool,
    },
    /// The application gave a partition up with which it had begun.
    Released(TopicPartition),
    /// It is about to tell the application that a partition is gone with which that had begun.
    Lost(TopicPartition),
    /// A broker says that its position in a partition is out of range.
    OutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The position.
        position: NextOffset,
    },
    /// It moved its position in a partition, as the application says.
    PositionReset {
        /// The partition.
        partition: TopicPartition,
        /// The next offset that the application would have got.
        from: NextOffset,
        /// The next one that it will get.
        to: NextOffset,
    },
    /// It sent a commit.
    CommitSent,
    /// A commit that it sent came to nothing.
    CommitFailed(Failure),
    /// A broker acknowledged a dead-letter copy.
    DeadLetterWritten(&'a DeadLetterCopy<S::Payload>),
    /// It ended.
    Ended,
}
