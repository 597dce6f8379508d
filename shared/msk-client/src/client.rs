//! The port on rskafka.
//!
//! rskafka has no re-authentication (KIP-368) and no deadline on a connection attempt, and a
//! Lambda may be frozen between two calls for longer than a broker keeps a connection. So a
//! session (client and connections) is made lazily, is used for a limited time only, gets a
//! short first try when it was left over from an earlier call, and is thrown away and made anew
//! when that fails. Each open partition has its own connection to its leader, so their number
//! is bounded by the topics asked for, and at most [`PARALLEL_PARTITIONS`] are opened at once:
//! MSK limits the rate of new IAM connections per broker (Amazon MSK Developer Guide, "Quotas").

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use cdc_core::kafka::{Record, RecordPosition};
use rskafka::BackoffConfig;
use rskafka::client::error::{Error as ClientError, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::brokers::{BrokerSource, Brokers, Transport, bootstrap};
use crate::cluster::{Deadline, KafkaCluster, Offsets, Topic};
use crate::error::KafkaError;
use crate::login::{IamLogin, Login};
use crate::options::Options;
use crate::tls;

/// After this a session is made anew. MSK ends an IAM session when its token does, 15 minutes
/// after signing; the margin keeps a call from starting on a connection about to be closed.
const SESSION_AGE: Duration = Duration::from_secs(10 * 60);

/// The longest a call waits on a session left over from an earlier call before a new one is
/// made; a connection that died while the Lambda was frozen gives no sign of it.
const LEFT_OVER_PATIENCE: Duration = Duration::from_secs(8);

/// Retries inside rskafka, for a broker that restarts or a leader that moves.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(1);
const RETRY_AT_MOST: Duration = Duration::from_secs(5);

/// Partitions connected to at the same time.
const PARALLEL_PARTITIONS: usize = 8;

/// Bytes asked for in one fetch. A broker sends at least one record, whatever its size.
const FETCH_BYTES: i32 = 1 << 20;

/// How long a broker may hold a fetch that has nothing to send.
const FETCH_WAIT_MS: i32 = 200;

/// A cluster on the network. Cheap to make: nothing is connected to before the first call.
pub struct MskCluster {
    config: SdkConfig,
    options: Options,
    iam: Option<IamLogin>,
    brokers: Mutex<Option<Brokers>>,
    session: Mutex<Option<Arc<Session>>>,
}

struct Session {
    client: Client,
    brokers: String,
    opened: Instant,
    partitions: Mutex<BTreeMap<(String, i32), Arc<PartitionClient>>>,
}

impl MskCluster {
    /// Checks what can be checked without I/O: region and credentials for IAM, the certificates.
    pub fn new(config: &SdkConfig, options: Options) -> Result<Self, KafkaError> {
        let iam = match options.login {
            Login::Iam => Some(IamLogin::new(config)?),
            Login::None | Login::Mtls => None,
        };
        if options.ca_pem.is_some() {
            tls::client_config(options.ca_pem.as_deref())?;
        }
        if let BrokerSource::List(addresses) = &options.source {
            Brokers::of_list(addresses, options.login, options.ca_pem.is_some())?;
        }
        Ok(Self { config: config.clone(), options, iam, brokers: Mutex::new(None), session: Mutex::new(None) })
    }

    async fn known_brokers(&self, deadline: Deadline) -> Result<Brokers, KafkaError> {
        let mut known = self.brokers.lock().await;
        if let Some(brokers) = known.as_ref() {
            return Ok(brokers.clone());
        }
        let brokers = match &self.options.source {
            BrokerSource::Cluster(arn) => bootstrap(&self.config, arn, self.options.login, deadline).await?,
            BrokerSource::List(addresses) => {
                Brokers::of_list(addresses, self.options.login, self.options.ca_pem.is_some())?
            }
        };
        *known = Some(brokers.clone());
        Ok(brokers)
    }

    /// Runs `operation` on a session, and once more on a new one if the session was a left-over
    /// and turned out to be broken.
    async fn run<T, F, R>(&self, doing: &str, deadline: Deadline, operation: F) -> Result<T, KafkaError>
    where
        F: Fn(Arc<Session>) -> R + Send + Sync,
        R: Future<Output = Result<T, KafkaError>> + Send,
        T: Send,
    {
        let left_over = self.session.lock().await.clone();
        if let Some(session) = left_over.filter(|session| session.opened.elapsed() < SESSION_AGE) {
            let now = Instant::now();
            let patience = deadline.saturating_duration_since(now) / 2;
            let limit = now + patience.min(LEFT_OVER_PATIENCE);
            match timeout_at(limit, operation(Arc::clone(&session))).await {
                Ok(Err(error)) if error.is_connection() => {
                    tracing::info!(doing, "the Kafka connection is lost, connecting again");
                }
                Ok(result) => return result,
                Err(_) => tracing::info!(doing, "the Kafka connection is silent, connecting again"),
            }
        }
        let session = self.connect(doing, deadline).await?;
        let brokers = session.brokers.clone();
        match timeout_at(deadline, operation(session)).await {
            Ok(Err(error)) if error.is_connection() => {
                self.forget().await;
                Err(error)
            }
            Ok(result) => result,
            Err(_) => {
                self.forget().await;
                Err(KafkaError::Unreachable { brokers, doing: doing.to_owned(), source: None })
            }
        }
    }

    async fn connect(&self, doing: &str, deadline: Deadline) -> Result<Arc<Session>, KafkaError> {
        self.forget_session().await;
        let brokers = self.known_brokers(deadline).await?;
        let uri = brokers.uri();
        if self.options.login == Login::Mtls {
            return Err(KafkaError::Settings {
                reason: format!(
                    "the functions have no client certificate for the brokers {uri}; give the cluster IAM \
                     authentication beside mTLS, or declare topics and columns in the pipeline file"
                ),
            });
        }
        let mut builder =
            ClientBuilder::new(brokers.addresses.clone()).client_id("redshift-cdc").backoff_config(BackoffConfig {
                init_backoff: RETRY_FIRST,
                max_backoff: RETRY_LONGEST,
                base: 2.0,
                deadline: Some(RETRY_AT_MOST),
            });
        if brokers.transport == Transport::Tls {
            builder = builder.tls_config(tls::client_config(self.options.ca_pem.as_deref())?);
        }
        if let Some(iam) = &self.iam {
            builder = builder.sasl_config(iam.sasl());
        }
        let client = match timeout_at(deadline, builder.build()).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                self.forget().await;
                return Err(self.login_reason(classify(error, &uri, doing)));
            }
            Err(_) => {
                self.forget().await;
                return Err(KafkaError::Unreachable { brokers: uri, doing: doing.to_owned(), source: None });
            }
        };
        let session = Arc::new(Session { client, brokers: uri, opened: Instant::now(), partitions: Mutex::default() });
        *self.session.lock().await = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Adds why no token could be made, if that is the reason.
    fn login_reason(&self, error: KafkaError) -> KafkaError {
        let failure = self.iam.as_ref().and_then(IamLogin::last_failure);
        match (error, failure) {
            (KafkaError::LoginRefused { brokers, source, .. }, Some(failure)) => {
                KafkaError::LoginRefused { brokers, reason: failure, source }
            }
            (error, _) => error,
        }
    }

    /// Drops the session and, since brokers get replaced, what is known of them.
    async fn forget(&self) {
        self.forget_session().await;
        if matches!(self.options.source, BrokerSource::Cluster(_)) {
            *self.brokers.lock().await = None;
        }
    }

    async fn forget_session(&self) {
        *self.session.lock().await = None;
    }

    async fn offsets(
        &self,
        topics: &[String],
        at: OffsetAt,
        doing: &'static str,
        deadline: Deadline,
    ) -> Result<Offsets, KafkaError> {
        if topics.is_empty() {
            return Ok(Offsets::new());
        }
        let wanted: Arc<Vec<String>> = Arc::new(topics.to_vec());
        self.run(doing, deadline, |session| {
            let wanted = Arc::clone(&wanted);
            async move { session.offsets(&wanted, at, doing).await }
        })
        .await
    }
}

