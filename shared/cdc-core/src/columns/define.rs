//! A table's definition: one source of columns, and the pipeline file's options over it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::history::{self, FormerSource, History};
use super::representation::{self, SourceSql};
use super::shapes::{self, SeenSchemas};
use super::{Knowledge, Mapped, SourceColumn, SourceTable, dump};
use crate::catalog::{
    Column, Decoding, FormerColumn, FormerVersion, Mode, RedshiftType, TableDefinition, TableSpec, VARCHAR_MAX_BYTES,
};
use crate::error::{Classify, ErrorKind};
use crate::pipeline::names::{folded, identifier_problem};
use crate::pipeline::{
    ColumnSource, Connector, ConnectorSettings, FieldNameAdjustment, Keyless, OnUnsupportedColumn, Pipeline,
    TableOptions,
};

/// Redshift's limit for a table is 1,600 columns (Redshift Database Developer Guide, CREATE
/// TABLE); up to eight of them are this pipeline's own.
const MAX_COLUMNS: usize = 1_600 - 8;

/// The names of Redshift's own hidden columns, which no column may have.
const SYSTEM_COLUMNS: [&str; 7] = ["oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What the PostgreSQL connector sends for a large value that did not change, by default
/// (`unavailable.value.placeholder`).
pub const UNAVAILABLE_VALUE: &str = "__debezium_unavailable_value";

/// The beginning of the names of this pipeline's own columns.
const OWN_PREFIX: &str = "_cdc_";

/// Where a table's columns came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The pipeline file.
    Declared,
    /// A dump.
    Dump,
    /// Debezium's schema-change records.
    SchemaChanges,
    /// The schema inside the events.
    Events,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Declared => "the pipeline file",
            Self::Dump => "the dump",
            Self::SchemaChanges => "the schema-change topic",
            Self::Events => "the events' schema",
        })
    }
}

/// A table's definition and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The table with its columns and key.
    pub table: TableDefinition,
    /// Where the columns came from.
    pub origin: Origin,
    /// The columns that were left out because of their types.
    pub excluded: Vec<ExcludedColumn>,
    /// Source names of nullable columns whose null arrives as the column's default, unless the
    /// converter has `replace.null.with.default=false`. Only an event's schema tells.
    pub null_hidden_by_default: Vec<String>,
    /// Source names of columns of which only the connector's settings, stated or assumed, tell
    /// in which unit their values arrive, because no event's schema is known.
    pub assumed: Vec<String>,
    /// What the connector's settings take away from values before they are sent, with the setting
    /// that keeps it, and the source names of the columns. Only the source's types tell.
    pub lossy: BTreeMap<&'static str, Vec<String>>,
}

/// A column that was left out because its values cannot be carried over exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedColumn {
    /// Its name in the source.
    pub name: String,
    /// Its type in the source.
    pub source_type: String,
    /// Why.
    pub reason: String,
}

/// One thing that keeps a table from being defined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefineProblem {
    /// No source knows the table.
    #[error("its columns are not known; {next_step}")]
    Unknown {
        /// What to do.
        next_step: &'static str,
    },
    /// The columns are declared, but not the key.
    #[error("its columns are declared, its key is not; add `key`, an empty list for a table without a key")]
    KeyNotDeclared,
    /// There is no key and the file wants one.
    #[error("it has no key; add `key`, or set `keyless` to count, append or wait")]
    NoKey,
    /// A declared type that is none.
    #[error("column {column}: the declared type `{source_type}` cannot be read")]
    DeclaredType {
        /// The column.
        column: String,
        /// The type as written.
        source_type: String,
    },
    /// A column whose values cannot be carried over exactly.
    #[error("column {column} of type {source_type}: {reason}; {next_step}")]
    Unsupported {
        /// The column.
        column: String,
        /// Its type in the source.
        source_type: String,
        /// Why.
        reason: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The file names a column that the table does not have.
    #[error("`{option}` names the column {column}, which the table does not have{hint}")]
    NoSuchColumn {
        /// The option.
        option: &'static str,
        /// The name in the file.
        column: String,
        /// The nearest name, if any.
        hint: String,
    },
    /// The file leaves out a column of the key.
    #[error("column {column} is part of the key and cannot be left out")]
    KeyLeftOut {
        /// The column.
        column: String,
    },
    /// A name that the target's column cannot have.
    #[error("column {column}: the name `{name}` {problem}; give it another in `columns.rename`")]
    Name {
        /// The column.
        column: String,
        /// The name in the target.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More columns than a table may have.
    #[error("it has {count} columns, {MAX_COLUMNS} are possible; leave some out with `columns.exclude`")]
    TooManyColumns {
        /// How many.
        count: usize,
    },
    /// Nothing is left.
    #[error("no column is left; see `columns.include` and `columns.exclude`")]
    NoColumns,
}

/// Everything that keeps a table from being defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefineError {
    /// The table's topic.
    pub topic: String,
    /// The target's name.
    pub table: String,
    /// The problems. Never empty.
    pub problems: Vec<DefineProblem>,
}

