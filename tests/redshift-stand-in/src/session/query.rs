//! Statements that the front end translated: sent, and their rows read.
//!
//! Invariant: a value reaches PostgreSQL as a bind parameter, never as text of the statement.

use std::collections::VecDeque;

use futures::StreamExt as _;
use redshift_data_api::SqlError;
use redshift_sql::statement::Statement;
use redshift_sql::{OutputColumn, Query, RelationKind, RsType, Translated};

use super::{Outcome, RedshiftSession, Scope};
use crate::error::{IntoSql as _, SqlResult, from_front_end, refused};
use crate::value::{Datum, TextParameter};

/// An open cursor: its rows are read when it is declared, as Redshift materialises them on the leader.
#[derive(Debug)]
pub(crate) struct Cursor {
    columns: Vec<OutputColumn>,
    rows: VecDeque<Vec<Datum>>,
}

/// What only the session's own connection knows.
const OF_SESSION: &[&str] = &[
    "current_user_name",
    "session_user_name",
    "current_user_id",
    "current_schema",
    "pg_backend_pid",
    "context_variable",
    "set_context",
];

impl RedshiftSession {
    /// Translates and runs a query or a data change.
    pub(super) async fn run_translated(&mut self, statement: &Statement, scope: &dyn Scope) -> SqlResult<Outcome> {
        if let Some(outcome) = self.set_config(statement).await? {
            return Ok(outcome);
        }
        let view = self.view().await?;
        let mut translated = redshift_sql::rewrite(statement, &view, &self.settings.front_end, as_variables(scope))
            .map_err(|e| from_front_end(e, None))?;
        if self.parameter("timezone")? != "UTC" {
            in_session_zone(&mut translated);
        }
        for (schema, name) in &translated.writes {
            let Some(entry) = view.entry(Some(schema), name) else { continue };
            match (entry.relation.kind, statement) {
                // Redshift Database Developer Guide, "DELETE": materialized views that are used for
                // streaming ingestion may be deleted from; nothing else changes a view.
                (RelationKind::MaterializedView, Statement::Delete(_)) if !entry.meta["stream"].is_null() => {}
                (RelationKind::MaterializedView, _) => {
                    return Err(refused(format!("cannot change materialized view \"{name}\"")));
                }
                _ => {}
            }
        }
        if matches!(statement, Statement::Update(_) | Statement::Delete(_) | Statement::Merge(_)) {
            // What they write depends on what was there.
            translated.reads.extend(translated.writes.clone());
        }
        self.send(&translated, scope).await
    }

