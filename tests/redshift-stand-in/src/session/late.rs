//! The columns of late-binding views, for the catalogs that list columns.
//!
//! They are what a view's query gives now (Redshift Database Developer Guide, "PG_GET_LATE_BINDING_VIEW_COLS"), so that they are found
//! before each question and handed over in the parameter `rs.late_columns`. A view whose query cannot be resolved has none.

use redshift_sql::statement::Statement;
use redshift_sql::{NoVariables, Translated, quote_identifier, quote_literal};
use serde_json::{Value as Json, json};

use super::RedshiftSession;
use crate::error::{IntoSql as _, SqlResult};

/// The system relations that list columns; some are found under two schemas.
const LISTING_COLUMNS: &[&str] = &[
    "columns",
    "pg_get_cols",
    "pg_get_late_binding_view_cols",
    "svv_all_columns",
    "svv_columns",
    "svv_redshift_columns",
];

impl RedshiftSession {
    /// Hands the columns over if a statement asks for columns.
    pub(super) async fn describe_late_views_for(&mut self, translated: &Translated) -> SqlResult<()> {
        let asks = translated.reads.iter().any(|(schema, name)| {
            (schema == "pg_catalog" || schema == "information_schema") && LISTING_COLUMNS.contains(&name.as_str())
        });
        if asks { self.describe_late_views().await } else { Ok(()) }
    }

    pub(super) async fn describe_late_views(&mut self) -> SqlResult<()> {
        let view = self.view().await?;
        let mut described: Vec<Json> = Vec::new();
        for entry in view.snapshot.relations.values().filter(|entry| entry.meta["kind"] == "late") {
            let (schema, name) = (&entry.relation.schema, &entry.relation.name);
            let text = format!("SELECT * FROM {}.{}", quote_identifier(schema), quote_identifier(name));
            let settings = &self.settings.front_end;
            let resolved = redshift_sql::parse(&text, settings)
                .and_then(|statement: Statement| redshift_sql::rewrite(&statement, &view, settings, &NoVariables));
            for (index, column) in resolved.iter().flat_map(|translated| translated.columns.iter().enumerate()) {
                described.push(json!({
                    "schema": schema, "name": name, "column": column.name, "type": column.rs_type.to_string(), "number": index + 1,
                }));
            }
        }
        let text = if described.is_empty() { String::new() } else { Json::Array(described).to_string() };
        self.client.batch_execute(&format!("SET rs.late_columns TO {}", quote_literal(&text))).await.sql()
    }
}
