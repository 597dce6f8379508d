//! Quoting of identifiers and literals: the only place where a name or a value becomes SQL text.

/// An identifier in double quotes.
///
/// Inner double quotes are doubled. Redshift cuts identifiers at 127 bytes; callers make sure
/// that names are not longer (`TableSpec` does).
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"schema"."name"`.
#[must_use]
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

/// A character literal.
///
/// Quotes and backslashes are doubled: Redshift takes a backslash in a literal as an escape
/// character (Redshift Database Developer Guide, `QUOTE_LITERAL`: "doubles any embedded single
/// quotation marks and backslashes").
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
