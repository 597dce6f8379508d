//! The MSK control plane, judged by the AWS SDK's client.

use aws_sdk_kafka::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kafka::error::ProvideErrorMetadata;
use aws_sdk_kafka::types::{ClientBroker, ClusterState, ClusterType};
use lambda_host::{Cluster, MskControlPlane};

const ARN: &str = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/5f1c0f2e-0000-4000-8000-000000000000-1";

async fn plane() -> (MskControlPlane, aws_sdk_kafka::Client) {
    let mut orders = Cluster::new(ARN, "orders");
    orders.bootstrap_broker_string = Some("localhost:9092".to_owned());
    orders.bootstrap_broker_string_sasl_iam = Some("localhost:9098".to_owned());
    let mut other = Cluster::new(ARN.replace("orders", "other"), "other");
    other.bootstrap_broker_string_tls = Some("b-1:9094,b-2:9094".to_owned());
    let plane = MskControlPlane::start(([127, 0, 0, 1], 0).into(), vec![orders, other]).await.unwrap();
    let config = aws_sdk_kafka::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .endpoint_url(plane.url())
        .build();
    (plane, aws_sdk_kafka::Client::from_conf(config))
}

#[tokio::test]
async fn brokers_are_those_of_the_listeners_that_exist() {
    let (plane, client) = plane().await;
    let brokers = client.get_bootstrap_brokers().cluster_arn(ARN).send().await.unwrap();
    assert_eq!(brokers.bootstrap_broker_string(), Some("localhost:9092"));
    assert_eq!(brokers.bootstrap_broker_string_sasl_iam(), Some("localhost:9098"));
    assert_eq!(brokers.bootstrap_broker_string_tls(), None);
    assert_eq!(brokers.bootstrap_broker_string_sasl_scram(), None);
    assert_eq!(plane.calls(), ["GetBootstrapBrokers"]);
}

#[tokio::test]
async fn a_cluster_is_described() {
    let (_plane, client) = plane().await;
    let answer = client.describe_cluster_v2().cluster_arn(ARN).send().await.unwrap();
    let cluster = answer.cluster_info().unwrap();
    assert_eq!(cluster.cluster_arn(), Some(ARN));
    assert_eq!(cluster.cluster_name(), Some("orders"));
    assert_eq!(cluster.cluster_type(), Some(&ClusterType::Provisioned));
    assert_eq!(cluster.state(), Some(&ClusterState::Active));
    assert!(cluster.creation_time().is_some_and(|time| time.secs() > 1_700_000_000));
    let provisioned = cluster.provisioned().unwrap();
    assert_eq!(provisioned.number_of_broker_nodes(), Some(1));
    let authentication = provisioned.client_authentication().unwrap();
    assert_eq!(authentication.sasl().unwrap().iam().unwrap().enabled(), Some(true));
    assert_eq!(authentication.unauthenticated().unwrap().enabled(), Some(true));
    let encryption = provisioned.encryption_info().unwrap();
    assert_eq!(encryption.encryption_in_transit().unwrap().client_broker(), Some(&ClientBroker::TlsPlaintext));
}

#[tokio::test]
async fn an_unknown_cluster_is_a_modeled_error() {
    let (_plane, client) = plane().await;
    let unknown = ARN.replace("orders", "nowhere");
    let error = client.get_bootstrap_brokers().cluster_arn(&unknown).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("NotFoundException"));
    let error = client.describe_cluster_v2().cluster_arn(&unknown).send().await.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");
    let error = client.describe_cluster_v2().cluster_arn("orders").send().await.unwrap_err().into_service_error();
    assert!(error.is_bad_request_exception(), "{error:?}");
}

#[tokio::test]
async fn clusters_are_listed_by_pages_and_by_name() {
    let (plane, client) = plane().await;
    let all = client
        .list_clusters_v2()
        .into_paginator()
        .page_size(1)
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let names: Vec<_> = all.iter().filter_map(|cluster| cluster.cluster_name()).collect();
    assert_eq!(names, ["orders", "other"]);
    assert_eq!(plane.calls(), ["ListClustersV2", "ListClustersV2"]);
    let some = client.list_clusters_v2().cluster_name_filter("oth").send().await.unwrap();
    assert_eq!(some.cluster_info_list()[0].cluster_name(), Some("other"));
    assert_eq!(some.cluster_info_list().len(), 1);
}

#[tokio::test]
async fn unsigned_requests_and_other_operations_are_refused() {
    let (plane, client) = plane().await;
    let unsigned = crate::http_client::HttpClient::new().get(&format!("{}/api/v2/clusters", plane.url())).await;
    assert_eq!(unsigned.status, 403);
    let error = client.list_nodes().cluster_arn(ARN).send().await.unwrap_err().into_service_error();
    assert!(error.message().is_some_and(|m| m.contains("does not serve")), "{error:?}");
    plane.shutdown().await;
}
