//! Faults: when they begin, whom they hit, and how they end.

use crate::env::Event;
use crate::protocol::Node;
use crate::topology::PartitionIndex;
use crate::world::World;
use plimsoll_scenarios::scenario::{
    BrokerTarget, Condition, Direction, Fault, FaultKind, MemberTarget, RequestKind, Trigger,
};
use plimsoll_scenarios::{Entry, ErrorName, MemberId, Plan, Purpose, Rng, TraceEvent};
use std::time::Duration;

/// Between two processes of a rolling restart, where the scenario does not say.
const ROLLING_PAUSE: Duration = Duration::from_secs(5);

/// A step of the fault at this index of the plan.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// It begins; triggered ones know who triggered them.
    Begin(usize, Option<MemberId>),
    /// It ends.
    End(usize),
    /// A rolling restart comes to its next process.
    Roll(usize, u32),
}

/// The state of a plan's faults.
#[derive(Debug)]
pub(crate) struct Faults {
    states: Vec<State>,
    /// How many triggers have not fired yet.
    waiting: usize,
    /// How much of the trace the triggers have seen.
    seen: usize,
    errors: Vec<InjectedError>,
    /// By member: the `crash-after-effect` fault that waits for its next effect.
    crash_after_effect: Vec<Option<usize>>,
    /// By member: whether it has a start of its own, or has joined.
    joined: Vec<bool>,
}

#[derive(Debug)]
enum State {
    /// Its time has not come.
    Scheduled,
    /// Its condition was met so many times less than it needs.
    Waiting(u32),
    Active(Undo),
    Over,
}

/// What ends a fault.
#[derive(Debug)]
enum Undo {
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

#[derive(Debug)]
struct InjectedError {
    fault: usize,
    broker: Option<Node>,
    request: RequestKind,
    error: ErrorName,
    share: f64,
    rng: Rng,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        let states: Vec<State> = plan
            .faults
            .iter()
            .map(|fault| match fault.trigger {
                Trigger::At(_) => State::Scheduled,
                Trigger::When { count, .. } => State::Waiting(count.max(1)),
            })
            .collect();
        let waiting = states
            .iter()
            .filter(|state| matches!(state, State::Waiting(_)))
            .count();
        Self {
            states,
            waiting,
            seen: 0,
            errors: Vec::new(),
            crash_after_effect: vec![None; plan.starts.len()],
            joined: plan.starts.iter().map(Option::is_some).collect(),
        }
    }

    /// Whether any trigger has not fired yet.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Whether a member is to run when everything is healed.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.joined[member.0 as usize]
    }

    /// The error with which an `error` fault answers a request at a broker.
    #[inline]
    pub(crate) fn injected_error(
        &mut self,
        broker: Node,
        kind: Option<RequestKind>,
    ) -> Option<ErrorName> {
        if self.errors.is_empty() {
            return None;
        }
        self.errors.iter_mut().find_map(|injected| {
            let hit = injected.broker.is_none_or(|hit| hit == broker)
                && Some(injected.request) == kind
                && injected.rng.chance(injected.share);
            hit.then_some(injected.error)
        })
    }
}

