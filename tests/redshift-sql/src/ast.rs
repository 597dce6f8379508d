//! Syntax trees of queries, expressions and data changes, as parsed: names are folded, nothing is resolved.
//!
//! The engine treats these as opaque, apart from a few members. Invariant: a tree holds only what Redshift's grammar allows;
//! syntax that Redshift has not (`ON CONFLICT`, `RETURNING`, `FILTER`, `LATERAL`) cannot be expressed.

mod changes;

use crate::types::RsType;

pub use changes::*;

/// A possibly qualified name, already folded by the settings at parse time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// Database, if given.
    pub database: Option<String>,
    /// Schema, if given.
    pub schema: Option<String>,
    /// Name. A temporary table's leading `#` is kept.
    pub name: String,
}

impl ObjectName {
    /// A name without schema.
    #[must_use]
    pub fn bare(name: impl Into<String>) -> Self {
        Self { database: None, schema: None, name: name.into() }
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// One name inside an expression: as an identifier and as a SUPER attribute, which fold by different rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// Folded as an identifier.
    pub name: String,
    /// Folded as a SUPER attribute name.
    pub attribute: String,
    /// Byte offset in the parsed text.
    pub position: usize,
}

/// A step of a path: `.name` or `[index]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `.name`
    Name(Ident),
    /// `[expression]`
    Index(Box<Expr>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Boolean(bool),
    /// Digits, with a point or an exponent perhaps.
    Number(String),
    /// A string constant, unescaped.
    String(String),
}

/// Two-operand operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the operators' names")]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    Plus,
    Minus,
    Multiply,
    Divide,
    Modulo,
    Power,
    Concat,
    RegexMatch,
    RegexNotMatch,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

/// One-operand operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the operators' names")]
pub enum UnaryOp {
    Not,
    Minus,
    Plus,
    BitNot,
    SquareRoot,
    CubeRoot,
    Absolute,
}

/// Pattern predicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeKind {
    /// LIKE.
    Like,
    /// ILIKE.
    ILike,
    /// SIMILAR TO.
    Similar,
}

/// A window definition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// The frame's text in PostgreSQL's words (they are the same), if given.
    pub frame: Option<String>,
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Function name.
    pub name: ObjectName,
    /// Arguments; date parts given as bare words are paths of one name.
    pub args: Vec<Expr>,
    /// `count(*)`.
    pub star: bool,
    /// DISTINCT inside the call.
    pub distinct: bool,
    /// APPROXIMATE before the call.
    pub approximate: bool,
    /// WITHIN GROUP (ORDER BY …).
    pub within_group: Vec<OrderItem>,
    /// IGNORE NULLS (true) or RESPECT NULLS (false).
    pub ignore_nulls: Option<bool>,
    /// OVER (…).
    pub over: Option<Window>,
    /// Byte offset of the name.
    pub position: usize,
}

/// The function that `value = ANY (array)` means for the catalogs' arrays; no user can write its name.
pub(crate) const IN_CATALOG_ARRAY: &str = "= any";
/// The function that `ARRAY[…]` means: an array of the leader node's catalogs.
pub(crate) const CATALOG_ARRAY: &str = "array[]";
/// The function that `(a, b) OVERLAPS (c, d)` means.
pub(crate) const OVERLAPS: &str = "(,) overlaps (,)";

/// OBJECT_TRANSFORM.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectTransform {
    /// The object.
    pub input: Expr,
    /// Paths of KEEP.
    pub keep: Vec<String>,
    /// Paths and values of SET.
    pub set: Vec<(String, Expr)>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "member names say what they are")]
pub enum Expr {
    Literal(Literal),
    /// `DATE '…'`, `TIMESTAMP '…'` and so on.
    TypedLiteral(RsType, String),
    /// `INTERVAL '…' [unit]`.
    Interval(String, Option<String>),
    /// A column, variable or SUPER path: never empty, the first step is a name.
    Path(Vec<Step>),
    /// Navigation from a computed SUPER value.
    Navigate(Box<Expr>, Vec<Step>),
    /// `$n` in a SQL function's body.
    Argument(usize),
    /// `:name` of the Data API.
    NamedParameter(String),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    IsNull {
        expr: Box<Expr>,
        negated: bool,
    },
    /// `IS [NOT] TRUE|FALSE|UNKNOWN` (None).
    IsTruth {
        expr: Box<Expr>,
        value: Option<bool>,
        negated: bool,
    },
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        expr: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Exists(Box<Query>),
    /// `= ANY (query)` and the like; `all` for ALL.
    Quantified {
        expr: Box<Expr>,
        op: BinaryOp,
        all: bool,
        query: Box<Query>,
    },
    Like {
        kind: LikeKind,
        expr: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<String>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        expr: Box<Expr>,
        to: RsType,
        /// TRY_CAST.
        or_null: bool,
    },
    AtTimeZone(Box<Expr>, Box<Expr>),
    Call(Box<Call>),
    ObjectTransform(Box<ObjectTransform>),
    Subquery(Box<Query>),
    Tuple(Vec<Expr>),
    /// `PRIOR e` in a CONNECT BY condition.
    Prior(Box<Expr>),
    /// `column(+)` in WHERE.
    OuterMark(Box<Expr>),
}

/// An ORDER BY item.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// Expression, ordinal or output name.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST (true) or LAST (false), if given.
    pub nulls_first: Option<bool>,
}