    /// Runs a query tree, for cursors and loops.
    pub(crate) async fn run_query(&mut self, query: &Query, scope: &dyn Scope) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let statement = Statement::Query(query.clone());
        let translated = redshift_sql::rewrite(&statement, &view, &self.settings.front_end, as_variables(scope))
            .map_err(|e| from_front_end(e, None))?;
        self.send(&translated, scope).await
    }

    /// Sends translated SQL on the session's connection.
    pub(crate) async fn send(&mut self, translated: &Translated, scope: &dyn Scope) -> SqlResult<Outcome> {
        self.describe_late_views_for(translated).await?;
        if translated.writes.is_empty() {
            self.note_access(&translated.reads, &[])?;
            self.transaction.snapshot_taken = true;
            return fetch(&self.client, translated, bind(translated, scope)).await;
        }
        let began = self.begin_implicit().await?;
        let result = self.write(translated, scope).await;
        self.end_implicit(began, result).await
    }

    async fn write(&mut self, translated: &Translated, scope: &dyn Scope) -> SqlResult<Outcome> {
        self.lock_for_writes(&translated.writes).await?;
        self.note_access(&translated.reads, &translated.writes)?;
        self.transaction.snapshot_taken = true;
        fetch(&self.client, translated, bind(translated, scope)).await
    }

    /// Evaluates translated expressions without touching the transaction's snapshot if it can.
    pub(crate) async fn evaluate(&mut self, translated: &Translated, scope: &dyn Scope) -> SqlResult<Vec<Datum>> {
        let elsewhere = self.transaction.open
            && !self.transaction.snapshot_taken
            && translated.reads.is_empty()
            && !OF_SESSION.iter().any(|name| translated.sql.contains(name))
            && !self.settings.shape_values();
        let outcome = if elsewhere {
            fetch(&self.database.reader, translated, bind(translated, scope)).await?
        } else {
            self.send(translated, scope).await?
        };
        outcome.rows.into_iter().next().ok_or_else(|| SqlError::new("XX000", "an expression gave no row"))
    }

    pub(super) async fn declare_cursor(&mut self, name: &str, query: &Query, scope: &dyn Scope) -> SqlResult<Outcome> {
        if !self.transaction.block {
            return Err(SqlError::new("25P01", "DECLARE CURSOR can only be used in transaction blocks"));
        }
        // Redshift Database Developer Guide, "DECLARE": one open cursor per session.
        self.check_no_cursor()?;
        let outcome = self.run_query(query, scope).await?;
        let cursor = Cursor { columns: outcome.columns.unwrap_or_default(), rows: outcome.rows.into() };
        self.cursors.insert(name.to_owned(), cursor);
        Ok(Outcome::nothing())
    }

    /// Fails if a cursor is open, or a loop over rows is under way.
    pub(crate) fn check_no_cursor(&self) -> SqlResult<()> {
        if self.open_loops > 0 || !self.cursors.is_empty() {
            return Err(refused(
                "only one cursor can be open per session at a time, and a FOR loop over a query is one",
            ));
        }
        Ok(())
    }

    /// Keeps a procedure's cursor under its name.
    pub(crate) fn open_procedure_cursor(&mut self, name: &str, outcome: Outcome) {
        let cursor = Cursor { columns: outcome.columns.unwrap_or_default(), rows: outcome.rows.into() };
        self.cursors.insert(name.to_owned(), cursor);
    }

    /// The next row of an open cursor.
    pub(crate) fn fetch_procedure_cursor(&mut self, name: &str) -> SqlResult<Outcome> {
        self.fetch_cursor(name, Some(1))
    }

    /// Closes a procedure's cursor.
    pub(crate) fn close_procedure_cursor(&mut self, name: &str) -> SqlResult<()> {
        self.close_cursor(name).map(drop)
    }

    pub(super) fn fetch_cursor(&mut self, name: &str, count: Option<u64>) -> SqlResult<Outcome> {
        let cursor = self
            .cursors
            .get_mut(name)
            .ok_or_else(|| SqlError::new("34000", format!("cursor \"{name}\" does not exist")))?;
        let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX).min(cursor.rows.len());
        Ok(Outcome { columns: Some(cursor.columns.clone()), rows: cursor.rows.drain(..count).collect(), affected: -1 })
    }

    pub(super) fn close_cursor(&mut self, name: &str) -> SqlResult<Outcome> {
        match self.cursors.remove(name) {
            Some(_) => Ok(Outcome::nothing()),
            None => Err(SqlError::new("34000", format!("cursor \"{name}\" does not exist"))),
        }
    }
}

/// Shows TIMESTAMPTZ in the session's zone: PostgreSQL's text has it, its binary form is UTC.
fn in_session_zone(translated: &mut Translated) {
    if !translated.columns.iter().any(|column| column.rs_type == RsType::TimestampTz) {
        return;
    }
    let names: Vec<String> = (1..=translated.columns.len()).map(|n| format!("rs_c{n}")).collect();
    let items: Vec<String> = names
        .iter()
        .zip(&translated.columns)
        .map(
            |(name, column)| {
                if column.rs_type == RsType::TimestampTz { format!("{name}::text") } else { name.clone() }
            },
        )
        .collect();
    translated.sql = format!("SELECT {} FROM ({}) AS rs_zone({})", items.join(", "), translated.sql, names.join(", "));
}

/// A scope as the front end wants it.
pub(crate) fn as_variables(scope: &dyn Scope) -> &dyn redshift_sql::Variables {
    scope
}

fn bind(translated: &Translated, scope: &dyn Scope) -> Vec<TextParameter> {
    translated.parameters.iter().map(|parameter| TextParameter(scope.value(&parameter.path))).collect()
}

/// Prepares, binds, executes, and reads all rows.
async fn fetch(
    client: &tokio_postgres::Client,
    translated: &Translated,
    parameters: Vec<TextParameter>,
) -> SqlResult<Outcome> {
    let prepared = client.prepare(&translated.sql).await.sql()?;
    let stream = client.query_raw(&prepared, parameters).await.sql()?;
    futures::pin_mut!(stream);
    let width = prepared.columns().len();
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await {
        let row = row.sql()?;
        let values: Result<Vec<Datum>, _> = (0..width).map(|index| row.try_get(index)).collect();
        rows.push(values.sql()?);
    }
    let affected = stream.rows_affected().and_then(|count| i64::try_from(count).ok()).unwrap_or(-1);
    if width == 0 {
        return Ok(Outcome::count(affected));
    }
    if width != translated.columns.len() {
        return Err(SqlError::new(
            "XX000",
            format!("the translation has {} columns and PostgreSQL gives {width}", translated.columns.len()),
        ));
    }
    Ok(Outcome { columns: Some(translated.columns.clone()), rows, affected })
}
