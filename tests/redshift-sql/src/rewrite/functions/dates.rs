//! Date and time functions, and the names of date parts.

use super::{Arguments, big, double, int};
use crate::ast::{Expr, Literal, Step};
use crate::error::SqlError;
use crate::quote_literal;
use crate::rewrite::scope::Scope;
use crate::rewrite::{Form, Rewriter, Typed};
use crate::types::RsType;

/// Part names ("Date parts for date or timestamp functions").
pub(super) fn date_part(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        "century" | "centuries" | "c" | "cent" | "cents" => "century",
        "decade" | "decades" | "dec" | "decs" => "decade",
        "epoch" => "epoch",
        "year" | "years" | "y" | "yr" | "yrs" => "year",
        "quarter" | "quarters" | "qtr" | "qtrs" => "quarter",
        "month" | "months" | "mon" | "mons" => "month",
        "week" | "weeks" | "w" => "week",
        "dayofweek" | "dow" | "dw" | "weekday" => "dow",
        "dayofyear" | "doy" | "dy" | "yearday" => "doy",
        "day" | "days" | "d" => "day",
        "hour" | "hours" | "h" | "hr" | "hrs" => "hour",
        "minute" | "minutes" | "m" | "min" | "mins" => "minute",
        "second" | "seconds" | "s" | "sec" | "secs" => "second",
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisec"
        | "millisecs" | "millisecon" => "millisecond",
        "microsecond" | "microseconds" | "microsec" | "microsecs" | "microsecon" | "usecond" | "useconds" | "us"
        | "usec" | "usecs" => "microsecond",
        "timezone" => "timezone",
        "timezone_hour" => "timezone_hour",
        "timezone_minute" => "timezone_minute",
        _ => return None,
    })
}

/// A date part given as a bare word or a string, as definitions of views show it: `'year'::text`.
fn part_of(expr: &Expr) -> Result<&'static str, SqlError> {
    let plain = match expr {
        Expr::Cast { expr, to, .. } if to.is_character() && matches!(**expr, Expr::Literal(_)) => expr.as_ref(),
        other => other,
    };
    let word = match plain {
        Expr::Literal(Literal::String(s)) => Some(s.as_str()),
        Expr::Path(steps) => match steps.as_slice() {
            [Step::Name(ident)] => Some(ident.name.as_str()),
            _ => None,
        },
        _ => None,
    };
    word.and_then(date_part)
        .ok_or_else(|| SqlError::new("22023", format!("invalid date part \"{}\"", word.unwrap_or("expression"))))
}

/// -1, 0 or 1.
fn compared(left: &str, right: &str) -> Typed {
    int(format!("(CASE WHEN {left} < {right} THEN -1 WHEN {left} > {right} THEN 1 WHEN {left} = {right} THEN 0 END)"))
}

