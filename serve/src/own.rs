//! A client in this process: it speaks Kafka's protocol to the brokers, without a socket.

use crate::control::{Answer, Command, Control};
use bytes::Bytes;
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_codec::frames::{Head, LENGTH};
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::ConnectionId;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The host that brokers are told.
pub(crate) const HOST: &str = "127.0.0.1";

/// The name by which it calls itself.
const CLIENT_ID: &str = "plimsoll-scenario";

/// The longest wait for an answer.
const ATTEMPT: Duration = Duration::from_secs(10);

/// A client in this process, with a connection to each broker that it has asked.
pub(crate) struct OwnClient {
    control: Control,
    connections: BTreeMap<BrokerId, (ConnectionId, mpsc::Receiver<Answer>)>,
}

impl OwnClient {
    /// Makes a client that is not connected yet.
    pub(crate) fn new(control: Control) -> Self {
        Self {
            control,
            connections: BTreeMap::new(),
        }
    }

    /// Asks a broker; `None`: it cannot be reached, or does not answer.
    pub(crate) async fn ask<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
        version: i16,
    ) -> Option<R::Response> {
        let frame = encode(request, version)?;
        match self.exchange(broker, frame).await? {
            Answer::Frame(answer) => head().read::<R>(version, answer).ok(),
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
        let Some(frame) = encode(request, version) else {
            return false;
        };
        self.exchange(broker, frame).await.is_some()
    }

    async fn exchange(&mut self, broker: BrokerId, frame: Bytes) -> Option<Answer> {
        if !self.connections.contains_key(&broker) {
            let (reply, connected) = oneshot::channel();
            self.control.send(Command::Connect {
                broker,
                client_host: HOST.into(),
                is_own: true,
                reply,
            });
            self.connections.insert(broker, connected.await.ok()?);
        }
        let (id, answers) = self.connections.get_mut(&broker)?;
        let id = *id;
        self.control.send(Command::Received(id, frame));
        let answer = timeout(ATTEMPT, answers.recv()).await.ok().flatten();
        if answer.is_none() {
            self.connections.remove(&broker);
            self.control.send(Command::Disconnected(id));
        }
        answer
    }
}

impl Drop for OwnClient {
    fn drop(&mut self) {
        for (id, _) in self.connections.values() {
            self.control.send(Command::Disconnected(*id));
        }
    }
}

/// Makes the frame of a request, without the length in front of it.
pub(crate) fn encode<R: Request>(request: &R, version: i16) -> Option<Bytes> {
    let frame = head().frame(request, version)?;
    Some(frame.slice(LENGTH..))
}

/// Returns the head of each request: only one is under way on a connection.
fn head() -> Head {
    Head {
        correlation: 0,
        client_id: StrBytes::from_static_str(CLIENT_ID),
    }
}
