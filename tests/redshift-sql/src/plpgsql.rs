//! The procedural language of stored procedures: tree and entry points of its parser.
//!
//! Execution is the engine's. Sources: Redshift Database Developer Guide, "Structure of PL/pgSQL" and
//! "Supported PL/pgSQL statements". Invariant: every SQL statement and expression in the tree has been parsed; nothing is resolved,
//! since temporary tables and dynamic SQL only exist at run time.

use crate::ast::{Expr, Query};
use crate::statement::Statement;
use crate::types::RsType;

/// `BEGIN … END`, with its declarations and handlers.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `<<label>>`.
    pub label: Option<String>,
    /// DECLARE section in order.
    pub declarations: Vec<Declaration>,
    /// Statements.
    pub statements: Vec<PlStatement>,
    /// `EXCEPTION WHEN OTHERS THEN`: None if there is no EXCEPTION section.
    pub handler: Option<Handler>,
    /// Line of BEGIN, counted from 1 at the first line of the body.
    pub line: usize,
}

/// An EXCEPTION section. Its only condition in Redshift is OTHERS.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// Statements.
    pub statements: Vec<PlStatement>,
    /// Which kind of handler (NONATOMIC procedures may name one).
    pub kind: HandlerKind,
    /// Line of WHEN.
    pub line: usize,
}

/// Handler kinds of NONATOMIC procedures ("Trapping errors").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Redshift's")]
pub enum HandlerKind {
    /// `EXCEPTION WHEN OTHERS THEN`.
    Plain,
    /// `EXCEPTION WHEN OTHERS CONTINUE_HANDLER THEN`
    Continue,
    /// `EXCEPTION WHEN OTHERS EXIT_HANDLER THEN`
    Exit,
}

/// A declared variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: DeclarationKind,
    /// Line.
    pub line: usize,
}

/// Kinds of declarations.
#[derive(Debug, Clone, PartialEq)]
pub enum DeclarationKind {
    /// A scalar.
    Scalar {
        /// Type.
        of: VariableType,
        /// CONSTANT.
        constant: bool,
        /// NOT NULL.
        not_null: bool,
        /// DEFAULT or :=.
        default: Option<Expression>,
    },
    /// `name ALIAS FOR other` (`$1` is the first argument, given as `$1`).
    Alias(String),
    /// RECORD.
    Record,
    /// `name table%ROWTYPE`.
    RowType(crate::ast::ObjectName),
    /// REFCURSOR.
    RefCursor,
    /// `name CURSOR [(args)] FOR query`.
    Cursor {
        /// Arguments.
        arguments: Vec<(String, RsType)>,
        /// Query.
        query: Box<Query>,
    },
}

/// A variable's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableType {
    /// Given.
    Given(RsType),
    /// `name%TYPE`: the path (`table.column`, `schema.table.column`, or a variable).
    TypeOf(Vec<String>),
}

/// An expression with its text; hand it to [`crate::rewrite_expression`].
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Parsed form.
    pub expr: Expr,
    /// Text as written.
    pub text: String,
    /// Line.
    pub line: usize,
}

/// A statement with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct PlStatement {
    /// Line, counted from 1 at the first line of the body.
    pub line: usize,
    /// What it is.
    pub kind: PlKind,
}

/// Where a value goes: a variable, a record field or a block-qualified variable, as a path of folded names.
pub type Target = Vec<String>;

/// Statement kinds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "variants and members are named after the statements")]
pub enum PlKind {
    Block(Block),
    Assign {
        target: Target,
        value: Expression,
    },
    /// Any SQL statement; `into` only for SELECT (and for one target that is a record: a single path of a record variable).
    Sql {
        statement: Box<Statement>,
        into: Vec<Target>,
        text: String,
    },
    If {
        branches: Vec<(Expression, Vec<PlStatement>)>,
        otherwise: Vec<PlStatement>,
    },
    /// A simple CASE has an operand; `otherwise` None raises CASE_NOT_FOUND.
    Case {
        operand: Option<Expression>,
        branches: Vec<(Vec<Expression>, Vec<PlStatement>)>,
        otherwise: Option<Vec<PlStatement>>,
    },
    Loop {
        label: Option<String>,
        body: Vec<PlStatement>,
    },
    While {
        label: Option<String>,
        condition: Expression,
        body: Vec<PlStatement>,
    },
    ForInteger {
        label: Option<String>,
        variable: String,
        reverse: bool,
        from: Expression,
        to: Expression,
        body: Vec<PlStatement>,
    },
    ForQuery {
        label: Option<String>,
        targets: Vec<Target>,
        query: Box<Query>,
        body: Vec<PlStatement>,
    },
    ForExecute {
        label: Option<String>,
        targets: Vec<Target>,
        command: Expression,
        body: Vec<PlStatement>,
    },
    Exit {
        label: Option<String>,
        when: Option<Expression>,
    },
    Continue {
        label: Option<String>,
        when: Option<Expression>,
    },
    Execute {
        command: Expression,
        into: Vec<Target>,
    },
    Raise {
        level: RaiseLevel,
        /// None for a bare `RAISE;` (NONATOMIC handlers only).
        message: Option<String>,
        /// One per `%` of the message.
        arguments: Vec<Expression>,
    },
    Return,
    Call {
        procedure: crate::ast::ObjectName,
        arguments: Vec<Expression>,
    },
    Commit,
    Rollback,
    /// START TRANSACTION (NONATOMIC only).
    StartTransaction,
    /// GET DIAGNOSTICS v := ROW_COUNT, … (the only item there is).
    GetDiagnostics(Vec<Target>),
    Null,
    /// OPEN c FOR query.
    OpenFor {
        cursor: String,
        query: Box<Query>,
    },
    /// OPEN c FOR EXECUTE text.
    OpenForExecute {
        cursor: String,
        command: Expression,
    },
    /// OPEN bound_cursor [(arguments)].
    Open {
        cursor: String,
        arguments: Vec<Expression>,
    },
    Fetch {
        cursor: String,
        into: Vec<Target>,
    },
    Move {
        cursor: String,
    },
    Close {
        cursor: String,
    },
}

/// RAISE levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Redshift's")]
pub enum RaiseLevel {
    Notice,
    Info,
    Log,
    Warning,
    Exception,
}
