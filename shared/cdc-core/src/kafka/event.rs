//! The wire form of Lambda's Kafka event, read without ever failing for one record's sake.
//!
//! Each field of a record is read on its own: whatever type the JSON has, reading goes on and
//! the oddity is noted. Only text that is no JSON at all, or an event that is no object, is an
//! error of the event. Unknown fields are skipped. Base64 is undone inside the visitor, so a
//! key or value is copied once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MalformedRecord, Record, RecordBatch, RecordPosition};

/// Lambda's event for an MSK or self-managed Kafka trigger.
///
/// MSK and self-managed clusters send the same shape; only `eventSource` and the presence of
/// `eventSourceArn` differ. Fields that are not needed are skipped, among them the schema
/// registry's `keySchemaMetadata` and `valueSchemaMetadata`.
#[derive(Debug, Clone, Default)]
pub struct KafkaEvent {
    /// `aws:kafka` or `SelfManagedKafka`. None when absent.
    pub event_source: Option<String>,
    /// The cluster's ARN. None for a self-managed cluster.
    pub event_source_arn: Option<String>,
    records: Vec<WireRecord>,
    /// Entries of the map that are no list of records at all, by their key.
    unreadable_groups: Vec<String>,
}

impl KafkaEvent {
    /// Orders the records and tells apart what can be worked on and what is malformed.
    #[must_use]
    pub fn into_batch(self) -> RecordBatch {
        let mut records = Vec::with_capacity(self.records.len());
        let mut malformed: Vec<MalformedRecord> = self
            .unreadable_groups
            .into_iter()
            .map(|group| MalformedRecord {
                position: None,
                group,
                timestamp_ms: None,
                reason: "the entry is not a list of records".to_owned(),
            })
            .collect();
        for wire in self.records {
            match wire.into_record() {
                Ok(record) => records.push(record),
                Err(problem) => malformed.push(problem),
            }
        }
        RecordBatch::of(records, malformed)
    }
}

impl<'de> Deserialize<'de> for KafkaEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EventVisitor;

        impl<'de> Visitor<'de> for EventVisitor {
            type Value = KafkaEvent;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a Lambda event of a Kafka trigger")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KafkaEvent, A::Error> {
                let mut event = KafkaEvent::default();
                while let Some(field) = map.next_key::<String>()? {
                    match field.as_str() {
                        "eventSource" => event.event_source = map.next_value::<Scalar>()?.text(),
                        "eventSourceArn" => {
                            event.event_source_arn = map.next_value::<Scalar>()?.text();
                        }
                        "records" => {
                            let groups = map.next_value::<Groups>()?;
                            event.records.extend(groups.records);
                            event.unreadable_groups.extend(groups.unreadable);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(event)
            }
        }

        deserializer.deserialize_map(EventVisitor)
    }
}

/// The map of topic-partition to records.
#[derive(Default)]
struct Groups {
    records: Vec<WireRecord>,
    unreadable: Vec<String>,
}

/// One record as it is written in the event, with what was odd about it.
#[derive(Debug, Clone, Default)]
struct WireRecord {
    group: String,
    topic: Option<String>,
    partition: Option<i64>,
    offset: Option<i64>,
    timestamp: Option<i64>,
    key: Content,
    value: Content,
    headers: Vec<(String, Option<Vec<u8>>)>,
    oddity: Option<&'static str>,
}

/// A key or a value.
#[derive(Debug, Clone, Default)]
enum Content {
    /// Not in the record, or null.
    #[default]
    Absent,
    /// The decoded bytes.
    Bytes(Vec<u8>),
    /// Neither null nor base64 text.
    Undecodable,
}

