//! One invocation: request, tables, what is pending, synchronisation, answer.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cdc_core::catalog::{TableId, TableSpec};
use cdc_core::error::{Classify, ErrorKind};
use cdc_core::pipeline::{CatalogErrors, Pipeline};
use cdc_core::sql::layout::Layout;
use function_kit::clock::Invocation;
use function_kit::diagnostic::{diagnostic, error_type};
use function_kit::pipeline_file::Loaded;
use lambda_runtime::Diagnostic;
use msk_client::KafkaCluster;
use redshift_data::Warehouse;
use redshift_data::synchronise::{self, Ending, Goal, Report, TableGoal, TableReport};
use serde_json::Value;

use crate::FUNCTION;
use crate::answer::{Answer, KafkaState, TableAnswer};
use crate::memory::Memory;
use crate::request::{Request, RequestError};
use crate::settings::Settings;
use crate::tables::{self, Tables};
use crate::unprovisioned;

/// What every invocation of one process shares.
#[derive(Debug)]
pub struct Deps<W, K> {
    pipeline: Pipeline,
    layout: Layout,
    warehouse: W,
    kafka: K,
    max_rows: i64,
    memory: Mutex<Memory>,
}

impl<W: Warehouse, K: KafkaCluster> Deps<W, K> {
    /// Puts them together.
    pub fn new(settings: &Settings, loaded: Loaded, warehouse: W, kafka: K) -> Self {
        Self {
            layout: loaded.layout(),
            pipeline: loaded.pipeline,
            warehouse,
            kafka,
            max_rows: settings.max_rows,
            memory: Mutex::default(),
        }
    }

    /// The pipeline's name, for the log.
    pub fn pipeline_name(&self) -> &str {
        self.pipeline.name()
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The request is not one.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A named table is none of this pipeline's.
    #[error("there is no table {name} in pipeline {pipeline}; it has {known}")]
    UnknownTable {
        /// The name.
        name: String,
        /// The pipeline.
        pipeline: String,
        /// Those there are, comma separated.
        known: String,
    },
    /// The tables' names cannot be used.
    #[error("the topics of pipeline {pipeline} do not give usable tables")]
    Catalog {
        /// The pipeline.
        pipeline: String,
        /// Why.
        #[source]
        source: CatalogErrors,
    },
    /// At least one table needs somebody to do something. The others are synchronised.
    #[error("{} of {tables} tables failed: {}", failures.len(), failures.join("; "))]
    TablesFailed {
        /// `table: reason`, with the next step.
        failures: Vec<String>,
        /// How many there are.
        tables: usize,
    },
}

impl HandlerError {
    /// The stable type that Lambda reports.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Request(error) => error_type(error.kind()),
            Self::UnknownTable { .. } | Self::Catalog { .. } => error_type(ErrorKind::Misconfigured),
            Self::TablesFailed { .. } => "RedshiftCdc.TablesFailed",
        }
    }
}

/// Handles one invocation. Repeating it is harmless.
pub async fn handle<W: Warehouse, K: KafkaCluster>(
    payload: &Value,
    invocation: &Invocation,
    deps: &Deps<W, K>,
) -> Result<Answer, Diagnostic> {
    run(payload, invocation, deps).await.map_err(|error| diagnostic(error.error_type(), &error))
}

async fn run<W: Warehouse, K: KafkaCluster>(
    payload: &Value,
    invocation: &Invocation,
    deps: &Deps<W, K>,
) -> Result<Answer, HandlerError> {
    let request = Request::read(payload)?;
    let tables = tables::list(&deps.pipeline, &deps.layout, &deps.kafka, &deps.warehouse, invocation.deadline())
        .await
        .map_err(|source| HandlerError::Catalog { pipeline: deps.pipeline.name().to_owned(), source })?;
    let sweep = request == Request::Pending && deps.memory().sweep_is_due(invocation.now_ms());
    let chosen = choose(&request, &tables, sweep, invocation.now_ms(), deps)?;
    let report = synchronise_tables(&chosen, invocation, deps).await;
    // Somebody who names a table wants to know why it cannot be synchronised.
    let unprovisioned = match request {
        Request::Named(_) => BTreeSet::new(),
        Request::Pending => unprovisioned::among(&report, &deps.layout, &deps.warehouse, invocation.deadline()).await,
    };
    remember(&report, &unprovisioned, &tables, sweep, invocation, deps);
    let answer = answer(&report, &unprovisioned, &request, tables, sweep);
    answer.log(invocation);
    answer.metrics(deps.pipeline.name(), invocation).emit(invocation.now_ms());
    let failures = answer.failures();
    if failures.is_empty() {
        Ok(answer)
    } else {
        Err(HandlerError::TablesFailed { failures, tables: answer.tables.len() })
    }
}

