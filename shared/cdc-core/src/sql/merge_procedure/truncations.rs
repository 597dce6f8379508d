//! Tables that are emptied at the source: what was there before goes, whenever it arrives.
//!
//! A `TRUNCATE` is one record in one partition; older changes of the same table may still be on
//! their way in others. So it is written down, and every merge leaves out what is older than
//! what is written down.

use super::Writer;
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
}
