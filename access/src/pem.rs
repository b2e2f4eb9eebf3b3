//! Certificates and keys in PEM.

use super::settings::Pem;
use std::fs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

impl Pem {
    /// Reads all certificates in it.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let text = self.text()?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let read = read.map_err(|error| format!("{}: {error:?}", self.name()))?;
        match read.is_empty() {
            false => Ok(read),
            true => Err(format!(
                "{} has no certificate in PEM{}",
                self.name(),
                convert(&text)
            )),
        }
    }

    /// Reads the first key in it.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let text = self.text()?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
            let is_encrypted = text.windows(9).any(|part| part == b"ENCRYPTED");
            let why = match is_encrypted {
                true => {
                    "; it is encrypted: `openssl pkey -in FILE` writes it without a password".into()
                }
                false => convert(&text),
            };
            format!("{} has no private key in PEM{why}", self.name())
        })
    }

    fn text(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.0.clone().into_bytes()),
            Self::File(path) => {
                fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Text(_) => "the text in the properties".into(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// Says how to get PEM out of what is none.
fn convert(text: &[u8]) -> String {
    match text.contains(&0) {
        false => String::new(),
        true => {
            "; of a JKS or PKCS12 store, `keytool -exportcert -rfc` and `openssl pkcs12 -nodes` \
                 write one"
                .into()
        }
    }
}
