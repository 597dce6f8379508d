//! The one error type of the front end: a Redshift-style message with its SQLSTATE and, where known, its place.
//!
//! Invariant: a message names the construct, never a row value.

/// Why a statement was not accepted, worded as Redshift words it where its documentation shows the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// SQLSTATE, for example `42601` (syntax), `42P01` (relation), `42883` (function), `0A000` (not supported).
    pub code: &'static str,
    /// Text without the `ERROR: ` prefix.
    pub message: String,
    /// What to do next, if the front end knows it.
    pub hint: Option<String>,
    /// Byte offset into the text given to the parser, if the place is known.
    pub position: Option<usize>,
    /// Line of that place, counted from 1.
    pub line: Option<usize>,
}

impl SqlError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, position: None, line: None }
    }

    /// The text does not follow Redshift's grammar.
    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self::new("42601", message)
    }

    /// Redshift, or this stand-in, does not support the construct.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("0A000", message)
    }

    /// A construct that Redshift has but this stand-in has not.
    pub(crate) fn not_in_stand_in(construct: &str) -> Self {
        Self::new("0A000", format!("{construct} is not supported by this stand-in"))
    }

    /// Operands or arguments have types that do not fit.
    pub(crate) fn datatype(message: impl Into<String>) -> Self {
        Self::new("42804", message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The place is in another text than the statement's.
    pub(crate) fn elsewhere(self) -> Self {
        Self { position: None, line: None, ..self }
    }

    pub(crate) fn at(mut self, position: usize, line: usize) -> Self {
        if self.position.is_none() {
            self.position = Some(position);
            self.line = Some(line);
        }
        self
    }
}
