//! What came of one batch, for the log and the metrics: tables, counts, offsets and reasons,
//! never a value or a key.

use std::collections::{BTreeMap, BTreeSet};

use cdc_core::plan::merge::{MergePlan, NotOursRule, RecordOutcome, Settlement, Unsettled};
use function_kit::clock::Invocation;
use function_kit::telemetry::{Metrics, metric};
use redshift_data::synchronise::{Ending, Report};

use crate::FUNCTION;

/// Everything that is said about one batch.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    records: usize,
    malformed: usize,
    poison: usize,
    unsettled: BTreeMap<&'static str, usize>,
    not_ours: BTreeMap<&'static str, usize>,
    unknown_topics: BTreeSet<String>,
    tables: Vec<TableSummary>,
    submissions: u32,
    /// What the operator has to know, worst first.
    causes: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone)]
struct TableSummary {
    table: String,
    received: u64,
    newest_source_ms: Option<i64>,
    unsettled: BTreeMap<Unsettled, usize>,
    report: redshift_data::synchronise::TableReport,
}

impl Summary {
    /// Sums up.
    pub(crate) fn of(plan: &MergePlan, report: &Report, settlement: &Settlement, unknown_gaps: Vec<String>) -> Self {
        let mut unsettled: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut by_topic: BTreeMap<&str, BTreeMap<Unsettled, usize>> = BTreeMap::new();
        for (position, outcome) in settlement.outcomes() {
            if let RecordOutcome::Unsettled(reason) = outcome {
                *unsettled.entry(reason.name()).or_default() += 1;
                *by_topic.entry(&position.topic).or_default().entry(*reason).or_default() += 1;
            }
        }
        let mut not_ours: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (_, rule) in &plan.not_ours {
            *not_ours.entry(rule.name()).or_default() += 1;
        }
        let tables: Vec<TableSummary> = plan
            .tables
            .iter()
            .filter_map(|(id, work)| {
                Some(TableSummary {
                    table: id.to_string(),
                    received: work.operations.total(),
                    newest_source_ms: work.newest_source_ms,
                    unsettled: by_topic.get(work.spec.topic.as_str()).cloned().unwrap_or_default(),
                    report: report.tables.iter().find(|table| table.table == *id)?.clone(),
                })
            })
            .collect();
        let mut summary = Self {
            records: settlement.outcomes().len() + settlement.unattributed(),
            malformed: plan.malformed.len(),
            poison: plan.poison.len(),
            unsettled,
            not_ours,
            unknown_topics: plan.unknown_topics.keys().cloned().collect(),
            tables,
            submissions: report.submissions,
            causes: Vec::new(),
            warnings: Vec::new(),
        };
        summary.causes = summary.find_causes(unknown_gaps);
        summary.warnings = summary
            .tables
            .iter()
            .flat_map(|table| {
                let isolated = table.report.isolated.iter().map(|(partition, offset)| {
                    format!(
                        "{}: the record at partition {partition} offset {offset} is in quarantine, since merging it failed every time",
                        table.table
                    )
                });
                let warnings = table.report.warnings.iter().map(|text| format!("{}: {text}", table.table));
                isolated.chain(warnings).collect::<Vec<_>>()
            })
            .collect();
        summary
    }

    fn find_causes(&self, unknown_gaps: Vec<String>) -> Vec<String> {
        let mut causes = Vec::new();
        for table in &self.tables {
            let name = &table.table;
            if let Some(count) = table.unsettled.get(&Unsettled::TopicRecreated) {
                causes.push(format!(
                    "{name}: {count} records are newer than everything merged although their offsets were passed long ago; \
                     the topic was re-created, so destroy and apply this table with the provisioner"
                ));
            }
            if let Some(count) = table.unsettled.get(&Unsettled::InGap) {
                causes.push(format!(
                    "{name}: {count} records were delivered here but never landed in the warehouse; \
                     look into sys_stream_scan_errors and the control schema's table gaps, and have the rows sent again"
                ));
            }
            match &table.report.ending {
                Ending::Failed(failure) => causes.push(format!("{name}: {failure}")),
                Ending::OutOfTime { running, last } if !table.unsettled.is_empty() => {
                    let running =
                        running.as_ref().map_or_else(String::new, |id| format!(" while statement {id} was running"));
                    let last = last.as_ref().map_or_else(String::new, |failure| format!("; before that {failure}"));
                    causes.push(format!("{name}: the time was up{running}{last}"));
                }
                Ending::OutOfTime { .. } | Ending::Reached => {}
            }
        }
        for topic in &self.unknown_topics {
            causes.push(format!(
                "topic {topic} is not mentioned in the pipeline file; add it under tables, or list it under an entry's exclude"
            ));
        }
        causes.extend(unknown_gaps);
        causes
    }

