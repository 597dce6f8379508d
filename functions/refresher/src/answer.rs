//! The answer of one invocation: what was done, per table, in counts and offsets.

use std::collections::BTreeMap;

use function_kit::clock::Invocation;
use function_kit::telemetry::{Metrics, metric};
use redshift_data::synchronise::{Ending, TableReport};
use serde::Serialize;

use crate::FUNCTION;

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What Kafka said.
    pub kafka: KafkaState,
    /// Whether all tables were synchronised, pending or not.
    pub sweep: bool,
    /// Statements handed to the warehouse; 0 when idle.
    pub statements: u32,
    /// Sorted by topic.
    pub tables: Vec<TableAnswer>,
    /// What is incomplete about this answer.
    pub warnings: Vec<String>,
}

/// Whether Kafka's end offsets are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaState {
    /// They were compared.
    Compared,
    /// They could not be asked for; all tables were synchronised instead.
    Unreachable(String),
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableAnswer {
    /// Its id.
    pub table: String,
    /// Its topic.
    pub topic: String,
    /// What became of it.
    pub state: TableState,
    /// Records read from the landing view.
    pub landed_rows: i64,
    /// Rows inserted or updated.
    pub applied_rows: i64,
    /// Rows deleted.
    pub deleted_rows: i64,
    /// Changes older than what the target had.
    pub stale_rows: i64,
    /// Records and values put into quarantine.
    pub quarantined_rows: i64,
    /// Landed records left for the next merge; null if not known.
    pub pending_rows: Option<i64>,
    /// Landed records that wait because the source table's definition changed.
    pub held_rows: i64,
    /// The highest merged offset by partition; null if not read.
    pub watermarks: Option<BTreeMap<i64, i64>>,
    /// Why it failed, or what stood in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong without doing harm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Nothing was pending; no statement was sent.
    Idle,
    /// Whatever had landed is merged.
    Synchronised,
    /// The time was up first; the next invocation goes on.
    OutOfTime,
    /// The pipeline file means it, and the provisioner has not made it yet.
    NotProvisioned,
    /// Somebody has to do something.
    Failed,
}

impl TableAnswer {
    /// A table without anything pending.
    pub(crate) fn idle(table: String, topic: String) -> Self {
        Self {
            table,
            topic,
            state: TableState::Idle,
            landed_rows: 0,
            applied_rows: 0,
            deleted_rows: 0,
            stale_rows: 0,
            quarantined_rows: 0,
            pending_rows: None,
            held_rows: 0,
            watermarks: None,
            reason: None,
            warnings: Vec::new(),
        }
    }

    /// A table that the warehouse does not have yet. The next step is the provisioner's.
    pub(crate) fn not_provisioned(table: String, topic: String) -> Self {
        Self {
            state: TableState::NotProvisioned,
            reason: Some(
                "the topic has records and the warehouse has no table for it yet; run the provisioner with action apply, \
                 or plan and read what it waits for"
                    .to_owned(),
            ),
            ..Self::idle(table, topic)
        }
    }

    /// A table that was synchronised, or tried to be.
    pub(crate) fn of(report: &TableReport, topic: String) -> Self {
        let (state, reason) = match &report.ending {
            Ending::Reached => (TableState::Synchronised, None),
            Ending::OutOfTime { running, last } => {
                let running =
                    running.as_ref().map_or_else(String::new, |id| format!(" while statement {id} was running"));
                let last = last.as_ref().map_or_else(String::new, |failure| format!("; before that {failure}"));
                (TableState::OutOfTime, Some(format!("the time was up{running}{last}")))
            }
            Ending::Failed(failure) => (TableState::Failed, Some(failure.to_string())),
        };
        let isolated = report.isolated.iter().map(|(partition, offset)| {
            format!("the record at partition {partition} offset {offset} is in quarantine, since merging it failed every time")
        });
        Self {
            state,
            reason,
            landed_rows: report.counts.landed,
            applied_rows: report.counts.applied,
            deleted_rows: report.counts.deleted,
            stale_rows: report.counts.stale,
            quarantined_rows: report.counts.quarantined,
            pending_rows: report.pending,
            held_rows: report.held,
            watermarks: report
                .watermarks
                .as_ref()
                .map(|marks| marks.iter().map(|mark| (mark.partition, mark.offset)).collect()),
            warnings: isolated.chain(report.warnings.iter().cloned()).collect(),
            ..Self::idle(report.table.to_string(), topic)
        }
    }
}

