//! The broker through rskafka, the client that the functions use.

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::{PATIENCE, at, broker, client, partition, produce, read_all, record};
use kafka_broker::{BrokerError, Options, PartitionOffsets};
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, UnknownTopicHandling};

fn protocol_error(error: Error) -> ProtocolError {
    match error {
        Error::ServerError { protocol_error, .. } => protocol_error,
        other => panic!("expected an answer of the broker, got {other}"),
    }
}

#[tokio::test]
async fn records_come_back_as_they_were_sent() {
    let broker = broker(Options::default()).await;
    broker.create_topic("orders", 2).unwrap();
    let client = client(&broker).await;
    let orders = partition(&client, "orders", 1).await;
    let sent =
        vec![record(Some("a"), Some("first"), 1_000), record(Some("a"), None, 2_000), record(None, Some(""), 1_500)];
    assert_eq!(produce(&orders, sent.clone()).await, [0, 1, 2]);
    for compression in [Compression::Gzip, Compression::Lz4, Compression::Snappy, Compression::Zstd] {
        orders.produce(sent.clone(), compression).await.unwrap();
    }
    let found = read_all(&orders, 0).await;
    assert_eq!(found.len(), 15);
    for (index, (offset, record)) in found.iter().enumerate() {
        assert_eq!(*offset, index as i64);
        assert_eq!(*record, sent[index % 3]);
    }
    let offsets = broker.offsets("orders").unwrap();
    let latest: Vec<i64> = offsets.iter().map(|bounds| bounds.latest).collect();
    assert_eq!(latest, [0, 15]);
    broker.shutdown().await;
}

#[tokio::test]
async fn offsets_are_found_by_end_and_by_timestamp() {
    let broker = broker(Options::default()).await;
    broker.create_topic("orders", 1).unwrap();
    let client = client(&broker).await;
    let orders = partition(&client, "orders", 0).await;
    assert_eq!(orders.get_offset(OffsetAt::Latest).await.unwrap(), 0);
    for millis in [1_000, 2_000, 3_000] {
        produce(&orders, vec![record(None, Some("v"), millis)]).await;
    }
    assert_eq!(orders.get_offset(OffsetAt::Earliest).await.unwrap(), 0);
    assert_eq!(orders.get_offset(OffsetAt::Latest).await.unwrap(), 3);
    let find = |millis| orders.get_offset(OffsetAt::Timestamp(at(millis)));
    assert_eq!(find(0).await.unwrap(), 0);
    assert_eq!(find(1_001).await.unwrap(), 1);
    assert_eq!(find(3_000).await.unwrap(), 2);
    assert_eq!(find(3_001).await.unwrap(), -1);
    orders.delete_records(2, 1_000).await.unwrap();
    assert_eq!(orders.get_offset(OffsetAt::Earliest).await.unwrap(), 2);
    assert_eq!(read_all(&orders, 2).await.len(), 1);
}

#[tokio::test]
async fn an_offset_outside_the_log_is_an_error() {
    let broker = broker(Options::default()).await;
    broker.create_topic("orders", 1).unwrap();
    let client = client(&broker).await;
    let orders = partition(&client, "orders", 0).await;
    produce(&orders, vec![record(None, Some("v"), 1)]).await;
    for offset in [2, 100] {
        let error = orders.fetch_records(offset, 1..1_000, 10).await.unwrap_err();
        assert_eq!(protocol_error(error), ProtocolError::OffsetOutOfRange);
    }
    let (none, end) = orders.fetch_records(1, 1..1_000, 10).await.unwrap();
    assert!(none.is_empty());
    assert_eq!(end, 1);
}

#[tokio::test]
async fn byte_limits_hold_except_for_the_first_batch() {
    let broker = broker(Options::default()).await;
    broker.create_topic("orders", 1).unwrap();
    let client = client(&broker).await;
    let orders = partition(&client, "orders", 0).await;
    let value = "x".repeat(1_000);
    for _ in 0..10 {
        produce(&orders, vec![record(None, Some(&value), 1)]).await;
    }
    let fetched = |max| orders.fetch_records(0, 1..max, 100);
    assert_eq!(fetched(10).await.unwrap().0.len(), 1);
    assert_eq!(fetched(3_500).await.unwrap().0.len(), 3);
    assert_eq!(fetched(100_000).await.unwrap().0.len(), 10);
}

