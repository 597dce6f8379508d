//! What the server is told: who the callers are, what it accepts, how much, and how it reads what
//! AWS leaves open.
//!
//! Invariant: [`Options::default`] is the documented service without throttling, for one caller.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::mpsc::UnboundedSender;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The AWS account id, twelve digits; it occurs in events.
    pub account: String,
    /// The region, for example `us-east-1`; the scope of a request's signature must name it if
    /// [`Options::check_region`] is set.
    pub region: String,
    /// Refuse requests that were signed for another region or service.
    pub check_region: bool,
    /// Cluster identifiers that exist; `None` accepts any.
    pub clusters: Option<Vec<String>>,
    /// Workgroup names that exist; `None` accepts any. An ARN is accepted if its last part is one
    /// of them.
    pub workgroups: Option<Vec<String>>,
    /// Whose access keys these are.
    pub identities: Identities,
    /// The secrets that requests may name, by name or ARN.
    pub secrets: BTreeMap<String, Secret>,
    /// The database user of every other secret; `None` refuses secrets that are not in the map.
    pub secret_user: Option<String>,
    /// How much of everything.
    pub limits: Limits,
    /// How to read what AWS does not document.
    pub unconfirmed: Unconfirmed,
    /// Receives the EventBridge event of every statement that was sent with `WithEvent` and came to
    /// its end (management guide, "Monitoring events for the Amazon Redshift Data API"). `None`
    /// drops them.
    pub events: Option<UnboundedSender<Json>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            check_region: false,
            clusters: None,
            workgroups: None,
            identities: Identities::default(),
            secrets: BTreeMap::new(),
            secret_user: None,
            limits: Limits::default(),
            unconfirmed: Unconfirmed::default(),
            events: None,
        }
    }
}

/// Maps the access key id of a request's signature to an IAM identity.
///
/// Signatures are **not** verified: whoever can reach the port can be anybody. A request without a
/// well-formed signature is refused all the same, as a client that forgets to sign must fail.
#[derive(Debug, Clone)]
pub struct Identities {
    /// Known access key ids.
    pub keys: BTreeMap<String, Identity>,
    /// Who an unknown access key is; `None` refuses it (`UnrecognizedClientException`).
    pub default: Option<Identity>,
}

impl Default for Identities {
    /// Every access key belongs to the role `local`.
    fn default() -> Self {
        Self { keys: BTreeMap::new(), default: Some(Identity::role("local")) }
    }
}

/// An IAM identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// An assumed role, and the session's name. Statements belong to the role.
    Role {
        /// The role's name, without path.
        name: String,
        /// The role session's name.
        session: String,
    },
    /// An IAM user.
    User {
        /// The user's name, without path.
        name: String,
    },
}

impl Identity {
    /// A role in a session called `session`.
    #[must_use]
    pub fn role(name: impl Into<String>) -> Self {
        Self::Role { name: name.into(), session: "session".to_owned() }
    }

    /// A user.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self::User { name: name.into() }
    }

    /// The database user that is derived from the identity: `IAMR:<role>` or `IAM:<user>`.
    #[must_use]
    pub fn db_user(&self) -> String {
        match self {
            Self::Role { name, .. } => format!("IAMR:{name}"),
            Self::User { name } => format!("IAM:{name}"),
        }
    }

    /// The ARN of the principal, as it occurs in events.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        match self {
            Self::Role { name, session } => {
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
            }
            Self::User { name } => format!("arn:aws:iam::{account}:user/{name}"),
        }
    }

    /// Whether both are the same role or the same user, whatever the role session.
    #[must_use]
    pub fn same_principal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Role { name: left, .. }, Self::Role { name: right, .. })
            | (Self::User { name: left }, Self::User { name: right }) => left == right,
            _ => false,
        }
    }
}

/// What a Secrets Manager secret would hold, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The database user.
    pub db_user: String,
    /// The cluster that the secret is for; a request that names another one is refused.
    pub cluster: Option<String>,
}

/// How much of everything (management guide, "Considerations when calling the Amazon Redshift Data
/// API"). Where it says KB, the smaller reading counts for what is refused.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request body; more is answered with HTTP 413.
    pub body_bytes: usize,
    /// Bytes of one statement's text: 200 KB.
    pub statement_bytes: usize,
    /// Statements that are SUBMITTED, PICKED or STARTED at once: 500.
    pub active_statements: usize,
    /// Open sessions: 500.
    pub sessions: usize,
    /// Bytes of one result row: 64 KB.
    pub row_bytes: usize,
    /// Bytes of one result: 500 MB (measured before compression, which is stricter).
    pub result_bytes: usize,
    /// Bytes of one page of a result.
    pub page_bytes: usize,
    /// How long a statement and its result are kept: 24 hours.
    pub retention: Duration,
    /// How long a client token is remembered: 8 hours.
    pub token_lifetime: Duration,
    /// How long a session may live, however often it is used: 24 hours.
    pub session_lifetime: Duration,
    /// How long a statement may run: 24 hours.
    pub statement_duration: Duration,
    /// Requests that may wait for one statement at once; the service's number is not documented.
    /// `None` means no limit.
    pub waiting_requests: Option<usize>,
    /// Requests per second and operation; `None` throttles nothing.
    pub throttle: Option<Throttle>,
    /// Idle engine sessions that are kept per login, if the engine can reset them.
    pub idle_sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            body_bytes: 32 << 20,
            statement_bytes: 200_000,
            active_statements: 500,
            sessions: 500,
            row_bytes: 64_000,
            result_bytes: 500_000_000,
            page_bytes: 1_000_000,
            retention: 24 * HOUR,
            token_lifetime: 8 * HOUR,
            session_lifetime: 24 * HOUR,
            statement_duration: 24 * HOUR,
            waiting_requests: None,
            throttle: None,
            idle_sessions: 4,
        }
    }
}

