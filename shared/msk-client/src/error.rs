//! What can go wrong between us and a Kafka cluster, by what has to be done about it.
//!
//! Every message names the cluster or the brokers, and the next step. No message carries a
//! token, a credential or a record's content.

use std::error::Error;

use cdc_core::error::ErrorKind;

type Source = Box<dyn Error + Send + Sync>;

/// A failed call to the MSK control plane or to the brokers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// The cluster does not offer the login that the pipeline asks for.
    #[error(
        "cluster {cluster} has no bootstrap brokers for authentication {wanted} (it offers: {offered}); \
         set kafka.authentication in the pipeline file to one of these, or enable {wanted} on the cluster"
    )]
    NotOffered {
        /// The cluster's ARN.
        cluster: String,
        /// The wanted authentication.
        wanted: &'static str,
        /// What the cluster offers, comma separated.
        offered: String,
    },
    /// `GetBootstrapBrokers` failed.
    #[error("asking MSK for the bootstrap brokers of {cluster} failed ({code}); {next_step}")]
    ControlPlane {
        /// The cluster's ARN.
        cluster: String,
        /// The service's error code, or what kept the request from being answered.
        code: String,
        /// What to do.
        next_step: &'static str,
        /// The action that fits.
        kind: ErrorKind,
        /// The SDK's error.
        #[source]
        source: Option<Source>,
    },
    /// The brokers did not answer, or the connection broke and could not be made again.
    #[error(
        "no usable connection to the brokers {brokers} while {doing}; check that the function runs in \
         subnets that reach them, that the brokers' security group admits the function's on that \
         port (9098 for IAM, 9094 for TLS, 9092 for plaintext), and that the cluster is active"
    )]
    Unreachable {
        /// The brokers, comma separated.
        brokers: String,
        /// What was being done.
        doing: String,
        /// The client's error; None when the deadline passed without one.
        #[source]
        source: Option<Source>,
    },
    /// The brokers refused the login, or no token could be made.
    #[error(
        "the brokers {brokers} refused the IAM login ({reason}); check that the function's role has \
         kafka-cluster:Connect on the cluster and that AWS_REGION is the cluster's region"
    )]
    LoginRefused {
        /// The brokers, comma separated.
        brokers: String,
        /// Why, as far as known.
        reason: String,
        /// The client's error.
        #[source]
        source: Option<Source>,
    },
    /// The certificates to trust could not be used.
    #[error("{reason}; KAFKA_CA_FILE takes a PEM file with one or more certificates")]
    Certificates {
        /// What is wrong.
        reason: String,
    },
    /// The settings do not allow a login.
    #[error("{reason}")]
    Settings {
        /// What is missing and how to give it.
        reason: String,
    },
    /// There is no such topic or partition, or the role may not see it.
    #[error(
        "there is no partition {partition} of topic {topic}, or the function's role lacks \
         kafka-cluster:DescribeTopic on it; compare the topic's name with the pipeline file"
    )]
    UnknownTopic {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// The role may see the topic and not read it.
    #[error(
        "reading topic {topic} is not allowed; grant the function's role kafka-cluster:DescribeTopic and \
         kafka-cluster:ReadData on it"
    )]
    NotAuthorized {
        /// The topic.
        topic: String,
        /// The client's error.
        #[source]
        source: Option<Source>,
    },
    /// The asked offset is not in the partition.
    #[error(
        "offset {offset} of topic {topic}, partition {partition} is not kept (any more); ask for its \
         start and end offsets again"
    )]
    OutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset asked for.
        offset: i64,
    },
    /// The brokers' answer made no sense to the client.
    #[error("the brokers {brokers} gave an answer that this client cannot use while {doing}; see the cause")]
    Protocol {
        /// The brokers, comma separated.
        brokers: String,
        /// What was being done.
        doing: String,
        /// The client's error.
        #[source]
        source: Option<Source>,
    },
}

impl KafkaError {
    /// What is to be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ControlPlane { kind, .. } => *kind,
            // A broker that restarts and a closed security group look the same from here; the
            // next step is in the message and a retry costs nothing.
            Self::Unreachable { .. } => ErrorKind::Transient,
            // The log moved under the caller, who has to look again.
            Self::OutOfRange { .. } => ErrorKind::Conflict,
            Self::NotOffered { .. }
            | Self::LoginRefused { .. }
            | Self::Certificates { .. }
            | Self::Settings { .. }
            | Self::UnknownTopic { .. }
            | Self::NotAuthorized { .. } => ErrorKind::Misconfigured,
            Self::Protocol { .. } => ErrorKind::Invariant,
        }
    }

    /// Whether another connection may help.
    pub(crate) fn is_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::LoginRefused { .. })
    }
}
