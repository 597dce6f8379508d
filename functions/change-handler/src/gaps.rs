//! Which of a batch's offsets the warehouse passed without having them.
//!
//! The watermarks count, per partition, the offsets that merges passed without a record.
//! Compaction and transaction markers count too, so the number alone says nothing; only when it
//! grew since the process last looked, or the process does not know, are the holes asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cdc_core::catalog::TableId;
use cdc_core::plan::merge::{Gap, MergePlan};
use cdc_core::sql::layout::Layout;
use cdc_core::watermark::Watermark;
use redshift_data::synchronise::missing_offsets;
use redshift_data::{Deadline, Warehouse};

/// What a process has seen so far: it lives as long as the process and is never relied upon.
#[derive(Debug, Default)]
pub(crate) struct GapMemory(Mutex<BTreeMap<(TableId, i64), Seen>>);

/// At this watermark this many offsets had been passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    offset: i64,
    gaps: i64,
}

impl GapMemory {
    /// Whether no offset from `first_offset` up to the watermark can have been passed without a
    /// record.
    fn rules_out(&self, mark: &Watermark, first_offset: i64) -> bool {
        if mark.gaps == 0 {
            return true;
        }
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&(mark.table.clone(), mark.partition))
            .is_some_and(|seen| seen.gaps == mark.gaps && seen.offset < first_offset)
    }

    fn remember(&self, mark: &Watermark) {
        let seen = Seen { offset: mark.offset, gaps: mark.gaps };
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert((mark.table.clone(), mark.partition), seen);
    }
}

/// The holes among the plan's offsets. A partition whose holes cannot be read loses its
/// watermark: its records stay unsettled, since nobody knows whether the warehouse has them.
/// The second value says why, one text per partition.
pub(crate) async fn of(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    plan: &MergePlan,
    watermarks: &mut Vec<Watermark>,
    memory: &GapMemory,
    deadline: Deadline,
) -> (Vec<Gap>, Vec<String>) {
    let mut gaps = Vec::new();
    let mut unknown = Vec::new();
    for (table, work) in &plan.tables {
        for (partition, range) in &work.partitions {
            let partition = i64::from(*partition);
            let Some(index) = watermarks.iter().position(|mark| mark.table == *table && mark.partition == partition)
            else {
                continue;
            };
            let mark = &watermarks[index];
            if memory.rules_out(mark, range.first) {
                memory.remember(mark);
                continue;
            }
            match missing_offsets(warehouse, layout, table, partition, range.first, deadline).await {
                Ok(missing) => {
                    memory.remember(mark);
                    gaps.extend(missing.into_iter().map(|offsets| Gap {
                        table: table.clone(),
                        partition,
                        first: *offsets.start(),
                        last: *offsets.end(),
                    }));
                }
                Err(failure) => {
                    unknown.push(format!(
                        "whether records of {table} partition {partition} were lost is unknown: {failure}"
                    ));
                    watermarks.swap_remove(index);
                }
            }
        }
    }
    (gaps, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: i64, gaps: i64) -> Watermark {
        Watermark {
            table: TableId("shop.item".to_owned()),
            partition: 0,
            offset,
            kafka_timestamp_ms: None,
            refresh_time_ms: None,
            gaps,
            merged_at_ms: None,
        }
    }

    #[test]
    fn holes_are_asked_for_only_if_there_can_be_one() {
        let memory = GapMemory::default();
        assert!(memory.rules_out(&mark(9, 0), 5));
        assert!(!memory.rules_out(&mark(9, 2), 5));
        memory.remember(&mark(9, 2));
        // The same count further on: nothing was passed between 10 and 20.
        assert!(memory.rules_out(&mark(20, 2), 10));
        // A batch that begins below what was seen could be in the older holes.
        assert!(!memory.rules_out(&mark(20, 2), 9));
        assert!(!memory.rules_out(&mark(20, 3), 10));
    }
}
