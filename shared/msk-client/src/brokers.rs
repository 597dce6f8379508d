//! Which brokers to connect to: the file's own list, or what MSK's control plane answers for a
//! cluster.
//!
//! Source: Amazon MSK API Reference, GetBootstrapBrokers, and the Developer Guide's port table
//! (9092 plaintext, 9094 TLS, 9098 SASL/IAM). Public and multi-VPC lists are left alone: the
//! functions run in the cluster's VPC, and Redshift cannot use multi-VPC connectivity either
//! (Redshift Database Developer Guide, "Getting started with streaming ingestion from Apache
//! Kafka sources").

use aws_config::SdkConfig;
use aws_sdk_kafka::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kafka::operation::get_bootstrap_brokers::GetBootstrapBrokersOutput;
use cdc_core::error::ErrorKind;

use crate::cluster::Deadline;
use crate::error::KafkaError;
use crate::login::Login;

/// Where the list of brokers comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerSource {
    /// An MSK cluster, by ARN; its control plane is asked.
    Cluster(String),
    /// `host:port` each, as the pipeline file lists them.
    List(Vec<String>),
}

/// Whether the connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As it is.
    Plaintext,
    /// TLS.
    Tls,
}

/// Bootstrap brokers and how to talk to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brokers {
    /// `host:port` each: the file's list in its order, MSK's sorted. Never empty.
    pub addresses: Vec<String>,
    /// Encryption.
    pub transport: Transport,
}

impl Brokers {
    /// The brokers of a list. IAM and mutual TLS are always encrypted. Without a login, a list
    /// that names only MSK's TLS ports (9094, public 9194) is taken as encrypted, and so is any
    /// list when `trusts_extra` says that a certificate to trust was given.
    pub fn of_list(addresses: &[String], login: Login, trusts_extra: bool) -> Result<Self, KafkaError> {
        if addresses.is_empty() {
            return Err(KafkaError::Settings {
                reason: "no Kafka brokers are known; give kafka.brokers or kafka.cluster_arn in the \
                         pipeline file, or MSK_CLUSTER_ARN in the environment"
                    .to_owned(),
            });
        }
        if let Some(wrong) = addresses.iter().find(|address| !is_host_and_port(address)) {
            return Err(KafkaError::Settings {
                reason: format!("{wrong:?} in kafka.brokers is not host:port; write it like b-1.example.com:9098"),
            });
        }
        let tls_port = |address: &String| address.ends_with(":9094") || address.ends_with(":9194");
        let encrypted = match login {
            Login::Iam | Login::Mtls => true,
            Login::None => trusts_extra || addresses.iter().all(tls_port),
        };
        Ok(Self {
            addresses: addresses.to_vec(),
            transport: if encrypted { Transport::Tls } else { Transport::Plaintext },
        })
    }

    /// Comma separated, as Kafka clients and Redshift's `URI` take them.
    #[must_use]
    pub fn uri(&self) -> String {
        self.addresses.join(",")
    }
}

fn is_host_and_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// Asks MSK for the bootstrap brokers of a cluster and takes the list that fits the login.
/// Without a login, plaintext is taken if the cluster has it, else TLS.
pub async fn bootstrap(
    config: &SdkConfig,
    cluster: &str,
    login: Login,
    deadline: Deadline,
) -> Result<Brokers, KafkaError> {
    let client = aws_sdk_kafka::Client::new(config);
    let request = client.get_bootstrap_brokers().cluster_arn(cluster).send();
    let answer = match tokio::time::timeout_at(deadline, request).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(control_plane_error(cluster, error)),
        Err(_) => {
            return Err(KafkaError::ControlPlane {
                cluster: cluster.to_owned(),
                code: "no answer before the deadline".to_owned(),
                next_step: UNREACHABLE_CONTROL_PLANE,
                kind: ErrorKind::Transient,
                source: None,
            });
        }
    };
    choose(cluster, &answer, login)
}

const UNREACHABLE_CONTROL_PLANE: &str =
    "check that the function's subnets have a NAT gateway or a VPC endpoint for kafka";

fn control_plane_error<E>(cluster: &str, error: SdkError<E>) -> KafkaError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let unanswered =
        matches!(error, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_));
    let code = match error.code() {
        Some(code) => code.to_owned(),
        None if unanswered => "the request was not answered".to_owned(),
        None => "unknown error".to_owned(),
    };
    let (kind, next_step) = classify(&code, unanswered);
    KafkaError::ControlPlane { cluster: cluster.to_owned(), code, next_step, kind, source: Some(Box::new(error)) }
}

/// Error codes of the MSK API (API Reference, "Error codes" of GetBootstrapBrokers, and the
/// common ones) by what has to be done.
fn classify(code: &str, unanswered: bool) -> (ErrorKind, &'static str) {
    match code {
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" => {
            (ErrorKind::Throttled, "it is retried; lower the schedule's rate if it lasts")
        }
        "InternalServerErrorException" | "ServiceUnavailableException" => {
            (ErrorKind::Transient, "it is retried; see the AWS Health Dashboard if it lasts")
        }
        "ForbiddenException" | "UnauthorizedException" | "AccessDeniedException" => {
            (ErrorKind::Misconfigured, "grant the function's role kafka:GetBootstrapBrokers on this cluster")
        }
        "NotFoundException" | "BadRequestException" => {
            (ErrorKind::Misconfigured, "compare the ARN with the cluster's, and AWS_REGION with the ARN's region")
        }
        "ConflictException" => (ErrorKind::Transient, "the cluster is being created or updated; it is retried"),
        _ if unanswered => (ErrorKind::Transient, UNREACHABLE_CONTROL_PLANE),
        _ => (ErrorKind::Misconfigured, "see the cause"),
    }
}

