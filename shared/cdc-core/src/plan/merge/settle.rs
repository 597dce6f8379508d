//! What became of each record of a batch, judged by the warehouse's watermarks.

use std::collections::{BTreeMap, BTreeSet};

use super::{MergePlan, NotOursRule, Seen, TableWork};
use crate::catalog::TableId;
use crate::kafka::{BatchResponse, RecordPosition};
use crate::watermark::Watermark;

/// Offsets that the warehouse passed without having seen them, as it recorded them.
///
/// Most gaps are harmless: transaction markers and compaction leave them. A gap in which this
/// batch has a record is a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The table.
    pub table: TableId,
    /// The partition of the table's topic.
    pub partition: i64,
    /// The first missing offset.
    pub first: i64,
    /// The last missing offset, inclusive.
    pub last: i64,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordOutcome {
    /// The watermark has passed it: it is in the target or in quarantine.
    Merged,
    /// No table waits for it.
    NotOurs(NotOursRule),
    /// It has to be delivered again.
    Unsettled(Unsettled),
}

/// Why a record has to be delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unsettled {
    /// The watermark has not reached it. Another synchronisation may help.
    NotCovered,
    /// It is at or below the watermark but newer than everything merged: the topic was created
    /// anew and counts from zero again. A person has to re-provision the table.
    TopicRecreated,
    /// The watermark has passed it, but the warehouse never saw it.
    InGap,
    /// The pipeline file does not mention its topic.
    UnknownTopic,
    /// An earlier record of its partition is not settled.
    BehindUnsettled,
}

impl Unsettled {
    /// The reason's stable name for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotCovered => "not_covered",
            Self::TopicRecreated => "topic_recreated",
            Self::InGap => "in_gap",
            Self::UnknownTopic => "unknown_topic",
            Self::BehindUnsettled => "behind_unsettled",
        }
    }
}

/// What became of a whole batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    outcomes: Vec<(RecordPosition, RecordOutcome)>,
    waiting: BTreeSet<TableId>,
    stopped: BTreeMap<(TableId, i32), Unsettled>,
    unattributed: usize,
}

/// Judges every record of a plan.
///
/// Watermarks and gaps of other tables are ignored; a partition without a watermark is one of
/// which nothing was merged. After the first record of a partition that is not settled, every
/// later one of that partition is reported as well, settled or not: then the rest is right
/// whether Lambda delivers again only what is named or all that follows.
#[must_use]
pub fn settle(plan: &MergePlan, watermarks: &[Watermark], gaps: &[Gap]) -> Settlement {
    let mut settlement = Settlement {
        unattributed: plan.malformed.iter().filter(|record| record.position.is_none()).count(),
        ..Settlement::default()
    };
    let marks: BTreeMap<(&TableId, i64), &Watermark> =
        watermarks.iter().map(|mark| ((&mark.table, mark.partition), mark)).collect();
    for (table, work) in &plan.tables {
        for (partition, records) in &work.records {
            let mark = marks.get(&(table, i64::from(*partition))).copied();
            let gaps: Vec<&Gap> =
                gaps.iter().filter(|gap| gap.table == *table && gap.partition == i64::from(*partition)).collect();
            settlement.judge(table, work, *partition, records, mark, &gaps);
        }
    }
    for positions in plan.unknown_topics.values() {
        settlement.outcomes.extend(positions.iter().map(|position| {
            let outcome = RecordOutcome::Unsettled(Unsettled::UnknownTopic);
            (position.clone(), outcome)
        }));
    }
    settlement
        .outcomes
        .extend(plan.not_ours.iter().map(|(position, rule)| (position.clone(), RecordOutcome::NotOurs(*rule))));
    settlement.outcomes.sort_by(|(left, _), (right, _)| left.cmp(right));
    settlement.stop_partitions();
    settlement
}

impl Settlement {
    /// Each record once, sorted by position, with its outcome.
    #[must_use]
    pub fn outcomes(&self) -> &[(RecordPosition, RecordOutcome)] {
        &self.outcomes
    }

