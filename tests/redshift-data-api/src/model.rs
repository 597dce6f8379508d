//! The inputs of the operations as the service model states them, and the check of a request against
//! it: types first (`SerializationException`), then constraints (`ValidationException`), all of them
//! reported at once.
//!
//! Unknown members are ignored, as AWS services ignore them; a null member is an absent one.
//!
//! Invariant: an [`Input`] satisfies the model, so that its readers need not check types again.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::error::ApiError;
use crate::options::Operation;

/// The pattern of ids. The model's suffix has up to two digits; the service's own message has `\d+`.
const ID_PATTERN: &str = r"[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d{0,2})?";
const ID_MESSAGE: &str = r"must satisfy regex pattern: ^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d+)?$";
const CLUSTER_PATTERN: &str = "[a-z][a-z0-9]*(-[a-z0-9]+)*";
const WORKGROUP_PATTERN: &str = r"([a-z0-9-]{3,63}|arn:(aws(-[a-z]+)*):redshift-serverless:([a-z]{2}(-gov|(-iso[a-z]?))?|eusc-[a-z]+)-[a-z]+-\d{1}:\d{12}:workgroup/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[a-z0-9-]{1,63}/[a-z0-9-]{1,63}))";
const PARAMETER_NAME_PATTERN: &str = "[0-9a-zA-Z_]+";

static ID: LazyLock<Regex> = LazyLock::new(|| whole(ID_PATTERN));
static CLUSTER: LazyLock<Regex> = LazyLock::new(|| whole(CLUSTER_PATTERN));
static WORKGROUP: LazyLock<Regex> = LazyLock::new(|| whole(WORKGROUP_PATTERN));
static PARAMETER_NAME: LazyLock<Regex> = LazyLock::new(|| whole(PARAMETER_NAME_PATTERN));

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).expect("the patterns of the service model are valid")
}

#[derive(Clone, Copy)]
enum Shape {
    /// Length in characters, from and to.
    Text(usize, usize),
    Id,
    Pattern(usize, usize, &'static LazyLock<Regex>, &'static str),
    Enum(&'static [&'static str]),
    Integer(i64, i64),
    Boolean,
    /// 1 to 40 strings.
    Statements,
    Parameters,
}

struct Member {
    name: &'static str,
    required: bool,
    shape: Shape,
}

const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, required: true, shape }
}

const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, required: false, shape }
}

const ANY: Shape = Shape::Text(0, usize::MAX);
const CLUSTER_ID: Shape = Shape::Pattern(1, 63, &CLUSTER, CLUSTER_PATTERN);
const WORKGROUP_NAME: Shape = Shape::Pattern(3, 128, &WORKGROUP, WORKGROUP_PATTERN);
const WAIT: Shape = Shape::Integer(1, 30);
const STATEMENT_STATUS: Shape =
    Shape::Enum(&["SUBMITTED", "PICKED", "STARTED", "FINISHED", "ABORTED", "FAILED", "ALL"]);

const EXECUTE: &[Member] = &[
    required("Sql", ANY),
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    optional("Database", ANY),
    optional("WithEvent", Shape::Boolean),
    optional("StatementName", Shape::Text(0, 2048)),
    optional("Parameters", Shape::Parameters),
    optional("WorkgroupName", WORKGROUP_NAME),
    optional("ClientToken", Shape::Text(1, 64)),
    optional("ResultFormat", Shape::Enum(&["JSON", "CSV"])),
    optional("SessionKeepAliveSeconds", Shape::Integer(0, 86_400)),
    optional("SessionId", Shape::Id),
    optional("WaitTimeSeconds", WAIT),
];

