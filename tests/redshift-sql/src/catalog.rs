//! What the rewriter must know from outside: relations, user functions, plpgsql variables; and what it hands back.
//!
//! The engine implements the traits over PostgreSQL's catalogs. Names are already folded: they are compared byte by byte.

use crate::settings::Settings;
use crate::types::RsType;

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A permanent or temporary table.
    Table,
    /// A view that PostgreSQL knows.
    View,
    /// A materialized view (the engine may store it as a table).
    MaterializedView,
    /// A Kafka topic in an external schema. Only a streaming materialized view may read it.
    Stream,
    /// A catalog or system view (`svv_tables`, `pg_class`, …): read only.
    System,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Folded name.
    pub name: String,
    /// Type.
    pub rs_type: RsType,
    /// False if NULL is refused.
    pub nullable: bool,
    /// True for IDENTITY columns that may not be given in INSERT.
    pub identity: bool,
    /// True if the column has a DEFAULT.
    pub has_default: bool,
}

impl Column {
    /// A nullable column without a default.
    #[must_use]
    pub fn new(name: impl Into<String>, rs_type: RsType) -> Self {
        Self { name: name.into(), rs_type, nullable: true, identity: false, has_default: false }
    }
}

/// A relation as the rewriter sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Schema that Redshift users see and write (`cdc_landing`; the temporary schema may have any name).
    pub schema: String,
    /// Name that Redshift users see.
    pub name: String,
    /// Schema to print for PostgreSQL (`pg_temp` for temporary tables; otherwise usually equal to `schema`).
    pub postgres_schema: String,
    /// Name to print for PostgreSQL.
    pub postgres_name: String,
    /// Kind.
    pub kind: RelationKind,
    /// Columns in order; hidden ones left out.
    pub columns: Vec<Column>,
    /// A late-binding view's query as it was given, with the settings of its creation: expanded in place at every use.
    pub definition: Option<LateBinding>,
}

/// The stored query of a view WITH NO SCHEMA BINDING.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateBinding {
    /// Redshift SQL of the query ([`crate::CreateView::query_text`]).
    pub sql: String,
    /// Declared column names, if any.
    pub columns: Vec<String>,
    /// Settings for identifiers at creation; SUPER attributes follow the settings at query time
    /// (Redshift Database Developer Guide, "enable_case_sensitive_super_attribute").
    pub settings: Settings,
}

/// A scalar SQL function that a user created; the engine keeps it as a PostgreSQL function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFunction {
    /// PostgreSQL schema to print.
    pub schema: String,
    /// PostgreSQL name to print.
    pub name: String,
    /// Argument types.
    pub arguments: Vec<RsType>,
    /// Result type.
    pub returns: RsType,
}

/// The database as the rewriter sees it. Lookups must reflect the session's current state (search path, temporary tables).
pub trait Catalog {
    /// Name of the connected database: the only one accepted in `database.schema.table`.
    fn database(&self) -> String;

    /// The id of the session's last query, as PG_LAST_QUERY_ID gives it; -1 if there was none.
    fn last_query_id(&self) -> i64 {
        -1
    }

    /// Finds a relation. `None` as schema means the search path: temporary tables, then `search_path`, then the system views
    /// (`svv_*`, `stv_*`, `sys_*`, `pg_*`), which are also found under `pg_catalog`.
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Relation>;

    /// All user functions of that name; the rewriter picks by number and types of arguments.
    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<UserFunction>;
}

/// plpgsql variables in sight of a statement.
pub trait Variables {
    /// Type of a variable (`["v_count"]`), of a record field (`["rec", "id"]`) or of a block-qualified variable
    /// (`["label", "v"]`); `None` if there is none. Names are folded. A record as a whole has no type.
    fn variable(&self, path: &[&str]) -> Option<RsType>;

    /// Text of a Data API parameter `:name`; `None` if there is none of that name.
    fn named_parameter(&self, name: &str) -> Option<String>;

    /// Types of the arguments `$1`, `$2`, … inside a SQL function's body. Empty elsewhere.
    fn arguments(&self) -> &[RsType] {
        &[]
    }
}

/// No variables and no parameters: a statement outside procedures.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn variable(&self, _path: &[&str]) -> Option<RsType> {
        None
    }

    fn named_parameter(&self, _name: &str) -> Option<String> {
        None
    }
}

/// A bind parameter of translated SQL: `$k` stands for `parameters[k - 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The variable's path as given to [`Variables::variable`].
    pub path: Vec<String>,
    /// Its type. The SQL contains `$k::type`, so that PostgreSQL infers this parameter type and a text-format value works.
    pub rs_type: RsType,
}

/// A result column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// Name as Redshift reports it (lower case unless identifiers are case sensitive).
    pub name: String,
    /// Type.
    pub rs_type: RsType,
    /// `(schema, table)` as Redshift users see them, if the column is a plain column of a table.
    pub origin: Option<(String, String)>,
}

/// PostgreSQL text with what the engine needs to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// One PostgreSQL statement, without a final semicolon.
    pub sql: String,
    /// Bind parameters in order of their numbers.
    pub parameters: Vec<Parameter>,
    /// Result columns; empty if the statement returns no rows.
    pub columns: Vec<OutputColumn>,
    /// Relations that the statement reads, as (schema, name): for privilege checks and table locks.
    pub reads: Vec<(String, String)>,
    /// Relations that it writes.
    pub writes: Vec<(String, String)>,
}
