//! Logs and metrics. Neither ever carries a row value, a key value or a credential.
//!
//! Logs go through `tracing` to standard output, in the form and level that Lambda's logging
//! configuration asks for. Metrics are lines in CloudWatch's embedded metric format: CloudWatch
//! reads them out of the log (Amazon CloudWatch User Guide, "Embedded metric format"). A metric
//! about a table has the dimensions pipeline, function and table, one about the invocation the
//! first two; so an alarm per table needs no other metric than that of its sum.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The CloudWatch namespace of all our metrics.
pub const NAMESPACE: &str = "redshift-cdc";

/// Starts logging. Call it first, once.
pub fn start() {
    lambda_runtime::tracing::init_default_subscriber();
}

/// A metric: its name, which ends in its unit, and CloudWatch's word for the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// `Count`, `Milliseconds` or `None`.
    pub unit: &'static str,
}

impl Metric {
    /// A number of things.
    #[must_use]
    pub const fn count(name: &'static str) -> Self {
        Self { name, unit: "Count" }
    }

    /// A duration in milliseconds.
    #[must_use]
    pub const fn millis(name: &'static str) -> Self {
        Self { name, unit: "Milliseconds" }
    }
}

/// The metrics of the functions that synchronise. Each function's README says what they mean.
pub mod metric {
    use super::Metric;

    /// Kafka records in the batch.
    pub const RECEIVED_RECORDS: Metric = Metric::count("received_records");
    /// Records of the batch that were reported as not processed.
    pub const UNSETTLED_RECORDS: Metric = Metric::count("unsettled_records");
    /// Records in no table's topic and of no known other sort.
    pub const UNKNOWN_TOPIC_RECORDS: Metric = Metric::count("unknown_topic_records");
    /// Records that Lambda delivered in a form that is no Kafka record.
    pub const MALFORMED_RECORDS: Metric = Metric::count("malformed_records");
    /// Records whose values are no change event.
    pub const POISON_RECORDS: Metric = Metric::count("poison_records");
    /// Schema-change records seen.
    pub const SCHEMA_CHANGE_RECORDS: Metric = Metric::count("schema_change_records");
    /// Records of a topic that was re-created with lower offsets.
    pub const TOPIC_RECREATED_RECORDS: Metric = Metric::count("topic_recreated_records");
    /// Records that the warehouse passed without having them.
    pub const LOST_RECORDS: Metric = Metric::count("lost_records");
    /// Landed records merged.
    pub const LANDED_ROWS: Metric = Metric::count("landed_rows");
    /// Target rows inserted or updated.
    pub const APPLIED_ROWS: Metric = Metric::count("applied_rows");
    /// Target rows deleted.
    pub const DELETED_ROWS: Metric = Metric::count("deleted_rows");
    /// Changes that were older than the target's row.
    pub const STALE_ROWS: Metric = Metric::count("stale_rows");
    /// Records and values put into quarantine.
    pub const QUARANTINED_ROWS: Metric = Metric::count("quarantined_rows");
    /// Landed records that wait because the source table's definition changed.
    pub const HELD_ROWS: Metric = Metric::count("held_rows");
    /// Landed records left for the next merge.
    pub const PENDING_ROWS: Metric = Metric::count("pending_rows");
    /// Synchronisations of a table that failed.
    pub const FAILED_SYNCHRONISATIONS: Metric = Metric::count("failed_synchronisations");
    /// Tables of a scheduled run that had nothing new.
    pub const IDLE_TABLES: Metric = Metric::count("idle_tables");
    /// Tables of a scheduled run that the warehouse does not have yet.
    pub const UNPROVISIONED_TABLES: Metric = Metric::count("unprovisioned_tables");
    /// Whether Kafka could not be asked for its offsets: 0 or 1.
    pub const KAFKA_UNREACHABLE: Metric = Metric::count("kafka_unreachable");
    /// Statements handed to the warehouse.
    pub const SUBMITTED_STATEMENTS: Metric = Metric::count("submitted_statements");
    /// Time from the beginning to the answer of an invocation.
    pub const DURATION_MS: Metric = Metric::millis("duration_ms");
    /// Age of the newest source change of a batch when the answer went out.
    pub const END_TO_END_LAG_MS: Metric = Metric::millis("end_to_end_lag_ms");
}

