//! The stack: everything that AWS and Kafka are in production, started and wired together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cdc_core::pipeline::Pipeline;
use kafka_broker::Broker;
use lambda_host::event_source_mapping::{
    Acknowledgement, BatchSizing, Faults, Mapping, MappingConfig, Mode, StartingPosition,
};
use lambda_host::{
    Cluster, Credentials, FirstRun, Function, FunctionConfig, InvokeFront, Invoker, MskControlPlane, RetryPolicy,
    Schedule, ScheduleConfig,
};
use redshift_data_api::{Identities, Identity};
use redshift_stand_in::{PostgresSource, StandIn};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::alarm::Alarm;
use crate::binaries::{Binaries, FUNCTIONS};
use crate::warehouse::{Administrator, DATABASE, WORKGROUP};

/// The region that the stack plays.
pub const REGION: &str = "us-east-1";
/// The MSK cluster's ARN.
pub const CLUSTER_ARN: &str =
    "arn:aws:kafka:us-east-1:123456789012:cluster/local/00000000-0000-4000-8000-000000000000-1";
/// The administrator's access key of the local stack; nothing outside accepts it.
pub const ADMINISTRATOR_KEY: &str = "LOCALADMINISTRATOR00";
/// The secret of every access key of the local stack. Signatures are not verified.
pub const SECRET: &str = "local-secret";

const ADMINISTRATOR_ROLE: &str = "administrator";
/// The IAM role of the provisioner, as the deployment names it. Its database user is no superuser.
pub const PROVISIONER_ROLE: &str = "redshift-cdc-provisioner";

/// How to start the stack.
#[derive(Debug, Clone, Default)]
pub struct StackOptions {
    /// Where PostgreSQL comes from; found by itself if `None`.
    pub postgres_url: Option<String>,
    /// A folder with PostgreSQL's programs.
    pub postgres_bin: Option<PathBuf>,
    /// Keeps broker, warehouse and poller positions across restarts; temporary if `None`.
    pub state: Option<PathBuf>,
    /// Refresh `AUTO REFRESH YES` views in the background.
    pub auto_refresh: bool,
    /// Port of the Kafka broker's plaintext listener; any if 0.
    pub kafka_port: u16,
    /// Port of the Data API; any if 0.
    pub data_api_port: u16,
    /// Port of Lambda's Invoke API; any if 0.
    pub lambda_port: u16,
}

/// Batching of the event source mappings.
#[derive(Debug, Clone)]
pub struct MappingOptions {
    /// Most records of a batch.
    pub batch_size: usize,
    /// How long a mapping gathers a batch.
    pub window: Duration,
    /// Random batch sizes up to `batch_size` from this seed.
    pub seed: Option<u64>,
    /// Faults that the mapping plays.
    pub faults: Faults,
}

impl Default for MappingOptions {
    fn default() -> Self {
        Self { batch_size: 1_000, window: Duration::from_millis(300), seed: None, faults: Faults::default() }
    }
}

/// What the mappings acknowledged, by topic, in order: gathered for lag figures.
pub type Acknowledgements = Arc<Mutex<BTreeMap<String, Vec<Acknowledged>>>>;

/// A record that a mapping is done with. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged {
    /// The record's partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When the mapping was done with it.
    pub at_ms: i64,
    /// When the mapping began.
    pub mapped_at_ms: i64,
}

/// The running stack without functions.
pub struct Stack {
    broker: Broker,
    stand_in: StandIn,
    data_api: redshift_data_api::Server,
    msk: MskControlPlane,
    folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
    options: StackOptions,
}

/// The functions of one pipeline on a running stack.
pub struct Deployment {
    functions: BTreeMap<&'static str, Function>,
    front: InvokeFront,
    alarm: JoinHandle<()>,
    mappings: BTreeMap<String, Mapping>,
    schedules: Vec<Schedule>,
    acknowledgements: Acknowledgements,
    identities: BTreeMap<&'static str, String>,
}

