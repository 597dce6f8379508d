//! The port: what the functions ask of a warehouse, and what the answers promise.
//!
//! Nothing here names a client library. [`crate::DataApi`] is the real thing, `fake::FakeWarehouse`
//! the one for tests. Statements are text made by `cdc_core::sql`; this module never looks into it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::classify::SqlFailure;
use crate::error::WarehouseError;
use crate::result_set::ResultSet;

/// The moment by which a call has answered, on the monotonic clock.
pub type Deadline = tokio::time::Instant;

/// The most statements that one batch takes (Redshift Data API, `BatchExecuteStatement`, `Sqls`).
pub const MAX_BATCH_STATEMENTS: usize = 40;

/// Makes two submissions one: the Data API answers a token that it has seen within eight hours
/// with the statement that it started then (Redshift Management Guide, "Idempotency").
///
/// What the service does when a token comes back with other SQL is not documented, so a token
/// must depend on the SQL it is sent with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientToken(String);

impl ClientToken {
    /// A token that depends on every part and on where one part ends and the next begins.
    /// 64 characters, the longest that the API takes.
    #[must_use]
    pub fn derive(parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The warehouse's name for a submitted statement, or for one statement of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatementId(pub String);

impl fmt::Display for StatementId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl StatementId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is handed to the warehouse in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// For people who look at the warehouse's statement list: a table, or what is being done.
    pub name: String,
    /// One statement per element, at most [`MAX_BATCH_STATEMENTS`], run in this order.
    pub statements: Vec<String>,
    /// What makes a repeated submission harmless. Without one each submission is a new statement.
    pub token: Option<ClientToken>,
    /// Whether the statements are a batch. A batch of one is still a batch.
    pub batch: bool,
    /// Values of named parameters, each used by at least one statement (Redshift Data API,
    /// `BatchExecuteStatement`, `Parameters`). Only a batch has some.
    pub parameters: Vec<Parameter>,
}

/// A named parameter, `:name` in a statement's text, and its value, which is not to be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name, without the colon.
    pub name: String,
    /// The value; never empty.
    pub value: String,
}

impl fmt::Debug for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parameter").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Submission {
    /// One statement.
    #[must_use]
    pub fn single(name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { name: name.into(), statements: vec![sql.into()], token: None, batch: false, parameters: Vec::new() }
    }

    /// Several statements in one session, each committed by itself: a failed one does not keep
    /// the next from running (Redshift Data API, `ExecutionMode` `AUTO_COMMIT`).
    #[must_use]
    pub fn batch(name: impl Into<String>, statements: Vec<String>) -> Self {
        Self { name: name.into(), statements, token: None, batch: true, parameters: Vec::new() }
    }

    /// The same batch with a value for a parameter. The token does not tell it from another value.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: String) -> Self {
        self.parameters.push(Parameter { name: name.to_owned(), value });
        self
    }

    /// The same submission under a token.
    #[must_use]
    pub fn with_token(mut self, token: ClientToken) -> Self {
        self.token = Some(token);
        self
    }
}

/// What came of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It ran and is committed.
    Finished,
    /// The warehouse refused it or gave up on it; nothing of it is committed.
    Failed,
    /// Somebody cancelled it; nothing of it is committed.
    Aborted,
    /// It never ran, because the whole submission failed before.
    NotRun,
}

/// One statement of a settled submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementOutcome {
    /// By which its rows are fetched.
    pub id: StatementId,
    /// What came of it.
    pub status: Status,
    /// The warehouse's own error text. It may contain row values: only [`Self::failure`] gives
    /// a text that may be logged.
    pub error: Option<String>,
    /// Rows returned or changed; None if the statement counts nothing.
    pub rows: Option<u64>,
    /// Whether there are rows to fetch.
    pub has_result: bool,
    /// How long it ran in the warehouse.
    pub duration: Duration,
}

impl StatementOutcome {
    /// None if the statement finished; otherwise why not, classified and free of row values.
    #[must_use]
    pub fn failure(&self) -> Option<SqlFailure> {
        match self.status {
            Status::Finished => None,
            Status::Failed | Status::Aborted | Status::NotRun => {
                let fallback = match self.status {
                    Status::Aborted => "the statement was cancelled",
                    Status::NotRun => "the statement did not run",
                    Status::Finished | Status::Failed => "the statement failed without an error text",
                };
                Some(SqlFailure::of(self.error.as_deref().unwrap_or(fallback)))
            }
        }
    }
}

/// A submission that will not change any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// One per submitted statement, in the same order. Shorter, or empty, if the submission
    /// failed before its statements began.
    pub statements: Vec<StatementOutcome>,
    /// The error of the submission as a whole. A batch carries one as soon as a single
    /// statement failed; judge the statements, not this.
    pub error: Option<String>,
}

impl Settled {
    /// What came of the statement at `index`; a statement that the warehouse does not list did
    /// not run, for the reason that the whole submission failed.
    #[must_use]
    pub fn outcome(&self, index: usize) -> StatementOutcome {
        self.statements.get(index).cloned().unwrap_or_else(|| StatementOutcome {
            id: StatementId(String::new()),
            status: Status::NotRun,
            error: self.error.clone(),
            rows: None,
            has_result: false,
            duration: Duration::ZERO,
        })
    }

