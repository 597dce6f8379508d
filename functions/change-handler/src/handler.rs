//! The journey of a batch: event, records, plan, synchronisation, settlement, answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cdc_core::kafka::{BatchResponse, KafkaEvent};
use cdc_core::pipeline::Pipeline;
use cdc_core::plan::merge::{MergePlan, Settlement, plan, settle};
use cdc_core::sql::layout::Layout;
use cdc_core::watermark::Watermark;
use function_kit::clock::Invocation;
use function_kit::diagnostic::diagnostic;
use function_kit::pipeline_file::Loaded;
use lambda_runtime::Diagnostic;
use redshift_data::Warehouse;
use redshift_data::synchronise::{Goal, Report, Request, TableGoal, shared_seed, synchronise};

use crate::gaps::{self, GapMemory};
use crate::settings::{ResponseMode, Settings};
use crate::summary::Summary;
use crate::{FUNCTION, RESPONSE_MODE};

/// What every invocation of one process shares.
#[derive(Debug)]
pub struct Deps<W> {
    pipeline: Pipeline,
    layout: Layout,
    warehouse: W,
    response_mode: ResponseMode,
    max_rows: i64,
    gap_memory: GapMemory,
}

impl<W: Warehouse> Deps<W> {
    /// Puts them together.
    pub fn new(settings: &Settings, loaded: Loaded, warehouse: W) -> Self {
        Self {
            layout: loaded.layout(),
            pipeline: loaded.pipeline,
            warehouse,
            response_mode: settings.response_mode,
            max_rows: settings.max_rows,
            gap_memory: GapMemory::default(),
        }
    }

    /// The pipeline's name, for the log.
    pub fn pipeline_name(&self) -> &str {
        self.pipeline.name()
    }
}

/// Why a whole batch fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    /// Some records are not processed, and the event source mapping takes no item failures.
    #[error("{unsettled} of {records} records are not processed ({reasons}); {details}")]
    Unsettled {
        /// How many are not.
        unsettled: usize,
        /// How many there are.
        records: usize,
        /// Counts by reason.
        reasons: String,
        /// Tables and causes.
        details: String,
    },
    /// Records without a position: no answer could name them.
    #[error(
        "{records} records have no topic, partition and offset, so that they cannot be reported one by one; \
         compare the trigger with an MSK event source mapping"
    )]
    Unattributed {
        /// How many.
        records: usize,
    },
}

impl HandlerError {
    /// The stable type that Lambda reports.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Unsettled { .. } => "RedshiftCdc.RecordsNotProcessed",
            Self::Unattributed { .. } => "RedshiftCdc.RecordsWithoutPosition",
        }
    }
}

/// Handles one batch. Repeating it is harmless: what the watermarks have passed is not read
/// again.
pub async fn handle<W: Warehouse>(
    event: KafkaEvent,
    invocation: &Invocation,
    deps: &Deps<W>,
) -> Result<BatchResponse, Diagnostic> {
    let batch = event.into_batch();
    let plan = plan(&batch, &deps.pipeline);
    let report = synchronise_tables(&plan, invocation, deps).await;
    let mut watermarks = watermarks_of(&report);
    let (gaps, unknown) =
        gaps::of(&deps.warehouse, &deps.layout, &plan, &mut watermarks, &deps.gap_memory, invocation.deadline()).await;
    let settlement = settle(&plan, &watermarks, &gaps);
    let summary = Summary::of(&plan, &report, &settlement, unknown);
    summary.log(invocation);
    summary.metrics(deps.pipeline_name(), invocation).emit(invocation.now_ms());
    answer(deps.response_mode, &settlement, &summary).map_err(|error| diagnostic(error.error_type(), &error))
}

/// Brings every table of the plan up to the batch's last offsets, as far as the time allows.
async fn synchronise_tables<W: Warehouse>(plan: &MergePlan, invocation: &Invocation, deps: &Deps<W>) -> Report {
    let tables: Vec<TableGoal> = plan
        .tables
        .values()
        .map(|work| TableGoal {
            spec: work.spec.clone(),
            goal: Goal::Cover(
                work.partitions
                    .iter()
                    .map(|(partition, range)| (i64::from(*partition), range.last))
                    .collect::<BTreeMap<_, _>>(),
            ),
        })
        .collect();
    let request = Request {
        layout: &deps.layout,
        tables: &tables,
        max_rows: deps.max_rows,
        seed: &shared_seed(FUNCTION, invocation.now_ms()),
        deadline: invocation.deadline(),
    };
    synchronise(&deps.warehouse, &request).await
}

fn watermarks_of(report: &Report) -> Vec<Watermark> {
    report.tables.iter().filter_map(|table| table.watermarks.clone()).flatten().collect()
}

fn answer(mode: ResponseMode, settlement: &Settlement, summary: &Summary) -> Result<BatchResponse, HandlerError> {
    // In either mode an empty list of failures would be read as success.
    if settlement.unattributed() > 0 {
        return Err(HandlerError::Unattributed { records: settlement.unattributed() });
    }
    match mode {
        ResponseMode::Partial => Ok(settlement.response()),
        ResponseMode::Whole if settlement.is_complete() => Ok(BatchResponse::default()),
        ResponseMode::Whole => Err(HandlerError::Unsettled {
            unsettled: summary.unsettled(),
            records: summary.records(),
            reasons: summary.reasons(),
            details: details(summary),
        }),
    }
}

fn details(summary: &Summary) -> String {
    let mut text = summary.causes().join("; ");
    if text.is_empty() {
        text.push_str("the batch is delivered again");
    }
    write!(text, " ({}=whole)", RESPONSE_MODE.name).expect("writing to a string succeeds");
    text
}

#[cfg(test)]
mod tests;
