//! Operators (Redshift Database Developer Guide, "Computations with numeric values", "Comparison conditions").

use super::cast::digits;
use super::expr::caseless;
use super::scope::Scope;
use super::{Form, Rewriter, Typed};
use crate::ast::{BinaryOp, Expr};
use crate::error::SqlError;
use crate::types::{MAX_VARCHAR, RsType};

pub(super) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "OR",
        BinaryOp::And => "AND",
        BinaryOp::Eq => "=",
        BinaryOp::NotEq => "<>",
        BinaryOp::Lt => "<",
        BinaryOp::LtEq => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::GtEq => ">=",
        BinaryOp::Plus => "+",
        BinaryOp::Minus => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "%",
        BinaryOp::Power => "^",
        BinaryOp::Concat => "||",
        BinaryOp::RegexMatch => "~",
        BinaryOp::RegexNotMatch => "!~",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitOr => "|",
        BinaryOp::BitXor => "#",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
    }
}

fn no_operator(op: BinaryOp, left: &Typed, right: &Typed) -> SqlError {
    SqlError::new("42883", format!("operator does not exist: {} {} {}", left.ty, symbol(op), right.ty))
        .with_hint("No operator matches the given types. You may need to add explicit type casts.")
}

impl Rewriter<'_> {
    /// Left-deep chains are walked in a loop: `a || b || c …` may be thousands long.
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, SqlError> {
        let mut rights = vec![(op, right)];
        let mut base = left;
        while let Expr::Binary(op, left, right) = base {
            rights.push((*op, right));
            base = left;
        }
        if let Expr::Tuple(row) = base {
            return match rights.as_slice() {
                [(op @ (BinaryOp::Eq | BinaryOp::NotEq), Expr::Tuple(other))] => {
                    let equal = self.rows_equal(row, other, scope)?;
                    let sql = if *op == BinaryOp::Eq { equal } else { format!("(NOT {equal})") };
                    Ok(Typed::new(sql, RsType::Boolean))
                }
                _ => Err(SqlError::not_in_stand_in("a comparison of rows other than = and <>")),
            };
        }
        let mut value = self.collated(base, scope)?;
        while let Some((op, right)) = rights.pop() {
            let right = self.collated(right, scope)?;
            value = self.apply(op, value, right)?;
        }
        Ok(value)
    }

    pub(super) fn apply(&self, op: BinaryOp, left: Typed, right: Typed) -> Result<Typed, SqlError> {
        if (left.caseless || right.caseless) && !matches!(op, BinaryOp::Eq | BinaryOp::NotEq) {
            return Err(caseless(&format!("with {}", symbol(op))));
        }
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let (a, b) = (self.condition(&left)?, self.condition(&right)?);
                Ok(Typed::new(format!("({a} {} {b})", symbol(op)), RsType::Boolean))
            }
            BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => {
                self.compare(op, &left, &right)
            }
            BinaryOp::Concat => self.concat(&left, &right),
            BinaryOp::RegexMatch | BinaryOp::RegexNotMatch => {
                let (a, b) = (self.text_of(&left)?, self.text_of(&right)?);
                Ok(Typed::new(format!("({a} {} {b})", symbol(op)), RsType::Boolean))
            }
            BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor | BinaryOp::ShiftLeft | BinaryOp::ShiftRight => {
                if !left.ty.is_integer() || !right.ty.is_integer() {
                    return Err(no_operator(op, &left, &right));
                }
                let shift = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
                let right_sql = if shift { format!("({})::integer", right.sql) } else { right.sql.clone() };
                let ty = if shift { left.ty.clone() } else { self.common_type(&[&left, &right])? };
                Ok(Typed::new(format!("({} {} {right_sql})", left.sql, symbol(op)), ty))
            }
            _ => self.arithmetic(op, left, right),
        }
    }

    /// A truth value: WHERE, AND, CASE WHEN. SUPER booleans count as booleans.
    pub(super) fn condition(&self, value: &Typed) -> Result<String, SqlError> {
        match (&value.form, &value.ty) {
            (Form::Null, _) => Ok("NULL::boolean".to_owned()),
            (Form::Text(_), _) => Ok(format!("({}::boolean)", value.sql)),
            (_, RsType::Boolean) => Ok(value.sql.clone()),
            (_, RsType::Super) => Ok(format!("rs.super_boolean({})", value.sql)),
            // WHERE 1, as sqlalchemy-redshift writes it.
            (_, RsType::SmallInt | RsType::Integer) if value.sql.parse::<i64>().is_ok() => {
                Ok(format!("({} <> 0)", value.sql))
            }
            (_, other) => {
                Err(SqlError::datatype(format!("argument of a condition must be type boolean, not type {other}")))
            }
        }
    }

    pub(super) fn compare(&self, op: BinaryOp, left: &Typed, right: &Typed) -> Result<Typed, SqlError> {
        let sign = symbol(op);
        let either = left.caseless || right.caseless;
        if left.ty == RsType::Super || right.ty == RsType::Super {
            if either {
                return Err(caseless("compared with SUPER, without a cast to VARCHAR,"));
            }
            return self.compare_super(op, sign, left, right);
        }
        let boolean = |sql: String| Ok(Typed::new(sql, RsType::Boolean));
        if left.form == Form::Null || right.form == Form::Null {
            return boolean("NULL::boolean".to_owned());
        }
        if either {
            let (a, b) = (self.text_of(left)?, self.text_of(right)?);
            return boolean(format!("(lower({a})::bpchar {sign} lower({b})::bpchar)"));
        }
        let open = |v: &Typed| matches!(v.form, Form::Text(_));
        match (open(left), open(right)) {
            // A constant takes the other side's type.
            (true, false) if !right.ty.is_character() => {
                let constant = self.constant_as(left, &right.ty)?;
                return boolean(format!("({constant} {sign} {})", right.sql));
            }
            (false, true) if !left.ty.is_character() => {
                let constant = self.constant_as(right, &left.ty)?;
                return boolean(format!("({} {sign} {constant})", left.sql));
            }
            _ => {}
        }
        // "Character types", significance of trailing blanks: they are ignored. bpchar compares so, and the cast costs nothing.
        if left.ty.is_character() && right.ty.is_character() {
            return boolean(format!("(({})::bpchar {sign} ({})::bpchar)", left.sql, right.sql));
        }
        // "Type compatibility and conversion": text is compared with a DECIMAL as a DECIMAL; other numbers, and moments, become text.
        match (&left.ty, &right.ty) {
            (t, RsType::Decimal(..)) if t.is_character() => {
                return boolean(format!("((({})::text)::numeric {sign} {})", left.sql, right.sql));
            }
            (RsType::Decimal(..), t) if t.is_character() => {
                return boolean(format!("({} {sign} (({})::text)::numeric)", left.sql, right.sql));
            }
            _ => {}
        }
        let becomes_text = |t: &RsType| {
            t.is_numeric()
                || t.is_datetime()
                || matches!(t, RsType::Time | RsType::TimeTz | RsType::Interval | RsType::Oid)
        };
        if (left.ty.is_character() && becomes_text(&right.ty)) || (becomes_text(&left.ty) && right.ty.is_character()) {
            let (a, b) = (self.text_of(left)?, self.text_of(right)?);
            return boolean(format!("(({a})::bpchar {sign} ({b})::bpchar)"));
        }
        // The same page: an integer becomes a BOOLEAN.
        match (&left.ty, &right.ty) {
            (RsType::Boolean, t) if t.is_integer() => {
                return boolean(format!("({} {sign} ({} <> 0))", left.sql, right.sql));
            }
            (t, RsType::Boolean) if t.is_integer() => {
                return boolean(format!("(({} <> 0) {sign} {})", left.sql, right.sql));
            }
            _ => {}
        }
        let fits = |a: &RsType, b: &RsType| {
            a == b
                || (a.is_numeric() && b.is_numeric())
                || (a.is_datetime() && b.is_datetime())
                || matches!((a, b), (RsType::Varbyte(_), RsType::Varbyte(_)))
                || *a == RsType::Unknown
                || *b == RsType::Unknown
                || (matches!(a, RsType::Oid) && b.is_integer())
                || (matches!(b, RsType::Oid) && a.is_integer())
        };
        if !fits(&left.ty, &right.ty) {
            return Err(no_operator(op, left, right));
        }
        boolean(format!("({} {sign} {})", left.sql, right.sql))
    }

    pub(super) fn constant_as(&self, value: &Typed, to: &RsType) -> Result<String, SqlError> {
        match to {
            RsType::Varbyte(_) => self.cast(value, to),
            RsType::Decimal(..) => Ok(format!("({}::numeric)", value.sql)),
            _ => Ok(format!("({}::{})", value.sql, to.postgres())),
        }
    }

    pub(super) fn concat(&self, left: &Typed, right: &Typed) -> Result<Typed, SqlError> {
        if matches!(left.ty, RsType::Varbyte(_)) && matches!(right.ty, RsType::Varbyte(_)) {
            return Ok(Typed::new(format!("({} || {})", left.sql, right.sql), left.ty.clone()));
        }
        let (a, b) = (self.text_of(left)?, self.text_of(right)?);
        let width = (Self::width(left).saturating_add(Self::width(right))).min(MAX_VARCHAR);
        Ok(Typed::new(format!("({a} || {b})"), RsType::Varchar(width.max(1))))
    }

    /// An open constant beside a number is that kind of number.
    fn settle_number(&self, value: Typed, other: &Typed) -> Result<Typed, SqlError> {
        if let Form::Text(_) = value.form
            && (other.ty.is_numeric() || other.ty.is_datetime())
            && other.form == Form::Value
        {
            let ty = if other.ty.is_datetime() { RsType::Interval } else { other.ty.clone() };
            let sql = self.constant_as(&value, &ty)?;
            return Ok(Typed::new(sql, ty));
        }
        if value.form == Form::Null && other.ty.is_numeric() {
            return Ok(Typed::new(format!("NULL::{}", other.ty.postgres()), other.ty.clone()));
        }
        Ok(value)
    }

    fn arithmetic(&self, op: BinaryOp, left: Typed, right: Typed) -> Result<Typed, SqlError> {
        let left = self.settle_number(left, &right)?;
        let right = self.settle_number(right, &left)?;
        if left.ty == RsType::Super || right.ty == RsType::Super {
            return self.arithmetic_super(op, &left, &right);
        }
        if op == BinaryOp::Plus && left.ty.is_character() && right.ty.is_character() {
            return self.concat(&left, &right);
        }
        if !left.ty.is_numeric() || !right.ty.is_numeric() {
            return self.arithmetic_dates(op, &left, &right);
        }
        let sign = symbol(op);
        let (a, b) = (&left.sql, &right.sql);
        let float = |t: &RsType| matches!(t, RsType::Real | RsType::Double);
        if float(&left.ty) || float(&right.ty) || op == BinaryOp::Power {
            if op == BinaryOp::Modulo {
                return Err(no_operator(op, &left, &right));
            }
            return Ok(Typed::new(format!("(({a})::double precision {sign} ({b})::double precision)"), RsType::Double));
        }
        if left.ty.is_integer() && right.ty.is_integer() {
            let ty = self.common_type(&[&left, &right])?;
            return Ok(Typed::new(format!("({a} {sign} {b})"), ty));
        }
        Ok(decimal(op, &left, &right))
    }

    /// SUPER in arithmetic is a number or NULL; the result is SUPER again.
    fn arithmetic_super(&self, op: BinaryOp, left: &Typed, right: &Typed) -> Result<Typed, SqlError> {
        let number = |v: &Typed| match &v.ty {
            RsType::Super => Ok(format!("rs.super_number({})", v.sql)),
            t if t.is_numeric() => Ok(format!("({})::numeric", v.sql)),
            _ => Err(no_operator(op, left, right)),
        };
        if op == BinaryOp::Plus && (left.ty.is_character() || right.ty.is_character()) {
            return self.concat(left, right);
        }
        if op == BinaryOp::Plus && left.ty == right.ty {
            return Ok(Typed::new(format!("rs.super_plus({}, {})", left.sql, right.sql), RsType::Super));
        }
        Ok(Typed::new(format!("to_jsonb({} {} {})", number(left)?, symbol(op), number(right)?), RsType::Super))
    }

    fn arithmetic_dates(&self, op: BinaryOp, left: &Typed, right: &Typed) -> Result<Typed, SqlError> {
        use RsType::{Date, Integer, Interval, Time, TimeTz, Timestamp, TimestampTz};
        let ty = match (&left.ty, op, &right.ty) {
            (Date, BinaryOp::Plus | BinaryOp::Minus, t) if t.is_integer() => Date,
            (t, BinaryOp::Plus, Date) if t.is_integer() => Date,
            (Date, BinaryOp::Minus, Date) => Integer,
            (Date | Timestamp, BinaryOp::Plus | BinaryOp::Minus, Interval)
            | (Interval, BinaryOp::Plus, Date | Timestamp) => Timestamp,
            (TimestampTz, BinaryOp::Plus | BinaryOp::Minus, Interval) | (Interval, BinaryOp::Plus, TimestampTz) => {
                TimestampTz
            }
            // Days, as with a DATE: GETDATE() - 7. No page shows it; AWS's own samples write it.
            (Timestamp | TimestampTz, BinaryOp::Plus | BinaryOp::Minus, t) if t.is_integer() => left.ty.clone(),
            (t, BinaryOp::Plus, Timestamp | TimestampTz) if t.is_integer() => right.ty.clone(),
            (Time, BinaryOp::Plus | BinaryOp::Minus, Interval) => Time,
            (TimeTz, BinaryOp::Plus | BinaryOp::Minus, Interval) => TimeTz,
            (a, BinaryOp::Minus, b) if a.is_datetime() && b.is_datetime() => Interval,
            (Interval, BinaryOp::Plus | BinaryOp::Minus, Interval) => Interval,
            (Interval, BinaryOp::Multiply | BinaryOp::Divide, t) if t.is_numeric() => Interval,
            (t, BinaryOp::Multiply, Interval) if t.is_numeric() => Interval,
            (Date, BinaryOp::Plus, Time) => Timestamp,
            _ => return Err(no_operator(op, left, right)),
        };
        // PostgreSQL adds only INTEGER to a date.
        let cast = |v: &Typed| match &v.ty {
            t if t.is_integer() && ty == Date => format!("({})::integer", v.sql),
            t if t.is_integer() && ty.is_datetime() => format!("(({})::integer * INTERVAL '1 day')", v.sql),
            _ => v.sql.clone(),
        };
        Ok(Typed::new(format!("({} {} {})", cast(left), symbol(op), cast(right)), ty))
    }
}

