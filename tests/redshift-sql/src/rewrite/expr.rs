//! Expressions other than operators and functions.

use super::functions::has_aggregate;
use super::scope::Scope;
use super::{Form, Rewriter, Typed};
use crate::ast::{BinaryOp, Expr, LikeKind, Literal, UnaryOp};
use crate::error::SqlError;
use crate::quote_literal;
use crate::types::RsType;

/// Type of a number constant; digits beyond BIGINT make a DECIMAL.
fn number(text: &str) -> Result<Typed, SqlError> {
    let digits = text.trim_start_matches('-');
    if digits.contains(['e', 'E']) {
        return Ok(Typed::new(format!("({text}::double precision)"), RsType::Double));
    }
    let wrap = |ty| {
        let sql = if text.starts_with('-') { format!("({text})") } else { text.to_owned() };
        Ok(Typed::new(sql, ty))
    };
    if let Some((whole, fraction)) = digits.split_once('.') {
        let whole = whole.trim_start_matches('0').len();
        let precision = (whole + fraction.len()).max(1);
        return match (u8::try_from(precision), u8::try_from(fraction.len())) {
            (Ok(p), Ok(s)) if p <= 38 && s <= 37 => wrap(RsType::Decimal(p, s)),
            _ => Err(SqlError::new("22003", "a number constant has more than 38 digits")),
        };
    }
    if text.parse::<i32>().is_ok() {
        return wrap(RsType::Integer);
    }
    if text.parse::<i64>().is_ok() {
        return wrap(RsType::BigInt);
    }
    match u8::try_from(digits.trim_start_matches('0').len()) {
        Ok(p) if p <= 38 => wrap(RsType::Decimal(p, 0)),
        _ => Err(SqlError::new("22003", "a number constant has more than 38 digits")),
    }
}

/// What COLLATE(…, 'case_insensitive') gives is compared, and would be grouped, ordered and stored as before.
pub(super) fn caseless(place: &str) -> SqlError {
    SqlError::not_in_stand_in(&format!("COLLATE(…, 'case_insensitive') {place}"))
}

