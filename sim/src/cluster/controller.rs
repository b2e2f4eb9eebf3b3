//! The controller (KRaft's active controller, which a quorum keeps alive: it never fails here).

use crate::env::Env;
use crate::protocol::{Message, Node};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;

/// The controller.
#[derive(Debug)]
pub struct Controller {}

impl Controller {
    /// The controller of a new cluster, all brokers registered, leaders spread over them.
    pub fn new(_env: &Env<'_>) -> Self {
        Self {}
    }

    /// The leader of a partition as the controller decided it.
    pub fn leader(&self, _partition: PartitionIndex) -> Option<Node> {
        unimplemented!()
    }

    /// Whether a partition exists by now.
    pub fn exists(&self, _partition: PartitionIndex) -> bool {
        unimplemented!()
    }

    /// Whether every partition has a leader and all its replicas in sync.
    pub fn is_healthy(&self) -> bool {
        unimplemented!()
    }

    /// Makes another in-sync replica the leader of a partition, if there is one.
    pub fn move_leader(&mut self, _env: &mut Env<'_>, _partition: PartitionIndex) {
        unimplemented!()
    }

    /// Creates the next `count` partitions of a topic.
    pub fn add_partitions(&mut self, _env: &mut Env<'_>, _topic: u32, _count: u32) {
        unimplemented!()
    }

    /// A message arrived.
    pub fn handle_message(&mut self, _env: &mut Env<'_>, _from: Node, _message: Message) {
        unimplemented!()
    }

    /// The moment of `next_timeout` has come, or an earlier one.
    pub fn handle_timeout(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}