impl Answer {
    /// Tables that somebody has to do something about: `table: reason`.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        self.tables
            .iter()
            .filter(|table| table.state == TableState::Failed)
            .map(|table| format!("{}: {}", table.table, table.reason.as_deref().unwrap_or("unknown")))
            .collect()
    }

    fn count(&self, state: TableState) -> usize {
        self.tables.iter().filter(|table| table.state == state).count()
    }

    /// The one line of this invocation, and one per trouble.
    pub(crate) fn log(&self, invocation: &Invocation) {
        if let KafkaState::Unreachable(reason) = &self.kafka {
            tracing::warn!(
                "kafka could not be asked for its end offsets, all tables are synchronised instead: {reason}"
            );
        }
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        for table in &self.tables {
            for warning in &table.warnings {
                tracing::warn!("{}: {warning}", table.table);
            }
            if let (TableState::OutOfTime | TableState::NotProvisioned, Some(reason)) = (table.state, &table.reason) {
                tracing::warn!("{}: {reason}", table.table);
            }
        }
        tracing::info!(
            sweep = self.sweep,
            idle = self.count(TableState::Idle),
            synchronised = self.count(TableState::Synchronised),
            out_of_time = self.count(TableState::OutOfTime),
            not_provisioned = self.count(TableState::NotProvisioned),
            failed = self.count(TableState::Failed),
            landed_rows = self.tables.iter().map(|table| table.landed_rows).sum::<i64>(),
            statements = self.statements,
            duration_ms = u64::try_from(invocation.elapsed().as_millis()).unwrap_or(u64::MAX),
            "refreshed"
        );
    }

    /// The metrics of this invocation.
    pub(crate) fn metrics(&self, pipeline: &str, invocation: &Invocation) -> Metrics {
        let mut metrics = Metrics::new(pipeline, FUNCTION);
        metrics.count(None, metric::HELD_ROWS, self.tables.iter().map(|table| table.held_rows).sum::<i64>());
        metrics.count(None, metric::SUBMITTED_STATEMENTS, self.statements);
        metrics.count(None, metric::IDLE_TABLES, self.count(TableState::Idle));
        metrics.count(None, metric::UNPROVISIONED_TABLES, self.count(TableState::NotProvisioned));
        metrics.count(None, metric::KAFKA_UNREACHABLE, u32::from(self.kafka != KafkaState::Compared));
        let milliseconds = u32::try_from(invocation.elapsed().as_millis()).unwrap_or(u32::MAX);
        metrics.record(metric::DURATION_MS, f64::from(milliseconds));
        for table in self.tables.iter().filter(|table| table.state != TableState::Idle) {
            for (metric, count) in [
                (metric::LANDED_ROWS, table.landed_rows),
                (metric::APPLIED_ROWS, table.applied_rows),
                (metric::DELETED_ROWS, table.deleted_rows),
                (metric::STALE_ROWS, table.stale_rows),
                (metric::QUARANTINED_ROWS, table.quarantined_rows),
                (metric::HELD_ROWS, table.held_rows),
                (metric::FAILED_SYNCHRONISATIONS, i64::from(table.state == TableState::Failed)),
            ] {
                metrics.count(Some(&table.table), metric, count);
            }
            if let Some(pending) = table.pending_rows {
                metrics.count(Some(&table.table), metric::PENDING_ROWS, pending);
            }
        }
        metrics
    }
}
