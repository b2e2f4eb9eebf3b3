//! Brokers behind ports that speak TLS and SASL.

use crate::cluster::{Handled, Member, Topic};
use crate::secure::{PASSWORD, acceptor, file, let_in};
use crate::subject::{Builder, builder};
use plimsoll_serve::Served;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The first byte of a connection over TLS: a handshake.
const TLS: u8 = 0x16;

/// The ports through which clients reach the brokers.
struct Ports {
    bootstrap: String,
    /// Number of connections by which alice was let in.
    let_in: Arc<AtomicU32>,
}

impl Ports {
    /// Lets clients reach the brokers through ports that speak TLS and SASL. The tools of the test
    /// are taken in plain text there.
    async fn before(cluster: &Served) -> Self {
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
    fn consumer(&self, topic: &Topic, mechanism: &str, password: &str) -> Builder {
        builder(&self.bootstrap, &topic.name, [topic.name.clone()])
            .set("security.protocol", "SASL_SSL")
            .set("ssl.ca.location", &file("ca.pem"))
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
    let_in(&mut client, &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).await?;
    count.fetch_add(1, Ordering::Relaxed);
    copy_bidirectional(&mut client, &mut broker).await.map(drop)
}

pub(crate) async fn brokers_are_reached_with_tls_and_a_password(cluster: Arc<Served>) {
    let ports = Ports::before(&cluster).await;
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
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

pub(crate) async fn a_refusal_ends_a_member_that_has_not_begun(cluster: Arc<Served>) {
    let ports = Ports::before(&cluster).await;
    let topic = Topic::create("refused", 1).await;
    let wrong = ports.consumer(&topic, "SCRAM-SHA-256", "guess");
    let untrusted = ports.consumer(&topic, "PLAIN", PASSWORD);
    let untrusted = untrusted.set("ssl.ca.location", &file("another.pem"));
    for (consumer, said) in [
        (wrong, "a wrong name or password?"),
        (untrusted, "trust its issuer with `ssl.ca.location`"),
    ] {
        let member = Member::start(consumer, Handled::default().handler(Duration::ZERO));
        let error = member.end().await.expect_err("it is refused").to_string();
        assert!(error.contains(said), "{error}");
    }
}
