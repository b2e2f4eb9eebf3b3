//! The harness as a client: it speaks Kafka's protocol to the brokers, without a network, so that
//! no fault of one hits it.

use crate::world::{Answer, Shared};
use bytes::Bytes;
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_codec::frames::{Head, LENGTH};
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::ConnectionId;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The name by which it calls itself where it does what tools do: no injected error hits it.
pub(crate) const CLIENT_ID: &str = "plimsoll-harness";

/// The name by which it calls itself where it produces.
pub(crate) const PRODUCER: &str = "plimsoll-producer";

/// A client of the harness, with a connection to each broker that it has asked.
pub(crate) struct OwnClient {
    world: Shared,
    client_id: &'static str,
    /// The longest wait for an answer.
    within: Duration,
    connections: BTreeMap<BrokerId, (ConnectionId, mpsc::Receiver<Answer>)>,
}

impl OwnClient {
    /// Makes a client that is not connected yet.
    pub(crate) fn new(world: Shared, client_id: &'static str, within: Duration) -> Self {
        Self {
            world,
            client_id,
            within,
            connections: BTreeMap::new(),
        }
    }

    /// Asks a broker, counted from 0; `None`: it cannot be reached, or does not answer.
    pub(crate) async fn ask<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
        version: i16,
    ) -> Option<R::Response> {
        let frame = self.head().frame(request, version)?;
        match self.exchange(broker, frame.slice(LENGTH..)).await? {
            Answer::Frame(answer) => self.head().read::<R>(version, answer).ok(),
            Answer::Done => None,
        }
    }

    /// Tells a broker something that has no answer. Returns whether it took it.
    pub(crate) async fn tell<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
        version: i16,
    ) -> bool {
        let Some(frame) = self.head().frame(request, version) else {
            return false;
        };
        self.exchange(broker, frame.slice(LENGTH..)).await.is_some()
    }

    async fn exchange(&mut self, broker: BrokerId, frame: Bytes) -> Option<Answer> {
        if !self.connections.contains_key(&broker) {
            let host = "127.0.0.1".to_owned();
            let connected = self.world.with(|world| world.connect(broker, None, host));
            self.connections.insert(broker, connected?);
        }
        let (id, answers) = self.connections.get_mut(&broker)?;
        let id = *id;
        self.world.with(|world| world.receive(id, frame));
        let answer = timeout(self.within, answers.recv()).await.ok().flatten();
        if answer.is_none() {
            self.connections.remove(&broker);
            self.world.with(|world| world.disconnect(id));
        }
        answer
    }

    /// Returns the head of each request: only one is under way on a connection.
    fn head(&self) -> Head {
        Head {
            correlation: 0,
            client_id: StrBytes::from_static_str(self.client_id),
        }
    }
}

impl Drop for OwnClient {
    fn drop(&mut self) {
        for (id, _) in self.connections.values() {
            self.world.with(|world| world.disconnect(*id));
        }
    }
}
