//! CREATE, ALTER and DROP DATABASE, and COMMENT.
//!
//! A database's isolation level is a setting of the PostgreSQL database that new sessions read. Invariant: the databases below that
//! are not Redshift's cannot be named.

use redshift_data_api::SqlError;
use redshift_sql::quote_identifier;
use redshift_sql::quote_literal;
use redshift_sql::statement::{AlterDatabase, CreateDatabase};
use serde_json::json;

use super::definition::{missing, qualified};
use super::{Outcome, RedshiftSession};
use crate::engine::{is_reserved_database, isolation_statement};
use crate::error::{IntoSql as _, SqlResult, denied, refused};

impl RedshiftSession {
    /// Redshift Database Developer Guide, "CREATE DATABASE": superusers and users with CREATEDB.
    async fn check_create_database(&self) -> SqlResult<()> {
        let row = self
            .database
            .reader
            .query_one("SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = $1", &[&self.role])
            .await
            .sql()?;
        if row.get(0) { Ok(()) } else { Err(denied("create database")) }
    }

    pub(super) async fn create_database(&mut self, create: &CreateDatabase) -> SqlResult<Outcome> {
        self.check_create_database().await?;
        let name = &create.name;
        if is_reserved_database(name) {
            return Err(SqlError::new("42P04", format!("database \"{name}\" already exists")));
        }
        let owner = create.owner.as_ref().unwrap_or(&self.role);
        self.database.warehouse.create_database(name, Some(owner), create.serializable).await.sql()?;
        Ok(Outcome::nothing())
    }

    pub(super) async fn alter_database(&mut self, name: &str, action: &AlterDatabase) -> SqlResult<Outcome> {
        self.check_create_database().await?;
        self.check_database_exists(name).await?;
        let quoted = quote_identifier(name);
        let sql = match action {
            // "ALTER DATABASE": the current database cannot be renamed.
            AlterDatabase::RenameTo(_) if name == self.database.name => {
                return Err(refused("current database may not be renamed"));
            }
            AlterDatabase::RenameTo(new) => {
                self.database.warehouse.forget_database(name).await;
                format!("ALTER DATABASE {quoted} RENAME TO {}", quote_identifier(new))
            }
            AlterDatabase::OwnerTo(owner) => format!("ALTER DATABASE {quoted} OWNER TO {}", quote_identifier(owner)),
            AlterDatabase::ConnectionLimit => return Ok(Outcome::nothing()),
            AlterDatabase::Isolation(_) if name == "dev" => {
                return Err(refused("the isolation level of the dev database cannot be altered"));
            }
            AlterDatabase::Isolation(serializable) => isolation_statement(name, *serializable),
        };
        self.database.warehouse.maintain(&sql).await.sql()?;
        Ok(Outcome::nothing())
    }

    pub(super) async fn drop_database(&mut self, name: &str) -> SqlResult<Outcome> {
        self.check_create_database().await?;
        self.check_database_exists(name).await?;
        if name == self.database.name {
            return Err(SqlError::new("55006", "cannot drop the currently open database"));
        }
        self.database.warehouse.forget_database(name).await;
        self.database.warehouse.maintain(&format!("DROP DATABASE {}", quote_identifier(name))).await.sql()?;
        Ok(Outcome::nothing())
    }

    async fn check_database_exists(&self, name: &str) -> SqlResult<()> {
        let row = self
            .database
            .reader
            .query_one("SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)", &[&name])
            .await
            .sql()?;
        if row.get::<_, bool>(0) && !is_reserved_database(name) {
            return Ok(());
        }
        Err(SqlError::new("3D000", format!("database \"{name}\" does not exist")))
    }

    /// "COMMENT": a column's and a database's are PostgreSQL's own; those of other objects stand beside what the stand-in keeps.
    pub(super) async fn comment(&mut self, kind: &str, name: &[String], text: Option<&str>) -> SqlResult<Outcome> {
        let quoted = text.map_or_else(|| "NULL".to_owned(), quote_literal);
        let view = self.view().await?;
        let (parts, column) = match (kind, name.split_last()) {
            ("COLUMN", Some((column, table))) => (table, Some(column)),
            _ => (name, None),
        };
        if kind == "DATABASE" {
            return match parts {
                [database] if *database == self.database.name => {
                    self.script(&format!("COMMENT ON DATABASE {} IS {quoted}", quote_identifier(database))).await?;
                    Ok(Outcome::nothing())
                }
                _ => Err(refused("comments on databases may only be applied to the current database")),
            };
        }
        if kind == "SCHEMA" {
            let found = parts.first().and_then(|name| Some((name, view.snapshot.schemas.get(name)?)));
            let Some((schema, found)) = found else {
                return Err(SqlError::new("3F000", format!("schema \"{}\" does not exist", parts.join("."))));
            };
            let meta = commented(&found.meta, text);
            self.set_meta("SCHEMA", &quote_identifier(schema), &meta).await?;
            self.object_changed();
            return Ok(Outcome::nothing());
        }
        let parts = match parts {
            [database, rest @ ..] if rest.len() == 2 && *database == self.database.name => rest,
            all => all,
        };
        let object = match parts {
            [name] => redshift_sql::ObjectName::bare(name.clone()),
            [schema, name] => {
                redshift_sql::ObjectName { database: None, schema: Some(schema.clone()), name: name.clone() }
            }
            _ => return Err(SqlError::new("42601", "COMMENT takes the name of a table, with its schema")),
        };
        let entry = view.entry(object.schema.as_deref(), &object.name).ok_or_else(|| missing(&object))?;
        let below = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
        match column {
            Some(column) if entry.meta["kind"] == "late" => {
                return Err(refused(format!(
                    "a comment on column \"{column}\" of a late-binding view is not supported"
                )));
            }
            Some(column) => {
                self.script(&format!("COMMENT ON COLUMN {below}.{} IS {quoted}", quote_identifier(column))).await?;
            }
            None => {
                let late_or_view = ["late", "view"].iter().any(|k| entry.meta["kind"] == *k);
                let meta = commented(&entry.meta, text);
                self.set_meta(if late_or_view { "VIEW" } else { "TABLE" }, &below, &meta).await?;
            }
        }
        self.object_changed();
        Ok(Outcome::nothing())
    }
}

/// What is kept of an object, with another comment.
fn commented(meta: &serde_json::Value, text: Option<&str>) -> serde_json::Value {
    let mut meta = meta.clone();
    if let Some(map) = meta.as_object_mut() {
        map.remove("rs");
        match text {
            Some(text) => map.insert("comment".to_owned(), json!(text)),
            None => map.remove("comment"),
        };
    }
    meta
}
