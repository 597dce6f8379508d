//! Columns from a dump: the `CREATE TABLE` statements of mysqldump, `SHOW CREATE TABLE`,
//! pg_dump and hand-written DDL.
//!
//! The text is split into tokens by sqlparser with the database's dialect, so that quotes,
//! comments and MySQL's version comments are understood. Of each statement only what matters
//! here is read: names, types, nullability and the key. Everything else (indexes, engines,
//! partitions, defaults, other statements, the data) is passed over, so a dump is not refused
//! for a clause that means nothing to a target table.

mod cursor;
mod identity;
mod options;

use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use cursor::Cursor;
use options::{ColumnOptions, OPTIONS, table_charset};

use super::source_type::SqlType;
use super::{SourceColumn, SourceSql, SourceTable, SourceTables, TableName};
use crate::error::{Classify, ErrorKind};
use crate::pipeline::Connector;

/// What is wrong with a dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// The text is no SQL of this database: a quote or comment is not closed.
    #[error("dump {file}, line {line}: {message}; write it without data (mysqldump --no-data, pg_dump --schema-only)")]
    Unreadable {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What the tokenizer says.
        message: String,
    },
    /// A table's statement that cannot be followed.
    #[error("dump {file}, line {line}: table {table}: {message}")]
    Table {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The table.
        table: String,
        /// What was expected.
        message: &'static str,
    },
    /// Neither the file nor the text says which database it is from.
    #[error("dump {file}: cannot tell whether this is MySQL, MariaDB or PostgreSQL; set `source.connector`")]
    UnknownDialect {
        /// The file's name.
        file: String,
    },
}

impl Classify for DumpError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}

/// Which database a text is from, by what only one of them writes. None when nothing tells.
pub(super) fn recognise(sql: &str) -> Option<Connector> {
    let upper = sql.to_uppercase();
    let any = |signs: &[&str]| signs.iter().any(|sign| upper.contains(sign));
    let is_mysql = sql.contains('`')
        || any(&[
            "ENGINE=",
            "AUTO_INCREMENT",
            "DATETIME",
            "UNSIGNED",
            "TINYINT",
            "MEDIUMINT",
            "MEDIUMTEXT",
            "LONGTEXT",
            "VARBINARY",
        ]);
    let is_postgres = any(&[
        "TIMESTAMPTZ",
        "BYTEA",
        "SERIAL",
        "JSONB",
        "CHARACTER VARYING",
        "TIME ZONE",
        "OWNER TO",
        "SEARCH_PATH",
        "CREATE TABLE \"",
        "CREATE TABLE PUBLIC.",
    ]);
    match (is_mysql, is_postgres) {
        (true, false) => Some(Connector::Mysql),
        (false, true) => Some(Connector::Postgresql),
        _ => None,
    }
}

/// Reads the tables of a dump. Later statements of one table replace earlier ones.
///
/// # Errors
///
/// The first place that cannot be followed.
pub(super) fn tables(file: &str, sql: &str, connector: Connector) -> Result<SourceTables, DumpError> {
    let is_postgres = connector == Connector::Postgresql;
    let text = if is_postgres { without_data(sql) } else { sql.to_owned() };
    let dialect: &dyn Dialect = if is_postgres { &PostgreSqlDialect {} } else { &MySqlDialect {} };
    let tokens = Tokenizer::new(dialect, &text).tokenize_with_location().map_err(|error| DumpError::Unreadable {
        file: file.to_owned(),
        line: error.location.line,
        message: error.message,
    })?;
    let tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)).collect();
    let mut reader = Reader::new(file, is_postgres);
    for statement in tokens.split(|token| token.token == Token::SemiColon) {
        reader.statement(statement)?;
    }
    Ok(reader.finish())
}

/// Replaces the data of `COPY … FROM stdin` and psql's own commands by empty lines.
fn without_data(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut in_data = false;
    for line in sql.lines() {
        let upper = line.trim_end().to_uppercase();
        if in_data {
            in_data = line.trim_end() != "\\.";
        } else if !line.starts_with('\\') {
            text.push_str(line);
            in_data = upper.starts_with("COPY ") && upper.ends_with("FROM STDIN;");
        }
        text.push('\n');
    }
    text
}

