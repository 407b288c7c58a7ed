//! The certificates that are trusted.

use booking_core::ErrorChain;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio_rustls::TlsConnector;

/// Why the trusted authorities could not be read.
#[derive(Debug, Error)]
pub enum RootsError {
    /// The file of further authorities cannot be read.
    #[error("cannot read certificate authorities from {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// It has an entry that is no authority.
    #[error("{} holds a certificate that cannot be used", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// The initial settings of rustls are inconsistent.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// Trusts the system's authorities, and those in the file `extra`.
pub(super) fn connector(extra: Option<&Path>) -> Result<TlsConnector, RootsError> {
    let roots = roots(extra)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(RootsError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(extra: Option<&Path>) -> Result<RootCertStore, RootsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if let Some(path) = extra {
        let unread = |source| RootsError::Read { path: path.to_owned(), source };
        let unfit = |source| RootsError::Unfit { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            roots.add(certificate.map_err(unread)?).map_err(unfit)?;
        }
    }
    if roots.is_empty() {
        let causes: Vec<_> = found.errors.iter().map(|e| format!(" ({})", ErrorChain(e))).collect();
        log::warn!(
            "the system has no certificate authorities{}, so no endpoint of a webhook is believed: install them, as \
             Debian's package ca-certificates does",
            causes.concat()
        );
    }
    Ok(roots)
}
