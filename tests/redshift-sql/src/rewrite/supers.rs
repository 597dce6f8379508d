//! SUPER: navigation and comparison (Redshift Database Developer Guide, "Querying semi-structured data", "SUPER configurations").
//!
//! SUPER values are jsonb. Navigation is `->`, which gives NULL for a missing attribute, index or wrong container, as lax
//! navigation does.

use super::scope::Scope;
use super::{Form, Rewriter, Typed};
use crate::ast::{BinaryOp, Expr, Literal, Step};
use crate::error::SqlError;
use crate::quote_literal;
use crate::types::{MAX_VARCHAR, RsType};

/// The leader node's catalogs show their arrays in the print form, `{1,2}` ("PG_GROUP" and others): aws-samples/redshift-roles
/// reads `grolist[i]`, the drivers `(current_schemas(true))[1]`.
fn is_catalog_array(value: &Typed) -> bool {
    value.ty.is_character() && value.origin.as_ref().is_some_and(|(schema, _)| schema == "pg_catalog")
}

impl Rewriter<'_> {
    pub(super) fn navigate(&mut self, base: Typed, steps: &[Step], scope: &Scope<'_>) -> Result<Typed, SqlError> {
        if let ([Step::Index(place)], true) = (steps, is_catalog_array(&base)) {
            let place = self.expr(place, scope)?;
            return Ok(Typed::new(
                format!("(({}::text::text[])[{}])", base.sql, place.sql),
                RsType::Varchar(MAX_VARCHAR),
            ));
        }
        if base.ty != RsType::Super {
            let what = match &steps[0] {
                Step::Name(ident) => format!("attribute \"{}\"", ident.attribute),
                Step::Index(_) => "an array element".to_owned(),
            };
            return Err(SqlError::new(
                "42703",
                format!("cannot read {what} of a value of type {}: navigation needs SUPER", base.ty),
            ));
        }
        if self.whole_super_only {
            return Err(SqlError::unsupported(
                "Partial reference of SUPER column is not supported in MERGE statement.",
            ));
        }
        let strict = !self.settings.navigate_super_null_on_error;
        let mut sql = base.sql;
        for step in steps {
            let key = match step {
                Step::Name(ident) => quote_literal(&ident.attribute),
                Step::Index(index) => match index.as_ref() {
                    Expr::Literal(Literal::String(key)) => quote_literal(key),
                    Expr::Literal(Literal::Number(n)) => {
                        // PostgreSQL counts negative indexes from the end; Redshift documents none.
                        match n.parse::<i32>() {
                            Ok(n) if n >= 0 => n.to_string(),
                            _ => {
                                return Err(SqlError::new(
                                    "22023",
                                    "an array index of a SUPER value must be an integer from 0",
                                ));
                            }
                        }
                    }
                    other => {
                        let value = self.expr(other, scope)?;
                        if !value.ty.is_integer() {
                            return Err(SqlError::datatype("an array index of a SUPER value must be an integer"));
                        }
                        format!("rs.super_index({})", value.sql)
                    }
                },
            };
            sql = if strict { format!("rs.super_navigate_strict({sql}, {key})") } else { format!("({sql} -> {key})") };
        }
        Ok(Typed::new(sql, RsType::Super))
    }

    /// NULL test. A JSON null counts as NULL unless the stand-in's switch says otherwise.
    pub(super) fn super_is_null(&self, sql: &str) -> String {
        if self.settings.json_null_is_null {
            format!("(COALESCE({sql}, 'null'::jsonb) = 'null'::jsonb)")
        } else {
            format!("({sql} IS NULL)")
        }
    }

    /// The value with JSON null as NULL, for COALESCE and the like.
    pub(super) fn super_or_null(&self, sql: &str) -> String {
        if self.settings.json_null_is_null { format!("NULLIF({sql}, 'null'::jsonb)") } else { sql.to_owned() }
    }

    /// A cast from SUPER ("query-super", casts; lax unless `cast_super_null_on_error` is off).
    ///
    /// Strict reading: a string is not a number and only a number of scale 0 is a boolean; a scalar of any kind has a text.
    pub(super) fn super_cast(&self, sql: &str, to: &RsType) -> Result<String, SqlError> {
        let call = match to {
            RsType::Super => return Ok(sql.to_owned()),
            RsType::SmallInt => format!("rs.super_smallint({sql})"),
            RsType::Integer => format!("rs.super_integer({sql})"),
            RsType::BigInt => format!("rs.super_bigint({sql})"),
            RsType::Decimal(p, s) => format!("rs.super_decimal({sql}, {p}, {s})"),
            RsType::Real => format!("rs.super_real({sql})"),
            RsType::Double => format!("rs.super_double({sql})"),
            RsType::Boolean => format!("rs.super_to_boolean({sql})"),
            RsType::Varchar(n) => format!("rs.super_varchar({sql}, {n})"),
            RsType::Char(n) => format!("rs.super_varchar({sql}, {n})::bpchar"),
            RsType::Date => format!("rs.super_date({sql})"),
            RsType::Time => format!("rs.super_time({sql})"),
            RsType::TimeTz => format!("rs.super_timetz({sql})"),
            RsType::Timestamp => format!("rs.super_timestamp({sql})"),
            RsType::TimestampTz => format!("rs.super_timestamptz({sql})"),
            RsType::Varbyte(_) | RsType::Interval | RsType::Oid | RsType::Unknown => {
                return Err(SqlError::new("42846", format!("cannot cast type super to {to}")));
            }
        };
        Ok(if self.settings.cast_super_null_on_error { call } else { format!("rs.cast_checked({sql}, {call})") })
    }

    /// The value as an implicit VARCHAR.
    pub(super) fn super_text(&self, sql: &str) -> String {
        format!("rs.super_varchar({sql}, {MAX_VARCHAR})")
    }

    /// A comparison with at least one SUPER side ("Dynamic typing"): values of different kinds are not equal and have no order.
    pub(super) fn compare_super(
        &self,
        op: BinaryOp,
        symbol: &str,
        left: &Typed,
        right: &Typed,
    ) -> Result<Typed, SqlError> {
        if left.ty != RsType::Super {
            let (op, symbol) = match op {
                BinaryOp::Lt => (BinaryOp::Gt, ">"),
                BinaryOp::Gt => (BinaryOp::Lt, "<"),
                BinaryOp::LtEq => (BinaryOp::GtEq, ">="),
                BinaryOp::GtEq => (BinaryOp::LtEq, "<="),
                other => (other, symbol),
            };
            return self.compare_super(op, symbol, right, left);
        }
        let (a, b) = (&left.sql, &right.sql);
        let sql = match &right.ty {
            _ if right.form == Form::Null => "NULL::boolean".to_owned(),
            RsType::Super if matches!(op, BinaryOp::Eq) => format!("rs.super_equal({a}, {b})"),
            RsType::Super if matches!(op, BinaryOp::NotEq) => {
                format!("(NOT rs.super_equal({a}, {b}))")
            }
            RsType::Super => format!("(rs.super_compare({a}, {b}) {symbol} 0)"),
            t if op == BinaryOp::NotEq => {
                let other = self.to_super(right)?;
                let _ = t;
                format!("(NOT rs.super_equal({a}, {other}))")
            }
            t if t.is_character() => {
                format!("(rs.super_string({a})::bpchar {symbol} ({b})::bpchar)")
            }
            t if t.is_numeric() => format!("(rs.super_number({a}) {symbol} ({b})::numeric)"),
            RsType::Boolean => format!("(rs.super_boolean({a}) {symbol} {b})"),
            t if t.is_datetime() || matches!(t, RsType::Time | RsType::TimeTz) => {
                let cast = self.super_cast(a, t)?;
                format!("({cast} {symbol} {b})")
            }
            t => {
                return Err(SqlError::new("42883", format!("operator does not exist: super {symbol} {t}")));
            }
        };
        Ok(Typed::new(sql, RsType::Boolean))
    }

    /// A scalar as SUPER. Dates and times cannot become SUPER ("Limitations").
    pub(super) fn to_super(&self, value: &Typed) -> Result<String, SqlError> {
        let sql = &value.sql;
        Ok(match (&value.form, &value.ty) {
            (Form::Null, _) => "NULL::jsonb".to_owned(),
            (_, RsType::Super) => sql.clone(),
            (_, t) if t.is_character() => format!("to_jsonb(({sql})::text)"),
            (_, t) if t.is_numeric() || *t == RsType::Boolean => format!("to_jsonb({sql})"),
            (_, t) => {
                return Err(SqlError::new("42846", format!("cannot cast type {t} to super")));
            }
        })
    }
}
