//! What every actor sees of the world: time, the network, the sink and the trace.

use crate::cluster::Shared;
use crate::engine::Queue;
use crate::network::{Envelope, Network, Passage};
use crate::nodes::{Nodes, Place};
use crate::program::{Programs, Step};
use crate::protocol::{Channel, Channels, Correlation, Lean, Message, Node, Request, Response};
use crate::sink::{HandlerCall, HandlerId, Sink};
use crate::topology::Topology;
use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, RequestKind, Trace, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Moment;
use plimsoll_scenarios::schedule::FaultIndex;

/// Moments of members for faults that wait for them.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    /// Whether a fault waits for any.
    pub(crate) are_wanted: bool,
    /// Those that no fault has seen yet.
    pub(crate) new: Vec<(MemberId, Moment)>,
}

impl Moments {
    /// Notes a moment, if a fault waits for any.
    #[inline]
    pub(crate) fn note(&mut self, member: MemberId, moment: impl FnOnce() -> Option<Moment>) {
        if self.are_wanted {
            self.new.extend(moment().map(|moment| (member, moment)));
        }
    }
}

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// The arrival of a message.
    Deliver(Envelope),
    /// The news for a node that connections with a peer are gone.
    Disconnected {
        node: Node,
        peer: Node,
        channels: Channels,
    },
    /// The same, where the peer closed them, or its process died: what it asked on them before
    /// counts.
    Closed {
        node: Node,
        peer: Node,
        channels: Channels,
    },
    /// A node's earliest deadline.
    Timer(Node),
    /// The return of a handler.
    HandlerDone(HandlerId),
    /// A handler's result for a process that was paused.
    Processed(HandlerCall, Outcome),
    /// The next message of the workload.
    Produce,
    /// The start of a process.
    Start(Node),
    /// A request to a process to stop (SIGTERM).
    Terminate(Node),
    /// The timer of a fault.
    Fault(FaultIndex),
    /// The end of the safety phase.
    Heal,
    /// A look at whether everything is quiet.
    CheckQuiet,
}

/// What every actor sees of the world.
#[derive(Debug)]
pub(crate) struct Env<'a> {
    /// The plan that is executed.
    pub plan: &'a Plan,
    /// What is at which node.
    pub nodes: Nodes,
    /// The plan's partitions, as dense numbers.
    pub topology: Topology,
    /// The record of what happened.
    pub trace: &'a mut Trace,
    /// What starts the members' processes, where their handlers are their own.
    pub programs: Option<&'a dyn Programs>,
    /// Handlers, and the system that they write to.
    pub sink: Sink,
    /// What belongs to the cluster, but to none of its brokers.
    pub cluster: Shared<Lean>,
    /// What faults may wait for besides entries of the trace.
    pub(crate) moments: Moments,
    pub(crate) queue: &'a mut Queue<Event>,
    pub(crate) network: Network,
}

impl<'a> Env<'a> {
    /// Creates the world of a plan, before anything happened.
    pub(crate) fn new(
        plan: &'a Plan,
        topology: Topology,
        trace: &'a mut Trace,
        sink: Sink,
        queue: &'a mut Queue<Event>,
        network: Network,
    ) -> Self {
        let mut cluster = Shared::new(topology.len());
        cluster.register_group(topology.group_offsets());
        Self {
            plan,
            nodes: Nodes::new(plan),
            cluster,
            topology,
            programs: None,
            trace,
            sink,
            moments: Moments::default(),
            queue,
            network,
        }
    }
}

