//! A connection with a broker: frames in both directions, over any stream.

use crate::Connect;
use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;
use plimsoll_access::exchange;
use plimsoll_codec::Versions;
use plimsoll_codec::frames::{Head, LENGTH};
use std::io;
use std::time::Duration;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, BufWriter,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// The longest time until a connection is made and the broker has said what it knows
/// (`socket.connection.setup.timeout.ms`).
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The greatest length of a frame in bytes: that of a whole answer to a fetch, and then some for a
/// batch that is larger than what was asked for (`receive.message.max.bytes`).
const LONGEST: u64 = 100_000_000;

/// The greatest number of bytes of a frame for which memory is taken before they arrive.
const AHEAD: u64 = 4 << 20;

/// The number of a connection, of which each is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(pub(crate) u64);

/// News of a connection.
#[derive(Debug)]
pub(crate) enum LinkNews {
    /// A connection, with the versions that its broker knows.
    Made(Versions),
    /// A frame, without the length in front of it.
    Frame(Bytes),
    /// Its end, with the reason.
    Broken(String),
}

/// Carries frames, each with the length in front of it, until the connection breaks or no more can
/// be sent.
pub(crate) async fn carry<C: Connect>(
    connect: C,
    (host, port): (String, u16),
    client_id: StrBytes,
    outgoing: UnboundedReceiver<Bytes>,
    (link, news): (LinkId, UnboundedSender<(LinkId, LinkNews)>),
) {
    let tell = |what| {
        // Without its client nothing is to be told.
        let _ = news.send((link, what));
    };
    let carried = async {
        let (stream, versions) = open(&connect, (&host, port), client_id).await?;
        tell(LinkNews::Made(versions));
        let (reader, writer) = tokio::io::split(stream);
        // In a fixed order: under simulation nothing may be drawn that no seed knows.
        tokio::select! {
            biased;
            end = write_all(writer, outgoing) => end,
            end = read_all(reader, |frame| tell(LinkNews::Frame(frame))) => end,
        }
    };
    let reason = match carried.await {
        Ok(()) => "it was closed".to_owned(),
        Err(error) => error.to_string(),
    };
    tell(LinkNews::Broken(reason));
}

/// Connects with a broker, and asks it which versions of requests it knows.
pub(crate) async fn open<C: Connect>(
    connect: &C,
    (host, port): (&str, u16),
    client_id: StrBytes,
) -> io::Result<(C::Stream, Versions)> {
    let opened = tokio::time::timeout(SETUP_TIMEOUT, async {
        let mut stream = connect.connect(host, port).await?;
        let versions = ask_versions(&mut stream, client_id).await?;
        Ok((stream, versions))
    });
    opened.await.unwrap_or_else(|_| {
        let seconds = SETUP_TIMEOUT.as_secs();
        let text = format!("no connection within {seconds} s (`security.protocol` may be wrong)");
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })
}

/// Asks a broker which versions it knows, again in the oldest version where it does not know the
/// newest (KIP-511).
async fn ask_versions<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    client_id: StrBytes,
) -> io::Result<Versions> {
    let known = Versions::known();
    let newest = known.of(ApiKey::ApiVersions).map_or(0, |of| *of.end());
    let software = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("plimsoll"))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
    let mut told: Option<ApiVersionsResponse> = None;
    for (version, request) in [(newest, software), (0, ApiVersionsRequest::default())] {
        let head = Head {
            correlation: i32::from(version),
            client_id: client_id.clone(),
        };
        match exchange(stream, &head, &request, version).await {
            Ok(answer) if answer.error_code == 0 => {
                told = Some(answer);
                break;
            }
            // It is in the oldest version where the broker does not know the newest.
            Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
            _ => {}
        }
    }
    let told = told.ok_or_else(|| io::Error::other("it does not say which versions it knows"))?;
    Ok(known.among(&told))
}

async fn read_all(reader: impl AsyncRead + Unpin, mut take: impl FnMut(Bytes)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    loop {
        take(read_frame(&mut reader).await?);
    }
}

/// Reads a frame. Takes memory for what has arrived, and a little ahead.
async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let length = u64::from(reader.read_u32().await?);
    if length > LONGEST {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut frame = Vec::with_capacity(length.min(AHEAD) as usize);
    let read = reader.take(length).read_to_end(&mut frame).await?;
    match read as u64 == length {
        true => Ok(frame.into()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write_all(
    writer: impl AsyncWrite + Unpin,
    mut outgoing: UnboundedReceiver<Bytes>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(writer);
    while let Some(frame) = outgoing.recv().await {
        writer.write_all(&frame).await?;
        if outgoing.is_empty() {
            writer.flush().await?;
        }
    }
    Ok(())
}

/// Puts the length of a frame in front of it.
pub(crate) fn with_length(frame: &[u8]) -> Bytes {
    let mut whole = Vec::with_capacity(LENGTH + frame.len());
    whole.extend_from_slice(&(frame.len() as u32).to_be_bytes());
    whole.extend_from_slice(frame);
    whole.into()
}
