//! A connection to a broker, on which nothing waits for ever.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// The longest wait for a connection, and for the broker to take bytes.
const WITHIN: Duration = Duration::from_secs(10);

/// The longest response that is read.
const LONGEST: usize = 64 << 20;

pub(crate) struct Connection {
    stream: TcpStream,
    /// What has arrived and is no whole frame yet.
    arrived: Vec<u8>,
}

/// What came from the broker.
pub(crate) enum Arrival {
    /// A frame, without its length.
    Frame(Vec<u8>),
    /// Nothing, within the time that was given.
    Nothing,
    /// The end of the connection.
    Closed,
}

impl Connection {
    /// Connects to a broker, `HOST:PORT`.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let mut addresses = address.to_socket_addrs()?;
        let address: SocketAddr = addresses.next().ok_or(ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect_timeout(&address, WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WITHIN))?;
        Ok(Self {
            stream,
            arrived: Vec::new(),
        })
    }

    /// Sends bytes as they are. A broker that has closed the connection is no error: what is read
    /// next shows it.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.write_all(bytes) {
            Err(error) if is_end(&error) => Ok(()),
            sent => sent,
        }
    }

    /// Waits for a frame.
    ///
    /// # Errors
    /// Where the connection breaks in another way than by its end.
    pub(crate) fn read(&mut self, within: Duration) -> io::Result<Arrival> {
        let end = Instant::now() + within;
        let mut buffer = [0; 64 << 10];
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Arrival::Frame(frame));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Arrival::Nothing);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Arrival::Closed),
                Ok(size) => self.arrived.extend(&buffer[..size]),
                Err(error) if is_end(&error) => return Ok(Arrival::Closed),
                Err(error) if is_nothing_yet(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((length, rest)) = self.arrived.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST {
            return Err(io::Error::other(format!(
                "a response of {length} bytes is too long"
            )));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let frame = rest[..length].to_vec();
        self.arrived.drain(..4 + length);
        Ok(Some(frame))
    }
}

fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionReset | ConnectionAborted | BrokenPipe
    )
}

fn is_nothing_yet(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}
