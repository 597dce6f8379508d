//! What a mapping lets others see: a snapshot of its counters and positions, and one acknowledgement per record.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What happened to an acknowledged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The function processed it, as far as its answer says.
    Processed,
    /// The mapping gave it up; with a failure destination, it is there.
    Discarded,
}

/// A record that will not be sent again (unless the mapping is killed before its position is on disk).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The record's Kafka timestamp, milliseconds since 1970; -1 if it has none.
    pub kafka_timestamp_ms: i64,
    /// When the mapping settled it, milliseconds since 1970.
    pub acknowledged_at_ms: i64,
    /// Why it is settled.
    pub how: How,
}

/// Whether a mapping works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// The broker does not answer, or has no such topic yet.
    #[default]
    WaitingForTopic,
    /// It polls.
    Running,
    /// It was stopped.
    Stopped,
}

/// State of a mapping at one moment. Counters start at zero with the mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Records read from Kafka.
    pub records: u64,
    /// Batches formed, not counting retries and parts of a split batch.
    pub batches: u64,
    /// Invocations that reached the function.
    pub invocations: u64,
    /// Invocations that ended with a function error, and answers that were lost on request.
    pub function_errors: u64,
    /// Invocations that never reached the function (throttled, not startable).
    pub host_errors: u64,
    /// Answers with failed items.
    pub partial_failures: u64,
    /// Answers that were no batch response although one was expected.
    pub malformed_responses: u64,
    /// Invocations with records that had been sent before.
    pub retries: u64,
    /// Records that were given up.
    pub discarded: u64,
    /// Records that were settled, processed and discarded ones together.
    pub acknowledged: u64,
    /// Records in the invocations that run now.
    pub records_in_flight: u64,
    /// Per partition, the offset of the next record to be settled (the committed position).
    pub committed: BTreeMap<i32, i64>,
    /// Per partition, Kafka timestamp of the oldest record that was read and is not settled.
    pub oldest_unacknowledged_by_partition_ms: BTreeMap<i32, i64>,
    /// Partitions that cannot go on, and why.
    pub blocked: BTreeMap<i32, String>,
    /// The newest error of any kind: of the broker, the function or a file.
    pub last_error: Option<String>,
    /// Whether the mapping works.
    pub status: Status,
}

impl Snapshot {
    /// Kafka timestamp of the oldest record that was read and is not settled; `None`: there is none.
    pub fn oldest_unacknowledged_ms(&self) -> Option<i64> {
        self.oldest_unacknowledged_by_partition_ms.values().copied().min()
    }

    /// Whether every partition is settled up to its end offset (the next one to be written).
    pub fn is_caught_up(&self, ends: &BTreeMap<i32, i64>) -> bool {
        ends.iter()
            .all(|(partition, end)| *end == 0 || self.committed.get(partition).is_some_and(|position| position >= end))
    }
}
