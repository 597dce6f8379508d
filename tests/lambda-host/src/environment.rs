//! One execution environment: one process of a function's binary and its Runtime API.
//!
//! It runs one invocation at a time. The process sees exactly the variables that Lambda and the function's
//! configuration give it, and `PATH`; nothing of the host's environment. Dropping an environment kills its
//! process.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::function::FunctionConfig;
use crate::http::Server;
use crate::invoker::{FunctionError, HostError};
use crate::log::{EnvironmentLog, LogSink, LogStream};
use crate::runtime_api::{self, Invocation, RuntimeEvent};

/// How long to read on after a process ended: a grandchild may hold the pipes open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// How an attempt to run an invocation in this environment ended.
pub(crate) enum Ran {
    /// The function answered; the environment can be used again.
    Answered { result: Result<Vec<u8>, FunctionError>, duration: Duration },
    /// The process failed, with the invocation in its hands or while starting. The environment is spent.
    Failed { error: FunctionError, duration: Duration },
    /// The warm process ended before it took the invocation: another environment may take it.
    NotDelivered,
}

pub(crate) struct Environment {
    invocations: mpsc::Sender<Invocation>,
    events: mpsc::UnboundedReceiver<RuntimeEvent>,
    kill: Option<oneshot::Sender<()>>,
    log: Arc<EnvironmentLog>,
    init_deadline: Instant,
    ready: bool,
    _server: Server,
}

impl Environment {
    /// Starts the process. It initialises on its own; [`Environment::run`] waits for that.
    pub(crate) async fn start(config: &FunctionConfig, sink: Arc<LogSink>) -> Result<Self, HostError> {
        let (events_in, events) = mpsc::unbounded_channel();
        let (server, invocations) = runtime_api::serve(events_in.clone()).await?;
        let log = Arc::new(EnvironmentLog::new(sink));
        let mut child = command(config, &server).spawn().map_err(|source| HostError::Spawn {
            function: config.name.clone(),
            binary: config.binary.clone(),
            source,
        })?;
        let readers = [
            child.stdout.take().map(|pipe| tokio::spawn(read_lines(pipe, LogStream::Stdout, Arc::clone(&log)))),
            child.stderr.take().map(|pipe| tokio::spawn(read_lines(pipe, LogStream::Stderr, Arc::clone(&log)))),
        ];
        let (kill, killed) = oneshot::channel();
        tokio::spawn(keep(child, readers, killed, events_in));
        Ok(Self {
            invocations,
            events,
            kill: Some(kill),
            log,
            init_deadline: Instant::now() + config.init_timeout,
            ready: false,
            _server: server,
        })
    }

    pub(crate) fn log(&self) -> &EnvironmentLog {
        &self.log
    }

    /// Runs one invocation. With `kill_after`, the process is killed that long after delivery.
    pub(crate) async fn run(
        &mut self,
        invocation: Invocation,
        init_timeout: Duration,
        kill_after: Option<Duration>,
    ) -> Ran {
        let warm = self.ready;
        self.log.begin(&invocation.request_id);
        if !warm && let Err(ran) = self.wait_until_ready(&invocation, init_timeout).await {
            return ran;
        }
        let request_id = invocation.request_id.clone();
        let limit = invocation.timeout;
        if self.invocations.send(invocation).await.is_err() {
            return Ran::NotDelivered;
        }
        match timeout(limit, self.wait_for_delivery(&request_id)).await {
            Ok(None) => {}
            Ok(Some(_)) if warm => return Ran::NotDelivered,
            Ok(Some(reason)) => return self.died(&request_id, reason, Duration::ZERO),
            Err(_) if warm => {
                self.kill_and_wait().await;
                return Ran::NotDelivered;
            }
            Err(_) => return self.timed_out(&request_id, limit, limit).await,
        }
        let delivered = Instant::now();
        if kill_after == Some(Duration::ZERO) {
            // Even an answer that is already on its way is lost.
            let reason = self.kill_and_wait().await;
            return self.died(&request_id, reason, delivered.elapsed());
        }
        let allowed = kill_after.map_or(limit, |after| after.min(limit));
        match timeout(allowed, self.wait_for_answer(&request_id)).await {
            Ok(Ok(result)) => Ran::Answered { result, duration: delivered.elapsed() },
            Ok(Err(reason)) => self.died(&request_id, reason, delivered.elapsed()),
            Err(_) if kill_after.is_some_and(|after| after < limit) => {
                let reason = self.kill_and_wait().await;
                self.died(&request_id, reason, delivered.elapsed())
            }
            Err(_) => self.timed_out(&request_id, limit, delivered.elapsed()).await,
        }
    }

    async fn wait_until_ready(&mut self, invocation: &Invocation, init_timeout: Duration) -> Result<(), Ran> {
        let mut reported = None;
        loop {
            match tokio::time::timeout_at(self.init_deadline, self.events.recv()).await {
                Ok(Some(RuntimeEvent::Ready)) => {
                    self.ready = true;
                    return Ok(());
                }
                Ok(Some(RuntimeEvent::InitFailed(error))) => reported = Some(error),
                Ok(Some(RuntimeEvent::Exited { reason })) => {
                    return Err(match reported {
                        Some(error) => self.failed(error, Duration::ZERO),
                        None => self.died(&invocation.request_id, reason, Duration::ZERO),
                    });
                }
                // Nothing can be delivered or answered before the process is ready.
                Ok(Some(_)) => {}
                Ok(None) => return Err(self.died(&invocation.request_id, None, Duration::ZERO)),
                Err(_) => {
                    self.kill_and_wait().await;
                    let error = reported.unwrap_or_else(|| {
                        FunctionError::new(
                            "Sandbox.Timedout",
                            format!(
                                "RequestId: {} Error: Initialization timed out after {:.2} seconds",
                                invocation.request_id,
                                init_timeout.as_secs_f64()
                            ),
                        )
                    });
                    return Err(self.failed(error, Duration::ZERO));
                }
            }
        }
    }

