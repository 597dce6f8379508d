//! Where the next pending record of each partition is: needed only when a merge fails because
//! of a record, to tell it by its offset.
//!
//! A landing view may have holes, so that the next record is not simply the watermark plus one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cdc_core::catalog::TableSpec;
use cdc_core::error::Classify;
use cdc_core::sql::layout::Layout;
use cdc_core::watermark::Watermark;

use super::course::Pending;
use super::{Failure, Stage};
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
    let name = spec.id().to_string();
    let sql = sql(layout, spec, watermarks);
    let result = query(warehouse, &name, &sql, deadline).await.map_err(|error| Failure::of(Stage::Look, &error))?;
    read(&result).map_err(|error| Failure {
        stage: Stage::Look,
        kind: Classify::kind(&error),
        text: error.to_string(),
        statement: None,
    })
}

fn read(result: &ResultSet) -> Result<BTreeMap<i64, Pending>, crate::error::ReadError> {
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

fn sql(layout: &Layout, spec: &TableSpec, watermarks: &[Watermark]) -> String {
    let mut scope = String::new();
    for mark in watermarks {
        write!(scope, "(l.kafka_partition = {} AND l.kafka_offset > {}) OR ", mark.partition, mark.offset)
            .expect("writing to a string succeeds");
    }
    let known: Vec<String> = watermarks.iter().map(|mark| mark.partition.to_string()).collect();
    if known.is_empty() {
        scope.push_str("l.kafka_offset >= 0");
    } else {
        write!(scope, "l.kafka_partition NOT IN ({})", known.join(", ")).expect("writing to a string succeeds");
    }
    format!(
        "SELECT l.kafka_partition, MIN(l.kafka_offset) AS first_offset, COUNT(*) AS records \
         FROM {} AS l WHERE {scope} GROUP BY l.kafka_partition ORDER BY l.kafka_partition",
        layout.landing_view(spec)
    )
}
