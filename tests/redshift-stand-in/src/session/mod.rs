//! One Redshift session: its settings, its transaction, its temporary tables, its connection.
//!
//! A statement's way: [`RedshiftSession::execute`] parses it, `run` decides what it is, and one of
//! the modules beside this one carries it out. The connection belongs to the superuser and acts as
//! the database user by `SET ROLE`, which a SECURITY DEFINER procedure changes for its duration.
//!
//! Invariant: between statements the connection's role is the login's user, and PostgreSQL's
//! transaction is open exactly if [`Transaction::open`] says so.

mod access;
mod alter;
mod database;
mod declared;
mod definition;
mod explain;
mod inspect;
mod late;
mod listing;
mod materialized;
mod policy;
mod prepared;
mod query;
mod record;
mod routine;
mod run;
mod settings;
mod transaction;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redshift_data_api::{Canceller, Session, SqlError, StatementResult};
use redshift_sql::{OutputColumn, RsType, Variables, quote_identifier, quote_literal};
use tokio_postgres::{CancelToken, Client, NoTls};

use crate::catalog::{Snapshot, Temporary, View};
use crate::clock;
use crate::engine::Database;
use crate::error::{IntoSql as _, SqlResult, from_front_end};
use crate::files::Storage;
use crate::history::{self, Event};
use crate::value::{Datum, column_metadata};
use query::Cursor;
use record::{history_kind, is_query};
use transaction::Transaction;

pub(crate) use settings::{SessionSettings, is_known_parameter};

/// What a statement brought, still typed.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Columns of a result set, if there is one.
    pub(crate) columns: Option<Vec<OutputColumn>>,
    pub(crate) rows: Vec<Vec<Datum>>,
    /// Rows touched; -1 counts nothing.
    pub(crate) affected: i64,
}

impl Outcome {
    pub(crate) fn nothing() -> Self {
        Self { affected: -1, ..Self::default() }
    }

    pub(crate) fn count(affected: i64) -> Self {
        Self { affected, ..Self::default() }
    }

    /// Rows of text columns, for SHOW and EXPLAIN.
    pub(crate) fn texts(names: &[&str], rows: Vec<Vec<Option<String>>>) -> Self {
        let columns = names
            .iter()
            .map(|name| OutputColumn {
                name: (*name).to_owned(),
                rs_type: RsType::Varchar(redshift_sql::MAX_VARCHAR),
                origin: None,
            })
            .collect();
        let rows =
            rows.into_iter().map(|row| row.into_iter().map(|v| v.map_or(Datum::Null, Datum::Text)).collect()).collect();
        Self { columns: Some(columns), rows, affected: -1 }
    }

    fn into_result(self, query_id: i64) -> StatementResult {
        StatementResult {
            columns: self.columns.map(|columns| columns.iter().map(column_metadata).collect()),
            rows: self.rows.into_iter().map(|row| row.into_iter().map(Datum::into_value).collect()).collect(),
            rows_affected: self.affected,
            query_id: Some(query_id),
        }
    }
}

/// What a statement's names may stand for besides columns: variables or Data API parameters.
pub(crate) trait Scope: Variables + Send + Sync {
    /// The value of a variable that [`Variables::variable`] knows, as PostgreSQL reads it.
    fn value(&self, path: &[String]) -> Option<String>;
}

/// The named parameters of a Data API statement.
pub(crate) struct NamedParameters<'a>(pub(crate) &'a [(String, String)]);

impl Variables for NamedParameters<'_> {
    fn variable(&self, _: &[&str]) -> Option<RsType> {
        None
    }

    fn named_parameter(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

impl Scope for NamedParameters<'_> {
    fn value(&self, _: &[String]) -> Option<String> {
        None
    }
}

/// A session.
pub(crate) struct RedshiftSession {
    pub(crate) database: Arc<Database>,
    pub(crate) client: Client,
    pid: i32,
    /// The database's isolation level was SERIALIZABLE when the session began; otherwise it is SNAPSHOT.
    pub(crate) serializable: bool,
    /// The login's user.
    pub(crate) login: String,
    /// Its number, by which STV_SESSIONS finds the user of a connection.
    login_number: u32,
    /// What ALTER USER … SET gave the user, when the session began.
    defaults: Vec<(String, String)>,
    /// As whom statements run now.
    pub(crate) role: String,
    pub(crate) settings: SessionSettings,
    pub(crate) transaction: Transaction,
    temporary: Arc<Temporary>,
    /// Read inside the transaction after it changed objects.
    own: Option<Arc<Snapshot>>,
    cursors: HashMap<String, Cursor>,
    prepared: HashMap<String, prepared::Prepared>,
    /// How deep procedure calls are nested; 0 outside.
    pub(crate) depth: usize,
    pub(crate) query_id: i64,
    /// The first statement of the transaction block that is open; 0 outside of blocks.
    block_id: i64,
    last_query_id: i64,
    /// Query and rows of the last COPY and of the last UNLOAD; -1 and 0 before the first.
    pub(crate) last_copy: (i64, i64),
    pub(crate) last_unload: (i64, i64),
    /// Ends the session in the history when it is dropped.
    _note: history::SessionNote,
    refreshed_own: bool,
    /// Loops over rows that are under way in procedures.
    pub(crate) open_loops: usize,
    cancelled: Arc<AtomicBool>,
}

