//! Queries: FROM items, select lists, grouping, QUALIFY, set operations, common table expressions.

use super::scope::Scope;
use super::{Rewriter, Typed};
use crate::ast::{Expr, Literal, OrderItem, Query, QueryBody, SelectItem, SetOp, Step};
use crate::catalog::OutputColumn;
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

/// The name of an unnamed expression, as Redshift shows it.
pub(super) fn natural_name(expr: &Expr) -> String {
    match expr {
        Expr::Path(steps) | Expr::Navigate(_, steps) => steps
            .iter()
            .rev()
            .find_map(|s| match s {
                Step::Name(ident) => Some(ident.name.clone()),
                Step::Index(_) => None,
            })
            .unwrap_or_else(|| "?column?".to_owned()),
        Expr::Call(call) => match call.name.name.as_str() {
            "dateadd" => "date_add".to_owned(),
            "datediff" => "date_diff".to_owned(),
            "extract" | "datepart" => "date_part".to_owned(),
            "nvl" => "coalesce".to_owned(),
            "sysdate" => "timestamp".to_owned(),
            "current_date" => "date".to_owned(),
            "user" => "current_user".to_owned(),
            other => other.to_owned(),
        },
        Expr::Case { .. } => "case".to_owned(),
        Expr::Cast { expr, to, .. } => match expr.as_ref() {
            Expr::Path(_) | Expr::Navigate(..) | Expr::Call(_) | Expr::Cast { .. } => natural_name(expr),
            _ => to.short_name().to_owned(),
        },
        Expr::TypedLiteral(t, _) => t.short_name().to_owned(),
        Expr::Exists(_) => "exists".to_owned(),
        _ => "?column?".to_owned(),
    }
}

pub(super) fn ordinal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Literal(Literal::Number(n)) => n.parse().ok(),
        _ => None,
    }
}

