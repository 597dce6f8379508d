//! One table's objects, and how an existing target follows a changed definition.
//!
//! In place where Redshift can: columns added, renamed, text made longer. A column of another
//! type gets a successor, a key of other columns a new table; both in one transaction behind the
//! table's lock. Nothing that the source dropped is dropped here.

use super::changes::{self, Change};
use super::{
    Declaration, Desired, ObjectKind, Observed, ObservedColumn, OnChange, fingerprint, modes, protections, renames,
};
use crate::catalog::{
    ChangePoint, Column, FormerColumn, OtherColumn, Protection, RedshiftType, TableDefinition, VARCHAR_MAX_BYTES,
};
use crate::sql::ident::quoted;
use crate::sql::layout::Layout;
use crate::sql::{control_schema, grants, landing_view, merge_procedure, refresh_procedure, reshape, target_table};

/// Everything of one table, in dependency order.
pub(super) fn objects(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    changes: &[Change],
    warnings: &mut Vec<String>,
) -> Vec<Desired> {
    let layout = &declaration.layout;
    let spec = &table.spec;
    let control = &layout.control_schema;
    let landing = &layout.landing_schema;
    let named = |schema: &str, name: &str| format!("{schema}.{name}");
    let ledger = format!("ledger_{}", spec.slug);
    let events = format!("{}_events", spec.slug);
    let Alterations { statements: alterations, existing, is_remade } =
        alterations(declaration, table, observed, warnings);
    let mut desired = vec![
        Desired::new(
            ObjectKind::LandingView,
            named(landing, &spec.slug),
            vec![landing_view::create(layout, spec)],
            format!("keeps what Kafka delivers on topic {}", spec.topic),
        )
        .on_change(OnChange::Alter(vec![landing_view::alter_auto_refresh(layout, spec)]))
        .of(table),
        Desired::new(
            ObjectKind::View,
            named(landing, &events),
            vec![landing_view::create_events_view(layout, spec)],
            format!("shows the parsed events of topic {} to people", spec.topic),
        )
        .of(table),
    ];
    if table.mode.has_ledger() {
        desired.push(
            Desired::new(
                ObjectKind::TableState,
                named(control, &ledger),
                vec![control_schema::create_ledger_table(layout, table)],
                format!("remembers deleted keys of {}", spec.id()),
            )
            .relation(control, &ledger)
            .on_change(OnChange::Keep)
            .of(table),
        );
    }
    let protections = protections::desired(declaration, table, observed, &existing, is_remade, warnings);
    let rows = changes::desired(declaration, table, observed, changes, warnings);
    let merge = named(control, &format!("sp_merge_{}", spec.slug));
    let is_changed = !alterations.is_empty() || rows.iter().any(Desired::changes_something);
    let is_changed = is_changed && changes::base(table, observed).is_some();
    if (is_changed || protections::begin(table, observed)) && is_provisioned(observed, &merge) {
        desired.push(
            Desired::new(
                ObjectKind::Procedure,
                merge.clone(),
                vec![merge_procedure::closed(layout, table)],
                format!("merges nothing into {} while it changes", spec.id()),
            )
            .of(table),
        );
    }
    let create = target_table::create(layout, table);
    let mut target = Desired::new(
        ObjectKind::TargetTable,
        spec.id().to_string(),
        std::iter::once(create.clone()).chain(protections::recorded(layout, table)).collect(),
        format!("the copy of source table {}", spec.source_table),
    )
    .relation(&spec.target_schema, &spec.target_table)
    .on_change(OnChange::Alter(alterations))
    .of(table);
    target.identity = Some(create);
    // A hash may have the very type that the clear column had.
    target.is_due = is_remade && protections::any_pending(table, observed);
    desired.push(target);
    desired.extend(protections);
    desired.extend(rows);
    // Behind what the rows need, which is worked out from what was kept before.
    desired.extend(changes::kept_definition(layout, table));
    desired.push(
        Desired::new(
            ObjectKind::Procedure,
            named(control, &format!("sp_refresh_{}", spec.slug)),
            vec![refresh_procedure::create(layout, spec, table.schema_changes.is_some())],
            format!("refreshes the landing view of {} for users who do not own it", spec.id()),
        )
        .of(table),
    );
    desired.push(
        Desired::new(
            ObjectKind::Procedure,
            merge,
            vec![merge_procedure::create(layout, table)],
            format!("merges landed changes into {}", spec.id()),
        )
        .of(table),
    );
    // Behind the merge procedure: without this table no merge runs, so that a former procedure
    // never writes into a target of another mode.
    let (_, watermark) = watermark(layout, table);
    desired.push(
        Desired::new(
            ObjectKind::TableState,
            named(control, &watermark),
            vec![control_schema::create_watermark_table(layout, spec)],
            format!("remembers what of {} is merged, and is its lock", spec.id()),
        )
        .relation(control, &watermark)
        .on_change(OnChange::Keep)
        .of(table),
    );
    desired.extend(history(layout, table, warnings));
    desired
}

