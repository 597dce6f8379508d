//! The schemas that a table's events carry: what they were seen to be, in their order, and what
//! became of each column from one to the next.
//!
//! Where nobody tells of schema changes, the schema inside an event is its version. What an
//! `ALTER TABLE` did is not told; PostgreSQL's order of columns tells most of it (`step.rs`). What
//! cannot be told counts as unknown, never as a guess.

use std::collections::{BTreeMap, BTreeSet};

use super::connect;
use super::{SourceColumn, SourceTable};
use crate::event::{Decoded, Source, decode};
use crate::kafka::{Record, RecordPosition};

pub(super) use known::known;
use step::Step;

/// Where a schema was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) timestamp_ms: Option<i64>,
    /// The event's place in the source's log and the source's clock, where it has them.
    pub(super) source: Source,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl Place {
    fn of(record: &Record) -> Self {
        let source = match decode(record) {
            Decoded::Change(change) => change.source,
            Decoded::Truncate(truncate) => truncate.source,
            _ => Source::default(),
        };
        let (partition, offset) = (record.position.partition, record.position.offset);
        Self { timestamp_ms: record.timestamp_ms, source, partition, offset }
    }

    /// A connector that crashed sends events again that are older than what it sent before.
    fn is_before(&self, other: &Self) -> bool {
        if other.source.is_staler_than(&self.source) {
            return false;
        }
        self.source.is_staler_than(&other.source) || self.came_before(other)
    }

    /// Within a partition the offset decides, between them Kafka's time, and the source's position
    /// where several records have the same time.
    fn came_before(&self, other: &Self) -> bool {
        if self.partition == other.partition {
            return self.offset < other.offset;
        }
        let position = |place: &Self| place.source.position.as_ref().map(|position| position.position.clone());
        (self.timestamp_ms, position(self)) < (other.timestamp_ms, position(other))
    }
}

/// A schema, and from where to where it was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    texts: (Option<String>, String),
    pub(super) table: SourceTable,
    pub(super) first: Place,
    pub(super) last: Place,
}

/// All schemas of one topic's events that were seen, the newest last.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenSchemas {
    seen: Vec<Seen>,
    /// The keys of the oldest records that are not merged yet, one for each partition that has
    /// some.
    unmerged: Vec<Vec<String>>,
}

impl SeenSchemas {
    /// Takes in an event's schemas. Returns whether they are a change event's.
    pub(super) fn learn(&mut self, record: &Record, key_schema: Option<&str>, value_schema: &str) -> bool {
        let known = self.seen.iter().position(|seen| {
            // A truncation has no key and says nothing about it.
            seen.texts.1 == value_schema && (key_schema.is_none() || seen.texts.0.as_deref() == key_schema)
        });
        let place = Place::of(record);
        let mut seen = match known {
            Some(index) => self.seen.remove(index),
            None => {
                let Some(table) = super::from_event_schema(key_schema, value_schema) else { return false };
                let texts = (key_schema.map(str::to_owned), value_schema.to_owned());
                Seen { texts, table, first: place.clone(), last: place.clone() }
            }
        };
        if place.is_before(&seen.first) {
            seen.first = place;
        } else if seen.last.is_before(&place) {
            seen.last = place;
        }
        let after = self.seen.iter().rposition(|other| !seen.last.is_before(&other.last)).map_or(0, |index| index + 1);
        self.seen.insert(after, seen);
        true
    }

    /// Takes in the oldest record of a partition that is not merged.
    pub(super) fn learn_unmerged(&mut self, key_schema: &str) {
        let key = connect::names(key_schema);
        if !key.is_empty() {
            self.unmerged.push(key);
        }
    }

    /// Whether a schema with the same columns was seen.
    pub(super) fn knows(&self, value_schema: &str) -> bool {
        let Some(table) = super::from_event_schema(None, value_schema) else { return true };
        let all = |table: &SourceTable| forms(table, &|_| true);
        self.seen.iter().any(|seen| all(&seen.table) == all(&table))
    }

    /// What the newest schema was learned from, for the control schema.
    pub(super) fn learned_from(&self, topic: &str) -> Option<String> {
        let Seen { texts: (key, value), last, .. } = self.seen.last()?;
        let position = RecordPosition { topic: topic.to_owned(), partition: last.partition, offset: last.offset };
        super::recorded::text(&super::recorded::event(position, last, key.as_deref(), value)?)
    }

    /// Whether the events are flattened rows.
    fn is_flattened(&self) -> bool {
        self.seen.last().is_some_and(|seen| connect::is_flattened(&seen.texts.1))
    }

