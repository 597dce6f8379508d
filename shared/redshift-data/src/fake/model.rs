//! A model of what the generated objects do: refresh lands what Kafka has, merge moves the
//! watermark over what has landed.
//!
//! It understands the statements of one synchronisation by their shape and answers everything
//! else with "0 rows affected". It holds offsets only, no values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Reply;
use crate::result_set::{Cell, ResultSet};

/// One partition of one table's topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partition {
    /// Offsets in Kafka, and the timestamp of each record in milliseconds.
    pub kafka: BTreeMap<i64, i64>,
    /// Offsets that have landed.
    pub landed: BTreeSet<i64>,
    /// Offsets that never land, although Kafka delivers them to others.
    pub lost: BTreeSet<i64>,
    /// Offsets on which every merge fails.
    pub poison: BTreeSet<i64>,
    /// Offsets in quarantine.
    pub quarantined: BTreeSet<i64>,
    /// The highest merged offset.
    pub watermark: Option<i64>,
    /// The newest merged timestamp.
    pub timestamp_ms: Option<i64>,
    /// Offsets passed without having landed.
    pub gaps: BTreeSet<i64>,
}

#[derive(Debug, Clone, Default)]
struct Table {
    id: String,
    partitions: BTreeMap<i64, Partition>,
}

/// Tables by slug. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Model(Arc<Mutex<BTreeMap<String, Table>>>);

impl Model {
    /// No tables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Declares a table by slug and id (`schema.table`).
    pub fn table(&self, slug: &str, id: &str) {
        self.lock().entry(slug.to_owned()).or_default().id = id.to_owned();
    }

    /// Changes, or looks at, one partition of a declared table.
    pub fn partition<T>(&self, slug: &str, partition: i64, change: impl FnOnce(&mut Partition) -> T) -> T {
        let mut tables = self.lock();
        let table = tables.entry(slug.to_owned()).or_default();
        change(table.partitions.entry(partition).or_default())
    }

    /// Puts the offsets of this range into Kafka, with timestamps equal to the offsets.
    pub fn produce(&self, slug: &str, partition: i64, offsets: std::ops::Range<i64>) {
        self.partition(slug, partition, |state| {
            state.kafka.extend(offsets.map(|offset| (offset, offset)));
        });
    }

    /// The merged offset of a partition.
    #[must_use]
    pub fn watermark(&self, slug: &str, partition: i64) -> Option<i64> {
        self.partition(slug, partition, |state| state.watermark)
    }

