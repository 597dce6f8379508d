//! Row-level security and dynamic data masking: a protected relation becomes a subquery of what its user may see.
//!
//! RLS comes before masking ("Considerations when using dynamic data masking"). Invariant: no path to a relation's rows goes past
//! its policies; what cannot be put in place is refused.

use super::from::relation_item;
use super::scope::Scope;
use super::{Rewriter, Typed};
use crate::catalog::Relation;
use crate::error::SqlError;
use crate::parser::parse_using;
use crate::protection::{Mask, Protection, RowFilter};
use crate::quote_identifier;
use crate::settings::Settings;
use crate::types::RsType;

impl Rewriter<'_> {
    /// The relation as its user sees it.
    pub(super) fn protected(&mut self, relation: &Relation, protection: &Protection) -> Result<String, SqlError> {
        self.check_protected(protection, if protection.rows.is_some() { "RLS" } else { "DDM" })?;
        let alias = protection.alias.clone().unwrap_or_else(|| relation.name.clone());
        let mut list = Vec::new();
        for column in &relation.columns {
            let name = quote_identifier(&column.name);
            let sql = match protection.masks.iter().find(|mask| mask.column == column.name) {
                Some(mask) => self.mask(relation, &alias, mask, &column.rs_type)?,
                None => format!("{}.{name}", quote_identifier(&alias)),
            };
            list.push(format!("{sql} AS {name}"));
        }
        let filter = match &protection.rows {
            Some(rows) => format!(" WHERE {}", self.visible(relation, &alias, rows)?),
            None => String::new(),
        };
        let table = super::change::table_sql(relation);
        Ok(format!("(SELECT {} FROM {table} AS {}{filter})", list.join(", "), quote_identifier(&alias)))
    }

    /// The further condition of an UPDATE or DELETE: it changes only the rows that its user sees ("Using RLS policies in SQL statements").
    pub(super) fn changeable(&mut self, relation: &Relation, target: &str) -> Result<Option<String>, SqlError> {
        let Some(protection) = &relation.protection else { return Ok(None) };
        if !protection.masks.is_empty() {
            return Err(SqlError::not_in_stand_in(&format!(
                "changing \"{}\", which has masking policies for this user,",
                relation.name
            )));
        }
        self.check_protected(protection, "RLS")?;
        let Some(rows) = &protection.rows else { return Ok(None) };
        let alias = protection.alias.clone().unwrap_or_else(|| relation.name.clone());
        let visible = self.visible(relation, &alias, rows)?;
        let (table, alias) = (super::change::table_sql(relation), quote_identifier(&alias));
        let target = quote_identifier(target);
        Ok(Some(format!("{target}.ctid IN (SELECT {alias}.ctid FROM {table} AS {alias} WHERE {visible})")))
    }

    /// "Considerations and limitations using RLS policies": what must be as it is by default.
    fn check_protected(&self, protection: &Protection, kind: &str) -> Result<(), SqlError> {
        if let Some(reason) = &protection.refused {
            return Err(SqlError::not_in_stand_in(reason));
        }
        let default = Settings::default();
        if self.settings.case_sensitive_identifier != default.case_sensitive_identifier
            || self.settings.case_sensitive_super_attribute != default.case_sensitive_super_attribute
        {
            return Err(SqlError::unsupported(format!(
                "{kind} protected relation does not support session level config on case sensitivity being different from its default value."
            )));
        }
        Ok(())
    }

    /// The condition that the policies make.
    fn visible(&mut self, relation: &Relation, alias: &str, rows: &RowFilter) -> Result<String, SqlError> {
        let mut scope = Scope::default();
        scope.items.push(relation_item(relation, alias, &[])?);
        let mut conditions = Vec::new();
        for predicate in &rows.predicates {
            for expr in parse_using(predicate, &Settings::default())? {
                let value = self.apart(|rewriter| rewriter.expr(&expr, &scope))?;
                conditions.push(self.condition(&value)?);
            }
        }
        if conditions.is_empty() {
            return Ok("false".to_owned());
        }
        Ok(format!("(({}))", conditions.join(if rows.any { ") OR (" } else { ") AND (" })))
    }

    fn mask(&mut self, relation: &Relation, alias: &str, mask: &Mask, to: &RsType) -> Result<String, SqlError> {
        let mut item = relation_item(relation, alias, &[])?;
        let mut inputs = Vec::new();
        for (name, rs_type, column) in &mask.inputs {
            let Some(source) = item.columns.iter().find(|c| c.name == *column) else {
                return Err(SqlError::new("42703", format!("column \"{column}\" of a masking policy does not exist")));
            };
            let mut input = source.clone();
            input.name.clone_from(name);
            input.value = Typed::new(source.value.sql.clone(), rs_type.clone());
            inputs.push(input);
        }
        item.columns = inputs;
        let mut scope = Scope::default();
        scope.items.push(item);
        let list = parse_using(&mask.using, &Settings::default())?;
        let expr = list.get(mask.place).ok_or_else(|| {
            SqlError::syntax("a masking policy has fewer expressions than the columns that it is attached to")
        })?;
        let value = self.apart(|rewriter| rewriter.expr(expr, &scope))?;
        // The guide wants types and sizes that fit; a text that is too long fails when it is read.
        match to {
            RsType::Varchar(n) if value.ty.is_character() => {
                Ok(format!("rs.varchar_assign({}, {n})", self.text_of(&value)?))
            }
            _ => self.cast(&value, to),
        }
    }

    /// Names of the query around, and those of its WITH, mean nothing in a policy.
    fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, SqlError>) -> Result<T, SqlError> {
        let ctes = std::mem::take(&mut self.ctes);
        let keys = std::mem::take(&mut self.group_keys);
        let result = work(self);
        self.ctes = ctes;
        self.group_keys = keys;
        result
    }
}
