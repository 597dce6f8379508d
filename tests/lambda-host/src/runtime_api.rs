//! The Lambda Runtime API (version 2018-06-01) for one execution environment.
//!
//! Each environment has a listener of its own, as in Lambda, so that a request is known to come from that
//! environment's process. The API hands out one invocation at a time and reports what the process does as
//! [`RuntimeEvent`]s; it does not know processes, time limits or callers.
//!
//! Invariant: an invocation is delivered at most once, and at most one answer per invocation is reported.
//! Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::mpsc;

use crate::http::{Server, json as json_response};
use crate::invoker::{FunctionError, HostError, MAX_RESPONSE_BYTES};

/// What a posted body may have before reading it is given up. Above the response limit, so that a runtime that
/// posts too much reads an answer instead of a broken connection.
const READ_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// One event on its way to a process.
#[derive(Clone)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) function_arn: String,
    pub(crate) trace_id: String,
    /// The deadline header is this long after the moment of delivery.
    pub(crate) timeout: Duration,
    pub(crate) payload: Bytes,
}

/// What a process told the Runtime API, in order; `Exited` is added by the process's keeper and is the last.
#[derive(Debug)]
pub(crate) enum RuntimeEvent {
    /// The process asked for its first event: initialisation is over.
    Ready,
    /// The invocation was handed out.
    Delivered { request_id: String },
    /// The function answered.
    Answered { request_id: String, result: Result<Vec<u8>, FunctionError> },
    /// The runtime reported that its initialisation failed.
    InitFailed(FunctionError),
    /// The process ended, in Lambda's words: `exit status 1`, `signal: killed`; `None` is a regular exit.
    Exited { reason: Option<String> },
}

struct Api {
    waiting: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    progress: Mutex<Progress>,
    events: mpsc::UnboundedSender<RuntimeEvent>,
}

#[derive(Default)]
struct Progress {
    ready: bool,
    /// The invocation that was delivered and not answered.
    current: Option<String>,
}

impl Api {
    fn report(&self, event: RuntimeEvent) {
        // Nobody listens once the environment is being discarded; then nobody needs to know.
        self.events.send(event).ok();
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the current invocation if it is `request_id`.
    fn close(&self, request_id: &str) -> bool {
        let mut progress = self.progress();
        let is_current = progress.current.as_deref() == Some(request_id);
        if is_current {
            progress.current = None;
        }
        is_current
    }
}

/// Serves the Runtime API on a loopback port of its own. Invocations sent to the returned sender are delivered
/// in order; events go to `events`.
pub(crate) async fn serve(
    events: mpsc::UnboundedSender<RuntimeEvent>,
) -> Result<(Server, mpsc::Sender<Invocation>), HostError> {
    let (sender, waiting) = mpsc::channel(1);
    let api =
        Arc::new(Api { waiting: tokio::sync::Mutex::new(waiting), progress: Mutex::new(Progress::default()), events });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .fallback(unknown)
        .with_state(api);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start("lambda runtime api", address, router).await?;
    Ok((server, sender))
}

async fn next(State(api): State<Arc<Api>>) -> axum::response::Response {
    {
        let mut progress = api.progress();
        if progress.current.is_some() {
            return refuse(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                "the current invocation has no response yet",
            );
        }
        if !progress.ready {
            progress.ready = true;
            api.report(RuntimeEvent::Ready);
        }
    }
    let Some(invocation) = api.waiting.lock().await.recv().await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.ShuttingDown", "the environment is being shut down");
    };
    let timeout_ms = i64::try_from(invocation.timeout.as_millis()).unwrap_or(i64::MAX);
    let deadline_ms = crate::clock::now_ms().saturating_add(timeout_ms);
    api.progress().current = Some(invocation.request_id.clone());
    api.report(RuntimeEvent::Delivered { request_id: invocation.request_id.clone() });
    let built = Response::builder()
        .status(StatusCode::OK)
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &invocation.request_id)
        .header("Lambda-Runtime-Deadline-Ms", deadline_ms)
        .header("Lambda-Runtime-Invoked-Function-Arn", &invocation.function_arn)
        .header("Lambda-Runtime-Trace-Id", &invocation.trace_id)
        .body(Body::from(invocation.payload));
    match built {
        Ok(response) => response,
        Err(_) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Runtime.HostError",
            "a header of the invocation is not valid in HTTP",
        ),
    }
}

async fn response(State(api): State<Arc<Api>>, Path(request_id): Path<String>, body: Body) -> axum::response::Response {
    let Ok(bytes) = to_bytes(body, READ_LIMIT_BYTES).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            "the response could not be read to its end",
        );
    };
    if !api.close(&request_id) {
        return invalid_request_id();
    }
    if bytes.len() > MAX_RESPONSE_BYTES {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).");
        let refused = refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message);
        api.report(RuntimeEvent::Answered {
            request_id,
            result: Err(FunctionError::new("Function.ResponseSizeTooLarge", message)),
        });
        return refused;
    }
    api.report(RuntimeEvent::Answered { request_id, result: Ok(bytes.to_vec()) });
    accepted()
}

async fn error(
    State(api): State<Arc<Api>>,
    Path(request_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> axum::response::Response {
    let Ok(bytes) = to_bytes(body, MAX_RESPONSE_BYTES).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the error document is too large");
    };
    if !api.close(&request_id) {
        return invalid_request_id();
    }
    api.report(RuntimeEvent::Answered {
        request_id,
        result: Err(FunctionError::from_document(bytes.to_vec(), error_type(&headers))),
    });
    accepted()
}

async fn init_error(State(api): State<Arc<Api>>, headers: HeaderMap, body: Body) -> axum::response::Response {
    let Ok(bytes) = to_bytes(body, MAX_RESPONSE_BYTES).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the error document is too large");
    };
    if api.progress().ready {
        return refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", "initialisation is over");
    }
    api.report(RuntimeEvent::InitFailed(FunctionError::from_document(bytes.to_vec(), error_type(&headers))));
    accepted()
}

