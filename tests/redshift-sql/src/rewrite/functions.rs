//! The table of Redshift's functions (Redshift Database Developer Guide, "SQL functions reference").
//!
//! What is not in the table does not exist, whatever PostgreSQL has. Invariant: the result type is Redshift's, and the text is cast
//! where PostgreSQL's own result type differs.

use super::scope::Scope;
use super::{Form, Rewriter, Typed};
use crate::ast::{Call, Expr, Literal, OrderItem, Step, Window};
use crate::catalog::UserFunction;
use crate::error::SqlError;
use crate::types::{MAX_VARCHAR, RsType};
use crate::{quote_identifier, quote_literal};

const WINDOW_ONLY: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "ratio_to_report",
];

const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "any_value",
    "listagg",
    "median",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "variance",
    "var_samp",
    "var_pop",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "percentile_cont",
    "percentile_disc",
];

/// Functions of PostgreSQL that Redshift only has on the leader node, or says so.
const LEADER_ONLY: &[&str] = &[
    "now",
    "age",
    "current_timestamp",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "transaction_timestamp",
    "statement_timestamp",
];

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

/// A date part given as a bare word or a string.
fn part_of(expr: &Expr) -> Result<&'static str, SqlError> {
    let word = match expr {
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

fn int(sql: String) -> Typed {
    Typed::new(sql, RsType::Integer)
}

fn big(sql: String) -> Typed {
    Typed::new(sql, RsType::BigInt)
}

fn boolean(sql: String) -> Typed {
    Typed::new(sql, RsType::Boolean)
}

fn double(sql: String) -> Typed {
    Typed::new(sql, RsType::Double)
}

fn text(sql: String, width: u32) -> Typed {
    Typed::new(sql, RsType::Varchar(width.clamp(1, MAX_VARCHAR)))
}

fn super_value(sql: String) -> Typed {
    Typed::new(sql, RsType::Super)
}

impl Rewriter<'_> {
    pub(super) fn call(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let name = call.name.name.as_str();
        let built_in = matches!(call.name.schema.as_deref(), None | Some("pg_catalog"));
        if built_in && (AGGREGATES.contains(&name) || WINDOW_ONLY.contains(&name)) {
            return self.aggregate(call, scope);
        }
        if call.star || call.distinct || call.over.is_some() || !call.within_group.is_empty() {
            return Err(SqlError::new("42809", format!("{name} is not an aggregate or window function")));
        }
        if call.approximate || call.ignore_nulls.is_some() {
            return Err(SqlError::syntax(format!("APPROXIMATE and IGNORE NULLS do not apply to {name}")));
        }
        if built_in && let Some(value) = self.with_parts(name, &call.args, scope)? {
            return Ok(value);
        }
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(self.expr(arg, scope)?);
        }
        if built_in && let Some(value) = self.scalar(name, &args)? {
            return Ok(value);
        }
        if let Some(value) = self.user_function(call, &args)? {
            return Ok(value);
        }
        if built_in && LEADER_ONLY.contains(&name) {
            return Err(SqlError::unsupported(format!(
                "the function {name} is not supported on Redshift tables (leader node only)"
            ))
            .with_hint("use GETDATE() or SYSDATE"));
        }
        Err(no_function(call, &args))
    }

    fn user_function(&mut self, call: &Call, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let found = self.catalog.functions(call.name.schema.as_deref(), &call.name.name);
        let fits = |f: &&UserFunction| {
            f.arguments.len() == args.len() && f.arguments.iter().zip(args).all(|(want, have)| implicit(have, want))
        };
        let exact = |f: &&UserFunction| {
            f.arguments.len() == args.len()
                && f.arguments
                    .iter()
                    .zip(args)
                    .all(|(want, have)| std::mem::discriminant(want) == std::mem::discriminant(&have.ty))
        };
        let Some(function) = found.iter().find(exact).or_else(|| found.iter().find(fits)) else {
            return Ok(None);
        };
        let mut list = Vec::new();
        for (want, have) in function.arguments.iter().zip(args) {
            // PostgreSQL drops the lengths of argument types: a character argument is passed whole.
            list.push(if want.is_character() {
                format!("({})::{}", self.text_of(have)?, argument_type(want))
            } else {
                self.cast(have, want)?
            });
        }
        Ok(Some(Typed::new(
            format!("{}.{}({})", quote_identifier(&function.schema), quote_identifier(&function.name), list.join(", ")),
            function.returns.clone(),
        )))
    }

    /// Functions whose arguments are not all values: date parts, DECODE's branches and so on.
    fn with_parts(&mut self, name: &str, args: &[Expr], scope: &Scope<'_>) -> Result<Option<Typed>, SqlError> {
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
            "date_part" | "extract" => {
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
    fn moment(&self, value: &Typed) -> Result<Typed, SqlError> {
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
        let amount = match (&amount.form, &amount.ty) {
            (Form::Null | Form::Text(_), _) => format!("({}::integer)", amount.sql),
            (_, RsType::Super) => self.super_cast(&amount.sql, &RsType::Integer)?,
            // BIGINT goes through INTEGER: beyond 32 bits it is an overflow error.
            (_, t) if t.is_numeric() => format!("({})::integer", amount.sql),
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

    fn numeric(&self, value: &Typed) -> Result<Typed, SqlError> {
        match (&value.form, &value.ty) {
            (Form::Text(_) | Form::Null, _) => Ok(double(format!("({}::double precision)", value.sql))),
            (_, RsType::Super) => Ok(Typed::new(format!("rs.super_number({})", value.sql), RsType::Decimal(38, 10))),
            (_, t) if t.is_numeric() => Ok(value.clone()),
            (_, other) => Err(SqlError::datatype(format!("a number is needed, not a value of type {other}"))),
        }
    }

    fn whole(&self, value: &Typed) -> Result<String, SqlError> {
        match (&value.form, &value.ty) {
            (Form::Text(_) | Form::Null, _) => Ok(format!("({}::integer)", value.sql)),
            (_, RsType::Super) => self.super_cast(&value.sql, &RsType::Integer),
            (_, t) if t.is_integer() => Ok(format!("({})::integer", value.sql)),
            (_, RsType::Decimal(..)) => Ok(format!("({})::integer", value.sql)),
            (_, other) => Err(SqlError::datatype(format!("an integer is needed, not a value of type {other}"))),
        }
    }

    /// Types unified as CASE does, for COALESCE and its like.
    fn unified(&self, args: &[Typed]) -> Result<(Vec<String>, RsType), SqlError> {
        let refs: Vec<&Typed> = args.iter().collect();
        let ty = self.common_type(&refs)?;
        let list = args
            .iter()
            .map(|a| {
                let sql = self.branch(a, &ty)?;
                Ok(if a.ty == RsType::Super && a.form == Form::Value { self.super_or_null(&sql) } else { sql })
            })
            .collect::<Result<_, SqlError>>()?;
        Ok((list, ty))
    }

    fn is_null(&self, value: &Typed) -> String {
        match (&value.form, &value.ty) {
            (Form::Null, _) => "true".to_owned(),
            (_, RsType::Super) => self.super_is_null(&value.sql),
            _ => format!("({} IS NULL)", value.sql),
        }
    }

    #[allow(clippy::too_many_lines, reason = "a table of functions reads best in one piece")]
    fn scalar(&mut self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let t = |i: usize| self.text_of(&args[i]);
        let n = |i: usize| self.numeric(&args[i]);
        let w = |i: usize| self.whole(&args[i]);
        let width = |i: usize| Self::width(&args[i]);
        let jsonb = |i: usize| self.to_super(&args[i]);
        let is_super = |i: usize| args[i].ty == RsType::Super;
        let varbyte = |i: usize| matches!(args[i].ty, RsType::Varbyte(_));
        let stamp = |i: usize| self.moment(&args[i]);
        let float = |f: &str, i: usize| -> Result<Typed, SqlError> {
            Ok(double(format!("{f}(({})::double precision)", n(i)?.sql)))
        };
        let value = match (name, args.len()) {
            // Current values.
            ("sysdate", 0) => Typed::new("LOCALTIMESTAMP", RsType::Timestamp),
            ("getdate", 0) => Typed::new(
                "date_trunc('second', statement_timestamp()::timestamp)",
                RsType::Timestamp,
            ),
            ("current_date", 0) => Typed::new("CURRENT_DATE", RsType::Date),
            ("current_user" | "user", 0) => text("rs.current_user_name()".into(), 128),
            ("session_user", 0) => text("rs.session_user_name()".into(), 128),
            ("current_user_id", 0) => int("rs.current_user_id()".into()),
            ("current_database", 0) => text(quote_literal(&self.catalog.database()) + "::character varying", 128),
            ("current_schema", 0) => text("current_schema()::text".into(), 128),
            ("version", 0) => text(
                "'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0 (stand-in)'::character varying".into(),
                256,
            ),
            ("pg_backend_pid", 0) => int("pg_backend_pid()".into()),
            ("pg_last_query_id", 0) => big("(-1)::bigint".into()),
            ("is_large_string_enabled", 0) => boolean("false".into()),
            ("random", 0) => double("random()".into()),
            ("pi", 0) => double("pi()".into()),
            ("timeofday", 0) => text("timeofday()".into(), 64),

            // Conditional.
            ("coalesce" | "nvl", 1..) => {
                let (list, ty) = self.unified(args)?;
                Typed::new(format!("COALESCE({})", list.join(", ")), ty)
            }
            ("nvl2", 3) => {
                let (list, ty) = self.unified(&args[1..])?;
                Typed::new(
                    format!(
                        "(CASE WHEN {} THEN {} ELSE {} END)",
                        self.is_null(&args[0]),
                        list[1],
                        list[0]
                    ),
                    ty,
                )
            }
            ("nullif", 2) => {
                let equal = self.compare(crate::ast::BinaryOp::Eq, &args[0], &args[1])?;
                let ty = self.common_type(&[&args[0], &args[1]])?;
                let value = self.branch(&args[0], &ty)?;
                Typed::new(format!("(CASE WHEN {} THEN NULL ELSE {value} END)", equal.sql), ty)
            }
            ("decode", 3..) => return self.decode(args).map(Some),
            ("greatest" | "least", 1..) => {
                let (list, ty) = self.unified(args)?;
                if ty == RsType::Super {
                    return Err(SqlError::not_in_stand_in("GREATEST and LEAST of SUPER values"));
                }
                Typed::new(format!("{name}({})", list.join(", ")), ty)
            }
            ("isnull" | "ifnull", 2) => {
                return Err(SqlError::new("42883", format!("function {name} does not exist: use NVL or COALESCE")));
            }

            // Strings.
            ("len" | "length" | "char_length" | "character_length" | "textlen", 1) => {
                if varbyte(0) {
                    int(format!("octet_length({})", args[0].sql))
                } else {
                    // Trailing blanks of CHAR do not count ("LEN function").
                    int(format!("length({})", t(0)?))
                }
            }
            ("octet_length", 1) => {
                if varbyte(0) {
                    int(format!("octet_length({})", args[0].sql))
                } else {
                    int(format!("octet_length({})", t(0)?))
                }
            }
            ("upper" | "lower" | "initcap" | "reverse", 1) => text(format!("{name}({})", t(0)?), width(0)),
            ("btrim" | "trim", 1) => text(format!("btrim({})", t(0)?), width(0)),
            ("ltrim" | "rtrim", 1) => text(format!("{name}({})", t(0)?), width(0)),
            ("btrim" | "trim" | "ltrim" | "rtrim", 2) => {
                let f = if name == "trim" { "btrim" } else { name };
                text(format!("{f}({}, {})", t(0)?, t(1)?), width(0))
            }
            ("strpos" | "charindex", 2) => {
                let (hay, needle) = if name == "charindex" { (1, 0) } else { (0, 1) };
                int(format!("strpos({}, {})", t(hay)?, t(needle)?))
            }
            ("substring" | "substr", 2 | 3) => {
                let more = if args.len() == 3 { format!(", {}", w(2)?) } else { String::new() };
                if varbyte(0) {
                    Typed::new(format!("rs.substring_bytes({}, {}{more})", args[0].sql, w(1)?), args[0].ty.clone())
                } else {
                    // A constant length needs no guard against negative ones, and bounds the result.
                    let limit = args.get(2).and_then(constant);
                    let f = if args.len() == 2 || limit.is_some() { "substr" } else { "rs.substring" };
                    let bound = limit.map_or(width(0), |n| width(0).min(n.saturating_mul(4)));
                    text(format!("{f}({}, {}{more})", t(0)?, w(1)?), bound)
                }
            }
            ("left" | "right", 2) => match constant(&args[1]) {
                Some(n) => text(format!("{name}({}, {n})", t(0)?), width(0).min(n.saturating_mul(4))),
                None => text(format!("rs.{name}_chars({}, {})", t(0)?, w(1)?), width(0)),
            },
            ("lpad" | "rpad", 2) => text(format!("{name}({}, {})", t(0)?, w(1)?), MAX_VARCHAR),
            ("lpad" | "rpad", 3) => text(format!("{name}({}, {}, {})", t(0)?, w(1)?, t(2)?), MAX_VARCHAR),
            ("repeat" | "replicate", 2) => text(format!("repeat({}, {})", t(0)?, w(1)?), MAX_VARCHAR),
            ("replace", 3) => text(format!("replace({}, {}, {})", t(0)?, t(1)?, t(2)?), MAX_VARCHAR),
            ("translate", 3) => text(format!("translate({}, {}, {})", t(0)?, t(1)?, t(2)?), width(0).saturating_mul(4)),
            ("split_part", 3) => text(format!("split_part({}, {}, {})", t(0)?, t(1)?, w(2)?), width(0)),
            ("concat", 2) => return self.concat(&args[0], &args[1]).map(Some),
            ("chr", 1) => text(format!("chr({})", w(0)?), 4),
            ("ascii", 1) => int(format!("ascii({})", t(0)?)),
            ("quote_ident", 1) => text(format!("rs.quote_ident({})", t(0)?), width(0).saturating_mul(2).saturating_add(2)),
            ("quote_literal", 1) => text(format!("rs.quote_literal({})", t(0)?), width(0).saturating_mul(2).saturating_add(2)),
            ("md5", 1) => {
                let bytes = if varbyte(0) { args[0].sql.clone() } else { format!("convert_to({}, 'UTF8')", t(0)?) };
                text(format!("md5({bytes})"), 32)
            }
            ("sha2", 2) => {
                let bytes = if varbyte(0) { args[0].sql.clone() } else { format!("convert_to({}, 'UTF8')", t(0)?) };
                text(format!("rs.sha2({bytes}, {})", w(1)?), 128)
            }
            ("regexp_count", 2..=4) | ("regexp_substr", 2..=6) | ("regexp_replace", 2..=5) | ("regexp_instr", 2..=6) => {
                return self.regexp(name, args).map(Some);
            }
            ("to_hex", 1) => {
                if varbyte(0) {
                    text(format!("encode({}, 'hex')", args[0].sql), MAX_VARCHAR)
                } else {
                    text(format!("to_hex(({})::bigint)", n(0)?.sql), 16)
                }
            }
            ("from_hex", 1) => Typed::new(format!("rs.from_hex({})", t(0)?), RsType::Varbyte((width(0) / 2).max(1))),
            ("to_varbyte", 2) => Typed::new(format!("rs.to_varbyte({}, {})", t(0)?, t(1)?), RsType::Varbyte(width(0).max(1))),
            ("from_varbyte", 2) if varbyte(0) => text(format!("rs.from_varbyte({}, {})", args[0].sql, t(1)?), MAX_VARCHAR),
            ("getbit", 2) if varbyte(0) => int(format!("get_bit({}, {})", args[0].sql, w(1)?)),
            ("strtol", 2) => big(format!("rs.strtol({}, {})", t(0)?, w(1)?)),
            ("crc32" | "func_sha1" | "sha1" | "sha" | "fnv_hash" | "checksum" | "soundex" | "difference", _) => {
                return Err(SqlError::not_in_stand_in(&format!("the function {}", name.to_uppercase())));
            }
            ("to_char", 2) => match (&args[0].form, &args[0].ty) {
                (Form::Value, ty) if ty.is_numeric() => text(format!("to_char({}, {})", args[0].sql, t(1)?), 256),
                (_, ty) if ty.is_datetime() || *ty == RsType::Interval => text(format!("to_char({}, {})", args[0].sql, t(1)?), 256),
                _ => text(format!("to_char({}, {})", stamp(0)?.sql, t(1)?), 256),
            },
            ("to_number", 2) => Typed::new(format!("to_number({}, {})::numeric(38,10)", t(0)?, t(1)?), RsType::Decimal(38, 10)),
            ("to_date", 2 | 3) => Typed::new(format!("to_date({}, {})", t(0)?, t(1)?), RsType::Date),
            ("to_timestamp", 2 | 3) => Typed::new(format!("to_timestamp({}, {})", t(0)?, t(1)?), RsType::TimestampTz),

            // Dates.
            ("trunc", 1) if args[0].ty.is_datetime() => Typed::new(format!("({})::date", args[0].sql), RsType::Date),
            ("last_day", 1) => Typed::new(
                format!("(date_trunc('month', ({})::timestamp) + INTERVAL '1 month' - INTERVAL '1 day')::date", stamp(0)?.sql),
                RsType::Date,
            ),
            ("add_months", 2) => Typed::new(format!("rs.add_months(({})::timestamp, {})", stamp(0)?.sql, w(1)?), RsType::Timestamp),
            ("months_between", 2) => double(format!("rs.months_between(({})::timestamp, ({})::timestamp)", stamp(0)?.sql, stamp(1)?.sql)),
            ("next_day", 2) => Typed::new(format!("rs.next_day(({})::date, {})", stamp(0)?.sql, t(1)?), RsType::Date),
            ("convert_timezone", 2) => Typed::new(
                format!("((({})::timestamp AT TIME ZONE 'UTC') AT TIME ZONE {})", stamp(1)?.sql, t(0)?),
                RsType::Timestamp,
            ),
            ("convert_timezone", 3) => Typed::new(
                format!("((({})::timestamp AT TIME ZONE {}) AT TIME ZONE {})", stamp(2)?.sql, t(0)?, t(1)?),
                RsType::Timestamp,
            ),
            ("timezone", 2) => Typed::new(
                format!("({} AT TIME ZONE {})", stamp(1)?.sql, t(0)?),
                if args[1].ty == RsType::TimestampTz { RsType::Timestamp } else { RsType::TimestampTz },
            ),
            ("date", 1) => Typed::new(format!("({})::date", stamp(0)?.sql), RsType::Date),
            ("date_part_year", 1) => int(format!("extract(year FROM {})::integer", stamp(0)?.sql)),
            ("date_cmp" | "timestamp_cmp", 2) => int(format!(
                "(CASE WHEN {a} < {b} THEN -1 WHEN {a} > {b} THEN 1 WHEN {a} = {b} THEN 0 END)",
                a = stamp(0)?.sql,
                b = stamp(1)?.sql
            )),

            // Numbers.
            ("abs", 1) => {
                let v = n(0)?;
                Typed::new(format!("abs({})", v.sql), v.ty)
            }
            ("sign", 1) => {
                let v = n(0)?;
                int(format!("sign(({})::numeric)::integer", v.sql))
            }
            ("mod", 2) => {
                let (a, b) = (n(0)?, n(1)?);
                return self.apply(crate::ast::BinaryOp::Modulo, a, b).map(Some);
            }
            ("floor" | "ceil" | "ceiling", 1) => {
                let v = n(0)?;
                match v.ty {
                    ref ty if ty.is_integer() => v,
                    RsType::Decimal(p, s) => Typed::new(format!("{name}({})", v.sql), RsType::Decimal((p - s + 1).min(38), 0)),
                    _ => double(format!("{name}(({})::double precision)", v.sql)),
                }
            }
            ("round" | "trunc", 1) => {
                let v = n(0)?;
                match v.ty {
                    ref ty if ty.is_integer() => v,
                    RsType::Decimal(p, s) => Typed::new(format!("{name}({})", v.sql), RsType::Decimal((p - s + 1).min(38), 0)),
                    _ => double(format!("{name}(({})::double precision)", v.sql)),
                }
            }
            ("round" | "trunc", 2) => {
                let v = n(0)?;
                match v.ty {
                    RsType::Decimal(p, s) => Typed::new(format!("{name}({}, {})", v.sql, w(1)?), RsType::Decimal(p, s)),
                    ref ty if ty.is_integer() => {
                        let pg = ty.postgres();
                        Typed::new(format!("{name}(({})::numeric, {})::{pg}", v.sql, w(1)?), v.ty)
                    }
                    _ => double(format!("{name}((({})::double precision)::numeric, {})::double precision", v.sql, w(1)?)),
                }
            }
            ("power" | "pow", 2) => double(format!("power(({})::double precision, ({})::double precision)", n(0)?.sql, n(1)?.sql)),
            ("sqrt" | "cbrt" | "exp" | "ln" | "degrees" | "radians" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "cot", 1) => float(name, 0)?,
            // LOG is base 10 ("LOG function").
            ("log" | "dlog10", 1) => float("log", 0)?,
            ("dlog1", 1) => float("ln", 0)?,
            ("dexp", 1) => float("exp", 0)?,
            ("atan2", 2) => double(format!("atan2(({})::double precision, ({})::double precision)", n(0)?.sql, n(1)?.sql)),

            // SUPER and JSON.
            ("json_parse", 1) => super_value(self.json_parse(&args[0])?),
            ("can_json_parse", 1) => {
                let bytes = if varbyte(0) { args[0].sql.clone() } else { t(0)? };
                boolean(format!("rs.can_json_parse({bytes})"))
            }
            ("json_serialize", 1) => text(format!("rs.json_serialize({})", jsonb(0)?), MAX_VARCHAR),
            ("json_serialize_to_varbyte", 1) => Typed::new(
                format!("convert_to(rs.super_json({}), 'UTF8')", jsonb(0)?),
                RsType::Varbyte(crate::types::MAX_VARBYTE),
            ),
            ("json_typeof", 1) if is_super(0) => text(format!("jsonb_typeof({})", args[0].sql), 16),
            ("json_typeof", 1) => return Err(SqlError::new("42883", format!("function json_typeof({}) does not exist", args[0].ty))),
            ("is_object" | "is_array" | "is_varchar" | "is_char" | "is_boolean" | "is_bigint" | "is_integer" | "is_smallint"
            | "is_decimal" | "is_float" | "is_scalar" | "is_valid_json" | "is_valid_json_array", 1) => {
                if name.starts_with("is_valid") {
                    boolean(format!("rs.{name}({})", t(0)?))
                } else {
                    boolean(format!("rs.{name}({})", jsonb(0)?))
                }
            }
            ("get_array_length", 1) => int(format!("rs.get_array_length({})", jsonb(0)?)),
            ("get_number_attributes", 1) => int(format!("rs.get_number_attributes({})", jsonb(0)?)),
            ("size", 1) if is_super(0) => int(format!("octet_length(({})::text)", args[0].sql)),
            ("lower_attribute_names" | "upper_attribute_names", 1) => super_value(format!("rs.{name}({})", jsonb(0)?)),
            ("array", _) => {
                let list = (0..args.len()).map(jsonb).collect::<Result<Vec<_>, _>>()?;
                super_value(format!("jsonb_build_array({})", list.join(", ")))
            }
            ("object", n) if n % 2 == 0 => {
                let mut list = Vec::new();
                for pair in (0..n).step_by(2) {
                    list.push(t(pair)?);
                    list.push(jsonb(pair + 1)?);
                }
                super_value(format!("jsonb_build_object({})", list.join(", ")))
            }
            ("array_concat", 2) => super_value(format!("rs.array_concat({}, {})", jsonb(0)?, jsonb(1)?)),
            ("array_flatten", 1) => super_value(format!("rs.array_flatten({})", jsonb(0)?)),
            ("array_contains", 2) => boolean(format!("rs.array_contains({}, {})", jsonb(0)?, jsonb(1)?)),
            ("subarray", 2) => super_value(format!("rs.subarray({}, {}, NULL)", jsonb(0)?, w(1)?)),
            ("subarray", 3) => super_value(format!("rs.subarray({}, {}, {})", jsonb(0)?, w(1)?, w(2)?)),
            ("split_to_array", 1) => super_value(format!("to_jsonb(string_to_array({}, ','))", t(0)?)),
            ("split_to_array", 2) => super_value(format!("to_jsonb(string_to_array({}, {}))", t(0)?, t(1)?)),
            ("array_to_string", 2) => text(format!("rs.array_to_string({}, {})", jsonb(0)?, t(1)?), MAX_VARCHAR),
            ("json_extract_path_text", 2..) => {
                let (path, quiet) = match &args[args.len() - 1] {
                    last if last.ty == RsType::Boolean => (&args[1..args.len() - 1], last.sql.clone()),
                    _ => (&args[1..], "false".to_owned()),
                };
                let keys = path.iter().map(|a| self.text_of(a)).collect::<Result<Vec<_>, _>>()?;
                text(format!("rs.json_extract_path_text({}, ARRAY[{}]::text[], {quiet})", t(0)?, keys.join(", ")), MAX_VARCHAR)
            }
            ("json_extract_array_element_text", 2 | 3) => {
                let quiet = if args.len() == 3 { args[2].sql.clone() } else { "false".to_owned() };
                text(format!("rs.json_extract_array_element_text({}, {}, {quiet})", t(0)?, w(1)?), MAX_VARCHAR)
            }
            ("json_array_length", 1 | 2) => {
                let quiet = if args.len() == 2 { args[1].sql.clone() } else { "false".to_owned() };
                int(format!("rs.json_array_length({}, {quiet})", t(0)?))
            }
            ("object_transform", _) => return Err(SqlError::not_in_stand_in("OBJECT_TRANSFORM")),

            // Catalog helpers that tools call.
            ("has_schema_privilege" | "has_table_privilege" | "has_database_privilege", 2 | 3) => {
                let list = (0..args.len()).map(t).collect::<Result<Vec<_>, _>>()?;
                boolean(format!("rs.{name}({})", list.join(", ")))
            }
            ("pg_get_userbyid", 1) => text(format!("pg_get_userbyid(({})::oid)::text", args[0].sql), 128),
            ("format_type", 2) => text(format!("format_type(({})::oid, {})", args[0].sql, w(1)?), 256),
            ("pg_get_viewdef", 1 | 2) => return Err(SqlError::not_in_stand_in("the function PG_GET_VIEWDEF").with_hint("use SHOW VIEW")),
            ("current_setting", 1) => text(format!("current_setting({})", t(0)?), MAX_VARCHAR),
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    /// "JSON_PARSE function"; the settings of "SUPER configurations" are arguments of the helper.
    fn json_parse(&self, value: &Typed) -> Result<String, SqlError> {
        if value.ty == RsType::Super {
            return Err(SqlError::new("42883", "function json_parse(super) does not exist"));
        }
        let text = if matches!(value.ty, RsType::Varbyte(_)) { value.sql.clone() } else { self.text_of(value)? };
        let s = self.settings;
        if !s.parse_super_null_on_error && !s.json_parse_truncate_strings && !s.json_parse_dedup_attributes {
            return Ok(format!("rs.json_parse({text})"));
        }
        Ok(format!(
            "rs.json_parse({text}, {}, {}, {})",
            s.parse_super_null_on_error, s.json_parse_truncate_strings, s.json_parse_dedup_attributes
        ))
    }

    /// "DECODE expression": NULL equals NULL here.
    fn decode(&mut self, args: &[Typed]) -> Result<Typed, SqlError> {
        let subject = &args[0];
        let rest = &args[1..];
        let mut results: Vec<&Typed> = rest.chunks(2).filter(|c| c.len() == 2).map(|c| &c[1]).collect();
        let default = if rest.len() % 2 == 1 { rest.last() } else { None };
        results.extend(default);
        let ty = self.common_type(&results)?;
        let mut sql = String::from("(CASE");
        for pair in rest.chunks(2).filter(|c| c.len() == 2) {
            let test = if pair[0].form == Form::Null {
                self.is_null(subject)
            } else if pair[0].is_open() {
                self.compare(crate::ast::BinaryOp::Eq, subject, &pair[0])?.sql
            } else {
                let equal = self.compare(crate::ast::BinaryOp::Eq, subject, &pair[0])?.sql;
                format!("({equal} OR ({} AND {}))", self.is_null(subject), self.is_null(&pair[0]))
            };
            sql.push_str(&format!(" WHEN {test} THEN {}", self.branch(&pair[1], &ty)?));
        }
        if let Some(default) = default {
            sql.push_str(&format!(" ELSE {}", self.branch(default, &ty)?));
        }
        sql.push_str(" END)");
        Ok(Typed::new(sql, ty))
    }

    /// "REGEXP_…" functions. Missing arguments get their documented defaults.
    fn regexp(&self, name: &str, args: &[Typed]) -> Result<Typed, SqlError> {
        let t = |i: usize, default: &str| match args.get(i) {
            Some(value) => self.text_of(value),
            None => Ok(default.to_owned()),
        };
        let w = |i: usize, default: &str| match args.get(i) {
            Some(value) => self.whole(value),
            None => Ok(default.to_owned()),
        };
        let (source, pattern) = (t(0, "")?, t(1, "")?);
        let width = Self::width(&args[0]);
        Ok(match name {
            "regexp_count" => int(format!("rs.regexp_count({source}, {pattern}, {}, {})", w(2, "1")?, t(3, "'c'")?)),
            "regexp_instr" => int(format!(
                "rs.regexp_instr({source}, {pattern}, {}, {}, {}, {})",
                w(2, "1")?,
                w(3, "1")?,
                w(4, "0")?,
                t(5, "'c'")?
            )),
            "regexp_substr" => text(
                format!("rs.regexp_substr({source}, {pattern}, {}, {}, {})", w(2, "1")?, w(3, "1")?, t(4, "'c'")?),
                width,
            ),
            _ => text(
                format!("rs.regexp_replace({source}, {pattern}, {}, {}, {})", t(2, "''")?, w(3, "1")?, t(4, "'c'")?),
                MAX_VARCHAR,
            ),
        })
    }

    fn order_list(&mut self, items: &[OrderItem], scope: &Scope<'_>) -> Result<String, SqlError> {
        let mut out = Vec::new();
        for item in items {
            let value = self.expr(&item.expr, scope)?;
            let down = if item.descending { " DESC" } else { "" };
            let nulls = match item.nulls_first {
                Some(true) => " NULLS FIRST",
                Some(false) => " NULLS LAST",
                None => "",
            };
            out.push(format!("{}{down}{nulls}", self.settled(&value)));
        }
        Ok(out.join(", "))
    }

    fn over(&mut self, window: &Window, scope: &Scope<'_>) -> Result<String, SqlError> {
        let mut parts = Vec::new();
        if !window.partition_by.is_empty() {
            let mut list = Vec::new();
            for expr in &window.partition_by {
                let value = self.expr(expr, scope)?;
                list.push(if value.ty.is_character() {
                    format!("({})::bpchar", value.sql)
                } else {
                    self.settled(&value)
                });
            }
            parts.push(format!("PARTITION BY {}", list.join(", ")));
        }
        if !window.order_by.is_empty() {
            parts.push(format!("ORDER BY {}", self.order_list(&window.order_by, scope)?));
        }
        parts.extend(window.frame.clone());
        Ok(format!(" OVER ({})", parts.join(" ")))
    }

    /// Aggregates and window functions ("Aggregate functions", "Window functions").
    fn aggregate(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let name = call.name.name.as_str();
        if WINDOW_ONLY.contains(&name) && call.over.is_none() {
            return Err(SqlError::new("42809", format!("window function {name} requires an OVER clause")));
        }
        self.check_window(call)?;
        let over = match &call.over {
            Some(window) => self.over(window, scope)?,
            None => String::new(),
        };
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(self.expr(arg, scope)?);
        }
        if call.star {
            if name != "count" {
                return Err(SqlError::syntax(format!("{name}(*) is not valid: only COUNT takes *")));
            }
            return Ok(big(format!("count(*){over}")));
        }
        if call.approximate && !(name == "count" && call.distinct) && name != "percentile_disc" {
            return Err(SqlError::syntax("APPROXIMATE goes with COUNT(DISTINCT …) and PERCENTILE_DISC"));
        }
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        if matches!(name, "percentile_cont" | "percentile_disc") {
            return self.percentile(call, &args, &over, scope);
        }
        if name == "listagg" {
            return self.listagg(call, &args, &over, scope);
        }
        if let Some(value) = self.window_only(call, &args, &over)? {
            return Ok(value);
        }
        let [arg] = args.as_slice() else {
            return Err(no_function(call, &args));
        };
        let settled = self.settled(arg);
        let number = |rewriter: &Self| rewriter.numeric(arg);
        Ok(match name {
            "count" => {
                // A JSON null is NULL, and trailing blanks do not make values distinct.
                let sql = match &arg.ty {
                    RsType::Super => self.super_or_null(&settled),
                    t if t.is_character() && call.distinct => format!("({settled})::bpchar"),
                    _ => settled,
                };
                big(format!("count({distinct}{sql}){over}"))
            }
            "sum" => {
                let v = number(self)?;
                let (pg, ty) = match v.ty {
                    ref t if t.is_integer() => ("bigint".to_owned(), RsType::BigInt),
                    RsType::Decimal(_, s) => (format!("numeric(38,{s})"), RsType::Decimal(38, s)),
                    _ => ("double precision".to_owned(), RsType::Double),
                };
                let inner = if ty == RsType::Double { format!("({})::double precision", v.sql) } else { v.sql };
                Typed::new(format!("(sum({distinct}{inner}){over})::{pg}"), ty)
            }
            "avg" => {
                let v = number(self)?;
                match v.ty {
                    // "BIGINT for any integer type argument".
                    ref t if t.is_integer() => big(format!("trunc(avg({distinct}{}){over})::bigint", v.sql)),
                    RsType::Decimal(_, s) => Typed::new(
                        format!("trunc(avg({distinct}{}){over}, {s})::numeric(38,{s})", v.sql),
                        RsType::Decimal(38, s),
                    ),
                    _ => double(format!("avg({distinct}({})::double precision){over}", v.sql)),
                }
            }
            "min" | "max" => match arg.ty {
                RsType::Super => return Err(SqlError::not_in_stand_in("MIN and MAX of SUPER values")),
                RsType::Boolean => return Err(no_function(call, &args)),
                RsType::Varbyte(_) => return Err(SqlError::not_in_stand_in("MIN and MAX of VARBYTE values")),
                ref ty => {
                    let ty = ty.clone();
                    let suffix =
                        if let RsType::Decimal(p, s) = ty { format!("::numeric({p},{s})") } else { String::new() };
                    Typed::new(format!("({name}({settled}){over}){suffix}"), ty)
                }
            },
            "any_value" => {
                // Any value will do: the first that comes.
                Typed::new(format!("(array_agg({settled}){over})[1]"), arg.ty.clone())
            }
            "median" => {
                let v = number(self)?;
                if !over.is_empty() {
                    return Err(SqlError::not_in_stand_in("MEDIAN as a window function"));
                }
                double(format!("percentile_cont(0.5) WITHIN GROUP (ORDER BY ({})::double precision)", v.sql))
            }
            "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp" | "var_pop" => {
                let v = number(self)?;
                double(format!("({name}({distinct}({})::double precision){over})", v.sql))
            }
            "bool_and" | "bool_or" => {
                let condition = self.condition(arg)?;
                boolean(format!("{name}({condition}){over}"))
            }
            "bit_and" | "bit_or" if arg.ty.is_integer() => {
                Typed::new(format!("{name}({settled}){over}"), arg.ty.clone())
            }
            _ => return Err(no_function(call, &args)),
        })
    }

    /// "Window function syntax summary": an aggregate with ORDER BY needs an explicit frame.
    fn check_window(&self, call: &Call) -> Result<(), SqlError> {
        let Some(window) = &call.over else {
            return Ok(());
        };
        let name = call.name.name.as_str();
        if call.distinct && name != "listagg" {
            return Err(SqlError::unsupported("DISTINCT is not supported in window functions"));
        }
        let needs_frame = AGGREGATES.contains(&name) && name != "listagg"
            || matches!(name, "first_value" | "last_value" | "nth_value");
        if needs_frame && !window.order_by.is_empty() && window.frame.is_none() {
            return Err(SqlError::unsupported(
                "Aggregate window functions with an ORDER BY clause require a frame clause",
            ));
        }
        let no_frame = matches!(
            name,
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" | "lag" | "lead"
        );
        if no_frame && window.frame.is_some() {
            return Err(SqlError::unsupported(format!("the window function {name} takes no frame clause")));
        }
        let needs_order = matches!(name, "ntile" | "lag" | "lead" | "cume_dist" | "percent_rank");
        if needs_order && window.order_by.is_empty() {
            return Err(SqlError::unsupported(format!("the window function {name} requires an ORDER BY clause")));
        }
        Ok(())
    }

    fn window_only(&mut self, call: &Call, args: &[Typed], over: &str) -> Result<Option<Typed>, SqlError> {
        let name = call.name.name.as_str();
        let ignore = call.ignore_nulls == Some(true);
        Ok(Some(match (name, args) {
            ("row_number" | "rank" | "dense_rank", []) => big(format!("{name}(){over}")),
            ("percent_rank" | "cume_dist", []) => double(format!("{name}(){over}")),
            ("ntile", [n]) => big(format!("ntile({}){over}::bigint", self.whole(n)?)),
            ("lag" | "lead", [value, rest @ ..]) if rest.len() <= 2 => {
                if ignore {
                    return Err(SqlError::not_in_stand_in("IGNORE NULLS of LAG and LEAD"));
                }
                let mut list = vec![self.settled(value)];
                if let Some(offset) = rest.first() {
                    list.push(self.whole(offset)?);
                }
                if let Some(default) = rest.get(1) {
                    list.push(self.cast(default, &value.ty)?);
                }
                Typed::new(format!("{name}({}){over}", list.join(", ")), value.ty.clone())
            }
            ("first_value" | "last_value", [value]) => {
                if ignore {
                    return Err(SqlError::not_in_stand_in("IGNORE NULLS of FIRST_VALUE and LAST_VALUE"));
                }
                Typed::new(format!("{name}({}){over}", self.settled(value)), value.ty.clone())
            }
            ("nth_value", [value, n]) if !ignore => {
                Typed::new(format!("nth_value({}, {}){over}", self.settled(value), self.whole(n)?), value.ty.clone())
            }
            ("ratio_to_report", [value]) => {
                let v = self.numeric(value)?;
                double(format!("(({v})::double precision / NULLIF(sum(({v})::double precision){over}, 0))", v = v.sql))
            }
            _ if WINDOW_ONLY.contains(&name) => return Err(no_function(call, args)),
            _ => return Ok(None),
        }))
    }

    fn percentile(&mut self, call: &Call, args: &[Typed], over: &str, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let ([fraction], [order]) = (args, call.within_group.as_slice()) else {
            return Err(no_function(call, args));
        };
        if !over.is_empty() {
            return Err(SqlError::not_in_stand_in("PERCENTILE_… as a window function"));
        }
        let value = self.expr(&order.expr, scope)?;
        let down = if order.descending { " DESC" } else { "" };
        let name = &call.name.name;
        let fraction = format!("({})::double precision", fraction.sql);
        Ok(if name == "percentile_cont" {
            double(format!(
                "percentile_cont({fraction}) WITHIN GROUP (ORDER BY ({})::double precision{down})",
                value.sql
            ))
        } else {
            Typed::new(format!("percentile_disc({fraction}) WITHIN GROUP (ORDER BY {}{down})", value.sql), value.ty)
        })
    }

    /// "LISTAGG function": at most 65,535 bytes.
    fn listagg(&mut self, call: &Call, args: &[Typed], over: &str, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let (value, separator) = match args {
            [value] => (self.text_of(value)?, "''".to_owned()),
            [value, separator] => (self.text_of(value)?, self.text_of(separator)?),
            _ => return Err(no_function(call, args)),
        };
        if !over.is_empty() {
            return Err(SqlError::not_in_stand_in("LISTAGG as a window function"));
        }
        let order = if call.within_group.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", self.order_list(&call.within_group, scope)?)
        };
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        Ok(text(format!("rs.listagg_check(string_agg({distinct}({value})::text, {separator}{order}))"), MAX_VARCHAR))
    }
}

/// The value of an integer constant that is not negative.
fn constant(value: &Typed) -> Option<u32> {
    value.sql.parse().ok()
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
        "hour" => format!("(({amount})::bigint * INTERVAL '1 hour')"),
        "minute" => format!("(({amount})::bigint * INTERVAL '1 minute')"),
        "second" => format!("(({amount})::bigint * INTERVAL '1 second')"),
        "millisecond" => format!("(({amount})::bigint * INTERVAL '1 millisecond')"),
        _ => format!("(({amount})::bigint * INTERVAL '1 microsecond')"),
    }
}

/// The PostgreSQL type of a user function's argument: without length, precision and scale.
pub(super) fn argument_type(rs_type: &RsType) -> String {
    match rs_type {
        RsType::Varchar(_) => "character varying".to_owned(),
        RsType::Char(_) => "bpchar".to_owned(),
        RsType::Decimal(..) => "numeric".to_owned(),
        other => other.postgres(),
    }
}

/// True if Redshift converts the argument implicitly for a user function.
fn implicit(have: &Typed, want: &RsType) -> bool {
    if have.is_open() || have.ty == RsType::Super {
        return true;
    }
    let rank = |t: &RsType| match t {
        RsType::SmallInt => 1,
        RsType::Integer => 2,
        RsType::BigInt => 3,
        RsType::Decimal(..) => 4,
        RsType::Real => 5,
        RsType::Double => 6,
        _ => 0,
    };
    match (&have.ty, want) {
        (a, b) if a.is_character() && b.is_character() => true,
        (a, b) if a.is_numeric() && b.is_numeric() => rank(a) <= rank(b),
        (RsType::Date, RsType::Timestamp | RsType::TimestampTz) => true,
        (RsType::Timestamp, RsType::TimestampTz) => true,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn no_function(call: &Call, args: &[Typed]) -> SqlError {
    let types: Vec<String> = args
        .iter()
        .map(|a| match a.form {
            Form::Value => a.ty.to_string(),
            _ => "\"unknown\"".to_owned(),
        })
        .collect();
    SqlError::new("42883", format!("function {}({}) does not exist", call.name, types.join(", ")))
        .with_hint("No function matches the given name and argument types. You may need to add explicit type casts.")
}
