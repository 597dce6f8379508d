//! The merge procedure: folds landed records into the target table, in one transaction.
//!
//! The journey of a landed record: pending -> landed -> events -> typed -> history -> staging
//! -> target. Each arrow is one temporary table, so that a DBA can stop after any of them and
//! look. `MERGE` has one matched and one not-matched action and cannot reach into SUPER
//! (Redshift Database Developer Guide, `MERGE`), hence the typed staging table and the
//! separate `DELETE`.
//!
//! Every argument and variable starts with `cdc_`: PL/pgSQL puts a variable's value wherever
//! its name stands in a statement, also where a column of that name was meant.

use super::decode;
use super::decoding_functions::{POSITION, POSITION_DOMAIN};
use super::ident::{literal, quoted};
use super::layout::{GAPS, Layout, MERGE_LOG, QUARANTINE, SETTINGS_PROBE};
use super::target_table::{self, BOOKKEEPING};
use super::versions;
use crate::catalog::{Column, RedshiftType, TableDefinition};

mod holds;
mod truncations;
mod values;

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
    for part in [
        writer.declarations(),
        writer.lock_and_probe(),
        writer.pending(),
        writer.bounds(),
        writer.landed(),
        writer.events(),
        writer.holds(),
        writer.typed(),
        writer.moved_keys(),
        writer.quarantine_records(),
        writer.truncations(),
        writer.late_reads(),
        writer.history(),
        writer.staging(),
        writer.quarantine_values(),
        writer.apply(),
        writer.gaps(),
        writer.merge_log(),
        writer.advance(),
    ] {
        body.push_str(&part);
        body.push('\n');
    }
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
        let condition = |column| decode::unavailable(image, column, &self.table.unavailable_value);
        self.table.value_columns().filter_map(|column| Some((column, condition(column)?))).collect()
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
             \x20   cdc_truncations BIGINT := 0;\n\
             \x20   cdc_truncated_rows BIGINT := 0;\n\
             {hold_variables}\
             BEGIN",
            hold_variables = self.hold_variables(),
            topic = self.table.spec.topic.replace(['\n', '\r'], " "),
            target = self.target.replace(['\n', '\r'], " "),
            procedure = self.layout.merge_procedure(&self.table.spec),
        )
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
             \x20   cdc_landed_rows := 0;\n\
             \x20   cdc_applied_rows := 0;\n\
             \x20   cdc_deleted_rows := 0;\n\
             \x20   cdc_stale_rows := 0;\n\
             \x20   cdc_quarantined_rows := 0;\n\
             \x20   cdc_pending_rows := 0;\n\
             \x20   cdc_held_rows := 0;",
            watermark = self.watermark,
            probe = self.layout.control(SETTINGS_PROBE),
        )
    }

    /// What has landed above the watermark, by partition. Partitions and times are literals in
    /// the statement, so that the landing view's zone maps can skip what is merged already. A
    /// refresh's time is that of its start, and refreshes may wait for each other: a day of
    /// margin, so that a late one is never overlooked.
    fn pending(&self) -> String {
        let pending = self.stage("pending");
        format!(
            "\x20   -- pending: what has landed above the watermark.\n\
             \x20   FOR cdc_mark IN SELECT w.kafka_partition, w.kafka_offset, w.refresh_time FROM {watermark} AS w ORDER BY w.kafka_partition LOOP\n\
             \x20       cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)\n\
             \x20             || ' AND l.kafka_offset > ' || cdc_mark.kafka_offset::VARCHAR(20)\n\
             \x20             || COALESCE(' AND l.refresh_time >= ''' || DATEADD(day, -1, cdc_mark.refresh_time)::VARCHAR(40) || '''::TIMESTAMP', '') || ')';\n\
             \x20       cdc_known := cdc_known || ', ' || cdc_mark.kafka_partition::VARCHAR(20);\n\
             \x20   END LOOP;\n\
             \x20   IF cdc_known = '' THEN\n\
             \x20       cdc_scope := 'l.kafka_offset >= 0';\n\
             \x20   ELSE\n\
             \x20       cdc_scope := '(' || SUBSTRING(cdc_scope, 5) || ' OR l.kafka_partition NOT IN (' || SUBSTRING(cdc_known, 3) || '))';\n\
             \x20   END IF;\n\
             \x20   IF cdc_only_partition >= 0 THEN\n\
             \x20       cdc_scope := cdc_scope || ' AND l.kafka_partition = ' || cdc_only_partition::VARCHAR(20);\n\
             \x20   END IF;\n\
             \x20   DROP TABLE IF EXISTS {pending};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {pending} AS '\n\
             \x20        || 'SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, MAX(l.kafka_offset) AS last_offset, COUNT(*) AS landed '\n\
             \x20        || 'FROM {landing} AS l WHERE ' || cdc_scope || ' GROUP BY l.kafka_partition';\n\
             \x20   SELECT COALESCE(SUM(p.landed), 0), COUNT(*) INTO cdc_pending_total, cdc_partition_count FROM {pending} AS p;\n\
             \x20   IF cdc_pending_total = 0 THEN\n\
             \x20       RETURN;\n\
             \x20   END IF;",
            watermark = self.watermark,
            landing = self.landing.replace('\'', "''"),
        )
    }

    /// How far this merge reads in each partition.
    fn bounds(&self) -> String {
        let pending = self.stage("pending");
        let range = self.stage("range");
        format!(
            "\x20   -- range: how far this merge reads in each partition; at least one record of each.\n\
             \x20   cdc_share := CASE WHEN cdc_quarantine_offset >= 0 THEN 1\n\
             \x20                 WHEN cdc_pending_total <= cdc_max_rows THEN 0\n\
             \x20                 ELSE GREATEST(cdc_max_rows / cdc_partition_count, 1) END;\n\
             \x20   DROP TABLE IF EXISTS {range};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {range} AS '\n\
             \x20        || 'SELECT p.kafka_partition, w.kafka_offset AS old_offset, p.first_offset, '\n\
             \x20        || CASE WHEN cdc_share = 0 THEN 'p.last_offset'\n\
             \x20                ELSE 'LEAST(p.last_offset, p.first_offset + ' || (cdc_share - 1)::VARCHAR(20) || ')' END\n\
             \x20        || ' AS last_offset FROM {pending} AS p LEFT JOIN {watermark} AS w ON w.kafka_partition = p.kafka_partition'\n\
             \x20        || CASE WHEN cdc_quarantine_offset >= 0 THEN ' WHERE p.first_offset = ' || cdc_quarantine_offset::VARCHAR(20) ELSE '' END;\n\
             \x20   cdc_scope := '';\n\
             \x20   FOR cdc_mark IN SELECT r.kafka_partition, r.first_offset, r.last_offset FROM {range} AS r ORDER BY r.kafka_partition LOOP\n\
             \x20       cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)\n\
             \x20             || ' AND l.kafka_offset BETWEEN ' || cdc_mark.first_offset::VARCHAR(20) || ' AND ' || cdc_mark.last_offset::VARCHAR(20) || ')';\n\
             \x20   END LOOP;\n\
             \x20   IF cdc_scope = '' THEN\n\
             \x20       cdc_pending_rows := cdc_pending_total;\n\
             \x20       RETURN;\n\
             \x20   END IF;",
            watermark = self.watermark.replace('\'', "''"),
        )
    }

    /// The landed records of the range. `arrival` never decreases within a partition, so that
    /// it orders records of different partitions without ever contradicting offset order.
    fn landed(&self) -> String {
        let landed = self.stage("landed");
        format!(
            "\x20   -- landed: the raw records of the range. arrival orders them across partitions and never\n\
             \x20   -- against a partition's own offset order.\n\
             \x20   DROP TABLE IF EXISTS {landed};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {landed} AS '\n\
             \x20        || 'SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time, l.kafka_key, l.kafka_value, '\n\
             \x20        || 'MAX(l.kafka_timestamp) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset ROWS UNBOUNDED PRECEDING) AS arrival, '\n\
             \x20        || CASE WHEN cdc_quarantine_offset >= 0 THEN '''unmergeable''' ELSE\n\
             \x20           'CASE WHEN l.kafka_value IS NULL OR OCTET_LENGTH(l.kafka_value) = 0 THEN ''tombstone'' '\n\
             \x20        || 'WHEN CAN_JSON_PARSE(l.kafka_value) THEN ''json'' ELSE ''malformed'' END' END || '::VARCHAR(16) AS shape '\n\
             \x20        || 'FROM {landing} AS l WHERE ' || SUBSTRING(cdc_scope, 5);\n\
             \x20   SELECT COUNT(*) INTO cdc_landed_rows FROM {landed} AS l;\n\
             \x20   cdc_pending_rows := cdc_pending_total - cdc_landed_rows;",
            landing = self.landing.replace('\'', "''"),
        )
    }

    /// Parsed envelopes. Parsing happens in a statement of its own behind the check, because no
    /// order of evaluation is promised within one.
    fn events(&self) -> String {
        let landed = self.stage("landed");
        let parsed = self.stage("parsed");
        let events = self.stage("events");
        format!(
            "\x20   -- parsed, events: the change event's envelope, with or without an embedded schema around it, or a\n\
             \x20   -- flattened row (ExtractNewRecordState), known by its fields __op or __deleted.\n\
             \x20   DROP TABLE IF EXISTS {parsed};\n\
             \x20   CREATE TEMP TABLE {parsed} AS\n\
             \x20   SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, {whole} AS whole,\n\
             \x20          JSON_PARSE(l.kafka_value) AS document\n\
             \x20   FROM {landed} AS l WHERE l.shape = 'json';\n\
             {repair}\
             \x20   DROP TABLE IF EXISTS {events};\n\
             \x20   CREATE TEMP TABLE {events} AS\n\
             \x20   SELECT e.kafka_partition AS _cdc_kafka_partition, e.kafka_offset AS _cdc_kafka_offset, e.arrival AS _cdc_arrival, e.whole AS _cdc_whole, e.is_row AS _cdc_is_row,{log}\n\
             \x20          CASE WHEN e.is_row THEN {row_op} ELSE e.envelope.\"op\"::VARCHAR(16) END AS _cdc_op,\n\
             \x20          CASE WHEN e.is_row THEN e.envelope WHEN e.envelope.\"op\"::VARCHAR(16) = 'd' THEN e.envelope.\"before\" ELSE e.envelope.\"after\" END AS _cdc_image,\n\
             \x20          CASE WHEN e.is_row THEN NULL WHEN e.envelope.\"op\"::VARCHAR(16) = 'u' THEN e.envelope.\"before\" END AS _cdc_before,\n\
             \x20          CASE WHEN e.is_row THEN e.envelope.\"__source_ts_ms\"::BIGINT ELSE e.envelope.\"source\".\"ts_ms\"::BIGINT END AS _cdc_source_ms,\n\
             \x20          {domain}({snapshot}, {gtid}, {server_id}, {file}, {lsn})::VARCHAR(128) AS _cdc_domain,\n\
             \x20          {position}({snapshot}, {gtid}, {file}, {pos}, {row}, {lsn})::VARCHAR(80) AS _cdc_position\n\
             \x20   FROM (SELECT d.kafka_partition, d.kafka_offset, d.kafka_timestamp, d.arrival, d.whole, d.envelope,\n\
             \x20                COALESCE(NOT COALESCE(IS_OBJECT(d.envelope.\"source\"), false) AND (JSON_TYPEOF(d.envelope.\"__op\") = 'string'\n\
             \x20                    OR JSON_TYPEOF(d.envelope.\"__deleted\") IN ('string', 'boolean')), false) AS is_row\n\
             \x20         FROM (SELECT p.kafka_partition, p.kafka_offset, p.kafka_timestamp, p.arrival, p.whole,\n\
             \x20                      {envelope} AS envelope\n\
             \x20               FROM {parsed} AS p) AS d) AS e;",
            whole = decode::whole_bytes("l.kafka_value"),
            repair = self.repair(),
            envelope = envelope("p.document"),
            snapshot = origin("snapshot", "VARCHAR(64)"),
            gtid = origin("gtid", "VARCHAR(256)"),
            server_id = origin("server_id", "BIGINT"),
            file = origin("file", "VARCHAR(512)"),
            pos = origin("pos", "BIGINT"),
            row = origin("row", "BIGINT"),
            lsn = origin("lsn", "BIGINT"),
            log = self.log_columns(),
            domain = self.layout.function(POSITION_DOMAIN),
            position = self.layout.function(POSITION),
            // A flattened row without an operation is an upsert.
            row_op = "CASE WHEN e.envelope.\"__deleted\"::VARCHAR(16) = 'true' THEN 'd' ELSE COALESCE(e.envelope.\"__op\"::VARCHAR(16), 'u') END",
        )
    }

    /// Where an event is in the source's log, if that matters for how it is read.
    fn log_columns(&self) -> String {
        if !self.table.has_versions() {
            return String::new();
        }
        let source = "e.envelope.\"source\"";
        format!(
            "\n\
             \x20          e.kafka_timestamp AS _cdc_kafka_timestamp, COALESCE({source}.\"server_id\"::BIGINT, 0) AS _cdc_log_server,\n\
             \x20          {} AS _cdc_log_position,",
            versions::log_position(self.layout, source),
        )
    }

    /// An update of a key is a deletion of the old row and a change of the new one. Debezium
    /// itself writes it so for the source's key; this is for keys that are declared otherwise.
    fn moved_keys(&self) -> String {
        let typed = self.stage("typed");
        let movable = self.movable_keys();
        if movable.is_empty() {
            return String::new();
        }
        let names = |of: &dyn Fn(&Column) -> String| self.table.key_columns().map(of).collect::<Vec<_>>().join(", ");
        let old = |column: &Column| {
            let is_movable = movable.iter().any(|movable| movable.source_name == column.source_name);
            format!("t.{}", if is_movable { versions::old_key(column) } else { quoted(&column.target_name) })
        };
        let version = if self.table.former.is_empty() { ("", "") } else { ("_cdc_version, ", "t._cdc_version, ") };
        format!(
            "\x20   -- An update that changed the key deletes the row of the old key.\n\
             \x20   INSERT INTO {typed} (_cdc_kafka_partition, _cdc_kafka_offset, _cdc_arrival, _cdc_op, _cdc_source_ms, _cdc_domain, _cdc_position,\n\
             \x20          {into_version}_cdc_moved, {keys}, _cdc_lost, _cdc_nulled, _cdc_unavailable, _cdc_truncated)\n\
             \x20   SELECT t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_arrival, 'd', t._cdc_source_ms, t._cdc_domain, t._cdc_position,\n\
             \x20          {from_version}false, {old_keys}, '', 0, '', 0\n\
             \x20   FROM {typed} AS t WHERE t._cdc_moved AND t._cdc_fault IS NULL;",
            into_version = version.0,
            from_version = version.1,
            keys = self.keys().join(", "),
            old_keys = names(&old),
        )
    }

    /// The key's columns that can be compared with what they were before an update.
    fn movable_keys(&self) -> Vec<&Column> {
        self.table.key_columns().filter(|column| !decode::needs_stages(column)).collect()
    }

    fn quarantine_records(&self) -> String {
        let landed = self.stage("landed");
        let typed = self.stage("typed");
        format!(
            "\x20   -- Records that cannot be merged at all. A statement that writes nothing would still wait for other tables' merges.\n\
             \x20   SELECT COUNT(*) INTO cdc_records_quarantined\n\
             \x20   FROM {from};\n\
             \x20   IF cdc_records_quarantined > 0 THEN\n\
             \x20       INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',\n\
             \x20              CASE l.shape WHEN 'malformed' THEN 'the value is not JSON that the warehouse can parse'\n\
             \x20                           WHEN 'unmergeable' THEN 'merging this record failed every time'\n\
             \x20                           ELSE t._cdc_fault END,\n\
             \x20              NULL, l.kafka_key, l.kafka_value\n\
             \x20       FROM {from};\n\
             \x20   END IF;",
            from = format_args!(
                "{landed} AS l LEFT JOIN {typed} AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset\n\
                 \x20   WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL"
            ),
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }

    /// Snapshot reads that arrive after a change that is newer: a key's events are in two
    /// partitions when partitions were added, or when the key's own schema changed. A read has
    /// no position; the source's clock tells. Within one partition the offsets have decided, and
    /// the clocks of a snapshot and of the log are not compared.
    fn late_reads(&self) -> String {
        let typed = self.stage("typed");
        let read_at = millis_to_timestamp(&format!("{typed}._cdc_source_ms"), "CAST('1970-01-01' AS TIMESTAMP)");
        let merged_already: String = [&self.target, &self.ledger]
            .iter()
            .map(|newer| {
                format!(
                    "\x20       DELETE FROM {typed} USING {newer} AS h WHERE {same_key} AND {typed}._cdc_op = 'r'\n\
                     \x20            AND {typed}._cdc_position IS NULL AND {typed}._cdc_fault IS NULL\n\
                     \x20            AND h._cdc_kafka_partition <> {typed}._cdc_kafka_partition AND h._cdc_source_ts > {read_at};\n",
                    same_key = self.keys_equal(&typed, "h"),
                )
            })
            .collect();
        format!(
            "\x20   -- Snapshot reads that come late: another partition has a change that the source made after the read.\n\
             \x20   SELECT COUNT(*) INTO cdc_late_reads FROM {typed} AS t WHERE t._cdc_op = 'r' AND t._cdc_position IS NULL;\n\
             \x20   IF cdc_late_reads > 0 THEN\n\
             \x20       -- In this range the read goes before the change, which may need a value of it.\n\
             \x20       UPDATE {typed} SET _cdc_arrival = DATEADD(microsecond, -1, h._cdc_arrival)\n\
             \x20       FROM (SELECT r._cdc_kafka_partition, r._cdc_kafka_offset, MIN(t._cdc_arrival) AS _cdc_arrival\n\
             \x20             FROM {typed} AS r JOIN {typed} AS t ON {same_key}\n\
             \x20             WHERE r._cdc_op = 'r' AND r._cdc_position IS NULL AND r._cdc_fault IS NULL AND t._cdc_op <> 'r' AND t._cdc_fault IS NULL\n\
             \x20                  AND t._cdc_kafka_partition <> r._cdc_kafka_partition AND t._cdc_source_ms > r._cdc_source_ms\n\
             \x20             GROUP BY r._cdc_kafka_partition, r._cdc_kafka_offset) AS h\n\
             \x20       WHERE {typed}._cdc_kafka_partition = h._cdc_kafka_partition AND {typed}._cdc_kafka_offset = h._cdc_kafka_offset\n\
             \x20            AND {typed}._cdc_arrival >= h._cdc_arrival;\n\
             \x20       -- A change that has been merged already wins.\n\
             {merged_already}\
             \x20   END IF;",
            same_key = self.keys_equal("t", "r"),
        )
    }

    /// Which changes are stale: strictly older, by comparable source positions, than a change
    /// of the same key that came before them. The target's own rows and the ledger of deleted
    /// keys take part as what came before this range.
    fn history(&self) -> String {
        let typed = self.stage("typed");
        let touched = self.stage("touched");
        let history = self.stage("history");
        let stale = self.stage("stale");
        let keys_t = self.key_list("t");
        let keys_h = self.key_list("h");
        let keys_r = self.key_list("r");
        let keys_s = self.key_list("s");
        let attributes = one_line(&target_table::table_attributes(self.table));
        let past = "CAST('0001-01-01' AS TIMESTAMP)";
        let epoch = "CAST('1970-01-01' AS TIMESTAMP)";
        format!(
            "\x20   -- history: every comparable position of the touched keys, the rows' own and the deleted keys' first.\n\
             \x20   DROP TABLE IF EXISTS {touched};\n\
             \x20   CREATE TEMP TABLE {touched} {attributes} AS\n\
             \x20   SELECT DISTINCT {keys_t} FROM {typed} AS t WHERE t._cdc_fault IS NULL;\n\
             \x20   DROP TABLE IF EXISTS {history};\n\
             \x20   CREATE TEMP TABLE {history} {attributes} AS\n\
             \x20   SELECT {keys_t}, t._cdc_arrival, t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_domain, t._cdc_position,\n\
             \x20          t._cdc_source_ms, 1 AS _cdc_incoming\n\
             \x20   FROM {typed} AS t WHERE t._cdc_fault IS NULL AND t._cdc_domain IS NOT NULL AND t._cdc_position IS NOT NULL\n\
             \x20   UNION ALL\n\
             \x20   SELECT {keys_h}, {past}, h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position,\n\
             \x20          DATEDIFF(millisecond, {epoch}, h._cdc_source_ts), 0\n\
             \x20   FROM {target} AS h JOIN {touched} AS t ON {target_touched} WHERE h._cdc_domain IS NOT NULL\n\
             \x20   UNION ALL\n\
             \x20   SELECT {keys_h}, {past}, -1, -1, h._cdc_domain, h._cdc_position,\n\
             \x20          DATEDIFF(millisecond, {epoch}, h._cdc_source_ts), 0\n\
             \x20   FROM {ledger} AS h JOIN {touched} AS t ON {target_touched} WHERE h._cdc_domain IS NOT NULL;\n\
             \x20   -- stale: a run is a stretch of one domain. A position that goes back while the source's clock goes on\n\
             \x20   -- is a restarted log and begins a new epoch. Positions are compared within one epoch only.\n\
             \x20   DROP TABLE IF EXISTS {stale};\n\
             \x20   CREATE TEMP TABLE {stale} {attributes} AS\n\
             \x20   SELECT {keys_s}, s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset, s._cdc_domain, s._cdc_position, s._cdc_source_ms, s._cdc_incoming, s._cdc_run, s._cdc_epoch,\n\
             \x20          CASE WHEN s._cdc_position < MAX(s._cdc_position) OVER (PARTITION BY {part_s}, s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset {before})\n\
             \x20               THEN 1 ELSE 0 END AS _cdc_stale,\n\
             \x20          MAX(s._cdc_source_ms) OVER (PARTITION BY {part_s}, s._cdc_run, s._cdc_epoch ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_newest_ms\n\
             \x20   FROM (SELECT {keys_q}, q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_domain, q._cdc_position, q._cdc_source_ms, q._cdc_incoming, q._cdc_run,\n\
             \x20                SUM(q._cdc_restarted) OVER (PARTITION BY {part_q}, q._cdc_run ORDER BY q._cdc_arrival, q._cdc_kafka_partition, q._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_epoch\n\
             \x20         FROM (SELECT {keys_u}, u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset, u._cdc_domain, u._cdc_position, u._cdc_source_ms, u._cdc_incoming, u._cdc_run,\n\
             \x20                      CASE WHEN u._cdc_position < MAX(u._cdc_position) OVER (PARTITION BY {part_u}, u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset {before})\n\
             \x20                            AND u._cdc_source_ms > MAX(u._cdc_source_ms) OVER (PARTITION BY {part_u}, u._cdc_run ORDER BY u._cdc_arrival, u._cdc_kafka_partition, u._cdc_kafka_offset {before})\n\
             \x20                           THEN 1 ELSE 0 END AS _cdc_restarted\n\
             \x20               FROM (SELECT {keys_r}, r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset, r._cdc_domain, r._cdc_position, r._cdc_source_ms, r._cdc_incoming,\n\
             \x20                            SUM(CASE WHEN r._cdc_previous IS NULL OR r._cdc_previous = r._cdc_domain THEN 0 ELSE 1 END)\n\
             \x20                                OVER (PARTITION BY {part_r} ORDER BY r._cdc_arrival, r._cdc_kafka_partition, r._cdc_kafka_offset ROWS UNBOUNDED PRECEDING) AS _cdc_run\n\
             \x20                     FROM (SELECT {keys_h}, h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset, h._cdc_domain, h._cdc_position, h._cdc_source_ms, h._cdc_incoming,\n\
             \x20                                  LAG(h._cdc_domain) OVER (PARTITION BY {part_h} ORDER BY h._cdc_arrival, h._cdc_kafka_partition, h._cdc_kafka_offset) AS _cdc_previous\n\
             \x20                           FROM {history} AS h) AS r) AS u) AS q) AS s;\n\
             \x20   SELECT COUNT(*) INTO cdc_stale_rows FROM {stale} AS s WHERE s._cdc_stale = 1 AND s._cdc_incoming = 1;",
            before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
            keys_q = self.key_list("q"),
            keys_u = self.key_list("u"),
            part_s = self.key_partition("s"),
            part_q = self.key_partition("q"),
            part_u = self.key_partition("u"),
            part_r = self.key_partition("r"),
            part_h = self.key_partition("h"),
            target = self.target,
            ledger = self.ledger,
            target_touched =
                self.keys().iter().map(|key| format!("h.{key} = t.{key}")).collect::<Vec<_>>().join(" AND "),
        )
    }

    /// The newest change of each key that is not stale.
    fn staging(&self) -> String {
        let typed = self.stage("typed");
        let stale = self.stage("stale");
        let newest = self.stage("newest");
        let position = self.stage("position");
        let staging = self.stage("staging");
        let attributes = one_line(&target_table::table_attributes(self.table));
        let columns: Vec<String> =
            self.table.columns.iter().map(|column| format!("n.{}", quoted(&column.target_name))).collect();
        let epoch_days = "CAST('1970-01-01' AS TIMESTAMP)";
        let newest_first = |alias: &str| {
            format!("{alias}._cdc_arrival DESC, {alias}._cdc_kafka_partition DESC, {alias}._cdc_kafka_offset DESC")
        };
        let mut text = format!(
            "\x20   -- newest, position: per key the last change that is not stale, and the last comparable position,\n\
             \x20   -- which a snapshot read does not take away.\n\
             \x20   DROP TABLE IF EXISTS {newest};\n\
             \x20   CREATE TEMP TABLE {newest} {attributes} AS\n\
             \x20   SELECT t.*, ROW_NUMBER() OVER (PARTITION BY {part_t} ORDER BY {newest_t}) AS _cdc_rank\n\
             \x20   FROM {typed} AS t\n\
             \x20   LEFT JOIN {stale} AS s ON {stale_typed} AND s._cdc_incoming = 1 AND s._cdc_stale = 1\n\
             \x20        AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset\n\
             \x20   WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL;\n\
             \x20   DROP TABLE IF EXISTS {position};\n\
             \x20   CREATE TEMP TABLE {position} {attributes} AS\n\
             \x20   SELECT s.*, ROW_NUMBER() OVER (PARTITION BY {part_s} ORDER BY {newest_s}) AS _cdc_rank\n\
             \x20   FROM {stale} AS s WHERE s._cdc_stale = 0;\n\
             \x20   -- staging: one typed row per key.\n\
             \x20   DROP TABLE IF EXISTS {staging};\n\
             \x20   CREATE TEMP TABLE {staging} {attributes} AS\n\
             \x20   SELECT {columns},\n\
             \x20          n._cdc_op, n._cdc_lost, n._cdc_nulled, n._cdc_truncated, n._cdc_unavailable, n._cdc_kafka_partition, n._cdc_kafka_offset,\n\
             \x20          p._cdc_domain, p._cdc_position,\n\
             \x20          {from_millis} AS _cdc_source_ts\n\
             \x20   FROM {newest} AS n LEFT JOIN {position} AS p ON {newest_position} AND p._cdc_rank = 1\n\
             \x20   WHERE n._cdc_rank = 1;",
            part_t = self.key_partition("t"),
            part_s = self.key_partition("s"),
            newest_t = newest_first("t"),
            newest_s = newest_first("s"),
            stale_typed = self.keys_equal("s", "t"),
            newest_position = self.keys_equal("p", "n"),
            columns = columns.join(", "),
            from_millis = millis_to_timestamp("COALESCE(p._cdc_newest_ms, n._cdc_source_ms)", epoch_days),
        );
        text.push_str(&self.fill_unavailable());
        text
    }

    /// An unchanged large value that an earlier change of the same range carried, but never one
    /// of an earlier life of the row: a create or a delete ends what was before.
    fn fill_unavailable(&self) -> String {
        let columns: Vec<&Column> = self.unavailable_columns("n").into_iter().map(|(column, _)| column).collect();
        if columns.is_empty() {
            return String::new();
        }
        let newest = self.stage("newest");
        let staging = self.stage("staging");
        let life = self.stage("life");
        let target = &self.target;
        let first_key = self.keys().first().cloned().unwrap_or_default();
        let mut text = format!(
            "\n\x20   -- An unchanged large value arrives as a placeholder. An earlier change of this range may hold it, within\n\
             \x20   -- one life of the row; a row that is new and whose value nobody holds gets NULL and an entry in quarantine.\n\
             \x20   SELECT COUNT(*) INTO cdc_unavailable_count FROM {staging} AS s WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';\n\
             \x20   IF cdc_unavailable_count > 0 THEN\n\
             \x20       DROP TABLE IF EXISTS {life};\n\
             \x20       CREATE TEMP TABLE {life} AS\n\
             \x20       SELECT {keys_s}, b._cdc_barrier,\n\
             \x20              CASE WHEN b._cdc_barrier IS NOT NULL OR h.{first_key} IS NULL THEN 1 ELSE 0 END AS _cdc_new\n\
             \x20       FROM {staging} AS s\n\
             \x20       LEFT JOIN (SELECT {keys_n}, MIN(n._cdc_rank) AS _cdc_barrier FROM {newest} AS n\n\
             \x20                  WHERE n._cdc_op IN ('c', 'd') GROUP BY {part_n}) AS b ON {barrier_staging}\n\
             \x20       LEFT JOIN {target} AS h ON {target_staging}\n\
             \x20       WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';\n",
            keys_s = self.key_list("s"),
            keys_n = self.key_list("n"),
            part_n = self.key_partition("n"),
            barrier_staging = self.keys_equal("b", "s"),
            target_staging = self.keys_equal("h", "s"),
        );
        for column in columns {
            let name = quoted(&column.target_name);
            let label = literal(&format!(",{},", column.target_name));
            let lost = literal(&format!("{},", column.target_name));
            text.push_str(&format!(
                "\x20       UPDATE {staging} SET {name} = f.{name}, _cdc_unavailable = REPLACE({staging}._cdc_unavailable, {label}, '')\n\
                 \x20       FROM (SELECT {keys_n}, n.{name}, ROW_NUMBER() OVER (PARTITION BY {part_n} ORDER BY n._cdc_rank) AS _cdc_nearest\n\
                 \x20             FROM {newest} AS n JOIN {life} AS b ON {life_newest}\n\
                 \x20             WHERE STRPOS(n._cdc_unavailable, {label}) = 0 AND n._cdc_op <> 'd'\n\
                 \x20                   AND (b._cdc_barrier IS NULL OR n._cdc_rank <= b._cdc_barrier)) AS f\n\
                 \x20       WHERE {same_key} AND f._cdc_nearest = 1 AND STRPOS({staging}._cdc_unavailable, {label}) > 0;\n\
                 \x20       UPDATE {staging} SET {name} = NULL, _cdc_lost = {staging}._cdc_lost || {lost},\n\
                 \x20              _cdc_unavailable = REPLACE({staging}._cdc_unavailable, {label}, '')\n\
                 \x20       FROM {life} AS b WHERE {same_life} AND b._cdc_new = 1 AND STRPOS({staging}._cdc_unavailable, {label}) > 0;\n",
                keys_n = self.key_list("n"),
                part_n = self.key_partition("n"),
                life_newest = self.keys_equal("b", "n"),
                same_key = self.keys_equal(&staging, "f"),
                same_life = self.keys_equal(&staging, "b"),
            ));
        }
        text.push_str("\x20   END IF;");
        text
    }

    /// Values that were there and could not be read: the row is merged without them.
    fn quarantine_values(&self) -> String {
        let landed = self.stage("landed");
        let staging = self.stage("staging");
        format!(
            "\x20   -- Values that could not be read: the row is merged without them.\n\
             \x20   SELECT COUNT(*) INTO cdc_values_quarantined FROM {staging} AS s WHERE s._cdc_lost <> '';\n\
             \x20   IF cdc_values_quarantined > 0 THEN\n\
             \x20       INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'value',\n\
             \x20              'the value is missing, not readable as the column''s type, or too long for it', s._cdc_lost, l.kafka_key, l.kafka_value\n\
             \x20       FROM {staging} AS s\n\
             \x20       JOIN {landed} AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset\n\
             \x20       WHERE s._cdc_lost <> '';\n\
             \x20   END IF;\n\
             \x20   cdc_quarantined_rows := cdc_records_quarantined + cdc_values_quarantined;",
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }

    /// Delete the deleted, merge the rest, keep the ledger of deleted keys.
    fn apply(&self) -> String {
        let staging = self.stage("staging");
        let upserts = self.stage("upserts");
        let target_name = quoted(&self.table.spec.target_table);
        let unavailable: Vec<&str> =
            self.unavailable_columns("s").iter().map(|(column, _)| column.target_name.as_str()).collect();
        let mut sets = Vec::new();
        for column in self.table.value_columns() {
            let name = quoted(&column.target_name);
            if unavailable.contains(&column.target_name.as_str()) {
                sets.push(format!(
                    "{name} = CASE WHEN STRPOS(s._cdc_unavailable, {label}) > 0 THEN {target_name}.{name} ELSE s.{name} END",
                    label = literal(&format!(",{},", column.target_name)),
                ));
            } else {
                sets.push(format!("{name} = s.{name}"));
            }
        }
        for (name, _) in BOOKKEEPING {
            sets.push(format!("{0} = s.{0}", quoted(name)));
        }
        let all: Vec<String> = self
            .table
            .columns
            .iter()
            .map(|column| quoted(&column.target_name))
            .chain(BOOKKEEPING.iter().map(|(name, _)| quoted(name)))
            .collect();
        let keys = self.keys();
        format!(
            "\x20   -- Delete the deleted, merge the rest.\n\
             \x20   DELETE FROM {target} USING {staging} AS s WHERE {deleted} AND s._cdc_op = 'd';\n\
             \x20   GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;\n\
             \x20   cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;\n\
             \x20   DROP TABLE IF EXISTS {upserts};\n\
             \x20   CREATE TEMP TABLE {upserts} {attributes} AS SELECT s.* FROM {staging} AS s WHERE s._cdc_op <> 'd';\n\
             \x20   SELECT COUNT(*) INTO cdc_applied_rows FROM {upserts} AS u;\n\
             \x20   MERGE INTO {target} USING {upserts} AS s ON {matched}\n\
             \x20   WHEN MATCHED THEN UPDATE SET\n\
             \x20       {sets}\n\
             \x20   WHEN NOT MATCHED THEN INSERT ({all})\n\
             \x20        VALUES ({values});\n\
             \x20   -- The ledger remembers the positions of deletions, so that a late older change stays out.\n\
             \x20   DELETE FROM {ledger} USING {staging} AS s WHERE {ledgered};\n\
             \x20   DELETE FROM {ledger} WHERE _cdc_deleted_at < DATEADD(day, -{days}, SYSDATE);\n\
             \x20   INSERT INTO {ledger} ({keys}, _cdc_domain, _cdc_position, _cdc_source_ts, _cdc_kafka_partition, _cdc_deleted_at)\n\
             \x20   SELECT {staged_keys}, s._cdc_domain, s._cdc_position, s._cdc_source_ts, s._cdc_kafka_partition, SYSDATE\n\
             \x20   FROM {staging} AS s WHERE s._cdc_op = 'd' AND s._cdc_domain IS NOT NULL;",
            target = self.target,
            ledger = self.ledger,
            days = LEDGER_DAYS,
            attributes = one_line(&target_table::table_attributes(self.table)),
            deleted = self.keys_equal(&self.target, "s"),
            matched = self.keys_equal(&target_name, "s"),
            ledgered = self.keys_equal(&self.ledger, "s"),
            sets = sets.join(",\n        "),
            all = all.join(", "),
            values = all.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", "),
            keys = keys.join(", "),
            staged_keys = self.key_list("s"),
        )
    }

    /// Offsets of the range that never landed.
    fn gaps(&self) -> String {
        let landed = self.stage("landed");
        let range = self.stage("range");
        let gap = self.stage("gap");
        format!(
            "\x20   -- Offsets that never landed: harmless after compaction and transactions, a loss if somebody saw a record there.\n\
             \x20   DROP TABLE IF EXISTS {gap};\n\
             \x20   CREATE TEMP TABLE {gap} AS\n\
             \x20   SELECT g.kafka_partition, g.previous_offset + 1 AS first_missing, g.kafka_offset - 1 AS last_missing\n\
             \x20   FROM (SELECT l.kafka_partition, l.kafka_offset,\n\
             \x20                COALESCE(LAG(l.kafka_offset) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset), r.old_offset, -1) AS previous_offset\n\
             \x20         FROM {landed} AS l JOIN {range} AS r ON r.kafka_partition = l.kafka_partition) AS g\n\
             \x20   WHERE g.kafka_offset > g.previous_offset + 1;\n\
             \x20   SELECT COALESCE(SUM(g.last_missing - g.first_missing + 1), 0) INTO cdc_missing FROM {gap} AS g;\n\
             \x20   IF cdc_missing > 0 THEN\n\
             \x20       INSERT INTO {gaps} (detected_at, table_name, kafka_partition, first_missing, last_missing)\n\
             \x20       SELECT SYSDATE, {table_name}, g.kafka_partition, g.first_missing, g.last_missing FROM {gap} AS g;\n\
             \x20       -- What the stream scan itself reports as unreadable in this range.\n\
             \x20       INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, g.kafka_partition, e.position::BIGINT, e.stream_timestamp, 'scan', LEFT(TRIM(e.error_reason), 256)\n\
             \x20       FROM sys_stream_scan_errors AS e JOIN {gap} AS g ON e.partition_id::BIGINT = g.kafka_partition\n\
             \x20            AND e.position::BIGINT BETWEEN g.first_missing AND g.last_missing\n\
             \x20       WHERE e.stream_name = {topic};\n\
             \x20   END IF;",
            gaps = self.layout.control(GAPS),
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }

    fn merge_log(&self) -> String {
        let landed = self.stage("landed");
        let typed = self.stage("typed");
        let range = self.stage("range");
        let stale = self.stage("stale");
        let staging = self.stage("staging");
        format!(
            "\x20   -- The merge log: one row per partition.\n\
             \x20   INSERT INTO {merge_log} (merged_at, table_name, kafka_partition, first_offset, last_offset, landed, reads, creates, updates, deletes, tombstones, stale, quarantined, nulled_values, truncated_values, newest_source_ts)\n\
             \x20   SELECT SYSDATE, {table_name}, r.kafka_partition, r.first_offset, r.last_offset, l.landed,\n\
             \x20          COALESCE(t.reads, 0), COALESCE(t.creates, 0), COALESCE(t.updates, 0), COALESCE(t.deletes, 0), l.tombstones,\n\
             \x20          COALESCE(s.stale, 0), l.unreadable + COALESCE(t.faults, 0) + COALESCE(v.lost, 0),\n\
             \x20          COALESCE(v.nulled, 0), COALESCE(v.truncated, 0), {newest}\n\
             \x20   FROM {range} AS r\n\
             \x20   JOIN (SELECT a.kafka_partition, COUNT(*) AS landed, SUM(CASE WHEN a.shape = 'tombstone' THEN 1 ELSE 0 END) AS tombstones,\n\
             \x20                SUM(CASE WHEN a.shape IN ('malformed', 'unmergeable') THEN 1 ELSE 0 END) AS unreadable\n\
             \x20         FROM {landed} AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition\n\
             \x20   LEFT JOIN (SELECT b._cdc_kafka_partition, MAX(b._cdc_source_ms) AS newest_ms,\n\
             \x20                     SUM(CASE WHEN b._cdc_op = 'r' THEN 1 ELSE 0 END) AS reads, SUM(CASE WHEN b._cdc_op = 'c' THEN 1 ELSE 0 END) AS creates,\n\
             \x20                     SUM(CASE WHEN b._cdc_op = 'u' THEN 1 ELSE 0 END) AS updates, SUM(CASE WHEN b._cdc_op = 'd' THEN 1 ELSE 0 END) AS deletes,\n\
             \x20                     SUM(CASE WHEN b._cdc_fault IS NOT NULL THEN 1 ELSE 0 END) AS faults\n\
             \x20              FROM {typed} AS b GROUP BY b._cdc_kafka_partition) AS t ON t._cdc_kafka_partition = r.kafka_partition\n\
             \x20   LEFT JOIN (SELECT c._cdc_kafka_partition, COUNT(*) AS stale FROM {stale} AS c WHERE c._cdc_stale = 1 AND c._cdc_incoming = 1\n\
             \x20              GROUP BY c._cdc_kafka_partition) AS s ON s._cdc_kafka_partition = r.kafka_partition\n\
             \x20   LEFT JOIN (SELECT d._cdc_kafka_partition, SUM(CASE WHEN d._cdc_lost <> '' THEN 1 ELSE 0 END) AS lost,\n\
             \x20                     SUM(d._cdc_nulled) AS nulled, SUM(d._cdc_truncated) AS truncated FROM {staging} AS d\n\
             \x20              GROUP BY d._cdc_kafka_partition) AS v ON v._cdc_kafka_partition = r.kafka_partition;",
            merge_log = self.layout.control(MERGE_LOG),
            table_name = self.table_name,
            newest = millis_to_timestamp("t.newest_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
        )
    }

    /// Compare-and-set: the lock makes it unnecessary, the check makes it sure.
    fn advance(&self) -> String {
        let landed = self.stage("landed");
        let range = self.stage("range");
        let gap = self.stage("gap");
        let mark = self.stage("mark");
        let name = &self.watermark;
        format!(
            "\x20   -- Advance the watermark by compare-and-set.\n\
             \x20   DROP TABLE IF EXISTS {mark};\n\
             \x20   CREATE TEMP TABLE {mark} AS\n\
             \x20   SELECT r.kafka_partition, r.old_offset, l.last_offset, l.newest, l.refresh_time, COALESCE(g.missing, 0) AS missing\n\
             \x20   FROM {range} AS r\n\
             \x20   JOIN (SELECT a.kafka_partition, MAX(a.kafka_offset) AS last_offset, MAX(a.kafka_timestamp) AS newest, MAX(a.refresh_time) AS refresh_time\n\
             \x20         FROM {landed} AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition\n\
             \x20   LEFT JOIN (SELECT b.kafka_partition, SUM(b.last_missing - b.first_missing + 1) AS missing\n\
             \x20              FROM {gap} AS b GROUP BY b.kafka_partition) AS g ON g.kafka_partition = r.kafka_partition;\n\
             \x20   SELECT COUNT(*) INTO cdc_expected FROM {mark} AS m WHERE m.old_offset IS NOT NULL;\n\
             \x20   UPDATE {name} SET kafka_offset = m.last_offset,\n\
             \x20          kafka_timestamp = CASE WHEN {name}.kafka_timestamp > m.newest THEN {name}.kafka_timestamp ELSE m.newest END,\n\
             \x20          refresh_time = m.refresh_time, gaps = {name}.gaps + m.missing, merged_at = SYSDATE\n\
             \x20   FROM {mark} AS m WHERE {name}.kafka_partition = m.kafka_partition AND {name}.kafka_offset = m.old_offset;\n\
             \x20   GET DIAGNOSTICS cdc_advanced := ROW_COUNT;\n\
             \x20   IF cdc_advanced <> cdc_expected THEN\n\
             \x20       RAISE EXCEPTION 'the watermark moved while merging; nothing was merged, call again';\n\
             \x20   END IF;\n\
             \x20   INSERT INTO {name} (kafka_partition, kafka_offset, kafka_timestamp, refresh_time, gaps, merged_at)\n\
             \x20   SELECT m.kafka_partition, m.last_offset, m.newest, m.refresh_time, m.missing, SYSDATE FROM {mark} AS m WHERE m.old_offset IS NULL;",
        )
    }
}

/// What a record says, with or without an embedded schema around it.
fn envelope(document: &str) -> String {
    format!(
        "CASE WHEN IS_OBJECT({document}.\"schema\") AND IS_OBJECT({document}.\"payload\") THEN {document}.\"payload\" ELSE {document} END"
    )
}

/// A field of the event's source; flattened rows have those that `add.fields` names.
fn origin(field: &str, kind: &str) -> String {
    format!(
        "CASE WHEN e.is_row THEN e.envelope.\"__source_{field}\"::{kind} ELSE e.envelope.\"source\".\"{field}\"::{kind} END"
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