impl Session {
    fn error(&self, error: ClientError, doing: &str) -> KafkaError {
        classify(error, &self.brokers, doing)
    }

    async fn topics(&self, doing: &str) -> Result<Vec<Topic>, KafkaError> {
        let listed = self.client.list_topics().await.map_err(|error| self.error(error, doing))?;
        let mut topics: Vec<Topic> = listed
            .into_iter()
            .filter(|topic| !topic.name.starts_with("__"))
            .map(|topic| Topic { name: topic.name, partitions: topic.partitions.into_iter().collect() })
            .collect();
        for topic in &mut topics {
            topic.partitions.sort_unstable();
        }
        topics.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(topics)
    }

    /// Offsets of those of the wanted topics that exist. The existing ones are listed first,
    /// because asking a broker about an unknown topic may create it.
    async fn offsets(
        self: Arc<Self>,
        wanted: &[String],
        at: OffsetAt,
        doing: &'static str,
    ) -> Result<Offsets, KafkaError> {
        let mut offsets = Offsets::new();
        let mut running = JoinSet::new();
        let gate = Arc::new(Semaphore::new(PARALLEL_PARTITIONS));
        for topic in self.topics(doing).await? {
            if !wanted.contains(&topic.name) {
                continue;
            }
            for partition in topic.partitions {
                let (session, gate, name) = (Arc::clone(&self), Arc::clone(&gate), topic.name.clone());
                running.spawn(async move {
                    let _permit = gate.acquire().await.expect("the gate is never closed");
                    let client = session.partition(&name, partition, doing).await?;
                    let offset = client.get_offset(at).await.map_err(|error| session.error(error, doing))?;
                    Ok::<_, KafkaError>((name, partition, offset))
                });
            }
            offsets.insert(topic.name, BTreeMap::new());
        }
        while let Some(finished) = running.join_next().await {
            let (name, partition, offset) =
                finished.expect("a task that asks for an offset neither panics nor is cancelled")?;
            offsets.entry(name).or_default().insert(partition, offset);
        }
        Ok(offsets)
    }

