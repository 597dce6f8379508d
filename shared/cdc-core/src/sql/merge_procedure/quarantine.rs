//! Records and values that cannot be merged, kept with the reason.

use super::Writer;
use crate::sql::layout::QUARANTINE;

impl Writer<'_> {
    pub(super) fn quarantine_records(&self) -> String {
        let landed = self.stage("landed");
        let typed = self.stage("typed");
        format!(
            "\x20   -- Records that cannot be merged at all. A statement that writes nothing would still wait for other tables' merges.\n\
             \x20   SELECT COUNT(*) INTO cdc_records_quarantined\n\
             \x20   FROM {from};\n\
             \x20   IF cdc_records_quarantined > 0 THEN\n\
             \x20       INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'record',\n\
             \x20              CASE l.shape WHEN 'malformed' THEN 'the value is not JSON that the warehouse can parse'\n\
             \x20                           WHEN 'unmergeable' THEN 'merging this record failed every time'\n\
             \x20                           ELSE t._cdc_fault END,\n\
             \x20              NULL, l.kafka_key, l.kafka_value\n\
             \x20       FROM {from};\n\
             \x20   END IF;",
            from = format_args!(
                "{landed} AS l LEFT JOIN {typed} AS t ON t._cdc_kafka_partition = l.kafka_partition AND t._cdc_kafka_offset = l.kafka_offset\n\
                 \x20   WHERE l.shape IN ('malformed', 'unmergeable') OR t._cdc_fault IS NOT NULL"
            ),
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }

    /// Values that were there and could not be read: the row is merged without them.
    pub(super) fn quarantine_values(&self) -> String {
        let landed = self.stage("landed");
        let staging = self.stage("staging");
        format!(
            "\x20   -- Values that could not be read: the row is merged without them.\n\
             \x20   SELECT COUNT(*) INTO cdc_values_quarantined FROM {staging} AS s WHERE s._cdc_lost <> '';\n\
             \x20   IF cdc_values_quarantined > 0 THEN\n\
             \x20       INSERT INTO {quarantine} (quarantined_at, table_name, topic, kafka_partition, kafka_offset, kafka_timestamp, scope, reason, column_names, kafka_key, kafka_value)\n\
             \x20       SELECT SYSDATE, {table_name}, {topic}, l.kafka_partition, l.kafka_offset, l.kafka_timestamp, 'value',\n\
             \x20              'the value is missing, not readable as the column''s type, or too long for it', s._cdc_lost, l.kafka_key, l.kafka_value\n\
             \x20       FROM {staging} AS s\n\
             \x20       JOIN {landed} AS l ON l.kafka_partition = s._cdc_kafka_partition AND l.kafka_offset = s._cdc_kafka_offset\n\
             \x20       WHERE s._cdc_lost <> '';\n\
             \x20   END IF;\n\
             \x20   cdc_quarantined_rows := cdc_records_quarantined + cdc_values_quarantined;",
            quarantine = self.layout.control(QUARANTINE),
            table_name = self.table_name,
            topic = self.topic,
        )
    }
}
