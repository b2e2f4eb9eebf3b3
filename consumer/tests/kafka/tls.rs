//! Brokers behind TLS. The default build has it.

use crate::cluster::{Handled, Member, Topic, on_two_threads};
use plimsoll_serve::{Options, Served, serve};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The host of the brokers. They call it `localhost`, where the way to them listens at their ports.
const BROKERS: &str = "127.0.0.2";

/// The first byte that a client says which speaks TLS.
const HANDSHAKE: u8 = 22;

/// Runs a test against brokers of its own, behind TLS.
pub(crate) fn on_brokers<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let options = Options {
        host: BROKERS.into(),
        advertised_host: Some("localhost".into()),
        ..Options::default()
    };
    let served: Served = serve(options).expect("there are free ports");
    on_two_threads(&served.bootstrap(), test);
}

/// What the test itself asks goes in plain text.
pub(crate) async fn messages_are_read_over_tls() {
    let bootstrap = crate::cluster::BROKERS.get();
    let (_, port) = bootstrap.rsplit_once(':').expect("HOST:PORT");
    let encrypted = listen(port.parse().expect("a port")).await;
    let topic = Topic::create("secret", 2).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    assert_eq!(encrypted.load(Ordering::Relaxed), 0);
    let handled = Handled::default();
    let consumer = topic.consumer().set("security.protocol", "ssl");
    let consumer = consumer.set("ssl.ca.location", file("ca.pem"));
    let member = Member::start(consumer, handled.handler(Duration::ZERO));
    handled.wait_for(20).await;
    member.stop().await;
    assert!(encrypted.load(Ordering::Relaxed) > 0);
    assert_eq!(topic.committed(2), [Some(10), Some(10)]);
}

/// Listens in front of a broker, for TLS and plain text; returns the number of connections by TLS.
async fn listen(port: u16) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    let listener = listener.expect("the port is free");
    let broker: SocketAddr = format!("{BROKERS}:{port}").parse().expect("an address");
    let acceptor = acceptor();
    let encrypted = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&encrypted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut first = [0];
                let _ = stream.peek(&mut first).await;
                if first != [HANDSHAKE] {
                    return pass(stream, broker).await;
                }
                // Ends where the client refuses.
                if let Ok(stream) = acceptor.accept(stream).await {
                    counted.fetch_add(1, Ordering::Relaxed);
                    pass(stream, broker).await;
                }
            });
        }
    });
    encrypted
}

async fn pass(mut client: impl AsyncRead + AsyncWrite + Unpin, broker: SocketAddr) {
    if let Ok(mut broker) = TcpStream::connect(broker).await {
        let _ = copy_bidirectional(&mut client, &mut broker).await;
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("broker.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(file("broker.key.pem")).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("they fit")))
}

/// Returns the path of a certificate, or a key, for `localhost`, which expires in 2126.
fn file(name: &str) -> String {
    format!("../access/tests/secure/pem/{name}")
}
