//! The errors that a request is answered with: shapes of the service model, and those common to all
//! AWS services.
//!
//! Invariant: an error of the model carries `Message`, a common one `message`, as AWS sends them;
//! the SDKs read both.

use serde_json::{Map, Value as Json, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) http_status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// A further member that the shape requires, for example `ResourceId`.
    member: Option<(&'static str, String)>,
    modelled: bool,
}

impl ApiError {
    fn modelled(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { http_status, code, message: message.into(), member: None, modelled: true }
    }

    /// An error that the model does not list, common to AWS services.
    pub(crate) fn common(http_status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { modelled: false, ..Self::modelled(http_status, code, message) }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::modelled(400, "ValidationException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>, resource: &str) -> Self {
        Self {
            member: Some(("ResourceId", resource.to_owned())),
            ..Self::modelled(400, "ResourceNotFoundException", message)
        }
    }

    pub(crate) fn active_statements() -> Self {
        Self::modelled(400, "ActiveStatementsExceededException", "The number of active statements exceeds the limit.")
    }

    pub(crate) fn active_sessions() -> Self {
        Self::modelled(400, "ActiveSessionsExceededException", "The maximum number of active sessions exceeded.")
    }

    pub(crate) fn active_waits() -> Self {
        Self::modelled(
            400,
            "ActiveWaitingRequestsExceededException",
            "The number of active requests with WaitTimeSeconds for the same SQL statement exceeds the limit.",
        )
    }

    pub(crate) fn query_timeout() -> Self {
        Self::modelled(400, "QueryTimeoutException", "The Amazon Redshift Data API operation failed due to timeout.")
    }

    pub(crate) fn database_connection(message: impl Into<String>) -> Self {
        Self::modelled(500, "DatabaseConnectionException", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::modelled(500, "InternalServerException", message)
    }

    /// The error of that name, as the model shapes it; `None` if the model has none.
    pub(crate) fn named(code: &str, message: &str) -> Option<Self> {
        let statement = "00000000-0000-0000-0000-000000000000";
        let with_statement =
            |code| Self { member: Some(("StatementId", statement.to_owned())), ..Self::modelled(500, code, message) };
        Some(match code {
            "ActiveSessionsExceededException" => Self::modelled(400, "ActiveSessionsExceededException", message),
            "ActiveStatementsExceededException" => Self::modelled(400, "ActiveStatementsExceededException", message),
            "ActiveWaitingRequestsExceededException" => {
                Self::modelled(400, "ActiveWaitingRequestsExceededException", message)
            }
            "BatchExecuteStatementException" => with_statement("BatchExecuteStatementException"),
            "DatabaseConnectionException" => Self::database_connection(message),
            "ExecuteStatementException" => with_statement("ExecuteStatementException"),
            "InternalServerException" => Self::internal(message),
            "QueryTimeoutException" => Self::modelled(400, "QueryTimeoutException", message),
            "ResourceNotFoundException" => Self::not_found(message, statement),
            "ValidationException" => Self::validation(message),
            _ => return None,
        })
    }

    pub(crate) fn throttled() -> Self {
        Self::common(400, "ThrottlingException", "Rate exceeded")
    }

    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::common(400, "SerializationException", message)
    }

    pub(crate) fn unknown_operation(http_status: u16) -> Self {
        Self::common(http_status, "UnknownOperationException", "")
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Json {
        let mut body = Map::new();
        body.insert("__type".to_owned(), json!(self.code));
        let name = if self.modelled { "Message" } else { "message" };
        if !self.message.is_empty() {
            body.insert(name.to_owned(), json!(self.message));
        }
        if let Some((name, value)) = &self.member {
            body.insert((*name).to_owned(), json!(value));
        }
        Json::Object(body)
    }
}
