//! SET, SHOW, transactions, CALL, cursors of plain SQL, maintenance (the guide's pages of these commands).

use super::{Parsed, Parser};
use crate::ast::ObjectName;
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{SetStatement, Show, Statement};

impl Parser<'_> {
    pub(super) fn parameter_name(&mut self) -> Parsed<String> {
        let mut name = self.label()?.to_ascii_lowercase();
        while self.eat_symbol(".") {
            name = format!("{name}.{}", self.label()?.to_ascii_lowercase());
        }
        Ok(name)
    }

    /// One value of SET: a word, a number or a string.
    fn parameter_value(&mut self) -> Parsed<String> {
        let negative = self.eat_symbol("-");
        let value = match self.kind().clone() {
            Kind::Number(n) => {
                if negative {
                    format!("-{n}")
                } else {
                    n
                }
            }
            Kind::Word(w) if !negative => w,
            Kind::Text(t) | Kind::Quoted(t) if !negative => t,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(value)
    }

    /// `name { TO | = } value`
    pub(super) fn configuration(&mut self) -> Parsed<(String, Option<String>)> {
        let name = if self.eat_words(&["TIME", "ZONE"]) {
            "timezone".to_owned()
        } else {
            let name = self.parameter_name()?;
            if !self.eat_symbol("=") {
                self.expect_word("TO")?;
            }
            name
        };
        if self.eat_word("DEFAULT") {
            return Ok((name, None));
        }
        let values = self.comma_list(Self::parameter_value)?;
        Ok((name, Some(values.join(", "))))
    }

    pub(super) fn set(&mut self) -> Parsed<Statement> {
        self.expect_word("SET")?;
        if self.is_words(&["SESSION", "AUTHORIZATION"]) {
            self.expect_words(&["SESSION", "AUTHORIZATION"])?;
            let user = if self.eat_word("DEFAULT") {
                None
            } else if matches!(self.kind(), Kind::Text(_)) {
                Some(self.string()?)
            } else {
                Some(self.name()?)
            };
            return Ok(Statement::Set(SetStatement::SessionAuthorization(user)));
        }
        if self.is_words(&["SESSION", "CHARACTERISTICS"]) || self.is_word("TRANSACTION") {
            return self.refuse(SqlError::not_in_stand_in("SET TRANSACTION"));
        }
        let local = self.eat_word("LOCAL");
        if !local {
            self.eat_word("SESSION");
        }
        if local && self.procedural {
            return self.refuse(SqlError::unsupported("SET LOCAL is not supported in stored procedures"));
        }
        let (name, value) = self.configuration()?;
        Ok(Statement::Set(SetStatement::Parameter { local, name, value }))
    }

    pub(super) fn show(&mut self) -> Parsed<Statement> {
        self.expect_word("SHOW")?;
        let next_is_name = matches!(self.token_at(1).kind, Kind::Word(_) | Kind::Quoted(_));
        let show = match self.keyword().as_deref() {
            Some("ALL") => {
                self.advance();
                Show::All
            }
            Some("PROCEDURE") if next_is_name => {
                self.advance();
                let name = self.object_name()?;
                Show::Procedure(name, self.signature()?)
            }
            Some("TABLE") => {
                self.advance();
                Show::Table(self.object_name()?)
            }
            Some("VIEW") if next_is_name => {
                self.advance();
                Show::View(self.object_name()?)
            }
            Some("SCHEMAS") if next_is_name => {
                self.advance();
                self.expect_words(&["FROM", "DATABASE"])?;
                let database = self.name()?;
                let (like, limit) = self.like_and_limit()?;
                Show::Schemas { database, like, limit }
            }
            Some("TABLES") if next_is_name => {
                self.advance();
                self.expect_words(&["FROM", "SCHEMA"])?;
                let schema = self.object_name()?;
                let (like, limit) = self.like_and_limit()?;
                Show::Tables { schema, like, limit }
            }
            Some("COLUMNS") if next_is_name => {
                self.advance();
                self.expect_words(&["FROM", "TABLE"])?;
                let table = self.object_name()?;
                let (like, limit) = self.like_and_limit()?;
                Show::Columns { table, like, limit }
            }
            Some("DATABASES") => {
                self.advance();
                let (like, limit) = self.like_and_limit()?;
                Show::Databases { like, limit }
            }
            Some(kind @ ("PROCEDURES" | "FUNCTIONS")) if next_is_name => {
                let procedures = kind == "PROCEDURES";
                self.advance();
                self.expect_words(&["FROM", "SCHEMA"])?;
                let schema = self.object_name()?;
                let (like, limit) = self.like_and_limit()?;
                Show::Routines { procedures, schema, like, limit }
            }
            Some("PARAMETERS") if next_is_name => {
                self.advance();
                self.expect_word("OF")?;
                let procedure = self.eat_word("PROCEDURE");
                if !procedure {
                    self.expect_word("FUNCTION")?;
                }
                let name = self.object_name()?;
                let arguments = self.signature()?;
                let (like, _) = self.like_and_limit()?;
                Show::Parameters { procedure, name, arguments, like }
            }
            Some("CONSTRAINTS") if next_is_name => {
                self.advance();
                let foreign = self.eat_words(&["FOREIGN", "KEYS"]);
                if !foreign {
                    self.expect_words(&["PRIMARY", "KEYS"])?;
                }
                let exported = foreign && self.eat_word("EXPORTED");
                self.expect_words(&["FROM", "TABLE"])?;
                let table = self.object_name()?;
                let (_, limit) = self.like_and_limit()?;
                if foreign { Show::ForeignKeys { table, exported, limit } } else { Show::PrimaryKeys { table, limit } }
            }
            Some("GRANTS") if next_is_name => self.show_grants()?,
            Some("COLUMN") if next_is_name => {
                self.advance();
                self.expect_words(&["GRANTS", "ON", "TABLE"])?;
                let table = self.object_name()?;
                self.grants(Some(("COLUMN", table)))?
            }
            Some(other @ ("DATASHARES" | "MODEL" | "EXTERNAL" | "POLICIES" | "TEMPLATES")) if next_is_name => {
                let construct = format!("SHOW {other}");
                return self.refuse(SqlError::not_in_stand_in(&construct));
            }
            _ => Show::Parameter(if self.eat_words(&["TIME", "ZONE"]) {
                "timezone".to_owned()
            } else {
                self.parameter_name()?
            }),
        };
        Ok(Statement::Show(show))
    }

    /// "SHOW GRANTS".
    fn show_grants(&mut self) -> Parsed<Show> {
        self.advance();
        let mut on = None;
        if self.eat_word("ON") {
            let kind = match self.keyword().as_deref() {
                Some("DATABASE") => "DATABASE",
                Some("SCHEMA") => "SCHEMA",
                Some("FUNCTION") => "FUNCTION",
                Some("PROCEDURE") => "PROCEDURE",
                Some("TABLE") => "TABLE",
                _ => "",
            };
            if !kind.is_empty() {
                self.advance();
            }
            let name = self.object_name()?;
            if matches!(kind, "FUNCTION" | "PROCEDURE") {
                self.signature()?;
            }
            on = Some((if kind.is_empty() { "TABLE" } else { kind }, name));
        }
        self.grants(on)
    }

    /// Behind the object: to whom, and how many.
    fn grants(&mut self, on: Option<(&'static str, ObjectName)>) -> Parsed<Show> {
        let mut to = None;
        if self.eat_word("FOR") {
            to = Some(if self.eat_word("PUBLIC") {
                ("public".to_owned(), "public")
            } else if self.eat_word("ROLE") {
                (self.name()?, "role")
            } else {
                (self.label()?, "user")
            });
        }
        if self.eat_words(&["FROM", "DATABASE"]) {
            self.name()?;
        }
        if on.is_none() && to.is_none() {
            return Err(self.unexpected());
        }
        let (_, limit) = self.like_and_limit()?;
        Ok(Show::Grants { on, to, limit })
    }

    fn like_and_limit(&mut self) -> Parsed<(Option<String>, Option<u64>)> {
        let like = if self.eat_word("LIKE") { Some(self.string()?) } else { None };
        let limit = if self.eat_word("LIMIT") { Some(self.unsigned()?) } else { None };
        Ok((like, limit))
    }

    pub(super) fn begin(&mut self) -> Parsed<Statement> {
        if self.eat_word("START") {
            self.expect_word("TRANSACTION")?;
        } else {
            self.expect_word("BEGIN")?;
            if !self.eat_word("WORK") {
                self.eat_word("TRANSACTION");
            }
        }
        let (mut isolation, mut read_only) = (None, false);
        loop {
            if self.eat_words(&["ISOLATION", "LEVEL"]) {
                let level = match self.keyword().as_deref() {
                    Some("SERIALIZABLE") => "SERIALIZABLE",
                    Some("READ") if self.is_word_at(1, "COMMITTED") => {
                        self.advance();
                        "READ COMMITTED"
                    }
                    Some("READ") if self.is_word_at(1, "UNCOMMITTED") => {
                        self.advance();
                        "READ UNCOMMITTED"
                    }
                    Some("REPEATABLE") if self.is_word_at(1, "READ") => {
                        self.advance();
                        "REPEATABLE READ"
                    }
                    Some("SNAPSHOT") => "SNAPSHOT",
                    _ => return Err(self.unexpected()),
                };
                self.advance();
                isolation = Some(level.to_owned());
            } else if self.eat_words(&["READ", "ONLY"]) {
                read_only = true;
            } else if !self.eat_words(&["READ", "WRITE"]) {
                break;
            }
            self.eat_symbol(",");
        }
        Ok(Statement::Begin { isolation, read_only })
    }

    pub(super) fn finish_transaction(&mut self) -> Parsed<Statement> {
        let commit = self.is_word("COMMIT") || self.is_word("END");
        self.advance();
        if !self.eat_word("WORK") {
            self.eat_word("TRANSACTION");
        }
        if self.is_word("TO") || self.is_word("AND") {
            return self
                .refuse(SqlError::unsupported("savepoints and chained transactions are not supported by Redshift"));
        }
        Ok(if commit { Statement::Commit } else { Statement::Rollback })
    }

    pub(super) fn call_statement(&mut self) -> Parsed<Statement> {
        self.expect_word("CALL")?;
        let procedure = self.object_name()?;
        self.expect_symbol("(")?;
        let arguments = if self.is_symbol(")") { Vec::new() } else { self.comma_list(Self::expr)? };
        self.expect_symbol(")")?;
        Ok(Statement::Call { procedure, arguments })
    }

    /// ANALYZE and VACUUM: names are kept, options checked.
    pub(super) fn maintenance(&mut self) -> Parsed<Statement> {
        let vacuum = self.is_word("VACUUM");
        self.advance();
        if vacuum && self.procedural {
            return self.refuse(SqlError::unsupported("VACUUM is not supported in stored procedures"));
        }
        if vacuum {
            if self.eat_words(&["SORT", "ONLY"]) || self.eat_words(&["DELETE", "ONLY"]) {
            } else if !self.eat_word("FULL") && !self.eat_word("REINDEX") {
                self.eat_word("RECLUSTER");
            }
        } else {
            if self.is_word("COMPRESSION") {
                return self.refuse(SqlError::not_in_stand_in("ANALYZE COMPRESSION"));
            }
            self.eat_word("VERBOSE");
        }
        let options = self.is_words(&["PREDICATE", "COLUMNS"]) || self.is_words(&["ALL", "COLUMNS"]);
        let name = if self.is_name() && !options { Some(self.object_name()?) } else { None };
        if vacuum {
            if self.eat_word("TO") {
                self.unsigned()?;
                self.expect_word("PERCENT")?;
            }
            self.eat_word("BOOST");
            return Ok(Statement::Vacuum(name));
        }
        if self.is_symbol("(") {
            self.name_list()?;
        }
        if !self.eat_words(&["PREDICATE", "COLUMNS"]) {
            self.eat_words(&["ALL", "COLUMNS"]);
        }
        Ok(Statement::Analyze(name))
    }

    /// DECLARE … CURSOR FOR, FETCH, CLOSE outside of procedures.
    pub(super) fn plain_cursor(&mut self) -> Parsed<Statement> {
        if self.eat_word("DECLARE") {
            let name = self.name()?;
            self.expect_word("CURSOR")?;
            self.expect_word("FOR")?;
            let query = self.query_or_parenthesised()?;
            return Ok(Statement::DeclareCursor { name, query });
        }
        if self.eat_word("CLOSE") {
            return self.name().map(Statement::CloseCursor);
        }
        self.expect_word("FETCH")?;
        let count = if self.eat_word("NEXT") {
            Some(1)
        } else if self.eat_word("ALL") {
            None
        } else if self.eat_word("FORWARD") {
            if self.eat_word("ALL") {
                None
            } else if matches!(self.kind(), Kind::Number(_)) {
                Some(self.unsigned()?)
            } else {
                Some(1)
            }
        } else {
            return Err(self.unexpected());
        };
        self.expect_word("FROM")?;
        let name = self.name()?;
        Ok(Statement::FetchCursor { count, name })
    }

    /// "PREPARE", "EXECUTE", "DEALLOCATE".
    pub(super) fn prepared(&mut self) -> Parsed<Statement> {
        if self.eat_word("DEALLOCATE") {
            self.eat_word("PREPARE");
            return Ok(Statement::Deallocate(if self.eat_word("ALL") { None } else { Some(self.name()?) }));
        }
        if self.eat_word("EXECUTE") {
            let name = self.name()?;
            let arguments = if self.is_symbol("(") { self.parenthesised(Self::expr)? } else { Vec::new() };
            return Ok(Statement::Execute { name, arguments });
        }
        self.expect_word("PREPARE")?;
        let name = self.name()?;
        let types = if self.is_symbol("(") { self.parenthesised(Self::data_type)? } else { Vec::new() };
        self.expect_word("AS")?;
        if !["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].iter().any(|word| self.is_word(word)) {
            return Err(self.unexpected());
        }
        let statement = Box::new(self.deeper(Self::statement)?);
        Ok(Statement::Prepare { name, types, statement })
    }
}