/// A table as it is read, its types not yet mapped: enums and domains may follow later.
struct Found {
    name: TableName,
    columns: Vec<(String, SqlType, bool)>,
    key: Vec<String>,
    /// The columns of the index that is the replica identity.
    identity: Option<Vec<String>>,
    charset: Option<String>,
}

struct Reader<'f> {
    file: &'f str,
    is_postgres: bool,
    database: Option<String>,
    enums: Vec<String>,
    domains: Vec<(String, SqlType)>,
    unique_indexes: Vec<(String, Vec<String>)>,
    found: Vec<Found>,
}

impl<'f> Reader<'f> {
    fn new(file: &'f str, is_postgres: bool) -> Self {
        Self {
            file,
            is_postgres,
            database: None,
            enums: Vec::new(),
            domains: Vec::new(),
            unique_indexes: Vec::new(),
            found: Vec::new(),
        }
    }
}

impl Reader<'_> {
    fn statement(&mut self, tokens: &[TokenWithSpan]) -> Result<(), DumpError> {
        let mut cursor = Cursor { tokens };
        if cursor.take_word(&["USE"]).is_some() {
            self.database = self.identifier(&mut cursor);
        } else if cursor.take_word(&["ALTER"]).is_some() {
            self.alter_table(&mut cursor);
        } else if cursor.take_word(&["CREATE"]).is_some() {
            while cursor.take_word(&["OR", "REPLACE", "UNLOGGED", "GLOBAL", "LOCAL"]).is_some() {}
            if cursor.take_word(&["TABLE"]).is_some() {
                self.create_table(&mut cursor)?;
            } else if cursor.take_word(&["UNIQUE"]).is_some() {
                self.unique_index(&mut cursor);
            } else if cursor.take_word(&["TYPE"]).is_some() {
                let name = self.name(&mut cursor);
                let is_enum = cursor.take_word(&["AS"]).is_some() && cursor.take_word(&["ENUM"]).is_some();
                if let Some(name) = name.filter(|_| is_enum) {
                    self.enums.push(name.table.to_uppercase());
                }
            } else if cursor.take_word(&["DOMAIN"]).is_some() {
                let name = self.name(&mut cursor);
                cursor.take_word(&["AS"]);
                if let (Some(name), Some(sql)) = (name, self.sql_type(&mut cursor)) {
                    self.domains.push((name.table.to_uppercase(), sql));
                }
            }
        }
        Ok(())
    }

    fn create_table(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DumpError> {
        let line = cursor.line();
        while cursor.take_word(&["IF", "NOT", "EXISTS"]).is_some() {}
        let Some(name) = self.name(cursor) else {
            return Err(self.error(line, "?", "expected the table's name"));
        };
        // Partitions of another table, copies and the like have no columns of their own.
        if cursor.peek() != Some(&Token::LParen) {
            return Ok(());
        }
        let shown = name.to_string();
        let Some(body) = cursor.parenthesised() else {
            return Err(self.error(line, &shown, "expected a closing parenthesis"));
        };
        let mut found =
            Found { name, columns: Vec::new(), key: Vec::new(), identity: None, charset: table_charset(cursor) };
        for mut element in body.elements() {
            let line = element.line();
            if self.is_table_clause(&element) {
                continue;
            }
            let is_constraint = element.take_word(&["CONSTRAINT"]).is_some();
            if is_constraint
                && !matches!(element.peek(), Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("PRIMARY"))
            {
                self.identifier(&mut element);
            }
            if element.take_word(&["PRIMARY"]).is_some() {
                found.key = self.key_columns(&mut element);
                if found.key.is_empty() {
                    return Err(self.error(line, &shown, "expected the key's columns"));
                }
                continue;
            }
            if is_constraint {
                continue;
            }
            let Some(column) = self.identifier(&mut element) else {
                return Err(self.error(line, &shown, "expected a column's name"));
            };
            let Some(sql) = self.sql_type(&mut element) else {
                return Err(self.error(line, &shown, "expected a column's type"));
            };
            let options = ColumnOptions::read(&mut element);
            if options.is_key {
                found.key = vec![column.clone()];
            }
            let sql = SqlType {
                charset: options.charset,
                is_generated: options.is_generated,
                default: options.default,
                ..sql
            };
            found.columns.push((column, sql, options.nullable));
        }
        // `LIKE other` copies columns that are not written here.
        if !found.columns.is_empty() {
            self.found.retain(|earlier| earlier.name != found.name);
            self.found.push(found);
        }
        Ok(())
    }

    /// Whether an element of the table's list is an index, a constraint without a name, or
    /// another clause that is no column. Words that are not reserved may be a column's name.
    fn is_table_clause(&self, element: &Cursor<'_>) -> bool {
        let mut rest = Cursor { tokens: element.tokens };
        let reserved: &[&str] = if self.is_postgres {
            &["UNIQUE", "FOREIGN", "CHECK", "LIKE"]
        } else {
            &["KEY", "INDEX", "UNIQUE", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "LIKE"]
        };
        if rest.take_word(reserved).is_some() {
            return true;
        }
        if rest.take_word(&["EXCLUDE"]).is_some() {
            return rest.peek() == Some(&Token::LParen) || rest.take_word(&["USING"]).is_some();
        }
        rest.take_word(&["PERIOD"]).is_some() && rest.take_word(&["FOR"]).is_some()
    }

    /// pg_dump adds keys by `ALTER TABLE ONLY public.t ADD CONSTRAINT n PRIMARY KEY (…)`.
    fn alter_table(&mut self, cursor: &mut Cursor<'_>) {
        if cursor.take_word(&["TABLE"]).is_none() {
            return;
        }
        while cursor.take_word(&["ONLY", "IF", "EXISTS"]).is_some() {}
        let Some(name) = self.name(cursor) else {
            return;
        };
        if cursor.take_word(&["ADD"]).is_none() {
            return self.replica_identity(cursor, &name);
        }
        let constraint = cursor.take_word(&["CONSTRAINT"]).and_then(|_| self.identifier(cursor));
        if let Some(index) = constraint.filter(|_| cursor.take_word(&["UNIQUE"]).is_some()) {
            let columns = self.key_columns(cursor);
            self.unique_indexes.push((index, columns));
        } else if cursor.take_word(&["PRIMARY"]).is_some() {
            let key = self.key_columns(cursor);
            if let Some(found) = self.found.iter_mut().find(|found| found.name == name) {
                found.key = key;
            }
        }
    }

    /// The columns in the parentheses behind `PRIMARY`: MySQL allows lengths and orders there.
    fn key_columns(&self, cursor: &mut Cursor<'_>) -> Vec<String> {
        while cursor.peek().is_some_and(|token| *token != Token::LParen) {
            cursor.next();
        }
        cursor
            .parenthesised()
            .map(|inner| inner.elements())
            .unwrap_or_default()
            .iter_mut()
            .filter_map(|element| self.identifier(element))
            .collect()
    }

    /// A type: words and arguments up to the first option of the column.
    fn sql_type(&self, cursor: &mut Cursor<'_>) -> Option<SqlType> {
        let mut sql = SqlType::default();
        let mut words: Vec<String> = Vec::new();
        loop {
            match cursor.peek() {
                Some(Token::Word(word)) => {
                    let upper = word.value.to_uppercase();
                    let is_option = word.quote_style.is_none()
                        && OPTIONS.contains(&upper.as_str())
                        && words.last().is_some_and(|last| last != "NATIONAL");
                    if is_option {
                        break;
                    }
                    // PostgreSQL's "char" is another type than char.
                    words.push(if word.quote_style.is_some() && upper == "CHAR" { "NAME".to_owned() } else { upper });
                    cursor.next();
                    // A type may be qualified by its schema, which does not matter here.
                    if cursor.take(&Token::Period) {
                        words.pop();
                    }
                }
                Some(Token::LParen) => {
                    for element in cursor.parenthesised()?.elements() {
                        match element.tokens {
                            [only] => match &only.token {
                                Token::Number(number, _) => {
                                    sql.arguments.push(number.parse().ok()?);
                                }
                                Token::SingleQuotedString(value) | Token::DoubleQuotedString(value) => {
                                    sql.values.push(value.clone());
                                }
                                _ => {}
                            },
                            [sign, digits] if sign.token == Token::Minus => {
                                if let Token::Number(number, _) = &digits.token {
                                    sql.arguments.push(-number.parse::<i64>().ok()?);
                                }
                            }
                            _ => {}
                        }
                    }
                }
                Some(Token::LBracket) => {
                    sql.is_array = true;
                    while cursor.next().is_some_and(|token| *token != Token::RBracket) {}
                }
                _ => break,
            }
        }
        sql.name = words.join(" ");
        (!sql.name.is_empty()).then_some(sql)
    }

    /// `table`, `schema.table` or `database.schema.table`.
    fn name(&self, cursor: &mut Cursor<'_>) -> Option<TableName> {
        let mut parts = vec![self.identifier(cursor)?];
        while cursor.take(&Token::Period) {
            parts.push(self.identifier(cursor)?);
        }
        let table = parts.pop()?;
        Some(TableName { container: parts.pop().or_else(|| self.database.clone()), table })
    }

    /// A name. PostgreSQL folds unquoted names to lower case.
    fn identifier(&self, cursor: &mut Cursor<'_>) -> Option<String> {
        match cursor.peek()? {
            Token::Word(word) => {
                let name = if self.is_postgres && word.quote_style.is_none() {
                    word.value.to_lowercase()
                } else {
                    let quote = word.quote_style.unwrap_or('"');
                    // The tokenizer leaves doubled quotes as they are in some dialects.
                    word.value.replace(&format!("{quote}{quote}"), &quote.to_string())
                };
                cursor.next();
                Some(name)
            }
            // MySQL with ANSI_QUOTES writes names in double quotes.
            Token::DoubleQuotedString(name) => {
                cursor.next();
                Some(name.clone())
            }
            _ => None,
        }
    }

    fn error(&self, line: u64, table: &str, message: &'static str) -> DumpError {
        DumpError::Table { file: self.file.to_owned(), line, table: table.to_owned(), message }
    }

    /// What a domain is in the end. The connector does not send arrays of domains.
    fn base(&self, sql: &SqlType) -> SqlType {
        let mut base = sql.clone();
        // A domain's domain, and so on; no domain contains itself.
        for _ in 0..self.domains.len() {
            match self.domains.iter().find(|(domain, _)| *domain == base.name && !base.is_array) {
                Some((_, next)) => {
                    base = SqlType { is_generated: sql.is_generated, default: sql.default.clone(), ..next.clone() }
                }
                None => break,
            }
        }
        base
    }

    /// Maps the types, now that all enums and domains are known.
    fn finish(self) -> SourceTables {
        let mut tables = SourceTables::default();
        for found in &self.found {
            let key = found.identity.as_ref().unwrap_or(&found.key);
            let columns = found
                .columns
                .iter()
                .map(|(name, sql, nullable)| {
                    let base = self.base(sql);
                    let own = if self.is_postgres {
                        let is_enum = self.enums.contains(&base.name);
                        SourceSql { sql: base, is_postgres: true, is_enum }
                    } else {
                        let sql = SqlType {
                            name: without_boolean(&base.name),
                            charset: base.charset.clone().or_else(|| found.charset.clone()),
                            ..base.clone()
                        };
                        SourceSql { sql, is_postgres: false, is_enum: false }
                    };
                    let nullable = *nullable && !key.contains(name);
                    SourceColumn::of_sql(name, own, nullable, sql.display())
                })
                .collect();
            tables.insert(found.name.clone(), SourceTable { columns, key: key.clone() });
        }
        tables
    }
}

/// The server keeps BOOLEAN as TINYINT(1), which is what the connector's snapshot then reads.
fn without_boolean(name: &str) -> String {
    match name {
        "BOOL" | "BOOLEAN" => "TINYINT".to_owned(),
        other => other.to_owned(),
    }
}

/// A type on its own, such as a declared column's. None when it is no type.
pub(super) fn declared_type(text: &str, connector: Connector) -> Option<SqlType> {
    let dialect: &dyn Dialect = match connector {
        Connector::Postgresql => &PostgreSqlDialect {},
        Connector::Mysql | Connector::Mariadb => &MySqlDialect {},
    };
    let tokens: Vec<TokenWithSpan> = Tokenizer::new(dialect, text)
        .tokenize_with_location()
        .ok()?
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF))
        .collect();
    let reader = Reader::new("", connector == Connector::Postgresql);
    let mut cursor = Cursor { tokens: &tokens };
    let sql = reader.sql_type(&mut cursor)?;
    let options = ColumnOptions::read(&mut cursor);
    Some(SqlType { charset: options.charset, is_generated: options.is_generated, ..sql })
}
