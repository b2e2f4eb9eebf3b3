//! Brokers and the controller without clients: the tests send requests themselves.

mod commits;
mod groups;
mod membership;
mod replication;

use super::{Broker, Controller};
use crate::engine::Queue;
use crate::env::{Env, Event};
use crate::network::Network;
use crate::protocol::{
    Channel, CommittedOffset, Correlation, FetchPosition, FetchRequest, FetchResponse,
    GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, Message, Node, Request,
    Response, Value,
};
use crate::sink::Sink;
use crate::topology::{PartitionIndex, Topology};
use plimsoll_core::{Instant, NextOffset, Offset};
use plimsoll_scenarios::scenario::{Acks, Assignor, Distribution, Settings};
use plimsoll_scenarios::{ErrorName, MemberId, MessageId, Plan, Trace, TraceEvent};
use std::sync::Arc;
use std::time::Duration;

/// Members whose nodes the tests send from.
const MEMBERS: usize = 3;

/// The only partition of the only topic; broker 0 leads it first.
const P: PartitionIndex = PartitionIndex(0);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A plan of three brokers in which nothing happens by itself.
fn plan(change: impl FnOnce(&mut Settings)) -> Plan {
    let mut settings = Settings {
        name: "cluster".into(),
        description: String::new(),
        safety: None,
        cluster: Default::default(),
        topics: vec![plimsoll_scenarios::scenario::Topic {
            name: "t".into(),
            partitions: 1,
        }],
        producer: Default::default(),
        consumers: Default::default(),
        handler: Default::default(),
        network: Default::default(),
        expect: Default::default(),
    };
    settings.network.latency = Distribution::even(millis(1), millis(1));
    change(&mut settings);
    Plan {
        seed: 1,
        settings: Arc::new(settings),
        messages: Vec::new(),
        starts: vec![None; MEMBERS],
        faults: Vec::new(),
        heal_at: Instant::FAR_FUTURE,
    }
}

/// A cluster, and the client at every other node.
struct Cluster {
    env: Env<'static>,
    brokers: Vec<Broker>,
    controller: Controller,
    /// By node: when its timer fires next.
    armed: Vec<Option<Instant>>,
    /// By node: what waits while the process is paused.
    paused: Vec<Option<Vec<Event>>>,
    running: Vec<bool>,
    correlations: u32,
    /// What clients got.
    answers: Vec<(Correlation, Response)>,
    /// Clients whose connection with a broker broke.
    broken: Vec<(Node, Node)>,
}

impl Cluster {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        // The environment borrows; a test may leak that little.
        let plan: &'static Plan = Box::leak(Box::new(plan(change)));
        let trace = Box::leak(Box::new(Trace::new()));
        let queue = Box::leak(Box::new(Queue::new()));
        let settings = &plan.settings;
        let nodes = settings.cluster.brokers as usize + 2 + MEMBERS;
        let mut network = Network::new(plan.seed, nodes, settings.network.latency);
        for node in 0..nodes {
            network.process_started(Node(node as u8));
        }
        let topology = Topology::new(plan);
        let env = Env::new(plan, topology, trace, Sink::new(plan), queue, network);
        let mut cluster = Self {
            brokers: env.brokers().map(|node| Broker::new(&env, node)).collect(),
            controller: Controller::new(&env),
            armed: vec![None; nodes],
            paused: (0..nodes).map(|_| None).collect(),
            running: vec![true; nodes],
            correlations: 0,
            answers: Vec::new(),
            broken: Vec::new(),
            env,
        };
        for node in cluster.env.brokers() {
            cluster.brokers[usize::from(node.0)].start(&mut cluster.env);
            cluster.rearm(node);
        }
        cluster.rearm(cluster.env.controller());
        cluster
    }

    fn now(&self) -> Instant {
        self.env.now()
    }

    fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now() + duration);
    }

    /// Time moves on, at least to `until`.
    fn run_until(&mut self, until: Instant) {
        self.env.queue.push(until, Event::CheckQuiet);
        while let Some(event) = self.env.queue.pop() {
            if matches!(event, Event::CheckQuiet) && self.now() >= until {
                return;
            }
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        let node = match &event {
            Event::Deliver(envelope) => envelope.to,
            Event::Disconnected { node, .. } | Event::Timer(node) => *node,
            _ => return,
        };
        let index = usize::from(node.0);
        if let Some(waiting) = &mut self.paused[index] {
            return waiting.push(event);
        }
        match event {
            Event::Deliver(envelope) => {
                let Some(envelope) = self.env.network.arrives(envelope) else {
                    return;
                };
                let (from, channel) = (envelope.from, envelope.channel);
                if let Some(broker) = self.brokers.get_mut(index) {
                    broker.handle_message(&mut self.env, from, channel, envelope.message);
                } else if node == self.env.controller() {
                    self.controller
                        .handle_message(&mut self.env, from, envelope.message);
                } else if let Message::Response(correlation, response) = envelope.message {
                    self.answers.push((correlation, response));
                }
            }
            Event::Disconnected { peer, .. } => {
                if !self.running[index] {
                    return;
                }
                match self.brokers.get_mut(index) {
                    Some(broker) => broker.handle_disconnected(&mut self.env, peer),
                    None => self.broken.push((node, peer)),
                }
            }
            Event::Timer(_) => {
                let now = self.now();
                if self.armed[index].is_none_or(|armed| armed > now) {
                    return;
                }
                self.armed[index] = None;
                match self.brokers.get_mut(index) {
                    Some(broker) => broker.handle_timeout(&mut self.env),
                    None => self.controller.handle_timeout(&mut self.env),
                }
            }
            _ => {}
        }
        self.rearm(node);
    }

    /// As the world does after each event.
    fn rearm(&mut self, node: Node) {
        let index = usize::from(node.0);
        let timeout = match self.brokers.get(index) {
            Some(broker) => broker.next_timeout(),
            None if node == self.env.controller() => self.controller.next_timeout(),
            None => None,
        };
        if let Some(broker) = self.brokers.get(index)
            && self.running[index]
            && !broker.is_running()
        {
            return self.process_died(node);
        }
        if let Some(at) = timeout
            && self.armed[index].is_none_or(|armed| at < armed)
        {
            self.armed[index] = Some(at);
            self.env.queue.push(at, Event::Timer(node));
        }
    }
}

