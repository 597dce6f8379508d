//! The merge procedure: folds landed records into the target table, in one transaction.
//!
//! The journey of a landed record: pending -> landed -> events -> typed -> history -> staging
//! -> target. What comes behind typed depends on the table's mode, and the text has only what its
//! mode needs. Each arrow is one temporary table, so that a DBA can stop after any of them and
//! look. `MERGE` has one matched and one not-matched action and cannot reach into SUPER
//! (Redshift Database Developer Guide, `MERGE`), hence the typed staging table and the
//! separate `DELETE`.
//!
//! Every argument and variable starts with `cdc_`: PL/pgSQL puts a variable's value wherever
//! its name stands in a statement, also where a column of that name was meant.

use super::ident::{literal, quoted};
use super::layout::{Layout, SETTINGS_PROBE};
use super::target_table;
use super::{placeholder, protect};
use crate::catalog::{Column, Mode, RedshiftType, TableDefinition};

mod append;
mod apply;
mod bookkeeping;
mod counted;
mod events;
mod holds;
mod keys;
mod lost_rows;
mod order;
mod quarantine;
mod range;
mod row_versions;
mod shapes;
mod soft_delete;
mod staging;
mod tombstones;
mod truncations;
mod values;
mod versioned;

pub(super) use events::origin;
pub(super) use lost_rows::SCOPE as LOST;

/// Argument types of the merge procedure, for `CALL` and `GRANT`.
pub const ARGUMENT_TYPES: &str = "BIGINT, BIGINT, BIGINT";

/// Names of the OUT columns of the procedure's result row, in order. All BIGINT.
///
/// `cdc_pending_rows` have landed and are left for the next merge; `cdc_held_rows` have landed
/// and wait until the provisioner has taken in a change of the table's definition.
pub const RESULT_COLUMNS: [&str; 7] = [
    "cdc_landed_rows",
    "cdc_applied_rows",
    "cdc_deleted_rows",
    "cdc_stale_rows",
    "cdc_quarantined_rows",
    "cdc_pending_rows",
    "cdc_held_rows",
];

/// Entries of the ledger of deleted keys are kept this long. Debezium re-sends what it had
/// not committed after a crash: minutes, not days.
const LEDGER_DAYS: u32 = 7;

/// Everything that the parts of the procedure's text share.
struct Writer<'a> {
    layout: &'a Layout,
    table: &'a TableDefinition,
    /// The landing view, quoted and qualified.
    landing: String,
    target: String,
    watermark: String,
    ledger: String,
    table_name: String,
    topic: String,
}

/// `CREATE OR REPLACE PROCEDURE sp_merge_…(cdc_max_rows, cdc_only_partition, cdc_quarantine_offset, OUT …)`.
#[must_use]
pub fn create(layout: &Layout, table: &TableDefinition) -> String {
    let writer = Writer {
        layout,
        table,
        landing: layout.landing_view(&table.spec),
        target: layout.target_table(&table.spec),
        watermark: layout.watermark_table(&table.spec),
        ledger: layout.ledger_table(&table.spec),
        table_name: literal(table.spec.id().as_str()),
        topic: literal(&table.spec.topic),
    };
    let mut body = String::new();
    let mut parts = vec![
        writer.declarations(),
        writer.lock_and_probe(),
        writer.pending(),
        writer.bounds(),
        writer.landed(),
        writer.events(),
        writer.holds(),
        writer.deleting_tombstones(),
    ];
    if table.mode.counts() {
        parts.push(writer.halves());
    }
    parts.push(writer.typed());
    if table.shapes.is_some() {
        parts.push(writer.without_schema());
    }
    parts.extend(writer.by_mode());
    parts.extend([writer.gaps(), writer.merge_log(), writer.advance()]);
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        body.push_str(&part);
        body.push('\n');
    }
    procedure(layout, table, &body)
}

/// The same procedure while the target changes: it merges nothing and says that records wait. The
/// former text would write the values of a column into the one that has its name now.
#[must_use]
pub fn closed(layout: &Layout, table: &TableDefinition) -> String {
    let body = format!(
        "-- Purpose:   merge nothing while the provisioner changes the target; it replaces this procedure at the end.\n\
         BEGIN\n\
         {NOTHING_YET}\n\
         \x20   cdc_held_rows := 1;\n"
    );
    procedure(layout, table, &body)
}

/// Before anything is merged.
const NOTHING_YET: &str = "    cdc_landed_rows := 0;
    cdc_applied_rows := 0;
    cdc_deleted_rows := 0;
    cdc_stale_rows := 0;
    cdc_quarantined_rows := 0;
    cdc_pending_rows := 0;
    cdc_held_rows := 0;";

