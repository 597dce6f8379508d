//! The warehouse behind the Redshift Data API.
//!
//! Long polling instead of a polling loop: `DescribeStatement` waits up to 30 seconds by itself.
//! The SDK repeats throttled and broken calls; the client token makes that safe for
//! submissions. Only this module and [`crate::classify`] know the SDK's types.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::retry::RetryConfig;
use aws_sdk_redshiftdata::config::timeout::TimeoutConfig;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{
    ColumnMetadata, ExecutionMode, Field, SqlParameter, StatementStatusString, StatusString, SubStatementData,
};
use cdc_core::error::ErrorKind;
use tokio::time::Instant;

use crate::classify::{api_kind, api_next_step, redact};
use crate::error::WarehouseError;
use crate::pacing::{DESCRIBES_PER_SECOND, FETCHES_PER_SECOND, Pace, SUBMITS_PER_SECOND};
use crate::port::{
    Deadline, Parameter, Progress, Settled, StatementId, StatementOutcome, Status, Submission, Warehouse,
};
use crate::result_set::{Cell, ResultSet};

/// The longest that the service holds a request (`WaitTimeSeconds`).
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What an answer may take on top of what the service was asked to wait.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Attempts of the SDK for one call.
const ATTEMPTS: u32 = 5;
/// The longest pause between two attempts of the SDK.
const LONGEST_BACKOFF: Duration = Duration::from_secs(4);
/// Pauses of ours between questions about a statement whose answer was refused.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the warehouse is and who we are there.
///
/// Without a user or a secret the database user follows from the caller's IAM identity
/// (Redshift Management Guide, "Authorizing access to the Data API").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The database.
    pub database: String,
    /// The warehouse.
    pub endpoint: Endpoint,
    /// A secret in AWS Secrets Manager with the database user's name and password.
    pub secret_arn: Option<String>,
}

/// A serverless workgroup or a provisioned cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Name or ARN of a Redshift Serverless workgroup.
    Workgroup(String),
    /// A provisioned cluster.
    Cluster {
        /// Its identifier.
        identifier: String,
        /// The database user for temporary credentials; None: the one of the IAM identity.
        db_user: Option<String>,
    },
}

impl Connection {
    fn workgroup(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Workgroup(name) => Some(name.clone()),
            Endpoint::Cluster { .. } => None,
        }
    }

    fn cluster(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Workgroup(_) => None,
            Endpoint::Cluster { identifier, .. } => Some(identifier.clone()),
        }
    }

    fn db_user(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Workgroup(_) => None,
            Endpoint::Cluster { db_user, .. } => db_user.clone(),
        }
    }
}

/// [`Warehouse`] on the Redshift Data API.
#[derive(Debug)]
pub struct DataApi {
    client: Client,
    connection: Connection,
    function: &'static str,
    submits: Pace,
    describes: Pace,
    fetches: Pace,
}

