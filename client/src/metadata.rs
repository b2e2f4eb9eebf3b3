//! What a client knows of the cluster: the leader of each partition, and which broker to ask.

use crate::{Connections, Failure};
use plimsoll_core::Instant;
use plimsoll_protocol::{
    BrokerSet, Channel, ClusterMetadata, ErrorName, Node, PartitionIndex, Topology,
};
use std::time::Duration;

/// `retry.backoff.max.ms`: pauses double up to it (KIP-580).
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// A partition's leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LeaderInfo {
    leader: Option<Node>,
    leader_epoch: u32,
}

/// A client's view of the cluster, as old as the last answer. What it wants done is a request for
/// metadata to a broker.
#[derive(Debug)]
pub struct Metadata {
    /// Leaders, by partition; `None`: not known to exist.
    leaders: Vec<Option<LeaderInfo>>,
    brokers: u16,
    /// The brokers that the last answer named; all, before there was any.
    named: BrokerSet,
    /// Those that it named no more.
    gone: BrokerSet,
    /// Broker to ask next.
    broker: Node,
    /// Time of the next request; not while one is in flight.
    due: Instant,
    asked: Instant,
    in_flight: bool,
    /// Number of requests since one brought news.
    tries: u32,
    renewal: Renewal,
    backoff: Duration,
    /// Whether the last answer said that the topics do not exist.
    topics_are_gone: bool,
    /// The broker to send a request to.
    action: Option<Node>,
}

/// When metadata is renewed though nothing is wrong.
#[derive(Clone, Copy, Debug)]
pub enum Renewal {
    /// So long after each answer (Java: `Metadata.timeToExpire`).
    After(Duration),
    /// In a beat that began with the client, whenever else it asked: librdkafka's is a timer of its
    /// main thread (`rd_kafka_thread_main`, `rd_kafka_metadata_refresh_cb`), Sarama's a ticker
    /// (`client.backgroundMetadataUpdater`).
    Beat {
        /// The time between two.
        interval: Duration,
        /// The moment of the next one.
        next: Instant,
    },
}

impl Renewal {
    /// Returns when to ask again after an answer that comes now.
    fn after_answer(&mut self, now: Instant) -> Instant {
        match self {
            Self::After(interval) => now + *interval,
            Self::Beat { interval, next } => {
                while *next <= now {
                    *next += *interval;
                }
                *next
            }
        }
    }
}

impl Metadata {
    /// Creates metadata that knows nothing, and is due at `due`. `first` is the broker to ask first,
    /// `backoff` the shortest pause between two requests.
    pub fn new(
        due: Instant,
        (brokers, first): (u16, Node),
        partitions: usize,
        renewal: Renewal,
        backoff: Duration,
    ) -> Self {
        Self {
            leaders: vec![None; partitions],
            brokers,
            named: (0..brokers)
                .map(Node)
                .fold(BrokerSet::default(), BrokerSet::with),
            gone: BrokerSet::default(),
            broker: first,
            due,
            asked: Instant::ZERO,
            in_flight: false,
            tries: 0,
            renewal,
            backoff,
            topics_are_gone: false,
            action: None,
        }
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
    pub fn workload(&self, topology: &Topology) -> impl Iterator<Item = PartitionIndex> {
        topology.all().filter(|index| {
            self.leaders[usize::from(index.0)].is_some() && topology.is_workload(*index)
        })
    }

    /// Returns whether the topics do not exist, as the broker says that was asked last. What was
    /// known of them stays known: a broker that has just started may know less than others.
    #[inline]
    pub fn topics_are_gone(&self) -> bool {
        self.topics_are_gone
    }

    /// Returns the broker to ask what every broker can answer; one that cannot be reached, or that
    /// is gone, is left out as long as there are others.
    pub fn choose_broker(&mut self, now: Instant, connections: &Connections) -> Node {
        let others = (0..self.brokers).map(|n| Node((self.broker.0 + n) % self.brokers));
        let usable = others.filter(|broker| {
            let reconnect = connections.backs_off(*broker, Channel::Data, now);
            reconnect.is_none() && self.named.contains(*broker)
        });
        // The first of those that are as good: `max_by_key` takes the last.
        let chosen = usable
            .rev()
            .max_by_key(|broker| connections.preference(now, *broker));
        self.broker = chosen.unwrap_or(self.broker);
        self.broker
    }

    /// Turns to the next broker: the one that was asked did not help.
    pub fn try_another_broker(&mut self) {
        self.broker = Node((self.broker.0 + 1) % self.brokers);
    }

    /// Makes a request due soon: something is wrong with what is known.
    pub fn want(&mut self, now: Instant) {
        if now > self.asked + MAX_BACKOFF {
            self.tries = 0;
        }
        let soon = now.max(self.asked + self.pause());
        self.due = self.due.min(soon);
    }

    /// Asks for new metadata as soon as the backoff allows: something is wrong with what is known.
    pub fn refresh(&mut self, now: Instant, connections: &Connections) {
        self.want(now);
        self.handle_timeout(now, connections);
    }

    /// Asks, if that is due.
    pub fn handle_timeout(&mut self, now: Instant, connections: &Connections) {
        if self.poll_timeout() > now {
            return;
        }
        self.action = Some(self.choose_broker(now, connections));
        self.asked = now;
        self.in_flight = true;
        self.tries += 1;
    }

    /// Takes news, perhaps older than what is known already (KIP-320: the higher epoch is right).
    /// Returns whether there is any: the request may have come to nothing.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        answer: Result<ClusterMetadata, Failure>,
    ) -> bool {
        self.in_flight = false;
        let ClusterMetadata { partitions, alive } = match answer {
            Ok(metadata) => metadata,
            Err(failure) => {
                // Nothing else is learned of a topic with an error (librdkafka:
                // `rd_kafka_parse_Metadata_update_topic`; Sarama: `client.updateMetadata`).
                self.topics_are_gone |=
                    failure == Failure::Refused(ErrorName::UnknownTopicOrPartition);
                self.try_another_broker();
                self.due = now + self.pause();
                return false;
            }
        };
        self.topics_are_gone = false;
        self.gone = self.named.beyond(alive);
        self.named = alive;
        self.due = self.renewal.after_answer(now);
        for state in partitions {
            let known = &mut self.leaders[usize::from(state.partition.0)];
            let info = LeaderInfo {
                leader: state.leader,
                leader_epoch: state.leader_epoch,
            };
            if known.is_none_or(|known| known.leader_epoch <= info.leader_epoch) {
                if *known != Some(info) {
                    self.tries = 0;
                }
                *known = Some(info);
            }
        }
        true
    }

    /// Takes a broker that the last answer named no more, as of one that is fenced. Its connections
    /// are to be closed, whatever waits on them, and when it is named again nothing is known of it
    /// (`rd_kafka_metadata_decommission_unavailable_brokers`, and `rd_kafka_cgrp_coord_dead` where
    /// it was the coordinator; Sarama: `client.updateBroker`).
    pub fn poll_gone(&mut self, connections: &mut Connections) -> Option<Node> {
        let broker = self.gone.iter().next()?;
        self.gone = self.gone.without(broker);
        connections.forget(broker);
        Some(broker)
    }

    /// Takes the broker to which a request for metadata is to go.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Node> {
        self.action.take()
    }

    /// Returns when to ask for news.
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        if self.in_flight {
            Instant::FAR_FUTURE
        } else {
            self.due
        }
    }

    fn pause(&self) -> Duration {
        let doubled = self.backoff * (1 << self.tries.saturating_sub(1).min(10));
        doubled.min(MAX_BACKOFF.max(self.backoff))
    }
}
