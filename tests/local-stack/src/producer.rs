//! Produces recorded records to Kafka, in their order, as a live connector would.
//!
//! Partitions are the recording's. So are the distances of Kafka's timestamps in a replay: they
//! tell what happened before what in two partitions, and which definition of its table an event
//! without a place in the log is of.

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
    times: Times,
    written: Written,
}

/// When records were written, milliseconds since 1970: by topic and partition, the first offset that
/// was written at a time, in order.
#[derive(Debug, Clone, Default)]
pub struct Written(BTreeMap<String, BTreeMap<i32, Vec<(i64, i64)>>>);

impl Written {
    /// When a record was written. None: by somebody else.
    #[must_use]
    pub fn at(&self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        let runs = self.0.get(topic)?.get(&partition)?;
        let index = runs.partition_point(|(first, _)| *first <= offset).checked_sub(1)?;
        runs.get(index).map(|(_, at)| *at)
    }
}

/// What Kafka's timestamps are.
#[derive(Debug, Clone, Copy)]
enum Times {
    /// The present.
    Present,
    /// The recording's, moved by some milliseconds and never going back, as a connector's that sends
    /// again. The second number is the last one.
    Moved { by: i64, last: i64 },
}

impl Times {
    fn of(&mut self, recorded: &RecordedRecord) -> chrono::DateTime<chrono::Utc> {
        match self {
            Self::Present => now(),
            Self::Moved { by, last } => {
                *last = recorded.timestamp.saturating_add(*by).max(*last);
                chrono::DateTime::from_timestamp_millis(*last).unwrap_or_else(now)
            }
        }
    }
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
        Ok(Self { client, partitions: BTreeMap::new(), times: Times::Present, written: Written::default() })
    }

    /// Keeps the distances of these records' timestamps, which are all that is produced from now on: the
    /// newest is the present. A recording of more than a day keeps none, because a broker's
    /// retention could take its first records away.
    #[must_use]
    pub fn keeping_times(mut self, records: &[RecordedRecord]) -> Self {
        const DAY_MS: i64 = 86_400_000;
        let times = || records.iter().map(|record| record.timestamp);
        if let (Some(first), Some(newest)) = (times().min(), times().max())
            && newest - first <= DAY_MS
        {
            self.times = Times::Moved { by: now().timestamp_millis() - newest, last: i64::MIN };
        }
        self
    }

    /// When records were written.
    #[must_use]
    pub fn written(&self) -> &Written {
        &self.written
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
            batches[slot].1.push(record_of(recorded, self.times.of(recorded)));
        }
        for ((topic, partition), batch) in batches {
            let client = self.partition(&topic, partition).await?;
            for chunk in bounded(batch) {
                let at = now().timestamp_millis();
                let offsets = client
                    .produce(chunk, Compression::NoCompression)
                    .await
                    .with_context(|| format!("producing to topic {topic} partition {partition}"))?;
                if let Some(first) = offsets.first() {
                    let partitions = self.written.0.entry(topic.clone()).or_default();
                    partitions.entry(partition).or_default().push((*first, at));
                }
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
/// partitions. Their Kafka timestamps are the present. Gives the number of records.
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

fn record_of(recorded: &RecordedRecord, timestamp: chrono::DateTime<chrono::Utc>) -> Record {
    Record {
        key: recorded.key.clone().map(String::into_bytes),
        value: recorded.value.clone().map(String::into_bytes),
        headers: recorded
            .headers
            .iter()
            .map(|header| (header.key.clone(), header.value.clone().unwrap_or_default().into_bytes()))
            .collect(),
        timestamp,
    }
}

#[expect(clippy::disallowed_methods, reason = "the replay plays the live connector, whose records carry the present")]
fn now() -> chrono::DateTime<chrono::Utc> {
    // Whole milliseconds, as Kafka keeps them: the client rounds what is finer within each batch, and
    // records of different batches would change their order.
    let now: chrono::DateTime<chrono::Utc> = std::time::SystemTime::now().into();
    now.trunc_subsecs(3)
}