impl Rewriter<'_> {
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let value = self.collated(expr, scope)?;
        if value.caseless { Err(caseless("outside of =, <>, IN, LIKE and CASE")) } else { Ok(value) }
    }

    /// A value that may be compared without regard to case: for what knows how.
    pub(super) fn collated(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let value = self.value(expr, scope)?;
        Ok(if self.group_keys.is_empty() { value } else { self.representative(value) })
    }

    fn value(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let boolean = |sql: String| Ok(Typed::new(sql, RsType::Boolean));
        match expr {
            Expr::Literal(Literal::Null) => Ok(Typed::null()),
            Expr::Literal(Literal::Boolean(b)) => boolean(b.to_string()),
            Expr::Literal(Literal::Number(n)) => number(n),
            Expr::Literal(Literal::String(s)) => Ok(Typed::text(s)),
            Expr::TypedLiteral(rs_type, text) => {
                Ok(Typed::new(format!("({}::{})", quote_literal(text), rs_type.postgres()), rs_type.clone()))
            }
            Expr::Interval(text, unit) => {
                let unit = unit.as_ref().map_or(String::new(), |u| format!(" {u}"));
                Ok(Typed::new(format!("(INTERVAL {}{unit})", quote_literal(text)), RsType::Interval))
            }
            Expr::Path(steps) => self.path(steps, scope),
            Expr::Navigate(base, steps) => {
                let mut value = self.expr(base, scope)?;
                if matches!(base.as_ref(), Expr::Call(call) if call.name.name == "current_schemas") {
                    value.origin = Some(("pg_catalog".to_owned(), "current_schemas".to_owned()));
                }
                self.navigate(value, steps, scope)
            }
            Expr::Argument(n) => match n.checked_sub(1).and_then(|i| self.variables.arguments().get(i)) {
                Some(rs_type) => Ok(Typed::new(format!("${n}"), rs_type.clone())),
                // In a procedure $1 is a variable like the argument's name.
                None => match self.variables.variable(&[&format!("${n}")]) {
                    Some(rs_type) => Ok(self.parameter(vec![format!("${n}")], rs_type)),
                    None => Err(SqlError::new("42P02", format!("there is no parameter ${n}"))),
                },
            },
            Expr::NamedParameter(name) => match self.variables.named_parameter(name) {
                Some(text) => Ok(Typed::text(&text)),
                None => Err(SqlError::new("42P02", format!("Parameters list contains no value for :{name}"))),
            },
            Expr::Unary(op, inner) => self.unary(*op, inner, scope),
            Expr::Binary(op, left, right) => self.binary(*op, left, right, scope),
            Expr::IsNull { expr, negated } => {
                let value = self.collated(expr, scope)?;
                let test = match (&value.form, &value.ty) {
                    (Form::Null, _) => "true".to_owned(),
                    (_, RsType::Super) => self.super_is_null(&value.sql),
                    _ => format!("({} IS NULL)", value.sql),
                };
                boolean(if *negated { format!("(NOT {test})") } else { test })
            }
            Expr::IsTruth { expr, value, negated } => {
                let inner = self.expr(expr, scope)?;
                let inner = self.condition(&inner)?;
                let word = match value {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                let not = if *negated { "NOT " } else { "" };
                boolean(format!("({inner} IS {not}{word})"))
            }
            Expr::Between { expr, low, high, negated } => {
                let value = self.expr(expr, scope)?;
                let low = self.expr(low, scope)?;
                let high = self.expr(high, scope)?;
                let from = self.compare(BinaryOp::GtEq, &value, &low)?;
                let to = self.compare(BinaryOp::LtEq, &value, &high)?;
                let both = format!("({} AND {})", from.sql, to.sql);
                boolean(if *negated { format!("(NOT {both})") } else { both })
            }
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated, scope),
            Expr::InQuery { expr, query, negated } => {
                let list = self.in_query_left(expr, scope)?;
                let right = self.member_query(query, &list, scope)?;
                let left: Vec<String> = list.iter().map(|v| self.comparable(v)).collect::<Result<_, _>>()?;
                let not = if *negated { "NOT " } else { "" };
                boolean(format!("(({}) {not}IN ({right}))", left.join(", ")))
            }
            Expr::Quantified { expr, op, all, query } => {
                let list = self.in_query_left(expr, scope)?;
                let right = self.member_query(query, &list, scope)?;
                let left = self.comparable(&list[0])?;
                let word = if *all { "ALL" } else { "ANY" };
                let sign = super::operators::symbol(*op);
                boolean(format!("({left} {sign} {word} ({right}))"))
            }
            Expr::Exists(query) => {
                let (sql, _) = self.query(query, Some(scope))?;
                boolean(format!("EXISTS ({sql})"))
            }
            Expr::Like { kind, expr, pattern, escape, negated } => {
                let value = self.collated(expr, scope)?;
                let pattern = self.collated(pattern, scope)?;
                let (a, b) = (self.text_of(&value)?, self.text_of(&pattern)?);
                let either = value.caseless || pattern.caseless;
                let word = match kind {
                    LikeKind::Like if either => "ILIKE",
                    LikeKind::Similar if either => return Err(caseless("with SIMILAR TO")),
                    LikeKind::Like => "LIKE",
                    LikeKind::ILike => "ILIKE",
                    LikeKind::Similar => "SIMILAR TO",
                };
                let not = if *negated { "NOT " } else { "" };
                let escape = match escape {
                    Some(e) => format!(" ESCAPE {}", quote_literal(e)),
                    None => String::new(),
                };
                boolean(format!("({a} {not}{word} {b}{escape})"))
            }
            Expr::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), scope)
            }
            Expr::Cast { expr, to, or_null } => {
                let value = self.expr(expr, scope)?;
                let sql = if *or_null { self.try_cast(&value, to)? } else { self.cast(&value, to)? };
                Ok(Typed::new(sql, to.clone()))
            }
            Expr::AtTimeZone(value, zone) => {
                let value = self.expr(value, scope)?;
                let zone = self.expr(zone, scope)?;
                let zone = self.text_of(&zone)?;
                let ty = match value.ty {
                    RsType::TimestampTz => RsType::Timestamp,
                    RsType::Timestamp | RsType::Date => RsType::TimestampTz,
                    ref other => {
                        return Err(SqlError::datatype(format!(
                            "AT TIME ZONE needs a TIMESTAMP or TIMESTAMPTZ, not {other}"
                        )));
                    }
                };
                Ok(Typed::new(
                    format!(
                        "(({})::{} AT TIME ZONE {zone})",
                        value.sql,
                        if ty == RsType::Timestamp { "timestamptz" } else { "timestamp" }
                    ),
                    ty,
                ))
            }
            Expr::Call(call) => self.call(call, scope).map_err(|e| e.at(call.position, 0)),
            Expr::ObjectTransform(transform) => self.object_transform(transform, scope),
            Expr::Subquery(query) => {
                let (sql, columns) = self.query(query, Some(scope))?;
                match columns.as_slice() {
                    [only] => Ok(Typed::new(format!("({sql})"), only.rs_type.clone())),
                    _ => Err(SqlError::syntax("subquery must return only one column")),
                }
            }
            Expr::Prior(inner) => match self.prior.clone() {
                Some(items) => self.expr(inner, &Scope { items, parent: scope.parent, ..Scope::default() }),
                None => Err(SqlError::syntax("PRIOR is only allowed in a CONNECT BY condition")),
            },
            // Where it makes no outer join, the mark is ignored ("Oracle-Style outer joins in the WHERE clause").
            Expr::OuterMark(inner) => self.collated(inner, scope),
            Expr::Tuple(_) => Err(SqlError::not_in_stand_in("a row value here")),
        }
    }

    fn unary(&mut self, op: UnaryOp, inner: &Expr, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let value = self.expr(inner, scope)?;
        if op == UnaryOp::Not {
            return Ok(Typed::new(format!("(NOT {})", self.condition(&value)?), RsType::Boolean));
        }
        let sql = if value.ty == RsType::Super { format!("rs.super_number({})", value.sql) } else { value.sql.clone() };
        let back = |sql: String| {
            if value.ty == RsType::Super {
                Typed::new(format!("to_jsonb({sql})"), RsType::Super)
            } else {
                Typed::new(sql, value.ty.clone())
            }
        };
        if !(value.ty.is_numeric() || matches!(value.ty, RsType::Super | RsType::Interval)) {
            return Err(SqlError::new("42883", format!("operator does not exist: {op:?} {}", value.ty)));
        }
        Ok(match op {
            UnaryOp::Minus => back(format!("(- {sql})")),
            UnaryOp::Plus => back(sql),
            UnaryOp::Absolute => back(format!("abs({sql})")),
            UnaryOp::BitNot => back(format!("(~ {sql})")),
            UnaryOp::SquareRoot => Typed::new(format!("sqrt(({sql})::double precision)"), RsType::Double),
            UnaryOp::CubeRoot => Typed::new(format!("rs.cbrt(({sql})::double precision)"), RsType::Double),
            UnaryOp::Not => unreachable!("handled above"),
        })
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        if let Expr::Tuple(row) = expr {
            let mut tests = Vec::new();
            for item in list {
                let Expr::Tuple(other) = item else {
                    return Err(SqlError::syntax("IN over rows needs a list of rows"));
                };
                tests.push(self.rows_equal(row, other, scope)?);
            }
            let not = if negated { "NOT " } else { "" };
            return Ok(Typed::new(format!("({not}({}))", tests.join(" OR ")), RsType::Boolean));
        }
        let value = self.collated(expr, scope)?;
        let mut values = Vec::new();
        for item in list {
            values.push(self.collated(item, scope)?);
        }
        let not = if negated { "NOT " } else { "" };
        // The common case stays one IN: a character value among constants.
        let plain = value.ty.is_character()
            && !value.is_open()
            && !value.caseless
            && values.iter().all(|v| v.ty.is_character() && v.form != Form::Null && !v.caseless);
        if plain {
            let items: Vec<String> = values.iter().map(|v| format!("({})::bpchar", v.sql)).collect();
            return Ok(Typed::new(
                format!("(({})::bpchar {not}IN ({}))", value.sql, items.join(", ")),
                RsType::Boolean,
            ));
        }
        let mut tests = Vec::new();
        for item in &values {
            tests.push(self.compare(BinaryOp::Eq, &value, item)?.sql);
        }
        Ok(Typed::new(format!("({not}({}))", tests.join(" OR ")), RsType::Boolean))
    }

    /// `(a, b) = (c, d)`.
    pub(super) fn rows_equal(&mut self, left: &[Expr], right: &[Expr], scope: &Scope<'_>) -> Result<String, SqlError> {
        if left.len() != right.len() {
            return Err(SqlError::syntax("unequal number of entries in row expressions"));
        }
        let mut tests = Vec::new();
        for (a, b) in left.iter().zip(right) {
            let (a, b) = (self.collated(a, scope)?, self.collated(b, scope)?);
            tests.push(self.compare(BinaryOp::Eq, &a, &b)?.sql);
        }
        Ok(format!("({})", tests.join(" AND ")))
    }

    fn in_query_left(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Vec<Typed>, SqlError> {
        match expr {
            Expr::Tuple(list) => list.iter().map(|e| self.expr(e, scope)).collect(),
            one => Ok(vec![self.expr(one, scope)?]),
        }
    }

    /// A value as it is compared with the rows of a subquery: characters without trailing blanks, SUPER whole.
    fn comparable(&self, value: &Typed) -> Result<String, SqlError> {
        if value.ty.is_character() {
            return Ok(format!("({})::bpchar", value.sql));
        }
        Ok(self.settled(value))
    }

    /// The right side of IN and ANY: characters as bpchar, scalars as SUPER if the left side is SUPER.
    fn member_query(
        &mut self,
        query: &crate::ast::Query,
        left: &[Typed],
        scope: &Scope<'_>,
    ) -> Result<String, SqlError> {
        let (sql, columns) = self.query(query, Some(scope))?;
        if columns.len() != left.len() {
            let word = if columns.len() > left.len() { "many" } else { "few" };
            return Err(SqlError::syntax(format!("subquery has too {word} columns")));
        }
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
        let mut items = Vec::new();
        for ((name, column), value) in names.iter().zip(&columns).zip(left) {
            let item = Typed::new(name.clone(), column.rs_type.clone());
            // The operator's types are checked as for a plain comparison.
            self.compare(BinaryOp::Eq, value, &item)?;
            items.push(if value.ty == RsType::Super {
                self.to_super(&item)?
            } else if column.rs_type == RsType::Super {
                self.super_cast(name, &value.ty)?
            } else {
                self.comparable(&item)?
            });
        }
        let alias = self.alias("in");
        Ok(format!("SELECT {} FROM ({sql}) AS {alias}({})", items.join(", "), names.join(", ")))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let operand = match operand {
            Some(e) => Some(self.collated(e, scope)?),
            None => None,
        };
        let mut conditions = Vec::new();
        let mut results = Vec::new();
        for (test, then) in branches {
            let when = self.collated(test, scope)?;
            conditions.push(match &operand {
                Some(operand) => self.compare(BinaryOp::Eq, operand, &when)?.sql,
                None => self.condition(&when)?,
            });
            // An aggregate's argument is evaluated before the CASE.
            let test = (operand.is_none() && !has_aggregate(then)).then_some(test);
            let known = self.learn(test, scope);
            results.push(self.expr(then, scope)?);
            self.unlearn(known);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.expr(otherwise, scope)?);
        }
        let refs: Vec<&Typed> = results.iter().collect();
        let ty = self.common_type(&refs).map_err(|e| SqlError::datatype(format!("CASE {}", e.message)))?;
        let mut sql = String::from("CASE");
        for (condition, result) in conditions.iter().zip(&results) {
            sql.push_str(&format!(" WHEN {condition} THEN {}", self.branch(result, &ty)?));
        }
        if otherwise.is_some() {
            let last = results.last().expect("pushed above");
            sql.push_str(&format!(" ELSE {}", self.branch(last, &ty)?));
        }
        sql.push_str(" END");
        Ok(Typed::new(format!("({sql})"), ty))
    }

    /// TRY_CAST ("TRY_CAST function"): NULL where the cast fails.
    fn try_cast(&self, value: &Typed, to: &RsType) -> Result<String, SqlError> {
        if value.ty.is_character() && !to.is_character() && *to != RsType::Super {
            let pg = to.postgres();
            return Ok(format!("rs.try_cast(({})::text, NULL::{pg}, {})::{pg}", value.sql, quote_literal(&pg)));
        }
        self.cast(value, to)
    }
}
