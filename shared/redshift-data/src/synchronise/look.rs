//! Questions about one table that are asked only when something failed: where the next pending
//! record of each partition is, to tell by its offset a record that cannot be merged; and how far
//! the table is, when another table's watermarks could not be read with its own.
//!
//! A landing view may have holes, so that the next record is not simply the watermark plus one.

use std::collections::BTreeMap;

use cdc_core::catalog::TableSpec;
use cdc_core::error::Classify;
use cdc_core::sql::layout::Layout;
use cdc_core::sql::synchronise;
use cdc_core::watermark::Watermark;

use super::course::Pending;
use super::{Failure, Stage};
use crate::error::ReadError;
use crate::port::{Deadline, Warehouse, query};
use crate::result_set::ResultSet;

/// What has landed above the watermarks, by partition. Empty if nothing has.
pub(super) async fn pending_positions(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    spec: &TableSpec,
    watermarks: &[Watermark],
    deadline: Deadline,
) -> Result<BTreeMap<i64, Pending>, Failure> {
    let sql = synchronise::pending_positions(layout, spec, watermarks);
    ask(warehouse, spec, Stage::Look, &sql, deadline, read).await
}

/// The table's own watermarks.
pub(super) async fn watermarks(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    spec: &TableSpec,
    deadline: Deadline,
) -> Result<Vec<Watermark>, Failure> {
    let sql = synchronise::own_watermarks(layout, &[spec]);
    ask(warehouse, spec, Stage::Watermarks, &sql, deadline, super::round::marks).await
}

async fn ask<T>(
    warehouse: &dyn Warehouse,
    spec: &TableSpec,
    stage: Stage,
    sql: &str,
    deadline: Deadline,
    read: fn(&ResultSet) -> Result<T, ReadError>,
) -> Result<T, Failure> {
    let name = spec.id().to_string();
    let result = query(warehouse, &name, sql, deadline).await.map_err(|error| Failure::of(stage, &error))?;
    read(&result).map_err(|error| Failure {
        stage,
        kind: Classify::kind(&error),
        text: error.to_string(),
        statement: None,
    })
}

fn read(result: &ResultSet) -> Result<BTreeMap<i64, Pending>, ReadError> {
    result
        .iter()
        .map(|row| {
            Ok((
                row.required_integer("kafka_partition")?,
                Pending {
                    first_offset: row.required_integer("first_offset")?,
                    records: row.required_integer("records")?,
                },
            ))
        })
        .collect()
}
