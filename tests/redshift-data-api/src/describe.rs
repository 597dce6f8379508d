//! The operations on statements and sessions that exist: describe, fetch, cancel, list.
//!
//! Invariant: only the IAM role or user that ran a statement sees anything of it; to others it does
//! not exist.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::error::ApiError;
use crate::identity::Caller;
use crate::model::Input;
use crate::options::Identity;
use crate::results::{ResultSet, list_page, page_offset, page_token};
use crate::service::Service;
use crate::sessions::{SessionEntry, State};
use crate::statement::{Format, Part, Progress, Statement, Status};

/// The most that a page of ListStatements and ListSessions holds.
const PAGE: usize = 100;

/// A statement, and the index of its sub-statement if the id names one.
struct Found {
    statement: Arc<Statement>,
    part: Option<usize>,
}

fn find(service: &Service, caller: &Caller, input: &Input) -> Result<Found, ApiError> {
    let id = input.text("Id").unwrap_or_default();
    let (base, suffix) = match id.split_once(':') {
        Some((base, suffix)) => (base, Some(suffix)),
        None => (id, None),
    };
    let statement = service.store.get(&caller.identity, base)?;
    let part = match suffix {
        None => None,
        // Sub-statements are counted from 1, and only batches have them.
        Some(suffix) => Some(
            suffix
                .parse::<usize>()
                .ok()
                .and_then(|number| number.checked_sub(1))
                .filter(|index| statement.request.mode.is_some() && *index < statement.request.sqls.len())
                .ok_or_else(|| ApiError::not_found("Query does not exist.", id))?,
        ),
    };
    Ok(Found { statement, part })
}

/// Waits as long as the request says.
async fn wait(service: &Service, statement: &Statement, input: &Input) -> Result<(), ApiError> {
    let Some(seconds) = input.integer("WaitTimeSeconds") else {
        return Ok(());
    };
    if statement.status().is_terminal() {
        return Ok(());
    }
    let Some(_waiting) = statement.enter_wait(service.options.limits.waiting_requests) else {
        return Err(ApiError::active_waits());
    };
    statement.wait(Duration::from_secs(seconds)).await;
    Ok(())
}

/// DescribeStatement.
pub(crate) async fn statement(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let found = find(service, caller, input)?;
    wait(service, &found.statement, input).await?;
    let statement = &found.statement;
    let request = &statement.request;
    let progress = statement.progress();

    let mut members = match found.part {
        Some(index) => describe_part(statement, &progress.parts[index], index),
        None => describe_whole(statement, &progress),
    };
    let mut put = |name: &str, value: Json| {
        members.insert(name.to_owned(), value);
    };
    put("Database", json!(request.login.database));
    let (name, value) = request.target.member();
    put(name, json!(value));
    match &request.secret_arn {
        Some(secret) => put("SecretArn", json!(secret)),
        None => put("DbUser", json!(request.login.db_user)),
    }
    put("RedshiftPid", json!(progress.pid.unwrap_or(0)));
    put("ResultFormat", json!(request.format.name()));
    if !request.parameters.is_empty() {
        put("QueryParameters", parameters(statement));
    }
    if let Some(session) = &request.session_id {
        put("SessionId", json!(session));
    }
    if let Some(mode) = request.mode {
        put("ExecutionMode", json!(mode.name()));
    }
    Ok(Json::Object(members))
}

fn describe_whole(statement: &Statement, progress: &Progress) -> Map<String, Json> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| {
        members.insert(name.to_owned(), value);
    };
    put("Id", json!(statement.id));
    put("Status", json!(progress.status.name()));
    put("CreatedAt", json!(statement.created_at.seconds()));
    put("UpdatedAt", json!(progress.updated_at.seconds()));
    put("Duration", nanoseconds(progress.duration));
    if let Some(error) = &progress.error {
        put("Error", json!(error));
    }
    let has_result = progress.parts.iter().any(|part| part.result.is_some());
    put("HasResultSet", json!(has_result));
    match (statement.request.mode, &progress.parts[..]) {
        (None, [part]) => {
            put("QueryString", json!(statement.request.sqls[0]));
            put("ResultRows", json!(part.rows));
            put("ResultSize", result_size(part));
            put("RedshiftQueryId", query_id(part));
        }
        // A batch's rows and query ids are those of its sub-statements.
        (_, parts) => {
            put("ResultRows", json!(-1));
            put("ResultSize", json!(-1));
            put("RedshiftQueryId", json!(0));
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(index, part)| describe_part(statement, part, index));
            put("SubStatements", parts.map(Json::Object).collect());
        }
    }
    members
}

