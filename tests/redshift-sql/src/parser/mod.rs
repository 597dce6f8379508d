//! Recursive-descent parser: the cursor over tokens, names, and the entry points.
//!
//! The grammar is Redshift's (Redshift Database Developer Guide, "SQL commands"). What PostgreSQL has and Redshift has not is a
//! syntax error or a refusal that names the construct. Invariant: recursion is bounded by [`MAX_DEPTH`].

mod alter;
mod call;
mod database;
mod ddl;
mod dml;
mod expr;
mod files;
mod from;
mod grant;
mod plpgsql;
mod policy;
mod query;
mod session;
mod types;
mod view;
mod words;

use std::borrow::Cow;

use crate::ast::{Ident, ObjectName};
use crate::error::SqlError;
use crate::lexer::{self, Kind, Token};
use crate::plpgsql::{Block, Target};
use crate::settings::Settings;
use crate::statement::{SetStatement, Statement};

pub(crate) use policy::parse_using;

/// Deepest nesting of parentheses, subqueries and blocks.
const MAX_DEPTH: usize = 100;

/// Longest identifier in bytes; longer ones are cut ("Names and identifiers").
const MAX_IDENTIFIER: usize = 127;

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    settings: Cow<'a, Settings>,
    depth: usize,
    /// Inside a procedure body: SELECT … INTO names variables, LOOP ends a query.
    procedural: bool,
    nonatomic: bool,
    /// Inside a CONNECT BY condition: PRIOR is an operator.
    hierarchical: bool,
    /// Targets of the last SELECT … INTO of a procedure body.
    into: Option<Vec<Target>>,
    /// Reserved words (CURRENT_DATE, VERBOSE, …) that a procedure body declares as variables: they are names there.
    shadowed: Vec<String>,
    /// Names of the variables that a procedure body has declared so far.
    variables: Vec<String>,
}

type Parsed<T> = Result<T, SqlError>;

pub(crate) fn parse_statement(sql: &str, settings: &Settings) -> Parsed<Statement> {
    let mut parser = Parser::new(sql, settings)?;
    if parser.at_end() {
        return Err(SqlError::syntax("the statement is empty"));
    }
    let statement = parser.statement()?;
    while parser.eat_symbol(";") {}
    if parser.at_end() { Ok(statement) } else { Err(parser.unexpected()) }
}

