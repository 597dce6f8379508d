//! CREATE and ALTER MATERIALIZED VIEW.
//!
//! A materialized view is a table below, with the statement that fills it in its comment: the columns
//! and the meaning of its names are those of its creation, as in Redshift. Invariant: a view over a
//! stream begins empty; any other begins full.

use redshift_data_api::SqlError;
use redshift_sql::statement::AlterMaterializedView;
use redshift_sql::{Column, CreateMaterializedView, NoVariables, ObjectName, RelationKind, quote_identifier};
use serde_json::json;

use super::declared::{attributes_meta, set_sort_key};
use super::definition::{all_types, missing, qualified};
use super::{Outcome, RedshiftSession};
use crate::catalog::{View, freeze_settings};
use crate::error::{IntoSql as _, SqlResult, denied, from_front_end, refused};

impl RedshiftSession {
    pub(super) async fn create_materialized_view(&mut self, create: &CreateMaterializedView) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let schema = self.creation_schema(&view, &create.name)?;
        let name = &create.name.name;
        if view.entry(Some(&schema), name).is_some() {
            return Err(SqlError::new("42P07", format!("relation \"{name}\" already exists")));
        }
        let stream = redshift_sql::check_streaming_view(&create.query, &view).map_err(|e| from_front_end(e, None))?;
        if let Some((external, topic)) = &stream {
            if topic.len() > 128 {
                return Err(refused("a topic's name has 128 characters at most"));
            }
            let allowed: bool = self
                .database
                .reader
                .query_one(
                    "SELECT pg_catalog.has_schema_privilege($1::text::name, $2::text, 'USAGE')",
                    &[&self.role, external],
                )
                .await
                .sql()?
                .get(0);
            if !allowed {
                return Err(denied(format!("schema {external}")));
            }
        }
        let translated = redshift_sql::rewrite_query(&create.query, &view, &self.settings.front_end, &NoVariables)
            .map_err(|e| from_front_end(e, None))?;
        if create.auto_refresh {
            refuse_views_on_views(&view, &translated.reads)?;
        }
        let columns: Vec<Column> =
            translated.columns.iter().map(|column| Column::new(column.name.clone(), column.rs_type.clone())).collect();
        let object = qualified(&schema, name);
        let definitions: Vec<String> = columns
            .iter()
            .map(|column| format!("{} {}", quote_identifier(&column.name), column.rs_type.postgres()))
            .collect();
        self.script(&format!("CREATE TABLE {object} ({})", definitions.join(", "))).await?;
        let mut attributes = create.attributes.clone();
        let by_ordinal = |name: &String| -> SqlResult<String> {
            let Some(ordinal) = name.strip_prefix('#') else { return Ok(name.clone()) };
            ordinal
                .parse::<usize>()
                .ok()
                .and_then(|ordinal| columns.get(ordinal.checked_sub(1)?))
                .map(|column| column.name.clone())
                .ok_or_else(|| SqlError::new("42P10", format!("the view has no column {ordinal}")))
        };
        if let Some(key) = &attributes.dist_key {
            attributes.dist_key = Some(by_ordinal(key)?);
        }
        if let Some(key) = &mut attributes.sort_key {
            key.columns = key.columns.iter().map(by_ordinal).collect::<SqlResult<_>>()?;
        }
        for key in attributes.dist_key.iter().chain(attributes.sort_key.iter().flat_map(|key| &key.columns)) {
            if !columns.iter().any(|column| column.name == *key) {
                return Err(SqlError::new("42703", format!("column \"{key}\" does not exist")));
            }
        }
        // Redshift Database Developer Guide, "CREATE MATERIALIZED VIEW": the default is EVEN.
        let mut meta = attributes_meta(&attributes);
        if meta["diststyle"].is_null() {
            meta["diststyle"] = json!("EVEN");
        }
        meta["kind"] = json!("mv");
        meta["autorefresh"] = json!(create.auto_refresh);
        meta["definition"] = json!(create.query_text);
        meta["select"] = json!(translated.sql);
        meta["reads"] = json!(translated.reads);
        meta["types"] = all_types(&columns);
        meta["settings"] = freeze_settings(&self.settings.front_end);
        if let Some((external, topic)) = &stream {
            meta["stream"] = json!({ "schema": external, "topic": topic });
        }
        self.set_meta("TABLE", &object, &meta).await?;
        if stream.is_none() {
            self.transaction.snapshot_taken = true;
            self.script(&format!("INSERT INTO {object} {}", translated.sql)).await?;
        }
        self.object_changed();
        Ok(Outcome::nothing())
    }

    pub(super) async fn alter_materialized_view(
        &mut self,
        name: &ObjectName,
        action: &AlterMaterializedView,
    ) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
        if entry.relation.kind != RelationKind::MaterializedView {
            return Err(SqlError::new("42809", format!("\"{}\" is not a materialized view", name.name)));
        }
        let object = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
        let mut meta = entry.meta.clone();
        if let Some(map) = meta.as_object_mut() {
            map.remove("rs");
        }
        match action {
            AlterMaterializedView::AutoRefresh(on) => {
                if *on {
                    let reads: Vec<(String, String)> =
                        serde_json::from_value(meta["reads"].clone()).unwrap_or_default();
                    refuse_views_on_views(&view, &reads)?;
                }
                meta["autorefresh"] = json!(on);
            }
            AlterMaterializedView::DistStyle(_) => {}
            AlterMaterializedView::RowLevelSecurity(security) => {
                self.row_level_security(&entry, *security).await?;
                return Ok(Outcome::nothing());
            }
            AlterMaterializedView::DistKey(column) => {
                meta["diststyle"] = json!(format!("KEY({column})"));
                meta["distkey"] = json!(column);
            }
            AlterMaterializedView::SortKey(key) => set_sort_key(&mut meta, key),
            AlterMaterializedView::OwnerTo(owner) => {
                self.script(&format!("ALTER TABLE {object} OWNER TO {}", quote_identifier(owner))).await?;
            }
        }
        self.set_meta("TABLE", &object, &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }
}

/// "CREATE MATERIALIZED VIEW": AUTO REFRESH is for views over tables and streams, not over other materialized views.
fn refuse_views_on_views(view: &View, reads: &[(String, String)]) -> SqlResult<()> {
    let below = reads.iter().find(|(schema, name)| {
        view.entry(Some(schema), name).is_some_and(|entry| entry.relation.kind == RelationKind::MaterializedView)
    });
    match below {
        Some((_, name)) => {
            Err(refused(format!("AUTO REFRESH of a view on the materialized view \"{name}\" is not supported")))
        }
        None => Ok(()),
    }
}
