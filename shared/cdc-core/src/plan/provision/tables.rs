//! One table's objects, and how an existing target follows a changed definition.
//!
//! In place where Redshift can: columns added, renamed, text made longer. A column of another
//! type gets a successor, a key of other columns a new table; both in one transaction behind the
//! table's lock. Nothing that the source dropped is dropped here.

use super::attached::{self, Replaced};
use super::changes::{self, Change};
use super::{
    Declaration, Desired, ObjectKind, Observed, ObservedColumn, OnChange, kept, modes, protections, rebuild, renames,
};
use crate::catalog::{
    ChangePoint, Column, FormerColumn, OtherColumn, Protection, RedshiftType, TableDefinition, VARCHAR_MAX_BYTES,
};
use crate::sql::ident::quoted;
use crate::sql::layout::Layout;
use crate::sql::{control_schema, landing_view, merge_procedure, refresh_procedure, reshape, target_table};

/// Everything of one table, in dependency order, and what of the target is replaced; or why the target has to
/// stay as it is.
pub(super) fn objects(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    changes: &[Change],
    warnings: &mut Vec<String>,
) -> Result<(Vec<Desired>, Replaced), String> {
    let mut replaced = Replaced::default();
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    // Its columns, under their present names behind what the alterations do.
    let mut existing = observed.columns.get(&relation).cloned();
    let alterations = match &mut existing {
        Some(existing) => alterations(declaration, table, observed, existing, &mut replaced, warnings),
        None => Vec::new(),
    };
    let existing = existing.unwrap_or_default();
    let rows = changes::desired(declaration, table, observed, &existing, changes, &mut replaced, warnings);
    if let Some(reason) = attached::in_the_way(table, &replaced, observed) {
        return Err(reason);
    }
    warnings.extend(attached::warnings(table, &replaced, observed));
    let layout = &declaration.layout;
    let spec = &table.spec;
    let control = &layout.control_schema;
    let landing = &layout.landing_schema;
    let named = |schema: &str, name: &str| format!("{schema}.{name}");
    let ledger = format!("ledger_{}", spec.slug);
    let events = format!("{}_events", spec.slug);
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
    let protections = protections::desired(declaration, table, observed, &existing, replaced.table, warnings);
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
    target.is_due = replaced.table && protections::any_pending(table, observed);
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
    Ok((desired, replaced))
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

/// What brings an existing target up to date. What cannot be done is left with a warning.
fn alterations(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &mut Vec<ObservedColumn>,
    replaced: &mut Replaced,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    if modes::differs(table, observed) {
        replaced.table = true;
        return modes::switch(declaration, table, observed, warnings);
    }
    let layout = &declaration.layout;
    let found = existing.clone();
    let mut statements = renames::statements(layout, table, observed, existing, replaced, warnings);
    if rebuild::has_other_key(layout, table, observed, existing) {
        statements.extend(rebuild::statements(declaration, table, observed, existing, replaced, warnings));
        return statements;
    }
    for column in &table.columns {
        let Some(place) = existing.iter().position(|candidate| candidate.name == column.target_name) else {
            statements.extend(added(layout, table, column, observed));
            continue;
        };
        let is_pending = protections::is_pending(table, observed, column);
        let fit = compare(column, &existing[place]);
        if is_pending || !matches!(fit, Fit::Fits) {
            // Views know it by the name that it had.
            replaced.columns.insert(found.get(place).unwrap_or(&existing[place]).name.clone());
        }
        match fit {
            _ if is_pending => {}
            Fit::Fits => {}
            Fit::Widen => statements.push(target_table::widen_column(layout, table, column)),
            Fit::Differs => {
                statements.extend(retype(layout, table, column, &existing[place], observed, existing, warnings))
            }
        }
    }
    statements
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
        .is_some_and(|existing| rebuild::has_other_key(&declaration.layout, table, observed, existing));
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

fn retype(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    found: &ObservedColumn,
    observed: &Observed,
    existing: &[ObservedColumn],
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
        return reshape::retype_column(layout, table, column, value.as_deref(), None, &found.rights);
    }
    let kept = kept::name(table, column, observed, existing);
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
    let is_other = matches!(former, Some(FormerColumn::Absent { .. } | FormerColumn::Unknown));
    let rights = if is_other { &[][..] } else { &found.rights };
    reshape::retype_column(layout, table, column, default.as_deref(), Some(&kept), rights)
}

pub(super) enum Fit {
    Fits,
    Widen,
    Differs,
}

pub(super) fn compare(column: &Column, found: &ObservedColumn) -> Fit {
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