/// What goes wrong.
impl Cluster {
    fn crash(&mut self, node: Node) {
        self.brokers[usize::from(node.0)].crash(&mut self.env);
        self.process_died(node);
    }

    fn process_died(&mut self, node: Node) {
        self.running[usize::from(node.0)] = false;
        self.armed[usize::from(node.0)] = None;
        let now = self.now();
        for (at, peer) in self.env.network.process_died(now, node) {
            let event = Event::Disconnected {
                node: peer,
                peer: node,
            };
            self.env.queue.push(at, event);
        }
    }

    fn start(&mut self, node: Node) {
        self.running[usize::from(node.0)] = true;
        self.env.network.process_started(node);
        self.brokers[usize::from(node.0)].start(&mut self.env);
        self.rearm(node);
    }

    fn stop(&mut self, node: Node) {
        self.brokers[usize::from(node.0)].stop(&mut self.env);
        self.rearm(node);
    }

    fn pause(&mut self, node: Node) {
        self.paused[usize::from(node.0)] = Some(Vec::new());
    }

    fn resume(&mut self, node: Node) {
        for event in self.paused[usize::from(node.0)]
            .take()
            .into_iter()
            .flatten()
        {
            self.step(event);
        }
    }

    /// The links between a broker and the other brokers and the controller; clients reach it.
    fn links(&self, node: Node) -> Vec<(Node, Node)> {
        let others = (0..=self.env.controller().0).map(Node);
        others
            .filter(|other| *other != node)
            .flat_map(|other| [(node, other), (other, node)])
            .collect()
    }

    fn isolate(&mut self, node: Node) {
        for (from, to) in self.links(node) {
            self.env.network.block(from, to);
        }
    }

    fn reunite(&mut self, node: Node) {
        for (from, to) in self.links(node) {
            for held in self.env.network.unblock(from, to) {
                self.env.resend(held);
            }
        }
    }

    fn leader(&self, partition: PartitionIndex) -> Node {
        self.controller.leader(partition).expect("a leader")
    }

    fn coordinator(&self) -> Node {
        self.leader(self.env.topology.group_offsets())
    }

    fn move_leader(&mut self, partition: PartitionIndex) {
        self.controller.move_leader(&mut self.env, partition);
    }

    fn member(&self, member: u32) -> Node {
        self.env.member_node(MemberId(member))
    }
}

/// What clients ask.
impl Cluster {
    fn send(&mut self, from: Node, to: Node, channel: Channel, request: Request) -> Correlation {
        self.correlations += 1;
        let correlation = Correlation(self.correlations);
        self.env.request(from, to, channel, correlation, request);
        correlation
    }

