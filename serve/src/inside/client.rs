//! A client, with a connection to each broker that it has asked.

use super::{Answer, Host};
use bytes::Bytes;
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_codec::frames::{Head, LENGTH};
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::ConnectionId;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A client in the brokers' process.
pub struct OwnClient<H: Host> {
    host: H,
    client_id: &'static str,
    /// The longest wait for an answer.
    within: Duration,
    connections: BTreeMap<BrokerId, (ConnectionId, mpsc::Receiver<Answer>)>,
}

impl<H: Host> OwnClient<H> {
    /// Makes a client that is not connected yet, and that waits so long for an answer.
    pub fn new(host: H, client_id: &'static str, within: Duration) -> Self {
        Self {
            host,
            client_id,
            within,
            connections: BTreeMap::new(),
        }
    }

    /// Asks a broker; `None`: it cannot be reached, or does not answer.
    pub async fn ask<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
        version: i16,
    ) -> Option<R::Response> {
        let frame = encode(self.client_id, request, version)?;
        match self.exchange(broker, frame).await? {
            Answer::Frame(answer) => head(self.client_id).read::<R>(version, answer).ok(),
            Answer::Done => None,
        }
    }

    /// Tells a broker something that has no answer. Returns whether it took it.
    pub async fn tell<R: Request>(&mut self, broker: BrokerId, request: &R, version: i16) -> bool {
        let Some(frame) = encode(self.client_id, request, version) else {
            return false;
        };
        self.exchange(broker, frame).await.is_some()
    }

    async fn exchange(&mut self, broker: BrokerId, frame: Bytes) -> Option<Answer> {
        if !self.connections.contains_key(&broker) {
            let connected = self.host.connect(broker).await?;
            self.connections.insert(broker, connected);
        }
        let (id, answers) = self.connections.get_mut(&broker)?;
        let id = *id;
        self.host.receive(id, frame);
        let answer = timeout(self.within, answers.recv()).await.ok().flatten();
        if answer.is_none() {
            self.connections.remove(&broker);
            self.host.disconnect(id);
        }
        answer
    }
}

impl<H: Host> Drop for OwnClient<H> {
    fn drop(&mut self) {
        for (id, _) in self.connections.values() {
            self.host.disconnect(*id);
        }
    }
}

/// Makes the frame of a request, without the length in front of it.
pub(super) fn encode<R: Request>(
    client_id: &'static str,
    request: &R,
    version: i16,
) -> Option<Bytes> {
    let frame = head(client_id).frame(request, version)?;
    Some(frame.slice(LENGTH..))
}

/// Returns the head of each request: only one is under way on a connection.
fn head(client_id: &'static str) -> Head {
    Head {
        correlation: 0,
        client_id: StrBytes::from_static_str(client_id),
    }
}
