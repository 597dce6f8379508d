//! Which of several changes of one row is the newest: offsets, source positions, clocks.

use super::{Writer, millis_to_timestamp, one_line};
use crate::catalog::Mode;
use crate::sql::target_table;

impl Writer<'_> {
    /// Snapshot reads that arrive after a change that is newer: a key's events are in two
    /// partitions when partitions were added, or when the key's own schema changed. A read has
    /// no position; the source's clock tells. Within one partition the offsets have decided, and
    /// the clocks of a snapshot and of the log are not compared.
    pub(super) fn late_reads(&self) -> String {
        let typed = self.stage("typed");
        let read_at = millis_to_timestamp(&format!("{typed}._cdc_source_ms"), "CAST('1970-01-01' AS TIMESTAMP)");
        let merged_already: String = self
            .remembered()
            .iter()
            .map(|(newer, present)| {
                format!(
                    "\x20       DELETE FROM {typed} USING {newer} AS h WHERE {same_key}{present} AND {typed}._cdc_op = 'r'\n\
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
             \x20   END IF;\n\
             {renewed}",
            same_key = self.keys_equal("t", "r"),
            renewed = self.renewed(),
        )
    }

    /// A deletion that is half of a change: Debezium deletes the row of the old key and creates it
    /// under the new one, at the same place of the log. Where only a column changed that is in the
    /// record's key and not in the table's, both are the same row, which stays. Within a partition
    /// their order says so; in two it is by chance which one comes last.
    fn renewed(&self) -> String {
        let typed = self.stage("typed");
        let alike = |left: &str, right: &str| {
            format!(
                "{} AND {left}._cdc_domain = {right}._cdc_domain AND {left}._cdc_position = {right}._cdc_position",
                self.keys_equal(left, right)
            )
        };
        let remembered: String = self
            .remembered()
            .iter()
            .filter(|(newer, _)| *newer == self.target)
            .map(|(newer, present)| {
                format!(
                    "\n\
                     \x20   DELETE FROM {typed} USING {newer} AS h WHERE {}{present} AND {typed}._cdc_op = 'd'\n\
                     \x20        AND h._cdc_kafka_partition <> {typed}._cdc_kafka_partition;",
                    alike(&typed, "h")
                )
            })
            .collect();
        format!(
            "\x20   -- A deletion whose row another partition creates at the same place of the log is no deletion.\n\
             \x20   DELETE FROM {typed} USING (SELECT d._cdc_kafka_partition, d._cdc_kafka_offset FROM {typed} AS d JOIN {typed} AS c ON {pair}\n\
             \x20         WHERE d._cdc_op = 'd' AND c._cdc_op = 'c'\n\
             \x20         GROUP BY d._cdc_kafka_partition, d._cdc_kafka_offset\n\
             \x20         HAVING MIN(CASE WHEN c._cdc_kafka_partition = d._cdc_kafka_partition THEN 0 ELSE 1 END) = 1) AS h\n\
             \x20   WHERE {typed}._cdc_op = 'd' AND {typed}._cdc_kafka_partition = h._cdc_kafka_partition AND {typed}._cdc_kafka_offset = h._cdc_kafka_offset;{remembered}",
            pair = alike("d", "c"),
        )
    }

    /// Which changes are stale: strictly older, by comparable source positions, than a change
    /// of the same key that came before them. The target's own rows and the ledger of deleted
    /// keys take part as what came before this range.
    pub(super) fn history(&self) -> String {
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
        let target_touched =
            self.keys().iter().map(|key| format!("h.{key} = t.{key}")).collect::<Vec<_>>().join(" AND ");
        let deleted = if self.table.mode == Mode::SoftDelete {
            String::new()
        } else {
            format!(
                "\n\
                 \x20   UNION ALL\n\
                 \x20   SELECT {keys_h}, {past}, -1, -1, h._cdc_domain, h._cdc_position,\n\
                 \x20          DATEDIFF(millisecond, {epoch}, h._cdc_source_ts), 0\n\
                 \x20   FROM {ledger} AS h JOIN {touched} AS t ON {target_touched} WHERE h._cdc_domain IS NOT NULL",
                ledger = self.ledger,
            )
        };
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
             \x20   FROM {target} AS h JOIN {touched} AS t ON {target_touched} WHERE h._cdc_domain IS NOT NULL{present}{deleted};\n\
             \x20   -- stale: a run is a stretch of one domain. A position that goes back while the source's clock goes on\n\
             \x20   -- is a restarted log and begins a new epoch. Positions are compared within one epoch only.\n\
             \x20   DROP TABLE IF EXISTS {stale};\n\
             \x20   CREATE TEMP TABLE {stale} {attributes} AS\n\
             \x20   SELECT {keys_s}, s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset, s._cdc_domain, s._cdc_position, s._cdc_source_ms, s._cdc_incoming, s._cdc_run, s._cdc_epoch,\n\
             \x20          {is_stale} AS _cdc_stale,\n\
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
            present = self.present("h"),
            is_stale = self.is_stale(),
        )
    }

    /// Whether a change is older than one of the same key that came before it. Where every change
    /// counts, the same change is not a second one either: one that has come, at its place within
    /// its transaction, on the same server, stays out when it is sent again.
    fn is_stale(&self) -> String {
        let order = "ORDER BY s._cdc_arrival, s._cdc_kafka_partition, s._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING";
        let part = self.key_partition("s");
        if self.table.mode != Mode::History {
            return format!(
                "CASE WHEN s._cdc_position < MAX(s._cdc_position) OVER (PARTITION BY {part}, s._cdc_run, s._cdc_epoch {order})\n\
                 \x20               THEN 1 ELSE 0 END"
            );
        }
        let transaction = "SPLIT_PART(s._cdc_position, '/', 1)";
        let server = "SPLIT_PART(s._cdc_position, '/', 2)";
        format!(
            "CASE WHEN {transaction} < MAX({transaction}) OVER (PARTITION BY {part}, s._cdc_run, s._cdc_epoch {order})\n\
             \x20               THEN 1\n\
             \x20               WHEN s._cdc_position <= MAX(s._cdc_position) OVER (PARTITION BY {part}, s._cdc_run, s._cdc_epoch, {transaction}, {server} {order})\n\
             \x20               THEN 1 ELSE 0 END"
        )
    }
}