/// When faults begin and end.
impl World<'_> {
    pub(crate) fn schedule_faults(&mut self) {
        for (index, fault) in self.env.plan.faults.iter().enumerate() {
            if let Trigger::At(at) = fault.trigger {
                self.env
                    .queue
                    .push(at, Event::Fault(Step::Begin(index, None)));
            }
        }
    }

    pub(crate) fn fault_step(&mut self, step: Step) {
        match step {
            Step::Begin(index, subject) => {
                if matches!(self.faults.states[index], State::Scheduled) {
                    self.begin_fault(index, subject);
                }
            }
            Step::End(index) => self.end_fault(index),
            Step::Roll(index, process) => self.roll(index, process),
        }
    }

    /// Shows the triggers what is new in the trace.
    pub(crate) fn trigger_faults(&mut self) {
        while self.faults.seen < self.env.trace.entries().len() {
            let entry = self.env.trace.entries()[self.faults.seen];
            self.faults.seen += 1;
            for index in 0..self.faults.states.len() {
                self.trigger_fault(index, &entry);
            }
        }
    }

    fn trigger_fault(&mut self, index: usize, entry: &Entry) {
        let State::Waiting(missing) = &mut self.faults.states[index] else {
            return;
        };
        let Trigger::When {
            condition, delay, ..
        } = self.env.plan.faults[index].trigger
        else {
            return;
        };
        if !meets(condition, &entry.event) {
            return;
        }
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        self.faults.states[index] = State::Scheduled;
        self.faults.waiting -= 1;
        let subject = member_of(&entry.event);
        if delay.is_zero() {
            self.begin_fault(index, subject);
        } else {
            let at = self.env.now() + delay;
            self.env
                .queue
                .push(at, Event::Fault(Step::Begin(index, subject)));
        }
    }

    /// A handler wrote its effect: is this the moment for its process to die?
    pub(crate) fn crash_after_effect(&mut self, member: MemberId) {
        let Some(index) = self.faults.crash_after_effect[member.0 as usize].take() else {
            return;
        };
        let node = self.env.member_node(member);
        self.crash(node);
        self.faults.states[index] = State::Active(Undo::Restart(node));
        self.schedule_end(index);
    }

    fn schedule_end(&mut self, index: usize) {
        if let Some(duration) = self.env.plan.faults[index].duration {
            let at = self.env.now() + duration;
            self.env.queue.push(at, Event::Fault(Step::End(index)));
        }
    }

    fn end_fault(&mut self, index: usize) {
        let state = std::mem::replace(&mut self.faults.states[index], State::Over);
        let State::Active(undo) = state else {
            self.faults.states[index] = state;
            return;
        };
        let fault = self.env.plan.faults[index].id;
        self.env.observe(TraceEvent::FaultEnded { fault });
        self.undo(index, undo);
    }

    /// The safety phase is over: what is active ends, and what has not begun never will.
    pub(crate) fn end_all_faults(&mut self) {
        for index in 0..self.faults.states.len() {
            match self.faults.states[index] {
                State::Active(_) => self.end_fault(index),
                _ => self.faults.states[index] = State::Over,
            }
        }
        self.faults.waiting = 0;
        self.faults.crash_after_effect.fill(None);
    }
}