pub(crate) fn parse_body(body: &str, nonatomic: bool, settings: &Settings) -> Parsed<Block> {
    let mut parser = Parser::new(body, settings)?;
    parser.procedural = true;
    parser.nonatomic = nonatomic;
    parser.whole_body()
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, settings: &'a Settings) -> Parsed<Self> {
        Ok(Self {
            text,
            tokens: lexer::tokens(text)?,
            at: 0,
            settings: Cow::Borrowed(settings),
            depth: 0,
            procedural: false,
            nonatomic: false,
            hierarchical: false,
            into: None,
            shadowed: Vec::new(),
            variables: Vec::new(),
        })
    }

    fn token(&self) -> &Token {
        self.token_at(0)
    }

    fn token_at(&self, ahead: usize) -> &Token {
        // The last token is always `End`.
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> &Kind {
        &self.token().kind
    }

    fn position(&self) -> usize {
        self.token().start
    }

    /// End of the last token consumed.
    fn previous_end(&self) -> usize {
        if self.at == 0 { 0 } else { self.tokens[self.at - 1].end }
    }

    fn line(&self) -> usize {
        lexer::line_of(self.text, self.position())
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn at_end(&self) -> bool {
        *self.kind() == Kind::End
    }

    /// `syntax error at or near "…"` at the current token, as Redshift words it.
    fn unexpected(&self) -> SqlError {
        let token = self.token();
        let near = &self.text[token.start..token.end];
        let message = if token.kind == Kind::End {
            "syntax error at end of input".to_owned()
        } else {
            format!("syntax error at or near \"{near}\"")
        };
        SqlError::syntax(message).at(token.start, lexer::line_of(self.text, token.start))
    }

    /// A refusal at the current token.
    fn refuse<T>(&self, error: SqlError) -> Parsed<T> {
        Err(error.at(self.position(), self.line()))
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self
                .refuse(SqlError::new("54001", format!("the statement is nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(&self.token_at(ahead).kind, Kind::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    fn is_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, w)| self.is_word_at(n, w))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn eat_words(&mut self, words: &[&str]) -> bool {
        let found = self.is_words(words);
        if found {
            for _ in words {
                self.advance();
            }
        }
        found
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_words(&mut self, words: &[&str]) -> Parsed<()> {
        words.iter().try_for_each(|w| self.expect_word(w))
    }

    fn is_symbol_at(&self, ahead: usize, symbol: &str) -> bool {
        matches!(&self.token_at(ahead).kind, Kind::Symbol(s) if *s == symbol)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.is_symbol_at(0, symbol)
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The current token as a keyword in upper case, if it is an unquoted word.
    fn keyword(&self) -> Option<String> {
        match self.kind() {
            Kind::Word(w) => Some(w.to_ascii_uppercase()),
            _ => None,
        }
    }

    fn fold(&self, raw: &str, quoted: bool) -> String {
        let mut name =
            if quoted && self.settings.case_sensitive_identifier { raw.to_owned() } else { raw.to_ascii_lowercase() };
        if name.len() > MAX_IDENTIFIER {
            let mut cut = MAX_IDENTIFIER;
            while !name.is_char_boundary(cut) {
                cut -= 1;
            }
            name.truncate(cut);
        }
        name
    }

    fn make_ident(&self, raw: &str, quoted: bool, position: usize) -> Ident {
        let keeps =
            if quoted { self.settings.case_sensitive_identifier } else { self.settings.case_sensitive_super_attribute };
        Ident {
            name: self.fold(raw, quoted),
            attribute: if keeps { raw.to_owned() } else { raw.to_ascii_lowercase() },
            position,
        }
    }

    /// An identifier; `label` allows reserved words (after AS).
    fn ident_token(&mut self, label: bool) -> Parsed<Ident> {
        let token = self.token();
        let position = token.start;
        let ident = match &token.kind {
            Kind::Word(w) if label || !self.is_reserved(w) => self.make_ident(&w.clone(), false, position),
            Kind::Quoted(q) => self.make_ident(&q.clone(), true, position),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(ident)
    }

    /// A folded name.
    fn name(&mut self) -> Parsed<String> {
        self.ident_token(false).map(|i| i.name)
    }

    /// A folded name after AS, where reserved words are allowed.
    fn label(&mut self) -> Parsed<String> {
        self.ident_token(true).map(|i| i.name)
    }

    fn is_reserved(&self, word: &str) -> bool {
        words::is_reserved(word) && !self.is_shadowed(word)
    }

    fn is_shadowed(&self, word: &str) -> bool {
        self.shadowed.iter().any(|shadowed| shadowed.eq_ignore_ascii_case(word))
    }

    /// True if the current token can be a name without quotes.
    fn is_name(&self) -> bool {
        match self.kind() {
            Kind::Word(w) => !self.is_reserved(w),
            Kind::Quoted(_) => true,
            _ => false,
        }
    }

    fn object_name(&mut self) -> Parsed<ObjectName> {
        let first = self.name()?;
        if !self.eat_symbol(".") {
            return Ok(ObjectName::bare(first));
        }
        // Behind a dot a reserved word is a name.
        let second = self.label()?;
        if !self.eat_symbol(".") {
            return Ok(ObjectName { database: None, schema: Some(first), name: second });
        }
        let third = self.label()?;
        Ok(ObjectName { database: Some(first), schema: Some(second), name: third })
    }

    fn comma_list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut out = vec![item(self)?];
        while self.eat_symbol(",") {
            out.push(item(self)?);
        }
        Ok(out)
    }

    /// `( item, … )`
    fn parenthesised<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect_symbol("(")?;
        let out = self.comma_list(item)?;
        self.expect_symbol(")")?;
        Ok(out)
    }

    fn name_list(&mut self) -> Parsed<Vec<String>> {
        self.parenthesised(Self::name)
    }

    /// A string constant.
    fn string(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Text(t) | Kind::Dollar(t) => {
                let value = t.clone();
                self.advance();
                Ok(value)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn unsigned(&mut self) -> Parsed<u64> {
        match self.kind() {
            Kind::Number(n) => match n.parse() {
                Ok(value) => {
                    self.advance();
                    Ok(value)
                }
                Err(_) => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    fn signed(&mut self) -> Parsed<i64> {
        let negative = self.eat_symbol("-");
        let value = i64::try_from(self.unsigned()?).map_err(|_| self.unexpected())?;
        Ok(if negative { -value } else { value })
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if self.is_symbol("(") {
            return self.query().map(Statement::Query);
        }
        let Some(keyword) = self.keyword() else {
            return Err(self.unexpected());
        };
        match keyword.as_str() {
            "SELECT" | "WITH" => self.query_or_change(),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(Vec::new()),
            "DELETE" => self.delete(Vec::new()),
            "MERGE" => self.merge(),
            "CREATE" => self.create(),
            "ALTER" => self.alter(),
            "DROP" => self.drop(),
            "TRUNCATE" => {
                self.advance();
                self.eat_word("TABLE");
                self.object_name().map(Statement::Truncate)
            }
            "COMMENT" => self.comment(),
            "REFRESH" => self.refresh(),
            "CALL" => self.call_statement(),
            "LOCK" => {
                self.advance();
                self.eat_word("TABLE");
                let names = self.comma_list(Self::object_name)?;
                if self.is_word("IN") {
                    return self
                        .refuse(SqlError::syntax("syntax error at or near \"IN\": LOCK takes no mode in Redshift"));
                }
                Ok(Statement::Lock(names))
            }
            "SET" => self.set(),
            "RESET" => {
                self.advance();
                if self.eat_words(&["SESSION", "AUTHORIZATION"]) {
                    Ok(Statement::Set(SetStatement::SessionAuthorization(None)))
                } else if self.eat_word("ALL") {
                    Ok(Statement::Reset(None))
                } else {
                    self.parameter_name().map(|n| Statement::Reset(Some(n)))
                }
            }
            "SHOW" => self.show(),
            "BEGIN" | "START" => self.begin(),
            "COMMIT" | "END" | "ROLLBACK" | "ABORT" => self.finish_transaction(),
            "GRANT" => self.grant(false),
            "ATTACH" | "DETACH" => self.attach_policy(self.is_word("ATTACH")),
            "REVOKE" => self.grant(true),
            "EXPLAIN" => {
                self.advance();
                self.eat_word("VERBOSE");
                if self.is_word("ANALYZE") || self.is_symbol("(") {
                    return Err(self.unexpected());
                }
                Ok(Statement::Explain(Box::new(self.deeper(Self::statement)?)))
            }
            "ANALYZE" | "VACUUM" => self.maintenance(),
            "DECLARE" | "FETCH" | "CLOSE" => self.plain_cursor(),
            "CANCEL" => {
                self.advance();
                self.unsigned().map(Statement::Cancel)
            }
            "COPY" => self.copy(),
            "UNLOAD" => self.unload(),
            "PREPARE" | "EXECUTE" | "DEALLOCATE" => self.prepared(),
            "USE" | "DESC" | "VALUES" | "UNDROP" => {
                if keyword == "VALUES" {
                    return self.refuse(SqlError::syntax("syntax error at or near \"VALUES\""));
                }
                self.refuse(SqlError::not_in_stand_in(&keyword))
            }
            _ => Err(self.unexpected()),
        }
    }
}
