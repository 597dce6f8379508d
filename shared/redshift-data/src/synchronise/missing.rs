//! Records that a merge passed without having them: holes in what landed, less what the
//! warehouse put into quarantine there.
//!
//! A hole alone is no loss: compaction and the markers of transactional producers leave holes
//! too. It is one for a caller that saw a record in it.

use std::ops::RangeInclusive;

use cdc_core::catalog::TableId;
use cdc_core::error::Classify;
use cdc_core::sql::layout::Layout;
use cdc_core::sql::synchronise::{gaps, quarantined};

use super::{Failure, Stage};
use crate::error::ReadError;
use crate::port::{Deadline, Warehouse, query};
use crate::result_set::ResultSet;

/// The offsets from `first_offset` on that one partition's merges passed without a record and
/// without an entry in quarantine, as disjoint ranges in ascending order.
pub async fn missing_offsets(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    table: &TableId,
    partition: i64,
    first_offset: i64,
    deadline: Deadline,
) -> Result<Vec<RangeInclusive<i64>>, Failure> {
    let name = table.as_str();
    let sql = gaps(layout, table, partition, first_offset);
    let result =
        query(warehouse, name, &sql, deadline).await.map_err(|error| Failure::of(Stage::Watermarks, &error))?;
    let mut holes = read(&result, |row| {
        let first = row.required_integer("first_missing")?.max(first_offset);
        Ok(first..=row.required_integer("last_missing")?)
    })?;
    holes.retain(|hole| !hole.is_empty());
    if holes.is_empty() {
        return Ok(holes);
    }
    let sql = quarantined(layout, table, partition, first_offset);
    let result =
        query(warehouse, name, &sql, deadline).await.map_err(|error| Failure::of(Stage::Watermarks, &error))?;
    let quarantined = read(&result, |row| row.required_integer("kafka_offset"))?;
    Ok(without(holes, &quarantined))
}

fn read<T>(
    result: &ResultSet,
    row: impl Fn(crate::result_set::Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, Failure> {
    result.iter().map(row).collect::<Result<_, _>>().map_err(|error| Failure {
        stage: Stage::Watermarks,
        kind: Classify::kind(&error),
        text: error.to_string(),
        statement: None,
    })
}

/// The ranges without these offsets.
fn without(ranges: Vec<RangeInclusive<i64>>, offsets: &[i64]) -> Vec<RangeInclusive<i64>> {
    let mut rest = ranges;
    for offset in offsets {
        rest = rest
            .into_iter()
            .flat_map(|range| {
                if range.contains(offset) {
                    vec![*range.start()..=offset - 1, offset + 1..=*range.end()]
                } else {
                    vec![range]
                }
            })
            .filter(|range| !range.is_empty())
            .collect();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_quarantine_is_not_missing() {
        assert_eq!(without(vec![3..=7, 10..=10], &[3, 5, 10, 11]), [4..=4, 6..=7]);
        assert_eq!(without(vec![3..=3], &[]), [3..=3]);
        assert!(without(vec![3..=3], &[3]).is_empty());
    }
}
