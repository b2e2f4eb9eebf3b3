//! The proxy between a client and a broker that both do what a test says.

mod connections;
mod faults;
mod frames;
mod observing;
mod rewriting;
mod sessions;

use super::frame::Frame;
use super::testing::*;
use super::{Produced, Proxy, Report, Seen};
use crate::address::BrokerAddress;
use crate::channel::Sender;
use crate::error::ChaosError;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::ResponseHeader;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use plimsoll_oracle::MemberId;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// One member, one broker, and the proxy between them.
struct Rig {
    proxy: Proxy,
    broker: FakeBroker,
    watcher: Arc<Recorder>,
}

impl Rig {
    async fn start() -> Self {
        Self::with(Recorder::default()).await
    }

    async fn with(watcher: Recorder) -> Self {
        let watcher = Arc::new(watcher);
        let reports = watcher.reports();
        let rig = Self::reporting(reports).await;
        Self { watcher, ..rig }
    }

    /// Starts one whose proxy reports elsewhere; its watcher sees nothing.
    async fn reporting(reports: Sender<Report>) -> Self {
        let broker = FakeBroker::start().await;
        let watcher = Arc::default();
        let brokers = [BrokerAddress {
            index: 0,
            node_id: 1,
            address: broker.address.clone(),
        }];
        let proxy = Proxy::start(2, &brokers, &reports)
            .await
            .expect("listeners");
        Self {
            proxy,
            broker,
            watcher,
        }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.proxy.bootstraps()[MEMBER]).await
    }
}

/// A broker that answers what a test says.
struct FakeBroker {
    address: String,
    arrivals: UnboundedReceiver<Arrival>,
}

/// What came to the broker.
enum Arrival {
    Connected,
    Request(Arrived),
    Closed,
}

/// A request, and where to answer it.
struct Arrived {
    frame: Frame,
    connection: UnboundedSender<Option<Vec<u8>>>,
}

impl FakeBroker {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address").to_string();
        let (sender, arrivals) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let _ = sender.send(Arrival::Connected);
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        Self { address, arrivals }
    }

    async fn next(&mut self) -> Arrival {
        within(self.arrivals.recv()).await.expect("the broker runs")
    }

    async fn request(&mut self) -> Arrived {
        loop {
            match self.next().await {
                Arrival::Request(arrived) => return arrived,
                Arrival::Connected | Arrival::Closed => {}
            }
        }
    }

    async fn closed(&mut self) {
        while !matches!(self.next().await, Arrival::Closed) {}
    }

    /// Checks that no request comes for a while.
    async fn hears_nothing(&mut self) {
        let request = tokio::time::timeout(A_WHILE, self.request()).await;
        assert!(request.is_err(), "a request came through");
    }
}

async fn serve(stream: TcpStream, arrivals: UnboundedSender<Arrival>) {
    let (mut reader, mut writer) = stream.into_split();
    let (connection, mut answers) = unbounded_channel::<Option<Vec<u8>>>();
    let answering = async {
        while let Some(Some(answer)) = answers.recv().await {
            if writer.write_all(&answer).await.is_err() {
                break;
            }
        }
    };
    let reading = async {
        while let Ok(Some(frame)) = Frame::read(&mut reader).await {
            let connection = connection.clone();
            let _ = arrivals.send(Arrival::Request(Arrived { frame, connection }));
        }
    };
    tokio::select! {
        () = answering => {}
        () = reading => {}
    }
    let _ = arrivals.send(Arrival::Closed);
}

impl Arrived {
    fn version(&self) -> i16 {
        self.frame.request_header().expect("a header").version
    }

    fn key(&self) -> i16 {
        self.frame.request_header().expect("a header").key
    }

    fn answer<T: Encodable + HeaderVersion>(&self, response: &T) {
        self.answer_as(response, self.version());
    }

    fn answer_as<T: Encodable + HeaderVersion>(&self, response: &T, version: i16) {
        let correlation = self.frame.request_header().expect("a header").correlation;
        let frame = response_frame(response, version, correlation);
        self.connection
            .send(Some(frame.bytes().to_vec()))
            .expect("the connection is open");
    }

    fn close(&self) {
        let _ = self.connection.send(None);
    }
}

fn response_frame<T: Encodable + HeaderVersion>(
    response: &T,
    version: i16,
    correlation: i32,
) -> Frame {
    let header = ResponseHeader::default().with_correlation_id(correlation);
    Frame::response(
        &encoded(&header, T::header_version(version)),
        &encoded(response, version),
    )
}

impl Recorder {
    fn react(&self, reaction: impl FnMut(&Seen) + Send + 'static) {
        *self.reaction.lock().expect("no panics") = Some(Box::new(reaction));
    }

    /// Waits until it saw `count` things.
    async fn saw(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        let _ = within(seen.wait_for(|seen| seen.len() >= count)).await;
        self.seen()
    }
}

impl Client {
    /// Checks that nothing comes for a while, not even the end.
    async fn hears_nothing(&mut self) {
        let frame = tokio::time::timeout(A_WHILE, Frame::read(&mut self.reader)).await;
        assert!(frame.is_err(), "something came through");
    }

    /// Checks that the connection ends before anything else comes.
    async fn is_closed(&mut self) {
        let frame = within(Frame::read(&mut self.reader)).await;
        assert!(!matches!(frame, Ok(Some(_))), "a response came");
    }
}
