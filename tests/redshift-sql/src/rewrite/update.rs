//! UPDATE (Redshift Database Developer Guide, "UPDATE" and "Examples of UPDATE statements").

use super::Rewriter;
use super::change::table_sql;
use super::from::{relation_item, relation_name};
use super::scope::{Item, Scope};
use crate::ast::{JoinKind, TableRef, Update};
use crate::catalog::Relation;
use crate::error::SqlError;
use crate::quote_identifier;

/// The target where FROM names it, too. No table has this name.
const TARGET: &str = "rs:target";

/// The target's place in FROM.
struct Place {
    alias: String,
    /// Below an outer join.
    outer: bool,
}

/// What the target, the tables of FROM and the expressions become.
struct Parts {
    sets: Vec<String>,
    from: String,
    condition: Option<String>,
}

impl Rewriter<'_> {
    pub(super) fn update(&mut self, update: &Update) -> Result<String, SqlError> {
        let relation = self.target(&update.table, "UPDATE")?;
        let with = self.with_list(&update.with, false, None)?;
        if let Some(sql) = self.update_in_from(update, &relation)? {
            return Ok(format!("{with}{sql}"));
        }
        let alias = update.alias.clone().unwrap_or_else(|| update.table.name.clone());
        let mut scope = Scope::default();
        scope.items.push(relation_item(&relation, &alias, &[])?);
        let Parts { sets, from, condition } = self.update_parts(update, &relation, &mut scope)?;
        let changeable = self.changeable(&relation, &alias)?;
        let condition = match (condition, changeable) {
            (Some(condition), Some(changeable)) => Some(format!("({condition}) AND {changeable}")),
            (one, other) => one.or(other),
        };
        let selection = condition.map_or_else(String::new, |condition| format!(" WHERE {condition}"));
        let (table, alias) = (table_sql(&relation), quote_identifier(&alias));
        Ok(format!("{with}UPDATE {table} AS {alias} SET {}{from}{selection}", sets.join(", ")))
    }

    /// "If you need to include the target table of the UPDATE statement in the list, use an alias": `cat` in
    /// `UPDATE category SET … FROM event JOIN category cat ON …` is the target itself, unless the statement names the target besides.
    fn update_in_from(&mut self, update: &Update, relation: &Relation) -> Result<Option<String>, SqlError> {
        let mut places = Vec::new();
        for item in &update.from {
            self.places(item, relation, false, &mut places);
        }
        let ([place], None) = (places.as_slice(), &update.alias) else { return Ok(None) };
        let mut item: Item = relation_item(relation, TARGET, &[])?;
        item.alias.clone_from(&update.table.name);
        let parent = Scope { items: vec![item], ..Scope::default() };
        let mut scope = Scope { parent: Some(&parent), ..Scope::default() };
        let Ok(Parts { sets, from, condition }) = self.update_parts(update, relation, &mut scope) else {
            return Ok(None);
        };
        let target = quote_identifier(TARGET);
        let named = |sql: &String| sql.contains(&target);
        if sets.iter().any(named) || named(&from) || condition.as_ref().is_some_and(named) {
            return Ok(None);
        }
        if relation.protection.is_some() {
            return Err(SqlError::not_in_stand_in(&format!(
                "UPDATE of \"{}\", which has policies for this user and stands in FROM,",
                relation.name
            )));
        }
        if place.outer {
            return Err(SqlError::unsupported("Target table must be part of an equijoin predicate"));
        }
        let condition = condition.map_or_else(String::new, |condition| format!("({condition}) AND "));
        let (table, alias) = (table_sql(relation), quote_identifier(&place.alias));
        Ok(Some(format!(
            "UPDATE {table} AS {target} SET {}{from} WHERE {condition}{target}.ctid = {alias}.ctid",
            sets.join(", ")
        )))
    }

    fn places(&self, item: &TableRef, relation: &Relation, outer: bool, found: &mut Vec<Place>) {
        match item {
            TableRef::Join { left, right, kind, .. } => {
                let outer = outer || matches!(kind, JoinKind::Left | JoinKind::Right | JoinKind::Full);
                self.places(left, relation, outer, found);
                self.places(right, relation, outer, found);
            }
            TableRef::Named { path, alias, .. } => {
                let Ok(name) = relation_name(path) else { return };
                let common = name.schema.is_none() && self.ctes.iter().any(|(cte, _)| *cte == name.name);
                if !common && self.lookup(&name).is_ok_and(|r| r.schema == relation.schema && r.name == relation.name) {
                    found.push(Place { alias: alias.clone().unwrap_or(name.name), outer });
                }
            }
            _ => {}
        }
    }

    fn update_parts(&mut self, update: &Update, relation: &Relation, scope: &mut Scope<'_>) -> Result<Parts, SqlError> {
        let from = self.from(&update.from, scope)?;
        let names: Vec<String> = update.set.iter().map(|(n, _)| n.clone()).collect();
        let columns = self.columns_of(relation, &names)?;
        let mut sets = Vec::new();
        for ((name, value), column) in update.set.iter().zip(&columns) {
            let sql = match value {
                None => "DEFAULT".to_owned(),
                Some(expr) => {
                    let value = self.expr(expr, scope)?;
                    self.assign_column(&value, name, &column.rs_type)?
                }
            };
            sets.push(format!("{} = {sql}", quote_identifier(name)));
        }
        let condition = match &update.selection {
            Some(expr) => {
                let value = self.expr(expr, scope)?;
                Some(self.condition(&value)?)
            }
            None => None,
        };
        Ok(Parts { sets, from, condition })
    }
}
