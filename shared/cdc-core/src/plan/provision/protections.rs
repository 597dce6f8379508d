//! Which columns of a target are protected, and what takes the clear values out of one that is there.
//!
//! What was applied is recorded in the catalog for each column, in the transaction that applies it: rows
//! are never hashed twice. Hashes and masks cannot be undone, so a column stays protected as it was,
//! whatever is declared later, and under every name that it gets.

use std::collections::{BTreeMap, BTreeSet};

use super::{Declaration, Desired, ObjectKind, Observed, ObservedColumn, OnChange, kept, modes, renames, tables};
use crate::catalog::{Column, FormerColumn, Mode, Protection, TableDefinition};
use crate::sql::control_schema::{self, CatalogEntry};
use crate::sql::grants;
use crate::sql::ident::{qualified, quoted};
use crate::sql::layout::Layout;
use crate::sql::protect;
use crate::sql::reshape::{self, Copy, Move, Protected};

fn object(table: &TableDefinition, name: &str) -> String {
    format!("{}.{name}", table.spec.id())
}

fn exists(table: &TableDefinition, observed: &Observed) -> bool {
    observed.relations.contains(&(table.spec.target_schema.clone(), table.spec.target_table.clone()))
}

/// What the catalog says of a column of the target, whether or not the target is there.
fn in_catalog(table: &TableDefinition, observed: &Observed, name: &str) -> Option<Protection> {
    let key = (ObjectKind::Protection.as_str().to_owned(), object(table, name));
    observed.catalog.get(&key).map(|record| Protection::of_record(record))
}

/// How the values are protected that a column has in the target now. None: they are clear, or there are
/// none.
fn applied(table: &TableDefinition, observed: &Observed, column: &Column) -> Option<Protection> {
    if !exists(table, observed) {
        return None;
    }
    let name = renames::name_in_target(table, observed, column);
    in_catalog(table, observed, &name).filter(|protection| protection.is_some())
}

/// The table with the protection that its columns can have: what is protected stays as it is, or is masked
/// whole where the source gave the column a type that cannot be protected so.
pub(super) fn possible(table: &TableDefinition, observed: &Observed, warnings: &mut Vec<String>) -> TableDefinition {
    let mut table = table.clone();
    let found: Vec<Option<Protection>> = table.columns.iter().map(|column| applied(&table, observed, column)).collect();
    let id = table.spec.id();
    for (column, applied) in table.columns.iter_mut().zip(found) {
        if applied.is_some_and(|applied| applied.refusal(column.target_type).is_some()) {
            column.protection = Protection::Mask { keep_last: 0 };
            continue;
        }
        let Some(applied) = applied.filter(|applied| *applied != column.protection) else { continue };
        warnings.push(format!(
            "table {id}: column {} is {applied} and stays so, although it is declared {}: the clear values are not there any \
             more. Give the topic another `target` in the pipeline file and take a new snapshot, or declare it as it was",
            column.target_name, column.protection
        ));
        column.protection = applied;
    }
    table
}

/// Whether a column of an existing target is protected and was not.
fn begins_now(table: &TableDefinition, observed: &Observed, column: &Column) -> bool {
    column.protection.is_some() && exists(table, observed) && applied(table, observed, column).is_none()
}

/// Whether a column of the target has clear values that have to go.
pub(super) fn is_pending(table: &TableDefinition, observed: &Observed, column: &Column) -> bool {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let name = renames::name_in_target(table, observed, column);
    begins_now(table, observed, column)
        && observed.columns.get(&relation).is_some_and(|found| found.iter().any(|found| found.name == name))
}

/// Whether some column has.
pub(super) fn any_pending(table: &TableDefinition, observed: &Observed) -> bool {
    table.columns.iter().any(|column| is_pending(table, observed, column))
}

/// Whether something is protected that was not, so that a former merge procedure would write clear values.
pub(super) fn begin(table: &TableDefinition, observed: &Observed) -> bool {
    table.columns.iter().any(|column| {
        column.protection.is_some() && in_catalog(table, observed, &column.target_name) != Some(column.protection)
    })
}

/// The statement that records how columns of the target are protected, as the steps of a plan are recorded.
pub(super) fn record<'a>(
    layout: &Layout,
    table: &TableDefinition,
    columns: impl Iterator<Item = (&'a str, Protection)>,
) -> String {
    let id = table.spec.id();
    let rows: Vec<(String, String)> =
        columns.map(|(name, protection)| (object(table, name), protection.recorded())).collect();
    let entries: Vec<CatalogEntry<'_>> = rows
        .iter()
        .map(|(object_name, fingerprint)| CatalogEntry {
            object_kind: ObjectKind::Protection.as_str(),
            object_name,
            action: "alter",
            fingerprint,
            table_name: Some(id.as_str()),
            topic: Some(&table.spec.topic),
            reason: "recorded with the rows",
        })
        .collect();
    control_schema::record_in_catalog(layout, &entries)
}

