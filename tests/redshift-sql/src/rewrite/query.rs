//! Queries: FROM items, select lists, grouping, QUALIFY, set operations, common table expressions.

use super::scope::{Item, Scope, ScopeColumn};
use super::{Form, Rewriter, Typed, functions};
use crate::ast::{
    Expr, GroupItem, JoinCondition, JoinKind, Literal, ObjectName, OrderItem, Query, QueryBody, Select, SelectItem,
    SetOp, Step, TableRef,
};
use crate::catalog::{OutputColumn, Relation, RelationKind};
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

/// Late-binding views within late-binding views.
const MAX_VIEWS: usize = 16;

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
            "extract" => "date_part".to_owned(),
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

fn ordinal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Literal(Literal::Number(n)) => n.parse().ok(),
        _ => None,
    }
}

/// A bare name.
fn bare(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Path(steps) => match steps.as_slice() {
            [Step::Name(ident)] => Some(&ident.name),
            _ => None,
        },
        _ => None,
    }
}

fn direction(item: &OrderItem) -> &'static str {
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
                while let Some((op, right)) = rest.pop() {
                    let (right_sql, right_columns) = self.set_body(right, parent)?;
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
        let part = |sql: &str, side: &str| format!("SELECT rs_part.*{side} FROM ({sql}) AS rs_part");
        format!(
            "SELECT {} FROM ({} UNION ALL {}) AS {alias}({list}) GROUP BY {}{having}",
            items.join(", "),
            part(left, side.0),
            part(right, side.1),
            keys.join(", ")
        )
    }

    fn select(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        parent: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let mut scope = Scope { parent, ..Scope::default() };
        let from = self.from(&select.from, &mut scope)?;
        // An alias here may hide the one that a key of the query around is from.
        let hidden: Vec<String> = scope.items.iter().map(|i| format!("{}.", quote_identifier(&i.alias))).collect();
        let outer_keys = self.group_keys.clone();
        self.group_keys.retain(|(key, _)| !hidden.iter().any(|alias| key.contains(alias)));
        let result = self.select_from(select, order_by, &from, &mut scope);
        self.group_keys = outer_keys;
        result
    }

    fn select_from(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        from: &str,
        scope: &mut Scope<'_>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let mut values: Vec<(String, Typed)> = Vec::new();
        let mut plain = Vec::new();
        for item in &select.items {
            self.select_item(item, scope, &mut values)?;
            let aggregated = matches!(item, SelectItem::Expr(expr, _) if functions::has_aggregate(expr));
            plain.resize(values.len(), !aggregated);
        }
        let columns: Vec<OutputColumn> = values
            .iter()
            .map(|(name, value)| OutputColumn {
                name: name.clone(),
                rs_type: value.ty.clone(),
                origin: value.origin.clone(),
            })
            .collect();
        let selection = self.clause(" WHERE ", select.selection.as_ref(), scope)?;
        let keys = self.group_by(&select.group_by, scope, &values, &plain)?;
        let group = keys.sql();
        if !keys.character.is_empty() {
            self.group_keys.extend(keys.character);
            values.clear();
            scope.laterals.clear();
            for item in &select.items {
                self.select_item(item, scope, &mut values)?;
            }
        }
        let names: Vec<String> = values.iter().map(|(n, _)| n.clone()).collect();
        let having = self.clause(" HAVING ", select.having.as_ref(), scope)?;
        let mut keys = Vec::new();
        for item in order_by {
            keys.push(self.order_key(item, scope, &names)?);
        }
        let tail = format!("{from}{selection}{group}{having}");
        let settled: Vec<String> = values.iter().map(|(_, value)| self.settled(value)).collect();
        if let Some(qualify) = &select.qualify {
            let test = self.expr(qualify, scope)?;
            let test = self.condition(&test)?;
            return self.qualified(select, order_by, &keys, &settled, &test, &tail, columns);
        }
        let list = |names: &[String]| {
            settled
                .iter()
                .zip(names)
                .map(|(s, n)| format!("{s} AS {}", quote_identifier(n)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        if select.distinct && columns.iter().any(|c| c.rs_type.is_character()) {
            let mut order = Vec::new();
            for (item, key) in order_by.iter().zip(&keys) {
                order.push(format!("{}{}", key.among(&settled)?, direction(item)));
            }
            let inner: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
            let sql = self.distinct(&format!("SELECT {}{tail}", list(&inner)), &columns);
            return Ok((format!("{sql}{}", order_clause(&order)), columns));
        }
        let distinct = if select.distinct { "DISTINCT " } else { "" };
        let order: Vec<String> =
            order_by.iter().zip(&keys).map(|(item, key)| format!("{}{}", key.in_place(), direction(item))).collect();
        Ok((format!("SELECT {distinct}{}{tail}{}", list(&names), order_clause(&order)), columns))
    }

    /// "QUALIFY clause": filters after the window functions.
    #[allow(clippy::too_many_arguments, reason = "the parts of one SELECT")]
    fn qualified(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        keys: &[Key],
        settled: &[String],
        test: &str,
        tail: &str,
        columns: Vec<OutputColumn>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let mut inner: Vec<String> = settled.iter().enumerate().map(|(n, s)| format!("{s} AS rs_c{}", n + 1)).collect();
        inner.push(format!("{test} AS rs_qualify"));
        let mut order = Vec::new();
        for (n, (item, key)) in order_by.iter().zip(keys).enumerate() {
            let key = match key {
                Key::Output(index) if select.distinct => index.to_string(),
                Key::Output(index) => format!("rs_c{index}"),
                Key::Expression(_) if select.distinct => key.among(settled)?,
                Key::Expression(sql) => {
                    inner.push(format!("{sql} AS rs_o{n}"));
                    format!("rs_o{n}")
                }
            };
            order.push(format!("{key}{}", direction(item)));
        }
        let alias = self.alias("q");
        let filtered = format!("FROM (SELECT {}{tail}) AS {alias} WHERE rs_qualify", inner.join(", "));
        let outer: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(n, column)| format!("rs_c{} AS {}", n + 1, quote_identifier(&column.name)))
            .collect();
        let sql = format!("SELECT {} {filtered}", outer.join(", "));
        let sql = if select.distinct { self.distinct(&sql, &columns) } else { sql };
        Ok((format!("{sql}{}", order_clause(&order)), columns))
    }

    /// The distinct rows of a query. Values that differ in trailing blanks are equal ("Character types").
    fn distinct(&mut self, sql: &str, columns: &[OutputColumn]) -> String {
        let alias = self.alias("d");
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
        let (items, keys) = unblanked(&names, columns, "");
        format!(
            "SELECT {} FROM ({sql}) AS {alias}({}) GROUP BY {}",
            items.join(", "),
            names.join(", "),
            keys.join(", ")
        )
    }

    fn clause(&mut self, word: &str, expr: Option<&Expr>, scope: &Scope<'_>) -> Result<String, SqlError> {
        match expr {
            Some(expr) => {
                let value = self.expr(expr, scope)?;
                Ok(format!("{word}{}", self.condition(&value)?))
            }
            None => Ok(String::new()),
        }
    }

    fn select_item(
        &mut self,
        item: &SelectItem,
        scope: &mut Scope<'_>,
        values: &mut Vec<(String, Typed)>,
    ) -> Result<(), SqlError> {
        match item {
            SelectItem::Expr(expr, alias) => {
                let value = self.expr(expr, scope)?;
                let name = alias.clone().unwrap_or_else(|| natural_name(expr));
                if alias.is_some() {
                    let mut lateral = value.clone();
                    lateral.origin = None;
                    scope.laterals.push((name.clone(), lateral));
                }
                values.push((name, value));
            }
            SelectItem::Star { qualifier, exclude } => {
                let before = values.len();
                match qualifier {
                    None => star(scope, values),
                    Some(name) => {
                        let Some(item) = scope
                            .items
                            .iter()
                            .find(|i| i.alias == name.name && (name.schema.is_none() || name.schema == i.schema))
                        else {
                            return Err(SqlError::new("42P01", format!("relation \"{}\" does not exist", name.name)));
                        };
                        item_columns(item, values);
                    }
                }
                if scope.items.is_empty() {
                    return Err(SqlError::syntax("SELECT * with no tables specified is not valid"));
                }
                for name in exclude {
                    let Some(at) = values[before..].iter().position(|(n, _)| n == name) else {
                        return Err(SqlError::new("42703", format!("column \"{name}\" in EXCLUDE does not exist")));
                    };
                    values.remove(before + at);
                }
            }
        }
        Ok(())
    }

    fn group_by(
        &mut self,
        items: &[GroupItem],
        scope: &Scope<'_>,
        values: &[(String, Typed)],
        plain: &[bool],
    ) -> Result<Grouping, SqlError> {
        let mut grouping = Grouping::default();
        for item in items {
            match item {
                GroupItem::Expr(expr) => {
                    let key = self.group_key(expr, scope, values)?;
                    let key = grouping.key(key, false);
                    grouping.parts.push(key);
                }
                // "GROUP BY clause", ALL: every entry that is not aggregated.
                GroupItem::All => {
                    for (_, (_, value)) in plain.iter().zip(values).filter(|(plain, _)| **plain) {
                        let key = if value.form == Form::Value { value.clone() } else { open_key(value) };
                        let key = grouping.key(key, false);
                        grouping.parts.push(key);
                    }
                }
                GroupItem::Sets(word, sets) => {
                    let mut list = Vec::new();
                    for set in sets {
                        let mut keys = Vec::new();
                        for expr in set {
                            let key = self.group_key(expr, scope, values)?;
                            keys.push(grouping.key(key, true));
                        }
                        list.push(format!("({})", keys.join(", ")));
                    }
                    grouping.parts.push(format!("{word} ({})", list.join(", ")));
                }
            }
        }
        Ok(grouping)
    }

    fn group_key(&mut self, expr: &Expr, scope: &Scope<'_>, values: &[(String, Typed)]) -> Result<Typed, SqlError> {
        if let Some(n) = ordinal(expr) {
            return match n.checked_sub(1).and_then(|i| values.get(i)) {
                Some((_, value)) if value.form == Form::Value => Ok(value.clone()),
                Some((_, value)) => Ok(open_key(value)),
                None => Err(SqlError::new("42P10", format!("GROUP BY position {n} is not in select list"))),
            };
        }
        match self.expr(expr, scope) {
            // A constant key groups nothing; PostgreSQL would read a number as an ordinal.
            Ok(value) if value.is_open() => Ok(open_key(&value)),
            Ok(value) => Ok(value),
            Err(error) => match bare(expr).and_then(|name| values.iter().find(|(n, _)| n == name)) {
                Some((_, value)) => Ok(value.clone()),
                None => Err(error),
            },
        }
    }

    fn order_key(&mut self, item: &OrderItem, scope: &Scope<'_>, names: &[String]) -> Result<Key, SqlError> {
        if let Some(n) = ordinal(&item.expr) {
            if n >= 1 && n <= names.len() {
                return Ok(Key::Output(n));
            }
            return Err(SqlError::new("42P10", format!("ORDER BY position {n} is not in select list")));
        }
        if let Some(name) = bare(&item.expr)
            && let Some(n) = names.iter().position(|x| x == name)
        {
            return Ok(Key::Output(n + 1));
        }
        let value = self.expr(&item.expr, scope)?;
        Ok(Key::Expression(self.settled(&value)))
    }

    /// ` FROM …`, with the items put into the scope.
    pub(super) fn from(&mut self, items: &[TableRef], scope: &mut Scope<'_>) -> Result<String, SqlError> {
        if items.is_empty() {
            return Ok(String::new());
        }
        let mut out = String::new();
        for (n, item) in items.iter().enumerate() {
            let sql = self.table(item, scope)?;
            if n > 0 {
                // Unnesting refers to items on its left; CROSS JOIN LATERAL keeps them in sight.
                out.push_str(" CROSS JOIN ");
            }
            out.push_str(&sql);
        }
        Ok(format!(" FROM {out}"))
    }

    pub(super) fn add_item(&self, scope: &mut Scope<'_>, item: Item) -> Result<(), SqlError> {
        if scope.items.iter().any(|i| i.alias == item.alias) {
            return Err(SqlError::new("42712", format!("table name \"{}\" specified more than once", item.alias)));
        }
        scope.items.push(item);
        Ok(())
    }

    pub(super) fn table(&mut self, table: &TableRef, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        match table {
            TableRef::Named { path, alias, columns, at } => {
                self.named(path, alias.as_deref(), columns, at.as_deref(), scope)
            }
            TableRef::Unpivot { expr, value, attribute } => {
                let base = self.expr(expr, scope)?;
                if base.ty != RsType::Super {
                    return Err(SqlError::datatype("UNPIVOT needs a SUPER object"));
                }
                let table = self.alias("u");
                let (v, a) = (format!("{table}.v"), format!("{table}.a"));
                self.add_item(scope, value_item(value, &v, RsType::Super))?;
                if let Some(attribute) = attribute {
                    let ty = RsType::Varchar(crate::types::MAX_VARCHAR);
                    self.add_item(scope, value_item(attribute, &a, ty))?;
                }
                Ok(format!("LATERAL (SELECT key AS a, value AS v FROM rs.super_attributes({})) AS {table}", base.sql))
            }
            TableRef::Query { query, alias, columns } => {
                let (sql, output) = self.query(query, scope.parent)?;
                let output = renamed(output, columns, alias.as_deref().unwrap_or("subquery"))?;
                self.derived(&sql, &output, alias.as_deref(), scope)
            }
            TableRef::Series { call, alias, columns } => {
                let value = self.call(call, scope)?;
                let alias = alias.as_deref().unwrap_or("generate_series");
                let column = OutputColumn { name: alias.to_owned(), rs_type: value.ty, origin: None };
                let output = renamed(vec![column], columns, alias)?;
                self.add_item(scope, output_item(alias, &output))?;
                Ok(format!("{} AS {}{}", value.sql, quote_identifier(alias), column_list(&output)))
            }
            TableRef::Pivot(pivot) => self.pivot(pivot, scope),
            TableRef::UnpivotColumns(unpivot) => self.unpivot(unpivot, scope),
            TableRef::Join { left, right, kind, condition } => self.join(left, right, *kind, condition, scope),
        }
    }

    fn join(
        &mut self,
        left: &TableRef,
        right: &TableRef,
        kind: JoinKind,
        condition: &JoinCondition,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let start = scope.items.len();
        let left_sql = self.table(left, scope)?;
        let middle = scope.items.len();
        let right_sql = self.table(right, scope)?;
        let word = match kind {
            JoinKind::Inner => "JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
            JoinKind::Cross => "CROSS JOIN",
        };
        let has = |items: &[Item], name: &str| items.iter().any(|i| i.columns.iter().any(|c| c.name == name));
        let tail = match condition {
            JoinCondition::None => String::new(),
            JoinCondition::On(expr) => {
                let value = self.expr(expr, scope)?;
                format!(" ON {}", self.condition(&value)?)
            }
            JoinCondition::Using(_) | JoinCondition::Natural => {
                let names: Vec<String> = match condition {
                    JoinCondition::Using(names) => names.clone(),
                    _ => {
                        let mut common = Vec::new();
                        for item in &scope.items[start..middle] {
                            for column in &item.columns {
                                if has(&scope.items[middle..], &column.name) && !common.contains(&column.name) {
                                    common.push(column.name.clone());
                                }
                            }
                        }
                        common
                    }
                };
                for name in &names {
                    if !has(&scope.items[start..middle], name) || !has(&scope.items[middle..], name) {
                        return Err(SqlError::new(
                            "42703",
                            format!("column \"{name}\" specified in USING clause does not exist"),
                        ));
                    }
                    if !scope.merged.contains(name) {
                        scope.merged.push(name.clone());
                    }
                }
                if names.is_empty() {
                    " ON true".to_owned()
                } else {
                    let list: Vec<String> = names.iter().map(|n| quote_identifier(n)).collect();
                    format!(" USING ({})", list.join(", "))
                }
            }
        };
        Ok(format!("({left_sql} {word} {right_sql}{tail})"))
    }

    fn named(
        &mut self,
        path: &[Step],
        alias: Option<&str>,
        columns: &[String],
        at: Option<&str>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let Step::Name(first) = &path[0] else {
            return Err(SqlError::syntax("a FROM item must start with a name"));
        };
        // A path that starts with an earlier FROM item is unnesting ("Unnesting queries").
        let unnests = scope.items.iter().any(|i| i.alias == first.name)
            && (path.len() > 1 || scope.items.iter().any(|i| i.alias == first.name && i.value.is_some()));
        let outer_unnest = !unnests && path.len() > 1 && {
            let mut level = scope.parent;
            let mut found = false;
            while let Some(here) = level {
                found |= here.items.iter().any(|i| i.alias == first.name);
                level = here.parent;
            }
            found
        };
        if unnests || outer_unnest {
            let base = self.path(path, scope)?;
            if base.ty != RsType::Super {
                return Err(SqlError::datatype(format!(
                    "cannot iterate over a value of type {}: unnesting needs SUPER",
                    base.ty
                )));
            }
            let name = alias.map_or_else(
                || {
                    path.iter()
                        .rev()
                        .find_map(|s| match s {
                            Step::Name(i) => Some(i.name.clone()),
                            Step::Index(_) => None,
                        })
                        .unwrap_or_default()
                },
                str::to_owned,
            );
            let table = self.alias("u");
            let (v, i) = (format!("{table}.v"), format!("({table}.i - 1)"));
            self.add_item(scope, value_item(&name, &v, RsType::Super))?;
            if let Some(at) = at {
                self.add_item(scope, value_item(at, &i, RsType::BigInt))?;
            }
            return Ok(format!("LATERAL rs.super_elements({}) WITH ORDINALITY AS {table}(v, i)", base.sql));
        }
        if at.is_some() {
            return Err(SqlError::syntax("AT is only allowed after a SUPER array in FROM"));
        }
        let name = relation_name(path)?;
        self.relation_item(&name, alias, columns, scope)
    }

    fn relation_item(
        &mut self,
        name: &ObjectName,
        alias: Option<&str>,
        columns: &[String],
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let shown = alias.unwrap_or(&name.name);
        if name.schema.is_none()
            && let Some((_, output)) = self.ctes.iter().rev().find(|(n, _)| *n == name.name)
        {
            let output = renamed(output.clone(), columns, shown)?;
            let list = column_list(&output);
            self.add_item(scope, output_item(shown, &output))?;
            return Ok(format!("{} AS {}{list}", quote_identifier(&name.name), quote_identifier(shown)));
        }
        let relation = self.lookup(name)?;
        let key = (relation.schema.clone(), relation.name.clone());
        if self.forbidden.as_ref() == Some(&key) {
            return Err(SqlError::unsupported(
                "Source view/subquery in Merge statement cannot reference target table.",
            ));
        }
        if relation.kind == RelationKind::Stream && !self.streams_allowed {
            return Err(SqlError::unsupported(format!(
                "stream {}.{} can only be read by a materialized view",
                relation.schema, relation.name
            )));
        }
        if let Some(definition) = &relation.definition {
            let definition = definition.clone();
            return self.late_binding(&definition, shown, columns, scope);
        }
        // "Leader node-only functions": system tables and views with these prefixes are read on compute nodes, too.
        self.compute_read |= relation.kind != RelationKind::System
            || ["stl_", "stv_", "svl_", "svv_"].iter().any(|prefix| relation.name.starts_with(prefix));
        if !self.reads.contains(&key) {
            self.reads.push(key);
        }
        let item = relation_item(&relation, shown, columns)?;
        let list = if columns.is_empty() {
            String::new()
        } else {
            let names: Vec<String> = item.columns.iter().map(|c| quote_identifier(&c.name)).collect();
            format!("({})", names.join(", "))
        };
        self.add_item(scope, item)?;
        Ok(format!(
            "{}.{} AS {}{list}",
            quote_identifier(&relation.postgres_schema),
            quote_identifier(&relation.postgres_name),
            quote_identifier(shown)
        ))
    }

    /// A view WITH NO SCHEMA BINDING, expanded in place.
    fn late_binding(
        &mut self,
        definition: &crate::catalog::LateBinding,
        shown: &str,
        columns: &[String],
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        if self.views >= MAX_VIEWS {
            return Err(SqlError::new("54001", format!("views are nested deeper than {MAX_VIEWS} levels")));
        }
        let settings = crate::settings::Settings {
            case_sensitive_super_attribute: self.settings.case_sensitive_super_attribute,
            ..definition.settings.clone()
        };
        let crate::statement::Statement::Query(query) = crate::parser::parse_statement(&definition.sql, &settings)?
        else {
            return Err(SqlError::syntax("the definition of a view must be a query"));
        };
        self.views += 1;
        let ctes = std::mem::take(&mut self.ctes);
        let result = self.query(&query, None);
        self.ctes = ctes;
        self.views -= 1;
        let (sql, output) = result?;
        let output = renamed(output, &definition.columns, shown)?;
        let output = renamed(output, columns, shown)?;
        let list = column_list(&output);
        self.add_item(scope, output_item(shown, &output))?;
        Ok(format!("({sql}) AS {}{list}", quote_identifier(shown)))
    }

    /// The relation of a name, or Redshift's error.
    pub(super) fn lookup(&self, name: &ObjectName) -> Result<Relation, SqlError> {
        if let Some(database) = &name.database
            && *database != self.catalog.database()
        {
            return Err(SqlError::not_in_stand_in(&format!("a query across databases (\"{database}\")")));
        }
        self.catalog
            .relation(name.schema.as_deref(), &name.name)
            .ok_or_else(|| SqlError::new("42P01", format!("relation \"{name}\" does not exist")))
    }
}

/// The keys of a GROUP BY.
#[derive(Default)]
struct Grouping {
    parts: Vec<String>,
    /// Keys whose trailing blanks do not count, and whether they are in grouping sets.
    character: Vec<(String, bool)>,
}

impl Grouping {
    /// A key as PostgreSQL text.
    fn key(&mut self, value: Typed, in_sets: bool) -> String {
        if value.ty.is_character() {
            let key = format!("({})::bpchar", value.sql);
            self.character.push((value.sql, in_sets));
            return key;
        }
        // In parentheses a number is a value; alone it would be an ordinal.
        format!("({})", value.sql)
    }

    fn sql(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!(" GROUP BY {}", self.parts.join(", ")) }
    }
}