fn is_provisioned(observed: &Observed, procedure: &str) -> bool {
    observed.catalog.contains_key(&(ObjectKind::Procedure.as_str().to_owned(), procedure.to_owned()))
}

/// Schema and name of the table's watermark table.
pub(super) fn watermark(layout: &Layout, table: &TableDefinition) -> (String, String) {
    (layout.control_schema.clone(), format!("watermark_{}", table.spec.slug))
}

/// What the table's past asks for: rows of a dropped namesake go, and older rows get the value
/// with which a column was added. Each is done once; on an empty table it does nothing.
fn history(layout: &Layout, table: &TableDefinition, warnings: &mut Vec<String>) -> Vec<Desired> {
    let id = table.spec.id();
    let mut desired = Vec::new();
    let place = |point: &ChangePoint| point.log.position.clone();
    let discarded = table.former.iter().rev().find(|version| version.discarded);
    if let Some(until) = discarded.and_then(|version| version.until.as_ref()) {
        desired.push(
            Desired::new(
                ObjectKind::TableState,
                format!("{id} created anew at {}", place(until)),
                vec![reshape::discard(layout, table, until)],
                "the source dropped the table and created it anew: older rows are none of its own",
            )
            .on_change(OnChange::Keep)
            .of(table),
        );
    }
    for (index, column) in table.columns.iter().enumerate() {
        let added = table.former.iter().rev().find_map(|version| match version.columns.get(index) {
            Some(FormerColumn::Absent { default, reuses_name }) if !version.discarded => {
                Some((default.as_deref(), *reuses_name, version.until.as_ref()?))
            }
            _ => None,
        });
        let Some((default, reuses_name, until)) = added else { continue };
        if default.is_none() && !reuses_name || table.is_key(&column.source_name) {
            continue;
        }
        match reshape::backfill(layout, table, column, default, until) {
            Some(statements) => desired.push(
                Desired::new(
                    ObjectKind::TableState,
                    format!("{id}.{} added at {}", column.target_name, place(until)),
                    statements,
                    "older rows have the value with which the source added the column",
                )
                .on_change(OnChange::Keep)
                .of(table),
            ),
            None => warnings.push(format!(
                "table {id}: column {} was added with a default that is no literal of {}; rows that did not change \
                 since have NULL in it",
                column.target_name, column.target_type
            )),
        }
    }
    desired
}

/// What brings an existing target up to date.
#[derive(Default)]
struct Alterations {
    statements: Vec<String>,
    /// The target's columns under the names that they have then.
    existing: Vec<ObservedColumn>,
    /// The target is another table then, with the protection that is declared.
    is_remade: bool,
}

