//! Expressions (Redshift Database Developer Guide, "Expressions", "Conditions", "Querying semi-structured data").

use super::{Parsed, Parser, words};
use crate::ast::{BinaryOp, Call, Expr, LikeKind, Literal, ObjectName, Step, UnaryOp};
use crate::error::SqlError;
use crate::lexer::{Kind, Token};

/// Longest chain of operators without parentheses.
const MAX_CHAIN: usize = 5000;

/// Binding powers.
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARE: u8 = 5;
const RANGE: u8 = 6;
const OTHER: u8 = 7;
const AT_ZONE: u8 = 11;
const UNARY: u8 = 12;

fn infix(symbol: &str) -> Option<(BinaryOp, u8)> {
    Some(match symbol {
        "=" => (BinaryOp::Eq, COMPARE),
        "<>" | "!=" => (BinaryOp::NotEq, COMPARE),
        "<" => (BinaryOp::Lt, COMPARE),
        "<=" => (BinaryOp::LtEq, COMPARE),
        ">" => (BinaryOp::Gt, COMPARE),
        ">=" => (BinaryOp::GtEq, COMPARE),
        "||" => (BinaryOp::Concat, OTHER),
        "~" => (BinaryOp::RegexMatch, OTHER),
        "!~" => (BinaryOp::RegexNotMatch, OTHER),
        "&" => (BinaryOp::BitAnd, OTHER),
        "|" => (BinaryOp::BitOr, OTHER),
        "#" => (BinaryOp::BitXor, OTHER),
        "<<" => (BinaryOp::ShiftLeft, OTHER),
        ">>" => (BinaryOp::ShiftRight, OTHER),
        "+" => (BinaryOp::Plus, 8),
        "-" => (BinaryOp::Minus, 8),
        "*" => (BinaryOp::Multiply, 9),
        "/" => (BinaryOp::Divide, 9),
        "%" => (BinaryOp::Modulo, 9),
        "^" => (BinaryOp::Power, 10),
        _ => return None,
    })
}

