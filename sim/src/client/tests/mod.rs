//! Clients against brokers that say what a test wants them to say.

mod application;
mod commits;
mod connections;
mod fetching;
mod group;
mod java;
mod kafka;
mod positions;
mod probe;
mod producing;

use super::{Member, Producer};
use crate::actor::Actor;
use crate::engine::Queue;
use crate::env::{Env, Event as WorldEvent};
use crate::network::{Arrival, Envelope, Network};
use crate::protocol::{Channels, Message, Node, Request};
use crate::recipes::{Behaviour, Payload, Polling, SubjectSpec};
use crate::sink::{Answer, Sink};
use crate::topology::{PartitionIndex, topology_of};
use kafka::{Asked, Kafka};
use plimsoll_core::{Command, Event, Instant, TopicPartition};
use plimsoll_oracle::{MemberId, RequestKind, Trace, TraceEvent};
use plimsoll_scenarios::{Plan, Scenario};
use std::time::Duration;

/// The first partition of the topic.
pub(super) const P0: PartitionIndex = PartitionIndex(0);
/// The second.
pub(super) const P1: PartitionIndex = PartitionIndex(1);
/// The third.
pub(super) const P2: PartitionIndex = PartitionIndex(2);

/// The member under test.
const MEMBER: MemberId = MemberId(0);

/// Three brokers, four partitions, one member; every message takes 1 ms.
const SCENARIO: &str = r#"
duration = "60s"
[network]
latency = "1ms"
[[topics]]
name = "orders"
partitions = 4
[workload]
messages = 40
rate = "10/s"
[handler]
time = "100ms"
[consumers]
members = 1
session_timeout = "10s"
heartbeat = "3s"
poll_deadline = "20s"
request_timeout = "5s"
"#;

/// Continues `[consumers]`: members keep what they have while they join.
const COOPERATIVE: &str = "assignor = \"cooperative-sticky\"\n";

/// A member and a producer, in a world in which the brokers are played.
struct Bench {
    env: Env<'static>,
    kafka: Kafka,
    member: Member,
    producer: Producer,
    armed: Instant,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Bench {
    /// Creates a member of Plimsoll's client with the probe as its subject; `more` is added to the
    /// scenario.
    fn new(polling: Polling, more: &str) -> Self {
        Self::on(Behaviour::PLIMSOLL, polling, more)
    }

    /// Creates a member of another client with the probe as its subject.
    fn on(behaviour: Behaviour, polling: Polling, more: &str) -> Self {
        probe::reset();
        Self::of(
            SubjectSpec {
                build: probe::build,
                polling,
                behaviour,
                seams: None,
            },
            more,
        )
    }

    /// Creates a member with this subject. `more` continues `[consumers]`, or it begins with
    /// `[workload]` and continues that.
    fn of(spec: SubjectSpec, more: &str) -> Self {
        let text = match more.strip_prefix("[workload]\n") {
            Some(_) => SCENARIO.replace("[workload]\n", more),
            None => format!("{SCENARIO}{more}"),
        };
        let scenario = match Scenario::parse("test.toml", &text) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{:?}", miette::Report::new(error)),
        };
        let plan: &'static Plan = Box::leak(Box::new(Plan::draw(&scenario, 7)));
        let nodes = plan.settings.cluster.brokers as usize + 2 + plan.starts.len();
        let queue = Box::leak(Box::new(Queue::new()));
        let trace = Box::leak(Box::new(Trace::new()));
        let network = Network::new(plan.seed, nodes, plan.settings.network.latency);
        let topology = topology_of(plan);
        let mut env = Env::new(plan, topology, trace, Sink::new(plan), queue, network);
        for node in 0..nodes as u16 {
            env.network.process_started(Node(node));
        }
        Self {
            kafka: Kafka::new(&env),
            member: Member::new(&env, MEMBER, spec),
            producer: Producer::new(&env),
            env,
            armed: Instant::FAR_FUTURE,
        }
    }

    /// Lets the member start, join and get its partitions.
    fn joined(mut self) -> Self {
        self.member.start(&mut self.env);
        self.run(ms(100));
        self
    }

    fn now(&self) -> Instant {
        self.env.now()
    }

    /// Lets time pass.
    fn run(&mut self, time: Duration) {
        let until = self.now() + time;
        self.arm();
        self.env.queue.push(until, WorldEvent::Heal);
        while let Some(event) = self.env.queue.pop() {
            if matches!(event, WorldEvent::Heal) {
                return;
            }
            self.step(event);
            self.arm();
        }
    }

