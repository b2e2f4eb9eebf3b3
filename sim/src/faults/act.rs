//! What faults do, and how it is undone.

use super::target::{directed, found};
use super::{InjectedError, State, Step};
use crate::env::Event;
use crate::protocol::Node;
use crate::topology::PartitionIndex;
use crate::world::World;
use plimsoll_oracle::{BrokerId, MemberId, TraceEvent};
use plimsoll_scenarios::scenario::{Direction, Fault, FaultKind};
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// Between two processes of a rolling restart, where the scenario does not say.
const ROLLING_PAUSE: Duration = Duration::from_secs(5);

/// What ends a fault.
#[derive(Debug)]
pub(super) enum Undo {
    /// It still waits for an effect.
    Disarm,
    Restart(Node),
    Resume(Node),
    Unslow(MemberId),
    Unhang(MemberId),
    EndOutage,
    Unblock(Vec<(Node, Node)>),
    Undelay(Vec<(Node, Node)>),
    Unthrottle(Node),
    ClearErrors,
}

impl World<'_> {
    pub(super) fn begin_fault(&mut self, index: usize, subject: Option<MemberId>) {
        let plan = self.env.plan;
        let fault = &plan.faults[index];
        let member = fault.kind.member();
        let member = member.map(|target| self.resolve_member(target, subject));
        let broker = fault.kind.broker();
        let broker = broker.map(|target| self.resolve_broker(target));
        // Whom it was meant for is not there: nothing happens, and the trace says nothing.
        let (Ok(member), Ok(broker)) = (found(member), found(broker)) else {
            self.faults.states[index] = State::Over;
            return;
        };
        self.env.observe(TraceEvent::FaultBegan {
            fault: fault.id,
            member,
            broker: broker.map(|node| BrokerId(node.0.into())),
        });
        match self.execute(index, fault, member, broker) {
            Some(undo) => {
                // The duration of `crash-after-effect` counts from its crash.
                let has_begun = !matches!(undo, Undo::Disarm);
                self.faults.states[index] = State::Active(undo);
                if has_begun {
                    self.schedule_end(index);
                }
            }
            None => {
                self.faults.states[index] = State::Over;
                self.env.observe(TraceEvent::FaultEnded { fault: fault.id });
            }
        }
    }

    /// Does it; returns what will end it, or `None` where it is over at once.
    fn execute(
        &mut self,
        index: usize,
        fault: &Fault,
        member: Option<MemberId>,
        broker: Option<Node>,
    ) -> Option<Undo> {
        let member_node = member.map(|member| self.env.member_node(member));
        match &fault.kind {
            FaultKind::Crash(_) | FaultKind::BrokerCrash(_) => {
                let node = member_node.or(broker)?;
                self.crash(node);
                Some(Undo::Restart(node))
            }
            FaultKind::Stop(_) | FaultKind::BrokerStop(_) => {
                let node = member_node.or(broker)?;
                self.terminate(node);
                Some(Undo::Restart(node))
            }
            FaultKind::Pause(_) | FaultKind::BrokerPause(_) => {
                let node = member_node.or(broker)?;
                self.pause(node);
                Some(Undo::Resume(node))
            }
            FaultKind::Join(member) => {
                self.faults.joined[member.0 as usize] = true;
                self.start(self.env.member_node(*member));
                None
            }
            FaultKind::RollingRestart | FaultKind::RollingBrokerRestart => {
                self.env
                    .queue
                    .push(self.env.now(), Event::Fault(Step::Roll(index, 0)));
                None
            }
            FaultKind::CrashAfterEffect(_) => {
                self.faults.crash_after_effect[member?.0 as usize] = Some(index);
                Some(Undo::Disarm)
            }
            FaultKind::Slow(_, factor) => {
                self.env.sink.slow(member?, *factor);
                Some(Undo::Unslow(member?))
            }
            FaultKind::HandlerHang(_) => {
                self.env.sink.hang(member?);
                Some(Undo::Unhang(member?))
            }
            FaultKind::HandlerOutage { outcome, share } => {
                self.env.sink.begin_outage(fault.id, *outcome, *share);
                Some(Undo::EndOutage)
            }
            // Its message carries it since the plan was drawn.
            FaultKind::Undecodable(_) => None,
            FaultKind::Partition { .. }
            | FaultKind::Isolate(_)
            | FaultKind::Delay { .. }
            | FaultKind::Cut { .. }
            | FaultKind::LoseResponse(..)
            | FaultKind::Throttle(..)
            | FaultKind::Error { .. } => self.execute_on_network(index, fault, member_node, broker),
            FaultKind::LeaderMove(partition) => {
                let partition = self.env.topology.index(*partition)?;
                self.move_leader(partition)
            }
            FaultKind::CoordinatorMove => self.move_leader(self.env.topology.group_offsets()),
            FaultKind::AddPartitions { topic, count } => {
                self.actors
                    .controller
                    .add_partitions(&mut self.env, *topic, *count);
                self.settle(self.env.controller());
                None
            }
            FaultKind::Retention(partition, share) => {
                let partition = self.env.topology.index(*partition)?;
                let leader = self.actors.controller.leader(partition)?;
                self.actors.brokers[leader].remove_records(&mut self.env, partition, *share);
                self.settle(leader);
                None
            }
        }
    }

    fn execute_on_network(
        &mut self,
        index: usize,
        fault: &Fault,
        member: Option<Node>,
        broker: Option<Node>,
    ) -> Option<Undo> {
        match &fault.kind {
            FaultKind::Partition { direction, .. } => {
                let links = directed(self.links(member?, broker), *direction);
                for (from, to) in &links {
                    self.env.network.block(*from, *to);
                }
                Some(Undo::Unblock(links))
            }
            FaultKind::Isolate(_) => {
                let broker = broker?;
                let others = (0..self.node_count())
                    .map(Node)
                    .filter(|node| *node != broker);
                let links: Vec<_> = others
                    .flat_map(|node| [(node, broker), (broker, node)])
                    .collect();
                for (from, to) in &links {
                    self.env.network.block(*from, *to);
                }
                Some(Undo::Unblock(links))
            }
            FaultKind::Delay { by, .. } => {
                let links = directed(self.links(member?, broker), Direction::Both);
                for (from, to) in &links {
                    self.env.network.delay(*from, *to, *by);
                }
                Some(Undo::Undelay(links))
            }
            FaultKind::Cut { .. } => {
                for (member, broker) in self.links(member?, broker) {
                    self.env.cut(member, broker);
                }
                None
            }
            FaultKind::LoseResponse(_, kind) => {
                self.env.network.lose_response(member?, *kind);
                None
            }
            FaultKind::Throttle(_, by) => {
                self.env.network.throttle(broker?, *by);
                Some(Undo::Unthrottle(broker?))
            }
            FaultKind::Error {
                request,
                error,
                share,
                ..
            } => {
                let rng = Rng::substream(
                    self.env.plan.seed,
                    Purpose::Faults,
                    1 << 32 | u64::from(fault.id.0),
                );
                self.faults.errors.push(InjectedError {
                    fault: index,
                    broker,
                    request: *request,
                    error: *error,
                    share: *share,
                    rng,
                });
                Some(Undo::ClearErrors)
            }
            _ => None,
        }
    }

    pub(super) fn undo(&mut self, index: usize, undo: Undo) {
        match undo {
            Undo::Disarm => {
                self.faults
                    .crash_after_effect
                    .iter_mut()
                    .for_each(|waiting| {
                        if *waiting == Some(index) {
                            *waiting = None;
                        }
                    });
            }
            Undo::Restart(node) => self.restart(node),
            Undo::Resume(node) => self.resume(node),
            Undo::Unslow(member) => self.env.sink.slow(member, 1),
            Undo::Unhang(member) => {
                for handler in self.env.sink.unhang(member) {
                    self.env
                        .queue
                        .push(self.env.now(), Event::HandlerDone(handler));
                }
            }
            Undo::EndOutage => self.env.sink.end_outage(self.env.plan.faults[index].id),
            Undo::Unblock(links) => {
                for (from, to) in links {
                    for held in self.env.network.unblock(from, to) {
                        self.env.resend(held);
                    }
                }
            }
            Undo::Undelay(links) => {
                for (from, to) in links {
                    self.env.network.delay(from, to, Duration::ZERO);
                }
            }
            Undo::Unthrottle(node) => self.env.network.throttle(node, Duration::ZERO),
            Undo::ClearErrors => self
                .faults
                .errors
                .retain(|injected| injected.fault != index),
        }
    }

    /// One process of a rolling restart stops, and starts again as soon as it has; then the next.
    pub(super) fn roll(&mut self, index: usize, process: u32) {
        let fault = &self.env.plan.faults[index];
        let (node, count) = match fault.kind {
            FaultKind::RollingRestart => (
                self.env.member_node(MemberId(process)),
                self.actors.members.len() as u32,
            ),
            _ => (Node(process as u8), self.actors.brokers.len() as u32),
        };
        if process >= count || self.env.now() >= self.env.plan.heal_at {
            return;
        }
        if self.runs(node) {
            self.terminate(node);
            self.restart(node);
        }
        let at = self.env.now() + fault.duration.unwrap_or(ROLLING_PAUSE);
        self.env
            .queue
            .push(at, Event::Fault(Step::Roll(index, process + 1)));
    }

    fn move_leader(&mut self, partition: PartitionIndex) -> Option<Undo> {
        self.actors.controller.move_leader(&mut self.env, partition);
        self.settle(self.env.controller());
        None
    }
}