const BATCH: &[Member] = &[
    required("Sqls", Shape::Statements),
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    optional("Database", ANY),
    optional("WithEvent", Shape::Boolean),
    optional("StatementName", Shape::Text(0, 2048)),
    optional("Parameters", Shape::Parameters),
    optional("WorkgroupName", WORKGROUP_NAME),
    optional("ClientToken", Shape::Text(1, 64)),
    optional("ResultFormat", Shape::Enum(&["JSON", "CSV"])),
    optional("SessionKeepAliveSeconds", Shape::Integer(0, 86_400)),
    optional("SessionId", Shape::Id),
    optional("ExecutionMode", Shape::Enum(&["TRANSACTION", "AUTO_COMMIT"])),
    optional("WaitTimeSeconds", WAIT),
];

const DESCRIBE: &[Member] = &[required("Id", Shape::Id), optional("WaitTimeSeconds", WAIT)];

const RESULT: &[Member] = &[required("Id", Shape::Id), optional("NextToken", ANY), optional("WaitTimeSeconds", WAIT)];

const CANCEL: &[Member] = &[required("Id", Shape::Id)];

const LIST_STATEMENTS: &[Member] = &[
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 100)),
    optional("StatementName", Shape::Text(0, 2048)),
    optional("Status", STATEMENT_STATUS),
    optional("RoleLevel", Shape::Boolean),
    optional("Database", ANY),
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("WorkgroupName", WORKGROUP_NAME),
];

const LIST_SESSIONS: &[Member] = &[
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 100)),
    optional("SessionId", Shape::Id),
    optional("Status", Shape::Enum(&["AVAILABLE", "BUSY", "CLOSED"])),
    optional("RoleLevel", Shape::Boolean),
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("WorkgroupName", WORKGROUP_NAME),
    optional("Database", ANY),
];

const LIST_DATABASES: &[Member] = &[
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("Database", ANY),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 1000)),
    optional("WorkgroupName", WORKGROUP_NAME),
];

const LIST_SCHEMAS: &[Member] = &[
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    required("Database", ANY),
    optional("ConnectedDatabase", ANY),
    optional("SchemaPattern", ANY),
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 1000)),
    optional("WorkgroupName", WORKGROUP_NAME),
];

const LIST_TABLES: &[Member] = &[
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    required("Database", ANY),
    optional("ConnectedDatabase", ANY),
    optional("SchemaPattern", ANY),
    optional("TablePattern", ANY),
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 1000)),
    optional("WorkgroupName", WORKGROUP_NAME),
];

const DESCRIBE_TABLE: &[Member] = &[
    optional("ClusterIdentifier", CLUSTER_ID),
    optional("SecretArn", ANY),
    optional("DbUser", ANY),
    required("Database", ANY),
    optional("ConnectedDatabase", ANY),
    optional("Schema", ANY),
    optional("Table", ANY),
    optional("NextToken", ANY),
    optional("MaxResults", Shape::Integer(0, 1000)),
    optional("WorkgroupName", WORKGROUP_NAME),
];

fn members(operation: Operation) -> &'static [Member] {
    match operation {
        Operation::ExecuteStatement => EXECUTE,
        Operation::BatchExecuteStatement => BATCH,
        Operation::DescribeStatement => DESCRIBE,
        Operation::GetStatementResult | Operation::GetStatementResultV2 => RESULT,
        Operation::CancelStatement => CANCEL,
        Operation::ListStatements => LIST_STATEMENTS,
        Operation::ListSessions => LIST_SESSIONS,
        Operation::ListDatabases => LIST_DATABASES,
        Operation::ListSchemas => LIST_SCHEMAS,
        Operation::ListTables => LIST_TABLES,
        Operation::DescribeTable => DESCRIBE_TABLE,
    }
}

/// A request's members, checked against the model; members that the model does not know are gone.
#[derive(Debug, Clone)]
pub(crate) struct Input(Map<String, Json>);

