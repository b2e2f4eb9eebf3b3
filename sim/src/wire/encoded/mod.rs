//! The simulator's messages as the bytes of Kafka's protocol: each goes to bytes and back where it
//! arrives, and means the same.
//!
//! A request of a client is put into the words of the wire, encoded as a client does it, decoded as
//! a served broker does it, and put back; with the answer it is the other way round. What the
//! protocol cannot say, or what our codec reads otherwise than it writes it, shows in the trace.

mod carried;
mod translation;

use super::codec::Sent;
use super::frames::Head;
use super::names::Names;
use super::{At, Connection, Edge, EdgeOptions, FetchSessions, Step, To, Wire};
use crate::cluster::{Broker, Shared};
use crate::env::{Env, Event};
use crate::network::Envelope;
use crate::nodes::{Nodes, Place};
use crate::protocol::{
    BrokerSet, Correlation, FoundOffset, Message, NO_EPOCH, Node, OffsetsRequest, Request,
    Response, Wanted,
};
use crate::topology::PartitionIndex;
use carried::{ToLean, ToWire};
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::ErrorName;
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
    /// The topics to which members subscribe.
    topics: Vec<StrBytes>,
    /// The frames of each request under way, by the client that sent it.
    under_way: BTreeMap<(Node, Correlation), Vec<Frame>>,
    /// What could not be encoded, first.
    failure: Option<String>,
}

/// One request on the wire, under way.
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
            if !edge.names.topics.contains_key(&topic.name) {
                edge.names
                    .add_topic(&topic.name, partitions, BTreeMap::new());
            }
        }
        let consumers = &env.plan.settings.consumers;
        let members = env.plan.starts.len() as u32;
        for instance in (0..members).filter_map(|member| consumers.instance(member)) {
            edge.names.bind_instance(instance);
        }
        Self {
            nodes: env.nodes,
            edge,
            broker: Broker::new(&settings, Node(0)),
            shared,
            sessions: FetchSessions::new(env.plan.seed, 0),
            open: env.brokers().fold(BrokerSet::default(), BrokerSet::with),
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
                    Some(frames) => {
                        let carried = self.carry_response(frames, response);
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
        let said = match request {
            Request::ListOffsets { partition } => both_ends(*partition).into(),
            request => vec![self.to_wire().request(request)?],
        };
        let mut frames = Vec::new();
        let mut asked = Vec::new();
        for request in said {
            let head = Head {
                correlation: correlation.0 as i32,
                client_id: StrBytes::from_static_str(CLIENT),
            };
            let (bytes, sent) = self.edge.encode(&head, &request)?;
            let mut frame = Frame {
                connection: Connection::new(CLIENT.to_owned()),
                sent,
                answer: None,
            };
            match self.edge.decode(
                at(
                    &self.broker,
                    self.open,
                    (&mut self.shared, &mut self.sessions),
                ),
                &mut frame.connection,
                bytes,
            ) {
                Step::Ask(To::Broker, request) => asked.push(request),
                Step::Tell(requests) => asked.extend(requests),
                Step::Answer(bytes) => frame.answer = Some(bytes),
                Step::Ask(To::Controller, _) | Step::Close => return None,
            }
            frames.push(frame);
        }
        self.under_way.insert((client, correlation), frames);
        match (request, &asked[..]) {
            (Request::ApiVersions, []) => Some(Request::ApiVersions),
            (_, [Request::Offsets(earliest), Request::Offsets(latest)]) => {
                partition_of(earliest, latest)
            }
            (_, [request]) => self.to_lean().request(request),
            _ => None,
        }
    }

    fn carry_response(&mut self, frames: Vec<Frame>, response: &Response) -> Option<Response> {
        let said = match response {
            Response::ListOffsets { earliest, latest } => {
                [*earliest, *latest].map(end_of_log).into()
            }
            Response::Failed(error) => {
                let failed = frames.iter().map(|_| Response::Failed(*error));
                failed.collect()
            }
            response => vec![self.to_wire().response(response)?],
        };
        let mut read = Vec::new();
        for (mut frame, response) in frames.into_iter().zip(said) {
            let at = at(
                &self.broker,
                self.open,
                (&mut self.shared, &mut self.sessions),
            );
            let bytes = match frame.answer {
                Some(bytes) => bytes,
                None => match self.edge.answered(at, &mut frame.connection, response) {
                    Step::Answer(bytes) => bytes,
                    _ => return None,
                },
            };
            read.push(self.edge.read(frame.sent, bytes)?);
        }
        match &read[..] {
            [Response::Offsets(earliest), Response::Offsets(latest)] => {
                Some(Response::ListOffsets {
                    earliest: place_of(*earliest)?,
                    latest: place_of(*latest)?,
                })
            }
            [response] => self.to_lean().response(response),
            _ => None,
        }
    }

    fn to_wire(&self) -> ToWire<'_> {
        ToWire {
            names: &self.edge.names,
            topics: &self.topics,
        }
    }

    fn to_lean(&self) -> ToLean<'_> {
        ToLean {
            names: &self.edge.names,
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

/// Makes the two requests for which one stands in the simulator: `ListOffsets` refuses a partition
/// that is named twice.
fn both_ends(partition: PartitionIndex) -> [Request<Wire>; 2] {
    [Wanted::Earliest, Wanted::Latest].map(|wanted| {
        Request::Offsets(OffsetsRequest {
            partition,
            leader_epoch: NO_EPOCH,
            wanted,
        })
    })
}

/// Puts them together again.
fn partition_of(earliest: &OffsetsRequest, latest: &OffsetsRequest) -> Option<Request> {
    let partition = earliest.partition;
    let [Request::Offsets(first), Request::Offsets(second)] = both_ends(partition) else {
        return None;
    };
    let are_both_ends = (first, second) == (*earliest, *latest);
    are_both_ends.then_some(Request::ListOffsets { partition })
}

fn end_of_log(end: Result<NextOffset, ErrorName>) -> Response<Wire> {
    Response::Offsets(end.map(|end| {
        Some(FoundOffset {
            offset: end.get(),
            leader_epoch: None,
            timestamp: None,
        })
    }))
}

/// Reads one end of a log, which is always somewhere.
fn place_of(end: Result<Option<FoundOffset>, ErrorName>) -> Option<Result<NextOffset, ErrorName>> {
    Some(match end {
        Ok(found) => Ok(NextOffset::new(found?.offset)),
        Err(error) => Err(error),
    })
}
