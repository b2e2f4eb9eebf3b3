//! The listener of one member for one broker.

use super::connection::{Connection, Route};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The pause after a connection could not be accepted, as where files ran out.
const RETRY: Duration = Duration::from_millis(100);

/// Accepts connections until the proxy ends, and then ends them.
pub(super) async fn run(route: Route, socket: TcpListener, mut closing: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(&route, &socket, &mut connections) => {}
        // Also where the proxy was dropped.
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connections.shutdown().await;
}

/// Accepts connections without an end.
async fn accept(route: &Route, socket: &TcpListener, connections: &mut JoinSet<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = Connection::new(route.clone());
                connections.spawn(async move { connection.carry(stream).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
