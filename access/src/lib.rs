//! The way to Kafka's brokers: in plain text, or with TLS and SASL (PLAIN, SCRAM), as properties
//! say, in the words of librdkafka or of Java's clients.
//!
//! ```
//! use plimsoll_access::Access;
//!
//! # fn main() -> Result<(), String> {
//! let access = Access::of([
//!     ("security.protocol", "SASL_SSL"),
//!     ("sasl.mechanism", "SCRAM-SHA-512"),
//!     ("sasl.username", "billing"),
//!     ("sasl.password", "secret"),
//! ])?;
//! # let _ = access;
//! let mistake = Access::of([("security.protokol", "SSL")]).unwrap_err();
//! assert!(mistake.ends_with("did you mean `security.protocol`?"));
//! # Ok(())
//! # }
//! ```
//!
//! A name is proved once, when a connection begins: where a broker ends connections after a time
//! (KIP-368), they are made anew.

mod exchange;
mod pem;
mod properties;
mod sasl;
mod settings;
mod tls;

#[cfg(test)]
mod tests;

pub use exchange::exchange;

use properties::Property;
use settings::{Keys, Settings};
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

    /// Takes properties in the words of librdkafka or of Java's clients, each with its value. All
    /// have to be about this.
    ///
    /// # Errors
    /// Where one, or a file that it names, has a mistake: says which, and what was expected.
    pub fn of<K: Into<String>, V: Into<String>>(
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, String> {
        let properties = properties.into_iter().map(|(key, value)| Property {
            line: None,
            key: key.into(),
            value: value.into(),
        });
        let settings = Settings::of(properties.collect(), Keys::Ours);
        let access = settings.and_then(Self::with);
        access.map_err(|mistake| mistake.trim_start_matches(": ").to_owned())
    }

    /// Reads the text of a properties file. A mistake begins with its line.
    fn parse(text: &str) -> Result<Self, String> {
        Self::with(Settings::of(properties::read(text)?, Keys::Any)?)
    }

    fn with(settings: Settings) -> Result<Self, String> {
        let tls = settings.tls.as_ref();
        let tls = tls.map(tls::connector).transpose();
        Ok(Self {
            tls: tls.map_err(|mistake| format!(": {mistake}"))?,
            settings: Arc::new(settings),
        })
    }

    /// Returns whether brokers are reached in plain text and without a password, as any client can.
    pub fn is_plain(&self) -> bool {
        *self.settings == Settings::default()
    }

    /// Connects with a broker at `HOST:PORT`, and proves the name that the properties give. Takes
    /// as long as the broker does.
    ///
    /// # Errors
    /// Where the broker does not answer, or either side refuses the other: says whether for the
    /// certificate, for the credentials or for the protocol. What stays so, whatever is tried, is
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    pub async fn connect(&self, address: &str, client_id: &str) -> io::Result<Stream> {
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
            sasl::authenticate(&mut stream, client_id, sasl).await?;
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
#[derive(Debug)]
pub enum Stream {
    /// In plain text.
    Plain(TcpStream),
    /// Over TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Returns the connection below TLS.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
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
