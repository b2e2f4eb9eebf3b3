//! Kafka's protocol: what brokers carry as bytes, names of what is a number inside, and the way from
//! frames to messages and back.

mod codec;
mod encoded;
mod names;
mod rules;
mod sessions;
mod settings;

pub(crate) use encoded::Encoded;
pub(crate) use sessions::FetchSessions;
pub(crate) use settings::Retention;

use crate::cluster::{Broker, ClusterSettings, Shared};
use crate::protocol::{BrokerSet, GroupIndex, Request, Response};
use crate::topology::PartitionIndex;
use bytes::Bytes;
use codec::Work;
use names::Names;
use plimsoll_codec::Wire;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;

/// The next step for the frame under way on a connection.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send a request on; its answer comes to [`Edge::answered`].
    Ask(To, Request<Wire>),
    /// Send requests on to the connection's broker; no answer comes, and the frame is done.
    Tell(Vec<Request<Wire>>),
    /// Send an answer, without the length in front of it; the frame is done.
    Answer(Bytes),
    /// Close the connection, as Kafka does upon what it cannot read.
    Close,
}

/// The addressee of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Broker,
    Controller,
}

/// The place and the time of a request.
pub(crate) struct At<'a> {
    pub(crate) now: Instant,
    /// The time of day, in milliseconds since 1970, where that is known.
    pub(crate) time: Option<i64>,
    /// The connection's broker.
    pub(crate) state: &'a Broker<Wire>,
    /// The fetch sessions that clients have with it.
    pub(crate) sessions: &'a mut FetchSessions,
    /// The brokers that accept connections.
    pub(crate) open: BrokerSet,
    pub(crate) shared: &'a mut Shared<Wire>,
}

/// A connection, as the edge knows it.
#[derive(Debug)]
pub(crate) struct Connection {
    client_host: String,
    client_id: Option<String>,
    work: Option<Work>,
}

impl Connection {
    pub(crate) fn new(client_host: String) -> Self {
        Self {
            client_host,
            client_id: None,
            work: None,
        }
    }

    /// Returns the client's name for itself.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

/// The edge between frames and messages.
#[derive(Debug)]
pub(crate) struct Edge {
    names: Names,
}

/// The settings of a cluster's edge.
pub(crate) struct EdgeOptions<'a> {
    pub(crate) settings: &'a ClusterSettings,
    /// The racks of the brokers, dealt out in turn.
    pub(crate) racks: &'a [String],
    /// What ids follow from.
    pub(crate) seed: u64,
}

impl Edge {
    pub(crate) fn new(options: EdgeOptions<'_>) -> Self {
        Self {
            names: Names::new(&options),
        }
    }

    /// Says where clients reach a broker.
    pub(crate) fn advertise(&mut self, broker: BrokerId, host: String, port: u16) {
        self.names.advertise(broker, host, port);
    }

    /// Returns the index of a partition that exists.
    pub(crate) fn partition(&self, topic: &str, partition: i32) -> Option<PartitionIndex> {
        self.names.known.partition(topic, partition)
    }

    /// Returns the topics with their partitions, by name.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&str, &[PartitionIndex])> {
        let topics = self.names.known.topics();
        topics.map(|(name, topic)| (name.as_str(), &topic.partitions[..]))
    }

    /// Returns the partitions from which records are deleted, with what they keep.
    pub(crate) fn retentions(&self) -> impl Iterator<Item = (PartitionIndex, Retention)> {
        self.names.known.topics().flat_map(|(name, topic)| {
            let retention = self.names.settings.get(name).and_then(Retention::of);
            let partitions = topic.partitions.iter();
            partitions.filter_map(move |partition| Some((*partition, retention?)))
        })
    }

    /// Returns the groups, by name.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, GroupIndex)> {
        let groups = self.names.known.groups();
        groups.map(|(name, group)| (name.as_str(), *group))
    }

    /// Returns the group with this name, if it was ever asked for.
    pub(crate) fn group(&self, name: &str) -> Option<GroupIndex> {
        self.names.known.group(name)
    }

    /// Returns the name of a partition's topic, and its number there.
    pub(crate) fn place(&self, partition: PartitionIndex) -> Option<(String, i32)> {
        let (topic, number) = self.names.known.place(partition)?;
        Some((topic.to_string(), number))
    }

    /// Begins with a frame.
    pub(crate) fn decode(
        &mut self,
        mut at: At<'_>,
        connection: &mut Connection,
        frame: Bytes,
    ) -> Step {
        match codec::decode(&mut self.names, &mut at, connection, frame) {
            Some(work) => self.go_on(at, connection, work),
            None => Step::Close,
        }
    }

    /// Goes on with the frame under way, after an answer.
    pub(crate) fn answered(
        &mut self,
        at: At<'_>,
        connection: &mut Connection,
        response: Response<Wire>,
    ) -> Step {
        match connection.work.take() {
            Some(mut work) => {
                work.take(response);
                self.go_on(at, connection, work)
            }
            None => Step::Close,
        }
    }

    fn go_on(&mut self, mut at: At<'_>, connection: &mut Connection, mut work: Work) -> Step {
        if work.is_silent {
            return Step::Tell(work.parts.drain(..).map(|(_, request)| request).collect());
        }
        if let Some((to, request)) = work.next() {
            connection.work = Some(work);
            return Step::Ask(to, request);
        }
        work.finish(&mut self.names, &mut at)
            .map_or(Step::Close, Step::Answer)
    }
}
