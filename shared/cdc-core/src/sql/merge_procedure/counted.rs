//! The current state of a table without a key: its rows are counted.
//!
//! Nothing tells which row a change is about, but a change says what the row was and what it
//! is. So a change is two halves: one takes a row of the former image away, one adds a row of
//! the new image. Adding and taking away may come in any order, which is needed: records without
//! a key go round the partitions. What takes away a row that is not there yet is owed.
//!
//! What a crashed connector sends again must not count twice. In MySQL and MariaDB a row's place
//! in the log (file, position, row) is its own; after a failover a transaction stands in another
//! file, so that of all files the one that has an image most often counts. In PostgreSQL the rows
//! of one COPY may share a place: an insert of an image that its place has added already goes to
//! quarantine, since it was written twice or sent twice.

use super::quarantine::Quarantined;
use super::{LEDGER_DAYS, Writer, events, millis_to_timestamp};
use crate::catalog::{Column, RedshiftType, VARBYTE_UNSIZED_BYTES};
use crate::sql::ident::{literal, quoted};
use crate::sql::layout::TRUNCATIONS;
use crate::sql::versions;

/// Bytes of a VARBYTE whose hexadecimal digits fit into one text.
const VARBYTE_PIECE: u32 = 32_000;

/// What makes an event's place in the log its own, besides its position; never NULL.
const PLACE: &str = "_cdc_log_file, _cdc_log_place";

