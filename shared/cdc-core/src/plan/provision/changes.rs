//! What a table's definition brings that the target does not have yet: each change with its kind,
//! so that the pipeline file's policy for it counts, and with what it asks of the rows.
//!
//! The version that the target has is recorded in the catalog, once for each table. Where the
//! events' schemas tell versions it is the schema's own id; where the schema-change topic does, the
//! place of the last change in the source's log.

use super::attached::Replaced;
use super::{Declaration, Desired, ObjectKind, Observed, ObservedColumn, OnChange, kept};
use crate::catalog::{Column, FormerColumn, FormerVersion, Shape, TableDefinition};
use crate::pipeline::ChangePolicy;
use crate::sql::ident::quoted;
use crate::sql::layout::Layout;
use crate::sql::{control_schema, reshape};

/// One change of a table's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) text: String,
    /// The pipeline file's name of the kind, and what it says about it.
    pub(super) kind: &'static str,
    policy: ChangePolicy,
}

/// The version of the definition, as the catalog keeps it. None: nothing tells versions.
fn version(table: &TableDefinition) -> Option<String> {
    if let Some(shapes) = &table.shapes {
        // A dump may be newer than all events: what they are of is what the rows are of.
        let present = shapes.known.iter().rev().find(|shape| shape.version == table.former.len());
        return present.or(shapes.known.last()).map(Shape::id);
    }
    let mark = table.schema_changes.as_ref()?;
    let last = table.former.last().and_then(|former| former.until.as_ref());
    mark.position.clone().max(last.map(|until| until.log.position.clone()))
}

pub(super) fn recorded<'a>(table: &TableDefinition, observed: &'a Observed) -> Option<&'a str> {
    let key = (ObjectKind::TableVersion.as_str().to_owned(), table.spec.id().to_string());
    observed.catalog.get(&key).map(String::as_str)
}

/// What the target's version is in the definition's own terms. None if the target is new, has the
/// present version, or has one that nobody knows any more.
pub(super) fn base<'a>(table: &'a TableDefinition, observed: &Observed) -> Option<&'a FormerVersion> {
    let recorded = recorded(table, observed)?;
    if let Some(shapes) = &table.shapes {
        let shape = shapes.known.iter().find(|shape| shape.id() == recorded)?;
        return table.former.get(shape.version);
    }
    table.former.iter().find(|former| former.until.as_ref().is_some_and(|until| until.log.position.as_str() > recorded))
}

/// As [`base`]; the last former version where the schema-change topic tells versions and none is
/// recorded.
pub(super) fn assumed_base<'a>(table: &'a TableDefinition, observed: &Observed) -> Option<&'a FormerVersion> {
    let is_told = table.shapes.is_some() || recorded(table, observed).is_some();
    if is_told { base(table, observed) } else { table.former.last() }
}

/// What changed since the version that the target has.
pub(super) fn changes(table: &TableDefinition, observed: &Observed, has_other_key: bool) -> Vec<Change> {
    let policies = table.on_schema_change;
    let mut changes = Vec::new();
    let mut add = |kind, policy: ChangePolicy, text: String| changes.push(Change { text, kind, policy });
    let base = base(table, observed);
    if let Some(base) = base {
        if base.discarded {
            add("recreate", policies.recreate.into(), "the table was dropped and created anew".to_owned());
        }
        for (column, former) in table.columns.iter().zip(&base.columns) {
            let name = &column.target_name;
            match former {
                FormerColumn::Same => {}
                FormerColumn::Absent { default, reuses_name } => {
                    let with = default.as_ref().map_or("", |_| " with a default");
                    let how = if *reuses_name { "was dropped and added anew" } else { "was added" };
                    add("add_column", policies.add_column, format!("column {name} {how}{with}"));
                }
                FormerColumn::Other(_) | FormerColumn::Altered(_) => {
                    let Some(former) = former.was() else { continue };
                    if former.source_name != column.source_name {
                        let from = &former.source_name;
                        add("rename_column", policies.rename_column.into(), format!("column {from} is {name} now"));
                    }
                    let (was, is) = (former.target_type, column.target_type);
                    if was != is {
                        add("change_type", policies.change_type.into(), format!("column {name} was {was} and is {is}"));
                    } else if former.source_type != column.source_type {
                        let text = format!("column {name} is {} and was {}", column.source_type, former.source_type);
                        add("change_type", policies.change_type.into(), text);
                    } else if former.decoding != column.decoding {
                        let text = format!("the values of column {name} arrive in another form");
                        add("change_type", policies.change_type.into(), text);
                    }
                }
                FormerColumn::Unknown => {
                    let text = format!("column {name} was added, or another renamed to it: nobody can tell");
                    add("rename_column", policies.rename_column.into(), text);
                }
            }
        }
        for name in dropped(table, base, observed) {
            add("drop_column", policies.drop_column.into(), format!("column {name} was dropped"));
        }
    }
    if has_other_key {
        add("change_key", policies.change_key.into(), format!("the key is {} now", table.key.join(", ")));
    }
    changes
}