fn choose(cluster: &str, answer: &GetBootstrapBrokersOutput, login: Login) -> Result<Brokers, KafkaError> {
    let lists = [
        ("none (plaintext)", answer.bootstrap_broker_string()),
        ("none or mtls (TLS)", answer.bootstrap_broker_string_tls()),
        ("iam", answer.bootstrap_broker_string_sasl_iam()),
        ("scram (not usable by Redshift)", answer.bootstrap_broker_string_sasl_scram()),
    ];
    let list = |index: usize| lists[index].1.map(split).filter(|list| !list.is_empty());
    let chosen = match login {
        Login::None => list(0)
            .map(|addresses| (addresses, Transport::Plaintext))
            .or_else(|| list(1).map(|addresses| (addresses, Transport::Tls))),
        Login::Mtls => list(1).map(|addresses| (addresses, Transport::Tls)),
        Login::Iam => list(2).map(|addresses| (addresses, Transport::Tls)),
    };
    match chosen {
        Some((addresses, transport)) => Ok(Brokers { addresses, transport }),
        None => {
            let offered: Vec<&str> = lists
                .iter()
                .filter(|(_, brokers)| brokers.is_some_and(|text| !split(text).is_empty()))
                .map(|(name, _)| *name)
                .collect();
            Err(KafkaError::NotOffered {
                cluster: cluster.to_owned(),
                wanted: login.name(),
                offered: if offered.is_empty() {
                    "nothing yet, it may still be creating".to_owned()
                } else {
                    offered.join(", ")
                },
            })
        }
    }
}

/// The addresses of a list, sorted: MSK does not promise an order, and an external schema whose
/// brokers only changed places has not changed.
fn split(text: &str) -> Vec<String> {
    let mut addresses: Vec<String> =
        text.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect();
    addresses.sort();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/11111111-2222";

    fn answer() -> GetBootstrapBrokersOutput {
        GetBootstrapBrokersOutput::builder()
            .bootstrap_broker_string_tls("b-1:9094,b-2:9094")
            .bootstrap_broker_string_sasl_iam("b-2:9098, b-1:9098")
            .build()
    }

    #[test]
    fn each_login_takes_its_own_list() {
        let iam = choose(ARN, &answer(), Login::Iam).unwrap();
        assert_eq!(iam.addresses, ["b-1:9098", "b-2:9098"]);
        assert_eq!(iam.uri(), "b-1:9098,b-2:9098");
        assert_eq!(choose(ARN, &answer(), Login::Mtls).unwrap().addresses, ["b-1:9094", "b-2:9094"]);
        let none = choose(ARN, &answer(), Login::None).unwrap();
        assert_eq!(none.transport, Transport::Tls, "the cluster has no plaintext listener");
        let plain = GetBootstrapBrokersOutput::builder()
            .bootstrap_broker_string("b-1:9092")
            .bootstrap_broker_string_tls("b-1:9094")
            .build();
        let none = choose(ARN, &plain, Login::None).unwrap();
        assert_eq!((none.uri().as_str(), none.transport), ("b-1:9092", Transport::Plaintext));
    }

    #[test]
    fn a_missing_list_names_the_cluster_and_what_it_offers() {
        let only_tls = GetBootstrapBrokersOutput::builder().bootstrap_broker_string_tls("b-1:9094").build();
        let error = choose(ARN, &only_tls, Login::Iam).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(ARN) && text.contains("iam") && text.contains("none or mtls (TLS)"), "{text}");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let error = choose(ARN, &GetBootstrapBrokersOutput::builder().build(), Login::Iam).unwrap_err();
        assert!(error.to_string().contains("may still be creating"));
    }

    #[test]
    fn control_plane_codes_have_an_action() {
        let table = [
            ("TooManyRequestsException", false, ErrorKind::Throttled),
            ("InternalServerErrorException", false, ErrorKind::Transient),
            ("ForbiddenException", false, ErrorKind::Misconfigured),
            ("NotFoundException", false, ErrorKind::Misconfigured),
            ("ConflictException", false, ErrorKind::Transient),
            ("the request was not answered", true, ErrorKind::Transient),
            ("SomethingNewException", false, ErrorKind::Misconfigured),
        ];
        for (code, unanswered, kind) in table {
            assert_eq!(classify(code, unanswered).0, kind, "{code}");
        }
    }

    #[test]
    fn a_list_is_checked_and_its_transport_follows_from_login_and_port() {
        let list = |addresses: &[&str]| addresses.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let transport =
            |addresses: &[&str], login, extra| Brokers::of_list(&list(addresses), login, extra).unwrap().transport;
        assert_eq!(transport(&["localhost:41234"], Login::None, false), Transport::Plaintext);
        assert_eq!(transport(&["b-1:9094", "b-2:9094"], Login::None, false), Transport::Tls);
        assert_eq!(transport(&["localhost:41235"], Login::None, true), Transport::Tls);
        assert_eq!(transport(&["localhost:41235"], Login::Iam, false), Transport::Tls);
        for wrong in [&["b-1"][..], &["b-1:port"], &[":9092"], &["https://b-1:9092/"], &["b-1:0"], &[]] {
            let error = Brokers::of_list(&list(wrong), Login::None, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{wrong:?}");
            assert!(error.to_string().contains("kafka.brokers"), "{error}");
        }
    }
}
