//! How a client makes itself known to the brokers.
//!
//! For IAM, MSK takes a signed URL as an OAUTHBEARER token (Amazon MSK Developer Guide, "IAM
//! access control"). The token is signed locally by aws-msk-iam-sasl-signer from the credentials
//! that the SDK has loaded, anew for every connection: signing costs microseconds and an old
//! token never meets a new connection.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_types::sdk_config::SharedCredentialsProvider;
use rskafka::client::{OauthBearerCredentials, SaslConfig};

use crate::error::KafkaError;

/// The ways to log in that Redshift streaming ingestion knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// No login, plaintext or TLS.
    None,
    /// SASL/OAUTHBEARER with an IAM token, over TLS.
    Iam,
    /// TLS with a client certificate. Redshift can; this client has no certificate to show, so
    /// only the brokers' list can be asked for.
    Mtls,
}

impl Login {
    /// The word of the pipeline file and of Redshift's `AUTHENTICATION`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Iam => "iam",
            Self::Mtls => "mtls",
        }
    }
}

/// Makes tokens for new connections and remembers why the last one could not be made, since the
/// Kafka client only passes on the text of the last of several failures.
#[derive(Clone)]
pub(crate) struct IamLogin {
    credentials: SharedCredentialsProvider,
    region: Region,
    last_failure: Arc<Mutex<Option<String>>>,
}

impl IamLogin {
    /// Fails if the SDK configuration has no region or no credentials provider.
    pub(crate) fn new(config: &SdkConfig) -> Result<Self, KafkaError> {
        let region = config.region().cloned().ok_or_else(|| KafkaError::Settings {
            reason: "the IAM login to Kafka needs a region; set AWS_REGION".to_owned(),
        })?;
        let credentials = config.credentials_provider().ok_or_else(|| KafkaError::Settings {
            reason: "the IAM login to Kafka needs AWS credentials; give the function a role".to_owned(),
        })?;
        Ok(Self { credentials, region, last_failure: Arc::default() })
    }

    /// For the Kafka client's builder.
    pub(crate) fn sasl(&self) -> SaslConfig {
        let login = self.clone();
        SaslConfig::Oauthbearer(OauthBearerCredentials {
            callback: Arc::new(move || {
                let login = login.clone();
                Box::pin(async move { login.token().await })
            }),
            authz_id: None,
            bearer_kvs: Vec::new(),
        })
    }

    async fn token(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let signed = aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider(
            self.region.clone(),
            self.credentials.clone(),
        )
        .await;
        let mut last_failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match signed {
            Ok((token, _expires_at_ms)) => {
                *last_failure = None;
                Ok(token)
            }
            Err(error) => {
                // The signer's messages name the provider that failed, never a credential.
                *last_failure = Some(error.to_string());
                Err(Box::new(error))
            }
        }
    }

    /// Why the newest token could not be made; None if it could.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
