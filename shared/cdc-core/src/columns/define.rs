//! A table's definition: one source of columns, and the pipeline file's options over it.

use std::collections::{BTreeMap, BTreeSet};

use super::chosen_source::{choose, next_step};
use super::definition::{DefineError, DefineProblem, Definition, ExcludedColumn, MAX_COLUMNS, Origin};
use super::former::former_versions;
use super::history::History;
use super::shapes::{self, SeenSchemas};
use super::{Knowledge, Mapped, SourceColumn, SourceTable};
use crate::catalog::{Column, Decoding, Mode, RedshiftType, TableDefinition, TableSpec};
use crate::pipeline::names::{folded, identifier_problem};
use crate::pipeline::{Connector, ConnectorSettings, Keyless, OnUnsupportedColumn, Pipeline, TableOptions};

/// The names of Redshift's own hidden columns, which no column may have.
const SYSTEM_COLUMNS: [&str; 7] = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What the PostgreSQL connector sends for a large value that did not change, by default
/// (`unavailable.value.placeholder`).
pub const UNAVAILABLE_VALUE: &str = "__debezium_unavailable_value";

/// The beginning of the names of this pipeline's own columns.
const OWN_PREFIX: &str = "_cdc_";

/// Defines a table from what is known and what the pipeline file says.
///
/// With `source.columns: auto` the first of declared, schema changes, dump and events that
/// knows the table says which columns there are and what they are in the source; where the
/// events' schema is known too, it says how their values arrive.
///
/// # Errors
///
/// All problems at once, each with the column and the next step.
pub fn define(pipeline: &Pipeline, spec: &TableSpec, knowledge: &Knowledge) -> Result<Definition, DefineError> {
    let options = pipeline.table_options(&spec.topic);
    let mut problems = Vec::new();
    let (origin, source) = match choose(pipeline, spec, knowledge, &options, &mut problems) {
        Some(chosen) => chosen,
        None => {
            if problems.is_empty() {
                problems.push(DefineProblem::Unknown { next_step: next_step(pipeline.column_source()) });
            }
            return Err(failed(spec, problems));
        }
    };
    let history = history_of(pipeline, spec, knowledge);
    let told = history.filter(|_| origin == Origin::SchemaChanges && options.key.is_none());
    let of_row = |key: &Vec<String>| key.iter().all(|name| source.columns.iter().any(|column| column.name == *name));
    let former_key = told.and_then(|history| knowledge.former_key(&spec.topic, history)).filter(of_row);
    // A dump tells the newest key, and records of the former one may be on their way.
    let events = knowledge.events.get(&spec.topic).filter(|_| origin == Origin::Dump);
    let merged_next = events.and_then(|events| events.key_like(&source.key)).filter(of_row);
    let told_key = former_key.clone().or(merged_next);
    let key = options.key.clone().or(told_key).unwrap_or_else(|| source.key.clone());
    check_names(&source, &key, &options, &mut problems);
    if options.key.is_none() {
        let of_row = |name: &String| source.columns.iter().any(|column| column.name == *name);
        problems
            .extend(key.iter().filter(|name| !of_row(name)).cloned().map(|field| DefineProblem::KeyNotInRow { field }));
    }
    let mode = match options.keyless {
        Keyless::Append if key.is_empty() => Mode::Append,
        Keyless::Count if key.is_empty() && options.mode == Mode::Current => Mode::Count,
        Keyless::Count | Keyless::Append | Keyless::Wait | Keyless::Error => options.mode,
    };
    if key.is_empty() && mode.needs_key() && options.keyless == Keyless::Error {
        problems.push(DefineProblem::NoKey);
    }
    let settings = pipeline.settings();
    let sources = source.columns.clone();
    let mut columns = Vec::new();
    let mut excluded = Vec::new();
    let known_attributes = known_attributes(spec, knowledge, origin, &source, history, &options, settings);
    let mut null_hidden_by_default = Vec::new();
    let mut assumed = Vec::new();
    let mut lossy: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for column in source.columns {
        let is_key = key.contains(&column.name);
        if !is_key && !is_wanted(&column.name, &options) {
            continue;
        }
        let mut add = |kind: RedshiftType, decoding: Decoding| {
            match &column.field {
                Some(field) if field.hides_null => null_hidden_by_default.push(column.name.clone()),
                None if decoding.has_unit() && settings.times.is_none() => assumed.push(column.name.clone()),
                _ => {}
            }
            if let Some(loss) = column.loss(decoding) {
                lossy.entry(loss).or_default().push(column.name.clone());
            }
            columns.push(target(&column, kind, decoding, &options));
        };
        let mapped = match column.mapped(settings) {
            // Redshift compares no SUPER values ("Limitations", SUPER data type).
            Mapped::Exact(RedshiftType::Super, _) if is_key => {
                Mapped::unsupported("Redshift cannot compare values of its SUPER type")
            }
            mapped => mapped,
        };
        match mapped {
            Mapped::Exact(target_type, decoding) => add(target_type, decoding),
            Mapped::UnsizedText => {
                add(RedshiftType::Varchar { bytes: pipeline.unsized_text_bytes() }, Decoding::Text);
            }
            Mapped::Unsized(decoding) => {
                add(RedshiftType::Varchar { bytes: pipeline.unsized_text_bytes() }, decoding);
            }
            Mapped::Unsupported { reason } => {
                let may_exclude = options.on_unsupported_column == OnUnsupportedColumn::Exclude;
                if may_exclude && !is_key {
                    excluded.push(ExcludedColumn { name: column.name, source_type: column.source_type, reason });
                } else {
                    problems.push(DefineProblem::Unsupported {
                        column: column.name,
                        source_type: column.source_type,
                        reason,
                        next_step: if is_key {
                            "it is part of the key; declare another `key`"
                        } else {
                            "leave it out with `columns.exclude`, or set `on_unsupported_column` to exclude"
                        },
                    });
                }
            }
        }
    }
    check_protection(&columns, &key, &mut problems);
    check_targets(&columns, &mut problems);
    if columns.is_empty() && problems.is_empty() {
        problems.push(DefineProblem::NoColumns);
    }
    if !problems.is_empty() {
        return Err(failed(spec, problems));
    }
    let history = history.filter(|_| origin == Origin::SchemaChanges);
    let (mut former, attributes) = history
        .map(|history| former_versions(history, &columns, &sources, settings, &options.exclude))
        .unwrap_or_default();
    let seen = knowledge.events.get(&spec.topic).filter(|_| origin != Origin::SchemaChanges);
    let is_postgres = |seen: &&SeenSchemas| pipeline.connector() == Some(Connector::Postgresql) || seen.is_postgres();
    let mut untold_digits = seen.filter(|seen| !is_postgres(seen)).map(SeenSchemas::untold_digits).unwrap_or_default();
    untold_digits.retain(|name| columns.iter().any(|column| column.source_name == *name));
    let mut records_key = former_key.map(|key| key.into_iter().collect());
    let shapes = seen.map(|seen| {
        let by_hand = known_attributes.is_none();
        let dump = knowledge.find(&knowledge.dump, pipeline, &spec.topic).map(|(_, table)| table.columns.as_slice());
        let constant = |name: &str| {
            let named = sources.iter().chain(dump.unwrap_or_default()).filter(|column| column.name == name);
            named.filter_map(|column| column.sql.as_ref()).find_map(|own| own.sql.default.clone())
        };
        let (shapes, versions) = shapes::known(pipeline, seen, &columns, &sources, &options, by_hand, &constant);
        records_key = seen.records_key(&key).filter(|_| options.key.is_none());
        former = versions;
        shapes
    });
    let learned_from = match (history, seen) {
        (Some(history), _) => history.learned_from(),
        (None, Some(seen)) => seen.learned_from(&spec.topic),
        (None, None) => None,
    };
    let table = TableDefinition {
        spec: spec.clone(),
        columns,
        key,
        mode,
        unavailable_value: settings.unavailable.clone().unwrap_or_else(|| UNAVAILABLE_VALUE.to_owned()),
        former,
        attributes,
        known_attributes,
        schema_changes: history.and_then(History::mark).cloned(),
        shapes,
        records_key,
        learned_from,
        on_schema_change: options.on_schema_change,
        tombstones_delete: knowledge.tombstones_delete.contains(&spec.topic),
    };
    let told = knowledge.find(&knowledge.schema_changes, pipeline, &spec.topic).map(|(name, _)| name);
    let lost_partitions = told.is_some_and(|name| knowledge.without_partition.contains(name));
    let cascades = told.is_some_and(|name| knowledge.cascading.contains(name));
    Ok(Definition {
        table,
        origin,
        excluded,
        null_hidden_by_default,
        assumed,
        lossy,
        lost_partitions,
        cascades,
        untold_digits,
    })
}

