//! Tables that Kafka has and the warehouse does not have yet: a pattern's new topic.
//!
//! That is told by the control schema's catalog, not by an error's text: no document says how
//! Redshift words the call of a procedure that is not there.

use std::collections::BTreeSet;

use cdc_core::catalog::TableId;
use cdc_core::error::ErrorKind;
use cdc_core::plan::provision::ObjectKind;
use cdc_core::sql::layout::Layout;
use cdc_core::sql::observe;
use redshift_data::synchronise::{Ending, Report};
use redshift_data::{Deadline, Warehouse, query};

/// The tables of the report that failed and were never provisioned. None if nothing of that sort
/// failed, or if the catalog cannot be read: then their failures stand for themselves.
pub(crate) async fn among(
    report: &Report,
    layout: &Layout,
    warehouse: &dyn Warehouse,
    deadline: Deadline,
) -> BTreeSet<TableId> {
    let mut failed: BTreeSet<TableId> = report
        .tables
        .iter()
        .filter(|table| matches!(&table.ending, Ending::Failed(failure) if failure.kind == ErrorKind::Misconfigured))
        .map(|table| table.table.clone())
        .collect();
    if failed.is_empty() {
        return failed;
    }
    let Ok(rows) =
        query(warehouse, "catalog", &observe::tables_with(layout, ObjectKind::Procedure.as_str()), deadline).await
    else {
        return BTreeSet::new();
    };
    for row in rows.iter() {
        if let Ok(Some(table)) = row.text("table_name") {
            failed.remove(&TableId(table.to_owned()));
        }
    }
    failed
}
