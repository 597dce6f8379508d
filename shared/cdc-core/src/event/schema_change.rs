//! Debezium's schema-change records: the table definitions of MySQL and MariaDB as they change.

use super::json::Object;
use super::source::Source;

/// One record of the schema-change topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// Where the statement was read.
    pub source: Source,
    /// The database that the statement was for.
    pub database: Option<String>,
    /// The statement. None when the connector leaves it out.
    pub ddl: Option<String>,
    /// When the connector wrote the record, in milliseconds since the epoch.
    pub ts_ms: Option<i64>,
    /// What it did to tables. Empty for statements that concern none.
    pub changes: Vec<TableChange>,
}

/// What a statement did to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChange {
    /// Created, altered or dropped.
    pub kind: TableChangeKind,
    /// The parts of the table's name: database and table, or database, schema and table.
    pub id: Vec<String>,
    /// The parts of its former name, where a rename says so. MariaDB's and MySQL's connectors
    /// leave it out for `ALTER TABLE … RENAME`.
    pub previous_id: Option<Vec<String>>,
    /// The table as it is now. None for a dropped table.
    pub table: Option<TableStructure>,
}

/// The kind of a [`TableChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableChangeKind {
    /// `CREATE TABLE`, and each table at the start of a snapshot.
    Create,
    /// `ALTER TABLE`, `RENAME TABLE`.
    Alter,
    /// `DROP TABLE`.
    Drop,
}

/// A table as Debezium's schema history knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStructure {
    /// The key's columns in key order. Empty for a table without a key.
    pub primary_key: Vec<String>,
    /// The columns in the table's order.
    pub columns: Vec<ColumnStructure>,
}

/// A column as Debezium's schema history knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnStructure {
    /// Its name.
    pub name: String,
    /// Its type without lengths, such as `DECIMAL UNSIGNED`.
    pub type_name: String,
    /// Length, precision or fractional digits. None when the type was written without.
    pub length: Option<i64>,
    /// Digits behind the point.
    pub scale: Option<i64>,
    /// The character set of a text column.
    pub charset: Option<String>,
    /// The values of an enum or set, as quoted SQL literals.
    pub enum_values: Vec<String>,
    /// Whether it may be null.
    pub optional: bool,
    /// The default as the database writes it, quotes taken off. None for no default, or NULL.
    pub default: Option<String>,
}

impl SchemaChange {
    /// Reads a schema-change value. A member of `tableChanges` that makes no sense is an error,
    /// with what it was: leaving it out would give columns that are not the table's.
    pub(crate) fn read(object: &Object<'_>) -> Result<Self, String> {
        let changes = object
            .list("tableChanges")
            .unwrap_or_default()
            .into_iter()
            .map(|raw| {
                Object::parse(raw.get())
                    .and_then(|change| TableChange::read(&change))
                    .ok_or("a schema change with a table change that has no known type or table")
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            source: object.object("source").map(|source| Source::read(&source)).unwrap_or_default(),
            database: object.string("databaseName"),
            ddl: object.string("ddl"),
            ts_ms: object.integer("ts_ms"),
            changes,
        })
    }
}

impl TableChange {
    fn read(object: &Object<'_>) -> Option<Self> {
        let kind = match object.text("type")?.as_ref() {
            "CREATE" => TableChangeKind::Create,
            "ALTER" => TableChangeKind::Alter,
            "DROP" => TableChangeKind::Drop,
            _ => return None,
        };
        let id = split_id(&object.text("id")?);
        if id.is_empty() {
            return None;
        }
        let table = match object.object("table") {
            Some(table) => Some(TableStructure::read(&table)?),
            None if kind == TableChangeKind::Drop => None,
            None => return None,
        };
        Some(Self {
            kind,
            id,
            previous_id: object.text("previousId").map(|id| split_id(&id)).filter(|id| !id.is_empty()),
            table,
        })
    }
}

impl TableStructure {
    fn read(object: &Object<'_>) -> Option<Self> {
        let texts = |object: &Object<'_>, name: &str| -> Vec<String> {
            object
                .list(name)
                .unwrap_or_default()
                .iter()
                .filter_map(|raw| serde_json::from_str(raw.get()).ok())
                .collect()
        };
        let mut columns = Vec::new();
        for raw in object.list("columns")? {
            let column = Object::parse(raw.get())?;
            columns.push((
                column.integer("position").unwrap_or(i64::MAX),
                ColumnStructure {
                    name: column.string("name")?,
                    type_name: column.string("typeName")?,
                    length: column.integer("length"),
                    scale: column.integer("scale"),
                    charset: column.string("charsetName"),
                    enum_values: texts(&column, "enumValues"),
                    optional: column.boolean("optional").unwrap_or(true),
                    default: column.string("defaultValueExpression"),
                },
            ));
        }
        columns.sort_by_key(|(position, _)| *position);
        Some(Self {
            primary_key: texts(object, "primaryKeyColumnNames"),
            columns: columns.into_iter().map(|(_, column)| column).collect(),
        })
    }
}

/// Splits `"db"."table"` into its parts. A doubled quote within a part is one quote.
fn split_id(id: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut letters = id.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                part.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    if parts.iter().any(String::is_empty) {
        return Vec::new();
    }
    parts
}
