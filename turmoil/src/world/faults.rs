//! What faults do, and how it is undone: as `plimsoll-sim` does it, in the same order.

use super::World;
use super::brokers::served;
use super::situation::Overview;
use crate::net::{self, Way};
use crate::{broker_host, member_host, tools};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::{BrokerId, MemberId};
use plimsoll_scenarios::scenario::{Direction, Fault, FaultKind};
use plimsoll_scenarios::schedule::{Act, FaultIndex, ProcessId, Step, Target};
use plimsoll_scenarios::{Plan, Purpose, Rng};
use plimsoll_sim::served::{BrokerState, Failing, Faulty, ServedCluster, Unknown};
use std::time::Duration;

/// The outcome of something that a fault did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// Something changed.
    Changed,
    /// There was nothing that could change.
    Vain,
    /// It takes its time, and is told when it is done.
    Later,
}

impl From<bool> for Done {
    fn from(changed: bool) -> Self {
        match changed {
            true => Self::Changed,
            false => Self::Vain,
        }
    }
}

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
                    Done::Changed => self.schedule.handle_done(fault),
                    Done::Vain => self.schedule.handle_vain(fault),
                    Done::Later => return,
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
    pub(crate) fn done(&mut self, fault: FaultIndex, changed: bool) {
        match changed {
            true => self.schedule.handle_done(fault),
            false => self.schedule.handle_vain(fault),
        }
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
        let serves = |broker: BrokerId| {
            let mut brokers = report.brokers.iter();
            brokers.any(|of| of.id == served(broker) && of.state == BrokerState::Serving)
        };
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
                let cluster = &mut self.brokers.cluster;
                // One that stops starts again when it has stopped.
                let _ = cluster.stop(at, served(broker));
                let _ = cluster.start(at, served(broker));
            }
        }
    }

    /// Does a fault, or undoes it.
    fn act(&mut self, index: FaultIndex, act: Act, target: Target) -> Done {
        let plan = self.plan.clone();
        let fault = index.of(&plan);
        match &fault.kind {
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
                    tokio::spawn(tools::carry_out(shared, plan.clone(), index));
                }
                Done::Later
            }
            FaultKind::Error { .. } => self.act_on_requests(&plan, fault, act, target),
            FaultKind::LeaderMove { .. } | FaultKind::CoordinatorMove | FaultKind::Rebalance => {
                self.act_on_cluster(&plan, fault)
            }
            _ => match (target.member, target.broker) {
                (Some(member), broker) => self.act_on_member(fault, act, member, broker),
                (None, Some(broker)) => self.act_on_broker(fault, act, broker),
                (None, None) => Done::Vain,
            },
        }
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
                net::block(&self.ways(member, broker, *direction));
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
            (K::Slow { by, .. }, Do) => sink.slow(member, by.0),
            (K::Slow { .. }, Undo) => return Done::from(sink.unslow(member)),
            (K::HandlerHang { .. }, Do) => sink.hang(member),
            (K::HandlerHang { .. }, Undo) => {
                let hung = sink.has_hung(member);
                for handler in sink.unhang(member) {
                    self.handler_done(handler);
                }
                return Done::from(hung);
            }
            (K::HandlerOutage { outcome, share }, Do) => {
                sink.begin_outage(fault.id, (*outcome).into(), share.0);
            }
            (K::HandlerOutage { .. }, Undo) => return Done::from(sink.end_outage(fault.id)),
            _ => return Done::Vain,
        }
        Done::Changed
    }

    fn act_on_requests(&mut self, plan: &Plan, fault: &Fault, act: Act, target: Target) -> Done {
        let FaultKind::Error {
            request,
            partition,
            error,
            share,
            ..
        } = fault.kind
        else {
            return Done::Vain;
        };
        let number = fault.id.0;
        if act == Act::Undo {
            return Done::from(self.brokers.cluster.end_failing(number));
        }
        let begun = self.brokers.cluster.begin_failing(Failing {
            number,
            request,
            broker: target.broker.map(served),
            partition: partition.map(|partition| named(plan, partition)),
            // As in the simulator, the producer's fail too; what tools ask does not.
            spared: Some(crate::own::CLIENT_ID),
            error,
            share: share.0,
            rng: Rng::substream(plan.seed, Purpose::Faults, 1 << 32 | u64::from(number)),
        });
        Done::from(begun.is_ok())
    }

    /// Does a fault of a partition's leader, or of the group.
    fn act_on_cluster(&mut self, plan: &Plan, fault: &Fault) -> Done {
        let at = self.brokers.at(self.now());
        let group = &plan.settings.consumers.group;
        let cluster = &mut self.brokers.cluster;
        let done = match fault.kind {
            FaultKind::LeaderMove { partition } => {
                let (topic, number) = named(plan, partition);
                cluster.move_leader(at, &topic, number)
            }
            FaultKind::CoordinatorMove => cluster.move_coordinator(at, group),
            _ => cluster.rebalance(at, group),
        };
        Done::from(done == Ok(true))
    }

    fn act_on_broker(&mut self, fault: &Fault, act: Act, broker: BrokerId) -> Done {
        use Act::{Do, Undo};
        let now = self.now();
        let at = self.brokers.at(now);
        match (&fault.kind, act) {
            (FaultKind::Isolate { .. }, Do) => net::block(&self.ways_of(broker)),
            (FaultKind::Isolate { .. }, Undo) => net::unblock(now, &self.ways_of(broker)),
            _ => {}
        }
        let cluster = &mut self.brokers.cluster;
        Done::from(on_cluster(cluster, at, fault, act, served(broker)).is_ok())
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

/// Does to the cluster what a fault does to a broker, or undoes it.
fn on_cluster(
    cluster: &mut ServedCluster,
    at: Instant,
    fault: &Fault,
    act: Act,
    broker: BrokerId,
) -> Result<(), Unknown> {
    use Act::{Do, Undo};
    match (&fault.kind, act) {
        (FaultKind::BrokerCrash { .. }, Do) => cluster.crash(at, broker),
        (FaultKind::BrokerStop { .. }, Do) => cluster.stop(at, broker),
        (FaultKind::BrokerCrash { .. } | FaultKind::BrokerStop { .. }, Undo) => {
            cluster.start(at, broker)
        }
        (FaultKind::BrokerPause { .. }, Do) => cluster.pause(at, broker),
        (FaultKind::BrokerPause { .. }, Undo) => cluster.resume(at, broker),
        (FaultKind::Isolate { .. }, Do) => cluster.isolate(at, broker),
        (FaultKind::Isolate { .. }, Undo) => cluster.reunite(at, broker),
        (FaultKind::Throttle { by, .. }, Do) => cluster.throttle(at, broker, *by),
        (FaultKind::Throttle { .. }, Undo) => cluster.throttle(at, broker, Duration::ZERO),
        _ => Ok(()),
    }
}

/// Returns the name of a partition's topic, and its number there.
fn named(plan: &Plan, partition: TopicPartition) -> (String, i32) {
    let TopicPartition { topic, partition } = partition;
    let topic = plan.settings.topics[topic as usize].name.clone();
    (topic, partition.cast_signed())
}
