//! From observations to states and conditions. Pure: the moment of the assessment is an
//! argument.
//!
//! A table is `ok` if nothing is pending, or what is pending is younger than `BEHIND_AFTER_MS`,
//! or than the freshness that the pipeline file promises for the table.
//! It is `behind` while it is older, and `stopped` if in addition nothing was merged for
//! `STOPPED_AFTER_MS`, or if it cannot go on by itself. It is `unknown` if the watermarks or
//! the topic cannot be seen. What is pending is what Kafka still delivers above the watermark:
//! transaction markers and compacted records above it are no lag, although they have offsets.

use std::collections::BTreeMap;
use std::time::Duration;

use cdc_core::catalog::{TableId, TableSpec};
use cdc_core::lag::{self, PartitionLag, PartitionObservation};
use cdc_core::watermark::Watermark;
use serde::Serialize;

use crate::questions::Answers;

/// The limits between the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Older pending records make a table `behind`.
    pub behind_after: Duration,
    /// Without a merge for longer, a table with old pending records is `stopped`.
    pub stopped_after: Duration,
}

impl Thresholds {
    /// The limits of a table for which the pipeline file promises a freshness of its own. A table
    /// is not stopped before it is behind.
    #[must_use]
    pub fn promised(self, freshness: Option<Duration>) -> Self {
        let behind_after = freshness.unwrap_or(self.behind_after);
        Self { behind_after, stopped_after: self.stopped_after.max(behind_after) }
    }
}

/// What Kafka says about one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartitionInKafka {
    /// Offset of the next record.
    pub(crate) end: i64,
    /// Offset of the oldest kept record; None if it was not asked for.
    pub(crate) start: Option<i64>,
    /// The oldest record above the watermark.
    pub(crate) oldest_pending: OldestPending,
}

/// The oldest record above the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldestPending {
    /// There is none: nothing was written above the watermark, or only markers.
    None,
    /// Its timestamp in milliseconds since the epoch.
    Since(i64),
    /// There is or may be one, and its age is not known.
    Unknown,
}

/// How a table, or the pipeline, is. Ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to do.
    Ok,
    /// Merged with a delay.
    Behind,
    /// Cannot be told.
    Unknown,
    /// Nothing is being merged although records are pending.
    Stopped,
}

/// A condition that an alarm may stand for, with the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Stable name.
    pub name: &'static str,
    /// The table; None if it concerns all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What holds.
    pub what: String,
    /// What to do.
    pub next_step: &'static str,
}

/// One partition's numbers. The end is the next record's offset; landed and merged are
/// inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// The partition.
    pub partition: i32,
    /// The next record's offset.
    pub end_offset: i64,
    /// The highest offset in the landing view; null if unknown.
    pub landed_offset: Option<i64>,
    /// The highest merged offset; null if nothing was merged.
    pub merged_offset: Option<i64>,
    /// Records not landed yet, at most; null if unknown.
    pub landing_lag_records: Option<i64>,
    /// Records landed and not merged yet, at most; null if unknown.
    pub merge_lag_records: Option<i64>,
    /// Records not merged yet, at most; null if unknown.
    pub pending_records: Option<i64>,
}

/// One table's numbers and state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// `schema.table` of the target.
    pub table: String,
    /// Its topic.
    pub topic: String,
    /// How it is.
    pub state: State,
    /// One sentence.
    pub summary: String,
    /// Records in Kafka that have not landed, at most; null if unknown.
    pub landing_lag_records: Option<i64>,
    /// Records that have landed and are not merged, at most; null if unknown.
    pub merge_lag_records: Option<i64>,
    /// Records in Kafka that are not merged, at most; null if unknown.
    pub pending_records: Option<i64>,
    /// Age of the oldest record that is not merged, 0 if there is none; null if unknown. This
    /// is how far readers of the target are behind Kafka.
    pub oldest_pending_ms: Option<i64>,
    /// Age of the newest merged change, by its time in the source; null if unknown. It grows
    /// while the source is quiet.
    pub freshness_ms: Option<i64>,
    /// That change's time in the source, milliseconds since the epoch.
    pub newest_source_ms: Option<i64>,
    /// When the newest merge committed, milliseconds since the epoch; null before the first.
    pub merged_at_ms: Option<i64>,
    /// Entries of the quarantine in the last day; null if unknown.
    pub quarantined_records: Option<i64>,
    /// Records that the stream scan could not read in the last day; null if unknown.
    pub scan_error_records: Option<i64>,
    /// By partition.
    pub partitions: Vec<PartitionReport>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assessment {
    pub(crate) state: State,
    pub(crate) tables: Vec<TableReport>,
    pub(crate) conditions: Vec<Condition>,
}

