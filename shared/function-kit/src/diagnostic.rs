//! Our errors as Lambda reports them: a stable type for alarms, a message for people.
//!
//! The types are a public interface; each function's README lists the ones it uses.

use std::error::Error;

use cdc_core::error::ErrorKind;
use lambda_runtime::Diagnostic;

/// `RedshiftCdc.<what>`: the form of every error type of ours.
#[must_use]
pub fn error_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "RedshiftCdc.Transient",
        ErrorKind::Throttled => "RedshiftCdc.Throttled",
        ErrorKind::Conflict => "RedshiftCdc.Conflict",
        ErrorKind::Poison => "RedshiftCdc.Poison",
        ErrorKind::Misconfigured => "RedshiftCdc.Misconfigured",
        ErrorKind::Invariant => "RedshiftCdc.Invariant",
    }
}

/// The error and everything below it, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A function error with a stable type. The chain is logged here, once.
#[must_use]
pub fn diagnostic(error_type: &str, error: &dyn Error) -> Diagnostic {
    let message = chain(error);
    tracing::error!(error_type, "{message}");
    Diagnostic { error_type: error_type.to_owned(), error_message: message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_message_has_the_whole_chain() {
        let error = Outer(std::io::Error::other("inner"));
        let diagnostic = diagnostic(error_type(ErrorKind::Conflict), &error);
        assert_eq!(diagnostic.error_type, "RedshiftCdc.Conflict");
        assert_eq!(diagnostic.error_message, "outer: inner");
    }

    #[test]
    fn every_kind_has_a_type_of_its_own_name() {
        for kind in ErrorKind::ALL {
            assert_eq!(error_type(kind), format!("RedshiftCdc.{}", kind.name()));
        }
    }
}
