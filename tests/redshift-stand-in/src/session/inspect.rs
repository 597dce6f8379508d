//! SHOW.
//!
//! Invariant: reads only.

use redshift_data_api::SqlError;
use redshift_sql::statement::Show;
use redshift_sql::{RelationKind, quote_identifier};

use super::definition::missing;
use super::routine::no_routine;
use super::{Outcome, RedshiftSession};
use crate::catalog::Entry;
use crate::error::{IntoSql as _, SqlResult, refused};

impl RedshiftSession {
    pub(super) async fn show(&mut self, show: &Show) -> SqlResult<Outcome> {
        let text = |value: &str| Some(value.to_owned());
        match show {
            Show::Parameter(name) => {
                let value = self.parameter(name)?;
                Ok(Outcome::texts(&[name], vec![vec![Some(value)]]))
            }
            Show::All => Ok(Outcome::texts(&["name", "setting"], self.all_parameters())),
            Show::Procedure(name, arguments) => {
                let view = self.view().await?;
                let procedure = Self::find_procedure(&view, name, arguments.as_deref())?
                    .ok_or_else(|| no_routine(true, name, arguments.as_deref()))?;
                let arguments: Vec<String> = procedure
                    .arguments
                    .iter()
                    .map(|a| {
                        let mode = match (a.input, a.output) {
                            (true, true) => "INOUT ",
                            (false, true) => "OUT ",
                            _ => "",
                        };
                        let kind = a.rs_type.as_ref().map_or_else(|| "refcursor".to_owned(), ToString::to_string);
                        format!("{} {mode}{kind}", a.name)
                    })
                    .collect();
                let definition = format!(
                    "CREATE OR REPLACE PROCEDURE {}.{}({})\n{}LANGUAGE plpgsql\n{}AS $$\n{}\n$$\n",
                    procedure.schema,
                    procedure.name,
                    arguments.join(", "),
                    if procedure.nonatomic { "NONATOMIC\n" } else { "" },
                    if procedure.definer { "SECURITY DEFINER\n" } else { "" },
                    procedure.source
                );
                Ok(Outcome::texts(&["Stored Procedure Definition"], vec![vec![Some(definition)]]))
            }
            Show::View(name) => {
                let view = self.view().await?;
                let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
                let definition = entry.meta["definition"]
                    .as_str()
                    .ok_or_else(|| SqlError::new("42809", format!("\"{}\" is not a view", name.name)))?;
                Ok(Outcome::texts(&["View DDL Statement"], vec![vec![text(definition)]]))
            }
            Show::Table(name) => {
                let view = self.view().await?;
                let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
                if entry.relation.kind != RelationKind::Table {
                    return Err(SqlError::new("42809", format!("\"{}\" is not a table", name.name)));
                }
                Ok(Outcome::texts(&["Show Table DDL statement"], vec![vec![Some(table_text(&entry))]]))
            }
            Show::Schemas { database, like, limit } => {
                self.check_database(database)?;
                self.listing(
                    "SELECT database_name, schema_name, schema_owner::text, schema_type, schema_acl, source_database, schema_option
                     FROM rs_sys.svv_all_schemas WHERE schema_name LIKE $1 ORDER BY schema_name",
                    &["database_name", "schema_name", "schema_owner", "schema_type", "schema_acl", "source_database", "schema_option"],
                    &[like.as_deref().unwrap_or("%")],
                    *limit,
                )
                .await
            }
            Show::Tables { schema, like, limit } => {
                if let Some(database) = schema.schema.as_ref().or(schema.database.as_ref()) {
                    self.check_database(database)?;
                }
                self.listing(
                    "SELECT database_name, schema_name, table_name, table_type, table_acl, remarks
                     FROM rs_sys.svv_all_tables WHERE table_name LIKE $1 AND schema_name = $2 ORDER BY table_name",
                    &["database_name", "schema_name", "table_name", "table_type", "table_acl", "remarks"],
                    &[like.as_deref().unwrap_or("%"), &schema.name],
                    *limit,
                )
                .await
            }
            Show::Columns { table, like, limit } => {
                if let Some(database) = &table.database {
                    self.check_database(database)?;
                }
                let view = self.view().await?;
                let entry = view.entry(table.schema.as_deref(), &table.name).ok_or_else(|| missing(table))?;
                self.listing(
                    "SELECT database_name, schema_name, table_name, column_name, ordinal_position::text, column_default, is_nullable,
                            data_type, character_maximum_length::text, numeric_precision::text, numeric_scale::text, remarks
                     FROM rs_sys.svv_all_columns WHERE column_name LIKE $1 AND schema_name = $2 AND table_name = $3
                     ORDER BY ordinal_position::int",
                    &[
                        "database_name", "schema_name", "table_name", "column_name", "ordinal_position", "column_default",
                        "is_nullable", "data_type", "character_maximum_length", "numeric_precision", "numeric_scale", "remarks",
                    ],
                    &[like.as_deref().unwrap_or("%"), &entry.relation.schema, &entry.relation.name],
                    *limit,
                )
                .await
            }
            Show::Databases { like, limit } => {
                self.listing(
                    "SELECT database_name, database_owner::text, database_type, database_acl, database_options, database_isolation_level
                     FROM rs_sys.svv_redshift_databases WHERE database_name LIKE $1 ORDER BY database_name",
                    &["database_name", "database_owner", "database_type", "database_acl", "parameters", "database_isolation_level"],
                    &[like.as_deref().unwrap_or("%")],
                    *limit,
                )
                .await
            }
        }
    }

    fn check_database(&self, name: &str) -> SqlResult<()> {
        if name == self.database.name {
            Ok(())
        } else {
            Err(refused(format!("cross-database reference to database \"{name}\" is not supported by this stand-in")))
        }
    }

    async fn listing(
        &mut self,
        sql: &str,
        names: &[&str],
        parameters: &[&str],
        limit: Option<u64>,
    ) -> SqlResult<Outcome> {
        let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            parameters.iter().map(|p| p as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
        let rows = self.client.query(sql, &parameters).await.sql()?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let rows = rows
            .iter()
            .take(limit)
            .map(|row| (0..names.len()).map(|index| row.get::<_, Option<String>>(index)).collect())
            .collect();
        Ok(Outcome::texts(names, rows))
    }
}

fn table_text(entry: &Entry) -> String {
    let columns: Vec<String> = entry
        .relation
        .columns
        .iter()
        .map(|column| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            format!("    {} {}{null}", quote_identifier(&column.name), column.rs_type)
        })
        .collect();
    let mut text =
        format!("CREATE TABLE {}.{} (\n{}\n)", entry.relation.schema, entry.relation.name, columns.join(",\n"));
    if let Some(key) = entry.meta["distkey"].as_str() {
        text.push_str(&format!("\nDISTSTYLE KEY\nDISTKEY ({key})"));
    } else {
        let style = entry.meta["diststyle"].as_str().unwrap_or("AUTO");
        text.push_str(&format!("\nDISTSTYLE {}", style.split('(').next().unwrap_or(style)));
    }
    if let Some(keys) = entry.meta["sortkey"].as_array() {
        let keys: Vec<&str> = keys.iter().filter_map(|key| key.as_str()).collect();
        text.push_str(&format!("\nSORTKEY ({})", keys.join(", ")));
    }
    text.push(';');
    text
}
