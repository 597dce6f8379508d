//! Rows that the source deleted stay, marked, with the values they had last.
//!
//! Those are never taken from the delete itself: with PostgreSQL's REPLICA IDENTITY DEFAULT it has
//! fillers behind the key. They come from the newest change before it in this range, else they are
//! in the target already; of a row that nobody has there is the key alone.

use super::{Writer, millis_to_timestamp};
use crate::sql::ident::quoted;
use crate::sql::target_table;

impl Writer<'_> {
    /// How each key's last life in this range ends. Behind this, the newest change of a key is its
    /// newest row image, or a deletion if the range has no image.
    pub(super) fn lives(&self) -> String {
        let newest = self.stage("newest");
        let lives = self.stage("lives");
        format!(
            "\x20   -- lives: per key the newest row image of this range, and the deletion that came first after it.\n\
             \x20   DROP TABLE IF EXISTS {lives};\n\
             \x20   CREATE TEMP TABLE {lives} AS\n\
             \x20   SELECT {keys_k}, k._cdc_image_rank, e._cdc_op IS NOT NULL AS _cdc_deleted, {deleted_at} AS _cdc_deleted_at,\n\
             \x20          z._cdc_kafka_partition AS _cdc_last_partition, z._cdc_kafka_offset AS _cdc_last_offset, z._cdc_source_ms AS _cdc_last_ms\n\
             \x20   FROM (SELECT {keys_n}, MIN(CASE WHEN n._cdc_op <> 'd' THEN n._cdc_rank END) AS _cdc_image_rank, MAX(n._cdc_rank) AS _cdc_first_rank\n\
             \x20         FROM {newest} AS n GROUP BY {part_n}) AS k\n\
             \x20   JOIN {newest} AS z ON {same_z} AND z._cdc_rank = 1\n\
             \x20   LEFT JOIN {newest} AS e ON {same_e} AND e._cdc_rank = COALESCE(k._cdc_image_rank - 1, k._cdc_first_rank);\n\
             \x20   DELETE FROM {newest} USING {lives} AS l WHERE {same_l} AND {newest}._cdc_rank < l._cdc_image_rank;\n\
             \x20   UPDATE {newest} SET _cdc_rank = {newest}._cdc_rank - l._cdc_image_rank + 1\n\
             \x20   FROM {lives} AS l WHERE {same_l} AND l._cdc_image_rank > 1;\n",
            keys_k = self.key_list("k"),
            keys_n = self.key_list("n"),
            part_n = self.key_partition("n"),
            same_z = self.keys_equal("z", "k"),
            same_e = self.keys_equal("e", "k"),
            same_l = self.keys_equal(&newest, "l"),
            deleted_at = millis_to_timestamp("e._cdc_source_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
        )
    }

    /// One MERGE: rows that are there get their values, rows that are gone their mark.
    pub(super) fn mark_and_merge(&self) -> String {
        let staging = self.stage("staging");
        let target_name = quoted(&self.table.spec.target_table);
        let mut sets = Vec::new();
        for column in self.table.value_columns() {
            let name = quoted(&column.target_name);
            let unchanged =
                self.is_unchanged("s", column).map(|unchanged| format!(" OR {unchanged}")).unwrap_or_default();
            sets.push(format!(
                "{name} = CASE WHEN s._cdc_op = 'd'{unchanged} THEN {target_name}.{name} ELSE s.{name} END"
            ));
        }
        let mut names: Vec<String> = self.table.columns.iter().map(|column| quoted(&column.target_name)).collect();
        let mut values: Vec<String> = names.iter().map(|name| format!("s.{name}")).collect();
        for (own, _) in target_table::own_columns(self.table.mode) {
            let name = quoted(own);
            let value = match own {
                "_cdc_kafka_partition" => "s._cdc_last_partition".to_owned(),
                "_cdc_kafka_offset" => "s._cdc_last_offset".to_owned(),
                _ => format!("s.{name}"),
            };
            // A row that is gone went when it was first deleted.
            sets.push(if own == "_cdc_deleted_at" {
                format!("{name} = CASE WHEN s._cdc_op = 'd' AND {target_name}._cdc_deleted THEN {target_name}.{name} ELSE {value} END")
            } else {
                format!("{name} = {value}")
            });
            names.push(name);
            values.push(value);
        }
        format!(
            "\x20   -- Mark the deleted, merge the rest.\n\
             \x20   SELECT COUNT(*) INTO cdc_deleted_rows FROM {staging} AS s WHERE s._cdc_deleted;\n\
             \x20   SELECT COUNT(*) INTO cdc_applied_rows FROM {staging} AS s WHERE NOT s._cdc_deleted;\n\
             \x20   MERGE INTO {target} USING {staging} AS s ON {matched}\n\
             \x20   WHEN MATCHED THEN UPDATE SET\n\
             \x20       {sets}\n\
             \x20   WHEN NOT MATCHED THEN INSERT ({names})\n\
             \x20        VALUES ({values});",
            target = self.target,
            matched = self.keys_equal(&target_name, "s"),
            sets = sets.join(",\n        "),
            names = names.join(", "),
            values = values.join(", "),
        )
    }
}