/// DECIMAL arithmetic: computed precision and scale; beyond 38 digits it is an overflow error.
fn decimal(op: BinaryOp, left: &Typed, right: &Typed) -> Typed {
    let ((p1, s1), (p2, s2)) = (digits(&left.ty), digits(&right.ty));
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let (a, b) = (format!("({})::numeric", left.sql), format!("({})::numeric", right.sql));
    let sign = symbol(op);
    let small = |n: i32| u8::try_from(n.clamp(0, 38)).expect("clamped");
    if op == BinaryOp::Divide {
        let mut scale = 4.max(s1 + p2 - s2 + 1);
        let mut precision = p1 - s1 + s2 + scale;
        if precision > 38 {
            scale = (38 + scale - precision).max(4);
            precision = 38;
        }
        let scale = scale.min(37);
        // The guide does not say whether the last digit is rounded: it is cut, as integer division is.
        let sql = format!("(trunc(round({a}, {}) / {b}, {scale}))::numeric(38,{scale})", scale + 1);
        return Typed::new(format!("({sql})"), RsType::Decimal(small(precision.max(scale)), small(scale)));
    }
    let (precision, scale) = match op {
        BinaryOp::Multiply => (p1 + p2 + 1, s1 + s2),
        BinaryOp::Modulo => ((p1 - s1).max(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + 1 + scale, scale)
        }
    };
    let scale = scale.min(37);
    let sql =
        if precision > 38 { format!("(({a} {sign} {b})::numeric(38,{scale}))") } else { format!("({a} {sign} {b})") };
    Typed::new(sql, RsType::Decimal(small(precision), small(scale)))
}
