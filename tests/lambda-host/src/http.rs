//! One HTTP server on a loopback port, and the small pieces that the host's three HTTP APIs share.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::HostError;

/// A running server. Dropping it stops it at once; [`Server::shutdown`] lets requests in progress finish.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` on `address`; port 0 lets the system choose.
    pub(crate) async fn start(what: &'static str, address: SocketAddr, router: Router) -> Result<Self, HostError> {
        let bind = |source| HostError::Bind { what, address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(async move {
                    // A dropped sender means the same as a sent signal.
                    stopped.await.ok();
                })
                .await;
            if let Err(error) = served {
                tracing::warn!(what, %error, "an HTTP server of the host ended");
            }
        });
        Ok(Self { address, stop: Some(stop), task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:41234`. A server on all interfaces is named by its loopback address.
    pub(crate) fn url(&self) -> String {
        if self.address.ip().is_unspecified() {
            format!("http://127.0.0.1:{}", self.address.port())
        } else {
            format!("http://{}", self.address)
        }
    }

    pub(crate) async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Err(error) = (&mut self.task).await
            && !error.is_cancelled()
        {
            tracing::warn!(%error, "an HTTP server of the host panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// An error as AWS's REST JSON services answer it: the type in a header, the members in the body.
pub(crate) fn aws_error(status: StatusCode, error_type: &'static str, body: &serde_json::Value) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(error_type));
    response
}