    async fn partition(&self, topic: &str, partition: i32, doing: &str) -> Result<Arc<PartitionClient>, KafkaError> {
        let key = (topic.to_owned(), partition);
        if let Some(open) = self.partitions.lock().await.get(&key) {
            return Ok(Arc::clone(open));
        }
        let opened = self
            .client
            .partition_client(topic, partition, UnknownTopicHandling::Error)
            .await
            .map_err(|error| self.error(error, doing))?;
        let opened = Arc::new(opened);
        self.partitions.lock().await.insert(key, Arc::clone(&opened));
        Ok(opened)
    }

    async fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        max: usize,
        doing: &str,
    ) -> Result<Vec<Record>, KafkaError> {
        let known = self.topics(doing).await?;
        if !known.iter().any(|known| known.name == topic && known.partitions.contains(&partition)) {
            return Err(KafkaError::UnknownTopic { topic: topic.to_owned(), partition });
        }
        let client = self.partition(topic, partition, doing).await?;
        let mut records = Vec::new();
        let mut next = from;
        while records.len() < max {
            let (fetched, end) = client
                .fetch_records(next, 1..FETCH_BYTES, FETCH_WAIT_MS)
                .await
                .map_err(|error| self.error(error, doing))?;
            // A fetch below the end without records holds only markers of transactions.
            let Some(last) = fetched.last() else { break };
            next = last.offset + 1;
            let room = max - records.len();
            records.extend(fetched.into_iter().take(room).map(|fetched| record(topic, partition, fetched)));
            if next >= end {
                break;
            }
        }
        Ok(records)
    }
}

