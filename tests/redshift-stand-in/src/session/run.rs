//! Decides what a statement is, and where it may run.
//!
//! Invariant: outside a transaction a statement commits alone, whatever it is.

use redshift_data_api::SqlError;
use redshift_sql::statement::{AlterTableAction, ObjectKind, Route, Statement};

use super::{Outcome, RedshiftSession, Scope};
use crate::error::{IntoSql as _, SqlResult, refused};
use crate::{procedure, streaming};

impl RedshiftSession {
    /// A statement of the user, outside of any procedure.
    pub(super) async fn run_top(&mut self, statement: &Statement, scope: &dyn Scope) -> SqlResult<Outcome> {
        if self.transaction.failed && !matches!(statement, Statement::Commit | Statement::Rollback) {
            return Err(SqlError::new(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        match statement {
            Statement::Begin { isolation, .. } => {
                self.begin_block(isolation.as_deref()).await?;
                Ok(Outcome::nothing())
            }
            Statement::Commit => {
                if self.transaction.open {
                    self.commit_block().await?;
                }
                Ok(Outcome::nothing())
            }
            Statement::Rollback => {
                if self.transaction.open {
                    self.rollback_block().await?;
                }
                Ok(Outcome::nothing())
            }
            Statement::Call { procedure, arguments } => procedure::call_top(self, procedure, arguments, scope).await,
            _ => self.run(statement, scope).await,
        }
    }

    /// Any statement but those that end or begin transactions and CALL.
    pub(crate) async fn run(&mut self, statement: &Statement, scope: &dyn Scope) -> SqlResult<Outcome> {
        match statement.route() {
            Route::Rows | Route::Change => return self.run_translated(statement, scope).await,
            Route::Definition | Route::Engine => {}
        }
        self.check_place(statement)?;
        match statement {
            Statement::Set(set) => self.set(set).await,
            Statement::Reset(name) => self.reset_parameter(name.as_deref()).await,
            Statement::Show(show) => self.show(show).await,
            Statement::Explain(statement) => self.explain(statement, scope).await,
            Statement::RefreshMaterializedView { name, cascade } => {
                let view = self.view().await?;
                streaming::refresh_statement(self, &view, name, *cascade).await
            }
            Statement::Lock(names) => self.lock(names).await,
            Statement::Vacuum(_) => Ok(Outcome::nothing()),
            Statement::DeclareCursor { name, query } => self.declare_cursor(name, query, scope).await,
            Statement::FetchCursor { name, count } => self.fetch_cursor(name, *count),
            Statement::CloseCursor(name) => self.close_cursor(name),
            Statement::Prepare { name, types, statement } => self.prepare(name, types, statement),
            Statement::Execute { name, arguments } => Box::pin(self.execute_prepared(name, arguments, scope)).await,
            Statement::Deallocate(name) => self.deallocate(name.as_deref()),
            Statement::Cancel(pid) => self.cancel(*pid).await,
            Statement::Truncate(name) => self.truncate(name).await,
            Statement::Copy(copy) => self.copy(copy).await,
            Statement::Unload(unload) => self.unload(unload).await,
            Statement::CreateDatabase(create) => self.create_database(create).await,
            Statement::AlterDatabase { name, action } => self.alter_database(name, action).await,
            Statement::DropDatabase { name } => self.drop_database(name).await,
            Statement::Begin { .. } | Statement::Commit | Statement::Rollback | Statement::Call { .. } => {
                Err(refused(format!("{} cannot be used here", statement.tag())))
            }
            _ => {
                let began = self.begin_implicit().await?;
                let result = self.define(statement, scope).await;
                self.end_implicit(began, result).await
            }
        }
    }

    /// What may not run in a transaction or a procedure.
    fn check_place(&self, statement: &Statement) -> SqlResult<()> {
        let (name, outside_transactions, outside_procedures) = match statement {
            // Redshift Database Developer Guide, "VACUUM" and "Stored procedure limitations".
            Statement::Vacuum(_) => ("VACUUM", true, true),
            // "CREATE DATABASE", "DROP DATABASE", "ALTER DATABASE" (of the isolation level).
            Statement::CreateDatabase(_) => ("CREATE DATABASE", true, true),
            Statement::DropDatabase { .. } => ("DROP DATABASE", true, true),
            Statement::AlterDatabase { .. } => ("ALTER DATABASE", true, true),
            Statement::AlterTable(alter) => match &alter.action {
                // "ALTER TABLE": changing a column's size, and "ALTER TABLE APPEND".
                AlterTableAction::AlterColumnType { .. } => ("ALTER TABLE ALTER COLUMN", true, true),
                AlterTableAction::AppendFrom { .. } => ("ALTER TABLE APPEND", true, true),
                _ => return Ok(()),
            },
            // "DROP SCHEMA" of an external schema with DROP EXTERNAL DATABASE.
            Statement::Drop(drop) if drop.kind == ObjectKind::Schema && drop.external_database => {
                ("DROP SCHEMA DROP EXTERNAL DATABASE", true, true)
            }
            _ => return Ok(()),
        };
        if outside_procedures && self.depth > 0 {
            return Err(SqlError::new("0A000", format!("{name} is not supported in stored procedures")));
        }
        if outside_transactions && self.transaction.open {
            return Err(SqlError::new("25001", format!("{name} cannot run inside a transaction block")));
        }
        Ok(())
    }

    /// "CANCEL": what PostgreSQL executes is stopped there, a procedure between its statements here.
    async fn cancel(&mut self, pid: u64) -> SqlResult<Outcome> {
        let pid = i32::try_from(pid).map_err(|_| SqlError::new("22003", "there is no such process"))?;
        let row = self.client.query_one("SELECT rs_sys.pg_cancel_backend($1)", &[&pid]).await.sql()?;
        if row.get::<_, i32>(0) == 1 {
            self.database.warehouse.cancel(pid);
        }
        Ok(Outcome::nothing())
    }
}
