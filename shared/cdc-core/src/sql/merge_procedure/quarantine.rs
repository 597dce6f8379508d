//! Records and values that cannot be merged, kept with the reason.

use super::Writer;
use crate::sql::layout::QUARANTINE;

/// Records that go into quarantine whole, or without some of their values.
pub(super) struct Quarantined<'a> {
    /// `record`, `value` or `lost`.
    pub(super) scope: &'a str,
    /// Why: an SQL expression.
    pub(super) reason: &'a str,
    /// The names of the columns whose values are missing: an SQL expression.
    pub(super) columns: &'a str,
    /// Where the records come from: everything behind FROM, the landed records with the alias `l`.
    pub(super) from: &'a str,
}

impl Writer<'_> {
    /// The statement that writes `records` into quarantine, with their keys and values as they landed.
    pub(super) fn put_into_quarantine(&self, indent: &str, records: &Quarantined<'_>) -> String {
        let Quarantined { scope, reason, columns, from } = records;
        format!(
            "{indent}INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)\n\
             {indent}SELECT SYSDATE, {table_name}, {topic}, l.kafka_partition, l.kafka_offset, l.kafka_timestamp, '{scope}',\n\
             {indent}       {reason}, {columns}, l.kafka_key, l.kafka_value\n\
             {indent}FROM {from};\n",
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }

    /// The landed record `l` of each row `s` of the staging table.
    pub(super) fn staged_as_landed(&self) -> String {
        let (staging, landed) = (self.stage("staging"), self.stage("landed"));
        format!(
            "{staging} AS s JOIN {landed} AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset"
        )
    }

    pub(super) fn quarantine_records(&self) -> String {
        let from = format!(
            "{landed} AS l LEFT JOIN {typed} AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset\n\
             \x20       WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL",
            landed = self.stage("landed"),
            typed = self.stage("typed"),
        );
        let records = Quarantined {
            scope: "record",
            reason: "CASE l.shape WHEN 'malformed' THEN 'the value is not JSON that the warehouse can parse'\n\
                     \x20                           WHEN 'unmergeable' THEN 'merging this record failed every time'\n\
                     \x20                           ELSE t._cdc_fault END",
            columns: "NULL",
            from: &from,
        };
        format!(
            "\x20   -- Records that cannot be merged at all. A statement that writes nothing would still wait for other tables' merges.\n\
             \x20   SELECT COUNT(*) INTO cdc_records_quarantined\n\
             \x20   FROM {from};\n\
             \x20   IF cdc_records_quarantined > 0 THEN\n\
             {insert}\
             \x20   END IF;",
            insert = self.put_into_quarantine("        ", &records),
        )
    }

    /// Values that were there and could not be read: the row is merged without them.
    pub(super) fn quarantine_values(&self) -> String {
        let values = Quarantined {
            scope: "value",
            reason: if self.table.has_places() {
                "'the value is missing, not readable as the column''s type, too long for it, or nobody can tell which of the table''s definitions it has'"
            } else {
                "'the value is missing, not readable as the column''s type, or too long for it'"
            },
            columns: "s._cdc_lost",
            from: &format!("{}\n        WHERE s._cdc_lost <> ''", self.staged_as_landed()),
        };
        format!(
            "\x20   -- Values that could not be read: the row is merged without them.\n\
             \x20   SELECT COUNT(*) INTO cdc_values_quarantined FROM {staging} AS s WHERE s._cdc_lost <> '';\n\
             \x20   IF cdc_values_quarantined > 0 THEN\n\
             {insert}\
             \x20   END IF;\n\
             \x20   cdc_quarantined_rows := cdc_records_quarantined + cdc_values_quarantined + cdc_lost_rows;",
            staging = self.stage("staging"),
            insert = self.put_into_quarantine("        ", &values),
        )
    }
}