async fn unknown(method: axum::http::Method, uri: axum::http::Uri) -> axum::response::Response {
    refuse(StatusCode::NOT_FOUND, "NotFound", &format!("the local runtime api does not serve {method} {}", uri.path()))
}

fn error_type(headers: &HeaderMap) -> Option<&str> {
    headers.get("Lambda-Runtime-Function-Error-Type").and_then(|value| value.to_str().ok())
}

fn accepted() -> axum::response::Response {
    json_response(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn invalid_request_id() -> axum::response::Response {
    refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> axum::response::Response {
    json_response(status, &json!({"errorType": error_type, "errorMessage": message}))
}

#[cfg(test)]
#[path = "../tests/it/http_client.rs"]
mod http_client;

#[cfg(test)]
mod tests {
    use super::*;

    use super::http_client::{HttpClient, Response};

    struct Api {
        server: Server,
        invocations: mpsc::Sender<Invocation>,
        events: mpsc::UnboundedReceiver<RuntimeEvent>,
        client: HttpClient,
    }

    async fn api() -> Api {
        let (sender, events) = mpsc::unbounded_channel();
        let (server, invocations) = serve(sender).await.unwrap();
        Api { server, invocations, events, client: HttpClient::new() }
    }

    impl Api {
        fn url(&self, path: &str) -> String {
            format!("{}/2018-06-01/runtime/{path}", self.server.url())
        }

        async fn next(&self) -> Response {
            self.client.get(&self.url("invocation/next")).await
        }

        async fn post(&self, path: &str, body: &str) -> u16 {
            let header = Some(("Lambda-Runtime-Function-Error-Type", "Runtime.Header"));
            self.client.post(&self.url(path), header, body.to_owned()).await.status.as_u16()
        }

        async fn give(&self, request_id: &str) {
            let invocation = Invocation {
                request_id: request_id.to_owned(),
                function_arn: "arn:f".to_owned(),
                trace_id: "Root=1".to_owned(),
                timeout: Duration::from_secs(5),
                payload: Bytes::from_static(b"{\"a\":1}"),
            };
            assert!(self.invocations.send(invocation).await.is_ok());
        }

        async fn event(&mut self) -> RuntimeEvent {
            self.events.recv().await.unwrap()
        }
    }

    #[tokio::test]
    async fn an_invocation_has_the_documented_headers_and_is_answered_once() {
        let mut api = api().await;
        api.give("id-1").await;
        let before = crate::clock::now_ms();
        let next = api.next().await;
        assert_eq!(next.status, 200);
        let header = |name: &str| next.header(name).unwrap().to_owned();
        assert_eq!(header("Lambda-Runtime-Aws-Request-Id"), "id-1");
        assert_eq!(header("Lambda-Runtime-Invoked-Function-Arn"), "arn:f");
        assert_eq!(header("Lambda-Runtime-Trace-Id"), "Root=1");
        let deadline: i64 = header("Lambda-Runtime-Deadline-Ms").parse().unwrap();
        assert!((before + 5_000..=crate::clock::now_ms() + 5_000).contains(&deadline));
        assert_eq!(next.body, "{\"a\":1}");
        assert!(matches!(api.event().await, RuntimeEvent::Ready));
        assert!(matches!(api.event().await, RuntimeEvent::Delivered { request_id } if request_id == "id-1"));

        // Asking for more without an answer, answering another one, answering twice.
        assert_eq!(api.next().await.status, 403);
        assert_eq!(api.post("invocation/id-2/response", "x").await, 400);
        assert_eq!(api.post("invocation/id-1/response", "\"done\"").await, 202);
        assert_eq!(api.post("invocation/id-1/response", "\"again\"").await, 400);
        match api.event().await {
            RuntimeEvent::Answered { result, .. } => assert_eq!(result.unwrap(), b"\"done\""),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn errors_carry_the_document_and_the_header() {
        let mut api = api().await;
        assert_eq!(api.post("init/error", r#"{"errorMessage":"no"}"#).await, 202);
        match api.event().await {
            RuntimeEvent::InitFailed(error) => {
                assert_eq!((error.error_type.as_str(), error.message.as_str()), ("Runtime.Header", "no"));
            }
            other => panic!("{other:?}"),
        }
        api.give("id").await;
        assert_eq!(api.next().await.status, 200);
        let document = r#"{"errorType":"T","errorMessage":"m","stackTrace":["s"]}"#;
        assert_eq!(api.post("invocation/id/error", document).await, 202);
        assert_eq!(api.post("init/error", "{}").await, 403);
        assert!(matches!(api.event().await, RuntimeEvent::Ready));
        assert!(matches!(api.event().await, RuntimeEvent::Delivered { .. }));
        match api.event().await {
            RuntimeEvent::Answered { result, .. } => {
                let error = result.unwrap_err();
                assert_eq!((error.error_type.as_str(), error.stack.len()), ("T", 1));
            }
            other => panic!("{other:?}"),
        }
        let url = format!("{}/2020-01-01/extension/register", api.server.url());
        assert_eq!(api.client.post(&url, None, "").await.status, 404);
    }
}