impl Stack {
    /// Starts broker, warehouse stand-in and control planes.
    ///
    /// # Errors
    /// If one of them cannot be started; says which and what to do.
    pub async fn start(options: StackOptions, pipeline: Option<&Pipeline>) -> Result<Self> {
        let (folder, temporary) = match &options.state {
            Some(state) => {
                std::fs::create_dir_all(state).with_context(|| format!("creating {}", state.display()))?;
                let folder = state.canonicalize().with_context(|| format!("finding {}", state.display()))?;
                (folder, None)
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("redshift-cdc-")
                    .tempdir()
                    .context("creating a temporary folder")?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let broker = Broker::start(kafka_broker::Options {
            data_dir: Some(folder.join("kafka")),
            plaintext: Some(([127, 0, 0, 1], options.kafka_port).into()),
            region: REGION.to_owned(),
            default_partitions: 3,
            ..kafka_broker::Options::default()
        })
        .await
        .context("starting the Kafka broker")?;
        std::fs::write(folder.join("kafka-ca.pem"), broker.ca_pem()).context("writing the broker's certificate")?;
        let identities = identities(pipeline);
        let admin_users = vec!["awsuser".to_owned(), format!("IAMR:{ADMINISTRATOR_ROLE}")];
        let stand_in = StandIn::start(redshift_stand_in::Options {
            postgres: postgres_source(&options)?,
            state_dir: options.state.as_ref().map(|_| folder.join("warehouse")),
            kafka_bootstrap: broker.plaintext_address(),
            s3_dir: None,
            admin_users,
            databases: vec![DATABASE.to_owned()],
            auto_refresh: options.auto_refresh,
        })
        .await
        .context("starting the Redshift stand-in")?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.data_api_port))
            .await
            .with_context(|| format!("listening on port {} for the Data API", options.data_api_port))?;
        let data_api = redshift_data_api::serve(
            listener,
            stand_in.engine(),
            redshift_data_api::Options {
                region: REGION.to_owned(),
                identities: identities.keys,
                ..redshift_data_api::Options::default()
            },
        )
        .context("starting the Data API")?;
        let mut cluster = Cluster::new(CLUSTER_ARN, "local");
        cluster.bootstrap_broker_string = broker.plaintext_address();
        cluster.bootstrap_broker_string_sasl_iam = broker.iam_address();
        let msk = MskControlPlane::start(([127, 0, 0, 1], 0).into(), vec![cluster])
            .await
            .context("starting the MSK control plane")?;
        Ok(Self { broker, stand_in, data_api, msk, folder, _temporary: temporary, options })
    }

    /// The broker.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// `host:port` of the broker's plaintext listener.
    ///
    /// # Panics
    /// Never: the stack always opens that listener.
    #[must_use]
    pub fn kafka(&self) -> String {
        self.broker.plaintext_address().expect("the stack opens a plaintext listener")
    }

    /// URL of the Data API.
    #[must_use]
    pub fn data_api(&self) -> String {
        self.data_api.endpoint()
    }

    /// URL of the MSK control plane, which knows the brokers' addresses.
    #[must_use]
    pub fn msk(&self) -> String {
        self.msk.url()
    }

    /// URL of PostgreSQL below the stand-in, for those who want to look.
    #[must_use]
    pub fn postgres_url(&self) -> String {
        self.stand_in.postgres_url()
    }

    /// Handle to the Data API's fault rules.
    #[must_use]
    pub fn data_api_server(&self) -> &redshift_data_api::Server {
        &self.data_api
    }

    /// Where logs and state are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client that may do everything in the warehouse.
    #[must_use]
    pub fn administrator(&self) -> Administrator {
        Administrator::new(&self.data_api(), REGION, ADMINISTRATOR_KEY, SECRET)
    }

    /// Deploys the functions for a pipeline file: processes are started when first called.
    ///
    /// # Errors
    /// If the pipeline file or a binary is not there, or the administrator cannot prepare the warehouse.
    pub async fn deploy(&self, binaries: &Binaries, pipeline_file: &Path, pipeline: &Pipeline) -> Result<Deployment> {
        let pipeline_file = pipeline_file
            .canonicalize()
            .with_context(|| format!("finding the pipeline file {}", pipeline_file.display()))?;
        let logs = self.folder.join("logs");
        std::fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
        self.prepare_warehouse(pipeline).await?;
        let identities = identities(Some(pipeline));
        let alarm = Alarm::new();
        let mut functions = BTreeMap::new();
        for name in FUNCTIONS {
            let mut config = FunctionConfig::new(name, binaries.path(name), credentials(name));
            config.region = REGION.to_owned();
            config.timeout = Duration::from_secs(120);
            config.log_file = Some(logs.join(format!("{name}.log")));
            if ["change-handler", "refresher"].contains(&name) {
                config.on_log = Some(alarm.watcher());
            }
            config.environment = BTreeMap::from([
                ("PIPELINE_FILE".to_owned(), pipeline_file.display().to_string()),
                ("WAREHOUSE_DATABASE".to_owned(), DATABASE.to_owned()),
                ("WAREHOUSE_WORKGROUP".to_owned(), WORKGROUP.to_owned()),
                ("MSK_CLUSTER_ARN".to_owned(), CLUSTER_ARN.to_owned()),
                ("KAFKA_CA_FILE".to_owned(), self.folder.join("kafka-ca.pem").display().to_string()),
                ("AWS_ENDPOINT_URL_REDSHIFT_DATA".to_owned(), self.data_api()),
                ("AWS_ENDPOINT_URL_KAFKA".to_owned(), self.msk.url()),
            ]);
            functions.insert(name, Function::new(config).with_context(|| format!("deploying {name}"))?);
        }
        let front = InvokeFront::start(
            ([127, 0, 0, 1], self.options.lambda_port).into(),
            functions.values().cloned().collect(),
        )
        .await
        .context("starting Lambda's Invoke API")?;
        let provisioner: &Function = functions.get("provisioner").context("the provisioner is not deployed")?;
        let alarm = alarm.start(provisioner.clone());
        let users = FUNCTIONS.iter().map(|name| (*name, identities.database_user(name))).collect();
        Ok(Deployment {
            functions,
            front,
            alarm,
            mappings: BTreeMap::new(),
            schedules: Vec::new(),
            acknowledgements: Acknowledgements::default(),
            identities: users,
        })
    }

