//! The port of a broker that speaks TLS and SASL, as far as that goes: it lets alice in, and what
//! comes behind is another's. Its certificate is for `localhost`, and expires in 2126.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use ring::{digest, hmac, pbkdf2};
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// The password of alice.
pub(crate) const PASSWORD: &str = "secret";

const PLAIN: &str = "PLAIN";
const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
const SCRAM_SHA_512: &str = "SCRAM-SHA-512";

/// Returns the path of a file in PEM.
pub(crate) fn file(name: &str) -> String {
    // From the folder of a crate: this is a module of more than one.
    format!("../access/tests/secure/pem/{name}")
}

/// Makes what accepts TLS.
pub(crate) fn acceptor(wants_certificate: bool) -> TlsAcceptor {
    let pem = |name: &str| fs::read(file(name)).expect("it is there");
    let certificate = CertificateDer::from_pem_slice(&pem("broker.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(&pem("broker.key.pem")).expect("a key");
    let provider = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("known versions");
    let config = match wants_certificate {
        false => config.with_no_client_auth(),
        true => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(&pem("ca.pem")).expect("a certificate");
            roots.add(root).expect("it is one");
            let roots = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(roots.build().expect("it has a root"))
        }
    };
    let config = config.with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("they fit")))
}

/// Lets alice in, by any of these mechanisms, and no other user. Before that, it says which versions
/// of requests the broker has.
pub(crate) async fn let_in(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mechanisms: &[&'static str],
    versions: &ApiVersionsResponse,
) -> io::Result<()> {
    let mut chosen = String::new();
    let mut scram = None;
    loop {
        let frame = frame(stream).await?;
        if is::<ApiVersionsRequest>(&frame) {
            let version = version(&frame);
            let (id, _) = read::<ApiVersionsRequest>(frame);
            write_as(stream, id, versions, version).await?;
            continue;
        }
        if is::<SaslHandshakeRequest>(&frame) {
            let (id, request) = read::<SaslHandshakeRequest>(frame);
            chosen = request.mechanism.to_string();
            let code = match mechanisms.contains(&&*chosen) {
                true => 0,
                false => ResponseError::UnsupportedSaslMechanism.code(),
            };
            let known = mechanisms.iter().copied().map(StrBytes::from_static_str);
            let answer = SaslHandshakeResponse::default().with_error_code(code);
            write(stream, id, &answer.with_mechanisms(known.collect())).await?;
            continue;
        }
        if !is::<SaslAuthenticateRequest>(&frame) {
            return Err(io::Error::other("it wants something before it is let in"));
        }
        let (id, request) = read::<SaslAuthenticateRequest>(frame);
        let said = str::from_utf8(&request.auth_bytes)
            .expect("a text")
            .to_owned();
        let (answer, is_over) = match (chosen.as_str(), scram.take()) {
            (PLAIN, _) => {
                let is_alice = said == format!("\0alice\0{PASSWORD}");
                (is_alice.then(String::new), true)
            }
            (_, None) => {
                let begun = Scram::begin(&chosen, &said);
                let answer = begun.first.clone();
                scram = Some(begun);
                (Some(answer), false)
            }
            (_, Some(scram)) => (scram.end(&said), true),
        };
        let code = match answer {
            Some(_) => 0,
            None => ResponseError::SaslAuthenticationFailed.code(),
        };
        let response = SaslAuthenticateResponse::default()
            .with_error_code(code)
            .with_auth_bytes(Bytes::from(answer.unwrap_or_default()));
        write(stream, id, &response).await?;
        if is_over {
            return match code {
                0 => Ok(()),
                _ => Err(io::Error::other("it is not alice")),
            };
        }
    }
}

/// The broker's side of SCRAM (RFC 5802).
struct Scram {
    hash: hmac::Algorithm,
    salted: Vec<u8>,
    /// The client's first message, without the part on channel binding.
    bare: String,
    /// The broker's answer to it.
    first: String,
}

impl Scram {
    fn begin(mechanism: &str, client_first: &str) -> Self {
        let (hash, key) = match mechanism {
            SCRAM_SHA_256 => (hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
            SCRAM_SHA_512 => (hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
            other => panic!("no SCRAM: {other}"),
        };
        let bare = client_first.strip_prefix("n,,").expect("no binding");
        let nonce = bare.strip_prefix("n=alice,r=").expect("alice");
        let iterations = NonZeroU32::new(4_096).expect("more than none");
        let mut salted = vec![0; hash.digest_algorithm().output_len()];
        pbkdf2::derive(key, iterations, b"salt", PASSWORD.as_bytes(), &mut salted);
        let salt = BASE64_STANDARD.encode("salt");
        Self {
            hash,
            salted,
            bare: bare.to_owned(),
            first: format!("r={nonce}broker,s={salt},i={iterations}"),
        }
    }

    /// Returns the broker's signature, where the client's proof is right.
    fn end(&self, client_last: &str) -> Option<String> {
        let (unproved, proof) = client_last.rsplit_once(",p=")?;
        let all = format!("{},{},{unproved}", self.bare, self.first);
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(self.hash, key), text);
        let hashed = |key: &[u8]| digest::digest(self.hash.digest_algorithm(), key);
        let stored = hashed(sign(&self.salted, b"Client Key").as_ref());
        let signature = sign(stored.as_ref(), all.as_bytes());
        let proof = BASE64_STANDARD.decode(proof).ok()?;
        let key = proof
            .iter()
            .zip(signature.as_ref())
            .map(|(one, other)| one ^ other);
        if hashed(&key.collect::<Vec<u8>>()).as_ref() != stored.as_ref() {
            return None;
        }
        let server = sign(sign(&self.salted, b"Server Key").as_ref(), all.as_bytes());
        Some(format!("v={}", BASE64_STANDARD.encode(server)))
    }
}

/// Reads a frame, without its length.
pub(crate) async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let length = stream.read_i32().await?;
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await?;
    Ok(frame.into())
}

/// Returns whether a frame has a request of a kind.
pub(crate) fn is<R: Request>(frame: &Bytes) -> bool {
    frame[..2] == R::KEY.to_be_bytes()
}

fn version(frame: &Bytes) -> i16 {
    i16::from_be_bytes([frame[2], frame[3]])
}

/// Reads a request, and the number for its answer.
pub(crate) fn read<R: Request>(mut frame: Bytes) -> (i32, R) {
    let version = version(&frame);
    let header = RequestHeader::decode(&mut frame, R::header_version(version));
    let request = R::decode(&mut frame, version).expect("a request");
    (header.expect("a header").correlation_id, request)
}

/// Writes the answer to a request of version 1, or of version 0, of which it has the form.
pub(crate) async fn write<T: Encodable + HeaderVersion>(
    stream: &mut (impl AsyncWrite + Unpin),
    id: i32,
    response: &T,
) -> io::Result<()> {
    write_as(stream, id, response, 1).await
}

async fn write_as<T: Encodable + HeaderVersion>(
    stream: &mut (impl AsyncWrite + Unpin),
    id: i32,
    response: &T,
    version: i16,
) -> io::Result<()> {
    let mut bytes = BytesMut::zeroed(4);
    let header = ResponseHeader::default().with_correlation_id(id);
    let header = header.encode(&mut bytes, T::header_version(version));
    header.expect("it encodes");
    response.encode(&mut bytes, version).expect("it encodes");
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&bytes).await?;
    stream.flush().await
}
