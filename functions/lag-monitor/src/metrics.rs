//! What is published. An unknown number is not published: a missing value is what an alarm can
//! treat as missing, a zero would look healthy.

use function_kit::telemetry::{Metric, Metrics};

use crate::assess::State;
use crate::report::Answer;

/// Records in Kafka that have not landed, at most.
pub const LANDING_LAG_RECORDS: Metric = Metric::count("landing_lag_records");
/// Records that have landed and are not merged, at most.
pub const MERGE_LAG_RECORDS: Metric = Metric::count("merge_lag_records");
/// Records in Kafka that are not merged, at most: the sum of the two, also when the stage is
/// unknown.
pub const LAG_RECORDS: Metric = Metric::count("lag_records");
/// Age of the oldest record that is not merged; 0 if there is none.
pub const OLDEST_PENDING_MS: Metric = Metric::millis("oldest_pending_ms");
/// Age of the newest merged change, by its time in the source.
pub const FRESHNESS_MS: Metric = Metric::millis("freshness_ms");
/// Entries of the quarantine in the last day.
pub const QUARANTINED_RECORDS: Metric = Metric::count("quarantined_records");
/// Records that the stream scan could not read in the last day.
pub const SCAN_ERROR_RECORDS: Metric = Metric::count("scan_error_records");
/// Tables that are behind.
pub const BEHIND_TABLES: Metric = Metric::count("behind_tables");
/// Tables that are not being merged although records are pending.
pub const STOPPED_TABLES: Metric = Metric::count("stopped_tables");
/// Tables of which nothing can be told.
pub const UNKNOWN_TABLES: Metric = Metric::count("unknown_tables");

/// All metrics with the README's words, in its order.
pub const ALL: [(Metric, &str, &str); 10] = [
    (LANDING_LAG_RECORDS, "table", "Records in Kafka that have not landed, at most."),
    (MERGE_LAG_RECORDS, "table", "Records that have landed and are not merged, at most."),
    (LAG_RECORDS, "table", "Records in Kafka that are not merged, at most; also when the stage is unknown."),
    (
        OLDEST_PENDING_MS,
        "table",
        "Age of the oldest record that is not merged, 0 if there is none. The one to alarm on.",
    ),
    (
        FRESHNESS_MS,
        "table",
        "Age of the newest merged change, by its time in the source. It grows while the source is quiet.",
    ),
    (QUARANTINED_RECORDS, "table", "Entries of the quarantine in the last day."),
    (SCAN_ERROR_RECORDS, "table", "Records that the stream scan could not read in the last day."),
    (BEHIND_TABLES, "pipeline", "Tables that are behind."),
    (STOPPED_TABLES, "pipeline", "Tables that are not being merged although records are pending."),
    (UNKNOWN_TABLES, "pipeline", "Tables of which nothing can be told."),
];

/// The metrics of one answer.
pub(crate) fn metrics(answer: &Answer) -> Metrics {
    let mut metrics = Metrics::new(&answer.pipeline, "lag-monitor");
    for (state, metric) in
        [(State::Behind, BEHIND_TABLES), (State::Stopped, STOPPED_TABLES), (State::Unknown, UNKNOWN_TABLES)]
    {
        metrics.count(None, metric, answer.tables.iter().filter(|table| table.state == state).count());
    }
    for table in &answer.tables {
        for (metric, value) in [
            (LANDING_LAG_RECORDS, table.landing_lag_records),
            (MERGE_LAG_RECORDS, table.merge_lag_records),
            (LAG_RECORDS, table.pending_records),
            (OLDEST_PENDING_MS, table.oldest_pending_ms),
            (FRESHNESS_MS, table.freshness_ms),
            (QUARANTINED_RECORDS, table.quarantined_records),
            (SCAN_ERROR_RECORDS, table.scan_error_records),
        ] {
            if let Some(value) = value {
                metrics.record_table(&table.table, metric, approximate(value));
            }
        }
    }
    metrics
}

#[expect(clippy::cast_precision_loss, reason = "CloudWatch keeps doubles; 2^53 records or milliseconds are exact")]
fn approximate(value: i64) -> f64 {
    value as f64
}
