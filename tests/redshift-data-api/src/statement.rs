//! A statement's life: what was asked for, how far it is, and what came of it.
//!
//! ExecuteStatement makes a statement of one part, BatchExecuteStatement one of several; parts are
//! the sub-statements `id:1`, `id:2`, … of a batch.
//!
//! Invariant: [`Progress`] changes only through [`Statement::update`], which stamps the change; a
//! terminal status never changes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::engine::{Canceller, Login};
use crate::options::{Identity, Operation};
use crate::results::ResultSet;

/// Where the statement's database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Cluster(String),
    Workgroup(String),
}

impl Target {
    /// The response member and its value.
    pub(crate) fn member(&self) -> (&'static str, &str) {
        match self {
            Self::Cluster(name) => ("ClusterIdentifier", name),
            Self::Workgroup(name) => ("WorkgroupName", name),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExecutionMode {
    Transaction,
    AutoCommit,
}

impl ExecutionMode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transaction => "TRANSACTION",
            Self::AutoCommit => "AUTO_COMMIT",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSV",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Submitted,
    Picked,
    Started,
    Finished,
    Aborted,
    Failed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Picked => "PICKED",
            Self::Started => "STARTED",
            Self::Finished => "FINISHED",
            Self::Aborted => "ABORTED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Aborted | Self::Failed)
    }
}

/// What was asked for; it never changes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) owner: Identity,
    pub(crate) sqls: Vec<String>,
    pub(crate) parameters: Vec<(String, String)>,
    /// `None` for ExecuteStatement.
    pub(crate) mode: Option<ExecutionMode>,
    pub(crate) login: Login,
    pub(crate) target: Target,
    pub(crate) secret_arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) format: Format,
    pub(crate) with_event: bool,
    pub(crate) session_id: Option<String>,
}

/// How far a part is.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) status: Status,
    pub(crate) updated_at: Timestamp,
    /// How long it ran; `None` before its end.
    pub(crate) duration: Option<Duration>,
    pub(crate) error: Option<String>,
    /// Rows returned or affected; -1 for not known.
    pub(crate) rows: i64,
    pub(crate) query_id: Option<i64>,
    pub(crate) result: Option<Arc<ResultSet>>,
}

/// How far a statement is.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) updated_at: Timestamp,
    pub(crate) pid: Option<i64>,
    pub(crate) duration: Option<Duration>,
    pub(crate) error: Option<String>,
    pub(crate) parts: Vec<Part>,
}

/// A statement.
pub(crate) struct Statement {
    pub(crate) id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) request: Request,
    progress: watch::Sender<Progress>,
    cancelled: watch::Sender<bool>,
    canceller: Mutex<Option<Arc<dyn Canceller>>>,
    waiting: AtomicUsize,
}

impl Statement {
    pub(crate) fn new(id: String, request: Request) -> Self {
        let now = Timestamp::now();
        let part = Part {
            status: Status::Submitted,
            updated_at: now,
            duration: None,
            error: None,
            rows: -1,
            query_id: None,
            result: None,
        };
        let progress = Progress {
            status: Status::Submitted,
            updated_at: now,
            pid: None,
            duration: None,
            error: None,
            parts: vec![part; request.sqls.len()],
        };
        Self {
            id,
            created_at: now,
            request,
            progress: watch::Sender::new(progress),
            cancelled: watch::Sender::new(false),
            canceller: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    pub(crate) fn status(&self) -> Status {
        self.progress.borrow().status
    }

    /// Changes the statement, unless it has come to its end.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_if_modified(|progress| {
            if progress.status.is_terminal() {
                return false;
            }
            change(progress);
            progress.updated_at = Timestamp::now();
            true
        });
    }

    /// Changes one part, unless it or the statement has come to its end.
    pub(crate) fn update_part(&self, index: usize, change: impl FnOnce(&mut Part)) {
        self.update(|progress| {
            if let Some(part) = progress.parts.get_mut(index)
                && !part.status.is_terminal()
            {
                change(part);
                part.updated_at = Timestamp::now();
            }
        });
    }

    /// Waits until the statement has come to its end, or for `limit`.
    pub(crate) async fn wait(&self, limit: Duration) {
        let mut progress = self.progress.subscribe();
        // A timeout is no failure: the caller looks at the status anyway.
        let ended = progress.wait_for(|now| now.status.is_terminal());
        let _ = tokio::time::timeout(limit, ended).await.is_ok();
    }

    /// Waits until the statement has come to its end.
    pub(crate) async fn ended(&self) {
        let mut progress = self.progress.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = progress.wait_for(|now| now.status.is_terminal()).await.is_ok();
    }

    /// Counts one more waiting request while the guard lives; `None` if there are `limit` already.
    pub(crate) fn enter_wait(&self, limit: Option<usize>) -> Option<Waiting<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(self);
        limit.is_none_or(|limit| before < limit).then_some(waiting)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Waits until somebody asks for the statement's end.
    pub(crate) async fn cancelled(&self) {
        let mut cancelled = self.cancelled.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = cancelled.wait_for(|cancelled| *cancelled).await.is_ok();
    }

    /// Says what cancels the statement from now on, and cancels at once if that was asked before.
    pub(crate) async fn set_canceller(&self, canceller: Arc<dyn Canceller>) {
        *self.lock() = Some(Arc::clone(&canceller));
        if self.is_cancelled() {
            canceller.cancel().await;
        }
    }

    /// Nothing is executing any more: a later cancel must not hit the session's next user.
    pub(crate) fn clear_canceller(&self) {
        *self.lock() = None;
    }

    /// Asks for the statement's end.
    pub(crate) async fn cancel(&self) {
        self.cancelled.send_replace(true);
        let canceller = self.lock().clone();
        if let Some(canceller) = canceller {
            canceller.cancel().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<dyn Canceller>>> {
        self.canceller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits for a statement.
pub(crate) struct Waiting<'a>(&'a Statement);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
