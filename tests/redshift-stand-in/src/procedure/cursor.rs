//! OPEN, FETCH, MOVE and CLOSE in procedures.
//!
//! A cursor's rows are the session's, so that a caller can FETCH from a REFCURSOR that a procedure
//! leaves open. Invariant: one cursor is open per session, and a FOR loop over a query is one
//! (Redshift Database Developer Guide, "Stored procedure limitations").

use redshift_data_api::SqlError;
use redshift_sql::plpgsql::{Expression, Target};
use redshift_sql::{Query, RsType};

use super::expression;
use super::frame::{Frame, Level, Variable};
use crate::error::SqlResult;
use crate::session::{Outcome, RedshiftSession};

impl Frame {
    fn cursor_name(&mut self, variable: &str) -> SqlResult<String> {
        match self.lookup_mut(variable) {
            Some(Variable::Cursor { name, .. }) => Ok(name.get_or_insert_with(|| variable.to_owned()).clone()),
            _ => Err(SqlError::new("34000", format!("cursor variable \"{variable}\" does not exist"))),
        }
    }

    fn keep(&mut self, session: &mut RedshiftSession, variable: &str, outcome: Outcome) -> SqlResult<()> {
        let name = self.cursor_name(variable)?;
        session.open_procedure_cursor(&name, outcome);
        Ok(())
    }

    pub(super) async fn open_for(
        &mut self,
        session: &mut RedshiftSession,
        cursor: &str,
        query: &Query,
    ) -> SqlResult<()> {
        session.check_no_cursor()?;
        let outcome = session.run_query(query, self).await?;
        self.keep(session, cursor, outcome)
    }

    pub(super) async fn open_for_execute(
        &mut self,
        session: &mut RedshiftSession,
        cursor: &str,
        command: &Expression,
    ) -> SqlResult<()> {
        session.check_no_cursor()?;
        let outcome = self.dynamic_query(session, command).await?;
        self.keep(session, cursor, outcome)
    }

    pub(super) async fn open_bound(
        &mut self,
        session: &mut RedshiftSession,
        cursor: &str,
        arguments: &[Expression],
    ) -> SqlResult<()> {
        session.check_no_cursor()?;
        let Some(Variable::Cursor { bound: Some(bound), .. }) = self.lookup(cursor).cloned() else {
            return Err(SqlError::new("34000", format!("cursor variable \"{cursor}\" has no query; use OPEN … FOR")));
        };
        let (parameters, query) = *bound;
        if parameters.len() != arguments.len() {
            return Err(SqlError::new("42601", format!("cursor \"{cursor}\" takes {} arguments", parameters.len())));
        }
        let mut level = Level::default();
        for ((name, rs_type), argument) in parameters.iter().zip(arguments) {
            let (value, _) = expression::evaluate(session, &argument.expr, Some(rs_type), self).await?;
            let rs_type = rs_type.clone();
            level.variables.insert(name.clone(), Variable::Scalar { rs_type, value, constant: true, not_null: false });
        }
        self.levels.push(level);
        let outcome = session.run_query(&query, self).await;
        self.levels.pop();
        self.keep(session, cursor, outcome?)
    }

    pub(super) async fn fetch(
        &mut self,
        session: &mut RedshiftSession,
        cursor: &str,
        into: &[Target],
    ) -> SqlResult<()> {
        let name = self.cursor_name(cursor)?;
        let outcome = session.fetch_procedure_cursor(&name)?;
        self.found = !outcome.rows.is_empty();
        self.assign_row(session, into, &outcome.columns.unwrap_or_default(), outcome.rows.into_iter().next()).await
    }

    pub(super) fn skip(&mut self, session: &mut RedshiftSession, cursor: &str) -> SqlResult<()> {
        let name = self.cursor_name(cursor)?;
        self.found = !session.fetch_procedure_cursor(&name)?.rows.is_empty();
        Ok(())
    }

    pub(super) fn close(&mut self, session: &mut RedshiftSession, cursor: &str) -> SqlResult<()> {
        let name = self.cursor_name(cursor)?;
        session.close_procedure_cursor(&name)
    }

    /// A loop over rows counts as an open cursor.
    pub(super) fn enter_loop(session: &mut RedshiftSession) -> SqlResult<()> {
        session.check_no_cursor()?;
        session.open_loops += 1;
        Ok(())
    }
}

/// The type under which a REFCURSOR travels.
pub(super) const REFCURSOR: RsType = RsType::Varchar(256);
