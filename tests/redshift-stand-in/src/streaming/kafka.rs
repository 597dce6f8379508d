//! Reads topics.
//!
//! Invariant: records come in offset order, each once, and none at or above the given end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use redshift_data_api::SqlError;
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::RecordAndOffset;

/// How long a broker may be unreachable before a refresh fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes asked for at once; a larger record comes alone.
const FETCH_BYTES: i32 = 8 << 20;

/// Where topics are, and the connections to there.
#[derive(Clone)]
pub(crate) struct Kafka {
    bootstrap: Option<String>,
    clients: Arc<tokio::sync::Mutex<HashMap<String, Arc<Client>>>>,
}

/// Why a topic cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KafkaError {
    #[error("the schema has no URI, and a CLUSTER_ARN cannot be looked up here")]
    NoUri,
    #[error("AUTHENTICATION {0} needs the stand-in's own way to the brokers (its option kafka_bootstrap)")]
    Authentication(String),
    #[error("the topic does not exist")]
    NoTopic,
    #[error("the brokers at {brokers} cannot be read")]
    Broker {
        brokers: String,
        #[source]
        source: rskafka::client::error::Error,
    },
}

impl KafkaError {
    pub(super) fn in_sql(self, schema: &str, topic: &str) -> SqlError {
        let mut message = format!("topic \"{topic}\" of external schema \"{schema}\" cannot be read: {self}");
        if let Self::Broker { source, .. } = &self {
            message.push_str(&format!(": {source}"));
        }
        SqlError::new("58000", message)
    }
}

/// The offsets that a partition holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) earliest: i64,
    /// The next offset to be written.
    pub(crate) latest: i64,
}

impl Kafka {
    /// `bootstrap` overrides what schemas say.
    pub(crate) fn new(bootstrap: Option<String>) -> Self {
        Self { bootstrap, clients: Arc::default() }
    }

    /// Connects to a schema's brokers.
    pub(super) async fn open(&self, uri: Option<&str>, authentication: &str) -> Result<Reader, KafkaError> {
        let brokers = match (&self.bootstrap, uri) {
            (Some(own), _) => own.clone(),
            (None, None) => return Err(KafkaError::NoUri),
            (None, Some(_)) if authentication != "none" => {
                return Err(KafkaError::Authentication(authentication.to_owned()));
            }
            (None, Some(uri)) => uri.to_owned(),
        };
        let mut clients = self.clients.lock().await;
        let client = match clients.get(&brokers) {
            Some(client) => Arc::clone(client),
            None => {
                let list = brokers.split(',').map(|b| b.trim().to_owned()).collect();
                let client = ClientBuilder::new(list)
                    .client_id("redshift-stand-in")
                    .backoff_config(rskafka::BackoffConfig { deadline: Some(PATIENCE), ..Default::default() })
                    .build()
                    .await
                    .map_err(|source| KafkaError::Broker { brokers: brokers.clone(), source })?;
                let client = Arc::new(client);
                clients.insert(brokers.clone(), Arc::clone(&client));
                client
            }
        };
        Ok(Reader { client, brokers })
    }
}

/// A connection to one cluster.
pub(super) struct Reader {
    client: Arc<Client>,
    brokers: String,
}

impl Reader {
    fn failed(&self, source: rskafka::client::error::Error) -> KafkaError {
        KafkaError::Broker { brokers: self.brokers.clone(), source }
    }

    async fn partition(&self, topic: &str, partition: i64) -> Result<PartitionClient, KafkaError> {
        let partition = i32::try_from(partition).map_err(|_| KafkaError::NoTopic)?;
        self.client.partition_client(topic, partition, UnknownTopicHandling::Error).await.map_err(|e| self.failed(e))
    }

    /// The bounds of every partition at this moment.
    pub(super) async fn ends(&self, topic: &str) -> Result<BTreeMap<i64, Bounds>, KafkaError> {
        // Asking for one topic's metadata would create it on many brokers.
        let topics = self.client.list_topics().await.map_err(|e| self.failed(e))?;
        let found = topics.into_iter().find(|t| t.name == topic).ok_or(KafkaError::NoTopic)?;
        let bounds = found.partitions.into_iter().map(|number| async move {
            let client = self.partition(topic, i64::from(number)).await?;
            let (earliest, latest) =
                futures::try_join!(client.get_offset(OffsetAt::Earliest), client.get_offset(OffsetAt::Latest))
                    .map_err(|e| self.failed(e))?;
            Ok((i64::from(number), Bounds { earliest, latest }))
        });
        futures::future::try_join_all(bounds).await.map(|all| all.into_iter().collect())
    }

    /// Reads a partition from `start` up to, but not including, `end`.
    pub(super) async fn read(
        &self,
        topic: &str,
        partition: i64,
        start: i64,
        end: i64,
    ) -> Result<Cursor<'_>, KafkaError> {
        let client = self.partition(topic, partition).await?;
        Ok(Cursor { reader: self, client, next: start, end })
    }
}

/// What is left to read of a partition.
pub(super) struct Cursor<'a> {
    reader: &'a Reader,
    client: PartitionClient,
    next: i64,
    end: i64,
}

impl Cursor<'_> {
    /// The next records; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<RecordAndOffset>>, KafkaError> {
        while self.next < self.end {
            let (mut records, _) =
                self.client.fetch_records(self.next, 1..FETCH_BYTES, 500).await.map_err(|e| self.reader.failed(e))?;
            records.retain(|record| record.offset >= self.next && record.offset < self.end);
            match records.last() {
                Some(last) => {
                    self.next = last.offset + 1;
                    return Ok(Some(records));
                }
                // Offsets below the end that hold no record: a transaction's marker, or compacted.
                None => self.next += 1,
            }
        }
        Ok(None)
    }
}
