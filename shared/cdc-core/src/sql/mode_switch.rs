//! Another mode for an existing table: a new target, into which the next merges replay the log.
//!
//! The former target stays under another name. Its merge procedure may still be running or be
//! called before the new one takes its place, and would write what the new target cannot mean: so
//! the watermark table, which every merge locks first, goes in the same transaction. Merges fail
//! until it is made again, behind the new procedure, and an empty one is where a replay begins.

use super::control_schema;
use super::ident::{literal, quoted};
use super::layout::{Layout, TRUNCATIONS};
use super::{reshape, target_table};
use crate::catalog::TableDefinition;

/// The statements, without the new watermark table. `finally` is run at their end: the rights on the new
/// target, and what becomes of those on the former one.
#[must_use]
pub fn switch(layout: &Layout, table: &TableDefinition, kept_as: &str, finally: &[String]) -> Vec<String> {
    let spec = &table.spec;
    let mut statements = vec![
        format!("ALTER TABLE {} RENAME TO {}", layout.target_table(spec), quoted(kept_as)),
        target_table::create(layout, table).replace('\n', " "),
        format!("DROP TABLE IF EXISTS {}", layout.ledger_table(spec)),
    ];
    if table.mode.has_ledger() {
        statements.push(control_schema::create_ledger_table(layout, table).replace('\n', " "));
    }
    statements.extend([
        format!("DELETE FROM {} WHERE table_name = {}", layout.control(TRUNCATIONS), literal(table.spec.id().as_str())),
        format!("DROP TABLE {}", layout.watermark_table(spec)),
    ]);
    statements.extend(finally.iter().cloned());
    reshape::locked(layout, table, "begin a new target of another mode; the former one is kept", &statements)
}