impl fmt::Display for DefineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "table {} (topic {}) cannot be defined", self.table, self.topic)?;
        match self.problems.as_slice() {
            [one] => write!(formatter, ": {one}"),
            many => many.iter().try_for_each(|problem| write!(formatter, "\n  {problem}")),
        }
    }
}

impl std::error::Error for DefineError {}

impl Classify for DefineError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}

/// Defines a table from what is known and what the pipeline file says.
///
/// With `source.columns: auto` the first of declared, dump, schema changes and events that
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
    let key = options.key.clone().unwrap_or_else(|| source.key.clone());
    check_names(&source, &key, &options, &mut problems);
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
    let known_attributes =
        known_attributes(spec, knowledge, origin, &source, history_of(pipeline, spec, knowledge), &options);
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
    check_targets(&columns, &mut problems);
    if columns.is_empty() && problems.is_empty() {
        problems.push(DefineProblem::NoColumns);
    }
    if !problems.is_empty() {
        return Err(failed(spec, problems));
    }
    let history = history_of(pipeline, spec, knowledge).filter(|_| origin == Origin::SchemaChanges);
    let mut former = history.map(|history| former_versions(history, &columns, &sources, settings)).unwrap_or_default();
    let seen = knowledge.events.get(&spec.topic).filter(|_| origin != Origin::SchemaChanges);
    let shapes = seen.map(|seen| {
        let by_hand = known_attributes.is_none();
        let (mut shapes, versions) = shapes::known(pipeline, seen, &columns, &sources, &options, by_hand);
        shapes.key = seen.records_key(&key).filter(|_| options.key.is_none());
        former = versions;
        shapes
    });
    let table = TableDefinition {
        spec: spec.clone(),
        columns,
        key,
        mode,
        unavailable_value: settings.unavailable.clone().unwrap_or_else(|| UNAVAILABLE_VALUE.to_owned()),
        former,
        known_attributes,
        schema_changes: history.and_then(History::mark).cloned(),
        shapes,
        on_schema_change: options.on_schema_change,
    };
    Ok(Definition { table, origin, excluded, null_hidden_by_default, assumed, lossy })
}

/// What the schema-change topic tells of the table's past.
fn history_of<'a>(pipeline: &Pipeline, spec: &TableSpec, knowledge: &'a Knowledge) -> Option<&'a History> {
    let (container, table) = pipeline.source_names(&spec.topic);
    let (name, _) = knowledge.schema_changes.find_named(container, table)?;
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
) -> Option<BTreeSet<String>> {
    if origin == Origin::Declared || options.include.is_some() {
        return None;
    }
    let mut known: BTreeSet<String> = source.columns.iter().map(|column| column.name.clone()).collect();
    known.extend(history.map(History::attributes).unwrap_or_default());
    known.extend(knowledge.events.get(&spec.topic).into_iter().flat_map(SeenSchemas::attributes));
    known.extend(options.exclude.iter().cloned());
    Some(known)
}

