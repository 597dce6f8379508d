//! What a merge writes down: gaps, its log, the watermark.

use super::{Writer, millis_to_timestamp};
use crate::catalog::Mode;
use crate::sql::layout::{GAPS, MERGE_LOG, QUARANTINE};

impl Writer<'_> {
    /// Offsets of the range that never landed.
    pub(super) fn gaps(&self) -> String {
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

    pub(super) fn merge_log(&self) -> String {
        let landed = self.stage("landed");
        let typed = self.stage("typed");
        let range = self.stage("range");
        let stale = self.stage("stale");
        let staging = self.stage("staging");
        // Where nothing is folded, nothing is stale.
        let folds = self.table.mode != Mode::Append;
        let stale_rows = if folds { "COALESCE(s.stale, 0)" } else { "0" };
        let with_stale = if folds {
            format!(
                "\x20   LEFT JOIN (SELECT c._cdc_kafka_partition, COUNT(*) AS stale FROM {stale} AS c WHERE c._cdc_stale = 1 AND c._cdc_incoming = 1\n\
                 \x20              GROUP BY c._cdc_kafka_partition) AS s ON s._cdc_kafka_partition = r.kafka_partition\n"
            )
        } else {
            String::new()
        };
        format!(
            "\x20   -- The merge log: one row per partition.\n\
             \x20   INSERT INTO {merge_log} (merged_at, table_name, kafka_partition, first_offset, last_offset, landed, reads, creates, updates, deletes, tombstones, stale, quarantined, nulled_values, truncated_values, newest_source_ts)\n\
             \x20   SELECT SYSDATE, {table_name}, r.kafka_partition, r.first_offset, r.last_offset, l.landed,\n\
             \x20          COALESCE(t.reads, 0), COALESCE(t.creates, 0), COALESCE(t.updates, 0), COALESCE(t.deletes, 0), l.tombstones,\n\
             \x20          {stale_rows}, l.unreadable + COALESCE(t.faults, 0) + COALESCE(v.lost, 0),\n\
             \x20          COALESCE(v.nulled, 0), COALESCE(v.truncated, 0), {newest}\n\
             \x20   FROM {range} AS r\n\
             \x20   JOIN (SELECT a.kafka_partition, COUNT(*) AS landed, SUM(CASE WHEN a.shape = 'tombstone' THEN 1 ELSE 0 END) AS tombstones,\n\
             \x20                SUM(CASE WHEN a.shape IN ('malformed', 'unmergeable') THEN 1 ELSE 0 END) AS unreadable\n\
             \x20         FROM {landed} AS a GROUP BY a.kafka_partition) AS l ON l.kafka_partition = r.kafka_partition\n\
             \x20   LEFT JOIN (SELECT b._cdc_kafka_partition, MAX(b._cdc_source_ms) AS newest_ms,\n\
             \x20                     SUM(CASE WHEN b._cdc_op = 'r' THEN 1 ELSE 0 END) AS reads, SUM(CASE WHEN b._cdc_op = 'c' THEN 1 ELSE 0 END) AS creates,\n\
             \x20                     SUM(CASE WHEN b._cdc_op = 'u' THEN 1 ELSE 0 END) AS updates, SUM(CASE WHEN b._cdc_op = 'd' THEN 1 ELSE 0 END) AS deletes,\n\
             \x20                     SUM(CASE WHEN b._cdc_fault IS NOT NULL THEN 1 ELSE 0 END) AS faults\n\
             \x20              FROM {typed} AS b{events} GROUP BY b._cdc_kafka_partition) AS t ON t._cdc_kafka_partition = r.kafka_partition\n\
             {with_stale}\
             \x20   LEFT JOIN (SELECT d._cdc_kafka_partition, SUM(CASE WHEN d._cdc_lost <> '' THEN 1 ELSE 0 END) AS lost,\n\
             \x20                     SUM(d._cdc_nulled) AS nulled, SUM(d._cdc_truncated) AS truncated FROM {staging} AS d\n\
             \x20              GROUP BY d._cdc_kafka_partition) AS v ON v._cdc_kafka_partition = r.kafka_partition;",
            // An event is one, whether or not it has two halves.
            events = if self.table.mode.counts() { " WHERE (b._cdc_change < 0) = (b._cdc_op = 'd')" } else { "" },
            merge_log = self.layout.control(MERGE_LOG),
            table_name = self.table_name,
            newest = millis_to_timestamp("t.newest_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
        )
    }

    /// Compare-and-set: the lock makes it unnecessary, the check makes it sure.
    pub(super) fn advance(&self) -> String {
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
