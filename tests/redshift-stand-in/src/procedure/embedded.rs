//! SQL statements in procedures: static ones and those of EXECUTE, with their INTO targets.

use redshift_data_api::SqlError;
use redshift_sql::plpgsql::{Expression, Target};
use redshift_sql::statement::CreateTableAs;
use redshift_sql::{Expr, ObjectName, OutputColumn, RsType, Statement};

use super::expression::{self};
use super::frame::Frame;
use super::{call_nested, choose};
use crate::error::{SqlResult, from_front_end, refused};
use crate::session::{NamedParameters, Outcome, RedshiftSession};
use crate::value::Datum;

impl Frame {
    pub(super) async fn sql(
        &mut self,
        session: &mut RedshiftSession,
        statement: &Statement,
        into: &[Target],
    ) -> SqlResult<()> {
        if matches!(statement, Statement::Query(_)) && into.is_empty() {
            return Err(SqlError::new("42601", "query has no destination for result data"));
        }
        if let (Statement::Query(query), [target]) = (statement, into)
            && let Some(table) = self.new_table(target)
        {
            let temporary = table.name.starts_with('#');
            let query = query.clone();
            let made = CreateTableAs { temporary, ..CreateTableAs::select_into(table, query) };
            let statement = Statement::CreateTableAs(made);
            let outcome = self.run_statement(session, &statement, true).await?;
            return self.settle(session, &statement, outcome, &[]).await;
        }
        let outcome = self.run_statement(session, statement, true).await?;
        self.settle(session, statement, outcome, into).await
    }

    /// The table that SELECT INTO makes: a target that is no variable is left to SQL's own SELECT INTO, as PL/pgSQL of
    /// PostgreSQL 8.0 leaves it. The guide's "Supported PL/pgSQL statements" speaks of variables alone.
    fn new_table(&self, target: &Target) -> Option<ObjectName> {
        let (schema, name) = match target.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema.clone()), name),
            _ => return None,
        };
        let known = self.is_known(&target[0]);
        (!known).then(|| ObjectName { database: None, schema, name: name.clone() })
    }

    /// Runs a statement of the body, or one that EXECUTE made, which sees no variables.
    pub(super) async fn run_statement(
        &mut self,
        session: &mut RedshiftSession,
        statement: &Statement,
        sees_variables: bool,
    ) -> SqlResult<Outcome> {
        if let Statement::Truncate(_) = statement {
            self.check_end("TRUNCATE")?;
            let outcome = session.run(statement, self).await?;
            if session.transaction.open {
                session.commit_block().await?;
                self.begin_again(session).await?;
            }
            return Ok(outcome);
        }
        if sees_variables {
            session.run(statement, self).await
        } else {
            session.run(statement, &NamedParameters(&[])).await
        }
    }

    /// What a statement leaves behind: FOUND, ROW_COUNT and INTO.
    pub(super) async fn settle(
        &mut self,
        session: &mut RedshiftSession,
        statement: &Statement,
        outcome: Outcome,
        into: &[Target],
    ) -> SqlResult<()> {
        let rows = i64::try_from(outcome.rows.len()).unwrap_or(i64::MAX);
        match (&outcome.columns, statement) {
            (Some(columns), _) => {
                // SELECT INTO reads one row.
                self.row_count = if into.is_empty() { rows } else { rows.min(1) };
                if !into.is_empty() {
                    self.found = rows > 0;
                    let columns = columns.clone();
                    self.assign_row(session, into, &columns, outcome.rows.into_iter().next()).await?;
                }
            }
            (None, Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)) => {
                self.row_count = outcome.affected;
                self.found = outcome.affected > 0;
            }
            // FOUND does not follow MERGE and others ("Structure of PL/pgSQL").
            (None, _) => self.row_count = outcome.affected,
        }
        Ok(())
    }

    pub(super) async fn dynamic_statement(
        &self,
        session: &mut RedshiftSession,
        command: &Expression,
    ) -> SqlResult<Statement> {
        let (text, _) = expression::evaluate(session, &command.expr, Some(&RsType::Varchar(16_000_000)), self).await?;
        let text = text.ok_or_else(|| SqlError::new("22004", "cannot EXECUTE a null querystring"))?;
        redshift_sql::parse(&text, &session.settings.front_end).map_err(|e| from_front_end(e, None))
    }

    pub(super) async fn dynamic_query(
        &self,
        session: &mut RedshiftSession,
        command: &Expression,
    ) -> SqlResult<Outcome> {
        let statement = self.dynamic_statement(session, command).await?;
        if !matches!(statement, Statement::Query(_)) {
            return Err(SqlError::new("42601", "the command of a loop or cursor must be a query"));
        }
        session.run(&statement, &NamedParameters(&[])).await
    }

    pub(super) async fn dynamic(
        &mut self,
        session: &mut RedshiftSession,
        command: &Expression,
        into: &[Target],
    ) -> SqlResult<()> {
        let statement = self.dynamic_statement(session, command).await?;
        match &statement {
            // "Supported PL/pgSQL statements", Dynamic SQL.
            Statement::Begin { .. } | Statement::Commit | Statement::Rollback => {
                Err(refused(format!("EXECUTE of {} is not supported in stored procedures", statement.tag())))
            }
            Statement::Call { procedure, arguments } => {
                let view = session.view().await?;
                let expressions: Vec<&Expr> = arguments.iter().collect();
                let given = expression::evaluate_all(session, &view, &expressions, &NamedParameters(&[])).await?;
                let procedure = choose(&view, procedure, &given)?;
                let outputs = Box::pin(call_nested(session, &procedure, given, self.mode)).await?;
                let columns: Vec<OutputColumn> = outputs
                    .iter()
                    .map(|(name, rs_type, _)| OutputColumn {
                        name: name.clone(),
                        rs_type: rs_type.clone(),
                        origin: None,
                    })
                    .collect();
                let row = outputs
                    .iter()
                    .map(|(_, rs_type, value)| Datum::from_text(value.as_deref(), rs_type))
                    .collect::<SqlResult<Vec<_>>>()?;
                if into.is_empty() { Ok(()) } else { self.assign_row(session, into, &columns, Some(row)).await }
            }
            _ => {
                let outcome = self.run_statement(session, &statement, false).await?;
                self.settle(session, &statement, outcome, into).await
            }
        }
    }
}
