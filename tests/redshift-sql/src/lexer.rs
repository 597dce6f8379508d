//! Tokens of Redshift SQL, and the cutting of scripts into statements.
//!
//! Comments (nested `/* */` as in PostgreSQL) and blanks are dropped here. Invariant: offsets are byte offsets into the text given,
//! on character boundaries.

use crate::error::SqlError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An unquoted word, as written.
    Word(String),
    /// A quoted identifier, without its quotes.
    Quoted(String),
    /// A string constant, unescaped.
    Text(String),
    /// A dollar-quoted string: its content.
    Dollar(String),
    /// A number.
    Number(String),
    /// `$1`.
    Argument(usize),
    /// `:name`.
    Named(String),
    /// An operator or punctuation.
    Symbol(&'static str),
    End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Longest first, so that the first match is the longest.
const SYMBOLS: &[&str] = &[
    "!~*", "||/", "::", ":=", "..", "<<", ">>", "<=", ">=", "<>", "!=", "||", "|/", "!~", "~*", "(", ")", "[", "]",
    ",", ";", ".", "+", "-", "*", "/", "%", "^", "<", ">", "=", "~", "@", "#", "&", "|", "!", ":", "?", "{", "}",
];

/// Line of a byte offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

fn unterminated(what: &str, text: &str, at: usize) -> SqlError {
    let near: String = text[at..].chars().take(20).collect();
    SqlError::syntax(format!("unterminated {what} at or near \"{near}\"")).at(at, line_of(text, at))
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_word(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == '$'
}

/// End of the blanks and comments that start at `at`.
fn skip_blank(text: &str, mut at: usize) -> Result<usize, SqlError> {
    let bytes = text.as_bytes();
    loop {
        while at < bytes.len() && (bytes[at].is_ascii_whitespace() || bytes[at] == 0x0b) {
            at += 1;
        }
        if text[at..].starts_with('\u{feff}') || text[at..].starts_with('\u{a0}') {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        } else if text[at..].starts_with("--") {
            at = text[at..].find('\n').map_or(text.len(), |n| at + n + 1);
        } else if text[at..].starts_with("/*") {
            let start = at;
            let mut depth = 0_usize;
            loop {
                if at >= bytes.len() {
                    return Err(unterminated("/* comment", text, start));
                }
                if text.as_bytes()[at..].starts_with(b"/*") {
                    depth += 1;
                    at += 2;
                } else if text.as_bytes()[at..].starts_with(b"*/") {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else {
            return Ok(at);
        }
    }
}

/// Redshift accepts backslash escapes in ordinary strings: it descends from PostgreSQL 8, where they are on.
fn unescape(text: &str, at: usize) -> Result<(String, usize), SqlError> {
    let mut out = String::new();
    let mut chars = text[at + 1..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        match c {
            '\'' => {
                if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                    chars.next();
                    out.push('\'');
                } else {
                    return Ok((out, at + 1 + offset + 1));
                }
            }
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, 'b')) => out.push('\u{8}'),
                Some((_, 'f')) => out.push('\u{c}'),
                Some((_, digit @ '0'..='7')) => {
                    let mut value = u32::from(digit) - u32::from('0');
                    for _ in 0..2 {
                        match chars.peek() {
                            Some((_, next @ '0'..='7')) => {
                                value = value * 8 + (u32::from(*next) - u32::from('0'));
                                chars.next();
                            }
                            _ => break,
                        }
                    }
                    match char::from_u32(value).filter(|c| c.is_ascii() && *c != '\0') {
                        Some(c) => out.push(c),
                        None => {
                            return Err(SqlError::unsupported(
                                "an octal escape beyond ASCII in a string constant is not supported by this stand-in",
                            ));
                        }
                    }
                }
                Some((_, other)) => out.push(other),
                None => break,
            },
            '\0' => {
                return Err(SqlError::syntax("a zero byte in a string constant is not allowed"));
            }
            other => out.push(other),
        }
    }
    Err(unterminated("quoted string", text, at))
}

/// `$tag$ … $tag$` at `at`: content range and end.
fn dollar(text: &str, at: usize) -> Option<Result<(usize, usize, usize), SqlError>> {
    let rest = &text[at + 1..];
    let tag_end = rest.find(|c: char| !is_word(c) || c == '$')?;
    if !rest[tag_end..].starts_with('$') || rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let delimiter = &text[at..at + tag_end + 2];
    let content = at + delimiter.len();
    Some(match text[content..].find(delimiter) {
        Some(n) => Ok((content, content + n, content + n + delimiter.len())),
        None => Err(unterminated("dollar-quoted string", text, at)),
    })
}

/// A constant goes on behind a line's end, as in PostgreSQL; comments may stand between.
fn continuation(text: &str, end: usize) -> Option<usize> {
    let mut rest = text[end..].trim_ascii_start();
    while rest.starts_with("--") {
        rest = rest[rest.find('\n')?..].trim_ascii_start();
    }
    let next = text.len() - rest.len();
    (rest.starts_with('\'') && text[end..next].contains('\n')).then_some(next)
}

/// Reads one token at `at`, which is not blank.
fn token(text: &str, at: usize) -> Result<Token, SqlError> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else {
        return Ok(Token { kind: Kind::End, start: at, end: at });
    };
    let make = |kind, end| Ok(Token { kind, start: at, end });
    if first == '\'' {
        let (mut value, mut end) = unescape(text, at)?;
        while let Some(next) = continuation(text, end) {
            let (more, stop) = unescape(text, next)?;
            value.push_str(&more);
            end = stop;
        }
        return make(Kind::Text(value), end);
    }
    if first == '"' {
        let mut out = String::new();
        let mut chars = rest[1..].char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            if c == '"' {
                if chars.peek().is_some_and(|(_, next)| *next == '"') {
                    chars.next();
                } else {
                    if out.is_empty() {
                        return Err(SqlError::syntax("zero-length delimited identifier at or near \"\"\"\"")
                            .at(at, line_of(text, at)));
                    }
                    return make(Kind::Quoted(out), at + 1 + offset + 1);
                }
            }
            if c == '\0' {
                break;
            }
            out.push(c);
        }
        return Err(unterminated("quoted identifier", text, at));
    }
    if first == '$' {
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
        if digits > 0 {
            let number = rest[1..=digits].parse().unwrap_or(usize::MAX);
            return make(Kind::Argument(number), at + 1 + digits);
        }
        if let Some(found) = dollar(text, at) {
            let (start, stop, end) = found?;
            return make(Kind::Dollar(text[start..stop].to_owned()), end);
        }
    }
    if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
        let bytes = rest.as_bytes();
        let mut n = 0;
        while n < bytes.len() && bytes[n].is_ascii_digit() {
            n += 1;
        }
        // `1..10` is a range, not a number with a point.
        if n < bytes.len() && bytes[n] == b'.' && bytes.get(n + 1) != Some(&b'.') {
            n += 1;
            while n < bytes.len() && bytes[n].is_ascii_digit() {
                n += 1;
            }
        }
        if n < bytes.len() && (bytes[n] == b'e' || bytes[n] == b'E') {
            let sign = usize::from(matches!(bytes.get(n + 1), Some(b'+' | b'-')));
            let mut m = n + 1 + sign;
            if bytes.get(m).is_some_and(u8::is_ascii_digit) {
                while m < bytes.len() && bytes[m].is_ascii_digit() {
                    m += 1;
                }
                n = m;
            }
        }
        return make(Kind::Number(rest[..n].to_owned()), at + n);
    }
    if is_word_start(first) || (first == '#' && rest[1..].starts_with(is_word_start)) {
        let skip = first.len_utf8();
        let end = rest[skip..].find(|c: char| !is_word(c)).map_or(rest.len(), |n| n + skip);
        let word = &rest[..end];
        if rest[end..].starts_with('\'') && matches!(word, "e" | "E") {
            let (value, stop) = unescape(text, at + end)?;
            return make(Kind::Text(value), stop);
        }
        return make(Kind::Word(word.to_owned()), at + end);
    }
    if first == ':' && rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        let end = rest[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(rest.len(), |n| n + 1);
        return make(Kind::Named(rest[1..end].to_owned()), at + end);
    }
    for symbol in SYMBOLS {
        if rest.starts_with(symbol) {
            return make(Kind::Symbol(symbol), at + symbol.len());
        }
    }
    Err(SqlError::syntax(format!("syntax error at or near \"{first}\"")).at(at, line_of(text, at)))
}

/// All tokens of a text, with a final `End`.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        at = skip_blank(text, at)?;
        let next = token(text, at)?;
        at = next.end;
        let done = next.kind == Kind::End;
        out.push(next);
        if done {
            return Ok(out);
        }
    }
}

pub(crate) fn split(text: &str) -> Result<Vec<&str>, SqlError> {
    let mut out = Vec::new();
    let mut start = None;
    let mut last_end = 0;
    let mut at = 0;
    loop {
        at = skip_blank(text, at)?;
        let next = token(text, at)?;
        at = next.end;
        match next.kind {
            Kind::End | Kind::Symbol(";") => {
                if let Some(from) = start.take() {
                    out.push(&text[from..last_end]);
                }
                if next.kind == Kind::End {
                    return Ok(out);
                }
            }
            _ => {
                start.get_or_insert(next.start);
                last_end = next.end;
            }
        }
    }
}
