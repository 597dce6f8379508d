//! SHOW of one thing: a parameter, a definition.
//!
//! Invariant: reads only.

use redshift_data_api::SqlError;
use redshift_sql::statement::Show;
use redshift_sql::{RelationKind, quote_identifier};

use super::definition::missing;
use super::routine::no_routine;
use super::settings::is_context_variable;
use super::{Outcome, RedshiftSession};
use crate::catalog::Entry;
use crate::error::SqlResult;

impl RedshiftSession {
    pub(super) async fn show(&mut self, show: &Show) -> SqlResult<Outcome> {
        let text = |value: &str| Some(value.to_owned());
        match show {
            Show::Parameter(name) => {
                let value =
                    if is_context_variable(name) { self.context_variable(name).await? } else { self.parameter(name)? };
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
            _ => self.show_list(show).await,
        }
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
