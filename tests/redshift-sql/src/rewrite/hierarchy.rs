//! CONNECT BY (Redshift Database Developer Guide, "CONNECT BY clause").
//!
//! The FROM clause becomes a recursive query: its rows that START WITH names, then level by level the rows whose condition holds
//! with a row of the level above. WHERE comes after. As in Redshift nothing stops a circle.

use super::scope::{Item, Scope, ScopeColumn};
use super::{Rewriter, Typed};
use crate::ast::{ConnectBy, Expr};
use crate::error::SqlError;
use crate::types::RsType;

/// The items with their n-th value read as column `cn` of a table.
fn of_table(items: &[Item], table: &str) -> Vec<Item> {
    let mut items = items.to_vec();
    let values = items.iter_mut().flat_map(|i| i.columns.iter_mut().map(|c| &mut c.value).chain(&mut i.value));
    for (n, value) in values.enumerate() {
        value.sql = format!("{table}.c{}", n + 1);
    }
    items
}

fn level(sql: String) -> Vec<ScopeColumn> {
    vec![ScopeColumn { name: "level".to_owned(), value: Typed::new(sql, RsType::Integer) }]
}

impl Rewriter<'_> {
    /// The FROM clause of a hierarchical query in place of `from`, whose items are in the scope.
    pub(super) fn hierarchy(
        &mut self,
        connect: &ConnectBy,
        from: &str,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        if !connect.condition.any(&|e| matches!(e, Expr::Prior(_))) {
            return Err(SqlError::syntax("a CONNECT BY condition must use PRIOR"));
        }
        if !scope.merged.is_empty() {
            return Err(SqlError::not_in_stand_in("CONNECT BY over a join with USING or NATURAL"));
        }
        let (base, tree, out) = (self.alias("base"), self.alias("tree"), self.alias("h"));
        let values = scope.items.iter().flat_map(|i| i.columns.iter().map(|c| &c.value).chain(&i.value));
        let list: Vec<String> = values.enumerate().map(|(n, value)| format!("{} AS c{}", value.sql, n + 1)).collect();

        let mut child = Scope { items: of_table(&scope.items, &base), parent: scope.parent, ..Scope::default() };
        child.pseudo = level("1".to_owned());
        let start = match &connect.start {
            Some(start) => {
                let value = self.expr(start, &child)?;
                format!(" WHERE {}", self.condition(&value)?)
            }
            None => String::new(),
        };
        child.pseudo = level(format!("({tree}.level + 1)"));
        let around = self.prior.replace(of_table(&scope.items, &tree));
        let condition = self.expr(&connect.condition, &child);
        self.prior = around;
        let condition = self.condition(&condition?)?;

        scope.items = of_table(&scope.items, &out);
        scope.pseudo = level(format!("{out}.level"));
        Ok(format!(
            " FROM (WITH RECURSIVE {base} AS (SELECT {}{from}), {tree} AS (SELECT {base}.*, 1 AS level FROM {base}{start} \
             UNION ALL SELECT {base}.*, {tree}.level + 1 FROM {tree} JOIN {base} ON {condition}) SELECT * FROM {tree}) AS {out}",
            list.join(", ")
        ))
    }
}
