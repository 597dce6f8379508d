//! The control schema: everything that an operator asks is a query over it.

use super::ident::{literal, quoted};
use super::layout::{
    CATALOG, DEFINITIONS, GAPS, HOLDS, Layout, MERGE_LOG, QUARANTINE, SETTINGS_PROBE, TRUNCATIONS, WATERMARKS,
};
use super::target_table;
use crate::catalog::{TableDefinition, TableSpec};

/// `CREATE SCHEMA IF NOT EXISTS`.
#[must_use]
pub fn create_schema(name: &str) -> String {
    format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(name))
}

/// What has been provisioned, newest row per object first in force. Insert-only, so that it is
/// also the history.
#[must_use]
pub fn create_catalog(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   applied_at TIMESTAMP NOT NULL,\n\
         \x20   object_kind VARCHAR(32) NOT NULL,\n\
         \x20   object_name VARCHAR(300) NOT NULL,\n\
         \x20   action VARCHAR(16) NOT NULL,\n\
         \x20   fingerprint VARCHAR(64) NOT NULL,\n\
         \x20   table_name VARCHAR(260),\n\
         \x20   topic VARCHAR(260),\n\
         \x20   reason VARCHAR(1024)\n\
         )\n\
         DISTSTYLE AUTO",
        layout.control(CATALOG)
    )
}

/// Records and values that could not be merged, with the raw record. Insert-only.
#[must_use]
pub fn create_quarantine(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   quarantined_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   topic VARCHAR(260) NOT NULL,\n\
         \x20   kafka_partition BIGINT NOT NULL,\n\
         \x20   kafka_offset BIGINT NOT NULL,\n\
         \x20   kafka_timestamp TIMESTAMP,\n\
         \x20   scope VARCHAR(8) NOT NULL,\n\
         \x20   reason VARCHAR(256) NOT NULL,\n\
         \x20   column_names VARCHAR(65535),\n\
         \x20   kafka_key VARBYTE(16777216),\n\
         \x20   kafka_value VARBYTE(16777216)\n\
         )\n\
         DISTSTYLE EVEN\n\
         SORTKEY (quarantined_at)",
        layout.control(QUARANTINE)
    )
}

/// One row per merge and partition: what was read and what came of it. Insert-only.
#[must_use]
pub fn create_merge_log(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   merged_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   kafka_partition BIGINT NOT NULL,\n\
         \x20   first_offset BIGINT NOT NULL,\n\
         \x20   last_offset BIGINT NOT NULL,\n\
         \x20   landed BIGINT NOT NULL,\n\
         \x20   reads BIGINT NOT NULL,\n\
         \x20   creates BIGINT NOT NULL,\n\
         \x20   updates BIGINT NOT NULL,\n\
         \x20   deletes BIGINT NOT NULL,\n\
         \x20   tombstones BIGINT NOT NULL,\n\
         \x20   stale BIGINT NOT NULL,\n\
         \x20   quarantined BIGINT NOT NULL,\n\
         \x20   nulled_values BIGINT NOT NULL,\n\
         \x20   truncated_values BIGINT NOT NULL,\n\
         \x20   newest_source_ts TIMESTAMP\n\
         )\n\
         DISTSTYLE EVEN\n\
         SORTKEY (merged_at)",
        layout.control(MERGE_LOG)
    )
}

/// Offsets that a merge passed although they had not landed. Compaction and the markers of
/// transactional producers leave such gaps too: a gap is a loss only if somebody saw a record
/// in it. Insert-only.
#[must_use]
pub fn create_gaps(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   detected_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   kafka_partition BIGINT NOT NULL,\n\
         \x20   first_missing BIGINT NOT NULL,\n\
         \x20   last_missing BIGINT NOT NULL\n\
         )\n\
         DISTSTYLE EVEN\n\
         SORTKEY (detected_at)",
        layout.control(GAPS)
    )
}

/// Where records wait for a schema change to be taken in: the first record of each partition,
/// and why. Insert-only; what the watermark has passed waits no more.
#[must_use]
pub fn create_holds(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   held_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   topic VARCHAR(260) NOT NULL,\n\
         \x20   kafka_partition BIGINT NOT NULL,\n\
         \x20   kafka_offset BIGINT NOT NULL,\n\
         \x20   reason VARCHAR(256) NOT NULL\n\
         )\n\
         DISTSTYLE EVEN\n\
         SORTKEY (held_at)",
        layout.control(HOLDS)
    )
}

