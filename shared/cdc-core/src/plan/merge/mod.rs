//! From the records of one invocation to the tables that must be synchronised, and from the
//! warehouse's watermarks back to what became of each record.
//!
//! [`plan`] is pure and sorted: the same records in any order and with any repetition give the
//! same plan. [`settle`] decides for each record whether it is done. A record on a table's
//! topic is done only when the watermark has passed its offset, whatever the record holds:
//! Redshift lands it raw, and the merge procedure applies it or puts it into quarantine in the
//! transaction that moves the watermark.

mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use settle::{Gap, RecordOutcome, Settlement, Unsettled, settle};

use crate::catalog::{TableId, TableSpec};
use crate::event::{Decoded, Operation, Source, decode};
use crate::kafka::{MalformedRecord, RecordBatch, RecordPosition};
use crate::pipeline::{Pipeline, TopicRole};

/// What one batch asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergePlan {
    /// The tables with records in the batch, by their ids.
    pub tables: BTreeMap<TableId, TableWork>,
    /// Records that no table waits for, each with the rule that says so. Sorted by position.
    pub not_ours: Vec<(RecordPosition, NotOursRule)>,
    /// Records that cannot be understood, with the reason. Those on a table's topic are part
    /// of the table's work as well: they land, and the warehouse puts them into quarantine.
    /// Sorted by position.
    pub poison: Vec<(RecordPosition, String)>,
    /// Row changes, and records that cannot be understood, of topics that the pipeline file
    /// does not mention: a trigger is wired to a topic that is no table.
    pub unknown_topics: BTreeMap<String, Vec<RecordPosition>>,
    /// Records that Lambda delivered in a form that is none. Those of a table's topic that have
    /// a position are part of the table's work as well.
    pub malformed: Vec<MalformedRecord>,
}

/// What a batch asks of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableWork {
    /// The table.
    pub spec: TableSpec,
    /// Which offsets the batch has, by partition. Never empty.
    pub partitions: BTreeMap<i32, OffsetRange>,
    /// How many records of each kind.
    pub operations: OperationCounts,
    /// The oldest time of a change in the source, in milliseconds since the epoch. None when no
    /// record tells.
    pub oldest_source_ms: Option<i64>,
    /// The newest time of a change in the source, in milliseconds since the epoch. None when no
    /// record tells.
    pub newest_source_ms: Option<i64>,
    records: BTreeMap<i32, Vec<Seen>>,
}

/// One record as far as settling needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    offset: i64,
    timestamp_ms: Option<i64>,
}

/// The offsets of one partition in a batch. There may be gaps between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The lowest.
    pub first: i64,
    /// The highest, inclusive. The watermark has to reach it.
    pub last: i64,
    /// How many different offsets there are.
    pub count: u64,
    /// The newest Kafka timestamp, in milliseconds since the epoch. None when none has one.
    pub newest_timestamp_ms: Option<i64>,
}

/// How many records of each kind a batch has for a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OperationCounts {
    /// Snapshot reads.
    pub reads: u64,
    /// Inserts.
    pub creates: u64,
    /// Updates.
    pub updates: u64,
    /// Deletes.
    pub deletes: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Truncates.
    pub truncates: u64,
    /// Anything else that is understood.
    pub others: u64,
    /// What is not understood, malformed records included.
    pub poison: u64,
}

impl OperationCounts {
    /// All records.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reads
            + self.creates
            + self.updates
            + self.deletes
            + self.tombstones
            + self.truncates
            + self.others
            + self.poison
    }
}

/// Why no table waits for a record. Such a record is done as soon as it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotOursRule {
    /// The pipeline file excludes the topic.
    ExcludedTopic,
    /// A record of the schema-change topic, or of its shape on a topic that is no table.
    /// Provisioning reads that topic by itself.
    SchemaChange,
    /// A record of the heartbeat topic, or of its shape on a topic that is no table.
    Heartbeat,
    /// A record of the transaction topic, or of its shape on a topic that is no table.
    Transaction,
    /// A record without a value on a topic that is no table.
    Tombstone,
    /// A logical message on a topic that is no table.
    Message,
}

impl NotOursRule {
    /// The rule's stable name for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExcludedTopic => "excluded_topic",
            Self::SchemaChange => "schema_change",
            Self::Heartbeat => "heartbeat",
            Self::Transaction => "transaction",
            Self::Tombstone => "tombstone",
            Self::Message => "message",
        }
    }
}

