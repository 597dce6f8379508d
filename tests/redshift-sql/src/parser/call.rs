//! Paths, function calls, windows, TRIM and CASE.

use super::expr::function;
use super::{Parsed, Parser};
use crate::ast::{Call, Expr, Ident, ObjectName, ObjectTransform, OrderItem, Step, Window};
use crate::error::SqlError;
use crate::lexer::Kind;

impl Parser<'_> {
    pub(super) fn path_or_call(&mut self) -> Parsed<Expr> {
        let position = self.position();
        // OID is reserved, and a column of the catalogs all the same.
        let allow = self.is_symbol_at(1, "(") || self.is_word("OID");
        let first = self.ident_token(allow)?;
        let mut names: Vec<Ident> = vec![first];
        while self.is_symbol(".") && matches!(self.token_at(1).kind, Kind::Word(_) | Kind::Quoted(_)) {
            self.advance();
            // A column's name behind its table may be a reserved word: t.table, as SVV_TABLE_INFO has it.
            let label = names.len() == 1 || self.is_symbol_at(1, "(") || self.is_word("OID");
            names.push(self.ident_token(label)?);
        }
        if self.is_symbol("(") && !self.is_outer_mark() {
            let name = match names.as_slice() {
                [name] => ObjectName::bare(&name.name),
                [schema, name] => {
                    ObjectName { database: None, schema: Some(schema.name.clone()), name: name.name.clone() }
                }
                _ => return Err(self.unexpected()),
            };
            return self.call(name, position);
        }
        let mut steps: Vec<Step> = names.into_iter().map(Step::Name).collect();
        steps.extend(self.steps()?);
        if self.is_outer_mark() {
            for _ in 0..3 {
                self.advance();
            }
            return Ok(Expr::OuterMark(Box::new(Expr::Path(steps))));
        }
        Ok(Expr::Path(steps))
    }

    fn is_outer_mark(&self) -> bool {
        self.is_symbol("(") && self.is_symbol_at(1, "+") && self.is_symbol_at(2, ")")
    }

    pub(super) fn call(&mut self, name: ObjectName, position: usize) -> Parsed<Expr> {
        self.expect_symbol("(")?;
        let mut call = Call {
            name,
            args: Vec::new(),
            star: false,
            distinct: false,
            approximate: false,
            within_group: Vec::new(),
            ignore_nulls: None,
            over: None,
            position,
        };
        if self.eat_symbol("*") {
            call.star = true;
        } else if !self.is_symbol(")") {
            call.distinct = self.eat_word("DISTINCT");
            if !call.distinct {
                self.eat_word("ALL");
            }
            call.args = self.comma_list(Self::expr)?;
            if call.name.name == "object_transform" && call.args.len() == 1 {
                return self.object_transform(call.args.remove(0));
            }
            if self.is_words(&["ORDER", "BY"]) {
                return self.refuse(
                    SqlError::syntax(
                        "syntax error at or near \"ORDER\": Redshift has no ORDER BY inside a function call",
                    )
                    .with_hint("use LISTAGG(…) WITHIN GROUP (ORDER BY …)"),
                );
            }
            if self.is_words(&["IGNORE", "NULLS"]) || self.is_words(&["RESPECT", "NULLS"]) {
                self.nulls_treatment(&mut call)?;
            }
        }
        self.expect_symbol(")")?;
        if self.is_words(&["WITHIN", "GROUP"]) {
            self.expect_words(&["WITHIN", "GROUP"])?;
            self.expect_symbol("(")?;
            self.expect_words(&["ORDER", "BY"])?;
            call.within_group = self.comma_list(Self::order_item)?;
            self.expect_symbol(")")?;
        }
        if self.is_word("FILTER") && self.is_symbol_at(1, "(") {
            return self.refuse(SqlError::unsupported(
                "FILTER (WHERE …) is not supported by Redshift: use CASE inside the aggregate",
            ));
        }
        if self.is_words(&["IGNORE", "NULLS"]) || self.is_words(&["RESPECT", "NULLS"]) {
            self.nulls_treatment(&mut call)?;
        }
        if self.eat_word("OVER") {
            if !self.is_symbol("(") {
                return self.refuse(SqlError::unsupported("OVER with a named window is not supported by Redshift"));
            }
            call.over = Some(self.window()?);
        }
        Ok(Expr::Call(Box::new(call)))
    }

    /// The rest of `OBJECT_TRANSFORM(input [KEEP path, …] [SET path, value, …])`.
    fn object_transform(&mut self, input: Expr) -> Parsed<Expr> {
        let mut transform = ObjectTransform { input, keep: Vec::new(), set: Vec::new() };
        if self.eat_word("KEEP") {
            transform.keep = self.comma_list(Self::string)?;
        }
        if self.eat_word("SET") {
            transform.set = self.comma_list(|p| {
                let path = p.string()?;
                p.expect_symbol(",")?;
                Ok((path, p.expr()?))
            })?;
        }
        self.expect_symbol(")")?;
        Ok(Expr::ObjectTransform(Box::new(transform)))
    }

    fn nulls_treatment(&mut self, call: &mut Call) -> Parsed<()> {
        call.ignore_nulls = Some(self.is_word("IGNORE"));
        self.advance();
        self.expect_word("NULLS")
    }

    fn window(&mut self) -> Parsed<Window> {
        self.expect_symbol("(")?;
        let mut window = Window::default();
        if self.eat_words(&["PARTITION", "BY"]) {
            window.partition_by = self.comma_list(Self::expr)?;
        }
        if self.eat_words(&["ORDER", "BY"]) {
            window.order_by = self.comma_list(Self::order_item)?;
        }
        if self.is_word("RANGE") || self.is_word("GROUPS") {
            return self.refuse(SqlError::unsupported(
                "window frames of Redshift are ROWS frames: RANGE and GROUPS are not supported",
            ));
        }
        if self.eat_word("ROWS") {
            let frame = if self.eat_word("BETWEEN") {
                let start = self.frame_bound()?;
                self.expect_word("AND")?;
                let end = self.frame_bound()?;
                format!("ROWS BETWEEN {start} AND {end}")
            } else {
                format!("ROWS {}", self.frame_bound()?)
            };
            window.frame = Some(frame);
        }
        self.expect_symbol(")")?;
        Ok(window)
    }

    fn frame_bound(&mut self) -> Parsed<String> {
        if self.eat_words(&["CURRENT", "ROW"]) {
            return Ok("CURRENT ROW".into());
        }
        let amount = if self.eat_word("UNBOUNDED") { "UNBOUNDED".to_owned() } else { self.unsigned()?.to_string() };
        if self.eat_word("PRECEDING") {
            Ok(format!("{amount} PRECEDING"))
        } else {
            self.expect_word("FOLLOWING")?;
            Ok(format!("{amount} FOLLOWING"))
        }
    }

    pub(super) fn order_item(&mut self) -> Parsed<OrderItem> {
        let expr = self.expr()?;
        let descending = if self.eat_word("DESC") {
            true
        } else {
            self.eat_word("ASC");
            false
        };
        let nulls_first = if self.eat_words(&["NULLS", "FIRST"]) {
            Some(true)
        } else if self.eat_words(&["NULLS", "LAST"]) {
            Some(false)
        } else {
            None
        };
        Ok(OrderItem { expr, descending, nulls_first })
    }

    pub(super) fn trim(&mut self, position: usize) -> Parsed<Expr> {
        self.advance();
        self.expect_symbol("(")?;
        let name = if self.eat_word("LEADING") {
            "ltrim"
        } else if self.eat_word("TRAILING") {
            "rtrim"
        } else {
            self.eat_word("BOTH");
            "btrim"
        };
        let args = if self.eat_word("FROM") {
            vec![self.expr()?]
        } else {
            let first = self.expr()?;
            if self.eat_word("FROM") {
                let text = self.expr()?;
                vec![text, first]
            } else if self.eat_symbol(",") {
                vec![first, self.expr()?]
            } else {
                vec![first]
            }
        };
        self.expect_symbol(")")?;
        Ok(function(name, args, position))
    }

    pub(super) fn case(&mut self) -> Parsed<Expr> {
        self.expect_word("CASE")?;
        let operand = if self.is_word("WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut branches = Vec::new();
        while self.eat_word("WHEN") {
            let when = self.expr()?;
            self.expect_word("THEN")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat_word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { operand, branches, otherwise })
    }
}
