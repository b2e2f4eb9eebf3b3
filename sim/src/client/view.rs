//! What a client knows of its cluster, for all its parts to read.

use super::connection::{Connections, Failure};
use super::coordinator::Coordinator;
use super::metadata::Metadata;
use crate::protocol::Node;
use crate::topology::Topology;
use plimsoll_core::Instant;

/// What a client knows of its cluster. Its parts are metadata and the coordinator; both look at the
/// connections.
#[derive(Debug)]
pub(super) struct View {
    pub topology: Topology,
    pub connections: Connections,
    pub metadata: Metadata,
    pub coordinator: Coordinator,
}

impl View {
    /// Returns a broker to ask what every broker can answer.
    pub(super) fn choose_broker(&mut self, now: Instant) -> Node {
        self.metadata.choose_broker(now, &self.connections)
    }

    /// Asks for new metadata as soon as the backoff allows: something is wrong with what is known.
    pub(super) fn refresh_metadata(&mut self, now: Instant) {
        self.metadata.refresh(now, &self.connections);
    }

    /// Asks for metadata, if that is due.
    pub(super) fn handle_metadata_timeout(&mut self, now: Instant) {
        self.metadata.handle_timeout(now, &self.connections);
    }

    /// Handles the answer to a lookup. Returns whether the coordinator is known now.
    pub(super) fn handle_coordinator(
        &mut self,
        now: Instant,
        answer: Result<Node, Failure>,
    ) -> bool {
        self.coordinator
            .handle_answer(now, &self.connections, answer)
    }
}
