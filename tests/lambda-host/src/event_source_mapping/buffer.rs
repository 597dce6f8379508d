//! Records that were read and not yet sent, and the rule that makes a batch of them.
//!
//! Pure: no clock, no I/O. Invariant: the records of a partition leave in offset order, and none leaves while
//! its partition is busy.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::payload::{Batch, Layout, Rendered};

#[derive(Default)]
pub(crate) struct Buffers {
    partitions: BTreeMap<i32, VecDeque<Arc<Rendered>>>,
    /// The partition from which the next batch takes its first record.
    turn: i32,
}

/// What the buffers have for the next batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Available {
    /// A batch is full, by records or bytes.
    pub(crate) full: bool,
    /// When the oldest record was read.
    pub(crate) since: Instant,
}

/// A batch, or the one record that cannot be part of any.
pub(crate) enum Taken {
    Batch(Batch),
    /// An event with this record alone would exceed the limit.
    TooLarge(Batch),
}

impl Buffers {
    pub(crate) fn push(&mut self, record: Arc<Rendered>) {
        self.partitions.entry(record.partition).or_default().push_back(record);
    }

    /// Records of one partition.
    pub(crate) fn len(&self, partition: i32) -> usize {
        self.partitions.get(&partition).map_or(0, VecDeque::len)
    }

    /// The oldest record of one partition.
    pub(crate) fn first(&self, partition: i32) -> Option<&Rendered> {
        self.partitions.get(&partition).and_then(|records| records.front()).map(AsRef::as_ref)
    }

    /// `None`: nothing may be sent now.
    pub(crate) fn available(
        &self,
        busy: &BTreeSet<i32>,
        max_records: usize,
        max_bytes: usize,
        layout: &Layout,
    ) -> Option<Available> {
        let free =
            || self.partitions.iter().filter(|(partition, records)| !busy.contains(partition) && !records.is_empty());
        let since = free().filter_map(|(_, records)| Some(records.front()?.read_at)).min()?;
        let records: usize = free().map(|(_, records)| records.len()).sum();
        let full = records >= max_records || {
            let mut bytes = layout.empty_bytes();
            free().any(|(_, records)| {
                records.iter().enumerate().any(|(index, record)| {
                    bytes += layout.added_bytes(record, index == 0);
                    bytes > max_bytes
                })
            })
        };
        Some(Available { full, since })
    }

    /// Takes the next batch: one record of each free partition in turn, until it has `max_records` or the next
    /// record would not fit. `None`: nothing may be sent now.
    pub(crate) fn take(
        &mut self,
        busy: &BTreeSet<i32>,
        max_records: usize,
        max_bytes: usize,
        layout: &Layout,
    ) -> Option<Taken> {
        let mut turns: VecDeque<i32> =
            self.partitions.keys().copied().filter(|partition| !busy.contains(partition)).collect();
        let before = turns.iter().filter(|p| **p < self.turn).count();
        turns.rotate_left(before);
        let mut batch = Batch::default();
        let mut bytes = layout.empty_bytes();
        while batch.len() < max_records
            && let Some(partition) = turns.pop_front()
        {
            let Some(records) = self.partitions.get_mut(&partition) else {
                continue;
            };
            let Some(record) = records.pop_front() else {
                continue;
            };
            let added = layout.added_bytes(&record, batch.partition(partition).is_empty());
            if bytes + added <= max_bytes {
                bytes += added;
                batch.push(record);
                turns.push_back(partition);
            } else if batch.is_empty() {
                batch.push(record);
                return Some(Taken::TooLarge(batch));
            } else {
                // It does not fit any more: its partition waits for the next batch and is served first there.
                records.push_front(record);
                self.turn = partition;
                return Some(Taken::Batch(batch));
            }
        }
        self.turn = turns.front().copied().unwrap_or(0);
        (!batch.is_empty()).then_some(Taken::Batch(batch))
    }
}
