//! What is written behind a column's type and behind a table's columns, as far as it matters:
//! nullability, an inline key, the character set and a constant default.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;

/// The words that end a column's type. `CHARACTER` begins a type and an option; as an option
/// it never comes first.
pub(super) const OPTIONS: [&str; 33] = [
    "NOT",
    "NULL",
    "DEFAULT",
    "AUTO_INCREMENT",
    "COMMENT",
    "CHARSET",
    "COLLATE",
    "GENERATED",
    "AS",
    "ON",
    "PRIMARY",
    "UNIQUE",
    "KEY",
    "CHECK",
    "CONSTRAINT",
    "REFERENCES",
    "INVISIBLE",
    "VISIBLE",
    "STORED",
    "VIRTUAL",
    "PERSISTENT",
    "SRID",
    "STORAGE",
    "COMPRESSED",
    "COMPRESSION",
    "COLUMN_FORMAT",
    "ASCII",
    "UNICODE",
    "WITHOUT_SYSTEM_VERSIONING",
    "REF_SYSTEM_ID",
    "VALUES",
    "CHARACTER",
    "ENCRYPTED",
];

/// What is behind a column's type, as far as it matters.
pub(super) struct ColumnOptions {
    pub(super) nullable: bool,
    pub(super) is_key: bool,
    /// Computed from other columns of the row; an identity is not.
    pub(super) is_generated: bool,
    pub(super) charset: Option<String>,
    /// The default, where it is a constant.
    pub(super) default: Option<String>,
}

impl ColumnOptions {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Self {
        let mut options = Self { nullable: true, is_key: false, is_generated: false, charset: None, default: None };
        while cursor.peek().is_some() {
            if cursor.parenthesised().is_some() {
                // A default, a generated column's or a check's expression.
            } else if cursor.take_word(&["GENERATED"]).is_some() {
                while cursor.take_word(&["ALWAYS", "AS"]).is_some() {}
                options.is_generated = cursor.peek() == Some(&Token::LParen);
            } else if cursor.take_word(&["NOT"]).is_some() {
                if cursor.take_word(&["NULL"]).is_some() {
                    options.nullable = false;
                }
            } else if cursor.take_word(&["PRIMARY"]).is_some() {
                options.is_key = true;
                options.nullable = false;
            } else if cursor.take_word(&["DEFAULT"]).is_some() {
                options.default = constant(&mut Cursor { tokens: cursor.tokens });
                if cursor.peek() != Some(&Token::LParen) {
                    cursor.next();
                }
            } else if cursor.take_word(&["COMMENT"]).is_some() {
                if cursor.peek() != Some(&Token::LParen) {
                    cursor.next();
                }
            } else if cursor.take_word(&["CHARSET"]).is_some()
                || (cursor.take_word(&["CHARACTER"]).is_some() && cursor.take_word(&["SET"]).is_some())
            {
                options.charset = charset_name(cursor);
            } else {
                cursor.next();
            }
        }
        options
    }
}

/// A number, a text or a truth value, in whatever type it is said to be: `'0'::smallint`. None if
/// there is anything else, which may make an expression of it.
fn constant(cursor: &mut Cursor<'_>) -> Option<String> {
    let value = match cursor.parenthesised() {
        Some(mut inner) => constant(&mut inner)?,
        None => {
            let sign = if cursor.take(&Token::Minus) { "-" } else { "" };
            match cursor.next()? {
                Token::Number(digits, _) => format!("{sign}{digits}"),
                Token::SingleQuotedString(text) if sign.is_empty() => text.clone(),
                Token::Word(word) if sign.is_empty() && word.quote_style.is_none() => {
                    let word = word.value.to_lowercase();
                    ["true", "false"].contains(&word.as_str()).then_some(word)?
                }
                _ => return None,
            }
        }
    };
    while cursor.take(&Token::DoubleColon) {
        while cursor.peek().is_some() && cursor.peek() != Some(&Token::DoubleColon) {
            if cursor.parenthesised().is_none() {
                match cursor.peek()? {
                    Token::Word(word)
                        if word.quote_style.is_none()
                            && OPTIONS.contains(&word.value.to_uppercase().as_str())
                            && !word.value.eq_ignore_ascii_case("CHARACTER") =>
                    {
                        return Some(value);
                    }
                    Token::Word(_) | Token::Period | Token::LBracket | Token::RBracket => cursor.next(),
                    _ => return None,
                };
            }
        }
    }
    match cursor.peek() {
        None => Some(value),
        Some(Token::Word(word)) if OPTIONS.contains(&word.value.to_uppercase().as_str()) => Some(value),
        Some(_) => None,
    }
}

fn charset_name(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.take(&Token::Eq);
    match cursor.next()? {
        Token::Word(word) => Some(word.value.to_lowercase()),
        Token::SingleQuotedString(name) => Some(name.to_lowercase()),
        _ => None,
    }
}

/// `DEFAULT CHARSET=utf8mb4` behind the table's columns.
pub(super) fn table_charset(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut options = Cursor { tokens: cursor.tokens };
    while options.peek().is_some() {
        if options.take_word(&["CHARSET"]).is_some()
            || (options.take_word(&["CHARACTER"]).is_some() && options.take_word(&["SET"]).is_some())
        {
            return charset_name(&mut options);
        }
        options.next();
    }
    None
}
