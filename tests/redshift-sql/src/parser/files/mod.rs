//! COPY and UNLOAD: what their grammars share.
//!
//! Options come in any order, each once, with or without commas. Strings are read as they are written: `'\t'` and `'\N'` mean
//! something to COPY, and not what they mean in other statements.

mod copy;
mod unload;

use super::{Parsed, Parser};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::files::Compression;

/// The words of options that were given, to refuse them twice or together.
#[derive(Default)]
struct Given(Vec<&'static str>);

impl Given {
    fn add(&mut self, word: &'static str) -> Result<(), SqlError> {
        if self.0.contains(&word) {
            return Err(SqlError::syntax(format!("conflicting or redundant options: {word}")));
        }
        self.0.push(word);
        Ok(())
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    /// The first of two options that the guide does not let stand together.
    fn clash(&self, pairs: &[(&str, &str)]) -> Result<(), SqlError> {
        match pairs.iter().find(|(a, b)| self.has(a) && self.has(b)) {
            None => Ok(()),
            Some((a, b)) => Err(SqlError::new("0A000", format!("{a} cannot be used with {b}"))),
        }
    }
}

impl Parser<'_> {
    /// A string as it is written, without its quotes; `''` is a quote.
    fn raw_string(&mut self) -> Parsed<String> {
        let token = self.token();
        if !matches!(token.kind, Kind::Text(_)) {
            return self.string();
        }
        let written = &self.text[token.start..token.end];
        let raw = match written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(inside) => inside.replace("''", "'").replace("\\'", "'"),
            None => return Err(self.unexpected()),
        };
        self.advance();
        Ok(raw)
    }

    /// `[ AS ] 'string'`.
    fn as_string(&mut self) -> Parsed<String> {
        self.eat_word("AS");
        self.raw_string()
    }

    /// `[ AS ] number`.
    fn as_number(&mut self) -> Parsed<u64> {
        self.eat_word("AS");
        self.unsigned()
    }

    /// ON, TRUE, OFF or FALSE; nothing is ON.
    fn switch(&mut self) -> bool {
        if self.eat_word("OFF") || self.eat_word("FALSE") {
            return false;
        }
        let _ = self.eat_word("ON") || self.eat_word("TRUE");
        true
    }

    /// "Authorization parameters": read and forgotten. True if there was one.
    fn authorization(&mut self) -> Parsed<bool> {
        if self.eat_word("IAM_ROLE") {
            if !self.eat_word("DEFAULT") {
                self.raw_string()?;
            }
            return Ok(true);
        }
        if self.is_words(&["WITH", "CREDENTIALS"]) {
            self.advance();
        }
        for word in ["CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"] {
            if self.eat_word(word) {
                self.as_string()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// REGION, which means nothing here, and what is refused in both statements.
    fn common_option(&mut self, given: &mut Given) -> Parsed<bool> {
        if self.eat_word("REGION") {
            given.add("REGION")?;
            self.as_string()?;
            return Ok(true);
        }
        for word in ["ENCRYPTED", "MASTER_SYMMETRIC_KEY", "KMS_KEY_ID", "BZIP2", "LZOP", "PARQUET", "ORC", "AVRO"] {
            if self.is_word(word) {
                return self.refuse(SqlError::not_in_stand_in(word));
            }
        }
        Ok(false)
    }

    fn compression(&mut self, given: &mut Given) -> Parsed<Option<Compression>> {
        let (word, compression) = if self.is_word("GZIP") {
            ("GZIP", Compression::Gzip)
        } else if self.is_word("ZSTD") {
            ("ZSTD", Compression::Zstd)
        } else {
            return Ok(None);
        };
        self.advance();
        given.add(word)?;
        given.clash(&[("GZIP", "ZSTD")])?;
        Ok(Some(compression))
    }
}

/// `'label:width,label:width'` as widths.
fn widths(specification: &str) -> Result<Vec<usize>, SqlError> {
    let width = |part: &str| part.rsplit_once(':').and_then(|(_, width)| width.trim().parse().ok()).filter(|w| *w > 0);
    specification
        .split(',')
        .map(|part| width(part).ok_or_else(|| SqlError::syntax("FIXEDWIDTH needs the form 'label:width,label:width'")))
        .collect()
}

/// A delimiter as it is written: `\t` and the like, `\ddd` in octal digits, or the characters themselves.
fn delimiter(written: &str) -> Result<String, SqlError> {
    let mut out = String::new();
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        while digits.len() < 3 && rest.peek().is_some_and(|c| c.is_digit(8)) {
            digits.extend(rest.next());
        }
        if digits.is_empty() {
            out.push(match rest.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => '\\',
            });
        } else {
            let code = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32);
            out.push(code.filter(char::is_ascii).ok_or_else(|| SqlError::not_in_stand_in("a delimiter beyond ASCII"))?);
        }
    }
    if out.is_empty() || out.contains('\n') || out.contains('\0') {
        return Err(SqlError::syntax("the delimiter must be one or more characters, none of them a newline"));
    }
    Ok(out)
}