/// What is recorded after columns got other names. None: nothing is protected.
pub(super) fn after_moves(
    layout: &Layout,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    moves: &[Move<'_>],
) -> Option<String> {
    let named = |found: &ObservedColumn| Some((found.name.clone(), in_catalog(table, observed, &found.name)?));
    let before: BTreeMap<String, Protection> = existing.iter().filter_map(named).collect();
    let mut after = before.clone();
    for step in moves {
        match step {
            Move::Rename { from, to } => {
                if let Some(protection) = after.remove(from) {
                    after.insert(to.clone(), protection);
                }
            }
            Move::Copy { from, column, .. } => {
                if let Some(protection) = after.get(from).copied() {
                    after.insert((*column).to_owned(), protection);
                }
            }
        }
    }
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<(&str, Protection)> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.as_str(), after.get(name).copied().unwrap_or_default()))
        .collect();
    (!changed.is_empty()).then(|| record(layout, table, changed.into_iter()))
}

/// Columns of the target with clear values of columns that are protected from now on: what was put aside
/// when they changed, under any name that they had.
pub(super) fn copies(table: &TableDefinition, observed: &Observed, existing: &[ObservedColumn]) -> Vec<Copy> {
    let mut prefixes: Vec<String> = Vec::new();
    for (index, column) in table.columns.iter().enumerate().filter(|(_, column)| begins_now(table, observed, column)) {
        let former = table.former.iter().filter_map(|version| version.columns.get(index)?.was());
        let names = former.map(|was| was.source_name.to_lowercase()).chain([column.target_name.clone()]);
        prefixes.extend(names.map(|name| protect::kept_prefix(&name)));
    }
    let is_clear = |name: &str| in_catalog(table, observed, name).is_none_or(|protection| !protection.is_some());
    let sign = kept::suffix(table, observed);
    let is_copy = |name: &&String| is_clear(name) && prefixes.iter().any(|prefix| name.starts_with(prefix));
    existing
        .iter()
        .map(|found| &found.name)
        .filter(is_copy)
        .map(|name| Copy {
            name: name.clone(),
            is_sign: sign.as_ref().is_some_and(|sign| name.contains(sign.as_str())),
        })
        .collect()
}

/// The clear value of a column as the source has it now, from the target's column. None: nobody can tell.
pub(super) fn clear_value(
    table: &TableDefinition,
    observed: &Observed,
    column: &Column,
    found: &ObservedColumn,
) -> Option<String> {
    let name = quoted(&column.target_name);
    match tables::former_in_target(table, column, observed) {
        Some(FormerColumn::Other(other)) => tables::value_now(&name, Some(found), other, column),
        Some(FormerColumn::Altered(_) | FormerColumn::Unknown) => None,
        Some(FormerColumn::Absent { default, .. }) if table.shapes.is_some() => {
            default.as_ref().and_then(|default| reshape::literal_of(default, column))
        }
        Some(FormerColumn::Same | FormerColumn::Absent { .. }) | None => {
            tables::clear_as_declared(&name, column, found)
        }
    }
}

/// What is run at the end of the transaction that protects rows.
pub(super) fn finally(declaration: &Declaration, table: &TableDefinition) -> Vec<String> {
    let role = declaration.access.as_ref().map(|access| access.role.as_str());
    let mut statements = reshape::fence(&declaration.layout, table, role);
    statements.extend(recorded(&declaration.layout, table));
    statements
}

/// The statement that records the protection of all columns. None: nothing is protected.
pub(super) fn recorded(layout: &Layout, table: &TableDefinition) -> Option<String> {
    let mut protected = table.columns.iter().filter(|column| column.protection.is_some()).peekable();
    protected.peek()?;
    Some(record(layout, table, protected.map(|column| (column.target_name.as_str(), column.protection))))
}

/// What takes the pipeline's readers the right to read a table of the target's schema.
pub(super) fn unreadable(declaration: &Declaration, table: &TableDefinition, name: &str) -> Vec<String> {
    let name = qualified(&table.spec.target_schema, name);
    declaration.readers.iter().map(|reader| grants::revoke_read(&name, reader)).collect()
}