impl WireRecord {
    fn into_record(self) -> Result<Record, MalformedRecord> {
        let (group_topic, group_partition) = split_group(&self.group);
        let topic = self.topic.or(group_topic);
        let partition = self
            .partition
            .or(group_partition)
            .and_then(|partition| i32::try_from(partition).ok())
            .filter(|partition| *partition >= 0);
        let offset = self.offset.filter(|offset| *offset >= 0);
        // Kafka's "no timestamp" is -1.
        let timestamp_ms = self.timestamp.filter(|timestamp| *timestamp >= 0);
        let malformed = |position, reason: &str| MalformedRecord {
            position,
            group: self.group.clone(),
            timestamp_ms,
            reason: reason.to_owned(),
        };
        let (Some(topic), Some(partition), Some(offset)) = (topic, partition, offset) else {
            let reason = self.oddity.unwrap_or("the record has no topic, partition or offset");
            return Err(malformed(None, reason));
        };
        let position = RecordPosition { topic, partition, offset };
        if let Some(oddity) = self.oddity {
            return Err(malformed(Some(position), oddity));
        }
        let key = match self.key {
            Content::Absent => None,
            Content::Bytes(bytes) => Some(bytes),
            Content::Undecodable => {
                return Err(malformed(Some(position), "the key is not base64 text"));
            }
        };
        let value = match self.value {
            Content::Absent => None,
            Content::Bytes(bytes) => Some(bytes),
            Content::Undecodable => {
                return Err(malformed(Some(position), "the value is not base64 text"));
            }
        };
        Ok(Record { position, timestamp_ms, key, value, headers: self.headers })
    }
}

/// Splits `orders-0` at the last hyphen: topics may contain hyphens, partitions are numbers.
fn split_group(group: &str) -> (Option<String>, Option<i64>) {
    match group.rsplit_once('-') {
        Some((topic, partition)) if !topic.is_empty() => match partition.parse() {
            Ok(partition) => (Some(topic.to_owned()), Some(partition)),
            Err(_) => (None, None),
        },
        _ => (None, None),
    }
}

/// Implements the visitor methods for the JSON types that a field should not have: the content
/// is passed over and the given value stands for "something else".
macro_rules! otherwise {
    ($other:expr; $($kind:ident)+) => { $(otherwise!(@$kind $other);)+ };
    (@bool $other:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
    (@number $other:expr) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($other)
        }

        otherwise!(@float $other);
    };
    (@float $other:expr) => {
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
    (@text $other:expr) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
    (@null $other:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($other)
        }
    };
    (@list $other:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
    (@map $other:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
}

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GroupsVisitor;

        impl<'de> Visitor<'de> for GroupsVisitor {
            type Value = Groups;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of topic-partition to records")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Groups, A::Error> {
                let mut groups = Groups::default();
                while let Some(group) = map.next_key::<String>()? {
                    match map.next_value::<RecordList>()?.0 {
                        Some(records) => {
                            groups.records.extend(records.into_iter().map(|mut record| {
                                record.group.clone_from(&group);
                                record
                            }));
                        }
                        None => groups.unreadable.push(group),
                    }
                }
                Ok(groups)
            }

            // An event without records is an empty batch.
            fn visit_unit<E>(self) -> Result<Groups, E> {
                Ok(Groups::default())
            }

            otherwise!(unreadable_records(); bool number list text);
        }

        deserializer.deserialize_any(GroupsVisitor)
    }
}

fn unreadable_records() -> Groups {
    Groups { records: Vec::new(), unreadable: vec!["records".to_owned()] }
}

/// The list under one topic-partition. None when it is no list.
struct RecordList(Option<Vec<WireRecord>>);

impl<'de> Deserialize<'de> for RecordList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = RecordList;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RecordList, A::Error> {
                let mut records = Vec::new();
                while let Some(record) = seq.next_element::<WireRecord>()? {
                    records.push(record);
                }
                Ok(RecordList(Some(records)))
            }

            otherwise!(RecordList(None); map bool number null text);
        }

        deserializer.deserialize_any(ListVisitor)
    }
}

