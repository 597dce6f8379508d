//! The SHOW commands that list things: questions to the views of `show.sql`, whose columns are the documentation's.
//!
//! Invariant: reads only, and shows what the user may see.

use redshift_sql::statement::{ArgumentType, Show};
use redshift_sql::{ObjectName, OutputColumn, RsType};
use tokio_postgres::types::ToSql;

use super::definition::missing;
use super::{Outcome, RedshiftSession};
use crate::error::{IntoSql as _, SqlResult, refused};
use crate::value::Datum;

/// A question to one of the views.
struct Listing<'a> {
    /// Columns and view.
    select: &'a str,
    /// Columns and the values that they have.
    equal: Vec<(&'a str, &'a str)>,
    like: Option<(&'a str, &'a str)>,
    order: &'a str,
    limit: Option<u64>,
}

impl RedshiftSession {
    pub(super) async fn show_list(&mut self, show: &Show) -> SqlResult<Outcome> {
        match show {
            Show::Databases { like, limit } => {
                self.list(Listing {
                    select: "* FROM rs_catalog.show_databases",
                    equal: Vec::new(),
                    like: like.as_deref().map(|like| ("database_name", like)),
                    order: "database_name",
                    limit: *limit,
                })
                .await
            }
            Show::Schemas { database, like, limit } => {
                self.check_database(database)?;
                self.list(Listing {
                    select: "* FROM rs_catalog.show_schemas",
                    equal: Vec::new(),
                    like: like.as_deref().map(|like| ("schema_name", like)),
                    order: "schema_name",
                    limit: *limit,
                })
                .await
            }
            Show::Tables { schema, like, limit } => {
                self.check_parent(schema)?;
                self.list(Listing {
                    select: "* FROM rs_catalog.show_tables",
                    equal: vec![("schema_name", schema.name.as_str())],
                    like: like.as_deref().map(|like| ("table_name", like)),
                    order: "table_name",
                    limit: *limit,
                })
                .await
            }
            Show::Columns { table, like, limit } => {
                let (schema, name) = self.found(table).await?;
                self.list(Listing {
                    select: "* FROM rs_catalog.show_columns",
                    equal: vec![("schema_name", schema.as_str()), ("table_name", name.as_str())],
                    like: like.as_deref().map(|like| ("column_name", like)),
                    order: "ordinal_position",
                    limit: *limit,
                })
                .await
            }
            Show::Routines { procedures, schema, like, limit } => {
                self.check_parent(schema)?;
                let (select, name) = if *procedures {
                    ("* FROM rs_catalog.show_procedures", "procedure_name")
                } else {
                    ("* FROM rs_catalog.show_functions", "function_name")
                };
                self.list(Listing {
                    select,
                    equal: vec![("schema_name", schema.name.as_str())],
                    like: like.as_deref().map(|like| (name, like)),
                    order: name,
                    limit: *limit,
                })
                .await
            }
            Show::Parameters { procedure, name, arguments, like } => {
                self.show_parameters(*procedure, name, arguments.as_deref(), like.as_deref()).await
            }
            Show::PrimaryKeys { table, limit } => {
                let (schema, name) = self.found(table).await?;
                self.list(Listing {
                    select: "* FROM rs_catalog.show_primary_keys",
                    equal: vec![("schema_name", schema.as_str()), ("table_name", name.as_str())],
                    like: None,
                    order: "key_seq",
                    limit: *limit,
                })
                .await
            }
            Show::ForeignKeys { table, exported, limit } => {
                let (schema, name) = self.found(table).await?;
                let equal = if *exported {
                    vec![("pk_schema_name", schema.as_str()), ("pk_table_name", name.as_str())]
                } else {
                    vec![("fk_schema_name", schema.as_str()), ("fk_table_name", name.as_str())]
                };
                self.list(Listing {
                    select: "* FROM rs_catalog.show_foreign_keys",
                    equal,
                    like: None,
                    order: "fk_schema_name, fk_table_name, fk_name, key_seq",
                    limit: *limit,
                })
                .await
            }
            Show::Grants { on, to, limit } => self.show_grants(on.as_ref(), to.as_ref(), *limit).await,
            _ => Err(refused("this SHOW command lists nothing")),
        }
    }

    async fn show_parameters(
        &mut self,
        procedure: bool,
        name: &ObjectName,
        arguments: Option<&[ArgumentType]>,
        like: Option<&str>,
    ) -> SqlResult<Outcome> {
        let schema = name.schema.clone().unwrap_or_else(|| "public".to_owned());
        let types = arguments.map(|arguments| {
            let bare = |argument: &ArgumentType| match argument {
                ArgumentType::Scalar(rs_type) => rs_type.to_string().split('(').next().unwrap_or_default().to_owned(),
                ArgumentType::RefCursor => "refcursor".to_owned(),
            };
            arguments.iter().map(bare).collect::<Vec<_>>().join(", ")
        });
        let mut equal = vec![
            ("schema_name", schema.as_str()),
            ("routine_name", name.name.as_str()),
            ("prokind", if procedure { "p" } else { "f" }),
        ];
        if let Some(types) = &types {
            equal.push(("argument_list", types));
        }
        self.list(Listing {
            select: if procedure {
                "database_name, schema_name, routine_name AS procedure_name, parameter_name, ordinal_position, parameter_type, data_type, \
                 character_maximum_length, numeric_precision, numeric_scale FROM rs_catalog.show_parameters"
            } else {
                "database_name, schema_name, routine_name AS function_name, parameter_name, ordinal_position, parameter_type, data_type, \
                 character_maximum_length, numeric_precision, numeric_scale FROM rs_catalog.show_parameters"
            },
            equal,
            like: like.map(|like| ("parameter_name", like)),
            order: "ordinal_position",
            limit: None,
        })
        .await
    }

