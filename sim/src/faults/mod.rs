//! Faults: carries the steps of the plan's schedule into the world ([`act`]: what they do).

mod act;

use crate::client::Member;
use crate::cluster::Controller;
use crate::env::{Event, Moments};
use crate::host::Host;
use crate::nodes::Nodes;
use crate::protocol::{Node, PerNode, Request};
use crate::table::PerMember;
use crate::topology::{PartitionIndex, Topology};
use crate::world::World;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, ErrorName, MemberId, RequestKind};
use plimsoll_scenarios::schedule::{Done, FaultIndex, FaultSchedule, ProcessId, Situation, Step};
use plimsoll_scenarios::{Plan, Rng};

/// A plan's faults: their schedule, and what of them does not belong to an actor.
#[derive(Debug)]
pub(crate) struct Faults {
    schedule: FaultSchedule,
    /// The number of entries of the trace that the schedule has seen.
    seen: usize,
    /// The processes that a rolling restart has stopped and that are not back.
    restarting: Vec<(FaultIndex, ProcessId)>,
    errors: Vec<InjectedError>,
}

#[derive(Debug)]
struct InjectedError {
    fault: FaultIndex,
    broker: Option<Node>,
    request: RequestKind,
    /// The one partition for which it answers; `None`: all that the request names.
    partition: Option<PartitionIndex>,
    error: ErrorName,
    share: f64,
    rng: Rng,
    /// Whether it has answered any request.
    used: bool,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            schedule: FaultSchedule::new(plan),
            seen: 0,
            restarting: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Returns whether what happens may concern a fault.
    #[inline]
    pub(crate) fn are_waiting(&self) -> bool {
        self.schedule.is_waiting() | !self.restarting.is_empty()
    }

    /// Returns whether a member is to run when everything is healed.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.schedule.has_joined(member)
    }

    /// Returns the error with which an `error` fault answers a client's request at a broker, and
    /// the one partition for which it does; `None`: all that the request names.
    #[inline]
    pub(crate) fn injected_error(
        &mut self,
        broker: Node,
        request: &Request,
    ) -> Option<(ErrorName, Option<PartitionIndex>)> {
        if self.errors.is_empty() {
            return None;
        }
        let kind = request.kind();
        self.errors.iter_mut().find_map(|injected| {
            let hit = injected.broker.is_none_or(|hit| hit == broker)
                && Some(injected.request) == kind
                && injected.partition.is_none_or(|of| request.names(of))
                && injected.rng.chance(injected.share);
            injected.used |= hit;
            hit.then_some((injected.error, injected.partition))
        })
    }
}

