//! What the source has now, according to a target table of any mode: what parity is judged by.
//!
//! A table without a key cannot be reduced: nothing tells which row an event is about.

use std::collections::BTreeMap;

use cdc_core::catalog::{Mode, TableDefinition};
use cdc_core::sql::ident::quoted;

use crate::truth::Row;

/// The columns that reducing an append log reads besides the source's.
pub(crate) const EVENT_COLUMNS: [&str; 3] = ["_cdc_op", "_cdc_unavailable", "_cdc_source_ts"];

/// Whether the table's rows can be compared with the source's.
#[must_use]
pub fn is_comparable(table: &TableDefinition) -> bool {
    !table.key.is_empty() || table.mode.counts()
}

/// The rows of the target that can be rows of the source, as a WHERE clause.
pub(crate) fn condition(table: &TableDefinition) -> &'static str {
    match table.mode {
        Mode::Current | Mode::Append | Mode::Count => "",
        Mode::SoftDelete => " WHERE NOT t._cdc_deleted",
        Mode::History => " WHERE t._cdc_valid_to IS NULL",
    }
}

/// Expressions that have to be read besides the source's columns.
pub(crate) fn further_columns(table: &TableDefinition) -> Vec<String> {
    let names: &[&str] = if table.mode == Mode::Append && is_comparable(table) { &EVENT_COLUMNS } else { &[] };
    names.iter().map(|name| format!("t.{}", quoted(name))).collect()
}

/// Rows of an append log in the order of Kafka, with [`EVENT_COLUMNS`], to the newest of each
/// key. A value that an event did not carry is that of the event before; a truncation ends what
/// the source changed before it.
pub(crate) fn newest(table: &TableDefinition, log: Vec<Row>) -> Vec<Row> {
    let text = |row: &Row, name: &str| row.get(name).cloned().flatten();
    let mut rows: BTreeMap<Vec<Option<String>>, Row> = BTreeMap::new();
    let mut truncations: Vec<Option<String>> = Vec::new();
    for mut event in log {
        let key: Vec<Option<String>> = table.key.iter().map(|name| text(&event, name)).collect();
        match text(&event, "_cdc_op").as_deref() {
            Some("t") => truncations.push(text(&event, "_cdc_source_ts")),
            Some("d") => {
                rows.remove(&key);
            }
            _ => {
                let unavailable = text(&event, "_cdc_unavailable").unwrap_or_default();
                for column in &table.columns {
                    if unavailable.split(',').any(|name| name == column.target_name) {
                        let before = rows.get(&key).and_then(|row| text(row, &column.source_name));
                        event.insert(column.source_name.clone(), before);
                    }
                }
                rows.insert(key, event);
            }
        }
    }
    let mut rows: Vec<Row> = rows
        .into_values()
        .filter(|row| !truncations.iter().any(|truncated| text(row, "_cdc_source_ts") <= *truncated))
        .collect();
    for row in &mut rows {
        EVENT_COLUMNS.iter().for_each(|name| drop(row.remove(*name)));
    }
    rows
}
