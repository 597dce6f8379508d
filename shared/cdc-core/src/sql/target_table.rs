//! The target table: what readers query.

use super::ident::{literal, quoted};
use super::layout::Layout;
use crate::catalog::{Column, Mode, RedshiftType, TableDefinition};

/// Bookkeeping columns of every target table, last of all.
///
/// `_cdc_domain` and `_cdc_position` say which change made the row what it is, `_cdc_source_ts`
/// when the source made it (UTC), and the last two where the change is in Kafka. Positions are
/// comparable only within one domain. Where every change counts ([`Mode::keeps_changes`]) a
/// position also tells the changes of one transaction apart.
pub const BOOKKEEPING: [(&str, &str); 5] = [
    ("_cdc_domain", "VARCHAR(128)"),
    ("_cdc_position", "VARCHAR(80)"),
    ("_cdc_source_ts", "TIMESTAMP"),
    ("_cdc_kafka_partition", "BIGINT"),
    ("_cdc_kafka_offset", "BIGINT"),
];

/// Marks of rows that the source had: whether it deleted the row, and when (UTC).
const DELETION: [(&str, &str); 2] = [("_cdc_deleted", "BOOLEAN"), ("_cdc_deleted_at", "TIMESTAMP")];

/// What made a version (c, r, u), and the source's time from which it counted and until which it
/// did (UTC, the end not included). The present version has no end.
const VALIDITY: [(&str, &str); 3] =
    [("_cdc_op", "VARCHAR(1)"), ("_cdc_valid_from", "TIMESTAMP"), ("_cdc_valid_to", "TIMESTAMP")];

/// What an event was (c, r, u, d, t), and which columns' values it did not carry because they are
/// large and had not changed: names, comma separated.
const EVENT: [(&str, &str); 2] = [("_cdc_op", "VARCHAR(1)"), ("_cdc_unavailable", "VARCHAR(65535)")];

/// What rows with the same values have in common: a digest of them.
pub const ROW_IMAGE: (&str, &str) = ("_cdc_row", "VARCHAR(64)");

/// The columns that a mode has besides the source's and [`BOOKKEEPING`].
pub fn mode_columns(mode: Mode) -> &'static [(&'static str, &'static str)] {
    match mode {
        Mode::Current => &[],
        Mode::SoftDelete => &DELETION,
        Mode::History => &VALIDITY,
        Mode::Append => &EVENT,
        Mode::Count => &[ROW_IMAGE],
    }
}

/// All columns that are not the source's, in the order in which they follow the source's.
pub fn own_columns(mode: Mode) -> impl Iterator<Item = (&'static str, &'static str)> {
    mode_columns(mode).iter().chain(&BOOKKEEPING).copied()
}

/// The mode of which an existing target table with these columns is.
pub fn mode_of<'n>(columns: impl Iterator<Item = &'n str>) -> Mode {
    let names: Vec<&str> = columns.collect();
    [Mode::SoftDelete, Mode::History, Mode::Append, Mode::Count]
        .into_iter()
        .find(|mode| mode_columns(*mode).iter().all(|(name, _)| names.contains(name)))
        .unwrap_or_default()
}

/// `CREATE TABLE` for a target.
///
/// The first key column distributes and the key sorts: the merge joins on it. Keys are not
/// declared: Redshift does not enforce them but trusts them when planning ("Defining
/// constraints"). Only key columns are NOT NULL, since Redshift cannot drop the constraint later,
/// and none where a truncation is a row of its own.
#[must_use]
pub fn create(layout: &Layout, table: &TableDefinition) -> String {
    let mut lines: Vec<String> =
        table.columns.iter().map(|column| column_definition(column, is_required(table, column))).collect();
    lines.extend(own_columns(table.mode).map(|(name, kind)| format!("{} {kind}", quoted(name))));
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n    {columns}\n)\n{attributes}",
        name = layout.target_table(&table.spec),
        columns = lines.join(",\n    "),
        attributes = table_attributes(table),
    )
}

pub(super) fn column_definition(column: &Column, required: bool) -> String {
    format!("{} {}{}", quoted(&column.target_name), column.stored_type(), if required { " NOT NULL" } else { "" })
}

pub(super) fn is_required(table: &TableDefinition, column: &Column) -> bool {
    table.mode.needs_key() && table.is_key(&column.source_name)
}

/// Distribution and sort keys, shared by the target, its ledger and its staging tables so that
/// their joins need no redistribution. No guide says that a VARBYTE column can
/// distribute, so it does not.
#[must_use]
pub fn table_attributes(table: &TableDefinition) -> String {
    let keys: Vec<String> = table
        .key_columns()
        .filter(|column| !matches!(column.target_type, RedshiftType::Varbyte { .. }))
        .map(|column| quoted(&column.target_name))
        .collect();
    match keys.first() {
        None if table.mode.counts() => format!("DISTSTYLE KEY DISTKEY ({0})\nSORTKEY ({0})", quoted(ROW_IMAGE.0)),
        None => "DISTSTYLE EVEN".to_owned(),
        Some(first) => format!("DISTSTYLE KEY DISTKEY ({first})\nCOMPOUND SORTKEY ({})", keys.join(", ")),
    }
}

/// `ALTER TABLE … ADD COLUMN`: Redshift adds one column a statement.
#[must_use]
pub fn add_column(layout: &Layout, table: &TableDefinition, column: &Column) -> String {
    format!("ALTER TABLE {} ADD COLUMN {}", layout.target_table(&table.spec), column_definition(column, false))
}

/// `ALTER TABLE … RENAME COLUMN`.
#[must_use]
pub fn rename_column(layout: &Layout, table: &TableDefinition, from: &str, to: &str) -> String {
    format!("ALTER TABLE {} RENAME COLUMN {} TO {}", layout.target_table(&table.spec), quoted(from), quoted(to))
}

/// `ALTER TABLE … ALTER COLUMN … TYPE VARCHAR(n)`: the one type change that Redshift makes in
/// place, and only outside a transaction.
#[must_use]
pub fn widen_column(layout: &Layout, table: &TableDefinition, column: &Column) -> String {
    format!(
        "ALTER TABLE {} ALTER COLUMN {} TYPE {}",
        layout.target_table(&table.spec),
        quoted(&column.target_name),
        column.stored_type()
    )
}

/// A comment for people who meet the table in a catalog browser.
#[must_use]
pub fn comment(layout: &Layout, table: &TableDefinition) -> String {
    format!(
        "COMMENT ON TABLE {} IS {}",
        layout.target_table(&table.spec),
        literal(&format!("Replicated from topic {}; do not write to it.", table.spec.topic))
    )
}
