//! A Lambda function on this machine: its configuration, its warm processes, its concurrency limit.
//!
//! One environment is one process with one invocation at a time. More concurrent invocations start more
//! processes up to the limit, beyond which callers are throttled; idle processes stay warm until shutdown (Lambda
//! may end them at any time). A process that dies or runs out of time is replaced by the next invocation.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::environment::{Environment, Ran};
use crate::invoker::{FunctionError, HostError, InvokeOutcome, Invoker, MAX_REQUEST_BYTES};
use crate::log::{LogCallback, LogSink, LogStream};
use crate::runtime_api::Invocation;

/// Variables that Lambda sets itself (Lambda Developer Guide, "Reserved environment variables").
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// What stands for a function's execution role: credentials by which the local services tell functions apart.
#[derive(Clone)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`; another one for each function.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`; Lambda always gives one, local services may not care.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A function's settings. Defaults are those of [`FunctionConfig::new`].
#[derive(Clone)]
pub struct FunctionConfig {
    /// Name, as in its ARN.
    pub name: String,
    /// The deployed binary (`bootstrap`).
    pub binary: PathBuf,
    /// Its execution role's credentials.
    pub credentials: Credentials,
    /// Its own variables. Names that Lambda reserves are refused; `AWS_LAMBDA_LOG_FORMAT` and
    /// `AWS_LAMBDA_LOG_LEVEL` stand for the function's logging configuration and are welcome.
    pub environment: BTreeMap<String, String>,
    /// Region; default `us-east-1`.
    pub region: String,
    /// Account in the ARN; default `123456789012`.
    pub account_id: String,
    /// What the process is told; nothing enforces it. Default 256.
    pub memory_mb: u32,
    /// An invocation that takes longer is killed with its process. Default 60 s.
    pub timeout: Duration,
    /// Time until the process must ask for its first event. Default 10 s, as in Lambda.
    pub init_timeout: Duration,
    /// Most processes at a time (reserved concurrency). Default 10.
    pub concurrency: usize,
    /// Working directory; default: the binary's folder.
    pub working_dir: Option<PathBuf>,
    /// File to which the function's log is appended.
    pub log_file: Option<PathBuf>,
    /// Called with every line of the function's log.
    pub on_log: Option<LogCallback>,
}

impl FunctionConfig {
    /// A configuration with the documented defaults.
    pub fn new(name: impl Into<String>, binary: impl Into<PathBuf>, credentials: Credentials) -> Self {
        Self {
            name: name.into(),
            binary: binary.into(),
            credentials,
            environment: BTreeMap::new(),
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            memory_mb: 256,
            timeout: Duration::from_secs(60),
            init_timeout: Duration::from_secs(10),
            concurrency: 10,
            working_dir: None,
            log_file: None,
            on_log: None,
        }
    }
}

/// A function. Clones are handles of the same function.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    config: FunctionConfig,
    sink: Arc<LogSink>,
    permits: Arc<Semaphore>,
    /// The most recently used environment is at the end and is used first.
    idle: Mutex<Vec<Environment>>,
    starts: AtomicU64,
    closed: AtomicBool,
}

