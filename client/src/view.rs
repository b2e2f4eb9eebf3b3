//! What a client knows of its cluster, for all its parts to read.

use crate::{Connections, Coordinator, Failure, Metadata, Speaker};
use plimsoll_core::Instant;
use plimsoll_protocol::{Node, Topology};

/// A client's knowledge of its cluster. Its parts are metadata and the coordinator; both look at
/// the connections.
#[derive(Debug)]
pub struct View<S: Speaker> {
    /// How the client says what is carried.
    pub speaker: S,
    /// The partitions, by number.
    pub topology: Topology,
    /// Its connections with brokers.
    pub connections: Connections,
    /// The leaders of partitions.
    pub metadata: Metadata,
    /// The coordinator of its group.
    pub coordinator: Coordinator<S>,
}

impl<S: Speaker> View<S> {
    /// Returns a broker to ask what every broker can answer.
    pub fn choose_broker(&mut self, now: Instant) -> Node {
        self.metadata.choose_broker(now, &self.connections)
    }

    /// Asks for new metadata as soon as the backoff allows: something is wrong with what is known.
    pub fn refresh_metadata(&mut self, now: Instant) {
        self.metadata.refresh(now, &self.connections);
    }

    /// Asks for metadata, if that is due.
    pub fn handle_metadata_timeout(&mut self, now: Instant) {
        self.metadata.handle_timeout(now, &self.connections);
    }

    /// Handles the answer to a lookup. Returns whether the coordinator is known now.
    pub fn handle_coordinator(&mut self, now: Instant, answer: Result<Node, Failure>) -> bool {
        self.coordinator
            .handle_answer(now, &self.connections, answer)
    }
}
