//! How to reach a cluster, as the pipeline file and a function's settings say.

use cdc_core::pipeline::{Authentication, KafkaCluster, Pipeline};

use crate::brokers::BrokerSource;
use crate::error::KafkaError;
use crate::login::Login;

/// How to reach a cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the brokers are known from.
    pub source: BrokerSource,
    /// How to log in.
    pub login: Login,
    /// Certificates to trust besides the system's, as PEM text.
    pub ca_pem: Option<String>,
}

impl Options {
    /// The pipeline file's `kafka` section; `cluster_arn` (`MSK_CLUSTER_ARN`) goes before the
    /// section's brokers, with the section's authentication, or IAM if there is no section.
    pub fn of(pipeline: &Pipeline, cluster_arn: Option<&str>, ca_pem: Option<String>) -> Result<Self, KafkaError> {
        let section = pipeline.kafka();
        let login = section.map_or(Login::Iam, |section| match section.authentication {
            Authentication::None => Login::None,
            Authentication::Iam => Login::Iam,
            Authentication::Mtls => Login::Mtls,
        });
        let source = match (cluster_arn, section.map(|section| &section.cluster)) {
            (Some(arn), _) => BrokerSource::Cluster(arn.to_owned()),
            (None, Some(KafkaCluster::Msk { arn })) => BrokerSource::Cluster(arn.clone()),
            (None, Some(KafkaCluster::Brokers(brokers))) => BrokerSource::List(brokers.clone()),
            (None, None) => {
                return Err(KafkaError::Settings {
                    reason: format!(
                        "pipeline {} names no Kafka cluster; give kafka.cluster_arn or kafka.brokers in the \
                         pipeline file, or set MSK_CLUSTER_ARN",
                        pipeline.name()
                    ),
                });
            }
        };
        Ok(Self { source, login, ca_pem })
    }
}
