//! One connection to a broker: requests out, responses in, in versions that both sides know.

use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_access::{Access, Stream};
use plimsoll_codec::frames::Head;
use std::collections::BTreeMap;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The length of the longest response that is believed, in bytes. Metadata of a large cluster stays
/// far below it.
const MAX_RESPONSE: usize = 64 << 20;

/// The client id of what the harness asks for itself; `error` faults spare it.
pub(crate) const HARNESS: &str = "plimsoll-harness";

/// A connection that has asked which versions the broker knows.
pub(crate) struct Connection {
    stream: Stream,
    client_id: &'static str,
    correlation: i32,
    /// The oldest and the newest version that the broker knows, by API key.
    versions: BTreeMap<i16, (i16, i16)>,
}

impl Connection {
    /// Connects, and learns the broker's versions.
    pub(crate) async fn open(
        access: &Access,
        address: &str,
        client_id: &'static str,
    ) -> io::Result<Self> {
        let mut connection = Self {
            stream: access.connect(address, client_id).await?,
            client_id,
            correlation: 0,
            versions: BTreeMap::new(),
        };
        // Version 0 is the one that every broker answers.
        let answer = connection
            .exchange(&ApiVersionsRequest::default(), 0)
            .await?;
        connection.versions = answer
            .api_keys
            .into_iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Ok(connection)
    }

    /// Sends a request and reads its response, in the newest version up to `newest` that the
    /// broker knows.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: &R,
        newest: i16,
    ) -> io::Result<R::Response> {
        let version = self.version::<R>(newest)?;
        self.exchange(request, version).await
    }

    /// Sends a request to which no response comes.
    pub(crate) async fn tell<R: Request>(&mut self, request: &R, newest: i16) -> io::Result<()> {
        let version = self.version::<R>(newest)?;
        self.send(request, version).await.map(drop)
    }

    /// Sends a request; the head knows the answer to it.
    async fn send<R: Request>(&mut self, request: &R, version: i16) -> io::Result<Head> {
        self.correlation = self.correlation.wrapping_add(1);
        let head = head(self.correlation, self.client_id);
        send(&mut self.stream, &head, request, version).await?;
        Ok(head)
    }

    fn version<R: Request>(&self, newest: i16) -> io::Result<i16> {
        let oldest = R::VERSIONS.min;
        let (theirs_oldest, theirs_newest) = *self.versions.get(&R::KEY).ok_or_else(|| {
            unsupported(format!("the broker does not know the request {}", R::KEY))
        })?;
        let version = newest.min(theirs_newest);
        if version < theirs_oldest.max(oldest) {
            return Err(unsupported(format!(
                "the broker knows versions {theirs_oldest} to {theirs_newest} of the request {}, \
                 Plimsoll {oldest} to {newest}",
                R::KEY
            )));
        }
        Ok(version)
    }

    async fn exchange<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        let head = self.send(request, version).await?;
        receive::<R>(&mut self.stream, &head, version).await
    }
}

fn head(correlation: i32, client_id: &'static str) -> Head {
    Head {
        correlation,
        client_id: StrBytes::from_static_str(client_id),
    }
}

async fn send<R: Request>(
    stream: &mut (impl AsyncWrite + Unpin),
    head: &Head,
    request: &R,
    version: i16,
) -> io::Result<()> {
    let frame = head.frame(request, version);
    let unsayable = || malformed("a request that its version has no room for");
    stream.write_all(&frame.ok_or_else(unsayable)?).await?;
    stream.flush().await
}

/// Reads the response to a request.
async fn receive<R: Request>(
    stream: &mut (impl AsyncRead + Unpin),
    head: &Head,
    version: i16,
) -> io::Result<R::Response> {
    let length = stream.read_i32().await?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_RESPONSE)
        .ok_or_else(|| malformed(impossible(length)))?;
    let mut response = vec![0; length];
    stream.read_exact(&mut response).await?;
    head.read::<R>(version, response.into()).map_err(malformed)
}

/// Says what is wrong with the length of a response.
fn impossible(length: i32) -> &'static str {
    // An alert of TLS.
    match length.to_be_bytes() {
        [0x15, 0x03, ..] => "it speaks TLS: say how with --command-config",
        _ => "a response of an impossible length",
    }
}

fn malformed(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

fn unsupported(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why)
}