    /// What an administrator does once, before the provisioner may do its work.
    async fn prepare_warehouse(&self, pipeline: &Pipeline) -> Result<()> {
        let administrator = self.administrator();
        let statements = crate::sql::bootstrap(pipeline);
        let (setting, statements) = statements.split_first().context("there is nothing to prepare")?;
        for statement in statements {
            let done = administrator.batch(&[setting.as_str(), statement.as_str()]).await;
            // Kept state, or another pipeline with the same functions.
            if let Err(error) = done
                && !format!("{error:#}").contains("already exists")
            {
                return Err(error.context(format!("preparing the warehouse with {statement}")));
            }
        }
        Ok(())
    }

    /// Stops everything; state folders stay.
    pub async fn shutdown(self) {
        self.msk.shutdown().await;
        self.data_api.shutdown().await;
        self.stand_in.shutdown().await;
        self.broker.shutdown().await;
    }
}

impl Deployment {
    /// Calls a function and gives its answer.
    ///
    /// # Errors
    /// If the function answers with an error; its type and message are in it.
    pub async fn invoke(&self, name: &str, event: &Value) -> Result<Value> {
        let function = self.functions.get(name).with_context(|| format!("there is no function {name}"))?;
        let outcome =
            function.invoke(event.to_string().into_bytes()).await.with_context(|| format!("invoking {name}"))?;
        match outcome.result {
            Ok(payload) => serde_json::from_slice(&payload).with_context(|| format!("{name} did not answer in JSON")),
            Err(error) => bail!(
                "{name} failed with {}: {}{}",
                error.error_type,
                error.message,
                error.log_tail.iter().map(|line| format!("\n  {line}")).collect::<String>()
            ),
        }
    }

    /// Provisions the warehouse for the pipeline.
    ///
    /// # Errors
    /// If the provisioner fails.
    pub async fn provision(&self) -> Result<Value> {
        self.invoke("provisioner", &json!({ "action": "apply" })).await
    }

