//! Where named parameters stand in a statement's text.
//!
//! A named parameter is a colon and a name of the model's pattern `[0-9a-zA-Z_]+`, and it stands for
//! a value. Inside string constants, quoted identifiers, comments and dollar-quoted bodies a colon
//! is text (a parameter in the quoted query of an UNLOAD is not found by the service either), and
//! `::` is a cast.
//!
//! Invariant: the places are in ascending order, do not overlap, and each is on character boundaries.

use std::ops::Range;

/// One named parameter in a statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The name without the colon.
    pub name: String,
    /// The bytes of the text that it takes, colon included.
    pub range: Range<usize>,
}

/// Finds the named parameters of a statement, in the order of the text. One that occurs twice is
/// found twice.
#[must_use]
pub fn placeholders(sql: &str) -> Vec<Placeholder> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        at = match bytes[at] {
            b'\'' => quoted_end(bytes, at, b'\'', true),
            b'"' => quoted_end(bytes, at, b'"', false),
            b'-' if bytes.get(at + 1) == Some(&b'-') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => comment_end(bytes, at),
            b'$' => dollar_end(bytes, at),
            b':' if bytes.get(at + 1) == Some(&b':') => at + 2,
            // `:=` is an assignment; only a name makes a parameter.
            b':' => {
                let end = name_end(bytes, at + 1);
                if end > at + 1 {
                    found.push(Placeholder { name: sql[at + 1..end].to_owned(), range: at..end });
                }
                end.max(at + 1)
            }
            // A name is skipped as a whole, so that `a$1$b` opens no dollar quote.
            byte if is_name(byte) => name_or_dollar_end(bytes, at),
            _ => at + 1,
        };
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn name_end(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..].iter().take_while(|byte| is_name(**byte));
    from + length.count()
}

fn name_or_dollar_end(bytes: &[u8], from: usize) -> usize {
    let length = bytes[from..].iter().take_while(|byte| is_name(**byte) || **byte == b'$');
    from + length.count()
}

/// The end of a quoted text whose quote is doubled to stand for itself; in string constants a
/// backslash escapes too, as it does in Redshift.
fn quoted_end(bytes: &[u8], start: usize, quote: u8, backslash: bool) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        if backslash && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    let length = bytes[start..].iter().take_while(|byte| **byte != b'\n');
    start + length.count()
}

/// The end of a comment; comments nest.
fn comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The end of a dollar-quoted body that opens at `start`, or the byte behind a lone dollar sign.
fn dollar_end(bytes: &[u8], start: usize) -> usize {
    let tag = name_end(bytes, start + 1);
    let is_tag = bytes.get(tag) == Some(&b'$') && !bytes.get(start + 1).is_some_and(u8::is_ascii_digit);
    if !is_tag {
        return start + 1;
    }
    let delimiter = &bytes[start..=tag];
    let body = tag + 1;
    bytes[body..]
        .windows(delimiter.len())
        .position(|window| window == delimiter)
        .map_or(bytes.len(), |found| body + found + delimiter.len())
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn finds_parameters_and_nothing_else() {
        for (sql, expected) in [
            ("SELECT :a, :b_2, :1x, :a", &["a", "b_2", "1x", "a"][..]),
            ("SELECT x::int, :a::date", &["a"]),
            ("unload ('select :id') to 's3'", &[]),
            ("SELECT 'it''s :x', 'a\\':y', :z", &["z"]),
            (r#"SELECT "a:b""c:d", :e"#, &["e"]),
            ("-- :no\nSELECT :yes /* :no /* :no */ :no */", &["yes"]),
            ("DO $$ x := :no $$ , :yes", &["yes"]),
            ("DO $tag$ $$ :no $tag$ :yes", &["yes"]),
            ("a := 1 : b", &[]),
            ("SELECT $1, :a", &["a"]),
            ("SELECT 'ä', :ä, :a", &["a"]),
            (":", &[]),
            ("'open :x", &[]),
            ("/* open :x", &[]),
            ("'ends with a backslash\\", &[]),
        ] {
            let found = placeholders(sql);
            let names: Vec<_> = found.iter().map(|found| found.name.as_str()).collect();
            assert_eq!(names, expected, "{sql}");
            for place in &found {
                assert_eq!(sql[place.range.clone()], format!(":{}", place.name));
            }
        }
    }
}
