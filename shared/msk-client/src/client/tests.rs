//! The implementation against a broker that speaks the protocol, with and without the IAM login.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use cdc_core::error::ErrorKind;
use kafka_broker::{Broker, BrokerError, Options as BrokerOptions};
use rskafka::client::partition::Compression;

use super::*;

const TOPIC: &str = "salesdb.salesdb.CUSTOMER";

fn sdk_config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build()
}

fn soon() -> Deadline {
    Instant::now() + Duration::from_secs(20)
}

fn plain(broker: &Broker) -> MskCluster {
    let address = broker.plaintext_address().expect("the default options listen");
    let options = Options { source: BrokerSource::List(vec![address]), login: Login::None, ca_pem: None };
    MskCluster::new(&sdk_config(), options).unwrap()
}

fn iam(broker: &Broker) -> MskCluster {
    let address = broker.iam_address().expect("the default options listen");
    let options = Options {
        source: BrokerSource::List(vec![address]),
        login: Login::Iam,
        ca_pem: Some(broker.ca_pem().to_owned()),
    };
    MskCluster::new(&sdk_config(), options).unwrap()
}

async fn produce(broker: &Broker, topic: &str, partition: i32, values: &[&str]) {
    let address = broker.plaintext_address().expect("the default options listen");
    let client = ClientBuilder::new(vec![address]).build().await.unwrap();
    let partition = client.partition_client(topic, partition, UnknownTopicHandling::Error).await.unwrap();
    let records = values
        .iter()
        .enumerate()
        .map(|(index, value)| rskafka::record::Record {
            key: Some(format!("key-{index}").into_bytes()),
            value: Some(value.as_bytes().to_vec()),
            headers: BTreeMap::from([("origin".to_owned(), b"test".to_vec())]),
            timestamp: rskafka::chrono::DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
        })
        .collect();
    partition.produce(records, Compression::NoCompression).await.unwrap();
}