impl RedshiftSession {
    /// Opens the connection and takes the user's role.
    pub(crate) async fn open(database: Arc<Database>, user: &str) -> SqlResult<Self> {
        let client = crate::engine::connect(&database.config).await.sql()?;
        let row = client
            .query_one(
                "SELECT pg_catalog.pg_backend_pid(), COALESCE(pg_catalog.current_setting('rs.isolation', true), '') = 'serializable',
                        (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1),
                        (SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
                          WHERE r.rolname = $1 AND s.setdatabase = 0)",
                &[&user],
            )
            .await
            .sql()?;
        let (pid, serializable, number) = (row.get(0), row.get(1), row.get::<_, Option<u32>>(2));
        let defaults = row.get::<_, Option<Vec<String>>>(3).unwrap_or_default();
        let note = database.history.session(user, pid);
        let mut session = Self {
            database,
            client,
            pid,
            serializable,
            login: user.to_owned(),
            login_number: number.unwrap_or_default(),
            defaults: defaults.iter().filter_map(|text| user_default(text)).collect(),
            role: user.to_owned(),
            settings: SessionSettings::default(),
            transaction: Transaction::default(),
            temporary: Arc::default(),
            own: None,
            cursors: HashMap::new(),
            prepared: HashMap::new(),
            depth: 0,
            query_id: 0,
            block_id: 0,
            last_query_id: -1,
            last_copy: (-1, 0),
            last_unload: (-1, 0),
            _note: note,
            refreshed_own: false,
            open_loops: 0,
            cancelled: Arc::default(),
        };
        session.database.warehouse.register(pid, &session.cancelled);
        session.prepare_connection().await?;
        Ok(session)
    }

    /// Settings of the connection below. No index exists on user tables, so that a nested loop is
    /// never the better join; REPEATABLE READ is what Redshift calls SNAPSHOT.
    async fn prepare_connection(&mut self) -> SqlResult<()> {
        let script = format!(
            "SET application_name TO 'redshift-stand-in {number}'; \
             SET default_transaction_isolation TO 'repeatable read'; \
             SET enable_nestloop TO off; SET check_function_bodies TO off; SET client_min_messages TO error; \
             SET TimeZone TO 'UTC'; SET DateStyle TO 'ISO, MDY'; SET search_path TO \"$user\", public; \
             SET rs.search_path TO '$user,public'; SET rs.\"session_user\" TO {login}; {role}",
            number = self.login_number,
            login = quote_literal(&self.login),
            role = role_statements(&self.role),
        );
        self.client.batch_execute(&script).await.sql()?;
        for (name, value) in self.defaults.clone() {
            self.set_parameter(&name, Some(&value)).await?;
        }
        Ok(())
    }

    /// The folder that stands for S3.
    pub(crate) fn storage(&self) -> &Storage {
        &self.database.warehouse.storage
    }

    /// The session's own connection.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes `role` the one that statements run as.
    pub(crate) async fn assume(&mut self, role: &str) -> SqlResult<()> {
        self.client.batch_execute(&role_statements(role)).await.sql()?;
        role.clone_into(&mut self.role);
        Ok(())
    }

    /// What the next statement sees.
    pub(crate) async fn view(&mut self) -> SqlResult<View> {
        let snapshot = if self.transaction.changed_objects {
            match &self.own {
                Some(own) if self.refreshed_own => Arc::clone(own),
                _ => {
                    let own = self.database.snapshot_of(&self.client).await?;
                    self.transaction.snapshot_taken = true;
                    self.refreshed_own = true;
                    self.own = Some(Arc::clone(&own));
                    own
                }
            }
        } else {
            self.database.snapshot().await?
        };
        Ok(View {
            database: self.database.name.clone(),
            user: self.role.clone(),
            last_query_id: self.last_query_id,
            last_copy: self.last_copy,
            last_unload: self.last_unload,
            search_path: Arc::clone(&self.settings.search_path),
            settings: self.settings.clone(),
            snapshot,
            temporary: Arc::clone(&self.temporary),
        })
    }

    /// Notes that this session changed a permanent object.
    pub(crate) fn object_changed(&mut self) {
        self.refreshed_own = false;
        if self.transaction.open {
            self.transaction.changed_objects = true;
        } else {
            self.database.changed();
        }
    }

