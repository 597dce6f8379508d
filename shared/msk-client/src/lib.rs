//! The Kafka side of the pipeline, read only: which brokers an MSK cluster has, the IAM login,
//! and the four questions that the functions ask a cluster (topics, start offsets, end offsets,
//! a bounded read).
//!
//! This is the only crate of the product that names aws-sdk-kafka, rskafka and
//! aws-msk-iam-sasl-signer; a rule in CI checks it. It reads no environment and no clock other
//! than the monotonic one, has no consumer group and commits nothing: positions are kept in the
//! warehouse. Every call takes a deadline and returns an error of a known
//! [`cdc_core::error::ErrorKind`] when it passes.

mod brokers;
mod client;
mod cluster;
mod error;
mod login;
mod options;
mod tls;

// Not behind a feature: one set of features for the functions, the local stack and the tests
// means that everything is compiled once. What a function does not call, the linker leaves out.
pub mod fake;

pub use brokers::{BrokerSource, Brokers, Transport, bootstrap};
pub use client::MskCluster;
pub use cluster::{Deadline, KafkaCluster, Offsets, Topic};
pub use error::KafkaError;
pub use login::Login;
pub use options::Options;
