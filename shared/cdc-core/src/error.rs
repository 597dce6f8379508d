//! What an error asks for: one [`ErrorKind`] for each thing that can be done about an error.
//!
//! Every crate has its own error types; they say what happened. The kind says what follows
//! from it, and [`ErrorKind::action`] is the only place where that is decided. An error that
//! nobody recognised is never retried in the same process.

use std::fmt;

/// The class of an error. There are as many kinds as there are actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The same request may succeed at once: a lost connection, a server that restarts.
    Transient,
    /// Too many requests, or a resource is used up for now.
    Throttled,
    /// Somebody else did or is doing it: a serialization failure, a lock, a moved watermark.
    Conflict,
    /// One record that can never succeed, however often it is tried.
    Poison,
    /// The pipeline file, a permission or a source is wrong; a person has to change something.
    Misconfigured,
    /// The program's own assumption is broken.
    Invariant,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Try the same again in this invocation, as long as the deadline allows.
    Retry,
    /// Leave it to a later invocation, or wait as long as the other side asks.
    RetryLater,
    /// Read the state again and plan anew from what is there now.
    Replan,
    /// Report the one record by its position and carry on with the others.
    ReportRecord,
    /// Stop and tell the operator the next step.
    TellOperator,
    /// Stop and report a defect of this program.
    StopAsDefect,
}

impl ErrorKind {
    /// Every kind, for tables in documents and tests.
    pub const ALL: [Self; 6] =
        [Self::Transient, Self::Throttled, Self::Conflict, Self::Poison, Self::Misconfigured, Self::Invariant];

    /// What follows from an error of this kind.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            // Nothing is wrong with the request; the deadline bounds the number of tries.
            Self::Transient => Action::Retry,
            // Trying at once makes it worse for all callers of the account.
            Self::Throttled => Action::RetryLater,
            // What was planned may already be done; the watermark tells.
            Self::Conflict => Action::Replan,
            // Retrying would hold up the partition for ever.
            Self::Poison => Action::ReportRecord,
            // Only a person can change the cause, so the message names the next step.
            Self::Misconfigured => Action::TellOperator,
            // Going on with a broken assumption could write a wrong value.
            Self::Invariant => Action::StopAsDefect,
        }
    }

    /// Whether the same work may succeed without a person's help.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self.action(), Action::Retry | Action::RetryLater | Action::Replan)
    }

    /// The kind's stable name. Lambda's `error_type` is built from it, so alarms match on it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "Transient",
            Self::Throttled => "Throttled",
            Self::Conflict => "Conflict",
            Self::Poison => "Poison",
            Self::Misconfigured => "Misconfigured",
            Self::Invariant => "Invariant",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An error that knows its kind.
pub trait Classify: std::error::Error {
    /// The class of this error.
    fn kind(&self) -> ErrorKind;
}

#[cfg(test)]
mod tests {
    use super::{Action, ErrorKind};

    #[test]
    fn every_kind_has_an_action_of_its_own() {
        let actions: std::collections::HashSet<Action> = ErrorKind::ALL.iter().map(|kind| kind.action()).collect();
        assert_eq!(actions.len(), ErrorKind::ALL.len());
    }

    #[test]
    fn only_passing_troubles_are_retried() {
        let retryable: Vec<&str> =
            ErrorKind::ALL.iter().filter(|kind| kind.is_retryable()).map(|kind| kind.name()).collect();
        assert_eq!(retryable, ["Transient", "Throttled", "Conflict"]);
    }
}
