//! Procedure bodies (Redshift Database Developer Guide, "Structure of PL/pgSQL", "Supported PL/pgSQL statements",
//! "Trapping errors", "Limitations and differences for stored procedure support").

use super::{Parsed, Parser, words};
use crate::ast::{Query, QueryBody};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::plpgsql::{
    Block, Declaration, DeclarationKind, Expression, Handler, HandlerKind, PlKind, PlStatement, RaiseLevel, Target,
    VariableType,
};
use crate::statement::{SetStatement, Statement};

/// "Limitations": variables of a procedure.
const MAX_VARIABLES: usize = 1024;

impl Parser<'_> {
    pub(super) fn whole_body(&mut self) -> Parsed<Block> {
        let label = self.block_label()?;
        let block = self.block(label)?;
        self.eat_symbol(";");
        if self.at_end() { Ok(block) } else { Err(self.unexpected()) }
    }

    fn block_label(&mut self) -> Parsed<Option<String>> {
        if !self.eat_symbol("<<") {
            return Ok(None);
        }
        let label = self.name()?;
        self.expect_symbol(">>")?;
        Ok(Some(label))
    }

    fn block(&mut self, label: Option<String>) -> Parsed<Block> {
        self.deeper(|p| p.block_inner(label))
    }

    fn block_inner(&mut self, label: Option<String>) -> Parsed<Block> {
        let mut declarations = Vec::new();
        while self.eat_word("DECLARE") {
            while !self.is_word("BEGIN") && !self.is_word("DECLARE") {
                declarations.push(self.declaration()?);
                if declarations.len() > MAX_VARIABLES {
                    return self.refuse(SqlError::new(
                        "54000",
                        format!("a procedure cannot have more than {MAX_VARIABLES} variables"),
                    ));
                }
            }
        }
        let line = self.line();
        self.expect_word("BEGIN")?;
        let statements = self.statements(&["EXCEPTION", "END"])?;
        let handler = if self.eat_word("EXCEPTION") { Some(self.handler()?) } else { None };
        self.expect_word("END")?;
        if self.is_name() {
            let end = self.name()?;
            if Some(&end) != label.as_ref() {
                return self.refuse(SqlError::syntax(format!("end label \"{end}\" differs from block's label")));
            }
        }
        Ok(Block { label, declarations, statements, handler, line })
    }

    fn handler(&mut self) -> Parsed<Handler> {
        let line = self.line();
        self.expect_word("WHEN")?;
        if !self.is_word("OTHERS") {
            let condition = self.keyword().unwrap_or_default().to_ascii_lowercase();
            return self.refuse(SqlError::unsupported(format!(
                "unrecognized exception condition \"{condition}\": Redshift supports only OTHERS"
            )));
        }
        self.advance();
        let kind = if self.eat_word("CONTINUE_HANDLER") {
            HandlerKind::Continue
        } else if self.eat_word("EXIT_HANDLER") {
            HandlerKind::Exit
        } else {
            HandlerKind::Plain
        };
        if kind != HandlerKind::Plain && !self.nonatomic {
            return self.refuse(SqlError::unsupported(
                "CONTINUE_HANDLER and EXIT_HANDLER are only supported in NONATOMIC procedures",
            ));
        }
        self.expect_word("THEN")?;
        let statements = self.statements(&["END", "WHEN"])?;
        if self.is_word("WHEN") {
            return self.refuse(SqlError::unsupported("an EXCEPTION section of Redshift has the one condition OTHERS"));
        }
        Ok(Handler { statements, kind, line })
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let line = self.line();
        if let Some(word) = self.keyword().filter(|word| words::may_be_variable(word)) {
            self.shadowed.push(word);
        }
        let name = self.name()?;
        self.variables.push(name.clone());
        let kind = self.declaration_kind()?;
        self.expect_symbol(";")?;
        Ok(Declaration { name, kind, line })
    }

    fn declaration_kind(&mut self) -> Parsed<DeclarationKind> {
        if self.eat_words(&["ALIAS", "FOR"]) {
            if let Kind::Argument(n) = self.kind() {
                let alias = format!("${n}");
                self.advance();
                return Ok(DeclarationKind::Alias(alias));
            }
            return self.name().map(DeclarationKind::Alias);
        }
        if self.eat_word("RECORD") {
            return Ok(DeclarationKind::Record);
        }
        if self.eat_word("REFCURSOR") {
            return Ok(DeclarationKind::RefCursor);
        }
        if self.eat_word("CURSOR") {
            let arguments =
                if self.is_symbol("(") { self.parenthesised(|p| Ok((p.name()?, p.data_type()?)))? } else { Vec::new() };
            if !self.eat_word("IS") {
                self.expect_word("FOR")?;
            }
            let query = Box::new(self.query_or_parenthesised()?);
            return Ok(DeclarationKind::Cursor { arguments, query });
        }
        let constant = self.eat_word("CONSTANT");
        let of = if let Some(path) = self.type_reference("TYPE")? {
            VariableType::TypeOf(path)
        } else if let Some(mut path) = self.type_reference("ROWTYPE")? {
            let name = path.pop().unwrap_or_default();
            return Ok(DeclarationKind::RowType(crate::ast::ObjectName { database: None, schema: path.pop(), name }));
        } else {
            VariableType::Given(self.data_type()?)
        };
        let not_null = self.eat_words(&["NOT", "NULL"]);
        let default = if self.eat_word("DEFAULT") || self.eat_symbol(":=") || self.eat_symbol("=") {
            Some(self.expression()?)
        } else {
            None
        };
        if not_null && default.is_none() {
            return self.refuse(SqlError::syntax("a variable declared NOT NULL must have a default value"));
        }
        Ok(DeclarationKind::Scalar { of, constant, not_null, default })
    }

    /// `a.b%TYPE`
    fn type_reference(&mut self, word: &str) -> Parsed<Option<Vec<String>>> {
        let start = self.at;
        let mut path = Vec::new();
        while self.is_name() {
            path.push(self.name()?);
            if !self.eat_symbol(".") {
                break;
            }
        }
        if !path.is_empty() && self.is_symbol("%") && self.is_word_at(1, word) {
            self.advance();
            self.advance();
            return Ok(Some(path));
        }
        self.at = start;
        Ok(None)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        let (start, line) = (self.position(), self.line());
        let expr = self.expr()?;
        Ok(Expression { expr, text: self.text[start..self.previous_end()].to_owned(), line })
    }

    /// A variable, record field or label-qualified variable.
    pub(super) fn target(&mut self) -> Parsed<Target> {
        let mut path = vec![self.name()?];
        while self.eat_symbol(".") {
            path.push(self.name()?);
        }
        if self.is_symbol("[") {
            return self
                .refuse(SqlError::unsupported("assigning to an element of a variable is not supported by Redshift"));
        }
        Ok(path)
    }

    fn statements(&mut self, ends: &[&str]) -> Parsed<Vec<PlStatement>> {
        let mut out = Vec::new();
        loop {
            if self.at_end() {
                return Err(self.unexpected());
            }
            // END only ends a block here: the transaction statement is COMMIT in procedures.
            if ends.iter().any(|w| self.is_word(w)) {
                return Ok(out);
            }
            out.push(self.deeper(Self::pl_statement)?);
        }
    }

    fn pl_statement(&mut self) -> Parsed<PlStatement> {
        let line = self.line();
        let label = self.block_label()?;
        let kind = self.pl_kind(label)?;
        self.expect_symbol(";")?;
        Ok(PlStatement { line, kind })
    }

    fn is_assignment(&self) -> bool {
        if !self.is_name() {
            return false;
        }
        let mut ahead = 1;
        while self.is_symbol_at(ahead, ".") && matches!(self.token_at(ahead + 1).kind, Kind::Word(_) | Kind::Quoted(_))
        {
            ahead += 2;
        }
        self.is_symbol_at(ahead, ":=") || self.is_symbol_at(ahead, "=")
    }

    fn pl_kind(&mut self, label: Option<String>) -> Parsed<PlKind> {
        if self.is_assignment() {
            let target = self.target()?;
            self.advance();
            let value = self.expression()?;
            return Ok(PlKind::Assign { target, value });
        }
        let Some(word) = self.keyword() else {
            return Err(self.unexpected());
        };
        match word.as_str() {
            "DECLARE" => self.block(label).map(PlKind::Block),
            "BEGIN" => self.block(label).map(PlKind::Block),
            "IF" => self.if_statement(),
            "CASE" => self.case_statement(),
            "LOOP" => {
                self.advance();
                let body = self.loop_body(label.as_ref())?;
                Ok(PlKind::Loop { label, body })
            }
            "WHILE" => {
                self.advance();
                let condition = self.expression()?;
                self.expect_word("LOOP")?;
                let body = self.loop_body(label.as_ref())?;
                Ok(PlKind::While { label, condition, body })
            }
            "FOR" => self.for_loop(label),
            _ if label.is_some() => Err(self.unexpected()),
            "EXIT" | "CONTINUE" => {
                self.advance();
                let label = if self.is_name() { Some(self.name()?) } else { None };
                let when = if self.eat_word("WHEN") { Some(self.expression()?) } else { None };
                Ok(if word == "EXIT" { PlKind::Exit { label, when } } else { PlKind::Continue { label, when } })
            }
            "EXECUTE" => {
                self.advance();
                let command = self.expression()?;
                let into = if self.eat_word("INTO") { self.comma_list(Self::target)? } else { Vec::new() };
                if self.is_word("USING") {
                    return self.refuse(SqlError::unsupported(
                        "EXECUTE … USING is not supported by Redshift: build the text with quote_literal",
                    ));
                }
                Ok(PlKind::Execute { command, into })
            }
            "RAISE" => self.raise(),
            "RETURN" => {
                self.advance();
                if !self.is_symbol(";") {
                    return self
                        .refuse(SqlError::unsupported("RETURN in a procedure takes no value: use OUT arguments"));
                }
                Ok(PlKind::Return)
            }
            "CALL" => {
                self.advance();
                let procedure = self.object_name()?;
                self.expect_symbol("(")?;
                let arguments = if self.is_symbol(")") { Vec::new() } else { self.comma_list(Self::expression)? };
                self.expect_symbol(")")?;
                Ok(PlKind::Call { procedure, arguments })
            }
            "COMMIT" | "ROLLBACK" | "ABORT" => {
                self.advance();
                Ok(if word == "COMMIT" { PlKind::Commit } else { PlKind::Rollback })
            }
            "START" => {
                self.advance();
                self.expect_word("TRANSACTION")?;
                if !self.nonatomic {
                    return self
                        .refuse(SqlError::unsupported("START TRANSACTION is only supported in NONATOMIC procedures"));
                }
                Ok(PlKind::StartTransaction)
            }
            "GET" => {
                self.advance();
                self.expect_word("DIAGNOSTICS")?;
                let targets = self.comma_list(|p| {
                    let target = p.target()?;
                    if !p.eat_symbol(":=") {
                        p.expect_symbol("=")?;
                    }
                    p.expect_word("ROW_COUNT")?;
                    Ok(target)
                })?;
                Ok(PlKind::GetDiagnostics(targets))
            }
            "NULL" => {
                self.advance();
                Ok(PlKind::Null)
            }
            "OPEN" => self.open(),
            "FETCH" => {
                self.advance();
                if self.is_word("NEXT") || self.is_word("FORWARD") {
                    return self.refuse(SqlError::unsupported("FETCH in a procedure takes no direction"));
                }
                let cursor = self.name()?;
                self.expect_word("INTO")?;
                let into = self.comma_list(Self::target)?;
                Ok(PlKind::Fetch { cursor, into })
            }
            "MOVE" => {
                self.advance();
                let cursor = self.name()?;
                Ok(PlKind::Move { cursor })
            }
            "CLOSE" => {
                self.advance();
                let cursor = self.name()?;
                Ok(PlKind::Close { cursor })
            }
            "PERFORM" => {
                self.refuse(SqlError::unsupported("PERFORM is not supported by Redshift: use SELECT … INTO or CALL"))
            }
            "FOREACH" | "ASSERT" | "SAVEPOINT" | "PREPARE" => {
                self.refuse(SqlError::unsupported(format!("{word} is not supported in stored procedures of Redshift")))
            }
            _ => self.sql_statement(),
        }
    }

    fn sql_statement(&mut self) -> Parsed<PlKind> {
        let start = self.position();
        self.into = None;
        let place = (self.position(), self.line());
        let statement = self.statement()?;
        let into = self.into.take().unwrap_or_default();
        // Redshift reads a body's statements as they come: what follows SET enable_case_sensitive_identifier is read by it, as in the
        // procedures of AWS that load DynamoDB streams.
        if let Statement::Set(SetStatement::Parameter { name, value, .. }) = &statement {
            self.settings.to_mut().apply(name, value.as_deref()).ok();
        }
        let text = self.text[start..self.previous_end()].to_owned();
        let forbidden = match &statement {
            Statement::Begin { .. } | Statement::Explain(_) => Some(statement.tag()),
            Statement::AlterTable(alter)
                if matches!(alter.action, crate::statement::AlterTableAction::AppendFrom { .. }) =>
            {
                Some("ALTER TABLE APPEND")
            }
            _ => None,
        };
        if let Some(tag) = forbidden {
            return Err(
                SqlError::unsupported(format!("{tag} is not supported in stored procedures")).at(place.0, place.1)
            );
        }
        if matches!(statement, Statement::Query(_)) && into.is_empty() {
            return Err(SqlError::new("42601", "query has no destination for result data")
                .with_hint("use SELECT … INTO")
                .at(place.0, place.1));
        }
        Ok(PlKind::Sql { statement: Box::new(statement), into, text })
    }

    fn if_statement(&mut self) -> Parsed<PlKind> {
        self.expect_word("IF")?;
        let mut branches = Vec::new();
        loop {
            let condition = self.expression()?;
            self.expect_word("THEN")?;
            branches.push((condition, self.statements(&["ELSIF", "ELSEIF", "ELSE", "END"])?));
            if !self.eat_word("ELSIF") && !self.eat_word("ELSEIF") {
                break;
            }
        }
        let otherwise = if self.eat_word("ELSE") { self.statements(&["END"])? } else { Vec::new() };
        self.expect_words(&["END", "IF"])?;
        Ok(PlKind::If { branches, otherwise })
    }

    fn case_statement(&mut self) -> Parsed<PlKind> {
        self.expect_word("CASE")?;
        let operand = if self.is_word("WHEN") { None } else { Some(self.expression()?) };
        let mut branches = Vec::new();
        while self.eat_word("WHEN") {
            let values = if operand.is_some() { self.comma_list(Self::expression)? } else { vec![self.expression()?] };
            self.expect_word("THEN")?;
            branches.push((values, self.statements(&["WHEN", "ELSE", "END"])?));
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat_word("ELSE") { Some(self.statements(&["END"])?) } else { None };
        self.expect_words(&["END", "CASE"])?;
        Ok(PlKind::Case { operand, branches, otherwise })
    }

    fn loop_body(&mut self, label: Option<&String>) -> Parsed<Vec<PlStatement>> {
        let body = self.statements(&["END"])?;
        self.expect_words(&["END", "LOOP"])?;
        if self.is_name() {
            let end = self.name()?;
            if Some(&end) != label {
                return self.refuse(SqlError::syntax(format!("end label \"{end}\" differs from the loop's label")));
            }
        }
        Ok(body)
    }

    fn for_loop(&mut self, label: Option<String>) -> Parsed<PlKind> {
        self.expect_word("FOR")?;
        let targets = self.comma_list(Self::target)?;
        self.expect_word("IN")?;
        if self.eat_word("EXECUTE") {
            let command = self.expression()?;
            self.expect_word("LOOP")?;
            let body = self.loop_body(label.as_ref())?;
            return Ok(PlKind::ForExecute { label, targets, command, body });
        }
        if self.starts_query() {
            let query = Box::new(self.query_without_into()?);
            self.expect_word("LOOP")?;
            let body = self.loop_body(label.as_ref())?;
            return Ok(PlKind::ForQuery { label, targets, query, body });
        }
        let [path] = targets.as_slice() else {
            return Err(self.unexpected());
        };
        let [variable] = path.as_slice() else {
            return Err(self.unexpected());
        };
        let variable = variable.clone();
        let reverse = self.eat_word("REVERSE");
        let from = self.expression()?;
        self.expect_symbol("..")?;
        let to = self.expression()?;
        if self.is_word("BY") {
            return self.refuse(SqlError::unsupported("FOR … BY is not supported by Redshift"));
        }
        self.expect_word("LOOP")?;
        let body = self.loop_body(label.as_ref())?;
        Ok(PlKind::ForInteger { label, variable, reverse, from, to, body })
    }

    fn query_without_into(&mut self) -> Parsed<Query> {
        self.into = None;
        let query = self.query_or_parenthesised()?;
        let into = self.into.take();
        if into.is_some() || matches!(&query.body, QueryBody::Select(s) if s.into.is_some()) {
            return self.refuse(SqlError::syntax("INTO is not allowed in this query"));
        }
        Ok(query)
    }

    fn raise(&mut self) -> Parsed<PlKind> {
        self.expect_word("RAISE")?;
        if self.is_symbol(";") {
            if !self.nonatomic {
                return self.refuse(SqlError::unsupported(
                    "RAISE without parameters is only supported in the exception handlers of NONATOMIC procedures",
                ));
            }
            return Ok(PlKind::Raise { level: RaiseLevel::Exception, message: None, arguments: Vec::new() });
        }
        let level = match self.keyword().as_deref() {
            Some("NOTICE") => RaiseLevel::Notice,
            Some("INFO") => RaiseLevel::Info,
            Some("LOG") => RaiseLevel::Log,
            Some("WARNING") => RaiseLevel::Warning,
            Some("EXCEPTION") => RaiseLevel::Exception,
            Some("DEBUG") => {
                return self.refuse(SqlError::unsupported("RAISE DEBUG is not supported by Redshift"));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let message = self.string()?;
        let mut arguments = Vec::new();
        while self.eat_symbol(",") {
            arguments.push(self.expression()?);
        }
        if self.is_word("USING") {
            return self.refuse(SqlError::unsupported("RAISE … USING is not supported by Redshift"));
        }
        let holes = message.replace("%%", "").matches('%').count();
        if holes != arguments.len() {
            let which = if holes > arguments.len() { "few" } else { "many" };
            return self.refuse(SqlError::syntax(format!("too {which} parameters specified for RAISE")));
        }
        Ok(PlKind::Raise { level, message: Some(message), arguments })
    }

    fn open(&mut self) -> Parsed<PlKind> {
        self.expect_word("OPEN")?;
        let cursor = self.name()?;
        if self.eat_word("FOR") {
            if self.eat_word("EXECUTE") {
                let command = self.expression()?;
                return Ok(PlKind::OpenForExecute { cursor, command });
            }
            let query = Box::new(self.query_without_into()?);
            return Ok(PlKind::OpenFor { cursor, query });
        }
        let arguments = if self.is_symbol("(") { self.parenthesised(Self::expression)? } else { Vec::new() };
        Ok(PlKind::Open { cursor, arguments })
    }
}
