//! ExecuteStatement and BatchExecuteStatement: from a request to a statement under way.
//!
//! Invariant: a request that is refused leaves no trace; one that is answered with an id executes
//! exactly once, whether or not the answer arrives.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::engine::{Authentication, Login, Session};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::model::Input;
use crate::options::{Operation, Options};
use crate::parameters::placeholders;
use crate::run;
use crate::service::Service;
use crate::statement::{ExecutionMode, Format, Request, Statement, Target};
use crate::store::Submitted;

/// Where and as whom a request's SQL is executed.
pub(crate) struct Connection {
    pub(crate) login: Login,
    pub(crate) target: Target,
    pub(crate) secret_arn: Option<String>,
}

pub(crate) async fn execute(
    service: &Arc<Service>,
    operation: Operation,
    caller: &Caller,
    input: &Input,
) -> Result<Json, ApiError> {
    let sqls: Vec<String> = input.statements().into_iter().map(str::to_owned).collect();
    check_statements(&sqls, service.options.limits.statement_bytes)?;
    let parameters = input.parameters();
    check_parameters(&sqls, &parameters)?;
    let existing = input.text("SessionId");
    let connection = match existing {
        Some(session) => session_connection(service, caller, session, input)?,
        None => connection(&service.options, caller, input, input.text("Database"))?,
    };
    let keep_alive = input.integer("SessionKeepAliveSeconds");
    let id = Uuid::new_v4().to_string();
    let session_id = match (existing, keep_alive) {
        (Some(session), _) => Some(session.to_owned()),
        (None, Some(1..)) => Some(Uuid::new_v4().to_string()),
        (None, _) => None,
    };
    let mode = (operation == Operation::BatchExecuteStatement).then(|| match input.text("ExecutionMode") {
        Some("AUTO_COMMIT") => ExecutionMode::AutoCommit,
        _ => ExecutionMode::Transaction,
    });

    let mut engine: Option<Box<dyn Session>> = None;
    let submitted =
        service.store.submit(&caller.identity, input.text("ClientToken"), &input.fingerprint(operation), || {
            match (existing, &session_id) {
                (Some(session), _) => {
                    let sessions = &service.sessions;
                    engine = Some(sessions.acquire(session, &caller.identity, &id, keep_alive)?);
                }
                (None, Some(session)) => service.sessions.create(
                    session,
                    &id,
                    &caller.identity,
                    &connection,
                    keep_alive.unwrap_or_default(),
                )?,
                (None, None) => {}
            }
            let request = Request {
                operation,
                owner: caller.identity.clone(),
                sqls,
                parameters,
                mode,
                login: connection.login,
                target: connection.target,
                secret_arn: connection.secret_arn,
                name: input.owned("StatementName"),
                format: match input.text("ResultFormat") {
                    Some("CSV") => Format::Csv,
                    _ => Format::Json,
                },
                with_event: input.boolean("WithEvent").unwrap_or(false),
                session_id: session_id.clone(),
            };
            Ok(Statement::new(id.clone(), request))
        })?;
    let statement = match submitted {
        Submitted::Known(statement) => statement,
        Submitted::New(statement) => {
            if let (None, Some(session)) = (existing, &session_id) {
                service.schedule_end(session, service.options.limits.session_lifetime);
            }
            run::start(service, Arc::clone(&statement), engine);
            statement
        }
    };
    let wait = input.integer("WaitTimeSeconds");
    if let Some(seconds) = wait {
        statement.wait(Duration::from_secs(seconds)).await;
    }
    Ok(answer(&statement, wait.is_some()))
}

/// The answer: what the statement was submitted with, and how it is doing if the caller waited.
fn answer(statement: &Statement, waited: bool) -> Json {
    let request = &statement.request;
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| {
        members.insert(name.to_owned(), value);
    };
    put("Id", json!(statement.id));
    put("CreatedAt", json!(statement.created_at.seconds()));
    put("Database", json!(request.login.database));
    let (name, value) = request.target.member();
    put(name, json!(value));
    match &request.secret_arn {
        Some(secret) => put("SecretArn", json!(secret)),
        None => put("DbUser", json!(request.login.db_user)),
    }
    if let Some(session) = &request.session_id {
        put("SessionId", json!(session));
    }
    if waited {
        let progress = statement.progress();
        put("Status", json!(progress.status.name()));
        if let Some(pid) = progress.pid {
            put("RedshiftPid", json!(pid));
        }
        if progress.status.is_terminal() {
            let has_result = progress.parts.iter().any(|part| part.result.is_some());
            put("HasResultSet", json!(has_result));
        }
    }
    Json::Object(members)
}

