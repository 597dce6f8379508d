//! What the function is asked for.

use cdc_core::error::{Classify, ErrorKind};
use serde_json::Value;

/// Which tables to synchronise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// All that have something pending.
    Pending,
    /// These, by id, pending or not.
    Named(Vec<String>),
}

/// A request that says something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; send {{}} for all tables, or {{\"tables\": [\"schema.table\", …]}}")]
pub struct RequestError {
    problem: String,
}

impl Classify for RequestError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}

impl Request {
    /// Reads a request. What a schedule sends by itself, without an input of its own, counts as
    /// an empty one: `null`, or EventBridge's "Scheduled Event".
    pub fn read(payload: &Value) -> Result<Self, RequestError> {
        let problem = |problem: String| RequestError { problem };
        let members = match payload {
            Value::Null => return Ok(Self::Pending),
            Value::Object(members) => members,
            _ => return Err(problem("the request is not an object".to_owned())),
        };
        if members.get("detail-type").and_then(Value::as_str) == Some("Scheduled Event") {
            return Ok(Self::Pending);
        }
        if let Some(unknown) = members.keys().find(|name| *name != "tables") {
            return Err(problem(format!("the request has the unknown field {unknown}")));
        }
        let Some(tables) = members.get("tables") else {
            return Ok(Self::Pending);
        };
        let wrong = || problem("tables is not a list of table names".to_owned());
        let names = tables.as_array().ok_or_else(wrong)?;
        if names.is_empty() {
            return Err(problem("tables is empty".to_owned()));
        }
        let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        names.map(Self::Named).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_strict() {
        for (payload, expected) in [
            (json!(null), Ok(Request::Pending)),
            (json!({}), Ok(Request::Pending)),
            (
                json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
                Ok(Request::Pending),
            ),
            (json!({"tables": ["a.b", "c.d"]}), Ok(Request::Named(vec!["a.b".to_owned(), "c.d".to_owned()]))),
            (json!({"table": "a.b"}), Err("the request has the unknown field table")),
            (json!({"tables": "a.b"}), Err("tables is not a list")),
            (json!({"tables": [1]}), Err("tables is not a list")),
            (json!({"tables": []}), Err("tables is empty")),
            (json!([]), Err("the request is not an object")),
        ] {
            match (Request::read(&payload), expected) {
                (Ok(request), Ok(expected)) => assert_eq!(request, expected),
                (Err(error), Err(part)) => assert!(error.to_string().starts_with(part), "{error}"),
                (found, expected) => panic!("{payload}: {found:?}, not {expected:?}"),
            }
        }
    }
}
