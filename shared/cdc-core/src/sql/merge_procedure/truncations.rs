//! Tables that are emptied at the source: what was there before goes, whenever it arrives.
//!
//! A `TRUNCATE` is one record in one partition; older changes of the same table may still be on
//! their way in others. So it is written down, and every merge leaves out what is older than
//! what is written down.

use super::Writer;
use crate::catalog::Mode;
use crate::pipeline::ChangePolicy;
use crate::sql::layout::TRUNCATIONS;
use crate::sql::versions;

impl Writer<'_> {
    pub(super) fn truncations(&self) -> String {
        let typed = self.stage("typed");
        // A change is older by its position; what has none (a snapshot's read), or one of
        // another log, is older if it arrived before.
        let arrived_before = format!("{typed}._cdc_arrival <= x.arrival");
        let older = versions::is_older(&typed, "x.source_domain", "x.source_position", &arrived_before);
        let target = &self.target;
        let older_row = versions::row_is_older(target, "x.source_domain", "x.source_position", "x.source_ts");
        let taken = match self.table.on_schema_change.truncate {
            ChangePolicy::Ignore => format!(
                "\x20   -- Truncations are left out, as the pipeline file says; what is written down is of dropped tables.\n\
                 \x20   DELETE FROM {typed} WHERE {typed}._cdc_op = 't' AND {typed}._cdc_fault IS NULL;\n"
            ),
            ChangePolicy::Apply | ChangePolicy::Hold => self.written_down(&typed),
        };
        format!(
            "{taken}\
             \x20   DELETE FROM {typed} USING {truncations} AS x WHERE x.table_name = {table_name} AND {typed}._cdc_fault IS NULL\n\
             \x20        AND {older};\n\
             \x20   SELECT COUNT(*) INTO cdc_truncations FROM {truncations} AS x WHERE x.table_name = {table_name} AND NOT x.applied;\n\
             \x20   IF cdc_truncations > 0 THEN\n\
             \x20       DELETE FROM {target} USING {truncations} AS x WHERE x.table_name = {table_name} AND NOT x.applied\n\
             \x20            AND {older_row};\n\
             \x20       GET DIAGNOSTICS cdc_truncated_rows := ROW_COUNT;\n\
             \x20       UPDATE {truncations} SET applied = true WHERE table_name = {table_name} AND NOT applied;\n\
             \x20   END IF;",
            truncations = self.layout.control(TRUNCATIONS),
            table_name = self.table_name,
        )
    }

    /// The truncations of the range, and what they were at.
    fn written_down(&self, typed: &str) -> String {
        format!(
            "\x20   -- Truncations: written down, because older changes may still come from other partitions.\n\
             \x20   SELECT COUNT(*) INTO cdc_truncations FROM {typed} AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;\n\
             \x20   IF cdc_truncations > 0 THEN\n\
             \x20       INSERT INTO {truncations} (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)\n\
             \x20       SELECT SYSDATE, {table_name}, t._cdc_domain, t._cdc_position, {source_ts}, t._cdc_arrival, false\n\
             \x20       FROM {typed} AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;\n\
             \x20       DELETE FROM {typed} WHERE {typed}._cdc_op = 't' AND {typed}._cdc_fault IS NULL;\n\
             \x20   END IF;\n",
            truncations = self.layout.control(TRUNCATIONS),
            table_name = self.table_name,
            source_ts = super::millis_to_timestamp("t._cdc_source_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
        )
    }

    /// Where what was before is kept: a truncation is a deletion of every key that is there, at
    /// the truncation's place. What comes late, after a merge that knew of the truncation, stays
    /// out as ever.
    pub(super) fn emptied(&self) -> String {
        let typed = self.stage("typed");
        let emptied = self.stage("emptied");
        let truncations = self.layout.control(TRUNCATIONS);
        let table_name = &self.table_name;
        let target = &self.target;
        let source_ts = super::millis_to_timestamp("x._cdc_source_ms", "CAST('1970-01-01' AS TIMESTAMP)");
        let late = versions::is_older(
            &typed,
            "x.source_domain",
            "x.source_position",
            &format!("{typed}._cdc_arrival <= x.arrival"),
        );
        let older = versions::is_older("t", "x._cdc_domain", "x._cdc_position", "t._cdc_arrival <= x._cdc_arrival");
        let older_row = versions::row_is_older("h", "x._cdc_domain", "x._cdc_position", &source_ts);
        let discarded = versions::row_is_older("h", "x.source_domain", "x.source_position", "x.source_ts");
        let place: String = ["kafka_partition", "kafka_offset", "arrival", "source_ms", "domain", "position"]
            .iter()
            .map(|name| format!(", x._cdc_{name}"))
            .collect();
        let (ended, ends) = match self.table.mode {
            Mode::SoftDelete => ("NOT h._cdc_deleted", "_cdc_deleted = true, _cdc_deleted_at = f.source_ts".to_owned()),
            _ => {
                ("h._cdc_valid_to IS NULL", format!("_cdc_valid_to = GREATEST({target}._cdc_valid_from, f.source_ts)"))
            }
        };
        let ended_target = ended.replace("h.", &format!("{target}."));
        let version = match self.version_columns("x") {
            columns if columns.is_empty() => columns,
            columns => format!(", {}", columns.trim_end_matches(", ")),
        };
        format!(
            "\x20   -- Truncations: what an earlier merge wrote down keeps older changes out.\n\
             \x20   DELETE FROM {typed} USING {truncations} AS x WHERE x.table_name = {table_name} AND {typed}._cdc_fault IS NULL\n\
             \x20        AND {late};\n\
             \x20   SELECT COUNT(*) INTO cdc_truncations FROM {typed} AS t WHERE t._cdc_op = 't' AND t._cdc_fault IS NULL;\n\
             \x20   IF cdc_truncations > 0 THEN\n\
             \x20       -- emptied: every key that is there and older, with the truncation's place.\n\
             \x20       DROP TABLE IF EXISTS {emptied};\n\
             \x20       CREATE TEMP TABLE {emptied} AS\n\
             \x20       SELECT DISTINCT {keys_t}{place}{version}\n\
             \x20       FROM {typed} AS x JOIN {typed} AS t ON t._cdc_op <> 't' AND t._cdc_fault IS NULL\n\
             \x20            AND {older}\n\
             \x20       WHERE x._cdc_op = 't' AND x._cdc_fault IS NULL\n\
             \x20       UNION\n\
             \x20       SELECT {keys_h}{place}{version}\n\
             \x20       FROM {typed} AS x JOIN {target} AS h ON {ended}\n\
             \x20            AND {older_row}\n\
             \x20       WHERE x._cdc_op = 't' AND x._cdc_fault IS NULL;\n\
             \x20       {insert}\n\
             \x20       FROM {emptied} AS e;\n\
             \x20       INSERT INTO {truncations} (detected_at, table_name, source_domain, source_position, source_ts, arrival, applied)\n\
             \x20       SELECT SYSDATE, {table_name}, x._cdc_domain, x._cdc_position, {source_ts}, x._cdc_arrival, true\n\
             \x20       FROM {typed} AS x WHERE x._cdc_op = 't' AND x._cdc_fault IS NULL;\n\
             \x20       DELETE FROM {typed} WHERE {typed}._cdc_op = 't' AND {typed}._cdc_fault IS NULL;\n\
             \x20   END IF;\n\
             \x20   -- A table that was dropped and created anew, as the provisioner wrote it down: its rows end there.\n\
             \x20   SELECT COUNT(*) INTO cdc_truncations FROM {truncations} AS x WHERE x.table_name = {table_name} AND NOT x.applied;\n\
             \x20   IF cdc_truncations > 0 THEN\n\
             \x20       UPDATE {target} SET {ends}\n\
             \x20       FROM (SELECT {keys_h}, MIN(x.source_ts) AS source_ts FROM {target} AS h JOIN {truncations} AS x ON {ended}\n\
             \x20                  AND {discarded}\n\
             \x20             WHERE x.table_name = {table_name} AND NOT x.applied GROUP BY {part_h}) AS f\n\
             \x20       WHERE {same_key} AND {ended_target};\n\
             \x20       GET DIAGNOSTICS cdc_truncated_rows := ROW_COUNT;\n\
             \x20       UPDATE {truncations} SET applied = true WHERE table_name = {table_name} AND NOT applied;\n\
             \x20   END IF;",
            keys_t = self.key_list("t"),
            keys_h = self.key_list("h"),
            part_h = self.key_partition("h"),
            same_key = self.keys_equal(target, "f"),
            insert = self.insert_deletes("e", &self.key_list("e")),
        )
    }
}