/// What brings an existing target up to date. What cannot be done is left with a warning.
fn alterations(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    warnings: &mut Vec<String>,
) -> Alterations {
    if modes::differs(table, observed) {
        let statements = modes::switch(declaration, table, observed, warnings);
        return Alterations { statements, is_remade: true, ..Alterations::default() };
    }
    let layout = &declaration.layout;
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let Some(found) = observed.columns.get(&relation) else {
        return Alterations::default();
    };
    let mut existing = found.clone();
    let mut statements = renames::statements(layout, table, observed, &mut existing, warnings);
    if has_other_key(layout, table, observed, &existing) {
        let rebuilt = rebuild(declaration, table, observed, &existing, warnings);
        let is_remade = !rebuilt.is_empty();
        statements.extend(rebuilt);
        return Alterations { statements, existing, is_remade };
    }
    for column in &table.columns {
        match existing.iter().find(|candidate| candidate.name == column.target_name) {
            Some(_) if protections::is_pending(table, observed, column) => {}
            None => statements.extend(added(layout, table, column, observed)),
            Some(found) => match compare(column, found) {
                Fit::Fits => {}
                Fit::Widen => statements.push(target_table::widen_column(layout, table, column)),
                Fit::Differs => statements.extend(retype(layout, table, column, found, observed, warnings)),
            },
        }
    }
    Alterations { statements, existing, is_remade: false }
}

/// What a column of the definition was in the version that the target has.
pub(super) fn former_in_target<'a>(
    table: &'a TableDefinition,
    column: &Column,
    observed: &Observed,
) -> Option<&'a FormerColumn> {
    let index = table.columns.iter().position(|candidate| candidate.source_name == column.source_name)?;
    changes::assumed_base(table, observed)?.columns.get(index)
}

/// A new column; with its default where the events' schemas tell it, so that rows have it that are
/// there or still come from the former procedure. Text that may have to grow gets it as values:
/// Redshift does not alter a column that has a default ("ALTER TABLE").
fn added(layout: &Layout, table: &TableDefinition, column: &Column, observed: &Observed) -> Vec<String> {
    let former = former_in_target(table, column, observed).filter(|_| table.shapes.is_some());
    let default = match former {
        Some(FormerColumn::Absent { default: Some(default), .. }) => reshape::literal_of(default, column),
        _ => None,
    };
    if column.protection.is_some() {
        let value = match former {
            Some(FormerColumn::Absent { default: Some(default), .. }) => {
                reshape::default_of_rows(layout, default, column)
            }
            _ => None,
        };
        let name = column.target_name.as_str();
        let record = protections::record(layout, table, std::iter::once((name, column.protection)));
        return reshape::add_protected(layout, table, column, value.as_deref(), record);
    }
    let may_grow = matches!(column.target_type, RedshiftType::Varchar { bytes } if bytes < VARCHAR_MAX_BYTES);
    match default {
        Some(value) if !may_grow => vec![reshape::add_column_with(layout, table, column, &value)],
        Some(value) => {
            let mut statements = vec![target_table::add_column(layout, table, column)];
            statements.extend(reshape::alter_values(layout, table, column, &value, "true"));
            statements
        }
        None => vec![target_table::add_column(layout, table, column)],
    }
}

/// What the definition brings that the target does not have yet.
pub(super) fn changes(declaration: &Declaration, table: &TableDefinition, observed: &Observed) -> Vec<Change> {
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    let is_other = observed
        .columns
        .get(&relation)
        .is_some_and(|existing| has_other_key(&declaration.layout, table, observed, existing));
    changes::changes(table, observed, is_other)
}

/// Whether a column of the target is as it would be made now.
pub(super) fn is_same(column: &Column, found: &ObservedColumn) -> bool {
    column.target_name == found.name && matches!(compare(column, found), Fit::Fits)
}

/// Whether the target's column holds every value of the definition's.
pub(super) fn fits(column: &Column, found: &ObservedColumn) -> bool {
    !matches!(compare(column, found), Fit::Differs)
}

