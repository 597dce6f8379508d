//! Where a table's columns come from, and what they become in the warehouse.
//!
//! Four sources know columns: the schema inside the events ([`from_event_schema`]), Debezium's
//! schema-change records ([`from_schema_changes`]), a dump of `CREATE TABLE` statements
//! ([`from_dump`]) and the pipeline file itself. [`Knowledge`] gathers what the first three say;
//! [`define`] picks one source per table, applies the file's options and gives the
//! [`crate::catalog::TableDefinition`]. A column whose values cannot be carried over exactly is
//! never guessed at: it is an error, or left out and reported, as the file says.
//!
//! How text is sized: in bytes, from the source's length in characters times the most bytes
//! that one character of its character set takes in UTF-8. Where the source tells no length
//! (TEXT, JSON, an event schema without lengths) the file's `unsized_text_bytes` counts, by
//! default the 65,535 bytes that a VARCHAR can hold.

mod chosen_source;
mod connect;
mod define;
mod definition;
mod dump;
pub(crate) mod form;
mod former;
mod history;
mod meaning;
mod mysql;
mod postgres;
mod recorded;
mod representation;
mod shapes;
mod silent;
mod source_type;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod type_table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use connect::Field;
pub use define::{UNAVAILABLE_VALUE, define};
pub use definition::{DefineError, DefineProblem, Definition, ExcludedColumn, Origin};
pub use dump::DumpError;
pub use representation::SourceSql;
pub use source_type::{Mapped, SqlType};

use crate::catalog::Decoding;
use crate::event::{
    ChangeEvent, ColumnStructure, Decoded, SchemaChange, TableChange, TableStructure, decode, embedded_schemas,
    flattened,
};
use crate::kafka::Record;
use crate::pipeline::{Connector, ConnectorSettings, Pipeline};

/// A column as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    /// Its name, as the events spell it.
    pub name: String,
    /// The field in the event's schema, where that is known.
    pub field: Option<Field>,
    /// The type in the source, where that is known.
    pub sql: Option<SourceSql>,
    /// Whether the source allows null.
    pub nullable: bool,
    /// The source's type, for people.
    pub source_type: String,
}

impl SourceColumn {
    fn of_sql(name: &str, sql: SourceSql, nullable: bool, source_type: String) -> Self {
        Self { name: name.to_owned(), field: None, sql: Some(sql), nullable, source_type }
    }

    /// What the column becomes. `settings` count where no event's schema tells how its values
    /// arrive.
    #[must_use]
    pub fn mapped(&self, settings: &ConnectorSettings) -> Mapped {
        match (&self.field, &self.sql) {
            (Some(field), sql) => representation::combine(field, sql.as_ref(), settings),
            (None, Some(sql)) => sql.map(settings),
            (None, None) => Mapped::unsupported("nothing tells the column's type"),
        }
    }

    /// What the connector takes away from values that arrive like this before it sends them, with
    /// the setting that keeps it. None if nothing, or if the type in the source is not known.
    #[must_use]
    pub fn loss(&self, arrives: Decoding) -> Option<&'static str> {
        representation::loss(self.sql.as_ref()?, arrives)
    }
}

/// A table as a source describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceTable {
    /// The columns in the source's order.
    pub columns: Vec<SourceColumn>,
    /// The key's columns in key order. Empty for a table without a key.
    pub key: Vec<String>,
}

/// A table's name in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// The database (MySQL, MariaDB) or schema (PostgreSQL). None when the source does not
    /// tell: then the table's name alone counts.
    pub container: Option<String>,
    /// The table.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => write!(formatter, "{container}.{}", self.table),
            None => formatter.write_str(&self.table),
        }
    }
}

/// Tables by their names in the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceTables {
    tables: BTreeMap<TableName, SourceTable>,
}

impl SourceTables {
    /// All tables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&TableName, &SourceTable)> {
        self.tables.iter()
    }

    /// Adds a table or replaces what was known of it.
    pub fn insert(&mut self, name: TableName, table: SourceTable) {
        self.tables.insert(name, table);
    }

    /// The table of a topic, whose name may spell it with underscores for characters that
    /// Kafka does not allow. An exact spelling counts before one that differs by case. None
    /// when there is none, or more than one that fits as well.
    #[must_use]
    pub fn find(&self, container: &str, table: &str) -> Option<&SourceTable> {
        self.find_named(container, table).map(|(_, table)| table)
    }

    /// As [`SourceTables::find`], with the table's name in the source.
    fn find_named(&self, container: &str, table: &str) -> Option<(&TableName, &SourceTable)> {
        let same = |left: &str, right: &str| in_topic(left) == right;
        let alike = |left: &str, right: &str| in_topic(left).to_lowercase() == right.to_lowercase();
        let pick = |equal: &dyn Fn(&str, &str) -> bool, needs_container: bool| {
            let mut found = self.tables.iter().filter(|(name, _)| {
                equal(&name.table, table)
                    && match &name.container {
                        Some(own) => equal(own, container),
                        None => !needs_container,
                    }
            });
            let first = found.next();
            match found.next() {
                None => first,
                Some(_) => None,
            }
        };
        pick(&same, true).or_else(|| pick(&same, false)).or_else(|| pick(&alike, false))
    }

    fn extend(&mut self, other: Self) {
        self.tables.extend(other.tables);
    }
}

