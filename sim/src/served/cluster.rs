//! The cluster as what serves it sees it: connections, frames, moments.

use super::env::Said;
use super::faults::{Unknown, Waiting, take_parts};
use super::observed::Seen;
use super::options::Options;
use super::retention;
use super::world::World;
use crate::cluster::{ClusterSettings, Placement};
use crate::protocol::{BrokerSet, Correlation, Node, PerBroker, Request, Response};
use crate::table::DenseId;
use crate::wire::{At, Connection, Edge, EdgeOptions, FetchSessions, Step, To};
use bytes::Bytes;
use plimsoll_codec::Wire;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, ErrorName};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A connection from outside, for as long as the cluster lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// An order to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send the answer to the oldest frame of a connection that was received and is not done; it
    /// has no length in front of it.
    Frame(ConnectionId, Bytes),
    /// Take the oldest frame of a connection as done: no answer to it comes.
    Done(ConnectionId),
    /// Close a connection; the cluster knows it no more.
    Close(ConnectionId),
    /// Nothing but to know that a fault has lost this answer to the oldest frame of a connection,
    /// which is closed next.
    Lost(ConnectionId, Bytes),
    /// Nothing but to know that a partition of this topic has another leader.
    Led {
        /// The topic.
        topic: String,
        /// The partition's number.
        partition: i32,
        /// The broker that leads it now.
        leader: BrokerId,
        /// The epoch of its leadership.
        epoch: u32,
    },
    /// Nothing but to know what became of a log, where that is [observed](Options::is_observed).
    Observed(Seen),
    /// Listen for connections with a broker.
    Open(BrokerId),
    /// Refuse connections with a broker.
    Refuse(BrokerId),
}

/// A simulated cluster for clients from outside.
#[derive(Debug)]
pub struct ServedCluster {
    pub(super) world: World<Wire>,
    pub(super) edge: Edge,
    sessions: PerBroker<FetchSessions>,
    /// The time of day at the cluster's beginning.
    began: Option<Duration>,
    pub(super) retention_check: Duration,
    /// The moment of the next look for records that are no longer kept.
    pub(super) clean_up_at: Instant,
    /// The node that asks for what no connection asks for.
    own: Option<Node>,
    pub(super) waiting: Waiting,
    /// The brokers that clients do not reach.
    pub(super) cut_off: BTreeSet<Node>,
    /// The answers of those, until clients reach them again.
    pub(super) held: Vec<Said<Wire>>,
    clients: BTreeMap<ConnectionId, Client>,
    /// The connections, by their nodes.
    by_node: BTreeMap<Node, ConnectionId>,
    /// The names that clients had for themselves whose connections are gone, by their nodes, where
    /// logs are observed: what they committed may become readable later.
    pub(super) gone: BTreeMap<Node, String>,
    connections: u64,
    correlations: u32,
    outputs: VecDeque<Output>,
}

/// A connection from outside.
#[derive(Debug)]
struct Client {
    node: Node,
    broker: Node,
    connection: Connection,
    /// The request that is asked for the frame under way.
    asked: Option<Asked>,
    /// Frames that wait until the one under way is done (`SocketServer` mutes a channel).
    frames: VecDeque<Bytes>,
}

/// A request that was sent on.
#[derive(Clone, Debug)]
struct Asked {
    correlation: Correlation,
    /// Whether a fault loses the answer.
    is_lost: bool,
    /// The parts that were not sent on, by their places, and the error with which they failed.
    failed: Option<(ErrorName, Vec<usize>)>,
}

impl Asked {
    /// Puts the failures of parts between the answers to the others.
    fn complete(&self, mut response: Response<Wire>) -> Response<Wire> {
        if let (Some((error, places)), Response::Parts(answers)) = (&self.failed, &mut response) {
            for place in places {
                answers.insert(*place, Response::Failed(*error));
            }
        }
        response
    }
}

