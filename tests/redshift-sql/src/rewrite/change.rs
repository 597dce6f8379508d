//! INSERT, UPDATE, DELETE and MERGE.

use super::from::relation_item;
use super::scope::Scope;
use super::{Rewriter, Typed};
use crate::ast::{
    BinaryOp, Delete, Expr, Insert, Literal, MatchedAction, Merge, MergeAction, ObjectName, Query, QueryBody,
    SelectItem,
};
use crate::catalog::{Column, Relation, RelationKind};
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

pub(super) fn table_sql(relation: &Relation) -> String {
    format!("{}.{}", quote_identifier(&relation.postgres_schema), quote_identifier(&relation.postgres_name))
}

/// True if the n-th entry of the select list is a string constant, which takes the type of the column that it goes to.
fn is_open_item(query: &Query, n: usize) -> bool {
    let QueryBody::Select(select) = &query.body else { return false };
    select.items.iter().all(|item| matches!(item, SelectItem::Expr(..)))
        && matches!(
            select.items.get(n),
            Some(SelectItem::Expr(Expr::Literal(Literal::String(_)) | Expr::NamedParameter(_), _))
        )
}

impl Rewriter<'_> {
    /// The target of a change. Deleting from a streaming materialized view is allowed ("DELETE"), other changes are not.
    pub(super) fn target(&mut self, name: &ObjectName, verb: &str) -> Result<Relation, SqlError> {
        let relation = self.lookup(name)?;
        let allowed = match relation.kind {
            RelationKind::Table => true,
            RelationKind::MaterializedView => verb == "DELETE",
            RelationKind::View | RelationKind::Stream | RelationKind::System => false,
        };
        if !allowed {
            let kind = match relation.kind {
                RelationKind::Stream => "an external stream",
                RelationKind::System => "a system relation",
                RelationKind::MaterializedView => "a materialized view",
                _ => "a view",
            };
            return Err(SqlError::new("0A000", format!("{verb} on {kind} (\"{}\") is not supported", relation.name)));
        }
        self.writes.push((relation.schema.clone(), relation.name.clone()));
        Ok(relation)
    }

    pub(super) fn columns_of<'r>(&self, relation: &'r Relation, names: &[String]) -> Result<Vec<&'r Column>, SqlError> {
        let mut out: Vec<&Column> = Vec::new();
        for name in names {
            let Some(column) = relation.columns.iter().find(|c| c.name == *name) else {
                return Err(SqlError::new(
                    "42703",
                    format!("column \"{name}\" of relation \"{}\" does not exist", relation.name),
                ));
            };
            if out.iter().any(|c| c.name == *name) {
                return Err(SqlError::new("42701", format!("column \"{name}\" specified more than once")));
            }
            if column.identity {
                return Err(SqlError::new("0A000", format!("cannot set an identity column (\"{name}\") to a value")));
            }
            out.push(column);
        }
        Ok(out)
    }

    /// Columns that INSERT without a list fills: identity columns are left out.
    fn insert_columns<'r>(
        &self,
        relation: &'r Relation,
        names: &[String],
        given: Option<usize>,
    ) -> Result<Vec<&'r Column>, SqlError> {
        if !names.is_empty() {
            return self.columns_of(relation, names);
        }
        let all: Vec<&Column> = relation.columns.iter().filter(|c| !c.identity).collect();
        Ok(match given {
            Some(n) if n < all.len() => all[..n].to_vec(),
            _ => all,
        })
    }

    pub(super) fn insert(&mut self, insert: &Insert) -> Result<String, SqlError> {
        let relation = self.target(&insert.table, "INSERT")?;
        self.fills_temporary = relation.postgres_schema == "pg_temp";
        let table = table_sql(&relation);
        let Some(source) = &insert.source else {
            return Ok(format!("INSERT INTO {table} DEFAULT VALUES"));
        };
        if let QueryBody::Values(rows) = &source.body {
            let width = rows.first().map_or(0, Vec::len);
            let columns = self.insert_columns(&relation, &insert.columns, Some(width))?;
            let scope = Scope::default();
            let mut lines = Vec::new();
            for row in rows {
                check_width(row.len(), columns.len())?;
                let mut values = Vec::new();
                for (value, column) in row.iter().zip(&columns) {
                    values.push(match value {
                        None => "DEFAULT".to_owned(),
                        Some(expr) => {
                            let value = self.expr(expr, &scope)?;
                            let sql = self.assign_column(&value, &column.name, &column.rs_type)?;
                            // Rows of VALUES must agree in type: a cast fixes it, except where it would cut.
                            if value.is_open() || column.rs_type.is_character() {
                                sql
                            } else {
                                format!("({sql})::{}", column.rs_type.postgres())
                            }
                        }
                    });
                }
                lines.push(format!("({})", values.join(", ")));
            }
            return Ok(format!("INSERT INTO {table} ({}) VALUES {}", names_sql(&columns), lines.join(", ")));
        }
        let (sql, output) = self.query(source, None)?;
        let columns = self.insert_columns(&relation, &insert.columns, Some(output.len()))?;
        check_width(output.len(), columns.len())?;
        let names: Vec<String> = (1..=output.len()).map(|n| format!("c{n}")).collect();
        let mut values = Vec::new();
        let mut plain = true;
        for (n, ((name, from), column)) in names.iter().zip(&output).zip(&columns).enumerate() {
            let value = Typed::new(name.clone(), from.rs_type.clone());
            let takes_text =
                column.rs_type.is_character() || matches!(column.rs_type, RsType::Super | RsType::Varbyte(_));
            // A NULL of a subquery or with LIMIT has become text on its way.
            let null = from.rs_type == RsType::Unknown && !column.rs_type.is_character();
            let sql = if null || (!takes_text && is_open_item(source, n)) {
                format!("(({name})::text)::{}", column.rs_type.postgres())
            } else {
                self.assign_column(&value, &column.name, &column.rs_type)?
            };
            plain &= sql == *name && from.rs_type != RsType::Unknown;
            values.push(sql);
        }
        let source = if plain {
            sql
        } else {
            let alias = self.alias("s");
            format!("SELECT {} FROM ({sql}) AS {alias}({})", values.join(", "), names.join(", "))
        };
        Ok(format!("INSERT INTO {table} ({}) {source}", names_sql(&columns)))
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<String, SqlError> {
        let relation = self.target(&delete.table, "DELETE")?;
        let with = self.with_list(&delete.with, false, None)?;
        let alias = delete.alias.clone().unwrap_or_else(|| delete.table.name.clone());
        let mut scope = Scope::default();
        scope.items.push(relation_item(&relation, &alias, &[])?);
        let using = self.from(&delete.using, &mut scope)?;
        let using = using.replacen(" FROM ", " USING ", 1);
        let selection = match (&delete.selection, self.changeable(&relation, &alias)?) {
            (Some(expr), Some(changeable)) => {
                let value = self.expr(expr, &scope)?;
                format!(" WHERE ({}) AND {changeable}", self.condition(&value)?)
            }
            (None, Some(changeable)) => format!(" WHERE {changeable}"),
            (selection, None) => self.condition_clause(selection.as_ref(), &scope)?,
        };
        Ok(format!("{with}DELETE FROM {} AS {}{using}{selection}", table_sql(&relation), quote_identifier(&alias)))
    }

    fn condition_clause(&mut self, selection: Option<&Expr>, scope: &Scope<'_>) -> Result<String, SqlError> {
        match selection {
            Some(expr) => {
                let value = self.expr(expr, scope)?;
                Ok(format!(" WHERE {}", self.condition(&value)?))
            }
            None => Ok(String::new()),
        }
    }

    /// "MERGE": the rules that the grammar alone does not carry.
    pub(super) fn merge(&mut self, merge: &Merge) -> Result<String, SqlError> {
        let relation = self.target(&merge.target, "MERGE")?;
        if relation.protection.is_some() {
            return Err(SqlError::not_in_stand_in(&format!(
                "MERGE into \"{}\", which has policies for this user,",
                relation.name
            )));
        }
        self.forbidden = Some((relation.schema.clone(), relation.name.clone()));
        let mut scope = Scope::default();
        let source = self.table(&merge.source, &mut scope)?;
        let Some(source_alias) = scope.items.first().map(|i| i.alias.clone()) else {
            return Err(SqlError::syntax("MERGE needs a source table"));
        };
        let target_alias = merge.target.name.clone();
        let mut target_item = relation_item(&relation, &target_alias, &[])?;
        if source_alias == target_alias {
            // Same name in another schema: the target is then only reachable with its schema.
            target_item.alias = format!("{target_alias}.");
        }
        let printed = if source_alias == target_alias {
            let printed = self.alias("target");
            let quoted = quote_identifier(&printed);
            for column in &mut target_item.columns {
                column.value.sql = format!("{quoted}.{}", quote_identifier(&column.name));
            }
            quoted
        } else {
            quote_identifier(&target_alias)
        };
        scope.items.insert(0, target_item);
        self.whole_super_only = true;
        let on = self.expr(&merge.on, &scope)?;
        let on = self.condition(&on)?;
        if !is_equality(&merge.on) {
            return Err(SqlError::unsupported(
                "the match condition of a MERGE statement must be equality predicates joined by AND",
            ));
        }
        let table = table_sql(&relation);
        match &merge.action {
            MergeAction::When { matched, insert_columns, insert_values } => {
                let columns = self.insert_columns(&relation, insert_columns, Some(insert_values.len()))?;
                check_width(insert_values.len(), columns.len())?;
                let action = self.matched(matched, &relation, &scope)?;
                let mut values = Vec::new();
                let source_scope = Scope { items: scope.items[1..].to_vec(), ..Scope::default() };
                for (expr, column) in insert_values.iter().zip(&columns) {
                    let value = self.expr(expr, &source_scope)?;
                    values.push(self.assign_column(&value, &column.name, &column.rs_type)?);
                }
                Ok(format!(
                    "MERGE INTO {table} AS {printed} USING {source} ON {on} WHEN MATCHED THEN {action} WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
                    names_sql(&columns),
                    values.join(", ")
                ))
            }
            MergeAction::RemoveDuplicates => {
                let source_columns: Vec<_> =
                    scope.items.iter().skip(1).flat_map(|i| i.columns.iter().cloned()).collect();
                check_same_shape(&relation, source_columns.len())?;
                let mut values = Vec::new();
                for (from, to) in source_columns.iter().zip(&relation.columns) {
                    values.push(self.assign_column(&from.value, &to.name, &to.rs_type)?);
                }
                let all: Vec<&Column> = relation.columns.iter().collect();
                // Matched target rows are replaced by the source's rows; data-modifying WITH sees one snapshot.
                Ok(format!(
                    "WITH rs_replaced AS (DELETE FROM {table} AS {printed} USING {source} WHERE {on}) INSERT INTO {table} ({}) SELECT {} FROM {source}",
                    names_sql(&all),
                    values.join(", ")
                ))
            }
        }
    }

    fn matched(&mut self, action: &MatchedAction, relation: &Relation, scope: &Scope<'_>) -> Result<String, SqlError> {
        match action {
            MatchedAction::Delete => Ok("DELETE".to_owned()),
            MatchedAction::Update(set) => {
                let names: Vec<String> = set.iter().map(|(n, _)| n.clone()).collect();
                let columns = self.columns_of(relation, &names)?;
                let mut sets = Vec::new();
                for ((name, expr), column) in set.iter().zip(&columns) {
                    let value = self.expr(expr, scope)?;
                    let sql = self.assign_column(&value, name, &column.rs_type)?;
                    sets.push(format!("{} = {sql}", quote_identifier(name)));
                }
                Ok(format!("UPDATE SET {}", sets.join(", ")))
            }
        }
    }
}

/// `a = b AND c = d …`
fn is_equality(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(BinaryOp::And, left, right) => is_equality(left) && is_equality(right),
        Expr::Binary(BinaryOp::Eq, _, _) => true,
        _ => false,
    }
}

fn check_same_shape(relation: &Relation, source: usize) -> Result<(), SqlError> {
    if relation.columns.len() == source {
        return Ok(());
    }
    Err(SqlError::new(
        "42601",
        format!(
            "MERGE with REMOVE DUPLICATES needs the same columns in source and target: the source has {source}, \"{}\" has {}",
            relation.name,
            relation.columns.len()
        ),
    ))
}

fn check_width(values: usize, columns: usize) -> Result<(), SqlError> {
    if values > columns {
        return Err(SqlError::syntax("INSERT has more expressions than target columns"));
    }
    if values < columns {
        return Err(SqlError::syntax("INSERT has more target columns than expressions"));
    }
    Ok(())
}

fn names_sql(columns: &[&Column]) -> String {
    let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.name)).collect();
    names.join(", ")
}
