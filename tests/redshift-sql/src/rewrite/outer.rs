//! `column(+)` (Redshift Database Developer Guide, "Oracle-Style outer joins in the WHERE clause").
//!
//! The conditions with marked columns become the ON clauses of LEFT JOINs; the others stay in WHERE. Marks elsewhere are ignored.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Rewriter;
use super::scope::Scope;
use crate::ast::{BinaryOp, Expr, Step, TableRef};
use crate::error::SqlError;

pub(super) fn is_marked(expr: &Expr) -> bool {
    expr.any(&|e| matches!(e, Expr::OuterMark(_)))
}

/// The conditions that AND connects.
fn conjuncts<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Binary(BinaryOp::And, left, right) => {
            conjuncts(left, out);
            conjuncts(right, out);
        }
        other => out.push(other),
    }
}

/// A FROM item, and what it is outer-joined by.
struct Table<'e> {
    sql: String,
    items: Range<usize>,
    conditions: Vec<&'e Expr>,
    /// The one table that the conditions compare with.
    partner: Option<usize>,
}

/// The tables whose columns an expression names, with and without the mark.
fn owners(expr: &Expr, marked: bool, tables: &[Table<'_>], scope: &Scope<'_>, out: &mut [BTreeSet<usize>; 2]) {
    match expr {
        Expr::Path(steps) => {
            if let Some(item) = owner(steps, scope)
                && let Some(table) = tables.iter().position(|t| t.items.contains(&item))
            {
                out[usize::from(marked)].insert(table);
            }
        }
        Expr::OuterMark(inner) => owners(inner, true, tables, scope, out),
        other => other.children().into_iter().for_each(|e| owners(e, marked, tables, scope, out)),
    }
}

/// The scope item that a path starts with.
fn owner(steps: &[Step], scope: &Scope<'_>) -> Option<usize> {
    let name = |n: usize| match steps.get(n) {
        Some(Step::Name(ident)) => Some(ident.name.as_str()),
        _ => None,
    };
    let first = name(0)?;
    if let Some(second) = name(1) {
        let by_alias = scope.items.iter().position(|i| i.alias == first);
        let by_schema = || scope.items.iter().position(|i| i.alias == second && i.schema.as_deref() == Some(first));
        if let Some(found) = by_alias.or_else(by_schema) {
            return Some(found);
        }
    }
    scope.items.iter().position(|i| i.columns.iter().any(|c| c.name == first))
}

impl Rewriter<'_> {
    /// The FROM clause with the outer joins that WHERE asks for, and the rest of WHERE.
    pub(super) fn outer_joins(
        &mut self,
        from: &[TableRef],
        selection: &Expr,
        scope: &mut Scope<'_>,
    ) -> Result<(String, Option<Expr>), SqlError> {
        if from.iter().any(|t| matches!(t, TableRef::Join { .. })) {
            return Err(SqlError::unsupported(
                "Outer join operator (+) is not allowed in a query block with FROM clause join syntax.",
            ));
        }
        let mut tables = Vec::new();
        for item in from {
            let start = scope.items.len();
            let sql = self.table(item, scope)?;
            let items = start..scope.items.len();
            tables.push(Table { sql, items, conditions: Vec::new(), partner: None });
        }
        let mut all = Vec::new();
        conjuncts(selection, &mut all);
        let mut rest: Vec<&Expr> = Vec::new();
        for condition in all {
            if !is_marked(condition) {
                rest.push(condition);
                continue;
            }
            let apart =
                |e: &Expr| matches!(e, Expr::Binary(BinaryOp::Or, ..) | Expr::InList { .. } | Expr::InQuery { .. });
            if condition.any(&|e| apart(e) && is_marked(e)) {
                return Err(SqlError::unsupported("Outer join operator (+) not allowed in operand of OR or IN."));
            }
            let mut found = [BTreeSet::new(), BTreeSet::new()];
            owners(condition, false, &tables, scope, &mut found);
            let [others, marked] = found;
            let (Some(&table), 1) = (marked.first(), marked.len()) else {
                return Err(SqlError::unsupported(
                    "a condition may have the outer join operator (+) on one table only.",
                ));
            };
            let mut partners = others.into_iter().filter(|n| *n != table);
            let partner = partners.next();
            let known = tables[table].partner;
            if partners.next().is_some() || (partner.is_some() && known.is_some() && partner != known) {
                return Err(SqlError::unsupported("A table may be outer joined to at most one other table."));
            }
            tables[table].partner = known.or(partner);
            tables[table].conditions.push(condition);
        }
        for table in &mut tables {
            if table.partner.is_none() {
                rest.append(&mut table.conditions);
            }
        }
        let mut placed: Vec<usize> = (0..tables.len()).filter(|n| tables[*n].conditions.is_empty()).collect();
        let plain: Vec<&str> = placed.iter().map(|n| tables[*n].sql.as_str()).collect();
        let mut sql = plain.join(" CROSS JOIN ");
        while placed.len() < tables.len() {
            let next = (0..tables.len())
                .find(|n| !placed.contains(n) && tables[*n].partner.is_some_and(|p| placed.contains(&p)));
            let Some(next) = next else {
                return Err(SqlError::unsupported("two tables cannot be outer-joined to each other with (+)."));
            };
            let mut tests = Vec::new();
            for condition in &tables[next].conditions {
                let value = self.expr(condition, scope)?;
                tests.push(self.condition(&value)?);
            }
            sql = format!("({sql} LEFT JOIN {} ON {})", tables[next].sql, tests.join(" AND "));
            placed.push(next);
        }
        let both = |a: Expr, b: Expr| Expr::Binary(BinaryOp::And, Box::new(a), Box::new(b));
        Ok((format!(" FROM {sql}"), rest.into_iter().cloned().reduce(both)))
    }
}
