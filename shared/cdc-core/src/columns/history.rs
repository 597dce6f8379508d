//! A table's definitions in the order of the source's log, and how a present column is read from
//! the events of each.
//!
//! Debezium's schema-change records tell each new definition as a whole. What became of a column
//! (renamed, dropped and added anew) is in the statement only: it is parsed for that, and where
//! it cannot be, a column that may be either counts as unknown, never as one of them.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{AlterTableOperation, Statement};
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;

use super::{SourceTable, TableName, changed_table, from_structure, is_postgres};
use crate::catalog::{ChangePoint, FormerColumn, SchemaChangeMark};
use crate::event::{SchemaChange, TableChangeKind, TableStructure};
use crate::kafka::Record;

/// The definitions of one table, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    steps: Vec<Step>,
    /// The table is dropped, and nothing has created it again yet.
    dropped: bool,
    mark: Option<SchemaChangeMark>,
}

/// One definition and how it came from the one before it.
#[derive(Debug, Clone)]
struct Step {
    /// None when the record does not tell: then no event can be told to be older.
    point: Option<ChangePoint>,
    structure: TableStructure,
    table: SourceTable,
    /// Present name -> former name.
    renamed: BTreeMap<String, String>,
    /// Columns that the same statement dropped and added anew.
    replaced: BTreeSet<String>,
    /// The statement could not be followed: a column that is new may be one that is gone.
    is_unclear: bool,
    /// The table was dropped before and created anew.
    is_fresh: bool,
}

/// Takes in one schema-change record.
pub(super) fn learn(histories: &mut BTreeMap<TableName, History>, change: &SchemaChange, record: &Record) {
    for table_change in &change.changes {
        let Some(name) = changed_table(change, table_change) else { continue };
        let history = histories.entry(name).or_default();
        history.mark = Some(SchemaChangeMark {
            topic: record.position.topic.clone(),
            table: quoted_id(&table_change.id),
            partition: record.position.partition,
            offset: record.position.offset,
        });
        // A snapshot tells the definitions as they are: its DROP and CREATE change nothing.
        match (&table_change.table, table_change.kind) {
            (_, TableChangeKind::Drop) => history.dropped = !change.source.snapshot,
            (Some(structure), TableChangeKind::Create | TableChangeKind::Alter) => {
                history.push(structure, change, record);
            }
            (None, TableChangeKind::Create | TableChangeKind::Alter) => {}
        }
    }
}

