//! What can go wrong between us and the warehouse, apart from SQL errors, which are outcomes.
//!
//! No message carries SQL text, a row value or a credential.

use std::error::Error;

use cdc_core::error::{Classify, ErrorKind};

use crate::classify::SqlFailure;
use crate::port::StatementId;

type Source = Box<dyn Error + Send + Sync>;

/// A call to the warehouse that gave no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarehouseError {
    /// The service refused the call.
    #[error("the redshift data api refused {operation} ({code}: {message}); {next_step}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// The service's error code.
        code: String,
        /// The service's message, free of row values.
        message: String,
        /// What to do.
        next_step: &'static str,
        /// The action that fits.
        kind: ErrorKind,
        /// The SDK's error.
        #[source]
        source: Option<Source>,
    },
    /// No answer: no connection, a broken one, no credentials, or a timeout.
    #[error("the redshift data api gave no answer to {operation}; check the function's network path, region and role")]
    Unreachable {
        /// What was asked.
        operation: &'static str,
        /// The action that fits.
        kind: ErrorKind,
        /// The SDK's error; None when the deadline came first.
        #[source]
        source: Option<Source>,
    },
    /// A statement of ours failed in the warehouse.
    #[error("statement {statement} failed: {failure}")]
    Sql {
        /// The statement.
        statement: StatementId,
        /// Why, classified and free of row values.
        failure: SqlFailure,
    },
    /// A statement was still running when the time was up.
    #[error("statement {statement} was still running when the time was up; it goes on in the warehouse")]
    StillRunning {
        /// The statement.
        statement: StatementId,
    },
    /// The service's answer made no sense.
    #[error("the redshift data api gave an unusable answer to {operation}: {reason}")]
    Answer {
        /// What was asked.
        operation: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Classify for WarehouseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { kind, .. } | Self::Unreachable { kind, .. } => *kind,
            Self::Sql { failure, .. } => failure.kind,
            Self::StillRunning { .. } => ErrorKind::Transient,
            Self::Answer { .. } => ErrorKind::Invariant,
        }
    }
}

impl WarehouseError {
    /// What is to be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        Classify::kind(self)
    }
}

/// A result that does not have the columns or types that its query promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The column is missing.
    #[error("the result has no column {column}; it has {present}")]
    NoColumn {
        /// The wanted column.
        column: String,
        /// The columns there are, comma separated.
        present: String,
    },
    /// The column has another type.
    #[error("column {column} is not of the expected type {expected}")]
    Type {
        /// The column.
        column: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The column is null where a value is promised.
    #[error("column {column} is null where a value is promised")]
    Null {
        /// The column.
        column: String,
    },
}

impl Classify for ReadError {
    fn kind(&self) -> ErrorKind {
        // The query is ours and so is the reading of it.
        ErrorKind::Invariant
    }
}
