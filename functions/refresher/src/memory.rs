//! What a process remembers between invocations: how far each partition was covered.
//!
//! An end offset is one more than the last record's, but also more than a transaction marker's,
//! which never lands. So a partition whose watermark does not reach the end is looked at a few
//! times more and then counts as covered, until its end moves on or the daily sweep comes.
//!
//! A table that is not provisioned yet is tried again after ever longer pauses: each attempt asks
//! the warehouse, and some tables wait for good.

use std::collections::BTreeMap;

use cdc_core::catalog::TableId;
use cdc_core::watermark::Watermark;

/// At least this often all tables are synchronised, pending or not.
const SWEEP_MS: i64 = 20 * 60 * 60 * 1_000;
/// Synchronisations in vain after which the rest of a partition counts as not landing.
const TRIES_IN_VAIN: u32 = 3;

/// The pause after the first attempt on a table that is not provisioned; it doubles.
const FIRST_PAUSE_MS: i64 = 60 * 1_000;
/// The longest of these pauses.
const LONGEST_PAUSE_MS: i64 = 60 * 60 * 1_000;

/// End offsets of one topic, by partition.
pub(crate) type Ends = BTreeMap<i32, i64>;

/// What is known of earlier invocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    swept_ms: Option<i64>,
    seen: BTreeMap<(TableId, i32), Seen>,
    not_provisioned: BTreeMap<TableId, Retry>,
}

/// When to try again what is not provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retry {
    at_ms: i64,
    pause_ms: i64,
}

/// When the partition ended at `end`, the watermark was at `merged`, `tries` times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    end: i64,
    merged: Option<i64>,
    tries: u32,
}

impl Memory {
    /// Whether all tables are due.
    pub(crate) fn sweep_is_due(&self, now_ms: i64) -> bool {
        self.swept_ms.is_none_or(|swept| now_ms.saturating_sub(swept) >= SWEEP_MS)
    }

    /// Notes that all tables were synchronised.
    pub(crate) fn swept(&mut self, now_ms: i64) {
        self.swept_ms = Some(now_ms);
    }

    /// Whether Kafka has records of this table that were not covered yet.
    pub(crate) fn is_pending(&self, table: &TableId, ends: &Ends, now_ms: i64) -> bool {
        if self.not_provisioned.get(table).is_some_and(|retry| now_ms < retry.at_ms) {
            return false;
        }
        ends.iter().any(|(partition, end)| {
            // Offsets begin at 0: an end of 0 is a partition that never had a record.
            *end > 0
                && !self.seen.get(&(table.clone(), *partition)).is_some_and(|seen| {
                    let covered = seen.merged.is_some_and(|merged| merged + 1 >= *end);
                    covered || (seen.end == *end && seen.tries >= TRIES_IN_VAIN)
                })
        })
    }

    /// Notes that the warehouse does not have the table yet.
    pub(crate) fn not_provisioned(&mut self, table: &TableId, now_ms: i64) {
        let last = self.not_provisioned.get(table).map(|retry| retry.pause_ms);
        let pause_ms = last.map_or(FIRST_PAUSE_MS, |pause| (2 * pause).min(LONGEST_PAUSE_MS));
        self.not_provisioned.insert(table.clone(), Retry { at_ms: now_ms.saturating_add(pause_ms), pause_ms });
    }

    /// Notes what a synchronisation that met its goal has reached. `ends` are from before it
    /// began.
    pub(crate) fn covered(&mut self, table: &TableId, ends: &Ends, watermarks: &[Watermark]) {
        self.not_provisioned.remove(table);
        for (partition, end) in ends {
            let merged = watermarks.iter().find(|mark| mark.partition == i64::from(*partition)).map(|mark| mark.offset);
            let entry = self.seen.entry((table.clone(), *partition)).or_insert(Seen { end: *end, merged, tries: 0 });
            let tries = if entry.end == *end && entry.merged == merged { entry.tries + 1 } else { 1 };
            *entry = Seen { end: *end, merged, tries };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: i64) -> Vec<Watermark> {
        vec![Watermark {
            table: table(),
            partition: 0,
            offset,
            kafka_timestamp_ms: None,
            refresh_time_ms: None,
            gaps: 0,
            merged_at_ms: None,
        }]
    }

    fn table() -> TableId {
        TableId("shop.item".to_owned())
    }

    #[test]
    fn a_table_is_pending_until_its_watermark_reaches_the_end() {
        let mut memory = Memory::default();
        let ends = |end| Ends::from([(0, end)]);
        assert!(!memory.is_pending(&table(), &ends(0), 0));
        assert!(memory.is_pending(&table(), &ends(5), 0));
        memory.covered(&table(), &ends(5), &mark(4));
        assert!(!memory.is_pending(&table(), &ends(5), 0));
        assert!(memory.is_pending(&table(), &ends(6), 0));
        assert!(memory.is_pending(&table(), &Ends::from([(0, 5), (1, 1)]), 0));
    }

    #[test]
    fn an_end_that_never_lands_is_given_up_after_some_tries() {
        let mut memory = Memory::default();
        let ends = Ends::from([(0, 6)]);
        for _ in 0..TRIES_IN_VAIN {
            assert!(memory.is_pending(&table(), &ends, 0));
            memory.covered(&table(), &ends, &mark(4));
        }
        assert!(!memory.is_pending(&table(), &ends, 0));
        assert!(memory.is_pending(&table(), &Ends::from([(0, 7)]), 0));
        // Progress starts the count again.
        memory.covered(&table(), &Ends::from([(0, 9)]), &mark(5));
        memory.covered(&table(), &Ends::from([(0, 9)]), &mark(6));
        assert!(memory.is_pending(&table(), &Ends::from([(0, 9)]), 0));
    }

    #[test]
    fn a_table_that_is_not_provisioned_is_tried_after_ever_longer_pauses() {
        let mut memory = Memory::default();
        let ends = Ends::from([(0, 5)]);
        let mut now_ms = 0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(memory.is_pending(&table(), &ends, now_ms));
            memory.not_provisioned(&table(), now_ms);
            let pause = (1..=120).find(|minute| memory.is_pending(&table(), &ends, now_ms + minute * 60_000)).unwrap();
            assert!(!memory.is_pending(&table(), &ends, now_ms + pause * 60_000 - 1));
            pauses.push(pause);
            now_ms += pause * 60_000;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        memory.covered(&table(), &ends, &mark(3));
        assert!(memory.is_pending(&table(), &ends, now_ms));
    }

    #[test]
    fn a_sweep_is_due_at_the_start_and_then_daily() {
        let mut memory = Memory::default();
        assert!(memory.sweep_is_due(0));
        memory.swept(1_000);
        assert!(!memory.sweep_is_due(1_000 + SWEEP_MS - 1));
        assert!(memory.sweep_is_due(1_000 + SWEEP_MS));
    }
}
