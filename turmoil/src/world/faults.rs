//! What faults do, and how it is undone: as `plimsoll-sim` does it, in the same order.

use super::World;
use super::situation::Overview;
use crate::net::{self, Way};
use crate::{broker_host, member_host};
use plimsoll_oracle::{BrokerId, MemberId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Direction, Fault, FaultKind};
use plimsoll_scenarios::schedule::{Act, Done, FaultIndex, ProcessId, Step, Target};
use plimsoll_serve::inside::{self, TOOL};
use plimsoll_sim::served::{Faulty, kafka_id};
use std::time::Duration;

impl World {
    /// Does what is to be done for a fault.
    pub(super) fn drive(&mut self, fault: FaultIndex) {
        loop {
            let now = self.now();
            let situation = Overview {
                plan: &self.plan,
                report: self.brokers.report(),
                processes: &self.processes,
                owners: &self.owners,
            };
            let Some(step) = self.schedule.poll_step(now, fault, &situation) else {
                return;
            };
            match step {
                Step::Observe(event) => self.observe(event),
                Step::Act(act, target) => match self.act(fault, act, target) {
                    Some(done) => self.schedule.handle_done(fault, done),
                    None => return,
                },
                Step::Restart(process) => {
                    self.restarting.push((fault, process));
                    self.roll(process);
                }
                Step::WakeAt(at) => {
                    self.timers.insert((at, fault));
                }
            }
        }
    }

    /// Takes in that what a fault does, or its undoing, is done.
    pub(super) fn done(&mut self, fault: FaultIndex, done: Done) {
        self.schedule.handle_done(fault, done);
        self.drive(fault);
    }

    /// Takes a fault out whose process is back: a member, when its process runs again; a broker,
    /// when besides all replicas of all partitions are in sync, so that the next one may stop.
    pub(super) fn take_restarted(&mut self) -> Option<FaultIndex> {
        if self.restarting.is_empty() {
            return None;
        }
        let report = self.brokers.report();
        let is_whole = self.brokers.cluster.is_whole();
        let serves = |broker| report.serving().any(|id| id == kafka_id(broker));
        let place = self
            .restarting
            .iter()
            .position(|(_, process)| match process {
                ProcessId::Member(member) => self.processes[member.0 as usize].has_restarted(),
                ProcessId::Broker(broker) => is_whole && serves(*broker),
            });
        place.map(|place| self.restarting.remove(place).0)
    }

    /// Stops a process, which is to start again as soon as it has ended.
    fn roll(&mut self, process: ProcessId) {
        match process {
            ProcessId::Member(member) => {
                self.stop(member);
                self.restart(member);
            }
            ProcessId::Broker(broker) => {
                let at = self.brokers.at(self.now());
                // The plan is of this cluster.
                let _ = self.brokers.cluster.stop(at, kafka_id(broker));
                self.come_back(process);
            }
        }
    }

    /// Does a fault, or undoes it; `None`: it takes its time, and is told when it is done.
    fn act(&mut self, index: FaultIndex, act: Act, target: Target) -> Option<Done> {
        let plan = self.plan.clone();
        let fault = index.of(&plan);
        Some(match &fault.kind {
            FaultKind::Join { member } => Done::from(self.start(*member)),
            // The schedule asks for each restart by itself; a message carries its own fate since
            // the plan was drawn.
            FaultKind::RollingRestart
            | FaultKind::RollingBrokerRestart
            | FaultKind::Undecodable { .. } => Done::Changed,
            FaultKind::HandlerOutage { .. } => self.act_on_sink(fault, act, MemberId::default()),
            FaultKind::AddPartitions { .. }
            | FaultKind::Retention { .. }
            | FaultKind::OffsetsReset { .. } => {
                if let Some(shared) = self.shared() {
                    tokio::spawn(inside::carry_out(shared, plan.clone(), index));
                }
                return None;
            }
            _ => match target.member {
                Some(member) => self.act_on_member(fault, act, member, target.broker),
                None => self.act_on_cluster((&plan, fault), act, target.broker),
            },
        })
    }

