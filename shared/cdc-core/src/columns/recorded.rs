//! What a table's definition was learned from, as the control schema keeps it: a target keeps the
//! version that it was provisioned with, and Kafka does not keep the records that told it.
//!
//! It is one record: of the schema-change topic as it was, or of an event its schema only, with
//! nothing of the row.

use serde_json::json;

use super::history;
use super::shapes::Place;
use super::{Knowledge, changed_table, connect};
use crate::event::json::Object;
use crate::event::{Decoded, decode};
use crate::kafka::{Record, RecordPosition};

/// Longer ones are not kept, in bytes.
const LONGEST: usize = 2_000_000;

/// The record as text. None for one that is too long.
pub(super) fn text(record: &Record) -> Option<String> {
    let utf8 =
        |bytes: &Option<Vec<u8>>| bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned);
    let text = json!({
        "topic": record.position.topic, "partition": record.position.partition, "offset": record.position.offset,
        "timestamp": record.timestamp_ms, "key": utf8(&record.key), "value": utf8(&record.value),
    })
    .to_string();
    (text.len() <= LONGEST).then_some(text)
}

/// An event with this schema, at its place in the source's log, and nothing in it. Of the schema there
/// is what tells the columns and the kind of database.
pub(super) fn event(
    position: RecordPosition,
    place: &Place,
    key_schema: Option<&str>,
    value_schema: &str,
) -> Option<Record> {
    let schema = Object::parse(value_schema)?;
    let name = schema.string("name").unwrap_or_default();
    let value = if connect::is_flattened(value_schema) {
        format!(r#"{{"schema":{value_schema},"payload":{{"__op":"c","__deleted":"false"}}}}"#)
    } else {
        let fields = schema.list("fields")?;
        let field = |wanted: &str| {
            fields.iter().find(|raw| {
                Object::parse(raw.get()).is_some_and(|field| field.text("field").as_deref() == Some(wanted))
            })
        };
        let row = field("after").or_else(|| field("before"))?;
        let source = field("source").and_then(|raw| Object::parse(raw.get())?.string("name")).unwrap_or_default();
        let source = json!({"type": "struct", "fields": [], "optional": false, "name": source, "field": "source"});
        format!(
            r#"{{"schema":{{"type":"struct","fields":[{},{source}],"optional":false,"name":{}}},"payload":{{"op":"c","source":{},"after":{{}}}}}}"#,
            row.get(),
            json!(name),
            serde_json::Value::Object(place.source.place())
        )
    };
    let key = key_schema.map(|schema| format!(r#"{{"schema":{schema},"payload":{{}}}}"#).into_bytes());
    Some(Record {
        position,
        timestamp_ms: place.timestamp_ms,
        key,
        value: Some(value.into_bytes()),
        headers: Vec::new(),
    })
}

/// The record of a text.
fn record(text: &str) -> Option<Record> {
    let object = Object::parse(text)?;
    let position = RecordPosition {
        topic: object.string("topic")?,
        partition: i32::try_from(object.integer("partition")?).ok()?,
        offset: object.integer("offset")?,
    };
    Some(Record {
        position,
        timestamp_ms: object.integer("timestamp"),
        key: object.string("key").map(String::into_bytes),
        value: object.string("value").map(String::into_bytes),
        headers: Vec::new(),
    })
}

impl Knowledge {
    /// Takes in what a table's definition was learned from when its target was provisioned last
    /// ([`crate::catalog::TableDefinition::learned_from`]), if Kafka does not tell it any more. To be
    /// called when everything else is learned.
    pub fn learn_recorded(&mut self, text: &str) {
        let Some(record) = record(text) else { return };
        if let Decoded::SchemaChange(change) = decode(&record) {
            let mut recorded = std::collections::BTreeMap::new();
            history::learn(&mut recorded, &change, &record);
            for table_change in &change.changes {
                let Some(name) = changed_table(&change, table_change) else { continue };
                let Some(before) = recorded.remove(&name) else { continue };
                // A topic that tells nothing of the table may not be written any more.
                if let Some(history) = self.histories.get_mut(&name) {
                    history.begin_with(before, record.position.offset);
                }
            }
            return;
        }
        let schemas = crate::event::embedded_schemas(&record);
        if let Some(events) = self.events.get(&record.position.topic)
            && schemas.value.is_some_and(|schema| !events.knows(schema))
        {
            self.learn(&record);
        }
    }
}