    /// "SHOW GRANTS" and "SHOW COLUMN GRANTS": the columns depend on what is asked.
    async fn show_grants(
        &mut self,
        on: Option<&(&'static str, ObjectName)>,
        to: Option<&(String, &'static str)>,
        limit: Option<u64>,
    ) -> SqlResult<Outcome> {
        let table = match on {
            Some(("TABLE" | "COLUMN", name)) => Some(self.found(name).await?),
            _ => None,
        };
        let mut equal = Vec::new();
        let select = match on {
            Some(("DATABASE", name)) => {
                self.check_database(&name.name)?;
                equal.push(("object_type", "DATABASE"));
                "database_name, privilege_type, identity_id, identity_name, identity_type, admin_option, privilege_scope, grantor_name \
                 FROM rs_catalog.show_grants"
            }
            Some(("COLUMN", _)) => {
                if let Some((schema, table)) = &table {
                    equal.extend([("schema_name", schema.as_str()), ("table_name", table.as_str())]);
                }
                "* FROM rs_catalog.show_column_grants"
            }
            Some((kind, name)) => {
                equal.push(("object_type", *kind));
                match (&table, *kind) {
                    (Some((schema, table)), _) => {
                        equal.extend([("schema_name", schema.as_str()), ("object_name", table.as_str())])
                    }
                    (None, "SCHEMA") => equal.push(("schema_name", &name.name)),
                    (None, _) => {
                        equal.push(("object_name", &name.name));
                        equal.extend(name.schema.as_deref().map(|schema| ("schema_name", schema)));
                    }
                }
                "* FROM rs_catalog.show_grants"
            }
            None => {
                "database_name, schema_name, object_name, object_type, privilege_type, identity_id, identity_name, identity_type, \
                 privilege_scope, grantor_name FROM rs_catalog.show_grants"
            }
        };
        if let Some((name, kind)) = to {
            equal.extend([("identity_name", name.as_str()), ("identity_type", kind)]);
        }
        let order = match on {
            Some(("COLUMN", _)) => "column_name, identity_name, privilege_type",
            _ => "object_type, schema_name, object_name, identity_name, privilege_type",
        };
        self.list(Listing { select, equal, like: None, order, limit }).await
    }

    /// Schema and name of a table that exists.
    async fn found(&mut self, table: &ObjectName) -> SqlResult<(String, String)> {
        if let Some(database) = &table.database {
            self.check_database(database)?;
        }
        let view = self.view().await?;
        let entry = view.entry(table.schema.as_deref(), &table.name).ok_or_else(|| missing(table))?;
        if entry.meta["kind"] == "late" {
            self.describe_late_views().await?;
        }
        Ok((entry.relation.schema.clone(), entry.relation.name.clone()))
    }

    /// In `database.schema` the schema is the name.
    fn check_parent(&self, schema: &ObjectName) -> SqlResult<()> {
        match schema.schema.as_ref().or(schema.database.as_ref()) {
            Some(database) => self.check_database(database),
            None => Ok(()),
        }
    }

    pub(super) fn check_database(&self, name: &str) -> SqlResult<()> {
        if name == self.database.name {
            Ok(())
        } else {
            Err(refused(format!("cross-database reference to database \"{name}\" is not supported by this stand-in")))
        }
    }

    async fn list(&mut self, listing: Listing<'_>) -> SqlResult<Outcome> {
        let mut values: Vec<&(dyn ToSql + Sync)> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        for (column, value) in &listing.equal {
            values.push(value);
            conditions.push(format!("{column}::text = ${}", values.len()));
        }
        if let Some((column, pattern)) = &listing.like {
            values.push(pattern);
            conditions.push(format!("{column}::text LIKE ${}", values.len()));
        }
        let limit = listing.limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
        let sql =
            format!("SELECT {} WHERE {} ORDER BY {}{limit}", listing.select, conditions.join(" AND "), listing.order);
        let prepared = self.client.prepare(&sql).await.sql()?;
        let rows = self.client.query(&prepared, &values).await.sql()?;
        let columns = prepared.columns().iter().map(|column| OutputColumn {
            name: column.name().to_owned(),
            rs_type: match column.type_().name() {
                "bool" => RsType::Boolean,
                "int2" => RsType::SmallInt,
                "int4" => RsType::Integer,
                "timestamp" => RsType::Timestamp,
                _ => RsType::Varchar(redshift_sql::MAX_VARCHAR),
            },
            origin: None,
        });
        let columns: Vec<OutputColumn> = columns.collect();
        let rows = rows
            .iter()
            .map(|row| (0..columns.len()).map(|index| row.try_get(index)).collect::<Result<Vec<Datum>, _>>().sql())
            .collect::<SqlResult<_>>()?;
        Ok(Outcome { columns: Some(columns), rows, affected: -1 })
    }
}