    /// The first statement that did not finish, with its index.
    #[must_use]
    pub fn first_failure(&self) -> Option<(usize, SqlFailure)> {
        if self.statements.is_empty() {
            return self.outcome(0).failure().map(|failure| (0, failure));
        }
        self.statements
            .iter()
            .enumerate()
            .find_map(|(index, statement)| statement.failure().map(|failure| (index, failure)))
    }
}

/// Where a submission stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Every statement has finished, failed, been cancelled or will never run.
    Settled(Settled),
    /// Still waiting or running when the deadline came. An outcome, not an error: the
    /// statement goes on without us.
    Running,
}

/// A SQL warehouse that runs statements on its own, behind our back.
///
/// **Submitting is not running.** [`submit`](Self::submit) hands statements over; whether they
/// succeed is only known from [`wait`](Self::wait). A statement belongs to the warehouse from
/// then on: it goes on when the caller stops waiting, times out or dies, and nothing cancels it
/// but [`cancel`](Self::cancel).
///
/// **What may be duplicated.** A submission with a token is started at most once in eight
/// hours, however often it is submitted, by whomever with the same role: after a lost reply,
/// submit again with the same token and get the statement that runs already. Two callers that
/// derive the same token share one statement; it may then have begun, or ended, before the
/// second caller asked. A submission without a token is started once per successful call and
/// perhaps once more for a call whose reply was lost: use that for reads only. Waiting and
/// fetching can be repeated at will, results stay for a day.
///
/// **Order.** The statements of a batch run one after the other, in one session, each in its
/// own transaction: a failed statement neither undoes those before nor stops those after it.
/// Nothing orders two submissions.
///
/// **Deadlines.** Every call answers by its deadline. A `wait` whose time is up answers
/// [`Progress::Running`], never an error. A `submit` whose time is up may have started the
/// statement: the error is transient and the token makes the next attempt safe.
///
/// **Failures.** SQL errors are values: they are found in the [`StatementOutcome`]s.
/// [`WarehouseError`] is about the calls themselves. An implementation repeats a call that was
/// throttled or whose connection broke by itself, within the deadline, and a wait never gives
/// up on a running statement because one question about it was refused.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// Hands statements over and returns as soon as the warehouse has taken them.
    async fn submit(&self, submission: &Submission, deadline: Deadline) -> Result<StatementId, WarehouseError>;

    /// Waits until the submission has settled, or until the deadline.
    async fn wait(&self, id: &StatementId, deadline: Deadline) -> Result<Progress, WarehouseError>;

    /// All rows of one finished statement: a single submission's id, or one statement of a batch.
    async fn fetch(&self, id: &StatementId, deadline: Deadline) -> Result<ResultSet, WarehouseError>;

    /// Asks for the statement to be stopped. False if it had settled already. Statements of a
    /// batch that have committed stay committed.
    async fn cancel(&self, id: &StatementId) -> Result<bool, WarehouseError>;
}

/// What came of a submission that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed {
    /// It settled; the statements' outcomes say how.
    Settled(StatementId, Settled),
    /// It still runs.
    Running(StatementId),
}

/// Submits and waits.
pub async fn execute(
    warehouse: &dyn Warehouse,
    submission: &Submission,
    deadline: Deadline,
) -> Result<Executed, WarehouseError> {
    let id = warehouse.submit(submission, deadline).await?;
    Ok(match warehouse.wait(&id, deadline).await? {
        Progress::Settled(settled) => Executed::Settled(id, settled),
        Progress::Running => Executed::Running(id),
    })
}

/// Runs one read and returns its rows. A query that is still running at the deadline is left
/// running and reported as [`WarehouseError::StillRunning`].
pub async fn query(
    warehouse: &dyn Warehouse,
    name: &str,
    sql: &str,
    deadline: Deadline,
) -> Result<ResultSet, WarehouseError> {
    match execute(warehouse, &Submission::single(name, sql), deadline).await? {
        Executed::Running(statement) => Err(WarehouseError::StillRunning { statement }),
        Executed::Settled(statement, settled) => {
            let outcome = settled.outcome(0);
            match outcome.failure() {
                Some(failure) => Err(WarehouseError::Sql { statement, failure }),
                None if outcome.has_result => warehouse.fetch(&outcome.id, deadline).await,
                None => Ok(ResultSet::default()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_where_its_parts_end() {
        let token = ClientToken::derive(&["ab", "c"]);
        assert_eq!(token.as_str().len(), 64);
        assert_eq!(token, ClientToken::derive(&["ab", "c"]));
        assert_ne!(token, ClientToken::derive(&["a", "bc"]));
        assert_ne!(token, ClientToken::derive(&["abc"]));
    }

    #[test]
    fn a_statement_that_is_not_listed_did_not_run_for_the_submissions_reason() {
        let settled =
            Settled { statements: Vec::new(), error: Some("ERROR: permission denied for schema cdc".to_owned()) };
        let failure = settled.outcome(3).failure().unwrap();
        assert_eq!(failure.kind, cdc_core::error::ErrorKind::Misconfigured);
        assert!(settled.first_failure().is_some());
    }
}
