//! The answer's way to CloudFormation: one PUT to a pre-signed URL, with an empty content type
//! because the signature covers it (AWS CloudFormation User Guide, "Custom resource response
//! objects"). The HTTP client is the one that the AWS SDK brings.

use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use redshift_data::Deadline;

/// Sends the answer.
#[async_trait]
pub trait Responder: Send + Sync {
    /// Puts `body` to `url`, with retries until the deadline. The error says what came back
    /// and never contains the URL, whose query is a credential.
    async fn put(&self, url: &str, body: &str, deadline: Deadline) -> Result<(), String>;
}

/// Over the network.
#[derive(Debug)]
pub struct HttpResponder {
    connector: SharedHttpConnector,
}

/// Between two attempts; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Attempts in all.
const ATTEMPTS: u32 = 5;

/// The longest that one attempt may take, so that a lost connection leaves time for another.
const ATTEMPT: Duration = Duration::from_secs(5);

impl Default for HttpResponder {
    fn default() -> Self {
        let settings = HttpConnectorSettings::builder().build();
        let connector = Connector::builder()
            .connector_settings(settings)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build();
        Self { connector: SharedHttpConnector::new(connector) }
    }
}

impl HttpResponder {
    async fn attempt(&self, url: &str, body: &str) -> Result<(), Attempt> {
        let unusable = |_| Attempt::Useless("the ResponseURL is not usable".to_owned());
        let mut request = Request::new(SdkBody::from(body));
        request.set_method("PUT").map_err(|_| Attempt::Useless("PUT is not usable".to_owned()))?;
        request.set_uri(url.to_owned()).map_err(unusable)?;
        request.headers_mut().insert("content-type", "");
        request.headers_mut().insert("content-length", body.len().to_string());
        match self.connector.call(request).await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                let status = response.status();
                let text = format!("the answer's receiver said HTTP status {}", status.as_u16());
                // A refused signature or an expired URL stays refused.
                Err(if status.is_client_error() { Attempt::Useless(text) } else { Attempt::Failed(text) })
            }
            Err(error) if error.is_timeout() => Err(Attempt::Failed("the connection timed out".to_owned())),
            Err(_) => Err(Attempt::Failed(
                "the answer's receiver was not reached; the function needs a way to Amazon S3 \
                 (a NAT gateway or a gateway endpoint)"
                    .to_owned(),
            )),
        }
    }
}

enum Attempt {
    /// Another attempt may help.
    Failed(String),
    /// It would not.
    Useless(String),
}

#[async_trait]
impl Responder for HttpResponder {
    async fn put(&self, url: &str, body: &str, deadline: Deadline) -> Result<(), String> {
        check(url)?;
        let mut pause = FIRST_PAUSE;
        let mut last = "there was no time for an attempt".to_owned();
        for _ in 0..ATTEMPTS {
            let limit = deadline.min(tokio::time::Instant::now() + ATTEMPT);
            match tokio::time::timeout_at(limit, self.attempt(url, body)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(Attempt::Useless(reason))) => return Err(reason),
                Ok(Err(Attempt::Failed(reason))) => last = reason,
                Err(_) => last = "the answer's receiver did not answer in time".to_owned(),
            }
            let now = tokio::time::Instant::now();
            if now + pause >= deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(last)
    }
}

/// The answer goes over TLS; plain HTTP is for a receiver on this machine.
fn check(url: &str) -> Result<(), String> {
    let local = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before an `@` would only look like the host.
        !authority.contains('@')
            && ["localhost", "127.0.0.1", "[::1]"]
                .iter()
                .any(|host| authority.strip_prefix(host).is_some_and(|port| port.is_empty() || port.starts_with(':')))
    };
    if url.starts_with("https://") || url.strip_prefix("http://").is_some_and(local) {
        Ok(())
    } else {
        Err("the ResponseURL is not HTTPS".to_owned())
    }
}

#[cfg(test)]
mod tests;
