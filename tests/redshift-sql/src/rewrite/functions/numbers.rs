//! Math functions.

use super::{Arguments, double, int, super_value};
use crate::error::SqlError;
use crate::rewrite::{Rewriter, Typed};
use crate::types::RsType;

impl Rewriter<'_> {
    /// "Math functions".
    pub(super) fn numbers(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let a = Arguments { rewriter: self, values: args };
        if let ("abs" | "floor" | "ceil" | "ceiling" | "round" | "trunc", [value, rest @ ..]) = (name, args)
            && value.ty == RsType::Super
            && rest.len() <= 1
        {
            // "Operators and functions" of SUPER: the result is SUPER, NULL for what is no number.
            let digits = if rest.is_empty() { String::new() } else { format!(", {}", a.whole(1)?) };
            return Ok(Some(super_value(format!("to_jsonb({name}(rs.super_number({}){digits}))", value.sql))));
        }
        Ok(Some(match (name, args.len()) {
            ("abs", 1) => {
                let v = a.number(0)?;
                Typed::new(format!("abs({})", v.sql), v.ty)
            }
            ("sign", 1) => {
                let v = a.number(0)?;
                int(format!("sign(({})::numeric)::integer", v.sql))
            }
            ("mod", 2) => {
                let (a, b) = (a.number(0)?, a.number(1)?);
                return self.apply(crate::ast::BinaryOp::Modulo, a, b).map(Some);
            }
            ("floor" | "ceil" | "ceiling", 1) => {
                let v = a.number(0)?;
                match v.ty {
                    ref ty if ty.is_integer() => v,
                    RsType::Decimal(p, s) => {
                        Typed::new(format!("{name}({})", v.sql), RsType::Decimal((p - s + 1).min(38), 0))
                    }
                    _ => double(format!("{name}(({})::double precision)", v.sql)),
                }
            }
            ("round" | "trunc", 1) => {
                let v = a.number(0)?;
                match v.ty {
                    ref ty if ty.is_integer() => v,
                    RsType::Decimal(p, s) => {
                        Typed::new(format!("{name}({})", v.sql), RsType::Decimal((p - s + 1).min(38), 0))
                    }
                    _ => double(format!("{name}(({})::double precision)", v.sql)),
                }
            }
            ("round" | "trunc", 2) => {
                let v = a.number(0)?;
                match v.ty {
                    RsType::Decimal(p, s) => {
                        Typed::new(format!("{name}({}, {})", v.sql, a.whole(1)?), RsType::Decimal(p, s))
                    }
                    ref ty if ty.is_integer() => {
                        let pg = ty.postgres();
                        Typed::new(format!("{name}(({})::numeric, {})::{pg}", v.sql, a.whole(1)?), v.ty)
                    }
                    _ => double(format!(
                        "{name}((({})::double precision)::numeric, {})::double precision",
                        v.sql,
                        a.whole(1)?
                    )),
                }
            }
            ("power" | "pow", 2) => double(format!(
                "power(({})::double precision, ({})::double precision)",
                a.number(0)?.sql,
                a.number(1)?.sql
            )),
            ("cbrt", 1) => a.float("rs.cbrt", 0)?,
            (
                "sqrt" | "exp" | "ln" | "degrees" | "radians" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan"
                | "cot",
                1,
            ) => a.float(name, 0)?,
            // LOG is base 10 ("LOG function").
            ("log" | "dlog10", 1) => a.float("log", 0)?,
            ("log", 2) => double(format!(
                "log(({})::numeric, ({})::numeric)::double precision",
                a.number(0)?.sql,
                a.number(1)?.sql
            )),
            ("dlog1", 1) => a.float("ln", 0)?,
            ("dexp", 1) => a.float("exp", 0)?,
            ("atan2", 2) => double(format!(
                "atan2(({})::double precision, ({})::double precision)",
                a.number(0)?.sql,
                a.number(1)?.sql
            )),
            _ => return Ok(None),
        }))
    }
}
