//! Certificates, good and bad.

use super::receiver::{Receiver, status};
use super::{Outcome, Reason, failed, local_client, send};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

const NAME: &str = "hooks.example";

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("it is made");
        let folder = tempfile::tempdir().expect("a directory can be made");
        fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("it is written");
        Self { issuer, folder }
    }

    fn file(&self) -> Option<PathBuf> {
        Some(self.folder.path().join("ca.pem"))
    }

    /// The certificate that a receiver shows.
    fn certify(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = key();
        let issuer: &Issuer<'_, KeyPair> = &self.issuer;
        let certificate = params.signed_by(&key, issuer).expect("it is signed");
        acceptor(certificate.der().clone(), &key)
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("a name")
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions are known")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_certificate_for_the_name_is_accepted() {
    let authority = Authority::new();
    let tls = authority.certify(&named(NAME));
    let receiver = Receiver::start_with(status("200 OK"), Some(tls)).await;
    let client = local_client(authority.file());
    for host in [NAME, "HOOKS.example", "hooks.example."] {
        let to = format!("https://{host}:{}/", receiver.port);
        assert_eq!(send(&client, &to).await, Outcome::Done(200), "{host}");
    }
    // The name, not the address that it resolved to.
    let host = format!("host: {NAME}:{}\r\n", receiver.port);
    assert!(receiver.requests()[0].to_ascii_lowercase().contains(&host));
}

#[tokio::test]
async fn a_certificate_for_an_address_is_accepted() {
    let authority = Authority::new();
    let tls = authority.certify(&named("127.0.0.1"));
    let receiver = Receiver::start_with(status("200 OK"), Some(tls)).await;
    let to = format!("https://127.0.0.1:{}/", receiver.port);
    assert_eq!(send(&local_client(authority.file()), &to).await, Outcome::Done(200));
}

#[tokio::test]
async fn other_certificates_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut run_out = named(NAME);
    run_out.not_before = date_time_ymd(2019, 1, 1);
    run_out.not_after = date_time_ymd(2020, 1, 1);
    let mut not_yet = named(NAME);
    not_yet.not_before = date_time_ymd(2999, 1, 1);
    not_yet.not_after = date_time_ymd(3000, 1, 1);
    let own_key = key();
    let self_signed = named(NAME).self_signed(&own_key).expect("it is signed");
    for (why, tls) in [
        ("of another name", authority.certify(&named("other.example"))),
        ("of a name below", authority.certify(&named("a.hooks.example"))),
        ("of the address that the name led to", authority.certify(&named("127.0.0.1"))),
        ("run out", authority.certify(&run_out)),
        ("not good yet", authority.certify(&not_yet)),
        ("signed by itself", acceptor(self_signed.der().clone(), &own_key)),
        ("of an unknown authority", stranger.certify(&named(NAME))),
    ] {
        let receiver = Receiver::start_with(status("200 OK"), Some(tls)).await;
        let to = format!("https://{NAME}:{}/", receiver.port);
        let outcome = send(&local_client(authority.file()), &to).await;
        assert_eq!(outcome, failed(Reason::TlsFailed), "{why}");
        assert_eq!(receiver.requests().len(), 0, "{why}");
    }
}
