//! A single-node Kafka broker inside the process, for the local stack and the tests.
//!
//! Any client can produce to it and read from it: it speaks the protocol of Apache Kafka (codec: the crate
//! `kafka-protocol`) on a plaintext listener and on a TLS listener with the IAM login of Amazon MSK. Record
//! batches are stored as they come, in segment files, so a backlog larger than the memory is no problem.
//!
//! It is not a Kafka to run in production: there is one node, and there are no transactions, no compaction,
//! no retention, no quotas, no access control beyond the login, and no waiting for the disk. What it does not
//! support it does not announce (ApiVersions), or refuses with a code of the protocol.
//!
//! Invariant: nothing that a client sends ends more than its own connection.

mod api;
mod batch;
mod clock;
mod cluster;
mod configs;
mod error;
mod files;
mod groups;
mod iam;
mod log;
#[cfg(test)]
mod samples;
mod server;
mod tls;
mod topics;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use error::BrokerError;

use cluster::Cluster;
use configs::Settings;
use server::Listener;
use tls::Identity;

/// How a broker is set up. `Options::default()` is a broker for one test.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept, across restarts. `None`: in a temporary directory that is removed with the
    /// broker. A directory serves one broker at a time.
    pub data_dir: Option<PathBuf>,
    /// The listener without encryption and login; port 0 lets the system choose. `None`: there is none.
    pub plaintext: Option<SocketAddr>,
    /// The listener with TLS and the IAM login of MSK (SASL/OAUTHBEARER). `None`: there is none.
    pub iam: Option<SocketAddr>,
    /// The host that clients are told to connect to. The certificate is made out for it, and always for
    /// `localhost`, `127.0.0.1` and `::1`.
    pub advertised_host: String,
    /// The AWS region that IAM tokens must be signed for.
    pub region: String,
    /// The longest IAM session; one never outlives its token. When it ends, the client has to log in again.
    pub max_session: Duration,
    /// Partitions of topics whose creator does not say how many.
    pub default_partitions: i32,
    /// Whether asking for a topic's metadata creates it.
    pub auto_create_topics: bool,
    /// The largest batch in bytes, unless a topic's `max.message.bytes` says otherwise.
    pub max_message_bytes: usize,
    /// The size in bytes after which a log begins a new file.
    pub segment_bytes: u64,
}

impl Default for Options {
    /// Both listeners on free loopback ports, a temporary directory, and Kafka's defaults for the rest.
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            data_dir: None,
            plaintext: Some(loopback),
            iam: Some(loopback),
            advertised_host: Ipv4Addr::LOCALHOST.to_string(),
            region: "us-east-1".to_owned(),
            max_session: Duration::from_secs(15 * 60),
            default_partitions: 1,
            auto_create_topics: true,
            max_message_bytes: 1_048_588,
            segment_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The bounds of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// The partition's number.
    pub partition: i32,
    /// The offset of the first record that can be read.
    pub earliest: i64,
    /// The offset that the next record will get.
    pub latest: i64,
}

/// A running broker. Dropping it closes its listeners and connections at once.
pub struct Broker {
    cluster: Arc<Cluster>,
    plaintext_address: Option<String>,
    iam_address: Option<String>,
    ca_pem: String,
    listeners: JoinSet<()>,
    /// Last: the directory goes after everything that uses it.
    _temporary: Option<TempDir>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("plaintext_address", &self.plaintext_address)
            .field("iam_address", &self.iam_address)
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// Recovers what the data directory holds, opens the listeners and serves them on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, BrokerError> {
        let (root, temporary) = match &options.data_dir {
            Some(directory) => (directory.clone(), None),
            None => {
                let temporary = tempfile::tempdir()
                    .map_err(BrokerError::storage("create a temporary directory in", &std::env::temp_dir()))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let host = options.advertised_host.clone();
        let (plaintext, iam) = (options.plaintext, options.iam);
        let cluster = Arc::new(Cluster::open(&root, options)?);
        let identity = Identity::open(&root, &host)?;
        let mut broker = Self {
            cluster,
            plaintext_address: None,
            iam_address: None,
            ca_pem: identity.ca_pem,
            listeners: JoinSet::new(),
            _temporary: temporary,
        };
        if let Some(address) = plaintext {
            broker.plaintext_address = Some(broker.listen(address, &host, None).await?);
        }
        if let Some(address) = iam {
            let tls = Some(identity.acceptor);
            broker.iam_address = Some(broker.listen(address, &host, tls).await?);
        }
        Ok(broker)
    }

    /// Host and port of the plaintext listener, for clients' bootstrap servers.
    pub fn plaintext_address(&self) -> Option<String> {
        self.plaintext_address.clone()
    }

    /// Host and port of the listener with TLS and IAM login, for clients' bootstrap servers.
    pub fn iam_address(&self) -> Option<String> {
        self.iam_address.clone()
    }

    /// The certificate, in PEM, of the authority that clients of the IAM listener have to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The id that clients are told; it stays the same for a data directory.
    pub fn cluster_id(&self) -> &str {
        &self.cluster.id
    }

    /// Creates an empty topic. One of that name must not exist.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        self.cluster.topics.create(name, partitions, Settings::new())
    }

    /// Deletes a topic with its records and what groups have committed for it.
    pub fn delete_topic(&self, name: &str) -> Result<(), BrokerError> {
        api::delete_topic(&self.cluster, name)
    }

    /// The names of all topics, sorted.
    pub fn topics(&self) -> Vec<String> {
        self.cluster.topics.all().keys().cloned().collect()
    }

    /// The bounds of a topic's partitions, by partition. `None`: there is no such topic.
    pub fn offsets(&self, topic: &str) -> Option<Vec<PartitionOffsets>> {
        let topic = self.cluster.topics.get(topic)?;
        let offsets = (0..).zip(&topic.partitions).map(|(partition, log)| {
            let bounds = log.bounds();
            PartitionOffsets { partition, earliest: bounds.start, latest: bounds.next }
        });
        Some(offsets.collect())
    }

    /// Closes listeners and connections and writes everything to the disk.
    pub async fn shutdown(mut self) {
        self.listeners.shutdown().await;
        self.cluster.flush();
    }

    async fn listen(
        &mut self,
        address: SocketAddr,
        host: &str,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Result<String, BrokerError> {
        let failed = |source| BrokerError::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let listener = Listener { socket, host: host.to_owned(), port, tls };
        self.listeners.spawn(server::serve(listener, self.cluster.clone()));
        Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }
}