/// Requests per second, per operation: each is a token bucket that holds one second's worth.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    /// Operations that are not in the map are not throttled.
    pub per_second: BTreeMap<Operation, f64>,
}

impl Throttle {
    /// The quotas of an account in a region (management guide, "Quotas and limits in Amazon
    /// Redshift"). The documentation gives none for ListSessions; it gets that of ListStatements.
    #[must_use]
    pub fn documented() -> Self {
        use Operation as Op;
        let per_second = [
            (Op::ExecuteStatement, 30.0),
            (Op::BatchExecuteStatement, 20.0),
            (Op::DescribeStatement, 100.0),
            (Op::GetStatementResult, 20.0),
            (Op::GetStatementResultV2, 20.0),
            (Op::CancelStatement, 3.0),
            (Op::ListStatements, 3.0),
            (Op::ListSessions, 3.0),
            (Op::ListDatabases, 3.0),
            (Op::ListSchemas, 3.0),
            (Op::ListTables, 3.0),
            (Op::DescribeTable, 3.0),
        ];
        Self { per_second: per_second.into() }
    }
}

/// How to read what AWS does not document. The defaults are strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unconfirmed {
    /// A client token comes again with another request.
    pub token_reuse: TokenReuse,
    /// A client token comes again with the same request after its statement has FAILED or was
    /// ABORTED.
    pub token_after_failure: AfterFailure,
    /// The status of an AUTO_COMMIT batch of which some statements failed.
    pub partial_failure: PartialFailure,
}

/// The status of an AUTO_COMMIT batch of which some statements failed. Judge each statement by
/// itself, then this does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartialFailure {
    /// FAILED, with the first failed statement's error.
    #[default]
    Failed,
    /// FINISHED: the batch was carried out to its end.
    Finished,
}

/// A client token comes again with another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenReuse {
    /// `ValidationException`.
    #[default]
    Refuse,
    /// The first statement's id; the second request is not executed.
    FirstStatement,
}

/// A client token comes again after its statement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterFailure {
    /// The failed statement's id.
    #[default]
    FirstStatement,
    /// A new statement under a new id.
    NewStatement,
}

/// An operation of the service model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Runs one statement.
    ExecuteStatement,
    /// Runs several statements in one session.
    BatchExecuteStatement,
    /// Says how a statement is doing.
    DescribeStatement,
    /// Fetches a result as typed JSON.
    GetStatementResult,
    /// Fetches a result as CSV.
    GetStatementResultV2,
    /// Cancels a running statement.
    CancelStatement,
    /// Lists the caller's statements.
    ListStatements,
    /// Lists the caller's sessions.
    ListSessions,
    /// Lists databases.
    ListDatabases,
    /// Lists schemas.
    ListSchemas,
    /// Lists tables.
    ListTables,
    /// Describes a table's columns.
    DescribeTable,
}

impl Operation {
    /// All of them, in the order of the documentation of this crate.
    pub const ALL: [Self; 12] = [
        Self::ExecuteStatement,
        Self::BatchExecuteStatement,
        Self::DescribeStatement,
        Self::GetStatementResult,
        Self::GetStatementResultV2,
        Self::CancelStatement,
        Self::ListStatements,
        Self::ListSessions,
        Self::ListDatabases,
        Self::ListSchemas,
        Self::ListTables,
        Self::DescribeTable,
    ];

    /// The name in `X-Amz-Target`, after `RedshiftData.`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExecuteStatement => "ExecuteStatement",
            Self::BatchExecuteStatement => "BatchExecuteStatement",
            Self::DescribeStatement => "DescribeStatement",
            Self::GetStatementResult => "GetStatementResult",
            Self::GetStatementResultV2 => "GetStatementResultV2",
            Self::CancelStatement => "CancelStatement",
            Self::ListStatements => "ListStatements",
            Self::ListSessions => "ListSessions",
            Self::ListDatabases => "ListDatabases",
            Self::ListSchemas => "ListSchemas",
            Self::ListTables => "ListTables",
            Self::DescribeTable => "DescribeTable",
        }
    }

    /// The operation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}
