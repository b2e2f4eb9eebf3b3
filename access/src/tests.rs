//! A broker that speaks TLS and SASL is reached, or refuses.

use super::*;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::frames::Head;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

#[path = "../tests/secure/mod.rs"]
mod secure;

use secure::{acceptor, file, let_in};

/// Starts a broker, and returns the port at which it listens on 127.0.0.1.
async fn broker(wants_certificate: bool, mechanisms: &'static [&'static str]) -> u16 {
    let acceptor = acceptor(wants_certificate);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it listens").port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let acceptor = acceptor.clone();
            // Ends where the client refuses.
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let_in(&mut stream, mechanisms, &ApiVersionsResponse::default()).await?;
                let (id, _) = secure::read::<ApiVersionsRequest>(secure::frame(&mut stream).await?);
                secure::write(&mut stream, id, &ApiVersionsResponse::default()).await
            });
        }
    });
    port
}

/// The properties with which the broker is reached; `more` stands over them.
fn properties(more: &str) -> String {
    format!(
        "security.protocol=SASL_SSL\nssl.ca.location={}\nsasl.mechanism=PLAIN\n\
         sasl.username=alice\nsasl.password=secret\n{more}\n",
        file("ca.pem")
    )
}

async fn connected(more: &str, host: &str, port: u16) -> io::Result<Stream> {
    let access = Access::parse(&properties(more)).expect("it is right");
    access.connect(&format!("{host}:{port}"), "test").await
}

#[tokio::test]
async fn a_broker_is_reached_with_tls_and_a_password() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let port = broker(false, &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).await;
        let chosen = format!("sasl.mechanism={mechanism}");
        let stream = connected(&chosen, "localhost", port).await;
        let mut stream = stream.expect(mechanism);
        let head = Head {
            correlation: 7,
            client_id: StrBytes::from_static_str("test"),
        };
        let answer = exchange(&mut stream, &head, &ApiVersionsRequest::default(), 1).await;
        assert_eq!(answer.expect("an answer"), ApiVersionsResponse::default());
        let guess = format!("{chosen}\nsasl.password=guess");
        let error = connected(&guess, "localhost", port).await;
        let error = error.expect_err("it is not alice");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("a wrong name or password?"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_refuses_or_is_another_is_told_with_what_to_do() {
    let port = broker(false, &["PLAIN"]).await;
    let another = format!("ssl.ca.location={}", file("another.pem"));
    for (more, host, said) in [
        (
            "sasl.password=guess",
            "localhost",
            "a wrong name or password?",
        ),
        (
            "sasl.mechanism=SCRAM-SHA-256",
            "localhost",
            "UnsupportedSaslMechanism to SCRAM-SHA-256; it takes PLAIN",
        ),
        (
            another.as_str(),
            "localhost",
            "trust its issuer with `ssl.ca.location`",
        ),
        (
            "",
            "127.0.0.1",
            "`ssl.endpoint.identification.algorithm=none` takes any name",
        ),
    ] {
        let error = connected(more, host, port).await.expect_err(said);
        assert!(error.to_string().contains(said), "{error}");
    }
    let any = "ssl.endpoint.identification.algorithm=";
    connected(any, "127.0.0.1", port)
        .await
        .expect("any name will do");
    // No TLS at the port: it answers what TLS does not know.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let plain = listener.local_addr().expect("it listens").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"\0\0\0\x04none").await?;
        stream.shutdown().await
    });
    let error = connected("", "localhost", plain)
        .await
        .expect_err("it is none");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_broker_that_wants_a_certificate_gets_it() {
    let port = broker(true, &["PLAIN"]).await;
    let own = format!(
        "ssl.certificate.location={}\nssl.key.location={}",
        file("broker.pem"),
        file("broker.key.pem")
    );
    connected(&own, "localhost", port)
        .await
        .expect("it is let in");
    assert!(connected("", "localhost", port).await.is_err());
}

#[test]
fn files_that_say_nothing_are_named() {
    for (more, said) in [
        (
            "ssl.ca.location=/none/ca.pem".to_owned(),
            "cannot read /none/ca.pem",
        ),
        (
            format!("ssl.ca.location={}", file("broker.key.pem")),
            "has no certificate in PEM",
        ),
        (
            format!("ssl.keystore.location={}", file("ca.pem")),
            "has no private key in PEM",
        ),
    ] {
        let mistake = Access::parse(&properties(&more)).expect_err(said);
        assert!(mistake.contains(said), "{mistake}");
    }
    let path = std::path::Path::new("/none/client.properties");
    let mistake = Access::read(path).expect_err("there is none");
    assert!(
        mistake.contains("cannot read /none/client.properties"),
        "{mistake}"
    );
}
