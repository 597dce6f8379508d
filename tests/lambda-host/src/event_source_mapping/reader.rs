//! Reading a topic: the port that the mapping needs, and Kafka behind it.
//!
//! What rskafka does not show is lost here: a record with several headers of one name keeps the last, a null
//! header value reads as empty, and every timestamp counts as creation time.

use async_trait::async_trait;
use rskafka::chrono::{DateTime, Utc};
use rskafka::client::error::{Error as KafkaError, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};

use super::config::StartingPosition;
use super::payload::KafkaRecord;

/// Most bytes per answer of the broker; it returns at least one whole record batch.
const FETCH_BYTES: i32 = 4 * 1024 * 1024;
/// How long the broker may wait for the first record.
const FETCH_WAIT_MS: i32 = 500;

/// Why reading failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The log does not have this offset (any more, or yet).
    #[error("offset {0} is outside the partition's log")]
    OutOfRange(i64),
    /// Anything else; worth trying again.
    #[error("the broker did not answer as expected: {0}")]
    Broker(String),
}

/// One answer of the broker.
pub(crate) struct Fetched {
    pub(crate) records: Vec<KafkaRecord>,
    /// The end of the log when the broker answered.
    pub(crate) high_watermark: i64,
}

/// A topic.
#[async_trait]
pub(crate) trait TopicReader: Send + Sync {
    /// Its partitions; `None` if there is no such topic yet. Asking does not create it.
    async fn partitions(&self) -> Result<Option<Vec<i32>>, ReadError>;

    /// A reader with a connection of its own: brokers answer the requests of a connection one by one, so a
    /// partition without records would hold up the others.
    async fn open(&self, partition: i32) -> Result<Box<dyn PartitionReader>, ReadError>;
}

/// A partition.
#[async_trait]
pub(crate) trait PartitionReader: Send + Sync {
    /// Records from `offset` on; waits a little while there are none. It may return none although the log goes
    /// on, when what follows are transaction markers.
    async fn fetch(&self, offset: i64) -> Result<Fetched, ReadError>;

    /// The offset at which a group without position starts.
    async fn offset_at(&self, position: StartingPosition) -> Result<i64, ReadError>;
}

/// A topic of a Kafka cluster.
pub(crate) struct KafkaTopic {
    brokers: Vec<String>,
    topic: String,
    client: tokio::sync::OnceCell<Client>,
}

impl KafkaTopic {
    pub(crate) fn new(brokers: Vec<String>, topic: String) -> Self {
        Self { brokers, topic, client: tokio::sync::OnceCell::new() }
    }

    async fn connect(&self) -> Result<Client, ReadError> {
        ClientBuilder::new(self.brokers.clone()).client_id("event-source-mapping").build().await.map_err(broker)
    }
}

fn broker(error: KafkaError) -> ReadError {
    ReadError::Broker(error.to_string())
}

#[async_trait]
impl TopicReader for KafkaTopic {
    async fn partitions(&self) -> Result<Option<Vec<i32>>, ReadError> {
        let client = self.client.get_or_try_init(|| self.connect()).await?;
        let topics = client.list_topics().await.map_err(broker)?;
        Ok(topics
            .into_iter()
            .find(|topic| topic.name == self.topic)
            .map(|topic| topic.partitions.into_iter().collect()))
    }

    async fn open(&self, partition: i32) -> Result<Box<dyn PartitionReader>, ReadError> {
        let client = self.connect().await?;
        let client =
            client.partition_client(&self.topic, partition, UnknownTopicHandling::Error).await.map_err(broker)?;
        Ok(Box::new(client))
    }
}

#[async_trait]
impl PartitionReader for PartitionClient {
    async fn fetch(&self, offset: i64) -> Result<Fetched, ReadError> {
        let (records, high_watermark) =
            self.fetch_records(offset, 1..FETCH_BYTES, FETCH_WAIT_MS).await.map_err(|error| match error {
                KafkaError::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. } => {
                    ReadError::OutOfRange(offset)
                }
                other => broker(other),
            })?;
        let records = records
            .into_iter()
            .map(|record| KafkaRecord {
                offset: record.offset,
                timestamp_ms: record.record.timestamp.timestamp_millis(),
                key: record.record.key,
                value: record.record.value,
                headers: record.record.headers.into_iter().collect(),
            })
            .collect();
        Ok(Fetched { records, high_watermark })
    }

    async fn offset_at(&self, position: StartingPosition) -> Result<i64, ReadError> {
        let at = match position {
            StartingPosition::TrimHorizon => OffsetAt::Earliest,
            StartingPosition::Latest => OffsetAt::Latest,
            StartingPosition::AtTimestamp(ms) => {
                OffsetAt::Timestamp(DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC))
            }
        };
        let offset = self.get_offset(at).await.map_err(broker)?;
        // Kafka answers -1 when no record has this timestamp or a later one.
        if offset >= 0 {
            return Ok(offset);
        }
        self.get_offset(OffsetAt::Latest).await.map_err(broker)
    }
}
