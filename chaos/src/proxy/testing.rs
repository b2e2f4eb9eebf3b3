//! What tests of the proxy share, those with a real broker and those without: what sees its
//! reports, and a client that does what a test says.

use super::frame::Frame;
use super::{Produced, Report, Seen};
use crate::channel::Sender;
use crate::error::ChaosError;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use plimsoll_oracle::MemberId;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

pub(super) const MEMBER: MemberId = MemberId(0);

/// The time limit of whatever a test waits for.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// The time after which what has not happened is taken for held.
pub(super) const A_WHILE: Duration = Duration::from_millis(150);

/// The reports of the proxy.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) seen: watch::Sender<Vec<(MemberId, Seen)>>,
    pub(super) produced: Mutex<Vec<Produced>>,
    /// Becomes true when produce responses may go on; `None`: they do not wait.
    pub(super) holds_produced: Option<watch::Receiver<bool>>,
    /// The test's reaction to what is seen.
    pub(super) reaction: Mutex<Option<Reaction>>,
}

pub(super) type Reaction = Box<dyn FnMut(&Seen) + Send>;

impl Recorder {
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.borrow();
        seen.iter().map(|(_, seen)| seen.clone()).collect()
    }

    /// Makes a sending end whose reports are remembered, one after the other, until all ends are
    /// gone.
    pub(super) fn reports(self: &Arc<Self>) -> Sender<Report> {
        let (sender, mut reports) = unbounded_channel();
        let recorder = self.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                recorder.handle(report);
            }
        });
        Sender::new(move |report| {
            let _ = sender.send(report);
        })
    }

    fn handle(&self, report: Report) {
        match report {
            Report::Passed {
                member,
                seen,
                noted,
            } => {
                for seen in seen {
                    if let Some(reaction) = &mut *self.reaction.lock().expect("no panics") {
                        reaction(&seen);
                    }
                    self.seen.send_modify(|all| all.push((member, seen)));
                }
                let _ = noted.send(());
            }
            Report::Produced { last, noted, .. } => {
                self.produced.lock().expect("no panics").push(last);
                let released = self.holds_produced.clone();
                tokio::spawn(async move {
                    if let Some(mut released) = released {
                        let _ = released.wait_for(|released| *released).await;
                    }
                    let _ = noted.send(());
                });
            }
        }
    }
}

/// A client that sends what a test says.
pub(super) struct Client {
    pub(super) reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    pub(super) correlation: i32,
}

impl Client {
    pub(super) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a listener");
        let (reader, writer) = stream.into_split();
        Self {
            reader,
            writer,
            correlation: 100,
        }
    }

    pub(super) async fn send<R: Request>(&mut self, request: &R, version: i16) {
        self.correlation += 1;
        let frame = request_frame(request, version, self.correlation);
        self.write(frame.bytes()).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        within(self.writer.write_all(bytes)).await.expect("sent");
    }

    pub(super) async fn receive<T: Decodable + HeaderVersion>(&mut self, version: i16) -> T {
        let frame = within(Frame::read(&mut self.reader)).await;
        let frame = frame.expect("a frame").expect("an open connection");
        let mut bytes = Bytes::copy_from_slice(&frame.bytes()[4..]);
        ResponseHeader::decode(&mut bytes, T::header_version(version)).expect("a header");
        let response = T::decode(&mut bytes, version).expect("a response");
        assert!(bytes.is_empty(), "bytes too many");
        response
    }
}

pub(super) fn request_frame<R: Request>(request: &R, version: i16, correlation: i32) -> Frame {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(StrBytes::from_static_str("test")));
    Frame::response(
        &encoded(&header, R::header_version(version)),
        &encoded(request, version),
    )
}

pub(super) fn encoded(message: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).expect("it encodes");
    bytes.freeze()
}

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("in time")
}

/// Checks that a fault hit what it names.
#[track_caller]
pub(super) fn done(fault: Result<(), ChaosError>) {
    fault.expect("it is there");
}

pub(super) fn name<T: From<StrBytes>>(name: &'static str) -> T {
    StrBytes::from_static_str(name).into()
}