/// The metrics of one invocation. Recording the same metric twice adds up.
#[derive(Debug, Clone)]
pub struct Metrics {
    pipeline: String,
    function: &'static str,
    lines: BTreeMap<Option<String>, BTreeMap<&'static str, (Metric, f64)>>,
}

impl Metrics {
    /// No metrics yet.
    #[must_use]
    pub fn new(pipeline: &str, function: &'static str) -> Self {
        Self { pipeline: pipeline.to_owned(), function, lines: BTreeMap::new() }
    }

    /// Adds to a metric of the invocation.
    pub fn record(&mut self, metric: Metric, value: f64) {
        self.add(None, metric, value);
    }

    /// Adds to a metric of one table.
    pub fn record_table(&mut self, table: &str, metric: Metric, value: f64) {
        self.add(Some(table.to_owned()), metric, value);
    }

    /// Adds a number of things; with a table if it is about one.
    pub fn count(&mut self, table: Option<&str>, metric: Metric, count: impl TryInto<u32>) {
        let count = count.try_into().unwrap_or(u32::MAX);
        self.add(table.map(str::to_owned), metric, f64::from(count));
    }

    fn add(&mut self, table: Option<String>, metric: Metric, value: f64) {
        let entry = self.lines.entry(table).or_default().entry(metric.name).or_insert((metric, 0.0));
        entry.1 += value;
    }

    /// The lines, the invocation's first, then one per table in the order of their names.
    #[must_use]
    pub fn lines(&self, now_ms: i64) -> Vec<String> {
        self.lines.iter().map(|(table, metrics)| self.line(now_ms, table.as_deref(), metrics)).collect()
    }

    fn line(&self, now_ms: i64, table: Option<&str>, metrics: &BTreeMap<&'static str, (Metric, f64)>) -> String {
        let mut dimensions = vec!["pipeline", "function"];
        let mut members = Map::new();
        members.insert("pipeline".to_owned(), json!(self.pipeline));
        members.insert("function".to_owned(), json!(self.function));
        if let Some(table) = table {
            dimensions.push("table");
            members.insert("table".to_owned(), json!(table));
        }
        let mut definitions = Vec::new();
        for (metric, value) in metrics.values() {
            definitions.push(json!({ "Name": metric.name, "Unit": metric.unit }));
            members.insert(metric.name.to_owned(), json!(value));
        }
        members.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now_ms,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [dimensions],
                    "Metrics": definitions,
                }],
            }),
        );
        Value::Object(members).to_string()
    }

    /// Writes the lines to standard output, where CloudWatch finds them.
    pub fn emit(&self, now_ms: i64) {
        for line in self.lines(now_ms) {
            println!("{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_document_with_its_own_dimensions() {
        let mut metrics = Metrics::new("shop", "change-handler");
        metrics.count(Some("shop.item"), metric::APPLIED_ROWS, 2_i64);
        metrics.count(Some("shop.item"), metric::APPLIED_ROWS, 3_i64);
        metrics.record(metric::DURATION_MS, 12.5);
        let lines = metrics.lines(1_700_000_000_000);
        assert_eq!(lines.len(), 2);
        let invocation: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(invocation["duration_ms"], 12.5);
        assert_eq!(invocation["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["pipeline", "function"]]));
        assert_eq!(
            invocation["_aws"]["CloudWatchMetrics"][0]["Metrics"],
            json!([{"Name": "duration_ms", "Unit": "Milliseconds"}])
        );
        let table: Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(table["applied_rows"], 5.0);
        assert_eq!(table["table"], "shop.item");
        assert_eq!(table["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        assert!(!lines[1].contains('\n'));
    }
}
