//! An in-memory warehouse for tests: it records what it was handed, answers from a function or
//! from a [`Model`] of landing and merging, and plays scripted faults.
//!
//! It keeps the port's promises (tokens, one outcome per statement, results by statement) and
//! judges no SQL: what Redshift would refuse, this does not notice.

mod model;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cdc_core::error::ErrorKind;
use tokio::time::Instant;

pub use self::model::{Model, Partition};
use crate::classify::{api_kind, api_next_step};
use crate::error::WarehouseError;
use crate::port::{
    ClientToken, Deadline, MAX_BATCH_STATEMENTS, Progress, Settled, StatementId, StatementOutcome, Status, Submission,
    Warehouse,
};
use crate::result_set::ResultSet;

/// What one statement answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It finished and has rows to fetch.
    Rows(ResultSet),
    /// It finished and changed this many rows.
    Affected(u64),
    /// It failed with this error text.
    Fails(String),
}

/// Something that goes wrong. Faults are used up in the order given.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The next submission is refused with this error code of the service; nothing runs.
    Refuse(&'static str),
    /// The next submission runs, but its reply is lost on the way.
    LoseReply,
    /// The next new submission takes this long to settle.
    TakeFor(Duration),
    /// The next statement that contains this text fails with this error, without running.
    FailStatement {
        /// Part of the statement.
        containing: String,
        /// The warehouse's error text.
        error: String,
    },
}

type Answer = Box<dyn FnMut(&str) -> Reply + Send>;

struct Started {
    settles_at: Instant,
    settled: Settled,
    results: BTreeMap<StatementId, ResultSet>,
}

struct State {
    answer: Answer,
    faults: VecDeque<Fault>,
    submissions: Vec<Submission>,
    started: BTreeMap<StatementId, Started>,
    tokens: BTreeMap<ClientToken, StatementId>,
    cancelled: Vec<StatementId>,
}

/// The warehouse for tests.
pub struct FakeWarehouse {
    state: Mutex<State>,
}

impl std::fmt::Debug for FakeWarehouse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FakeWarehouse").finish_non_exhaustive()
    }
}

impl Default for FakeWarehouse {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeWarehouse {
    /// A warehouse in which every statement finishes and changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::answering(|_sql| Reply::Affected(0))
    }

    /// A warehouse that asks `answer` for every statement, in the order in which they run.
    #[must_use]
    pub fn answering(answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self {
            state: Mutex::new(State {
                answer: Box::new(answer),
                faults: VecDeque::new(),
                submissions: Vec::new(),
                started: BTreeMap::new(),
                tokens: BTreeMap::new(),
                cancelled: Vec::new(),
            }),
        }
    }

    /// A warehouse that lands and merges records like `model` says. The model is shared: change
    /// it between calls to let new records arrive.
    #[must_use]
    pub fn with_model(model: &Model) -> Self {
        let model = model.clone();
        Self::answering(move |sql| model.run(sql))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault behind those not used up yet.
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Faults that have not happened yet.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.lock().faults.len()
    }

    /// Every submission that was received, refused and repeated ones included.
    #[must_use]
    pub fn submissions(&self) -> Vec<Submission> {
        self.lock().submissions.clone()
    }

    /// How many submissions were started: a repeated token starts nothing.
    #[must_use]
    pub fn started(&self) -> usize {
        self.lock().started.len()
    }

    /// Statements that somebody asked to cancel.
    #[must_use]
    pub fn cancelled(&self) -> Vec<StatementId> {
        self.lock().cancelled.clone()
    }
}

impl State {
    /// Takes the first fault that fits. Faults of other sorts keep their place.
    fn take_fault<T>(&mut self, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let (index, found) = self.faults.iter().enumerate().find_map(|(index, fault)| Some((index, fits(fault)?)))?;
        self.faults.remove(index);
        Some(found)
    }