    /// The answer, if it has come.
    fn answer(&mut self, correlation: Correlation) -> Option<Response> {
        let mut answers = self.answers.iter();
        let index = answers.position(|(answered, _)| *answered == correlation)?;
        Some(self.answers.remove(index).1)
    }

    /// Asks, and waits up to 3 s for the answer.
    fn ask(&mut self, from: Node, to: Node, channel: Channel, request: Request) -> Response {
        let correlation = self.send(from, to, channel, request);
        self.wait_for(correlation, millis(3_000))
            .expect("an answer in time")
    }

    fn wait_for(&mut self, correlation: Correlation, within: Duration) -> Option<Response> {
        let until = self.now() + within;
        while self.now() < until {
            if let Some(response) = self.answer(correlation) {
                return Some(response);
            }
            self.run_for(millis(1));
        }
        self.answer(correlation)
    }

    fn send_produce(
        &mut self,
        to: Node,
        id: u32,
        acks: Acks,
        sequence: Option<u32>,
    ) -> Correlation {
        let value = Value::Message {
            id: MessageId(id),
            key: None,
            bytes: 1,
            sequence,
        };
        let request = Request::Produce {
            partition: P,
            value,
            acks,
        };
        self.send(self.env.producer(), to, Channel::Data, request)
    }

