//! A served endpoint over the scripted engine, an SDK client for it, and raw HTTP.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::config::timeout::TimeoutConfig;
use aws_sdk_redshiftdata::config::{BehaviorVersion, Region};
use redshift_data_api::{Identity, Options, Server, serve};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::Fake;

/// Longer than anything in these tests takes; a test that reaches it has failed.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) engine: Fake,
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(Fake::default(), Options::default()).await
    }

    pub(crate) async fn with_options(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::default();
        change(&mut options);
        Self::with(Fake::default(), options).await
    }

    pub(crate) async fn with(engine: Fake, mut options: Options) -> Self {
        for (key, role) in [("AKIDALICE", "alice"), ("AKIDBOB", "bob")] {
            let identity = Identity::role(role);
            options.identities.keys.insert(key.to_owned(), identity);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = serve(listener, Arc::new(engine.clone()), options).unwrap();
        let client = client(&server, "AKIDALICE", 1);
        Self { engine, server, client }
    }

    pub(crate) fn client_of(&self, access_key_id: &str) -> Client {
        client(&self.server, access_key_id, 1)
    }

    /// A client that retries as the SDK does by default.
    pub(crate) fn retrying_client(&self) -> Client {
        client(&self.server, "AKIDALICE", 3)
    }

    /// Waits until the engine has noted something.
    pub(crate) async fn noted(&self, text: &str) {
        tokio::time::timeout(LONG, async {
            while !self.engine.log().iter().any(|line| line == text) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{text} not in {:?}", self.engine.log()));
    }

    /// Sends an operation with a body as it is, signed by `AKIDALICE`.
    pub(crate) async fn raw(&self, operation: &str, body: &str) -> Answer {
        let headers = format!("{}{AUTHORIZATION}", target(operation));
        self.http("POST", "/", &headers, body).await
    }

    pub(crate) async fn http(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        tokio::time::timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        Answer::parse(&text)
    }
}

pub(crate) const AUTHORIZATION: &str = "x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDALICE/20260101/us-east-1/redshift-data/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n";

pub(crate) fn target(operation: &str) -> String {
    format!("content-type: application/x-amz-json-1.1\r\nx-amz-target: RedshiftData.{operation}\r\n")
}

#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if the connection was closed without an answer.
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Json,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).unwrap_or("0");
        Self {
            status: status.parse().unwrap(),
            headers: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or(Json::Null),
        }
    }

    /// `code: message` of an error.
    pub(crate) fn error(&self) -> String {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        let message = format!("{}{}", text("Message"), text("message"));
        format!("{}: {message}", text("__type"))
    }
}

fn client(server: &Server, access_key_id: &str, attempts: u32) -> Client {
    let timeouts = TimeoutConfig::builder().operation_timeout(LONG).build();
    let config = aws_sdk_redshiftdata::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server.endpoint())
        .credentials_provider(Credentials::new(access_key_id, "secret", None, None, "test"))
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}
