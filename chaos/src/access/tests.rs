//! A broker that speaks TLS and SASL. Its certificate is for `localhost`, and expires in 2126.

use super::*;
use crate::admin::exchange;
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::fs;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;

/// Returns the path of a file in PEM.
fn file(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Starts a broker, and returns the port at which it listens on 127.0.0.1.
async fn broker(wants_certificate: bool) -> u16 {
    let pem = |name: &str| fs::read(file(name)).expect("it is there");
    let certificate = CertificateDer::from_pem_slice(&pem("broker.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&pem("broker.key.pem")).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("known versions");
    let config = match wants_certificate {
        false => config.with_no_client_auth(),
        true => {
            let mut roots = tokio_rustls::rustls::RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(&pem("ca.pem")).expect("a certificate");
            roots.add(root).expect("it is one");
            let roots = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(roots.build().expect("it has a root"))
        }
    };
    let config = config
        .with_single_cert(vec![certificate], key)
        .expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it listens").port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let acceptor = acceptor.clone();
            // Ends where the client refuses.
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                answer(&mut stream).await
            });
        }
    });
    port
}

/// Answers requests: takes the password of alice, and nothing else before it.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut is_known = false;
    loop {
        let length = stream.read_i32().await?;
        let mut frame = vec![0; length as usize];
        stream.read_exact(&mut frame).await?;
        let (key, version) = (
            i16::from_be_bytes([frame[0], frame[1]]),
            i16::from_be_bytes([frame[2], frame[3]]),
        );
        let mut frame = Bytes::from(frame);
        let response = match key {
            SaslHandshakeRequest::KEY => {
                let (id, request) = read::<SaslHandshakeRequest>(&mut frame, version);
                let plain = StrBytes::from_static_str("PLAIN");
                let code = match request.mechanism == plain {
                    true => 0,
                    false => ResponseError::UnsupportedSaslMechanism.code(),
                };
                let response = SaslHandshakeResponse::default().with_error_code(code);
                written(id, &response.with_mechanisms(vec![plain]), version)
            }
            SaslAuthenticateRequest::KEY => {
                let (id, request) = read::<SaslAuthenticateRequest>(&mut frame, version);
                is_known = request.auth_bytes == b"\0alice\0secret"[..];
                let code = match is_known {
                    true => 0,
                    false => ResponseError::SaslAuthenticationFailed.code(),
                };
                let response = SaslAuthenticateResponse::default().with_error_code(code);
                written(id, &response, version)
            }
            _ if is_known => {
                let (id, _) = read::<ApiVersionsRequest>(&mut frame, version);
                written(id, &ApiVersionsResponse::default(), version)
            }
            _ => return Ok(()),
        };
        stream.write_all(&response).await?;
        stream.flush().await?;
    }
}

fn read<R: Request>(frame: &mut Bytes, version: i16) -> (i32, R) {
    let header = RequestHeader::decode(frame, R::header_version(version)).expect("a header");
    (
        header.correlation_id,
        R::decode(frame, version).expect("a request"),
    )
}

fn written<T: Encodable + HeaderVersion>(id: i32, response: &T, version: i16) -> BytesMut {
    let mut bytes = BytesMut::zeroed(4);
    let header = ResponseHeader::default().with_correlation_id(id);
    header
        .encode(&mut bytes, T::header_version(version))
        .expect("it encodes");
    response.encode(&mut bytes, version).expect("it encodes");
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
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
    access.connect(&format!("{host}:{port}")).await
}

#[tokio::test]
async fn a_broker_is_reached_with_tls_and_a_password() {
    let port = broker(false).await;
    let mut stream = connected("", "localhost", port)
        .await
        .expect("it is reached");
    let answer = exchange(&mut stream, &ApiVersionsRequest::default(), 0, 7).await;
    assert_eq!(answer.expect("an answer"), ApiVersionsResponse::default());
}

#[tokio::test]
async fn a_broker_that_refuses_or_is_another_is_told_with_what_to_do() {
    let port = broker(false).await;
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
        let error = connected(more, host, port).await.err().expect(said);
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
        .err()
        .expect("it is none");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn a_broker_that_wants_a_certificate_gets_it() {
    let port = broker(true).await;
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
