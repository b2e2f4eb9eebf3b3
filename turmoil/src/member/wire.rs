//! The network as a process sees it, and what the process is seen to send.

use super::Birth;
use crate::gate::Gate;
use crate::net::{HostNumber, Stream};
use crate::world::{Shared, kind};
use plimsoll_native::Connect;
use plimsoll_oracle::{MemberId, RequestKind};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

/// The length of what is looked at: a frame's length, and a request's kind.
const HEAD: usize = 6;

/// The network of a process, in front of whose tasks is its gate.
#[derive(Clone)]
pub(super) struct Wire {
    process: (MemberId, u64),
    host: HostNumber,
    gate: Gate,
    world: Shared,
}

impl Wire {
    pub(super) fn new(birth: &Birth) -> Self {
        Self {
            process: (birth.member, birth.number),
            host: crate::member_host(birth.member),
            gate: birth.gate.clone(),
            world: birth.world.clone(),
        }
    }
}

impl Connect for Wire {
    type Stream = Seen;

    async fn connect(&self, host: &str, port: u16) -> io::Result<Seen> {
        let address: IpAddr = host.parse().map_err(io::Error::other)?;
        let stream = Stream::connect(self.host, SocketAddr::new(address, port)).await?;
        Ok(Seen {
            stream,
            process: self.process,
            gate: self.gate.clone(),
            world: self.world.clone(),
            requests: Frames::default(),
            answers: Frames::default(),
            unanswered: VecDeque::new(),
        })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(self.gate.before(task))
    }
}

/// A stream whose requests are seen as they leave the member, and whose end is.
pub(super) struct Seen {
    stream: Stream,
    process: (MemberId, u64),
    gate: Gate,
    world: Shared,
    requests: Frames,
    answers: Frames,
    /// The kinds of the requests that have no answer yet, where faults know them.
    unanswered: VecDeque<Option<RequestKind>>,
}

impl AsyncRead for Seen {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        // Brokers answer in order.
        let answers = self.answers.take_in(&buffer.filled()[before..]);
        for _ in answers {
            if self.unanswered.pop_front() == Some(Some(RequestKind::OffsetCommit)) {
                let (member, _) = self.process;
                self.world
                    .of(self.process, |world| world.commit_answered(member));
            }
        }
        read
    }
}

impl AsyncWrite for Seen {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gate.is_dead() {
            // It died in this very turn.
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(length)) = written {
            let process = self.process;
            for head in self.requests.take_in(&bytes[..length]) {
                let kind = kind(&head);
                self.unanswered.push_back(kind);
                if let Some(kind) = kind {
                    self.world.of(process, |world| world.sent(process.0, kind));
                }
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let (member, _) = self.process;
        let commits = self.unanswered.iter();
        let commits = commits.filter(|kind| **kind == Some(RequestKind::OffsetCommit));
        for _ in commits {
            self.world
                .of(self.process, |world| world.commit_unanswered(member));
        }
        if let Ok(address) = self.stream.local_address() {
            self.world.with(|world| world.hung_up(address));
        }
    }
}

/// The frames in a stream of bytes.
#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a frame, as far as it has come.
    head: Vec<u8>,
    /// The number of bytes that are left of the frame whose head is known.
    left: usize,
}

impl Frames {
    /// Takes in the next bytes. Returns the first two bytes behind the length, a request's kind, of
    /// each frame whose last byte is among them.
    fn take_in(&mut self, mut bytes: &[u8]) -> Vec<[u8; 2]> {
        let mut heads = Vec::new();
        while !bytes.is_empty() {
            if self.head.len() < HEAD {
                let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
                self.head.extend_from_slice(head);
                bytes = rest;
                if let Some(length) = self.head.first_chunk()
                    && self.head.len() == HEAD
                {
                    let length = u32::from_be_bytes(*length) as usize;
                    self.left = (length + size_of::<u32>()).saturating_sub(HEAD);
                }
            }
            if self.head.len() == HEAD {
                let (body, rest) = bytes.split_at(bytes.len().min(self.left));
                self.left -= body.len();
                bytes = rest;
                if self.left == 0 {
                    heads.extend(self.head[size_of::<u32>()..].first_chunk());
                    self.head.clear();
                }
            }
        }
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_however_their_bytes_come() {
        // Two heartbeats (12), of 10 and of 2 bytes, and a commit (8).
        let mut bytes = vec![0, 0, 0, 10, 0, 12, 0, 4, 9, 9, 9, 9, 9, 9];
        bytes.extend([0, 0, 0, 2, 0, 12]);
        bytes.extend([0, 0, 0, 4, 0, 8, 0, 1]);
        for size in 1..=bytes.len() {
            let mut frames = Frames::default();
            let parts = bytes.chunks(size);
            let heads: Vec<_> = parts.flat_map(|part| frames.take_in(part)).collect();
            assert_eq!(heads, [[0, 12], [0, 12], [0, 8]], "in parts of {size}");
        }
    }
}