    /// Records of the batch, malformed ones included.
    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// Records that have to be delivered again.
    pub(crate) fn unsettled(&self) -> usize {
        self.unsettled.values().sum()
    }

    /// `not_covered 3, in_gap 1`.
    pub(crate) fn reasons(&self) -> String {
        counts(&self.unsettled)
    }

    /// Why, with the next step.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The one line of this invocation, and one per cause.
    pub(crate) fn log(&self, invocation: &Invocation) {
        for cause in &self.causes {
            tracing::error!("{cause}");
        }
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!(
            records = self.records,
            unsettled = self.unsettled(),
            reasons = self.reasons(),
            not_ours = counts(&self.not_ours),
            malformed = self.malformed,
            poison = self.poison,
            tables = self.table_line(),
            statements = self.submissions,
            duration_ms = u64::try_from(invocation.elapsed().as_millis()).unwrap_or(u64::MAX),
            "batch"
        );
    }

    fn table_line(&self) -> String {
        let texts: Vec<String> = self
            .tables
            .iter()
            .map(|table| {
                let counts = &table.report.counts;
                format!(
                    "{} received {} landed {} applied {} deleted {} stale {} quarantined {}",
                    table.table,
                    table.received,
                    counts.landed,
                    counts.applied,
                    counts.deleted,
                    counts.stale,
                    counts.quarantined
                )
            })
            .collect();
        texts.join("; ")
    }

    /// The metrics of this invocation.
    pub(crate) fn metrics(&self, pipeline: &str, invocation: &Invocation) -> Metrics {
        let mut metrics = Metrics::new(pipeline, FUNCTION);
        let of_reason = |reason: Unsettled| self.unsettled.get(reason.name()).copied().unwrap_or(0);
        for (metric, count) in [
            (metric::RECEIVED_RECORDS, self.records),
            (metric::UNSETTLED_RECORDS, self.unsettled()),
            (metric::UNKNOWN_TOPIC_RECORDS, of_reason(Unsettled::UnknownTopic)),
            (metric::TOPIC_RECREATED_RECORDS, of_reason(Unsettled::TopicRecreated)),
            (metric::LOST_RECORDS, of_reason(Unsettled::InGap)),
            (metric::MALFORMED_RECORDS, self.malformed),
            (metric::POISON_RECORDS, self.poison),
            (metric::SCHEMA_CHANGE_RECORDS, self.not_ours.get(NotOursRule::SchemaChange.name()).copied().unwrap_or(0)),
        ] {
            metrics.count(None, metric, count);
        }
        metrics.count(None, metric::HELD_ROWS, self.tables.iter().map(|table| table.report.held).sum::<i64>());
        metrics.count(None, metric::SUBMITTED_STATEMENTS, self.submissions);
        let milliseconds = u32::try_from(invocation.elapsed().as_millis()).unwrap_or(u32::MAX);
        metrics.record(metric::DURATION_MS, f64::from(milliseconds));
        for table in &self.tables {
            let counts = &table.report.counts;
            let failed = matches!(table.report.ending, Ending::Failed(_));
            for (metric, count) in [
                (metric::LANDED_ROWS, counts.landed),
                (metric::APPLIED_ROWS, counts.applied),
                (metric::DELETED_ROWS, counts.deleted),
                (metric::STALE_ROWS, counts.stale),
                (metric::QUARANTINED_ROWS, counts.quarantined),
                (metric::HELD_ROWS, table.report.held),
                (metric::FAILED_SYNCHRONISATIONS, i64::from(failed)),
            ] {
                metrics.count(Some(&table.table), metric, count);
            }
            let unsettled: usize = table.unsettled.values().sum();
            metrics.count(Some(&table.table), metric::UNSETTLED_RECORDS, unsettled);
            if let (Some(newest), 0) = (table.newest_source_ms, unsettled) {
                let lag = invocation.now_ms().saturating_sub(newest).max(0);
                metrics.count(Some(&table.table), metric::END_TO_END_LAG_MS, lag);
            }
        }
        metrics
    }
}

fn counts(of: &BTreeMap<&'static str, usize>) -> String {
    let texts: Vec<String> = of.iter().map(|(name, count)| format!("{name} {count}")).collect();
    texts.join(", ")
}