/// A select list entry.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectItem {
    /// `*` or `t.*`, with the columns of EXCLUDE.
    Star {
        /// Qualifier, if given.
        qualifier: Option<ObjectName>,
        /// Folded names after EXCLUDE.
        exclude: Vec<String>,
    },
    /// An expression with its alias.
    Expr(Expr, Option<String>),
}

/// Join kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the joins' names")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

/// How a join matches.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinCondition {
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<String>),
    /// NATURAL.
    Natural,
    /// CROSS JOIN.
    None,
}

/// A FROM item.
#[derive(Debug, Clone, PartialEq)]
pub enum TableRef {
    /// A relation, a CTE or the unnesting of a SUPER path (`o.items AS i AT x`): the resolver decides.
    Named {
        /// The path as written; a relation has names only.
        path: Vec<Step>,
        /// Alias.
        alias: Option<String>,
        /// Column aliases.
        columns: Vec<String>,
        /// AT.
        at: Option<String>,
    },
    /// `UNPIVOT path AS v AT a`.
    Unpivot {
        /// SUPER expression.
        expr: Expr,
        /// Value alias.
        value: String,
        /// Attribute alias.
        attribute: Option<String>,
    },
    /// A subquery.
    Query {
        /// Query.
        query: Box<Query>,
        /// Alias.
        alias: Option<String>,
        /// Column aliases.
        columns: Vec<String>,
    },
    /// `generate_series(…)`, the one function that may stand in FROM.
    Series {
        /// Arguments.
        call: Box<Call>,
        /// Alias.
        alias: Option<String>,
        /// Column aliases.
        columns: Vec<String>,
    },
    /// The PIVOT operator.
    Pivot(Box<Pivot>),
    /// The UNPIVOT operator.
    UnpivotColumns(Box<UnpivotColumns>),
    /// A join.
    Join {
        /// Left side.
        left: Box<TableRef>,
        /// Right side.
        right: Box<TableRef>,
        /// Kind.
        kind: JoinKind,
        /// Condition.
        condition: JoinCondition,
    },
}

/// `source PIVOT (aggregate FOR column IN (values))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pivot {
    /// A relation or subquery.
    pub source: TableRef,
    /// COUNT, SUM, MIN, MAX or AVG.
    pub aggregate: Call,
    /// Alias of the aggregate.
    pub aggregate_alias: Option<String>,
    /// Column that is turned.
    pub column: Ident,
    /// Its values with their aliases.
    pub values: Vec<(Expr, Option<String>)>,
    /// Alias.
    pub alias: Option<String>,
}

/// `source UNPIVOT (value FOR name IN (columns))`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnpivotColumns {
    /// A relation or subquery.
    pub source: TableRef,
    /// INCLUDE NULLS.
    pub include_nulls: bool,
    /// Name of the value column.
    pub value: String,
    /// Name of the name column.
    pub name: String,
    /// Columns with their aliases.
    pub columns: Vec<(Ident, Option<String>)>,
    /// Alias.
    pub alias: Option<String>,
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// DISTINCT.
    pub distinct: bool,
    /// TOP n.
    pub top: Option<u64>,
    /// Select list.
    pub items: Vec<SelectItem>,
    /// `INTO [TEMP] [TABLE] name`: SELECT INTO of plain SQL. Inside plpgsql the target list is in the plpgsql tree instead.
    pub into: Option<SelectInto>,
    /// FROM items.
    pub from: Vec<TableRef>,
    /// WHERE.
    pub selection: Option<Expr>,
    /// CONNECT BY.
    pub connect_by: Option<ConnectBy>,
    /// GROUP BY.
    pub group_by: Vec<GroupItem>,
    /// HAVING.
    pub having: Option<Expr>,
    /// QUALIFY.
    pub qualify: Option<Expr>,
}

/// `[START WITH start] CONNECT BY condition`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectBy {
    /// START WITH; without it every row is a root.
    pub start: Option<Expr>,
    /// The condition between a row and its parent.
    pub condition: Expr,
}

/// Target of SELECT INTO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectInto {
    /// Table to create.
    pub table: ObjectName,
    /// TEMP.
    pub temporary: bool,
}

/// A GROUP BY entry.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupItem {
    /// An expression, ordinal or output name.
    Expr(Expr),
    /// ALL: every select list entry without an aggregate.
    All,
    /// GROUPING SETS / ROLLUP / CUBE: keyword and its sets.
    Sets(&'static str, Vec<Vec<Expr>>),
}

/// Set operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the operators' names")]
pub enum SetOp {
    Union,
    UnionAll,
    Intersect,
    Except,
}

/// The body of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryBody {
    /// SELECT.
    Select(Box<Select>),
    /// A set operation.
    Set(SetOp, Box<QueryBody>, Box<QueryBody>),
    /// A parenthesised query.
    Nested(Box<Query>),
    /// VALUES, only as the source of INSERT.
    Values(Vec<Vec<Option<Expr>>>),
}

/// A common table expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Name.
    pub name: String,
    /// Column aliases.
    pub columns: Vec<String>,
    /// Query.
    pub query: Query,
}

/// A query with its ordering and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// WITH RECURSIVE.
    pub recursive: bool,
    /// WITH.
    pub with: Vec<Cte>,
    /// Body.
    pub body: QueryBody,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// LIMIT; `LIMIT ALL` is None.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// Byte offset of the query in the parsed text.
    pub position: usize,
}