    /// `Some(reason)`: the process ended first.
    async fn wait_for_delivery(&mut self, id: &str) -> Option<Option<String>> {
        loop {
            match self.events.recv().await {
                Some(RuntimeEvent::Delivered { request_id }) if request_id == id => return None,
                Some(RuntimeEvent::Exited { reason }) => return Some(reason),
                Some(_) => {}
                None => return Some(None),
            }
        }
    }

    /// `Err(reason)`: the process ended without an answer.
    async fn wait_for_answer(&mut self, id: &str) -> Result<Result<Vec<u8>, FunctionError>, Option<String>> {
        loop {
            match self.events.recv().await {
                Some(RuntimeEvent::Answered { request_id, result }) if request_id == id => {
                    return Ok(result);
                }
                Some(RuntimeEvent::Exited { reason }) => return Err(reason),
                Some(_) => {}
                None => return Err(None),
            }
        }
    }

    /// Kills the process and waits for its end, so that all its output has been read.
    async fn kill_and_wait(&mut self) -> Option<String> {
        drop(self.kill.take());
        loop {
            match self.events.recv().await {
                Some(RuntimeEvent::Exited { reason }) => return reason,
                Some(_) => {}
                None => return None,
            }
        }
    }

    async fn timed_out(&mut self, request_id: &str, limit: Duration, duration: Duration) -> Ran {
        self.kill_and_wait().await;
        let message = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", limit.as_secs_f64());
        self.failed(FunctionError::new("Sandbox.Timedout", message), duration)
    }

    fn died(&self, request_id: &str, reason: Option<String>, duration: Duration) -> Ran {
        let what = match reason {
            Some(reason) => format!("Runtime exited with error: {reason}"),
            None => "Runtime exited without providing a reason".to_owned(),
        };
        let message = format!("RequestId: {request_id} Error: {what}");
        self.failed(FunctionError::new("Runtime.ExitError", message), duration)
    }

    fn failed(&self, mut error: FunctionError, duration: Duration) -> Ran {
        error.log_tail = self.log.stderr_tail();
        Ran::Failed { error, duration }
    }
}

/// The process, with the environment that Lambda documents ("Defined runtime environment variables").
fn command(config: &FunctionConfig, server: &Server) -> Command {
    let folder =
        config.working_dir.clone().or_else(|| config.binary.parent().map(Into::into)).unwrap_or_else(|| "/".into());
    let credentials = &config.credentials;
    let mut command = Command::new(&config.binary);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .env("LAMBDA_TASK_ROOT", &folder)
        .env("LAMBDA_RUNTIME_DIR", &folder)
        .env("_HANDLER", "bootstrap")
        .env("AWS_REGION", &config.region)
        .env("AWS_DEFAULT_REGION", &config.region)
        .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
        .env("AWS_LAMBDA_RUNTIME_API", server.address().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &config.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", config.memory_mb.to_string())
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", config.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{}", uuid::Uuid::new_v4().simple()))
        .envs(&config.environment)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(token) = &credentials.session_token {
        command.env("AWS_SESSION_TOKEN", token);
    }
    // An interrupt typed in the terminal is for the host alone: it ends the processes when they are idle.
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Waits for the process's end or for the order to kill it, reads its output to the end, reports the end.
async fn keep(
    mut child: Child,
    readers: [Option<JoinHandle<()>>; 2],
    killed: oneshot::Receiver<()>,
    events: mpsc::UnboundedSender<RuntimeEvent>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        // Both a signal and a dropped sender mean: kill.
        _ = killed => {
            if let Err(error) = child.start_kill() {
                tracing::debug!(%error, "the function's process had already ended");
            }
            child.wait().await
        }
    };
    for reader in readers.into_iter().flatten() {
        if timeout(OUTPUT_GRACE, reader).await.is_err() {
            tracing::debug!("the output of a function's process outlived it");
        }
    }
    events.send(RuntimeEvent::Exited { reason: exit_reason(status) }).ok();
}

/// The end of a process in the words of Lambda's error messages (those of Go's `os/exec`).
fn exit_reason(status: io::Result<ExitStatus>) -> Option<String> {
    let status = match status {
        Ok(status) => status,
        Err(error) => return Some(error.to_string()),
    };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => "illegal instruction",
            6 => "aborted",
            9 => "killed",
            11 => "segmentation fault",
            15 => "terminated",
            _ => return Some(format!("signal: signal {signal}")),
        };
        return Some(format!("signal: {name}"));
    }
    match status.code() {
        Some(0) => None,
        Some(code) => Some(format!("exit status {code}")),
        None => Some("unknown exit status".to_owned()),
    }
}

async fn read_lines(pipe: impl AsyncRead + Unpin, stream: LogStream, log: Arc<EnvironmentLog>) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        log.line(stream, &String::from_utf8_lossy(&line));
    }
}
