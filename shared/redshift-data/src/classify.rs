//! From the service's codes and the warehouse's error texts to the action that fits.
//!
//! SQL errors have no code in the Data API, only a text; the texts below are those that the
//! Redshift documentation and public bug reports show. What is not recognised is not retried.
//! Texts of data errors can carry row values: [`redact`] leaves those out.

use std::fmt;

use cdc_core::error::ErrorKind;

/// Why a statement failed, in a form that may be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFailure {
    /// The action that fits.
    pub kind: ErrorKind,
    /// The warehouse's text without row values, at most about 600 bytes.
    pub text: String,
}

impl SqlFailure {
    /// Classifies the warehouse's error text.
    #[must_use]
    pub fn of(error: &str) -> Self {
        Self { kind: sql_kind(error), text: redact(error) }
    }

    /// What an operator can do about it, if that is known.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        next_step(self.kind, &self.text)
    }
}

impl fmt::Display for SqlFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        match self.next_step() {
            Some(step) => write!(formatter, "; {step}"),
            None => Ok(()),
        }
    }
}

/// Texts by kind, in the order in which they are looked for: the first that occurs decides.
/// All lower case.
const SQL_TEXTS: &[(ErrorKind, &[&str])] = &[
    // Raised by our own merge procedure.
    (ErrorKind::Transient, &["enable_case_sensitive_identifier is off"]),
    (
        ErrorKind::Conflict,
        &[
            "the watermark moved",
            // Redshift Database Developer Guide, "Serializable isolation"; 1018 is a relation made
            // after the transaction's snapshot.
            "error:1023",
            "error: 1023",
            "error code: 1023",
            "error:1018",
            "serializable isolation violation",
            "could not serialize access",
            "conflict with concurrent transaction",
            "deadlock detected",
            "tuple concurrently updated",
            "concurrent update",
        ],
    ),
    (
        ErrorKind::Poison,
        &[
            "overflow",
            "out of range",
            "too long",
            "too large",
            "exceeds the max size",
            "exceeds the maximum",
            "exceeds the limit",
            "exceeds precision",
            "size limit",
            "invalid input syntax",
            "invalid digit",
            "invalid character",
            "invalid value",
            "invalid byte sequence",
            "invalid utf",
            "not valid utf",
            "utf8",
            "codepoint",
            "multibyte",
            "unicode escape",
            "surrogate",
            "export size",
            "invalid json",
            "json parsing",
            "json_parse",
            "cannot cast",
            "cannot be cast",
            "invalid hexadecimal",
            "invalid exponent",
            "invalid date",
            "invalid time",
            "invalid timestamp",
            "invalid data",
            "division by zero",
            "divide by zero",
            "cannot insert a null value",
            "null value in column",
            "nesting depth",
        ],
    ),
    (
        ErrorKind::Transient,
        &[
            // A relation that was re-created while the statement was being planned.
            "could not open relation with oid",
            "cancelled on user's request",
            "canceled on user's request",
            "canceling statement",
            "cancelling statement",
            "the statement was cancelled",
            "was cancelled by",
            "statement timeout",
            "timed out",
            "timeout",
            "connection refused",
            "connection reset",
            "connection closed",
            "connection was closed",
            "connection attempt failed",
            "server closed the connection",
            "terminating connection",
            "is being resumed",
            "is resuming",
            "is paused",
            "not available",
            "cluster is busy",
            "expiredtoken",
            "token included in the request is expired",
            "session is expired",
            "expired",
            "network",
            "system is shutting down",
            "database system is starting up",
            "too many connections",
            "connection limit",
        ],
    ),
    (ErrorKind::Throttled, &["throttl", "rate exceeded", "too many requests"]),
    (
        ErrorKind::Misconfigured,
        &[
            "permission denied",
            "must be owner",
            "not authorized",
            "access denied",
            "accessdenied",
            "password authentication failed",
            "does not exist",
            "not supported",
            "unsupported",
            "not implemented",
            "syntax error",
            "disk full",
            // A view stands on what is to go ("DROP TABLE", "ALTER TABLE": RESTRICT is the default).
            "other objects depend on it",
            "used by a view",
        ],
    ),
];

/// What is to be done about a failed statement, by its error text.
#[must_use]
pub fn sql_kind(error: &str) -> ErrorKind {
    let text = without_quoted(error).to_lowercase();
    SQL_TEXTS
        .iter()
        .find(|(_, needles)| needles.iter().any(|needle| text.contains(needle)))
        .map_or(ErrorKind::Invariant, |(kind, _)| *kind)
}

