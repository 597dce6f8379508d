//! ALTER TABLE, APPEND, DROP, TRUNCATE and LOCK.
//!
//! Invariant: object and comment change in one transaction.

use redshift_data_api::SqlError;
use redshift_sql::statement::{AlterTable, AlterTableAction, Drop, ObjectKind, Statement};
use redshift_sql::{Column, ObjectName, RelationKind, RsType, quote_identifier};
use serde_json::json;

use super::declared::{constrain, drop_constraint, rename_column, set_sort_key, style_text};
use super::definition::{missing, qualified};
use super::{Outcome, RedshiftSession, Scope};
use crate::catalog::{self, View};
use crate::error::{IntoSql as _, SqlResult};

impl RedshiftSession {
    pub(super) async fn alter_table(&mut self, alter: &AlterTable, scope: &dyn Scope) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let entry = view.entry(alter.name.schema.as_deref(), &alter.name.name).ok_or_else(|| missing(&alter.name))?;
        if let AlterTableAction::RowLevelSecurity(security) = alter.action {
            self.row_level_security(&entry, security).await?;
            return Ok(Outcome::nothing());
        }
        self.check_policies_of_columns(&entry, &alter.action).await?;
        let mut alter = alter.clone();
        let schema = entry.relation.schema.clone();
        alter.name.schema = Some(schema.clone());
        let object = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
        if let AlterTableAction::AppendFrom { source, ignore_extra, fill_target } = &alter.action {
            let extra = (*ignore_extra, *fill_target);
            return self.append(&view, &object, &entry.relation.columns, source, extra).await;
        }
        let translated = self.translate(&Statement::AlterTable(alter.clone()), &view, scope)?;
        if !translated.sql.is_empty() {
            self.script(&translated.sql).await?;
        }
        if schema == "pg_temp" {
            self.transaction.snapshot_taken = true;
            self.temporary = std::sync::Arc::new(catalog::read_temporary(&self.client).await?);
            return Ok(Outcome::nothing());
        }
        let mut meta = entry.meta.clone();
        let mut renamed = alter.name.name.clone();
        let mut in_schema = schema.clone();
        match &alter.action {
            AlterTableAction::AddColumn(column) => {
                if let Some(encoding) = &column.encoding {
                    meta["encodings"][&column.name] = json!(encoding);
                }
                if let RsType::Varbyte(_) = column.rs_type {
                    meta["types"][&column.name] = json!(column.rs_type.to_string());
                }
            }
            AlterTableAction::DropColumn { column, .. } => {
                if let Some(types) = meta["types"].as_object_mut() {
                    types.remove(column);
                }
            }
            AlterTableAction::RenameColumn { from, to } => {
                rename_column(&mut meta, from, to);
            }
            AlterTableAction::AlterColumnType { column, rs_type } => {
                if let Some(types) = meta["types"].as_object_mut()
                    && types.contains_key(column)
                {
                    types.insert(column.clone(), json!(rs_type.to_string()));
                }
            }
            AlterTableAction::RenameTo(name) => renamed.clone_from(name),
            AlterTableAction::SetSchema(schema) => in_schema.clone_from(schema),
            AlterTableAction::DistStyle(style) => meta["diststyle"] = json!(style_text(*style)),
            AlterTableAction::DistKey(column) => {
                meta["diststyle"] = json!(format!("KEY({column})"));
                meta["distkey"] = json!(column);
            }
            AlterTableAction::SortKey(key) => set_sort_key(&mut meta, key),
            AlterTableAction::AlterColumnEncode { column, encoding } => meta["encodings"][column] = json!(encoding),
            AlterTableAction::DropConstraint { name, .. } => drop_constraint(&mut meta, &renamed, name),
            AlterTableAction::AddConstraint(constraint) => constrain(constraint, &schema, &mut meta),
            _ => {}
        }
        if let Some(map) = meta.as_object_mut() {
            map.remove("rs");
        }
        self.set_meta("TABLE", &qualified(&in_schema, &renamed), &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    /// ALTER TABLE APPEND: moves all rows of a table, or of a streaming materialized view.
    async fn append(
        &mut self,
        view: &View,
        target: &str,
        columns: &[Column],
        source: &ObjectName,
        (ignore_extra, fill_target): (bool, bool),
    ) -> SqlResult<Outcome> {
        let entry = view.entry(source.schema.as_deref(), &source.name).ok_or_else(|| missing(source))?;
        // "Considerations and limitations using RLS policies": for those alone whom no policy stops.
        if redshift_sql::Catalog::relation(view, source.schema.as_deref(), &source.name)
            .is_some_and(|relation| relation.protection.is_some())
        {
            return Err(crate::error::refused(format!(
                "ALTER TABLE APPEND from \"{}\", which has policies for this user",
                source.name
            )));
        }
        // IGNOREEXTRA leaves columns of the source, FILLTARGET gives columns of the target their defaults.
        let others = &entry.relation.columns;
        let among =
            |c: &Column, all: &[Column]| all.iter().any(|other| other.name == c.name && other.rs_type == c.rs_type);
        let named = |c: &Column, all: &[Column]| all.iter().any(|other| other.name == c.name);
        let fits = columns.iter().all(|c| among(c, others) || (fill_target && !named(c, others)))
            && others.iter().all(|c| among(c, columns) || (ignore_extra && !named(c, columns)));
        if !fits {
            return Err(SqlError::new(
                "42804",
                "columns of the source and the target table of ALTER TABLE APPEND do not match",
            ));
        }
        let shared = columns.iter().filter(|c| named(c, others));
        let names: Vec<String> = shared.map(|c| quote_identifier(&c.name)).collect();
        let names = names.join(", ");
        let from = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
        let moved = self
            .client
            .execute(
                &format!("WITH gone AS (DELETE FROM {from} RETURNING {names}) INSERT INTO {target} ({names}) SELECT {names} FROM gone"),
                &[],
            )
            .await
            .sql()?;
        Ok(Outcome::count(i64::try_from(moved).unwrap_or(i64::MAX)))
    }

    pub(super) async fn drop_objects(&mut self, drop: &Drop) -> SqlResult<Outcome> {
        let cascade = if drop.cascade { " CASCADE" } else { "" };
        for name in &drop.names {
            let view = self.view().await?;
            if drop.kind == ObjectKind::Schema {
                if !view.snapshot.schemas.contains_key(&name.name) {
                    if drop.if_exists {
                        continue;
                    }
                    return Err(SqlError::new("3F000", format!("schema \"{}\" does not exist", name.name)));
                }
                self.script(&format!("DROP SCHEMA {}{cascade}", quote_identifier(&name.name))).await?;
                self.object_changed();
                continue;
            }
            let Some(entry) = view.entry(name.schema.as_deref(), &name.name) else {
                if drop.if_exists {
                    continue;
                }
                return Err(missing(name));
            };
            let (word, wanted) = match drop.kind {
                ObjectKind::Table => ("a table", RelationKind::Table),
                ObjectKind::View => ("a view", RelationKind::View),
                ObjectKind::MaterializedView | ObjectKind::Schema => {
                    ("a materialized view", RelationKind::MaterializedView)
                }
            };
            if entry.relation.kind != wanted {
                return Err(SqlError::new("42809", format!("\"{}\" is not {word}", name.name)));
            }
            let object = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
            let below = if drop.kind == ObjectKind::View { "VIEW" } else { "TABLE" };
            self.script(&format!("DROP {below} {object}{cascade}")).await?;
            if entry.relation.schema == "pg_temp" {
                let mut temporary = (*self.temporary).clone();
                temporary.remove(&name.name);
                self.temporary = std::sync::Arc::new(temporary);
            } else {
                self.object_changed();
            }
        }
        Ok(Outcome::nothing())
    }

    /// TRUNCATE commits the transaction it is in (Redshift Database Developer Guide, "TRUNCATE").
    pub(super) async fn truncate(&mut self, name: &ObjectName) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
        let streaming = !entry.meta["stream"].is_null();
        if entry.relation.kind != RelationKind::Table && !streaming {
            return Err(SqlError::new("42809", format!("\"{}\" is not a table", name.name)));
        }
        let sql = format!("TRUNCATE {}", qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name));
        self.script(&sql).await?;
        // Inside a procedure the interpreter commits, as it knows whether it may.
        if self.transaction.block && self.depth == 0 {
            self.commit_block().await?;
        }
        Ok(Outcome::nothing())
    }

    /// LOCK takes the strongest lock, before anything takes the transaction's snapshot.
    pub(super) async fn lock(&mut self, names: &[ObjectName]) -> SqlResult<Outcome> {
        if !self.transaction.open {
            return Err(SqlError::new("25P01", "LOCK TABLE can only be used in transaction blocks"));
        }
        let view = self.view().await?;
        for name in names {
            let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
            if entry.relation.kind != RelationKind::Table {
                return Err(SqlError::new("42809", format!("\"{}\" is not a table", name.name)));
            }
            let object = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
            self.script(&format!("LOCK TABLE {object} IN ACCESS EXCLUSIVE MODE")).await?;
        }
        Ok(Outcome::nothing())
    }
}
