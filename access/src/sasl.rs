//! SASL with a broker: PLAIN (RFC 4616) and SCRAM (RFC 5802), in Kafka's own requests.

use super::settings::{Mechanism, Sasl};
use crate::exchange;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode as _;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::frames::Head;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac, pbkdf2};
use std::io;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use tokio::io::{AsyncRead, AsyncWrite};

/// Proves a name to a broker.
///
/// # Errors
/// Where the broker refuses, or is not the one that knows the password.
pub(super) async fn authenticate(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    client_id: &str,
    sasl: &Sasl,
) -> io::Result<()> {
    let head = |correlation| Head {
        correlation,
        client_id: StrBytes::from_string(client_id.to_owned()),
    };
    let name = sasl.mechanism.name();
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(name));
    let answer = exchange(stream, &head(0), &request, 1).await?;
    if let Some(error) = answer.error_code.err() {
        if error == ResponseError::IllegalSaslState {
            return Err(refused(
                "that it wants no SASL at this port (`security.protocol`)",
            ));
        }
        let known: Vec<&str> = answer.mechanisms.iter().map(|known| &**known).collect();
        let known = match known.is_empty() {
            true => String::new(),
            false => format!("; it takes {}", known.join(", ")),
        };
        return Err(refused(&format!("{error:?} to {name}{known}")));
    }
    match sasl.mechanism {
        Mechanism::Plain => {
            let Sasl {
                username, password, ..
            } = sasl;
            let message = format!("\0{username}\0{}", password.0);
            send(stream, &head(1), message).await.map(drop)
        }
        Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            let nonce = nonce()?;
            let scram = Scram::new(sasl, &nonce);
            let first = send(stream, &head(1), scram.first()).await?;
            let (last, signature) = scram.last(&first)?;
            let proof = send(stream, &head(2), last).await?;
            match proof == format!("v={signature}") {
                true => Ok(()),
                false => Err(refused("a wrong signature: it does not know the password")),
            }
        }
    }
}

/// Sends a message, and returns the broker's.
async fn send(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    head: &Head,
    message: String,
) -> io::Result<String> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
    let answer = exchange(stream, head, &request, 1).await?;
    match answer.error_code.err() {
        None => String::from_utf8(answer.auth_bytes.to_vec())
            .map_err(|_| refused("a message that is no text")),
        Some(ResponseError::SaslAuthenticationFailed) => Err(refused(&format!(
            "{}; a wrong name or password?",
            answer.error_message.as_deref().unwrap_or("no reason")
        ))),
        Some(error) => Err(refused(&format!("{error:?}"))),
    }
}

/// Returns an error that stays whatever is tried.
fn refused(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("SASL: the broker answers {why}"),
    )
}

fn nonce() -> io::Result<String> {
    let mut bytes = [0; 24];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// One exchange of SCRAM.
struct Scram<'a> {
    password: &'a str,
    hash: hmac::Algorithm,
    key: pbkdf2::Algorithm,
    nonce: &'a str,
    /// The first message, without the part on channel binding.
    bare: String,
}

/// The numbers of iterations that are done: Kafka's least one (`ScramMechanism`), which makes a
/// password hard to guess, up to one that takes a tenth of a second.
const ITERATIONS: RangeInclusive<u32> = 4_096..=100_000;

/// The part on channel binding: there is none.
const NO_BINDING: &str = "n,,";

impl<'a> Scram<'a> {
    fn new(sasl: &'a Sasl, nonce: &'a str) -> Self {
        let (hash, key) = match sasl.mechanism {
            Mechanism::ScramSha512 => (hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
            _ => (hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
        };
        let username = sasl.username.replace('=', "=3D").replace(',', "=2C");
        Self {
            password: &sasl.password.0,
            hash,
            key,
            nonce,
            bare: format!("n={username},r={nonce}"),
        }
    }

    fn first(&self) -> String {
        format!("{NO_BINDING}{}", self.bare)
    }

    /// Returns the last message, and the signature with which the broker answers it.
    fn last(&self, server_first: &str) -> io::Result<(String, String)> {
        let part = |begin: &str| {
            let mut parts = server_first.split(',');
            parts.find_map(|part| part.strip_prefix(begin))
        };
        let nonce = part("r=").filter(|nonce| nonce.starts_with(self.nonce));
        let salt = part("s=").and_then(|salt| BASE64_STANDARD.decode(salt).ok());
        let iterations = part("i=").and_then(|count| count.parse::<NonZeroU32>().ok());
        let (Some(nonce), Some(salt), Some(iterations)) = (nonce, salt, iterations) else {
            return Err(refused("what is no message of SCRAM"));
        };
        if !ITERATIONS.contains(&iterations.get()) {
            let (least, most) = ITERATIONS.into_inner();
            let why = format!("{iterations} iterations of SCRAM; expected {least} to {most}");
            return Err(refused(&why));
        }
        let mut salted = vec![0; self.hash.digest_algorithm().output_len()];
        pbkdf2::derive(
            self.key,
            iterations,
            &salt,
            self.password.as_bytes(),
            &mut salted,
        );
        let bare = format!("c={},r={nonce}", BASE64_STANDARD.encode(NO_BINDING));
        let all = format!("{},{server_first},{bare}", self.bare);
        let client_key = self.sign(&salted, b"Client Key");
        let stored = digest::digest(self.hash.digest_algorithm(), client_key.as_ref());
        let client = self.sign(stored.as_ref(), all.as_bytes());
        let proof = client_key.as_ref().iter().zip(client.as_ref());
        let proof: Vec<u8> = proof.map(|(one, other)| one ^ other).collect();
        let server_key = self.sign(&salted, b"Server Key");
        let server = self.sign(server_key.as_ref(), all.as_bytes());
        let last = format!("{bare},p={}", BASE64_STANDARD.encode(proof));
        Ok((last, BASE64_STANDARD.encode(server)))
    }

    fn sign(&self, key: &[u8], text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hash, key), text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Secret;
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn scram_is_as_its_rfc_shows_it() {
        let sasl = Sasl {
            mechanism: Mechanism::ScramSha256,
            username: "user".into(),
            password: Secret("pencil".into()),
        };
        let scram = Scram::new(&sasl, "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                      s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, signature) = scram.last(server).expect("it is read");
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        // Another's nonce, too little work or too much, or none of its parts.
        for other in [
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
            "e=other-error",
            "",
        ] {
            assert!(scram.last(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_name_keeps_its_commas() {
        let sasl = Sasl {
            mechanism: Mechanism::ScramSha512,
            username: "a=b,c".into(),
            password: Secret::default(),
        };
        assert_eq!(Scram::new(&sasl, "x").first(), "n,,n=a=3Db=2Cc,r=x");
    }
}