/// Puts the observations together. `kafka` has the partitions of each topic that exists;
/// `thresholds` gives the limits of each table.
pub(crate) fn assess(
    specs: &[TableSpec],
    kafka: &BTreeMap<String, BTreeMap<i32, PartitionInKafka>>,
    answers: &Answers,
    thresholds: impl Fn(&TableSpec) -> Thresholds,
    now_ms: i64,
) -> Assessment {
    let mut conditions = unanswered(answers);
    let tables: Vec<TableReport> = specs
        .iter()
        .map(|spec| table(spec, kafka.get(&spec.topic), answers, thresholds(spec), now_ms, &mut conditions))
        .collect();
    let state = tables.iter().map(|table| table.state).max().unwrap_or(State::Ok);
    let state = if answers.watermarks.is_err() { state.max(State::Unknown) } else { state };
    Assessment { state, tables, conditions }
}

/// Conditions about questions that have no answer.
fn unanswered(answers: &Answers) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut add = |name, what: String, next_step| {
        conditions.push(Condition { name, table: None, what, next_step });
    };
    if let Err(reason) = &answers.watermarks {
        add(
            "watermarks_unknown",
            format!("the watermarks cannot be read: {reason}"),
            "check that the warehouse answers and that provisioning was applied with this function's database user",
        );
    }
    for (what, reason) in [
        ("stream scan positions", answers.landed.as_ref().err()),
        ("stream scan errors", answers.scan_errors.as_ref().err()),
        ("quarantine counts", answers.quarantined.as_ref().err()),
        ("the newest merged changes", answers.newest_source.as_ref().err()),
        ("the provisioned tables", answers.provisioned.as_ref().err()),
    ] {
        // One reason for everything is said once, above.
        if let Some(reason) = reason.filter(|reason| answers.watermarks.as_ref().err() != Some(reason)) {
            add(
                "partly_unknown",
                format!("{what} cannot be read: {reason}"),
                "grant this function's database user the right that the message names",
            );
        }
    }
    conditions
}

/// Counts of one table; a table that is not in an answer has none.
fn count<K: Ord + ?Sized, O: Ord + std::borrow::Borrow<K>>(
    counts: &Result<BTreeMap<O, i64>, String>,
    key: &K,
) -> Option<i64> {
    counts.as_ref().ok().map(|counts| counts.get(key).copied().unwrap_or(0))
}

fn table(
    spec: &TableSpec,
    kafka: Option<&BTreeMap<i32, PartitionInKafka>>,
    answers: &Answers,
    thresholds: Thresholds,
    now_ms: i64,
    conditions: &mut Vec<Condition>,
) -> TableReport {
    let id = spec.id();
    let watermarks = merged(answers, &id);
    let landed = answers.landed.as_ref().ok().and_then(|landed| landed.get(&spec.slug));
    let newest_source_ms = answers.newest_source.as_ref().ok().and_then(|newest| newest.get(&id).copied());
    let mut report = TableReport {
        table: id.to_string(),
        topic: spec.topic.clone(),
        state: State::Unknown,
        summary: String::new(),
        landing_lag_records: None,
        merge_lag_records: None,
        pending_records: None,
        oldest_pending_ms: None,
        freshness_ms: lag::freshness_ms(newest_source_ms, now_ms),
        newest_source_ms,
        merged_at_ms: watermarks.iter().flat_map(BTreeMap::values).filter_map(|watermark| watermark.merged_at_ms).max(),
        quarantined_records: count(&answers.quarantined, &id),
        scan_error_records: count(&answers.scan_errors, spec.slug.as_str()),
        partitions: Vec::new(),
    };
    let provisioned = answers.provisioned.as_ref().map_or(true, |tables| tables.contains(&id));
    let mut findings = Findings { table: id.to_string(), conditions, blocked: false, provisioned };
    findings.counts(&report);
    let (Some(kafka), Some(watermarks)) = (kafka, &watermarks) else {
        report.summary = match kafka {
            None => "the topic does not exist, or this function's role may not describe it".to_owned(),
            Some(_) => "the watermarks cannot be read".to_owned(),
        };
        return report;
    };
    let mut lags = Vec::new();
    for (partition, seen) in kafka {
        let watermark = watermarks.get(&i64::from(*partition)).copied();
        let landed = landed.and_then(|landed| landed.get(&i64::from(*partition)).copied());
        let observed = observation(*partition, seen, watermark, landed);
        let lag = lag::partition_lag(&observed, now_ms);
        findings.position(*partition, seen, watermark, &lag);
        report.partitions.push(PartitionReport {
            partition: *partition,
            end_offset: seen.end,
            landed_offset: observed.landed_offset,
            merged_offset: watermark.map(|watermark| watermark.offset),
            landing_lag_records: lag.landing_lag_records,
            merge_lag_records: lag.merge_lag_records,
            pending_records: lag.total_lag_records,
        });
        lags.push(lag);
    }
    let lag = lag::table_lag(&lags);
    report.landing_lag_records = lag.landing_lag_records;
    report.merge_lag_records = lag.merge_lag_records;
    report.pending_records = lag.total_lag_records;
    report.oldest_pending_ms = oldest_pending_ms(kafka, now_ms);
    (report.state, report.summary) = judge(&report, findings.blocked, thresholds, now_ms);
    findings.state(&report);
    report
}