/// The tables to synchronise.
fn choose<W: Warehouse, K: KafkaCluster>(
    request: &Request,
    tables: &Tables,
    sweep: bool,
    now_ms: i64,
    deps: &Deps<W, K>,
) -> Result<Vec<TableSpec>, HandlerError> {
    if let Request::Named(names) = request {
        return names.iter().map(|name| named(name, tables, &deps.pipeline)).collect();
    }
    let memory = deps.memory();
    let is_due = |spec: &&TableSpec| match &tables.ends {
        Ok(ends) => sweep || ends.get(&spec.topic).is_some_and(|ends| memory.is_pending(&spec.id(), ends, now_ms)),
        Err(_) => true,
    };
    Ok(tables.specs.iter().filter(is_due).cloned().collect())
}

fn named(name: &str, tables: &Tables, pipeline: &Pipeline) -> Result<TableSpec, HandlerError> {
    let found = tables.specs.iter().find(|spec| spec.id().as_str() == name).cloned();
    found.ok_or_else(|| {
        let known: Vec<String> = tables.specs.iter().map(|spec| spec.id().to_string()).collect();
        HandlerError::UnknownTable {
            name: name.to_owned(),
            pipeline: pipeline.name().to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        }
    })
}

async fn synchronise_tables<W: Warehouse, K: KafkaCluster>(
    chosen: &[TableSpec],
    invocation: &Invocation,
    deps: &Deps<W, K>,
) -> Report {
    let goals: Vec<TableGoal> =
        chosen.iter().map(|spec| TableGoal { spec: spec.clone(), goal: Goal::Pending }).collect();
    let request = synchronise::Request {
        layout: &deps.layout,
        tables: &goals,
        max_rows: deps.max_rows,
        // Never shared: a statement that began before this invocation may have begun before the
        // records that it is about.
        seed: &format!("{FUNCTION}/{}/{}", invocation.request_id(), invocation.now_ms()),
        deadline: invocation.deadline(),
    };
    synchronise::synchronise(&deps.warehouse, &request).await
}

fn remember<W: Warehouse, K: KafkaCluster>(
    report: &Report,
    unprovisioned: &BTreeSet<TableId>,
    tables: &Tables,
    sweep: bool,
    invocation: &Invocation,
    deps: &Deps<W, K>,
) {
    let Ok(ends) = &tables.ends else {
        return;
    };
    let mut memory = deps.memory();
    for table in unprovisioned {
        memory.not_provisioned(table, invocation.now_ms());
    }
    for table in report.tables.iter().filter(|table| table.ending == Ending::Reached) {
        let spec = tables.specs.iter().find(|spec| spec.id() == table.table);
        if let (Some(spec), Some(watermarks)) = (spec, &table.watermarks)
            && let Some(ends) = ends.get(&spec.topic)
        {
            memory.covered(&table.table, ends, watermarks);
        }
    }
    let is_done = |table: &TableReport| table.ending == Ending::Reached || unprovisioned.contains(&table.table);
    if sweep && report.tables.iter().all(is_done) {
        memory.swept(invocation.now_ms());
    }
}

fn answer(
    report: &Report,
    unprovisioned: &BTreeSet<TableId>,
    request: &Request,
    tables: Tables,
    sweep: bool,
) -> Answer {
    let all = matches!(request, Request::Pending);
    let answers = tables
        .specs
        .iter()
        .filter_map(|spec| {
            let table = report.tables.iter().find(|table| table.table == spec.id());
            match table {
                Some(table) if unprovisioned.contains(&table.table) => {
                    Some(TableAnswer::not_provisioned(table.table.to_string(), spec.topic.clone()))
                }
                Some(table) => Some(TableAnswer::of(table, spec.topic.clone())),
                None => all.then(|| TableAnswer::idle(spec.id().to_string(), spec.topic.clone())),
            }
        })
        .collect();
    Answer {
        kafka: match tables.ends {
            Ok(_) => KafkaState::Compared,
            Err(reason) => KafkaState::Unreachable(reason),
        },
        sweep,
        statements: report.submissions,
        tables: answers,
        warnings: tables.warnings,
    }
}

#[cfg(test)]
mod tests;
