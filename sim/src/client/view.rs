//! What a client knows of its cluster, for all its parts to read.

use super::connection::Connections;
use super::coordinator::Coordinator;
use super::metadata::Metadata;
use crate::topology::Topology;
use plimsoll_core::Instant;

/// What a client knows of its cluster.
#[derive(Debug)]
pub struct View {
    pub topology: Topology,
    pub connections: Connections,
    pub metadata: Metadata,
    pub coordinator: Coordinator,
}

impl View {
    /// Asks for new metadata as soon as the backoff allows: something is wrong with what is known.
    pub fn refresh_metadata(&mut self, now: Instant) {
        self.metadata.refresh(now, &self.connections);
    }
}
