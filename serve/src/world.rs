//! The cluster, the network to it, and who is connected: what the thread's loop drives.

use crate::inside::Answer;
use crate::network::{Clients, Ends, Network};
use crate::play::Play;
use crate::trace::{Event, Trace};
use crate::watch;
use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, RequestKind};
use plimsoll_scenarios::scenario::Direction;
use plimsoll_sim::served::{ConnectionId, Output, ServedCluster};
use std::collections::BTreeMap;
use tokio::sync::{mpsc, watch as ports};

/// The cluster, and all around it that has no socket.
pub(crate) struct World {
    pub(crate) cluster: ServedCluster,
    pub(crate) network: Network<Passing>,
    pub(crate) trace: Trace,
    /// The scenario that plays, if one does.
    pub(crate) play: Option<Play>,
    /// Whether a broker's port is to be open.
    pub(crate) ports: BTreeMap<BrokerId, ports::Sender<bool>>,
    clients: BTreeMap<ConnectionId, Client>,
    /// The moment from which the trace and the scenario count.
    pub(crate) began: Instant,
}

/// A frame between a client and its broker.
#[derive(Debug)]
pub(crate) struct Passing {
    connection: ConnectionId,
    frame: Bytes,
    way: Direction,
}

/// A connection.
struct Client {
    ends: Ends,
    /// Whether it is one of this process's own, which no fault of the network hits.
    is_own: bool,
    answers: mpsc::Sender<Answer>,
    /// The kind of the request under way, where faults know it.
    asked: Option<RequestKind>,
    /// The request under way, where the trace tells of it.
    request: Option<Bytes>,
}

impl World {
    /// Makes the world of a cluster, in which the trace begins at this time of the cluster.
    pub(crate) fn new(cluster: ServedCluster, began: Instant) -> Self {
        Self {
            cluster,
            network: Network::default(),
            trace: Trace::default(),
            play: None,
            ports: BTreeMap::new(),
            clients: BTreeMap::new(),
            began,
        }
    }

    /// Notes what happened.
    pub(crate) fn note(&mut self, now: Instant, event: Event) {
        let since = now.saturating_since(self.began);
        self.trace.push(Instant::ZERO + since, event);
    }