    /// Whether the running statement is to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Stops a procedure between its statements.
    pub(crate) fn check_cancelled(&self) -> SqlResult<()> {
        if self.is_cancelled() {
            return Err(SqlError::new("57014", "Query cancelled on user's request"));
        }
        Ok(())
    }

    async fn run_text(&mut self, sql: &str, parameters: &[(String, String)]) -> SqlResult<(Outcome, &'static str)> {
        let front_end = |error| from_front_end(error, Some(sql));
        match redshift_sql::split(sql).map_err(front_end)?.len() {
            0 => return Err(SqlError::new("42601", "the statement is empty")),
            1 => {}
            _ => {
                return Err(SqlError::new("42601", "cannot insert multiple commands into a prepared statement"));
            }
        }
        let statement = redshift_sql::parse(sql, &self.settings.front_end).map_err(front_end)?;
        let tag = statement.tag();
        let scope = NamedParameters(parameters);
        let outcome = self.run_top(&statement, &scope).await.map_err(|mut error| {
            if statement_has_own_text(&statement) {
                error.position = None;
            }
            error
        })?;
        Ok((outcome, tag))
    }
}

/// `rs.default_NAME=value` of a role, as ALTER USER left it.
fn user_default(text: &str) -> Option<(String, String)> {
    let (name, value) = text.strip_prefix("rs.default_")?.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

/// A CALL's errors have places in other texts.
fn statement_has_own_text(statement: &redshift_sql::Statement) -> bool {
    matches!(statement, redshift_sql::Statement::Call { .. })
}

/// Utility statements only: none of them takes a snapshot.
pub(crate) fn role_statements(role: &str) -> String {
    format!("SET ROLE {}; SET rs.\"user\" TO {}", quote_identifier(role), quote_literal(role))
}

struct PostgresCanceller {
    token: CancelToken,
    cancelled: Arc<AtomicBool>,
}

#[async_trait]
impl Canceller for PostgresCanceller {
    async fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        if let Err(error) = self.token.cancel_query(NoTls).await {
            tracing::warn!(%error, "a statement could not be cancelled");
        }
    }
}

#[async_trait]
impl Session for RedshiftSession {
    fn pid(&self) -> i64 {
        i64::from(self.pid)
    }

    fn is_alive(&self) -> bool {
        !self.client.is_closed()
    }

    async fn execute(&mut self, sql: &str, parameters: &[(String, String)]) -> SqlResult<StatementResult> {
        let query_id = self.database.warehouse.next_query_id();
        self.query_id = query_id;
        self.cancelled.store(false, Ordering::Release);
        let in_block = self.transaction.block;
        if in_block && self.block_id == 0 {
            self.block_id = query_id;
        }
        let mut entry = self.entry(query_id, sql);
        self.database.history.send(Event::Started(entry.clone()));
        let result = self.run_text(sql, parameters).await;
        if result.is_err() && self.transaction.open {
            self.transaction.failed = true;
        }
        if self.transaction.block && !in_block {
            self.block_id = query_id;
        } else if !self.transaction.block {
            self.block_id = 0;
        }
        if let Ok((_, tag)) = &result {
            entry.kind = history_kind(tag);
            if is_query(entry.kind) {
                self.last_query_id = query_id;
            }
        }
        let end = history::End {
            error: result.as_ref().err().map(SqlError::text),
            cancelled: result.is_err() && self.is_cancelled(),
            returned_rows: result
                .as_ref()
                .map_or(0, |(outcome, _)| i64::try_from(outcome.rows.len()).unwrap_or(i64::MAX)),
        };
        self.database.history.send(Event::Ended(entry, end, clock::now()));
        match result {
            Ok((outcome, _)) => Ok(outcome.into_result(query_id)),
            Err(mut error) => {
                error.query_id = Some(query_id);
                Err(error)
            }
        }
    }

    async fn begin(&mut self) -> SqlResult<()> {
        self.block_id = 0;
        self.begin_block(None).await
    }

    async fn commit(&mut self) -> SqlResult<()> {
        if self.transaction.open { self.commit_block().await } else { Ok(()) }
    }

    async fn rollback(&mut self) -> SqlResult<()> {
        if self.transaction.open { self.rollback_block().await } else { Ok(()) }
    }

    fn canceller(&self) -> Arc<dyn Canceller> {
        Arc::new(PostgresCanceller { token: self.client.cancel_token(), cancelled: Arc::clone(&self.cancelled) })
    }

    async fn reset(&mut self) -> SqlResult<bool> {
        if self.transaction.open {
            self.rollback_block().await?;
        }
        self.client.batch_execute("RESET ROLE; RESET ALL; DISCARD TEMP").await.sql()?;
        self.settings = SessionSettings::default();
        self.temporary = Arc::default();
        self.own = None;
        self.cursors.clear();
        self.role = self.login.clone();
        self.prepare_connection().await?;
        Ok(true)
    }
}
