//! Frames as clients write and read them: what stands at the head of a request, and the answer.

use bytes::{Buf as _, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, Request};
use std::fmt;

/// The number of bytes of the length in front of each frame.
pub const LENGTH: usize = 4;

/// What stands at the head of a client's requests.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The number by which the client knows the answer again.
    pub correlation: i32,
    /// The client's name for itself.
    pub client_id: StrBytes,
}

impl Head {
    /// Makes the frame of a request, with its length in front; `None`: the version has no room for
    /// something in it.
    pub fn frame<R: Request>(&self, request: &R, version: i16) -> Option<Bytes> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::zeroed(LENGTH);
        let header_version = R::header_version(version);
        header.encode(&mut frame, header_version).ok()?;
        request.encode(&mut frame, version).ok()?;
        let length = i32::try_from(frame.len() - LENGTH).ok()?;
        frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
        Some(frame.freeze())
    }

    /// Reads the frame of the answer to such a request, without its length. Takes no memory by the
    /// lengths that stand in it.
    ///
    /// # Errors
    /// Where it is no such answer.
    pub fn read<R: Request>(&self, version: i16, mut frame: Bytes) -> Result<R::Response, Misread> {
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut frame, header_version);
        let header = header.map_err(|_| Misread::NoSense)?;
        if header.correlation_id != self.correlation {
            return Err(Misread::OtherRequest);
        }
        let kind = plimsoll_messages::kind(R::KEY);
        if !kind.is_some_and(|kind| kind.response.fits(version, &frame)) {
            return Err(Misread::NoSense);
        }
        let response = R::Response::decode(&mut frame, version).map_err(|_| Misread::NoSense)?;
        match frame.has_remaining() {
            true => Err(Misread::TooLong),
            false => Ok(response),
        }
    }
}

/// The reason why a frame is not the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    /// It answers another request.
    OtherRequest,
    /// It is cut, or something in it has no meaning.
    NoSense,
    /// More stands in it than its version has.
    TooLong,
}

impl fmt::Display for Misread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherRequest => "a response to another request",
            Self::NoSense => "a response that is cut or makes no sense",
            Self::TooLong => "a response with more in it than its version has",
        })
    }
}

impl std::error::Error for Misread {}
