//! Rows that went without an event: the source creates them although they are there.
//!
//! Nothing tells a truncation that the connector does not send (`skipped.operations` is `t` by
//! default: Debezium documentation, "PostgreSQL connector", connector properties), a table of
//! PostgreSQL that was dropped and created anew, or rows that another session deleted behind the
//! log's back. What is left of it in the events is a row that comes a second time. It is merged, and
//! an entry in quarantine says so, because other rows may have gone with it.

use super::quarantine::Quarantined;
use super::{Writer, one_line};
use crate::catalog::RedshiftType;
use crate::sql::ident::quoted;
use crate::sql::target_table;

/// The scope of such entries in quarantine.
pub(in crate::sql) const SCOPE: &str = "lost";

const CREATED: &str = "'the source created the row although it was there: no event said that it had gone, and others may have gone with it'";
const NAMELESS: &str = "'the row that was deleted cannot be told: its key has fillers, as with REPLICA IDENTITY USING INDEX; declare the index''s columns as key'";

impl Writer<'_> {
    /// Between the changes' order and what becomes of them. Within a partition offsets tell what was before;
    /// a create in another one may be half of a change of the record's key ([`Self::late_reads`]) and says
    /// nothing.
    pub(super) fn lost_rows(&self) -> String {
        let (typed, stale) = (self.stage("typed"), self.stage("stale"));
        let (touched, lost, landed) = (self.stage("touched"), self.stage("lost"), self.stage("landed"));
        let part = format!("{}, x._cdc_kafka_partition", self.key_partition("x"));
        let before = |column: &str| format!("LAG(x.{column}) OVER (PARTITION BY {part} ORDER BY x._cdc_kafka_offset)");
        let nameless = self.nameless("q");
        let entries = Quarantined {
            scope: SCOPE,
            reason: &match &nameless {
                Some(_) => format!("CASE s._cdc_op WHEN 'd' THEN {NAMELESS} ELSE {CREATED} END"),
                None => CREATED.to_owned(),
            },
            columns: "NULL",
            from: &format!(
                "{lost} AS s JOIN {landed} AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset"
            ),
        };
        let (suspects, or_nameless, end) = match (self.nameless("t"), nameless) {
            (Some(suspect), Some(nameless)) => (
                format!("(t._cdc_op = 'c' OR ({suspect}))"),
                format!("({nameless} AND COALESCE(q._cdc_was_op, 'd') = 'd') OR ("),
                ")",
            ),
            _ => ("t._cdc_op = 'c'".to_owned(), String::new(), ""),
        };
        format!(
            "\x20   -- lost: rows that are created although they are there: no event said that they had gone.\n\
             \x20   SELECT COUNT(*) INTO cdc_lost_rows FROM {typed} AS t WHERE {suspects} AND t._cdc_fault IS NULL;\n\
             \x20   IF cdc_lost_rows > 0 THEN\n\
             \x20       DROP TABLE IF EXISTS {lost};\n\
             \x20       CREATE TEMP TABLE {lost} {attributes} AS\n\
             \x20       SELECT {keys_q}, q._cdc_kafka_partition, q._cdc_kafka_offset, q._cdc_op, q._cdc_domain, q._cdc_position, q._cdc_source_ms\n\
             \x20       FROM (SELECT x.*, {op} AS _cdc_was_op, {domain} AS _cdc_was_domain,\n\
             \x20                    {position} AS _cdc_was_position, {ms} AS _cdc_was_ms,\n\
             \x20                    MAX(x._cdc_position) OVER (PARTITION BY {part}, x._cdc_domain ORDER BY x._cdc_kafka_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _cdc_newest\n\
             \x20             FROM (SELECT {keys_t}, t._cdc_kafka_partition, t._cdc_kafka_offset, t._cdc_op, t._cdc_domain, t._cdc_position, t._cdc_source_ms\n\
             \x20                   FROM {typed} AS t LEFT JOIN {stale} AS s ON {stale_typed} AND s._cdc_incoming = 1 AND s._cdc_stale = 1\n\
             \x20                        AND s._cdc_kafka_partition = t._cdc_kafka_partition AND s._cdc_kafka_offset = t._cdc_kafka_offset\n\
             \x20                   WHERE t._cdc_fault IS NULL AND s._cdc_stale IS NULL\n\
             \x20                   UNION ALL\n\
             \x20                   SELECT {keys_h}, h._cdc_kafka_partition, h._cdc_kafka_offset, 'r', h._cdc_domain, h._cdc_position,\n\
             \x20                          DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), h._cdc_source_ts)\n\
             \x20                   FROM {target} AS h JOIN {touched} AS k ON {same_k}{alive}) AS x) AS q\n\
             \x20       WHERE {or_nameless}q._cdc_op = 'c' AND q._cdc_was_op <> 'd'\n\
             \x20             AND COALESCE(q._cdc_newest < q._cdc_position, true)\n\
             \x20             AND ((q._cdc_was_domain = q._cdc_domain AND q._cdc_was_position IS NOT NULL) OR q._cdc_was_ms < q._cdc_source_ms){end};\n\
             {overtaken}\
             \x20       SELECT COUNT(*) INTO cdc_lost_rows FROM {lost} AS s;\n\
             \x20       IF cdc_lost_rows > 0 THEN\n\
             {insert}\
             \x20       END IF;\n\
             \x20   END IF;",
            attributes = one_line(&target_table::table_attributes(self.table)),
            keys_q = self.key_list("q"),
            keys_t = self.key_list("t"),
            keys_h = self.key_list("h"),
            op = before("_cdc_op"),
            domain = before("_cdc_domain"),
            position = before("_cdc_position"),
            ms = before("_cdc_source_ms"),
            stale_typed = self.keys_equal("s", "t"),
            same_k = self.keys_equal("h", "k"),
            target = self.target,
            alive = self.alive("h"),
            overtaken = self.overtaken(),
            insert = self.put_into_quarantine("            ", &entries),
        )
    }

    /// A deletion of PostgreSQL whose key is made of fillers: with `REPLICA IDENTITY USING INDEX` the
    /// log has the index's columns, and Debezium puts what a required column holds by default
    /// into the primary key's. None for keys whose filler may be any value.
    fn nameless(&self, row: &str) -> Option<String> {
        let mut parts = vec![format!("{row}._cdc_op = 'd' AND {row}._cdc_domain = 'lsn'")];
        for column in self.table.key_columns() {
            let name = quoted(&column.target_name);
            parts.push(match column.target_type {
                RedshiftType::SmallInt | RedshiftType::Integer | RedshiftType::BigInt => format!("{row}.{name} = 0"),
                RedshiftType::Varchar { .. } => format!("OCTET_LENGTH({row}.{name}) = 0"),
                _ => return None,
            });
        }
        Some(parts.join(" AND "))
    }

    /// PostgreSQL's constraints may be deferred: within one transaction a row takes the key of
    /// another that leaves it afterwards (`SET id = id + 1`). The deletion that follows is of the row
    /// that was there first, and the one that came stays. A transaction's events have its time.
    fn overtaken(&self) -> String {
        let (typed, lost, overtaken) = (self.stage("typed"), self.stage("lost"), self.stage("overtaken"));
        format!(
            "\x20       -- overtaken: with a deferred constraint of PostgreSQL a row takes a key before the row that has it leaves\n\
             \x20       -- it, in one transaction. The deletion that follows is of the row that was there first.\n\
             \x20       DROP TABLE IF EXISTS {overtaken};\n\
             \x20       CREATE TEMP TABLE {overtaken} AS\n\
             \x20       SELECT {keys_d}, d._cdc_kafka_partition, d._cdc_kafka_offset, s._cdc_kafka_partition AS _cdc_by_partition, s._cdc_kafka_offset AS _cdc_by_offset,\n\
             \x20              ROW_NUMBER() OVER (PARTITION BY {part_s}, s._cdc_position ORDER BY d._cdc_position, d._cdc_kafka_offset) AS _cdc_turn\n\
             \x20       FROM {lost} AS s JOIN {typed} AS d ON {same_s} AND d._cdc_op = 'd' AND d._cdc_fault IS NULL AND d._cdc_domain = s._cdc_domain\n\
             \x20            AND d._cdc_position > s._cdc_position AND d._cdc_source_ms = s._cdc_source_ms\n\
             \x20       WHERE s._cdc_op = 'c' AND s._cdc_domain = 'lsn';\n\
             \x20       DELETE FROM {typed} USING {overtaken} AS o WHERE o._cdc_turn = 1 AND {typed}._cdc_op = 'd' AND {same_o}\n\
             \x20            AND {typed}._cdc_kafka_partition = o._cdc_kafka_partition AND {typed}._cdc_kafka_offset = o._cdc_kafka_offset;\n\
             \x20       DELETE FROM {lost} USING {overtaken} AS o WHERE o._cdc_turn = 1\n\
             \x20            AND {lost}._cdc_kafka_partition = o._cdc_by_partition AND {lost}._cdc_kafka_offset = o._cdc_by_offset;\n",
            keys_d = self.key_list("d"),
            part_s = self.key_partition("s"),
            same_s = self.keys_equal("d", "s"),
            same_o = self.keys_equal(&typed, "o"),
        )
    }
}