/// A bare name.
pub(super) fn bare(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Path(steps) => match steps.as_slice() {
            [Step::Name(ident)] => Some(&ident.name),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn direction(item: &OrderItem) -> &'static str {
    match (item.descending, item.nulls_first) {
        (false, None) => "",
        (true, None) => " DESC",
        (false, Some(true)) => " NULLS FIRST",
        (false, Some(false)) => " NULLS LAST",
        (true, Some(true)) => " DESC NULLS FIRST",
        (true, Some(false)) => " DESC NULLS LAST",
    }
}

impl Rewriter<'_> {
    /// A query as PostgreSQL text with its output columns.
    pub(super) fn query(
        &mut self,
        query: &Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let depth = self.ctes.len();
        let with = self.with(query, parent)?;
        let result = self.query_body(query, parent);
        self.ctes.truncate(depth);
        let (sql, columns) = result?;
        Ok((format!("{with}{sql}"), columns))
    }

    pub(super) fn with_list(
        &mut self,
        list: &[crate::ast::Cte],
        recursive: bool,
        parent: Option<&Scope<'_>>,
    ) -> Result<String, SqlError> {
        if list.is_empty() {
            return Ok(String::new());
        }
        let mut parts = Vec::new();
        for cte in list {
            if recursive && let QueryBody::Set(SetOp::UnionAll, seed, step) = &cte.query.body {
                let seed = Query {
                    recursive: false,
                    with: Vec::new(),
                    body: seed.as_ref().clone(),
                    order_by: Vec::new(),
                    limit: None,
                    offset: None,
                    position: cte.query.position,
                };
                let (seed_sql, columns) = self.query(&seed, parent)?;
                let columns = renamed(columns, &cte.columns, &cte.name)?;
                self.ctes.push((cte.name.clone(), columns.clone()));
                let (step_sql, step_columns) = self.set_body(step, parent)?;
                if step_columns.len() != columns.len() {
                    return Err(SqlError::syntax("each UNION ALL query must have the same number of columns"));
                }
                // PostgreSQL wants equal types on both sides, lengths included; the seed says which.
                let sql =
                    format!("{} UNION ALL {}", unsized_rows(&seed_sql, &columns), unsized_rows(&step_sql, &columns));
                parts.push(cte_sql(&cte.name, &columns, &sql));
                continue;
            }
            let (sql, columns) = self.query(&cte.query, parent)?;
            let columns = renamed(columns, &cte.columns, &cte.name)?;
            parts.push(cte_sql(&cte.name, &columns, &sql));
            self.ctes.push((cte.name.clone(), columns));
        }
        let word = if recursive { "WITH RECURSIVE" } else { "WITH" };
        Ok(format!("{word} {} ", parts.join(", ")))
    }

    fn with(&mut self, query: &Query, parent: Option<&Scope<'_>>) -> Result<String, SqlError> {
        self.with_list(&query.with, query.recursive, parent)
    }

    fn query_body(
        &mut self,
        query: &Query,
        parent: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let limits = self.limits(query, parent)?;
        match &query.body {
            QueryBody::Select(select) => {
                if select.top.is_some() && query.limit.is_some() {
                    return Err(SqlError::syntax("TOP and LIMIT cannot be used together"));
                }
                let top = select.top.map_or(String::new(), |n| format!(" LIMIT {n}"));
                let (sql, columns) = self.select(select, &query.order_by, parent)?;
                Ok((format!("{sql}{top}{limits}"), columns))
            }
            body => {
                let (sql, columns) = self.set_body(body, parent)?;
                let mut order = Vec::new();
                for item in &query.order_by {
                    let key = match (ordinal(&item.expr), bare(&item.expr)) {
                        (Some(n), _) if n >= 1 && n <= columns.len() => n.to_string(),
                        (_, Some(name)) if columns.iter().any(|c| c.name == name) => quote_identifier(name),
                        _ => {
                            return Err(SqlError::unsupported(
                                "ORDER BY of a set operation takes only names and ordinals of its result columns",
                            ));
                        }
                    };
                    order.push(format!("{key}{}", direction(item)));
                }
                let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
                Ok((format!("{sql}{order}{limits}"), columns))
            }
        }
    }

    fn limits(&mut self, query: &Query, parent: Option<&Scope<'_>>) -> Result<String, SqlError> {
        let scope = Scope { parent, ..Scope::default() };
        let mut out = String::new();
        for (word, expr) in [("LIMIT", &query.limit), ("OFFSET", &query.offset)] {
            if let Some(expr) = expr {
                let value = self.expr(expr, &scope)?;
                if !value.ty.is_integer() && !value.is_open() {
                    return Err(SqlError::datatype(format!(
                        "argument of {word} must be an integer, not type {}",
                        value.ty
                    )));
                }
                out.push_str(&format!(" {word} ({})::bigint", value.sql));
            }
        }
        Ok(out)
    }

    fn set_body(
        &mut self,
        body: &QueryBody,
        parent: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        match body {
            QueryBody::Select(select) => {
                let top = select.top.map_or(String::new(), |n| format!(" LIMIT {n}"));
                let (sql, columns) = self.select(select, &[], parent)?;
                Ok((format!("({sql}{top})"), columns))
            }
            QueryBody::Nested(query) => {
                let (sql, columns) = self.query(query, parent)?;
                Ok((format!("({sql})"), columns))
            }
            QueryBody::Values(_) => {
                Err(SqlError::unsupported("VALUES lists used as constant tables are not supported by Redshift"))
            }
            QueryBody::Set(..) => {
                // Left-deep chains in a loop: generated UNION ALLs may be long.
                let mut rest = Vec::new();
                let mut base = body;
                while let QueryBody::Set(op, left, right) = base {
                    rest.push((*op, right.as_ref()));
                    base = left;
                }
                let (mut sql, mut columns) = self.set_body(base, parent)?;
                let mut open = open_columns(base);
                while let Some((op, right)) = rest.pop() {
                    let (mut right_sql, mut right_columns) = self.set_body(right, parent)?;
                    take_types(&mut sql, &mut columns, &open, &right_columns);
                    take_types(&mut right_sql, &mut right_columns, &open_columns(right), &columns);
                    // Constants of both sides are VARCHAR from here on.
                    open.clear();
                    let word = match op {
                        SetOp::Union => "UNION",
                        SetOp::UnionAll => "UNION ALL",
                        SetOp::Intersect => "INTERSECT",
                        SetOp::Except => "EXCEPT",
                    };
                    if columns.len() != right_columns.len() {
                        return Err(SqlError::syntax(format!(
                            "each {word} query must have the same number of columns"
                        )));
                    }
                    for (a, b) in columns.iter_mut().zip(&right_columns) {
                        let left = Typed::new("", a.rs_type.clone());
                        let right = Typed::new("", b.rs_type.clone());
                        let unified = self.common_type(&[&left, &right]);
                        let mixed = (a.rs_type == RsType::Super) != (b.rs_type == RsType::Super)
                            && a.rs_type != RsType::Unknown
                            && b.rs_type != RsType::Unknown;
                        a.rs_type = match unified {
                            Ok(t) if !mixed => t,
                            _ => {
                                return Err(SqlError::datatype(format!(
                                    "{word} types {} and {} cannot be matched",
                                    a.rs_type, b.rs_type
                                )));
                            }
                        };
                        a.origin = None;
                    }
                    let open = if matches!(right, QueryBody::Set(..)) { format!("({right_sql})") } else { right_sql };
                    sql = if op != SetOp::UnionAll && columns.iter().any(|c| c.rs_type.is_character()) {
                        self.set_without_blanks(op, &sql, &open, &columns)
                    } else {
                        format!("{sql} {word} {open}")
                    };
                    if !rest.is_empty() {
                        sql = format!("({sql})");
                    }
                }
                Ok((sql, columns))
            }
        }
    }

    /// UNION, INTERSECT and EXCEPT of rows with character columns, whose trailing blanks do not count ("Character types").
    fn set_without_blanks(&mut self, op: SetOp, left: &str, right: &str, columns: &[OutputColumn]) -> String {
        let alias = self.alias("d");
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
        let (side, having, of_left) = match op {
            SetOp::Intersect => ((", 1", ", 2"), " HAVING bool_or(rs_side = 1) AND bool_or(rs_side = 2)", true),
            SetOp::Except => ((", 1", ", 2"), " HAVING bool_and(rs_side = 1)", true),
            SetOp::Union | SetOp::UnionAll => (("", ""), "", false),
        };
        let filter = if of_left { " FILTER (WHERE rs_side = 1)" } else { "" };
        let (items, keys) = unblanked(&names, columns, filter);
        let list = if of_left { format!("{}, rs_side", names.join(", ")) } else { names.join(", ") };
        // NULL of one side has the other side's type.
        let typed: Vec<String> = names
            .iter()
            .zip(columns)
            .map(|(name, column)| match &column.rs_type {
                RsType::Unknown => name.clone(),
                ty if ty.is_character() => name.clone(),
                ty => format!("{name}::{}", ty.postgres().split('(').next().unwrap_or_default()),
            })
            .collect();
        let part = |sql: &str, side: &str| {
            format!("SELECT {}{side} FROM ({sql}) AS rs_part({})", typed.join(", "), names.join(", "))
        };
        format!(
            "SELECT {} FROM ({} UNION ALL {}) AS {alias}({list}) GROUP BY {}{having}",
            items.join(", "),
            part(left, side.0),
            part(right, side.1),
            keys.join(", ")
        )
    }
}