impl DataApi {
    /// No I/O. `function` becomes part of the statements' names, for people.
    #[must_use]
    pub fn new(config: &SdkConfig, connection: Connection, function: &'static str) -> Self {
        let config = aws_sdk_redshiftdata::config::Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_BACKOFF))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(ANSWER_TIME)
                    .operation_attempt_timeout(LONGEST_WAIT + ANSWER_TIME)
                    .build(),
            )
            .build();
        Self {
            client: Client::from_conf(config),
            connection,
            function,
            submits: Pace::new(SUBMITS_PER_SECOND),
            describes: Pace::new(DESCRIBES_PER_SECOND),
            fetches: Pace::new(FETCHES_PER_SECOND),
        }
    }

    /// Another pace of submissions, for a function that runs alone and rarely.
    #[must_use]
    pub fn paced(mut self, submits_per_second: u32) -> Self {
        self.submits = Pace::new(submits_per_second.max(1));
        self
    }

    fn statement_name(&self, submission: &Submission) -> String {
        // StatementName takes up to 500 characters; a table's id is at most 257.
        format!("redshift-cdc/{}/{}", self.function, submission.name).chars().take(500).collect()
    }

    async fn submit_single(&self, submission: &Submission) -> Result<Option<String>, WarehouseError> {
        let sql = submission.statements.first().map(String::as_str).unwrap_or_default();
        self.client
            .execute_statement()
            .sql(sql)
            .database(&self.connection.database)
            .set_workgroup_name(self.connection.workgroup())
            .set_cluster_identifier(self.connection.cluster())
            .set_db_user(self.connection.db_user())
            .set_secret_arn(self.connection.secret_arn.clone())
            .statement_name(self.statement_name(submission))
            .set_client_token(submission.token.as_ref().map(|token| token.as_str().to_owned()))
            .send()
            .await
            .map(|output| output.id)
            .map_err(|error| sdk_error("ExecuteStatement", error))
    }

    async fn submit_batch(&self, submission: &Submission) -> Result<Option<String>, WarehouseError> {
        self.client
            .batch_execute_statement()
            .set_sqls(Some(submission.statements.clone()))
            .set_parameters(parameters(submission))
            .execution_mode(ExecutionMode::AutoCommit)
            .database(&self.connection.database)
            .set_workgroup_name(self.connection.workgroup())
            .set_cluster_identifier(self.connection.cluster())
            .set_db_user(self.connection.db_user())
            .set_secret_arn(self.connection.secret_arn.clone())
            .statement_name(self.statement_name(submission))
            .set_client_token(submission.token.as_ref().map(|token| token.as_str().to_owned()))
            .send()
            .await
            .map(|output| output.id)
            .map_err(|error| sdk_error("BatchExecuteStatement", error))
    }

    async fn describe(&self, id: &StatementId, wait: Option<i32>) -> Result<DescribeStatementOutput, WarehouseError> {
        self.client
            .describe_statement()
            .id(id.as_str())
            .set_wait_time_seconds(wait)
            .send()
            .await
            .map_err(|error| sdk_error("DescribeStatement", error))
    }
}

/// None without any: the service takes no empty list ("SqlParametersList", at least one item).
fn parameters(submission: &Submission) -> Option<Vec<SqlParameter>> {
    let parameter = |parameter: &Parameter| {
        let built = SqlParameter::builder().name(&parameter.name).value(&parameter.value).build();
        built.expect("it has a name and a value")
    };
    let all: Vec<SqlParameter> = submission.parameters.iter().map(parameter).collect();
    (!all.is_empty()).then_some(all)
}

#[async_trait]
impl Warehouse for DataApi {
    async fn submit(&self, submission: &Submission, deadline: Deadline) -> Result<StatementId, WarehouseError> {
        let call = async {
            self.submits.turn().await;
            if submission.batch { self.submit_batch(submission).await } else { self.submit_single(submission).await }
        };
        let id = within(deadline, "the submission", call).await?;
        tracing::debug!(statement = id.as_deref(), name = submission.name, "submitted");
        id.map(StatementId).ok_or_else(|| WarehouseError::Answer {
            operation: "the submission",
            reason: "it has no statement id".to_owned(),
        })
    }

