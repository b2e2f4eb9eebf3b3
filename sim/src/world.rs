//! A plan goes in, a trace comes out: the loop.

use crate::actors::Actors;
use crate::engine::Queue;
use crate::env::{Env, Event};
use crate::faults::Faults;
use crate::host::Host;
use crate::network::{Arrival, Envelope, Network};
use crate::nodes::Nodes;
use crate::program::Programs;
use crate::protocol::{Channel, Channels, Generation, Message, Node, PerNode, Response};
use crate::recipes::SubjectSpec;
use crate::sink::{HandlerCall, HandlerId, Sink};
use crate::topology::{PartitionIndex, topology_of};
#[cfg(feature = "wire")]
use crate::wire::Encoded;
use plimsoll_core::{Instant, Outcome};
use plimsoll_oracle::{ErrorName, MemberId, Trace, TraceEvent};
use plimsoll_scenarios::{Plan, Purpose, Rng, scenario};
use std::time::Duration;

/// The longest time that it takes a member's process to begin. Members that are started together
/// would join at the same instant else, and ask for metadata at the same instant ever after.
const START: Duration = Duration::from_millis(20);

/// Everything that takes part in one run.
pub(crate) struct World<'a> {
    pub(crate) env: Env<'a>,
    pub(crate) actors: Actors,
    pub(crate) faults: Faults,
    pub(crate) hosts: PerNode<Host>,
    /// What is produced, by time: what the plan lists, and the messages after the healing.
    messages: Vec<scenario::Message>,
    /// The number of messages that are produced in any case.
    pub(crate) always: usize,
    pub(crate) next_message: usize,
    /// The group's generation, and the moment since which it is stable with all its members; once
    /// the world is healed.
    pub(crate) calm: Option<(Generation, Instant)>,
    pub(crate) healed: bool,
    pub(crate) ended: bool,
}

/// Runs a plan. `queue` lends its memory.
pub(crate) fn run(
    plan: &Plan,
    subject: SubjectSpec,
    programs: Option<&dyn Programs>,
    queue: &mut Queue<Event>,
    trace: &mut Trace,
) {
    World::new(plan, subject, programs, queue, trace).run(|_| {});
}

/// Runs a plan whose clients and brokers speak in the bytes of Kafka's protocol. Returns what these
/// cannot say, if it came to that.
#[cfg(feature = "wire")]
pub(crate) fn run_encoded(
    plan: &Plan,
    subject: SubjectSpec,
    queue: &mut Queue<Event>,
    trace: &mut Trace,
) -> Option<String> {
    let world = World::new(plan, subject, None, queue, trace);
    let mut connections = Encoded::new(&world.env);
    world.run(|event| connections.carry(event));
    connections.into_failure()
}

impl<'a> World<'a> {
    fn new(
        plan: &'a Plan,
        subject: SubjectSpec,
        programs: Option<&'a dyn Programs>,
        queue: &'a mut Queue<Event>,
        trace: &'a mut Trace,
    ) -> Self {
        queue.reset(plan.seed);
        let settings = &plan.settings;
        let probes = plan.probes();
        let mut messages = Vec::with_capacity(plan.messages.len() + probes.messages.len());
        messages.extend_from_slice(&plan.messages);
        messages.extend_from_slice(&probes.messages);
        let nodes = Nodes::new(plan).count();
        let mut network = Network::new(plan.seed, nodes, settings.network.latency);
        network.let_news_be_late();
        let mut env = Env::new(
            plan,
            topology_of(plan),
            trace,
            Sink::new(plan),
            queue,
            network,
        );
        env.programs = programs;
        Self {
            actors: Actors::new(&env, subject),
            faults: Faults::new(plan),
            hosts: PerNode::new(nodes, |_| Host::default()),
            messages,
            always: plan.messages.len() + probes.always,
            next_message: 0,
            calm: None,
            healed: false,
            ended: false,
            env,
        }
    }

    /// Runs from the beginning to the end. `meet` meets each event before it happens, and may change
    /// it.
    fn run(mut self, mut meet: impl FnMut(&mut Event)) {
        self.begin();
        let deadline = self.env.plan.deadline();
        while let Some(mut event) = self.env.queue.pop() {
            if self.env.now() > deadline {
                break;
            }
            meet(&mut event);
            self.step(event);
            if self.ended {
                return;
            }
        }
        self.compare_logs();
        let lag = self.lag();
        self.env.observe(TraceEvent::Ended { lag });
    }

