//! Kafka records as Lambda delivers them, and the answer Lambda expects.
//!
//! An event source mapping hands over a map of topic-partition to records, with base64 keys and
//! values. [`KafkaEvent`] reads it leniently: whatever is odd about one record is that record's
//! trouble and never the event's, because an event that cannot be read is retried for ever
//! (AWS Lambda Developer Guide, "Using Lambda with Amazon MSK"). Base64 is undone here and
//! nowhere else. [`RecordBatch`] is sorted by topic, partition and offset, each position once.

mod event;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use event::KafkaEvent;

/// Where a record is in Kafka: unique for as long as the topic is not re-created.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordPosition {
    /// The topic, exactly as Kafka spells it.
    pub topic: String,
    /// The partition within the topic.
    pub partition: i32,
    /// The offset within the partition.
    pub offset: i64,
}

impl fmt::Display for RecordPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}@{}", self.topic, self.partition, self.offset)
    }
}

/// One Kafka record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub position: RecordPosition,
    /// Kafka's timestamp in milliseconds since the epoch. None when the record has none.
    pub timestamp_ms: Option<i64>,
    /// The key's bytes. None when the record has no key; empty is not None.
    pub key: Option<Vec<u8>>,
    /// The value's bytes. None for a tombstone; empty is not None.
    pub value: Option<Vec<u8>>,
    /// The headers in the record's order. Names may repeat; a value may be null.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A record that Lambda delivered in a form that is not a Kafka record.
///
/// Redshift reads the topic itself, so a record that is only malformed on its way through
/// Lambda still lands; its position is settled by the watermark like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedRecord {
    /// Where it is. None when the event does not say; then nothing can be reported for it
    /// and the whole batch has to fail.
    pub position: Option<RecordPosition>,
    /// The event's own name of the topic-partition it came under, such as `orders-0`.
    pub group: String,
    /// Kafka's timestamp in milliseconds since the epoch, where it could be read.
    pub timestamp_ms: Option<i64>,
    /// What is wrong, without any content of the record.
    pub reason: String,
}

/// The records of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordBatch {
    /// Sorted by position; each position occurs once.
    pub records: Vec<Record>,
    /// What could not be read, those without a position first, then by position. A position
    /// that also occurs among `records` is left out.
    pub malformed: Vec<MalformedRecord>,
}

impl RecordBatch {
    /// Sorts what was read and drops repeated positions. A readable record wins over a
    /// malformed one of the same position.
    #[must_use]
    pub fn of(mut records: Vec<Record>, mut malformed: Vec<MalformedRecord>) -> Self {
        records.sort_by(|left, right| left.position.cmp(&right.position));
        records.dedup_by(|later, earlier| later.position == earlier.position);
        malformed.sort_by(|left, right| left.position.cmp(&right.position).then_with(|| left.group.cmp(&right.group)));
        malformed.dedup_by(|later, earlier| later.position.is_some() && later.position == earlier.position);
        malformed.retain(|entry| {
            entry
                .position
                .as_ref()
                .is_none_or(|position| records.binary_search_by(|record| record.position.cmp(position)).is_err())
        });
        Self { records, malformed }
    }
}

/// Lambda's partial batch response: the records that have to be delivered again.
///
/// The identifier is an object for Kafka, unlike the text that other event sources use.
/// An empty list means that all records were processed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BatchResponse {
    /// The failed records.
    #[serde(rename = "batchItemFailures")]
    pub batch_item_failures: Vec<ItemFailure>,
}

/// One failed record of a [`BatchResponse`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemFailure {
    /// Which record.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: ItemIdentifier,
}

/// How Lambda names a Kafka record in a batch response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemIdentifier {
    /// Topic, hyphen, partition: `orders-0`, as in the event's own keys.
    pub partition: String,
    /// The record's offset.
    pub offset: i64,
}

impl BatchResponse {
    /// Reports these positions as failed, in the order given.
    pub fn of<'a>(positions: impl IntoIterator<Item = &'a RecordPosition>) -> Self {
        Self {
            batch_item_failures: positions
                .into_iter()
                .map(|position| ItemFailure {
                    item_identifier: ItemIdentifier {
                        partition: format!("{}-{}", position.topic, position.partition),
                        offset: position.offset,
                    },
                })
                .collect(),
        }
    }
}
