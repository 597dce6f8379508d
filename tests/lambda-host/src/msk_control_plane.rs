//! The calls of the Amazon MSK control plane that the functions make: GetBootstrapBrokers, DescribeClusterV2,
//! ListClustersV2, for clusters that are configured and do not change.
//!
//! Shapes and errors are those of the "Amazon MSK API Reference". A request must be signed, as a request of any
//! SDK is, but the signature is not verified.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::http::{Server, aws_error, json as json_response};
use crate::invoker::HostError;

/// A provisioned MSK cluster. A listener without a broker string does not exist, and is absent from answers.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// `arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>-<n>`.
    pub arn: String,
    /// Name, as in the ARN.
    pub name: String,
    /// `host:port,…` of the listener without TLS and login.
    pub bootstrap_broker_string: Option<String>,
    /// Of the listener with TLS and without login.
    pub bootstrap_broker_string_tls: Option<String>,
    /// Of the listener with TLS and IAM login.
    pub bootstrap_broker_string_sasl_iam: Option<String>,
    /// Apache Kafka's version; default `3.6.0`.
    pub kafka_version: String,
    /// Number of brokers; default 1.
    pub broker_nodes: u32,
}

impl Cluster {
    /// A cluster without listeners.
    pub fn new(arn: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            name: name.into(),
            bootstrap_broker_string: None,
            bootstrap_broker_string_tls: None,
            bootstrap_broker_string_sasl_iam: None,
            kafka_version: "3.6.0".to_owned(),
            broker_nodes: 1,
        }
    }

    fn brokers(&self) -> Value {
        let members = [
            ("bootstrapBrokerString", &self.bootstrap_broker_string),
            ("bootstrapBrokerStringTls", &self.bootstrap_broker_string_tls),
            ("bootstrapBrokerStringSaslIam", &self.bootstrap_broker_string_sasl_iam),
        ];
        members
            .into_iter()
            .filter_map(|(name, brokers)| Some((name.to_owned(), brokers.clone()?.into())))
            .collect::<Map<String, Value>>()
            .into()
    }

    fn description(&self, created_ms: i64) -> Value {
        let plaintext = self.bootstrap_broker_string.is_some();
        let tls = self.bootstrap_broker_string_tls.is_some() || self.bootstrap_broker_string_sasl_iam.is_some();
        let in_transit = match (plaintext, tls) {
            (true, true) => "TLS_PLAINTEXT",
            (true, false) => "PLAINTEXT",
            (false, _) => "TLS",
        };
        json!({
            "clusterArn": self.arn,
            "clusterName": self.name,
            "clusterType": "PROVISIONED",
            "creationTime": clock::iso8601(created_ms),
            "currentVersion": "K1LOCALSTACK00",
            "state": "ACTIVE",
            "tags": {},
            "provisioned": {
                "brokerNodeGroupInfo": {
                    "brokerAZDistribution": "DEFAULT",
                    "clientSubnets": ["subnet-0123456789abcdef0"],
                    "instanceType": "kafka.t3.small",
                    "securityGroups": ["sg-0123456789abcdef0"],
                    "storageInfo": {"ebsStorageInfo": {"volumeSize": 1}},
                },
                "clientAuthentication": {
                    "sasl": {
                        "iam": {"enabled": self.bootstrap_broker_string_sasl_iam.is_some()},
                        "scram": {"enabled": false},
                    },
                    "unauthenticated": {
                        "enabled": plaintext || self.bootstrap_broker_string_tls.is_some(),
                    },
                },
                "currentBrokerSoftwareInfo": {"kafkaVersion": self.kafka_version},
                "encryptionInfo": {
                    "encryptionInTransit": {"clientBroker": in_transit, "inCluster": true},
                },
                "enhancedMonitoring": "DEFAULT",
                "numberOfBrokerNodes": self.broker_nodes,
            },
        })
    }
}

struct Plane {
    clusters: Vec<Cluster>,
    created_ms: i64,
    calls: Mutex<Vec<String>>,
}