/// The protection of each column: recorded, and applied to the rows that are there. `existing` are the
/// target's columns after its alterations; `is_rebuilt` tells that these did all of it.
pub(super) fn desired(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    is_rebuilt: bool,
    warnings: &mut Vec<String>,
) -> Vec<Desired> {
    let mut statements = Vec::new();
    if !is_rebuilt && table.columns.iter().any(|column| begins_now(table, observed, column)) {
        statements = protect_rows(declaration, table, observed, existing);
    }
    if any_pending(table, observed) {
        warnings.push(begins(table, observed));
    }
    let mut desired = Vec::new();
    for column in &table.columns {
        let name = &column.target_name;
        let is_stale = in_catalog(table, observed, name).is_some_and(Protection::is_some);
        if !column.protection.is_some() && !is_stale {
            continue;
        }
        let why = format!("column {name} of {} is {}", table.spec.id(), column.protection);
        let mut protection = Desired::new(ObjectKind::Protection, object(table, name), Vec::new(), why).of(table);
        if begins_now(table, observed, column) && !statements.is_empty() {
            // The first one's transaction is for all of them.
            protection.statements = std::mem::take(&mut statements);
            protection.is_due = true;
        }
        protection.recorded_as = Some(column.protection.recorded());
        protection.on_change = OnChange::Alter(protection.statements.clone());
        protection.may_be_empty = true;
        desired.push(protection);
    }
    desired.extend(former_targets_closed(declaration, table, observed));
    desired
}

fn protect_rows(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
) -> Vec<String> {
    let copies = copies(table, observed, existing);
    let mut columns: Vec<Protected<'_>> = Vec::new();
    for column in table.columns.iter().filter(|column| is_pending(table, observed, column)) {
        if let Some(found) = existing.iter().find(|found| found.name == column.target_name) {
            let clear = clear_value(table, observed, column, found);
            columns.push(Protected { column, clear, rights: &found.rights });
        }
    }
    if columns.is_empty() && copies.is_empty() {
        return Vec::new();
    }
    reshape::protect_columns(&declaration.layout, table, &columns, &copies, &finally(declaration, table))
}

fn begins(table: &TableDefinition, observed: &Observed) -> String {
    let pending = table.columns.iter().filter(|column| is_pending(table, observed, column));
    let names: Vec<String> = pending.map(|column| format!("{} ({})", column.target_name, column.protection)).collect();
    let former = former_targets(table, observed);
    let former = if former.is_empty() {
        String::new()
    } else {
        format!(
            "; the former targets {} keep theirs, and the readers in the pipeline file lose the right to read them: take \
             the rights of others away by hand",
            former.join(", ")
        )
    };
    format!(
        "table {}: the clear values of {} go from the rows that are there and cannot be had back{former}. Snapshots of the \
         warehouse that were taken before have them still",
        table.spec.id(),
        names.join(", ")
    )
}

/// Former targets of other modes: the names under which they are kept.
fn former_targets(table: &TableDefinition, observed: &Observed) -> Vec<String> {
    let modes = [Mode::Current, Mode::SoftDelete, Mode::History, Mode::Append, Mode::Count];
    let is_former = |name: &str| {
        let Some((stem, rest)) = name.rsplit_once("_was_") else { return false };
        // The name may have been cut off.
        let is_cut = name.len() >= modes::NAME_BYTES - 3 && table.spec.target_table.starts_with(stem);
        if stem != table.spec.target_table && !is_cut {
            return false;
        }
        modes.iter().any(|mode| {
            rest.strip_prefix(mode.as_str()).is_some_and(|number| {
                number.is_empty() || number.strip_prefix('_').is_some_and(|number| number.parse::<u32>().is_ok())
            })
        })
    };
    let schema = &table.spec.target_schema;
    let names = observed.relations.iter().filter(|(found, name)| found == schema && is_former(name));
    names.map(|(_, name)| name.clone()).collect()
}

/// Former targets may have clear values: the pipeline's readers may not read them any more.
fn former_targets_closed(declaration: &Declaration, table: &TableDefinition, observed: &Observed) -> Option<Desired> {
    let former = former_targets(table, observed);
    let has_protection = table.columns.iter().any(|column| column.protection.is_some());
    if former.is_empty() || declaration.readers.is_empty() || !has_protection {
        return None;
    }
    let statements = former.iter().flat_map(|name| unreadable(declaration, table, name)).collect();
    let why = "former targets may have clear values of columns that are protected now";
    Some(
        Desired::new(ObjectKind::Grant, format!("readers of former targets of {}", table.spec.id()), statements, why)
            .of(table),
    )
}
