//! Produces recorded records to Kafka, in their order, as a live connector would.
//!
//! Partitions are the recording's. Kafka timestamps are the present, so that lags mean
//! something.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::SubsecRound as _;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

use crate::recording::{self, RecordedRecord};

const CREATE_TIMEOUT_MS: i32 = 10_000;

/// A producer over one Kafka connection.
pub struct Producer {
    client: Client,
    partitions: BTreeMap<(String, i32), Arc<PartitionClient>>,
}

/// Next offset to be written, by topic and partition.
pub type EndOffsets = BTreeMap<String, BTreeMap<i32, i64>>;

impl Producer {
    /// Connects to a plaintext listener.
    ///
    /// # Errors
    /// If the broker cannot be reached.
    pub async fn connect(bootstrap: &str) -> Result<Self> {
        let client = ClientBuilder::new(vec![bootstrap.to_owned()])
            .build()
            .await
            .with_context(|| format!("connecting to the Kafka broker at {bootstrap}"))?;
        Ok(Self { client, partitions: BTreeMap::new() })
    }

    /// Writes records in order. Runs of one partition go out as one batch; different partitions
    /// of one call are written one after another, so that no order is lost anywhere.
    ///
    /// # Errors
    /// If the broker refuses a write; names topic and partition.
    pub async fn produce(&mut self, records: &[RecordedRecord]) -> Result<()> {
        let mut batches: Vec<((String, i32), Vec<Record>)> = Vec::new();
        let mut index: BTreeMap<(String, i32), usize> = BTreeMap::new();
        for recorded in records {
            let place = (recorded.topic.clone(), recorded.partition);
            let slot = *index.entry(place.clone()).or_insert_with(|| {
                batches.push((place, Vec::new()));
                batches.len() - 1
            });
            batches[slot].1.push(record_of(recorded));
        }
        for ((topic, partition), batch) in batches {
            let client = self.partition(&topic, partition).await?;
            for chunk in bounded(batch) {
                client
                    .produce(chunk, Compression::NoCompression)
                    .await
                    .with_context(|| format!("producing to topic {topic} partition {partition}"))?;
            }
        }
        Ok(())
    }

    async fn partition(&mut self, topic: &str, partition: i32) -> Result<Arc<PartitionClient>> {
        let place = (topic.to_owned(), partition);
        if let Some(client) = self.partitions.get(&place) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(
            self.client
                .partition_client(topic.to_owned(), partition, UnknownTopicHandling::Retry)
                .await
                .with_context(|| format!("opening topic {topic} partition {partition}"))?,
        );
        self.partitions.insert(place, Arc::clone(&client));
        Ok(client)
    }
}

/// Writes recordings to a broker, and creates the topics that are not there with the recordings'
/// partitions. Gives the number of records.
///
/// # Errors
/// If a recording cannot be read, or the broker refuses a topic or a write.
pub async fn run(bootstrap: &str, recordings: &[PathBuf]) -> Result<usize> {
    let records =
        recordings.iter().map(|path| recording::read(path)).collect::<Result<Vec<_>>>()?.into_iter().flatten();
    let records: Vec<RecordedRecord> = records.collect();
    let mut producer = Producer::connect(bootstrap).await?;
    let listed = producer.client.list_topics().await.context("listing the broker's topics")?;
    let there: BTreeSet<String> = listed.into_iter().map(|topic| topic.name).collect();
    let controller = producer.client.controller_client().context("connecting to the controller")?;
    for (topic, partitions) in recording::topics(&records) {
        if !there.contains(&topic) {
            controller
                .create_topic(&topic, partitions, 1, CREATE_TIMEOUT_MS)
                .await
                .with_context(|| format!("creating topic {topic} with {partitions} partitions"))?;
        }
    }
    producer.produce(&records).await?;
    Ok(records.len())
}

/// Kafka's default limit of a batch is about 1 MB; batches stay below half of it, single large
/// records go alone.
fn bounded(records: Vec<Record>) -> Vec<Vec<Record>> {
    const LIMIT: usize = 400_000;
    let mut chunks = Vec::new();
    let mut current = Vec::new();
    let mut size = 0;
    for record in records {
        let bytes = record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len);
        if size + bytes > LIMIT && !current.is_empty() {
            chunks.push(std::mem::take(&mut current));
            size = 0;
        }
        size += bytes;
        current.push(record);
    }
    if !current.is_empty() {
        chunks.push(current);
    }
    chunks
}

fn record_of(recorded: &RecordedRecord) -> Record {
    Record {
        key: recorded.key.clone().map(String::into_bytes),
        value: recorded.value.clone().map(String::into_bytes),
        headers: recorded
            .headers
            .iter()
            .map(|header| (header.key.clone(), header.value.clone().unwrap_or_default().into_bytes()))
            .collect(),
        timestamp: now(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the replay plays the live connector, whose records carry the present")]
fn now() -> chrono::DateTime<chrono::Utc> {
    // Whole milliseconds, as Kafka keeps them: the client rounds what is finer within each batch, and
    // records of different batches would change their order.
    let now: chrono::DateTime<chrono::Utc> = std::time::SystemTime::now().into();
    now.trunc_subsecs(3)
}