#[tokio::test]
async fn topics_are_created_deleted_and_created_again() {
    let broker = broker(Options { auto_create_topics: false, ..Options::default() }).await;
    let client = client(&broker).await;
    let controller = client.controller_client().unwrap();
    controller.create_topic("orders", 3, 1, 5_000).await.unwrap();
    let topics = client.list_topics().await.unwrap();
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].name, "orders");
    assert_eq!(topics[0].partitions, BTreeSet::from([0, 1, 2]));
    let again = controller.create_topic("orders", 3, 1, 5_000).await.unwrap_err();
    assert_eq!(protocol_error(again), ProtocolError::TopicAlreadyExists);
    let replicas = controller.create_topic("more", 1, 3, 5_000).await.unwrap_err();
    assert_eq!(protocol_error(replicas), ProtocolError::InvalidReplicationFactor);
    let name = controller.create_topic("no/topic", 1, 1, 5_000).await.unwrap_err();
    assert_eq!(protocol_error(name), ProtocolError::InvalidTopicException);

    let orders = partition(&client, "orders", 0).await;
    produce(&orders, vec![record(None, Some("old"), 1)]).await;
    controller.delete_topic("orders", 5_000).await.unwrap();
    assert!(client.list_topics().await.unwrap().is_empty());
    let gone = client.partition_client("orders", 0, UnknownTopicHandling::Error).await.unwrap_err();
    assert_eq!(protocol_error(gone), ProtocolError::UnknownTopicOrPartition);
    controller.create_topic("orders", 1, 1, 5_000).await.unwrap();
    let orders = partition(&client, "orders", 0).await;
    assert_eq!(orders.get_offset(OffsetAt::Latest).await.unwrap(), 0);
    produce(&orders, vec![record(None, Some("new"), 2)]).await;
    let found = read_all(&orders, 0).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.value.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn asking_for_a_topic_creates_it_if_that_is_allowed() {
    let broker = broker(Options { default_partitions: 4, ..Options::default() }).await;
    let client = client(&broker).await;
    partition(&client, "fresh", 3).await;
    assert_eq!(broker.topics(), ["fresh"]);
    assert_eq!(broker.offsets("fresh").unwrap().len(), 4);
}

#[tokio::test]
async fn a_waiting_fetch_is_answered_when_a_record_arrives() {
    let broker = broker(Options::default()).await;
    broker.create_topic("orders", 1).unwrap();
    let reading = client(&broker).await;
    let orders = partition(&reading, "orders", 0).await;
    // Without records the fetch takes its time.
    let begun = Instant::now();
    let (none, _) = orders.fetch_records(0, 1..1_000, 300).await.unwrap();
    assert!(none.is_empty());
    assert!(begun.elapsed() >= Duration::from_millis(300));

    let begun = Instant::now();
    let wait_ms = i32::try_from(PATIENCE.as_millis()).unwrap();
    let writing = client(&broker).await;
    let writer = partition(&writing, "orders", 0).await;
    let (fetched, _) =
        tokio::join!(orders.fetch_records(0, 1..1_000, wait_ms), produce(&writer, vec![record(None, Some("v"), 1)]),);
    assert_eq!(fetched.unwrap().0.len(), 1);
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_producers_get_dense_offsets_and_lose_nothing() {
    const PRODUCERS: usize = 8;
    const EACH: usize = 50;
    let broker = broker(Options { segment_bytes: 10_000, ..Options::default() }).await;
    broker.create_topic("orders", 1).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for producer in 0..PRODUCERS {
        let client = client(&broker).await;
        tasks.spawn(async move {
            let orders = partition(&client, "orders", 0).await;
            let mut offsets = Vec::new();
            for index in 0..EACH {
                let value = format!("{producer}-{index}");
                offsets.extend(produce(&orders, vec![record(None, Some(&value), 1)]).await);
            }
            offsets
        });
    }
    let mut offsets: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    offsets.sort_unstable();
    let expected: Vec<i64> = (0..(PRODUCERS * EACH) as i64).collect();
    assert_eq!(offsets, expected);
    let client = client(&broker).await;
    let found = read_all(&partition(&client, "orders", 0).await, 0).await;
    let values: BTreeSet<_> = found.iter().map(|(_, record)| record.value.clone()).collect();
    assert_eq!(values.len(), PRODUCERS * EACH);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { data_dir: Some(directory.path().to_owned()), segment_bytes: 2_000, ..Options::default() };
    let first = broker(options.clone()).await;
    let (ca, id) = (first.ca_pem().to_owned(), first.cluster_id().to_owned());
    first.create_topic("orders", 2).unwrap();
    first.create_topic("other", 1).unwrap();
    {
        let client = client(&first).await;
        let orders = partition(&client, "orders", 1).await;
        for index in 0..20 {
            let value = format!("value {index} {}", "x".repeat(300));
            produce(&orders, vec![record(Some("k"), Some(&value), index)]).await;
        }
        orders.delete_records(3, 1_000).await.unwrap();
    }
    first.delete_topic("other").unwrap();
    let in_use = kafka_broker::Broker::start(options.clone()).await.unwrap_err();
    assert!(matches!(in_use, BrokerError::Locked { .. }), "{in_use}");
    // Without a shutdown, as after a crash of the process.
    drop(first);

    let deadline = Instant::now() + PATIENCE;
    let second = loop {
        match kafka_broker::Broker::start(options.clone()).await {
            Ok(broker) => break broker,
            // The first broker's tasks end as soon as the runtime gets to them.
            Err(BrokerError::Locked { .. }) if Instant::now() < deadline => {
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(second.ca_pem(), ca);
    assert_eq!(second.cluster_id(), id);
    assert_eq!(second.topics(), ["orders"]);
    let expected = PartitionOffsets { partition: 1, earliest: 3, latest: 20 };
    assert_eq!(second.offsets("orders").unwrap()[1], expected);
    let client = client(&second).await;
    let orders = partition(&client, "orders", 1).await;
    let found = read_all(&orders, 3).await;
    assert_eq!(found.len(), 17);
    assert_eq!(found[0].1.timestamp, at(3));
    assert_eq!(produce(&orders, vec![record(None, None, 1)]).await, [20]);
}
