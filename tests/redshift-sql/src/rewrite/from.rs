//! FROM items: relations, joins, subqueries, unnesting, late-binding views.

use super::query::{column_list, inner_names, renamed};
use super::scope::{Item, Scope, ScopeColumn};
use super::{Form, Rewriter, Typed};
use crate::ast::{JoinCondition, JoinKind, ObjectName, Step, TableRef};
use crate::catalog::{OutputColumn, Relation, RelationKind};
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

/// Late-binding views within late-binding views.
const MAX_VIEWS: usize = 16;

impl Rewriter<'_> {
    /// ` FROM …`, with the items put into the scope.
    pub(super) fn from(&mut self, items: &[TableRef], scope: &mut Scope<'_>) -> Result<String, SqlError> {
        if items.is_empty() {
            return Ok(String::new());
        }
        let mut out = String::new();
        for (n, item) in items.iter().enumerate() {
            let sql = self.table(item, scope)?;
            if n > 0 {
                // Unnesting refers to items on its left; CROSS JOIN LATERAL keeps them in sight.
                out.push_str(" CROSS JOIN ");
            }
            out.push_str(&sql);
        }
        Ok(format!(" FROM {out}"))
    }

    pub(super) fn add_item(&self, scope: &mut Scope<'_>, item: Item) -> Result<(), SqlError> {
        if scope.items.iter().any(|i| i.alias == item.alias) {
            return Err(SqlError::new("42712", format!("table name \"{}\" specified more than once", item.alias)));
        }
        scope.items.push(item);
        Ok(())
    }

    pub(super) fn table(&mut self, table: &TableRef, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        match table {
            TableRef::Named { path, alias, columns, at } => {
                self.named(path, alias.as_deref(), columns, at.as_deref(), scope)
            }
            TableRef::Unpivot { expr, value, attribute } => {
                let base = self.expr(expr, scope)?;
                if base.ty != RsType::Super {
                    return Err(SqlError::datatype("UNPIVOT needs a SUPER object"));
                }
                let table = self.alias("u");
                let (v, a) = (format!("{table}.v"), format!("{table}.a"));
                self.add_item(scope, value_item(value, &v, RsType::Super))?;
                if let Some(attribute) = attribute {
                    let ty = RsType::Varchar(crate::types::MAX_VARCHAR);
                    self.add_item(scope, value_item(attribute, &a, ty))?;
                }
                Ok(format!("LATERAL (SELECT key AS a, value AS v FROM rs.super_attributes({})) AS {table}", base.sql))
            }
            TableRef::Query { query, alias, columns } => {
                let (sql, output) = self.query(query, scope.parent)?;
                let output = renamed(output, columns, alias.as_deref().unwrap_or("subquery"))?;
                self.derived(&sql, &output, alias.as_deref(), scope)
            }
            TableRef::Series { call, alias, columns } => {
                let value = self.call(call, scope)?;
                let alias = alias.as_deref().unwrap_or("generate_series");
                let column = OutputColumn { name: alias.to_owned(), rs_type: value.ty, origin: None };
                let output = renamed(vec![column], columns, alias)?;
                self.add_item(scope, output_item(alias, &output))?;
                Ok(format!("{} AS {}{}", value.sql, quote_identifier(alias), column_list(&output)))
            }
            TableRef::Pivot(pivot) => self.pivot(pivot, scope),
            TableRef::UnpivotColumns(unpivot) => self.unpivot(unpivot, scope),
            TableRef::Join { left, right, kind, condition } => self.join(left, right, *kind, condition, scope),
        }
    }

    fn join(
        &mut self,
        left: &TableRef,
        right: &TableRef,
        kind: JoinKind,
        condition: &JoinCondition,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let start = scope.items.len();
        let left_sql = self.table(left, scope)?;
        let middle = scope.items.len();
        let right_sql = self.table(right, scope)?;
        let word = match kind {
            JoinKind::Inner => "JOIN",
            JoinKind::Left => "LEFT JOIN",
            JoinKind::Right => "RIGHT JOIN",
            JoinKind::Full => "FULL JOIN",
            JoinKind::Cross => "CROSS JOIN",
        };
        let has = |items: &[Item], name: &str| items.iter().any(|i| i.columns.iter().any(|c| c.name == name));
        let tail = match condition {
            JoinCondition::None => String::new(),
            JoinCondition::On(expr) => {
                let value = self.expr(expr, scope)?;
                format!(" ON {}", self.condition(&value)?)
            }
            JoinCondition::Using(_) | JoinCondition::Natural => {
                let names: Vec<String> = match condition {
                    JoinCondition::Using(names) => names.clone(),
                    _ => {
                        let mut common = Vec::new();
                        for item in &scope.items[start..middle] {
                            for column in &item.columns {
                                if has(&scope.items[middle..], &column.name) && !common.contains(&column.name) {
                                    common.push(column.name.clone());
                                }
                            }
                        }
                        common
                    }
                };
                for name in &names {
                    if !has(&scope.items[start..middle], name) || !has(&scope.items[middle..], name) {
                        return Err(SqlError::new(
                            "42703",
                            format!("column \"{name}\" specified in USING clause does not exist"),
                        ));
                    }
                    if !scope.merged.contains(name) {
                        scope.merged.push(name.clone());
                    }
                }
                if names.is_empty() {
                    " ON true".to_owned()
                } else {
                    let list: Vec<String> = names.iter().map(|n| quote_identifier(n)).collect();
                    format!(" USING ({})", list.join(", "))
                }
            }
        };
        Ok(format!("({left_sql} {word} {right_sql}{tail})"))
    }

    fn named(
        &mut self,
        path: &[Step],
        alias: Option<&str>,
        columns: &[String],
        at: Option<&str>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let Step::Name(first) = &path[0] else {
            return Err(SqlError::syntax("a FROM item must start with a name"));
        };
        // A path that starts with an earlier FROM item is unnesting ("Unnesting queries").
        let unnests = scope.items.iter().any(|i| i.alias == first.name)
            && (path.len() > 1 || scope.items.iter().any(|i| i.alias == first.name && i.value.is_some()));
        let outer_unnest = !unnests && path.len() > 1 && {
            let mut level = scope.parent;
            let mut found = false;
            while let Some(here) = level {
                found |= here.items.iter().any(|i| i.alias == first.name);
                level = here.parent;
            }
            found
        };
        if unnests || outer_unnest {
            let base = self.path(path, scope)?;
            if base.ty != RsType::Super {
                return Err(SqlError::datatype(format!(
                    "cannot iterate over a value of type {}: unnesting needs SUPER",
                    base.ty
                )));
            }
            let name = alias.map_or_else(
                || {
                    path.iter()
                        .rev()
                        .find_map(|s| match s {
                            Step::Name(i) => Some(i.name.clone()),
                            Step::Index(_) => None,
                        })
                        .unwrap_or_default()
                },
                str::to_owned,
            );
            let table = self.alias("u");
            let (v, i) = (format!("{table}.v"), format!("({table}.i - 1)"));
            self.add_item(scope, value_item(&name, &v, RsType::Super))?;
            if let Some(at) = at {
                self.add_item(scope, value_item(at, &i, RsType::BigInt))?;
            }
            return Ok(format!("LATERAL rs.super_elements({}) WITH ORDINALITY AS {table}(v, i)", base.sql));
        }
        if at.is_some() {
            return Err(SqlError::syntax("AT is only allowed after a SUPER array in FROM"));
        }
        let name = relation_name(path)?;
        self.relation_item(&name, alias, columns, scope)
    }

    fn relation_item(
        &mut self,
        name: &ObjectName,
        alias: Option<&str>,
        columns: &[String],
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let shown = alias.unwrap_or(&name.name);
        if name.schema.is_none()
            && let Some((_, output)) = self.ctes.iter().rev().find(|(n, _)| *n == name.name)
        {
            let output = renamed(output.clone(), columns, shown)?;
            let list = column_list(&output);
            self.add_item(scope, output_item(shown, &output))?;
            return Ok(format!("{} AS {}{list}", quote_identifier(&name.name), quote_identifier(shown)));
        }
        let relation = self.lookup(name)?;
        let key = (relation.schema.clone(), relation.name.clone());
        if self.forbidden.as_ref() == Some(&key) {
            return Err(SqlError::unsupported(
                "Source view/subquery in Merge statement cannot reference target table.",
            ));
        }
        if relation.kind == RelationKind::Stream && !self.streams_allowed {
            return Err(SqlError::unsupported(format!(
                "stream {}.{} can only be read by a materialized view",
                relation.schema, relation.name
            )));
        }
        if let Some(definition) = &relation.definition {
            let definition = definition.clone();
            return self.late_binding(&definition, shown, columns, scope);
        }
        // "Leader node-only functions": system tables and views with these prefixes are read on compute nodes, too.
        self.user_read |= relation.kind != RelationKind::System;
        self.compute_read |= relation.kind != RelationKind::System
            || ["stl_", "stv_", "svl_", "svv_"].iter().any(|prefix| relation.name.starts_with(prefix));
        if !self.reads.contains(&key) {
            self.reads.push(key);
        }
        let item = relation_item(&relation, shown, columns)?;
        let list = if columns.is_empty() {
            String::new()
        } else {
            let names: Vec<String> = item.columns.iter().map(|c| quote_identifier(&c.name)).collect();
            format!("({})", names.join(", "))
        };
        self.add_item(scope, item)?;
        if let Some(protection) = &relation.protection {
            let sql = self.protected(&relation, protection)?;
            return Ok(format!("{sql} AS {}{list}", quote_identifier(shown)));
        }
        Ok(format!(
            "{}.{} AS {}{list}",
            quote_identifier(&relation.postgres_schema),
            quote_identifier(&relation.postgres_name),
            quote_identifier(shown)
        ))
    }

    /// A view WITH NO SCHEMA BINDING, expanded in place.
    fn late_binding(
        &mut self,
        definition: &crate::catalog::LateBinding,
        shown: &str,
        columns: &[String],
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        if self.views >= MAX_VIEWS {
            return Err(SqlError::new("54001", format!("views are nested deeper than {MAX_VIEWS} levels")));
        }
        let settings = crate::settings::Settings {
            case_sensitive_super_attribute: self.settings.case_sensitive_super_attribute,
            ..definition.settings.clone()
        };
        let crate::statement::Statement::Query(query) = crate::parser::parse_statement(&definition.sql, &settings)?
        else {
            return Err(SqlError::syntax("the definition of a view must be a query"));
        };
        self.views += 1;
        let ctes = std::mem::take(&mut self.ctes);
        let result = self.query(&query, None);
        self.ctes = ctes;
        self.views -= 1;
        let (sql, output) = result?;
        let output = renamed(output, &definition.columns, shown)?;
        let output = renamed(output, columns, shown)?;
        let list = column_list(&output);
        self.add_item(scope, output_item(shown, &output))?;
        Ok(format!("({sql}) AS {}{list}", quote_identifier(shown)))
    }

    /// The relation of a name, or Redshift's error.
    pub(super) fn lookup(&self, name: &ObjectName) -> Result<Relation, SqlError> {
        if let Some(database) = &name.database
            && *database != self.catalog.database()
        {
            return Err(SqlError::not_in_stand_in(&format!("a query across databases (\"{database}\")")));
        }
        self.catalog
            .relation(name.schema.as_deref(), &name.name)
            .ok_or_else(|| SqlError::new("42P01", format!("relation \"{name}\" does not exist")))
    }
}

