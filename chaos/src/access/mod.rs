//! The way to the brokers of a cluster that is there already: in plain text, or with TLS and SASL,
//! as a properties file says.
//!
//! Here alone does the harness speak either. Its own clients and those that stand trial speak plain
//! text to a proxy on this machine, which goes on to the brokers with what the file says: so the
//! proxy can read what passes, and no subject needs a password.

mod pem;
mod properties;
mod sasl;
mod settings;
mod tls;

#[cfg(test)]
mod tests;

use settings::Settings;
use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The way to brokers; by default in plain text.
#[derive(Clone, Default)]
pub struct Access {
    settings: Arc<Settings>,
    tls: Option<TlsConnector>,
}

impl Access {
    /// Reads a properties file in the words of librdkafka or of Java's clients.
    ///
    /// # Errors
    /// Where it, or a file that it names, has a mistake: says where, and what was expected.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|mistake| format!("{}{mistake}", path.display()))
    }

    /// Reads the text of a properties file. A mistake begins with its line.
    fn parse(text: &str) -> Result<Self, String> {
        let settings = Settings::parse(text)?;
        let tls = settings.tls.as_ref();
        let tls = tls.map(tls::connector).transpose();
        Ok(Self {
            tls: tls.map_err(|mistake| format!(": {mistake}"))?,
            settings: Arc::new(settings),
        })
    }

    /// Tells whether brokers are reached in plain text and without a password, as any client can.
    pub(crate) fn is_plain(&self) -> bool {
        *self.settings == Settings::default()
    }

    /// Connects with a broker, and proves the name that the file gives.
    ///
    /// # Errors
    /// Where the broker does not answer, or either side refuses the other.
    pub(crate) async fn connect(&self, address: &str) -> io::Result<Stream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut stream = match &self.tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let name = tls::server_name(address)?;
                let stream = tls.connect(name, stream).await;
                Stream::Tls(Box::new(stream.map_err(|error| tls::explained(&error))?))
            }
        };
        if let Some(sasl) = &self.settings.sasl {
            sasl::authenticate(&mut stream, sasl).await?;
        }
        Ok(stream)
    }
}

impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl Eq for Access {}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Access").field(&self.settings).finish()
    }
}

/// A connection with a broker.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Returns the connection below TLS.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
