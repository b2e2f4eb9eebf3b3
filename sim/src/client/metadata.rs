//! What a client knows of the cluster: the leader of each partition, and which broker to ask.

use crate::env::Env;
use crate::protocol::{LeaderInfo, Node};
use crate::topology::{PartitionIndex, Topology};
use plimsoll_core::Instant;
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// A client's view of the cluster, as old as the last answer.
#[derive(Debug)]
pub struct Metadata {
    /// Leaders, by partition; `None`: not known to exist.
    leaders: Vec<Option<LeaderInfo>>,
    brokers: u8,
    /// Broker to ask next.
    broker: Node,
    /// Time of the next request; not while one is in flight.
    due: Instant,
    asked: Instant,
    in_flight: bool,
    /// Number of requests since one brought news.
    tries: u32,
    refresh: Duration,
    backoff: Duration,
}

/// `retry.backoff.max.ms`: pauses double up to it (KIP-580).
const MAX_BACKOFF: Duration = Duration::from_secs(1);

impl Metadata {
    /// Creates metadata that knows nothing, and is due at once. `refresh` is the interval at which
    /// it is renewed, `backoff` the shortest pause between two requests.
    pub fn new(env: &Env<'_>, node: Node, refresh: Duration, backoff: Duration) -> Self {
        let brokers = env.plan.settings.cluster.brokers as u8;
        let mut rng = Rng::substream(env.plan.seed, Purpose::Client, u64::from(node.0));
        Self {
            leaders: vec![None; env.topology.len()],
            brokers,
            broker: Node(rng.below(u64::from(brokers)) as u8),
            due: env.now(),
            asked: Instant::ZERO,
            in_flight: false,
            tries: 0,
            refresh,
            backoff,
        }
    }

    /// Returns when to ask for news.
    #[inline]
    pub fn due(&self) -> Instant {
        if self.in_flight {
            Instant::FAR_FUTURE
        } else {
            self.due
        }
    }

    /// Returns a broker to ask anything that every broker can answer.
    pub fn broker(&self) -> Node {
        self.broker
    }

    /// Returns a partition's leader and its epoch.
    #[inline]
    pub fn leader(&self, partition: PartitionIndex) -> Option<(Node, u32)> {
        let info = self.leaders[usize::from(partition.0)]?;
        Some((info.leader?, info.leader_epoch))
    }

    /// Returns the number of partitions of a topic that are known to exist.
    pub fn partitions_of(&self, topology: &Topology, topic: u32) -> u32 {
        let known = topology.all().filter(|index| {
            self.leaders[usize::from(index.0)].is_some()
                && topology.partition(*index).topic == topic
        });
        known.count() as u32
    }

    /// Returns the partitions that the group consumes, as far as they are known, in order.
    pub fn workload(&self, topology: &Topology) -> Vec<PartitionIndex> {
        let known = topology.all().filter(|index| {
            self.leaders[usize::from(index.0)].is_some() && topology.is_workload(*index)
        });
        known.collect()
    }

    /// Makes a request due soon: something is wrong with what is known.
    pub fn want_refresh(&mut self, now: Instant) {
        if now > self.asked + MAX_BACKOFF {
            self.tries = 0;
        }
        let soon = now.max(self.asked + self.pause());
        self.due = self.due.min(soon);
    }

    fn pause(&self) -> Duration {
        let doubled = self.backoff * (1 << self.tries.saturating_sub(1).min(10));
        doubled.min(MAX_BACKOFF.max(self.backoff))
    }

    /// Turns to another broker while the next one to ask cannot be reached.
    pub fn avoid(&mut self, unreachable: impl Fn(Node) -> bool) {
        for _ in 1..self.brokers {
            if unreachable(self.broker) {
                self.rotate();
            }
        }
    }

    /// Turns to the next broker: the one that was asked did not help.
    pub fn rotate(&mut self) {
        self.broker = Node((self.broker.0 + 1) % self.brokers);
    }

    /// Notes that a request goes out.
    pub fn sent(&mut self, now: Instant) {
        self.asked = now;
        self.in_flight = true;
        self.tries += 1;
    }

    /// Notes that the request came to nothing.
    pub fn failed(&mut self, now: Instant) {
        self.in_flight = false;
        self.rotate();
        self.due = now + self.pause();
    }

    /// Takes news, perhaps older than what is known already (KIP-320: the higher epoch is right).
    pub fn update(&mut self, now: Instant, leaders: &[LeaderInfo]) {
        self.in_flight = false;
        self.due = now + self.refresh;
        for info in leaders {
            let known = &mut self.leaders[usize::from(info.partition.0)];
            if known.is_none_or(|known| known.leader_epoch <= info.leader_epoch) {
                if *known != Some(*info) {
                    self.tries = 0;
                }
                *known = Some(*info);
            }
        }
    }
}
