//! What Redshift says where PostgreSQL says something else.

/// The Redshift text for a PostgreSQL error, or `None` if the message may pass as it is.
///
/// `constraint` is the constraint name of the error, if it has one: the byte lengths of VARCHAR and VARBYTE columns are
/// CHECK constraints named `rs_len_<type>_<n>_<ordinal>`.
#[must_use]
pub fn redshift_error_text(sqlstate: &str, message: &str, constraint: Option<&str>) -> Option<String> {
    match sqlstate {
        "23514" => {
            let mut parts = constraint?.strip_prefix("rs_len_")?.split('_');
            let (kind, bytes) = (parts.next()?, parts.next()?);
            let kind = match kind {
                "varchar" => "character varying",
                "char" => "character",
                _ => "binary varying",
            };
            Some(format!("value too long for type {kind}({bytes})"))
        }
        // Redshift Database Developer Guide, "MERGE", usage notes.
        "21000" if message.starts_with("MERGE command cannot affect row a second time") => {
            Some("Found multiple matches to update the same tuple.".into())
        }
        // Redshift Database Developer Guide, "Computations with numeric values".
        "22003" if message.starts_with("numeric field overflow") => {
            Some("Numeric data overflow (result precision)".into())
        }
        // "JSON_PARSE function": the helpers cast without a handler.
        "22P02" if message.starts_with("invalid input syntax for type json") => {
            Some("JSON_PARSE() error: Invalid JSON format".into())
        }
        "22P05" => Some("JSON_PARSE() error: Invalid JSON format".into()),
        "22021" if message.starts_with("invalid byte sequence") => Some("Invalid UTF-8 sequence".into()),
        "22012" => Some("Divide by zero".into()),
        _ => None,
    }
}