impl Writer<'_> {
    pub(super) fn count_variables(&self) -> &'static str {
        if !self.table.mode.counts() {
            return "";
        }
        "\x20   cdc_snapshot VARCHAR(600);\n\x20   cdc_doubtful BIGINT := 0;\n"
    }

    /// Columns of the events that only counting needs.
    pub(super) fn place_columns(&self) -> String {
        if !self.table.mode.counts() {
            return String::new();
        }
        let (file, pos, row) =
            (events::origin("file", "VARCHAR(512)"), events::origin("pos", "BIGINT"), events::origin("row", "BIGINT"));
        let (snapshot, lsn) = (events::origin("snapshot", "VARCHAR(64)"), events::origin("lsn", "BIGINT"));
        format!(
            "\n\
             \x20          COALESCE({file}, '') AS _cdc_log_file, COALESCE({pos}::VARCHAR(20) || ':' || {row}::VARCHAR(20), '') AS _cdc_log_place,\n\
             \x20          CASE WHEN {snapshot} = 'incremental' THEN 'incremental'\n\
             \x20               ELSE COALESCE({lsn}::VARCHAR(20), {file} || ':' || {pos}::VARCHAR(20), '') END AS _cdc_snapshot,"
        )
    }

    /// Reads of a second snapshot: rows that are there already, and nothing tells which.
    pub(super) fn second_snapshot(&self) -> String {
        if !self.table.mode.counts() {
            return String::new();
        }
        format!(
            "\x20   -- The snapshot that the table's records begin with counts. Of a later one nobody can tell which of its rows are\n\
             \x20   -- there already, so its reads wait.\n\
             \x20   SELECT MAX(b._cdc_log_place) INTO cdc_snapshot FROM {ledger} AS b WHERE b._cdc_domain = 'snapshot';\n\
             \x20   IF cdc_snapshot IS NULL THEN\n\
             \x20       SELECT CASE WHEN e._cdc_op = 'r' AND e._cdc_snapshot <> 'incremental' THEN e._cdc_snapshot ELSE 'none' END INTO cdc_snapshot\n\
             \x20       FROM {events} AS e WHERE e._cdc_op IN ('r', 'c', 'u', 'd')\n\
             \x20       ORDER BY e._cdc_arrival, CASE WHEN e._cdc_op = 'r' THEN 0 ELSE 1 END, e._cdc_kafka_partition, e._cdc_kafka_offset LIMIT 1;\n\
             \x20       -- A merge of one partition does not see whether another one begins with reads.\n\
             \x20       IF cdc_snapshot IS NOT NULL AND (cdc_snapshot <> 'none' OR cdc_only_partition < 0) THEN\n\
             \x20           INSERT INTO {ledger} (_cdc_row, _cdc_change, _cdc_domain, _cdc_position, _cdc_log_file, _cdc_log_place, _cdc_owed, _cdc_seen_at)\n\
             \x20           VALUES ('', 0, 'snapshot', '', '', cdc_snapshot, true, SYSDATE);\n\
             \x20       END IF;\n\
             \x20   END IF;\n\
             \x20   INSERT INTO {held}\n\
             \x20   SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'another snapshot of a table without a key: its rows cannot be told from those that are there'\n\
             \x20   FROM {events} AS e WHERE e._cdc_op = 'r' AND e._cdc_snapshot <> cdc_snapshot\n\
             \x20   GROUP BY e._cdc_kafka_partition;\n",
            ledger = self.ledger,
            events = self.stage("events"),
            held = self.stage("held"),
        )
    }

    /// An event's halves.
    pub(super) fn halves(&self) -> String {
        let halves = self.stage("halves");
        format!(
            "\x20   -- halves: a change takes a row of the former image away and adds one of the new image.\n\
             \x20   DROP TABLE IF EXISTS {halves};\n\
             \x20   CREATE TEMP TABLE {halves} AS\n\
             \x20   SELECT e.*, h.change AS _cdc_change\n\
             \x20   FROM {events} AS e JOIN (SELECT 1 AS change UNION ALL SELECT -1 AS change) AS h\n\
             \x20        ON (h.change > 0 AND COALESCE(e._cdc_op, '') <> 'd') OR (h.change < 0 AND e._cdc_op IN ('u', 'd'));\n\
             \x20   UPDATE {halves} SET _cdc_image = _cdc_before WHERE _cdc_op = 'u' AND _cdc_change < 0;",
            events = self.stage("events"),
        )
    }

    /// What the typed halves of one event have to do with each other.
    pub(super) fn whole_changes(&self) -> String {
        let typed = self.stage("typed");
        let same_event = format!(
            "{typed}._cdc_kafka_partition = f._cdc_kafka_partition AND {typed}._cdc_kafka_offset = f._cdc_kafka_offset"
        );
        let mut text = format!(
            "\x20   -- A change of which one half cannot be read does not count at all.\n\
             \x20   DELETE FROM {typed} USING (SELECT b._cdc_kafka_partition, b._cdc_kafka_offset, MIN(b._cdc_change) AS _cdc_change\n\
             \x20        FROM {typed} AS b WHERE b._cdc_fault IS NOT NULL GROUP BY b._cdc_kafka_partition, b._cdc_kafka_offset) AS f\n\
             \x20   WHERE {same_event} AND ({typed}._cdc_fault IS NULL OR {typed}._cdc_change <> f._cdc_change);"
        );
        for (column, _) in self.unavailable_columns("c._cdc_image") {
            let name = quoted(&column.target_name);
            let label = literal(&format!(",{},", column.target_name));
            let lost = literal(&format!("{},", column.target_name));
            text.push_str(&format!(
                "\n\x20   -- An unchanged large value is the one that the row had.\n\
                 \x20   UPDATE {typed} SET {name} = f.{name}, _cdc_unavailable = REPLACE({typed}._cdc_unavailable, {label}, '')\n\
                 \x20   FROM (SELECT b._cdc_kafka_partition, b._cdc_kafka_offset, b.{name} FROM {typed} AS b\n\
                 \x20         WHERE b._cdc_op = 'u' AND b._cdc_change < 0 AND STRPOS(b._cdc_unavailable, {label}) = 0) AS f\n\
                 \x20   WHERE {same_event} AND {typed}._cdc_change > 0 AND STRPOS({typed}._cdc_unavailable, {label}) > 0;\n\
                 \x20   UPDATE {typed} SET _cdc_lost = {typed}._cdc_lost || {lost}\n\
                 \x20   WHERE _cdc_change > 0 AND STRPOS(_cdc_unavailable, {label}) > 0;"
            ));
        }
        text
    }

    /// Which halves count, and which were sent again.
    pub(super) fn occurrences(&self) -> String {
        let typed = self.stage("typed");
        let imaged = self.stage("imaged");
        let occurrence = self.stage("occurrence");
        let often = self.stage("often");
        let stale = self.stage("stale");
        let staging = self.stage("staging");
        let ledger = &self.ledger;
        let image: Vec<String> = self.table.columns.iter().map(|column| image_part("t", column)).collect();
        let group = |alias: &str| {
            ["_cdc_row", "_cdc_change", "_cdc_domain", "_cdc_position"].map(|name| format!("{alias}.{name}")).join(", ")
        };
        let place =
            |alias: &str| PLACE.split(", ").map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ");
        let same = |left: &str, right: &str, names: &[&str]| {
            names.iter().map(|name| format!("{left}.{name} = {right}.{name}")).collect::<Vec<_>>().join(" AND ")
        };
        let grouped = ["_cdc_row", "_cdc_change", "_cdc_domain", "_cdc_position"];
        let doubtful = Quarantined {
            scope: "record",
            reason: "'the same row was inserted at the same place of the log: sent twice, or written twice by one statement'",
            columns: "NULL",
            from: &format!(
                "{}\n        WHERE s._cdc_counts = 0 AND s._cdc_op = 'c' AND s._cdc_domain = 'lsn'",
                self.staged_as_landed()
            ),
        };
        let placed = ["_cdc_row", "_cdc_change", "_cdc_domain", "_cdc_position", "_cdc_log_file", "_cdc_log_place"];
        format!(
            "\x20   -- imaged: rows with the same values have the same _cdc_row.\n\
             \x20   DROP TABLE IF EXISTS {imaged};\n\
             \x20   CREATE TEMP TABLE {imaged} AS\n\
             \x20   SELECT t.*,\n\
             \x20          SHA2({image}, 256)::VARCHAR(64) AS _cdc_row\n\
             \x20   FROM {typed} AS t WHERE t._cdc_fault IS NULL;\n\
             \x20   -- occurrence: whether the ledger, or a record before it, has the same image at the same place of the log.\n\
             \x20   DROP TABLE IF EXISTS {occurrence};\n\
             \x20   CREATE TEMP TABLE {occurrence} AS\n\
             \x20   SELECT o.*, CASE WHEN o._cdc_domain IS NOT NULL AND (o._cdc_known > 0 OR o._cdc_copy > 1) THEN 1 ELSE 0 END AS _cdc_again\n\
             \x20   FROM (SELECT i.*, CASE WHEN k._cdc_row IS NULL THEN 0 ELSE 1 END AS _cdc_known,\n\
             \x20                ROW_NUMBER() OVER (PARTITION BY {i_group}, {i_place} ORDER BY i._cdc_kafka_partition, i._cdc_kafka_offset) AS _cdc_copy\n\
             \x20         FROM {imaged} AS i\n\
             \x20         LEFT JOIN (SELECT DISTINCT {l_group}, {l_place} FROM {ledger} AS l WHERE l._cdc_domain IS NOT NULL) AS k\n\
             \x20              ON {known}) AS o;\n\
             \x20   -- often: how often one file of the source's log has an image at a position, before this range and with it.\n\
             \x20   DROP TABLE IF EXISTS {often};\n\
             \x20   CREATE TEMP TABLE {often} AS\n\
             \x20   SELECT {f_group}, MAX(f.places_before) AS places_before, MAX(f.places_now) AS places_now\n\
             \x20   FROM (SELECT {p_group}, p._cdc_log_file, COUNT(DISTINCT CASE WHEN p.incoming = 0 THEN p._cdc_log_place END) AS places_before,\n\
             \x20                COUNT(DISTINCT p._cdc_log_place) AS places_now\n\
             \x20         FROM (SELECT {o_group}, {o_place}, 1 AS incoming FROM {occurrence} AS o WHERE o._cdc_domain IS NOT NULL\n\
             \x20               UNION ALL\n\
             \x20               SELECT {l_group}, {l_place}, 0 FROM {ledger} AS l WHERE l._cdc_domain IS NOT NULL) AS p\n\
             \x20         GROUP BY {p_group}, p._cdc_log_file) AS f\n\
             \x20   GROUP BY {f_group};\n\
             \x20   -- staging: the halves that count.\n\
             \x20   DROP TABLE IF EXISTS {staging};\n\
             \x20   CREATE TEMP TABLE {staging} AS\n\
             \x20   SELECT n.*, CASE WHEN n._cdc_domain IS NULL OR (n._cdc_again = 0 AND n._cdc_nth <= m.places_now - m.places_before) THEN 1 ELSE 0 END AS _cdc_counts,\n\
             \x20          {source_ts} AS _cdc_source_ts\n\
             \x20   FROM (SELECT o.*, ROW_NUMBER() OVER (PARTITION BY {o_group}, o._cdc_again ORDER BY o._cdc_kafka_partition, o._cdc_kafka_offset) AS _cdc_nth\n\
             \x20         FROM {occurrence} AS o) AS n\n\
             \x20   LEFT JOIN {often} AS m ON {often_same};\n\
             \x20   -- An insert of PostgreSQL whose image its place has added already: sent twice, or two rows of one COPY.\n\
             \x20   SELECT COUNT(*) INTO cdc_doubtful FROM {staging} AS s WHERE s._cdc_counts = 0 AND s._cdc_op = 'c' AND s._cdc_domain = 'lsn';\n\
             \x20   IF cdc_doubtful > 0 THEN\n\
             {insert}\
             \x20       cdc_records_quarantined := cdc_records_quarantined + cdc_doubtful;\n\
             \x20   END IF;\n\
             \x20   DROP TABLE IF EXISTS {stale};\n\
             \x20   CREATE TEMP TABLE {stale} AS\n\
             \x20   SELECT DISTINCT s._cdc_kafka_partition, s._cdc_kafka_offset, 1 AS _cdc_stale, 1 AS _cdc_incoming FROM {staging} AS s WHERE s._cdc_counts = 0;\n\
             \x20   SELECT COUNT(*) INTO cdc_stale_rows FROM {stale} AS s;\n\
             \x20   DELETE FROM {staging} WHERE _cdc_counts = 0;",
            image = image.join("\n\x20              || "),
            i_group = group("i"),
            i_place = place("i"),
            l_group = group("l"),
            l_place = place("l"),
            o_group = group("o"),
            o_place = place("o"),
            p_group = group("p"),
            f_group = group("f"),
            known = same("k", "i", &placed),
            often_same = same("m", "n", &grouped),
            source_ts = millis_to_timestamp("n._cdc_source_ms", "CAST('1970-01-01' AS TIMESTAMP)"),
            insert = self.put_into_quarantine("        ", &doubtful),
        )
    }

    /// Adds what is new, takes away what is gone, remembers what is owed.
    pub(super) fn count(&self) -> String {
        let staging = self.stage("staging");
        let taken = self.stage("taken");
        let found = self.stage("found");
        let target = &self.target;
        let ledger = &self.ledger;
        let columns = self.target_columns();
        let unsettled = Quarantined {
            scope: "record",
            reason: "'the row that this change takes away is not there, or not yet'",
            columns: "NULL",
            from: &format!(
                "{}\n            LEFT JOIN {found} AS f ON f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset\n            \
                 WHERE s._cdc_change < 0 AND f._cdc_row IS NULL",
                self.staged_as_landed()
            ),
        };
        let older = versions::row_is_older(ledger, "x.source_domain", "x.source_position", "x.source_ts");
        format!(
            "\x20   -- Add, then take away: the n-th half of an image that takes away takes the n-th row of that image.\n\
             \x20   INSERT INTO {target} ({names})\n\
             \x20   SELECT {values} FROM {staging} AS s WHERE s._cdc_change > 0;\n\
             \x20   SELECT COUNT(*) INTO cdc_applied_rows FROM {staging} AS s WHERE s._cdc_change > 0;\n\
             \x20   DELETE FROM {ledger} USING {truncations} AS x WHERE x.table_name = {table_name} AND {ledger}._cdc_owed AND {ledger}._cdc_change < 0\n\
             \x20        AND {older};\n\
             \x20   DROP TABLE IF EXISTS {taken};\n\
             \x20   CREATE TEMP TABLE {taken} AS\n\
             \x20   SELECT a.*, ROW_NUMBER() OVER (PARTITION BY a._cdc_row ORDER BY a._cdc_kafka_partition, a._cdc_kafka_offset) AS _cdc_nth\n\
             \x20   FROM (SELECT s._cdc_row, s._cdc_kafka_partition, s._cdc_kafka_offset FROM {staging} AS s WHERE s._cdc_change < 0\n\
             \x20         UNION ALL\n\
             \x20         SELECT l._cdc_row, l._cdc_kafka_partition, l._cdc_kafka_offset FROM {ledger} AS l WHERE l._cdc_owed AND l._cdc_change < 0) AS a;\n\
             \x20   DROP TABLE IF EXISTS {found};\n\
             \x20   CREATE TEMP TABLE {found} AS\n\
             \x20   SELECT t._cdc_row, t._cdc_kafka_partition AS taken_partition, t._cdc_kafka_offset AS taken_offset, h._cdc_kafka_partition, h._cdc_kafka_offset\n\
             \x20   FROM (SELECT r._cdc_row, r._cdc_kafka_partition, r._cdc_kafka_offset,\n\
             \x20                ROW_NUMBER() OVER (PARTITION BY r._cdc_row ORDER BY r._cdc_kafka_partition, r._cdc_kafka_offset) AS _cdc_nth\n\
             \x20         FROM {target} AS r JOIN (SELECT DISTINCT a._cdc_row FROM {taken} AS a) AS d ON d._cdc_row = r._cdc_row) AS h\n\
             \x20   JOIN {taken} AS t ON t._cdc_row = h._cdc_row AND t._cdc_nth = h._cdc_nth;\n\
             \x20   DELETE FROM {target} USING {found} AS f WHERE {target}._cdc_row = f._cdc_row\n\
             \x20        AND {target}._cdc_kafka_partition = f._cdc_kafka_partition AND {target}._cdc_kafka_offset = f._cdc_kafka_offset;\n\
             \x20   GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;\n\
             \x20   cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;\n\
             \x20   -- The ledger remembers which places of the log have counted, and what is owed.\n\
             \x20   UPDATE {ledger} SET _cdc_owed = false FROM {found} AS f WHERE {ledger}._cdc_owed AND {ledger}._cdc_change < 0\n\
             \x20        AND {ledger}._cdc_kafka_partition = f.taken_partition AND {ledger}._cdc_kafka_offset = f.taken_offset;\n\
             \x20   DELETE FROM {ledger} WHERE NOT _cdc_owed AND _cdc_seen_at < DATEADD(day, -{LEDGER_DAYS}, SYSDATE);\n\
             \x20   INSERT INTO {ledger} (_cdc_row, _cdc_change, _cdc_domain, _cdc_position, _cdc_log_file, _cdc_log_place, _cdc_owed, _cdc_source_ts, _cdc_kafka_partition, _cdc_kafka_offset, _cdc_seen_at)\n\
             \x20   SELECT s._cdc_row, s._cdc_change, s._cdc_domain, s._cdc_position, s._cdc_log_file, s._cdc_log_place,\n\
             \x20          s._cdc_change < 0 AND f._cdc_row IS NULL, s._cdc_source_ts, s._cdc_kafka_partition, s._cdc_kafka_offset, SYSDATE\n\
             \x20   FROM {staging} AS s LEFT JOIN {found} AS f ON s._cdc_change < 0\n\
             \x20        AND f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset\n\
             \x20   WHERE s._cdc_domain IS NOT NULL OR (s._cdc_change < 0 AND f._cdc_row IS NULL);\n\
             \x20   -- What is owed although nothing is left to merge is said aloud; a row that comes later still settles it.\n\
             \x20   IF cdc_pending_rows = 0 AND cdc_held_rows = 0 AND cdc_only_partition < 0 THEN\n\
             \x20       SELECT COUNT(*) INTO cdc_doubtful FROM {staging} AS s LEFT JOIN {found} AS f\n\
             \x20            ON f.taken_partition = s._cdc_kafka_partition AND f.taken_offset = s._cdc_kafka_offset\n\
             \x20       WHERE s._cdc_change < 0 AND f._cdc_row IS NULL;\n\
             \x20       IF cdc_doubtful > 0 THEN\n\
             {insert}\
             \x20           cdc_quarantined_rows := cdc_quarantined_rows + cdc_doubtful;\n\
             \x20       END IF;\n\
             \x20   END IF;",
            names = columns.join(", "),
            values = columns.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", "),
            truncations = self.layout.control(TRUNCATIONS),
            table_name = self.table_name,
            insert = self.put_into_quarantine("            ", &unsettled),
        )
    }
}