/// The table's watermarks by partition; None if they cannot be read.
fn merged<'a>(answers: &'a Answers, table: &TableId) -> Option<BTreeMap<i64, &'a Watermark>> {
    let watermarks = answers.watermarks.as_ref().ok()?;
    Some(
        watermarks
            .iter()
            // An offset of -1 stands for a partition of which nothing was merged.
            .filter(|watermark| watermark.table == *table && watermark.offset >= 0)
            .map(|watermark| (watermark.partition, watermark))
            .collect(),
    )
}

/// What the arithmetic is fed with. Without a pending record the partition counts as done up to
/// its end: what is left above the watermark are markers, which never land.
fn observation(
    partition: i32,
    seen: &PartitionInKafka,
    watermark: Option<&Watermark>,
    landed: Option<i64>,
) -> PartitionObservation {
    let done = seen.oldest_pending == OldestPending::None;
    let merged = watermark.map(|watermark| watermark.offset);
    let start = seen.start.or((seen.end == 0).then_some(0));
    PartitionObservation {
        partition: i64::from(partition),
        log_start_offset: if done && watermark.is_none() { Some(seen.end) } else { start },
        end_offset: Some(if done { merged.map_or(seen.end, |merged| merged + 1) } else { seen.end }),
        landed_offset: if done { merged.or(Some(seen.end - 1)) } else { landed },
        watermark: watermark.cloned(),
    }
}

/// Age of the oldest pending record of all partitions.
fn oldest_pending_ms(kafka: &BTreeMap<i32, PartitionInKafka>, now_ms: i64) -> Option<i64> {
    kafka.values().try_fold(0, |oldest: i64, partition| match partition.oldest_pending {
        OldestPending::None => Some(oldest),
        OldestPending::Since(timestamp_ms) => Some(oldest.max((now_ms - timestamp_ms).max(0))),
        OldestPending::Unknown => None,
    })
}

fn judge(report: &TableReport, blocked: bool, thresholds: Thresholds, now_ms: i64) -> (State, String) {
    if blocked {
        return (State::Stopped, "the merge cannot go on by itself, see the conditions".to_owned());
    }
    let pending = match report.pending_records {
        Some(0) => return (State::Ok, "everything in Kafka is merged".to_owned()),
        Some(pending) => pending,
        None => return (State::Unknown, "what is pending cannot be told".to_owned()),
    };
    let older_than =
        |age_ms: i64, limit: Duration| u128::try_from(age_ms).is_ok_and(|age_ms| age_ms >= limit.as_millis());
    let stage = match (report.landing_lag_records, report.merge_lag_records) {
        (Some(0), Some(merge)) => format!("{merge} records have landed and wait to be merged"),
        (Some(landing), Some(0)) => format!("{landing} records wait to land"),
        (Some(landing), Some(merge)) => {
            format!("{landing} records wait to land and {merge} to be merged")
        }
        _ => format!("{pending} records are not merged (where they are is unknown)"),
    };
    let Some(age_ms) = report.oldest_pending_ms else {
        return (State::Behind, format!("{stage}; since when is unknown"));
    };
    let idle_ms = report.merged_at_ms.map(|merged_at_ms| now_ms - merged_at_ms);
    let merges = idle_ms.is_some_and(|idle_ms| !older_than(idle_ms, thresholds.stopped_after));
    let summary = format!("{stage}, the oldest for {} s", age_ms / 1000);
    if older_than(age_ms, thresholds.stopped_after) && !merges {
        (State::Stopped, summary)
    } else if older_than(age_ms, thresholds.behind_after) {
        (State::Behind, summary)
    } else {
        (State::Ok, summary)
    }
}

