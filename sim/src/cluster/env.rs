//! What brokers and the controller see of the world.

use super::shared::Shared;
use crate::protocol::{Channel, Correlation, Dialect, LogEntry, Message, Node, Response};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, NextOffset};

/// What brokers and the controller see of the world: time, the network, and an observer.
pub(crate) trait ClusterEnv<D: Dialect> {
    /// Returns the time.
    fn now(&self) -> Instant;

    /// Sends a message.
    fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message<D>);

    /// Sends the answer to a request.
    fn respond(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        response: Response<D>,
    ) {
        self.send(from, to, channel, Message::Response(correlation, response));
    }

    /// Breaks the connections between two nodes, and tells both.
    fn cut(&mut self, a: Node, b: Node);

    /// Tells the observer what happened in the cluster.
    fn observe(&mut self, observation: Observation<'_, D>);

    /// Returns what belongs to the cluster, but to none of its brokers.
    fn shared(&mut self) -> &mut Shared<D>;
}

/// News of the cluster for an observer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observation<'a, D: Dialect> {
    /// The controller's choice of a broker as the leader of a partition.
    LeaderChanged {
        partition: PartitionIndex,
        leader: Node,
        epoch: u32,
    },
    /// An entry that a leader's high watermark passed, for the first time.
    Replicated {
        partition: PartitionIndex,
        entry: &'a LogEntry<D>,
    },
    /// The loss of all that could be read from this offset on.
    Truncated {
        partition: PartitionIndex,
        log_end: NextOffset,
    },
    /// The removal of the records below this offset, by retention.
    Removed {
        partition: PartitionIndex,
        log_start: NextOffset,
    },
}