    async fn wait(&self, id: &StatementId, deadline: Deadline) -> Result<Progress, WarehouseError> {
        let mut pause = FIRST_PAUSE;
        let mut long_poll = true;
        loop {
            self.describes.turn().await;
            let wait = long_poll.then(|| wait_seconds(deadline)).flatten();
            let answer = within(deadline, "DescribeStatement", self.describe(id, wait)).await;
            match answer {
                Ok(output) => {
                    if let Some(settled) = settled(id, &output)? {
                        return Ok(Progress::Settled(settled));
                    }
                    if wait.is_some() {
                        // The service has waited for us.
                        pause = FIRST_PAUSE;
                        continue;
                    }
                    long_poll = true;
                }
                // The statement runs on whatever becomes of a question about it. Others may
                // hold all the places for waiting: the next question does not wait.
                Err(error) if error.kind() == ErrorKind::Throttled => long_poll = false,
                Err(error) if error.kind() == ErrorKind::Transient => {
                    tracing::debug!(statement = id.as_str(), %error, "asking again");
                }
                Err(error) => return Err(error),
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(Progress::Running);
            }
            tokio::time::sleep_until((now + pause).min(deadline)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn fetch(&self, id: &StatementId, deadline: Deadline) -> Result<ResultSet, WarehouseError> {
        let mut result = ResultSet::default();
        let mut next_token: Option<String> = None;
        loop {
            let call = async {
                self.fetches.turn().await;
                self.client
                    .get_statement_result()
                    .id(id.as_str())
                    .set_next_token(next_token.take())
                    .send()
                    .await
                    .map_err(|error| sdk_error("GetStatementResult", error))
            };
            let page = within(deadline, "GetStatementResult", call).await?;
            if result.columns.is_empty() {
                result.columns = page.column_metadata().iter().map(column_name).collect();
            }
            for record in page.records() {
                result.rows.push(record.iter().map(cell).collect::<Result<_, _>>()?);
            }
            match page.next_token() {
                Some(token) if !token.is_empty() => next_token = Some(token.to_owned()),
                Some(_) | None => return Ok(result),
            }
        }
    }

    async fn cancel(&self, id: &StatementId) -> Result<bool, WarehouseError> {
        self.client
            .cancel_statement()
            .id(id.as_str())
            .send()
            .await
            .map(|output| output.status().unwrap_or(false))
            .map_err(|error| sdk_error("CancelStatement", error))
    }
}

/// How long the service may hold a question, in whole seconds; None if the deadline is so near
/// that the question has to be answered at once.
fn wait_seconds(deadline: Deadline) -> Option<i32> {
    let spare = Duration::from_secs(1);
    let remaining = deadline.saturating_duration_since(Instant::now()).saturating_sub(spare);
    let seconds = remaining.min(LONGEST_WAIT).as_secs();
    i32::try_from(seconds).ok().filter(|&seconds| seconds >= 1)
}

/// The call's answer, or a transient error at the deadline.
async fn within<T>(
    deadline: Deadline,
    operation: &'static str,
    call: impl Future<Output = Result<T, WarehouseError>>,
) -> Result<T, WarehouseError> {
    tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_elapsed| {
        Err(WarehouseError::Unreachable { operation, kind: ErrorKind::Transient, source: None })
    })
}

fn sdk_error<E>(operation: &'static str, error: SdkError<E>) -> WarehouseError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(context) = &error {
        let code = context.err().code().unwrap_or("no code").to_owned();
        let message = context.err().message().unwrap_or("no message");
        let status = context.raw().status().as_u16();
        let kind = match api_kind(&code, message) {
            // An error page of something in between, or a code of tomorrow: the class of the
            // HTTP status still says whose fault it is.
            ErrorKind::Invariant if status >= 500 => ErrorKind::Transient,
            ErrorKind::Invariant if status == 429 => ErrorKind::Throttled,
            kind => kind,
        };
        return WarehouseError::Refused {
            operation,
            next_step: api_next_step(&code, kind),
            message: redact(message),
            code,
            kind,
            source: Some(Box::new(error)),
        };
    }
    let kind = match &error {
        // The request could not even be made: a wrong endpoint, or no region.
        SdkError::ConstructionFailure(_) => ErrorKind::Misconfigured,
        // No connection, a broken one, no credentials, a timeout, or half an answer.
        _ => ErrorKind::Transient,
    };
    WarehouseError::Unreachable { operation, kind, source: Some(Box::new(error)) }
}

/// None as long as the statement is waiting or running.
fn settled(id: &StatementId, output: &DescribeStatementOutput) -> Result<Option<Settled>, WarehouseError> {
    let status = match output.status() {
        Some(StatusString::Finished) => Status::Finished,
        Some(StatusString::Failed) => Status::Failed,
        Some(StatusString::Aborted) => Status::Aborted,
        Some(StatusString::Submitted | StatusString::Picked | StatusString::Started) => {
            return Ok(None);
        }
        other => {
            return Err(WarehouseError::Answer {
                operation: "DescribeStatement",
                reason: format!("statement {id} has the unknown status {other:?}"),
            });
        }
    };
    let error = output.error().map(str::to_owned);
    // A single statement has no sub-statements. Neither has a batch that failed before it began;
    // its first statement then carries the reason, and the others count as not run.
    let statements = if output.sub_statements().is_empty() {
        vec![StatementOutcome {
            id: id.clone(),
            status,
            error: error.clone(),
            rows: u64::try_from(output.result_rows()).ok(),
            has_result: output.has_result_set().unwrap_or(false),
            duration: nanoseconds(output.duration()),
        }]
    } else {
        output.sub_statements().iter().map(|sub| sub_outcome(sub, error.as_deref())).collect()
    };
    Ok(Some(Settled { statements, error }))
}

fn sub_outcome(sub: &SubStatementData, batch_error: Option<&str>) -> StatementOutcome {
    let status = match &sub.status {
        Some(StatementStatusString::Finished) => Status::Finished,
        Some(StatementStatusString::Failed) => Status::Failed,
        Some(StatementStatusString::Aborted) => Status::Aborted,
        // The batch has settled and this one has not: it will not run any more.
        _ => Status::NotRun,
    };
    let error = match status {
        Status::Finished => None,
        Status::NotRun => sub.error.clone().or_else(|| batch_error.map(str::to_owned)),
        Status::Failed | Status::Aborted => sub.error.clone(),
    };
    StatementOutcome {
        id: StatementId(sub.id.clone()),
        status,
        error,
        rows: u64::try_from(sub.result_rows).ok(),
        has_result: sub.has_result_set.unwrap_or(false),
        duration: nanoseconds(sub.duration),
    }
}

fn nanoseconds(duration: i64) -> Duration {
    Duration::from_nanos(u64::try_from(duration).unwrap_or(0))
}

fn column_name(column: &ColumnMetadata) -> String {
    let label = column.label().unwrap_or_default();
    let name = if label.is_empty() { column.name().unwrap_or_default() } else { label };
    name.to_owned()
}

fn cell(field: &Field) -> Result<Option<Cell>, WarehouseError> {
    Ok(match field {
        Field::IsNull(_) => None,
        Field::LongValue(value) => Some(Cell::Integer(*value)),
        Field::DoubleValue(value) => Some(Cell::Double(*value)),
        Field::BooleanValue(value) => Some(Cell::Boolean(*value)),
        Field::StringValue(value) => Some(Cell::Text(value.clone())),
        Field::BlobValue(value) => Some(Cell::Bytes(value.as_ref().to_vec())),
        _ => {
            return Err(WarehouseError::Answer {
                operation: "GetStatementResult",
                reason: "a value has a type that this version does not know".to_owned(),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(status: StatusString) -> DescribeStatementOutput {
        DescribeStatementOutput::builder().id("00000000-0000-0000-0000-000000000001").status(status).build().unwrap()
    }

    fn id() -> StatementId {
        StatementId("00000000-0000-0000-0000-000000000001".to_owned())
    }

    #[test]
    fn a_running_statement_is_not_settled() {
        for status in [StatusString::Submitted, StatusString::Picked, StatusString::Started] {
            assert_eq!(settled(&id(), &describe(status)).unwrap(), None);
        }
        assert!(settled(&id(), &describe(StatusString::from("PAUSED"))).is_err());
    }

    #[test]
    fn each_statement_of_a_batch_is_judged_by_itself() {
        let sub = |number: u8, status: StatementStatusString, error: Option<&str>| {
            SubStatementData::builder()
                .id(format!("00000000-0000-0000-0000-000000000001:{number}"))
                .status(status)
                .set_error(error.map(str::to_owned))
                .result_rows(-1)
                .build()
                .unwrap()
        };
        let output = DescribeStatementOutput::builder()
            .id("00000000-0000-0000-0000-000000000001")
            .status(StatusString::Failed)
            .error("Query #1 failed with ERROR: deadlock detected")
            .execution_mode(ExecutionMode::AutoCommit)
            .sub_statements(sub(1, StatementStatusString::Failed, Some("ERROR: deadlock detected")))
            .sub_statements(sub(2, StatementStatusString::Finished, None))
            .sub_statements(sub(3, StatementStatusString::Submitted, None))
            .build()
            .unwrap();
        let settled = settled(&id(), &output).unwrap().unwrap();
        assert_eq!(settled.outcome(0).failure().unwrap().kind, ErrorKind::Conflict);
        assert_eq!(settled.outcome(1).failure(), None);
        assert_eq!(settled.outcome(1).rows, None);
        assert_eq!(settled.outcome(2).status, Status::NotRun);
        assert_eq!(settled.outcome(3).status, Status::NotRun);
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_waits_within_the_deadline_and_its_own_limit() {
        let now = Instant::now();
        assert_eq!(wait_seconds(now + Duration::from_secs(600)), Some(30));
        assert_eq!(wait_seconds(now + Duration::from_secs(11)), Some(10));
        assert_eq!(wait_seconds(now + Duration::from_millis(1900)), None);
        assert_eq!(wait_seconds(now), None);
    }
}
