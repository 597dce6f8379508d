//! Columns that the source renamed keep their values under the new name.
//!
//! What the source dropped stays in the target, so that a new name may be taken: by such a column,
//! or by one that has another name itself now. The one is put aside; the other moves on first.

use super::attached::Replaced;
use super::tables::observed_type;
use super::{ObjectKind, Observed, ObservedColumn, changes, kept, protections};
use crate::catalog::{Column, FormerColumn, TableDefinition};
use crate::sql::control_schema::{self, CatalogEntry};
use crate::sql::layout::Layout;
use crate::sql::reshape::{self, Move};
use crate::sql::target_table;

/// The target's column that has a column's values before the names are changed.
pub(super) fn found<'a>(
    column: &Column,
    former: &FormerColumn,
    existing: &'a [ObservedColumn],
) -> Option<&'a ObservedColumn> {
    let by_name = |name: &str| existing.iter().find(|found| found.name == name);
    former_name(column, former).and_then(|name| by_name(&name)).or_else(|| by_name(&column.target_name))
}

fn former_name(column: &Column, former: &FormerColumn) -> Option<String> {
    let was = former.was().filter(|was| was.source_name != column.source_name)?;
    Some(was.source_name.to_lowercase()).filter(|name| *name != column.target_name)
}

/// The name that a column's values have in the target before names are changed.
pub(super) fn name_in_target(table: &TableDefinition, observed: &Observed, column: &Column) -> String {
    let own = || column.target_name.clone();
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let Some(existing) = observed.columns.get(&relation) else { return own() };
    let former = super::tables::former_in_target(table, column, observed);
    let former = former.and_then(|former| former_name(column, former));
    match former {
        Some(name) if existing.iter().any(|found| found.name == name) && !is_done(table, observed, existing) => name,
        _ => own(),
    }
}

/// What the catalog has of names that were given by a run that did not come to its end.
fn sign(table: &TableDefinition) -> (String, String) {
    (ObjectKind::TableState.as_str().to_owned(), format!("{} names", table.spec.id()))
}

/// Records that the names are given, where a column gets the name of one that was renamed: nothing else would
/// tell the two apart afterwards.
fn record(
    layout: &Layout,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    moves: &[Move<'_>],
) -> Option<String> {
    let is_free = |name: &str| !existing.iter().any(|found| found.name == name);
    let is_given_anew = |step: &Move<'_>| match step {
        Move::Rename { from, .. } => table.columns.iter().any(|column| column.target_name == *from) && is_free(from),
        Move::Copy { .. } => false,
    };
    let suffix = kept::suffix(table, observed).filter(|_| moves.iter().any(is_given_anew))?;
    let (object_kind, object_name) = sign(table);
    let id = table.spec.id();
    let entry = CatalogEntry {
        object_kind: &object_kind,
        object_name: &object_name,
        action: "alter",
        fingerprint: &suffix,
        table_name: Some(id.as_str()),
        topic: Some(&table.spec.topic),
        reason: "columns have the names that they have in the source now",
    };
    Some(control_schema::record_in_catalog(layout, &[entry]))
}

/// What is put aside already was put aside by a run that did not come to its end.
fn is_done(table: &TableDefinition, observed: &Observed, existing: &[ObservedColumn]) -> bool {
    kept::suffix(table, observed).is_some_and(|suffix| {
        existing.iter().any(|found| found.name.contains(&suffix)) || observed.catalog.get(&sign(table)) == Some(&suffix)
    })
}

/// A column whose values are under another name.
struct Pending<'a> {
    from: String,
    column: &'a Column,
    /// They stay there, too.
    is_kept: bool,
}

fn rename(existing: &mut [ObservedColumn], moves: &mut Vec<Move<'_>>, from: &str, to: &str) {
    moves.push(Move::Rename { from: from.to_owned(), to: to.to_owned() });
    for found in existing.iter_mut().filter(|found| found.name == from) {
        to.clone_into(&mut found.name);
    }
}

/// What gives the target's columns their present names; `existing` has them afterwards.
pub(super) fn statements(
    layout: &Layout,
    table: &TableDefinition,
    observed: &Observed,
    existing: &mut Vec<ObservedColumn>,
    replaced: &mut Replaced,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let Some(base) = changes::assumed_base(table, observed) else {
        return Vec::new();
    };
    let exists = |existing: &[ObservedColumn], name: &str| existing.iter().any(|found| found.name == name);
    if is_done(table, observed, existing) {
        return Vec::new();
    }
    let before = existing.clone();
    let mut pending: Vec<Pending<'_>> = Vec::new();
    for (column, former) in table.columns.iter().zip(&base.columns) {
        if let Some(from) = former_name(column, former)
            && exists(existing, &from)
        {
            pending.push(Pending { from, column, is_kept: false });
        }
    }
    let mut moves: Vec<Move<'_>> = Vec::new();
    while !pending.is_empty() {
        let free = pending.iter().position(|next| !exists(existing, &next.column.target_name));
        let left_over =
            || pending.iter().position(|next| !pending.iter().any(|other| other.from == next.column.target_name));
        let index = free.or_else(left_over);
        let Pending { from, column, is_kept } = pending.remove(index.unwrap_or(0));
        let name = &column.target_name;
        if exists(existing, name) {
            let kept = kept::name(table, column, observed, existing);
            rename(existing, &mut moves, name, &kept);
            // A ring: the values of the one that was put aside are copied from there, so that it
            // stays as the sign that this is done.
            for next in pending.iter_mut().filter(|next| next.from == *name) {
                next.from.clone_from(&kept);
                next.is_kept = true;
                replaced.columns.insert(name.clone());
            }
        }
        if !is_kept {
            rename(existing, &mut moves, &from, name);
        } else if let Some(found) = existing.iter().find(|found| found.name == from).cloned()
            && let Some(kind) = observed_type(&found)
        {
            moves.push(Move::Copy { from, column: name, kind, rights: found.rights.clone() });
            existing.push(ObservedColumn { name: name.clone(), ..found });
        }
    }
    // A name that a column of unknown origin has now was another's.
    for (column, former) in table.columns.iter().zip(&base.columns) {
        let is_new = matches!(former, FormerColumn::Unknown);
        if is_new && !table.is_key(&column.source_name) && exists(existing, &column.target_name) {
            let kept = kept::name(table, column, observed, existing);
            rename(existing, &mut moves, &column.target_name, &kept);
        }
    }
    for step in &moves {
        if let Move::Rename { from, to } = step
            && to.contains("_until_")
        {
            warnings
                .push(format!("table {}: the values of column {from} up to here stay in column {to}", table.spec.id()));
        }
    }
    let mut records = Vec::new();
    records.extend(protections::after_moves(layout, table, observed, &before, &moves));
    records.extend(record(layout, table, observed, existing, &moves));
    match moves.as_slice() {
        [] => Vec::new(),
        [Move::Rename { from, to }] if records.is_empty() => {
            vec![target_table::rename_column(layout, table, from, to)]
        }
        moves => reshape::move_columns(layout, table, moves, &records),
    }
}
