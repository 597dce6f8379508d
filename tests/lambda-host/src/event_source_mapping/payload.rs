//! The event that a mapping sends: records of one topic, grouped by partition, as JSON.
//!
//! A record is rendered once, when it is read; sizes are exact, so a batch never exceeds the limit of an
//! invocation. Source of the layout: Lambda Developer Guide, "Using Lambda with Amazon MSK", example event;
//! header values are signed bytes, as Lambda sends them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::time::Instant;

use super::config::NullValues;

/// A record as it was read from Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KafkaRecord {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// A record as it will be sent.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) read_at: Instant,
    json: String,
}

/// Records that are sent together: per partition at least one, in offset order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch(BTreeMap<i32, Vec<Arc<Rendered>>>);

impl Batch {
    /// Appends a record; its offset must be above those of its partition.
    pub(crate) fn push(&mut self, record: Arc<Rendered>) {
        self.0.entry(record.partition).or_default().push(record);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Arc<Rendered>> {
        self.0.values().flatten()
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = (i32, &[Arc<Rendered>])> {
        self.0.iter().map(|(p, records)| (*p, records.as_slice()))
    }

    pub(crate) fn partition(&self, partition: i32) -> &[Arc<Rendered>] {
        self.0.get(&partition).map_or(&[], Vec::as_slice)
    }

    /// Two batches, by a rule for each record. Order within the partitions is kept.
    pub(crate) fn partition_by(self, mut first: impl FnMut(&Rendered) -> bool) -> (Self, Self) {
        let (mut left, mut right) = (Self::default(), Self::default());
        for record in self.0.into_values().flatten() {
            if first(&record) {
                left.push(record);
            } else {
                right.push(record);
            }
        }
        (left, right)
    }

    /// The first `count` records (by partition, then offset) and the others.
    pub(crate) fn split_at(self, count: usize) -> (Self, Self) {
        let mut seen = 0;
        self.partition_by(|_| {
            seen += 1;
            seen <= count
        })
    }
}

/// Everything of the event that does not depend on its records.
pub(crate) struct Layout {
    topic: Arc<str>,
    head: String,
    null_values: NullValues,
}

const TAIL: &str = "}}";

impl Layout {
    pub(crate) fn new(topic: &str, event_source_arn: &str, bootstrap_servers: &str, null_values: NullValues) -> Self {
        Self {
            topic: topic.into(),
            head: format!(
                r#"{{"eventSource":"aws:kafka","eventSourceArn":{},"bootstrapServers":{},"records":{{"#,
                quoted(event_source_arn),
                quoted(bootstrap_servers)
            ),
            null_values,
        }
    }

    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    pub(crate) fn render(&self, partition: i32, record: &KafkaRecord, read_at: Instant) -> Rendered {
        let mut json = format!(
            r#"{{"topic":{},"partition":{partition},"offset":{},"timestamp":{},"timestampType":"CREATE_TIME""#,
            quoted(&self.topic),
            record.offset,
            record.timestamp_ms
        );
        for (name, bytes) in [("key", &record.key), ("value", &record.value)] {
            match (bytes, self.null_values) {
                (Some(bytes), _) => {
                    json.push_str(",\"");
                    json.push_str(name);
                    json.push_str("\":\"");
                    BASE64.encode_string(bytes, &mut json);
                    json.push('"');
                }
                (None, NullValues::Null) => {
                    json.push_str(",\"");
                    json.push_str(name);
                    json.push_str("\":null");
                }
                (None, NullValues::Absent) => {}
            }
        }
        json.push_str(",\"headers\":[");
        for (index, (name, bytes)) in record.headers.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            json.push('{');
            json.push_str(&quoted(name));
            json.push_str(":[");
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write!(json, "{}", byte.cast_signed()).expect("a String accepts every write");
            }
            json.push_str("]}");
        }
        json.push_str("]}");
        Rendered { partition, offset: record.offset, timestamp_ms: record.timestamp_ms, read_at, json }
    }

