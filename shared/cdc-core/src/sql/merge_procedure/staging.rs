//! One typed row per key: the newest change that is not stale.

use super::{Writer, millis_to_timestamp, one_line};
use crate::catalog::{Column, Mode};
use crate::sql::ident::{literal, quoted};
use crate::sql::target_table;

impl Writer<'_> {
    /// The newest change of each key that is not stale.
    pub(super) fn staging(&self) -> String {
        let typed = self.stage("typed");
        let stale = self.stage("stale");
        let newest = self.stage("newest");
        let position = self.stage("position");
        let staging = self.stage("staging");
        let attributes = one_line(&target_table::table_attributes(self.table));
        let columns: Vec<String> = self.table.columns.iter().map(|column| self.staged_value(column)).collect();
        let marks = self.table.mode == Mode::SoftDelete;
        let epoch_days = "CAST('1970-01-01' AS TIMESTAMP)";
        // What arrives in two partitions in the same millisecond has no order there: the source's
        // positions decide, and a snapshot's read, which has none, is before a change; then the
        // table's definition that the events are of.
        let newest_first = |alias: &str, version: &str| {
            format!(
                "{alias}._cdc_arrival DESC, {alias}._cdc_position DESC NULLS LAST, {version}{alias}._cdc_kafka_partition DESC, {alias}._cdc_kafka_offset DESC"
            )
        };
        let version = if self.table.former.is_empty() { "" } else { "t._cdc_version DESC, " };
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
             {lives}\
             \x20   DROP TABLE IF EXISTS {position};\n\
             \x20   CREATE TEMP TABLE {position} {attributes} AS\n\
             \x20   SELECT s.*, ROW_NUMBER() OVER (PARTITION BY {part_s} ORDER BY {newest_s}) AS _cdc_rank\n\
             \x20   FROM {stale} AS s WHERE s._cdc_stale = 0;\n\
             \x20   -- staging: one typed row per key.\n\
             \x20   DROP TABLE IF EXISTS {staging};\n\
             \x20   CREATE TEMP TABLE {staging} {attributes} AS\n\
             \x20   SELECT {columns},\n\
             \x20          n._cdc_op, n._cdc_lost, n._cdc_nulled, n._cdc_truncated, n._cdc_unavailable, n._cdc_kafka_partition, n._cdc_kafka_offset,\n\
             \x20          p._cdc_domain, p._cdc_position,{of_life}\n\
             \x20          {from_millis} AS _cdc_source_ts\n\
             \x20   FROM {newest} AS n LEFT JOIN {position} AS p ON {newest_position} AND p._cdc_rank = 1{with_life}\n\
             \x20   WHERE n._cdc_rank = 1;",
            part_t = self.key_partition("t"),
            part_s = self.key_partition("s"),
            newest_t = newest_first("t", version),
            newest_s = newest_first("s", ""),
            stale_typed = self.keys_equal("s", "t"),
            newest_position = self.keys_equal("p", "n"),
            columns = columns.join(", "),
            lives = if marks { self.lives() } else { String::new() },
            of_life = if marks {
                " l._cdc_deleted, l._cdc_deleted_at, l._cdc_last_partition, l._cdc_last_offset,"
            } else {
                ""
            },
            with_life = if marks {
                format!(" JOIN {} AS l ON {}", self.stage("lives"), self.keys_equal("l", "n"))
            } else {
                String::new()
            },
            from_millis = millis_to_timestamp(
                &format!("COALESCE(p._cdc_newest_ms, {})", if marks { "l._cdc_last_ms" } else { "n._cdc_source_ms" }),
                epoch_days,
            ),
        );
        text.push_str(&self.fill_unavailable());
        text
    }

    /// A deletion's row image is not what the row was: without an earlier change of this range,
    /// the target has that.
    fn staged_value(&self, column: &Column) -> String {
        let name = quoted(&column.target_name);
        if self.table.mode == Mode::SoftDelete && !self.table.is_key(&column.source_name) {
            format!("CASE WHEN n._cdc_op <> 'd' THEN n.{name} END AS {name}")
        } else {
            format!("n.{name}")
        }
    }

    /// An unchanged large value that an earlier change of the same range carried, but never one
    /// of an earlier life of the row: a create or a delete ends what was before.
    pub(super) fn fill_unavailable(&self) -> String {
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
             \x20       LEFT JOIN {target} AS h ON {target_staging}{alive}\n\
             \x20       WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';\n",
            keys_s = self.key_list("s"),
            keys_n = self.key_list("n"),
            part_n = self.key_partition("n"),
            barrier_staging = self.keys_equal("b", "s"),
            target_staging = self.keys_equal("h", "s"),
            alive = self.alive("h"),
        );
        for column in columns {
            let name = quoted(&column.target_name);
            let label = literal(&format!(",{},", column.target_name));
            let lost = literal(&format!("{},", column.target_name));
            text.push_str(&format!(
                "\x20       UPDATE {staging} SET {name} = f.{name}, _cdc_lost = {staging}._cdc_lost || f._cdc_lost, _cdc_unavailable = REPLACE({staging}._cdc_unavailable, {label}, '')\n\
                 \x20       FROM (SELECT {keys_n}, n.{name}, CASE WHEN STRPOS(',' || n._cdc_lost, {label}) > 0 THEN {lost} ELSE '' END AS _cdc_lost, ROW_NUMBER() OVER (PARTITION BY {part_n} ORDER BY n._cdc_rank) AS _cdc_nearest\n\
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
}