/// `body` is everything up to `END`.
fn procedure(layout: &Layout, table: &TableDefinition, body: &str) -> String {
    let outs: Vec<String> = RESULT_COLUMNS.iter().map(|name| format!("{name} OUT BIGINT")).collect();
    format!(
        "CREATE OR REPLACE PROCEDURE {name}(\n\
         \x20   cdc_max_rows IN BIGINT,\n\
         \x20   cdc_only_partition IN BIGINT,\n\
         \x20   cdc_quarantine_offset IN BIGINT,\n\
         \x20   {outs}\n\
         )\n\
         AS $procedure$\n\
         {body}END;\n\
         $procedure$ LANGUAGE plpgsql SECURITY DEFINER",
        name = layout.merge_procedure(&table.spec),
        outs = outs.join(",\n    "),
    )
}

impl Writer<'_> {
    /// The temporary table of a stage, quoted.
    fn stage(&self, name: &str) -> String {
        Layout::staging_table(&self.table.spec, name)
    }

    /// From typed events to the target.
    fn by_mode(&self) -> Vec<String> {
        match self.table.mode {
            Mode::Current => vec![
                self.moved_keys(),
                self.quarantine_records(),
                self.truncations(),
                self.late_reads(),
                self.history(),
                self.lost_rows(),
                self.staging(),
                self.quarantine_values(),
                self.apply(),
            ],
            Mode::SoftDelete => vec![
                self.moved_keys(),
                self.quarantine_records(),
                self.emptied(),
                self.late_reads(),
                self.history(),
                self.lost_rows(),
                self.staging(),
                self.quarantine_values(),
                self.mark_and_merge(),
            ],
            Mode::History => vec![
                self.moved_keys(),
                self.quarantine_records(),
                self.emptied(),
                self.late_reads(),
                self.history(),
                self.lost_rows(),
                self.steps(),
                self.quarantine_values(),
                self.open_and_close(),
            ],
            Mode::Append => {
                vec![self.quarantine_records(), self.rows_of_events(), self.quarantine_values(), self.append()]
            }
            Mode::Count => vec![
                self.whole_changes(),
                self.quarantine_records(),
                self.truncations(),
                self.occurrences(),
                self.quarantine_values(),
                self.count(),
            ],
        }
    }

    /// The rows of the target that stand for what the source has or had last, as a condition
    /// that begins with ` AND `.
    fn present(&self, row: &str) -> String {
        match self.table.mode {
            Mode::History => format!(" AND {row}._cdc_valid_to IS NULL"),
            Mode::Current | Mode::SoftDelete | Mode::Append | Mode::Count => String::new(),
        }
    }

    /// The rows of the target that the source has, likewise.
    fn alive(&self, row: &str) -> String {
        match self.table.mode {
            Mode::SoftDelete => format!(" AND NOT {row}._cdc_deleted"),
            Mode::Current | Mode::History | Mode::Append | Mode::Count => self.present(row),
        }
    }

    /// What remembers which change made a key what it is, or took it away. A marked row is its
    /// own ledger.
    fn remembered(&self) -> Vec<(&str, String)> {
        let target = (self.target.as_str(), self.present("h"));
        let ledger = (self.ledger.as_str(), String::new());
        if self.table.mode == Mode::SoftDelete { vec![target] } else { vec![target, ledger] }
    }

    fn keys(&self) -> Vec<String> {
        self.table.key_columns().map(|column| quoted(&column.target_name)).collect()
    }

    /// `left."k1" = right."k1" AND …`
    ///
    /// Redshift ignores trailing blanks when it compares character values ("Character types",
    /// "Significance of trailing blanks"); the sources do not, so lengths are compared too.
    fn keys_equal(&self, left: &str, right: &str) -> String {
        let mut parts = Vec::new();
        for column in self.table.key_columns() {
            let key = quoted(&column.target_name);
            parts.push(format!("{left}.{key} = {right}.{key}"));
            if matches!(column.target_type, RedshiftType::Varchar { .. }) {
                parts.push(format!("OCTET_LENGTH({left}.{key}) = OCTET_LENGTH({right}.{key})"));
            }
        }
        parts.join(" AND ")
    }

    /// The key as `PARTITION BY` and `GROUP BY` take it: with the lengths of text keys.
    fn key_partition(&self, relation: &str) -> String {
        let mut parts = Vec::new();
        for column in self.table.key_columns() {
            let key = quoted(&column.target_name);
            parts.push(format!("{relation}.{key}"));
            if matches!(column.target_type, RedshiftType::Varchar { .. }) {
                parts.push(format!("OCTET_LENGTH({relation}.{key})"));
            }
        }
        parts.join(", ")
    }

    /// The key columns of one relation, comma separated.
    fn key_list(&self, relation: &str) -> String {
        self.keys().iter().map(|key| format!("{relation}.{key}")).collect::<Vec<_>>().join(", ")
    }

    /// The columns that may carry the placeholder of an unchanged large value, each with the
    /// condition for a row image.
    fn unavailable_columns(&self, image: &str) -> Vec<(&Column, String)> {
        let condition = |column| placeholder::unavailable(image, column, &self.table.unavailable_value);
        self.table.value_columns().filter_map(|column| Some((column, condition(column)?))).collect()
    }

    /// Whether a typed row has the placeholder of an unchanged large value in the column, as a
    /// condition. None for a column that never has.
    fn is_unchanged(&self, row: &str, column: &Column) -> Option<String> {
        placeholder::unavailable(row, column, &self.table.unavailable_value)?;
        Some(format!("STRPOS({row}._cdc_unavailable, {}) > 0", literal(&format!(",{},", column.target_name))))
    }

    /// All columns of the target, quoted.
    fn target_columns(&self) -> Vec<String> {
        let source = self.table.columns.iter().map(|column| column.target_name.as_str());
        let own = target_table::own_columns(self.table.mode).map(|(name, _)| name);
        source.chain(own).map(quoted).collect()
    }

    fn declarations(&self) -> String {
        format!(
            "-- Purpose:   fold the landed records of {topic} above the watermark into {target}.\n\
             -- Arguments: cdc_max_rows           at most about this many landed records are merged, the rest stays pending\n\
             --            cdc_only_partition     -1, or the one Kafka partition to merge\n\
             --            cdc_quarantine_offset  -1, or the offset of cdc_only_partition's next record, which then goes\n\
             --                               to quarantine unread because merging it fails every time\n\
             -- Returns:   one row of counts; see the OUT arguments.\n\
             -- Locking:   the table's own watermark table, first and alone. Readers of the target are never blocked.\n\
             -- Repeats:   what the watermark has passed is not read again, so a repeated call changes nothing.\n\
             -- By hand:   SET enable_case_sensitive_identifier TO true; SET json_parse_truncate_strings TO on; CALL {procedure}(100000, -1, -1);\n\
             DECLARE\n\
             \x20   cdc_probe BIGINT;\n\
             \x20   cdc_mark RECORD;\n\
             \x20   cdc_scope VARCHAR(65535) := '';\n\
             \x20   cdc_known VARCHAR(65535) := '';\n\
             \x20   cdc_pending_total BIGINT := 0;\n\
             \x20   cdc_partition_count BIGINT := 0;\n\
             \x20   cdc_share BIGINT := 0;\n\
             \x20   cdc_records_quarantined BIGINT := 0;\n\
             \x20   cdc_values_quarantined BIGINT := 0;\n\
             \x20   cdc_missing BIGINT := 0;\n\
             \x20   cdc_expected BIGINT := 0;\n\
             \x20   cdc_advanced BIGINT := 0;\n\
             \x20   cdc_unavailable_count BIGINT := 0;\n\
             \x20   cdc_malformed_count BIGINT := 0;\n\
             \x20   cdc_late_reads BIGINT := 0;\n\
             \x20   cdc_lost_rows BIGINT := 0;\n\
             \x20   cdc_truncations BIGINT := 0;\n\
             \x20   cdc_truncated_rows BIGINT := 0;\n\
             {hold_variables}{version_variables}{count_variables}\
             BEGIN",
            version_variables = self.version_variables(),
            hold_variables = self.hold_variables(),
            count_variables = self.count_variables(),
            topic = self.table.spec.topic.replace(['\n', '\r'], " "),
            target = self.target.replace(['\n', '\r'], " "),
            procedure = self.layout.merge_procedure(&self.table.spec),
        )
    }

    fn needs_key(&self) -> String {
        if !self.table.hashes() {
            return String::new();
        }
        protect::needs_key(self.layout).iter().map(|statement| format!("    {statement};\n")).collect()
    }

    fn lock_and_probe(&self) -> String {
        format!(
            "\x20   -- The lock comes before anything that would take a snapshot.\n\
             \x20   LOCK TABLE {watermark};\n\
             \x20   -- Without case-sensitive names every mixed-case attribute would read as NULL.\n\
             \x20   SELECT p.probe.\"cdcProbe\"::BIGINT INTO cdc_probe FROM {probe} AS p;\n\
             \x20   IF cdc_probe IS NULL OR cdc_probe <> 1 THEN\n\
             \x20       RAISE EXCEPTION 'enable_case_sensitive_identifier is off in this session; set it to true before calling a merge procedure';\n\
             \x20   END IF;\n\
             {needs_key}{NOTHING_YET}",
            watermark = self.watermark,
            needs_key = self.needs_key(),
            probe = self.layout.control(SETTINGS_PROBE),
        )
    }
}

/// What a record says, with or without an embedded schema around it.
fn envelope(document: &str) -> String {
    format!(
        "CASE WHEN IS_OBJECT({document}.\"schema\") AND IS_OBJECT({document}.\"payload\") THEN {document}.\"payload\" ELSE {document} END"
    )
}

/// A timestamp from milliseconds since the epoch. DATEADD counts in 32-bit integers: seconds
/// and milliseconds apart, and seconds as days and the rest.
pub(super) fn millis_to_timestamp(millis: &str, epoch: &str) -> String {
    format!(
        "DATEADD(millisecond, MOD({millis}, 86400000)::INTEGER, DATEADD(day, ({millis} / 86400000)::INTEGER, {epoch}))"
    )
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}