/// What the definition that each target has was learned from, in pieces: Kafka does not keep it.
#[must_use]
pub fn create_definitions(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   recorded_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   piece BIGINT NOT NULL,\n\
         \x20   learned_from VARCHAR(65535) NOT NULL\n\
         )\n\
         DISTSTYLE AUTO",
        layout.control(DEFINITIONS)
    )
}

/// Bytes of one piece. A statement has at most 200,000, and quotes and backslashes are doubled.
const PIECE_BYTES: usize = 32_000;

/// Keeps what a table's definition was learned from in place of what was kept of it.
#[must_use]
pub fn keep_definition(layout: &Layout, table: &str, learned_from: &str) -> Vec<String> {
    let (name, table) = (layout.control(DEFINITIONS), literal(table));
    let mut statements = vec![format!("DELETE FROM {name} WHERE table_name = {table}")];
    let mut rest = learned_from;
    while !rest.is_empty() {
        let end = (0..=PIECE_BYTES.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        statements.push(format!(
            "INSERT INTO {name} (recorded_at, table_name, piece, learned_from) VALUES (SYSDATE, {table}, {}, {})",
            statements.len(),
            literal(piece)
        ));
        rest = behind;
    }
    statements
}

/// Truncations of source tables. `applied` tells whether the rows that were in the target then
/// are gone; changes that are older are left out for ever.
#[must_use]
pub fn create_truncations(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   detected_at TIMESTAMP NOT NULL,\n\
         \x20   table_name VARCHAR(260) NOT NULL,\n\
         \x20   source_domain VARCHAR(128),\n\
         \x20   source_position VARCHAR(80),\n\
         \x20   source_ts TIMESTAMP,\n\
         \x20   arrival TIMESTAMP,\n\
         \x20   applied BOOLEAN NOT NULL\n\
         )\n\
         DISTSTYLE EVEN",
        layout.control(TRUNCATIONS)
    )
}

/// The table by which procedures probe their session's settings, and the row in it.
#[must_use]
pub fn create_settings_probe(layout: &Layout) -> [String; 3] {
    let name = layout.control(SETTINGS_PROBE);
    [
        format!("CREATE TABLE IF NOT EXISTS {name} (probe SUPER)\nDISTSTYLE ALL"),
        format!("DELETE FROM {name}"),
        format!("INSERT INTO {name} SELECT JSON_PARSE({})", literal(r#"{"cdcProbe":1}"#)),
    ]
}

/// A table's own watermark table: the highest merged offset of each partition.
///
/// One small table per target, because it is also the lock that merge, pruning and schema
/// changes take first: locking the target would block its readers, and in a shared table
/// strangers would conflict.
#[must_use]
pub fn create_watermark_table(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   kafka_partition BIGINT NOT NULL,\n\
         \x20   kafka_offset BIGINT NOT NULL,\n\
         \x20   kafka_timestamp TIMESTAMP,\n\
         \x20   refresh_time TIMESTAMP,\n\
         \x20   gaps BIGINT NOT NULL,\n\
         \x20   merged_at TIMESTAMP NOT NULL\n\
         )\n\
         DISTSTYLE ALL",
        layout.watermark_table(spec)
    )
}

/// Keys of deleted rows with the position of their deletion: what keeps a late, older change
/// from bringing a deleted row back.
#[must_use]
pub fn create_ledger_table(layout: &Layout, table: &TableDefinition) -> String {
    if table.mode.counts() {
        return create_counts_table(layout, table);
    }
    let keys: Vec<String> = table
        .key_columns()
        .map(|column| format!("{} {} NOT NULL", quoted(&column.target_name), column.target_type))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   {},\n\
         \x20   \"_cdc_domain\" VARCHAR(128),\n\
         \x20   \"_cdc_position\" VARCHAR(80),\n\
         \x20   \"_cdc_source_ts\" TIMESTAMP,\n\
         \x20   \"_cdc_kafka_partition\" BIGINT,\n\
         \x20   \"_cdc_deleted_at\" TIMESTAMP NOT NULL\n\
         )\n{}",
        layout.ledger_table(&table.spec),
        keys.join(",\n    "),
        target_table::table_attributes(table)
    )
}

