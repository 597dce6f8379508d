//! The certificates of the TLS listener: an authority that exists only to sign one server certificate.
//!
//! The authority's key is thrown away at once. With a data directory the certificates are kept, so clients
//! that trust the authority keep trusting the broker after a restart.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::error::BrokerError;
use crate::files;

const FILE: &str = "tls.json";

/// What the TLS listener needs, and what its clients have to trust.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    host: String,
    ca: String,
    certificate: String,
    key: String,
}

impl Identity {
    /// Takes the certificates of an earlier start for the same host, or makes new ones.
    pub(crate) fn open(root: &Path, host: &str) -> Result<Self, BrokerError> {
        let path = root.join(FILE);
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Kept>(&bytes).ok().filter(|kept| kept.host == host),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(BrokerError::storage("read", &path)(error)),
        };
        let kept = match kept {
            Some(kept) => kept,
            None => {
                let made = make(host).map_err(|source| BrokerError::Certificate { host: host.to_owned(), source })?;
                let json = serde_json::to_vec(&made).expect("text is JSON");
                files::replace(&path, &json).map_err(BrokerError::storage("write", &path))?;
                restrict(&path).map_err(BrokerError::storage("protect", &path))?;
                made
            }
        };
        let acceptor = acceptor(&kept).map_err(|source| BrokerError::Tls { source })?;
        Ok(Self { acceptor, ca_pem: kept.ca })
    }
}

fn make(host: &str) -> Result<Kept, rcgen::Error> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "local Kafka broker authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let issuer = Issuer::new(ca, ca_key);

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "local Kafka broker");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = server.signed_by(&key, &issuer)?;
    Ok(Kept { host: host.to_owned(), ca: ca_pem, certificate: certificate.pem(), key: key.serialize_pem() })
}

fn acceptor(kept: &Kept) -> Result<TlsAcceptor, rustls::Error> {
    let unreadable = |what: &str| rustls::Error::General(format!("the stored {what} is unreadable"));
    let certificate =
        CertificateDer::from_pem_slice(kept.certificate.as_bytes()).map_err(|_| unreadable("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(kept.key.as_bytes()).map_err(|_| unreadable("key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}
