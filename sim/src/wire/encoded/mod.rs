//! The simulator's messages as the bytes of Kafka's protocol: each goes to bytes and back where it
//! arrives, and means the same.
//!
//! A request of a client is put into the words of the wire, encoded as a client does it, decoded as
//! a served broker does it, and put back; with the answer it is the other way round. What the
//! protocol cannot say, or what our codec reads otherwise than it writes it, shows in the trace.

mod carried;
mod translation;

use super::{At, Connection, Edge, EdgeOptions, FetchSessions, Step, To};
use crate::cluster::{Broker, Shared};
use crate::env::{Env, Event};
use crate::network::Envelope;
use crate::nodes::{Nodes, Place};
use crate::protocol::{BrokerSet, Correlation, Message, Node, Request, Response};
use carried::{ToLean, ToWire};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::frames::Head;
use plimsoll_codec::{Sent, Versions, Wire, encode};
use plimsoll_core::Instant;
use std::collections::BTreeMap;
use translation::Translate as _;

/// The id of the scenario's group.
const GROUP: &str = "group";

/// What clients say that they are.
const CLIENT: &str = "plimsoll";

/// All connections of a run, as bytes.
pub(crate) struct Encoded {
    nodes: Nodes,
    edge: Edge,
    /// A broker that hosts nothing: simulated clients read nothing that the edge asks it for.
    broker: Broker<Wire>,
    shared: Shared<Wire>,
    sessions: FetchSessions,
    open: BrokerSet,
    /// What clients can say.
    versions: Versions,
    /// The topics to which members subscribe.
    topics: Vec<StrBytes>,
    /// Each request under way, by the client that sent it.
    under_way: BTreeMap<(Node, Correlation), Frame>,
    /// What could not be encoded, first.
    failure: Option<String>,
}

/// A request on the wire, under way.
struct Frame {
    connection: Connection,
    sent: Sent,
    /// The answer, where no broker is asked for it.
    answer: Option<bytes::Bytes>,
}

impl Encoded {
    /// Creates the connections of a run.
    pub(crate) fn new(env: &Env<'_>) -> Self {
        let settings = env.cluster_settings();
        let mut edge = Edge::new(EdgeOptions {
            settings: &settings,
            racks: &[],
            seed: env.plan.seed,
        });
        let mut shared = Shared::new(env.topology.len());
        edge.names.group(&mut shared, GROUP);
        let topics = env.plan.names().topics;
        let mut subscribed = Vec::new();
        for (number, topic) in (0..).zip(topics) {
            let partitions = env.topology.of_topic(number).collect::<Vec<_>>();
            if env.topology.is_workload(partitions[0]) {
                subscribed.push(StrBytes::from_string(topic.name.clone()));
            }
            if !edge.names.settings.contains_key(&topic.name) {
                edge.names
                    .add_topic(&topic.name, partitions, BTreeMap::new());
            }
        }
        let consumers = &env.plan.settings.consumers;
        let members = env.plan.starts.len() as u32;
        for instance in (0..members).filter_map(|member| consumers.instance(member)) {
            let name = format!("instance-{instance}");
            edge.names.known.bind_instance(name.into(), instance);
        }
        Self {
            nodes: env.nodes,
            edge,
            broker: Broker::new(&settings, Node(0)),
            shared,
            sessions: FetchSessions::new(env.plan.seed, 0),
            open: env.brokers().fold(BrokerSet::default(), BrokerSet::with),
            versions: Versions::known(),
            topics: subscribed,
            under_way: BTreeMap::new(),
            failure: None,
        }
    }