/// `"db"."table"`, as Debezium writes a table's id.
fn quoted_id(parts: &[String]) -> String {
    parts.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

impl History {
    fn push(&mut self, structure: &TableStructure, change: &SchemaChange, record: &Record) {
        let is_fresh = std::mem::take(&mut self.dropped);
        if !is_fresh && self.steps.last().is_some_and(|last| last.structure == *structure) {
            return;
        }
        let moves = change.ddl.as_deref().and_then(column_moves);
        let (renamed, replaced, is_unclear) = match moves {
            Some(moves) => (moves.renamed, moves.replaced, false),
            None => (BTreeMap::new(), BTreeSet::new(), true),
        };
        let point = change.source.log.clone().map(|log| ChangePoint {
            log,
            position: change.source.position.clone(),
            source_ms: change.source.ts_ms,
            kafka_timestamp_ms: record.timestamp_ms,
        });
        self.steps.push(Step {
            point,
            structure: structure.clone(),
            table: from_structure(structure, is_postgres(change)),
            renamed,
            replaced,
            is_unclear,
            is_fresh,
        });
    }

    /// The last record about the table.
    pub(super) fn mark(&self) -> Option<&SchemaChangeMark> {
        self.mark.as_ref()
    }

    /// Every name that a column has had.
    pub(super) fn attributes(&self) -> BTreeSet<String> {
        self.steps.iter().flat_map(|step| &step.table.columns).map(|column| column.name.clone()).collect()
    }

    /// The names of columns in the definitions before this one, since the table was created.
    fn attributes_before(&self, step: &Step) -> BTreeSet<&str> {
        let before = self.steps.iter().take_while(|candidate| !std::ptr::eq(*candidate, step));
        before.flat_map(|step| &step.table.columns).map(|column| column.name.as_str()).collect()
    }

    /// The versions before the newest, oldest first: for each of the newest definition's columns
    /// in `names`, what it was.
    pub(super) fn former(&self, names: &[String]) -> Vec<Former> {
        let mut versions = Vec::new();
        let mut lineage: Vec<Ancestor> = names.iter().map(|name| Ancestor::Named(name.clone())).collect();
        let mut discarded = false;
        for pair in self.steps.windows(2).rev() {
            let [older, newer] = pair else { continue };
            let Some(until) = newer.point.clone() else { break };
            discarded |= newer.is_fresh;
            for ancestor in &mut lineage {
                if let Ancestor::Named(name) = ancestor {
                    *ancestor = newer.before(name, older);
                }
            }
            versions.push(Former {
                until,
                discarded,
                columns: lineage
                    .iter()
                    .map(|ancestor| match ancestor {
                        Ancestor::Named(name) => older
                            .table
                            .columns
                            .iter()
                            .find(|column| column.name == *name)
                            .map_or(FormerSource::Unknown, |column| FormerSource::Column(Box::new(column.clone()))),
                        Ancestor::Absent { name, default } => FormerSource::Absent {
                            default: default.clone(),
                            reuses_name: self.attributes_before(newer).contains(name.as_str()),
                        },
                        Ancestor::Unknown => FormerSource::Unknown,
                    })
                    .collect(),
            });
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
}

/// What a present column was.
pub(super) enum FormerSource {
    Column(Box<super::SourceColumn>),
    Absent { default: Option<String>, reuses_name: bool },
    Unknown,
}

/// Leaves out versions that read like the one after them.
pub(super) fn compress(versions: Vec<crate::catalog::FormerVersion>) -> Vec<crate::catalog::FormerVersion> {
    let mut kept: Vec<crate::catalog::FormerVersion> = Vec::new();
    for version in versions {
        if let Some(last) = kept.last_mut()
            && last.discarded == version.discarded
            && last.columns == version.columns
        {
            last.until = version.until;
            continue;
        }
        kept.push(version);
    }
    while kept
        .last()
        .is_some_and(|last| !last.discarded && last.columns.iter().all(|column| *column == FormerColumn::Same))
    {
        kept.pop();
    }
    kept
}

enum Ancestor {
    Named(String),
    Absent { name: String, default: Option<String> },
    Unknown,
}

impl Step {
    /// What a column of this definition was in the one before.
    fn before(&self, name: &str, older: &Step) -> Ancestor {
        let existed = |name: &str| older.table.columns.iter().any(|column| column.name == name);
        if let Some(former) = self.renamed.get(name)
            && existed(former)
        {
            return Ancestor::Named(former.clone());
        }
        if existed(name) && !self.replaced.contains(name) && !self.is_fresh {
            return Ancestor::Named(name.to_owned());
        }
        let still_there = |name: &str| self.table.columns.iter().any(|column| column.name == name);
        let is_any_gone = older.table.columns.iter().any(|column| !still_there(&column.name));
        if self.is_unclear && is_any_gone {
            return Ancestor::Unknown;
        }
        let absent = |default| Ancestor::Absent { name: name.to_owned(), default };
        let added = self.structure.columns.iter().find(|column| column.name == name);
        match added.map(|column| (&column.default, column.optional)) {
            Some((Some(default), _)) => absent(Some(default.clone())),
            Some((None, true)) => absent(None),
            // NOT NULL without a default: the database chose a value by its type.
            Some((None, false)) | None => Ancestor::Unknown,
        }
    }
}

/// What an `ALTER TABLE` does to columns' names.
#[derive(Default)]
struct ColumnMoves {
    renamed: BTreeMap<String, String>,
    replaced: BTreeSet<String>,
}

/// None when the statement cannot be parsed.
fn column_moves(ddl: &str) -> Option<ColumnMoves> {
    let statements = Parser::parse_sql(&MySqlDialect {}, ddl).ok()?;
    let mut moves = ColumnMoves::default();
    for statement in statements {
        let Statement::AlterTable(alter) = statement else { continue };
        let mut dropped = BTreeSet::new();
        let mut added = BTreeSet::new();
        for operation in alter.operations {
            match operation {
                AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                    moves.renamed.insert(new_column_name.value, old_column_name.value);
                }
                AlterTableOperation::ChangeColumn { old_name, new_name, .. } if old_name.value != new_name.value => {
                    moves.renamed.insert(new_name.value, old_name.value);
                }
                AlterTableOperation::DropColumn { column_names, .. } => {
                    dropped.extend(column_names.into_iter().map(|name| name.value));
                }
                AlterTableOperation::AddColumn { column_def, .. } => {
                    added.insert(column_def.name.value);
                }
                _ => {}
            }
        }
        moves.replaced.extend(dropped.intersection(&added).cloned());
    }
    Some(moves)
}

#[cfg(test)]
mod tests;