/// The name under which the values of a column are kept whose successor cannot have them: another
/// for each version that the target has had.
pub(super) fn kept_name(table: &TableDefinition, column: &Column, observed: &Observed) -> String {
    let suffix = changes::kept_suffix(table, observed);
    let suffix = suffix.unwrap_or_else(|| format!("_until_{}", &fingerprint(&format!("{column:?}"))[..8]));
    format!("{}{suffix}", column.target_name)
}

/// The value of a column as the source has it now, from the target's column `name` that was
/// `found`. None: nobody can tell.
pub(super) fn value_now(
    name: &str,
    found: Option<&ObservedColumn>,
    other: &OtherColumn,
    column: &Column,
) -> Option<String> {
    let is = found.map_or(Some(other.was.target_type), observed_type)?;
    let was = other.was.target_type;
    let as_it_was = match (is, was) {
        (is, was) if is == was => name.to_owned(),
        (RedshiftType::Varchar { .. }, RedshiftType::Varchar { .. })
        | (RedshiftType::Varbyte { .. }, RedshiftType::Varbyte { .. }) => name.to_owned(),
        // Made wider for another version.
        _ if reshape::converted(name, was, is).is_some() && !matches!(is, RedshiftType::Varchar { .. }) => {
            format!("({name})::{was}")
        }
        // The former column is read into the present type at once, which holds more.
        _ => match reshape::converted(name, is, was) {
            Some(value) => value,
            None if other.then.is_empty() => return reshape::converted(name, is, column.target_type),
            None => return None,
        },
    };
    reshape::as_now(&as_it_was, other, column)
}

/// The value of a target's clear column as one of the type that is declared. None: not every value can be.
pub(super) fn clear_as_declared(name: &str, column: &Column, found: &ObservedColumn) -> Option<String> {
    let clear = Column { protection: Protection::None, ..column.clone() };
    let kind = column.target_type;
    let is_text = matches!(kind, RedshiftType::Varchar { .. } | RedshiftType::Varbyte { .. });
    match compare(&clear, found) {
        Fit::Fits if observed_type(found) != Some(kind) && !is_text => Some(format!("({name})::{kind}")),
        Fit::Fits | Fit::Widen => Some(name.to_owned()),
        Fit::Differs => observed_type(found).and_then(|from| reshape::converted(name, from, kind)),
    }
}

/// Whether the table was made with another key: its ledger has the key's columns.
fn has_other_key(layout: &Layout, table: &TableDefinition, observed: &Observed, existing: &[ObservedColumn]) -> bool {
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

fn retype(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    found: &ObservedColumn,
    observed: &Observed,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let former = former_in_target(table, column, observed);
    let name = quoted(&column.target_name);
    let value = match former {
        // A column that was dropped and added anew is another column, whatever its name.
        Some(FormerColumn::Absent { .. } | FormerColumn::Altered(_) | FormerColumn::Unknown) => None,
        Some(FormerColumn::Other(other)) => value_now(&name, Some(found), other, column),
        Some(FormerColumn::Same) | None => {
            observed_type(found).and_then(|from| reshape::converted(&name, from, column.target_type))
        }
    };
    if value.is_some() {
        return reshape::retype_column(layout, table, column, value.as_deref(), None);
    }
    let kept = kept_name(table, column, observed);
    warnings.push(format!(
        "table {}: column {} was {} and is {} now; its values up to here stay in column {kept}, and it begins anew",
        table.spec.id(),
        column.target_name,
        found.data_type,
        column.target_type
    ));
    let default = match former {
        Some(FormerColumn::Absent { default: Some(default), .. }) if table.shapes.is_some() => {
            reshape::literal_of(default, column)
        }
        _ => None,
    };
    reshape::retype_column(layout, table, column, default.as_deref(), Some(&kept))
}

fn rebuild(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let layout = &declaration.layout;
    let mut columns = Vec::new();
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
            warnings.push(format!(
                "table {}: its key has column {} now, which the rows of the target do not have as {}; the table stays as it \
                 is and waits: destroy it and take a new snapshot, or declare another `key`",
                table.spec.id(),
                column.target_name,
                column.target_type
            ));
            return Vec::new();
        }
        if value.is_none()
            && let Some(kind) = found.and_then(observed_type)
        {
            columns.push(reshape::kept(&name, &kept_name(table, column, observed), &kind.to_string()));
        }
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
        let copy = copies.iter().find(|copy| copy.name == found.name);
        if !is_declared
            && copy.is_none_or(|copy| copy.is_sign)
            && !found.name.starts_with("_cdc_")
            && let Some(kind) = observed_type(found)
        {
            let value = copy.map_or_else(|| quoted(&found.name), |_| format!("NULL::{kind}"));
            columns.push(reshape::kept(&value, &found.name, &kind.to_string()));
        }
    }
    let mut finally: Vec<String> =
        declaration.readers.iter().flat_map(|reader| grants::reader_grants(layout, &table.spec, reader)).collect();
    warnings.push(format!(
        "table {}: its key changed and the table is built anew; rights that were given to others than the readers in the \
         pipeline file have to be given again",
        table.spec.id()
    ));
    if protections::any_pending(table, observed) {
        finally.extend(protections::finally(declaration, table));
    }
    reshape::rebuild(layout, table, &columns, &finally)
}