/// What the schema-change topic tells of the table's past.
fn history_of<'a>(pipeline: &Pipeline, spec: &TableSpec, knowledge: &'a Knowledge) -> Option<&'a History> {
    let (name, _) = knowledge.find(&knowledge.schema_changes, pipeline, &spec.topic)?;
    knowledge.histories.get(name)
}

/// The attributes that are no news in this table's row images. None where columns were chosen
/// by hand: then another attribute is one that was not chosen.
fn known_attributes(
    spec: &TableSpec,
    knowledge: &Knowledge,
    origin: Origin,
    source: &SourceTable,
    history: Option<&History>,
    options: &TableOptions,
    settings: &ConnectorSettings,
) -> Option<BTreeSet<String>> {
    if origin == Origin::Declared || options.include.is_some() {
        return None;
    }
    let mut known: BTreeSet<String> = source.columns.iter().map(|column| column.name.clone()).collect();
    if let Some(history) = history {
        let names: Vec<String> = source.columns.iter().map(|column| column.name.clone()).collect();
        known.extend(history.attributes(history.adjustment(&names, settings)));
    }
    known.extend(knowledge.events.get(&spec.topic).into_iter().flat_map(SeenSchemas::attributes));
    known.extend(knowledge.added_fields.get(&spec.topic).into_iter().flatten().cloned());
    known.extend(options.exclude.iter().cloned());
    Some(known)
}