/// The text with the contents of quotes and brackets left out: a row value that happens to say
/// "timeout" decides nothing.
fn without_quoted(error: &str) -> String {
    let mut kept = String::with_capacity(error.len());
    let mut closing: Option<char> = None;
    let mut previous = ' ';
    for character in error.chars() {
        match closing {
            Some(close) if character == close => {
                closing = None;
                kept.push(character);
            }
            Some(_) => {}
            None => {
                closing = match character {
                    '"' => Some('"'),
                    // An apostrophe within a word ("user's") quotes nothing.
                    '\'' if !previous.is_alphanumeric() => Some('\''),
                    '(' => Some(')'),
                    '[' => Some(']'),
                    _ => None,
                };
                kept.push(character);
            }
        }
        previous = character;
    }
    kept
}

/// What is to be done about a refused call, by the service's error code and message.
///
/// Codes: Redshift Data API reference, "Common errors" and the operations' own; throttling
/// arrives with HTTP status 400 and is no modelled error of the operations.
pub(crate) fn api_kind(code: &str, message: &str) -> ErrorKind {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "SlowDown"
        | "ActiveStatementsExceededException"
        | "ActiveSessionsExceededException"
        | "ActiveWaitingRequestsExceededException" => ErrorKind::Throttled,
        "InternalServerException"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "DatabaseConnectionException"
        | "ExecuteStatementException"
        | "BatchExecuteStatementException"
        | "QueryTimeoutException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired" => ErrorKind::Transient,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired"
        | "ResourceNotFoundException" => ErrorKind::Misconfigured,
        // A paused or resuming warehouse answers like a wrong request does.
        "ValidationException" if sql_kind(message) == ErrorKind::Transient => ErrorKind::Transient,
        "ValidationException" => ErrorKind::Misconfigured,
        _ => ErrorKind::Invariant,
    }
}

/// What an operator can do about a refused call.
pub(crate) fn api_next_step(code: &str, kind: ErrorKind) -> &'static str {
    match (code, kind) {
        ("AccessDenied" | "AccessDeniedException" | "NotAuthorized", _) => {
            "grant the function's role redshift-data on the warehouse and redshift-serverless:GetCredentials or redshift:GetClusterCredentialsWithIAM"
        }
        ("ResourceNotFoundException", _) => {
            "a statement or warehouse of that name is unknown to this role; results are kept for one day"
        }
        (_, ErrorKind::Throttled) => {
            "the account's quotas of the redshift data api are used up; it is tried again later"
        }
        (_, ErrorKind::Transient) => "it is tried again",
        (_, ErrorKind::Misconfigured) => {
            "compare WAREHOUSE_WORKGROUP or WAREHOUSE_CLUSTER, WAREHOUSE_DATABASE, region and role with the warehouse"
        }
        (_, ErrorKind::Conflict | ErrorKind::Poison | ErrorKind::Invariant) => {
            "this code is not known here; it is not tried again"
        }
    }
}

fn next_step(kind: ErrorKind, text: &str) -> Option<&'static str> {
    if kind != ErrorKind::Misconfigured {
        return None;
    }
    let text = text.to_lowercase();
    Some(if text.contains("does not exist") {
        "run the provisioner with the same pipeline file"
    } else if text.contains("permission denied")
        || text.contains("must be owner")
        || text.contains("not authorized")
        || text.contains("access denied")
    {
        "name this function's database user under warehouse.users in the pipeline file and run the provisioner"
    } else if text.contains("disk full") {
        "free or add storage in the warehouse"
    } else {
        "run the provisioner of the same version as this function"
    })
}

/// The longest part of an error text that is kept.
const KEPT_BYTES: usize = 600;