    /// One deployed function.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// The database user of each function.
    #[must_use]
    pub fn database_users(&self) -> &BTreeMap<&'static str, String> {
        &self.identities
    }

    /// URL of Lambda's Invoke API.
    #[must_use]
    pub fn lambda(&self) -> String {
        self.front.url()
    }

    /// Starts an event source mapping from a topic to `change-handler`, unless there is one.
    ///
    /// # Errors
    /// If its configuration is refused.
    pub fn map(&mut self, stack: &Stack, topic: &str, options: &MappingOptions) -> Result<()> {
        if self.mappings.contains_key(topic) {
            return Ok(());
        }
        let mut config = MappingConfig::new(topic, vec![stack.kafka()], stack.folder.join("mappings"));
        config.event_source_arn = CLUSTER_ARN.to_owned();
        config.starting_position = StartingPosition::TrimHorizon;
        config.batch_size = options.batch_size;
        config.batch_sizing = options.seed.map_or(BatchSizing::Fixed, |seed| BatchSizing::Random { seed });
        config.batching_window = options.window;
        config.mode = Mode::Provisioned { pollers: 1 };
        config.report_batch_item_failures = true;
        config.faults = options.faults.clone();
        let acknowledgements = Arc::clone(&self.acknowledgements);
        let mapped_at_ms = now_ms();
        config.on_acknowledged = Some(Arc::new(move |acknowledged: &[Acknowledgement]| {
            let mut by_topic = acknowledgements.lock().expect("no holder of this lock panics");
            for one in acknowledged {
                by_topic.entry(one.topic.to_string()).or_default().push(Acknowledged {
                    partition: one.partition,
                    offset: one.offset,
                    at_ms: one.acknowledged_at_ms,
                    mapped_at_ms,
                });
            }
        }));
        let handler: Arc<dyn Invoker> =
            Arc::new(self.functions.get("change-handler").context("change-handler is not deployed")?.clone());
        let mapping = Mapping::start(config, handler).with_context(|| format!("mapping topic {topic}"))?;
        self.mappings.insert(topic.to_owned(), mapping);
        Ok(())
    }

    /// The mappings by topic.
    #[must_use]
    pub fn mappings(&self) -> &BTreeMap<String, Mapping> {
        &self.mappings
    }

    /// What the mappings acknowledged so far.
    #[must_use]
    pub fn acknowledgements(&self) -> Acknowledgements {
        Arc::clone(&self.acknowledgements)
    }

    /// Starts the schedules of refresher and lag-monitor.
    pub fn schedule(&mut self, refresher: Duration, lag_monitor: Duration) {
        for (name, rate) in [("refresher", refresher), ("lag-monitor", lag_monitor)] {
            let Some(function) = self.functions.get(name) else { continue };
            self.schedules.push(Schedule::start(
                ScheduleConfig {
                    name: name.to_owned(),
                    rate,
                    input: b"{}".to_vec(),
                    first: FirstRun::AfterRate,
                    retry: RetryPolicy {
                        maximum_attempts: 2,
                        maximum_event_age: Duration::from_secs(300),
                        backoff: Duration::from_secs(1),
                    },
                },
                Arc::new(function.clone()),
            ));
        }
    }

    /// Stops mappings, schedules and function processes.
    pub async fn shutdown(self) {
        for schedule in self.schedules {
            schedule.stop().await;
        }
        for mapping in self.mappings.into_values() {
            mapping.stop().await;
        }
        self.alarm.abort();
        self.front.shutdown().await;
        for function in self.functions.values() {
            function.shutdown().await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the stack measures lags; the functions get their time as an argument")]
fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn postgres_source(options: &StackOptions) -> Result<PostgresSource> {
    match (&options.postgres_url, &options.postgres_bin) {
        (Some(_), Some(_)) => bail!("give a PostgreSQL URL or a folder with its programs, not both"),
        (Some(url), None) => Ok(PostgresSource::Url(url.clone())),
        (None, Some(folder)) => Ok(PostgresSource::Bin(folder.clone())),
        (None, None) => Ok(PostgresSource::Find),
    }
}

/// The access keys of the stack and whose they are.
struct StackIdentities {
    keys: Identities,
    roles: BTreeMap<&'static str, String>,
}

impl StackIdentities {
    fn database_user(&self, function: &str) -> String {
        format!("IAMR:{}", self.roles.get(function).map_or(function, String::as_str))
    }
}

/// Every function has its own IAM role, so that rights are tested. A pipeline file that names
/// no database user for a function leaves it the provisioner's role: without users the plan
/// grants nothing, and all functions have to be one user.
fn identities(pipeline: Option<&Pipeline>) -> StackIdentities {
    let declared = |user: Option<&String>| {
        user.and_then(|name| name.strip_prefix("IAMR:")).map_or_else(|| PROVISIONER_ROLE.to_owned(), str::to_owned)
    };
    let users = pipeline.map(Pipeline::users);
    let roles = BTreeMap::from([
        ("provisioner", PROVISIONER_ROLE.to_owned()),
        ("change-handler", declared(users.and_then(|users| users.change_handler.as_ref()))),
        ("refresher", declared(users.and_then(|users| users.refresher.as_ref()))),
        ("lag-monitor", declared(users.and_then(|users| users.lag_monitor.as_ref()))),
    ]);
    let mut keys: BTreeMap<String, Identity> =
        roles.iter().map(|(function, role)| (access_key(function), Identity::role(role))).collect();
    keys.insert(ADMINISTRATOR_KEY.to_owned(), Identity::role(ADMINISTRATOR_ROLE));
    StackIdentities { keys: Identities { keys, default: Some(Identity::role(ADMINISTRATOR_ROLE)) }, roles }
}

fn access_key(function: &str) -> String {
    let mut key = format!("LOCAL{}", function.to_uppercase().replace('-', ""));
    while key.len() < 20 {
        key.push('0');
    }
    key.truncate(20);
    key
}

fn credentials(function: &str) -> Credentials {
    Credentials { access_key_id: access_key(function), secret_access_key: SECRET.to_owned(), session_token: None }
}