impl Env<'_> {
    /// Returns the time.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.queue.now()
    }

    /// Notes an observation.
    #[inline]
    pub(crate) fn observe(&mut self, event: TraceEvent) {
        self.trace.push(self.queue.now(), event);
    }

    /// Returns the brokers' nodes, from 0 up.
    pub(crate) fn brokers(&self) -> impl ExactSizeIterator<Item = Node> + use<> {
        self.nodes.brokers()
    }

    /// Returns the controller's node.
    pub(crate) fn controller(&self) -> Node {
        self.nodes.controller()
    }

    /// Returns the producer's node.
    pub(crate) fn producer(&self) -> Node {
        self.nodes.producer()
    }

    /// Returns a member's node.
    pub(crate) fn member_node(&self, member: MemberId) -> Node {
        self.nodes.member(member)
    }

    /// Returns the member at a node, if there is one.
    pub(crate) fn member_at(&self, node: Node) -> Option<MemberId> {
        match self.nodes.place_of(node) {
            Place::Member(member) => Some(member),
            Place::Broker | Place::Controller | Place::Producer => None,
        }
    }

    /// Sends a request.
    #[inline]
    pub(crate) fn request(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        request: Request,
    ) {
        self.send(from, to, channel, Message::Request(correlation, request));
    }

    /// Sends a response.
    #[inline]
    pub(crate) fn respond(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        response: Response,
    ) {
        match self.network.loses(from, to, correlation) {
            Some((request, sharing)) => {
                self.lose_response(from, to, request, sharing.connection(channel));
            }
            None => self.send(from, to, channel, Message::Response(correlation, response)),
        }
    }

    #[cold]
    fn lose_response(&mut self, from: Node, to: Node, request: RequestKind, with: Channels) {
        if let Some(member) = self.member_at(to) {
            self.observe(TraceEvent::ResponseLost { member, request });
        }
        self.cut(from, to, with);
    }

    /// Sends a message.
    #[inline]
    pub(crate) fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message) {
        let now = self.queue.now();
        match self.network.send(now, from, to, channel, &message) {
            Passage::At(at, stamp) => {
                let slot = self.queue.reserve(at);
                *slot = Some(Event::Deliver(stamp.envelope(message)));
            }
            Passage::Refused(at) => {
                self.queue.push(
                    at,
                    Event::Disconnected {
                        node: from,
                        peer: to,
                        channels: Channels::ALL,
                    },
                );
            }
            Passage::Blocked(stamp) => self.network.hold(now, stamp.envelope(message)),
        }
    }

    /// Takes a block away from a link, and sends on what it had held.
    pub(crate) fn unblock(&mut self, from: Node, to: Node) {
        let now = self.now();
        let released = self.network.unblock(now, from, to);
        for held in released.open {
            self.send(held.from, held.to, held.channel, held.message);
        }
        for (at, held) in released.closed {
            self.queue.push(at, Event::Deliver(held));
        }
    }

    /// Breaks channels between two nodes, and tells both.
    pub(crate) fn cut(&mut self, a: Node, b: Node, channels: Channels) {
        self.network.cut(a, b, channels);
        let now = self.now();
        for (node, peer) in [(a, b), (b, a)] {
            let event = Event::Disconnected {
                node,
                peer,
                channels,
            };
            self.queue.push(now, event);
        }
    }

    /// Closes channels of a client with a broker, and tells both. What was sent on them may still
    /// arrive.
    pub(crate) fn close(&mut self, client: Node, broker: Node, channels: Channels) {
        self.network.close(client, broker, channels);
        let now = self.now();
        let to_client = Event::Disconnected {
            node: client,
            peer: broker,
            channels,
        };
        let to_broker = Event::Closed {
            node: broker,
            peer: client,
            channels,
        };
        self.queue.push(now, to_client);
        self.queue.push(now, to_broker);
    }

    /// Starts a handler; its result comes to `Member::handle_processed`, unless it is cancelled.
    pub(crate) fn start_handler(&mut self, call: HandlerCall) {
        let now = self.now();
        if self.programs.is_some() {
            let started = self.sink.start_own(call);
            return self.observe(started);
        }
        let started = self.sink.start(self.plan, now, call);
        self.trace.push(now, started.observation);
        if let Some((at, handler)) = started.done {
            self.queue.push(at, Event::HandlerDone(handler));
        }
    }

    /// Does what a handler does that is the member's own.
    pub(crate) fn take_step(&mut self, member: MemberId, step: Step) {
        let now = self.now();
        let observation = match step {
            Step::Write(id) => {
                if let Some((at, handler)) = self.sink.write(self.plan, now, member, id) {
                    self.queue.push(at, Event::HandlerDone(handler));
                }
                None
            }
            Step::Skip(id) => self.sink.skip(member, id),
            Step::End(id, outcome) => self.sink.end(member, id, outcome),
        };
        if let Some(observation) = observation {
            self.observe(observation);
        }
    }

    /// Stops all handlers of a process that died.
    pub(crate) fn kill_handlers(&mut self, member: MemberId) {
        let (now, trace) = (self.queue.now(), &mut *self.trace);
        self.sink.kill(member, |stopped| trace.push(now, stopped));
    }

    /// Stops a handler, if it runs; returns its call, of which a late result may come. The results of
    /// handlers that are the subject's own come from itself.
    pub(crate) fn cancel_handler(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<HandlerCall> {
        let (stopped, call) = self.sink.cancel(member, partition, offset)?;
        if let Some(stopped) = stopped {
            self.observe(stopped);
        }
        self.programs.is_none().then_some(call)
    }
}