    /// Where the newest schema was seen first, for people.
    fn place(&self) -> String {
        let Some(Seen { first, .. }) = self.seen.last() else { return String::new() };
        let position = first
            .source
            .position
            .as_ref()
            .map_or_else(String::new, |position| format!(", source position {}", position.position));
        format!("partition {} offset {}{position}", first.partition, first.offset)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.seen.iter()
    }

    /// The newest schema's table, with the key that the records have which are merged next: a key
    /// changes when all records with the former one are merged. None before any was seen.
    pub(super) fn newest(&self) -> Option<SourceTable> {
        let newest = self.seen.last()?;
        Some(SourceTable { columns: newest.table.columns.clone(), key: self.key().to_vec() })
    }

    fn key(&self) -> &[String] {
        let keys = || self.seen.iter().rev().map(|seen| seen.table.key.as_slice()).filter(|key| !key.is_empty());
        let newest = keys().next().unwrap_or_default();
        if self.unmerged.iter().all(|key| key == newest) {
            return newest;
        }
        let former = |key: &&[String]| *key != newest && self.unmerged.iter().any(|unmerged| unmerged == key);
        keys().rfind(former).unwrap_or(newest)
    }

    /// The attributes of the records' keys, if they were ever those of this key: then another key
    /// is a change. None if the table has a key of its own, whatever the records' is.
    pub(super) fn records_key(&self, key: &[String]) -> Option<BTreeSet<String>> {
        let set = |key: &[String]| key.iter().cloned().collect::<BTreeSet<String>>();
        let wanted = set(key);
        self.seen.iter().any(|seen| set(&seen.table.key) == wanted).then_some(wanted)
    }

    /// The key of the records that are merged next, if this one was ever the records' own.
    pub(super) fn key_like(&self, key: &[String]) -> Option<Vec<String>> {
        self.records_key(key).map(|_| self.key().to_vec()).filter(|key| !key.is_empty())
    }

    /// The names of all columns that any schema has.
    pub(super) fn attributes(&self) -> BTreeSet<String> {
        self.seen.iter().flat_map(|seen| &seen.table.columns).map(|column| column.name.clone()).collect()
    }

    /// The names of columns of the newest schema of which it does not tell how many digits of a second
    /// they have.
    pub(super) fn untold_digits(&self) -> Vec<String> {
        let columns = self.seen.last().map(|seen| seen.table.columns.as_slice()).unwrap_or_default();
        let is_open = |column: &&SourceColumn| {
            column.sql.is_none() && column.field.as_ref().is_some_and(connect::Field::leaves_digits_open)
        };
        columns.iter().filter(is_open).map(|column| column.name.clone()).collect()
    }

    /// Whether a schema's event came from PostgreSQL.
    pub(super) fn is_postgres(&self) -> bool {
        self.seen.last().is_some_and(|seen| connect::is_postgres(&seen.texts.1))
    }
}

/// What a column of the newest schema was in an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ancestor {
    Column(Box<SourceColumn>),
    Absent { default: Option<String>, reuses_name: bool },
    Unknown,
}

/// For each of the newest schema's columns in `names`, what it was in each schema, in their order.
pub(super) fn ancestors(seen: &[&Seen], names: &[String], is_postgres: Option<bool>) -> Vec<Vec<Ancestor>> {
    let Some((newest, _)) = seen.split_last() else { return Vec::new() };
    let find = |table: &SourceTable, name: &str| table.columns.iter().find(|column| column.name == name).cloned();
    let mut lineage: Vec<Ancestor> = names
        .iter()
        .map(|name| find(&newest.table, name).map_or(Ancestor::Unknown, |column| Ancestor::Column(Box::new(column))))
        .collect();
    let mut found = vec![lineage.clone()];
    for pair in seen.windows(2).rev() {
        let [older, newer] = pair else { continue };
        let step = Step::new(&older.table, &newer.table, is_postgres);
        for ancestor in &mut lineage {
            if let Ancestor::Column(column) = ancestor {
                *ancestor = step.before(column);
            }
        }
        found.push(lineage.clone());
    }
    found.reverse();
    found
}

fn form(column: &SourceColumn) -> Option<&str> {
    column.field.as_ref().map(|field| field.form.as_str())
}

/// The forms of a schema's columns that count.
pub(super) fn forms(table: &SourceTable, counts: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
    let counted = table.columns.iter().filter(|column| counts(&column.name));
    counted.filter_map(|column| Some((column.name.clone(), form(column)?.to_owned()))).collect()
}

mod known;
mod step;
#[cfg(test)]
mod tests;