/// The warehouse's error text without row values.
///
/// Texts about names, rights, syntax, locks and connections carry none: the statements that we
/// send contain names and numbers only. Texts about data do, so those, and all that are not
/// recognised, are cut at the first mark behind which a value can stand.
#[must_use]
pub fn redact(error: &str) -> String {
    let text = match sql_kind(error) {
        ErrorKind::Transient | ErrorKind::Throttled | ErrorKind::Conflict | ErrorKind::Misconfigured => error,
        ErrorKind::Poison | ErrorKind::Invariant => {
            let body = error.find("ERROR:").map_or(0, |start| start + "ERROR:".len());
            let marks = ['"', '\'', '(', '[', '{', '=', '\n', ':', '`'];
            let cut = error.get(body..).and_then(|rest| rest.find(marks)).map_or(error.len(), |at| body + at);
            error.get(..cut).unwrap_or_default()
        }
    };
    let whole = text.len() == error.len();
    let mut end = text.len().min(KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept: String = text
        .get(..end)
        .unwrap_or_default()
        .trim()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if whole && end == text.len() {
        kept
    } else {
        format!("{kept} … (the rest of the text is in the warehouse's statement list)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_sql_error_has_its_action() {
        for (text, kind) in [
            ("ERROR:1023 DETAIL: Serializable isolation violation on table in Redshift", ErrorKind::Conflict),
            ("ERROR: could not complete because of conflict with concurrent transaction", ErrorKind::Conflict),
            ("ERROR: deadlock detected", ErrorKind::Conflict),
            ("ERROR: the watermark moved while merging; nothing was merged, call again", ErrorKind::Conflict),
            ("ERROR: could not open relation with OID 112233", ErrorKind::Transient),
            ("ERROR: Query (4711) cancelled on user's request", ErrorKind::Transient),
            ("ERROR: canceling statement due to statement timeout", ErrorKind::Transient),
            ("ExpiredTokenException: The security token included in the request is expired", ErrorKind::Transient),
            ("ERROR: enable_case_sensitive_identifier is off in this session; set it to true", ErrorKind::Transient),
            ("Rate exceeded", ErrorKind::Throttled),
            ("ERROR: permission denied for schema cdc", ErrorKind::Misconfigured),
            ("ERROR: must be owner of relation salesdb_customer", ErrorKind::Misconfigured),
            ("ERROR: relation \"cdc.watermarks\" does not exist", ErrorKind::Misconfigured),
            ("ERROR: procedure cdc.sp_merge_x(bigint, bigint, bigint) does not exist", ErrorKind::Misconfigured),
            ("ERROR: syntax error at or near \"MERGE\"", ErrorKind::Misconfigured),
            ("ERROR: cannot drop table t because other objects depend on it", ErrorKind::Misconfigured),
            ("ERROR: cannot alter type of a column used by a view or rule", ErrorKind::Misconfigured),
            ("ERROR: Numeric data overflow (result precision)", ErrorKind::Poison),
            ("ERROR: value too long for type character varying(10)", ErrorKind::Poison),
            ("ERROR: Invalid digit, Value 'N', Pos 0, Type: Integer", ErrorKind::Poison),
            ("ERROR: date/time field value out of range: \"2026-02-31\"", ErrorKind::Poison),
            ("ERROR: Cannot insert a NULL value into column id", ErrorKind::Poison),
            ("ERROR: String value exceeds the max size of 65535 bytes", ErrorKind::Poison),
            ("ERROR: invalid input syntax for integer: \"timeout\"", ErrorKind::Poison),
            ("ERROR: strange data 'permission denied'", ErrorKind::Invariant),
            ("ERROR: Assert", ErrorKind::Invariant),
            ("ERROR: Found multiple matches to update the same tuple.", ErrorKind::Invariant),
            ("", ErrorKind::Invariant),
        ] {
            assert_eq!(sql_kind(text), kind, "{text}");
        }
    }

    #[test]
    fn every_known_code_has_its_action() {
        for (code, message, kind) in [
            ("ThrottlingException", "Rate exceeded", ErrorKind::Throttled),
            ("ActiveStatementsExceededException", "", ErrorKind::Throttled),
            ("ActiveWaitingRequestsExceededException", "", ErrorKind::Throttled),
            ("InternalServerException", "", ErrorKind::Transient),
            ("DatabaseConnectionException", "", ErrorKind::Transient),
            ("BatchExecuteStatementException", "", ErrorKind::Transient),
            ("ExpiredTokenException", "", ErrorKind::Transient),
            ("AccessDeniedException", "", ErrorKind::Misconfigured),
            ("ResourceNotFoundException", "", ErrorKind::Misconfigured),
            ("ValidationException", "Redshift endpoint doesn't exist in this region.", ErrorKind::Misconfigured),
            ("ValidationException", "The cluster is paused", ErrorKind::Transient),
            ("SomethingNew", "", ErrorKind::Invariant),
        ] {
            assert_eq!(api_kind(code, message), kind, "{code} {message}");
        }
    }

    #[test]
    fn values_do_not_survive() {
        for (text, secret) in [
            ("ERROR: invalid input syntax for integer: \"4111-1111\"", "4111"),
            ("ERROR: Invalid digit, Value 'N', Pos 0, Type: Integer", "'N'"),
            ("ERROR: Overflow (Integer valid range -1 to 1, value: 77777)", "77777"),
            ("ERROR: something unheard of [jane@example.org]", "jane"),
            ("ERROR: value too long for type character varying(10)\nDETAIL: jane", "jane"),
            ("ERROR: invalid timestamp format or value: 2026-13-01", "2026"),
        ] {
            let kept = redact(text);
            assert!(!kept.contains(secret), "{kept}");
            assert!(kept.starts_with("ERROR: "), "{kept}");
        }
    }

    #[test]
    fn names_survive_and_come_with_a_next_step() {
        let failure = SqlFailure::of("ERROR: relation \"cdc.watermarks\" does not exist");
        assert_eq!(
            failure.to_string(),
            "ERROR: relation \"cdc.watermarks\" does not exist; run the provisioner with the same pipeline file"
        );
        assert!(
            SqlFailure::of("ERROR: permission denied for relation watermarks").to_string().contains("warehouse.users")
        );
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = format!("ERROR: permission denied for {}", "ä".repeat(1000));
        assert!(redact(&long).len() < 700);
    }
}