/// How events that were written before the table's definition changed are read. `sources` are
/// the present columns as the source has them.
fn former_versions(
    history: &History,
    columns: &[Column],
    sources: &[SourceColumn],
    settings: &ConnectorSettings,
) -> Vec<FormerVersion> {
    let names: Vec<String> = columns.iter().map(|column| column.source_name.clone()).collect();
    let former = |(column, former): (&Column, FormerSource)| match former {
        FormerSource::Column(former) => {
            let present = sources.iter().find(|source| source.name == column.source_name);
            former_column(column, present, &former, settings)
        }
        FormerSource::Absent { default, reuses_name } => FormerColumn::Absent { default, reuses_name },
        FormerSource::Unknown => FormerColumn::Unknown,
    };
    let versions = history
        .former(&names)
        .into_iter()
        .map(|version| FormerVersion {
            until: Some(version.until),
            discarded: version.discarded,
            // Events of a dropped table are not read at all.
            columns: if version.discarded {
                vec![FormerColumn::Same; columns.len()]
            } else {
                columns.iter().zip(version.columns).map(former).collect()
            },
        })
        .collect();
    history::compress(versions)
}

/// A column as an earlier definition had it. Where only its size differs it is read into the
/// present type at once: what does not fit there is lost and said.
fn former_column(
    column: &Column,
    present: Option<&SourceColumn>,
    former: &SourceColumn,
    settings: &ConnectorSettings,
) -> FormerColumn {
    if present.is_some_and(|present| present.sql == former.sql) {
        return read_as(column, former, column.target_type, column.decoding);
    }
    // The events' schema tells the present unit of times only. If it is another than the stated
    // settings give, that of former events is not known. Other forms show in the values.
    let stated = |source: &SourceColumn| SourceColumn { field: None, ..source.clone() }.mapped(settings);
    let is_as_stated = present.is_none_or(|present| stated(present) == present.mapped(settings));
    match stated(former) {
        Mapped::Exact(_, decoding) | Mapped::Unsized(decoding) if decoding.has_unit() && !is_as_stated => {
            FormerColumn::Unknown
        }
        mapped => as_former(column, former, mapped),
    }
}

/// A column as it was in an earlier definition, where it was `mapped`.
pub(super) fn as_former(column: &Column, former: &SourceColumn, mapped: Mapped) -> FormerColumn {
    let unsized_text = RedshiftType::Varchar { bytes: VARCHAR_MAX_BYTES };
    match mapped {
        // The source widened the 32-bit number, not its shortest text.
        Mapped::Exact(RedshiftType::Real, Decoding::Float) if column.target_type == RedshiftType::DoublePrecision => {
            read_as(column, former, RedshiftType::Real, Decoding::Float)
        }
        Mapped::Exact(_, decoding) | Mapped::Unsized(decoding) if decoding == column.decoding => {
            read_as(column, former, column.target_type, decoding)
        }
        Mapped::UnsizedText if column.decoding == Decoding::Text => {
            read_as(column, former, column.target_type, Decoding::Text)
        }
        Mapped::Exact(target_type, decoding) => read_as(column, former, target_type, decoding),
        Mapped::UnsizedText => read_as(column, former, unsized_text, Decoding::Text),
        Mapped::Unsized(decoding) => read_as(column, former, unsized_text, decoding),
        Mapped::Unsupported { .. } => FormerColumn::Unknown,
    }
}

fn read_as(column: &Column, former: &SourceColumn, target_type: RedshiftType, decoding: Decoding) -> FormerColumn {
    if former.name == column.source_name && target_type == column.target_type && decoding == column.decoding {
        return FormerColumn::Same;
    }
    FormerColumn::Other(Box::new(Column {
        source_name: former.name.clone(),
        target_type,
        decoding,
        nullable: former.nullable,
        source_type: former.source_type.clone(),
        ..column.clone()
    }))
}

fn failed(spec: &TableSpec, problems: Vec<DefineProblem>) -> DefineError {
    DefineError { topic: spec.topic.clone(), table: spec.id().to_string(), problems }
}

fn next_step(source: ColumnSource) -> &'static str {
    match source {
        ColumnSource::Auto => {
            "give a dump in `source.dump`, declare them in `columns.declare`, or wait until the topic has events with a schema or the schema-change topic has the table"
        }
        ColumnSource::Events => {
            "the topic has no events with a schema yet; set schemas.enable=true in the converter, or choose another `source.columns`"
        }
        ColumnSource::SchemaChanges => {
            "the schema-change topic does not have the table; set include.schema.changes=true in the connector, or choose another `source.columns`"
        }
        ColumnSource::Dump => "the dump does not have the table",
        ColumnSource::Declared => "declare them in `columns.declare`",
    }
}

