//! The table of Redshift's functions (Redshift Database Developer Guide, "SQL functions reference").
//!
//! What is not in the tables does not exist, whatever PostgreSQL has. Invariant: the result type is Redshift's, and the text is
//! cast where PostgreSQL's own result type differs.

mod aggregates;
mod conditional;
mod dates;
pub(crate) mod list;
mod numbers;
mod strings;
mod supers;
mod system;

use super::scope::Scope;
use super::{Form, Rewriter, Typed};
use crate::ast::Call;
use crate::catalog::UserFunction;
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::{MAX_VARCHAR, RsType};
pub(super) use aggregates::has_aggregate;
use aggregates::{AGGREGATES, WINDOW_ONLY};
use list::{FUNCTIONS, REFUSED, REFUSED_PREFIXES};

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

/// The arguments of a call, read as the types that a function wants.
pub(super) struct Arguments<'r> {
    rewriter: &'r Rewriter<'r>,
    values: &'r [Typed],
}

impl Arguments<'_> {
    fn text(&self, i: usize) -> Result<String, SqlError> {
        self.rewriter.text_of(&self.values[i])
    }

    fn number(&self, i: usize) -> Result<Typed, SqlError> {
        self.rewriter.numeric(&self.values[i])
    }

    fn whole(&self, i: usize) -> Result<String, SqlError> {
        self.rewriter.whole(&self.values[i])
    }

    fn moment(&self, i: usize) -> Result<Typed, SqlError> {
        self.rewriter.moment(&self.values[i])
    }

    fn json(&self, i: usize) -> Result<String, SqlError> {
        self.rewriter.to_super(&self.values[i])
    }

    fn width(&self, i: usize) -> u32 {
        Rewriter::width(&self.values[i])
    }

    fn is_super(&self, i: usize) -> bool {
        self.values[i].ty == RsType::Super
    }

    fn is_varbyte(&self, i: usize) -> bool {
        matches!(self.values[i].ty, RsType::Varbyte(_))
    }

    /// A truth value, or the default if it is not given.
    fn flag(&self, i: usize, default: &str) -> Result<String, SqlError> {
        self.values.get(i).map_or_else(|| Ok(default.to_owned()), |v| self.rewriter.condition(v))
    }

    /// `function(argument)` over DOUBLE PRECISION.
    fn float(&self, function: &str, i: usize) -> Result<Typed, SqlError> {
        Ok(double(format!("{function}(({})::double precision)", self.number(i)?.sql)))
    }

    /// The bytes of a VARBYTE, or of a text in UTF-8.
    fn bytes(&self, i: usize) -> Result<String, SqlError> {
        if self.is_varbyte(i) {
            return Ok(self.values[i].sql.clone());
        }
        Ok(format!("convert_to({}, 'UTF8')", self.text(i)?))
    }
}

impl Rewriter<'_> {
    pub(super) fn call(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let name = call.name.name.as_str();
        // Casts to the types of the catalogs are calls, too.
        let built_in = matches!(call.name.schema.as_deref(), None | Some("pg_catalog"))
            && (FUNCTIONS.binary_search(&name).is_ok()
                || matches!(
                    name,
                    "oid"
                        | "regclass"
                        | crate::ast::IN_CATALOG_ARRAY
                        | crate::ast::CATALOG_ARRAY
                        | crate::ast::OVERLAPS
                ));
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
        self.catalog_array |= name == crate::ast::CATALOG_ARRAY;
        if built_in && system::LEADER_ONLY.contains(&name) {
            let shown = if name == crate::ast::OVERLAPS { "overlaps" } else { name };
            self.leader_function = Some(shown.to_owned());
        }
        if built_in && let Some(value) = self.scalar(name, &args)? {
            return Ok(value);
        }
        if let Some(value) = self.user_function(call, &args)? {
            return Ok(value);
        }
        if REFUSED.contains(&name) || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(SqlError::not_in_stand_in(&format!("the function {}", name.to_uppercase())));
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

    fn scalar(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        for table in [Self::strings, Self::conditional, Self::dates, Self::numbers, Self::supers, Self::system] {
            if let Some(value) = table(self, name, args)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// The value of an integer constant that is not negative.
fn constant(value: &Typed) -> Option<u32> {
    value.sql.parse().ok()
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
