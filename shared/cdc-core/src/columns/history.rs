//! A table's definitions in the order of the source's log, and how a present column is read from
//! the events of each.
//!
//! Debezium's schema-change records tell each new definition as a whole. What became of a column
//! (renamed, dropped and added anew) is in the statement only: it is parsed for that, and where
//! it cannot be, a column that may be either counts as unknown, never as one of them.

mod implicit;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use statement::{Moves, folded};

use super::representation::field_name;
use super::{SourceColumn, SourceTable, TableName, changed_table, from_structure, is_postgres};
use crate::catalog::{ChangePoint, FormerColumn, FormerVersion, SchemaChangeMark};
use crate::event::{SchemaChange, TableChangeKind, TableStructure};
use crate::kafka::Record;
use crate::pipeline::{ConnectorSettings, FieldNameAdjustment};

/// The definitions of one table, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    steps: Vec<Step>,
    /// The table is dropped, and nothing has created it again yet.
    dropped: bool,
    mark: Option<SchemaChangeMark>,
    /// Where the first record about the table was.
    first_offset: Option<i64>,
    /// The last one that tells the table.
    last: Option<Record>,
}

/// One definition and how it came from the one before it.
#[derive(Debug, Clone)]
struct Step {
    /// None when the record does not tell: then no event can be told to be older.
    point: Option<ChangePoint>,
    structure: TableStructure,
    table: SourceTable,
    /// What the statement did to names. None: it could not be followed, and a column that is new
    /// may be one that is gone.
    moves: Option<Moves>,
    /// The table was dropped before and created anew.
    is_fresh: bool,
}

/// What a schema change is known by when a connector that crashed tells it again: Debezium delivers
/// at least once ("Debezium Frequently Asked Questions"), and what is told again has the place, the
/// time and the statement that it had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    server_id: i64,
    position: String,
    source_ms: Option<i64>,
    database: Option<String>,
    ddl: Option<String>,
    tables: Vec<Vec<String>>,
}

impl Told {
    /// None where the record has no place in the log: it may be any other that looks like it.
    pub(super) fn of(change: &SchemaChange) -> Option<Self> {
        let log = change.source.log.as_ref()?;
        Some(Self {
            server_id: log.server_id,
            position: log.position.clone(),
            source_ms: change.source.ts_ms,
            database: change.database.clone(),
            ddl: change.ddl.clone(),
            tables: change.changes.iter().map(|table| table.id.clone()).collect(),
        })
    }
}

/// Takes in that a schema change was told again: it is the last record about its tables, and
/// says nothing new.
pub(super) fn pass(histories: &mut BTreeMap<TableName, History>, change: &SchemaChange, record: &Record) {
    for table_change in &change.changes {
        let history = changed_table(change, table_change).and_then(|name| histories.get_mut(&name));
        if let Some(mark) = history.and_then(|history| history.mark.as_mut()) {
            (mark.partition, mark.offset) = (record.position.partition, record.position.offset);
        }
    }
}

/// Takes in one schema-change record.
pub(super) fn learn(histories: &mut BTreeMap<TableName, History>, change: &SchemaChange, record: &Record) {
    let moves = change.ddl.as_deref().and_then(statement::moves);
    if !change.source.snapshot {
        for (former, name) in moves.iter().flat_map(|moves| &moves.tables) {
            rename(histories, change, former, name);
        }
    }
    for table_change in &change.changes {
        let Some(name) = changed_table(change, table_change) else { continue };
        let history = histories.entry(name).or_default();
        history.first_offset.get_or_insert(record.position.offset);
        history.mark = Some(SchemaChangeMark {
            topic: record.position.topic.clone(),
            table: quoted_id(&table_change.id),
            partition: record.position.partition,
            offset: record.position.offset,
            position: change.source.log.as_ref().map(|log| log.position.clone()),
        });
        if table_change.table.is_some() {
            history.last = Some(record.clone());
        }
        match (&table_change.table, table_change.kind) {
            // A snapshot tells the definitions as they are: its DROP and CREATE change nothing.
            (_, TableChangeKind::Drop) => history.dropped = !change.source.snapshot,
            (Some(structure), kind) => {
                // CREATE of a table that is there replaces it.
                history.dropped |= kind == TableChangeKind::Create && !change.source.snapshot;
                history.push(structure, change, record, moves.clone());
            }
            (None, TableChangeKind::Create | TableChangeKind::Alter) => {}
        }
    }
}

/// A table that got another name: under the former one the next table is another, and under the
/// new one it is itself another than what had the name before. Not so where a tool for online
/// changes puts its copy in a table's place: the copy has the table's rows.
fn rename(histories: &mut BTreeMap<TableName, History>, change: &SchemaChange, former: &str, name: &str) {
    let named = |table: &str| TableName { container: change.database.clone(), table: table.to_owned() };
    let is_copy = COPIES.iter().any(|(before, behind)| former == format!("{before}{name}{behind}"));
    if let Some(history) = histories.get_mut(&named(former)) {
        history.dropped = true;
    }
    if let Some(history) = histories.get_mut(&named(name)) {
        history.dropped = !is_copy;
    }
}