/// Which columns of a SELECT are string constants, whose type is still open.
fn open_columns(body: &QueryBody) -> Vec<bool> {
    match body {
        QueryBody::Select(select) => select
            .items
            .iter()
            .map(|item| matches!(item, SelectItem::Expr(Expr::Literal(Literal::String(_)), _)))
            .collect(),
        _ => Vec::new(),
    }
}

/// String constants of one side of a set operation take the other side's type ("UNION, INTERSECT, and EXCEPT": data types that
/// can be converted).
fn take_types(sql: &mut String, columns: &mut [OutputColumn], open: &[bool], other: &[OutputColumn]) {
    if open.len() != columns.len() || columns.len() != other.len() {
        return;
    }
    let mut items = Vec::new();
    let mut changed = false;
    for (n, ((column, other), open)) in columns.iter_mut().zip(other).zip(open).enumerate() {
        let name = format!("rs_c{}", n + 1);
        let fixed = !other.rs_type.is_character()
            && !matches!(other.rs_type, RsType::Unknown | RsType::Super | RsType::Varbyte(_));
        let item = if *open && fixed {
            changed = true;
            column.rs_type = other.rs_type.clone();
            format!("{name}::{}", column.rs_type.postgres())
        } else {
            name
        };
        items.push(format!("{item} AS {}", quote_identifier(&column.name)));
    }
    if changed {
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
        *sql = format!("(SELECT {} FROM {sql} AS rs_part({}))", items.join(", "), names.join(", "));
    }
}