fn record(topic: &str, partition: i32, fetched: rskafka::record::RecordAndOffset) -> Record {
    // The client keeps neither null header values nor a header's repetitions, and turns
    // Kafka's "no timestamp" (-1) into the millisecond before the epoch.
    let timestamp_ms = fetched.record.timestamp.timestamp_millis();
    Record {
        position: RecordPosition { topic: topic.to_owned(), partition, offset: fetched.offset },
        timestamp_ms: (timestamp_ms >= 0).then_some(timestamp_ms),
        key: fetched.record.key,
        value: fetched.record.value,
        headers: fetched.record.headers.into_iter().map(|(name, value)| (name, Some(value))).collect(),
    }
}

/// What a client's error asks for. Connection attempts are retried inside rskafka, which then
/// keeps only the text of their errors; the login's failures are told by that text.
fn classify(error: ClientError, brokers: &str, doing: &str) -> KafkaError {
    use rskafka::client::error::RequestContext;
    let brokers = brokers.to_owned();
    let doing = doing.to_owned();
    if let ClientError::ServerError { protocol_error, request, .. } = &error {
        let (topic, partition, offset) = match request {
            RequestContext::Topic(topic) => (topic.clone(), 0, 0),
            RequestContext::Partition(topic, partition) => (topic.clone(), *partition, 0),
            RequestContext::Fetch { topic_name, partition_id, offset, .. } => {
                (topic_name.clone(), *partition_id, *offset)
            }
            _ => (String::new(), 0, 0),
        };
        return match protocol_error {
            ProtocolError::OffsetOutOfRange => KafkaError::OutOfRange { topic, partition, offset },
            ProtocolError::UnknownTopicOrPartition => KafkaError::UnknownTopic { topic, partition },
            ProtocolError::TopicAuthorizationFailed | ProtocolError::ClusterAuthorizationFailed => {
                KafkaError::NotAuthorized { topic, source: Some(Box::new(error)) }
            }
            ProtocolError::SaslAuthenticationFailed => KafkaError::LoginRefused {
                brokers,
                reason: "authentication failed".to_owned(),
                source: Some(Box::new(error)),
            },
            // The brokers' own troubles, among them those of an election or a restart.
            _ => KafkaError::Unreachable { brokers, doing, source: Some(Box::new(error)) },
        };
    }
    match &error {
        ClientError::InvalidResponse(_) => KafkaError::Protocol { brokers, doing, source: Some(Box::new(error)) },
        _ if error.to_string().contains("Sasl") => {
            KafkaError::LoginRefused { brokers, reason: "see the cause".to_owned(), source: Some(Box::new(error)) }
        }
        _ => KafkaError::Unreachable { brokers, doing, source: Some(Box::new(error)) },
    }
}

#[async_trait]
impl KafkaCluster for MskCluster {
    async fn brokers(&self, deadline: Deadline) -> Result<Vec<String>, KafkaError> {
        Ok(self.known_brokers(deadline).await?.addresses)
    }

    async fn topics(&self, deadline: Deadline) -> Result<Vec<Topic>, KafkaError> {
        let doing = "listing topics";
        self.run(doing, deadline, |session| async move { session.topics(doing).await }).await
    }

    async fn start_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.offsets(topics, OffsetAt::Earliest, "asking for start offsets", deadline).await
    }

    async fn end_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.offsets(topics, OffsetAt::Latest, "asking for end offsets", deadline).await
    }

    async fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        max: usize,
        deadline: Deadline,
    ) -> Result<Vec<Record>, KafkaError> {
        let doing = format!("reading topic {topic}, partition {partition}");
        let (topic, doing_read) = (Arc::<str>::from(topic), Arc::<str>::from(doing.as_str()));
        let result = self
            .run(&doing, deadline, |session| {
                let (topic, doing) = (Arc::clone(&topic), Arc::clone(&doing_read));
                async move { session.read(&topic, partition, from, max, &doing).await }
            })
            .await;
        match result {
            // rskafka's fetch error names the offset in its context only for newer protocol
            // answers; the caller's own is as good.
            Err(KafkaError::OutOfRange { topic, partition, .. }) => {
                Err(KafkaError::OutOfRange { topic, partition, offset: from })
            }
            result => result,
        }
    }
}

#[cfg(test)]
mod tests;
