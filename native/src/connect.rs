//! Where streams come from.

use plimsoll_access::{Access, Stream};
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

/// A network: where a client's streams come from.
pub trait Connect: Clone + Send + Sync + 'static {
    /// A stream of bytes in both directions.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Connects with a broker, up to where it takes requests.
    ///
    /// # Errors
    /// Where the broker cannot be reached. What stays so, whatever is tried, is
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Spawns a task of the client. A simulated process has its tasks stand still with it.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(task)
    }
}

/// TCP, with TLS and SASL where [`Settings::access`](crate::Settings) says so.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    pub(crate) access: Access,
    pub(crate) client_id: String,
}

impl Connect for Tcp {
    type Stream = Stream;

    async fn connect(&self, host: &str, port: u16) -> io::Result<Stream> {
        let address = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        self.access.connect(&address, &self.client_id).await
    }
}