/// A constant as a key that groups nothing.
fn open_key(value: &Typed) -> Typed {
    Typed::new(format!("({}::text)", value.sql), RsType::Unknown)
}

/// Items and GROUP BY keys of rows whose character values are equal without their trailing blanks.
fn unblanked(names: &[String], columns: &[OutputColumn], filter: &str) -> (Vec<String>, Vec<String>) {
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

fn order_clause(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
}

enum Key {
    /// The n-th output column.
    Output(usize),
    Expression(String),
}

impl Key {
    /// The key as an ordinal of the result.
    fn among(&self, settled: &[String]) -> Result<String, SqlError> {
        match self {
            Self::Output(n) => Ok(n.to_string()),
            Self::Expression(sql) => {
                settled.iter().position(|s| s == sql).map(|n| (n + 1).to_string()).ok_or_else(|| {
                    SqlError::syntax("for SELECT DISTINCT, ORDER BY expressions must appear in select list")
                })
            }
        }
    }

    fn in_place(&self) -> String {
        match self {
            Self::Output(n) => n.to_string(),
            Self::Expression(sql) => sql.clone(),
        }
    }
}

fn relation_name(path: &[Step]) -> Result<ObjectName, SqlError> {
    let mut names = Vec::new();
    for step in path {
        match step {
            Step::Name(ident) => names.push(ident.name.clone()),
            Step::Index(_) => {
                return Err(SqlError::new("42P01", format!("relation \"{}\" does not exist", names.join("."))));
            }
        }
    }
    let full = names.join(".");
    let name = names.pop().unwrap_or_default();
    let schema = names.pop();
    let database = names.pop();
    if !names.is_empty() {
        return Err(SqlError::new("42P01", format!("relation \"{full}\" does not exist")));
    }
    Ok(ObjectName { database, schema, name })
}

fn value_item(alias: &str, sql: &str, ty: RsType) -> Item {
    Item { alias: alias.to_owned(), schema: None, columns: Vec::new(), value: Some(Typed::new(sql, ty)) }
}

pub(super) fn output_item(alias: &str, columns: &[OutputColumn]) -> Item {
    Item {
        alias: alias.to_owned(),
        schema: None,
        columns: columns
            .iter()
            .map(|c| ScopeColumn {
                name: c.name.clone(),
                value: Typed {
                    sql: format!("{}.{}", quote_identifier(alias), quote_identifier(&c.name)),
                    ty: c.rs_type.clone(),
                    form: Form::Value,
                    origin: c.origin.clone(),
                },
            })
            .collect(),
        value: None,
    }
}

/// The scope item of a relation under an alias.
pub(super) fn relation_item(relation: &Relation, alias: &str, columns: &[String]) -> Result<Item, SqlError> {
    let output: Vec<OutputColumn> = relation
        .columns
        .iter()
        .map(|c| OutputColumn {
            name: c.name.clone(),
            rs_type: c.rs_type.clone(),
            origin: Some((relation.schema.clone(), relation.name.clone())),
        })
        .collect();
    let output = renamed(output, columns, alias)?;
    let mut item = output_item(alias, &output);
    item.schema = Some(relation.schema.clone());
    Ok(item)
}

/// Output columns under the names of a column alias list.
fn renamed(mut columns: Vec<OutputColumn>, names: &[String], of: &str) -> Result<Vec<OutputColumn>, SqlError> {
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

fn column_list(columns: &[OutputColumn]) -> String {
    let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.name)).collect();
    format!("({})", names.join(", "))
}

fn cte_sql(name: &str, columns: &[OutputColumn], sql: &str) -> String {
    format!("{}{} AS ({sql})", quote_identifier(name), column_list(columns))
}

fn item_columns(item: &Item, values: &mut Vec<(String, Typed)>) {
    if let Some(value) = &item.value {
        values.push((item.alias.clone(), value.clone()));
    }
    for column in &item.columns {
        values.push((column.name.clone(), column.value.clone()));
    }
}

fn star(scope: &Scope<'_>, values: &mut Vec<(String, Typed)>) {
    for name in &scope.merged {
        if let Some(column) = scope.items.iter().flat_map(|i| &i.columns).find(|c| c.name == *name) {
            let mut value = column.value.clone();
            value.sql = quote_identifier(name);
            values.push((name.clone(), value));
        }
    }
    for item in &scope.items {
        let mut all = Vec::new();
        item_columns(item, &mut all);
        values.extend(all.into_iter().filter(|(n, _)| !scope.merged.contains(n)));
    }
}
