//! What the server asks of the thing that executes SQL.
//!
//! Implemented by others; this crate only calls it. An engine words its errors as Redshift does and
//! types its values as the Data API does, because the server passes both on untouched.
//!
//! Invariant: the server never calls a [`Session`] from two tasks at once, and drops it when it is
//! done with it. Dropping a session ends it: what was not committed is rolled back.

use std::sync::Arc;

use async_trait::async_trait;

/// Executes SQL: one data warehouse, reached by any number of sessions at once.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Opens a session with default settings.
    ///
    /// # Errors
    /// The database does not exist, the user may not connect, the engine is not reachable. The
    /// statement that needed the session becomes FAILED with this text; for the operations that
    /// list things, the request fails with `DatabaseConnectionException`.
    async fn connect(&self, login: &Login) -> Result<Box<dyn Session>, SqlError>;
}

/// Who connects to what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login {
    /// The database's name as the client gave it.
    pub database: String,
    /// The database user: `IAM:<user>`, `IAMR:<role>`, a `DbUser`, or the user of a secret.
    pub db_user: String,
    /// How the user was found, which decides whether it may be created by the login.
    pub authentication: Authentication,
}

/// How a database user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Authentication {
    /// Derived from the IAM identity (`redshift:GetClusterCredentialsWithIAM`,
    /// `redshift-serverless:GetCredentials`). Such a user comes into being at its first login.
    Iam,
    /// Named by the request's `DbUser` (`redshift:GetClusterCredentials` without auto-creation):
    /// the user must exist.
    DbUser,
    /// Named by a secret: the user must exist.
    Secret,
}

/// One connection to the engine, with its own settings, temporary tables and transaction.
#[async_trait]
pub trait Session: Send {
    /// The process id that Redshift would report (`RedshiftPid`, `pg_backend_pid()`).
    fn pid(&self) -> i64;

    /// Whether the connection is still there. The server keeps no idle session that has ended.
    fn is_alive(&self) -> bool {
        true
    }

    /// Runs one statement and reads its whole result.
    ///
    /// Outside a transaction the statement commits by itself. `parameters` are names without the
    /// colon and values as text, in the request's order; the engine puts them where `:name` stands
    /// ([`crate::parameters`] finds the places) and casts implicitly, as Redshift does. The server
    /// has checked that each given parameter occurs; a placeholder without a parameter is the
    /// engine's to refuse, and so is a text that holds more than one statement.
    ///
    /// # Errors
    /// Whatever the statement was refused or failed with. A statement that was cancelled by
    /// [`Canceller::cancel`] must return an error, soon.
    async fn execute(&mut self, sql: &str, parameters: &[(String, String)]) -> Result<StatementResult, SqlError>;

    /// Opens the transaction of a batch in the execution mode TRANSACTION.
    ///
    /// # Errors
    /// The engine could not begin; the batch fails with this text.
    async fn begin(&mut self) -> Result<(), SqlError>;

    /// Commits the transaction of a batch. A statement of the batch may have ended it already
    /// (TRUNCATE, COMMIT); then this does nothing.
    ///
    /// # Errors
    /// The commit failed, for example for a serialization conflict: nothing of the transaction
    /// holds, and the batch is FAILED with this text.
    async fn commit(&mut self) -> Result<(), SqlError>;

    /// Rolls the transaction of a batch back. Without an open transaction it does nothing.
    ///
    /// # Errors
    /// The engine could not roll back; the session is dropped, which rolls back too.
    async fn rollback(&mut self) -> Result<(), SqlError>;

    /// A handle that cancels what this session is executing, usable while [`Session::execute`] is
    /// under way.
    fn canceller(&self) -> Arc<dyn Canceller>;

    /// Makes the session as good as new: default settings, no temporary tables, no transaction.
    ///
    /// `Ok(true)` lets the server keep the session for the next statement of the same login;
    /// `Ok(false)`, the default, says that the engine cannot promise it, and the session is dropped.
    ///
    /// # Errors
    /// The session is broken; it is dropped.
    async fn reset(&mut self) -> Result<bool, SqlError> {
        Ok(false)
    }
}

/// Cancels a session's running statement from another task.
#[async_trait]
pub trait Canceller: Send + Sync {
    /// Asks the engine to stop what the session is executing; does nothing if it is idle. Returns
    /// when the request was passed on, not when the statement has stopped.
    async fn cancel(&self);
}

