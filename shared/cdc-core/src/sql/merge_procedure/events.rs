//! From raw bytes to change events, and what an event is besides its row image.

use super::{Writer, envelope};
use crate::catalog::{Column, Mode};
use crate::event::flattened;
use crate::sql::decode;
use crate::sql::decoding_functions::{POSITION, POSITION_DOMAIN};
use crate::sql::ident::quoted;
use crate::sql::versions;

impl Writer<'_> {
    /// Parsed envelopes. Parsing happens in a statement of its own behind the check, because no
    /// order of evaluation is promised within one.
    pub(super) fn events(&self) -> String {
        let landed = self.stage("landed");
        let parsed = self.stage("parsed");
        let events = self.stage("events");
        let appends = self.table.mode == Mode::Append;
        format!(
            "\x20   -- parsed, events: the change event's envelope, with or without an embedded schema around it, or a\n\
             \x20   -- flattened row (ExtractNewRecordState), known by its fields __op or __deleted or its schema's name.\n\
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
             \x20          {position} AS _cdc_position{real}\n\
             \x20   FROM (SELECT d.kafka_partition, d.kafka_offset, d.kafka_timestamp, d.arrival, d.whole, d.envelope,{unkeyed_d}\n\
             \x20                COALESCE(NOT COALESCE(IS_OBJECT(d.envelope.\"source\"), false) AND (JSON_TYPEOF(d.envelope.\"__op\") = 'string'\n\
             \x20                    OR JSON_TYPEOF(d.envelope.\"__deleted\") IN ('string', 'boolean') OR d.has_row_schema), false) AS is_row\n\
             \x20         FROM (SELECT p.kafka_partition, p.kafka_offset, p.kafka_timestamp, p.arrival, p.whole,{unkeyed_k}\n\
             \x20                      {envelope} AS envelope,\n\
             \x20                      COALESCE(RIGHT(p.document.\"schema\".\"name\"::VARCHAR(65535), {suffix_length}) = '{suffix}', false) AS has_row_schema\n\
             \x20               FROM {parsed} AS p{keys}) AS d) AS e;",
            whole = decode::whole_bytes("l.kafka_value"),
            repair = self.repair(),
            envelope = envelope("p.document"),
            suffix = flattened::ROW_SCHEMA,
            suffix_length = flattened::ROW_SCHEMA.len(),
            snapshot = origin("snapshot", "VARCHAR(64)"),
            gtid = origin("gtid", "VARCHAR(256)"),
            server_id = origin("server_id", "BIGINT"),
            file = origin("file", "VARCHAR(512)"),
            lsn = origin("lsn", "BIGINT"),
            log = format_args!("{}{}", self.log_columns(), self.place_columns()),
            domain = self.layout.function(POSITION_DOMAIN),
            position = self.position(),
            real = if appends { format!(",\n\x20          {}", deletes_with_rows()) } else { String::new() },
            unkeyed_d = if appends { " d.unkeyed," } else { "" },
            unkeyed_k = if appends { " k.kafka_key IS NULL AS unkeyed," } else { "" },
            keys = if appends {
                format!(
                    " JOIN {landed} AS k ON k.kafka_partition = p.kafka_partition AND k.kafka_offset = p.kafka_offset"
                )
            } else {
                String::new()
            },
            // A flattened row without an operation is an upsert.
            row_op = "CASE WHEN e.envelope.\"__deleted\"::VARCHAR(16) = 'true' THEN 'd' ELSE COALESCE(e.envelope.\"__op\"::VARCHAR(16), 'u') END",
        )
    }

    /// A change's place in the source's log. A GTID names a transaction; where every change
    /// counts, its changes are told apart by server and place in the binary log, or where those
    /// are not sent, by their place in Kafka.
    fn position(&self) -> String {
        let position = format!(
            "{position}({snapshot}, {gtid}, {file}, {pos}, {row}, {lsn})",
            position = self.layout.function(POSITION),
            snapshot = origin("snapshot", "VARCHAR(64)"),
            gtid = origin("gtid", "VARCHAR(256)"),
            file = origin("file", "VARCHAR(512)"),
            pos = origin("pos", "BIGINT"),
            row = origin("row", "BIGINT"),
            lsn = origin("lsn", "BIGINT"),
        );
        let text = |field: &str| format!("({})::VARCHAR(20)", origin(field, "BIGINT"));
        if !self.table.mode.keeps_changes() {
            return format!("{position}::VARCHAR(80)");
        }
        format!(
            "({position}\n\
             \x20           || CASE WHEN {gtid} IS NULL OR {lsn} IS NOT NULL THEN ''\n\
             \x20                   ELSE '/' || COALESCE({server_id}, '') || '/' || COALESCE(LPAD({pos}, 20, '0') || ':' || LPAD({row}, 10, '0'), LPAD(e.kafka_offset::VARCHAR(20), 20, '0')) END)::VARCHAR(80)",
            gtid = origin("gtid", "VARCHAR(256)"),
            lsn = origin("lsn", "BIGINT"),
            server_id = text("server_id"),
            pos = text("pos"),
            row = text("row"),
        )
    }

    /// Where an event is in the source's log, if that matters for how it is read.
    pub(super) fn log_columns(&self) -> String {
        if !self.table.has_versions() {
            return String::new();
        }
        versions::place_columns(self.layout)
    }

    /// An update of a key is a deletion of the old row and a change of the new one. Debezium
    /// itself writes it so for the source's key; this is for keys that are declared otherwise.
    pub(super) fn moved_keys(&self) -> String {
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
        format!(
            "\x20   -- An update that changed the key deletes the row of the old key.\n\
             \x20   {insert}\n\
             \x20   FROM {typed} AS t WHERE t._cdc_moved AND t._cdc_fault IS NULL;",
            insert = self.insert_deletes("t", &names(&old)),
        )
    }

    /// `INSERT` of deletions without a row image, up to its `FROM`: at the place of the event
    /// `of`, of these keys.
    pub(super) fn insert_deletes(&self, of: &str, keys_of: &str) -> String {
        let from_version = self.version_columns(of);
        let into_version = from_version.replace(&format!("{of}."), "");
        format!(
            "INSERT INTO {typed} (_cdc_kafka_partition, _cdc_kafka_offset, _cdc_arrival, _cdc_op, _cdc_source_ms, _cdc_domain, _cdc_position,\n\
             \x20          {into_version}_cdc_moved, {keys}, _cdc_lost, _cdc_nulled, _cdc_unavailable, _cdc_truncated)\n\
             \x20   SELECT {of}._cdc_kafka_partition, {of}._cdc_kafka_offset, {of}._cdc_arrival, 'd', {of}._cdc_source_ms, {of}._cdc_domain, {of}._cdc_position,\n\
             \x20          {from_version}false, {keys_of}, '', 0, '', 0",
            typed = self.stage("typed"),
            keys = self.keys().join(", "),
        )
    }

    /// The key's columns that can be compared with what they were before an update.
    pub(super) fn movable_keys(&self) -> Vec<&Column> {
        if self.table.mode == Mode::Append {
            return Vec::new();
        }
        self.table.key_columns().filter(|column| !decode::needs_stages(column)).collect()
    }
}

/// Whether a delete's image before has the row's values. Those of MySQL and MariaDB do (Debezium
/// requires `binlog_row_image=FULL`); PostgreSQL's have fillers behind the key unless the table's
/// REPLICA IDENTITY is FULL, which a table without a key needs for its deletes to be published
/// (PostgreSQL, "Publication").
fn deletes_with_rows() -> String {
    format!(
        "(COALESCE({} IN ('mysql', 'mariadb'), false) OR e.unkeyed) AS _cdc_has_row",
        origin("connector", "VARCHAR(32)")
    )
}

/// A field of the event's source; flattened rows have those that `add.fields` names.
pub(in crate::sql) fn origin(field: &str, kind: &str) -> String {
    format!(
        "CASE WHEN e.is_row THEN e.envelope.\"__source_{field}\"::{kind} ELSE e.envelope.\"source\".\"{field}\"::{kind} END"
    )
}
