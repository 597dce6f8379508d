//! Records whose key is not the table's: the key changed, and what came before is merged with the
//! former one.

use super::{Writer, envelope};
use crate::sql::grants::in_list;

impl Writer<'_> {
    /// Records whose key has other attributes: the table's key changed.
    pub(super) fn key_holds(&self) -> String {
        let Some(key) = &self.table.records_key else { return String::new() };
        let (landed, held) = (self.stage("landed"), self.stage("held"));
        let (keyed, keys) = (self.stage("keyed"), self.stage("keys"));
        format!(
            "\x20   DROP TABLE IF EXISTS {keyed};\n\
             \x20   CREATE TEMP TABLE {keyed} AS\n\
             \x20   SELECT l.kafka_partition, l.kafka_offset, l.kafka_key FROM {landed} AS l\n\
             \x20   WHERE l.shape IN ({shapes}) AND CAN_JSON_PARSE(l.kafka_key);\n\
             \x20   DROP TABLE IF EXISTS {keys};\n\
             \x20   CREATE TEMP TABLE {keys} AS\n\
             \x20   SELECT d.kafka_partition, d.kafka_offset, {payload} AS payload\n\
             \x20   FROM (SELECT k.kafka_partition, k.kafka_offset, JSON_PARSE(k.kafka_key) AS document FROM {keyed} AS k) AS d;\n\
             \x20   INSERT INTO {held}\n\
             \x20   SELECT c.kafka_partition, MIN(c.kafka_offset), 'the key is another'\n\
             \x20   FROM (SELECT n.kafka_partition, n.kafka_offset, COUNT(*) AS attributes,\n\
             \x20                SUM({known}) AS known\n\
             \x20         FROM (SELECT k.kafka_partition, k.kafka_offset, attribute FROM {keys} AS k, UNPIVOT k.payload AS value AT attribute) AS n\n\
             \x20         GROUP BY n.kafka_partition, n.kafka_offset) AS c\n\
             \x20   WHERE c.attributes <> {count} OR c.known <> {count} GROUP BY c.kafka_partition;\n",
            shapes =
                if self.table.tombstones_delete { "'json', 'repaired', 'tombstone'" } else { "'json', 'repaired'" },
            payload = envelope("d.document"),
            // Records of a table without a key have none.
            known = if key.is_empty() {
                "0".to_owned()
            } else {
                let list = in_list(&key.iter().map(String::as_str).collect::<Vec<_>>());
                format!("CASE WHEN n.attribute IN ({list}) THEN 1 ELSE 0 END")
            },
            count = key.len(),
        )
    }
}
