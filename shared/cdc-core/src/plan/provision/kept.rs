//! Names of columns that stay in a target with what nobody else has room for: values that a successor
//! cannot have, a column whose name another has now. No two are the same.

use super::{Observed, ObservedColumn, changes, fingerprint};
use crate::catalog::{Column, TableDefinition};

/// What is behind the names of columns that are put aside on the way from the version that the
/// target has: another one each time, also for a version that came back. None if none is recorded.
pub(super) fn suffix(table: &TableDefinition, observed: &Observed) -> Option<String> {
    let recorded = changes::recorded(table, observed)?;
    let number = observed.versions.get(&table.spec.id()).copied().unwrap_or_default();
    Some(format!("_until_{}", &fingerprint(&format!("{recorded} {number}"))[..8]))
}

/// The name under which the values of a column are kept whose successor cannot have them: another for
/// each version that the target has had, and for each column that was kept for the same name.
pub(super) fn name(
    table: &TableDefinition,
    column: &Column,
    observed: &Observed,
    existing: &[ObservedColumn],
) -> String {
    let begins = first(table, column, observed);
    let is_free = |name: &String| !existing.iter().any(|found| found.name == *name);
    let others = (2..).map(|number| format!("{begins}_{number}"));
    std::iter::once(begins.clone()).chain(others).find(is_free).unwrap_or(begins)
}

/// The column under such a name that a run kept which did not come to its end.
pub(super) fn already<'a>(table: &TableDefinition, column: &Column, observed: &'a Observed) -> Option<&'a str> {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let begins = first(table, column, observed);
    let number = |name: &str| name.strip_prefix(&begins)?.strip_prefix('_')?.parse::<u32>().ok();
    let is_kept = |name: &&str| **name == begins || number(name).is_some();
    let found = observed.columns.get(&relation).into_iter().flatten().map(|found| found.name.as_str());
    found.filter(is_kept).max_by_key(|name| number(name))
}

fn first(table: &TableDefinition, column: &Column, observed: &Observed) -> String {
    let suffix =
        suffix(table, observed).unwrap_or_else(|| format!("_until_{}", &fingerprint(&format!("{column:?}"))[..8]));
    format!("{}{suffix}", column.target_name)
}
