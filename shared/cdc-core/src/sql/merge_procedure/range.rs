//! What has landed above the watermark, and how much of it this merge reads.

use super::Writer;

impl Writer<'_> {
    /// What has landed above the watermark, by partition. Partitions and times are literals in
    /// the statement, so that the landing view's zone maps can skip what is merged already. A
    /// refresh's time is that of its start, and refreshes may wait for each other: a day of
    /// margin, so that a late one is never overlooked.
    pub(super) fn pending(&self) -> String {
        let pending = self.stage("pending");
        format!(
            "\x20   -- pending: what has landed above the watermark.\n\
             \x20   FOR cdc_mark IN SELECT w.kafka_partition, w.kafka_offset, w.refresh_time FROM {watermark} AS w ORDER BY w.kafka_partition LOOP\n\
             \x20       cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)\n\
             \x20             || ' AND l.kafka_offset > ' || cdc_mark.kafka_offset::VARCHAR(20)\n\
             \x20             || COALESCE(' AND l.refresh_time >= ''' || DATEADD(day, -1, cdc_mark.refresh_time)::VARCHAR(40) || '''::TIMESTAMP', '') || ')';\n\
             \x20       cdc_known := cdc_known || ', ' || cdc_mark.kafka_partition::VARCHAR(20);\n\
             \x20   END LOOP;\n\
             \x20   IF cdc_known = '' THEN\n\
             \x20       cdc_scope := 'l.kafka_offset >= 0';\n\
             \x20   ELSE\n\
             \x20       cdc_scope := '(' || SUBSTRING(cdc_scope, 5) || ' OR l.kafka_partition NOT IN (' || SUBSTRING(cdc_known, 3) || '))';\n\
             \x20   END IF;\n\
             \x20   IF cdc_only_partition >= 0 THEN\n\
             \x20       cdc_scope := cdc_scope || ' AND l.kafka_partition = ' || cdc_only_partition::VARCHAR(20);\n\
             \x20   END IF;\n\
             \x20   DROP TABLE IF EXISTS {pending};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {pending} AS '\n\
             \x20        || 'SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, MAX(l.kafka_offset) AS last_offset, COUNT(*) AS landed '\n\
             \x20        || 'FROM {landing} AS l WHERE ' || cdc_scope || ' GROUP BY l.kafka_partition';\n\
             \x20   SELECT COALESCE(SUM(p.landed), 0), COUNT(*) INTO cdc_pending_total, cdc_partition_count FROM {pending} AS p;\n\
             \x20   IF cdc_pending_total = 0 THEN\n\
             \x20       RETURN;\n\
             \x20   END IF;",
            watermark = self.watermark,
            landing = self.landing.replace('\'', "''"),
        )
    }

    /// How far this merge reads in each partition.
    pub(super) fn bounds(&self) -> String {
        let pending = self.stage("pending");
        let range = self.stage("range");
        format!(
            "\x20   -- range: how far this merge reads in each partition; at least one record of each.\n\
             \x20   cdc_share := CASE WHEN cdc_quarantine_offset >= 0 THEN 1\n\
             \x20                 WHEN cdc_pending_total <= cdc_max_rows THEN 0\n\
             \x20                 ELSE GREATEST(cdc_max_rows / cdc_partition_count, 1) END;\n\
             \x20   DROP TABLE IF EXISTS {range};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {range} AS '\n\
             \x20        || 'SELECT p.kafka_partition, w.kafka_offset AS old_offset, p.first_offset, '\n\
             \x20        || CASE WHEN cdc_share = 0 THEN 'p.last_offset'\n\
             \x20                ELSE 'LEAST(p.last_offset, p.first_offset + ' || (cdc_share - 1)::VARCHAR(20) || ')' END\n\
             \x20        || ' AS last_offset FROM {pending} AS p LEFT JOIN {watermark} AS w ON w.kafka_partition = p.kafka_partition'\n\
             \x20        || CASE WHEN cdc_quarantine_offset >= 0 THEN ' WHERE p.first_offset = ' || cdc_quarantine_offset::VARCHAR(20) ELSE '' END;\n\
             \x20   cdc_scope := '';\n\
             \x20   FOR cdc_mark IN SELECT r.kafka_partition, r.first_offset, r.last_offset FROM {range} AS r ORDER BY r.kafka_partition LOOP\n\
             \x20       cdc_scope := cdc_scope || ' OR (l.kafka_partition = ' || cdc_mark.kafka_partition::VARCHAR(20)\n\
             \x20             || ' AND l.kafka_offset BETWEEN ' || cdc_mark.first_offset::VARCHAR(20) || ' AND ' || cdc_mark.last_offset::VARCHAR(20) || ')';\n\
             \x20   END LOOP;\n\
             \x20   IF cdc_scope = '' THEN\n\
             \x20       cdc_pending_rows := cdc_pending_total;\n\
             \x20       RETURN;\n\
             \x20   END IF;",
            watermark = self.watermark.replace('\'', "''"),
        )
    }

    /// The landed records of the range. `arrival` never decreases within a partition, so that
    /// it orders records of different partitions without ever contradicting offset order.
    pub(super) fn landed(&self) -> String {
        let landed = self.stage("landed");
        format!(
            "\x20   -- landed: the raw records of the range. arrival orders them across partitions and never\n\
             \x20   -- against a partition's own offset order.\n\
             \x20   DROP TABLE IF EXISTS {landed};\n\
             \x20   EXECUTE 'CREATE TEMP TABLE {landed} AS '\n\
             \x20        || 'SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.refresh_time, l.kafka_key, l.kafka_value, '\n\
             \x20        || 'MAX(l.kafka_timestamp) OVER (PARTITION BY l.kafka_partition ORDER BY l.kafka_offset ROWS UNBOUNDED PRECEDING) AS arrival, '\n\
             \x20        || CASE WHEN cdc_quarantine_offset >= 0 THEN '''unmergeable''' ELSE\n\
             \x20           'CASE WHEN l.kafka_value IS NULL OR OCTET_LENGTH(l.kafka_value) = 0 THEN ''tombstone'' '\n\
             \x20        || 'WHEN CAN_JSON_PARSE(l.kafka_value) THEN ''json'' ELSE ''malformed'' END' END || '::VARCHAR(16) AS shape '\n\
             \x20        || 'FROM {landing} AS l WHERE ' || SUBSTRING(cdc_scope, 5);\n\
             \x20   SELECT COUNT(*) INTO cdc_landed_rows FROM {landed} AS l;\n\
             \x20   cdc_pending_rows := cdc_pending_total - cdc_landed_rows;",
            landing = self.landing.replace('\'', "''"),
        )
    }
}
