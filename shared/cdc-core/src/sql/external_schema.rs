//! The external schema: Redshift's mapping to the Kafka cluster.

use super::ident::{literal, quoted};
use super::layout::Layout;

/// How Redshift logs in to the brokers (`AUTHENTICATION` of `CREATE EXTERNAL SCHEMA`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamAuthentication {
    /// No login. Ports 9092 (plaintext, MSK only) and 9094 (TLS).
    None,
    /// MSK's IAM login, port 9098. Needs an IAM role.
    Iam,
    /// Client certificates, port 9094. Needs an IAM role.
    Mtls,
}

/// What an external schema points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSource {
    /// Bootstrap brokers, `host:port` each, at least one.
    pub brokers: Vec<String>,
    /// How Redshift logs in.
    pub authentication: StreamAuthentication,
    /// `default` or the ARN of the role that Redshift assumes; not needed without a login.
    pub iam_role: Option<String>,
    /// ACM certificate or secret for mutual TLS: (`AUTHENTICATION_ARN` or `SECRET_ARN`, ARN).
    pub certificate: Option<(CertificateSource, String)>,
}

/// Where Redshift finds its client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSource {
    /// A private certificate of AWS Certificate Manager.
    CertificateManager,
    /// A secret with `certificate` and `privateKey`.
    SecretsManager,
}

/// `CREATE EXTERNAL SCHEMA … FROM KAFKA`.
///
/// Without `IF NOT EXISTS` on purpose: with it a changed broker list would be ignored without
/// a word, since Redshift keeps the old one.
#[must_use]
pub fn create(layout: &Layout, source: &StreamSource) -> String {
    let mut text = format!("CREATE EXTERNAL SCHEMA {}\nFROM KAFKA", quoted(&layout.external_schema));
    if let Some(role) = &source.iam_role {
        if role == "default" {
            text.push_str("\nIAM_ROLE default");
        } else {
            text.push_str(&format!("\nIAM_ROLE {}", literal(role)));
        }
    }
    text.push_str(&format!("\nURI {}", literal(&source.brokers.join(","))));
    text.push_str(match source.authentication {
        StreamAuthentication::None => "\nAUTHENTICATION none",
        StreamAuthentication::Iam => "\nAUTHENTICATION iam",
        StreamAuthentication::Mtls => "\nAUTHENTICATION mtls",
    });
    if let Some((kind, arn)) = &source.certificate {
        text.push_str(match kind {
            CertificateSource::CertificateManager => "\nAUTHENTICATION_ARN ",
            CertificateSource::SecretsManager => "\nSECRET_ARN ",
        });
        text.push_str(&literal(arn));
    }
    text
}

/// Drops the mapping; topics and landing views stay.
#[must_use]
pub fn drop(layout: &Layout) -> String {
    format!("DROP SCHEMA IF EXISTS {}", quoted(&layout.external_schema))
}
