//! Brokers and the controller without clients: the tests send requests themselves.

mod admin;
mod batches;
mod chaos;
mod clients;
mod commits;
mod departures;
mod fetches;
mod groups;
mod in_sync;
mod loads;
mod many_groups;
mod membership;
mod outside;
mod pending_writes;
mod positions;
mod replication;
mod topics;
mod turns;
mod votes;

use super::{Broker, Controller, Shared};
use crate::actor::Actor;
use crate::engine::Queue;
use crate::env::{Env, Event};
use crate::network::{Arrival, Envelope, Network};
use crate::protocol::{
    Channel, Channels, CommittedOffset, Correlation, Founding, Generation, GroupIndex,
    GroupMemberId, JoinError, JoinGroupResponse, Lean, Leaving, Left, Message, Node,
    OffsetCommitResponse, PerBroker, PerNode, Request, Response, SCENARIO_GROUP, Sender, Value,
};
use crate::sink::Sink;
use crate::topology::{PartitionIndex, topology_of};
use clients::{commit_request, fetch_request, join_request, leave_request, sender};
use plimsoll_core::{Instant, NextOffset, Offset};
use plimsoll_oracle::{ErrorName, MemberId, MessageId, Trace};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Acks, Distribution, Settings};
use std::sync::Arc;
use std::time::Duration;

/// Number of members; the tests send from their nodes.
const MEMBERS: usize = 3;

/// The only partition of the only topic; broker 0 leads it first.
const P: PartitionIndex = PartitionIndex(0);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Creates a plan of three brokers in which nothing happens by itself.
fn plan(seed: u64, change: impl FnOnce(&mut Settings)) -> Plan {
    let mut settings = Settings {
        name: "cluster".into(),
        description: String::new(),
        safety: None,
        real_time: false,
        cluster: Default::default(),
        topics: vec![plimsoll_scenarios::scenario::Topic {
            name: "t".into(),
            partitions: 1,
        }],
        producer: Default::default(),
        consumers: Default::default(),
        handler: Default::default(),
        network: Default::default(),
        expect: Default::default(),
    };
    settings.network.latency = Distribution::even(millis(1), millis(1));
    change(&mut settings);
    Plan {
        seed,
        settings: Arc::new(settings),
        messages: Vec::new(),
        starts: vec![None; MEMBERS],
        faults: Vec::new(),
        heal_at: Instant::FAR_FUTURE,
    }
}

/// A cluster, and the client at every other node.
struct Cluster {
    env: Env<'static>,
    brokers: PerBroker<Broker<Lean>>,
    controller: Controller,
    /// When the timer of each node fires next.
    armed: PerNode<Option<Instant>>,
    /// What waits while the process of a node is paused.
    paused: PerNode<Option<Vec<Event>>>,
    running: PerNode<bool>,
    correlations: u32,
    /// Responses that clients got.
    answers: Vec<(Correlation, Response)>,
    /// Clients, each with the broker to which its connection broke.
    broken: Vec<(Node, Node)>,
}

