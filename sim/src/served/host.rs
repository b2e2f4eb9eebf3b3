//! Processes of brokers: they start, stand still, stop and die, and the world around them notices.

use super::env::{Env, Said};
use super::world::{Event, World};
use crate::actor::Actor;
use crate::protocol::{Dialect, Node};
use plimsoll_core::Instant;
use std::mem;

/// What the operating system of a node knows of its process.
#[derive(Debug)]
pub(super) struct Host<D: Dialect> {
    /// Time of the earliest timer event in the queue that still counts.
    pub(super) armed: Option<Instant>,
    /// Whether the process stands still.
    paused: bool,
    /// Events that wait for a process that stands still.
    pub(super) deferred: Vec<Event<D>>,
    /// Whether the process ran after the last event.
    pub(super) runs: bool,
    /// Whether it accepted connections then.
    is_open: bool,
    /// Whether the process was asked to stop.
    stopping: bool,
    /// Whether to start the process again as soon as it has stopped.
    restart: bool,
    /// Whether the host is cut off from the other brokers and the controller.
    isolated: bool,
}

impl<D: Dialect> Default for Host<D> {
    fn default() -> Self {
        Self {
            armed: None,
            paused: false,
            deferred: Vec::new(),
            runs: false,
            is_open: false,
            stopping: false,
            restart: false,
            isolated: false,
        }
    }
}

impl<D: Dialect> World<D> {
    /// Returns whether a broker's process runs, paused or not.
    pub(super) fn runs(&self, node: Node) -> bool {
        self.hosts[node].runs
    }

    /// Returns whether a broker accepts connections.
    pub(super) fn is_open(&self, node: Node) -> bool {
        self.hosts[node].is_open
    }

    /// Returns whether a broker's process was asked to stop, and has not ended yet.
    pub(super) fn is_stopping(&self, node: Node) -> bool {
        self.hosts[node].stopping
    }

    /// Returns whether a broker's process stands still.
    pub(super) fn is_paused(&self, node: Node) -> bool {
        self.hosts[node].paused
    }

    /// Starts a process that does not run; one that is stopping starts again when it has ended.
    pub(super) fn start(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        if host.runs {
            host.restart = host.stopping;
            return;
        }
        host.runs = true;
        for peer in self.env.network.process_started(node) {
            let event = Event::Disconnected {
                node: peer,
                peer: node,
            };
            self.env.queue.push(self.env.now, event);
        }
        self.actor(node, |actor, env| actor.start(env));
    }

    /// Kills a process.
    pub(super) fn crash(&mut self, node: Node) {
        if self.runs(node) {
            self.hosts[node].restart = false;
            self.actor(node, |actor, env| actor.crash(env));
        }
    }

    /// Asks a process to stop.
    pub(super) fn stop(&mut self, node: Node) {
        if self.is_paused(node) {
            return self.hosts[node].deferred.push(Event::Stop(node));
        }
        // A process that was asked already is not asked again.
        if self.runs(node) && !mem::replace(&mut self.hosts[node].stopping, true) {
            self.actor(node, |actor, env| actor.stop(env));
        }
    }

    /// Makes a process stand still. What is sent to it waits in its kernel.
    pub(super) fn pause(&mut self, node: Node) {
        self.hosts[node].paused = self.runs(node);
    }

    /// Lets a process go on, with all that waited for it.
    pub(super) fn resume(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        host.paused = false;
        for event in mem::take(&mut host.deferred) {
            self.step(event);
        }
    }

    /// Settles what follows from something that happened in a process: it may have ended, accept
    /// connections or none, or have an earlier deadline.
    pub(super) fn settle(&mut self, node: Node) {
        let (runs, is_open, timeout) = self.state(node);
        let host = &mut self.hosts[node];
        if mem::replace(&mut host.is_open, is_open) != is_open {
            self.env.said.push_back(match is_open {
                true => Said::Opened(node),
                false => Said::Closed(node),
            });
        }
        if host.runs && !runs {
            return self.process_died(node);
        }
        if let Some(at) = timeout
            && host.armed.is_none_or(|armed| at < armed)
        {
            host.armed = Some(at);
            self.env.queue.push(at, Event::Timer(node));
        }
    }

    /// Returns whether the process at a node runs, whether it accepts connections, and its earliest
    /// deadline.
    fn state(&self, node: Node) -> (bool, bool, Option<Instant>) {
        fn of<D: Dialect>(actor: &impl Actor<D, Env<D>>) -> (bool, Option<Instant>) {
            (actor.is_running(), actor.next_timeout())
        }
        let (is_open, (runs, timeout)) = match self.brokers.get(node) {
            Some(broker) => (broker.is_open(), of::<D>(broker)),
            None => (true, of::<D>(&self.controller)),
        };
        (runs, is_open, timeout)
    }

    fn process_died(&mut self, node: Node) {
        let isolated = self.hosts[node].isolated;
        let next = Host {
            isolated,
            ..Host::default()
        };
        let host = mem::replace(&mut self.hosts[node], next);
        self.free_unheard(host.deferred);
        let now = self.env.now;
        for (at, peer) in self.env.network.process_died(now, node) {
            let event = Event::Disconnected {
                node: peer,
                peer: node,
            };
            self.env.queue.push(at, event);
        }
        if host.restart {
            self.env.queue.push(now, Event::Start(node));
        }
    }
}

/// The network between brokers and controller.
impl<D: Dialect> World<D> {
    /// Cuts a broker off from the other brokers and the controller.
    pub(super) fn isolate(&mut self, node: Node) {
        if !mem::replace(&mut self.hosts[node].isolated, true) {
            for (from, to) in self.links(node) {
                self.env.network.block(from, to);
            }
        }
    }

    /// Ends what `isolate` began.
    pub(super) fn reunite(&mut self, node: Node) {
        if mem::take(&mut self.hosts[node].isolated) {
            for (from, to) in self.links(node) {
                self.env.unblock(from, to);
            }
        }
    }

    fn links(&self, node: Node) -> Vec<(Node, Node)> {
        let others = self.hosts.ids().filter(|other| *other != node);
        others
            .flat_map(|other| [(node, other), (other, node)])
            .collect()
    }
}
