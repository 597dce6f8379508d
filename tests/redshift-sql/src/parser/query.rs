//! Queries (Redshift Database Developer Guide, "SELECT").

use super::{Parsed, Parser};
use crate::ast::{
    Cte, Expr, GroupItem, JoinCondition, JoinKind, ObjectName, Pivot, Query, QueryBody, Select, SelectInto, SelectItem,
    SetOp, Step, TableRef, UnpivotColumns,
};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{CreateTableAs, Statement, TableAttributes};

/// Functions of the leader node that may stand in FROM.
const CATALOG_FUNCTIONS: &[&str] = &["pg_get_cols", "pg_get_late_binding_view_cols"];

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
        if !self.procedural
            && let QueryBody::Select(select) = &mut query.body
            && let Some(SelectInto { table, temporary }) = select.into.take()
        {
            let temporary = temporary || table.name.starts_with('#');
            return Ok(Statement::CreateTableAs(CreateTableAs {
                name: table,
                temporary,
                columns: Vec::new(),
                attributes: TableAttributes::default(),
                query,
            }));
        }
        Ok(Statement::Query(query))
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
        self.select_into(&mut select)?;
        if self.eat_word("FROM") {
            select.from = self.comma_list(Self::source_item)?;
        }
        self.select_into(&mut select)?;
        if self.eat_word("WHERE") {
            select.selection = Some(self.expr()?);
        }
        if self.is_words(&["START", "WITH"]) || self.is_words(&["CONNECT", "BY"]) {
            return self.refuse(SqlError::not_in_stand_in("CONNECT BY"));
        }
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

    fn select_into(&mut self, select: &mut Select) -> Parsed<()> {
        if !self.is_word("INTO") {
            return Ok(());
        }
        if select.into.is_some() || (self.procedural && self.into.is_some()) {
            return Err(self.unexpected());
        }
        self.advance();
        if self.procedural {
            if self.is_word("STRICT") {
                return self.refuse(SqlError::unsupported("SELECT INTO STRICT is not supported by Redshift"));
            }
            self.into = Some(self.comma_list(Self::target)?);
            return Ok(());
        }
        let temporary = self.eat_word("TEMP") || self.eat_word("TEMPORARY");
        self.eat_word("TABLE");
        let table = self.object_name()?;
        select.into = Some(SelectInto { table, temporary });
        Ok(())
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
    fn ends_item(&self) -> bool {
        (self.procedural && (self.is_word("LOOP") || self.is_word("THEN")))
            || self.is_words(&["START", "WITH"])
            || self.is_words(&["CONNECT", "BY"])
            || self.is_word("WINDOW")
            || self.is_word("RETURNING")
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

    pub(super) fn source_item(&mut self) -> Parsed<TableRef> {
        let mut left = self.table_primary()?;
        loop {
            let natural = self.eat_word("NATURAL");
            let kind = if self.eat_words(&["CROSS", "JOIN"]) {
                JoinKind::Cross
            } else if self.eat_word("JOIN") || self.eat_words(&["INNER", "JOIN"]) {
                JoinKind::Inner
            } else if self.is_word("LEFT") || self.is_word("RIGHT") || self.is_word("FULL") {
                let kind = match self.keyword().as_deref() {
                    Some("LEFT") => JoinKind::Left,
                    Some("RIGHT") => JoinKind::Right,
                    _ => JoinKind::Full,
                };
                self.advance();
                self.eat_word("OUTER");
                self.expect_word("JOIN")?;
                kind
            } else if natural {
                return Err(self.unexpected());
            } else {
                return Ok(left);
            };
            let right = self.table_primary()?;
            let condition = if natural {
                JoinCondition::Natural
            } else if kind == JoinKind::Cross {
                JoinCondition::None
            } else if self.eat_word("ON") {
                JoinCondition::On(self.expr()?)
            } else {
                self.expect_word("USING")?;
                JoinCondition::Using(self.name_list()?)
            };
            left = TableRef::Join { left: Box::new(left), right: Box::new(right), kind, condition };
        }
    }

    /// `[AS] alias [(columns)]`
    pub(super) fn table_alias(&mut self) -> Parsed<(Option<String>, Vec<String>)> {
        let alias = if self.eat_word("AS") {
            Some(self.label()?)
        } else if self.is_name()
            && !self.ends_item()
            && !self.is_word("SET")
            && (!self.is_word("AT") || self.is_symbol_at(1, ","))
            && !self.is_words(&["REMOVE", "DUPLICATES"])
        {
            Some(self.name()?)
        } else {
            None
        };
        let columns = if alias.is_some() && self.is_symbol("(") { self.name_list()? } else { Vec::new() };
        Ok((alias, columns))
    }

    fn table_primary(&mut self) -> Parsed<TableRef> {
        if self.is_word("LATERAL") {
            return self.refuse(SqlError::unsupported("LATERAL is not supported by Redshift"));
        }
        if self.eat_symbol("(") {
            if self.starts_query() && self.is_query_in_parentheses() {
                let query = Box::new(self.query()?);
                self.expect_symbol(")")?;
                let (alias, columns) = self.table_alias()?;
                return self.table_suffix(TableRef::Query { query, alias, columns });
            }
            let inner = self.deeper(Self::source_item)?;
            self.expect_symbol(")")?;
            if (self.is_word("PIVOT") || self.is_word("UNPIVOT")) && matches!(inner, TableRef::Join { .. }) {
                return self.refuse(SqlError::unsupported("PIVOT and UNPIVOT cannot be applied to a join"));
            }
            return Ok(inner);
        }
        if self.is_word("UNPIVOT") {
            self.advance();
            let expr = self.expr()?;
            self.expect_word("AS")?;
            let value = self.label()?;
            let attribute = if self.eat_word("AT") { Some(self.label()?) } else { None };
            return Ok(TableRef::Unpivot { expr, value, attribute });
        }
        if self.is_word("UNNEST") && self.is_symbol_at(1, "(") {
            self.advance();
            let mut inner = self.parenthesised(Self::expr)?;
            let Some(Expr::Path(path)) = (inner.len() == 1).then(|| inner.remove(0)) else {
                return self.refuse(SqlError::not_in_stand_in("UNNEST of anything but a SUPER path"));
            };
            let (alias, columns) = self.table_alias()?;
            if !columns.is_empty() {
                return self.refuse(SqlError::not_in_stand_in("UNNEST with column aliases"));
            }
            let at = self.at_alias()?;
            return Ok(TableRef::Named { path, alias, columns, at });
        }
        if self.is_word("VALUES") && self.is_symbol_at(1, "(") {
            return self
                .refuse(SqlError::unsupported("VALUES lists used as constant tables are not supported by Redshift"));
        }
        let first = self.ident_token(false)?;
        let mut path = vec![Step::Name(first)];
        path.extend(self.steps()?);
        if self.is_symbol("(") {
            return self.series(&path);
        }
        let (alias, columns) = self.table_alias()?;
        let at = self.at_alias()?;
        self.table_suffix(TableRef::Named { path, alias, columns, at })
    }

    fn at_alias(&mut self) -> Parsed<Option<String>> {
        if self.eat_word("AT") { self.label().map(Some) } else { Ok(None) }
    }

    /// `generate_series(…)`: a set of rows that the leader node makes.
    fn series(&mut self, path: &[Step]) -> Parsed<TableRef> {
        let position = self.position();
        match path {
            [Step::Name(ident)] if ident.name == "generate_series" => {}
            [Step::Name(ident)] if CATALOG_FUNCTIONS.contains(&ident.name.as_str()) => {
                return self.catalog_function(&ident.name);
            }
            [Step::Name(schema), Step::Name(ident)]
                if schema.name == "pg_catalog" && CATALOG_FUNCTIONS.contains(&ident.name.as_str()) =>
            {
                return self.catalog_function(&ident.name);
            }
            // The leader node's rows of one: FROM current_database().
            [Step::Name(ident)] if matches!(ident.name.as_str(), "current_database" | "current_schema") => {
                let (name, text) = (ident.name.clone(), format!("SELECT {0}() AS {0}", ident.name));
                self.expect_symbol("(")?;
                self.expect_symbol(")")?;
                let query = Box::new(Parser::new(&text, self.settings)?.query()?);
                let (alias, columns) = self.table_alias()?;
                return Ok(TableRef::Query { query, alias: alias.or(Some(name)), columns });
            }
            _ => {
                return self.refuse(SqlError::unsupported("a function call in FROM is not supported by Redshift"));
            }
        }
        let Expr::Call(call) = self.call(ObjectName::bare("generate_series"), position)? else {
            return Err(self.unexpected());
        };
        let (alias, columns) = self.table_alias()?;
        Ok(TableRef::Series { call, alias, columns })
    }

    /// `pg_get_cols('view') alias(column type, …)` ("PG_GET_COLS", "PG_GET_LATE_BINDING_VIEW_COLS"): the rows of the system
    /// relation of that name, whose columns are named by the list. The list's types are those that the pages name.
    fn catalog_function(&mut self, name: &str) -> Parsed<TableRef> {
        self.expect_symbol("(")?;
        let relation = if self.is_symbol(")") { None } else { Some(self.string()?) };
        self.expect_symbol(")")?;
        let mut text = format!("SELECT * FROM pg_catalog.{name}");
        if let Some(relation) = relation {
            let (schema, relation) = relation.split_once('.').map_or((None, relation.as_str()), |(s, r)| (Some(s), r));
            text.push_str(&format!(" WHERE view_name = {}", crate::quote_literal(relation)));
            if let Some(schema) = schema {
                text.push_str(&format!(" AND view_schema = {}", crate::quote_literal(schema)));
            }
        }
        let query = Box::new(Parser::new(&text, self.settings)?.query()?);
        self.eat_word("AS");
        let alias = if self.is_name() && !self.ends_item() { self.name()? } else { name.to_owned() };
        let mut columns = Vec::new();
        if self.eat_symbol("(") {
            loop {
                columns.push(self.label()?);
                let mut depth = 0;
                while depth > 0 || !(self.is_symbol(",") || self.is_symbol(")")) {
                    if self.at_end() {
                        return Err(self.unexpected());
                    }
                    depth += i32::from(self.is_symbol("(")) - i32::from(self.is_symbol(")"));
                    self.advance();
                }
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        Ok(TableRef::Query { query, alias: Some(alias), columns })
    }

    /// `[AS] alias` behind an entry of an IN list.
    fn entry_alias(&mut self) -> Parsed<Option<String>> {
        if self.eat_word("AS") || self.is_name() { self.label().map(Some) } else { Ok(None) }
    }

    /// "FROM clause", PIVOT.
    fn pivot(&mut self, source: TableRef) -> Parsed<TableRef> {
        self.expect_word("PIVOT")?;
        self.expect_symbol("(")?;
        let Expr::Call(aggregate) = self.expr()? else {
            return self.refuse(SqlError::syntax("PIVOT takes one aggregate: COUNT, SUM, MIN, MAX or AVG"));
        };
        let aggregate_alias = self.entry_alias()?;
        self.expect_word("FOR")?;
        let column = self.ident_token(false)?;
        self.expect_word("IN")?;
        let values = self.parenthesised(|p| Ok((p.expr()?, p.entry_alias()?)))?;
        self.expect_symbol(")")?;
        let (alias, _) = self.table_alias()?;
        Ok(TableRef::Pivot(Box::new(Pivot { source, aggregate: *aggregate, aggregate_alias, column, values, alias })))
    }

    /// "FROM clause", UNPIVOT.
    fn unpivot(&mut self, source: TableRef) -> Parsed<TableRef> {
        self.expect_word("UNPIVOT")?;
        let include_nulls = self.eat_words(&["INCLUDE", "NULLS"]);
        if !include_nulls {
            self.eat_words(&["EXCLUDE", "NULLS"]);
        }
        self.expect_symbol("(")?;
        let value = self.name()?;
        self.expect_word("FOR")?;
        let name = self.name()?;
        self.expect_word("IN")?;
        let columns = self.parenthesised(|p| Ok((p.ident_token(false)?, p.entry_alias()?)))?;
        self.expect_symbol(")")?;
        let (alias, _) = self.table_alias()?;
        Ok(TableRef::UnpivotColumns(Box::new(UnpivotColumns { source, include_nulls, value, name, columns, alias })))
    }

    fn table_suffix(&mut self, table: TableRef) -> Parsed<TableRef> {
        match self.keyword().as_deref() {
            Some("PIVOT") if self.is_symbol_at(1, "(") => self.pivot(table),
            Some("UNPIVOT") if self.is_symbol_at(1, "(") || self.is_word_at(2, "NULLS") => self.unpivot(table),
            Some("TABLESAMPLE") => self.refuse(SqlError::unsupported("TABLESAMPLE is not supported by Redshift")),
            _ => Ok(table),
        }
    }
}