impl Input {
    /// Reads and checks a request body.
    pub(crate) fn parse(operation: Operation, body: &[u8]) -> Result<Self, ApiError> {
        let mut given = match serde_json::from_slice(body) {
            Ok(Json::Object(given)) => given,
            Ok(_) => {
                return Err(ApiError::serialization("Start of structure or map found where not expected."));
            }
            // The text of a syntax error names lines and columns, never content.
            Err(error) => return Err(ApiError::serialization(error.to_string())),
        };
        let mut kept = Map::new();
        for member in members(operation) {
            match given.remove(member.name) {
                None | Some(Json::Null) => {}
                Some(value) => {
                    check_type(&value, member.shape)?;
                    kept.insert(member.name.to_owned(), value);
                }
            }
        }
        let mut failures = Vec::new();
        for member in members(operation) {
            let path = lower_first(member.name);
            match kept.get(member.name) {
                Some(value) => check_constraints(value, member.shape, &path, &mut failures)?,
                None if member.required => failures.push(failure("null", &path, "Member must not be null")),
                None => {}
            }
        }
        if failures.is_empty() {
            return Ok(Self(kept));
        }
        let plural = if failures.len() == 1 { "error" } else { "errors" };
        let count = failures.len();
        let failures = failures.join("; ");
        Err(ApiError::validation(format!("{count} validation {plural} detected: {failures}")))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Json::as_str)
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Json::as_u64)
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Json::as_bool)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The statements of `Sql` or `Sqls`, in order.
    pub(crate) fn statements(&self) -> Vec<&str> {
        match self.0.get("Sqls") {
            Some(Json::Array(sqls)) => sqls.iter().filter_map(Json::as_str).collect(),
            _ => self.text("Sql").into_iter().collect(),
        }
    }

    /// `Parameters` as names and values.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let Some(Json::Array(parameters)) = self.0.get("Parameters") else {
            return Vec::new();
        };
        let member = |parameter: &Json, name: &str| parameter.get(name).and_then(Json::as_str).map(str::to_owned);
        parameters.iter().filter_map(|one| Some((member(one, "name")?, member(one, "value")?))).collect()
    }

    /// The request without what does not belong to its identity: two requests with equal texts ask
    /// for the same execution.
    pub(crate) fn fingerprint(&self, operation: Operation) -> String {
        let mut text = operation.name().to_owned();
        for member in members(operation) {
            if matches!(member.name, "ClientToken" | "WaitTimeSeconds") {
                continue;
            }
            if let Some(value) = self.0.get(member.name) {
                text.push_str(&format!("\n{}={value}", member.name));
            }
        }
        text
    }
}

/// `WaitTimeSeconds` -> `waitTimeSeconds`, as the messages name members.
fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn failure(value: &str, path: &str, constraint: &str) -> String {
    let value = if value == "null" { "null".to_owned() } else { format!("'{value}'") };
    // AWS quotes null without quotation marks: Value null at 'sql' failed …
    format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}")
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "NULL_VALUE",
        Json::Bool(true) => "TRUE_VALUE",
        Json::Bool(false) => "FALSE_VALUE",
        Json::Number(_) => "NUMBER_VALUE",
        Json::String(_) => "STRING_VALUE",
        Json::Array(_) => "START_ARRAY",
        Json::Object(_) => "START_OBJECT",
    }
}

fn check_type(value: &Json, shape: Shape) -> Result<(), ApiError> {
    let wrong = |value: &Json, wanted: &str| {
        Err(ApiError::serialization(format!("{} cannot be converted to {wanted}", kind(value))))
    };
    match shape {
        Shape::Text(..) | Shape::Id | Shape::Pattern(..) | Shape::Enum(_) => match value {
            Json::String(_) => Ok(()),
            _ => wrong(value, "String"),
        },
        Shape::Integer(..) => match value {
            Json::Number(number) if number.is_i64() => Ok(()),
            _ => wrong(value, "Integer"),
        },
        Shape::Boolean => match value {
            Json::Bool(_) => Ok(()),
            _ => wrong(value, "Boolean"),
        },
        Shape::Statements => match value {
            Json::Array(items) => {
                items.iter().filter(|item| !item.is_null()).try_for_each(|item| check_type(item, ANY))
            }
            _ => wrong(value, "List"),
        },
        Shape::Parameters => match value {
            Json::Array(items) => {
                for item in items {
                    let Json::Object(item) = item else {
                        return wrong(item, "Structure");
                    };
                    for name in ["name", "value"] {
                        match item.get(name) {
                            None | Some(Json::Null) => {}
                            Some(value) => check_type(value, ANY)?,
                        }
                    }
                }
                Ok(())
            }
            _ => wrong(value, "List"),
        },
    }
}

