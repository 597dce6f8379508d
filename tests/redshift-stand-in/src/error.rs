//! From PostgreSQL's and the front end's errors to the Data API's, in Redshift's words.
//!
//! Invariant: PostgreSQL's DETAIL never passes, since it holds row values.

use redshift_data_api::SqlError;

/// Result of anything that may fail as a statement fails.
pub(crate) type SqlResult<T> = Result<T, SqlError>;

/// A PostgreSQL error as Redshift words it.
pub(crate) fn from_postgres(error: &tokio_postgres::Error) -> SqlError {
    let Some(db) = error.as_db_error() else {
        if error.is_closed() {
            return SqlError::new("08006", "the connection to the database was closed");
        }
        let source = std::error::Error::source(error).map(ToString::to_string);
        return SqlError::new("XX000", format!("{error}{}", source.map(|s| format!(": {s}")).unwrap_or_default()));
    };
    let code = db.code().code();
    match code {
        // Redshift Database Developer Guide, "Serializable isolation": the one error that a
        // concurrent writer gets. Redshift names a table and transactions; here they are unknown.
        "40001" => return serialization_failure(),
        "57014" => {
            let message = if db.message().contains("statement timeout") {
                "Query (0) cancelled by user's request due to statement timeout"
            } else {
                "Query cancelled on user's request"
            };
            return SqlError::new("57014", message);
        }
        _ => {}
    }
    let message = redshift_sql::redshift_error_text(code, db.message(), db.constraint())
        .unwrap_or_else(|| plain_names(db.message()));
    SqlError::new(code, message)
}

/// Error 1023.
pub(crate) fn serialization_failure() -> SqlError {
    SqlError::new("1023", "1023").with_detail(
        "Serializable isolation violation on table in Redshift, \
         transactions forming the cycle are unknown to this stand-in",
    )
}

/// Names that only exist below: schemas of temporary tables, prefixes of roles and groups.
fn plain_names(message: &str) -> String {
    message.replace("\"role:", "\"").replace("\"group:", "\"").replace("pg_temp.", "")
}

/// A front end's error, with its place in characters from 1.
pub(crate) fn from_front_end(error: redshift_sql::SqlError, text: Option<&str>) -> SqlError {
    let mut message = error.message;
    if let Some(hint) = &error.hint {
        message.push_str("\n  Hint: ");
        message.push_str(hint);
    }
    let mut result = SqlError::new(error.code, message);
    if let (Some(text), Some(position)) = (text, error.position) {
        let characters = text.char_indices().take_while(|(index, _)| *index < position).count();
        result = result.at(u32::try_from(characters + 1).unwrap_or(u32::MAX));
    }
    result
}

/// Redshift has no such thing, or not here.
pub(crate) fn refused(message: impl Into<String>) -> SqlError {
    SqlError::new("0A000", message)
}

/// `permission denied for …`, as PostgreSQL and Redshift word it.
pub(crate) fn denied(what: impl std::fmt::Display) -> SqlError {
    SqlError::new("42501", format!("permission denied for {what}"))
}

/// Shorthand for `.map_err(|e| from_postgres(&e))`.
pub(crate) trait IntoSql<T> {
    fn sql(self) -> SqlResult<T>;
}

impl<T> IntoSql<T> for Result<T, tokio_postgres::Error> {
    fn sql(self) -> SqlResult<T> {
        self.map_err(|error| from_postgres(&error))
    }
}