/// The columns that the target's version has and the present one has not, under no name.
fn dropped<'a>(table: &'a TableDefinition, base: &FormerVersion, observed: &Observed) -> Vec<&'a str> {
    let (Some(shapes), Some(recorded)) = (&table.shapes, recorded(table, observed)) else { return Vec::new() };
    let Some(shape) = shapes.known.iter().find(|shape| shape.id() == recorded) else { return Vec::new() };
    let is_kept = |name: &str| {
        table.columns.iter().zip(&base.columns).any(|(column, former)| match former {
            FormerColumn::Same => column.source_name == name,
            former => former.was().is_some_and(|was| was.source_name == name),
        })
    };
    shape.forms.keys().map(String::as_str).filter(|name| !is_kept(name)).collect()
}

/// The changes that wait for somebody to accept them.
pub(super) fn held<'a>(changes: &'a [Change], table: &TableDefinition, declaration: &Declaration) -> Vec<&'a Change> {
    if declaration.accepted.contains(&table.spec.id()) {
        return Vec::new();
    }
    changes.iter().filter(|change| change.policy == ChangePolicy::Hold).collect()
}

/// The table as it is where added columns are left out: with the target's columns only.
pub(super) fn without_ignored(mut table: TableDefinition, observed: &Observed) -> TableDefinition {
    if table.on_schema_change.add_column != ChangePolicy::Ignore {
        return table;
    }
    let relation = (table.spec.target_schema.clone(), table.spec.target_table.clone());
    if let Some(found) = observed.columns.get(&relation) {
        let renamed = |index: usize| {
            table.former.iter().filter_map(|version| version.columns.get(index)).any(|former| match former {
                FormerColumn::Other(_) | FormerColumn::Altered(_) => {
                    let was = former.was().map(|was| was.source_name.to_lowercase());
                    found.iter().any(|found| Some(&found.name) == was.as_ref())
                }
                _ => false,
            })
        };
        let kept: Vec<bool> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                found.iter().any(|found| found.name == column.target_name)
                    || table.is_key(&column.source_name)
                    || renamed(index)
            })
            .collect();
        let mut left_out: Vec<String> = Vec::new();
        for (column, kept) in table.columns.iter().zip(&kept) {
            if !kept {
                left_out.push(column.source_name.clone());
            }
        }
        let keep = |index: &mut usize| {
            *index += 1;
            kept.get(*index - 1).copied().unwrap_or(true)
        };
        let mut index = 0;
        table.columns.retain(|_| keep(&mut index));
        for version in &mut table.former {
            let mut index = 0;
            version.columns.retain(|_| keep(&mut index));
        }
        if let Some(shapes) = &mut table.shapes {
            for shape in &mut shapes.known {
                shape.forms.retain(|name, _| !left_out.contains(name));
            }
            shapes.ignored.extend(left_out);
        }
    }
    // What comes later is left out, too.
    table.known_attributes = None;
    if let Some(shapes) = &mut table.shapes {
        let known = shapes.known.iter().flat_map(|shape| shape.forms.keys().cloned());
        shapes.only = Some(known.collect());
    }
    table
}

/// The table's version: recorded with what changed and the event that told it, and what the rows
/// of the target have to become.
pub(super) fn desired(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    changes: &[Change],
    replaced: &mut Replaced,
    warnings: &mut Vec<String>,
) -> Option<Desired> {
    let id = table.spec.id();
    let version = version(table)?;
    let texts: Vec<&str> = changes.iter().map(|change| change.text.as_str()).collect();
    let place = match (&table.shapes, &table.schema_changes) {
        (Some(shapes), _) => format!("topic {} {}", table.spec.topic, shapes.place),
        (None, Some(mark)) => {
            format!(
                "topic {} partition {} offset {}, source position {version}",
                mark.topic, mark.partition, mark.offset
            )
        }
        (None, None) => String::new(),
    };
    let why = if texts.is_empty() {
        format!("the definition of {id} that is taken in ({place})")
    } else {
        format!("{} ({place})", texts.join("; "))
    };
    let statements = rows(declaration, table, observed, existing, replaced, warnings);
    let mut desired = Desired::new(ObjectKind::TableVersion, id.to_string(), Vec::new(), why).of(table);
    desired.recorded_as = Some(version);
    desired.on_change = OnChange::Alter(statements);
    desired.may_be_empty = true;
    Some(desired)
}

