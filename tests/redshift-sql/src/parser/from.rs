//! FROM items (Redshift Database Developer Guide, "FROM clause").

use super::{Parsed, Parser};
use crate::ast::{Expr, JoinCondition, JoinKind, ObjectName, Pivot, Step, TableRef, UnpivotColumns};
use crate::error::SqlError;

/// Functions of the leader node that may stand in FROM.
const CATALOG_FUNCTIONS: &[&str] = &["pg_get_cols", "pg_get_late_binding_view_cols"];

impl Parser<'_> {
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
                let query = Box::new(Parser::new(&text, &self.settings)?.query()?);
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
        let query = Box::new(Parser::new(&text, &self.settings)?.query()?);
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
