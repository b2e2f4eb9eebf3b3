//! What faults do, and how it is undone.

use super::InjectedError;
use crate::env::Event;
use crate::protocol::{Channels, Node, SCENARIO_GROUP};
use crate::topology::PartitionIndex;
use crate::world::World;
use plimsoll_core::{NextOffset, TopicPartition};
use plimsoll_oracle::{MemberId, RequestKind};
use plimsoll_scenarios::Rng;
use plimsoll_scenarios::scenario::{Direction, Fault, FaultKind, ResetTo};
use plimsoll_scenarios::schedule::{Act, FaultIndex, Target};
use std::time::Duration;

impl World<'_> {
    /// Does a fault, or undoes it. `None` where there was nothing that it could change, which some
    /// kinds know only when they are undone.
    pub(super) fn act(&mut self, index: FaultIndex, act: Act, target: Target) -> Option<()> {
        use Act::{Do, Undo};
        use FaultKind as K;
        let fault = index.of(self.env.plan);
        let member = target.member;
        let node = member.map(|member| self.env.member_node(member));
        let broker = target.broker.map(|broker| Node(broker.0 as u16));
        match (&fault.kind, act) {
            (K::Crash { .. } | K::CrashAfterEffect { .. }, Do) => self.crash(node?),
            (K::Stop { .. }, Do) => self.stop(node?)?,
            (K::Crash { .. } | K::CrashAfterEffect { .. } | K::Stop { .. }, Undo) => {
                self.restart(node?);
            }
            (K::Pause { .. }, Do) => self.pause(node?),
            (K::Pause { .. }, Undo) => self.resume(node?),
            (K::BrokerCrash { .. }, Do) => self.crash(broker?),
            (K::BrokerStop { .. }, Do) => self.stop(broker?)?,
            (K::BrokerCrash { .. } | K::BrokerStop { .. }, Undo) => self.restart(broker?),
            (K::BrokerPause { .. }, Do) => self.pause(broker?),
            (K::BrokerPause { .. }, Undo) => self.resume(broker?),
            (K::Join { member }, _) => self.join(*member)?,
            // The schedule asks for each restart by itself.
            (K::RollingRestart | K::RollingBrokerRestart, _) => {}
            (K::Slow { by, .. }, Do) => self.env.sink.attempts.slow(member?, by.0),
            (K::Slow { .. }, Undo) => {
                self.env.sink.attempts.unslow(member?).then_some(())?;
            }
            (K::HandlerHang { .. }, Do) => self.env.sink.attempts.hang(member?),
            (K::HandlerHang { .. }, Undo) => self.unhang(member?)?,
            (K::HandlerOutage { outcome, share }, Do) => {
                let attempts = &mut self.env.sink.attempts;
                attempts.begin_outage(fault.id, (*outcome).into(), share.0);
            }
            (K::HandlerOutage { .. }, Undo) => {
                self.env.sink.attempts.end_outage(fault.id).then_some(())?;
            }
            // Its message carries it since the plan was drawn.
            (K::Undecodable { .. }, _) => {}
            (K::Partition { direction, .. }, act) => {
                self.block(act, self.links(node?, broker, *direction));
            }
            (K::Isolate { .. }, act) => self.block(act, self.links_of(broker?)),
            (K::Delay { by, .. }, Do) => self.delay(self.links(node?, broker, BOTH), *by),
            (K::Delay { .. }, Undo) => self.delay(self.links(node?, broker, BOTH), Duration::ZERO),
            (K::Cut { .. }, _) => {
                for (member, broker) in self.links(node?, broker, Direction::Requests) {
                    self.env.cut(member, broker, Channels::ALL);
                }
            }
            (K::LoseResponse { request, .. }, _) => self.lose_response(member?, *request),
            (K::Throttle { by, .. }, Do) => self.env.network.throttle(broker?, *by),
            (K::Throttle { .. }, Undo) => self.env.network.throttle(broker?, Duration::ZERO),
            (K::Error { .. }, Do) => self.inject_error(index, fault, broker)?,
            (K::Error { .. }, Undo) => self.end_error(index)?,
            (K::LeaderMove { partition }, _) => {
                self.move_leader(self.env.topology.index(*partition)?)?;
            }
            (K::CoordinatorMove, _) => self.move_leader(self.env.topology.group_offsets())?,
            (K::Rebalance, _) => self.rebalance()?,
            (K::AddPartitions { topic, count }, _) => self.add_partitions(topic.0, count.0),
            (K::Retention { partition, share }, _) => self.remove_records(*partition, share.0)?,
            (K::OffsetsReset { partition, to }, _) => self.reset_offset(*partition, *to)?,
        }
        Some(())
    }

    /// Asks a process to stop that was not asked before.
    fn stop(&mut self, node: Node) -> Option<()> {
        if self.hosts[node].stopping {
            return None;
        }
        self.terminate(node);
        Some(())
    }

    /// Starts a member that does not run.
    fn join(&mut self, member: MemberId) -> Option<()> {
        let node = self.env.member_node(member);
        if self.runs(node) {
            return None;
        }
        self.start(node);
        Some(())
    }

    /// Loses the response to the member's next request of this kind.
    fn lose_response(&mut self, member: MemberId, request: RequestKind) {
        let (node, sharing) = (
            self.env.member_node(member),
            self.actors.members[member].sharing(),
        );
        self.env.network.lose_response(node, sharing, request);
    }

    /// Lets the handlers of a member go on that hang.
    fn unhang(&mut self, member: MemberId) -> Option<()> {
        let hung = self.env.sink.attempts.has_hung(member);
        for handler in self.env.sink.unhang(member) {
            let now = self.env.now();
            self.env.queue.push(now, Event::HandlerDone(handler));
        }
        hung.then_some(())
    }

    /// Blocks links, or opens them again and sends on what they held.
    fn block(&mut self, act: Act, links: Vec<(Node, Node)>) {
        for (from, to) in links {
            match act {
                Act::Do => self.env.network.block(from, to),
                Act::Undo => self.env.unblock(from, to),
            }
        }
    }

    /// Makes links slower; zero ends it.
    fn delay(&mut self, links: Vec<(Node, Node)>, by: Duration) {
        for (from, to) in links {
            self.env.network.delay(from, to, by);
        }
    }

    fn inject_error(
        &mut self,
        index: FaultIndex,
        fault: &Fault,
        broker: Option<Node>,
    ) -> Option<()> {
        let FaultKind::Error {
            request,
            error,
            partition,
            share,
            ..
        } = fault.kind
        else {
            return None;
        };
        let partition = match partition {
            Some(partition) => Some(self.env.topology.index(partition)?),
            None => None,
        };
        self.faults.errors.push(InjectedError {
            fault: index,
            broker,
            request,
            partition,
            error,
            share: share.0,
            rng: Rng::of_requests(self.env.plan.seed, fault.id),
            used: false,
        });
        Some(())
    }

    fn end_error(&mut self, index: FaultIndex) -> Option<()> {
        let mut errors = self.faults.errors.iter();
        let error = errors.position(|error| error.fault == index)?;
        // The rest keep their order: the first that hits answers a request.
        self.faults.errors.remove(error).used.then_some(())
    }

    fn move_leader(&mut self, partition: PartitionIndex) -> Option<()> {
        let controller = &mut self.actors.controller;
        let moved = controller.move_leader(&mut self.env, partition);
        self.settle(self.env.controller());
        moved.then_some(())
    }

    /// Lets the group rebalance, where it is stable.
    fn rebalance(&mut self) -> Option<()> {
        let offsets = self.env.topology.group_offsets();
        let coordinator = self.actors.controller.leader(offsets)?;
        let broker = &mut self.actors.brokers[coordinator];
        let begins = broker.rebalance_group(&mut self.env, SCENARIO_GROUP);
        self.settle(coordinator);
        begins.then_some(())
    }

    fn add_partitions(&mut self, topic: u32, count: u32) {
        let partitions = self.env.topology.of_topic(topic);
        let controller = &mut self.actors.controller;
        controller.add_partitions(&mut self.env, partitions, count);
        self.settle(self.env.controller());
    }

    fn remove_records(&mut self, partition: TopicPartition, share: f64) -> Option<()> {
        let partition = self.env.topology.index(partition)?;
        let leader = self.actors.controller.leader(partition)?;
        let broker = &mut self.actors.brokers[leader];
        let removed = broker.remove_records(&mut self.env, partition, share);
        self.settle(leader);
        removed.then_some(())
    }

    fn reset_offset(&mut self, partition: TopicPartition, to: ResetTo) -> Option<()> {
        let index = self.env.topology.index(partition)?;
        let leader = self.actors.controller.leader(index)?;
        let (start, end) = self.actors.brokers[leader].log_ends(index);
        let next = NextOffset::new(to.within(start.get(), end.get()));
        let offsets = self.env.topology.group_offsets();
        let coordinator = self.actors.controller.leader(offsets)?;
        let broker = &mut self.actors.brokers[coordinator];
        broker.reset_offset(&mut self.env, SCENARIO_GROUP, index, next)?;
        self.settle(coordinator);
        Some(())
    }

    /// Returns the links between a member and a broker, or all brokers: from the member for
    /// requests, to it for responses.
    fn links(&self, member: Node, broker: Option<Node>, way: Direction) -> Vec<(Node, Node)> {
        let mut links = Vec::new();
        for hit in self.env.brokers() {
            if broker.is_some_and(|broker| broker != hit) {
                continue;
            }
            if matches!(way, Direction::Both | Direction::Requests) {
                links.push((member, hit));
            }
            if matches!(way, Direction::Both | Direction::Responses) {
                links.push((hit, member));
            }
        }
        links
    }

    /// Returns the links between a broker and all other nodes.
    fn links_of(&self, broker: Node) -> Vec<(Node, Node)> {
        let others = self.hosts.ids().filter(|node| *node != broker);
        others
            .flat_map(|node| [(node, broker), (broker, node)])
            .collect()
    }
}

const BOTH: Direction = Direction::Both;
