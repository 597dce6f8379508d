//! Reading what came of one batch: every statement is judged by itself, never the batch.

use cdc_core::catalog::TableSpec;
use cdc_core::error::Classify;
use cdc_core::sql::merge_procedure::RESULT_COLUMNS;
use cdc_core::sql::synchronise::{StatementRole, Synchronisation};
use cdc_core::watermark::Watermark;

use super::course::{Attempt, Merged};
use super::{Failure, MergeCounts, Stage};
use crate::error::{ReadError, WarehouseError};
use crate::port::{Deadline, Settled, StatementOutcome, Warehouse};
use crate::result_set::ResultSet;

/// One attempt per table, in the order of the batch's tables.
pub(super) async fn read(
    warehouse: &dyn Warehouse,
    batch: &Synchronisation,
    settled: &Settled,
    specs: &[&TableSpec],
    deadline: Deadline,
) -> Vec<Attempt> {
    let mut setting = Ok(());
    let mut refreshes = vec![Ok(()); specs.len()];
    let mut merges = vec![Ok(Merged::default()); specs.len()];
    let mut watermarks = Ok(Vec::new());
    for (index, role) in batch.roles.iter().enumerate() {
        let outcome = settled.outcome(index);
        match role {
            StatementRole::Setting => setting = setting.and(finished(Stage::Setting, &outcome)),
            StatementRole::Refresh(table) => {
                refreshes[*table] = finished(Stage::Refresh, &outcome);
            }
            StatementRole::Merge(table) => {
                merges[*table] = rows(warehouse, Stage::Merge, &outcome, deadline, merged).await;
            }
            StatementRole::Watermarks => {
                watermarks = rows(warehouse, Stage::Watermarks, &outcome, deadline, marks).await;
            }
        }
    }
    let attempts = specs.iter().zip(refreshes).zip(merges);
    attempts
        .map(|((spec, refresh), merge)| {
            let id = spec.id();
            Attempt {
                setting: setting.clone(),
                refresh,
                merge,
                watermarks: watermarks
                    .clone()
                    .map(|all: Vec<Watermark>| all.into_iter().filter(|mark| mark.table == id).collect()),
            }
        })
        .collect()
}

fn finished(stage: Stage, outcome: &StatementOutcome) -> Result<(), Failure> {
    match outcome.failure() {
        None => Ok(()),
        Some(failure) => {
            Err(Failure { stage, kind: failure.kind, text: failure.to_string(), statement: Some(outcome.id.clone()) })
        }
    }
}

async fn rows<T>(
    warehouse: &dyn Warehouse,
    stage: Stage,
    outcome: &StatementOutcome,
    deadline: Deadline,
    read: fn(&ResultSet) -> Result<T, ReadError>,
) -> Result<T, Failure> {
    finished(stage, outcome)?;
    let because = |error: &dyn std::error::Error, kind| Failure {
        stage,
        kind,
        text: error.to_string(),
        statement: Some(outcome.id.clone()),
    };
    let result =
        warehouse.fetch(&outcome.id, deadline).await.map_err(|error: WarehouseError| because(&error, error.kind()))?;
    read(&result).map_err(|error| because(&error, Classify::kind(&error)))
}

/// The one row of a merge's CALL: `cdc_core::sql::merge_procedure::RESULT_COLUMNS`.
fn merged(result: &ResultSet) -> Result<Merged, ReadError> {
    let [landed, applied, deleted, stale, quarantined, pending, held] = RESULT_COLUMNS;
    let row = result
        .first()
        .ok_or_else(|| ReadError::NoColumn { column: landed.to_owned(), present: "no row at all".to_owned() })?;
    Ok(Merged {
        counts: MergeCounts {
            landed: row.required_integer(landed)?,
            applied: row.required_integer(applied)?,
            deleted: row.required_integer(deleted)?,
            stale: row.required_integer(stale)?,
            quarantined: row.required_integer(quarantined)?,
        },
        pending: row.required_integer(pending)?,
        held: row.required_integer(held)?,
    })
}

/// The rows of `cdc_core::sql::synchronise::watermarks`.
pub(crate) fn marks(result: &ResultSet) -> Result<Vec<Watermark>, ReadError> {
    result
        .iter()
        .map(|row| {
            Ok(Watermark {
                table: cdc_core::catalog::TableId(row.required_text("table_name")?.to_owned()),
                partition: row.required_integer("kafka_partition")?,
                offset: row.required_integer("kafka_offset")?,
                kafka_timestamp_ms: row.integer("kafka_timestamp_ms")?,
                refresh_time_ms: row.integer("refresh_time_ms")?,
                gaps: row.required_integer("gaps")?,
                merged_at_ms: row.integer("merged_at_ms")?,
            })
        })
        .collect()
}