/// Folds a batch to what it asks of each table.
#[must_use]
pub fn plan(batch: &RecordBatch, pipeline: &Pipeline) -> MergePlan {
    let mut plan = MergePlan::default();
    let mut roles: BTreeMap<&str, TopicRole> = BTreeMap::new();
    for record in &batch.records {
        let position = &record.position;
        let role = roles.entry(&position.topic).or_insert_with(|| pipeline.resolve(&position.topic));
        let decoded = decode(record);
        if let Decoded::Poison { reason } = &decoded {
            plan.poison.push((position.clone(), reason.clone()));
        }
        match role {
            TopicRole::Table(spec) => {
                let work = plan.work(spec);
                work.see(position, record.timestamp_ms);
                work.count(&decoded);
            }
            TopicRole::Excluded => plan.not_ours.push((position.clone(), NotOursRule::ExcludedTopic)),
            TopicRole::SchemaChanges | TopicRole::Heartbeat | TopicRole::Transactions | TopicRole::Unknown => {
                match rule_of(role, &decoded) {
                    Some(rule) => plan.not_ours.push((position.clone(), rule)),
                    None => plan.unknown(position),
                }
            }
        }
    }
    for malformed in &batch.malformed {
        plan.malformed.push(malformed.clone());
        let Some(position) = &malformed.position else {
            continue;
        };
        match pipeline.resolve(&position.topic) {
            TopicRole::Table(spec) => {
                let work = plan.work(&spec);
                work.see(position, malformed.timestamp_ms);
                work.operations.poison += 1;
            }
            TopicRole::Excluded => plan.not_ours.push((position.clone(), NotOursRule::ExcludedTopic)),
            TopicRole::SchemaChanges => plan.not_ours.push((position.clone(), NotOursRule::SchemaChange)),
            TopicRole::Heartbeat => plan.not_ours.push((position.clone(), NotOursRule::Heartbeat)),
            TopicRole::Transactions => plan.not_ours.push((position.clone(), NotOursRule::Transaction)),
            TopicRole::Unknown => plan.unknown(position),
        }
    }
    plan.not_ours.sort();
    for work in plan.tables.values_mut() {
        work.finish();
    }
    plan
}

/// The rule for a record of a topic that is no table, by the record's shape. None for what may
/// be a row's change or is not understood on a topic that is not known: that is nobody's rule.
fn rule_of(role: &TopicRole, decoded: &Decoded<'_>) -> Option<NotOursRule> {
    match decoded {
        Decoded::SchemaChange(_) => Some(NotOursRule::SchemaChange),
        Decoded::Heartbeat { .. } => Some(NotOursRule::Heartbeat),
        Decoded::Transaction(_) => Some(NotOursRule::Transaction),
        Decoded::Message => Some(NotOursRule::Message),
        Decoded::Tombstone => Some(NotOursRule::Tombstone),
        Decoded::Change(_) | Decoded::Truncate(_) => None,
        Decoded::Poison { .. } => match role {
            TopicRole::SchemaChanges => Some(NotOursRule::SchemaChange),
            TopicRole::Heartbeat => Some(NotOursRule::Heartbeat),
            TopicRole::Transactions => Some(NotOursRule::Transaction),
            TopicRole::Table(_) | TopicRole::Excluded | TopicRole::Unknown => None,
        },
    }
}

impl MergePlan {
    /// The specs of the tables to synchronise, in the order of their ids.
    #[must_use]
    pub fn specs(&self) -> Vec<&TableSpec> {
        self.tables.values().map(|work| &work.spec).collect()
    }

    fn work(&mut self, spec: &TableSpec) -> &mut TableWork {
        self.tables.entry(spec.id()).or_insert_with(|| TableWork {
            spec: spec.clone(),
            partitions: BTreeMap::new(),
            operations: OperationCounts::default(),
            oldest_source_ms: None,
            newest_source_ms: None,
            records: BTreeMap::new(),
        })
    }

    fn unknown(&mut self, position: &RecordPosition) {
        self.unknown_topics.entry(position.topic.clone()).or_default().push(position.clone());
    }
}

impl TableWork {
    fn see(&mut self, position: &RecordPosition, timestamp_ms: Option<i64>) {
        self.records.entry(position.partition).or_default().push(Seen { offset: position.offset, timestamp_ms });
    }

    fn count(&mut self, decoded: &Decoded<'_>) {
        let counts = &mut self.operations;
        let source: Option<&Source> = match decoded {
            Decoded::Change(change) => {
                match change.operation {
                    Operation::Read => counts.reads += 1,
                    Operation::Create => counts.creates += 1,
                    Operation::Update => counts.updates += 1,
                    Operation::Delete => counts.deletes += 1,
                }
                Some(&change.source)
            }
            Decoded::Truncate(truncate) => {
                counts.truncates += 1;
                Some(&truncate.source)
            }
            Decoded::Tombstone => {
                counts.tombstones += 1;
                None
            }
            Decoded::Poison { .. } => {
                counts.poison += 1;
                None
            }
            Decoded::Heartbeat { .. } | Decoded::SchemaChange(_) | Decoded::Transaction(_) | Decoded::Message => {
                counts.others += 1;
                None
            }
        };
        if let Some(ts_ms) = source.and_then(|source| source.ts_ms) {
            let oldest = self.oldest_source_ms.get_or_insert(ts_ms);
            *oldest = ts_ms.min(*oldest);
            let newest = self.newest_source_ms.get_or_insert(ts_ms);
            *newest = ts_ms.max(*newest);
        }
    }

    /// Sorts what was seen and sums it up to ranges.
    fn finish(&mut self) {
        for (partition, records) in &mut self.records {
            records.sort_unstable();
            if let (Some(first), Some(last)) = (records.first(), records.last()) {
                self.partitions.insert(
                    *partition,
                    OffsetRange {
                        first: first.offset,
                        last: last.offset,
                        count: records.len() as u64,
                        newest_timestamp_ms: records.iter().filter_map(|record| record.timestamp_ms).max(),
                    },
                );
            }
        }
    }
}