/// A column's part of a row's image: 64 hexadecimal digits, or `-` for NULL.
fn image_part(row: &str, column: &Column) -> String {
    let value = format!("{row}.{}", quoted(&column.target_name));
    let digest = |text: &str| format!("SHA2({text}, 256)");
    let image = match column.stored_type() {
        RedshiftType::Varchar { .. } => digest(&value),
        RedshiftType::Boolean => format!("CASE WHEN {value} THEN '{}' ELSE '{}' END", "1".repeat(64), "0".repeat(64)),
        // A floating-point number's text may have fewer digits than the number; what it lacks is added.
        RedshiftType::Real | RedshiftType::DoublePrecision => {
            let wide = format!("{value}::DOUBLE PRECISION");
            digest(&format!(
                "({wide})::VARCHAR(64) || ' ' || ({wide} - ({wide})::VARCHAR(64)::DOUBLE PRECISION)::VARCHAR(64)"
            ))
        }
        RedshiftType::Varbyte { bytes } => (0..bytes.min(VARBYTE_UNSIZED_BYTES).div_ceil(VARBYTE_PIECE))
            .map(|piece| digest(&format!("TO_HEX(SUBSTRING({value}, {}, {VARBYTE_PIECE}))", piece * VARBYTE_PIECE + 1)))
            .collect::<Vec<_>>()
            .join(" || "),
        RedshiftType::Super => digest(&format!("JSON_SERIALIZE({value})")),
        RedshiftType::SmallInt
        | RedshiftType::Integer
        | RedshiftType::BigInt
        | RedshiftType::Decimal { .. }
        | RedshiftType::Date
        | RedshiftType::Time
        | RedshiftType::Timestamp
        | RedshiftType::TimestampTz => digest(&format!("{value}::VARCHAR(64)")),
    };
    format!("CASE WHEN {value} IS NULL THEN '-' ELSE {image} END")
}
