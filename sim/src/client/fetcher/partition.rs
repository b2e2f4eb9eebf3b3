//! One partition, as far as it is fetched.

use crate::protocol::Node;
use plimsoll_core::{AssignmentEpoch, Instant};

/// One partition, as far as it is fetched.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    /// Whether it is fetched, unless something below forbids it.
    pub assigned: bool,
    /// Whether the application began with it and has not given it up.
    pub held: bool,
    pub epoch: AssignmentEpoch,
    /// Number that increases when what is in flight is wanted no more (librdkafka: the version
    /// barrier).
    pub version: u32,
    /// The next offset to fetch.
    pub position: u64,
    /// The next offset to give to the application.
    pub delivered: u64,
    /// Number of records that are fetched, and not given to the application yet.
    pub queued: u32,
    pub paused: bool,
    /// Whether the position was out of range: it stands still until the application seeks.
    pub halted: bool,
    /// The broker that was asked and has not answered.
    pub asked: Option<Node>,
    pub retry_at: Instant,
}

impl Partition {
    /// Drops what is in flight or queued; it is fetched again if it is wanted again.
    pub(super) fn restart(&mut self) {
        self.version += 1;
        self.position = self.delivered;
        self.queued = 0;
    }
}
