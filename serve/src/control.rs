//! What sockets, HTTP and callers send to the thread that has the cluster.

use crate::inside::Answer;
use crate::world::World;
use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::ConnectionId;
use tokio::sync::{mpsc, oneshot};

/// A message to the thread that has the cluster.
pub(crate) enum Command {
    Connect {
        broker: BrokerId,
        client_host: String,
        /// Whether the client is one of this process's own, which no fault of the network hits.
        is_own: bool,
        /// Gets the connection's number and its answers, or is dropped.
        reply: oneshot::Sender<(ConnectionId, mpsc::Receiver<Answer>)>,
    },
    Received(ConnectionId, Bytes),
    Disconnected(ConnectionId),
    Call(Call),
}

/// An action on the world, at the moment that it gets.
pub(crate) type Call = Box<dyn FnOnce(&mut World, Instant) + Send>;

/// The way to the thread that has the cluster.
///
/// The queue has no bound of its own: each connection has one frame under way, and each caller one
/// call.
#[derive(Clone, Debug)]
pub(crate) struct Control(pub(crate) mpsc::UnboundedSender<Command>);

impl Control {
    /// Sends a command; where the thread has ended, it is gone.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.0.send(command);
    }

    /// Does something with the world; `None`: its thread has ended.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World, Instant) -> R + Send + 'static,
    ) -> Option<R> {
        self.begin(act).await.ok()
    }

    /// Does something with the world, and blocks until it is done; `None`: its thread has ended.
    pub(crate) fn call_blocking<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World, Instant) -> R + Send + 'static,
    ) -> Option<R> {
        self.begin(act).blocking_recv().ok()
    }

    fn begin<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World, Instant) -> R + Send + 'static,
    ) -> oneshot::Receiver<R> {
        let (reply, result) = oneshot::channel();
        let call = move |world: &mut World, now| {
            let _ = reply.send(act(world, now));
        };
        self.send(Command::Call(Box::new(call)));
        result
    }
}