/// What tools for online changes put around a table's name to name its copy: gh-ost ("Understanding
/// gh-ost output": `_t_gho`), pt-online-schema-change ("--new-table-name": `_t_new`).
const COPIES: [(&str, &str); 2] = [("_", "_gho"), ("_", "_new")];

/// `"db"."table"`, as Debezium writes a table's id.
fn quoted_id(parts: &[String]) -> String {
    parts.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

impl History {
    fn push(&mut self, structure: &TableStructure, change: &SchemaChange, record: &Record, moves: Option<Moves>) {
        let is_fresh = std::mem::take(&mut self.dropped);
        if !is_fresh && self.steps.last().is_some_and(|last| last.structure == *structure) {
            // Two columns that are alike may have changed their places.
            if moves.as_ref().is_some_and(Moves::is_empty) {
                return;
            }
        }
        let point = change.source.log.clone().map(|log| ChangePoint {
            log,
            position: change.source.position.clone(),
            source_ms: change.source.ts_ms,
            connector_ms: change.ts_ms,
            kafka_timestamp_ms: record.timestamp_ms,
        });
        self.steps.push(Step {
            point,
            structure: structure.clone(),
            table: from_structure(structure, is_postgres(change)),
            // The statement that renamed the table says nothing of what it was renamed from.
            moves: moves.filter(|moves| moves.tables.is_empty()),
            is_fresh,
        });
    }

    /// Takes in what was before the first definition that is known, if it was told at a smaller offset.
    pub(super) fn begin_with(&mut self, before: Self, offset: i64) {
        if self.first_offset.is_none_or(|first| first > offset) {
            self.steps.splice(0..0, before.steps);
            self.first_offset = Some(offset);
        }
    }

    /// What the newest definition was learned from, for the control schema.
    pub(super) fn learned_from(&self) -> Option<String> {
        super::recorded::text(self.last.as_ref()?)
    }

    /// The last record about the table.
    pub(super) fn mark(&self) -> Option<&SchemaChangeMark> {
        self.mark.as_ref()
    }

    /// Every name that a column has had in the events.
    pub(super) fn attributes(&self, adjustment: FieldNameAdjustment) -> BTreeSet<String> {
        let columns = self.steps.iter().flat_map(|step| &step.table.columns);
        columns.map(|column| field_name(&column.name, adjustment)).collect()
    }

    /// How the connector writes names into the events: as it is stated, or so that columns of the
    /// newest definition have these `names` there.
    pub(super) fn adjustment(&self, names: &[String], settings: &ConnectorSettings) -> FieldNameAdjustment {
        let fits = |mode: &FieldNameAdjustment| names.iter().all(|name| self.source_name(name, *mode).is_some());
        let modes = [FieldNameAdjustment::None, FieldNameAdjustment::Avro, FieldNameAdjustment::AvroUnicode];
        settings.field_names.or_else(|| modes.into_iter().find(fits)).unwrap_or(FieldNameAdjustment::None)
    }

    /// The source's own name of a column that has this name in the events.
    fn source_name(&self, name: &str, adjustment: FieldNameAdjustment) -> Option<&str> {
        let newest = self.steps.last()?;
        let mut columns = newest.table.columns.iter();
        columns.find(|column| field_name(&column.name, adjustment) == name).map(|column| column.name.as_str())
    }

    /// The names of the newest definition's columns in the events.
    pub(super) fn present_attributes(&self, adjustment: FieldNameAdjustment) -> BTreeSet<String> {
        self.steps.last().map(|step| step.attributes(adjustment)).unwrap_or_default()
    }

    /// The keys that the table has had since it was created, oldest first.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &[String]> {
        let first = self.steps.iter().rposition(|step| step.is_fresh).unwrap_or_default();
        self.steps.iter().skip(first).map(|step| step.table.key.as_slice())
    }

    /// The names of columns in the definitions before this one, since the table was created.
    fn attributes_before(&self, step: &Step) -> BTreeSet<&str> {
        let before = self.steps.iter().take_while(|candidate| !std::ptr::eq(*candidate, step));
        before.flat_map(|step| &step.table.columns).map(|column| column.name.as_str()).collect()
    }

    /// The versions before the newest, oldest first: for each of the newest definition's columns
    /// in `names`, what it was. Names are those of the events.
    pub(super) fn former(&self, names: &[String], adjustment: FieldNameAdjustment) -> Vec<Former> {
        let mut versions = Vec::new();
        let source_name = |name: &String| self.source_name(name, adjustment).unwrap_or(name).to_owned();
        let in_events = |column: &SourceColumn| {
            Box::new(SourceColumn { name: field_name(&column.name, adjustment), ..column.clone() })
        };
        let mut lineage: Vec<Ancestor> = names.iter().map(|name| Ancestor::Named(source_name(name))).collect();
        let mut since: Vec<Vec<SourceColumn>> = vec![Vec::new(); names.len()];
        let mut discarded = false;
        for pair in self.steps.windows(2).rev() {
            let [older, newer] = pair else { continue };
            let Some(until) = newer.point.clone() else { break };
            discarded |= newer.is_fresh;
            for (ancestor, since) in lineage.iter_mut().zip(&mut since) {
                if let Ancestor::Named(name) = ancestor {
                    if let Some(column) = newer.column(name)
                        && since.first().is_none_or(|known| known.sql != column.sql)
                    {
                        since.insert(0, column.clone());
                    }
                    *ancestor = newer.before(name, older);
                }
            }
            let columns = lineage.iter().zip(&since).map(|(ancestor, since)| match ancestor {
                Ancestor::Named(name) => older.column(name).map_or(FormerSource::Unknown, |column| {
                    FormerSource::Column { was: in_events(column), since: since.clone() }
                }),
                Ancestor::Absent { name, default } => FormerSource::Absent {
                    default: default.clone(),
                    reuses_name: self.attributes_before(newer).contains(name.as_str()),
                },
                Ancestor::Unknown => FormerSource::Unknown,
            });
            let columns = columns.collect();
            versions.push(Former { until, discarded, columns, attributes: older.attributes(adjustment) });
        }
        versions.reverse();
        versions
    }
}