impl Function {
    /// Checks the configuration and opens the log file; starts no process.
    pub fn new(mut config: FunctionConfig) -> Result<Self, HostError> {
        let invalid = |problem: String| HostError::InvalidConfig { function: config.name.clone(), problem };
        if config.name.is_empty() || config.name.contains(['/', ':']) {
            return Err(invalid("the name must not be empty or contain / or :".to_owned()));
        }
        if config.concurrency == 0 || config.concurrency > 10_000 {
            return Err(invalid("concurrency must be between 1 and 10000".to_owned()));
        }
        if let Some(name) = config.environment.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(invalid(format!("the variable {name} is reserved by Lambda; remove it from the environment")));
        }
        let binary = std::path::absolute(&config.binary)
            .ok()
            .filter(|path| path.is_file())
            .ok_or_else(|| invalid(format!("there is no binary {}; build it first", config.binary.display())))?;
        config.binary = binary;
        let sink = Arc::new(LogSink::open(&config)?);
        Ok(Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(config.concurrency)),
            sink,
            config,
            idle: Mutex::default(),
            starts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        })))
    }

    /// Invokes the function and waits for its answer.
    ///
    /// The invocation runs to its end even when the returned future is dropped, as it does in Lambda when a
    /// caller hangs up.
    pub async fn invoke(&self, payload: Vec<u8>) -> Result<InvokeOutcome, HostError> {
        self.spawn(payload, None).await
    }

    /// Like [`Function::invoke`], but kills the process `after` the event was handed to it, unless it has
    /// answered by then: the fault of a machine that vanishes during an invocation. Zero kills it in any case.
    pub async fn invoke_and_kill(&self, payload: Vec<u8>, after: Duration) -> Result<InvokeOutcome, HostError> {
        self.spawn(payload, Some(after)).await
    }

    /// Name of the function.
    pub fn name(&self) -> &str {
        &self.0.config.name
    }

    /// ARN of the function, without qualifier.
    pub fn arn(&self) -> String {
        let config = &self.0.config;
        format!("arn:aws:lambda:{}:{}:function:{}", config.region, config.account_id, config.name)
    }

    /// The settings.
    pub fn config(&self) -> &FunctionConfig {
        &self.0.config
    }

    /// Invocations in progress.
    pub fn running(&self) -> usize {
        self.0.config.concurrency.saturating_sub(self.0.permits.available_permits())
    }

    /// Warm processes without an invocation.
    pub fn idle(&self) -> usize {
        self.0.idle().len()
    }

    /// Processes started so far.
    pub fn starts(&self) -> u64 {
        self.0.starts.load(Ordering::Relaxed)
    }

    /// Refuses new invocations, ends the idle processes and waits for those at work, at most as long as an
    /// invocation may take. Processes at work end with their invocation.
    pub async fn shutdown(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.idle().clear();
        let all = u32::try_from(self.0.config.concurrency).unwrap_or(u32::MAX);
        let limit = self.0.config.timeout + self.0.config.init_timeout;
        let waited = tokio::time::timeout(limit, self.0.permits.acquire_many(all)).await;
        if waited.is_err() {
            tracing::warn!(function = self.name(), "an invocation outlived the shutdown");
        }
        self.0.idle().clear();
    }

    async fn spawn(&self, payload: Vec<u8>, kill_after: Option<Duration>) -> Result<InvokeOutcome, HostError> {
        let inner = Arc::clone(&self.0);
        let shut_down = || HostError::ShutDown { function: self.name().to_owned() };
        // The task ends early only when the runtime itself shuts down.
        tokio::spawn(async move { inner.run(payload, kill_after).await }).await.unwrap_or_else(|_| Err(shut_down()))
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, payload: Vec<u8>, kill_after: Option<Duration>) -> Result<InvokeOutcome, HostError> {
        let function = || self.config.name.clone();
        if payload.len() > MAX_REQUEST_BYTES {
            return Err(HostError::RequestTooLarge {
                function: function(),
                bytes: payload.len(),
                limit: MAX_REQUEST_BYTES,
            });
        }
        let Ok(_permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Err(HostError::Throttled { function: function(), limit: self.config.concurrency });
        };
        if self.closed.load(Ordering::SeqCst) {
            return Err(HostError::ShutDown { function: function() });
        }
        let invocation = self.invocation(payload);
        loop {
            let warm = self.idle().pop();
            let cold_start = warm.is_none();
            let mut environment = match warm {
                Some(environment) => environment,
                None => {
                    self.starts.fetch_add(1, Ordering::Relaxed);
                    Environment::start(&self.config, Arc::clone(&self.sink)).await?
                }
            };
            let ran = environment.run(invocation.clone(), self.config.init_timeout, kill_after).await;
            let (result, duration, reusable) = match ran {
                Ran::Answered { result, duration } => (result, duration, true),
                Ran::Failed { error, duration } => (Err(error), duration, false),
                Ran::NotDelivered if cold_start => (
                    Err(FunctionError::new("Runtime.Unknown", "the environment closed before it took the invocation")),
                    Duration::ZERO,
                    false,
                ),
                Ran::NotDelivered => continue,
            };
            let request_id = invocation.request_id;
            report(&environment, &request_id, duration, &result);
            let log_tail = environment.log().tail();
            if reusable && !self.closed.load(Ordering::SeqCst) {
                self.idle().push(environment);
            }
            return Ok(InvokeOutcome { request_id, duration, cold_start, result, log_tail });
        }
    }

    fn invocation(&self, payload: Vec<u8>) -> Invocation {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Invocation {
            request_id: uuid::Uuid::new_v4().to_string(),
            function_arn: format!(
                "arn:aws:lambda:{}:{}:function:{}",
                self.config.region, self.config.account_id, self.config.name
            ),
            trace_id: format!(
                "Root=1-{:08x}-{};Parent={};Sampled=0",
                crate::clock::now_ms() / 1_000,
                &random[..24],
                &random[16..]
            ),
            timeout: self.config.timeout,
            payload: payload.into(),
        }
    }
}

/// The END and REPORT lines with which Lambda closes an invocation in the log.
fn report(environment: &Environment, request_id: &str, duration: Duration, result: &Result<Vec<u8>, FunctionError>) {
    let log = environment.log();
    log.line(LogStream::Platform, &format!("END RequestId: {request_id}"));
    let mut line = format!("REPORT RequestId: {request_id}\tDuration: {:.2} ms", duration.as_secs_f64() * 1_000.0);
    if let Err(error) = result {
        line.push_str("\tStatus: error\tError Type: ");
        line.push_str(&error.error_type);
    }
    log.line(LogStream::Platform, &line);
}

#[async_trait]
impl Invoker for Function {
    async fn invoke(&self, payload: Vec<u8>) -> Result<InvokeOutcome, HostError> {
        Function::invoke(self, payload).await
    }

    async fn invoke_and_kill(&self, payload: Vec<u8>, after: Duration) -> Result<InvokeOutcome, HostError> {
        Function::invoke_and_kill(self, payload, after).await
    }
}