fn names(topics: &[&str]) -> Vec<String> {
    topics.iter().map(|topic| (*topic).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_offsets_and_records_over_plaintext() {
    let broker = Broker::start(BrokerOptions::default()).await.unwrap();
    broker.create_topic(TOPIC, 2).unwrap();
    broker.create_topic("empty", 1).unwrap();
    produce(&broker, TOPIC, 1, &["a", "b", "c"]).await;
    let cluster = plain(&broker);
    let topics = cluster.topics(soon()).await.unwrap();
    assert_eq!(topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["empty", TOPIC]);
    assert_eq!(topics[1].partitions, [0, 1]);
    let ends = cluster.end_offsets(&names(&[TOPIC, "absent"]), soon()).await.unwrap();
    assert_eq!(ends, BTreeMap::from([(TOPIC.to_owned(), BTreeMap::from([(0, 0), (1, 3)]))]));
    let starts = cluster.start_offsets(&names(&[TOPIC]), soon()).await.unwrap();
    assert_eq!(starts[TOPIC][&1], 0);
    assert!(!broker.topics().contains(&"absent".to_owned()), "asking must not create a topic");

    let records = cluster.read(TOPIC, 1, 1, 10, soon()).await.unwrap();
    let offsets: Vec<i64> = records.iter().map(|record| record.position.offset).collect();
    assert_eq!(offsets, [1, 2]);
    assert_eq!(records[0].value.as_deref(), Some(b"b".as_slice()));
    assert_eq!(records[0].timestamp_ms, Some(1_700_000_000_000));
    assert_eq!(records[0].headers, [("origin".to_owned(), Some(b"test".to_vec()))]);
    assert_eq!(cluster.read(TOPIC, 1, 0, 2, soon()).await.unwrap().len(), 2, "max bounds the answer");
    assert_eq!(cluster.read(TOPIC, 1, 3, 10, soon()).await.unwrap(), [], "nothing waits for new records");
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_and_topics_that_are_not_there_are_told_apart() {
    let broker = Broker::start(BrokerOptions::default()).await.unwrap();
    broker.create_topic(TOPIC, 1).unwrap();
    produce(&broker, TOPIC, 0, &["a"]).await;
    let cluster = plain(&broker);
    let beyond = cluster.read(TOPIC, 0, 7, 1, soon()).await.unwrap_err();
    assert!(matches!(beyond, KafkaError::OutOfRange { offset: 7, .. }), "{beyond:?}");
    let topic = cluster.read("absent", 0, 0, 1, soon()).await.unwrap_err();
    assert!(matches!(topic, KafkaError::UnknownTopic { .. }), "{topic:?}");
    let partition = cluster.read(TOPIC, 9, 0, 1, soon()).await.unwrap_err();
    assert!(matches!(partition, KafkaError::UnknownTopic { partition: 9, .. }), "{partition:?}");
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_iam_login_reads_over_tls() {
    let broker = Broker::start(BrokerOptions::default()).await.unwrap();
    broker.create_topic(TOPIC, 1).unwrap();
    produce(&broker, TOPIC, 0, &["a", "b"]).await;
    let cluster = iam(&broker);
    assert_eq!(cluster.end_offsets(&names(&[TOPIC]), soon()).await.unwrap()[TOPIC][&0], 2);
    assert_eq!(cluster.read(TOPIC, 0, 0, 10, soon()).await.unwrap().len(), 2);
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_says_so() {
    let broker =
        Broker::start(BrokerOptions { region: "eu-west-1".to_owned(), ..BrokerOptions::default() }).await.unwrap();
    let error = iam(&broker).topics(soon()).await.unwrap_err();
    assert!(matches!(error, KafkaError::LoginRefused { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("AWS_REGION"), "{error}");
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_certificate_is_not_talked_to() {
    let broker = Broker::start(BrokerOptions::default()).await.unwrap();
    let other = Broker::start(BrokerOptions::default()).await.unwrap();
    let options = Options {
        source: BrokerSource::List(vec![broker.iam_address().unwrap()]),
        login: Login::Iam,
        ca_pem: Some(other.ca_pem().to_owned()),
    };
    let error = MskCluster::new(&sdk_config(), options).unwrap().topics(soon()).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");
    broker.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_between_calls_is_connected_to_again() {
    let directory = tempfile::tempdir().unwrap();
    let options = BrokerOptions { data_dir: Some(directory.path().to_owned()), ..BrokerOptions::default() };
    let broker = Broker::start(options.clone()).await.unwrap();
    broker.create_topic(TOPIC, 1).unwrap();
    produce(&broker, TOPIC, 0, &["a"]).await;
    let cluster = plain(&broker);
    assert_eq!(cluster.end_offsets(&names(&[TOPIC]), soon()).await.unwrap()[TOPIC][&0], 1);
    let port = broker.plaintext_address().unwrap().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    broker.shutdown().await;
    let same_port = BrokerOptions { plaintext: Some(([127, 0, 0, 1], port).into()), ..options };
    let broker = start_on_a_port_that_was_free(same_port).await;
    assert_eq!(cluster.end_offsets(&names(&[TOPIC]), soon()).await.unwrap()[TOPIC][&0], 1);
    broker.shutdown().await;
}

/// Another test's connection may have been given the port for a moment.
async fn start_on_a_port_that_was_free(options: BrokerOptions) -> Broker {
    let deadline = soon();
    loop {
        match Broker::start(options.clone()).await {
            Err(BrokerError::Listen { .. }) if Instant::now() < deadline => tokio::task::yield_now().await,
            started => return started.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_broker_ends_is_made_anew() {
    let broker = Broker::start(BrokerOptions { max_session: Duration::from_millis(300), ..BrokerOptions::default() })
        .await
        .unwrap();
    broker.create_topic(TOPIC, 1).unwrap();
    let cluster = iam(&broker);
    // Calls follow each other for the time of several sessions.
    let end = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < end {
        cluster.end_offsets(&names(&[TOPIC]), soon()).await.unwrap();
    }
    broker.shutdown().await;
}

#[tokio::test]
async fn brokers_that_do_not_answer_end_at_the_deadline_with_the_next_step() {
    // A listener that accepts and never answers, as a load balancer without targets does.
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let options = Options { source: BrokerSource::List(vec![address.clone()]), login: Login::None, ca_pem: None };
    let cluster = MskCluster::new(&sdk_config(), options).unwrap();
    let started = Instant::now();
    let error = cluster.topics(started + Duration::from_millis(300)).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "the deadline was not kept");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("security group") && text.contains("9098"), "{text}");
    assert_eq!(error.kind(), ErrorKind::Transient);
}

#[tokio::test]
async fn mutual_tls_lists_brokers_and_refuses_to_read() {
    let options =
        Options { source: BrokerSource::List(vec!["b-1.example:9094".to_owned()]), login: Login::Mtls, ca_pem: None };
    let cluster = MskCluster::new(&sdk_config(), options).unwrap();
    assert_eq!(cluster.brokers(soon()).await.unwrap(), ["b-1.example:9094"]);
    let error = cluster.topics(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("client certificate"), "{error}");
}

#[test]
fn iam_without_a_region_or_credentials_is_refused_at_once() {
    let options =
        || Options { source: BrokerSource::List(vec!["b-1:9098".to_owned()]), login: Login::Iam, ca_pem: None };
    let bare = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
    let error = MskCluster::new(&bare, options()).err().expect("no region");
    assert!(error.to_string().contains("AWS_REGION"), "{error}");
    let no_credentials = bare.into_builder().region(Region::new("us-east-1")).build();
    let error = MskCluster::new(&no_credentials, options()).err().expect("no credentials");
    assert!(error.to_string().contains("credentials"), "{error}");
}