    /// Has a message that arrives come out of its bytes.
    pub(crate) fn carry(&mut self, event: &mut Event) {
        let Event::Deliver(envelope) = event else {
            return;
        };
        let carried = match (&envelope.message, self.client_of(envelope)) {
            (Message::Request(correlation, request), Some(client)) => {
                let carried = self.carry_request(client, *correlation, request);
                carried.map(|request| Message::Request(*correlation, request))
            }
            (Message::Response(correlation, response), Some(client)) => {
                match self.under_way.remove(&(client, *correlation)) {
                    Some(frame) => {
                        let carried = self.carry_response(frame, response);
                        carried.map(|response| Message::Response(*correlation, response))
                    }
                    // It has been carried before, and waited where it arrived.
                    None => return,
                }
            }
            _ => return,
        };
        match carried {
            Some(message) => envelope.message = message,
            None => {
                let message = &envelope.message;
                self.failure
                    .get_or_insert_with(|| format!("no bytes of Kafka's protocol say {message:?}"));
            }
        }
    }

    /// Returns what could not be encoded or decoded first, if anything.
    pub(crate) fn into_failure(self) -> Option<String> {
        self.failure
    }

    /// Returns the client whose message it is, to or from a broker.
    fn client_of(&self, envelope: &Envelope) -> Option<Node> {
        let is_broker = |node| self.nodes.place_of(node) == Place::Broker;
        let is_client = |node| {
            matches!(
                self.nodes.place_of(node),
                Place::Producer | Place::Member(_)
            )
        };
        let (from, to) = (envelope.from, envelope.to);
        match &envelope.message {
            Message::Request(..) => (is_client(from) && is_broker(to)).then_some(from),
            Message::Response(..) => (is_broker(from) && is_client(to)).then_some(to),
            Message::MetadataUpdate { .. } => None,
        }
    }

    fn carry_request(
        &mut self,
        client: Node,
        correlation: Correlation,
        request: &Request,
    ) -> Option<Request> {
        let said = self.to_wire().request(request)?;
        let head = Head {
            correlation: correlation.0 as i32,
            client_id: StrBytes::from_static_str(CLIENT),
        };
        let names = &mut self.edge.names.known;
        let (bytes, sent) = encode(names, &head, &self.versions, &said)?;
        let mut frame = Frame {
            connection: Connection::new(CLIENT.to_owned()),
            sent,
            answer: None,
        };
        let at = at(
            &self.broker,
            self.open,
            (&mut self.shared, &mut self.sessions),
        );
        let asked = match self.edge.decode(at, &mut frame.connection, bytes) {
            Step::Ask(To::Broker, request) => Some(request),
            Step::Tell(mut requests) => requests.pop().filter(|_| requests.is_empty()),
            Step::Answer(bytes) => {
                frame.answer = Some(bytes);
                None
            }
            Step::Ask(To::Controller, _) | Step::Close => return None,
        };
        self.under_way.insert((client, correlation), frame);
        match (request, asked) {
            (Request::ApiVersions, None) => Some(Request::ApiVersions),
            (_, Some(asked)) => self.to_lean().request(&asked),
            _ => None,
        }
    }

    fn carry_response(&mut self, mut frame: Frame, response: &Response) -> Option<Response> {
        let said = self.to_wire().response(response)?;
        let at = at(
            &self.broker,
            self.open,
            (&mut self.shared, &mut self.sessions),
        );
        let bytes = match frame.answer {
            Some(bytes) => bytes,
            None => match self.edge.answered(at, &mut frame.connection, said) {
                Step::Answer(bytes) => bytes,
                _ => return None,
            },
        };
        let read = frame.sent.decode(&mut self.edge.names.known, bytes)?;
        self.to_lean().response(&read)
    }

    fn to_wire(&self) -> ToWire<'_> {
        ToWire {
            names: &self.edge.names.known,
            topics: &self.topics,
        }
    }

    fn to_lean(&self) -> ToLean<'_> {
        ToLean {
            names: &self.edge.names.known,
        }
    }
}

fn at<'a>(
    state: &'a Broker<Wire>,
    open: BrokerSet,
    (shared, sessions): (&'a mut Shared<Wire>, &'a mut FetchSessions),
) -> At<'a> {
    At {
        // What grows old here, nothing asks for.
        now: Instant::ZERO,
        time: None,
        state,
        sessions,
        open,
        shared,
    }
}
