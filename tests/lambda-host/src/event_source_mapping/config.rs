//! The settings of a mapping, with Lambda's names, ranges and defaults.
//!
//! Source: AWS Lambda API Reference, `CreateEventSourceMapping`; Lambda Developer Guide, "Configuring an Amazon
//! MSK event source".

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::faults::Faults;
use super::metrics::Acknowledgement;

/// Receives acknowledgements as they happen, in offset order per partition. It is called on the mapping's tasks:
/// do not block.
pub type AcknowledgementCallback = Arc<dyn Fn(&[Acknowledgement]) + Send + Sync>;

/// Where a consumer group starts in a partition for which it has no committed position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that the log still has.
    TrimHorizon,
    /// Only records written after the start.
    Latest,
    /// The first record with this Kafka timestamp (milliseconds) or a later one.
    AtTimestamp(i64),
}

/// Size of each batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSizing {
    /// `batch_size` records.
    Fixed,
    /// For each batch another size between 1 and `batch_size`, drawn from the seed.
    Random {
        /// Equal seeds draw equal sizes.
        seed: u64,
    },
}

/// Who polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One poller. Retry limits, bisecting, record age and partial batch responses have no effect: a partial
    /// response is taken for success, a failed batch is retried for ever.
    OnDemand,
    /// Provisioned pollers, which own disjoint partitions and call the function in parallel.
    Provisioned {
        /// 1 to 2,000; more than the topic has partitions are idle.
        pollers: usize,
    },
}

/// How the payload shows a null key or value. Lambda has been seen to do either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullValues {
    /// `"value": null`.
    Null,
    /// No member.
    Absent,
}

/// Pause before a failed batch is tried again: doubled from `initial` up to `maximum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub initial: Duration,
    /// The longest pause.
    pub maximum: Duration,
}

impl Backoff {
    /// Pause after the given number of failures in a row (1 is the first).
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.initial.saturating_mul(1 << doublings).min(self.maximum)
    }
}

/// A mapping's settings. Defaults are those of [`MappingConfig::new`].
#[derive(Clone)]
pub struct MappingConfig {
    /// The topic; a mapping has exactly one.
    pub topic: String,
    /// `host:port` of brokers, without TLS or login.
    pub brokers: Vec<String>,
    /// Folder for committed positions, one file per consumer group. Created if missing.
    pub state_dir: PathBuf,
    /// Name under which positions are kept; default `<topic>-mapping`. At most one running mapping may use it.
    pub consumer_group: String,
    /// `eventSourceArn` of the payload; default an MSK ARN of region `us-east-1`.
    pub event_source_arn: String,
    /// `bootstrapServers` of the payload; default: `brokers`, joined by commas.
    pub bootstrap_servers: String,
    /// ARN of the function in failure records.
    pub function_arn: String,
    /// Start without a committed position. Default `TrimHorizon`. Partitions that are added to the topic later
    /// start at their first record.
    pub starting_position: StartingPosition,
    /// Most records per batch, 1 to 10,000. Default 100.
    pub batch_size: usize,
    /// Default `Fixed`.
    pub batch_sizing: BatchSizing,
    /// How long records wait for a batch to fill, 0 to 300 s. Default 500 ms.
    pub batching_window: Duration,
    /// Default `OnDemand`.
    pub mode: Mode,
    /// `FunctionResponseTypes: ReportBatchItemFailures`. Default false.
    pub report_batch_item_failures: bool,
    /// Split a failed batch in two before trying again. Splitting does not count as an attempt. Default false.
    pub bisect_on_function_error: bool,
    /// Retries of a failed batch, -1 (for ever) to 10,000. Default -1. With a failure destination, -1 means 10.
    pub maximum_retry_attempts: i64,
    /// Records older than this (by their Kafka timestamp) are discarded instead of sent. Default none.
    pub maximum_record_age: Option<Duration>,
    /// Folder that stands for the bucket of an on-failure destination: discarded batches are written there.
    /// Without it they are lost.
    pub failure_destination: Option<PathBuf>,
    /// Pause between attempts. Default 100 ms to 5 s.
    pub retry_backoff: Backoff,
    /// Default `Null`.
    pub null_values: NullValues,
    /// Faults to cause. Default none.
    pub faults: Faults,
    /// Called for every acknowledged record.
    pub on_acknowledged: Option<AcknowledgementCallback>,
}

impl MappingConfig {
    /// A configuration with the documented defaults.
    pub fn new(topic: impl Into<String>, brokers: Vec<String>, state_dir: impl Into<PathBuf>) -> Self {
        let topic = topic.into();
        Self {
            consumer_group: format!("{topic}-mapping"),
            event_source_arn: "arn:aws:kafka:us-east-1:123456789012:cluster/local/\
                               00000000-0000-4000-8000-000000000000-1"
                .to_owned(),
            bootstrap_servers: brokers.join(","),
            function_arn: "arn:aws:lambda:us-east-1:123456789012:function:local".to_owned(),
            topic,
            brokers,
            state_dir: state_dir.into(),
            starting_position: StartingPosition::TrimHorizon,
            batch_size: 100,
            batch_sizing: BatchSizing::Fixed,
            batching_window: Duration::from_millis(500),
            mode: Mode::OnDemand,
            report_batch_item_failures: false,
            bisect_on_function_error: false,
            maximum_retry_attempts: -1,
            maximum_record_age: None,
            failure_destination: None,
            retry_backoff: Backoff { initial: Duration::from_millis(100), maximum: Duration::from_secs(5) },
            null_values: NullValues::Null,
            faults: Faults::default(),
            on_acknowledged: None,
        }
    }

    /// The first setting that is out of range, in Lambda's ranges.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.topic.is_empty() {
            return Some("the topic has no name".to_owned());
        }
        if self.brokers.is_empty() {
            return Some("brokers is empty; give at least one host:port".to_owned());
        }
        if self.consumer_group.is_empty() || self.consumer_group.contains(['/', '\\']) {
            return Some("consumer_group must not be empty or contain / or \\".to_owned());
        }
        if !(1..=10_000).contains(&self.batch_size) {
            return Some(format!("batch_size is {} and must be between 1 and 10000", self.batch_size));
        }
        if self.batching_window > Duration::from_secs(300) {
            return Some("batching_window must be at most 300 seconds".to_owned());
        }
        if !(-1..=10_000).contains(&self.maximum_retry_attempts) {
            return Some("maximum_retry_attempts must be between -1 and 10000".to_owned());
        }
        if self.maximum_record_age.is_some_and(|age| !(60..=604_800).contains(&age.as_secs())) {
            return Some("maximum_record_age must be between 60 and 604800 seconds".to_owned());
        }
        if let Mode::Provisioned { pollers } = self.mode
            && !(1..=2_000).contains(&pollers)
        {
            return Some("pollers must be between 1 and 2000".to_owned());
        }
        None
    }
}
