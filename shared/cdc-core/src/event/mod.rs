//! Debezium's records: what a Kafka record is, told by its own shape.
//!
//! [`decode`] tells change events, tombstones, heartbeats, schema changes, transaction records,
//! truncates and logical messages apart by what they are, not by the topic they came from, with
//! and without the embedded schema of Kafka Connect's JsonConverter. Row images stay raw JSON
//! text: nothing is parsed that is not needed, and numbers keep their digits. Every record is
//! decoded to something; what cannot be understood is poison with a reason, and the reason
//! never holds any content of the record.

pub(crate) mod flattened;
pub(crate) mod json;
mod schema_change;
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub use schema_change::{ColumnStructure, SchemaChange, TableChange, TableChangeKind, TableStructure};
pub use source::{LogPoint, Source, SourcePosition};

use crate::kafka::Record;
use json::Object;

/// What a record is.
#[derive(Debug, Clone)]
pub enum Decoded<'a> {
    /// A row was read, created, updated or deleted.
    Change(ChangeEvent<'a>),
    /// No value: lets compaction remove a deleted key. After a delete in a table without a key
    /// there is no key either.
    Tombstone,
    /// The connector is alive.
    Heartbeat {
        /// When it said so, in milliseconds since the epoch.
        ts_ms: Option<i64>,
    },
    /// Tables changed.
    SchemaChange(SchemaChange),
    /// A transaction began or ended.
    Transaction(Transaction),
    /// All rows of a table were removed at once.
    Truncate(Truncate),
    /// A logical decoding message of PostgreSQL, which concerns no row.
    Message,
    /// Nothing that can be understood; trying again will not help.
    Poison {
        /// Why, without any content of the record.
        reason: String,
    },
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `r`: read by a snapshot.
    Read,
    /// `c`: inserted.
    Create,
    /// `u`: updated. The key is never changed by an update: that is a delete and a create.
    Update,
    /// `d`: deleted.
    Delete,
}

/// One change of one row.
#[derive(Debug, Clone)]
pub struct ChangeEvent<'a> {
    /// What happened.
    pub operation: Operation,
    /// The record's key. None for a table without a key.
    pub key: Option<RowImage<'a>>,
    /// The row before. None for reads and creates, and where the source does not log it. With
    /// PostgreSQL's default replica identity, columns other than the key's are fillers.
    pub before: Option<RowImage<'a>>,
    /// The row after. Present for all operations but delete.
    pub after: Option<RowImage<'a>>,
    /// Where it comes from.
    pub source: Source,
    /// The source transaction's id. None unless the connector provides transaction metadata.
    pub transaction_id: Option<String>,
    /// Whether the record is the row itself, without the event around it: it does not tell what the
    /// row was before.
    pub is_flattened: bool,
    /// Whether a row's deletion is a record of its key without a value: the event is flattened
    /// and has no `__deleted`.
    pub tombstones_delete: bool,
}

/// The columns of a row as one raw JSON object.
#[derive(Debug, Clone, Copy)]
pub struct RowImage<'a>(&'a RawValue);

impl<'a> RowImage<'a> {
    /// The JSON text, exactly as the converter wrote it.
    #[must_use]
    pub fn as_json(&self) -> &'a str {
        self.0.get()
    }

    /// Calls `visit` with each column's name and raw JSON value, in the image's order.
    pub fn each_column(&self, mut visit: impl FnMut(&str, &'a RawValue)) {
        if let Some(object) = Object::parse(self.0.get()) {
            for (name, value) in object.members() {
                visit(name, value);
            }
        }
    }
}

/// A transaction record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Begin or end.
    pub is_end: bool,
    /// The transaction's id in the source.
    pub id: String,
    /// How many events it had. None at the beginning.
    pub event_count: Option<i64>,
}

/// A truncated table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncate {
    /// Which one, and where in the log.
    pub source: Source,
}

/// What the embedded schemas of a record say, as raw JSON. None where there is no schema.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EmbeddedSchemas<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) value: Option<&'a str>,
}

/// Tells what a record is. Pure; never fails and never panics, whatever the bytes are.
#[must_use]
pub fn decode(record: &Record) -> Decoded<'_> {
    match decode_value(record) {
        Ok(decoded) => decoded,
        Err(reason) => Decoded::Poison { reason: reason.into_owned() },
    }
}

/// The schemas inside a record.
pub(crate) fn embedded_schemas(record: &Record) -> EmbeddedSchemas<'_> {
    fn schema(bytes: Option<&[u8]>) -> Option<&str> {
        let text = std::str::from_utf8(bytes?).ok()?;
        unwrapped(Object::parse(text)?).schema.map(RawValue::get)
    }
    EmbeddedSchemas { key: schema(record.key.as_deref()), value: schema(record.value.as_deref()) }
}

/// A converter's output: the payload, and the schema around it if there is one.
struct Unwrapped<'a> {
    schema: Option<&'a RawValue>,
    payload: Payload<'a>,
}

