//! INSERT, UPDATE, DELETE and MERGE (Redshift Database Developer Guide, the pages of these commands).

use super::{Parsed, Parser};
use crate::ast::{Cte, Delete, Expr, Insert, MatchedAction, Merge, MergeAction, Query, QueryBody, TableRef, Update};
use crate::error::SqlError;
use crate::statement::Statement;

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> Parsed<Statement> {
        self.expect_words(&["INSERT", "INTO"])?;
        let table = self.object_name()?;
        let mut columns = Vec::new();
        if self.is_symbol("(") && !self.starts_query() {
            columns = self.name_list()?;
        }
        let position = self.position();
        let source = if self.eat_words(&["DEFAULT", "VALUES"]) {
            None
        } else if self.eat_word("VALUES") {
            let rows = self.comma_list(|p| {
                p.parenthesised(|p| if p.eat_word("DEFAULT") { Ok(None) } else { p.expr().map(Some) })
            })?;
            Some(Query {
                recursive: false,
                with: Vec::new(),
                body: QueryBody::Values(rows),
                order_by: Vec::new(),
                limit: None,
                offset: None,
                position,
            })
        } else if self.starts_query() {
            Some(self.query()?)
        } else {
            return Err(self.unexpected());
        };
        self.no_postgres_tail()?;
        Ok(Statement::Insert(Insert { table, columns, source }))
    }

    /// ON CONFLICT and RETURNING: PostgreSQL has them, Redshift has not.
    fn no_postgres_tail(&self) -> Parsed<()> {
        if self.is_words(&["ON", "CONFLICT"]) {
            return self.refuse(
                SqlError::unsupported("INSERT … ON CONFLICT is not supported by Redshift").with_hint("use MERGE"),
            );
        }
        if self.is_word("RETURNING") {
            return self.refuse(SqlError::unsupported("RETURNING is not supported by Redshift"));
        }
        Ok(())
    }

    pub(super) fn update(&mut self, with: Vec<Cte>) -> Parsed<Statement> {
        self.expect_word("UPDATE")?;
        let table = self.object_name()?;
        let (alias, columns) = self.table_alias()?;
        if !columns.is_empty() {
            return Err(self.unexpected());
        }
        self.expect_word("SET")?;
        let set = self.comma_list(|p| {
            if p.is_symbol("(") {
                return p.refuse(SqlError::unsupported(
                    "SET (columns) = … is not supported by Redshift",
                ));
            }
            let column = p.name()?;
            if p.is_symbol(".") || p.is_symbol("[") {
                return p.refuse(SqlError::syntax(format!(
                    "syntax error at or near \".\": the column {column} in SET takes no qualifier, and parts of SUPER columns cannot be set"
                )));
            }
            p.expect_symbol("=")?;
            let value = if p.eat_word("DEFAULT") {
                None
            } else {
                Some(p.expr()?)
            };
            Ok((column, value))
        })?;
        let from = if self.eat_word("FROM") { self.comma_list(Self::source_item)? } else { Vec::new() };
        let selection = self.optional_where()?;
        Ok(Statement::Update(Update { with, table, alias, set, from, selection }))
    }

    fn optional_where(&mut self) -> Parsed<Option<Expr>> {
        let selection = if self.eat_word("WHERE") {
            if self.is_words(&["CURRENT", "OF"]) {
                return self.refuse(SqlError::unsupported(
                    "WHERE CURRENT OF is not supported by Redshift: cursors are not updatable",
                ));
            }
            Some(self.expr()?)
        } else {
            None
        };
        self.no_postgres_tail()?;
        Ok(selection)
    }

    pub(super) fn delete(&mut self, with: Vec<Cte>) -> Parsed<Statement> {
        self.expect_word("DELETE")?;
        // FROM is optional (DELETE, syntax).
        self.eat_word("FROM");
        let table = self.object_name()?;
        let (alias, _) = self.table_alias()?;
        let using = if self.eat_word("USING") { self.comma_list(Self::source_item)? } else { Vec::new() };
        let selection = self.optional_where()?;
        Ok(Statement::Delete(Delete { with, table, alias, using, selection }))
    }

    pub(super) fn merge(&mut self) -> Parsed<Statement> {
        self.expect_words(&["MERGE", "INTO"])?;
        let target = self.object_name()?;
        if !self.is_word("USING") {
            // MERGE, syntax: the target takes no alias.
            return Err(self.unexpected());
        }
        self.expect_word("USING")?;
        let source = self.merge_source()?;
        self.expect_word("ON")?;
        let on = self.expr()?;
        let action = if self.eat_words(&["REMOVE", "DUPLICATES"]) {
            MergeAction::RemoveDuplicates
        } else {
            self.merge_clauses()?
        };
        if self.is_word("WHEN") {
            return self.refuse(SqlError::syntax(
                "syntax error at or near \"WHEN\": MERGE takes exactly one WHEN MATCHED and one WHEN NOT MATCHED clause",
            ));
        }
        Ok(Statement::Merge(Merge { target, source, on, action }))
    }

    fn merge_source(&mut self) -> Parsed<TableRef> {
        if self.eat_symbol("(") {
            if self.is_word("WITH") {
                return self.refuse(SqlError::syntax("the WITH clause is not supported in a MERGE statement"));
            }
            let query = Box::new(self.query()?);
            self.expect_symbol(")")?;
            let (alias, columns) = self.table_alias()?;
            return Ok(TableRef::Query { query, alias, columns });
        }
        let name = self.object_name()?;
        let (alias, columns) = self.table_alias()?;
        let step = |n: String| crate::ast::Step::Name(crate::ast::Ident { attribute: n.clone(), name: n, position: 0 });
        let path = [name.database, name.schema, Some(name.name)].into_iter().flatten().map(step).collect();
        Ok(TableRef::Named { path, alias, columns, at: None })
    }

    /// Exactly one clause of each kind. Their order in the guide is MATCHED first; the other order is refused.
    fn merge_clauses(&mut self) -> Parsed<MergeAction> {
        let single = || SqlError::unsupported("MERGE statement with a single WHEN clause is not enabled.");
        self.expect_word("WHEN")?;
        if self.is_word("NOT") {
            return self.refuse(single());
        }
        self.expect_word("MATCHED")?;
        // No AND condition: whatever is not THEN is a syntax error.
        self.expect_word("THEN")?;
        let matched = if self.eat_word("DELETE") {
            MatchedAction::Delete
        } else {
            self.expect_words(&["UPDATE", "SET"])?;
            MatchedAction::Update(self.comma_list(|p| {
                let column = p.name()?;
                // "Don't include the table name when specifying the target column."
                p.expect_symbol("=")?;
                Ok((column, p.expr()?))
            })?)
        };
        if !self.is_word("WHEN") {
            return self.refuse(single());
        }
        self.expect_word("WHEN")?;
        if self.is_word("MATCHED") {
            return self.refuse(SqlError::syntax(
                "syntax error at or near \"MATCHED\": MERGE takes exactly one WHEN MATCHED and one WHEN NOT MATCHED clause",
            ));
        }
        self.expect_words(&["NOT", "MATCHED", "THEN", "INSERT"])?;
        let insert_columns = if self.is_symbol("(") { self.name_list()? } else { Vec::new() };
        self.expect_word("VALUES")?;
        let insert_values = self.parenthesised(Self::expr)?;
        Ok(MergeAction::When { matched, insert_columns, insert_values })
    }
}
