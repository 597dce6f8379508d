//! The target table: what readers query.

use super::ident::{literal, quoted};
use super::layout::Layout;
use crate::catalog::{Column, RedshiftType, TableDefinition};

/// Bookkeeping columns of every target table, behind the source's columns.
///
/// `_cdc_domain` and `_cdc_position` say which change made the row what it is, `_cdc_source_ts`
/// when the source made it (UTC), and the last two where the change is in Kafka. Positions are
/// comparable only within one domain.
pub const BOOKKEEPING: [(&str, &str); 5] = [
    ("_cdc_domain", "VARCHAR(128)"),
    ("_cdc_position", "VARCHAR(80)"),
    ("_cdc_source_ts", "TIMESTAMP"),
    ("_cdc_kafka_partition", "BIGINT"),
    ("_cdc_kafka_offset", "BIGINT"),
];

/// `CREATE TABLE` for a target.
///
/// The first key column distributes and the key sorts: the merge joins on it. Keys are not
/// declared: Redshift does not enforce them but trusts them when planning ("Defining
/// constraints"). Only key columns are NOT NULL, since Redshift cannot drop the constraint later.
#[must_use]
pub fn create(layout: &Layout, table: &TableDefinition) -> String {
    let mut lines: Vec<String> =
        table.columns.iter().map(|column| column_definition(column, table.is_key(&column.source_name))).collect();
    lines.extend(BOOKKEEPING.iter().map(|(name, kind)| format!("{} {kind}", quoted(name))));
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n    {columns}\n)\n{attributes}",
        name = layout.target_table(&table.spec),
        columns = lines.join(",\n    "),
        attributes = table_attributes(table),
    )
}

pub(super) fn column_definition(column: &Column, key: bool) -> String {
    format!("{} {}{}", quoted(&column.target_name), column.target_type, if key { " NOT NULL" } else { "" })
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
        column.target_type
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