/// Collects what a member of the right type fails; only an id fails at once, in the service's own
/// words.
fn check_constraints(value: &Json, shape: Shape, path: &str, failures: &mut Vec<String>) -> Result<(), ApiError> {
    match (shape, value) {
        (Shape::Text(least, most), Json::String(text)) => {
            check_length(text, path, least, most, failures);
        }
        (Shape::Id, Json::String(text)) if !ID.is_match(text) => {
            return Err(ApiError::validation(format!("{path} {ID_MESSAGE}")));
        }
        (Shape::Pattern(least, most, pattern, source), Json::String(text)) => {
            check_length(text, path, least, most, failures);
            if !pattern.is_match(text) {
                failures.push(failure(
                    text,
                    path,
                    &format!("Member must satisfy regular expression pattern: {source}"),
                ));
            }
        }
        (Shape::Enum(allowed), Json::String(text)) if !allowed.contains(&text.as_str()) => {
            failures.push(failure(
                text,
                path,
                &format!("Member must satisfy enum value set: [{}]", allowed.join(", ")),
            ));
        }
        (Shape::Integer(least, most), Json::Number(number)) => {
            let number = number.as_i64().unwrap_or(i64::MIN);
            if number < least {
                let constraint = format!("Member must have value greater than or equal to {least}");
                failures.push(failure(&number.to_string(), path, &constraint));
            } else if number > most {
                let constraint = format!("Member must have value less than or equal to {most}");
                failures.push(failure(&number.to_string(), path, &constraint));
            }
        }
        (Shape::Statements, Json::Array(items)) => {
            // The statements themselves are not repeated in the message.
            if items.is_empty() {
                let constraint = "Member must have length greater than or equal to 1";
                failures.push(failure("[]", path, constraint));
            } else if items.len() > 40 {
                let constraint = "Member must have length less than or equal to 40";
                failures.push(failure(&format!("[{} items]", items.len()), path, constraint));
            }
            for (index, _) in items.iter().enumerate().filter(|(_, item)| item.is_null()) {
                let path = format!("{path}.{}.member", index + 1);
                failures.push(failure("null", &path, "Member must not be null"));
            }
        }
        (Shape::Parameters, Json::Array(items)) => check_parameters(items, path, failures),
        _ => {}
    }
    Ok(())
}

fn check_parameters(items: &[Json], path: &str, failures: &mut Vec<String>) {
    if items.is_empty() {
        let constraint = "Member must have length greater than or equal to 1";
        failures.push(failure("[]", path, constraint));
    }
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}.{}.member", index + 1);
        match item.get("name").and_then(Json::as_str) {
            None => failures.push(failure("null", &format!("{path}.name"), "Member must not be null")),
            Some(name) if !PARAMETER_NAME.is_match(name) => failures.push(failure(
                name,
                &format!("{path}.name"),
                &format!("Member must satisfy regular expression pattern: {PARAMETER_NAME_PATTERN}"),
            )),
            Some(_) => {}
        }
        match item.get("value").and_then(Json::as_str) {
            None => failures.push(failure("null", &format!("{path}.value"), "Member must not be null")),
            Some("") => failures.push(failure(
                "",
                &format!("{path}.value"),
                "Member must have length greater than or equal to 1",
            )),
            Some(_) => {}
        }
    }
}

fn check_length(text: &str, path: &str, least: usize, most: usize, failures: &mut Vec<String>) {
    if least == 0 && most == usize::MAX {
        return;
    }
    let length = text.chars().count();
    if length < least {
        let constraint = format!("Member must have length greater than or equal to {least}");
        failures.push(failure(text, path, &constraint));
    } else if length > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        failures.push(failure(text, path, &constraint));
    }
}
