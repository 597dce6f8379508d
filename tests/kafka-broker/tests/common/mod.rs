//! What the test programs share: a broker, clients, records, waiting for conditions.
#![allow(dead_code, reason = "each test program uses a part")]

use std::time::Duration;

use kafka_broker::{Broker, Options};
use rskafka::BackoffConfig;
use rskafka::chrono::{DateTime, TimeZone as _, Utc};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;

/// Nothing in these tests takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn broker(options: Options) -> Broker {
    Broker::start(options).await.unwrap()
}

/// Retries a few times in quick succession and then reports the broker's error.
pub(crate) fn impatient() -> BackoffConfig {
    BackoffConfig {
        init_backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(50),
        base: 2.0,
        deadline: Some(Duration::from_secs(1)),
    }
}

pub(crate) async fn client(broker: &Broker) -> Client {
    ClientBuilder::new(vec![broker.plaintext_address().unwrap()]).backoff_config(impatient()).build().await.unwrap()
}

pub(crate) async fn partition(client: &Client, topic: &str, partition: i32) -> PartitionClient {
    client.partition_client(topic, partition, UnknownTopicHandling::Retry).await.unwrap()
}

pub(crate) fn at(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis).unwrap()
}

pub(crate) fn record(key: Option<&str>, value: Option<&str>, millis: i64) -> Record {
    Record {
        key: key.map(|key| key.as_bytes().to_vec()),
        value: value.map(|value| value.as_bytes().to_vec()),
        headers: [("source".to_owned(), b"test".to_vec())].into(),
        timestamp: at(millis),
    }
}

pub(crate) async fn produce(partition: &PartitionClient, records: Vec<Record>) -> Vec<i64> {
    partition.produce(records, Compression::NoCompression).await.unwrap()
}

/// Every record from `offset` to the end of the partition, with its offset.
pub(crate) async fn read_all(partition: &PartitionClient, mut offset: i64) -> Vec<(i64, Record)> {
    let mut all = Vec::new();
    loop {
        let (records, end) = partition.fetch_records(offset, 1..1_000_000, 100).await.unwrap();
        for found in records {
            offset = found.offset + 1;
            all.push((found.offset, found.record));
        }
        if offset >= end {
            return all;
        }
    }
}