impl<'de> Deserialize<'de> for WireRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordVisitor;

        fn not_an_object() -> WireRecord {
            WireRecord { oddity: Some("the record is not an object"), ..WireRecord::default() }
        }

        impl<'de> Visitor<'de> for RecordVisitor {
            type Value = WireRecord;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a Kafka record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireRecord, A::Error> {
                let mut record = WireRecord::default();
                while let Some(field) = map.next_key::<String>()? {
                    match field.as_str() {
                        "topic" => record.topic = map.next_value::<Scalar>()?.text(),
                        "partition" => record.partition = map.next_value::<Scalar>()?.integer(),
                        "offset" => record.offset = map.next_value::<Scalar>()?.integer(),
                        "timestamp" => record.timestamp = map.next_value::<Scalar>()?.integer(),
                        "key" => record.key = map.next_value()?,
                        "value" => record.value = map.next_value()?,
                        "headers" => match map.next_value::<Headers>()? {
                            Headers::Read(headers) => record.headers = headers,
                            Headers::Unreadable => {
                                record.oddity = Some("the headers are not a list of objects");
                            }
                        },
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(record)
            }

            otherwise!(not_an_object(); list bool number null text);
        }

        deserializer.deserialize_any(RecordVisitor)
    }
}

/// A JSON scalar; anything compound or null is `Other`.
enum Scalar {
    Text(String),
    Integer(i64),
    Other,
}

impl Scalar {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a scalar")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Integer))
            }

            otherwise!(Scalar::Other; null bool float list map);
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("base64 text or null")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(STANDARD.decode(text).map_or(Content::Undecodable, Content::Bytes))
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::Absent)
            }

            otherwise!(Content::Undecodable; bool number list map);
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}

/// The headers of a record: a list of objects of name to bytes. Null and absent mean none.
enum Headers {
    Read(Vec<(String, Option<Vec<u8>>)>),
    Unreadable,
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadersVisitor;

        impl<'de> Visitor<'de> for HeadersVisitor {
            type Value = Headers;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of headers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                let mut readable = true;
                while let Some(entry) = seq.next_element::<HeaderEntry>()? {
                    match entry.0 {
                        Some(entry) => headers.extend(entry),
                        None => readable = false,
                    }
                }
                Ok(if readable { Headers::Read(headers) } else { Headers::Unreadable })
            }

            fn visit_unit<E>(self) -> Result<Headers, E> {
                Ok(Headers::Read(Vec::new()))
            }

            otherwise!(Headers::Unreadable; bool number map text);
        }

        deserializer.deserialize_any(HeadersVisitor)
    }
}

/// One object of the header list, usually with one name. None when it is no such object.
struct HeaderEntry(Option<Vec<(String, Option<Vec<u8>>)>>);

impl<'de> Deserialize<'de> for HeaderEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = HeaderEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of header name to bytes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderEntry, A::Error> {
                let mut headers = Vec::new();
                let mut readable = true;
                while let Some((name, value)) = map.next_entry::<String, HeaderValue>()? {
                    match value {
                        HeaderValue::Null => headers.push((name, None)),
                        HeaderValue::Bytes(bytes) => headers.push((name, Some(bytes))),
                        HeaderValue::Unreadable => readable = false,
                    }
                }
                Ok(HeaderEntry(readable.then_some(headers)))
            }

            otherwise!(HeaderEntry(None); list bool number null text);
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

/// A header's value: Java's signed bytes as Lambda sends them, or unsigned ones.
enum HeaderValue {
    Null,
    Bytes(Vec<u8>),
    Unreadable,
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = HeaderValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of bytes or null")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<HeaderValue, A::Error> {
                let mut bytes = Vec::new();
                let mut readable = true;
                while let Some(element) = seq.next_element::<Scalar>()? {
                    match element.integer().and_then(header_byte) {
                        Some(byte) => bytes.push(byte),
                        None => readable = false,
                    }
                }
                Ok(if readable { HeaderValue::Bytes(bytes) } else { HeaderValue::Unreadable })
            }

            fn visit_unit<E>(self) -> Result<HeaderValue, E> {
                Ok(HeaderValue::Null)
            }

            otherwise!(HeaderValue::Unreadable; bool number map text);
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

/// -128 to 255: both the signed and the unsigned spelling of a byte.
fn header_byte(number: i64) -> Option<u8> {
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}