    /// Starts the cluster and the producer, and queues what the plan says.
    fn begin(&mut self) {
        for node in [self.env.controller(), self.env.producer()] {
            self.env.network.process_started(node);
            self.hosts[node].runs = true;
        }
        // All brokers listen before the first of them speaks.
        for node in self.env.brokers() {
            self.env.network.process_started(node);
        }
        for node in self.env.brokers() {
            self.start(node);
        }
        let plan = self.env.plan;
        for (member, start) in plan.starts.iter().enumerate() {
            if let Some(at) = start {
                let node = self.env.member_node(MemberId(member as u32));
                let mut rng = Rng::substream(plan.seed, Purpose::Start, member as u64);
                let at = *at + rng.between(Duration::ZERO, START);
                self.env.queue.push(at, Event::Start(node));
            }
        }
        if let Some(first) = self.messages.first() {
            self.env.queue.push(first.at, Event::Produce);
        }
        self.env.queue.push(plan.heal_at, Event::Heal);
        self.begin_faults();
    }

    pub(crate) fn step(&mut self, event: Event) {
        match event {
            Event::Deliver(envelope) => self.deliver(envelope),
            Event::Disconnected {
                node,
                peer,
                channels,
            } => self.disconnected(node, peer, channels),
            Event::Closed {
                node,
                peer,
                channels,
            } => self.closed(node, peer, channels),
            Event::Timer(node) => self.timer(node),
            Event::HandlerDone(handler) => self.handler_done(handler),
            Event::Processed(call, outcome) => self.processed(call, outcome),
            Event::Produce => self.produce(),
            Event::Start(node) => self.start(node),
            Event::Terminate(node) => self.terminate(node),
            Event::Fault(fault) => self.fault_timer(fault),
            Event::Heal => self.heal(),
            Event::CheckQuiet => self.check_quiet(),
        }
        if self.faults.are_waiting() {
            self.look_at_faults();
        }
    }

    fn deliver(&mut self, envelope: Envelope) {
        match self.env.network.arrival(&envelope) {
            Arrival::Now => {}
            Arrival::Late => return self.deliver_late(envelope),
            Arrival::Later => {
                let now = self.env.now();
                return self.env.network.hold(now, envelope);
            }
            Arrival::Never => return,
        }
        let node = envelope.to;
        if self.is_paused(node) {
            return self.defer_delivery(envelope);
        }
        let Envelope {
            from,
            channel,
            message,
            ..
        } = envelope;
        if self.actors.brokers.contains(node)
            && let Message::Request(correlation, request) = &message
        {
            self.env
                .network
                .note_request(from, node, *correlation, request);
            // `error` faults answer clients; followers that fetch are none.
            let is_client = !self.actors.brokers.contains(from);
            if is_client && let Some(failure) = self.faults.injected_error(node, request) {
                return self.fail(node, (from, channel), message, failure);
            }
        }
        let outlook = self
            .actors
            .handle_message(&mut self.env, node, (from, channel), message);
        self.settle_with(node, outlook);
    }

    /// Has a broker answer a request with an error, for one of its partitions or as a whole.
    #[cold]
    fn fail(
        &mut self,
        broker: Node,
        connection: (Node, Channel),
        message: Message,
        (error, partition): (ErrorName, Option<PartitionIndex>),
    ) {
        let Message::Request(correlation, request) = message else {
            return;
        };
        let answer = match partition {
            Some(partition) => {
                let memory = self.env.cluster.fetch_response();
                request.into_failure(error, partition, memory)
            }
            None => Response::Failed(error),
        };
        let env = &mut self.env;
        self.actors.brokers[broker].handle_failed_request(env, connection, correlation, answer);
        self.settle(broker);
    }

    /// Keeps a message for a process that stands still. What came to a broker is in its socket, from
    /// which it is read when the broker wakes, also where the client has closed the connection since
    /// (`Selector.attemptRead`).
    #[cold]
    fn defer_delivery(&mut self, mut envelope: Envelope) {
        let node = envelope.to;
        envelope.in_kernel = self.actors.brokers.contains(node);
        self.defer(node, Event::Deliver(envelope));
    }

