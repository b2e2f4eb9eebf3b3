//! What sockets, HTTP and callers send to the thread that has the cluster.

use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::{ConnectionId, ServedCluster};
use tokio::sync::{mpsc, oneshot};

/// A message to the thread that has the cluster.
pub(crate) enum Command {
    Connect {
        broker: BrokerId,
        client_host: String,
        /// Gets the connection's number and its answers, or is dropped.
        reply: oneshot::Sender<(ConnectionId, mpsc::Receiver<Answer>)>,
    },
    Received(ConnectionId, Bytes),
    Disconnected(ConnectionId),
    Call(Call),
}

/// An action on the cluster, at the moment that it gets.
pub(crate) type Call = Box<dyn FnOnce(&mut ServedCluster, Instant) + Send>;

/// The end of a frame.
#[derive(Debug)]
pub(crate) enum Answer {
    Frame(Bytes),
    /// A frame that has no answer.
    Done,
}

/// The way to the thread that has the cluster.
///
/// The queue has no bound of its own: each connection has one frame under way, and each caller one call.
#[derive(Clone, Debug)]
pub(crate) struct Control(pub(crate) mpsc::UnboundedSender<Command>);

impl Control {
    /// Sends a command; where the thread has ended, it is gone.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.0.send(command);
    }

    /// Does something with the cluster; `None`: its thread has ended.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> Option<R> {
        self.begin(act).await.ok()
    }

    /// Does something with the cluster, and blocks until it is done; `None`: its thread has ended.
    pub(crate) fn call_blocking<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> Option<R> {
        self.begin(act).blocking_recv().ok()
    }

    fn begin<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> oneshot::Receiver<R> {
        let (reply, result) = oneshot::channel();
        let call = move |cluster: &mut ServedCluster, now| {
            let _ = reply.send(act(cluster, now));
        };
        self.send(Command::Call(Box::new(call)));
        result
    }
}
