//! Every event as a row: nothing is looked for by key, nothing is folded, nothing is left out.

use super::{Writer, millis_to_timestamp};
use crate::sql::ident::{literal, quoted};
use crate::sql::target_table;

impl Writer<'_> {
    /// The rows to append. A value that the event does not carry is NULL: behind the key of a
    /// delete that has no more, in a truncation, and in the place of an unchanged large value,
    /// whose column is named then.
    pub(super) fn rows_of_events(&self) -> String {
        let typed = self.stage("typed");
        let staging = self.stage("staging");
        let unavailable: Vec<&str> =
            self.unavailable_columns("t").iter().map(|(column, _)| column.target_name.as_str()).collect();
        let value = |name: &str, is_key: bool| {
            let quoted = quoted(name);
            if is_key {
                return format!("t.{quoted}");
            }
            let unchanged = if unavailable.contains(&name) {
                format!(" OR STRPOS(t._cdc_unavailable, {}) > 0", literal(&format!(",{name},")))
            } else {
                String::new()
            };
            format!("CASE WHEN t._cdc_is_bare{unchanged} THEN NULL ELSE t.{quoted} END AS {quoted}")
        };
        let columns: Vec<String> = self
            .table
            .columns
            .iter()
            .map(|column| value(&column.target_name, self.table.is_key(&column.source_name)))
            .collect();
        format!(
            "\x20   -- staging: one typed row per event.\n\
             \x20   DROP TABLE IF EXISTS {staging};\n\
             \x20   CREATE TEMP TABLE {staging} AS\n\
             \x20   SELECT {columns},\n\
             \x20          t._cdc_op, t._cdc_lost, t._cdc_nulled, t._cdc_truncated, t._cdc_kafka_partition, t._cdc_kafka_offset,\n\
             \x20          CASE WHEN t._cdc_unavailable <> '' AND NOT t._cdc_is_bare\n\
             \x20               THEN SUBSTRING(REPLACE(t._cdc_unavailable, ',,', ','), 2, LEN(REPLACE(t._cdc_unavailable, ',,', ',')) - 2) END AS _cdc_unavailable,\n\
             \x20          t._cdc_domain, t._cdc_position, {source_ts} AS _cdc_source_ts\n\
             \x20   FROM (SELECT e.*, {is_bare} AS _cdc_is_bare FROM {typed} AS e WHERE e._cdc_fault IS NULL) AS t;",
            columns = columns.join(",\n           "),
            is_bare = self.is_key_alone("e"),
            source_ts = millis_to_timestamp("t._cdc_source_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
        )
    }

    pub(super) fn append(&self) -> String {
        let names: Vec<String> = self
            .table
            .columns
            .iter()
            .map(|column| quoted(&column.target_name))
            .chain(target_table::own_columns(self.table.mode).map(|(name, _)| quoted(name)))
            .collect();
        format!(
            "\x20   INSERT INTO {target} ({names})\n\
             \x20   SELECT {values} FROM {staging} AS s;\n\
             \x20   GET DIAGNOSTICS cdc_applied_rows := ROW_COUNT;",
            target = self.target,
            staging = self.stage("staging"),
            names = names.join(", "),
            values = names.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", "),
        )
    }
}
