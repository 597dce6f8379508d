//! The front end of a Redshift stand-in: Redshift SQL text in, a classified statement or PostgreSQL text out.
//!
//! What for: the engine calls [`split`] on a script, [`parse`] on each statement, and then either interprets the
//! [`Statement`] itself ([`Route::Engine`]) or sends the text of [`rewrite`] to PostgreSQL 15 or newer.
//! What not: no I/O, no execution, no session state; whatever depends on the database comes through [`Catalog`],
//! whatever depends on a procedure's variables through [`Variables`].
//!
//! Invariant: nothing passes because PostgreSQL happens to accept it. Every clause is in the grammar, every function and type
//! in a table of what Redshift documents; the rest is refused with a message that names it. No input panics.
//!
//! The translated text uses functions of a schema `rs` which [`helpers`] creates. The engine's PostgreSQL database needs:
//! encoding UTF8, locale `C` (Redshift compares strings by bytes), `standard_conforming_strings = on`, session time zone UTC
//! unless the user sets another, and per session `SET rs.user TO '<database user>'` (what `current_user` shows).

pub mod ast;
mod catalog;
mod error;
mod helpers;
mod lexer;
mod parser;
pub mod plpgsql;
mod postgres_error;
mod protection;
mod rewrite;
mod settings;
pub mod statement;
mod types;
mod walk;

#[cfg(test)]
mod tests;

pub use ast::{Expr, ObjectName, Query};
pub use catalog::{
    Catalog, Column, LateBinding, NoVariables, OutputColumn, Parameter, Relation, RelationKind, Translated,
    UserFunction, Variables,
};
pub use error::SqlError;
pub use helpers::helpers;
pub use plpgsql::{Block, Expression};
pub use postgres_error::redshift_error_text;
pub use protection::{Mask, Protection, RowFilter};
pub use settings::Settings;
pub use statement::{CreateFunction, CreateMaterializedView, CreateProcedure, CreateView, Route, Statement};
pub use types::{DEFAULT_VARBYTE, DEFAULT_VARCHAR, MAX_VARBYTE, MAX_VARCHAR, RsType};

/// Cuts a script into statements at semicolons outside of quotes, dollar quotes and comments.
///
/// Statements come trimmed, without the semicolon; pieces of only blanks and comments are left out.
///
/// # Errors
/// A quote or comment is not closed.
pub fn split(sql: &str) -> Result<Vec<&str>, SqlError> {
    lexer::split(sql)
}

/// Parses one statement (a final semicolon is allowed).
///
/// # Errors
/// The text is empty, holds more than one statement, is not Redshift's grammar, or uses what this stand-in refuses.
pub fn parse(sql: &str, settings: &Settings) -> Result<Statement, SqlError> {
    parser::parse_statement(sql, settings)
}

/// Parses the body of a stored procedure. `nonatomic` allows what only NONATOMIC procedures may hold.
///
/// # Errors
/// As [`parse`]; lines count from the first line of `body`.
pub fn parse_body(body: &str, nonatomic: bool, settings: &Settings) -> Result<Block, SqlError> {
    parser::parse_body(body, nonatomic, settings)
}

/// Translates a statement whose [`Statement::route`] is not [`Route::Engine`].
///
/// # Errors
/// A name does not exist or is ambiguous, a type does not fit, a function or construct is not Redshift's.
pub fn rewrite(
    statement: &Statement,
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    rewrite::statement(statement, catalog, settings, variables)
}

/// Translates a query alone: the body of a view, materialized view, cursor or FOR loop.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_query(
    query: &Query,
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    rewrite::query_alone(query, catalog, settings, variables)
}

/// Translates expressions into one `SELECT e1, e2, …` (assignments, conditions, CALL arguments).
///
/// `targets[i]`, if given, is the type that expression `i` is assigned to: the value is then converted as an assignment
/// converts it (an overlong string is an error, SUPER casts are lax). Missing entries mean no conversion.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_expressions(
    expressions: &[&Expr],
    targets: &[Option<RsType>],
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    rewrite::expressions(expressions, targets, catalog, settings, variables)
}

/// [`rewrite_expressions`] for one expression.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_expression(
    expression: &Expr,
    target: Option<&RsType>,
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    rewrite::expressions(&[expression], &[target.cloned()], catalog, settings, variables)
}

/// Checks that a materialized view's query is what Redshift allows over a stream (Redshift Database Developer Guide,
/// "Streaming ingestion to a materialized view" and "REFRESH MATERIALIZED VIEW"), if it reads one.
///
/// Returns the stream as (schema, topic), or `None` if the query reads no stream.
///
/// # Errors
/// The query reads a stream and uses a construct that is banned there.
pub fn check_streaming_view(query: &Query, catalog: &dyn Catalog) -> Result<Option<(String, String)>, SqlError> {
    rewrite::check_streaming_view(query, catalog)
}

/// Names of the built-in functions that are executed, sorted.
#[must_use]
pub fn functions() -> &'static [&'static str] {
    rewrite::FUNCTIONS
}

/// Quotes an identifier for PostgreSQL.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a string constant for PostgreSQL (with `standard_conforming_strings`).
#[must_use]
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