    /// Does a fault of a process of a member, of its handlers, or of its network.
    fn act_on_member(
        &mut self,
        fault: &Fault,
        act: Act,
        member: MemberId,
        broker: Option<BrokerId>,
    ) -> Done {
        use Act::{Do, Undo};
        use FaultKind as K;
        let now = self.now();
        match (&fault.kind, act) {
            (K::Crash { .. } | K::CrashAfterEffect { .. }, Do) => self.crash(member),
            (K::Stop { .. }, Do) => return Done::from(self.stop(member)),
            (K::Crash { .. } | K::CrashAfterEffect { .. } | K::Stop { .. }, Undo) => {
                self.restart(member);
            }
            (K::Pause { .. }, Do) => self.pause(member),
            (K::Pause { .. }, Undo) => self.resume(member),
            (K::Slow { .. } | K::HandlerHang { .. }, _) => {
                return self.act_on_sink(fault, act, member);
            }
            (K::Partition { direction, .. }, Do) => {
                net::block(now, &self.ways(member, broker, *direction));
            }
            (K::Partition { direction, .. }, Undo) => {
                net::unblock(now, &self.ways(member, broker, *direction));
            }
            (K::Delay { by, .. }, Do) => {
                net::delay(&self.ways(member, broker, Direction::Both), *by);
            }
            (K::Delay { .. }, Undo) => {
                let ways = self.ways(member, broker, Direction::Both);
                net::delay(&ways, Duration::ZERO);
            }
            (K::Cut { .. }, _) => self.brokers.cut(now, member, broker),
            (K::LoseResponse { request, .. }, _) => self.brokers.cluster.lose_response(Faulty {
                request: *request,
                broker: None,
                group: None,
                client_id: Some(member.to_string()),
                count: 1,
            }),
            _ => return Done::Vain,
        }
        Done::Changed
    }

    /// Does a fault of handlers: of one member's, or of all.
    fn act_on_sink(&mut self, fault: &Fault, act: Act, member: MemberId) -> Done {
        use Act::{Do, Undo};
        use FaultKind as K;
        let sink = &mut self.handlers.sink;
        match (&fault.kind, act) {
            (K::Slow { by, .. }, Do) => sink.attempts.slow(member, by.0),
            (K::Slow { .. }, Undo) => return Done::from(sink.attempts.unslow(member)),
            (K::HandlerHang { .. }, Do) => sink.attempts.hang(member),
            (K::HandlerHang { .. }, Undo) => {
                let hung = sink.attempts.has_hung(member);
                for handler in sink.unhang(member) {
                    self.handler_done(handler);
                }
                return Done::from(hung);
            }
            (K::HandlerOutage { outcome, share }, Do) => {
                let attempts = &mut sink.attempts;
                attempts.begin_outage(fault.id, (*outcome).into(), share.0);
            }
            (K::HandlerOutage { .. }, Undo) => {
                return Done::from(sink.attempts.end_outage(fault.id));
            }
            _ => return Done::Vain,
        }
        Done::Changed
    }

    /// Does a fault of a broker, of a partition's leader, of the group, or of requests.
    fn act_on_cluster(
        &mut self,
        (plan, fault): (&Plan, &Fault),
        act: Act,
        broker: Option<BrokerId>,
    ) -> Done {
        let now = self.now();
        if let (FaultKind::Isolate { .. }, Some(broker)) = (&fault.kind, broker) {
            match act {
                Act::Do => net::block(now, &self.ways_of(broker)),
                Act::Undo => net::unblock(now, &self.ways_of(broker)),
            }
        }
        let at = self.brokers.at(now);
        let cluster = &mut self.brokers.cluster;
        // As in the simulator, the producer's requests fail too; what tools ask does not.
        let acted = cluster.act(at, (plan, fault), act, broker, TOOL);
        acted.unwrap_or(Done::Vain)
    }

    /// Returns the ways between a member and a broker, or all brokers: from the member for
    /// requests, to it for responses.
    fn ways(&self, member: MemberId, broker: Option<BrokerId>, way: Direction) -> Vec<Way> {
        let member = member_host(member);
        let brokers = (0..self.plan.settings.cluster.brokers).map(BrokerId);
        let meant = brokers.filter(|it| broker.is_none_or(|broker| broker == *it));
        let mut ways = Vec::new();
        for broker in meant.map(broker_host) {
            if matches!(way, Direction::Both | Direction::Requests) {
                ways.push(Way {
                    from: member,
                    to: broker,
                });
            }
            if matches!(way, Direction::Both | Direction::Responses) {
                ways.push(Way {
                    from: broker,
                    to: member,
                });
            }
        }
        ways
    }

    /// Returns the ways between a broker and all members.
    fn ways_of(&self, broker: BrokerId) -> Vec<Way> {
        let members = (0..self.processes.len() as u32).map(MemberId);
        let ways = members.flat_map(|member| self.ways(member, Some(broker), Direction::Both));
        ways.collect()
    }
}