pub(super) fn function(name: &str, args: Vec<Expr>, position: usize) -> Expr {
    Expr::Call(Box::new(Call {
        name: ObjectName::bare(name),
        args,
        star: false,
        distinct: false,
        approximate: false,
        within_group: Vec::new(),
        ignore_nulls: None,
        over: None,
        position,
    }))
}

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|p| p.binary(0))
    }

    fn operand(&mut self, power: u8) -> Parsed<Box<Expr>> {
        self.deeper(|p| p.binary(power)).map(Box::new)
    }

    fn binary(&mut self, min: u8) -> Parsed<Expr> {
        let mut left = self.prefix()?;
        for _ in 0..MAX_CHAIN {
            match self.extend(left, min)? {
                (next, true) => left = next,
                (done, false) => return Ok(done),
            }
        }
        self.refuse(SqlError::new("54001", format!("an expression has more than {MAX_CHAIN} operators in a row")))
    }

    /// Adds one operator to the right of `left`; false if there is none of at least `min`.
    fn extend(&mut self, left: Expr, min: u8) -> Parsed<(Expr, bool)> {
        if let Kind::Symbol(symbol) = self.kind() {
            let symbol = *symbol;
            if symbol == "::" {
                self.advance();
                // Types of the catalogs: casts read them, tables do not have them.
                let catalog = [("REGCLASS", "regclass"), ("OID", "oid"), ("REGPROCEDURE", "oid")];
                if let Some((_, name)) = catalog.iter().find(|(word, _)| self.is_word(word)) {
                    self.advance();
                    return Ok((function(name, vec![left], self.position()), true));
                }
                let to = self.cast_type()?;
                let cast = Expr::Cast { expr: Box::new(left), to, or_null: false };
                return Ok((cast, true));
            }
            if matches!(symbol, "~*" | "!~*") {
                return self.refuse(SqlError::unsupported(format!(
                    "the operator {symbol} is not supported by Redshift: use REGEXP_* with the 'i' option or ILIKE"
                )));
            }
            let Some((op, power)) = infix(symbol) else {
                return Ok((left, false));
            };
            if power < min {
                return Ok((left, false));
            }
            self.advance();
            if power == COMPARE
                && (self.is_word("ANY") || self.is_word("ALL") || self.is_word("SOME"))
                && self.is_symbol_at(1, "(")
            {
                let all = self.is_word("ALL");
                let position = self.position();
                self.advance();
                self.expect_symbol("(")?;
                if !self.starts_query() {
                    // The catalogs of PostgreSQL have arrays: a.attnum = ANY (c.conkey).
                    if op == BinaryOp::Eq && !all {
                        let array = self.expr()?;
                        self.expect_symbol(")")?;
                        return Ok((function(crate::ast::IN_CATALOG_ARRAY, vec![left, array], position), true));
                    }
                    return self.refuse(SqlError::unsupported("ANY and ALL over arrays are not supported by Redshift"));
                }
                let query = Box::new(self.query()?);
                self.expect_symbol(")")?;
                return Ok((Expr::Quantified { expr: Box::new(left), op, all, query }, true));
            }
            let right = self.operand(power + 1)?;
            return Ok((Expr::Binary(op, Box::new(left), right), true));
        }
        let Some(word) = self.keyword() else {
            return Ok((left, false));
        };
        match word.as_str() {
            "OR" if min <= 1 => {
                self.advance();
                let right = self.operand(2)?;
                Ok((Expr::Binary(BinaryOp::Or, Box::new(left), right), true))
            }
            "AND" if min <= 2 => {
                self.advance();
                let right = self.operand(3)?;
                Ok((Expr::Binary(BinaryOp::And, Box::new(left), right), true))
            }
            "IS" if min <= IS => {
                self.advance();
                self.is_predicate(left).map(|e| (e, true))
            }
            "ISNULL" | "NOTNULL" if min <= IS => {
                self.advance();
                let negated = word == "NOTNULL";
                Ok((Expr::IsNull { expr: Box::new(left), negated }, true))
            }
            "AT" if min <= AT_ZONE && self.is_words(&["AT", "TIME", "ZONE"]) => {
                self.expect_words(&["AT", "TIME", "ZONE"])?;
                let zone = self.operand(AT_ZONE + 1)?;
                Ok((Expr::AtTimeZone(Box::new(left), zone), true))
            }
            "NOT" if min <= RANGE => {
                let follows = ["IN", "BETWEEN", "LIKE", "ILIKE", "SIMILAR"].iter().any(|w| self.is_word_at(1, w));
                if !follows {
                    return Ok((left, false));
                }
                self.advance();
                self.range(left, true).map(|e| (e, true))
            }
            "IN" | "BETWEEN" | "LIKE" | "ILIKE" | "SIMILAR" if min <= RANGE => {
                self.range(left, false).map(|e| (e, true))
            }
            "OVERLAPS" if min <= RANGE => {
                let position = self.position();
                self.advance();
                match (left, *self.operand(RANGE + 1)?) {
                    (Expr::Tuple(a), Expr::Tuple(b)) if a.len() == 2 && b.len() == 2 => {
                        Ok((function(crate::ast::OVERLAPS, [a, b].concat(), position), true))
                    }
                    _ => {
                        self.refuse(SqlError::syntax("OVERLAPS needs two periods: (start, end) OVERLAPS (start, end)"))
                    }
                }
            }
            // COLLATE of a column's definition, behind its DEFAULT.
            "COLLATE" if self.is_word_at(1, "CASE_SENSITIVE") || self.is_word_at(1, "CASE_INSENSITIVE") => {
                Ok((left, false))
            }
            "COLLATE" => self.refuse(SqlError::not_in_stand_in("COLLATE in an expression")),
            _ => Ok((left, false)),
        }
    }

    fn is_predicate(&mut self, left: Expr) -> Parsed<Expr> {
        let negated = self.eat_word("NOT");
        let expr = Box::new(left);
        if self.eat_word("NULL") {
            return Ok(Expr::IsNull { expr, negated });
        }
        let value = match self.keyword().as_deref() {
            Some("TRUE") => Some(true),
            Some("FALSE") => Some(false),
            Some("UNKNOWN") => None,
            Some("DISTINCT") => {
                return self.refuse(SqlError::unsupported("IS DISTINCT FROM is not supported by Redshift"));
            }
            Some("ARRAY" | "OBJECT" | "SCALAR") => {
                return self.refuse(
                    SqlError::not_in_stand_in("IS ARRAY, IS OBJECT and IS SCALAR")
                        .with_hint("use IS_ARRAY(…), IS_OBJECT(…), IS_SCALAR(…)"),
                );
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::IsTruth { expr, value, negated })
    }

    fn range(&mut self, left: Expr, negated: bool) -> Parsed<Expr> {
        let expr = Box::new(left);
        if self.eat_word("IN") {
            self.expect_symbol("(")?;
            if self.starts_query() {
                let query = Box::new(self.query()?);
                self.expect_symbol(")")?;
                return Ok(Expr::InQuery { expr, query, negated });
            }
            let list = self.comma_list(Self::expr)?;
            self.expect_symbol(")")?;
            return Ok(Expr::InList { expr, list, negated });
        }
        if self.eat_word("BETWEEN") {
            if self.is_word("SYMMETRIC") {
                return Err(self.unexpected());
            }
            let low = self.operand(RANGE + 1)?;
            self.expect_word("AND")?;
            let high = self.operand(RANGE + 1)?;
            return Ok(Expr::Between { expr, low, high, negated });
        }
        let kind = if self.eat_word("LIKE") {
            LikeKind::Like
        } else if self.eat_word("ILIKE") {
            LikeKind::ILike
        } else {
            self.expect_words(&["SIMILAR", "TO"])?;
            LikeKind::Similar
        };
        let pattern = self.operand(RANGE + 1)?;
        let escape = if self.eat_word("ESCAPE") { Some(self.string()?) } else { None };
        Ok(Expr::Like { kind, expr, pattern, escape, negated })
    }

    fn prefix(&mut self) -> Parsed<Expr> {
        if self.is_word("NOT") {
            self.advance();
            return Ok(Expr::Unary(UnaryOp::Not, self.operand(NOT)?));
        }
        if self.hierarchical && self.is_word("PRIOR") {
            self.advance();
            return Ok(Expr::Prior(self.operand(UNARY)?));
        }
        let op = match self.kind() {
            Kind::Symbol("-") => Some(UnaryOp::Minus),
            Kind::Symbol("+") => Some(UnaryOp::Plus),
            Kind::Symbol("~") => Some(UnaryOp::BitNot),
            Kind::Symbol("|/") => Some(UnaryOp::SquareRoot),
            Kind::Symbol("||/") => Some(UnaryOp::CubeRoot),
            Kind::Symbol("@") => Some(UnaryOp::Absolute),
            _ => None,
        };
        if let Some(op) = op {
            self.advance();
            // `-1::bigint` is -(1::bigint), as in PostgreSQL; a bare negative number stays a constant.
            if op == UnaryOp::Minus
                && let Kind::Number(n) = self.kind()
                && !matches!(self.token_at(1).kind, Kind::Symbol("::" | "^"))
            {
                let number = format!("-{n}");
                self.advance();
                return Ok(Expr::Literal(Literal::Number(number)));
            }
            return Ok(Expr::Unary(op, self.operand(UNARY)?));
        }
        let primary = self.primary()?;
        self.navigation(primary)
    }

    /// `.name` and `[index]` after a computed value.
    fn navigation(&mut self, base: Expr) -> Parsed<Expr> {
        if matches!(base, Expr::Path(_) | Expr::Literal(_)) {
            return Ok(base);
        }
        let steps = self.steps()?;
        Ok(if steps.is_empty() { base } else { Expr::Navigate(Box::new(base), steps) })
    }

    pub(super) fn steps(&mut self) -> Parsed<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.is_symbol(".") && !self.is_symbol_at(1, "*") {
                self.advance();
                steps.push(Step::Name(self.ident_token(true)?));
            } else if self.eat_symbol("[") {
                let index = self.expr()?;
                self.expect_symbol("]")?;
                steps.push(Step::Index(Box::new(index)));
            } else {
                return Ok(steps);
            }
        }
    }

    pub(super) fn starts_query(&self) -> bool {
        let mut ahead = 0;
        while self.is_symbol_at(ahead, "(") {
            ahead += 1;
        }
        self.is_word_at(ahead, "SELECT") || self.is_word_at(ahead, "WITH")
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let position = self.position();
        match self.kind().clone() {
            Kind::Number(n) => {
                self.advance();
                Ok(Expr::Literal(Literal::Number(n)))
            }
            Kind::Text(t) | Kind::Dollar(t) => {
                self.advance();
                Ok(Expr::Literal(Literal::String(t)))
            }
            Kind::Argument(n) => {
                self.advance();
                Ok(Expr::Argument(n))
            }
            Kind::Named(n) => {
                self.advance();
                Ok(Expr::NamedParameter(n))
            }
            Kind::Symbol("(") => {
                self.advance();
                if self.starts_query() && self.is_query_in_parentheses() {
                    let query = self.query()?;
                    self.expect_symbol(")")?;
                    return Ok(Expr::Subquery(Box::new(query)));
                }
                let mut list = self.comma_list(Self::expr)?;
                self.expect_symbol(")")?;
                if list.len() == 1 {
                    let only = list.remove(0);
                    // Parentheses end a path: what follows is navigation from its value.
                    if self.is_symbol("[") || (self.is_symbol(".") && !self.is_symbol_at(1, "*")) {
                        let steps = self.steps()?;
                        return Ok(Expr::Navigate(Box::new(only), steps));
                    }
                    return Ok(only);
                }
                Ok(Expr::Tuple(list))
            }
            Kind::Quoted(_) => self.path_or_call(),
            Kind::Word(word) => self.word_expr(&word.to_ascii_uppercase(), position),
            _ => Err(self.unexpected()),
        }
    }

    /// `((SELECT …))` is a query; `((SELECT 1) + 1)` is not: only the matching parenthesis tells.
    pub(super) fn is_query_in_parentheses(&self) -> bool {
        let Some(next) = self.beyond_parentheses() else {
            return true;
        };
        match &next.kind {
            Kind::Symbol(")") => true,
            Kind::Word(w) => matches!(
                w.to_ascii_uppercase().as_str(),
                "UNION" | "INTERSECT" | "EXCEPT" | "MINUS" | "ORDER" | "LIMIT" | "OFFSET"
            ),
            _ => false,
        }
    }

    /// The token behind the parenthesis that opens here and its partner; None if none opens here or it has no partner.
    fn beyond_parentheses(&self) -> Option<&Token> {
        if !self.is_symbol("(") {
            return None;
        }
        let mut depth = 0_usize;
        let mut ahead = 0;
        loop {
            match &self.token_at(ahead).kind {
                Kind::Symbol("(") => depth += 1,
                Kind::Symbol(")") => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(self.token_at(ahead + 1));
                    }
                }
                Kind::End => return None,
                _ => {}
            }
            ahead += 1;
        }
    }

    fn word_expr(&mut self, word: &str, position: usize) -> Parsed<Expr> {
        if self.is_type_literal() {
            let rs_type = self.data_type()?;
            let text = self.string()?;
            return Ok(Expr::TypedLiteral(rs_type, text));
        }
        let call_follows = self.is_symbol_at(1, "(");
        match word {
            "NULL" => self.constant(Literal::Null),
            "TRUE" => self.constant(Literal::Boolean(true)),
            "FALSE" => self.constant(Literal::Boolean(false)),
            "CASE" => self.case(),
            "CAST" | "TRY_CAST" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let expr = Box::new(self.expr()?);
                self.expect_word("AS")?;
                let to = self.cast_type()?;
                self.expect_symbol(")")?;
                Ok(Expr::Cast { expr, to, or_null: word == "TRY_CAST" })
            }
            "CONVERT" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let to = self.cast_type()?;
                self.expect_symbol(",")?;
                let expr = Box::new(self.expr()?);
                self.expect_symbol(")")?;
                Ok(Expr::Cast { expr, to, or_null: false })
            }
            "EXISTS" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let query = self.query()?;
                self.expect_symbol(")")?;
                Ok(Expr::Exists(Box::new(query)))
            }
            "EXTRACT" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let part = match self.kind() {
                    Kind::Text(t) => {
                        let t = t.clone();
                        self.advance();
                        t
                    }
                    _ => self.label()?,
                };
                self.expect_word("FROM")?;
                let from = self.expr()?;
                self.expect_symbol(")")?;
                Ok(function("extract", vec![Expr::Literal(Literal::String(part)), from], position))
            }
            "POSITION" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let needle = *self.operand(RANGE + 1)?;
                self.expect_word("IN")?;
                let hay = self.expr()?;
                self.expect_symbol(")")?;
                Ok(function("strpos", vec![hay, needle], position))
            }
            "SUBSTRING" | "SUBSTR" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let mut args = vec![self.expr()?];
                if self.eat_word("FROM") {
                    args.push(self.expr()?);
                    if self.eat_word("FOR") {
                        args.push(self.expr()?);
                    }
                } else {
                    while self.eat_symbol(",") {
                        args.push(self.expr()?);
                    }
                }
                self.expect_symbol(")")?;
                Ok(function("substring", args, position))
            }
            "TRIM" if call_follows => self.trim(position),
            "INTERVAL" => {
                self.advance();
                let text = match self.kind() {
                    Kind::Number(n) => {
                        let n = n.clone();
                        self.advance();
                        n
                    }
                    _ => self.string()?,
                };
                let unit = self.interval_qualifier()?;
                Ok(Expr::Interval(text, unit))
            }
            // The scripts of aws-samples/amazon-redshift-rsql-orchestration-framework write CURRENT_TIMESTAMP(0).
            "CURRENT_TIMESTAMP" if call_follows => {
                self.advance();
                self.expect_symbol("(")?;
                let digits = self.unsigned()?;
                self.expect_symbol(")")?;
                Ok(function(
                    "current_timestamp",
                    vec![Expr::Literal(Literal::Number(digits.min(6).to_string()))],
                    position,
                ))
            }
            _ if words::is_current_value(word) && !call_follows && !self.is_shadowed(word) => {
                self.advance();
                Ok(function(&word.to_ascii_lowercase(), Vec::new(), position))
            }
            "LEFT" | "RIGHT" | "ISNULL" | "COLLATE" if call_follows => self.path_or_call(),
            "APPROXIMATE" if !call_follows && matches!(self.token_at(1).kind, Kind::Word(_)) => {
                self.advance();
                match self.path_or_call()? {
                    Expr::Call(mut call) => {
                        call.approximate = true;
                        Ok(Expr::Call(call))
                    }
                    _ => Err(self.unexpected()),
                }
            }
            // A number alone is a place in a SUPER column that is called ARRAY, as in the guide's examples.
            "ARRAY"
                if self.is_symbol_at(1, "[")
                    && !(matches!(self.token_at(2).kind, Kind::Number(_)) && self.is_symbol_at(3, "]")) =>
            {
                self.advance();
                self.expect_symbol("[")?;
                let items = if self.is_symbol("]") { Vec::new() } else { self.comma_list(Self::expr)? };
                self.expect_symbol("]")?;
                Ok(function(crate::ast::CATALOG_ARRAY, items, position))
            }
            "ROW" if call_follows => self.refuse(SqlError::not_in_stand_in("ROW(…)")),
            _ if self.is_reserved(word) && word != "OID" => Err(self.unexpected()),
            _ => self.path_or_call(),
        }
    }

    fn constant(&mut self, literal: Literal) -> Parsed<Expr> {
        self.advance();
        Ok(Expr::Literal(literal))
    }
}
