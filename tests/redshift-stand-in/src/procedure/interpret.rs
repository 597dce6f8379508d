//! Runs the statements of a body.
//!
//! Invariant: after an error the frame is not used again, except by the handler of a block that
//! catches it.

use futures::future::BoxFuture;
use redshift_data_api::SqlError;
use redshift_sql::plpgsql::{
    Declaration, DeclarationKind, Expression, HandlerKind, PlKind, PlStatement, RaiseLevel, Target, VariableType,
};
use redshift_sql::{Block, Expr, OutputColumn, RsType};

use super::cursor::REFCURSOR;
use super::expression::{self, condition};
use super::frame::{Frame, Level, Variable};
use super::{call_nested, choose};
use crate::catalog::View;
use crate::error::SqlResult;
use crate::session::RedshiftSession;
use crate::value::Datum;

/// What comes after a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Exit(Option<String>),
    Continue(Option<String>),
    Return,
}

/// What a loop does after its body.
pub(super) enum Turn {
    Again,
    Leave(Flow),
}

pub(super) fn turn(flow: Flow, label: Option<&String>) -> Turn {
    let ours = |wanted: &Option<String>| wanted.is_none() || wanted.as_ref() == label;
    match flow {
        Flow::Next => Turn::Again,
        Flow::Continue(wanted) if ours(&wanted) => Turn::Again,
        Flow::Exit(wanted) if ours(&wanted) => Turn::Leave(Flow::Next),
        other => Turn::Leave(other),
    }
}

impl Frame {
    /// Runs a procedure's outermost block.
    pub(super) async fn run(&mut self, session: &mut RedshiftSession, block: &Block) -> SqlResult<()> {
        self.block(session, block).await.map(drop)
    }

