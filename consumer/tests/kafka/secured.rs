//! Brokers behind ports that speak TLS and SASL.

use crate::cluster::{Handled, Member, Topic};
use crate::secure::{PASSWORD, acceptor, file, frame, let_in};
use crate::subject::{Builder, builder};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Request as _, StrBytes};
use plimsoll_codec::frames::Head;
use plimsoll_serve::Served;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The first byte of a connection over TLS: a handshake.
const TLS: u8 = 0x16;

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// The ports through which clients reach the brokers.
pub(crate) struct Ports {
    bootstrap: String,
    /// Number of connections by which alice was let in.
    let_in: Arc<AtomicU32>,
}

impl Ports {
    /// Lets clients reach the brokers through ports that speak TLS and SASL. The tools of the test
    /// are taken in plain text there.
    pub(crate) async fn before(cluster: &Served) -> Self {
        let let_in = Arc::new(AtomicU32::new(0));
        let mut ports = Vec::new();
        for (broker, address) in cluster.brokers().to_vec() {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let advertise = cluster.call_async(move |cluster, _| {
                cluster.advertise(broker, "localhost".into(), port);
            });
            advertise.await;
            tokio::spawn(accept(listener, address, Arc::clone(&let_in)));
            ports.push(format!("localhost:{port}"));
        }
        Self {
            bootstrap: ports.join(","),
            let_in,
        }
    }

    /// Returns a consumer that reaches the brokers as alice.
    pub(crate) fn consumer(&self, topic: &Topic, mechanism: &str, password: &str) -> Builder {
        builder(&self.bootstrap, &topic.name, [topic.name.clone()])
            .set("security.protocol", "SASL_SSL")
            .set("ssl.ca.location", file("ca.pem"))
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", "alice")
            .set("sasl.password", password)
    }
}

async fn accept(listener: TcpListener, broker: String, let_in: Arc<AtomicU32>) {
    let acceptor = acceptor(false);
    while let Ok((client, _)) = listener.accept().await {
        let broker = TcpStream::connect(&broker).await.expect("a broker");
        tokio::spawn(pass_on(
            client,
            broker,
            acceptor.clone(),
            Arc::clone(&let_in),
        ));
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut broker: TcpStream,
    acceptor: TlsAcceptor,
    count: Arc<AtomicU32>,
) -> std::io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    if first != [TLS] {
        return copy_bidirectional(&mut client, &mut broker).await.map(drop);
    }
    let mut client = acceptor.accept(client).await?;
    let versions = versions(&mut broker).await?;
    let_in(&mut client, &MECHANISMS, &versions).await?;
    count.fetch_add(1, Ordering::Relaxed);
    copy_bidirectional(&mut client, &mut broker).await.map(drop)
}

/// Asks a broker for the versions of requests that it has, and adds those of SASL, which the port
/// answers.
async fn versions(broker: &mut TcpStream) -> std::io::Result<ApiVersionsResponse> {
    let head = Head {
        correlation: 0,
        client_id: StrBytes::from_static_str("port"),
    };
    let request = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("port"))
        .with_client_software_version(StrBytes::from_static_str("1"));
    let asked = head.frame(&request, 3).expect("it has this version");
    broker.write_all(&asked).await?;
    let answer = frame(broker).await?;
    let mut versions = head
        .read::<ApiVersionsRequest>(3, answer)
        .expect("an answer");
    for key in [SaslHandshakeRequest::KEY, SaslAuthenticateRequest::KEY] {
        let version = ApiVersion::default().with_api_key(key).with_max_version(1);
        versions.api_keys.push(version);
    }
    Ok(versions)
}

pub(crate) async fn brokers_are_reached_with_tls_and_a_password(cluster: Arc<Served>) {
    let ports = Ports::before(&cluster).await;
    for mechanism in MECHANISMS {
        let before = ports.let_in.load(Ordering::Relaxed);
        let topic = Topic::create("secured", 2).await;
        topic.produce(0..20, |number| (number % 2) as i32).await;
        let handled = Handled::default();
        let consumer = ports.consumer(&topic, mechanism, PASSWORD);
        let member = Member::start(consumer, handled.handler(Duration::ZERO));
        handled.wait_for(20).await;
        member.stop().await;
        assert_eq!(topic.committed(2), [Some(10), Some(10)], "{mechanism}");
        // One to begin with, one to the coordinator, and one of each leader, at least.
        let connections = ports.let_in.load(Ordering::Relaxed) - before;
        assert!(connections >= 4, "{connections}");
    }
}
