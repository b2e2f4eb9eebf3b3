//! TLS with a broker.

use super::settings::Tls;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Makes what connects.
///
/// # Errors
/// Where a file cannot be read, or says nothing.
pub(super) fn connector(settings: &Tls) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(settings)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
    let verifier = verifier.build().map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = match settings.any_host {
        true => Arc::new(AnyHost(verifier)),
        false => verifier,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => config
            .with_client_auth_cert(certificate.certificates()?, key.key()?)
            .map_err(|error| format!("the certificate and its key do not fit: {error}"))?,
        _ => config.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Returns the certificates that are trusted.
fn roots(settings: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = match &settings.trusted {
        Some(trusted) => trusted.certificates()?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(certificates);
    match roots.is_empty() {
        false => Ok(roots),
        true => Err("no certificate is trusted: name one with `ssl.ca.location`".into()),
    }
}

/// Returns the name that the certificate of a broker at this address must have.
pub(super) fn server_name(address: &str) -> io::Result<ServerName<'static>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::Unsupported, format!("{host}: {error}")))
}

const NO_TLS: &str = ": perhaps it does not speak TLS at this port (`security.protocol`)";

/// Says what to do about an error of a handshake.
pub(super) fn explained(error: &io::Error) -> io::Error {
    let inner = error.get_ref();
    let inner = inner.and_then(|inner| inner.downcast_ref::<Error>());
    let more = match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            ": trust its issuer with `ssl.ca.location`"
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => ": `ssl.endpoint.identification.algorithm=none` takes any name",
        Some(Error::InvalidMessage(_)) => NO_TLS,
        None if error.kind() == io::ErrorKind::UnexpectedEof => NO_TLS,
        _ => "",
    };
    let kind = match inner {
        Some(Error::InvalidCertificate(_)) => io::ErrorKind::Unsupported,
        _ => error.kind(),
    };
    io::Error::new(kind, format!("TLS: {error}{more}"))
}

/// Verifies a certificate, but not that it names its host.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    /// Verifies a certificate. Its name is looked at last, when all else is right.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (inner, leaf) = (&self.0, end_entity);
        match inner.verify_server_cert(leaf, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