    /// Delivers a request of a connection that its client has closed.
    #[cold]
    fn deliver_late(&mut self, envelope: Envelope) {
        let node = envelope.to;
        if self.is_paused(node) {
            return self.defer_delivery(envelope);
        }
        let Message::Request(correlation, request) = envelope.message else {
            return;
        };
        let mut refused = || self.faults.injected_error(node, &request).is_some();
        if !request.has_effect() || !self.actors.brokers.contains(node) || refused() {
            return;
        }
        let (from, channel) = (envelope.from, envelope.channel);
        self.actors.brokers[node].handle_late_request(
            &mut self.env,
            from,
            channel,
            correlation,
            request,
        );
        self.settle(node);
    }

    /// Tells a process that a peer closed connections; a broker does what was asked on them first.
    fn closed(&mut self, node: Node, peer: Node, channels: Channels) {
        if self.is_paused(node) {
            let event = Event::Closed {
                node,
                peer,
                channels,
            };
            return self.defer(node, event);
        }
        if self.runs(node)
            && let Some(broker) = self.actors.brokers.get_mut(node)
        {
            broker.handle_closed(&mut self.env, peer, channels);
        }
        self.disconnected(node, peer, channels);
    }

    fn disconnected(&mut self, node: Node, peer: Node, channels: Channels) {
        if self.is_paused(node) {
            let event = Event::Disconnected {
                node,
                peer,
                channels,
            };
            return self.defer(node, event);
        }
        if !self.runs(node) {
            return;
        }
        self.actors[node].handle_disconnected(&mut self.env, peer, channels);
        self.settle(node);
    }

    fn timer(&mut self, node: Node) {
        if self.is_paused(node) {
            return self.defer(node, Event::Timer(node));
        }
        let host = &mut self.hosts[node];
        // A timer that an earlier one has overtaken, or of a process that died.
        if host.armed.is_none_or(|armed| armed > self.env.queue.now()) || !host.runs {
            return;
        }
        host.armed = None;
        self.actors[node].handle_timeout(&mut self.env);
        self.settle(node);
    }

    fn handler_done(&mut self, handler: HandlerId) {
        let Some(member) = self.env.sink.member_of(handler) else {
            return;
        };
        let node = self.env.member_node(member);
        if self.is_paused(node) {
            return self.defer(node, Event::HandlerDone(handler));
        }
        let Some(answer) = self.env.sink.finish(handler) else {
            return;
        };
        if let Some(effect) = answer.observation {
            self.env.observe(effect);
            // Between the effect and its result, the process may die.
            self.effect_written(member);
        }
        self.processed(answer.call, answer.outcome);
    }

    /// Brings a handler's result to its process.
    fn processed(&mut self, call: HandlerCall, outcome: Outcome) {
        let node = self.env.member_node(call.member);
        if self.is_paused(node) {
            return self.defer(node, Event::Processed(call, outcome));
        }
        if self.runs(node) {
            self.actors.members[call.member].handle_processed(&mut self.env, call, outcome);
            self.settle(node);
        }
    }

    fn produce(&mut self) {
        let message = &self.messages[self.next_message];
        self.actors.producer.produce(&mut self.env, message);
        self.next_message += 1;
        if let Some(next) = self.messages.get(self.next_message) {
            self.env.queue.push(next.at, Event::Produce);
        }
        self.settle(self.env.producer());
    }

    /// Settles what follows from something that happened in a process: it may have ended, or have
    /// an earlier deadline.
    pub(crate) fn settle(&mut self, node: Node) {
        self.settle_with(node, self.actors.outlook(node));
    }

    /// Settles what follows, as [`settle`](Self::settle) does, where the outlook of the process is
    /// known.
    #[inline(always)]
    fn settle_with(&mut self, node: Node, (runs, timeout): (bool, Option<Instant>)) {
        let host = &self.hosts[node];
        if host.runs && !runs {
            return self.process_died(node);
        }
        if let Some(at) = timeout
            && host.armed.is_none_or(|armed| at < armed)
        {
            self.arm(node, at);
        }
    }

    /// Sets the timer of a process.
    #[inline(never)]
    fn arm(&mut self, node: Node, at: Instant) {
        self.hosts[node].armed = Some(at);
        self.env.queue.push(at, Event::Timer(node));
    }
}
