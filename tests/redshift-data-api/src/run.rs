//! The execution of a statement, from SUBMITTED to its end.
//!
//! Invariants:
//! * A statement always comes to its end: even if the engine panics or the server shuts down, it
//!   becomes FAILED.
//! * A session is available again before its statement's end can be seen, so that a client that saw
//!   the end can use the session at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::clock::Timestamp;
use crate::engine::{Session, SqlError, StatementResult};
use crate::faults::FaultKind;
use crate::options::{Operation, PartialFailure};
use crate::parameters::placeholders;
use crate::results::ResultSet;
use crate::service::Service;
use crate::statement::{ExecutionMode, Statement, Status, Target};

/// What came of a statement, and its engine session if that is still good.
struct Outcome {
    status: Status,
    error: Option<String>,
    session: Option<Box<dyn Session>>,
}

impl Outcome {
    fn failed(error: String, session: Option<Box<dyn Session>>) -> Self {
        Self { status: Status::Failed, error: Some(error), session }
    }

    fn aborted(session: Option<Box<dyn Session>>) -> Self {
        Self { status: Status::Aborted, error: None, session }
    }
}

/// Settles the statement if its task ends early.
struct Guard {
    service: Arc<Service>,
    statement: Arc<Statement>,
    settled: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.settled {
            let outcome = Outcome::failed("ERROR: the engine stopped while it executed the statement".to_owned(), None);
            settle(&self.service, &self.statement, outcome, None);
        }
    }
}

/// Executes a statement in a task of its own. `engine` is the engine session of a session that
/// existed before.
pub(crate) fn start(service: &Arc<Service>, statement: Arc<Statement>, engine: Option<Box<dyn Session>>) {
    let guard = Guard { service: Arc::clone(service), statement, settled: false };
    service.spawn(async move {
        // The whole guard moves into the task, so that it is dropped wherever the task ends.
        let mut guard = guard;
        let (service, statement) = (Arc::clone(&guard.service), Arc::clone(&guard.statement));
        statement.update(|progress| progress.status = Status::Picked);
        let began = Instant::now();
        let outcome = execute(&service, &statement, engine).await;
        statement.clear_canceller();
        guard.settled = true;
        let pooled = settle(&service, &statement, outcome, Some(began.elapsed()));
        if let Some(mut session) = pooled
            && matches!(session.reset().await, Ok(true))
        {
            service.sessions.keep_idle(&statement.request.login, session);
        }
    });
}

/// Gives the session back and publishes the end. Returns an engine session that is free.
fn settle(
    service: &Arc<Service>,
    statement: &Arc<Statement>,
    outcome: Outcome,
    duration: Option<Duration>,
) -> Option<Box<dyn Session>> {
    let mut free = outcome.session;
    if let Some(id) = &statement.request.session_id
        && let Some(expiry) = service.sessions.release(id, free.take())
    {
        service.schedule_expiry(id, expiry);
    }
    statement.update(|progress| {
        let now = Timestamp::now();
        for part in &mut progress.parts {
            if !part.status.is_terminal() {
                part.status = match outcome.status {
                    // What was not executed in a batch that ended otherwise was aborted.
                    Status::Failed if statement.request.mode.is_none() => Status::Failed,
                    _ => Status::Aborted,
                };
                part.updated_at = now;
            }
        }
        progress.status = outcome.status;
        progress.error = outcome.error;
        progress.duration = duration;
    });
    emit(service, statement);
    free
}

