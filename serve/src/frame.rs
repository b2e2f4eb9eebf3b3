//! Frames on a stream: four bytes of length, and as many bytes.

use bytes::{Buf, Bytes};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest frame (`socket.request.max.bytes`).
const LONGEST: usize = 100 << 20;

/// The memory that a length alone is believed to need: for more, the bytes have to come.
const BELIEVED: usize = 1 << 20;

/// Reads a frame; `None`: the stream ended before it.
///
/// # Errors
/// Where the stream breaks, or no frame can be that long.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Bytes>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut frame = Vec::with_capacity(length.min(BELIEVED));
    let read = stream.take(length as u64).read_to_end(&mut frame).await?;
    // What stays of a frame in a log takes no more memory than it needs.
    Ok((read == length).then(|| frame.into_boxed_slice().into()))
}

/// Writes a frame.
///
/// # Errors
/// Where the stream breaks.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: Bytes) -> io::Result<()> {
    let length = (frame.len() as u32).to_be_bytes();
    let mut bytes = Buf::chain(&length[..], frame);
    stream.write_all_buf(&mut bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_from(bytes: &[u8]) -> io::Result<Option<Bytes>> {
        read(&mut &bytes[..]).await
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let mut stream = Vec::new();
        write(&mut stream, Bytes::from_static(b"abc"))
            .await
            .unwrap();
        write(&mut stream, Bytes::new()).await.unwrap();
        let mut rest = &stream[..];
        assert_eq!(read(&mut rest).await.unwrap().unwrap(), "abc");
        assert_eq!(read(&mut rest).await.unwrap().unwrap(), "");
        assert_eq!(read(&mut rest).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_that_does_not_end_is_none() {
        assert_eq!(read_from(&[0, 0]).await.unwrap(), None);
        assert_eq!(read_from(&[0, 0, 0, 9, 1]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_length_beyond_all_bounds_is_an_error() {
        for length in [-1, i32::MIN, i32::MAX, (100 << 20) + 1] {
            let read = read_from(&length.to_be_bytes()).await;
            assert_eq!(read.unwrap_err().kind(), ErrorKind::InvalidData, "{length}");
        }
    }
}