/// The source that counts for this table. None when none knows it.
fn choose(
    pipeline: &Pipeline,
    spec: &TableSpec,
    knowledge: &Knowledge,
    options: &TableOptions,
    problems: &mut Vec<DefineProblem>,
) -> Option<(Origin, SourceTable)> {
    let (container, table) = pipeline.source_names(&spec.topic);
    let seen = knowledge.events.get(&spec.topic).and_then(SeenSchemas::newest);
    let allowed = |source: ColumnSource| [ColumnSource::Auto, source].contains(&pipeline.column_source());
    // A table whose columns are declared has them from there, whatever the others use.
    if !options.declare.is_empty() {
        let declared = declared(pipeline, options, problems)?;
        // Declared names are the events' own.
        return Some((Origin::Declared, as_in_events(declared, seen.as_ref(), Some(FieldNameAdjustment::None))));
    }
    let dump = || knowledge.dump.find(container, table);
    let schema_changes = || knowledge.schema_changes.find(container, table);
    let found = |source, origin, table: Option<&SourceTable>| {
        table.filter(|table| allowed(source) && !table.columns.is_empty()).map(|table| (origin, table.clone()))
    };
    let adjustment = pipeline.settings().field_names;
    let (origin, table) = found(ColumnSource::Dump, Origin::Dump, dump())
        .or_else(|| found(ColumnSource::SchemaChanges, Origin::SchemaChanges, schema_changes()))
        .or_else(|| found(ColumnSource::Events, Origin::Events, seen.as_ref()))?;
    if origin == Origin::Events {
        return Some((origin, table));
    }
    Some((origin, as_in_events(table, seen.as_ref(), adjustment)))
}

/// A table's columns under the names that they have in the events, with what the events' schema
/// says of them. A column that the events do not have yet stays as it is.
fn as_in_events(
    mut table: SourceTable,
    events: Option<&SourceTable>,
    adjustment: Option<FieldNameAdjustment>,
) -> SourceTable {
    let find = |name: &str| events.and_then(|events| events.columns.iter().find(|column| column.name == name));
    for column in &mut table.columns {
        let modes = match adjustment {
            Some(mode) => vec![mode],
            None => vec![FieldNameAdjustment::None, FieldNameAdjustment::Avro, FieldNameAdjustment::AvroUnicode],
        };
        let names: Vec<String> = modes.iter().map(|mode| representation::field_name(&column.name, *mode)).collect();
        let seen = names.iter().find_map(|name| find(name));
        let name = seen.map(|seen| &seen.name).or(names.first()).cloned().unwrap_or_default();
        for key in table.key.iter_mut().filter(|key| **key == column.name) {
            key.clone_from(&name);
        }
        column.name = name;
        column.field = seen.and_then(|seen| seen.field.clone());
    }
    table
}

/// The declared columns. None when the key is not declared or a type cannot be read.
fn declared(pipeline: &Pipeline, options: &TableOptions, problems: &mut Vec<DefineProblem>) -> Option<SourceTable> {
    let Some(key) = options.key.clone() else {
        problems.push(DefineProblem::KeyNotDeclared);
        return None;
    };
    // The pipeline file is refused when columns are declared and the connector is not.
    let connector = pipeline.connector()?;
    let mut columns = Vec::new();
    for column in &options.declare {
        let Some(sql) = dump::declared_type(&column.source_type, connector) else {
            problems.push(DefineProblem::DeclaredType {
                column: column.name.clone(),
                source_type: column.source_type.clone(),
            });
            continue;
        };
        let nullable = column.nullable && !key.contains(&column.name);
        let own = SourceSql { sql, is_postgres: connector == Connector::Postgresql, is_enum: false };
        columns.push(SourceColumn::of_sql(&column.name, own, nullable, column.source_type.clone()));
    }
    problems.is_empty().then_some(SourceTable { columns, key })
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
    check("key", &mut key.iter());
    check("columns", &mut options.mentioned.iter());
    for column in key {
        if options.exclude.contains(column) {
            problems.push(DefineProblem::KeyLeftOut { column: column.clone() });
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
