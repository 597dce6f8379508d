//! The port: what the functions ask a Kafka cluster, and what the answers promise.
//!
//! Nothing here names a client library. [`crate::MskCluster`] is the real thing and
//! `fake::FakeCluster` the one for tests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cdc_core::kafka::Record;

use crate::error::KafkaError;

/// The moment by which a call has answered, on the monotonic clock.
pub type Deadline = tokio::time::Instant;

/// Offsets by topic and partition. Which offset it is, the call says.
pub type Offsets = BTreeMap<String, BTreeMap<i32, i64>>;

/// A topic and its partitions, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The name as Kafka spells it; names are case sensitive.
    pub name: String,
    /// Partition numbers, ascending, usually 0 to n-1.
    pub partitions: Vec<i32>,
}

/// A Kafka cluster, seen by a reader without a consumer group.
///
/// All calls are reads: none creates a topic, joins a group or commits an offset, so calling
/// twice is as good as once and two callers do not disturb each other. Answers are snapshots:
/// a topic may grow, lose old records or disappear between two calls. Every call is answered
/// by its deadline at the latest, with a [`KafkaError`] if need be, and an implementation
/// repairs a lost connection by itself as long as the deadline allows.
#[async_trait]
pub trait KafkaCluster: Send + Sync {
    /// The bootstrap brokers, `host:port` each, in a stable order: what an external schema's URI
    /// lists and what this client connects to. For an MSK cluster they are asked of the control
    /// plane; nothing is connected to.
    async fn brokers(&self, deadline: Deadline) -> Result<Vec<String>, KafkaError>;

    /// All topics that the caller may see, sorted by name, Kafka's internal ones left out.
    /// With IAM, topics without `kafka-cluster:DescribeTopic` are silently missing from Kafka's
    /// answer; a missing topic therefore means "not there, or not allowed".
    async fn topics(&self, deadline: Deadline) -> Result<Vec<Topic>, KafkaError>;

    /// The offset of the oldest record still kept, per partition; equal to the end offset when
    /// nothing is kept. A topic that does not exist is absent from the answer, not an error.
    async fn start_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError>;

    /// The offset that the next record will get, per partition: 0 for a partition that never
    /// had a record. A topic that does not exist is absent from the answer, not an error.
    async fn end_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError>;

    /// At most `max` records of one partition with offsets of `from` or higher, in offset order.
    ///
    /// Reads up to the partition's end as it was during the call and never waits for records
    /// yet to be written: an empty answer means that there are none. Offsets may have holes
    /// (compaction, transaction markers). `from` below the oldest kept record or beyond the end
    /// is [`KafkaError::OutOfRange`].
    async fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        max: usize,
        deadline: Deadline,
    ) -> Result<Vec<Record>, KafkaError>;
}
