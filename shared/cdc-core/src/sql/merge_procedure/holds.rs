//! Records that wait: the table's definition changed at the source, and the provisioner has not
//! taken it in yet. Reading them with the old definition would lose columns without a word, or
//! read a decimal with the wrong scale.
//!
//! Several things tell. A record about the table in the schema-change topic, which lands before the
//! events that follow it; the schema that an event carries (`shapes.rs`); where there is none, an
//! attribute of a row image that nobody knows; another key (`keys.rs`). From the first such event on, its partition
//! waits; what is before it is merged.

use super::{Writer, envelope};
use crate::pipeline::ChangePolicy;
use crate::sql::grants::in_list;
use crate::sql::ident::literal;
use crate::sql::layout::HOLDS;
use crate::sql::versions;

impl Writer<'_> {
    pub(super) fn hold_variables(&self) -> &'static str {
        if self.may_hold() { "\x20   cdc_news BIGINT := 0;\n" } else { "" }
    }

    fn may_hold(&self) -> bool {
        !self.table.tombstones_delete
            || self.table.known_attributes.is_some()
            || self.table.schema_changes.is_some()
            || self.table.shapes.is_some()
            || self.table.records_key.is_some()
            || self.table.mode.counts()
            || self.holds_truncations()
    }

    fn holds_truncations(&self) -> bool {
        self.table.on_schema_change.truncate == ChangePolicy::Hold
    }

    pub(super) fn holds(&self) -> String {
        if !self.may_hold() {
            return String::new();
        }
        let held = self.stage("held");
        let events = self.stage("events");
        let landed = self.stage("landed");
        let mut text = format!(
            "\x20   -- held: from where on records wait, because the provisioner has not seen a change of the table's definition.\n\
             \x20   DROP TABLE IF EXISTS {held};\n\
             \x20   CREATE TEMP TABLE {held} (kafka_partition BIGINT, kafka_offset BIGINT, reason VARCHAR(256));\n"
        );
        if let Some(shapes) = &self.table.shapes {
            text.push_str(&self.shape_holds(shapes));
        } else if let Some(known) = &self.table.known_attributes {
            text.push_str(&format!(
                "\x20   INSERT INTO {held}\n\
                 \x20   SELECT n._cdc_kafka_partition, MIN(n._cdc_kafka_offset), 'column ' || LEFT(n.attribute, 200) || ' is new'\n\
                 \x20   FROM (SELECT e._cdc_kafka_partition, e._cdc_kafka_offset, attribute\n\
                 \x20         FROM {events} AS e, UNPIVOT e._cdc_image AS value AT attribute\n\
                 \x20         WHERE e._cdc_op IN ('c', 'r', 'u') AND (NOT e._cdc_is_row OR LEFT(attribute, 2) <> '__')) AS n\n\
                 \x20   WHERE n.attribute NOT IN ({})\n\
                 \x20   GROUP BY n._cdc_kafka_partition, n.attribute;\n",
                in_list(&known.iter().map(String::as_str).collect::<Vec<_>>()),
            ));
        }
        text.push_str(&self.key_holds());
        text.push_str(&self.unknown_deletions());
        text.push_str(&self.schema_change_holds());
        text.push_str(&self.second_snapshot());
        if self.holds_truncations() {
            text.push_str(&format!(
                "\x20   INSERT INTO {held}\n\
                 \x20   SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'the table was emptied'\n\
                 \x20   FROM {events} AS e WHERE e._cdc_op = 't' GROUP BY e._cdc_kafka_partition;\n"
            ));
        }
        text.push_str(&format!(
            "\x20   SELECT COUNT(*) INTO cdc_news FROM {held} AS h;\n\
             \x20   IF cdc_news > 0 THEN\n\
             \x20       -- Flattened events have no place in the log: what is newer in other partitions waits, too.\n\
             \x20       INSERT INTO {held}\n\
             \x20       SELECT l.kafka_partition, MIN(l.kafka_offset), 'an older record waits in another partition'\n\
             \x20       FROM {landed} AS l JOIN (SELECT MIN(e._cdc_arrival) AS arrival FROM {events} AS e JOIN {held} AS h\n\
             \x20            ON h.kafka_partition = e._cdc_kafka_partition AND h.kafka_offset = e._cdc_kafka_offset WHERE e._cdc_is_row) AS f ON l.arrival > f.arrival\n\
             \x20       GROUP BY l.kafka_partition;\n\
             \x20       INSERT INTO {holds} (held_at, table_name, topic, kafka_partition, kafka_offset, reason)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, h.kafka_partition, h.kafka_offset, h.reason FROM {held} AS h\n\
             \x20       WHERE NOT EXISTS (SELECT 1 FROM {holds} AS o WHERE o.table_name = {table_name}\n\
             \x20                         AND o.kafka_partition = h.kafka_partition AND o.kafka_offset = h.kafka_offset AND o.reason = h.reason);\n\
             \x20       DELETE FROM {landed} USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM {held} AS h GROUP BY h.kafka_partition) AS f\n\
             \x20       WHERE {landed}.kafka_partition = f.kafka_partition AND {landed}.kafka_offset >= f.first_offset;\n\
             \x20       GET DIAGNOSTICS cdc_held_rows := ROW_COUNT;\n\
             \x20       DELETE FROM {events} USING (SELECT h.kafka_partition, MIN(h.kafka_offset) AS first_offset FROM {held} AS h GROUP BY h.kafka_partition) AS f\n\
             \x20       WHERE {events}._cdc_kafka_partition = f.kafka_partition AND {events}._cdc_kafka_offset >= f.first_offset;\n\
             \x20       cdc_landed_rows := cdc_landed_rows - cdc_held_rows;\n\
             \x20   END IF;",
            holds = self.layout.control(HOLDS),
            table_name = self.table_name,
            topic = self.topic,
        ));
        text
    }

    /// The first record of the schema-change topic about this table that the provisioner has
    /// not taken in.
    fn schema_change_holds(&self) -> String {
        let Some(mark) = &self.table.schema_changes else {
            return String::new();
        };
        let held = self.stage("held");
        let events = self.stage("events");
        let news = self.stage("news");
        let change = self.stage("change");
        let landing = self.layout.schema_changes_view();
        let after = format!(
            "(l.kafka_partition <> {partition} OR l.kafka_offset > {offset})",
            partition = mark.partition,
            offset = mark.offset
        );
        format!(
            "\x20   SELECT COUNT(*) INTO cdc_news FROM {landing} AS l WHERE {after};\n\
             \x20   IF cdc_news > 0 THEN\n\
             \x20       DROP TABLE IF EXISTS {news};\n\
             \x20       CREATE TEMP TABLE {news} AS\n\
             \x20       SELECT l.kafka_offset, l.kafka_timestamp, l.kafka_value FROM {landing} AS l WHERE {after} AND CAN_JSON_PARSE(l.kafka_value);\n\
             \x20       DROP TABLE IF EXISTS {change};\n\
             \x20       CREATE TEMP TABLE {change} AS\n\
             \x20       SELECT n.kafka_offset, n.kafka_timestamp, COALESCE(n.payload.\"source\".\"server_id\"::BIGINT, 0) AS server_id,\n\
             \x20              {position} AS log_position\n\
             \x20       FROM (SELECT d.kafka_offset, d.kafka_timestamp,\n\
             \x20                    {payload} AS payload\n\
             \x20             FROM (SELECT r.kafka_offset, r.kafka_timestamp, JSON_PARSE(r.kafka_value) AS document FROM {news} AS r) AS d) AS n,\n\
             \x20            n.payload.\"tableChanges\" AS c\n\
             \x20       WHERE c.\"id\"::VARCHAR(1024) = {table};\n\
             \x20       INSERT INTO {held}\n\
             \x20       SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'the definition of the source table changed'\n\
             \x20       FROM {events} AS e JOIN {change} AS c ON {at_or_after}\n\
             \x20       GROUP BY e._cdc_kafka_partition;\n\
             \x20   END IF;\n",
            position = versions::log_position(self.layout, "n.payload.\"source\""),
            payload = envelope("d.document"),
            table = literal(&mark.table),
            at_or_after = versions::at_or_after(
                "e",
                " AND c.log_position IS NOT NULL AND (e._cdc_log_server = c.server_id OR e._cdc_log_server = 0 OR c.server_id = 0)",
                "c.log_position",
                "c.kafka_timestamp",
            ),
        )
    }
}
