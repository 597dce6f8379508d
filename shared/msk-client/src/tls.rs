//! Whom to trust: the system's root certificates, plus the contents of a PEM file for brokers
//! whose certificate no public authority signed.
//!
//! MSK's brokers have certificates of Amazon Trust Services, which Lambda's base image knows.
//! The roots are read from the system as the AWS SDK's own HTTP client does, so that one place
//! configures both.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::KafkaError;

/// A client configuration that trusts the system's roots and those in `extra_pem`. An unusable
/// extra file is an error; unusable system roots are left out, unless nothing remains.
pub(crate) fn client_config(extra_pem: Option<&str>) -> Result<Arc<ClientConfig>, KafkaError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(pem) = extra_pem {
        add_extra(&mut roots, pem)?;
    }
    if roots.is_empty() {
        return Err(KafkaError::Certificates {
            reason: "the system has no root certificates and none were given".to_owned(),
        });
    }
    // Two crypto providers are linked (the SDK brings aws-lc, the Kafka client ring); naming one
    // keeps rustls from having to guess, which it refuses with a panic.
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_extra(roots: &mut RootCertStore, pem: &str) -> Result<(), KafkaError> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| KafkaError::Certificates {
            reason: format!("the extra certificates are not readable PEM: {error:?}"),
        })?;
        roots.add(certificate).map_err(|error| KafkaError::Certificates {
            reason: format!("certificate {} of the extra ones is not usable as a root: {error}", count + 1),
        })?;
        count += 1;
    }
    if count == 0 {
        return Err(KafkaError::Certificates { reason: "the extra certificates hold no CERTIFICATE block".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_file_without_a_certificate_is_refused() {
        for (pem, words) in [
            ("", "no CERTIFICATE block"),
            ("not pem at all", "no CERTIFICATE block"),
            ("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "not readable PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not usable as a root"),
        ] {
            let error = add_extra(&mut RootCertStore::empty(), pem).unwrap_err();
            assert!(error.to_string().contains(words), "{pem:?}: {error}");
            assert!(error.to_string().contains("KAFKA_CA_FILE"));
        }
    }
}