fn check_statements(sqls: &[String], limit: usize) -> Result<(), ApiError> {
    for sql in sqls {
        if sql.len() > limit {
            return Err(ApiError::validation(format!(
                "Query string length {} exceeds the maximum of {limit} bytes.",
                sql.len()
            )));
        }
        if sql.trim().is_empty() {
            return Err(ApiError::validation("Query string must not be empty."));
        }
    }
    Ok(())
}

/// Each parameter must be used by a statement (service model, `Parameters`); the text of the error
/// is the service's.
fn check_parameters(sqls: &[String], parameters: &[(String, String)]) -> Result<(), ApiError> {
    if parameters.is_empty() {
        return Ok(());
    }
    let mut names = BTreeSet::new();
    for (name, _) in parameters {
        if !names.insert(name.as_str()) {
            return Err(ApiError::validation(format!(
                "Parameters list contains duplicate parameters. Duplicate parameters: [{name}]"
            )));
        }
    }
    let used: BTreeSet<String> = sqls.iter().flat_map(|sql| placeholders(sql)).map(|place| place.name).collect();
    let unused: Vec<_> =
        parameters.iter().map(|(name, _)| name.as_str()).filter(|name| !used.contains(*name)).collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Parameters list contains unused parameters. Unused parameters: [{}]",
        unused.join(", ")
    )))
}

/// The connection of an existing session. Naming another target than the session's cannot mean
/// anything, so a request with a session names none (management guide, "Session reuse": examples).
fn session_connection(
    service: &Service,
    caller: &Caller,
    session: &str,
    input: &Input,
) -> Result<Connection, ApiError> {
    for member in ["ClusterIdentifier", "WorkgroupName", "SecretArn", "DbUser"] {
        if input.has(member) {
            return Err(ApiError::validation(format!("{member} can't be specified together with SessionId.")));
        }
    }
    let connection = service.sessions.look(session, &caller.identity)?;
    match input.text("Database") {
        Some(database) if database != connection.login.database => {
            Err(ApiError::validation("Database doesn't match the database of the session."))
        }
        _ => Ok(connection),
    }
}

/// The connection that a request's members ask for (service model, the combinations that
/// ExecuteStatement documents).
pub(crate) fn connection(
    options: &Options,
    caller: &Caller,
    input: &Input,
    database: Option<&str>,
) -> Result<Connection, ApiError> {
    let target = match (input.text("ClusterIdentifier"), input.text("WorkgroupName")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::validation("ClusterIdentifier and WorkgroupName can't be specified together."));
        }
        (None, None) => {
            return Err(ApiError::validation("Either ClusterIdentifier or WorkgroupName must be specified."));
        }
        (Some(cluster), None) => Target::Cluster(cluster.to_owned()),
        (None, Some(workgroup)) => Target::Workgroup(workgroup.to_owned()),
    };
    let exists = match &target {
        Target::Cluster(name) => accepted(options.clusters.as_deref(), name),
        Target::Workgroup(name) => {
            let last = name.rsplit('/').next().unwrap_or(name);
            accepted(options.workgroups.as_deref(), last)
        }
    };
    if !exists {
        return Err(ApiError::validation("Redshift endpoint doesn't exist in this region."));
    }
    let database = database
        .filter(|name| !name.is_empty())
        .ok_or_else(|| ApiError::validation("Database must be specified when connecting to a data warehouse."))?;
    let secret_arn = input.owned("SecretArn");
    let (db_user, authentication) = match (&secret_arn, input.text("DbUser")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::validation("SecretArn and DbUser can't be specified together."));
        }
        (Some(arn), None) => (secret_user(options, arn, &target)?, Authentication::Secret),
        (None, Some(_)) if matches!(target, Target::Workgroup(_)) => {
            return Err(ApiError::validation("DbUser can't be specified when connecting to a serverless workgroup."));
        }
        (None, Some("")) => return Err(ApiError::validation("DbUser must not be empty.")),
        (None, Some(user)) => (user.to_owned(), Authentication::DbUser),
        (None, None) => (caller.identity.db_user(), Authentication::Iam),
    };
    Ok(Connection { login: Login { database: database.to_owned(), db_user, authentication }, target, secret_arn })
}

fn accepted(names: Option<&[String]>, name: &str) -> bool {
    names.is_none_or(|names| names.iter().any(|known| known == name))
}

fn secret_user(options: &Options, arn: &str, target: &Target) -> Result<String, ApiError> {
    let Some(secret) = options.secrets.get(arn) else {
        return options
            .secret_user
            .clone()
            .ok_or_else(|| ApiError::validation("Secrets Manager can't find the specified secret."));
    };
    match (&secret.cluster, target) {
        (Some(wanted), Target::Cluster(given)) if wanted != given => {
            Err(ApiError::validation("ClusterIdentifier doesn't match the cluster identifier stored in the secret."))
        }
        _ => Ok(secret.db_user.clone()),
    }
}
