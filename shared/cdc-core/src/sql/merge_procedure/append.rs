//! Every event as a row: nothing is looked for by key, nothing is folded, nothing is left out.

use super::{Writer, millis_to_timestamp};
use crate::catalog::Column;
use crate::sql::ident::quoted;

impl Writer<'_> {
    /// The rows to append. A value that the event does not carry is NULL: behind the key of a
    /// delete that has no more, in a truncation, and in the place of an unchanged large value,
    /// whose column is named then.
    pub(super) fn rows_of_events(&self) -> String {
        let typed = self.stage("typed");
        let staging = self.stage("staging");
        let value = |column: &Column| {
            let name = quoted(&column.target_name);
            if self.table.is_key(&column.source_name) {
                return format!("t.{name}");
            }
            let unchanged =
                self.is_unchanged("t", column).map(|unchanged| format!(" OR {unchanged}")).unwrap_or_default();
            format!("CASE WHEN t._cdc_is_bare{unchanged} THEN NULL ELSE t.{name} END AS {name}")
        };
        let columns: Vec<String> = self.table.columns.iter().map(value).collect();
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
        let names = self.target_columns();
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
