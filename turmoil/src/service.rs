//! The brokers' hosts: a port each, and the connections with it.
//!
//! A port is always open. A connection with a broker that accepts none is closed at once: to its
//! client that is as good as a refusal. (`turmoil-net` opens no port again while a connection of
//! it lingers, which on a link that is held may take as long as a fault.)
//!
//! A connection reads a frame, has it answered, writes the answer, and reads the next one
//! (`SocketServer` mutes a channel in the same way).

use crate::net::{Listener, Stream, host_at};
use crate::world::Shared;
use crate::{broker_address, broker_host, member_at};
use bytes::{BufMut as _, Bytes, BytesMut};
use plimsoll_oracle::BrokerId;
use plimsoll_serve::inside::Answer;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// Serves at a broker's port, for as long as it is polled.
pub(crate) async fn serve(broker: BrokerId, world: Shared) {
    let listener = Listener::bind(broker_host(broker), broker_address(broker)).await;
    let Ok(listener) = listener else {
        tracing::error!(%broker, "its port is taken");
        return;
    };
    while let Ok((stream, peer)) = listener.accept().await {
        let peer = member_at(host_at(peer.ip())).map(|member| (member, peer));
        let connected = world.with(|world| world.connect(broker, peer));
        // Dropped, the stream is closed.
        if let Some((id, answers)) = connected {
            let world = world.clone();
            tokio::spawn(async move {
                let receive = |frame| world.with(|world| world.receive(id, frame));
                // A stream that breaks has ended, too.
                let _ = exchange(stream, answers, receive).await;
                world.with(|world| world.disconnect(id));
            });
        }
    }
}

/// Passes frames on, one by one, until either end closes the connection.
async fn exchange(
    stream: Stream,
    mut answers: mpsc::Receiver<Answer>,
    receive: impl Fn(Bytes),
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    loop {
        let frame = tokio::select! {
            biased;
            // Nothing is asked, so nothing is answered: this is the end.
            _ = answers.recv() => return Ok(()),
            frame = read(&mut reader) => frame?,
        };
        receive(frame);
        // What the client closed meanwhile shows with the write.
        match answers.recv().await {
            Some(Answer::Done) => {}
            Some(Answer::Frame(frame)) => {
                let mut bytes = BytesMut::with_capacity(4 + frame.len());
                bytes.put_u32(frame.len() as u32);
                bytes.put_slice(&frame);
                tokio::select! {
                    biased;
                    // The broker closes it.
                    _ = answers.recv() => return Ok(()),
                    written = writer.write_all(&bytes) => written?,
                }
            }
            None => return Ok(()),
        }
    }
}

/// Reads a frame, without the length in front of it.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let length = stream.read_u32().await?;
    let mut frame = Vec::new();
    let read = stream.take(length.into()).read_to_end(&mut frame).await?;
    match read == length as usize {
        true => Ok(frame.into()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
