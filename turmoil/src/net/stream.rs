//! Sockets that know their host. Those of `turmoil-net` belong to the host that is current; so each
//! use of one makes its host current first, also its end.

use super::{HostNumber, enter, touch};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil_net::shim::tokio::net::{TcpListener, TcpStream};

/// A stream of bytes in both directions, at one host.
#[derive(Debug)]
pub(crate) struct Stream {
    host: HostNumber,
    inner: TcpStream,
}

/// A port of a host.
#[derive(Debug)]
pub(crate) struct Listener {
    host: HostNumber,
    inner: TcpListener,
}

impl Stream {
    /// Connects a host with an address.
    ///
    /// # Errors
    /// Where nothing listens there.
    pub(crate) async fn connect(host: HostNumber, to: SocketAddr) -> io::Result<Self> {
        let inner = At::host(host, TcpStream::connect(to)).await?;
        Ok(Self { host, inner })
    }

    /// Returns the address of this end.
    ///
    /// # Errors
    /// Where it has none any more.
    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        enter(self.host);
        self.inner.local_addr()
    }
}

impl Listener {
    /// Opens a port of a host.
    ///
    /// # Errors
    /// Where it is open already.
    pub(crate) async fn bind(host: HostNumber, at: SocketAddr) -> io::Result<Self> {
        let inner = At::host(host, TcpListener::bind(at)).await?;
        Ok(Self { host, inner })
    }

    /// Accepts the next connection. Returns the address of the other end, too.
    ///
    /// # Errors
    /// Where the port is not open any more.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (inner, peer) = std::future::poll_fn(|context| {
            enter(self.host);
            self.inner.poll_accept(context)
        })
        .await?;
        let host = self.host;
        Ok((Stream { host, inner }, peer))
    }
}

/// The fields are dropped next, at this host.
impl Drop for Stream {
    fn drop(&mut self) {
        enter(self.host);
        touch();
    }
}

/// The fields are dropped next, at this host.
impl Drop for Listener {
    fn drop(&mut self) {
        enter(self.host);
        touch();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        enter(self.host);
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if read.is_ready() {
            // There is room again, which the other end is to know.
            touch();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        enter(self.host);
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        touch();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        enter(self.host);
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        enter(self.host);
        let shut = Pin::new(&mut self.inner).poll_shutdown(context);
        touch();
        shut
    }
}

/// Something that a host does, until its end or its drop.
struct At<F> {
    host: HostNumber,
    task: Option<Pin<Box<F>>>,
}

impl<F> At<F> {
    fn host(host: HostNumber, task: F) -> Self {
        Self {
            host,
            task: Some(Box::pin(task)),
        }
    }
}

impl<F: Future> Future for At<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        enter(self.host);
        let Some(task) = &mut self.task else {
            return Poll::Pending;
        };
        let done = task.as_mut().poll(context);
        touch();
        done
    }
}

impl<F> Drop for At<F> {
    fn drop(&mut self) {
        enter(self.host);
        self.task = None;
        touch();
    }
}
