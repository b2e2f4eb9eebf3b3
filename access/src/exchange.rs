//! One request to a broker, and the answer to it.

use kafka_protocol::protocol::Request;
use plimsoll_codec::frames::Head;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The length of the longest answer that is believed, in bytes. Metadata of a large cluster stays
/// far below it.
const LONGEST: u32 = 64 << 20;

/// Sends a request in a version that the broker knows, and reads the answer. Takes memory only for
/// what has arrived, and as long as the broker does.
///
/// # Errors
/// Where the connection breaks, or the answer makes no sense.
pub async fn exchange<R: Request>(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    head: &Head,
    request: &R,
    version: i16,
) -> io::Result<R::Response> {
    let frame = head.frame(request, version);
    let frame = frame.ok_or_else(|| malformed("a request that its version has no room for"))?;
    stream.write_all(&frame).await?;
    stream.flush().await?;
    let length = stream
        .read_u32()
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => silent(error.kind()),
            _ => error,
        })?;
    if length > LONGEST {
        return Err(malformed(impossible(length)));
    }
    let mut answer = Vec::new();
    let read = stream.take(length.into()).read_to_end(&mut answer).await?;
    if read as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    head.read::<R>(version, answer.into()).map_err(malformed)
}

/// Makes the error of a connection that ends where an answer is due: brokers give no reason where
/// they are spoken to in another protocol than that of the port.
fn silent(kind: io::ErrorKind) -> io::Error {
    let text = "the broker ended the connection without an answer: it may want TLS or SASL at this \
                port, or none (`security.protocol`)";
    io::Error::new(kind, text)
}

/// Says what is wrong with the length of an answer.
fn impossible(length: u32) -> &'static str {
    // An alert of TLS.
    match length.to_be_bytes() {
        [0x15, 0x03, ..] => "it speaks TLS at this port (`security.protocol`)",
        _ => "an answer of an impossible length",
    }
}

fn malformed(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