    /// Runs one statement.
    pub(super) fn run(&self, sql: &str) -> Reply {
        let mut tables = self.lock();
        if let Some(slug) = between(sql, "\"sp_refresh_", "\"()") {
            return match tables.get_mut(slug) {
                Some(table) => refresh(table),
                None => missing_procedure(slug),
            };
        }
        if let Some(slug) = between(sql, "\"sp_merge_", "\"(") {
            let arguments = between(sql, "\"(", ")").unwrap_or_default();
            let numbers: Vec<i64> = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
            return match (tables.get_mut(slug), numbers.as_slice()) {
                (Some(table), &[max_rows, partition, quarantine]) => merge(table, max_rows, partition, quarantine),
                (Some(_) | None, _) => missing_procedure(slug),
            };
        }
        if sql.contains("\"catalog\"") {
            return catalog(&tables);
        }
        if sql.contains("first_offset") && sql.contains("GROUP BY l.kafka_partition") {
            return pending(&tables, sql);
        }
        if sql.contains("first_missing") {
            return gaps(&tables, sql);
        }
        if sql.contains("\"quarantine\"") {
            return quarantine(&tables, sql);
        }
        // The view over all tables, or the named tables' own.
        if sql.contains("\"watermarks\"") || sql.contains("\"watermark_") {
            return watermarks(&tables, sql);
        }
        Reply::Affected(0)
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let rest = text.get(from..)?;
    rest.get(..rest.find(end)?)
}

/// Every table's merge procedure is recorded, its topic is not.
fn catalog(tables: &BTreeMap<String, Table>) -> Reply {
    let rows = tables.iter().map(|(slug, table)| {
        let name = format!("cdc.sp_merge_{slug}");
        let text = |value: &str| Some(Cell::from(value));
        vec![text("procedure"), text(&name), text("f"), text(&table.id), None]
    });
    Reply::Rows(ResultSet::of(&["object_kind", "object_name", "fingerprint", "table_name", "topic"], rows.collect()))
}

fn missing_procedure(slug: &str) -> Reply {
    Reply::Fails(format!("ERROR: procedure for {slug} does not exist"))
}

fn refresh(table: &mut Table) -> Reply {
    for partition in table.partitions.values_mut() {
        let new: Vec<i64> = partition.kafka.keys().copied().filter(|offset| !partition.lost.contains(offset)).collect();
        partition.landed.extend(new);
    }
    Reply::Affected(0)
}

fn above_watermark(partition: &Partition) -> Vec<i64> {
    partition.landed.iter().copied().filter(|offset| partition.watermark.is_none_or(|mark| *offset > mark)).collect()
}

fn merge(table: &mut Table, max_rows: i64, only: i64, quarantine: i64) -> Reply {
    let in_scope = |number: i64| only < 0 || only == number;
    let pending: BTreeMap<i64, Vec<i64>> = table
        .partitions
        .iter()
        .filter(|(number, _)| in_scope(**number))
        .map(|(number, partition)| (*number, above_watermark(partition)))
        .filter(|(_, offsets)| !offsets.is_empty())
        .collect();
    let total: usize = pending.values().map(Vec::len).sum();
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    let share = if quarantine >= 0 {
        1
    } else if total <= max_rows {
        i64::MAX
    } else {
        (max_rows / i64::try_from(pending.len().max(1)).unwrap_or(i64::MAX)).max(1)
    };
    let mut taken: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (number, offsets) in &pending {
        let first = offsets[0];
        if quarantine >= 0 && first != quarantine {
            continue;
        }
        let last = first.saturating_add(share - 1);
        taken.insert(*number, offsets.iter().copied().filter(|offset| *offset <= last).collect());
    }
    let fails = taken
        .iter()
        .any(|(number, offsets)| quarantine < 0 && offsets.iter().any(|o| table.partitions[number].poison.contains(o)));
    if fails {
        return Reply::Fails("ERROR: Numeric data overflow (result precision)".to_owned());
    }
    let mut landed = 0;
    let mut quarantined = 0;
    for (number, offsets) in &taken {
        let partition = table.partitions.entry(*number).or_default();
        for offset in offsets {
            if let Some(mark) = partition.watermark {
                partition.gaps.extend(mark + 1..*offset);
            }
            if quarantine >= 0 {
                partition.quarantined.insert(*offset);
                quarantined += 1;
            }
            partition.watermark = Some(*offset);
            partition.timestamp_ms = partition.timestamp_ms.max(partition.kafka.get(offset).copied());
            landed += 1;
        }
    }
    Reply::Rows(ResultSet::of(
        &cdc_core::sql::merge_procedure::RESULT_COLUMNS,
        vec![
            [landed, landed - quarantined, 0, 0, quarantined, total - landed, 0]
                .map(|count| Some(Cell::Integer(count)))
                .to_vec(),
        ],
    ))
}

fn watermarks(tables: &BTreeMap<String, Table>, sql: &str) -> Reply {
    let mut own = sql.split("\"watermark_").skip(1).filter_map(|rest| rest.split('"').next());
    if let Some(missing) = own.find(|slug| !tables.contains_key(*slug)) {
        return Reply::Fails(format!("ERROR: relation \"cdc.watermark_{missing}\" does not exist"));
    }
    let everything = !sql.contains(" IN (") && !sql.contains("\"watermark_");
    let rows = tables
        .values()
        .filter(|table| everything || sql.contains(&format!("'{}'", table.id)))
        .flat_map(|table| {
            table.partitions.iter().filter_map(|(number, partition)| {
                Some(vec![
                    Some(Cell::Text(table.id.clone())),
                    Some(Cell::Integer(*number)),
                    Some(Cell::Integer(partition.watermark?)),
                    partition.timestamp_ms.map(Cell::Integer),
                    None,
                    i64::try_from(partition.gaps.len()).ok().map(Cell::Integer),
                    None,
                ])
            })
        })
        .collect();
    Reply::Rows(ResultSet::of(&cdc_core::sql::synchronise::WATERMARK_COLUMNS, rows))
}

fn pending(tables: &BTreeMap<String, Table>, sql: &str) -> Reply {
    let rows = tables
        .iter()
        .filter(|(slug, _)| sql.contains(&format!("\"{slug}\"")))
        .flat_map(|(_, table)| {
            table.partitions.iter().filter_map(|(number, partition)| {
                let offsets = above_watermark(partition);
                Some(vec![
                    Some(Cell::Integer(*number)),
                    Some(Cell::Integer(*offsets.first()?)),
                    i64::try_from(offsets.len()).ok().map(Cell::Integer),
                ])
            })
        })
        .collect();
    Reply::Rows(ResultSet::of(&["kafka_partition", "first_offset", "records"], rows))
}

fn gaps(tables: &BTreeMap<String, Table>, sql: &str) -> Reply {
    let rows = offsets_of(tables, sql, |partition| &partition.gaps)
        .map(|(number, offset)| [number, offset, offset].map(|value| Some(Cell::Integer(value))).to_vec())
        .collect();
    Reply::Rows(ResultSet::of(&["kafka_partition", "first_missing", "last_missing"], rows))
}

fn quarantine(tables: &BTreeMap<String, Table>, sql: &str) -> Reply {
    let rows = offsets_of(tables, sql, |partition| &partition.quarantined)
        .map(|(number, offset)| [number, offset].map(|value| Some(Cell::Integer(value))).to_vec())
        .collect();
    Reply::Rows(ResultSet::of(&["kafka_partition", "kafka_offset"], rows))
}

fn offsets_of(
    tables: &BTreeMap<String, Table>,
    sql: &str,
    of: impl Fn(&Partition) -> &BTreeSet<i64>,
) -> impl Iterator<Item = (i64, i64)> {
    let mut found = Vec::new();
    for table in tables.values().filter(|table| sql.contains(&format!("'{}'", table.id))) {
        for (number, partition) in &table.partitions {
            if sql.contains(&format!("kafka_partition = {number}")) {
                found.extend(of(partition).iter().map(|offset| (*number, *offset)));
            }
        }
    }
    found.into_iter()
}
