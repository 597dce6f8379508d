//! Flattened events: what ExtractNewRecordState (the `unwrap` transform) makes of change events.
//!
//! A flattened record's value is the row itself. What the transform adds to it begins with two
//! underscores: `__deleted` with `delete.tombstone.handling.mode=rewrite`, and the fields that
//! `add.fields` names, such as `__op` and `__source_ts_ms`. Without `__deleted` the transform
//! leaves deletions out but for their tombstones (Debezium documentation, "New Record State
//! Extraction", `delete.tombstone.handling.mode`).

use super::json::Object;
use super::{ChangeEvent, Decoded, Operation, RowImage, Source};

/// The transform's default prefix (`add.fields.prefix`).
const PREFIX: &str = "__";

/// Fields of the envelope that the transform adds under their own names.
const ENVELOPE: [&str; 7] = ["op", "table", "db", "schema", "lsn", "transaction", "deleted"];

/// Whether a field is none of the row's columns but was added by the transform.
#[must_use]
pub(crate) fn is_metadata(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(is_added)
}

/// Whether a field of this name, without its prefix, may be one that `add.fields` names.
fn is_added(name: &str) -> bool {
    ENVELOPE.contains(&name)
        || name.starts_with("source_")
        || name.starts_with("transaction_")
        || name.starts_with("ts_")
}

/// What the transform added to a row under a prefix of its own (`add.fields.prefix`), which the
/// operation among the added fields tells.
#[must_use]
pub(crate) fn added_fields(row: RowImage<'_>) -> Vec<String> {
    let Some(object) = Object::parse(row.as_json()).filter(is_flattened) else { return Vec::new() };
    let is_operation = |name: &str| object.text(name).is_some_and(|text| ["c", "d", "r", "u"].contains(&text.as_ref()));
    let prefix = object
        .members()
        .filter_map(|(name, _)| Some((name.strip_suffix("op")?, name)))
        .find(|(prefix, name)| !prefix.is_empty() && *prefix != PREFIX && is_operation(name));
    let Some((prefix, _)) = prefix else { return Vec::new() };
    let added = object.members().filter(|(name, _)| name.strip_prefix(prefix).is_some_and(is_added));
    added.map(|(name, _)| name.to_owned()).collect()
}

/// The connectors name the structure of a row `topic.Value`, of an event `topic.Envelope`.
pub(crate) const ROW_SCHEMA: &str = ".Value";

/// Whether the schema is that of a row and not of an event around it.
pub(super) fn is_schema(schema: &str) -> bool {
    Object::parse(schema).and_then(|schema| schema.string("name")).is_some_and(|name| name.ends_with(ROW_SCHEMA))
}

/// Whether a row carries a field by which a flattened event is known.
pub(super) fn is_flattened(object: &Object<'_>) -> bool {
    object.has("__deleted") || object.has("__op")
}

/// The change that a flattened record stands for. A row without an operation is an upsert and
/// counts as an update.
pub(super) fn read<'a>(object: &Object<'a>, row: RowImage<'a>, key: Option<RowImage<'a>>) -> Decoded<'a> {
    let deleted =
        object.text("__deleted").is_some_and(|text| text == "true") || object.boolean("__deleted") == Some(true);
    let operation = match object.text("__op").as_deref() {
        _ if deleted => Operation::Delete,
        Some("d") => Operation::Delete,
        Some("r") => Operation::Read,
        Some("c") => Operation::Create,
        _ => Operation::Update,
    };
    let (before, after) = if operation == Operation::Delete { (Some(row), None) } else { (None, Some(row)) };
    let source = Source {
        db: object.string("__source_db").or_else(|| object.string("__db")),
        schema: object.string("__source_schema").or_else(|| object.string("__schema")),
        table: object.string("__source_table").or_else(|| object.string("__table")),
        snapshot: operation == Operation::Read,
        ts_ms: object.integer("__source_ts_ms"),
        ..Source::default()
    };
    Decoded::Change(ChangeEvent {
        operation,
        key,
        before,
        after,
        source,
        transaction_id: None,
        is_flattened: true,
        tombstones_delete: !object.has("__deleted"),
    })
}
