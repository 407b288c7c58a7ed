//! TLS by rustls: encrypted only, or with the server's certificate verified, with its name or without.

use crate::options::TlsMode;
use booking_core::ErrorChain;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The connector for a mode, or `None` for plain connections.
pub(crate) fn connector(mode: &TlsMode) -> Result<Option<MakeRustlsConnect>, BoxError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = match mode {
        TlsMode::Disable => return Ok(None),
        TlsMode::Prefer | TlsMode::Require => without_name(builder, None, provider),
        TlsMode::VerifyCa { root_certificates } => {
            let roots = roots(root_certificates.as_deref())?;
            without_name(builder, Some(roots), provider)
        }
        TlsMode::VerifyFull { root_certificates } => {
            let roots = roots(root_certificates.as_deref())?;
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn without_name(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> ClientConfig {
    let verifier = Arc::new(AnyName { roots, provider });
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// Why there are no authorities to trust.
#[derive(Debug, Error)]
enum RootsError {
    #[error("cannot read certificate authorities from {}, which sslrootcert names", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("{}, which sslrootcert names, holds a certificate that cannot be used", path.display())]
    Unfit {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("there is no certificate in {}, which sslrootcert names; it has to be a PEM file", .0.display())]
    Empty(PathBuf),
    #[error(
        "the system has no certificate authorities{0}: install them, as Debian's package ca-certificates does, or \
         name a PEM file of others with sslrootcert or DB_SSLROOTCERT"
    )]
    System(String),
}

fn roots(path: Option<&Path>) -> Result<RootCertStore, RootsError> {
    match path {
        Some(path) => roots_from_file(path),
        None => roots_from_system(),
    }
}

fn roots_from_file(path: &Path) -> Result<RootCertStore, RootsError> {
    let unread = |source| RootsError::Read { path: path.to_owned(), source };
    let unfit = |source| RootsError::Unfit { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
        roots.add(certificate.map_err(unread)?).map_err(unfit)?;
    }
    match roots.is_empty() {
        true => Err(RootsError::Empty(path.to_owned())),
        false => Ok(roots),
    }
}

fn roots_from_system() -> Result<RootCertStore, RootsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        // It names the file that should hold some.
        let causes: Vec<_> = found.errors.iter().map(|e| format!(" ({})", ErrorChain(e))).collect();
        return Err(RootsError::System(causes.concat()));
    }
    Ok(roots)
}

/// Accepts a certificate with any name, but the server must have its key.
#[derive(Debug)]
struct AnyName {
    /// For `sslmode=verify-ca` one of these authorities must have signed it; for `prefer` and `require` its
    /// issuer does not matter.
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
