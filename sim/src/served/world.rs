//! Brokers and a controller, the queue of what will happen to them, and nodes outside, which come
//! and go.

use super::env::{Env, Said};
use super::host::Host;
use crate::actor::Actor;
use crate::cluster::{Broker, ClusterSettings, Controller};
use crate::network::{Arrival, Envelope};
use crate::protocol::{
    Channel, Channels, Correlation, Dialect, Message, Node, PerBroker, PerNode, Request,
};
use crate::table::DenseId;
use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::Distribution;

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Event<D: Dialect> {
    /// The arrival of a message between brokers and controller.
    Deliver(Envelope<D>),
    /// A request of a node outside, for a process that stood still.
    Ask {
        from: Node,
        to: Node,
        correlation: Correlation,
        request: Request<D>,
    },
    /// What a node outside is to learn later.
    Say(Said<D>),
    /// The news for a node that its connections with a peer are gone.
    Disconnected { node: Node, peer: Node },
    /// A node's earliest deadline.
    Timer(Node),
    /// The start of a process.
    Start(Node),
    /// A request to a process to stop.
    Stop(Node),
}

/// Brokers and a controller.
#[derive(Debug)]
pub(super) struct World<D: Dialect> {
    pub(super) env: Env<D>,
    pub(super) brokers: PerBroker<Broker<D>>,
    pub(super) controller: Controller,
    pub(super) hosts: PerNode<Host<D>>,
    /// Nodes outside that were given, and are free again.
    free: Vec<Node>,
    /// The number of all nodes that were given.
    given: usize,
}

impl<D: Dialect> World<D> {
    /// Creates a cluster, all of whose processes run.
    pub(super) fn new(settings: &ClusterSettings, seed: u64, latency: Distribution) -> Self {
        let nodes = settings.brokers + 1;
        let brokers = (0..settings.brokers).map(Node::from_index);
        let mut world = Self {
            env: Env::new(seed, nodes, latency, settings.partitions),
            brokers: brokers
                .clone()
                .map(|node| Broker::new(settings, node))
                .collect(),
            controller: Controller::new(settings),
            hosts: PerNode::new(nodes, |_| Host::default()),
            free: Vec::new(),
            given: nodes,
        };
        let controller = settings.controller;
        world.hosts[controller].runs = true;
        // All listen before the first of them speaks.
        for node in brokers.clone().chain([controller]) {
            world.env.network.process_started(node);
        }
        brokers.for_each(|node| world.start(node));
        world.settle(controller);
        world
    }

    /// Returns the time of the earliest event.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.env.queue.next_at()
    }

    /// Lets everything happen that is due by `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.next_at().is_some_and(|at| at <= now)
            && let Some(event) = self.env.queue.pop()
        {
            self.env.now = self.env.now.max(self.env.queue.now());
            self.step(event);
        }
        self.env.now = self.env.now.max(now);
    }

    /// Gives a node to a connection from outside; `None`: there are as many as there can be.
    ///
    /// A commit may become readable when its connection is long closed, and is known by its node:
    /// so where logs are observed, none is given again as long as there are others.
    pub(super) fn open(&mut self) -> Option<Node> {
        let fresh = u16::try_from(self.given).ok().map(Node);
        let again = self
            .free
            .pop_if(|_| !self.env.is_observed || fresh.is_none());
        let is_fresh = again.is_none() && fresh.is_some();
        self.given += usize::from(is_fresh);
        again.or(fresh)
    }

    /// Tells a broker that a connection from outside is closed; its node is free as soon as the
    /// broker knows that.
    pub(super) fn close(&mut self, outside: Node, broker: Node) {
        match self.hosts[broker].runs {
            true => self.disconnected(broker, outside),
            false => self.free.push(outside),
        }
    }

    /// Brings a request of a node outside to a broker or the controller.
    pub(super) fn ask(
        &mut self,
        from: Node,
        to: Node,
        correlation: Correlation,
        request: Request<D>,
    ) {
        if self.is_paused(to) {
            let ask = Event::Ask {
                from,
                to,
                correlation,
                request,
            };
            return self.hosts[to].deferred.push(ask);
        }
        if !self.runs(to) {
            return;
        }
        let message = Message::Request(correlation, request);
        self.handle_message(to, from, Channel::Data, message);
    }

    pub(super) fn step(&mut self, event: Event<D>) {
        match event {
            Event::Deliver(envelope) => self.deliver(envelope),
            Event::Ask {
                from,
                to,
                correlation,
                request,
            } => self.ask(from, to, correlation, request),
            Event::Say(said) => self.env.said.push_back(said),
            Event::Disconnected { node, peer } => self.disconnected(node, peer),
            Event::Timer(node) => self.timer(node),
            Event::Start(node) => self.start(node),
            Event::Stop(node) => self.stop(node),
        }
    }

    fn deliver(&mut self, mut envelope: Envelope<D>) {
        let is_late = match self.env.network.arrival(&envelope) {
            Arrival::Now => false,
            Arrival::Late => true,
            Arrival::Later => return self.env.network.hold(self.env.now, envelope),
            Arrival::Never => return,
        };
        let node = envelope.to;
        if self.is_paused(node) {
            envelope.in_kernel = true;
            return self.hosts[node].deferred.push(Event::Deliver(envelope));
        }
        // Brokers close no connection with a request of theirs on it: what is late was broken.
        if !is_late {
            let (from, channel) = (envelope.from, envelope.channel);
            self.handle_message(node, from, channel, envelope.message);
        }
    }

    fn handle_message(&mut self, node: Node, from: Node, channel: Channel, message: Message<D>) {
        match self.brokers.get_mut(node) {
            Some(broker) => broker.handle_message(&mut self.env, from, channel, message),
            None => self
                .controller
                .handle_message(&mut self.env, from, channel, message),
        }
        self.settle(node);
    }

    fn disconnected(&mut self, node: Node, peer: Node) {
        if self.is_paused(node) {
            let event = Event::Disconnected { node, peer };
            return self.hosts[node].deferred.push(event);
        }
        if self.hosts[node].runs {
            self.actor(node, |actor, env| {
                actor.handle_disconnected(env, peer, Channels::ALL)
            });
        }
        if self.env.is_outside(peer) {
            self.free.push(peer);
        }
    }

    fn timer(&mut self, node: Node) {
        if self.is_paused(node) {
            return self.hosts[node].deferred.push(Event::Timer(node));
        }
        let host = &mut self.hosts[node];
        // A timer that an earlier one has overtaken, or of a process that died.
        if host.armed.is_none_or(|armed| armed > self.env.now) || !host.runs {
            return;
        }
        host.armed = None;
        self.actor(node, |actor, env| actor.handle_timeout(env));
    }

    /// Lets the broker or the controller at a node do something.
    pub(super) fn actor(
        &mut self,
        node: Node,
        act: impl FnOnce(&mut dyn Actor<D, Env<D>>, &mut Env<D>),
    ) {
        match self.brokers.get_mut(node) {
            Some(broker) => act(broker, &mut self.env),
            None => act(&mut self.controller, &mut self.env),
        }
        self.settle(node);
    }

    /// Frees the nodes whose end a process had yet to learn of when it died.
    pub(super) fn free_unheard(&mut self, unheard: Vec<Event<D>>) {
        for event in unheard {
            if let Event::Disconnected { peer, .. } = event
                && self.env.is_outside(peer)
            {
                self.free.push(peer);
            }
        }
    }
}