enum Payload<'a> {
    /// Without a schema around it, the object itself.
    Bare(Object<'a>),
    /// The member `payload`.
    Inner(&'a RawValue),
}

/// JsonConverter with schemas writes exactly the members `schema` and `payload`. A key or a row
/// may have columns of these names too; a schema is an object with a `type`, or null.
fn unwrapped(object: Object<'_>) -> Unwrapped<'_> {
    let inner = (object.names().count() == 2).then(|| object.raw("schema").zip(object.raw("payload"))).flatten();
    if let Some((schema, payload)) = inner {
        if schema.get() == "null" {
            return Unwrapped { schema: None, payload: Payload::Inner(payload) };
        }
        if Object::parse(schema.get()).is_some_and(|schema| schema.has("type")) {
            return Unwrapped { schema: Some(schema), payload: Payload::Inner(payload) };
        }
    }
    Unwrapped { schema: None, payload: Payload::Bare(object) }
}

fn decode_value(record: &Record) -> Result<Decoded<'_>, Cow<'static, str>> {
    let Some(value) = record.value.as_deref() else {
        return Ok(Decoded::Tombstone);
    };
    let text = std::str::from_utf8(value).map_err(|_| "the value is not UTF-8 text")?;
    // A converter writes a null as the JSON text `null` where the producer does not drop it.
    if text.trim() == "null" {
        return Ok(Decoded::Tombstone);
    }
    let object = Object::parse(text).ok_or_else(|| not_an_object(text))?;
    let unwrapped = unwrapped(object);
    let is_row = unwrapped.schema.is_some_and(|schema| flattened::is_schema(schema.get()));
    let (object, raw) = match unwrapped.payload {
        Payload::Bare(object) => (object, text),
        Payload::Inner(payload) if payload.get() == "null" => return Ok(Decoded::Tombstone),
        Payload::Inner(payload) => (Object::parse(payload.get()).ok_or("the payload is not an object")?, payload.get()),
    };
    if object.has("op") && object.has("source") {
        return decode_envelope(record, &object);
    }
    if object.has("tableChanges") || (object.has("ddl") && object.has("source")) {
        return Ok(Decoded::SchemaChange(SchemaChange::read(&object)?));
    }
    if object.has("status") && object.has("id") && object.has("event_count") {
        return decode_transaction(&object);
    }
    if object.has("ts_ms") && object.names().all(|name| name.starts_with("ts_")) {
        return Ok(Decoded::Heartbeat { ts_ms: object.integer("ts_ms") });
    }
    if is_row || flattened::is_flattened(&object) {
        let row = serde_json::from_str(raw).map_err(|_| "the value is not JSON")?;
        return Ok(flattened::read(&object, RowImage(row), decode_key(record)?));
    }
    Err("the value is no Debezium envelope: it has no `op` and `source`, and no field `__op` or `__deleted` of a flattened event; set `add.fields=op` in the transform".into())
}

fn not_an_object(text: &str) -> &'static str {
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        "the value is JSON but not an object"
    } else {
        "the value is not JSON"
    }
}

fn decode_envelope<'a>(record: &'a Record, object: &Object<'a>) -> Result<Decoded<'a>, Cow<'static, str>> {
    let source = object
        .object("source")
        .map(|source| Source::read(&source))
        .ok_or("the envelope's `source` is not an object")?;
    let operation = match object.text("op").as_deref() {
        Some("r") => Operation::Read,
        Some("c") => Operation::Create,
        Some("u") => Operation::Update,
        Some("d") => Operation::Delete,
        Some("t") => return Ok(Decoded::Truncate(Truncate { source })),
        Some("m") => return Ok(Decoded::Message),
        _ => return Err("the envelope's `op` is none of r, c, u, d, t, m".into()),
    };
    let before = row_image(object, "before")?;
    let after = row_image(object, "after")?;
    let key = decode_key(record)?;
    match operation {
        Operation::Delete => {
            if before.is_none() && key.is_none() {
                return Err("the delete names no row: it has neither a key nor `before`".into());
            }
        }
        Operation::Read | Operation::Create | Operation::Update => {
            if after.is_none() {
                return Err("the envelope has no `after`, and it is no delete".into());
            }
        }
    }
    Ok(Decoded::Change(ChangeEvent {
        operation,
        key,
        before,
        after,
        source,
        transaction_id: object.object("transaction").and_then(|transaction| transaction.string("id")),
        is_flattened: false,
        tombstones_delete: false,
    }))
}

fn row_image<'a>(object: &Object<'a>, name: &'static str) -> Result<Option<RowImage<'a>>, Cow<'static, str>> {
    match object.raw(name) {
        None => Ok(None),
        Some(raw) if raw.get() == "null" => Ok(None),
        Some(raw) if raw.get().starts_with('{') => Ok(Some(RowImage(raw))),
        Some(_) => Err(format!("the envelope's `{name}` is not an object").into()),
    }
}

fn decode_key(record: &Record) -> Result<Option<RowImage<'_>>, Cow<'static, str>> {
    let Some(bytes) = record.key.as_deref() else {
        return Ok(None);
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "the key is not UTF-8 text")?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| "the key is not JSON")?;
    let raw = match Object::parse(raw.get()).map(unwrapped) {
        Some(Unwrapped { payload: Payload::Inner(payload), .. }) => payload,
        Some(_) => raw,
        None => raw,
    };
    match raw.get() {
        "null" => Ok(None),
        text if text.starts_with('{') => Ok(Some(RowImage(raw))),
        _ => Err("the key is not an object".into()),
    }
}

fn decode_transaction<'a>(object: &Object<'_>) -> Result<Decoded<'a>, Cow<'static, str>> {
    let is_end = match object.text("status").as_deref() {
        Some("BEGIN") => false,
        Some("END") => true,
        _ => return Err("the transaction record's `status` is neither BEGIN nor END".into()),
    };
    Ok(Decoded::Transaction(Transaction {
        is_end,
        id: object.string("id").ok_or("the transaction record's `id` is not text")?,
        event_count: object.integer("event_count"),
    }))
}
