//! From resolved trees to PostgreSQL text.
//!
//! Every expression becomes a [`Typed`]: text with its Redshift type, so that operators, casts and SUPER navigation are chosen by
//! type and not by PostgreSQL's own rules. Invariant: text from the user reaches the output only through
//! [`crate::quote_identifier`], [`crate::quote_literal`] or checked numbers.

mod cast;
mod change;
mod define;
mod expr;
mod from;
mod functions;
mod hierarchy;
mod known;
mod operators;
mod outer;
mod pivot;
mod protect;
mod query;
mod scope;
mod select;
mod streaming;
mod supers;
mod update;

use crate::ast::{Expr, Query};
use crate::catalog::{Catalog, OutputColumn, Parameter, Translated, Variables};
use crate::error::SqlError;
use crate::settings::Settings;
use crate::statement::Statement;
use crate::types::RsType;
use scope::Scope;

pub(crate) use functions::list::FUNCTIONS;
pub(crate) use streaming::check_streaming_view;

/// What a piece of SQL is, beyond its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Value,
    /// A string constant whose type is still open.
    Text(String),
    /// NULL.
    Null,
}

/// PostgreSQL text of a value with its Redshift type.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) sql: String,
    pub(crate) ty: RsType,
    pub(crate) form: Form,
    /// The table that a plain column belongs to.
    pub(crate) origin: Option<(String, String)>,
    /// Compared without regard to case: what COLLATE(…, 'case_insensitive') gives.
    pub(crate) caseless: bool,
}

impl Typed {
    pub(crate) fn new(sql: impl Into<String>, ty: RsType) -> Self {
        Self { sql: sql.into(), ty, form: Form::Value, origin: None, caseless: false }
    }

    pub(crate) fn null() -> Self {
        Self { sql: "NULL".into(), ty: RsType::Unknown, form: Form::Null, origin: None, caseless: false }
    }

    pub(crate) fn text(text: &str) -> Self {
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX).max(1);
        Self {
            sql: crate::quote_literal(text),
            ty: RsType::Varchar(bytes),
            form: Form::Text(text.to_owned()),
            origin: None,
            caseless: false,
        }
    }

    /// A constant that takes the type of its surroundings.
    pub(crate) fn is_open(&self) -> bool {
        self.form != Form::Value
    }
}

pub(crate) struct Rewriter<'a> {
    catalog: &'a dyn Catalog,
    settings: &'a Settings,
    variables: &'a dyn Variables,
    parameters: Vec<Parameter>,
    reads: Vec<(String, String)>,
    writes: Vec<(String, String)>,
    /// Common table expressions in sight, innermost last.
    ctes: Vec<(String, Vec<OutputColumn>)>,
    streams_allowed: bool,
    /// Relation that must not be read (target of MERGE).
    forbidden: Option<(String, String)>,
    /// MERGE: parts of SUPER columns must not be used.
    whole_super_only: bool,
    /// Depth of late-binding views.
    views: usize,
    /// Running number of generated aliases.
    generated: usize,
    /// A function that only the leader node has.
    leader_function: Option<String>,
    /// The statement reads a table that compute nodes hold.
    compute_read: bool,
    /// The statement holds `ARRAY[…]`: catalogs and system views may stand beside it, as sqlalchemy-redshift writes it.
    catalog_array: bool,
    /// The statement reads what is no system view.
    user_read: bool,
    /// Character keys of the GROUP BY around an expression, as SQL, and whether they are in grouping sets.
    group_keys: Vec<(String, bool)>,
    /// Columns, as SQL, that CAN_JSON_PARSE has found good where the expression at hand is evaluated.
    known_json: Vec<String>,
    /// The statement fills a temporary table.
    fills_temporary: bool,
    /// The parent row's columns, in a CONNECT BY condition.
    prior: Option<Vec<scope::Item>>,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(catalog: &'a dyn Catalog, settings: &'a Settings, variables: &'a dyn Variables) -> Self {
        Self {
            catalog,
            settings,
            variables,
            parameters: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            ctes: Vec::new(),
            streams_allowed: false,
            forbidden: None,
            whole_super_only: false,
            views: 0,
            generated: 0,
            leader_function: None,
            compute_read: false,
            catalog_array: false,
            user_read: false,
            group_keys: Vec::new(),
            known_json: Vec::new(),
            fills_temporary: false,
            prior: None,
        }
    }

    fn alias(&mut self, what: &str) -> String {
        self.generated += 1;
        format!("rs_{what}{}", self.generated)
    }

    fn finish(self, sql: String, columns: Vec<OutputColumn>) -> Result<Translated, SqlError> {
        if let Some(function) = &self.leader_function
            && (self.compute_read || !self.writes.is_empty())
        {
            // "Leader node-only functions".
            return Err(SqlError::unsupported(
                "Specified types or functions (one per INFO message) not supported on Redshift tables.",
            )
            .with_hint(format!("{function} runs on the leader node only; GETDATE() and SYSDATE run everywhere")));
        }
        if self.catalog_array && (self.user_read || !self.writes.is_empty()) {
            return Err(SqlError::unsupported(
                "Specified types or functions (one per INFO message) not supported on Redshift tables.",
            )
            .with_hint("ARRAY[…] makes an array of the leader node's catalogs; ARRAY(…) makes a SUPER array"));
        }
        Ok(Translated { sql, parameters: self.parameters, columns, reads: self.reads, writes: self.writes })
    }
}

pub(crate) fn statement(
    statement: &Statement,
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    let mut rewriter = Rewriter::new(catalog, settings, variables);
    match statement {
        Statement::Query(query) => {
            let (sql, columns) = rewriter.query(query, None)?;
            rewriter.finish(sql, columns)
        }
        Statement::Insert(insert) => {
            let sql = rewriter.insert(insert)?;
            rewriter.finish(sql, Vec::new())
        }
        Statement::Update(update) => {
            let sql = rewriter.update(update)?;
            rewriter.finish(sql, Vec::new())
        }
        Statement::Delete(delete) => {
            let sql = rewriter.delete(delete)?;
            rewriter.finish(sql, Vec::new())
        }
        Statement::Merge(merge) => {
            let sql = rewriter.merge(merge)?;
            rewriter.finish(sql, Vec::new())
        }
        other => {
            let (sql, columns) = rewriter.definition(other)?;
            rewriter.finish(sql, columns)
        }
    }
}

pub(crate) fn query_alone(
    query: &Query,
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    let mut rewriter = Rewriter::new(catalog, settings, variables);
    rewriter.streams_allowed = true;
    let (sql, columns) = rewriter.query(query, None)?;
    rewriter.finish(sql, columns)
}

pub(crate) fn expressions(
    expressions: &[&Expr],
    targets: &[Option<RsType>],
    catalog: &dyn Catalog,
    settings: &Settings,
    variables: &dyn Variables,
) -> Result<Translated, SqlError> {
    let mut rewriter = Rewriter::new(catalog, settings, variables);
    let scope = Scope::default();
    let mut items = Vec::new();
    let mut columns = Vec::new();
    for (index, expression) in expressions.iter().enumerate() {
        let value = rewriter.expr(expression, &scope)?;
        let (sql, rs_type) = match targets.get(index).and_then(Option::as_ref) {
            Some(target) => (rewriter.assign_variable(value, target)?, target.clone()),
            None => (rewriter.settled(&value), value.ty),
        };
        let name = format!("column{}", index + 1);
        items.push(format!("{sql} AS {}", crate::quote_identifier(&name)));
        columns.push(OutputColumn { name, rs_type, origin: None });
    }
    rewriter.finish(format!("SELECT {}", items.join(", ")), columns)
}
