//! A table with another key: Redshift cannot change it in place, so the target is built anew.

use super::attached::{self, Replaced};
use super::tables::{Fit, compare, fits, former_in_target, observed_type, value_now};
use super::{Declaration, Observed, ObservedColumn, kept, protections};
use crate::catalog::{Column, FormerColumn, RedshiftType, TableDefinition};
use crate::sql::ident::quoted;
use crate::sql::layout::Layout;
use crate::sql::reshape;
use crate::sql::rights::Right;
use crate::sql::target_table;

/// Whether the table was made with another key: its ledger has the key's columns.
pub(super) fn has_other_key(
    layout: &Layout,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
) -> bool {
    let ledger = (layout.control_schema.clone(), format!("ledger_{}", table.spec.slug));
    let Some(ledger) = observed.columns.get(&ledger) else {
        return false;
    };
    let made_with: Vec<&ObservedColumn> = ledger.iter().filter(|column| !column.name.starts_with("_cdc_")).collect();
    let key: Vec<&Column> = table.key_columns().collect();
    let is_same = made_with.len() == key.len()
        && key.iter().all(|column| {
            made_with
                .iter()
                .any(|found| found.name == column.target_name && matches!(compare(column, found), Fit::Fits))
                && existing
                    .iter()
                    .any(|found| found.name == column.target_name && matches!(compare(column, found), Fit::Fits))
        });
    !is_same
}

/// The statements that build it, or none where its rows lack the new key.
pub(super) fn statements(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    replaced: &mut Replaced,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let layout = &declaration.layout;
    let mut columns = Vec::new();
    let mut rights: Vec<(String, &[Right])> = Vec::new();
    let copies = protections::copies(table, observed, existing);
    for column in &table.columns {
        let found = existing.iter().find(|found| found.name == column.target_name);
        let former = former_in_target(table, column, observed);
        let name = quoted(&column.target_name);
        if let Some(found) = found.filter(|_| protections::is_pending(table, observed, column)) {
            let clear = protections::clear_value(table, observed, column, found);
            let is_lost = clear.as_ref().map_or("true".to_owned(), |clear| format!("{clear} IS NULL"));
            let lost = format!("{name} IS NOT NULL AND {is_lost}");
            let value = clear.map(|clear| reshape::protected(layout, column, &clear));
            columns.push(reshape::rebuilt(table, column, value, Some(lost)));
            rights.push((column.target_name.clone(), found.rights.as_slice()));
            continue;
        }
        let value = match (found, former) {
            (None, Some(FormerColumn::Absent { default: Some(default), .. })) if table.shapes.is_some() => {
                reshape::default_of_rows(layout, default, column)
            }
            (None, _) => None,
            (Some(found), _) if fits(column, found) => Some(name.clone()),
            (Some(_), Some(FormerColumn::Absent { .. } | FormerColumn::Altered(_) | FormerColumn::Unknown)) => None,
            (Some(found), Some(FormerColumn::Other(other))) => value_now(&name, Some(found), other, column),
            (Some(found), _) => {
                observed_type(found).and_then(|from| reshape::converted(&name, from, column.target_type))
            }
        };
        if value.is_none() && table.is_key(&column.source_name) {
            warnings.push(without_key(declaration, table, column, observed, existing));
            return Vec::new();
        }
        if value.is_none()
            && let Some(kind) = found.and_then(observed_type)
        {
            let kept = kept::name(table, column, observed, existing);
            columns.push(reshape::kept(&name, &kept, &kind.to_string()));
            rights.extend(found.map(|found| (kept, found.rights.as_slice())));
        }
        // A column that was dropped and added anew is another column, whatever its name.
        let is_other = matches!(former, Some(FormerColumn::Absent { .. } | FormerColumn::Unknown));
        rights.extend(found.filter(|_| !is_other).map(|found| (column.target_name.clone(), found.rights.as_slice())));
        let lost = value.as_ref().filter(|value| **value != name && found.is_some());
        let lost = lost.map(|value| format!("{name} IS NOT NULL AND {value} IS NULL"));
        // A column that holds every value of a narrower type stays as wide as its rows are.
        let kind = match found.map(|found| (compare(column, found), observed_type(found))) {
            Some((Fit::Fits, Some(kind))) if !matches!(kind, RedshiftType::Varbyte { .. }) => kind,
            _ => column.target_type,
        };
        let kind = if column.protection.is_some() { column.target_type } else { kind };
        columns.push(reshape::rebuilt(table, &Column { target_type: kind, ..column.clone() }, value, lost));
    }
    for found in existing {
        let is_declared = table.columns.iter().any(|column| column.target_name == found.name);
        if is_declared {
            continue;
        }
        if !found.name.starts_with("_cdc_") {
            let Some(kind) = observed_type(found) else { continue };
            let copy = copies.iter().find(|copy| copy.name == found.name);
            if copy.is_some_and(|copy| !copy.is_sign) {
                continue;
            }
            let value = copy.map_or_else(|| quoted(&found.name), |_| format!("NULL::{kind}"));
            columns.push(reshape::kept(&value, &found.name, &kind.to_string()));
        }
        rights.push((found.name.clone(), found.rights.as_slice()));
    }
    replaced.table = true;
    let mut finally =
        attached::grants(declaration, table, observed, rights.iter().map(|(name, rights)| (name.as_str(), *rights)));
    warnings.push(format!("table {}: its key changed and the table is built anew", table.spec.id()));
    if protections::any_pending(table, observed) {
        finally.extend(protections::finally(declaration, table));
    }
    reshape::rebuild(layout, table, &columns, &finally)
}

/// Why the rows of a target cannot have a column of the new key, with the next step.
fn without_key(
    declaration: &Declaration,
    table: &TableDefinition,
    column: &Column,
    observed: &Observed,
    existing: &[ObservedColumn],
) -> String {
    let layout = &declaration.layout;
    let ledger = (layout.control_schema.clone(), format!("ledger_{}", table.spec.slug));
    let former_key = observed.columns.get(&ledger).into_iter().flatten();
    let gone: Vec<&ObservedColumn> = former_key
        .filter(|was| !table.columns.iter().any(|column| column.target_name == was.name))
        .filter_map(|was| existing.iter().find(|found| found.name == was.name))
        .filter(|found| !found.name.starts_with("_cdc_") && fits(column, found))
        .collect();
    // No event tells a key column of another name from another column, say a new surrogate key.
    let renamed = match gone.as_slice() {
        [was] => format!(
            "if the source gave column {} this name, do the same with {}, and apply; otherwise ",
            was.name,
            target_table::rename_column(layout, table, &was.name, &column.target_name)
        ),
        _ => String::new(),
    };
    format!(
        "table {}: its key has column {} now, which the rows of the target do not have as {}; the table stays as it is \
         and waits: {renamed}destroy it and take a new snapshot, or declare another `key`",
        table.spec.id(),
        column.target_name,
        column.target_type
    )
}
