//! A broker.

use crate::env::Env;
use crate::protocol::{Channel, Message, Node};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, NextOffset};

/// A broker.
#[derive(Debug)]
pub struct Broker {
    node: Node,
}

impl Broker {
    /// The broker at `node`, not running.
    pub fn new(_env: &Env<'_>, node: Node) -> Self {
        Self { node }
    }

    /// Whether its process runs (it may be paused).
    pub fn is_running(&self) -> bool {
        let _ = self.node;
        true
    }

    /// Both ends of a partition as its leader has them: log start and high watermark.
    pub fn log_ends(&self, _partition: PartitionIndex) -> (NextOffset, NextOffset) {
        unimplemented!()
    }

    /// The group's committed offset, as the coordinator on this broker answers it.
    pub fn committed(&self, _partition: PartitionIndex) -> Option<NextOffset> {
        unimplemented!()
    }

    /// Whether the group that this broker coordinates is stable with so many members.
    pub fn group_is_stable_with(&self, _members: usize) -> bool {
        unimplemented!()
    }

    /// The process starts: for the first time, or with the log that an earlier one left.
    pub fn start(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// The process dies at once; its log stays.
    pub fn crash(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// A clean stop: leaderships move away first; then `is_running` becomes false.
    pub fn stop(&mut self, _env: &mut Env<'_>) {
        unimplemented!()
    }

    /// Retention: removes this share of the readable records of a partition that it leads.
    pub fn remove_records(&mut self, _env: &mut Env<'_>, _partition: PartitionIndex, _share: f64) {
        unimplemented!()
    }

    /// A message arrived.
    pub fn handle_message(
        &mut self,
        _env: &mut Env<'_>,
        _from: Node,
        _channel: Channel,
        _message: Message,
    ) {
        unimplemented!()
    }

    /// The connections with a peer are gone.
    pub fn handle_disconnected(&mut self, _env: &mut Env<'_>, _peer: Node) {
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