/// What faults do.
impl World<'_> {
    fn begin_fault(&mut self, index: usize, subject: Option<MemberId>) {
        let plan = self.env.plan;
        let fault = &plan.faults[index];
        let member = member_target(&fault.kind).map(|target| self.resolve_member(target, subject));
        let broker = broker_target(&fault.kind).map(|target| self.resolve_broker(target));
        // Whom it was meant for is not there: nothing happens, and the trace says nothing.
        let (Ok(member), Ok(broker)) = (found(member), found(broker)) else {
            self.faults.states[index] = State::Over;
            return;
        };
        self.env.observe(TraceEvent::FaultBegan {
            fault: fault.id,
            member,
            broker: broker.map(|node| u32::from(node.0)),
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
                self.env.sink.begin_outage(fault.id.0, *outcome, *share);
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
                self.controller
                    .add_partitions(&mut self.env, *topic, *count);
                self.after(self.env.controller());
                None
            }
            FaultKind::Retention(partition, share) => {
                let partition = self.env.topology.index(*partition)?;
                let leader = self.controller.leader(partition)?;
                self.brokers[usize::from(leader.0)].remove_records(
                    &mut self.env,
                    partition,
                    *share,
                );
                self.after(leader);
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

    fn undo(&mut self, index: usize, undo: Undo) {
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
            Undo::EndOutage => self.env.sink.end_outage(self.env.plan.faults[index].id.0),
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
    fn roll(&mut self, index: usize, process: u32) {
        let fault = &self.env.plan.faults[index];
        let (node, count) = match fault.kind {
            FaultKind::RollingRestart => (
                self.env.member_node(MemberId(process)),
                self.members.len() as u32,
            ),
            _ => (Node(process as u8), self.brokers.len() as u32),
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
        self.controller.move_leader(&mut self.env, partition);
        self.after(self.env.controller());
        None
    }
}

/// Whom faults hit.
impl World<'_> {
    fn resolve_member(&self, target: MemberTarget, subject: Option<MemberId>) -> Option<MemberId> {
        let member = match target {
            MemberTarget::Member(member) => Some(member),
            MemberTarget::Subject => subject.or_else(|| self.busiest_member()),
            MemberTarget::OwnerOf(partition) => {
                let owner = self
                    .members
                    .iter()
                    .position(|member| member.owns(partition));
                owner.map(|member| MemberId(member as u32))
            }
        };
        member.filter(|member| self.runs(self.env.member_node(*member)))
    }

    /// The owner of the most partitions; of several, the first.
    fn busiest_member(&self) -> Option<MemberId> {
        let members = (0..self.members.len()).rev();
        let busiest = members.max_by_key(|member| self.members[*member].owned())?;
        Some(MemberId(busiest as u32))
    }

    fn resolve_broker(&self, target: BrokerTarget) -> Option<Node> {
        let broker = match target {
            BrokerTarget::Broker(broker) => Some(Node(broker as u8)),
            BrokerTarget::LeaderOf(partition) => {
                let index = self.env.topology.index(partition)?;
                self.controller.leader(index)
            }
            BrokerTarget::Coordinator => self.controller.leader(self.env.topology.group_offsets()),
        };
        broker.filter(|broker| self.runs(*broker))
    }

    /// The pairs of a member and a broker, or all brokers.
    fn links(&self, member: Node, broker: Option<Node>) -> Vec<(Node, Node)> {
        match broker {
            Some(broker) => vec![(member, broker)],
            None => self.env.brokers().map(|broker| (member, broker)).collect(),
        }
    }

    fn node_count(&self) -> u8 {
        (self.brokers.len() + 2 + self.members.len()) as u8
    }
}

/// Whom a fault was meant for: nobody in particular, somebody who was found, or nobody there.
fn found<T>(target: Option<Option<T>>) -> Result<Option<T>, ()> {
    match target {
        None => Ok(None),
        Some(Some(target)) => Ok(Some(target)),
        Some(None) => Err(()),
    }
}

fn directed(pairs: Vec<(Node, Node)>, direction: Direction) -> Vec<(Node, Node)> {
    pairs
        .into_iter()
        .flat_map(|(member, broker)| match direction {
            Direction::Both => vec![(member, broker), (broker, member)],
            Direction::Requests => vec![(member, broker)],
            Direction::Responses => vec![(broker, member)],
        })
        .collect()
}

fn member_target(kind: &FaultKind) -> Option<MemberTarget> {
    match kind {
        FaultKind::Crash(member)
        | FaultKind::Stop(member)
        | FaultKind::Pause(member)
        | FaultKind::Slow(member, _)
        | FaultKind::CrashAfterEffect(member)
        | FaultKind::HandlerHang(member)
        | FaultKind::Partition { member, .. }
        | FaultKind::Delay { member, .. }
        | FaultKind::Cut { member, .. }
        | FaultKind::LoseResponse(member, _) => Some(*member),
        _ => None,
    }
}

fn broker_target(kind: &FaultKind) -> Option<BrokerTarget> {
    match kind {
        FaultKind::Isolate(broker)
        | FaultKind::BrokerCrash(broker)
        | FaultKind::BrokerStop(broker)
        | FaultKind::BrokerPause(broker)
        | FaultKind::Throttle(broker, _) => Some(*broker),
        FaultKind::Partition { broker, .. }
        | FaultKind::Delay { broker, .. }
        | FaultKind::Cut { broker, .. }
        | FaultKind::Error { broker, .. } => *broker,
        _ => None,
    }
}

fn meets(condition: Condition, event: &TraceEvent) -> bool {
    use plimsoll_core::Outcome;
    match condition {
        Condition::CommitInFlight => matches!(event, TraceEvent::CommitSent { .. }),
        Condition::CommitAccepted => matches!(event, TraceEvent::Committed { .. }),
        Condition::HandlerStarted => matches!(event, TraceEvent::HandlerStarted { .. }),
        Condition::Effect => {
            matches!(
                event,
                TraceEvent::Effect {
                    outcome: Outcome::Ok,
                    ..
                }
            )
        }
        Condition::HandlerFailed => {
            matches!(event, TraceEvent::Effect { outcome, .. } if *outcome != Outcome::Ok)
        }
        Condition::Assigned => matches!(event, TraceEvent::Assigned { .. }),
        Condition::Revoked => matches!(event, TraceEvent::Revoked { .. }),
        Condition::RevokedInFlight => {
            matches!(event, TraceEvent::Revoked { in_flight, .. } if *in_flight > 0)
        }
        Condition::Acknowledged => matches!(event, TraceEvent::Acknowledged { .. }),
        Condition::DeadLettered => matches!(event, TraceEvent::DeadLettered { .. }),
    }
}

/// The member that an observation is about.
fn member_of(event: &TraceEvent) -> Option<MemberId> {
    match event {
        TraceEvent::Assigned { member, .. }
        | TraceEvent::Revoked { member, .. }
        | TraceEvent::CommitSent { member }
        | TraceEvent::Committed { member, .. }
        | TraceEvent::HandlerStarted { member, .. }
        | TraceEvent::Effect { member, .. }
        | TraceEvent::DeadLettered { member, .. } => Some(*member),
        _ => None,
    }
}