/// The members of `SubStatementData`, which are the same in DescribeStatementResponse.
fn describe_part(statement: &Statement, part: &Part, index: usize) -> Map<String, Json> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| {
        members.insert(name.to_owned(), value);
    };
    put("Id", json!(format!("{}:{}", statement.id, index + 1)));
    put("Status", json!(part.status.name()));
    put("CreatedAt", json!(statement.created_at.seconds()));
    put("UpdatedAt", json!(part.updated_at.seconds()));
    put("Duration", nanoseconds(part.duration));
    if let Some(error) = &part.error {
        put("Error", json!(error));
    }
    put("QueryString", json!(statement.request.sqls[index]));
    put("HasResultSet", json!(part.result.is_some()));
    put("ResultRows", json!(part.rows));
    put("ResultSize", result_size(part));
    put("RedshiftQueryId", query_id(part));
    members
}

fn nanoseconds(duration: Option<Duration>) -> Json {
    match duration {
        Some(duration) => json!(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
        None => json!(-1),
    }
}

fn result_size(part: &Part) -> Json {
    match (&part.result, part.status) {
        (Some(result), _) => json!(result.size),
        (None, Status::Finished) => json!(0),
        (None, _) => json!(-1),
    }
}

fn query_id(part: &Part) -> Json {
    match part.query_id {
        Some(id) => json!(id),
        None if part.status.is_terminal() => json!(-1),
        None => json!(0),
    }
}

fn parameters(statement: &Statement) -> Json {
    let parameters = statement.request.parameters.iter();
    parameters.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// Finds the result that a request asks for, after waiting for it.
async fn fetch(service: &Service, caller: &Caller, input: &Input, format: Format) -> Result<Arc<ResultSet>, ApiError> {
    let found = find(service, caller, input)?;
    let statement = &found.statement;
    if statement.request.format != format {
        let operation = match statement.request.format {
            Format::Json => "GetStatementResult",
            Format::Csv => "GetStatementResultV2",
        };
        return Err(ApiError::validation(format!(
            "The statement's result format is {}. Use {operation} to fetch its result.",
            statement.request.format.name()
        )));
    }
    wait(service, statement, input).await?;
    let progress = statement.progress();
    let part = match (found.part, statement.request.mode) {
        (Some(index), _) => progress.parts.get(index),
        (None, None) => progress.parts.first(),
        // The results of a batch are its sub-statements'.
        (None, Some(_)) => None,
    };
    part.filter(|_| progress.status.is_terminal()).and_then(|part| part.result.clone()).ok_or_else(|| {
        ApiError::not_found(
            "Query does not have result. Please check query status with DescribeStatement.",
            input.text("Id").unwrap_or_default(),
        )
    })
}

/// GetStatementResult.
pub(crate) async fn result(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let result = fetch(service, caller, input, Format::Json).await?;
    let id = input.text("Id").unwrap_or_default();
    let start = page_offset(id, input.text("NextToken"))?;
    let (records, next) = result.json_page(start, &service.options.limits);
    let mut answer = json!({
        "Records": records,
        "ColumnMetadata": result.metadata(),
        "TotalNumRows": result.rows.len(),
    });
    if let Some(next) = next {
        answer["NextToken"] = json!(page_token(id, next));
    }
    Ok(answer)
}

/// GetStatementResultV2.
pub(crate) async fn result_csv(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let result = fetch(service, caller, input, Format::Csv).await?;
    let id = input.text("Id").unwrap_or_default();
    let start = page_offset(id, input.text("NextToken"))?;
    let (chunks, next) = result.csv_page(start, &service.options.limits);
    let chunks = chunks.into_iter().map(|chunk| json!({"CSVRecords": chunk}));
    let mut answer = json!({
        "Records": chunks.collect::<Json>(),
        "ColumnMetadata": result.metadata(),
        "TotalNumRows": result.rows.len(),
        "ResultFormat": Format::Csv.name(),
    });
    if let Some(next) = next {
        answer["NextToken"] = json!(page_token(id, next));
    }
    Ok(answer)
}

/// CancelStatement: the statement must not have come to its end; the text is the service's.
pub(crate) async fn cancel(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let found = find(service, caller, input)?;
    if found.part.is_some() {
        return Err(ApiError::validation("A sub-statement can't be cancelled by itself. Cancel the batch."));
    }
    let statement = found.statement;
    let status = statement.status();
    if status.is_terminal() {
        return Err(ApiError::validation(format!(
            "Could not cancel a query that is already in {} state with ID: {}",
            status.name(),
            statement.id
        )));
    }
    statement.cancel().await;
    Ok(json!({"Status": true}))
}

/// Whether a filter on cluster, workgroup and database lets something pass.
fn passes(input: &Input, target: &crate::statement::Target, login: &crate::engine::Login) -> bool {
    let (member, name) = target.member();
    ["ClusterIdentifier", "WorkgroupName"]
        .into_iter()
        .all(|filter| input.text(filter).is_none_or(|wanted| filter == member && wanted == name))
        && input.text("Database").is_none_or(|wanted| wanted == login.database)
}

fn one_target(input: &Input) -> Result<(), ApiError> {
    if input.has("ClusterIdentifier") && input.has("WorkgroupName") {
        return Err(ApiError::validation("ClusterIdentifier and WorkgroupName can't be specified together."));
    }
    Ok(())
}

/// Whether something of `owner` is listed: of the same role, or with `RoleLevel` false of the same
/// role session.
fn visible(owner: &Identity, caller: &Caller, input: &Input) -> bool {
    if input.boolean("RoleLevel").unwrap_or(true) {
        owner.same_principal(&caller.identity)
    } else {
        *owner == caller.identity
    }
}

/// ListStatements: without `Status` only finished ones, newest first.
pub(crate) fn list_statements(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    one_target(input)?;
    let status = input.text("Status").unwrap_or("FINISHED");
    let prefix = input.text("StatementName").unwrap_or_default();
    let mut listed = Vec::new();
    for statement in service.store.all() {
        let request = &statement.request;
        let progress = statement.progress();
        let name = request.name.as_deref().unwrap_or_default();
        if visible(&request.owner, caller, input)
            && (status == "ALL" || status == progress.status.name())
            && name.starts_with(prefix)
            && passes(input, &request.target, &request.login)
        {
            listed.push(statement_data(&statement, &progress));
        }
    }
    let token = input.text("NextToken");
    let (page, next) =
        list_page(&format!("statements {status} {prefix}"), listed, token, input.integer("MaxResults"), PAGE)?;
    Ok(listing("Statements", page, next))
}

fn listing(name: &str, page: Vec<Json>, next: Option<String>) -> Json {
    let mut answer = Map::new();
    answer.insert(name.to_owned(), Json::Array(page));
    if let Some(next) = next {
        answer.insert("NextToken".to_owned(), json!(next));
    }
    Json::Object(answer)
}

fn statement_data(statement: &Statement, progress: &Progress) -> Json {
    let request = &statement.request;
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| {
        members.insert(name.to_owned(), value);
    };
    put("Id", json!(statement.id));
    put("Status", json!(progress.status.name()));
    put("CreatedAt", json!(statement.created_at.seconds()));
    put("UpdatedAt", json!(progress.updated_at.seconds()));
    put("IsBatchStatement", json!(request.mode.is_some()));
    put("ResultFormat", json!(request.format.name()));
    match request.mode {
        None => put("QueryString", json!(request.sqls[0])),
        Some(_) => put("QueryStrings", json!(request.sqls)),
    }
    if let Some(name) = &request.name {
        put("StatementName", json!(name));
    }
    if let Some(secret) = &request.secret_arn {
        put("SecretArn", json!(secret));
    }
    if !request.parameters.is_empty() {
        put("QueryParameters", parameters(statement));
    }
    if let Some(session) = &request.session_id {
        put("SessionId", json!(session));
    }
    Json::Object(members)
}

/// ListSessions: without `Status` the open ones, newest first.
pub(crate) fn list_sessions(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    one_target(input)?;
    let id = input.text("SessionId");
    if id.is_some() {
        for member in ["Status", "ClusterIdentifier", "WorkgroupName", "Database"] {
            if input.has(member) {
                return Err(ApiError::validation(format!("{member} can't be specified together with SessionId.")));
            }
        }
    }
    let status = input.text("Status");
    let listed = service.sessions.read(|session| {
        let wanted = match (id, status) {
            (Some(id), _) => session.id == id,
            (None, Some(status)) => session.state.name() == status,
            (None, None) => !matches!(session.state, State::Closed),
        };
        (wanted && visible(&session.owner, caller, input) && passes(input, &session.target, &session.login))
            .then(|| session_data(session))
    });
    if let Some(id) = id
        && listed.is_empty()
    {
        return Err(ApiError::not_found("Session does not exist.", id));
    }
    let of = format!("sessions {}", status.unwrap_or_default());
    let (page, next) = list_page(&of, listed, input.text("NextToken"), input.integer("MaxResults"), PAGE)?;
    Ok(listing("Sessions", page, next))
}

fn session_data(session: &SessionEntry) -> Json {
    let (name, value) = session.target.member();
    let mut data = json!({
        "SessionId": session.id,
        "Status": session.state.name(),
        "CreatedAt": session.created_at.seconds(),
        "UpdatedAt": session.updated_at.seconds(),
        "Database": session.login.database,
        "DbUser": session.login.db_user,
        "SessionAliveSeconds": session.keep_alive,
        "SessionTtl": session.ttl.seconds(),
        name: value,
    });
    if let State::Busy(statement) = &session.state {
        data["CurrentStatementId"] = json!(statement);
    }
    data
}