/// A name as Debezium spells it in a topic: every character that Kafka does not allow becomes
/// an underscore.
fn in_topic(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => letter,
            _ => '_',
        })
        .collect()
}

/// The columns and the key from the schemas that JsonConverter embeds in a change event.
/// `key_schema` is None for a table without a key. None when the schema is not a change
/// event's.
#[must_use]
pub fn from_event_schema(key_schema: Option<&str>, value_schema: &str) -> Option<SourceTable> {
    connect::table(key_schema, value_schema)
}

/// The newest definition of each table, from schema-change records in their order.
///
/// A dropped table keeps its last definition: its topic still holds its events. A table that is
/// renamed gets its definition under the new name.
#[must_use]
pub fn from_schema_changes<'a>(changes: impl IntoIterator<Item = &'a SchemaChange>) -> SourceTables {
    let mut tables = SourceTables::default();
    for change in changes {
        for table_change in &change.changes {
            let Some(structure) = &table_change.table else {
                continue;
            };
            let Some(name) = changed_table(change, table_change) else {
                continue;
            };
            tables.insert(name, from_structure(structure, is_postgres(change)));
        }
    }
    tables
}

/// The name of the table that a schema change is about: database or schema, and table.
fn changed_table(change: &SchemaChange, table_change: &TableChange) -> Option<TableName> {
    let mut parts = table_change.id.iter().rev();
    let table = parts.next()?.clone();
    Some(TableName { container: parts.next().or(change.database.as_ref()).cloned(), table })
}

fn is_postgres(change: &SchemaChange) -> bool {
    change.source.connector.as_deref() == Some("postgresql")
}

/// The tables of a dump. `file` is its name in errors.
///
/// # Errors
///
/// The first place that cannot be followed, with the line.
pub fn from_dump(file: &str, sql: &str, connector: Option<Connector>) -> Result<SourceTables, DumpError> {
    let connector = connector
        .or_else(|| dump::recognise(sql))
        .ok_or_else(|| DumpError::UnknownDialect { file: file.to_owned() })?;
    dump::tables(file, sql, connector)
}

fn from_structure(structure: &TableStructure, is_postgres: bool) -> SourceTable {
    let column = |column: &ColumnStructure| {
        let sql = SqlType {
            name: column.type_name.to_uppercase(),
            arguments: column.length.into_iter().chain(column.scale).collect(),
            values: column.enum_values.iter().map(|value| unquoted(value, is_postgres)).collect(),
            charset: column.charset.clone(),
            ..SqlType::default()
        };
        let source_type = sql.display();
        let nullable = column.optional && !structure.primary_key.contains(&column.name);
        let is_enum = is_postgres && !sql.values.is_empty();
        SourceColumn::of_sql(&column.name, SourceSql { sql, is_postgres, is_enum }, nullable, source_type)
    };
    SourceTable { columns: structure.columns.iter().map(column).collect(), key: structure.primary_key.clone() }
}

/// The schema of a record's key, or the names of its fields as one where the converter of keys
/// writes none.
fn key_schema(record: &Record) -> Option<String> {
    if let Some(schema) = embedded_schemas(record).key {
        return Some(schema.to_owned());
    }
    let Decoded::Change(change) = decode(record) else { return None };
    let mut fields: Vec<serde_json::Value> = Vec::new();
    change.key?.each_column(|name, _| fields.push(serde_json::json!({ "field": name })));
    Some(serde_json::json!({ "type": "struct", "fields": fields }).to_string())
}

/// `'it''s'` is `it's`, and in MySQL two backslashes are one.
fn unquoted(literal: &str, is_postgres: bool) -> String {
    let inner = literal
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .map_or_else(|| literal.to_owned(), |inner| inner.replace("''", "'"));
    if is_postgres { inner } else { inner.replace("\\\\", "\\") }
}

/// What is known of the source's tables.
///
/// Feed it records in any number and from any topic; it takes what it can use and ignores the
/// rest. Schema changes count in the order they are fed, and one that is told again counts once;
/// of events the newest counts, by the source's positions where they tell, else by Kafka's timestamp.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    events: BTreeMap<String, shapes::SeenSchemas>,
    schema_changes: SourceTables,
    histories: BTreeMap<TableName, history::History>,
    /// The schema changes that were learned: a connector that crashed writes its last ones again.
    told: BTreeSet<history::Told>,
    dump: SourceTables,
    /// The tables of which partitions were taken away with their rows.
    without_partition: BTreeSet<TableName>,
    /// The tables with a foreign key that deletes or changes rows.
    cascading: BTreeSet<TableName>,
    /// The topics of which an event was seen that says so.
    tombstones_delete: BTreeSet<String>,
    /// The fields that a topic's flattened events have besides the row's own.
    added_fields: BTreeMap<String, BTreeSet<String>>,
    /// The topics of which a flattened event was seen, and the keys of the oldest records that are not
    /// merged yet, one for each partition that has some.
    flattened: BTreeMap<String, Vec<BTreeSet<String>>>,
    /// The tables that a topic's events say they are of.
    named: BTreeMap<String, BTreeSet<(String, String)>>,
}

