//! Processes: they start, stand still, stop and die, and the world around them notices.

use crate::env::Event;
use crate::protocol::{Channels, Node};
use crate::world::World;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, TraceEvent};
use plimsoll_scenarios::schedule::ProcessId;

/// What the operating system of a node knows of its process.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// Time of the earliest timer event in the queue that still counts.
    pub(crate) armed: Option<Instant>,
    /// Number of `pause` faults that hold the process.
    pub(crate) pauses: u32,
    /// Events that wait for a paused process.
    pub(crate) deferred: Vec<Event>,
    /// Whether the process ran after the last event.
    pub(crate) runs: bool,
    /// Whether the process was asked to stop.
    pub(crate) stopping: bool,
    /// Whether to start the process again as soon as it has stopped.
    pub(crate) restart: bool,
    /// Number of processes so far that another one followed at once.
    absences: u32,
}

impl World<'_> {
    /// Returns whether a process runs, paused or not.
    pub(crate) fn runs(&self, node: Node) -> bool {
        self.hosts[node].runs
    }

    /// Returns whether a process that was to stop and start again has done both.
    pub(crate) fn has_restarted(&self, node: Node) -> bool {
        let host = &self.hosts[node];
        host.runs && !host.stopping && !host.restart
    }

    pub(crate) fn is_paused(&self, node: Node) -> bool {
        self.hosts[node].pauses > 0
    }

    pub(crate) fn defer(&mut self, node: Node, event: Event) {
        self.hosts[node].deferred.push(event);
    }

    /// Starts a process that does not run.
    pub(crate) fn start(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        if host.runs {
            return;
        }
        host.runs = true;
        host.restart = false;
        for peer in self.env.network.process_started(node) {
            let now = self.env.now();
            self.env.queue.push(
                now,
                Event::Closed {
                    node: peer,
                    peer: node,
                    channels: Channels::ALL,
                },
            );
        }
        if let Some(member) = self.env.member_at(node) {
            self.env.observe(TraceEvent::MemberStarted { member });
        }
        self.actors[node].start(&mut self.env);
        self.settle(node);
    }

    /// Starts a process, now or as soon as the one that is stopping has ended.
    pub(crate) fn restart(&mut self, node: Node) {
        if self.runs(node) {
            self.hosts[node].restart = true;
        } else {
            self.start(node);
        }
    }

    /// Kills a process.
    pub(crate) fn crash(&mut self, node: Node) {
        if !self.runs(node) {
            return;
        }
        self.actors[node].crash(&mut self.env);
        if let Some(member) = self.env.member_at(node) {
            self.env.observe(TraceEvent::MemberCrashed { member });
        }
        self.process_died(node);
    }

    /// Asks a process to stop.
    pub(crate) fn terminate(&mut self, node: Node) {
        if self.is_paused(node) {
            return self.defer(node, Event::Terminate(node));
        }
        // A process that was asked already is not asked again.
        if !self.runs(node) || self.hosts[node].stopping {
            return;
        }
        self.hosts[node].stopping = true;
        if let Some(member) = self.env.member_at(node) {
            self.env.observe(TraceEvent::MemberStopping { member });
        }
        self.actors[node].stop(&mut self.env);
        self.settle(node);
    }

    /// Makes a process stand still.
    pub(crate) fn pause(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        host.pauses += 1;
        if let (1, Some(member)) = (host.pauses, self.env.member_at(node)) {
            self.env.observe(TraceEvent::MemberPaused { member });
        }
    }

    /// Lets a process go on, with all that waited for it.
    pub(crate) fn resume(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        if host.pauses == 0 {
            return;
        }
        host.pauses -= 1;
        if host.pauses > 0 {
            return;
        }
        let deferred = std::mem::take(&mut host.deferred);
        if let Some(member) = self.env.member_at(node) {
            self.env.observe(TraceEvent::MemberResumed { member });
        }
        for event in deferred {
            if self.is_paused(node) {
                self.defer(node, event);
            } else {
                self.step(event);
            }
        }
    }

    pub(crate) fn process_died(&mut self, node: Node) {
        let host = &mut self.hosts[node];
        host.runs = false;
        host.stopping = false;
        host.armed = None;
        host.pauses = 0;
        host.deferred.clear();
        let restart = std::mem::take(&mut host.restart);
        if let Some(member) = self.env.member_at(node) {
            self.env.kill_handlers(member);
        }
        let now = self.env.now();
        for (at, peer) in self.env.network.process_died(now, node) {
            let event = Event::Closed {
                node: peer,
                peer: node,
                channels: Channels::ALL,
            };
            self.env.queue.push(at, event);
        }
        if restart {
            let host = &mut self.hosts[node];
            host.absences += 1;
            let process = match self.env.member_at(node) {
                Some(member) => ProcessId::Member(member),
                None => ProcessId::Broker(BrokerId(node.0.into())),
            };
            let absence = self.env.plan.absence(process, host.absences);
            self.env.queue.push(now + absence, Event::Start(node));
        }
    }
}