impl Rewriter<'_> {
    /// "Date and time functions".
    pub(super) fn dates(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let a = Arguments { rewriter: self, values: args };
        Ok(Some(match (name, args.len()) {
            ("trunc", 1) if args[0].ty.is_datetime() => Typed::new(format!("({})::date", args[0].sql), RsType::Date),
            ("last_day", 1) => Typed::new(
                format!(
                    "(date_trunc('month', ({})::timestamp) + INTERVAL '1 month' - INTERVAL '1 day')::date",
                    a.moment(0)?.sql
                ),
                RsType::Date,
            ),
            ("add_months", 2) => Typed::new(
                format!("rs.add_months(({})::timestamp, {})", a.moment(0)?.sql, a.whole(1)?),
                RsType::Timestamp,
            ),
            ("months_between", 2) => double(format!(
                "rs.months_between(({})::timestamp, ({})::timestamp)",
                a.moment(0)?.sql,
                a.moment(1)?.sql
            )),
            ("next_day", 2) => {
                Typed::new(format!("rs.next_day(({})::date, {})", a.moment(0)?.sql, a.text(1)?), RsType::Date)
            }
            ("convert_timezone", 2) => Typed::new(
                format!("((({})::timestamp AT TIME ZONE 'UTC') AT TIME ZONE {})", a.moment(1)?.sql, a.text(0)?),
                RsType::Timestamp,
            ),
            ("convert_timezone", 3) => Typed::new(
                format!(
                    "((({})::timestamp AT TIME ZONE {}) AT TIME ZONE {})",
                    a.moment(2)?.sql,
                    a.text(0)?,
                    a.text(1)?
                ),
                RsType::Timestamp,
            ),
            ("timezone", 2) => Typed::new(
                format!("({} AT TIME ZONE {})", a.moment(1)?.sql, a.text(0)?),
                if args[1].ty == RsType::TimestampTz { RsType::Timestamp } else { RsType::TimestampTz },
            ),
            ("date", 1) => Typed::new(format!("({})::date", a.moment(0)?.sql), RsType::Date),
            ("date_part_year", 1) => int(format!("extract(year FROM {})::integer", a.moment(0)?.sql)),
            (
                "date_cmp"
                | "date_cmp_timestamp"
                | "date_cmp_timestamptz"
                | "timestamp_cmp"
                | "timestamp_cmp_date"
                | "timestamp_cmp_timestamptz"
                | "timestamptz_cmp"
                | "timestamptz_cmp_date"
                | "timestamptz_cmp_timestamp",
                2,
            ) => {
                // The name says how an open constant is read.
                let read = |i: usize, ty: &str| match args[i].form {
                    Form::Value => a.moment(i).map(|v| v.sql),
                    _ => Ok(format!("({}::{ty})", args[i].sql)),
                };
                let (left, right) = name.split_once("_cmp").unwrap_or((name, ""));
                let right = right.strip_prefix('_').unwrap_or(left);
                compared(&read(0, left)?, &read(1, right)?)
            }
            ("interval_cmp", 2) => {
                compared(&format!("({})::interval", args[0].sql), &format!("({})::interval", args[1].sql))
            }
            _ => return Ok(None),
        }))
    }

    /// Functions whose arguments are not all values: date parts, DECODE's branches and so on.
    pub(super) fn with_parts(
        &mut self,
        name: &str,
        args: &[Expr],
        scope: &Scope<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        let count = |n: usize| {
            if args.len() == n {
                Ok(())
            } else {
                Err(SqlError::new("42883", format!("function {name} takes {n} arguments, {} given", args.len())))
            }
        };
        Ok(Some(match name {
            "dateadd" | "date_add" => {
                count(3)?;
                let part = part_of(&args[0])?;
                let amount = self.expr(&args[1], scope)?;
                let date = self.expr(&args[2], scope)?;
                self.dateadd(part, &amount, &date)?
            }
            "datediff" | "date_diff" => {
                count(3)?;
                let part = part_of(&args[0])?;
                let from = self.expr(&args[1], scope)?;
                let to = self.expr(&args[2], scope)?;
                self.datediff(part, &from, &to)?
            }
            "date_part" | "datepart" | "extract" => {
                count(2)?;
                let part = part_of(&args[0])?;
                let value = self.expr(&args[1], scope)?;
                self.extract(name, part, &value)?
            }
            "date_trunc" => {
                count(2)?;
                let part = part_of(&args[0])?;
                let value = self.expr(&args[1], scope)?;
                let value = self.moment(&value)?;
                let ty = if value.ty == RsType::TimestampTz { RsType::TimestampTz } else { RsType::Timestamp };
                Typed::new(format!("date_trunc({}, ({})::{})", quote_literal(part), value.sql, ty.postgres()), ty)
            }
            _ => return Ok(None),
        }))
    }

    /// A date or time: an open constant is a TIMESTAMP.
    pub(super) fn moment(&self, value: &Typed) -> Result<Typed, SqlError> {
        match (&value.form, &value.ty) {
            (Form::Text(_) | Form::Null, _) => Ok(Typed::new(format!("({}::timestamp)", value.sql), RsType::Timestamp)),
            (_, RsType::Super) => Ok(Typed::new(self.super_cast(&value.sql, &RsType::Timestamp)?, RsType::Timestamp)),
            (_, t) if t.is_character() => {
                Ok(Typed::new(format!("(({})::text::timestamp)", value.sql), RsType::Timestamp))
            }
            (_, t) if t.is_datetime() || matches!(t, RsType::Time | RsType::TimeTz) => Ok(value.clone()),
            (_, other) => Err(SqlError::datatype(format!("a date or time is needed, not a value of type {other}"))),
        }
    }

    /// "DATEADD": the interval is an INTEGER; the result is a TIMESTAMP, or TIME, or TIMETZ, or TIMESTAMPTZ.
    fn dateadd(&self, part: &str, amount: &Typed, date: &Typed) -> Result<Typed, SqlError> {
        // Milliseconds since 1970 do not fit into INTEGER: the views of awslabs/clickstream-analytics-on-aws add them as BIGINT.
        let within_a_day = matches!(part, "hour" | "minute" | "second" | "millisecond" | "microsecond");
        let integer = if within_a_day { RsType::BigInt } else { RsType::Integer };
        let amount = match (&amount.form, &amount.ty) {
            (Form::Null | Form::Text(_), _) => format!("({}::{})", amount.sql, integer.postgres()),
            (_, RsType::Super) => self.super_cast(&amount.sql, &integer)?,
            (_, t) if t.is_numeric() => format!("({})::{}", amount.sql, integer.postgres()),
            (_, t) => {
                return Err(SqlError::new(
                    "42883",
                    format!("function pg_catalog.date_add(\"unknown\", {t}, {}) does not exist", date.ty),
                ));
            }
        };
        if matches!(part, "epoch" | "dow" | "doy" | "timezone" | "timezone_hour" | "timezone_minute") {
            return Err(SqlError::new("22023", format!("date part \"{part}\" is not supported by DATEADD")));
        }
        let date = self.moment(date)?;
        let ty = match date.ty {
            RsType::Time | RsType::TimeTz | RsType::TimestampTz => date.ty.clone(),
            _ => RsType::Timestamp,
        };
        let base = format!("({})::{}", date.sql, ty.postgres());
        let sql = match (part, &ty) {
            ("year" | "decade" | "century" | "millennium", RsType::Timestamp) => {
                let factor = match part {
                    "decade" => 10,
                    "century" => 100,
                    "millennium" => 1000,
                    _ => 1,
                };
                format!("rs.dateadd_year(({amount})::bigint * {factor}, {base})")
            }
            _ => format!("({base} + {})", interval(part, &amount)),
        };
        Ok(Typed::new(sql, ty))
    }

    /// "DATEDIFF": BIGINT count of the boundaries crossed.
    fn datediff(&self, part: &str, from: &Typed, to: &Typed) -> Result<Typed, SqlError> {
        let (from, to) = (self.moment(from)?, self.moment(to)?);
        let time = |t: &RsType| matches!(t, RsType::Time | RsType::TimeTz);
        if time(&from.ty) != time(&to.ty) {
            return Err(SqlError::datatype("DATEDIFF needs two dates or timestamps, or two times"));
        }
        let stamp = |v: &Typed| match v.ty {
            RsType::Time => format!("('2000-01-01'::date + {})", v.sql),
            RsType::TimeTz => format!("(('2000-01-01'::date + {}) AT TIME ZONE 'UTC')", v.sql),
            RsType::TimestampTz => format!("({} AT TIME ZONE 'UTC')", v.sql),
            _ => format!("({})::timestamp", v.sql),
        };
        let (a, b) = (stamp(&from), stamp(&to));
        let call = match part {
            "epoch" | "dow" | "doy" | "timezone" | "timezone_hour" | "timezone_minute" => {
                return Err(SqlError::new("22023", format!("date part \"{part}\" is not supported by DATEDIFF")));
            }
            part => format!("rs.datediff_{part}({a}, {b})"),
        };
        Ok(big(call))
    }

    /// "EXTRACT" gives INTEGER for most parts and DOUBLE PRECISION for epoch; "DATE_PART" gives DOUBLE PRECISION.
    fn extract(&self, name: &str, part: &str, value: &Typed) -> Result<Typed, SqlError> {
        let value = if value.ty == RsType::Interval { value.clone() } else { self.moment(value)? };
        let sql = match part {
            // PostgreSQL's seconds hold the fraction, its milli- and microseconds the seconds as well.
            "second" => format!("floor(extract(second FROM {}))", value.sql),
            "millisecond" => format!("mod(floor(extract(millisecond FROM {}))::bigint, 1000)", value.sql),
            "microsecond" => format!("mod(extract(microsecond FROM {})::bigint, 1000000)", value.sql),
            "epoch" => format!("floor(extract(epoch FROM {}))", value.sql),
            part => format!("extract({part} FROM {})", value.sql),
        };
        Ok(if name == "extract" && part != "epoch" {
            int(format!("({sql})::integer"))
        } else if name == "extract" {
            big(format!("({sql})::bigint"))
        } else {
            double(format!("({sql})::double precision"))
        })
    }
}

/// An interval of `amount` parts.
fn interval(part: &str, amount: &str) -> String {
    let days = |factor: u32| format!("make_interval(days => ({amount}) * {factor})");
    match part {
        "month" => format!("make_interval(months => {amount})"),
        "quarter" => format!("make_interval(months => ({amount}) * 3)"),
        "year" => format!("make_interval(years => {amount})"),
        "decade" => format!("make_interval(years => ({amount}) * 10)"),
        "century" => format!("make_interval(years => ({amount}) * 100)"),
        "millennium" => format!("make_interval(years => ({amount}) * 1000)"),
        "week" => days(7),
        "day" => days(1),
        "hour" => format!("(({amount}) * INTERVAL '1 hour')"),
        "minute" => format!("(({amount}) * INTERVAL '1 minute')"),
        "second" => format!("(({amount}) * INTERVAL '1 second')"),
        "millisecond" => format!("(({amount}) * INTERVAL '1 millisecond')"),
        _ => format!("(({amount}) * INTERVAL '1 microsecond')"),
    }
}
