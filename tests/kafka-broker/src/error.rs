//! What can go wrong when a broker is started or used in-process. Clients see protocol codes instead.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// An error of the broker's own interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// A file or directory below the data directory could not be used.
    #[error(
        "could not {action} {}; check that the data directory is writable and not full", path.display()
    )]
    Storage {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another broker uses the data directory.
    #[error("{} is in use by another broker; stop it or choose another data directory", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file of the data directory does not hold what the broker wrote.
    #[error("{} is not readable as the broker's state; restore or remove it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// A listener could not be opened.
    #[error("could not listen on {address}; choose another address or port 0")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The certificate of the TLS listener could not be made.
    #[error("could not make a certificate for {host}; check the advertised host")]
    Certificate {
        /// The advertised host.
        host: String,
        /// What the certificate library says.
        source: rcgen::Error,
    },
    /// The TLS listener could not be configured.
    #[error("could not configure TLS; remove the tls directory below the data directory to renew it")]
    Tls {
        /// What the TLS library says.
        source: rustls::Error,
    },
    /// The topic is there already.
    #[error("topic {name} exists already; delete it first or use it")]
    TopicExists {
        /// The topic.
        name: String,
    },
    /// There is no such topic.
    #[error("there is no topic {name}; create it first")]
    UnknownTopic {
        /// The topic.
        name: String,
    },
    /// The name breaks Kafka's rules for topic names.
    #[error("{name:?} is not a topic name; use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'")]
    InvalidTopic {
        /// The refused name.
        name: String,
    },
    /// The number of partitions is out of range.
    #[error("a topic cannot have {count} partitions; give 1 to 10000, and never fewer than it has")]
    InvalidPartitions {
        /// The refused number.
        count: i32,
    },
}

impl BrokerError {
    /// For `map_err` on file operations.
    pub(crate) fn storage(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Storage { action, path, source }
    }
}