    fn start(&mut self, submission: &Submission) -> StatementId {
        let number = self.started.len() + 1;
        let id = StatementId(format!("00000000-0000-0000-0000-{number:012}"));
        let mut results = BTreeMap::new();
        let mut statements = Vec::new();
        for (index, sql) in submission.statements.iter().enumerate() {
            let statement = if submission.batch { StatementId(format!("{id}:{}", index + 1)) } else { id.clone() };
            let fault = self.take_fault(|fault| match fault {
                Fault::FailStatement { containing, error } if sql.contains(containing.as_str()) => Some(error.clone()),
                _ => None,
            });
            let reply = fault.map_or_else(|| (self.answer)(sql), Reply::Fails);
            let (status, error, rows, has_result) = match reply {
                Reply::Rows(result) => {
                    let rows = u64::try_from(result.rows.len()).ok();
                    results.insert(statement.clone(), result);
                    (Status::Finished, None, rows, true)
                }
                Reply::Affected(rows) => (Status::Finished, None, Some(rows), false),
                Reply::Fails(error) => (Status::Failed, Some(error), None, false),
            };
            statements.push(StatementOutcome {
                id: statement,
                status,
                error,
                rows,
                has_result,
                duration: Duration::from_millis(1),
            });
        }
        let error = statements.iter().find_map(|statement| statement.error.clone());
        let takes = self.take_fault(|fault| match fault {
            Fault::TakeFor(duration) => Some(*duration),
            _ => None,
        });
        self.started.insert(
            id.clone(),
            Started {
                settles_at: Instant::now() + takes.unwrap_or_default(),
                settled: Settled { statements, error },
                results,
            },
        );
        id
    }
}

fn refused(operation: &'static str, code: &str) -> WarehouseError {
    let kind = api_kind(code, "");
    WarehouseError::Refused {
        operation,
        code: code.to_owned(),
        message: "scripted".to_owned(),
        next_step: api_next_step(code, kind),
        kind,
        source: None,
    }
}

#[async_trait]
impl Warehouse for FakeWarehouse {
    async fn submit(&self, submission: &Submission, _deadline: Deadline) -> Result<StatementId, WarehouseError> {
        let mut state = self.lock();
        state.submissions.push(submission.clone());
        if submission.statements.is_empty() || submission.statements.len() > MAX_BATCH_STATEMENTS {
            return Err(refused("the submission", "ValidationException"));
        }
        if let Some(code) = state.take_fault(|fault| match fault {
            Fault::Refuse(code) => Some(*code),
            _ => None,
        }) {
            return Err(refused("the submission", code));
        }
        let known = submission.token.as_ref().and_then(|token| state.tokens.get(token).cloned());
        let id = match known {
            Some(id) => id,
            None => {
                let id = state.start(submission);
                if let Some(token) = &submission.token {
                    state.tokens.insert(token.clone(), id.clone());
                }
                id
            }
        };
        let lost = state.take_fault(|fault| matches!(fault, Fault::LoseReply).then_some(()));
        match lost {
            None => Ok(id),
            Some(()) => Err(WarehouseError::Unreachable {
                operation: "the submission",
                kind: ErrorKind::Transient,
                source: None,
            }),
        }
    }

    async fn wait(&self, id: &StatementId, deadline: Deadline) -> Result<Progress, WarehouseError> {
        let settles_at = match self.lock().started.get(id) {
            Some(started) => started.settles_at,
            None => return Err(refused("DescribeStatement", "ResourceNotFoundException")),
        };
        if settles_at > deadline {
            tokio::time::sleep_until(deadline).await;
            return Ok(Progress::Running);
        }
        tokio::time::sleep_until(settles_at).await;
        let settled = self.lock().started.get(id).map(|started| started.settled.clone());
        settled.map(Progress::Settled).ok_or_else(|| refused("DescribeStatement", "ResourceNotFoundException"))
    }

    async fn fetch(&self, id: &StatementId, _deadline: Deadline) -> Result<ResultSet, WarehouseError> {
        self.lock()
            .started
            .values()
            .find_map(|started| started.results.get(id).cloned())
            .ok_or_else(|| refused("GetStatementResult", "ResourceNotFoundException"))
    }

    async fn cancel(&self, id: &StatementId) -> Result<bool, WarehouseError> {
        let mut state = self.lock();
        state.cancelled.push(id.clone());
        Ok(state.started.get(id).is_some_and(|started| started.settles_at > Instant::now()))
    }
}