/// Items and GROUP BY keys of rows whose character values are equal without their trailing blanks.
pub(super) fn unblanked(names: &[String], columns: &[OutputColumn], filter: &str) -> (Vec<String>, Vec<String>) {
    let mut items = Vec::new();
    let mut keys = Vec::new();
    for (name, column) in names.iter().zip(columns) {
        let shown = quote_identifier(&column.name);
        if column.rs_type.is_character() {
            items.push(format!("min({name}){filter} AS {shown}"));
            keys.push(format!("({name})::bpchar"));
        } else {
            items.push(format!("{name} AS {shown}"));
            keys.push(name.clone());
        }
    }
    (items, keys)
}

/// The rows of a query with types that have no length, precision or scale.
fn unsized_rows(sql: &str, columns: &[OutputColumn]) -> String {
    let items: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, column)| {
            let ty = match &column.rs_type {
                t if t.is_character() => "text".to_owned(),
                RsType::Decimal(..) => "numeric".to_owned(),
                other => other.postgres(),
            };
            format!("rs_c{}::{ty}", n + 1)
        })
        .collect();
    let names: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
    format!("SELECT {} FROM ({sql}) AS rs_part({})", items.join(", "), names.join(", "))
}

pub(super) fn order_clause(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
}

/// Output columns under the names of a column alias list.
pub(super) fn renamed(
    mut columns: Vec<OutputColumn>,
    names: &[String],
    of: &str,
) -> Result<Vec<OutputColumn>, SqlError> {
    if names.len() > columns.len() {
        return Err(SqlError::new(
            "42P10",
            format!("table \"{of}\" has {} columns available but {} columns specified", columns.len(), names.len()),
        ));
    }
    for (column, name) in columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    Ok(columns)
}

pub(super) fn column_list(columns: &[OutputColumn]) -> String {
    format!("({})", inner_names(columns).join(", "))
}

/// The columns' names inside of PostgreSQL: a name that came before is told apart, so that `*` finds each.
pub(super) fn inner_names(columns: &[OutputColumn]) -> Vec<String> {
    let name = |(n, column): (usize, &OutputColumn)| {
        let again = columns[..n].iter().any(|before| before.name == column.name);
        quote_identifier(&if again { format!("{}:{n}", column.name) } else { column.name.clone() })
    };
    columns.iter().enumerate().map(name).collect()
}

fn cte_sql(name: &str, columns: &[OutputColumn], sql: &str) -> String {
    format!("{}{} AS ({sql})", quote_identifier(name), column_list(columns))
}