/// Which places of the source's log have counted already, and which rows are still owed, because
/// the change that takes them away came before them. `_cdc_change` is 1 or -1.
fn create_counts_table(layout: &Layout, table: &TableDefinition) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         \x20   \"_cdc_row\" VARCHAR(64) NOT NULL,\n\
         \x20   \"_cdc_change\" SMALLINT NOT NULL,\n\
         \x20   \"_cdc_domain\" VARCHAR(128),\n\
         \x20   \"_cdc_position\" VARCHAR(80),\n\
         \x20   \"_cdc_log_file\" VARCHAR(512),\n\
         \x20   \"_cdc_log_place\" VARCHAR(600),\n\
         \x20   \"_cdc_owed\" BOOLEAN NOT NULL,\n\
         \x20   \"_cdc_source_ts\" TIMESTAMP,\n\
         \x20   \"_cdc_kafka_partition\" BIGINT,\n\
         \x20   \"_cdc_kafka_offset\" BIGINT,\n\
         \x20   \"_cdc_seen_at\" TIMESTAMP NOT NULL\n\
         )\n{}",
        layout.ledger_table(&table.spec),
        target_table::table_attributes(table)
    )
}

/// The union of all watermark tables, for functions and people. Times are milliseconds since
/// the epoch, UTC.
#[must_use]
pub fn create_watermarks_view(layout: &Layout, specs: &[TableSpec]) -> String {
    let branches: Vec<String> = specs.iter().map(|spec| watermark_rows(layout, spec)).collect();
    format!(
        "CREATE OR REPLACE VIEW {} AS\n{}\nWITH NO SCHEMA BINDING",
        layout.control(WATERMARKS),
        branches.join("\nUNION ALL\n")
    )
}

/// The rows of one watermark table as [`WATERMARKS`] shows them. Times are milliseconds since
/// the epoch, UTC.
pub(super) fn watermark_rows(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "SELECT CAST({} AS VARCHAR(260)) AS table_name, w.kafka_partition, w.kafka_offset,\n\
         \x20      DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.kafka_timestamp) AS kafka_timestamp_ms,\n\
         \x20      DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.refresh_time) AS refresh_time_ms,\n\
         \x20      w.gaps,\n\
         \x20      DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), w.merged_at) AS merged_at_ms\n\
         FROM {} AS w",
        literal(spec.id().as_str()),
        layout.watermark_table(spec)
    )
}

/// Records in the catalog what was done to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry<'a> {
    /// Kind of object, as in `provision::ObjectKind`.
    pub object_kind: &'a str,
    /// Schema-qualified name, unquoted.
    pub object_name: &'a str,
    /// `create`, `replace`, `alter`, `grant` or `drop`.
    pub action: &'a str,
    /// Fingerprint of the object's definition.
    pub fingerprint: &'a str,
    /// The table it belongs to, if any.
    pub table_name: Option<&'a str>,
    /// The topic it belongs to, if any.
    pub topic: Option<&'a str>,
    /// Why it was done.
    pub reason: &'a str,
}

/// One INSERT for all entries.
#[must_use]
pub fn record_in_catalog(layout: &Layout, entries: &[CatalogEntry<'_>]) -> String {
    let rows: Vec<String> = entries
        .iter()
        .map(|entry| {
            let optional = |value: Option<&str>| value.map_or("NULL".to_owned(), literal);
            let mut reason = entry.reason.to_owned();
            while reason.len() > 1024 {
                reason.pop();
            }
            format!(
                "(SYSDATE, {}, {}, {}, {}, {}, {}, {})",
                literal(entry.object_kind),
                literal(entry.object_name),
                literal(entry.action),
                literal(entry.fingerprint),
                optional(entry.table_name),
                optional(entry.topic),
                literal(&reason)
            )
        })
        .collect();
    format!(
        "INSERT INTO {} (applied_at, object_kind, object_name, action, fingerprint, table_name, topic, reason)\nVALUES {}",
        layout.control(CATALOG),
        rows.join(",\n       ")
    )
}