/// What a statement brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatementResult {
    /// The columns of the result set; `None` if the statement has no result set (which is not the
    /// same as an empty one: `HasResultSet` is true for `Some` with no rows).
    pub columns: Option<Vec<ColumnMetadata>>,
    /// The rows, each as long as `columns`, in the statement's order; empty without a result set.
    pub rows: Vec<Vec<Value>>,
    /// Rows inserted, updated, deleted, merged or copied; -1 for statements that count nothing
    /// (DDL, SET, CALL without OUT parameters). Ignored if there is a result set.
    pub rows_affected: i64,
    /// The id under which `SYS_QUERY_HISTORY` shows the statement (`RedshiftQueryId`); `None` if the
    /// engine keeps no such ids.
    pub query_id: Option<i64>,
}

impl StatementResult {
    /// A statement without a result set that touched `rows_affected` rows (-1: counts nothing).
    #[must_use]
    pub fn command(rows_affected: i64) -> Self {
        Self { rows_affected, ..Self::default() }
    }

    /// A statement with a result set.
    #[must_use]
    pub fn rows(columns: Vec<ColumnMetadata>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns: Some(columns), rows, rows_affected: -1, query_id: None }
    }
}

/// One value of a result row, typed as the Data API types it (management guide, "Data type mapping
/// when calling the Amazon Redshift Data API").
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL: `{"isNull": true}`.
    Null,
    /// SMALLINT, INTEGER, BIGINT: `longValue`.
    Long(i64),
    /// REAL, DOUBLE PRECISION: `doubleValue`.
    Double(f64),
    /// BOOLEAN: `booleanValue`.
    Boolean(bool),
    /// Everything else in Redshift's text form, DECIMAL, dates, SUPER and VARBYTE included:
    /// `stringValue`.
    String(String),
}

/// The metadata of one result column, as JDBC would have it; the model documents the members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnMetadata {
    /// The column's name.
    pub name: String,
    /// The column's label (the alias, or the name).
    pub label: String,
    /// Redshift's name of the type: `int2`, `int4`, `int8`, `numeric`, `float4`, `float8`, `bool`,
    /// `varchar`, `bpchar`, `date`, `timestamp`, `timestamptz`, `super`, `varbyte`, …
    pub type_name: String,
    /// The declared length of character and binary types in bytes, otherwise 0.
    pub length: i32,
    /// The precision of numeric types, or the length of character types.
    pub precision: i32,
    /// The scale of DECIMAL, otherwise 0.
    pub scale: i32,
    /// Whether the column may be null.
    pub nullable: Nullable,
    /// The schema of the table that the column comes from; empty for expressions.
    pub schema_name: String,
    /// The table that the column comes from; empty for expressions.
    pub table_name: String,
    /// Numeric and signed.
    pub is_signed: bool,
    /// Compared with regard to case.
    pub is_case_sensitive: bool,
    /// A currency; Redshift has none.
    pub is_currency: bool,
}

/// Whether a column may be null, with JDBC's three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nullable {
    /// 0: it is declared NOT NULL.
    No,
    /// 1: it may be null.
    #[default]
    Yes,
    /// 2: not known.
    Unknown,
}

/// A statement's error, as Redshift words it.
///
/// The server writes it into `Error` the way Redshift's drivers do: `ERROR: <message>`, then
/// detail and position on lines of their own, if there are any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The message without severity, for example `relation "cdc.x" does not exist`.
    pub message: String,
    /// The SQLSTATE or Redshift's own code (`1023`); it is not part of what clients read.
    pub code: String,
    /// Redshift's detail text.
    pub detail: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    /// The id under which `SYS_QUERY_HISTORY` shows the failed statement.
    pub query_id: Option<i64>,
}

impl SqlError {
    /// An error with a code and a message.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: code.into(), detail: None, position: None, query_id: None }
    }

    /// The same error with a detail text.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same error with the place in the statement, in characters from 1.
    #[must_use]
    pub fn at(mut self, position: u32) -> Self {
        self.position = Some(position);
        self
    }

    /// The text of `Error`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("ERROR: {}", self.message);
        if let Some(detail) = &self.detail {
            text.push_str("\n  Detail: ");
            text.push_str(detail);
        }
        if let Some(position) = self.position {
            text.push_str(&format!("\n  Position: {position}"));
        }
        text
    }
}