enum Fit {
    Fits,
    Widen,
    Differs,
}

fn compare(column: &Column, found: &ObservedColumn) -> Fit {
    let Some(kind) = observed_type(found) else {
        return Fit::Differs;
    };
    match (column.stored_type(), kind) {
        (RedshiftType::Varchar { bytes }, RedshiftType::Varchar { bytes: found }) if bytes > found => Fit::Widen,
        (RedshiftType::Varchar { .. }, RedshiftType::Varchar { .. })
        | (RedshiftType::Varbyte { .. }, RedshiftType::Varbyte { .. }) => Fit::Fits,
        (wanted, found) if wanted == found => Fit::Fits,
        // A column that holds every value of the wanted type is as good, unless it is text or has
        // a time of day.
        (_, RedshiftType::Varchar { .. }) | (RedshiftType::Date, RedshiftType::Timestamp) => Fit::Differs,
        (wanted, found) if reshape::converted("x", wanted, found).is_some() => Fit::Fits,
        _ => Fit::Differs,
    }
}

/// A column's type as `SVV_COLUMNS` shows it. None for a type that no target column has.
pub(super) fn observed_type(found: &ObservedColumn) -> Option<RedshiftType> {
    let small = |number: Option<i64>, otherwise: u8| number.map_or(Some(otherwise), |number| u8::try_from(number).ok());
    Some(match found.data_type.to_lowercase().as_str() {
        "smallint" => RedshiftType::SmallInt,
        "integer" => RedshiftType::Integer,
        "bigint" => RedshiftType::BigInt,
        "numeric" => RedshiftType::Decimal { precision: small(found.precision, 18)?, scale: small(found.scale, 0)? },
        "real" => RedshiftType::Real,
        "double precision" => RedshiftType::DoublePrecision,
        "boolean" => RedshiftType::Boolean,
        "character varying" => RedshiftType::Varchar {
            bytes: u32::try_from(found.length.unwrap_or(i64::from(crate::catalog::VARCHAR_MAX_BYTES))).ok()?,
        },
        "date" => RedshiftType::Date,
        "time without time zone" => RedshiftType::Time,
        "timestamp without time zone" => RedshiftType::Timestamp,
        "timestamp with time zone" => RedshiftType::TimestampTz,
        "binary varying" => RedshiftType::Varbyte { bytes: 16_777_216 },
        "super" => RedshiftType::Super,
        _ => return None,
    })
}
