//! Records without a value. Behind a deletion they say nothing new. Where events are flattened and
//! the transform leaves deletions out, such a record is the deletion of its key's row.

use super::{Writer, envelope};
use crate::catalog::Mode;
use crate::sql::decode;

impl Writer<'_> {
    /// The deletions among the events that are not held back, at the time of Kafka. One without a
    /// key names no row and goes to quarantine.
    pub(super) fn deleting_tombstones(&self) -> String {
        if !self.table.tombstones_delete {
            return String::new();
        }
        let (landed, events) = (self.stage("landed"), self.stage("events"));
        let (deleting, deleted) = (self.stage("deleting"), self.stage("deleted"));
        let mut names = String::new();
        let mut values = String::new();
        if self.table.has_versions() {
            names.push_str(", _cdc_kafka_timestamp, _cdc_log_server");
            values.push_str(", d.kafka_timestamp, 0");
        }
        if self.table.mode == Mode::Append {
            names.push_str(", _cdc_has_row");
            values.push_str(", false");
        }
        let mut text = format!(
            "\x20   -- deleting, deleted: records without a value that delete the row of their key.\n\
             \x20   DROP TABLE IF EXISTS {deleting};\n\
             \x20   CREATE TEMP TABLE {deleting} AS\n\
             \x20   SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival,\n\
             \x20          CASE WHEN CAN_JSON_PARSE(l.kafka_key) THEN l.kafka_key END AS kafka_key\n\
             \x20   FROM {landed} AS l WHERE l.shape = 'tombstone';\n\
             \x20   DROP TABLE IF EXISTS {deleted};\n\
             \x20   CREATE TEMP TABLE {deleted} AS\n\
             \x20   SELECT k.kafka_partition, k.kafka_offset, k.kafka_timestamp, k.arrival, {whole} AS whole, JSON_PARSE(k.kafka_key) AS document\n\
             \x20   FROM {deleting} AS k;\n\
             \x20   INSERT INTO {events} (_cdc_kafka_partition, _cdc_kafka_offset, _cdc_arrival, _cdc_whole, _cdc_is_row, _cdc_op, _cdc_image, _cdc_source_ms{names})\n\
             \x20   SELECT d.kafka_partition, d.kafka_offset, d.arrival, d.whole, true, 'd', {payload}, {millis}{values}\n\
             \x20   FROM {deleted} AS d;",
            whole = decode::whole_bytes("k.kafka_key"),
            payload = envelope("d.document"),
            millis = "DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), d.kafka_timestamp)",
        );
        if self.table.shapes.is_some() {
            text.push_str(&format!(
                "\n\
                 \x20   INSERT INTO {shaped} (kafka_partition, kafka_offset, version)\n\
                 \x20   SELECT d.kafka_partition, d.kafka_offset, {present} FROM {deleted} AS d;",
                shaped = self.stage("shaped"),
                present = self.table.former.len(),
            ));
        }
        text
    }

    /// Holds back flattened events of which the provisioner does not know that their rows are
    /// deleted so: deletions before it does would be overlooked.
    pub(super) fn unknown_deletions(&self) -> String {
        if self.table.tombstones_delete {
            return String::new();
        }
        format!(
            "\x20   INSERT INTO {held}\n\
             \x20   SELECT e._cdc_kafka_partition, MIN(e._cdc_kafka_offset), 'deletions arrive as records without a value'\n\
             \x20   FROM {events} AS e WHERE e._cdc_is_row AND e._cdc_image.\"__deleted\" IS NULL GROUP BY e._cdc_kafka_partition;\n",
            held = self.stage("held"),
            events = self.stage("events"),
        )
    }
}
