//! What defining a table gives: its definition, or everything that is in the way.

use std::collections::BTreeMap;
use std::fmt;

use crate::catalog::{Protection, TableDefinition};
use crate::error::{Classify, ErrorKind};

/// Redshift's limit for a table is 1,600 columns (Redshift Database Developer Guide, CREATE
/// TABLE); up to eight of them are this pipeline's own.
pub(super) const MAX_COLUMNS: usize = 1_600 - 8;

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
    /// Whether the source took partitions away from the table, with rows of which no event tells.
    pub lost_partitions: bool,
    /// Whether a foreign key of MySQL or MariaDB deletes or changes rows of the table, of which no event
    /// tells before MySQL 9.6.
    pub cascades: bool,
    /// Source names of columns whose digits of a second no event tells: rows lose digits when the source
    /// takes some away, and nothing shows it. Only for MySQL and MariaDB without a schema-change topic.
    pub untold_digits: Vec<String>,
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
    /// The records' key has a field that the row does not have.
    #[error(
        "the records' key has the field {field}, which the row does not have (ByLogicalTableRouter adds such a field where \
         several tables share a topic); let each table have its own topic and read them as one with `union`, or declare a \
         `key` that tells the rows of all of them apart"
    )]
    KeyNotInRow {
        /// The field.
        field: String,
    },
    /// The file leaves out a column of the key.
    #[error("column {column} is part of the key and cannot be left out")]
    KeyLeftOut {
        /// The column.
        column: String,
    },
    /// A column of the key is to be hashed or masked.
    #[error(
        "column {column} is part of the key, by whose clear values rows are found, and cannot be hashed or masked; leave it \
         clear, or declare another `key`"
    )]
    KeyProtected {
        /// The column.
        column: String,
    },
    /// A column is to be hashed or masked whose type does not allow it.
    #[error(
        "column {column} of type {source_type} cannot be {protection}: {reason}; mask it without `keep_last`, or leave it \
         out with `columns.exclude`"
    )]
    CannotProtect {
        /// The column.
        column: String,
        /// Its type in the source.
        source_type: String,
        /// How it was to be protected.
        protection: Protection,
        /// Why not.
        reason: &'static str,
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
