//! A plain HTTP client of the tests, here and in the unit tests of the runtime API.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct HttpClient(Client<HttpConnector, Body>);

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn get(&self, url: &str) -> Response {
        self.send(Request::get(url).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, url: &str, header: Option<(&str, &str)>, body: impl Into<Body>) -> Response {
        let mut request = Request::post(url);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Response {
        let (head, body) = self.0.request(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.unwrap();
        Response { status: head.status, headers: head.headers, body }
    }
}