    /// Bytes of an event without records.
    pub(crate) fn empty_bytes(&self) -> usize {
        self.head.len() + TAIL.len()
    }

    /// Bytes that a record adds to an event; more if it is the first of its partition.
    pub(crate) fn added_bytes(&self, record: &Rendered, first_of_partition: bool) -> usize {
        let comma = 1;
        if first_of_partition {
            // The group's name, colon, brackets and comma.
            self.group_name(record.partition).len() + 3 + comma + record.json.len()
        } else {
            comma + record.json.len()
        }
    }

    pub(crate) fn event(&self, batch: &Batch) -> Vec<u8> {
        let mut event = self.head.clone();
        for (index, (partition, records)) in batch.partitions().enumerate() {
            if index > 0 {
                event.push(',');
            }
            event.push_str(&self.group_name(partition));
            event.push_str(":[");
            for (index, record) in records.iter().enumerate() {
                if index > 0 {
                    event.push(',');
                }
                event.push_str(&record.json);
            }
            event.push(']');
        }
        event.push_str(TAIL);
        event.into_bytes()
    }

    fn group_name(&self, partition: i32) -> String {
        quoted(&format!("{}-{partition}", self.topic))
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(offset: i64) -> KafkaRecord {
        KafkaRecord {
            offset,
            timestamp_ms: 1_545_084_650_987,
            key: Some(b"k\xff".to_vec()),
            value: None,
            headers: vec![("a\"b".to_owned(), "ë".into()), ("empty".to_owned(), vec![])],
        }
    }

    #[test]
    fn the_event_has_lambdas_layout_and_the_predicted_size() {
        for nulls in [NullValues::Null, NullValues::Absent] {
            let layout = Layout::new("t.\"x", "arn:1", "b-1:9092,b-2:9092", nulls);
            let mut batch = Batch::default();
            let mut bytes = layout.empty_bytes();
            for (partition, offset) in [(0, 15), (0, 16), (11, 3)] {
                let rendered = Arc::new(layout.render(partition, &record(offset), Instant::now()));
                bytes += layout.added_bytes(&rendered, batch.partition(partition).is_empty());
                batch.push(rendered);
            }
            let event = layout.event(&batch);
            // The last comma is counted and not written.
            assert!(event.len() <= bytes && event.len() + 3 >= bytes, "{} {bytes}", event.len());
            let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
            let mut expected = json!({
                "topic": "t.\"x", "partition": 11, "offset": 3, "timestamp": 1_545_084_650_987_i64,
                "timestampType": "CREATE_TIME", "key": "a/8=", "value": null,
                "headers": [{"a\"b": [-61, -85]}, {"empty": []}]
            });
            if nulls == NullValues::Absent {
                expected.as_object_mut().unwrap().remove("value");
            }
            assert_eq!(event["eventSource"], "aws:kafka");
            assert_eq!(event["eventSourceArn"], "arn:1");
            assert_eq!(event["bootstrapServers"], "b-1:9092,b-2:9092");
            assert_eq!(event["records"]["t.\"x-11"], json!([expected]));
            assert_eq!(event["records"]["t.\"x-0"][1]["offset"], 16);
        }
    }

    #[test]
    fn splitting_keeps_every_record_once_and_in_order() {
        let layout = Layout::new("t", "a", "b", NullValues::Null);
        let mut batch = Batch::default();
        for (partition, offset) in [(0, 1), (0, 2), (1, 1), (1, 5), (1, 6)] {
            batch.push(Arc::new(layout.render(partition, &record(offset), Instant::now())));
        }
        let positions = |b: &Batch| b.records().map(|r| (r.partition, r.offset)).collect::<Vec<_>>();
        for count in 0..=5 {
            let (left, right) = batch.clone().split_at(count);
            assert_eq!(left.len(), count);
            let mut all = positions(&left);
            all.extend(positions(&right));
            assert_eq!(all, positions(&batch));
        }
    }
}