impl Knowledge {
    /// Takes what a record tells: a schema change, or the schema inside an event.
    pub fn learn(&mut self, record: &Record) {
        let decoded = decode(record);
        if let Decoded::Change(change) = &decoded {
            self.learn_change(&record.position.topic, change);
        }
        let schemas = embedded_schemas(record);
        let key = key_schema(record);
        if let Some(value_schema) = schemas.value
            && self.learn_event_schema(record, key.as_deref(), value_schema)
        {
            return;
        }
        if let Decoded::SchemaChange(change) = decoded {
            if history::Told::of(&change).is_some_and(|told| !self.told.insert(told)) {
                return history::pass(&mut self.histories, &change, record);
            }
            self.schema_changes.extend(from_schema_changes([&change]));
            history::learn(&mut self.histories, &change, record);
            let names = || change.changes.iter().filter_map(|table| changed_table(&change, table));
            if change.ddl.as_deref().is_some_and(silent::takes_rows) {
                self.without_partition.extend(names());
            }
            if change.ddl.as_deref().is_some_and(silent::cascades) {
                self.cascading.extend(names());
            }
        }
    }

    fn learn_change(&mut self, topic: &str, change: &ChangeEvent<'_>) {
        if change.tombstones_delete {
            self.tombstones_delete.insert(topic.to_owned());
        }
        if let Some(row) = change.after {
            let added = flattened::added_fields(row);
            if !added.is_empty() {
                self.added_fields.entry(topic.to_owned()).or_default().extend(added);
            }
        }
        if change.is_flattened {
            self.flattened.entry(topic.to_owned()).or_default();
        }
        let source = &change.source;
        if let (Some(container), Some(table)) = (source.schema.as_ref().or(source.db.as_ref()), &source.table) {
            self.named.entry(topic.to_owned()).or_default().insert((in_topic(container), in_topic(table)));
        }
    }

    /// The table of a topic in one of the sources: by the topic's name, or where that is none of
    /// Debezium's own, by what the topic's events say. None if they are of several tables.
    fn find<'a>(
        &self,
        tables: &'a SourceTables,
        pipeline: &Pipeline,
        topic: &str,
    ) -> Option<(&'a TableName, &'a SourceTable)> {
        let (container, table) = pipeline.source_names(topic);
        let told = || match self.named.get(topic)?.iter().collect::<Vec<_>>().as_slice() {
            [(container, table)] => tables.find_named(container, table),
            _ => None,
        };
        tables.find_named(container, table).or_else(told)
    }

    /// Takes a dump's tables. Several dumps add up.
    ///
    /// # Errors
    ///
    /// What is wrong with the dump; nothing is taken then.
    pub fn learn_dump(&mut self, pipeline: &Pipeline, file: &str, sql: &str) -> Result<(), DumpError> {
        self.dump.extend(from_dump(file, sql, pipeline.connector())?);
        Ok(())
    }

    /// Whether it matters which records of this topic are merged next: its events carry their schema, or
    /// they are flattened and do not tell what a row's key was.
    #[must_use]
    pub fn wants_pending(&self, topic: &str) -> bool {
        self.events.contains_key(topic) || self.flattened.contains_key(topic)
    }

    /// The key with which flattened events of a table are merged next, where its history has another
    /// by now: an update does not tell which row of the longer key it is about.
    fn former_key(&self, topic: &str, history: &history::History) -> Option<Vec<String>> {
        let unmerged = self.flattened.get(topic)?;
        let is_unmerged = |key: &&[String]| unmerged.contains(&key.iter().cloned().collect());
        let newest = history.keys().next_back()?;
        history.keys().find(is_unmerged).filter(|key| *key != newest && !key.is_empty()).map(<[String]>::to_vec)
    }

    /// Takes in the oldest record of a partition that is not merged yet: its key is the key with
    /// which merging goes on.
    pub fn learn_unmerged(&mut self, record: &Record) {
        self.learn(record);
        if let (Some(key), Some(unmerged)) = (key_schema(record), self.flattened.get_mut(&record.position.topic)) {
            unmerged.push(connect::names(&key).into_iter().collect());
        }
        if let (Some(key), Some(events)) = (key_schema(record), self.events.get_mut(&record.position.topic)) {
            events.learn_unmerged(&key);
        }
    }

    /// Returns whether the schema is a change event's.
    fn learn_event_schema(&mut self, record: &Record, key_schema: Option<&str>, value_schema: &str) -> bool {
        let topic = &record.position.topic;
        if let Some(known) = self.events.get_mut(topic) {
            return known.learn(record, key_schema, value_schema);
        }
        let mut seen = shapes::SeenSchemas::default();
        let is_event = seen.learn(record, key_schema, value_schema);
        if is_event {
            self.events.insert(topic.clone(), seen);
        }
        is_event
    }
}
