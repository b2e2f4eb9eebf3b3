//! The brokers: the simulated cluster that stands behind their ports, and who is connected.

use super::World;
use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, MemberId, RequestKind, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_serve::Options;
use plimsoll_serve::inside::{self, Answer, HOST};
use plimsoll_sim::served::{ConnectionId, Output, Report, ServedCluster, in_plan, kafka_id};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// The port of each broker.
pub(crate) const PORT: u16 = 9092;

/// The name of the topic of dead letters.
pub(crate) const DEAD_LETTERS: &str = "dead-letters";

/// The brokers.
pub(super) struct Brokers {
    pub(super) cluster: ServedCluster,
    clients: BTreeMap<ConnectionId, Client>,
    /// The ends of connections that members have closed.
    hung_up: BTreeSet<SocketAddr>,
    /// The time of the cluster when the run began.
    began: Instant,
}

/// A connection.
struct Client {
    /// The broker, counted from 0.
    broker: BrokerId,
    /// The member, and the address of its end; `None`: the harness, which no fault of the network
    /// hits.
    member: Option<(MemberId, SocketAddr)>,
    answers: mpsc::Sender<Answer>,
    /// The request under way.
    asked: Option<Bytes>,
}

impl Brokers {
    /// Makes the brokers that a plan wants, with its topics.
    pub(super) fn new(plan: &Plan) -> Self {
        let settings = &plan.settings.cluster;
        let mut options = Options::of_cluster(settings, settings.settings.clone(), plan.seed);
        options.cluster.is_observed = true;
        options.cluster.latency = plan.settings.network.latency;
        let mut cluster = ServedCluster::new(options.cluster);
        for broker in cluster.brokers() {
            let at = crate::broker_address(in_plan(broker));
            cluster.advertise(broker, at.ip().to_string(), at.port());
        }
        let topics = plan.settings.topics.iter();
        let topics = topics.map(|topic| (topic.name.as_str(), topic.partitions));
        let began = inside::create_topics(&mut cluster, topics.chain([(DEAD_LETTERS, 1)]));
        // Topics that are there from the start are known to all of them.
        cluster.let_news_be_late();
        Self {
            cluster,
            clients: BTreeMap::new(),
            hung_up: BTreeSet::new(),
            began,
        }
    }

    /// Returns the time of the cluster.
    pub(super) fn at(&self, now: Instant) -> Instant {
        self.began + now.since_start()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let at = self.at(now);
        self.cluster.handle_timeout(at);
    }

    /// Returns when something is due next, in the time of the run.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let at = self.cluster.poll_timeout()?;
        Some(Instant::ZERO + at.saturating_since(self.began))
    }

    /// Ends all faults.
    pub(super) fn heal(&mut self, now: Instant) {
        let at = self.at(now);
        self.cluster.heal(at);
    }

    /// Closes the connections of a member with a broker, or all brokers.
    pub(super) fn cut(&mut self, now: Instant, of: MemberId, with: Option<BrokerId>) {
        let is_meant = |client: &Client| {
            let member = client.member.map(|(member, _)| member);
            member == Some(of) && with.is_none_or(|broker| broker == client.broker)
        };
        let meant = self.clients.iter().filter(|(_, client)| is_meant(client));
        let meant: Vec<ConnectionId> = meant.map(|(id, _)| *id).collect();
        for id in meant {
            self.disconnect(now, id);
        }
    }

    fn disconnect(&mut self, now: Instant, id: ConnectionId) {
        let at = self.at(now);
        self.clients.remove(&id);
        self.cluster.disconnect(at, id);
    }

    /// Returns the number of readable records that the group of a plan has not committed.
    pub(super) fn lag(&self, plan: &Plan) -> u64 {
        let report = self.cluster.report();
        let group = report.group(&plan.settings.consumers.group);
        let offsets = group.map_or(&[][..], |group| &group.offsets[..]);
        let topics = report.topics.iter();
        let topics = topics.filter(|topic| is_of(plan, &topic.name));
        let mut lag = 0;
        for topic in topics {
            for (number, partition) in (0u32..).zip(&topic.partitions) {
                if partition.leader.is_none() {
                    lag += 1;
                    continue;
                }
                let mut of = offsets.iter();
                let next = of.find(|of| of.topic == topic.name && of.partition == number);
                let next = next.map_or(partition.log_start, |of| of.next);
                lag += partition.high_watermark.saturating_sub(next);
            }
        }
        lag
    }

    pub(super) fn report(&self) -> Report {
        self.cluster.report()
    }
}

