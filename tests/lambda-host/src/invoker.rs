//! The port between whoever calls a function (mappings, schedules, the Invoke API) and whatever runs it.
//!
//! Two things can go wrong and stay apart: the function failed ([`FunctionError`], inside an
//! [`InvokeOutcome`]; its handler may have done part of its work), or the host never handed the event to a
//! handler ([`HostError`]; nothing was done).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

/// Largest request of a synchronous invocation, in bytes: 6 MB, as the Invoke API's error message states it.
pub const MAX_REQUEST_BYTES: usize = 6 * 1024 * 1024;

/// Largest response, in bytes. Lambda grants a response 100 bytes more than a request.
pub const MAX_RESPONSE_BYTES: usize = MAX_REQUEST_BYTES + 100;

/// What came of an invocation that reached the function.
#[derive(Clone, Debug)]
pub struct InvokeOutcome {
    /// The request id that the function saw, a UUID.
    pub request_id: String,
    /// From handing the event to the process until its answer (or its end), without process start.
    pub duration: Duration,
    /// Whether a process was started for this invocation.
    pub cold_start: bool,
    /// The function's response body, or its error.
    pub result: Result<Vec<u8>, FunctionError>,
    /// What the process wrote during the invocation, at most the last 4 KB. Lines written just before the
    /// answer may be missing: the two travel on different pipes.
    pub log_tail: String,
}

/// An error of the function: returned by its handler, or stated by Lambda about its process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// `errorType` of the error document; `Unhandled` when the function gave none.
    pub error_type: String,
    /// `errorMessage` of the error document.
    pub message: String,
    /// `stackTrace` of the error document; empty when there is none.
    pub stack: Vec<String>,
    /// The error document as the caller of Invoke receives it.
    pub payload: Vec<u8>,
    /// The last lines of the process's standard error; only when it died, timed out or failed to start.
    pub log_tail: Vec<String>,
}

impl FunctionError {
    /// An error that Lambda itself states.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        let (error_type, message) = (error_type.into(), message.into());
        let payload = json!({"errorType": error_type, "errorMessage": message}).to_string().into_bytes();
        Self { error_type, message, stack: Vec::new(), payload, log_tail: Vec::new() }
    }

    /// Reads the document that a runtime posted. Lambda passes any document on, so none is refused: members
    /// that are missing or of another type read as empty.
    pub fn from_document(document: Vec<u8>, header_error_type: Option<&str>) -> Self {
        let value: serde_json::Value = serde_json::from_slice(&document).unwrap_or_default();
        let text = |name: &str| value.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        let stack = value
            .get("stackTrace")
            .and_then(|v| v.as_array())
            .map(|lines| lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        Self {
            error_type: text("errorType")
                .or_else(|| header_error_type.map(str::to_owned))
                .unwrap_or_else(|| "Unhandled".to_owned()),
            message: text("errorMessage").unwrap_or_default(),
            stack,
            payload: document,
            log_tail: Vec::new(),
        }
    }
}

/// The host could not hand an event to a function.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The configuration cannot work.
    #[error("function {function}: {problem}")]
    InvalidConfig {
        /// Name of the function.
        function: String,
        /// What to change.
        problem: String,
    },
    /// The binary could not be started.
    #[error("function {function}: cannot start {}; build the binary or correct its path", binary.display())]
    Spawn {
        /// Name of the function.
        function: String,
        /// The binary.
        binary: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The log file could not be opened.
    #[error("function {function}: cannot append to the log file {}", path.display())]
    LogFile {
        /// Name of the function.
        function: String,
        /// The log file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// As many processes as the function may have are busy. Callers retry, as they do after Lambda's
    /// `TooManyRequestsException`.
    #[error("function {function}: all {limit} concurrent executions are in use; try again later")]
    Throttled {
        /// Name of the function.
        function: String,
        /// Its concurrency limit.
        limit: usize,
    },
    /// The payload is over [`MAX_REQUEST_BYTES`].
    #[error("function {function}: the request has {bytes} bytes and must be smaller than {limit} bytes")]
    RequestTooLarge {
        /// Name of the function.
        function: String,
        /// Size of the payload.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The function was shut down.
    #[error("function {function}: the host is shutting it down")]
    ShutDown {
        /// Name of the function.
        function: String,
    },
    /// A listener could not be opened.
    #[error("{what}: cannot listen on {address}; free the port or choose another")]
    Bind {
        /// Which server.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// Something that can be invoked with an event.
///
/// Implementations must be callable concurrently and answer [`HostError::Throttled`] rather than wait when
/// they cannot take another event.
#[async_trait]
pub trait Invoker: Send + Sync {
    /// Hands `payload` to the function and waits for its answer.
    async fn invoke(&self, payload: Vec<u8>) -> Result<InvokeOutcome, HostError>;

    /// Like [`Invoker::invoke`], but the process dies `after` the event was handed to it, unless it answered
    /// sooner. Invokers without processes run the invocation to its end and lose the answer, which is one of
    /// the two things that a death during an invocation can mean.
    async fn invoke_and_kill(&self, payload: Vec<u8>, _after: Duration) -> Result<InvokeOutcome, HostError> {
        let mut outcome = self.invoke(payload).await?;
        outcome.result = Err(FunctionError::new(
            "Runtime.ExitError",
            format!("RequestId: {} Error: Runtime exited with error: signal: killed", outcome.request_id),
        ));
        Ok(outcome)
    }
}

struct InProcess<F>(F);

#[async_trait]
impl<F, Fut> Invoker for InProcess<F>
where
    F: Fn(Vec<u8>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Vec<u8>, FunctionError>> + Send,
{
    async fn invoke(&self, payload: Vec<u8>) -> Result<InvokeOutcome, HostError> {
        let started = tokio::time::Instant::now();
        let result = (self.0)(payload).await;
        Ok(InvokeOutcome {
            request_id: uuid::Uuid::new_v4().to_string(),
            duration: started.elapsed(),
            cold_start: false,
            result,
            log_tail: String::new(),
        })
    }
}

/// An invoker that runs a closure in this process, for tests of what calls functions.
pub fn invoker_fn<F, Fut>(function: F) -> Arc<dyn Invoker>
where
    F: Fn(Vec<u8>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<u8>, FunctionError>> + Send + 'static,
{
    Arc::new(InProcess(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_documents_of_any_shape_are_read() {
        let cases: [(&str, Option<&str>, &str, &str, usize); 5] = [
            (r#"{"errorType":"A","errorMessage":"m","stackTrace":["x","y"]}"#, None, "A", "m", 2),
            (r#"{"errorMessage":"m"}"#, Some("Runtime.X"), "Runtime.X", "m", 0),
            (r#"{"errorType":1,"stackTrace":"x"}"#, None, "Unhandled", "", 0),
            ("not json", None, "Unhandled", "", 0),
            ("", Some("Runtime.X"), "Runtime.X", "", 0),
        ];
        for (document, header, error_type, message, stack) in cases {
            let error = FunctionError::from_document(document.into(), header);
            assert_eq!(error.error_type, error_type, "{document}");
            assert_eq!(error.message, message, "{document}");
            assert_eq!(error.stack.len(), stack, "{document}");
            assert_eq!(error.payload, document.as_bytes());
        }
    }
}