    /// Whether nothing has to be delivered again.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unattributed == 0
            && !self.outcomes.iter().any(|(_, outcome)| matches!(outcome, RecordOutcome::Unsettled(_)))
    }

    /// The tables for which another synchronisation may settle more. Partitions that only a
    /// person can help are not counted.
    #[must_use]
    pub fn waiting_tables(&self) -> BTreeSet<TableId> {
        self.waiting.clone()
    }

    /// The partitions that only a person can help, with the reason.
    #[must_use]
    pub fn stopped_partitions(&self) -> &BTreeMap<(TableId, i32), Unsettled> {
        &self.stopped
    }

    /// How many records could not even be named. Then the whole batch has to fail, since there
    /// is nothing to report for them.
    #[must_use]
    pub fn unattributed(&self) -> usize {
        self.unattributed
    }

    /// How many records have each reason to be delivered again.
    #[must_use]
    pub fn unsettled_counts(&self) -> BTreeMap<Unsettled, usize> {
        let mut counts = BTreeMap::new();
        for (_, outcome) in &self.outcomes {
            if let RecordOutcome::Unsettled(reason) = outcome {
                *counts.entry(*reason).or_default() += 1;
            }
        }
        counts
    }

    /// The positions to be delivered again, sorted.
    pub fn failed_positions(&self) -> impl Iterator<Item = &RecordPosition> {
        self.outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, RecordOutcome::Unsettled(_)))
            .map(|(position, _)| position)
    }

    /// The answer for an event source mapping that takes partial batch responses.
    #[must_use]
    pub fn response(&self) -> BatchResponse {
        BatchResponse::of(self.failed_positions())
    }

    fn judge(
        &mut self,
        table: &TableId,
        work: &TableWork,
        partition: i32,
        records: &[Seen],
        mark: Option<&Watermark>,
        gaps: &[&Gap],
    ) {
        for record in records {
            let outcome = judge_record(*record, mark, gaps);
            match outcome {
                RecordOutcome::Unsettled(Unsettled::NotCovered) => {
                    self.waiting.insert(table.clone());
                }
                RecordOutcome::Unsettled(reason) => {
                    self.stopped.entry((table.clone(), partition)).or_insert(reason);
                }
                RecordOutcome::Merged | RecordOutcome::NotOurs(_) => {}
            }
            let position = RecordPosition { topic: work.spec.topic.clone(), partition, offset: record.offset };
            self.outcomes.push((position, outcome));
        }
    }

    /// The stop rule: behind the first unsettled record of a partition, none is settled.
    fn stop_partitions(&mut self) {
        let mut stopped: Option<(String, i32)> = None;
        for (position, outcome) in &mut self.outcomes {
            let is_stopped = stopped
                .as_ref()
                .is_some_and(|(topic, partition)| *topic == position.topic && *partition == position.partition);
            match outcome {
                RecordOutcome::Unsettled(_) => {
                    stopped = Some((position.topic.clone(), position.partition));
                }
                RecordOutcome::Merged | RecordOutcome::NotOurs(_) if is_stopped => {
                    *outcome = RecordOutcome::Unsettled(Unsettled::BehindUnsettled);
                }
                RecordOutcome::Merged | RecordOutcome::NotOurs(_) => {}
            }
        }
    }
}

fn judge_record(record: Seen, mark: Option<&Watermark>, gaps: &[&Gap]) -> RecordOutcome {
    let Some(mark) = mark.filter(|mark| record.offset <= mark.offset) else {
        return RecordOutcome::Unsettled(Unsettled::NotCovered);
    };
    // A merged record is at most as new as the newest merged one; if this one is newer, it
    // cannot be the record that was merged under this offset.
    let is_newer_than_all = match (record.timestamp_ms, mark.kafka_timestamp_ms) {
        (Some(own), Some(newest)) => own > newest,
        _ => false,
    };
    if is_newer_than_all {
        return RecordOutcome::Unsettled(Unsettled::TopicRecreated);
    }
    let is_missing = gaps.iter().any(|gap| (gap.first..=gap.last).contains(&record.offset));
    if is_missing {
        return RecordOutcome::Unsettled(Unsettled::InGap);
    }
    RecordOutcome::Merged
}
