//! Faults on request: what the server does wrong on purpose, so that clients can be tested.
//!
//! Rules are set as a whole, by `POST /__faults` with a JSON list or by [`Faults::set`], and looked
//! at in order. A rule matches an operation, the text of a statement, or both, and is used up after
//! `count` matches. At most one rule applies to a request, and at most one to each statement.
//!
//! Invariant: without rules the server behaves as if this module did not exist.

use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::options::Operation;

/// One fault: when, how often, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operation that it applies to, for example `DescribeStatement`; absent for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// A regular expression, without regard to case, that a statement's text must contain; absent
    /// for any. Only ExecuteStatement and BatchExecuteStatement have a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// How many matches are let pass before the first fault.
    #[serde(default)]
    pub skip: u32,
    /// How many faults are left; it counts down.
    #[serde(default = "once")]
    pub count: u32,
    /// What happens.
    pub kind: FaultKind,
    /// The error text for [`FaultKind::Fail`] and [`FaultKind::Refuse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The exception's name for [`FaultKind::Refuse`], for example `ActiveStatementsExceededException`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Milliseconds for [`FaultKind::Delay`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Refuses the request with `ThrottlingException`; nothing is executed.
    Throttle,
    /// Refuses the request with the exception `code` of the service model; nothing is executed.
    Refuse,
    /// Ends the statement as FAILED with `text` (written as `ERROR: <text>`), without executing it.
    /// Another operation's request fails with `InternalServerException` and the text.
    Fail,
    /// Carries the request out, waits until its statement has come to its end, and then closes the
    /// connection without an answer.
    DropReplyAfterExecution,
    /// Holds the statement for `delay_ms` before it executes. Another operation's answer is held.
    Delay,
    /// Ends the statement as ABORTED, as if an administrator had cancelled it.
    Abort,
    /// Closes the session that the request names before the request is looked at.
    ExpireSession,
    /// Emits no event for the statement although `WithEvent` asks for one.
    LoseEvent,
}

impl FaultKind {
    /// Whether the fault strikes a statement as it is executed, rather than a request.
    fn strikes_statements(self) -> bool {
        matches!(self, Self::Fail | Self::Delay | Self::Abort)
    }
}

/// A rule is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such operation.
    #[error(
        "fault rule {index}: unknown operation {operation}, use a name of the service model such as ExecuteStatement"
    )]
    Operation {
        /// The rule's place in the list, from 0.
        index: usize,
        /// What it said.
        operation: String,
    },
    /// The pattern is not a regular expression.
    #[error("fault rule {index}: sql is not a regular expression: {reason}")]
    Pattern {
        /// The rule's place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The service model has no such exception.
    #[error("fault rule {index}: the service model has no exception {code}")]
    Code {
        /// The rule's place in the list, from 0.
        index: usize,
        /// What it said.
        code: String,
    },
    /// A member that the kind needs is missing.
    #[error("fault rule {index}: kind {kind} needs {member}")]
    Member {
        /// The rule's place in the list, from 0.
        index: usize,
        /// The kind, as written in JSON.
        kind: &'static str,
        /// The missing member.
        member: &'static str,
    },
}

struct Compiled {
    rule: Rule,
    operation: Option<Operation>,
    pattern: Option<Regex>,
}

/// The rules of a server; clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Compiled>>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Faults").field(&self.rules()).finish()
    }
}

impl Faults {
    /// Replaces all rules.
    ///
    /// # Errors
    /// A rule is not usable; then the rules stay as they were.
    pub fn set(&self, rules: Vec<Rule>) -> Result<(), FaultError> {
        let compiled =
            rules.into_iter().enumerate().map(|(index, rule)| compile(index, rule)).collect::<Result<Vec<_>, _>>()?;
        *self.lock() = compiled;
        Ok(())
    }

    /// The rules with what is left of them, used up ones included.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.lock().iter().map(|one| one.rule.clone()).collect()
    }

    /// The fault for a request, if one is due. Faults that strike statements strike requests of the
    /// other operations.
    pub(crate) fn request(&self, operation: Operation, sqls: &[&str]) -> Option<Rule> {
        let executes = executes(operation);
        self.take(operation, sqls, |kind| {
            if executes {
                !kind.strikes_statements() && kind != FaultKind::LoseEvent
            } else {
                matches!(
                    kind,
                    FaultKind::Throttle
                        | FaultKind::Refuse
                        | FaultKind::Fail
                        | FaultKind::Delay
                        | FaultKind::DropReplyAfterExecution
                )
            }
        })
    }

    /// The fault for one statement that is about to be executed, if one is due.
    pub(crate) fn statement(&self, operation: Operation, sql: &str) -> Option<Rule> {
        self.take(operation, &[sql], FaultKind::strikes_statements)
    }

    /// Whether the event of a finished statement is to be lost.
    pub(crate) fn loses_event(&self, operation: Operation, sqls: &[&str]) -> bool {
        self.take(operation, sqls, |kind| kind == FaultKind::LoseEvent).is_some()
    }

    fn take(&self, operation: Operation, sqls: &[&str], applies: impl Fn(FaultKind) -> bool) -> Option<Rule> {
        let mut rules = self.lock();
        let due = rules.iter_mut().find(|one| {
            one.rule.count > 0
                && applies(one.rule.kind)
                && one.operation.is_none_or(|wanted| wanted == operation)
                && one.pattern.as_ref().is_none_or(|pattern| sqls.iter().any(|sql| pattern.is_match(sql)))
        })?;
        if due.rule.skip > 0 {
            due.rule.skip -= 1;
            return None;
        }
        due.rule.count -= 1;
        Some(due.rule.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Compiled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn executes(operation: Operation) -> bool {
    matches!(operation, Operation::ExecuteStatement | Operation::BatchExecuteStatement)
}

fn compile(index: usize, rule: Rule) -> Result<Compiled, FaultError> {
    let operation = match &rule.operation {
        None => None,
        Some(name) => {
            Some(Operation::named(name).ok_or_else(|| FaultError::Operation { index, operation: name.clone() })?)
        }
    };
    let pattern = match &rule.sql {
        None => None,
        Some(pattern) => Some(
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .map_err(|error| FaultError::Pattern { index, reason: error.to_string() })?,
        ),
    };
    let needs = |kind, member| Err(FaultError::Member { index, kind, member });
    match rule.kind {
        FaultKind::Fail if rule.text.is_none() => needs("fail", "text"),
        FaultKind::Delay if rule.delay_ms.is_none() => needs("delay", "delay_ms"),
        FaultKind::Refuse => match &rule.code {
            None => needs("refuse", "code"),
            Some(code) if ApiError::named(code, "").is_none() => Err(FaultError::Code { index, code: code.clone() }),
            Some(_) => Ok(Compiled { rule, operation, pattern }),
        },
        _ => Ok(Compiled { rule, operation, pattern }),
    }
}
