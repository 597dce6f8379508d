//! HTTP: the listener, and a request's way from bytes to an answer.
//!
//! The order of checks is the order in which AWS answers: route and operation, identity, throttling,
//! body, model, operation.
//!
//! Invariant: every answer carries `x-amzn-RequestId`; a dropped reply sends no byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::ApiError;
use crate::faults::{FaultKind, Faults, Rule, executes};
use crate::identity::authenticate;
use crate::model::Input;
use crate::options::{Operation, Options};
use crate::service::Service;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// A running server; dropping it ends it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    faults: Faults,
    stop: watch::Sender<bool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for `AWS_ENDPOINT_URL_REDSHIFT_DATA`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The fault rules, which `POST /__faults` sets too.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening, closes all connections, ends all statements and drops all engine sessions.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(accepting) = self.accepting.take()
            && accepting.await.is_err()
        {
            tracing::warn!("the Data API server ended with a panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// Serves the Data API on a listener until [`Server::shutdown`]. Must be called in a Tokio runtime.
///
/// # Errors
/// The listener has no local address.
pub fn serve(listener: TcpListener, engine: Arc<dyn Engine>, options: Options) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    let service = Arc::new(Service::new(engine, options));
    let faults = service.faults.clone();
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, service, stopped));
    Ok(Server { address, faults, stop, accepting: Some(accepting) })
}

async fn accept(listener: TcpListener, service: Arc<Service>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = ended(&mut stopped) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&service)));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to be closed.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    connections.shutdown().await;
    service.end().await;
}

/// Waits until the server is told to stop, or its handle is gone.
async fn ended(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await.is_ok();
}

async fn connection(stream: TcpStream, service: Arc<Service>) {
    // Answers are small and awaited: they must not wait for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request: Request<Incoming>| {
                let service = Arc::clone(&service);
                async move { respond(&service, request).await }
            }),
        )
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The reply is not sent, and the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the reply is dropped, as a fault rule asks")]
struct Dropped;

async fn respond(service: &Arc<Service>, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = Body::new(body);
    let path = parts.uri.path();
    let answer = match (&parts.method, path) {
        (&Method::POST, "/") => return api(service, &parts.headers, body).await,
        (&Method::GET, "/__health") => plain(StatusCode::OK, &json!({"status": "ok"})),
        (&Method::GET, "/__faults") => plain(StatusCode::OK, &json!(service.faults.rules())),
        (&Method::POST, "/__faults") => set_faults(service, body).await,
        _ => refusal(&ApiError::unknown_operation(404)),
    };
    Ok(answer)
}

async fn api(service: &Arc<Service>, headers: &HeaderMap, body: Body) -> Result<Response<Body>, Dropped> {
    match call(service, headers, body).await {
        Ok(Reply::Answer(answer)) => Ok(response(StatusCode::OK, &answer, None)),
        Ok(Reply::Drop) => Err(Dropped),
        Err(error) => Ok(refusal(&error)),
    }
}

enum Reply {
    Answer(Json),
    Drop,
}

async fn call(service: &Arc<Service>, headers: &HeaderMap, body: Body) -> Result<Reply, ApiError> {
    let operation = operation(headers)?;
    let caller = authenticate(headers, &service.options)?;
    service.buckets.take(operation, Instant::now())?;
    let body = to_bytes(body, service.options.limits.body_bytes)
        .await
        .map_err(|_| ApiError::common(413, "RequestEntityTooLargeException", "Request body is too large."))?;
    let input = Input::parse(operation, &body)?;
    let fault = service.faults.request(operation, &input.statements());
    let Some(fault) = fault else {
        return Ok(Reply::Answer(service.call(operation, &caller, &input).await?));
    };
    match fault.kind {
        FaultKind::Throttle => return Err(ApiError::throttled()),
        FaultKind::Refuse => {
            let text = fault.text.as_deref().unwrap_or("a fault rule asks for this error");
            let named = ApiError::named(fault.code.as_deref().unwrap_or_default(), text);
            return Err(named.unwrap_or_else(|| ApiError::internal(text)));
        }
        FaultKind::Fail => return Err(ApiError::internal(fault.text.unwrap_or_default())),
        FaultKind::Delay => {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or_default())).await;
        }
        FaultKind::ExpireSession => {
            if let Some(session) = input.text("SessionId") {
                service.close_session(session).await;
            }
        }
        FaultKind::DropReplyAfterExecution | FaultKind::Abort | FaultKind::LoseEvent => {}
    }
    let answer = service.call(operation, &caller, &input).await?;
    if fault.kind != FaultKind::DropReplyAfterExecution {
        return Ok(Reply::Answer(answer));
    }
    if executes(operation)
        && let Some(id) = answer.get("Id").and_then(Json::as_str)
        && let Some(statement) = service.store.find(id)
    {
        statement.ended().await;
    }
    Ok(Reply::Drop)
}

/// The operation of a request: `X-Amz-Target: RedshiftData.<Operation>` in AWS JSON 1.1.
fn operation(headers: &HeaderMap) -> Result<Operation, ApiError> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = header("content-type").split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case(CONTENT_TYPE) {
        return Err(ApiError::unknown_operation(404));
    }
    header("x-amz-target")
        .strip_prefix("RedshiftData.")
        .and_then(Operation::named)
        .ok_or_else(|| ApiError::unknown_operation(400))
}

async fn set_faults(service: &Service, body: Body) -> Response<Body> {
    let refuse = |reason: String| plain(StatusCode::BAD_REQUEST, &json!({"error": reason}));
    let Ok(body) = to_bytes(body, 1 << 20).await else {
        return refuse("the list of fault rules is larger than 1 MB".to_owned());
    };
    match serde_json::from_slice::<Vec<Rule>>(&body) {
        Err(error) => refuse(format!("the body is not a JSON list of fault rules: {error}")),
        Ok(rules) => match service.faults.set(rules) {
            Err(error) => refuse(error.to_string()),
            Ok(()) => plain(StatusCode::OK, &json!(service.faults.rules())),
        },
    }
}

fn refusal(error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, &error.body(), Some(error.code))
}

fn response(status: StatusCode, body: &Json, error: Option<&str>) -> Response<Body> {
    let mut builder = Response::builder()
        .status(status)
        .header("content-type", CONTENT_TYPE)
        .header("x-amzn-requestid", Uuid::new_v4().to_string());
    if let Some(error) = error {
        builder = builder.header("x-amzn-errortype", error);
    }
    builder.body(Body::from(body.to_string())).expect("a status and constant headers make a response")
}

fn plain(status: StatusCode, body: &Json) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a status and a constant header make a response")
}
