//! An event source mapping between a Kafka broker and a real function process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_broker::{Broker, Options};
use lambda_host::event_source_mapping::{Fault, Mapping, MappingConfig, Mode, StartingPosition, Status};
use lambda_host::{Function, FunctionError, invoker_fn};
use rskafka::chrono::{DateTime, Utc};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::Value;

use crate::function::probe_config;

const PATIENCE: Duration = Duration::from_secs(60);

async fn broker(topic: &str, partitions: i32) -> Broker {
    let broker = Broker::start(Options { iam: None, ..Options::default() }).await.unwrap();
    broker.create_topic(topic, partitions).unwrap();
    broker
}

/// Writes records whose value is their number; `first` is the number and the millisecond of the first.
async fn produce(broker: &Broker, topic: &str, partition: i32, first: i64, count: i64) {
    let client = ClientBuilder::new(vec![broker.plaintext_address().unwrap()]).build().await.unwrap();
    let client = client.partition_client(topic, partition, UnknownTopicHandling::Retry).await.unwrap();
    let records = (first..first + count)
        .map(|number| Record {
            key: Some(b"key".to_vec()),
            value: Some(number.to_string().into_bytes()),
            headers: BTreeMap::from([("h".to_owned(), vec![0xc3])]),
            timestamp: DateTime::<Utc>::from_timestamp_millis(number).unwrap(),
        })
        .collect();
    client.produce(records, Compression::NoCompression).await.unwrap();
}

fn config(broker: &Broker, topic: &str, folder: &tempfile::TempDir) -> MappingConfig {
    MappingConfig {
        batching_window: Duration::from_millis(20),
        ..MappingConfig::new(topic, vec![broker.plaintext_address().unwrap()], folder.path())
    }
}

type Sent = Arc<Mutex<Vec<(String, i64)>>>;

/// An invoker that notes which records it was sent.
fn recorder() -> (Sent, Arc<dyn lambda_host::Invoker>) {
    let sent = Sent::default();
    let notes = Arc::clone(&sent);
    let invoker = invoker_fn(move |payload| {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        for (group, records) in event["records"].as_object().unwrap() {
            for record in records.as_array().unwrap() {
                let offset = record["offset"].as_i64().unwrap();
                notes.lock().unwrap().push((group.clone(), offset));
            }
        }
        async { Ok::<_, FunctionError>(b"null".to_vec()) }
    });
    (sent, invoker)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_reach_a_real_function_even_when_its_process_is_killed() {
    let broker = broker("t.a.b", 2).await;
    produce(&broker, "t.a.b", 0, 0, 250).await;
    produce(&broker, "t.a.b", 1, 0, 120).await;
    let folder = tempfile::tempdir().unwrap();
    let function = Function::new(probe_config("probe")).unwrap();
    let acknowledged: Arc<Mutex<BTreeSet<(i32, i64)>>> = Arc::default();
    let notes = Arc::clone(&acknowledged);
    let mapping = Mapping::start(
        MappingConfig {
            mode: Mode::Provisioned { pollers: 2 },
            on_acknowledged: Some(Arc::new(move |all| {
                let mut notes = notes.lock().unwrap();
                for one in all {
                    assert!(notes.insert((one.partition, one.offset)), "{one:?} twice");
                    assert_eq!(one.kafka_timestamp_ms, one.offset);
                }
            })),
            ..config(&broker, "t.a.b", &folder)
        },
        Arc::new(function.clone()),
    )
    .unwrap();
    mapping.inject(Fault::KillDuring(Duration::ZERO));
    let ends = BTreeMap::from([(0, 250), (1, 120)]);
    let snapshot = mapping.wait_until_caught_up(&ends, PATIENCE).await.unwrap();
    assert_eq!(snapshot.acknowledged, 370);
    assert_eq!(snapshot.function_errors, 1);
    assert_eq!(acknowledged.lock().unwrap().len(), 370);
    assert_eq!(mapping.stop().await.status, Status::Stopped);
    function.shutdown().await;
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_goes_on_where_it_stopped_and_follows_new_records() {
    let broker = broker("t", 1).await;
    let folder = tempfile::tempdir().unwrap();
    let (sent, invoker) = recorder();
    for round in 0..3 {
        produce(&broker, "t", 0, round * 10, 5).await;
        let mapping = Mapping::start(config(&broker, "t", &folder), Arc::clone(&invoker)).unwrap();
        produce(&broker, "t", 0, round * 10 + 5, 5).await;
        let ends = BTreeMap::from([(0, (round + 1) * 10)]);
        mapping.wait_until_caught_up(&ends, PATIENCE).await.unwrap();
        mapping.stop().await;
    }
    let expected: Vec<_> = (0..30).map(|offset| ("t-0".to_owned(), offset)).collect();
    assert_eq!(*sent.lock().unwrap(), expected);
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_group_starts_where_it_is_told() {
    let broker = broker("t", 1).await;
    produce(&broker, "t", 0, 100, 10).await;
    for (start, first) in [
        (StartingPosition::TrimHorizon, 0),
        (StartingPosition::AtTimestamp(104), 4),
        (StartingPosition::Latest, 10),
        (StartingPosition::AtTimestamp(5_000), 10),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (sent, invoker) = recorder();
        let mapping =
            Mapping::start(MappingConfig { starting_position: start, ..config(&broker, "t", &folder) }, invoker)
                .unwrap();
        let ends = BTreeMap::from([(0, 10)]);
        mapping.wait_until_caught_up(&ends, PATIENCE).await.unwrap();
        mapping.stop().await;
        let offsets: Vec<i64> = sent.lock().unwrap().iter().map(|(_, o)| *o).collect();
        assert_eq!(offsets, (first..10).collect::<Vec<_>>(), "{start:?}");
    }
    broker.shutdown().await;
}
