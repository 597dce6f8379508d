//! Another mode for an existing table, and other columns for one whose rows are counted by all of
//! their values.
//!
//! Possible as long as the landing view still has the whole log of the table: then the new target
//! is made by merging it once more. Otherwise the table stays as it is.

use super::{Declaration, Observed, attached, changes, protections, renames, tables};
use crate::catalog::{FormerColumn, Mode, TableDefinition};
use crate::sql::rights::Right;
use crate::sql::{mode_switch, target_table};

/// The longest name that Redshift takes, in bytes ("Names and identifiers").
pub(super) const NAME_BYTES: usize = 127;

/// The mode of the table's existing target. None if there is no target.
fn existing(table: &TableDefinition, observed: &Observed) -> Option<Mode> {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let columns = observed.columns.get(&relation)?;
    Some(target_table::mode_of(columns.iter().map(|column| column.name.as_str())))
}

/// Whether the table's target has to be made anew from the log.
pub(super) fn differs(table: &TableDefinition, observed: &Observed) -> bool {
    existing(table, observed).is_some_and(|mode| mode != table.mode) || counts_otherwise(table, observed)
}

/// Whether the rows of the target were counted with other columns.
fn counts_otherwise(table: &TableDefinition, observed: &Observed) -> bool {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let Some(found) = observed.columns.get(&relation).filter(|_| table.mode.counts()) else {
        return false;
    };
    let counted = || found.iter().filter(|column| !column.name.starts_with("_cdc_"));
    let is_there = |column| counted().any(|found| tables::is_same(column, found));
    counted().count() != table.columns.len()
        || !table.columns.iter().all(is_there)
        || protections::any_pending(table, observed)
}

/// Whether the table has to wait, because its rows would be counted with other columns than those
/// that are there, and the log to count them anew is not whole any more.
pub(super) fn cannot_recount(table: &TableDefinition, observed: &Observed) -> bool {
    existing(table, observed) == Some(table.mode)
        && counts_otherwise(table, observed)
        && !observed.whole_logs.contains(&table.spec.id())
}

/// The tables whose targets have to be made anew: whoever plans has to know whether
/// the landing views still have their logs ([`Observed::whole_logs`]).
pub fn switching<'d>(declaration: &'d Declaration, observed: &Observed) -> Vec<&'d TableDefinition> {
    declaration.tables.iter().filter(|table| differs(table, observed)).collect()
}

/// The table with the mode that it can have now.
pub(super) fn possible(table: &TableDefinition, observed: &Observed, warnings: &mut Vec<String>) -> TableDefinition {
    let id = table.spec.id();
    match existing(table, observed) {
        Some(mode) if mode != table.mode && !observed.whole_logs.contains(&id) => {
            warnings.push(format!(
                "table {id} is of mode {} and stays so, although {} is declared: its landing view does not hold every record \
                 that was merged any more, so that the new table could not be made from it. Give the topic another \
                 `target` in the pipeline file and take a new snapshot, or declare the former mode",
                mode.as_str(),
                table.mode.as_str()
            ));
            TableDefinition { mode, ..table.clone() }
        }
        _ => table.clone(),
    }
}

/// What gives the target its new mode.
pub(super) fn switch(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let former = existing(table, observed).unwrap_or_default();
    let kept_as = free_name(table, former, observed);
    let why = if former == table.mode {
        "has other columns, or others of them are protected, and its rows are counted by all of them".to_owned()
    } else {
        format!("changes from mode {} to {}", former.as_str(), table.mode.as_str())
    };
    warnings.push(format!(
        "table {} {why}: the former target is kept as {kept_as}, and the whole log is merged into a new \
         one; until then the table is behind",
        table.spec.id()
    ));
    let mut finally = attached::grants(declaration, table, observed, rights(table, observed));
    if let Some(record) = protections::recorded(&declaration.layout, table) {
        finally.extend(protections::unreadable(declaration, table, &kept_as));
        finally.push(record);
    }
    mode_switch::switch(&declaration.layout, table, &kept_as, &finally)
}

/// The rights on single columns of the former target that the new one has, too.
fn rights<'a>(table: &'a TableDefinition, observed: &'a Observed) -> Vec<(&'a str, &'a [Right])> {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let Some(existing) = observed.columns.get(&relation) else { return Vec::new() };
    let base = changes::assumed_base(table, observed);
    let mut rights = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        let former = base.and_then(|base| base.columns.get(index)).unwrap_or(&FormerColumn::Same);
        if matches!(former, FormerColumn::Absent { .. } | FormerColumn::Unknown) {
            continue;
        }
        let found = renames::found(column, former, existing);
        rights.extend(found.map(|found| (column.target_name.as_str(), found.rights.as_slice())));
    }
    for (name, _) in target_table::own_columns(table.mode) {
        let found = existing.iter().find(|found| found.name == name);
        rights.extend(found.map(|found| (name, found.rights.as_slice())));
    }
    rights
}

/// The table as its target is, where that has to stay.
pub(super) fn as_it_is(table: &TableDefinition, observed: &Observed) -> TableDefinition {
    TableDefinition { mode: existing(table, observed).unwrap_or(table.mode), ..table.clone() }
}

fn free_name(table: &TableDefinition, former: Mode, observed: &Observed) -> String {
    let mut number = 1;
    loop {
        let suffix = match number {
            1 => format!("_was_{}", former.as_str()),
            number => format!("_was_{}_{number}", former.as_str()),
        };
        let mut name = table.spec.target_table.clone();
        while name.len() + suffix.len() > NAME_BYTES {
            name.pop();
        }
        name.push_str(&suffix);
        if !observed.relations.contains(&(table.spec.target_schema.clone(), name.clone())) {
            return name;
        }
        number += 1;
    }
}
