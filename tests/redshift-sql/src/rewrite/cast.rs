//! Conversions (Redshift Database Developer Guide, "Type compatibility and conversion", "Character types").

use super::{Form, Rewriter, Typed};
use crate::error::SqlError;
use crate::quote_literal;
use crate::types::RsType;

/// Cuts to at most `bytes` bytes on a character boundary.
fn cut(text: &str, bytes: u32) -> &str {
    let mut end = (bytes as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn no_cast(from: &RsType, to: &RsType) -> SqlError {
    SqlError::new("42846", format!("cannot cast type {from} to {to}"))
}

impl Rewriter<'_> {
    /// Text of a value that must have a definite PostgreSQL type: open constants are given one.
    pub(super) fn settled(&self, value: &Typed) -> String {
        match value.form {
            Form::Value => value.sql.clone(),
            Form::Text(_) => format!("({}::character varying)", value.sql),
            Form::Null => "NULL".to_owned(),
        }
    }

    /// `CAST(value AS to)`.
    pub(super) fn cast(&self, value: &Typed, to: &RsType) -> Result<String, SqlError> {
        let (sql, from) = (&value.sql, &value.ty);
        let pg = to.postgres();
        match (&value.form, to) {
            (Form::Null, _) => return Ok(format!("(NULL::{pg})")),
            // A constant is cut at once ("Character types": an explicit cast truncates).
            (Form::Text(text), RsType::Varchar(n)) => {
                return Ok(format!("({}::{pg})", quote_literal(cut(text, *n))));
            }
            (Form::Text(text), RsType::Char(n)) => {
                return Ok(format!("({}::{pg})", quote_literal(cut(text, *n))));
            }
            _ => {}
        }
        if *from == RsType::Super {
            return self.super_cast(sql, to);
        }
        if *to == RsType::Super {
            return self.to_super(value);
        }
        let plain = Ok(format!("(({sql})::{pg})"));
        match (from, to) {
            (RsType::Unknown, _) => plain,
            (RsType::Varchar(m) | RsType::Char(m), RsType::Varchar(n)) if m <= n => plain,
            (RsType::Varchar(_) | RsType::Char(_), RsType::Varchar(n)) => Ok(format!("rs.varchar({sql}, {n})")),
            (RsType::Varchar(_) | RsType::Char(_), RsType::Char(n)) => Ok(format!("(rs.varchar({sql}, {n})::{pg})")),
            (RsType::Varchar(_) | RsType::Char(_), RsType::Varbyte(_)) => {
                Ok(format!("convert_to(({sql})::text, 'UTF8')"))
            }
            (RsType::Varchar(_) | RsType::Char(_), RsType::Oid) => Err(no_cast(from, to)),
            (RsType::Varchar(_) | RsType::Char(_), RsType::SmallInt | RsType::Integer | RsType::BigInt) => {
                Ok(format!("(rs.digits(({sql})::text)::{pg})"))
            }
            (RsType::Varchar(_) | RsType::Char(_), _) => Ok(format!("((({sql})::text)::{pg})")),
            // Redshift has no text form of BOOLEAN.
            (RsType::Boolean, t) if t.is_character() => Err(no_cast(from, to)),
            (RsType::Varbyte(_), RsType::Varchar(n) | RsType::Char(n)) => {
                Ok(format!("rs.varchar(convert_from({sql}, 'UTF8'), {n})"))
            }
            (RsType::Varbyte(_), RsType::Varbyte(_)) => Ok(sql.clone()),
            (RsType::Varbyte(_), RsType::SmallInt | RsType::Integer | RsType::BigInt) => {
                Ok(format!("(rs.varbyte_integer({sql})::{pg})"))
            }
            (RsType::SmallInt, RsType::Varbyte(_)) => Ok(format!("int2send({sql})")),
            (RsType::Integer, RsType::Varbyte(_)) => Ok(format!("int4send({sql})")),
            (RsType::BigInt, RsType::Varbyte(_)) => Ok(format!("int8send({sql})")),
            (RsType::Varbyte(_), _) | (_, RsType::Varbyte(_)) => Err(no_cast(from, to)),
            (_, RsType::Varchar(n)) => Ok(format!("(({sql})::text::character varying({n}))")),
            (_, RsType::Char(n)) => Ok(format!("(({sql})::text::character({n}))")),
            (a, b) if a.is_numeric() && b.is_numeric() => plain,
            (a, RsType::Boolean) if a.is_integer() => Ok(format!("({sql} <> 0)")),
            (RsType::Boolean, b) if b.is_integer() => Ok(format!("(({sql})::integer::{pg})")),
            (RsType::Boolean, RsType::Boolean) => plain,
            (a, b) if a.is_datetime() && b.is_datetime() => plain,
            (RsType::Timestamp | RsType::TimestampTz, RsType::Time)
            | (RsType::TimestampTz, RsType::TimeTz)
            | (RsType::Time | RsType::TimeTz, RsType::Time | RsType::TimeTz)
            | (RsType::Interval, RsType::Interval) => plain,
            (RsType::Oid, t) if t.is_integer() => Ok(format!("(({sql})::bigint::{pg})")),
            _ => Err(no_cast(from, to)),
        }
    }

    /// A value for a table's column: INSERT, UPDATE, MERGE. PostgreSQL's own assignment refuses overlong strings by characters,
    /// the column's check refuses them by bytes.
    pub(super) fn assign_column(&self, value: &Typed, column: &str, to: &RsType) -> Result<String, SqlError> {
        let mismatch = || {
            SqlError::datatype(format!("column \"{column}\" is of type {to} but expression is of type {}", value.ty))
                .with_hint("You will need to rewrite or cast the expression.")
        };
        match (&value.form, &value.ty, to) {
            (Form::Null, ..) => Ok("NULL".to_owned()),
            (Form::Text(_), _, RsType::Super) => self.to_super(value),
            (Form::Text(_), _, RsType::Varbyte(_)) => Ok(format!("convert_to({}, 'UTF8')", value.sql)),
            (Form::Text(_), ..) => Ok(value.sql.clone()),
            (_, RsType::Super, _) => self.super_assigned(&value.sql, to),
            (_, _, RsType::Super) => self.to_super(value),
            (_, from, to) if from.is_character() && to.is_character() => Ok(value.sql.clone()),
            (_, RsType::Boolean, to) if to.is_character() => Err(mismatch()),
            (_, RsType::Varbyte(_), RsType::Varbyte(_)) => Ok(value.sql.clone()),
            (_, RsType::Varbyte(_), _) | (_, _, RsType::Varbyte(_)) => Err(mismatch()),
            (_, from, to) if to.is_character() && *from != RsType::Unknown => Ok(format!("({})::text", value.sql)),
            (_, from, to) if from.is_numeric() && to.is_numeric() => Ok(value.sql.clone()),
            (_, from, to) if from.is_datetime() && to.is_datetime() => Ok(value.sql.clone()),
            (_, from, RsType::Boolean) if from.is_integer() => Ok(format!("({} <> 0)", value.sql)),
            (_, RsType::Timestamp | RsType::TimestampTz, RsType::Time | RsType::TimeTz) => Ok(value.sql.clone()),
            (_, from, to) if from == to || *from == RsType::Unknown => Ok(value.sql.clone()),
            _ => Err(mismatch()),
        }
    }

    /// Assignment of SUPER to a column or variable: as the cast, but an overlong string is not cut.
    fn super_assigned(&self, sql: &str, to: &RsType) -> Result<String, SqlError> {
        match to {
            RsType::Varchar(_) => Ok(self.super_text(sql)),
            other => self.super_cast(sql, other),
        }
    }

    /// A value for a plpgsql variable: any explicit conversion, but an overlong string is an error.
    pub(super) fn assign_variable(&self, value: Typed, to: &RsType) -> Result<String, SqlError> {
        match (&value.form, to) {
            (Form::Null, _) => Ok(format!("NULL::{}", to.postgres())),
            (_, RsType::Varchar(n)) => {
                let text = self.text_of(&value)?;
                Ok(format!("rs.varchar_assign({text}, {n})"))
            }
            _ => self.cast(&value, to),
        }
    }

    /// The value as text where a character argument is expected: numbers and dates convert implicitly.
    pub(super) fn text_of(&self, value: &Typed) -> Result<String, SqlError> {
        match (&value.form, &value.ty) {
            (Form::Null, _) => Ok("NULL::text".to_owned()),
            (Form::Text(_), _) => Ok(value.sql.clone()),
            (_, RsType::Super) => Ok(self.super_text(&value.sql)),
            (_, RsType::Varchar(_)) => Ok(value.sql.clone()),
            (_, RsType::Boolean | RsType::Varbyte(_)) => {
                Err(no_cast(&value.ty, &RsType::Varchar(crate::types::DEFAULT_VARCHAR)))
            }
            _ => Ok(format!("({})::text", value.sql)),
        }
    }

    /// Longest text in bytes.
    pub(super) fn width(value: &Typed) -> u32 {
        match &value.ty {
            RsType::Varchar(n) | RsType::Char(n) => *n,
            RsType::SmallInt => 6,
            RsType::Integer => 11,
            RsType::BigInt => 20,
            RsType::Decimal(p, _) => u32::from(*p) + 3,
            RsType::Date => 10,
            RsType::Boolean => 5,
            RsType::Super => crate::types::MAX_VARCHAR,
            _ => 64,
        }
    }

    /// The type that CASE, COALESCE, UNION and the like give ("Computations with numeric values" for DECIMAL).
    pub(super) fn common_type(&self, values: &[&Typed]) -> Result<RsType, SqlError> {
        let mut result: Option<RsType> = None;
        let mut open_width = 1;
        for value in values {
            match &value.form {
                Form::Null => continue,
                Form::Text(text) => {
                    open_width = open_width.max(u32::try_from(text.len()).unwrap_or(u32::MAX));
                    continue;
                }
                Form::Value => {}
            }
            result = Some(match result {
                None => value.ty.clone(),
                Some(before) => wider(&before, &value.ty)?,
            });
        }
        let any_text = values.iter().any(|v| matches!(v.form, Form::Text(_)));
        Ok(match result {
            None if any_text => RsType::Varchar(open_width),
            None => RsType::Unknown,
            Some(RsType::Varchar(n)) if any_text => RsType::Varchar(n.max(open_width)),
            Some(RsType::Char(n)) if any_text => RsType::Varchar(n.max(open_width)),
            Some(other) => other,
        })
    }

    /// Converts a branch of CASE, COALESCE and the like to their common type.
    pub(super) fn branch(&self, value: &Typed, to: &RsType) -> Result<String, SqlError> {
        Ok(match (&value.form, to) {
            (Form::Null, _) => "NULL".to_owned(),
            (Form::Text(_), RsType::Super) => self.to_super(value)?,
            (Form::Text(_), RsType::Varchar(_) | RsType::Char(_)) => {
                format!("({}::character varying)", value.sql)
            }
            (Form::Text(_), _) => format!("({}::{})", value.sql, to.postgres()),
            (_, RsType::Super) => self.to_super(value)?,
            (_, RsType::Varchar(_)) if matches!(value.ty, RsType::Char(_)) => {
                format!("({})::character varying", value.sql)
            }
            // All branches have the scale of the common type.
            (_, RsType::Decimal(..)) if value.ty != *to && value.ty.is_numeric() => {
                format!("({})::{}", value.sql, to.postgres())
            }
            _ => value.sql.clone(),
        })
    }
}

fn wider(a: &RsType, b: &RsType) -> Result<RsType, SqlError> {
    use RsType::{
        BigInt, Char, Date, Decimal, Double, Integer, Real, SmallInt, Super, Timestamp, TimestampTz, Varbyte, Varchar,
    };
    let rank = |t: &RsType| match t {
        SmallInt => 0,
        Integer => 1,
        BigInt => 2,
        Decimal(..) => 3,
        Real => 4,
        _ => 5,
    };
    Ok(match (a, b) {
        (a, b) if a == b => a.clone(),
        (RsType::Unknown, t) | (t, RsType::Unknown) => t.clone(),
        (Super, _) | (_, Super) => Super,
        (Varchar(m) | Char(m), Varchar(n) | Char(n)) => Varchar(*m.max(n)),
        (Varbyte(m), Varbyte(n)) => Varbyte(*m.max(n)),
        (a, b) if a.is_numeric() && b.is_numeric() => match (rank(a), rank(b)) {
            (x, y) if x.max(y) == 5 => Double,
            (x, y) if x.max(y) == 4 => {
                if x == y {
                    Real
                } else {
                    Double
                }
            }
            (x, y) if x.max(y) == 3 => {
                let ((p1, s1), (p2, s2)) = (digits(a), digits(b));
                let scale = s1.max(s2);
                let whole = (p1 - s1).max(p2 - s2);
                // The guide limits the precision to 19; a wider operand keeps its own.
                let precision = (whole + scale).min(19.max(p1).max(p2)).min(38);
                Decimal(precision, scale.min(precision))
            }
            (x, y) => {
                if x >= y {
                    a.clone()
                } else {
                    b.clone()
                }
            }
        },
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Date | Timestamp, TimestampTz) | (TimestampTz, Date | Timestamp) => TimestampTz,
        _ => {
            return Err(SqlError::datatype(format!("types {a} and {b} cannot be matched")));
        }
    })
}

/// Precision and scale of a number type as DECIMAL ("Numeric calculations with INTEGER and DECIMAL types").
pub(super) fn digits(t: &RsType) -> (u8, u8) {
    match t {
        RsType::SmallInt => (5, 0),
        RsType::Integer => (10, 0),
        RsType::Decimal(p, s) => (*p, *s),
        _ => (19, 0),
    }
}
