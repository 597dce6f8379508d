//! Queries (Redshift Database Developer Guide, "SELECT").

use super::{Parsed, Parser};
use crate::ast::{
    ConnectBy, Cte, Expr, GroupItem, ObjectName, Query, QueryBody, Select, SelectInto, SelectItem, SetOp,
};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{CreateTableAs, Statement};

/// The SELECT whose INTO makes a table: the first of a set operation.
fn first_select(body: &mut QueryBody) -> Option<&mut Select> {
    match body {
        QueryBody::Select(select) => Some(select),
        QueryBody::Set(_, left, _) => first_select(left),
        _ => None,
    }
}

impl Parser<'_> {
    /// `WITH … SELECT`, or `WITH … UPDATE / DELETE` (Redshift allows WITH there).
    pub(super) fn query_or_change(&mut self) -> Parsed<Statement> {
        let start = self.at;
        if self.is_word("WITH") {
            let (recursive, with) = self.with()?;
            match self.keyword().as_deref() {
                Some("UPDATE") if !recursive => return self.update(with),
                Some("DELETE") if !recursive => return self.delete(with),
                Some("MERGE") => {
                    return self.refuse(SqlError::syntax("the WITH clause is not supported in a MERGE statement"));
                }
                Some("INSERT") => return Err(self.unexpected()),
                _ => self.at = start,
            }
        }
        let mut query = self.query()?;
        match first_select(&mut query.body).and_then(|select| select.into.take()) {
            Some(SelectInto { table, temporary }) => Ok(Statement::CreateTableAs(CreateTableAs {
                temporary: temporary || table.name.starts_with('#'),
                ..CreateTableAs::select_into(table, query)
            })),
            None => Ok(Statement::Query(query)),
        }
    }

    fn with(&mut self) -> Parsed<(bool, Vec<Cte>)> {
        if !self.eat_word("WITH") {
            return Ok((false, Vec::new()));
        }
        let recursive = self.eat_word("RECURSIVE");
        let list = self.comma_list(|p| {
            let name = p.name()?;
            let columns = if p.is_symbol("(") { p.name_list()? } else { Vec::new() };
            p.expect_word("AS")?;
            if p.is_word("MATERIALIZED") || p.is_word("NOT") {
                return Err(p.unexpected());
            }
            p.expect_symbol("(")?;
            if !p.starts_query() {
                return p.refuse(SqlError::syntax("a WITH query of Redshift must be a SELECT"));
            }
            let query = p.query()?;
            p.expect_symbol(")")?;
            Ok(Cte { name, columns, query })
        })?;
        Ok((recursive, list))
    }

    pub(super) fn query(&mut self) -> Parsed<Query> {
        self.deeper(Self::query_inner)
    }

    fn query_inner(&mut self) -> Parsed<Query> {
        let position = self.position();
        let (recursive, with) = self.with()?;
        let body = self.set_operation()?;
        let mut query = Query { recursive, with, body, order_by: Vec::new(), limit: None, offset: None, position };
        if self.eat_words(&["ORDER", "BY"]) {
            query.order_by = self.comma_list(Self::order_item)?;
        }
        loop {
            if query.limit.is_none() && self.eat_word("LIMIT") {
                query.limit = if self.eat_word("ALL") { None } else { Some(self.expr()?) };
            } else if query.offset.is_none() && self.eat_word("OFFSET") {
                query.offset = Some(self.expr()?);
            } else {
                break;
            }
        }
        if self.is_word("FETCH") && (self.is_word_at(1, "FIRST") || self.is_word_at(1, "NEXT")) {
            return self.refuse(SqlError::unsupported("FETCH FIRST is not supported by Redshift: use LIMIT or TOP"));
        }
        if self.is_word("FOR") && (self.is_word_at(1, "UPDATE") || self.is_word_at(1, "SHARE")) {
            return self.refuse(SqlError::unsupported("SELECT FOR UPDATE/SHARE is not supported by Redshift"));
        }
        Ok(query)
    }

    fn set_operation(&mut self) -> Parsed<QueryBody> {
        let mut left = self.intersection()?;
        loop {
            let op = if self.eat_word("UNION") {
                if self.eat_word("ALL") {
                    SetOp::UnionAll
                } else {
                    self.eat_word("DISTINCT");
                    SetOp::Union
                }
            } else if self.is_word("EXCEPT") || self.is_word("MINUS") {
                self.advance();
                self.no_all()?;
                SetOp::Except
            } else {
                return Ok(left);
            };
            let right = self.intersection()?;
            left = QueryBody::Set(op, Box::new(left), Box::new(right));
        }
    }

    fn no_all(&mut self) -> Parsed<()> {
        if self.is_word("ALL") {
            return self.refuse(SqlError::unsupported(
                "EXCEPT ALL, MINUS ALL and INTERSECT ALL are not supported by Redshift",
            ));
        }
        self.eat_word("DISTINCT");
        Ok(())
    }

    fn intersection(&mut self) -> Parsed<QueryBody> {
        let mut left = self.query_primary()?;
        while self.eat_word("INTERSECT") {
            self.no_all()?;
            let right = self.query_primary()?;
            left = QueryBody::Set(SetOp::Intersect, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn query_primary(&mut self) -> Parsed<QueryBody> {
        if self.eat_symbol("(") {
            let query = self.query()?;
            self.expect_symbol(")")?;
            return Ok(QueryBody::Nested(Box::new(query)));
        }
        if self.is_word("VALUES") {
            return self
                .refuse(SqlError::unsupported("VALUES lists used as constant tables are not supported by Redshift"));
        }
        self.deeper(Self::select).map(|s| QueryBody::Select(Box::new(s)))
    }

    fn select(&mut self) -> Parsed<Select> {
        self.expect_word("SELECT")?;
        let mut select = Select::default();
        self.select_into(&mut select)?;
        if self.is_word("TOP") && matches!(self.token_at(1).kind, Kind::Number(_)) {
            self.advance();
            select.top = Some(self.unsigned()?);
        }
        if self.eat_word("DISTINCT") {
            if self.is_word("ON") && self.is_symbol_at(1, "(") {
                return self.refuse(SqlError::unsupported("SELECT DISTINCT ON is not supported by Redshift"));
            }
            select.distinct = true;
        } else {
            self.eat_word("ALL");
        }
        if select.top.is_none() && self.is_word("TOP") && matches!(self.token_at(1).kind, Kind::Number(_)) {
            self.advance();
            select.top = Some(self.unsigned()?);
        }
        select.items = self.comma_list(Self::select_item)?;
        self.exclude_behind(&mut select.items)?;
        self.select_into(&mut select)?;
        if self.eat_word("FROM") {
            select.from = self.comma_list(Self::source_item)?;
        }
        self.select_into(&mut select)?;
        if self.eat_word("WHERE") {
            select.selection = Some(self.expr()?);
        }
        select.connect_by = self.connect_by()?;
        if self.eat_words(&["GROUP", "BY"]) {
            select.group_by =
                if self.eat_word("ALL") { vec![GroupItem::All] } else { self.comma_list(Self::group_item)? };
        }
        if self.eat_word("HAVING") {
            select.having = Some(self.expr()?);
        }
        if self.is_word("WINDOW") {
            return self.refuse(SqlError::unsupported("the WINDOW clause is not supported by Redshift"));
        }
        if self.eat_word("QUALIFY") {
            select.qualify = Some(self.expr()?);
        }
        self.select_into(&mut select)?;
        Ok(select)
    }

    /// "CONNECT BY clause": the two parts come in either order.
    fn connect_by(&mut self) -> Parsed<Option<ConnectBy>> {
        let mut start = None;
        if self.eat_words(&["START", "WITH"]) {
            start = Some(self.expr()?);
            if !self.is_words(&["CONNECT", "BY"]) {
                return Err(self.unexpected());
            }
        }
        if !self.eat_words(&["CONNECT", "BY"]) {
            return Ok(None);
        }
        let outer = std::mem::replace(&mut self.hierarchical, true);
        let condition = self.expr();
        self.hierarchical = outer;
        let condition = condition?;
        if start.is_none() && self.eat_words(&["START", "WITH"]) {
            start = Some(self.expr()?);
        }
        Ok(Some(ConnectBy { start, condition }))
    }

    fn select_into(&mut self, select: &mut Select) -> Parsed<()> {
        if !self.is_word("INTO") {
            return Ok(());
        }
        if select.into.is_some() || (self.procedural && self.into.is_some()) {
            return Err(self.unexpected());
        }
        self.advance();
        let temporary = (self.is_word("TEMP") || self.is_word("TEMPORARY")) && self.names_temporary();
        if self.procedural && !temporary && !self.is_word("TABLE") && !self.is_temporary_name() {
            if self.is_word("STRICT") {
                return self.refuse(SqlError::unsupported("SELECT INTO STRICT is not supported by Redshift"));
            }
            self.into = Some(self.comma_list(Self::target)?);
            return Ok(());
        }
        if temporary {
            self.advance();
        }
        self.eat_word("TABLE");
        let table = self.object_name()?;
        select.into = Some(SelectInto { table, temporary });
        Ok(())
    }

    /// TEMP behind INTO is the keyword: a name follows, and a procedure has no variable of that name.
    fn names_temporary(&self) -> bool {
        !self.variables.iter().any(|name| self.is_word(name))
            && matches!(self.token_at(1).kind, Kind::Word(_) | Kind::Quoted(_))
            && !self.is_word_at(1, "FROM")
    }

    fn is_temporary_name(&self) -> bool {
        matches!(self.kind(), Kind::Word(word) | Kind::Quoted(word) if word.starts_with('#'))
    }

    fn group_item(&mut self) -> Parsed<GroupItem> {
        let keyword = if self.eat_words(&["GROUPING", "SETS"]) {
            "GROUPING SETS"
        } else if self.is_word("ROLLUP") && self.is_symbol_at(1, "(") {
            self.advance();
            "ROLLUP"
        } else if self.is_word("CUBE") && self.is_symbol_at(1, "(") {
            self.advance();
            "CUBE"
        } else {
            return self.expr().map(GroupItem::Expr);
        };
        let sets = self.parenthesised(|p| {
            if p.is_symbol("(") && p.is_symbol_at(1, ")") {
                p.advance();
                p.advance();
                return Ok(Vec::new());
            }
            Ok(match p.expr()? {
                Expr::Tuple(list) => list,
                one => vec![one],
            })
        })?;
        Ok(GroupItem::Sets(keyword, sets))
    }

    fn select_item(&mut self) -> Parsed<SelectItem> {
        if self.eat_symbol("*") {
            let exclude = self.exclude()?;
            return Ok(SelectItem::Star { qualifier: None, exclude });
        }
        if let Some(qualifier) = self.qualified_star()? {
            let exclude = self.exclude()?;
            return Ok(SelectItem::Star { qualifier: Some(qualifier), exclude });
        }
        let expr = self.expr()?;
        let alias = if self.eat_word("AS") {
            Some(self.label()?)
        } else if self.is_name() && !self.ends_item() {
            Some(self.name()?)
        } else {
            None
        };
        Ok(SelectItem::Expr(expr, alias))
    }

    /// Words that are not reserved but cannot be an alias without AS here.
    pub(super) fn ends_item(&self) -> bool {
        (self.procedural && (self.is_word("LOOP") || self.is_word("THEN")))
            || self.is_words(&["START", "WITH"])
            || self.is_words(&["CONNECT", "BY"])
            || self.is_word("WINDOW")
            || self.is_word("RETURNING")
            || (self.is_word("EXCLUDE")
                && match &self.token_at(1).kind {
                    Kind::Word(word) => !super::words::is_reserved(word),
                    other => matches!(other, Kind::Quoted(_) | Kind::Symbol("(")),
                })
            || self.is_words(&["FETCH", "FIRST"])
            || self.is_words(&["FETCH", "NEXT"])
    }

    fn exclude(&mut self) -> Parsed<Vec<String>> {
        if !self.eat_word("EXCLUDE") {
            return Ok(Vec::new());
        }
        if self.is_symbol("(") {
            return self.name_list();
        }
        // "GROUP BY clause" shows a list without parentheses: it ends before an entry that is more than a name.
        let mut names = vec![self.name()?];
        while self.is_symbol(",")
            && matches!(self.token_at(1).kind, Kind::Word(_) | Kind::Quoted(_))
            && (self.is_symbol_at(2, ",") || self.is_word_at(2, "FROM"))
        {
            self.advance();
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// EXCLUDE behind the whole list ("EXCLUDE column_list"): entries of that name go, and columns of the star.
    fn exclude_behind(&mut self, items: &mut Vec<SelectItem>) -> Parsed<()> {
        let place = (self.position(), self.line());
        for name in self.exclude()? {
            let named = |item: &SelectItem| matches!(item, SelectItem::Expr(_, Some(alias)) if *alias == name);
            let before = items.len();
            items.retain(|item| !named(item));
            if items.len() < before {
                continue;
            }
            let star = items.iter_mut().find_map(|item| match item {
                SelectItem::Star { exclude, .. } => Some(exclude),
                SelectItem::Expr(..) => None,
            });
            let missing = || SqlError::new("42703", format!("column \"{name}\" in EXCLUDE does not exist"));
            star.ok_or_else(|| missing().at(place.0, place.1))?.push(name.clone());
        }
        Ok(())
    }

    fn qualified_star(&mut self) -> Parsed<Option<ObjectName>> {
        let word = |k: &Kind| matches!(k, Kind::Word(_) | Kind::Quoted(_));
        let mut ahead = 0;
        while word(&self.token_at(ahead).kind) && self.is_symbol_at(ahead + 1, ".") {
            ahead += 2;
            if self.is_symbol_at(ahead, "*") {
                let mut names = Vec::new();
                for _ in 0..ahead / 2 {
                    names.push(self.name()?);
                    self.expect_symbol(".")?;
                }
                self.expect_symbol("*")?;
                let name = names.pop().expect("at least one name");
                let schema = names.pop();
                return Ok(Some(ObjectName { database: None, schema, name }));
            }
        }
        Ok(None)
    }
}