impl Cluster {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::seeded(1, change)
    }

    fn seeded(seed: u64, change: impl FnOnce(&mut Settings)) -> Self {
        // The environment borrows; a test may leak that little.
        let plan: &'static Plan = Box::leak(Box::new(plan(seed, change)));
        let trace = Box::leak(Box::new(Trace::new()));
        let queue = Box::leak(Box::new(Queue::new()));
        queue.reset(seed);
        let settings = &plan.settings;
        let nodes = settings.cluster.brokers as usize + 2 + MEMBERS;
        let mut network = Network::new(plan.seed, nodes, settings.network.latency);
        for node in 0..nodes {
            network.process_started(Node(node as u16));
        }
        let topology = topology_of(plan);
        let env = Env::new(plan, topology, trace, Sink::new(plan), queue, network);
        let settings = env.cluster_settings();
        let broker = |node| Broker::new(&settings, node);
        let mut cluster = Self {
            brokers: env.brokers().map(broker).collect(),
            controller: Controller::new(&settings),
            armed: PerNode::new(nodes, |_| None),
            paused: PerNode::new(nodes, |_| None),
            running: PerNode::new(nodes, |_| true),
            correlations: 0,
            answers: Vec::new(),
            broken: Vec::new(),
            env,
        };
        for node in cluster.env.brokers() {
            cluster.brokers[node].start(&mut cluster.env);
            cluster.rearm(node);
        }
        cluster.rearm(cluster.env.controller());
        cluster
    }

    fn now(&self) -> Instant {
        self.env.now()
    }

    fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now() + duration);
    }

    /// Lets time pass, at least up to `until`.
    fn run_until(&mut self, until: Instant) {
        self.env.queue.push(until, Event::CheckQuiet);
        while let Some(event) = self.env.queue.pop() {
            if matches!(event, Event::CheckQuiet) && self.now() >= until {
                return;
            }
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        let node = match &event {
            Event::Deliver(envelope) => envelope.to,
            Event::Disconnected { node, .. } | Event::Closed { node, .. } | Event::Timer(node) => {
                *node
            }
            _ => return,
        };
        if let Some(waiting) = &mut self.paused[node] {
            return waiting.push(event);
        }
        let closes = matches!(event, Event::Closed { .. });
        match event {
            Event::Deliver(envelope) => {
                match self.env.network.arrival(&envelope) {
                    Arrival::Now => {}
                    Arrival::Later => {
                        let now = self.env.now();
                        return self.env.network.hold(now, envelope);
                    }
                    Arrival::Late => return self.deliver_late(envelope),
                    Arrival::Never => return,
                }
                let (from, channel) = (envelope.from, envelope.channel);
                if self.brokers.contains(node) {
                    self.brokers[node].handle_message(
                        &mut self.env,
                        from,
                        channel,
                        envelope.message,
                    );
                } else if node == self.env.controller() {
                    self.controller
                        .handle_message(&mut self.env, from, channel, envelope.message);
                } else if let Message::Response(correlation, response) = envelope.message {
                    self.answers.push((correlation, response));
                }
            }
            Event::Disconnected { peer, channels, .. } | Event::Closed { peer, channels, .. } => {
                if !self.running[node] {
                    return;
                }
                if self.brokers.contains(node) {
                    if closes {
                        self.brokers[node].handle_closed(&mut self.env, peer, channels);
                    }
                    self.brokers[node].handle_disconnected(&mut self.env, peer, channels);
                } else {
                    self.broken.push((node, peer));
                }
            }
            Event::Timer(_) => {
                let now = self.now();
                if self.armed[node].is_none_or(|armed| armed > now) {
                    return;
                }
                self.armed[node] = None;
                if self.brokers.contains(node) {
                    self.brokers[node].handle_timeout(&mut self.env);
                } else {
                    self.controller.handle_timeout(&mut self.env);
                }
            }
            _ => {}
        }
        self.rearm(node);
    }

    /// Delivers a request of a connection that its client has closed.
    fn deliver_late(&mut self, envelope: Envelope) {
        let node = envelope.to;
        if let Message::Request(correlation, request) = envelope.message {
            self.brokers[node].handle_late_request(
                &mut self.env,
                envelope.from,
                envelope.channel,
                correlation,
                request,
            );
            self.rearm(node);
        }
    }

    /// Returns the broker or the controller at a node.
    fn actor(&self, node: Node) -> Option<&dyn Actor<Lean, Env<'static>>> {
        match self.brokers.get(node) {
            Some(broker) => Some(broker),
            None if node == self.env.controller() => Some(&self.controller),
            None => None,
        }
    }

    /// Returns whether the process at a node runs.
    fn runs(&self, node: Node) -> bool {
        self.actor(node).is_some_and(|actor| actor.is_running())
    }

    /// Sets the node's timer, as the world does after each event.
    fn rearm(&mut self, node: Node) {
        let Some(actor) = self.actor(node) else {
            return;
        };
        let (runs, timeout) = (actor.is_running(), actor.next_timeout());
        if self.running[node] && !runs {
            return self.process_died(node);
        }
        if let Some(at) = timeout
            && self.armed[node].is_none_or(|armed| at < armed)
        {
            self.armed[node] = Some(at);
            self.env.queue.push(at, Event::Timer(node));
        }
    }
}

/// What goes wrong.
impl Cluster {
    fn crash(&mut self, node: Node) {
        self.brokers[node].crash(&mut self.env);
        self.process_died(node);
    }

    fn process_died(&mut self, node: Node) {
        self.running[node] = false;
        self.armed[node] = None;
        let now = self.now();
        for (at, peer) in self.env.network.process_died(now, node) {
            let event = Event::Closed {
                node: peer,
                peer: node,
                channels: Channels::ALL,
            };
            self.env.queue.push(at, event);
        }
    }

    fn start(&mut self, node: Node) {
        self.running[node] = true;
        self.env.network.process_started(node);
        self.brokers[node].start(&mut self.env);
        self.rearm(node);
    }

    fn stop(&mut self, node: Node) {
        self.brokers[node].stop(&mut self.env);
        self.rearm(node);
    }

    fn pause(&mut self, node: Node) {
        self.paused[node] = Some(Vec::new());
    }

    fn resume(&mut self, node: Node) {
        for event in self.paused[node].take().into_iter().flatten() {
            self.step(event);
        }
    }

    /// Returns the links between a broker and the other brokers and the controller; clients reach
    /// it.
    fn links(&self, node: Node) -> Vec<(Node, Node)> {
        let others = (0..=self.env.controller().0).map(Node);
        others
            .filter(|other| *other != node)
            .flat_map(|other| [(node, other), (other, node)])
            .collect()
    }

    fn isolate(&mut self, node: Node) {
        for (from, to) in self.links(node) {
            self.env.network.block(from, to);
        }
    }

    fn reunite(&mut self, node: Node) {
        for (from, to) in self.links(node) {
            self.env.unblock(from, to);
        }
    }

    fn leader(&self, partition: PartitionIndex) -> Node {
        self.controller.leader(partition).expect("a leader")
    }

    fn coordinator(&self) -> Node {
        self.leader(self.env.topology.group_offsets())
    }

    /// Returns the group's generation, if it is stable with `members` members.
    fn stable_generation(&self, members: usize) -> Option<Generation> {
        let offsets = self.env.topology.group_offsets();
        let coordinator = self.brokers[self.coordinator()].coordinator(offsets)?;
        coordinator.stable_generation(SCENARIO_GROUP, members)
    }

    fn move_leader(&mut self, partition: PartitionIndex) {
        self.controller.move_leader(&mut self.env, partition);
    }

    fn member(&self, member: u32) -> Node {
        self.env.member_node(MemberId(member))
    }
}