    fn produce(
        &mut self,
        to: Node,
        id: u32,
        acks: Acks,
        sequence: Option<u32>,
    ) -> Result<Offset, ErrorName> {
        let correlation = self.send_produce(to, id, acks, sequence);
        match self.wait_for(correlation, millis(3_000)) {
            Some(Response::Produce(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    fn send_fetch(&mut self, from: Node, to: Node, offset: u64, leader_epoch: u32) -> Correlation {
        let request = FetchRequest {
            follower: false,
            max_wait: millis(500),
            max_records: 100,
            partitions: vec![FetchPosition {
                partition: P,
                offset,
                leader_epoch,
                last_fetched_epoch: 0,
            }],
        };
        self.send(from, to, Channel::Fetch, Request::Fetch(Box::new(request)))
    }

    fn fetch(&mut self, to: Node, offset: u64, leader_epoch: u32) -> Box<FetchResponse> {
        let correlation = self.send_fetch(self.member(0), to, offset, leader_epoch);
        match self.wait_for(correlation, millis(3_000)) {
            Some(Response::Fetch(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    /// The ids of the messages that the leader lets consumers read.
    fn readable(&mut self) -> Vec<u32> {
        let leader = self.leader(P);
        let epoch = self.broker(leader).replicas[0].leader_epoch();
        let response = self.fetch(leader, 0, epoch);
        response
            .records
            .iter()
            .map(|record| message(record.value))
            .collect()
    }

    fn broker(&self, node: Node) -> &Broker {
        &self.brokers[usize::from(node.0)]
    }

    /// The ids of the messages in a broker's log, replicated or not.
    fn log(&self, node: Node) -> Vec<u32> {
        let log = &self.broker(node).replicas[0].log;
        log.all()
            .iter()
            .map(|record| message(record.value))
            .collect()
    }

    /// What the trace says was stored: message and offset.
    fn stored(&self) -> Vec<(u32, u64)> {
        let entries = self.env.trace.entries().iter();
        entries
            .filter_map(|entry| match entry.event {
                TraceEvent::Stored {
                    message, offset, ..
                } => Some((message.0, offset.get())),
                _ => None,
            })
            .collect()
    }

    /// What the trace says was committed: member, next offset, generation, whether rebalancing.
    fn committed(&self) -> Vec<(u32, u64, i32, bool)> {
        let entries = self.env.trace.entries().iter();
        entries
            .filter_map(|entry| match entry.event {
                TraceEvent::Committed {
                    member,
                    next,
                    generation,
                    rebalancing,
                    ..
                } => Some((member.0, next.get(), generation, rebalancing)),
                _ => None,
            })
            .collect()
    }
}

/// What members ask.
impl Cluster {
    fn ask_group(&mut self, member: u32, request: Request) -> Response {
        let correlation = self.send_group(member, request);
        self.wait_for(correlation, millis(10_000))
            .expect("an answer")
    }

    fn send_group(&mut self, member: u32, request: Request) -> Correlation {
        self.send(
            self.member(member),
            self.coordinator(),
            Channel::Coordinator,
            request,
        )
    }

    fn send_join(&mut self, member: u32, id: Option<GroupMemberId>) -> Correlation {
        self.send_group(member, join_request(id, None))
    }

    /// Gets an id for a dynamic member (KIP-394).
    fn new_id(&mut self, member: u32) -> GroupMemberId {
        match self.ask_group(member, join_request(None, None)) {
            Response::JoinGroup(Err(JoinError::MemberIdRequired(id))) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Members 0 and 1 join, in this order: member 0 will lead.
    fn send_joins(&mut self, ids: [GroupMemberId; 2]) -> [Correlation; 2] {
        let first = self.send_join(0, Some(ids[0]));
        self.run_for(millis(1));
        [first, self.send_join(1, Some(ids[1]))]
    }

    fn joined(&mut self, correlation: Correlation) -> JoinGroupResponse {
        match self.wait_for(correlation, millis(70_000)) {
            Some(Response::JoinGroup(Ok(response))) => *response,
            other => panic!("{other:?}"),
        }
    }

    fn send_sync(
        &mut self,
        member: u32,
        joined: &JoinGroupResponse,
        assignments: Vec<(GroupMemberId, Vec<PartitionIndex>)>,
    ) -> Correlation {
        let request = Request::SyncGroup {
            generation: joined.generation,
            member: joined.member,
            assignments,
        };
        self.send_group(member, request)
    }

    fn synced(&mut self, correlation: Correlation) -> Result<Vec<PartitionIndex>, ErrorName> {
        match self.wait_for(correlation, millis(10_000)) {
            Some(Response::SyncGroup(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    /// Joins and syncs one member alone.
    fn single_member(&mut self) -> JoinGroupResponse {
        let id = self.new_id(0);
        let join = self.send_join(0, Some(id));
        let joined = self.joined(join);
        let sync = self.send_sync(0, &joined, vec![(id, vec![P])]);
        assert_eq!(self.synced(sync), Ok(vec![P]));
        joined
    }

    /// Joins and syncs members 0 and 1; member 0 leads, and owns the partition.
    fn two_members(&mut self) -> [JoinGroupResponse; 2] {
        let ids = [self.new_id(0), self.new_id(1)];
        let joins = self.send_joins(ids);
        let joined = joins.map(|join| self.joined(join));
        let follower = self.send_sync(1, &joined[1], Vec::new());
        let leader = self.send_sync(0, &joined[0], vec![(ids[0], vec![P])]);
        assert_eq!(self.synced(leader), Ok(vec![P]));
        assert_eq!(self.synced(follower), Ok(Vec::new()));
        joined
    }

    fn heartbeat(&mut self, member: u32, of: &JoinGroupResponse) -> Result<(), ErrorName> {
        let request = Request::Heartbeat {
            generation: of.generation,
            member: of.member,
        };
        match self.ask_group(member, request) {
            Response::Heartbeat(result) => result,
            other => panic!("{other:?}"),
        }
    }

    fn send_commit(
        &mut self,
        member: u32,
        id: GroupMemberId,
        generation: i32,
        next: u64,
    ) -> Correlation {
        let offset = CommittedOffset {
            partition: P,
            next: NextOffset::new(next),
            metadata: Some(1),
        };
        let request = Request::OffsetCommit {
            generation,
            member: id,
            instance: None,
            offsets: vec![offset],
        };
        self.send_group(member, request)
    }

    fn commit(
        &mut self,
        member: u32,
        id: GroupMemberId,
        generation: i32,
        next: u64,
    ) -> Result<(), ErrorName> {
        let correlation = self.send_commit(member, id, generation, next);
        self.commit_answer(correlation)
    }

    fn commit_answer(&mut self, correlation: Correlation) -> Result<(), ErrorName> {
        match self.wait_for(correlation, millis(10_000)) {
            Some(Response::OffsetCommit(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    fn offset_fetch(&mut self) -> Result<Vec<u64>, ErrorName> {
        match self.ask_group(0, Request::OffsetFetch) {
            Response::OffsetFetch(result) => {
                result.map(|offsets| offsets.iter().map(|offset| offset.next.get()).collect())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn message(value: Value) -> u32 {
    match value {
        Value::Message { id, .. } => id.0,
        other => panic!("{other:?}"),
    }
}

fn join_request(member: Option<GroupMemberId>, instance: Option<u32>) -> Request {
    Request::JoinGroup(Box::new(JoinGroupRequest {
        member,
        instance,
        session_timeout: millis(10_000),
        rebalance_timeout: millis(60_000),
        assignor: Assignor::Range,
        owned: Vec::new(),
    }))
}