/// The event of a statement's end (management guide, "Monitoring events for the Amazon Redshift Data
/// API"). One event a batch; what the service does for batches is not documented.
fn emit(service: &Service, statement: &Statement) {
    let request = &statement.request;
    let Some(events) = &service.options.events else {
        return;
    };
    if !request.with_event {
        return;
    }
    let sqls: Vec<_> = request.sqls.iter().map(String::as_str).collect();
    if service.faults.loses_event(request.operation, &sqls) {
        return;
    }
    let options = &service.options;
    let (account, region) = (&options.account, &options.region);
    let resource = match &request.target {
        Target::Cluster(name) => format!("arn:aws:redshift:{region}:{account}:cluster:{name}"),
        Target::Workgroup(name) if name.starts_with("arn:") => name.clone(),
        Target::Workgroup(name) => {
            format!("arn:aws:redshift-serverless:{region}:{account}:workgroup/{name}")
        }
    };
    let progress = statement.progress();
    let (rows, query_id) = match &progress.parts[..] {
        [part] => (part.rows, part.query_id.unwrap_or(-1)),
        _ => (-1, -1),
    };
    let event = json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Redshift Data Statement Status Change",
        "source": "aws.redshift-data",
        "account": account,
        "time": progress.updated_at.iso(),
        "region": region,
        "resources": [resource],
        "detail": {
            "principal": request.owner.arn(account),
            "statementName": request.name.as_deref().unwrap_or_default(),
            "statementId": statement.id,
            "redshiftQueryId": query_id,
            "state": progress.status.name(),
            "rows": rows,
            "expireAt": statement.created_at.plus(options.limits.retention.as_secs()).0 / 1000,
        },
    });
    if events.send(event).is_err() {
        tracing::debug!(statement = %statement.id, "nobody receives events any more");
    }
}

async fn execute(service: &Arc<Service>, statement: &Arc<Statement>, engine: Option<Box<dyn Session>>) -> Outcome {
    let mut session = match engine {
        Some(session) => session,
        None => match connect(service, statement).await {
            Ok(Some(session)) => session,
            Ok(None) => return Outcome::aborted(None),
            Err(error) => return Outcome::failed(error.text(), None),
        },
    };
    statement.set_canceller(session.canceller()).await;
    statement.update(|progress| {
        progress.status = Status::Started;
        progress.pid = Some(session.pid());
    });
    let deadline = tokio::time::Instant::now() + service.options.limits.statement_duration;
    match statement.request.mode {
        None => {
            let ended = part(service, statement, 0, &mut session, deadline).await;
            finish(ended, None, session)
        }
        Some(ExecutionMode::AutoCommit) => auto_commit(service, statement, session, deadline).await,
        Some(ExecutionMode::Transaction) => transaction(service, statement, session, deadline).await,
    }
}

/// An engine session for a statement that has none, or `None` if the statement was cancelled before
/// there was one.
async fn connect(service: &Service, statement: &Statement) -> Result<Option<Box<dyn Session>>, SqlError> {
    let login = &statement.request.login;
    if let Some(session) = service.sessions.take_idle(login) {
        return Ok(Some(session));
    }
    tokio::select! {
        biased;
        () = statement.cancelled() => Ok(None),
        connected = service.engine.connect(login) => connected.map(Some),
    }
}

/// How a part ended.
enum Ended {
    Finished,
    Failed(String),
    Aborted,
}

/// The outcome of a part that decides about its statement; `number` is its number in a batch.
fn finish(ended: Ended, number: Option<usize>, session: Box<dyn Session>) -> Outcome {
    match ended {
        Ended::Finished => Outcome { status: Status::Finished, error: None, session: Some(session) },
        Ended::Failed(error) => {
            let error = match number {
                Some(number) => format!("Query #{number} failed with {error}"),
                None => error,
            };
            Outcome::failed(error, Some(session))
        }
        Ended::Aborted => Outcome::aborted(Some(session)),
    }
}

async fn auto_commit(
    service: &Arc<Service>,
    statement: &Arc<Statement>,
    mut session: Box<dyn Session>,
    deadline: tokio::time::Instant,
) -> Outcome {
    let mut first_failure = None;
    for index in 0..statement.request.sqls.len() {
        match part(service, statement, index, &mut session, deadline).await {
            Ended::Finished => {}
            Ended::Failed(error) => {
                first_failure.get_or_insert((index + 1, error));
            }
            Ended::Aborted => return Outcome::aborted(Some(session)),
        }
    }
    match first_failure {
        Some((number, error)) if service.options.unconfirmed.partial_failure == PartialFailure::Failed => {
            finish(Ended::Failed(error), Some(number), session)
        }
        _ => finish(Ended::Finished, None, session),
    }
}