/// When faults have something to do.
impl World<'_> {
    /// Sets the timers of the faults that have a time.
    pub(crate) fn begin_faults(&mut self) {
        self.env.moments.are_wanted = self.faults.schedule.waits_for_moments();
        for fault in self.faults.schedule.faults() {
            self.drive_fault(fault);
        }
    }

    /// Tells the schedule that the timer of a fault is due.
    pub(crate) fn fault_timer(&mut self, fault: FaultIndex) {
        self.faults.schedule.handle_timeout(fault);
        self.drive_fault(fault);
    }

    /// Shows the schedule what is new in the trace, and the processes that are back.
    pub(crate) fn look_at_faults(&mut self) {
        while self.faults.schedule.is_waiting() && self.faults.seen < self.env.trace.entries().len()
        {
            let event = self.env.trace.entries()[self.faults.seen].event;
            self.faults.seen += 1;
            let now = self.env.now();
            for fault in self.faults.schedule.faults() {
                if self.faults.schedule.handle_observation(now, fault, &event) {
                    self.drive_fault(fault);
                }
            }
        }
        for index in 0..self.env.moments.new.len() {
            let (member, moment) = self.env.moments.new[index];
            let now = self.env.now();
            for fault in self.faults.schedule.faults() {
                let schedule = &mut self.faults.schedule;
                if schedule.handle_moment(now, fault, member, moment) {
                    self.drive_fault(fault);
                }
            }
        }
        if self.env.moments.are_wanted {
            self.env.moments.new.clear();
            self.env.moments.are_wanted = self.faults.schedule.waits_for_moments();
        }
        while let Some(index) = self.find_restarted() {
            let (fault, _) = self.faults.restarting.swap_remove(index);
            self.faults.schedule.handle_done(fault, Done::Changed);
            self.drive_fault(fault);
        }
    }

    /// Shows the schedule that a handler of the member wrote its effect, before the result reaches
    /// the process.
    pub(crate) fn effect_written(&mut self, member: MemberId) {
        if self.faults.are_waiting() {
            self.look_at_faults();
        }
        if let Some(fault) = self.faults.schedule.handle_effect(member) {
            self.drive_fault(fault);
        }
    }

    /// Ends all faults: the safety phase is over.
    pub(crate) fn end_all_faults(&mut self) {
        self.env.network.lose_no_response();
        self.faults.schedule.handle_healing();
        self.env.moments = Moments::default();
        self.faults.restarting.clear();
        for fault in self.faults.schedule.faults() {
            self.drive_fault(fault);
        }
    }

    /// Does what is to be done for a fault.
    fn drive_fault(&mut self, fault: FaultIndex) {
        if !self.faults.schedule.is_waiting() {
            // What is in the trace already is nothing that a fault will wait for.
            self.faults.seen = self.env.trace.entries().len();
        }
        while let Some(step) = self.poll_fault_step(fault) {
            match step {
                Step::Observe(event) => self.env.observe(event),
                Step::Act(act, target) => {
                    let done = Done::from(self.act(fault, act, target).is_some());
                    self.faults.schedule.handle_done(fault, done);
                }
                Step::Restart(process) => {
                    let node = self.node_of(process);
                    self.terminate(node);
                    self.restart(node);
                    self.faults.restarting.push((fault, process));
                }
                Step::WakeAt(at) => self.env.queue.push(at, Event::Fault(fault)),
            }
        }
    }

    fn poll_fault_step(&mut self, fault: FaultIndex) -> Option<Step> {
        let now = self.env.now();
        let situation = Overview {
            hosts: &self.hosts,
            members: &self.actors.members,
            controller: &self.actors.controller,
            topology: &self.env.topology,
            nodes: self.env.nodes,
        };
        self.faults.schedule.poll_step(now, fault, &situation)
    }

    /// Finds a process of a rolling restart that is back: a member, when its process runs again; a
    /// broker, when besides all replicas of all partitions are in sync, so that the next one may
    /// stop.
    fn find_restarted(&self) -> Option<usize> {
        let mut restarting = self.faults.restarting.iter();
        restarting.position(|(_, process)| match process {
            ProcessId::Member(_) => self.has_restarted(self.node_of(*process)),
            ProcessId::Broker(_) => {
                self.has_restarted(self.node_of(*process)) && self.actors.controller.is_healthy()
            }
        })
    }

    fn node_of(&self, process: ProcessId) -> Node {
        match process {
            ProcessId::Member(member) => self.env.member_node(member),
            ProcessId::Broker(broker) => Node(broker.0 as u16),
        }
    }
}

/// The world as the schedule asks for it.
struct Overview<'a> {
    hosts: &'a PerNode<Host>,
    members: &'a PerMember<Member>,
    controller: &'a Controller,
    topology: &'a Topology,
    nodes: Nodes,
}

impl Situation for Overview<'_> {
    fn member_runs(&self, member: MemberId) -> bool {
        self.hosts[self.nodes.member(member)].runs
    }

    fn broker_runs(&self, broker: BrokerId) -> bool {
        self.hosts[Node(broker.0 as u16)].runs
    }

    fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        let mut members = self.members.iter();
        let owner = members.find(|(_, member)| member.owns(partition))?;
        Some(owner.0)
    }

    fn busiest(&self) -> Option<MemberId> {
        let members = self.members.iter().rev();
        let busiest = members.max_by_key(|(_, member)| member.owned())?;
        Some(busiest.0)
    }

    fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        let index = self.topology.index(partition)?;
        let leader = self.controller.leader(index);
        leader.map(|node| BrokerId(node.0.into()))
    }

    fn coordinator(&self) -> Option<BrokerId> {
        let leader = self.controller.leader(self.topology.group_offsets());
        leader.map(|node| BrokerId(node.0.into()))
    }

    /// Returns `false`: a process starts, and links open, at the moment of their fault's end.
    fn brokers_take_time(&self) -> bool {
        false
    }
}