    fn step(&mut self, event: WorldEvent) {
        match event {
            WorldEvent::Deliver(envelope) => match self.env.network.arrival(&envelope) {
                Arrival::Now => self.deliver(envelope),
                Arrival::Later => {
                    let now = self.env.now();
                    self.env.network.hold(now, envelope);
                }
                // The brokers of these tests only note what they are asked.
                Arrival::Late | Arrival::Never => {}
            },
            WorldEvent::Disconnected {
                node,
                peer,
                channels,
            } => {
                if node == self.env.member_node(MEMBER) {
                    self.member
                        .handle_disconnected(&mut self.env, peer, channels);
                } else if node == self.env.producer() {
                    self.producer
                        .handle_disconnected(&mut self.env, peer, channels);
                }
            }
            // It is the brokers that are told so.
            WorldEvent::Closed { .. } => {}
            WorldEvent::Timer(_) => {
                self.armed = Instant::FAR_FUTURE;
                self.member.handle_timeout(&mut self.env);
                self.producer.handle_timeout(&mut self.env);
            }
            WorldEvent::HandlerDone(handler) => {
                if let Some(answer) = self.env.sink.finish(handler) {
                    let Answer { call, outcome, .. } = answer;
                    answer
                        .observation
                        .into_iter()
                        .for_each(|effect| self.env.observe(effect));
                    self.member.handle_processed(&mut self.env, call, outcome);
                }
            }
            WorldEvent::CheckQuiet => self.kafka.expire(&mut self.env),
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn deliver(&mut self, envelope: Envelope) {
        let Envelope {
            from,
            to,
            channel,
            message,
            ..
        } = envelope;
        match message {
            Message::Request(correlation, request) => {
                self.kafka
                    .handle(&mut self.env, from, to, channel, correlation, request);
            }
            message if to == self.env.producer() => {
                self.producer
                    .handle_message(&mut self.env, from, channel, message);
            }
            message => self
                .member
                .handle_message(&mut self.env, from, channel, message),
        }
    }

    /// Sets one timer, at the earliest deadline of both clients.
    fn arm(&mut self) {
        let deadlines = [self.member.next_timeout(), self.producer.next_timeout()];
        if let Some(at) = deadlines.into_iter().flatten().min()
            && at < self.armed
        {
            self.armed = at;
            self.env.queue.push(at, WorldEvent::Timer(Node(0)));
        }
    }

    /// Makes the subject say this now.
    fn say(&mut self, command: Command<Payload>) {
        probe::say(command);
        self.member.handle_timeout(&mut self.env);
    }

    /// Breaks the connections of a broker with the member.
    fn disconnect(&mut self, broker: Node) {
        let member = self.env.member_node(MEMBER);
        self.env.cut(member, broker, Channels::ALL);
    }

    fn name(&self, index: PartitionIndex) -> TopicPartition {
        self.env.topology.partition(index)
    }

    /// Returns what the member asked since the last call, without fetches.
    fn asked(&mut self) -> Vec<RequestKind> {
        let member = self.env.member_node(MEMBER);
        let asked = self.kafka.take_asked().into_iter();
        let asked = asked.filter(|asked| asked.from == member);
        let kinds = asked.filter_map(|asked| asked.request.kind());
        kinds.filter(|kind| *kind != RequestKind::Fetch).collect()
    }

    /// Returns the requests since the last call, of any kind.
    fn requests(&mut self) -> Vec<Asked> {
        self.kafka.take_asked()
    }

    /// Returns what the subject learned since the last call.
    fn learned(&mut self) -> Vec<Event<Payload>> {
        probe::take_events()
    }

    /// Returns whether the trace has such an entry.
    fn saw(&self, wanted: impl Fn(&TraceEvent) -> bool) -> bool {
        self.env
            .trace
            .entries()
            .iter()
            .any(|entry| wanted(&entry.event))
    }

    /// Returns the number of such entries in the trace.
    fn count(&self, wanted: impl Fn(&TraceEvent) -> bool) -> usize {
        let entries = self.env.trace.entries().iter();
        entries.filter(|entry| wanted(&entry.event)).count()
    }
}

/// Returns the partitions and positions of a fetch request.
fn positions(request: &Request) -> Option<Vec<(PartitionIndex, u64)>> {
    let Request::Fetch(fetch) = request else {
        return None;
    };
    let positions = fetch.positions.iter();
    Some(positions.map(|p| (p.partition, p.offset)).collect())
}