/// One former version, its columns as the source had them.
pub(super) struct Former {
    pub(super) until: ChangePoint,
    pub(super) discarded: bool,
    pub(super) columns: Vec<FormerSource>,
    /// The names of all its columns in the events.
    pub(super) attributes: BTreeSet<String>,
}

/// What a present column was.
pub(super) enum FormerSource {
    /// The column of the time, and what it has been since, oldest first, the present column last.
    Column {
        was: Box<SourceColumn>,
        since: Vec<SourceColumn>,
    },
    Absent {
        default: Option<String>,
        reuses_name: bool,
    },
    Unknown,
}

/// Leaves out versions that read like the one after them. `attributes` are those of the present one.
pub(super) fn compress(versions: Vec<FormerVersion>, attributes: &mut Vec<BTreeSet<String>>) -> Vec<FormerVersion> {
    let mut kept: Vec<FormerVersion> = Vec::new();
    for version in versions {
        if let Some(last) = kept.last_mut()
            && last.discarded == version.discarded
            && last.columns == version.columns
        {
            last.until = version.until;
            add(&mut last.attributes, version.attributes);
            continue;
        }
        kept.push(version);
    }
    let is_present =
        |last: &mut FormerVersion| !last.discarded && last.columns.iter().all(|column| *column == FormerColumn::Same);
    while let Some(last) = kept.pop_if(is_present) {
        add(attributes, last.attributes);
    }
    kept
}

fn add(sets: &mut Vec<BTreeSet<String>>, more: Vec<BTreeSet<String>>) {
    for set in more {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
}

enum Ancestor {
    Named(String),
    Absent { name: String, default: Option<String> },
    Unknown,
}

impl Step {
    fn attributes(&self, adjustment: FieldNameAdjustment) -> BTreeSet<String> {
        self.table.columns.iter().map(|column| field_name(&column.name, adjustment)).collect()
    }

    /// A column by the name that a statement or another definition has for it.
    fn column(&self, name: &str) -> Option<&SourceColumn> {
        let exact = self.table.columns.iter().find(|column| column.name == name);
        exact.or_else(|| self.table.columns.iter().find(|column| folded(&column.name) == folded(name)))
    }

    /// What a column of this definition was in the one before.
    fn before(&self, name: &str, older: &Step) -> Ancestor {
        let moves = self.moves.as_ref().filter(|_| !self.is_fresh);
        let former = moves.and_then(|moves| moves.former_name(name)).and_then(|former| older.column(former));
        if let Some(former) = former {
            return Ancestor::Named(former.name.clone());
        }
        let is_another = moves.is_some_and(|moves| moves.is_another(name));
        if let Some(same) = older.column(name).filter(|_| !is_another && !self.is_fresh) {
            return Ancestor::Named(same.name.clone());
        }
        // A column that is gone without a word may be the one that is new.
        let is_gone = |column: &SourceColumn| {
            self.column(&column.name).is_none() && !moves.is_some_and(|moves| moves.takes_away(&column.name))
        };
        let is_computed = moves.is_some_and(|moves| moves.is_computed(name));
        if is_computed || !self.is_fresh && older.table.columns.iter().any(is_gone) {
            return Ancestor::Unknown;
        }
        let added = self.structure.columns.iter().find(|column| column.name == name);
        if let Some(text) = moves.and_then(|moves| moves.default_text(name)) {
            return Ancestor::Absent { name: name.to_owned(), default: Some(text.to_owned()) };
        }
        match added.map(|column| (column, &column.default, column.optional)) {
            Some((_, Some(default), _)) => Ancestor::Absent { name: name.to_owned(), default: Some(default.clone()) },
            Some((_, None, true)) => Ancestor::Absent { name: name.to_owned(), default: None },
            Some((column, None, false)) => match implicit::default(column) {
                Some(default) => Ancestor::Absent { name: name.to_owned(), default: Some(default) },
                None => Ancestor::Unknown,
            },
            None => Ancestor::Unknown,
        }
    }
}
