//! What brokers and the controller see of the world: time, the network between them, and the nodes
//! outside, which are reached at once.

use super::world::Event;
use crate::cluster::{ClusterEnv, Observation, Shared};
use crate::engine::Queue;
use crate::network::{Network, Passage};
use crate::protocol::{
    Channel, Channels, Correlation, Dialect, LogEntry, Message, Node, PerNode, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_scenarios::scenario::Distribution;
use std::collections::VecDeque;
use std::time::Duration;

/// What brokers and the controller see of the world.
#[derive(Debug)]
pub(super) struct Env<D: Dialect> {
    pub(super) now: Instant,
    pub(super) queue: Queue<Event<D>>,
    /// The network between brokers and controller.
    pub(super) network: Network<D>,
    pub(super) shared: Shared<D>,
    /// What nodes outside are to learn.
    pub(super) said: VecDeque<Said<D>>,
    /// What a fault adds to the time of a broker's answers to nodes outside.
    pub(super) delays: PerNode<Duration>,
    /// Whether an observer wants to know what becomes of the logs.
    pub(super) is_observed: bool,
}

/// News for nodes outside.
#[derive(Debug)]
pub(super) enum Said<D: Dialect> {
    /// An answer to a request.
    Answer {
        to: Node,
        correlation: Correlation,
        response: Response<D>,
    },
    /// A node's connection, which its broker wants closed.
    Cut(Node),
    /// A broker that accepts connections now.
    Opened(Node),
    /// A broker that accepts none any more, and closes all that it had.
    Closed(Node),
    /// A partition that has another leader.
    Led {
        partition: PartitionIndex,
        leader: Node,
        epoch: u32,
    },
    /// An entry that became readable.
    Stored {
        partition: PartitionIndex,
        entry: LogEntry<D>,
    },
    /// The loss of all that could be read from this offset on.
    Truncated {
        partition: PartitionIndex,
        log_end: NextOffset,
    },
    /// The removal of the records below this offset.
    Removed {
        partition: PartitionIndex,
        log_start: NextOffset,
    },
}

impl<D: Dialect> Env<D> {
    /// Creates the environment of brokers and a controller at the first `nodes` nodes.
    pub(super) fn new(seed: u64, nodes: usize, latency: Distribution, partitions: usize) -> Self {
        let mut queue = Queue::new();
        queue.reset(seed);
        Self {
            now: Instant::ZERO,
            queue,
            network: Network::new(seed, nodes, latency),
            shared: Shared::new(partitions),
            said: VecDeque::new(),
            delays: PerNode::new(nodes, |_| Duration::ZERO),
            is_observed: false,
        }
    }

    /// Returns whether a node is neither a broker nor the controller.
    pub(super) fn is_outside(&self, node: Node) -> bool {
        !self.delays.contains(node)
    }

    /// Takes a block away from a link, and sends on what it had held.
    pub(super) fn unblock(&mut self, from: Node, to: Node) {
        let released = self.network.unblock(self.now, from, to);
        for held in released.open {
            self.send(held.from, held.to, held.channel, held.message);
        }
        for (at, held) in released.closed {
            self.queue.push(at, Event::Deliver(held));
        }
    }

    fn disconnected(&mut self, node: Node, peer: Node) {
        self.queue
            .push(self.now, Event::Disconnected { node, peer });
    }
}

impl<D: Dialect> ClusterEnv<D> for Env<D> {
    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message<D>) {
        match self.network.send(self.now, from, to, channel, &message) {
            Passage::At(at, stamp) => {
                self.queue.push(at, Event::Deliver(stamp.envelope(message)));
            }
            Passage::Refused(at) => {
                let refused = Event::Disconnected {
                    node: from,
                    peer: to,
                };
                self.queue.push(at, refused);
            }
            Passage::Blocked(stamp) => self.network.hold(self.now, stamp.envelope(message)),
        }
    }

    fn respond(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        response: Response<D>,
    ) {
        if !self.is_outside(to) {
            return self.send(from, to, channel, Message::Response(correlation, response));
        }
        let answer = Said::Answer {
            to,
            correlation,
            response,
        };
        match self.delays[from] {
            Duration::ZERO => self.said.push_back(answer),
            delay => self.queue.push(self.now + delay, Event::Say(answer)),
        }
    }

    fn cut(&mut self, a: Node, b: Node) {
        let outside = a.max(b);
        if self.is_outside(outside) {
            return self.said.push_back(Said::Cut(outside));
        }
        self.network.cut(a, b, Channels::ALL);
        self.disconnected(a, b);
        self.disconnected(b, a);
    }

    /// Observes new leaders; the logs only where somebody wants to know of them: all else that a
    /// cluster is asked, it reads in its processes.
    fn observe(&mut self, observation: Observation<'_, D>) {
        let said = match observation {
            Observation::LeaderChanged {
                partition,
                leader,
                epoch,
            } => Said::Led {
                partition,
                leader,
                epoch,
            },
            _ if !self.is_observed => return,
            Observation::Replicated { partition, entry } => Said::Stored {
                partition,
                entry: entry.clone(),
            },
            Observation::Truncated { partition, log_end } => Said::Truncated { partition, log_end },
            Observation::Removed {
                partition,
                log_start,
            } => Said::Removed {
                partition,
                log_start,
            },
        };
        self.said.push_back(said);
    }

    fn shared(&mut self) -> &mut Shared<D> {
        &mut self.shared
    }
}