    fn block<'a>(&'a mut self, session: &'a mut RedshiftSession, block: &'a Block) -> BoxFuture<'a, SqlResult<Flow>> {
        Box::pin(async move {
            let depth = self.levels.len();
            let loops = session.open_loops;
            self.levels.push(Level { label: block.label.clone(), ..Level::default() });
            let result = self.guarded(session, block, loops).await;
            self.levels.truncate(depth);
            match result? {
                Flow::Exit(Some(label)) if block.label.as_ref() == Some(&label) => Ok(Flow::Next),
                flow => Ok(flow),
            }
        })
    }

    async fn guarded(&mut self, session: &mut RedshiftSession, block: &Block, loops: usize) -> SqlResult<Flow> {
        for declaration in &block.declarations {
            self.declare(session, declaration).await?;
        }
        let level = self.levels.len();
        for statement in &block.statements {
            let error = match self.statement(session, statement).await {
                Ok(Flow::Next) => continue,
                Ok(flow) => return Ok(flow),
                Err(error) => error,
            };
            let Some(handler) = &block.handler else {
                return Err(error);
            };
            // OTHERS catches everything but a cancelled query ("Trapping errors").
            if error.code == "57014" || session.is_cancelled() {
                return Err(error);
            }
            self.levels.truncate(level);
            session.open_loops = loops;
            let flow = if self.mode.nonatomic {
                self.handle_nonatomic(session, &handler.statements, error).await?
            } else {
                return self.handle_atomic(session, &handler.statements, error).await;
            };
            if handler.kind == HandlerKind::Continue && flow == Flow::Next {
                continue;
            }
            return Ok(flow);
        }
        Ok(Flow::Next)
    }

    /// Atomic mode: everything is rolled back, the handler runs in a transaction of its own that is
    /// committed, and the error is thrown again.
    async fn handle_atomic(
        &mut self,
        session: &mut RedshiftSession,
        statements: &[PlStatement],
        error: SqlError,
    ) -> SqlResult<Flow> {
        if !self.mode.may_end {
            // The caller's transaction is not the procedure's to end.
            return Err(error);
        }
        if session.transaction.open {
            session.rollback_block().await?;
        }
        session.begin().await?;
        self.handling = Some(error.clone());
        self.statements(session, statements).await?;
        self.handling = None;
        session.commit_block().await?;
        Err(error)
    }

    /// NONATOMIC: what was committed stays, and the error is dealt with.
    async fn handle_nonatomic(
        &mut self,
        session: &mut RedshiftSession,
        statements: &[PlStatement],
        error: SqlError,
    ) -> SqlResult<Flow> {
        if session.transaction.open && !session.transaction.block {
            session.rollback_block().await?;
        }
        let outer = self.handling.replace(error);
        let flow = self.statements(session, statements).await?;
        self.handling = outer;
        Ok(flow)
    }

    async fn declare(&mut self, session: &mut RedshiftSession, declaration: &Declaration) -> SqlResult<()> {
        let variable = match &declaration.kind {
            DeclarationKind::Scalar { of, constant, not_null, default } => {
                let rs_type = self.variable_type(session, of).await?;
                let value = match default {
                    Some(default) => expression::evaluate(session, &default.expr, Some(&rs_type), self).await?.0,
                    None => None,
                };
                if *not_null && value.is_none() {
                    return Err(SqlError::new(
                        "22004",
                        format!("variable \"{}\" declared NOT NULL cannot default to NULL", declaration.name),
                    ));
                }
                Variable::Scalar { rs_type, value, constant: *constant, not_null: *not_null }
            }
            DeclarationKind::Alias(other) => Variable::Alias(other.clone()),
            DeclarationKind::Record => Variable::Record(Vec::new()),
            DeclarationKind::RowType(name) => {
                let view = session.view().await?;
                let entry = view
                    .entry(name.schema.as_deref(), &name.name)
                    .ok_or_else(|| SqlError::new("42P01", format!("relation \"{name}\" does not exist")))?;
                let fields = entry.relation.columns.iter().map(|c| (c.name.clone(), c.rs_type.clone(), None));
                Variable::Record(fields.collect())
            }
            DeclarationKind::RefCursor => Variable::Cursor { name: None, bound: None },
            DeclarationKind::Cursor { arguments, query } => {
                Variable::Cursor { name: None, bound: Some(Box::new((arguments.clone(), (**query).clone()))) }
            }
        };
        let level = self.levels.last_mut().expect("a block has pushed its level");
        level.variables.insert(declaration.name.clone(), variable);
        Ok(())
    }

    async fn variable_type(&self, session: &mut RedshiftSession, of: &VariableType) -> SqlResult<RsType> {
        let path = match of {
            VariableType::Given(rs_type) => return Ok(rs_type.clone()),
            VariableType::TypeOf(path) => path,
        };
        if let Ok(rs_type) = self.target_type(path) {
            return Ok(rs_type);
        }
        let view = session.view().await?;
        let column = |view: &View, schema: Option<&str>, table: &str, column: &str| {
            let entry = view.entry(schema, table)?;
            entry.relation.columns.iter().find(|c| c.name == column).map(|c| c.rs_type.clone())
        };
        match path.as_slice() {
            [table, name] => column(&view, None, table, name),
            [schema, table, name] => column(&view, Some(schema), table, name),
            _ => None,
        }
        .ok_or_else(|| SqlError::new("42703", format!("\"{}%TYPE\" does not exist", path.join("."))))
    }

    pub(super) async fn statements(
        &mut self,
        session: &mut RedshiftSession,
        statements: &[PlStatement],
    ) -> SqlResult<Flow> {
        for statement in statements {
            match self.statement(session, statement).await? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement<'a>(
        &'a mut self,
        session: &'a mut RedshiftSession,
        statement: &'a PlStatement,
    ) -> BoxFuture<'a, SqlResult<Flow>> {
        Box::pin(async move {
            session.check_cancelled()?;
            self.line = statement.line;
            self.execute(session, &statement.kind).await
        })
    }

    async fn execute(&mut self, session: &mut RedshiftSession, kind: &PlKind) -> SqlResult<Flow> {
        match kind {
            PlKind::Null => {}
            PlKind::Block(block) => return self.block(session, block).await,
            PlKind::Assign { target, value } => {
                let rs_type = self.target_type(target)?;
                let (value, _) = expression::evaluate(session, &value.expr, Some(&rs_type), self).await?;
                self.store(target, value)?;
            }
            PlKind::Sql { statement, into, .. } => self.sql(session, statement, into).await?,
            PlKind::If { branches, otherwise } => {
                for (test, statements) in branches {
                    if condition(session, &test.expr, self).await? {
                        return self.statements(session, statements).await;
                    }
                }
                return self.statements(session, otherwise).await;
            }
            PlKind::Case { operand, branches, otherwise } => {
                return self.case(session, operand.as_ref(), branches, otherwise.as_deref()).await;
            }
            PlKind::Loop { label, body } => loop {
                tokio::task::yield_now().await;
                let flow = self.statements(session, body).await?;
                if let Turn::Leave(flow) = turn(flow, label.as_ref()) {
                    return Ok(flow);
                }
                session.check_cancelled()?;
            },
            PlKind::While { label, condition: test, body } => {
                while condition(session, &test.expr, self).await? {
                    tokio::task::yield_now().await;
                    session.check_cancelled()?;
                    let flow = self.statements(session, body).await?;
                    if let Turn::Leave(flow) = turn(flow, label.as_ref()) {
                        return Ok(flow);
                    }
                }
            }
            PlKind::ForInteger { label, variable, reverse, from, to, body } => {
                return self.for_integer(session, label.as_ref(), variable, *reverse, (from, to), body).await;
            }
            PlKind::ForQuery { label, targets, query, body } => {
                Self::enter_loop(session)?;
                let outcome = session.run_query(query, self).await?;
                return self.for_rows(session, label.as_ref(), targets, outcome, body).await;
            }
            PlKind::ForExecute { label, targets, command, body } => {
                Self::enter_loop(session)?;
                let outcome = self.dynamic_query(session, command).await?;
                return self.for_rows(session, label.as_ref(), targets, outcome, body).await;
            }
            PlKind::Exit { label, when } => {
                if self.holds(session, when.as_ref()).await? {
                    return Ok(Flow::Exit(label.clone()));
                }
            }
            PlKind::Continue { label, when } => {
                if self.holds(session, when.as_ref()).await? {
                    return Ok(Flow::Continue(label.clone()));
                }
            }
            PlKind::Execute { command, into } => self.dynamic(session, command, into).await?,
            PlKind::Raise { level, message, arguments } => {
                self.raise(session, *level, message.as_deref(), arguments).await?;
            }
            PlKind::Return => return Ok(Flow::Return),
            PlKind::Call { procedure, arguments } => self.call(session, procedure, arguments).await?,
            PlKind::Commit => {
                self.check_end("COMMIT")?;
                if session.transaction.open {
                    session.commit_block().await?;
                }
                self.begin_again(session).await?;
            }
            PlKind::Rollback => {
                self.check_end("ROLLBACK")?;
                if session.transaction.open {
                    session.rollback_block().await?;
                }
                self.begin_again(session).await?;
            }
            PlKind::StartTransaction => {
                if session.transaction.open {
                    return Err(SqlError::new("25001", "there is already a transaction in progress"));
                }
                session.begin().await?;
            }
            PlKind::GetDiagnostics(targets) => {
                for target in targets {
                    let to = self.target_type(target)?;
                    let count = Some(self.row_count.max(0).to_string());
                    let value = expression::assign(session, count, &RsType::BigInt, &to).await?;
                    self.store(target, value)?;
                }
            }
            PlKind::OpenFor { cursor, query } => self.open_for(session, cursor, query).await?,
            PlKind::OpenForExecute { cursor, command } => self.open_for_execute(session, cursor, command).await?,
            PlKind::Open { cursor, arguments } => self.open_bound(session, cursor, arguments).await?,
            PlKind::Fetch { cursor, into } => self.fetch(session, cursor, into).await?,
            PlKind::Move { cursor } => self.skip(session, cursor)?,
            PlKind::Close { cursor } => self.close(session, cursor)?,
        }
        Ok(Flow::Next)
    }

    /// COMMIT, ROLLBACK and TRUNCATE end the transaction, if it is the procedure's to end
    /// ("Managing transactions").
    pub(super) fn check_end(&self, what: &str) -> SqlResult<()> {
        if self.mode.may_end || self.mode.nonatomic {
            return Ok(());
        }
        Err(SqlError::new(
            "2D000",
            format!("{what} cannot be invoked from a procedure that is executing in an atomic context."),
        ))
    }

    pub(super) async fn begin_again(&self, session: &mut RedshiftSession) -> SqlResult<()> {
        if self.mode.nonatomic { Ok(()) } else { session.begin().await }
    }

    pub(super) async fn holds(&self, session: &mut RedshiftSession, when: Option<&Expression>) -> SqlResult<bool> {
        match when {
            Some(test) => condition(session, &test.expr, self).await,
            None => Ok(true),
        }
    }

    /// Gives a row's values to variables, or all of them to one record; no row gives NULLs.
    pub(super) async fn assign_row(
        &mut self,
        session: &mut RedshiftSession,
        targets: &[Target],
        columns: &[OutputColumn],
        row: Option<Vec<Datum>>,
    ) -> SqlResult<()> {
        let values: Vec<Option<String>> = match row {
            Some(row) => {
                row.into_iter().zip(columns).map(|(datum, column)| datum.into_variable(&column.rs_type)).collect()
            }
            None => vec![None; columns.len()],
        };
        if let [target] = targets
            && self.is_record(target)
        {
            let fields = columns
                .iter()
                .zip(values)
                .map(|(column, value)| (column.name.clone(), column.rs_type.clone(), value))
                .collect();
            if let Some(variable) = self.lookup_mut(&target[0]) {
                *variable = Variable::Record(fields);
            }
            return Ok(());
        }
        let mut values = values.into_iter().zip(columns);
        for target in targets {
            let to = self.target_type(target)?;
            let value = match values.next() {
                Some((value, column)) => expression::assign(session, value, &column.rs_type, &to).await?,
                None => None,
            };
            self.store(target, value)?;
        }
        Ok(())
    }

    async fn raise(
        &self,
        session: &mut RedshiftSession,
        level: RaiseLevel,
        message: Option<&str>,
        arguments: &[Expression],
    ) -> SqlResult<()> {
        let Some(message) = message else {
            return Err(self.handling.clone().unwrap_or_else(|| {
                SqlError::new("0Z002", "RAISE without parameters cannot be used outside an exception handler")
            }));
        };
        let mut text = String::new();
        let mut arguments = arguments.iter();
        let mut characters = message.chars().peekable();
        while let Some(c) = characters.next() {
            if c != '%' {
                text.push(c);
            } else if characters.peek() == Some(&'%') {
                characters.next();
                text.push('%');
            } else {
                let argument =
                    arguments.next().ok_or_else(|| SqlError::new("42601", "too few parameters specified for RAISE"))?;
                let (value, _) = expression::evaluate(session, &argument.expr, None, self).await?;
                text.push_str(value.as_deref().unwrap_or("<NULL>"));
            }
        }
        let number = match level {
            RaiseLevel::Log => 20,
            RaiseLevel::Info => 30,
            RaiseLevel::Notice => 40,
            RaiseLevel::Warning => 50,
            RaiseLevel::Exception => 60,
        };
        session.raised(number, text.clone(), self.line)?;
        if level == RaiseLevel::Exception {
            return Err(SqlError::new("P0001", text));
        }
        Ok(())
    }

    async fn call(
        &mut self,
        session: &mut RedshiftSession,
        name: &redshift_sql::ObjectName,
        arguments: &[Expression],
    ) -> SqlResult<()> {
        let view = session.view().await?;
        let mut given = Vec::new();
        for argument in arguments {
            let (value, rs_type) = expression::evaluate(session, &argument.expr, None, self).await?;
            given.push(super::Given { value, rs_type });
        }
        let procedure = choose(&view, name, &given)?;
        let every = given.len() == procedure.arguments.len();
        let outputs = Box::pin(call_nested(session, &procedure, given, self.mode)).await?;
        // Output arguments go back into the variables that stand in their places.
        let places = procedure.arguments.iter().filter(|a| a.input || every).zip(arguments);
        for (argument, expression) in places {
            if !argument.output {
                continue;
            }
            let Some((_, rs_type, value)) = outputs.iter().find(|(name, _, _)| *name == argument.name) else {
                continue;
            };
            let target: Target = match &expression.expr {
                Expr::Path(steps) => steps
                    .iter()
                    .filter_map(|step| match step {
                        redshift_sql::ast::Step::Name(ident) => Some(ident.name.clone()),
                        redshift_sql::ast::Step::Index(_) => None,
                    })
                    .collect(),
                _ => {
                    return Err(SqlError::new(
                        "42601",
                        format!("argument \"{}\" is an output argument and needs a variable", argument.name),
                    ));
                }
            };
            let from = if argument.rs_type.is_some() { rs_type.clone() } else { REFCURSOR };
            let to = self.target_type(&target)?;
            let value = expression::assign(session, value.clone(), &from, &to).await?;
            self.store(&target, value)?;
        }
        Ok(())
    }
}
