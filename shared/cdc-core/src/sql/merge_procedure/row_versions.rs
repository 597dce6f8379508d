//! Every version of a row, from the source's time of one change to that of the next.
//!
//! The changes of a key that are not stale follow each other as steps. Each but a deletion opens a
//! version, and each closes the one before it; the first closes the target's present version.
//! Times of one key never go back, so that no two of its versions count at one time: a change
//! whose clock is behind counts from the time of the change before it. Two changes of one time
//! leave a version that never counted, in their order.

use super::{Writer, millis_to_timestamp, one_line};
use crate::catalog::{Column, RedshiftType};
use crate::sql::ident::{literal, quoted};
use crate::sql::target_table;

const EPOCH: &str = "CAST('1970-01-01' AS TIMESTAMP)";

impl Writer<'_> {
    /// The steps of every touched key, with their places, times and lives. A create begins a life
    /// of the row, a delete ends one.
    pub(super) fn steps(&self) -> String {
        let typed = self.stage("typed");
        let stale = self.stage("stale");
        let chain = self.stage("chain");
        let marks = self.stage("marks");
        let floor = self.stage("floor");
        let staging = self.stage("staging");
        let attributes = one_line(&target_table::table_attributes(self.table));
        let part = self.key_partition("c");
        // Of what arrives in two partitions in the same millisecond, the table's older definition is first.
        let version = if self.table.former.is_empty() { "" } else { "t._cdc_version, " };
        let columns: Vec<String> =
            self.table.columns.iter().map(|column| format!("c.{}", quoted(&column.target_name))).collect();
        let mut text = format!(
            "\x20   -- chain: the changes of each key that are not stale, step by step.\n\
             \x20   DROP TABLE IF EXISTS {chain};\n\
             \x20   CREATE TEMP TABLE {chain} {attributes} AS\n\
             \x20   SELECT t.*, ROW_NUMBER() OVER (PARTITION BY {part_t} ORDER BY {order_t}) AS _cdc_step\n\
             \x20   FROM {typed} AS t\n\
             \x20   LEFT JOIN {stale} AS s ON {same_s} AND s._cdc_incoming = 1 AND s._cdc_stale = 1\n\
             \x20        AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset\n\
             \x20   WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL;\n\
             \x20   -- marks: the comparable positions by step, which a snapshot read does not take away; step 0 is what was before.\n\
             \x20   DROP TABLE IF EXISTS {marks};\n\
             \x20   CREATE TEMP TABLE {marks} {attributes} AS\n\
             \x20   SELECT {keys_c}, c._cdc_step, s._cdc_domain, s._cdc_position, s._cdc_newest_ms\n\
             \x20   FROM {chain} AS c JOIN {stale} AS s ON {same_c} AND s._cdc_incoming = 1\n\
             \x20        AND s._cdc_kafka_partition = c._cdc_kafka_partition AND s._cdc_kafka_offset = c._cdc_kafka_offset\n\
             \x20   UNION ALL\n\
             \x20   SELECT {keys_b}, 0, b._cdc_domain, b._cdc_position, b._cdc_newest_ms\n\
             \x20   FROM (SELECT s.*, ROW_NUMBER() OVER (PARTITION BY {part_s} ORDER BY s._cdc_kafka_partition DESC, s._cdc_kafka_offset DESC) AS _cdc_rank\n\
             \x20         FROM {stale} AS s WHERE s._cdc_incoming = 0 AND s._cdc_stale = 0) AS b WHERE b._cdc_rank = 1;\n\
             \x20   -- floor: the time up to which versions are known, which no later one goes behind.\n\
             \x20   DROP TABLE IF EXISTS {floor};\n\
             \x20   CREATE TEMP TABLE {floor} {attributes} AS\n\
             \x20   SELECT {keys_h}, MAX(DATEDIFF(millisecond, {EPOCH}, COALESCE(h._cdc_valid_to, h._cdc_valid_from))) AS _cdc_ms\n\
             \x20   FROM {target} AS h JOIN (SELECT DISTINCT {keys_c} FROM {chain} AS c) AS k ON {same_h}\n\
             \x20   GROUP BY {part_h};\n\
             \x20   -- staging: the typed changes with the time from which each counts.\n\
             \x20   DROP TABLE IF EXISTS {staging};\n\
             \x20   CREATE TEMP TABLE {staging} {attributes} AS\n\
             \x20   SELECT {columns},\n\
             \x20          c._cdc_op, c._cdc_lost, c._cdc_nulled, c._cdc_truncated, c._cdc_unavailable, c._cdc_kafka_partition, c._cdc_kafka_offset,\n\
             \x20          c._cdc_step, c._cdc_rank, c._cdc_life, m._cdc_domain, m._cdc_position,\n\
             \x20          {source_ts} AS _cdc_source_ts,\n\
             \x20          {valid_from} AS _cdc_valid_from\n\
             \x20   FROM (SELECT c.*, ROW_NUMBER() OVER (PARTITION BY {part} ORDER BY c._cdc_step DESC) AS _cdc_rank,\n\
             \x20                SUM(CASE WHEN c._cdc_op IN ('c', 'd') THEN 1 ELSE 0 END) OVER (PARTITION BY {part} ORDER BY c._cdc_step ROWS UNBOUNDED PRECEDING) AS _cdc_life,\n\
             \x20                MAX({changed}) OVER (PARTITION BY {part} ORDER BY c._cdc_step ROWS UNBOUNDED PRECEDING) AS _cdc_from_ms,\n\
             \x20                COALESCE(MAX(CASE WHEN c._cdc_position IS NOT NULL AND c._cdc_domain IS NOT NULL THEN c._cdc_step END)\n\
             \x20                         OVER (PARTITION BY {part} ORDER BY c._cdc_step ROWS UNBOUNDED PRECEDING), 0) AS _cdc_mark\n\
             \x20         FROM {chain} AS c) AS c\n\
             \x20   LEFT JOIN {marks} AS m ON {same_m} AND m._cdc_step = c._cdc_mark\n\
             \x20   LEFT JOIN {floor} AS f ON {same_f};",
            target = self.target,
            part_t = self.key_partition("t"),
            part_s = self.key_partition("s"),
            part_h = self.key_partition("h"),
            order_t = format_args!("t._cdc_arrival, {version}t._cdc_kafka_partition, t._cdc_kafka_offset"),
            keys_c = self.key_list("c"),
            keys_b = self.key_list("b"),
            keys_h = self.key_list("h"),
            same_s = self.keys_equal("s", "t"),
            same_c = self.keys_equal("s", "c"),
            same_h = self.keys_equal("h", "k"),
            same_m = self.keys_equal("m", "c"),
            same_f = self.keys_equal("f", "c"),
            columns = columns.join(", "),
            // Flattened rows may come without the source's time; then Kafka's counts.
            changed = format_args!("COALESCE(c._cdc_source_ms, DATEDIFF(millisecond, {EPOCH}, c._cdc_arrival))"),
            source_ts = millis_to_timestamp("COALESCE(m._cdc_newest_ms, c._cdc_source_ms)", EPOCH),
            valid_from = millis_to_timestamp("GREATEST(c._cdc_from_ms, COALESCE(f._cdc_ms, c._cdc_from_ms))", EPOCH),
        );
        text.push_str(&self.fill_versions());
        text
    }

    /// An unchanged large value is that of the version before, within one life of the row, for
    /// every version; one that nobody holds is NULL and goes to quarantine.
    fn fill_versions(&self) -> String {
        let columns: Vec<&Column> = self.unavailable_columns("s").into_iter().map(|(column, _)| column).collect();
        if columns.is_empty() {
            return String::new();
        }
        let staging = self.stage("staging");
        let filled = self.stage("filled");
        let mut text = format!(
            "\n\x20   -- An unchanged large value arrives as a placeholder: the version before has it, within one life of the row.\n\
             \x20   SELECT COUNT(*) INTO cdc_unavailable_count FROM {staging} AS s WHERE s._cdc_unavailable <> '' AND s._cdc_op <> 'd';\n\
             \x20   IF cdc_unavailable_count > 0 THEN\n"
        );
        for column in columns {
            let name = quoted(&column.target_name);
            let label = literal(&format!(",{},", column.target_name));
            let lost = literal(&format!("{},", column.target_name));
            let without = format!("_cdc_unavailable = REPLACE({staging}._cdc_unavailable, {label}, '')");
            let wanted = format!("{staging}._cdc_op <> 'd' AND STRPOS({staging}._cdc_unavailable, {label}) > 0");
            text.push_str(&format!(
                "\x20       DROP TABLE IF EXISTS {filled};\n\
                 \x20       CREATE TEMP TABLE {filled} AS\n\
                 \x20       SELECT {keys_w}, w._cdc_step, n.{name}, CASE WHEN STRPOS(',' || n._cdc_lost, {label}) > 0 THEN {lost} ELSE '' END AS _cdc_lost\n\
                 \x20       FROM (SELECT {keys_s}, s._cdc_step, s._cdc_op, s._cdc_unavailable,\n\
                 \x20                    MAX(CASE WHEN s._cdc_op <> 'd' AND STRPOS(s._cdc_unavailable, {label}) = 0 THEN s._cdc_step END)\n\
                 \x20                        OVER (PARTITION BY {part_s}, s._cdc_life ORDER BY s._cdc_step ROWS UNBOUNDED PRECEDING) AS _cdc_holder\n\
                 \x20             FROM {staging} AS s) AS w\n\
                 \x20       JOIN {staging} AS n ON {same_n} AND n._cdc_step = w._cdc_holder\n\
                 \x20       WHERE w._cdc_op <> 'd' AND STRPOS(w._cdc_unavailable, {label}) > 0;\n\
                 \x20       UPDATE {staging} SET {name} = f.{name}, _cdc_lost = {staging}._cdc_lost || f._cdc_lost, {without}\n\
                 \x20       FROM {filled} AS f WHERE {same_f} AND {staging}._cdc_step = f._cdc_step;\n\
                 \x20       UPDATE {staging} SET {name} = h.{name}, {without}\n\
                 \x20       FROM {target} AS h WHERE {same_h}{present} AND {staging}._cdc_life = 0 AND {wanted};\n\
                 \x20       UPDATE {staging} SET {name} = NULL, _cdc_lost = {staging}._cdc_lost || {lost}, {without}\n\
                 \x20       WHERE {wanted};\n",
                keys_w = self.key_list("w"),
                keys_s = self.key_list("s"),
                part_s = self.key_partition("s"),
                same_n = self.keys_equal("n", "w"),
                same_f = self.keys_equal(&staging, "f"),
                same_h = self.keys_equal(&staging, "h"),
                target = self.target,
                present = self.present("h"),
            ));
        }
        text.push_str("\x20   END IF;");
        text
    }

    /// Snapshot reads that say what the version before them says open none.
    fn reads_without_news(&self) -> String {
        let staging = self.stage("staging");
        let before = self.stage("before");
        let known = self.stage("known");
        let list = |alias: &str| {
            let names = self.table.columns.iter().map(|column| format!("{alias}.{}", quoted(&column.target_name)));
            names.collect::<Vec<_>>().join(", ")
        };
        let same: Vec<String> = self.table.value_columns().map(|column| same_value(column, "s", "b")).collect();
        let same: String = same.iter().map(|condition| format!("\n                AND {condition}")).collect();
        format!(
            "\x20   -- known: snapshot reads that say what the version before says, be it of this range or the present one.\n\
             \x20   DROP TABLE IF EXISTS {known};\n\
             \x20   CREATE TEMP TABLE {known} AS SELECT {keys_s}, s._cdc_step FROM {staging} AS s WHERE 1 = 0;\n\
             \x20   SELECT COUNT(*) INTO cdc_late_reads FROM {staging} AS s WHERE s._cdc_op = 'r';\n\
             \x20   IF cdc_late_reads > 0 THEN\n\
             \x20       DROP TABLE IF EXISTS {before};\n\
             \x20       CREATE TEMP TABLE {before} AS\n\
             \x20       SELECT {list_s}, s._cdc_step + 1 AS _cdc_step FROM {staging} AS s WHERE s._cdc_op <> 'd'\n\
             \x20       UNION ALL\n\
             \x20       SELECT {list_h}, 1 FROM {target} AS h JOIN {staging} AS s ON {same_h} AND s._cdc_step = 1 WHERE s._cdc_op = 'r'{present};\n\
             \x20       INSERT INTO {known}\n\
             \x20       SELECT {keys_s}, s._cdc_step FROM {staging} AS s JOIN {before} AS b ON {same_b} AND b._cdc_step = s._cdc_step\n\
             \x20       WHERE s._cdc_op = 'r'{same};\n\
             \x20   END IF;\n",
            keys_s = self.key_list("s"),
            list_s = list("s"),
            list_h = list("h"),
            target = self.target,
            present = self.present("h"),
            same_h = self.keys_equal("h", "s"),
            same_b = self.keys_equal("b", "s"),
        )
    }

    /// Closes present versions, opens new ones, and keeps the ledger of deleted keys.
    pub(super) fn open_and_close(&self) -> String {
        let staging = self.stage("staging");
        let known = self.stage("known");
        let versions = self.stage("versions");
        let target = &self.target;
        let names = self.target_columns();
        format!(
            "{reads}\
             \x20   -- versions: every step that counts, and until when; a deletion only closes.\n\
             \x20   DROP TABLE IF EXISTS {versions};\n\
             \x20   CREATE TEMP TABLE {versions} {attributes} AS\n\
             \x20   SELECT s.*, LEAD(s._cdc_valid_from) OVER (PARTITION BY {part_s} ORDER BY s._cdc_step) AS _cdc_valid_to,\n\
             \x20          ROW_NUMBER() OVER (PARTITION BY {part_s} ORDER BY s._cdc_step) AS _cdc_number\n\
             \x20   FROM {staging} AS s LEFT JOIN {known} AS k ON {same_k} AND k._cdc_step = s._cdc_step\n\
             \x20   WHERE k._cdc_step IS NULL;\n\
             \x20   UPDATE {target} SET _cdc_valid_to = v._cdc_valid_from\n\
             \x20   FROM {versions} AS v WHERE {same_v}{present} AND v._cdc_number = 1;\n\
             \x20   INSERT INTO {target} ({names})\n\
             \x20   SELECT {values} FROM {versions} AS v WHERE v._cdc_op <> 'd';\n\
             \x20   GET DIAGNOSTICS cdc_applied_rows := ROW_COUNT;\n\
             \x20   SELECT COUNT(*) INTO cdc_deleted_rows FROM {versions} AS v WHERE v._cdc_op = 'd';\n\
             \x20   cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;\n\
             {ledger}",
            reads = self.reads_without_news(),
            attributes = one_line(&target_table::table_attributes(self.table)),
            part_s = self.key_partition("s"),
            same_k = self.keys_equal("k", "s"),
            same_v = self.keys_equal(target, "v"),
            present = self.present(target),
            names = names.join(", "),
            values = names.iter().map(|name| format!("v.{name}")).collect::<Vec<_>>().join(", "),
            ledger = self.keep_ledger(" AND s._cdc_rank = 1"),
        )
    }
}

/// Whether two relations have the same value in a column, NULL included.
fn same_value(column: &Column, left: &str, right: &str) -> String {
    let name = quoted(&column.target_name);
    let (left, right) = (format!("{left}.{name}"), format!("{right}.{name}"));
    let equal = match column.stored_type() {
        // Trailing blanks do not count in Redshift's comparison.
        RedshiftType::Varchar { .. } => format!("{left} = {right} AND OCTET_LENGTH({left}) = OCTET_LENGTH({right})"),
        // JSON_SERIALIZE gives at most 65,535 bytes; what is longer counts as news.
        RedshiftType::Super => format!(
            "CASE WHEN JSON_SIZE({left}) <= 65535 AND JSON_SIZE({right}) <= 65535 THEN JSON_SERIALIZE({left}) = JSON_SERIALIZE({right}) END"
        ),
        _ => format!("{left} = {right}"),
    };
    format!("COALESCE({equal}, {left} IS NULL AND {right} IS NULL)")
}
