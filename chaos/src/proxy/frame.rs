//! Kafka's framing: a length of four bytes, then that number of bytes, which begin with a header.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::Decodable;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The length of the longest frame, in bytes. Kafka's own limit is 100 MiB.
const MAX_LENGTH: u32 = 1 << 30;

/// The number of bytes that are set aside before they have come: a length may be a lie.
const FIRST_READ: u32 = 1 << 16;

/// The beginning of what a client of TLS sends first: a handshake, and the version of TLS. No frame
/// that begins so is short enough to be one.
const TLS: [u8; 2] = [0x16, 0x03];

/// One request or response, with its length in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame(Bytes);

/// What every request begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The API key as it came: it may be one that is not known here.
    pub key: i16,
    pub version: i16,
    pub correlation: i32,
}

/// A body that cannot be understood, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl Frame {
    /// Reads the next frame; returns `None` where the peer closed the connection between two.
    ///
    /// # Errors
    /// Where the connection broke, or what came is not Kafka's protocol.
    pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut prefix = [0; 4];
        if reader.read(&mut prefix[..1]).await? == 0 {
            return Ok(None);
        }
        reader.read_exact(&mut prefix[1..]).await?;
        if prefix.starts_with(&TLS) {
            let message = "it speaks TLS, and the proxy takes plain text \
                           (`security.protocol=PLAINTEXT`)";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let length = u32::from_be_bytes(prefix);
        if length > MAX_LENGTH {
            let message = format!("{length} bytes are too many for one of Kafka's frames");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut bytes = Vec::with_capacity(4 + length.min(FIRST_READ) as usize);
        bytes.extend_from_slice(&prefix);
        let read = reader.take(length.into()).read_to_end(&mut bytes).await?;
        if read < length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(Self(bytes.into())))
    }

    /// Makes a frame of a response's header and a new body.
    pub(super) fn response(header: &[u8], body: &[u8]) -> Self {
        let length = header.len() + body.len();
        let mut bytes = BytesMut::with_capacity(4 + length);
        bytes.extend_from_slice(&(length as u32).to_be_bytes());
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(body);
        Self(bytes.freeze())
    }

    /// Returns the bytes that go over the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the header of a request; returns `None` where it is too short to have one.
    pub(super) fn request_header(&self) -> Option<Header> {
        let (key, rest) = self.0.get(4..)?.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (correlation, _) = rest.split_first_chunk()?;
        Some(Header {
            key: i16::from_be_bytes(*key),
            version: i16::from_be_bytes(*version),
            correlation: i32::from_be_bytes(*correlation),
        })
    }

    /// Makes the same request with another version in its header and an unchanged body.
    pub(super) fn with_version(&self, version: i16) -> Self {
        let mut bytes = BytesMut::from(&self.0[..]);
        if let Some(place) = bytes.get_mut(6..8) {
            place.copy_from_slice(&version.to_be_bytes());
        }
        Self(bytes.freeze())
    }

    /// Reads the correlation id of a response; returns `None` where it is too short to have one.
    pub(super) fn correlation(&self) -> Option<i32> {
        self.0
            .get(4..)?
            .first_chunk()
            .map(|bytes| i32::from_be_bytes(*bytes))
    }

    /// Returns the body of a request.
    pub(super) fn request_body(&self, key: ApiKey, version: i16) -> Result<Bytes, Unreadable> {
        let mut rest = self.0.slice(4..);
        decode::<RequestHeader>(&mut rest, key.request_header_version(version))?;
        Ok(rest)
    }

    /// Splits a response into its header and its body.
    pub(super) fn response_parts(
        &self,
        key: ApiKey,
        version: i16,
    ) -> Result<(Bytes, Bytes), Unreadable> {
        let whole = self.0.slice(4..);
        let mut rest = whole.clone();
        decode::<ResponseHeader>(&mut rest, key.response_header_version(version))?;
        Ok((whole.slice(..whole.len() - rest.len()), rest))
    }
}

impl Unreadable {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Reads a body, or what is embedded in one. The rest stays in `bytes`.
pub(super) fn decode<T: Decodable>(bytes: &mut Bytes, version: i16) -> Result<T, Unreadable> {
    T::decode(bytes, version).map_err(|error| Unreadable(error.to_string()))
}