pub(super) fn relation_name(path: &[Step]) -> Result<ObjectName, SqlError> {
    let mut names = Vec::new();
    for step in path {
        match step {
            Step::Name(ident) => names.push(ident.name.clone()),
            Step::Index(_) => {
                return Err(SqlError::new("42P01", format!("relation \"{}\" does not exist", names.join("."))));
            }
        }
    }
    let full = names.join(".");
    let name = names.pop().unwrap_or_default();
    let schema = names.pop();
    let database = names.pop();
    if !names.is_empty() {
        return Err(SqlError::new("42P01", format!("relation \"{full}\" does not exist")));
    }
    Ok(ObjectName { database, schema, name })
}

fn value_item(alias: &str, sql: &str, ty: RsType) -> Item {
    Item { alias: alias.to_owned(), schema: None, columns: Vec::new(), value: Some(Typed::new(sql, ty)) }
}

pub(super) fn output_item(alias: &str, columns: &[OutputColumn]) -> Item {
    Item {
        alias: alias.to_owned(),
        schema: None,
        columns: columns
            .iter()
            .zip(inner_names(columns))
            .map(|(c, inner)| ScopeColumn {
                name: c.name.clone(),
                value: Typed {
                    sql: format!("{}.{inner}", quote_identifier(alias)),
                    ty: c.rs_type.clone(),
                    form: Form::Value,
                    origin: c.origin.clone(),
                    caseless: false,
                },
            })
            .collect(),
        value: None,
    }
}

/// The scope item of a relation under an alias.
pub(super) fn relation_item(relation: &Relation, alias: &str, columns: &[String]) -> Result<Item, SqlError> {
    let output: Vec<OutputColumn> = relation
        .columns
        .iter()
        .map(|c| OutputColumn {
            name: c.name.clone(),
            rs_type: c.rs_type.clone(),
            origin: Some((relation.schema.clone(), relation.name.clone())),
        })
        .collect();
    let output = renamed(output, columns, alias)?;
    let mut item = output_item(alias, &output);
    item.schema = Some(relation.schema.clone());
    Ok(item)
}
