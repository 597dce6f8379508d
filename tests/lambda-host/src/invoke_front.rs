//! Lambda's Invoke API for the functions of the running stack, so that the AWS CLI and SDKs can call them.
//!
//! Serves Invoke (RequestResponse, Event, DryRun), ListFunctions and GetFunction; nothing else of Lambda's API.
//! Signatures are not checked. Source: AWS Lambda API Reference, `Invoke`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::function::Function;
use crate::http::{Server, aws_error, json as json_response};
use crate::invoker::{HostError, InvokeOutcome, MAX_REQUEST_BYTES};

/// Retries of an asynchronous invocation that failed (Lambda's default).
const EVENT_RETRIES: u32 = 2;
/// Pause before such a retry. Lambda waits one minute and then two; nobody wants to wait for that here.
const EVENT_PAUSE: Duration = Duration::from_secs(1);

type Functions = Arc<BTreeMap<String, Function>>;

/// The running server. Dropping it stops it.
pub struct InvokeFront {
    server: Server,
}

impl InvokeFront {
    /// Serves the given functions on `address`; port 0 lets the system choose.
    pub async fn start(address: SocketAddr, functions: Vec<Function>) -> Result<Self, HostError> {
        let functions: Functions =
            Arc::new(functions.into_iter().map(|function| (function.name().to_owned(), function)).collect());
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/2015-03-31/functions/{name}", get(describe))
            .route("/2015-03-31/functions", get(list))
            .route("/2015-03-31/functions/", get(list))
            .fallback(unknown)
            .with_state(functions);
        let server = Server::start("lambda invoke api", address, router).await?;
        Ok(Self { server })
    }

    /// The value for `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Stops it when the requests in progress are answered.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

/// A function by its name, `name:qualifier`, partial or full ARN.
fn find<'a>(functions: &'a Functions, name: &str) -> Option<&'a Function> {
    let parts: Vec<&str> = name.split(':').collect();
    let name = match parts.iter().position(|part| *part == "function") {
        Some(place) => parts.get(place + 1)?,
        None => parts.first()?,
    };
    functions.get(*name)
}

fn not_found(name: &str) -> Response {
    aws_error(
        StatusCode::NOT_FOUND,
        "ResourceNotFoundException",
        &json!({"Type": "User", "Message": format!("Function not found: {name}")}),
    )
}

async fn invoke(
    State(functions): State<Functions>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(function) = find(&functions, &name) else {
        return not_found(&name);
    };
    // One byte more than allowed tells a body that is too large from one that broke off.
    let payload = match to_bytes(body, MAX_REQUEST_BYTES + 1).await {
        Ok(payload) if payload.len() <= MAX_REQUEST_BYTES => payload.to_vec(),
        _ => return too_large(),
    };
    let payload = if payload.is_empty() { b"{}".to_vec() } else { payload };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        return aws_error(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &json!({"Type": "User", "Message": format!(
                "Could not parse request body into json: line {}, column {}",
                error.line(), error.column())}),
        );
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match header("x-amz-invocation-type").unwrap_or("RequestResponse") {
        "RequestResponse" => match function.invoke(payload).await {
            Ok(outcome) => answer(outcome, header("x-amz-log-type") == Some("Tail")),
            Err(error) => host_error(&error),
        },
        "Event" => {
            tokio::spawn(invoke_event(function.clone(), payload));
            StatusCode::ACCEPTED.into_response()
        }
        "DryRun" => StatusCode::NO_CONTENT.into_response(),
        other => aws_error(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            &json!({"Type": "User", "Message": format!(
                "invocation type {other} is not one of RequestResponse, Event, DryRun")}),
        ),
    }
}

/// An asynchronous invocation: retried after errors of the function, and until a throttled function has room.
async fn invoke_event(function: Function, payload: Vec<u8>) {
    let mut failures = 0;
    while failures <= EVENT_RETRIES {
        match function.invoke(payload.clone()).await {
            Ok(outcome) => match outcome.result {
                Ok(_) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(
                        function = function.name(),
                        error_type = error.error_type,
                        failures,
                        "an asynchronous invocation failed"
                    );
                }
            },
            Err(HostError::Throttled { .. }) => {}
            Err(error) => {
                tracing::warn!(function = function.name(), %error, "an asynchronous invocation was dropped");
                return;
            }
        }
        tokio::time::sleep(EVENT_PAUSE).await;
    }
}

fn answer(outcome: InvokeOutcome, with_log: bool) -> Response {
    let (payload, failed) = match outcome.result {
        Ok(payload) => (payload, false),
        Err(error) => (error.payload, true),
    };
    let mut response = (StatusCode::OK, payload).into_response();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if failed {
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    }
    if let Ok(id) = HeaderValue::from_str(&outcome.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if with_log {
        let log = base64::engine::general_purpose::STANDARD.encode(outcome.log_tail);
        if let Ok(log) = HeaderValue::from_str(&log) {
            headers.insert("x-amz-log-result", log);
        }
    }
    response
}

fn too_large() -> Response {
    aws_error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestTooLargeException",
        &json!({"Type": "User", "message": format!(
            "Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation")}),
    )
}

fn host_error(error: &HostError) -> Response {
    match error {
        HostError::Throttled { .. } => aws_error(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            &json!({"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                    "message": error.to_string()}),
        ),
        HostError::RequestTooLarge { .. } => too_large(),
        _ => aws_error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "ServiceException",
            &json!({"Type": "Service", "Message": error.to_string()}),
        ),
    }
}

fn configuration(function: &Function) -> Value {
    let config = function.config();
    json!({
        "FunctionName": config.name,
        "FunctionArn": function.arn(),
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "PackageType": "Zip",
        "Timeout": config.timeout.as_secs(),
        "MemorySize": config.memory_mb,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
    })
}

async fn describe(State(functions): State<Functions>, Path(name): Path<String>) -> Response {
    match find(&functions, &name) {
        None => not_found(&name),
        Some(function) => json_response(
            StatusCode::OK,
            &json!({"Configuration": configuration(function),
                    "Concurrency": {"ReservedConcurrentExecutions": function.config().concurrency}}),
        ),
    }
}

async fn list(State(functions): State<Functions>) -> Response {
    let all: Vec<Value> = functions.values().map(configuration).collect();
    json_response(StatusCode::OK, &json!({"Functions": all}))
}

async fn unknown(method: Method, uri: Uri) -> Response {
    aws_error(
        StatusCode::NOT_FOUND,
        "UnknownOperationException",
        &json!({"Type": "User", "Message": format!(
            "the local stack does not serve {method} {}; it has Invoke, ListFunctions and GetFunction", uri.path())}),
    )
}
