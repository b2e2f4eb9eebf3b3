//! A broker's port: it is closed while the broker accepts no connections.

use crate::connection;
use crate::control::Control;
use plimsoll_oracle::BrokerId;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The pause after a failure of the operating system: too many open files, say, or a port that
/// another process has taken meanwhile.
const AGAIN: Duration = Duration::from_millis(100);

/// Accepts a broker's connections, while it listens.
pub(crate) async fn listen(
    first: std::net::TcpListener,
    broker: BrokerId,
    mut is_open: watch::Receiver<bool>,
    control: Control,
) {
    let Ok(address) = first.local_addr() else {
        return;
    };
    let mut listener = TcpListener::from_std(first).ok();
    loop {
        if is_open.wait_for(|is_open| *is_open).await.is_err() {
            return;
        }
        let open = match listener.take() {
            Some(listener) => listener,
            None => bind(address).await,
        };
        tokio::select! {
            () = accept(open, broker, &control) => {}
            closed = is_open.wait_for(|is_open| !*is_open) => {
                if closed.is_err() {
                    return;
                }
            }
        }
    }
}

async fn accept(listener: TcpListener, broker: BrokerId, control: &Control) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection::serve(stream, broker, control.clone()));
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
