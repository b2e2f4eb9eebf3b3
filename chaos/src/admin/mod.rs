//! What the harness asks of the cluster: topics, leaders, groups and offsets, as raw requests.
//!
//! Each call has a deadline, goes to the broker that must answer it (a leader, a coordinator, or
//! any), and is tried again where the error passes by itself. It uses a connection of its own, so
//! a broker that hangs holds up no other call.

mod groups;
#[cfg(feature = "kafka-tests")]
pub mod kafka_tests;
mod retry;
mod topics;
mod wire;

pub(crate) use retry::{Failure, check};
pub(crate) use wire::{Connection, HARNESS};

use crate::address::BrokerAddress;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_access::Access;
use retry::retry;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The topic in which coordinators keep what groups commit.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The time limit of one request.
const ATTEMPT: Duration = Duration::from_secs(3);
/// The time limit that a broker is told, in milliseconds: a shorter one, so that it answers while
/// the harness still waits.
const ATTEMPT_MS: i32 = 2_500;

/// The client that asks the brokers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    brokers: Arc<[BrokerAddress]>,
    access: Access,
    /// The broker to begin with when any will do: the one that answered last.
    answering: Arc<AtomicUsize>,
}

impl Admin {
    /// Makes a client of these brokers; it is not connected yet.
    pub(crate) fn new(brokers: &[BrokerAddress], access: Access) -> Self {
        Self {
            brokers: brokers.into(),
            access,
            answering: Arc::default(),
        }
    }

    /// Asks this broker what it knows of the cluster: of the one topic, or of all.
    pub(crate) async fn metadata(
        &self,
        broker: u32,
        topic: Option<&str>,
    ) -> Result<MetadataResponse, Failure> {
        self.broker(broker, &metadata_request(topic), METADATA)
            .await
    }

    /// Connects with the broker that leads a partition now.
    pub(crate) async fn connect_with_leader(
        &self,
        topic: &str,
        partition: u32,
        client_id: &'static str,
    ) -> Result<Connection, Failure> {
        let leader = self.leader_now(topic, partition).await?;
        let broker = self.known(leader)?;
        let opened = Connection::open(&self.access, &broker.address, client_id);
        Ok(within(ATTEMPT, opened).await?)
    }

    /// Asks any broker, the one that answered last first.
    async fn any<R: Request>(&self, request: &R, newest: i16) -> Result<R::Response, Failure> {
        let turn = self.answering.load(Ordering::Relaxed);
        let broker = self
            .brokers
            .get(turn % self.brokers.len().max(1))
            .ok_or_else(|| Failure::Final("there are no brokers".into()))?;
        let answer = self.call(broker, request, newest).await;
        if answer.is_err() {
            // Another call may have moved on already; then its choice stands.
            let _ = self.answering.compare_exchange(
                turn,
                turn.wrapping_add(1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        answer
    }

    /// Asks the broker of this index.
    async fn broker<R: Request>(
        &self,
        index: u32,
        request: &R,
        newest: i16,
    ) -> Result<R::Response, Failure> {
        self.call(self.known(index)?, request, newest).await
    }

    fn known(&self, index: u32) -> Result<&BrokerAddress, Failure> {
        let mut brokers = self.brokers.iter();
        let broker = brokers.find(|broker| broker.index == index);
        broker.ok_or_else(|| Failure::Final(format!("there is no broker {index}")))
    }

    /// Sends one request on a connection of its own; returns the answer that comes within
    /// [`ATTEMPT`].
    async fn call<R: Request>(
        &self,
        broker: &BrokerAddress,
        request: &R,
        newest: i16,
    ) -> Result<R::Response, Failure> {
        let exchange = async {
            let mut connection = Connection::open(&self.access, &broker.address, HARNESS).await?;
            connection.call(request, newest).await
        };
        let answer = within(ATTEMPT, exchange).await;
        answer.map_err(|error| {
            let place = format!("broker {} at {}: {error}", broker.index, broker.address);
            Failure::from(io::Error::new(error.kind(), place))
        })
    }

    /// Returns the index of the broker with this Kafka node id.
    fn index(&self, node: i32) -> Option<u32> {
        self.brokers
            .iter()
            .find(|broker| broker.node_id == node)
            .map(|broker| broker.index)
    }

    /// Returns Kafka's node id of the broker with this index.
    fn node(&self, index: u32) -> Option<i32> {
        self.brokers
            .iter()
            .find(|broker| broker.index == index)
            .map(|broker| broker.node_id)
    }
}

/// Waits for an answer no longer than this.
pub(crate) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let late = |_| {
        let told = format!("no answer within {} s", limit.as_secs_f32());
        io::Error::new(io::ErrorKind::TimedOut, told)
    };
    tokio::time::timeout(limit, answer).await.map_err(late)?
}

/// The newest version of Metadata that names topics rather than numbering them.
const METADATA: i16 = 9;

fn metadata_request(topic: Option<&str>) -> MetadataRequest {
    let topics =
        topic.map(|topic| vec![MetadataRequestTopic::default().with_name(Some(topic_name(topic)))]);
    MetadataRequest::default()
        .with_topics(topics)
        .with_allow_auto_topic_creation(false)
}

pub(crate) fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}
