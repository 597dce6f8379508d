//! One synchronisation: the statements of one batch, in order, and what each is there for.

use super::control_schema;
use super::grants::{CASE_SENSITIVE, in_list};
use super::ident::literal;
use super::layout::{GAPS, Layout, QUARANTINE, WATERMARKS};
use crate::catalog::{TableId, TableSpec};
use crate::watermark::Watermark;

/// How much of a table one merge may take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeBound {
    /// At most about this many landed records; at least one of each partition is taken.
    pub max_rows: i64,
    /// Only this Kafka partition; all if `None`.
    pub partition: Option<i64>,
    /// Put the record at this offset of `partition`, which must be the partition's next one,
    /// into quarantine without reading it.
    pub quarantine_offset: Option<i64>,
}

impl MergeBound {
    /// All partitions, at most `max_rows` records.
    #[must_use]
    pub fn rows(max_rows: i64) -> Self {
        Self { max_rows, partition: None, quarantine_offset: None }
    }
}

/// What a statement of the batch is there for. Indexes into the request's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementRole {
    /// A session setting; if it fails, no merge of the batch did anything (each probes it).
    Setting,
    /// A landing view's refresh; if it fails, what had landed before is merged all the same.
    Refresh(usize),
    /// A merge; its result row has `merge_procedure::RESULT_COLUMNS`.
    Merge(usize),
    /// The watermarks of all requested tables.
    Watermarks,
}

/// One batch: statement text and role, in the order of execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synchronisation {
    /// Statement texts.
    pub statements: Vec<String>,
    /// `roles[i]` belongs to `statements[i]`.
    pub roles: Vec<StatementRole>,
}

/// Lets JSON_PARSE take a record with a string over 65,535 bytes and cut the string ("SUPER
/// configurations"). The merge tells such values by their length, and the row keeps its others.
const TRUNCATE_STRINGS: &str = "SET json_parse_truncate_strings TO on";

/// The most tables of one batch: it has two statements per table and three more, and the Data
/// API takes 40 statements a batch.
pub const MAX_TABLES: usize = 18;

/// Renders one synchronisation of at most [`MAX_TABLES`] tables.
#[must_use]
pub fn synchronise(layout: &Layout, tables: &[(&TableSpec, MergeBound)]) -> Synchronisation {
    let mut statements = vec![CASE_SENSITIVE.to_owned(), TRUNCATE_STRINGS.to_owned()];
    let mut roles = vec![StatementRole::Setting, StatementRole::Setting];
    for (index, (spec, _)) in tables.iter().enumerate() {
        statements.push(format!("CALL {}()", layout.refresh_procedure(spec)));
        roles.push(StatementRole::Refresh(index));
    }
    for (index, (spec, bound)) in tables.iter().enumerate() {
        statements.push(format!(
            "CALL {}({}, {}, {})",
            layout.merge_procedure(spec),
            bound.max_rows,
            bound.partition.unwrap_or(-1),
            bound.quarantine_offset.unwrap_or(-1),
        ));
        roles.push(StatementRole::Merge(index));
    }
    // The tables' own watermark tables, not the view over all: a merge's lock blocks readers,
    // and another table's first load must not hold this batch up.
    let specs: Vec<&TableSpec> = tables.iter().map(|(spec, _)| *spec).collect();
    statements.push(own_watermarks(layout, &specs));
    roles.push(StatementRole::Watermarks);
    Synchronisation { statements, roles }
}

/// The watermarks of some tables from their own watermark tables, of which each has to be there.
#[must_use]
pub fn own_watermarks(layout: &Layout, specs: &[&TableSpec]) -> String {
    let own: Vec<String> = specs.iter().map(|spec| control_schema::watermark_rows(layout, spec)).collect();
    format!("{}\nORDER BY table_name, kafka_partition", own.join("\nUNION ALL\n"))
}

/// Columns of the watermarks query, in order.
pub const WATERMARK_COLUMNS: [&str; 7] =
    ["table_name", "kafka_partition", "kafka_offset", "kafka_timestamp_ms", "refresh_time_ms", "gaps", "merged_at_ms"];

/// The watermarks of some tables; of all if `tables` is empty.
#[must_use]
pub fn watermarks(layout: &Layout, tables: &[TableId]) -> String {
    let names: Vec<&str> = tables.iter().map(TableId::as_str).collect();
    let filter = if names.is_empty() { String::new() } else { format!(" WHERE w.table_name IN ({})", in_list(&names)) };
    format!(
        "SELECT w.{} FROM {} AS w{filter} ORDER BY w.table_name, w.kafka_partition",
        WATERMARK_COLUMNS.join(", w."),
        layout.control(WATERMARKS),
    )
}

/// Offsets of one table that merges passed although they had not landed, from `first_offset`
/// on: columns `kafka_partition, first_missing, last_missing`. Ask when a watermark's `gaps`
/// grew: a record that the caller saw in such a gap was lost on its way into the warehouse.
#[must_use]
pub fn gaps(layout: &Layout, table: &TableId, partition: i64, first_offset: i64) -> String {
    format!(
        "SELECT g.kafka_partition, g.first_missing, g.last_missing FROM {} AS g \
         WHERE g.table_name = {} AND g.kafka_partition = {partition} AND g.last_missing >= {first_offset} \
         ORDER BY g.first_missing",
        layout.control(GAPS),
        literal(table.as_str()),
    )
}

/// Offsets of one partition's records in quarantine, from `first_offset` on, ascending: column
/// `kafka_offset`.
#[must_use]
pub fn quarantined(layout: &Layout, table: &TableId, partition: i64, first_offset: i64) -> String {
    format!(
        "SELECT DISTINCT q.kafka_offset FROM {} AS q WHERE q.table_name = {} \
         AND q.kafka_partition = {partition} AND q.kafka_offset >= {first_offset} ORDER BY q.kafka_offset",
        layout.control(QUARANTINE),
        literal(table.as_str()),
    )
}

/// What has landed above the watermarks, by partition: columns `kafka_partition, first_offset,
/// records`. Partitions without a watermark count whole.
#[must_use]
pub fn pending_positions(layout: &Layout, spec: &TableSpec, watermarks: &[Watermark]) -> String {
    let mut scope: Vec<String> = watermarks
        .iter()
        .map(|mark| format!("(l.kafka_partition = {} AND l.kafka_offset > {})", mark.partition, mark.offset))
        .collect();
    let known: Vec<String> = watermarks.iter().map(|mark| mark.partition.to_string()).collect();
    scope.push(if known.is_empty() {
        "l.kafka_offset >= 0".to_owned()
    } else {
        format!("l.kafka_partition NOT IN ({})", known.join(", "))
    });
    format!(
        "SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, COUNT(*) AS records \
         FROM {} AS l WHERE {} GROUP BY l.kafka_partition ORDER BY l.kafka_partition",
        layout.landing_view(spec),
        scope.join(" OR ")
    )
}
