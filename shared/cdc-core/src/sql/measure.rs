//! Reads that measure lag and trouble. They name documented columns only
//! (Redshift Database Developer Guide, SYS_STREAM_SCAN_STATES and SYS_STREAM_SCAN_ERRORS); the
//! views hold a few days of history and are shared with Kinesis streams, whose positions are
//! no offsets, hence the filter on the pipeline's external schema.

use super::ident::literal;
use super::layout::{Layout, MERGE_LOG, QUARANTINE};

/// Columns `mv_name, kafka_partition, latest_position`: the highest offset that a stream scan
/// has read, inclusive. Positions and partitions are documented as text.
#[must_use]
pub fn scan_positions(layout: &Layout) -> String {
    format!(
        "SELECT TRIM(s.mv_name) AS mv_name, \
         CAST(TRIM(CAST(s.partition_id AS VARCHAR(128))) AS BIGINT) AS kafka_partition, \
         MAX(CAST(TRIM(CAST(s.latest_position AS VARCHAR(128))) AS BIGINT)) AS latest_position \
         FROM sys_stream_scan_states AS s WHERE TRIM(s.external_schema_name) = {} GROUP BY 1, 2 ORDER BY 1, 2",
        literal(&layout.external_schema)
    )
}

/// Columns `mv_name, records`: scan errors of the last day, each a record that did not land.
#[must_use]
pub fn scan_errors(layout: &Layout) -> String {
    format!(
        "SELECT TRIM(e.mv_name) AS mv_name, COUNT(*) AS records FROM sys_stream_scan_errors AS e \
         WHERE TRIM(e.external_schema_name) = {} AND e.record_time >= DATEADD(day, -1, SYSDATE) \
         GROUP BY 1 ORDER BY 1",
        literal(&layout.external_schema)
    )
}

/// Columns `table_name, records`: what went to quarantine in the last day.
#[must_use]
pub fn quarantined(layout: &Layout) -> String {
    format!(
        "SELECT q.table_name, COUNT(*) AS records FROM {} AS q \
         WHERE q.quarantined_at >= DATEADD(day, -1, SYSDATE) GROUP BY 1 ORDER BY 1",
        layout.control(QUARANTINE)
    )
}

/// Columns `table_name, newest_source_ms`: the newest change merged in the last week.
#[must_use]
pub fn newest_source(layout: &Layout) -> String {
    format!(
        "SELECT m.table_name, \
         DATEDIFF(millisecond, CAST('1970-01-01' AS TIMESTAMP), MAX(m.newest_source_ts)) AS newest_source_ms \
         FROM {} AS m WHERE m.merged_at >= DATEADD(day, -7, SYSDATE) GROUP BY 1 ORDER BY 1",
        layout.control(MERGE_LOG)
    )
}
