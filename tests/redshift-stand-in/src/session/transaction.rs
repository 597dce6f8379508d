//! Transactions: the session's own block, and the one that a procedure or a definition needs.
//!
//! Settings and temporary tables are kept on our side, so that a rollback has to bring them back as
//! PostgreSQL brings back its own. Invariant: `changed_objects` outlives no transaction.

use std::sync::Arc;

use redshift_data_api::SqlError;
use redshift_sql::RelationKind;

use super::definition::qualified;
use super::settings::SessionSettings;
use super::{RedshiftSession, role_statements};
use crate::catalog::Temporary;
use crate::conflicts::Participant;
use crate::error::{IntoSql as _, SqlResult};

/// The state of a session's transaction.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// A transaction is open.
    pub(crate) open: bool,
    /// It belongs to the user (BEGIN, or a TRANSACTION batch), not to one statement.
    pub(crate) block: bool,
    /// A statement of the user's block failed; only ROLLBACK and COMMIT are left.
    pub(crate) failed: bool,
    /// It has changed permanent objects.
    pub(crate) changed_objects: bool,
    /// A query has run in it.
    pub(crate) snapshot_taken: bool,
    /// Parameters that SET LOCAL changed, with their values before.
    pub(crate) locals: Vec<(String, String)>,
    /// In a SERIALIZABLE database, from the snapshot on.
    participant: Option<Participant>,
    saved: Option<(SessionSettings, Arc<Temporary>)>,
}

impl RedshiftSession {
    /// Begins the user's block.
    pub(crate) async fn begin_block(&mut self, isolation: Option<&str>) -> SqlResult<()> {
        if self.transaction.open {
            return Err(SqlError::new("25001", "there is already a transaction in progress"));
        }
        // The words of Redshift: READ UNCOMMITTED, READ COMMITTED and REPEATABLE READ mean
        // SERIALIZABLE (Redshift Database Developer Guide, "BEGIN"), of which a database with
        // snapshot isolation gives snapshots.
        if let Some(isolation) = isolation {
            tracing::debug!(isolation, "the isolation of the database rules");
        }
        self.begin().await?;
        self.transaction.block = true;
        Ok(())
    }

    /// Begins a transaction that is not the user's block.
    pub(crate) async fn begin(&mut self) -> SqlResult<()> {
        self.client.batch_execute(&format!("BEGIN; {}", role_statements(&self.role))).await.sql()?;
        self.transaction = Transaction {
            open: true,
            saved: Some((self.settings.clone(), Arc::clone(&self.temporary))),
            ..Transaction::default()
        };
        self.own = None;
        self.refreshed_own = false;
        Ok(())
    }

    /// COMMIT, which rolls back if the block has failed.
    pub(crate) async fn commit_block(&mut self) -> SqlResult<()> {
        if self.transaction.failed {
            return self.rollback_block().await;
        }
        let result = self.client.batch_execute("COMMIT").await.sql();
        let ended = std::mem::take(&mut self.transaction);
        self.own = None;
        self.cursors.clear();
        match result {
            Ok(()) => {
                if let Some(participant) = ended.participant {
                    participant.commit();
                }
                if ended.changed_objects {
                    self.database.changed();
                }
                for (name, before) in ended.locals.iter().rev() {
                    self.set_parameter(name, Some(before)).await?;
                }
                self.restore_role().await
            }
            Err(error) => {
                self.restore(ended);
                self.restore_role().await?;
                Err(error)
            }
        }
    }

    /// ROLLBACK.
    pub(crate) async fn rollback_block(&mut self) -> SqlResult<()> {
        let ended = std::mem::take(&mut self.transaction);
        self.own = None;
        self.cursors.clear();
        self.restore(ended);
        self.client.batch_execute("ROLLBACK").await.sql()?;
        self.restore_role().await
    }

    fn restore(&mut self, ended: Transaction) {
        if let Some((settings, temporary)) = ended.saved {
            self.settings = settings;
            self.temporary = temporary;
        }
    }

    /// `SET ROLE` is undone by a rollback, and what a block did last holds after a commit.
    async fn restore_role(&mut self) -> SqlResult<()> {
        self.client.batch_execute(&role_statements(&self.role)).await.sql()
    }

    /// Waits for the tables that a statement writes: writers of one table follow each other, readers do not wait
    /// (Redshift Database Developer Guide, "Write and read/write operations"). The lock comes before the snapshot if the statement
    /// is the transaction's first.
    pub(crate) async fn lock_for_writes(&mut self, writes: &[(String, String)]) -> SqlResult<()> {
        let view = self.view().await?;
        let mut objects: Vec<String> = writes
            .iter()
            .filter_map(|(schema, name)| view.entry(Some(schema), name))
            .filter(|entry| entry.relation.schema != "pg_temp" && entry.relation.kind != RelationKind::System)
            .map(|entry| qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name))
            .collect();
        if objects.is_empty() {
            return Ok(());
        }
        objects.sort_unstable();
        // PostgreSQL asks for more than INSERT for this lock: the superuser takes it.
        let (tables, role) = (objects.join(", "), role_statements(&self.role));
        self.client
            .batch_execute(&format!("RESET ROLE; LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE; {role}"))
            .await
            .sql()
    }

    /// In a SERIALIZABLE database, notes what a statement of an open transaction touches.
    pub(crate) fn note_access(&mut self, reads: &[(String, String)], writes: &[(String, String)]) -> SqlResult<()> {
        if !self.serializable || !self.transaction.open {
            return Ok(());
        }
        let of_users = |table: &&(String, String)| table.0 != "pg_catalog" && table.0 != "pg_temp";
        let participant = self.transaction.participant.get_or_insert_with(|| self.database.conflicts.enter());
        if participant.touch(reads.iter().filter(of_users), writes.iter().filter(of_users)) {
            return Ok(());
        }
        Err(crate::error::serialization_failure())
    }

    /// Begins a transaction if none is open; true if it did.
    pub(crate) async fn begin_implicit(&mut self) -> SqlResult<bool> {
        if self.transaction.open {
            return Ok(false);
        }
        self.begin().await?;
        Ok(true)
    }

    /// Ends what [`Self::begin_implicit`] began, by how the work went.
    pub(crate) async fn end_implicit<T>(&mut self, began: bool, result: SqlResult<T>) -> SqlResult<T> {
        if !began {
            return result;
        }
        match result {
            Ok(value) => {
                // TRUNCATE may have ended it already.
                if self.transaction.open {
                    self.commit_block().await?;
                }
                Ok(value)
            }
            Err(error) => {
                if self.transaction.open {
                    self.rollback_block().await?;
                }
                Err(error)
            }
        }
    }
}