async fn transaction(
    service: &Arc<Service>,
    statement: &Arc<Statement>,
    mut session: Box<dyn Session>,
    deadline: tokio::time::Instant,
) -> Outcome {
    if let Err(error) = session.begin().await {
        return Outcome::failed(error.text(), None);
    }
    for index in 0..statement.request.sqls.len() {
        let ended = part(service, statement, index, &mut session, deadline).await;
        if !matches!(ended, Ended::Finished) {
            let rolled_back = session.rollback().await.is_ok();
            let mut outcome = finish(ended, Some(index + 1), session);
            if !rolled_back {
                outcome.session = None;
            }
            return outcome;
        }
    }
    match session.commit().await {
        Ok(()) => finish(Ended::Finished, None, session),
        Err(_) if statement.is_cancelled() => Outcome::aborted(None),
        Err(error) => Outcome::failed(error.text(), None),
    }
}

/// Executes one part and records its end.
async fn part(
    service: &Arc<Service>,
    statement: &Arc<Statement>,
    index: usize,
    session: &mut Box<dyn Session>,
    deadline: tokio::time::Instant,
) -> Ended {
    let request = &statement.request;
    let sql = request.sqls[index].as_str();
    if statement.is_cancelled() {
        return Ended::Aborted;
    }
    statement.update_part(index, |part| part.status = Status::Started);
    let began = Instant::now();
    if let Some(failure) = fault(service, statement, request.operation, sql).await {
        record(statement, index, began, &failure, None, None);
        return failure;
    }
    let parameters = used_parameters(sql, &request.parameters);
    let running = session.execute(sql, &parameters);
    tokio::pin!(running);
    let result = match tokio::time::timeout_at(deadline, &mut running).await {
        Ok(result) => result,
        Err(_) => {
            statement.cancel().await;
            running.await
        }
    };
    match result {
        Ok(result) => accept(service, statement, index, began, result),
        Err(error) => {
            let ended = if statement.is_cancelled() { Ended::Aborted } else { Ended::Failed(error.text()) };
            record(statement, index, began, &ended, error.query_id, None);
            ended
        }
    }
}

/// Only the parameters that the statement names: in a batch each may use any of them.
fn used_parameters(sql: &str, parameters: &[(String, String)]) -> Vec<(String, String)> {
    if parameters.is_empty() {
        return Vec::new();
    }
    let places = placeholders(sql);
    parameters.iter().filter(|(name, _)| places.iter().any(|place| place.name == *name)).cloned().collect()
}

/// Takes a result over, unless it is too large.
fn accept(service: &Service, statement: &Statement, index: usize, began: Instant, result: StatementResult) -> Ended {
    let query_id = result.query_id;
    let affected = result.rows_affected;
    match ResultSet::accept(result, &service.options.limits) {
        Ok(result) => {
            let rows = match &result {
                Some(result) => i64::try_from(result.rows.len()).unwrap_or(i64::MAX),
                None => affected,
            };
            let done = Some((rows, result));
            record(statement, index, began, &Ended::Finished, query_id, done);
            Ended::Finished
        }
        Err(text) => {
            let ended = Ended::Failed(format!("ERROR: {text}"));
            record(statement, index, began, &ended, query_id, None);
            ended
        }
    }
}

fn record(
    statement: &Statement,
    index: usize,
    began: Instant,
    ended: &Ended,
    query_id: Option<i64>,
    done: Option<(i64, Option<ResultSet>)>,
) {
    statement.update_part(index, |part| {
        part.duration = Some(began.elapsed());
        part.query_id = query_id;
        match ended {
            Ended::Finished => part.status = Status::Finished,
            Ended::Failed(error) => {
                part.status = Status::Failed;
                part.error = Some(error.clone());
            }
            Ended::Aborted => part.status = Status::Aborted,
        }
        if let Some((rows, result)) = done {
            part.rows = rows;
            part.result = result.map(Arc::new);
        }
    });
}

/// The fault that strikes a statement; `None` lets it execute.
async fn fault(service: &Service, statement: &Statement, operation: Operation, sql: &str) -> Option<Ended> {
    let rule = service.faults.statement(operation, sql)?;
    match rule.kind {
        FaultKind::Fail => Some(Ended::Failed(format!("ERROR: {}", rule.text.unwrap_or_default()))),
        FaultKind::Abort => {
            statement.cancel().await;
            Some(Ended::Aborted)
        }
        FaultKind::Delay => {
            let delay = Duration::from_millis(rule.delay_ms.unwrap_or_default());
            tokio::select! {
                () = statement.cancelled() => Some(Ended::Aborted),
                () = tokio::time::sleep(delay) => None,
            }
        }
        _ => None,
    }
}
