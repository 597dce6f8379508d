//! COALESCE, DECODE, GREATEST and their like: types unified as CASE does.

use crate::error::SqlError;
use crate::rewrite::{Form, Rewriter, Typed};
use crate::types::RsType;

impl Rewriter<'_> {
    /// "Conditional expressions".
    pub(super) fn conditional(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        Ok(Some(match (name, args.len()) {
            ("coalesce" | "nvl", 1..) | ("isnull", 2) => {
                let (list, ty) = self.unified(args)?;
                Typed::new(format!("COALESCE({})", list.join(", ")), ty)
            }
            ("nvl2", 3) => {
                let (list, ty) = self.unified(&args[1..])?;
                Typed::new(format!("(CASE WHEN {} THEN {} ELSE {} END)", self.is_null(&args[0]), list[1], list[0]), ty)
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
                let of_super = if ty == RsType::Super { "rs.super_" } else { "" };
                Typed::new(format!("{of_super}{name}({})", list.join(", ")), ty)
            }
            _ => return Ok(None),
        }))
    }

    /// Types unified as CASE does, for COALESCE and its like.
    pub(super) fn unified(&self, args: &[Typed]) -> Result<(Vec<String>, RsType), SqlError> {
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

    pub(super) fn is_null(&self, value: &Typed) -> String {
        match (&value.form, &value.ty) {
            (Form::Null, _) => "true".to_owned(),
            (_, RsType::Super) => self.super_is_null(&value.sql),
            _ => format!("({} IS NULL)", value.sql),
        }
    }

    /// "DECODE expression": NULL equals NULL here.
    fn decode(&self, args: &[Typed]) -> Result<Typed, SqlError> {
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
}