fn failed(spec: &TableSpec, problems: Vec<DefineProblem>) -> DefineError {
    DefineError { topic: spec.topic.clone(), table: spec.id().to_string(), problems }
}

fn is_wanted(name: &str, options: &TableOptions) -> bool {
    let included = options.include.as_ref().is_none_or(|include| include.iter().any(|wanted| wanted == name));
    included && !options.exclude.iter().any(|unwanted| unwanted == name)
}

fn target(column: &SourceColumn, target_type: RedshiftType, decoding: Decoding, options: &TableOptions) -> Column {
    Column {
        source_name: column.name.clone(),
        target_name: options.rename.get(&column.name).cloned().unwrap_or_else(|| folded(&column.name)),
        target_type,
        decoding,
        nullable: column.nullable,
        source_type: column.source_type.clone(),
        on_unfit_value: options.on_unfit_value_of.get(&column.name).copied().unwrap_or(options.on_unfit_value),
        protection: options.protection.get(&column.name).copied().unwrap_or_default(),
    }
}

/// Checks that the columns of the key exist, and those that the table's own entry names.
fn check_names(source: &SourceTable, key: &[String], options: &TableOptions, problems: &mut Vec<DefineProblem>) {
    let known: Vec<&str> = source.columns.iter().map(|column| column.name.as_str()).collect();
    let mut check = |option: &'static str, names: &mut dyn Iterator<Item = &String>| {
        for name in names {
            if !known.contains(&name.as_str()) {
                let hint = crate::pipeline::nearest_name(name, known.iter().copied())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                problems.push(DefineProblem::NoSuchColumn { option, column: name.clone(), hint });
            }
        }
    };
    if options.key.is_some() {
        check("key", &mut key.iter());
    }
    check("columns", &mut options.mentioned.iter());
    for column in key {
        if options.exclude.contains(column) {
            problems.push(DefineProblem::KeyLeftOut { column: column.clone() });
        }
    }
}

/// Checks that what is hashed or masked is no key and of a type that can be.
fn check_protection(columns: &[Column], key: &[String], problems: &mut Vec<DefineProblem>) {
    for column in columns.iter().filter(|column| column.protection.is_some()) {
        let name = || column.source_name.clone();
        if key.contains(&column.source_name) {
            problems.push(DefineProblem::KeyProtected { column: name() });
        } else if let Some(reason) = column.protection.refusal(column.target_type) {
            problems.push(DefineProblem::CannotProtect {
                column: name(),
                source_type: column.source_type.clone(),
                protection: column.protection,
                reason,
            });
        }
    }
}

/// Checks that the target's names are possible and differ.
fn check_targets(columns: &[Column], problems: &mut Vec<DefineProblem>) {
    let mut seen = BTreeSet::new();
    for column in columns {
        let name = column.target_name.as_str();
        let problem = if !seen.insert(name) {
            Some("is another column's, too, apart from upper and lower case".to_owned())
        } else if name.starts_with(OWN_PREFIX) {
            Some(format!("begins with `{OWN_PREFIX}`, which the pipeline's own columns have"))
        } else if SYSTEM_COLUMNS.contains(&name) {
            Some("is a system column's in Redshift".to_owned())
        } else {
            identifier_problem(name)
        };
        if let Some(problem) = problem {
            problems.push(DefineProblem::Name { column: column.source_name.clone(), name: name.to_owned(), problem });
        }
    }
    if columns.len() > MAX_COLUMNS {
        problems.push(DefineProblem::TooManyColumns { count: columns.len() });
    }
}