impl ServedCluster {
    /// Creates a cluster, all of whose brokers run.
    pub fn new(options: Options) -> Self {
        let brokers = options.brokers.clamp(1, Options::MOST_BROKERS);
        let placement = Placement::by_number(brokers, options.replication.clamp(1, brokers));
        let settings = ClusterSettings::new(placement, options.min_insync, options.settings);
        let mut world = World::new(&settings, options.seed, options.latency);
        let mut cluster = Self {
            own: world.open(),
            world,
            edge: Edge::new(EdgeOptions {
                settings: &settings,
                racks: &options.racks,
                seed: options.seed,
            }),
            sessions: PerBroker::new(brokers.into(), |node: Node| {
                FetchSessions::new(options.seed, node.0)
            }),
            began: options.began,
            retention_check: options.retention_check,
            clean_up_at: retention::FIRST,
            waiting: Waiting::default(),
            cut_off: BTreeSet::new(),
            held: Vec::new(),
            clients: BTreeMap::new(),
            by_node: BTreeMap::new(),
            gone: BTreeMap::new(),
            connections: 0,
            correlations: 0,
            outputs: VecDeque::new(),
        };
        cluster.world.env.is_observed = options.is_observed;
        cluster.hear();
        cluster
    }

    /// Lets brokers come late to the controller's news from now on, as on machines that have much
    /// else to do. In real time the machine itself sees to that.
    pub fn let_news_be_late(&mut self) {
        self.world.env.network.let_news_be_late();
    }

    /// Returns the brokers.
    pub fn brokers(&self) -> impl Iterator<Item = BrokerId> + use<> {
        self.world.brokers.ids().map(broker_at)
    }

    /// Says where clients reach a broker.
    pub fn advertise(&mut self, broker: BrokerId, host: String, port: u16) {
        self.edge.advertise(broker, host, port);
    }

    /// Takes a new connection with a broker; `None`: the broker does not listen. `host` is where
    /// the client is.
    pub fn connect(
        &mut self,
        now: Instant,
        broker: BrokerId,
        host: String,
    ) -> Option<ConnectionId> {
        let broker = self.node_of(broker).ok()?;
        self.handle_timeout(now);
        if !self.world.is_open(broker) {
            return None;
        }
        let node = self.world.open()?;
        self.connections += 1;
        let id = ConnectionId(self.connections);
        let client = Client {
            node,
            broker,
            connection: Connection::new(host),
            asked: None,
            frames: VecDeque::new(),
        };
        self.clients.insert(id, client);
        self.by_node.insert(node, id);
        Some(id)
    }

    /// Takes a frame that a client sent, without the length in front of it. The frames of one
    /// connection are handled one by one; a caller that reads the next one only when the one
    /// before is done keeps their memory small.
    pub fn receive(&mut self, now: Instant, connection: ConnectionId, frame: Bytes) {
        self.change(now, |cluster| {
            if let Some(client) = cluster.clients.get_mut(&connection) {
                client.frames.push_back(frame);
                cluster.work(connection);
            }
        });
    }

    /// Takes the end of a connection that the client closed, or that broke.
    pub fn disconnect(&mut self, now: Instant, connection: ConnectionId) {
        self.change(now, |cluster| {
            cluster.forget(connection);
        });
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.change(now, |cluster| cluster.clean_up(now));
    }

