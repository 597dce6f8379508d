//! Which of the sources of columns counts for a table, and its columns as the events name them.

use super::definition::{DefineProblem, Origin};
use super::representation::{self, SourceSql};
use super::shapes::SeenSchemas;
use super::{Knowledge, SourceColumn, SourceTable, dump};
use crate::catalog::TableSpec;
use crate::pipeline::{ColumnSource, Connector, FieldNameAdjustment, Pipeline, TableOptions};

/// The source that counts for this table. None when none knows it.
pub(super) fn choose(
    pipeline: &Pipeline,
    spec: &TableSpec,
    knowledge: &Knowledge,
    options: &TableOptions,
    problems: &mut Vec<DefineProblem>,
) -> Option<(Origin, SourceTable)> {
    let seen = knowledge.events.get(&spec.topic).and_then(SeenSchemas::newest);
    let allowed = |source: ColumnSource| [ColumnSource::Auto, source].contains(&pipeline.column_source());
    // A table whose columns are declared has them from there, whatever the others use.
    if !options.declare.is_empty() {
        let declared = declared(pipeline, options, problems)?;
        // Declared names are the events' own.
        return Some((Origin::Declared, as_in_events(declared, seen.as_ref(), Some(FieldNameAdjustment::None))));
    }
    let find = |tables| knowledge.find(tables, pipeline, &spec.topic).map(|(_, table)| table);
    let found = |source, origin, table: Option<&SourceTable>| {
        table.filter(|table| allowed(source) && !table.columns.is_empty()).map(|table| (origin, table.clone()))
    };
    let adjustment = pipeline.settings().field_names;
    // A dump is of one time. It does not tell how events were written before the table changed, and
    // may be newer than the events on their way.
    let (origin, table) = found(ColumnSource::SchemaChanges, Origin::SchemaChanges, find(&knowledge.schema_changes))
        .or_else(|| found(ColumnSource::Dump, Origin::Dump, find(&knowledge.dump)))
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

/// What to do for a table that no source knows.
pub(super) fn next_step(source: ColumnSource) -> &'static str {
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