/// Connections with brokers.
impl World {
    /// Takes a new connection with a broker, of a member or the harness; `None`: it does not
    /// listen.
    pub(crate) fn connect(
        &mut self,
        broker: BrokerId,
        member: Option<(MemberId, SocketAddr)>,
    ) -> Option<(ConnectionId, mpsc::Receiver<Answer>)> {
        let at = self.brokers.at(self.now());
        let host = member.map_or(HOST.into(), |(_, address)| address.ip().to_string());
        let id = self.brokers.cluster.connect(at, kafka_id(broker), host)?;
        // A frame has one answer, and is the only one under way.
        let (answers, answered) = mpsc::channel(1);
        let client = Client {
            broker,
            member,
            answers,
            asked: None,
        };
        self.brokers.clients.insert(id, client);
        Some((id, answered))
    }

    /// Takes a frame that has arrived.
    pub(crate) fn receive(&mut self, id: ConnectionId, frame: Bytes) {
        let at = self.brokers.at(self.now());
        let Some(client) = self.brokers.clients.get_mut(&id) else {
            return;
        };
        client.asked = Some(frame.clone());
        if let Some((member, address)) = client.member
            && self.brokers.hung_up.contains(&address)
        {
            self.came_late(member, &frame);
        }
        self.brokers.cluster.receive(at, id, frame);
    }

    /// Takes in that a member has closed its end of a connection. What it sent may be on the way.
    pub(crate) fn hung_up(&mut self, end: SocketAddr) {
        self.brokers.hung_up.insert(end);
    }

    /// Takes the end of a connection.
    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        let now = self.now();
        self.brokers.disconnect(now, id);
    }

    /// Does what the cluster wants, and notes what it tells.
    pub(super) fn hear(&mut self) {
        while let Some(output) = self.brokers.cluster.poll_output() {
            match output {
                Output::Frame(id, frame) => self.answer(id, frame),
                Output::Done(id) => self.end(id, Answer::Done),
                Output::Close(id) => drop(self.brokers.clients.remove(&id)),
                Output::Lost(id, _) => self.lost(id),
                Output::Led {
                    topic,
                    partition,
                    leader,
                    epoch,
                } => self.led(&topic, partition, in_plan(leader), epoch),
                Output::Observed(seen) => self.seen(seen),
                // A port is asked with each connection.
                Output::Open(_) | Output::Refuse(_) => {}
            }
        }
    }

    fn answer(&mut self, id: ConnectionId, frame: Bytes) {
        let client = self.brokers.clients.get_mut(&id);
        if let Some(client) = client
            && let (Some((member, _)), Some(asked)) = (client.member, client.asked.take())
            && let Some(error) = super::observed::refusal(&asked, frame.clone())
        {
            self.refused[member.0 as usize] = Some(error);
        }
        self.end(id, Answer::Frame(frame));
    }

    fn end(&self, id: ConnectionId, answer: Answer) {
        if let Some(client) = self.brokers.clients.get(&id) {
            // One that has gone says so itself.
            let _ = client.answers.try_send(answer);
        }
    }

    /// Takes in that a fault has lost the answer to the request under way.
    fn lost(&mut self, id: ConnectionId) {
        let client = self.brokers.clients.get(&id);
        let lost = client.and_then(|client| Some((client.member?.0, client.asked.as_ref()?)));
        let lost = lost.and_then(|(member, asked)| Some((member, kind(asked)?)));
        if let Some((member, request)) = lost {
            self.observe(TraceEvent::ResponseLost { member, request });
        }
    }
}

/// Returns the kind of a request, if faults know it.
pub(crate) fn kind(request: &[u8]) -> Option<RequestKind> {
    RequestKind::of_api_key(i16::from_be_bytes(*request.first_chunk()?))
}

/// Returns whether a topic is one of the plan's.
fn is_of(plan: &Plan, name: &str) -> bool {
    plan.settings.topics.iter().any(|topic| topic.name == name)
}