/// What the version was learned from. A later one is compared with it when Kafka has neither its events
/// nor its schema change any more.
pub(super) fn kept_definition(layout: &Layout, table: &TableDefinition) -> Option<Desired> {
    let id = table.spec.id();
    let statements = control_schema::keep_definition(layout, id.as_str(), table.learned_from.as_ref()?);
    let why = format!("what tells the definition of {id} that is taken in");
    let mut desired = Desired::new(ObjectKind::TableDefinition, id.to_string(), statements, why).of(table);
    desired.recorded_as = Some(version(table)?);
    Some(desired)
}

/// What the rows of the target have to become, as far as the alterations of its columns do not do
/// it.
fn rows(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    existing: &[ObservedColumn],
    replaced: &mut Replaced,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let layout = &declaration.layout;
    let Some(base) = base(table, observed).filter(|_| !existing.is_empty()) else {
        return Vec::new();
    };
    if super::modes::differs(table, observed) || base.discarded {
        return Vec::new();
    }
    let mut statements = Vec::new();
    let quarantine =
        |column: &Column, condition: &str| reshape::quarantine_rows(layout, table, &column.target_name, condition);
    for (column, former) in table.columns.iter().zip(&base.columns) {
        // What is protected from now on begins with the values that the source has now.
        if table.is_key(&column.source_name) || super::protections::is_pending(table, observed, column) {
            continue;
        }
        let name = quoted(&column.target_name);
        let found = existing.iter().find(|found| found.name == column.target_name);
        let kept = kept::name(table, column, observed, existing);
        let lost = |kept: &str| quarantine(column, &format!("t.{} IS NOT NULL", quoted(kept)));
        let already_kept = kept::already(table, column, observed);
        let fits = found.is_some_and(|found| super::tables::fits(column, found));
        match former {
            FormerColumn::Unknown => statements.extend(quarantine(column, "true")),
            FormerColumn::Absent { default: Some(default), .. } if reshape::literal_of(default, column).is_none() => {
                statements.extend(quarantine(column, "true"));
            }
            // The source did not have it, and the target does: from a version before, or from a dump that
            // is newer than the events.
            FormerColumn::Absent { default, .. } if table.shapes.is_some() => {
                if let Some(found) = found
                    && fits
                    && already_kept.is_none()
                {
                    let value = default.as_ref().and_then(|default| reshape::default_of_rows(layout, default, column));
                    warnings.push(format!(
                        "table {}: column {} was added, and the target has one of its name; its values up to here stay in column {kept}",
                        table.spec.id(),
                        column.target_name
                    ));
                    replaced.columns.insert(found.name.clone());
                    statements.extend(reshape::retype_column(
                        layout,
                        table,
                        column,
                        value.as_deref(),
                        Some(&kept),
                        &[],
                    ));
                }
            }
            FormerColumn::Altered(_) if fits => {
                statements.extend(already_kept.map(lost).unwrap_or_default());
                let nothing = format!("NULL::{}", column.stored_type());
                statements.extend(reshape::altered_rows(layout, table, column, &nothing));
            }
            FormerColumn::Altered(_) if found.is_some() => statements.extend(lost(&kept)),
            // A hash or a mask cannot be made another: it is right where the value's text is still the same.
            FormerColumn::Other(other) if column.protection.is_some() => {
                if found.is_some() && !reshape::keeps_text(other, column) {
                    warnings.push(format!(
                        "table {}: column {} is {}, and the source changed its type to one that writes values otherwise: the rows \
                         that are there lose it until their next event, and are in quarantine",
                        table.spec.id(),
                        column.target_name,
                        column.protection
                    ));
                    let nothing = format!("NULL::{}", column.stored_type());
                    statements.extend(reshape::altered_rows(layout, table, column, &nothing));
                }
            }
            FormerColumn::Other(other) => match super::tables::value_now(&name, found, other, column) {
                Some(value) if fits && value != name => {
                    statements.extend(reshape::altered_rows(layout, table, column, &value));
                }
                Some(_) => {}
                None if fits => {
                    statements.extend(already_kept.map(lost).unwrap_or_default());
                    let nothing = format!("NULL::{}", column.target_type);
                    statements.extend(reshape::altered_rows(layout, table, column, &nothing));
                }
                None if found.is_some() => statements.extend(lost(&kept)),
                None => {}
            },
            FormerColumn::Same | FormerColumn::Absent { .. } | FormerColumn::Altered(_) => {}
        }
    }
    statements
}