impl Plane {
    fn called(&self, operation: &str) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(operation.to_owned());
    }

    fn with(&self, arn: &str, answer: impl FnOnce(&Cluster) -> Value) -> Response {
        if !arn.starts_with("arn:") || !arn.contains(":kafka:") {
            return aws_error(
                StatusCode::BAD_REQUEST,
                "BadRequestException",
                &json!({"invalidParameter": "clusterArn",
                        "message": "One or more of the parameters are not valid."}),
            );
        }
        match self.clusters.iter().find(|cluster| cluster.arn == arn) {
            Some(cluster) => json_response(StatusCode::OK, &answer(cluster)),
            None => aws_error(
                StatusCode::NOT_FOUND,
                "NotFoundException",
                &json!({"invalidParameter": "clusterArn",
                        "message": format!("The cluster does not exist: {arn}")}),
            ),
        }
    }
}

/// The running server. Dropping it stops it.
pub struct MskControlPlane {
    server: Server,
    plane: Arc<Plane>,
}

impl MskControlPlane {
    /// Serves the given clusters on `address`; port 0 lets the system choose.
    pub async fn start(address: SocketAddr, clusters: Vec<Cluster>) -> Result<Self, HostError> {
        let plane = Arc::new(Plane { clusters, created_ms: clock::now_ms(), calls: Mutex::default() });
        let router = Router::new()
            .route("/v1/clusters/{arn}/bootstrap-brokers", get(bootstrap_brokers))
            .route("/api/v2/clusters/{arn}", get(describe))
            .route("/api/v2/clusters", get(list))
            .fallback(unknown)
            .layer(from_fn(require_signature))
            .with_state(Arc::clone(&plane));
        let server = Server::start("msk control plane", address, router).await?;
        Ok(Self { server, plane })
    }

    /// The value for `AWS_ENDPOINT_URL_KAFKA`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Operations that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.plane.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops it when the requests in progress are answered.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

async fn require_signature(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return next.run(request).await;
    }
    aws_error(
        StatusCode::FORBIDDEN,
        "MissingAuthenticationTokenException",
        &json!({"message": "Missing Authentication Token"}),
    )
}

async fn bootstrap_brokers(State(plane): State<Arc<Plane>>, Path(arn): Path<String>) -> Response {
    plane.called("GetBootstrapBrokers");
    plane.with(&arn, Cluster::brokers)
}

async fn describe(State(plane): State<Arc<Plane>>, Path(arn): Path<String>) -> Response {
    plane.called("DescribeClusterV2");
    plane.with(&arn, |cluster| json!({"clusterInfo": cluster.description(plane.created_ms)}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParameters {
    cluster_name_filter: Option<String>,
    cluster_type_filter: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

async fn list(State(plane): State<Arc<Plane>>, Query(asked): Query<ListParameters>) -> Response {
    plane.called("ListClustersV2");
    // The token is the number of clusters that were listed before.
    let bad = |parameter: &str| {
        aws_error(
            StatusCode::BAD_REQUEST,
            "BadRequestException",
            &json!({"invalidParameter": parameter,
                    "message": "One or more of the parameters are not valid."}),
        )
    };
    let Ok(skip) = asked.next_token.as_deref().unwrap_or("0").parse::<usize>() else {
        return bad("nextToken");
    };
    let most = asked.max_results.unwrap_or(100);
    if !(1..=100).contains(&most) {
        return bad("maxResults");
    }
    let provisioned = asked.cluster_type_filter.as_deref().unwrap_or("PROVISIONED") == "PROVISIONED";
    let prefix = asked.cluster_name_filter.unwrap_or_default();
    let matching: Vec<&Cluster> =
        plane.clusters.iter().filter(|cluster| provisioned && cluster.name.starts_with(&prefix)).collect();
    let page: Vec<Value> =
        matching.iter().skip(skip).take(most).map(|cluster| cluster.description(plane.created_ms)).collect();
    let listed = skip.saturating_add(page.len());
    let mut body = json!({"clusterInfoList": page});
    if listed < matching.len()
        && let Some(members) = body.as_object_mut()
    {
        members.insert("nextToken".to_owned(), listed.to_string().into());
    }
    json_response(StatusCode::OK, &body)
}

async fn unknown(method: Method, uri: Uri) -> Response {
    aws_error(
        StatusCode::NOT_FOUND,
        "NotFoundException",
        &json!({"message": format!(
            "the local stack does not serve {method} {}; it has GetBootstrapBrokers, DescribeClusterV2 and \
             ListClustersV2", uri.path())}),
    )
}