    /// Returns the moment by which to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.world.next_at();
        Some(next.map_or(self.clean_up_at, |next| next.min(self.clean_up_at)))
    }

    /// Returns the next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns whether all replicas of all partitions are in sync.
    pub fn is_whole(&self) -> bool {
        self.world.controller.is_healthy()
    }

    pub(super) fn node_of(&self, broker: BrokerId) -> Result<Node, Unknown> {
        let mut nodes = self.world.brokers.ids();
        nodes
            .find(|node| broker_at(*node) == broker)
            .ok_or(Unknown("broker"))
    }

    /// Lets everything happen that is due by `now`, then a change, and what follows from it.
    pub(super) fn change(&mut self, now: Instant, change: impl FnOnce(&mut Self)) {
        self.world.advance(now);
        self.hear();
        change(self);
        self.hear();
    }

    /// Handles what brokers and the controller said to connections.
    fn hear(&mut self) {
        while let Some(said) = self.world.env.said.pop_front() {
            match said {
                Said::Answer { to, .. } if self.is_cut_off(to) => self.held.push(said),
                Said::Answer {
                    to,
                    correlation,
                    response,
                } => self.answered(to, correlation, response),
                Said::Cut(node) => {
                    if let Some(id) = self.by_node.get(&node) {
                        self.close(*id);
                    }
                }
                Said::Led {
                    partition,
                    leader,
                    epoch,
                } => {
                    let place = self.edge.place(partition);
                    let led = place.map(|(topic, partition)| Output::Led {
                        topic,
                        partition,
                        leader: broker_at(leader),
                        epoch,
                    });
                    self.outputs.extend(led);
                }
                said @ (Said::Stored { .. } | Said::Truncated { .. } | Said::Removed { .. }) => {
                    let seen = self.seen(said);
                    self.outputs.extend(seen.map(Output::Observed));
                }
                Said::Opened(node) => self.outputs.push_back(Output::Open(broker_at(node))),
                Said::Closed(node) => {
                    self.sessions[node].clear();
                    self.outputs.push_back(Output::Refuse(broker_at(node)));
                    self.close_where(|client| client.broker == node);
                }
            }
        }
    }

    /// Returns the name that the client at a node has for itself, or had.
    pub(super) fn client_at(&self, node: Node) -> Option<&str> {
        let client = self.by_node.get(&node).and_then(|id| self.clients.get(id));
        let name = client.and_then(|client| client.connection.client_id());
        name.or_else(|| self.gone.get(&node).map(String::as_str))
    }

    /// Returns whether a client has its connection with a broker that it does not reach.
    fn is_cut_off(&self, node: Node) -> bool {
        let client = self.by_node.get(&node).and_then(|id| self.clients.get(id));
        client.is_some_and(|client| self.cut_off.contains(&client.broker))
    }

    fn answered(&mut self, to: Node, correlation: Correlation, response: Response<Wire>) {
        let Some(id) = self.by_node.get(&to).copied() else {
            return;
        };
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let Some(asked) = client
            .asked
            .take_if(|asked| asked.correlation == correlation)
        else {
            return;
        };
        let is_lost = asked.is_lost;
        let response = asked.complete(response);
        let step = self.at_edge(id, |edge, at, connection| {
            edge.answered(at, connection, response)
        });
        if is_lost {
            if let Step::Answer(frame) = step {
                self.outputs.push_back(Output::Lost(id, frame));
            }
            return self.close(id);
        }
        self.carry_out(id, step);
        self.work(id);
    }

    /// Handles the frames of a connection that wait, as far as their turn has come.
    fn work(&mut self, id: ConnectionId) {
        while let Some(client) = self.clients.get_mut(&id)
            && client.asked.is_none()
            && !self.world.is_paused(client.broker)
            && !self.cut_off.contains(&client.broker)
            && let Some(frame) = client.frames.pop_front()
        {
            let step = self.at_edge(id, |edge, at, connection| {
                edge.decode(at, connection, frame)
            });
            self.carry_out(id, step);
        }
    }

    /// Handles the frames that waited for a broker that stood still.
    pub(super) fn go_on(&mut self, broker: Node) {
        let clients = self.clients.iter().filter(|(_, c)| c.broker == broker);
        let waiting: Vec<_> = clients.map(|(id, _)| *id).collect();
        waiting.into_iter().for_each(|id| self.work(id));
    }

    /// Asks the edge what is to be done next for a connection.
    fn at_edge(
        &mut self,
        id: ConnectionId,
        ask: impl FnOnce(&mut Edge, At<'_>, &mut Connection) -> Step,
    ) -> Step {
        let now = self.world.env.now;
        let time = self.time(now);
        let Some(client) = self.clients.get_mut(&id) else {
            return Step::Close;
        };
        let nodes = self.world.brokers.ids();
        let open = nodes.filter(|node| self.world.is_open(*node));
        let at = At {
            now,
            time,
            sessions: &mut self.sessions[client.broker],
            state: &self.world.brokers[client.broker],
            open: open.fold(BrokerSet::default(), BrokerSet::with),
            shared: &mut self.world.env.shared,
        };
        ask(&mut self.edge, at, &mut client.connection)
    }

    fn carry_out(&mut self, id: ConnectionId, step: Step) {
        match step {
            Step::Ask(to, request) => self.ask(id, to, request, true),
            Step::Tell(requests) => {
                self.outputs.push_back(Output::Done(id));
                for request in requests {
                    self.ask(id, To::Broker, request, false);
                }
            }
            Step::Answer(frame) => self.outputs.push_back(Output::Frame(id, frame)),
            Step::Close => self.close(id),
        }
    }

    fn ask(&mut self, id: ConnectionId, to: To, mut request: Request<Wire>, is_answered: bool) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let correlation = next(&mut self.correlations);
        let (from, broker) = (client.node, client.broker);
        if is_answered {
            let client_id = client.connection.client_id();
            let is_lost = self.waiting.loses(&self.edge, broker, client_id, &request);
            let mut asked = Asked {
                correlation,
                is_lost,
                failed: None,
            };
            let error = self.waiting.error(&self.edge, broker, client_id, &request);
            if let Some((error, partition)) = error {
                let failed = partition.map_or_else(Vec::new, |of| take_parts(&mut request, of));
                if failed.is_empty() {
                    client.asked = Some(asked);
                    let memory = self.world.env.shared.fetch_response();
                    let response = match partition {
                        Some(partition) => request.into_failure(error, partition, memory),
                        None => Response::Failed(error),
                    };
                    return self.world.env.said.push_back(Said::Answer {
                        to: from,
                        correlation,
                        response,
                    });
                }
                asked.failed = Some((error, failed));
            }
            client.asked = Some(asked);
        }
        let to = match to {
            To::Broker => broker,
            To::Controller => Node::from_index(self.world.brokers.len()),
        };
        self.world.ask(from, to, correlation, request);
    }

    /// Sends a broker a request whose answer is not awaited.
    pub(super) fn tell(&mut self, broker: Node, request: Request<Wire>) {
        if let Some(own) = self.own {
            let correlation = next(&mut self.correlations);
            self.world.ask(own, broker, correlation, request);
        }
    }

    /// Returns the time of day at a moment, in milliseconds since 1970, where that is known.
    pub(super) fn time(&self, now: Instant) -> Option<i64> {
        let time = self.began? + now.since_start();
        Some(time.as_millis() as i64)
    }

    /// Closes the connections of the clients with this client id; of all with `None`.
    pub(super) fn close_all_of(&mut self, client_id: Option<&str>) -> usize {
        self.close_where(|client| {
            client_id.is_none_or(|id| client.connection.client_id() == Some(id))
        })
    }

    fn close_where(&mut self, is_meant: impl Fn(&Client) -> bool) -> usize {
        let meant = self.clients.iter().filter(|(_, client)| is_meant(client));
        let meant: Vec<_> = meant.map(|(id, _)| *id).collect();
        meant.iter().for_each(|id| self.close(*id));
        meant.len()
    }

    fn close(&mut self, id: ConnectionId) {
        if self.forget(id) {
            self.outputs.push_back(Output::Close(id));
        }
    }

    /// Forgets a connection, and tells its broker. Returns whether there was one.
    fn forget(&mut self, id: ConnectionId) -> bool {
        let Some(client) = self.clients.remove(&id) else {
            return false;
        };
        self.by_node.remove(&client.node);
        if self.world.env.is_observed
            && let Some(name) = client.connection.client_id()
        {
            self.gone.insert(client.node, name.to_owned());
        }
        self.world.close(client.node, client.broker);
        true
    }
}

/// Takes the number of the next request.
fn next(correlations: &mut u32) -> Correlation {
    *correlations = correlations.wrapping_add(1);
    Correlation(*correlations)
}

/// Returns the broker at a node; brokers count from 1, as those of Kafka's own `server.properties`.
pub(super) fn broker_at(node: Node) -> BrokerId {
    BrokerId(u32::from(node.0) + 1)
}
