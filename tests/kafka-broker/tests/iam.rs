//! The login of MSK over TLS: tokens of the official signer, by rskafka and by hand.

mod common;

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::region::Region;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use common::{broker, impatient, partition, produce, read_all, record};
use futures::FutureExt as _;
use kafka_broker::{Broker, Options};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    MetadataRequest, MetadataResponse, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, Request, StrBytes};
use rskafka::client::{Client, ClientBuilder, OauthBearerCredentials, SaslConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn token(region: &'static str) -> String {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider(
        Region::from_static(region),
        SharedCredentialsProvider::new(credentials),
    )
    .await
    .unwrap()
    .0
}

fn trust(broker: &Broker) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(broker.ca_pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    client_config(roots)
}

fn client_config(roots: rustls::RootCertStore) -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

async fn connect(broker: &Broker, tls: Arc<rustls::ClientConfig>, token: String) -> Result<Client, String> {
    let credentials = OauthBearerCredentials {
        callback: Arc::new(move || {
            let token = token.clone();
            async move { Ok(token) }.boxed()
        }),
        authz_id: None,
        bearer_kvs: Vec::new(),
    };
    ClientBuilder::new(vec![broker.iam_address().unwrap()])
        .backoff_config(impatient())
        .tls_config(tls)
        .sasl_config(SaslConfig::Oauthbearer(credentials))
        .build()
        .await
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_signed_token_opens_the_broker() {
    let broker = broker(Options { region: "eu-central-1".to_owned(), ..Options::default() }).await;
    broker.create_topic("orders", 1).unwrap();
    let token = token("eu-central-1").await;
    let client = connect(&broker, trust(&broker), token).await.unwrap();
    let orders = partition(&client, "orders", 0).await;
    produce(&orders, vec![record(Some("k"), Some("v"), 1)]).await;
    assert_eq!(read_all(&orders, 0).await.len(), 1);
}

/// A connection that speaks the login by hand.
struct Raw(tokio_rustls::client::TlsStream<tokio::net::TcpStream>);

impl Raw {
    async fn connect(broker: &Broker) -> Self {
        let address = broker.iam_address().unwrap();
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let stream = tokio_rustls::TlsConnector::from(trust(broker)).connect(name, stream).await.unwrap();
        Self(stream)
    }

    /// `None`: the broker hung up.
    async fn ask<R: Request>(&mut self, request: &R, version: i16) -> Option<R::Response> {
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .encode(&mut frame, R::header_version(version))
            .unwrap();
        request.encode(&mut frame, version).unwrap();
        let size = i32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&size.to_be_bytes());
        self.0.write_all(&frame).await.ok()?;
        let size = self.0.read_i32().await.ok()?;
        let mut answer = vec![0; usize::try_from(size).unwrap()];
        self.0.read_exact(&mut answer).await.unwrap();
        let mut answer = Bytes::from(answer);
        ResponseHeader::decode(&mut answer, R::Response::header_version(version)).unwrap();
        Some(R::Response::decode(&mut answer, version).unwrap())
    }

    async fn login(&mut self, token: &str) -> SaslAuthenticateResponse {
        let mechanism = StrBytes::from_static_str("OAUTHBEARER");
        let chosen = self.ask(&SaslHandshakeRequest::default().with_mechanism(mechanism), 1).await.unwrap();
        assert_eq!(chosen.error_code, 0);
        let message = Bytes::from(format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}"));
        self.ask(&SaslAuthenticateRequest::default().with_auth_bytes(message), 2).await.unwrap()
    }

    async fn metadata(&mut self) -> Option<MetadataResponse> {
        self.ask(&MetadataRequest::default(), 9).await
    }
}

#[tokio::test]
async fn wrong_tokens_are_refused_with_a_reason() {
    let broker = broker(Options::default()).await;
    let sound = token("us-east-1").await;
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(sound).unwrap()).unwrap();
    let date = url.split("X-Amz-Date=").nth(1).unwrap().split('&').next().unwrap();
    let old = url.replace(date, "20200101T000000Z").replace(&date[..8], "20200101");
    let cases = [
        (token("eu-central-1").await, "region us-east-1"),
        ("secret".to_owned(), "base64url"),
        (URL_SAFE_NO_PAD.encode(old), "expired"),
        (URL_SAFE_NO_PAD.encode(url.replace("Connect", "ReadData")), "Action"),
    ];
    for (token, reason) in cases {
        let mut raw = Raw::connect(&broker).await;
        let refused = raw.login(&token).await;
        assert_eq!(refused.error_code, ResponseError::SaslAuthenticationFailed.code());
        let message = refused.error_message.unwrap();
        assert!(message.starts_with("access denied") && message.contains(reason), "{message}");
        assert!(!message.contains("secret"), "{message}");
        assert!(raw.metadata().await.is_none(), "the connection is closed");
        let error = connect(&broker, trust(&broker), token).await.unwrap_err();
        assert!(error.contains("SaslAuthenticationFailed"), "{error}");
    }
}

#[tokio::test]
async fn a_session_is_renewed_on_its_connection() {
    let broker = broker(Options { max_session: Duration::from_millis(200), ..Options::default() }).await;
    let token = token("us-east-1").await;
    let mut raw = Raw::connect(&broker).await;
    // Long after the first session ended, the connection still works.
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(600) {
        let session = raw.login(&token).await;
        assert_eq!((session.error_code, session.session_lifetime_ms), (0, 200));
        assert_eq!(raw.metadata().await.unwrap().brokers.len(), 1);
    }
    // Without a new login it is closed at the first request after the end.
    tokio::time::timeout(common::PATIENCE, async { while raw.metadata().await.is_some() {} }).await.unwrap();
}

#[tokio::test]
async fn the_login_has_an_order() {
    let broker = broker(Options::default()).await;
    let mut raw = Raw::connect(&broker).await;
    let early = raw.ask(&SaslAuthenticateRequest::default(), 2).await.unwrap();
    assert_eq!(early.error_code, ResponseError::IllegalSaslState.code());
    let mut raw = Raw::connect(&broker).await;
    let plain = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
    let refused = raw.ask(&plain, 1).await.unwrap();
    assert_eq!(refused.error_code, ResponseError::UnsupportedSaslMechanism.code());
    assert_eq!(refused.mechanisms, [StrBytes::from_static_str("OAUTHBEARER")]);
    assert!(Raw::connect(&broker).await.metadata().await.is_none(), "nothing before the login");
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_no_connection() {
    let broker = broker(Options::default()).await;
    let untrusting = client_config(rustls::RootCertStore::empty());
    let error = connect(&broker, untrusting, token("us-east-1").await).await.unwrap_err();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn nothing_is_served_without_a_login_or_without_tls() {
    let broker = broker(Options::default()).await;
    for tls in [Some(trust(&broker)), None] {
        let mut builder = ClientBuilder::new(vec![broker.iam_address().unwrap()]).backoff_config(impatient());
        if let Some(tls) = tls {
            builder = builder.tls_config(tls);
        }
        let built = builder.build().await;
        let listed = match built {
            Ok(client) => client.list_topics().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(listed.is_err());
    }
}

#[tokio::test]
async fn an_ended_session_closes_the_connection() {
    let broker = broker(Options { max_session: Duration::ZERO, ..Options::default() }).await;
    let client = connect(&broker, trust(&broker), token("us-east-1").await).await;
    let listed = match client {
        Ok(client) => client.list_topics().await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    assert!(listed.is_err(), "the session was over before the first request");
}