    /// Takes a new connection; `None`: the broker does not listen.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        broker: BrokerId,
        host: String,
        is_own: bool,
    ) -> Option<(ConnectionId, mpsc::Receiver<Answer>)> {
        let id = self.cluster.connect(now, broker, host)?;
        // A frame has one answer, and is the only one under way.
        let (answer, answers) = mpsc::channel(1);
        let client = Client {
            ends: Ends {
                client_id: None,
                broker,
            },
            is_own,
            answers: answer,
            asked: None,
            request: None,
        };
        self.clients.insert(id, client);
        Some((id, answers))
    }

    /// Takes a frame that a client sent.
    pub(crate) fn received(&mut self, now: Instant, id: ConnectionId, frame: Bytes) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        if client.ends.client_id.as_deref() != watch::client_id(&frame) {
            client.ends.client_id = watch::client_id(&frame).map(str::to_owned);
        }
        let kind = watch::kind(&frame);
        client.asked = kind;
        let is_told = kind.is_some_and(watch::is_told);
        client.request = is_told.then(|| frame.clone());
        let is_own = client.is_own;
        if let Some(kind) = kind.filter(|_| !is_own) {
            self.sent(now, kind);
        }
        self.pass(now, id, Direction::Requests, frame);
    }

    /// Takes the end of a connection that the client closed.
    pub(crate) fn disconnected(&mut self, now: Instant, id: ConnectionId) {
        self.forget(id);
        self.cluster.disconnect(now, id);
    }

    /// Closes the connections of some clients. Returns the number of them.
    pub(crate) fn cut(&mut self, now: Instant, meant: &Clients) -> usize {
        let mut closed = Vec::new();
        for (id, client) in &self.clients {
            if !client.is_own && meant.are_at(&client.ends) {
                closed.push(*id);
            }
        }
        closed.iter().for_each(|id| self.disconnected(now, *id));
        closed.len()
    }

    /// Ends all faults.
    pub(crate) fn heal(&mut self, now: Instant) {
        self.cluster.heal(now);
        self.network.heal(now);
    }

    /// Does what is due by now, and hands out what came of it and of all that was done before.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.cluster.handle_timeout(now);
        self.play_until(now);
        for Passing {
            connection,
            frame,
            way,
        } in self.network.release(now)
        {
            self.arrived(now, connection, way, frame);
        }
        while let Some(output) = self.cluster.poll_output() {
            self.hand_out(now, output);
        }
    }

    /// Returns the moment by which to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let play = self.play.as_ref();
        let play = play.and_then(|play| play.next_at(self.began));
        let all = [self.cluster.poll_timeout(), self.network.next_at(), play];
        all.into_iter().flatten().min()
    }

    fn hand_out(&mut self, now: Instant, output: Output) {
        match output {
            Output::Frame(id, frame) => {
                self.answered(now, id, &frame);
                self.pass(now, id, Direction::Responses, frame);
            }
            Output::Done(id) => self.answer(id, Answer::Done),
            Output::Close(id) => self.forget(id),
            Output::Lost(id, frame) => {
                self.answered(now, id, &frame);
                if let Some(request) = self.clients.get(&id).and_then(|client| client.asked) {
                    self.lost(now, request);
                }
            }
            Output::Led {
                topic,
                partition,
                leader,
                epoch,
            } => {
                let leader = leader.0;
                let led = Event::LeaderChanged {
                    topic,
                    partition,
                    leader,
                    epoch,
                };
                self.note(now, led);
            }
            Output::Open(broker) => self.open(now, broker, true),
            Output::Refuse(broker) => self.open(now, broker, false),
            // Nobody asks for it here.
            Output::Observed(_) => {}
        }
    }

    /// Notes what an answer tells, which has not left its broker.
    fn answered(&mut self, now: Instant, id: ConnectionId, answer: &Bytes) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let (Some(kind), Some(request)) = (client.asked, client.request.take()) else {
            return;
        };
        for event in watch::events(kind, request, answer.clone()) {
            self.accepted(now, &event);
            self.note(now, event);
        }
    }

    /// Lets a frame pass, at once or later.
    fn pass(&mut self, now: Instant, id: ConnectionId, way: Direction, frame: Bytes) {
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        let passing = Passing {
            connection: id,
            frame,
            way,
        };
        let passing = match client.is_own {
            true => Some(passing),
            false => self.network.pass(now, &client.ends, way, passing),
        };
        if let Some(Passing { frame, .. }) = passing {
            self.arrived(now, id, way, frame);
        }
    }

    fn arrived(&mut self, now: Instant, id: ConnectionId, way: Direction, frame: Bytes) {
        match way {
            Direction::Responses => self.answer(id, Answer::Frame(frame)),
            Direction::Requests | Direction::Both => self.cluster.receive(now, id, frame),
        }
    }

    fn answer(&self, id: ConnectionId, answer: Answer) {
        if let Some(client) = self.clients.get(&id) {
            // One that has gone says so itself.
            let _ = client.answers.try_send(answer);
        }
    }

    fn forget(&mut self, id: ConnectionId) {
        self.clients.remove(&id);
        self.network.forget(|passing| passing.connection == id);
    }

    fn open(&mut self, now: Instant, broker: BrokerId, is_open: bool) {
        // The controller has no port.
        let Some(port) = self.ports.get(&broker) else {
            return;
        };
        port.send_replace(is_open);
        let broker = broker.0;
        let event = match is_open {
            true => Event::BrokerUp { broker },
            false => Event::BrokerDown { broker },
        };
        self.note(now, event);
    }
}