/// Collects conditions of one table.
struct Findings<'a> {
    table: String,
    conditions: &'a mut Vec<Condition>,
    /// Whether the merge cannot go on by itself.
    blocked: bool,
    /// Whether the warehouse has the table, as far as is known.
    provisioned: bool,
}

impl Findings<'_> {
    fn add(&mut self, name: &'static str, what: String, next_step: &'static str) {
        self.conditions.push(Condition { name, table: Some(self.table.clone()), what, next_step });
    }

    fn counts(&mut self, report: &TableReport) {
        if let Some(count) = report.quarantined_records.filter(|count| *count > 0) {
            self.add(
                "quarantined",
                format!("{count} entries went to quarantine in the last day"),
                "look at reason and column_names in the control schema's quarantine; the merge itself goes on",
            );
        }
        if let Some(count) = report.scan_error_records.filter(|count| *count > 0) {
            self.add(
                "scan_errors",
                format!("the stream scan could not read {count} records in the last day; they never land"),
                "look at error_reason in SYS_STREAM_SCAN_ERRORS (records above 16 MiB are skipped), and write the rows \
                 again at the source",
            );
        }
    }

    fn position(&mut self, partition: i32, seen: &PartitionInKafka, watermark: Option<&Watermark>, lag: &PartitionLag) {
        let Some(watermark) = watermark else { return };
        if seen.end <= watermark.offset {
            self.blocked = true;
            self.add(
                "topic_recreated",
                format!(
                    "partition {partition} ends at offset {} and {} is merged: the topic was re-created or cut",
                    seen.end, watermark.offset
                ),
                "stop the event source mapping, then drop the landing view and the table's watermark rows, apply \
                 provisioning, and snapshot the table again",
            );
        } else if let Some(lost) = lag.lost_records.filter(|lost| *lost > 0) {
            self.add(
                "records_expired",
                format!(
                    "{lost} offsets of partition {partition} above the watermark {} are no longer kept in Kafka; records \
                     in them are lost if they had not landed",
                    watermark.offset
                ),
                "compare with the landing view, raise the topic's retention, and snapshot the table again if records \
                 are missing",
            );
        }
    }

    fn state(&mut self, report: &TableReport) {
        let landing = report.landing_lag_records.is_some_and(|lag| lag > 0);
        let merge = report.merge_lag_records.is_some_and(|lag| lag > 0);
        match (report.state, landing, merge) {
            (State::Stopped, _, _) if self.blocked => {}
            (State::Stopped | State::Behind, _, _) if !self.provisioned => self.add(
                "not_provisioned",
                format!("the warehouse has no table for topic {} yet; {}", report.topic, report.summary),
                "invoke the provisioner with action apply, or plan and read what the topic waits for; leave the topic out with \
                 `exclude` if it is not wanted",
            ),
            (State::Stopped, true, false) => self.add(
                "landing_stopped",
                report.summary.clone(),
                "invoke the refresher for this table and read its answer; check the external schema's brokers, the \
                 cluster's role and SYS_MV_REFRESH_HISTORY",
            ),
            (State::Stopped, _, _) => self.add(
                "merge_stopped",
                report.summary.clone(),
                "invoke the refresher for this table and read its answer, then the change handler's log; a lock held \
                 by another session shows in SVV_TRANSACTIONS",
            ),
            (State::Behind, _, _) => self.add(
                "behind",
                report.summary.clone(),
                "wait if it shrinks; otherwise look for a busy warehouse, or raise its capacity",
            ),
            (State::Ok | State::Unknown, _, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
