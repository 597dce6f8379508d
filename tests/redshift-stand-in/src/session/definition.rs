//! CREATE of tables, views and schemas.
//!
//! The front end writes PostgreSQL's text; what PostgreSQL has no place for (distribution, keys that
//! nobody enforces, a view's own types) goes into the object's comment. Invariant: object and comment
//! change in one transaction.

use redshift_data_api::SqlError;
use redshift_sql::statement::{
    AlterSchema, AlterTable, CreateExternalSchema, CreateSchema, CreateTable, CreateTableAs, Statement,
    StreamAuthentication, StreamSource,
};
use redshift_sql::{
    Column, CreateView, ObjectName, OutputColumn, RelationKind, RsType, Translated, quote_identifier, quote_literal,
};
use serde_json::{Value as Json, json};

use super::declared::{attributes_meta, declared};
use super::query::as_variables;
use super::{Outcome, RedshiftSession, Scope};
use crate::catalog::{self, KINESIS, View, freeze_settings};
use crate::error::{IntoSql as _, SqlResult, denied, from_front_end, refused};

/// `"schema"."name"` for PostgreSQL.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

impl RedshiftSession {
    /// Runs inside a transaction.
    pub(super) async fn define(&mut self, statement: &Statement, scope: &dyn Scope) -> SqlResult<Outcome> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create, scope).await,
            Statement::CreateTableAs(create) => self.create_table_as(create, scope).await,
            Statement::CreateView(create) if create.no_schema_binding => self.create_late_view(create).await,
            Statement::CreateView(create) => self.create_view(create, scope).await,
            Statement::AlterTable(alter) => {
                let outcome = self.alter_table(alter, scope).await?;
                for action in &alter.more {
                    let one = AlterTable { name: alter.name.clone(), action: action.clone(), more: Vec::new() };
                    self.alter_table(&one, scope).await?;
                }
                Ok(outcome)
            }
            Statement::Drop(drop) => self.drop_objects(drop).await,
            Statement::CreateSchema(create) => self.create_schema(create).await,
            Statement::AlterSchema { name, action } => self.alter_schema(name, action).await,
            Statement::CreateExternalSchema(create) => self.create_external_schema(create).await,
            Statement::Comment { kind, name, text } => self.comment(kind, name, text.as_deref()).await,
            Statement::CreateMaterializedView(create) => self.create_materialized_view(create).await,
            Statement::AlterMaterializedView { name, action } => self.alter_materialized_view(name, action).await,
            Statement::CreateProcedure(create) => self.create_procedure(create).await,
            Statement::CreateFunction(create) => self.create_function(create, statement).await,
            Statement::DropRoutine(drop) => self.drop_routine(drop).await,
            Statement::AlterProcedure { name, arguments, action } => {
                self.alter_procedure(name, arguments.as_deref(), action).await
            }
            Statement::AlterDefaultPrivileges(defaults) => self.alter_default_privileges(defaults).await,
            Statement::Grant(grant) => self.grant(grant, true).await,
            Statement::Revoke(grant) => self.grant(grant, false).await,
            Statement::Policy(policy) => self.policy(policy).await,
            Statement::User(user) => self.user(user).await,
            Statement::DropUsers { names, if_exists } => self.drop_users(names, *if_exists).await,
            Statement::CreateGroup { name, users } => self.create_group(name, users).await,
            Statement::AlterGroup { name, add, users } => self.alter_group(name, *add, users).await,
            Statement::RenameRole { group, name, to } => self.rename_role(*group, name, to).await,
            Statement::DropGroup { name, if_exists } => self.drop_role(&format!("group:{name}"), *if_exists).await,
            Statement::CreateRole { name } => self.create_role(name).await,
            Statement::DropRole { name, if_exists, force } => {
                let role = format!("role:{name}");
                // FORCE takes the role's grants away first (Redshift Database Developer Guide, "DROP ROLE").
                if *force && self.database.superuser(&role).await?.is_some() {
                    self.script(&format!("DROP OWNED BY {}", quote_identifier(&role))).await?;
                }
                self.drop_role(&role, *if_exists).await
            }
            Statement::Analyze(name) => self.analyze(name.as_ref()).await,
            other => Err(refused(format!("{} is not supported by this stand-in", other.tag()))),
        }
    }

    /// Sends a script of the engine's own.
    pub(super) async fn script(&mut self, sql: &str) -> SqlResult<()> {
        self.client.batch_execute(sql).await.sql()
    }

    pub(super) fn translate(&self, statement: &Statement, view: &View, scope: &dyn Scope) -> SqlResult<Translated> {
        redshift_sql::rewrite(statement, view, &self.settings.front_end, as_variables(scope))
            .map_err(|e| from_front_end(e, None))
    }

    /// The schema in which an unqualified new object comes into being.
    pub(super) fn creation_schema(&self, view: &View, name: &ObjectName) -> SqlResult<String> {
        let schema = match &name.schema {
            Some(schema) => {
                if !view.snapshot.schemas.contains_key(schema) {
                    return Err(SqlError::new("3F000", format!("schema \"{schema}\" does not exist")));
                }
                schema.clone()
            }
            None => view
                .path()
                .next()
                .ok_or_else(|| SqlError::new("3F000", "no schema has been selected to create in"))?
                .to_owned(),
        };
        if view.snapshot.schemas[&schema].is_external() {
            return Err(refused(format!("objects cannot be created in external schema \"{schema}\"")));
        }
        Ok(schema)
    }

    /// The schema of a new table, which its name then has if the table is permanent.
    fn place(&self, view: &View, name: &mut ObjectName, temporary: bool) -> SqlResult<String> {
        if temporary {
            return Ok("pg_temp".to_owned());
        }
        let schema = self.creation_schema(view, name)?;
        name.schema = Some(schema.clone());
        Ok(schema)
    }

    /// Keeps what PostgreSQL has no place for.
    pub(super) async fn set_meta(&mut self, kind: &str, object: &str, meta: &Json) -> SqlResult<()> {
        // The marker comes first, whatever the order of the other members.
        let text = meta.to_string();
        let text = match text.strip_prefix('{') {
            Some("}") | None => "{\"rs\":1}".to_owned(),
            Some(rest) => format!("{{\"rs\":1,{rest}"),
        };
        self.script(&format!("COMMENT ON {kind} {object} IS {}", quote_literal(&text))).await
    }

    async fn create_table(&mut self, create: &CreateTable, scope: &dyn Scope) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let mut create = create.clone();
        let schema = self.place(&view, &mut create.name, create.temporary)?;
        let name = create.name.name.clone();
        if view.entry(Some(&schema), &name).is_some() {
            return if create.if_not_exists { Ok(Outcome::nothing()) } else { Err(exists(&name)) };
        }
        let translated = self.translate(&Statement::CreateTable(create.clone()), &view, scope)?;
        self.script(&translated.sql).await?;
        let mut columns: Vec<Column> = create
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                rs_type: column.rs_type.clone(),
                nullable: !column.not_null,
                identity: column.identity.is_some_and(|identity| !identity.by_default),
                has_default: column.default.is_some(),
                length_check: None,
            })
            .collect();
        if let Some((like, _)) = &create.like
            && let Some(entry) = view.entry(like.schema.as_deref(), &like.name)
        {
            columns.extend(entry.relation.columns.iter().cloned());
        }
        if create.temporary {
            self.add_temporary(&name, columns);
            return Ok(Outcome::nothing());
        }
        let mut meta = attributes_meta(&create.attributes);
        meta["types"] = uncommon_types(&columns);
        declared(&create, &schema, &mut meta);
        self.set_meta("TABLE", &qualified(&schema, &name), &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    async fn create_table_as(&mut self, create: &CreateTableAs, scope: &dyn Scope) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let mut create = create.clone();
        let schema = self.place(&view, &mut create.name, create.temporary)?;
        let name = create.name.name.clone();
        if view.entry(Some(&schema), &name).is_some() {
            return Err(exists(&name));
        }
        let translated = self.translate(&Statement::CreateTableAs(create.clone()), &view, scope)?;
        let result_columns = translated.columns.clone();
        // PostgreSQL returns no rows for it, whatever columns the table gets.
        let command = Translated { columns: Vec::new(), ..translated };
        let outcome = self.send(&command, scope).await?;
        let columns = named_columns(&result_columns, &create.columns);
        if create.temporary {
            self.add_temporary(&name, columns);
        } else {
            let mut meta = attributes_meta(&create.attributes);
            meta["types"] = all_types(&columns);
            self.set_meta("TABLE", &qualified(&schema, &name), &meta).await?;
            self.object_changed();
        }
        Ok(Outcome::count(outcome.affected))
    }

    fn add_temporary(&mut self, name: &str, columns: Vec<Column>) {
        let mut temporary = (*self.temporary).clone();
        temporary.insert(name.to_owned(), catalog::temporary_entry(name, columns));
        self.temporary = std::sync::Arc::new(temporary);
    }

    async fn create_view(&mut self, create: &CreateView, scope: &dyn Scope) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let mut create = create.clone();
        let schema = self.place(&view, &mut create.name, false)?;
        let translated = self.translate(&Statement::CreateView(create.clone()), &view, scope)?;
        self.transaction.snapshot_taken = true;
        self.script(&translated.sql).await?;
        let columns = named_columns(&translated.columns, &create.columns);
        let meta = json!({
            "kind": "view",
            "definition": create.query_text,
            "types": all_types(&columns),
            "settings": freeze_settings(&self.settings.front_end),
        });
        self.set_meta("VIEW", &qualified(&schema, &create.name.name), &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    /// A late-binding view is an empty view below, for its name, owner and grants; its query is
    /// put in its place wherever it is used.
    async fn create_late_view(&mut self, create: &CreateView) -> SqlResult<Outcome> {
        // Redshift Database Developer Guide, "CREATE VIEW": names must have their schema.
        if let Some(name) = create.query.unqualified_relation() {
            return Err(SqlError::new(
                "42P01",
                format!("relation \"{name}\" must be written with its schema in a view WITH NO SCHEMA BINDING"),
            ));
        }
        let view = self.view().await?;
        let schema = self.creation_schema(&view, &create.name)?;
        let object = qualified(&schema, &create.name.name);
        if let Some(entry) = view.entry(Some(&schema), &create.name.name) {
            if !create.or_replace {
                return Err(exists(&create.name.name));
            }
            if entry.relation.kind != RelationKind::View {
                return Err(SqlError::new("42809", format!("\"{}\" is not a view", create.name.name)));
            }
            if entry.meta["kind"] != "late" {
                self.script(&format!("DROP VIEW {object}")).await?;
            }
        }
        self.script(&format!("CREATE OR REPLACE VIEW {object} AS SELECT NULL::text AS late WHERE false")).await?;
        let meta = json!({
            "kind": "late",
            "definition": create.query_text,
            "columns": create.columns,
            "settings": freeze_settings(&self.settings.front_end),
        });
        self.set_meta("VIEW", &object, &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    async fn create_schema(&mut self, create: &CreateSchema) -> SqlResult<Outcome> {
        let view = self.view().await?;
        if view.snapshot.schemas.contains_key(&create.name) {
            return if create.if_not_exists {
                Ok(Outcome::nothing())
            } else {
                Err(SqlError::new("42P06", format!("schema \"{}\" already exists", create.name)))
            };
        }
        reserved_schema(&create.name)?;
        let owner = create
            .authorization
            .as_ref()
            .map(|owner| format!(" AUTHORIZATION {}", quote_identifier(owner)))
            .unwrap_or_default();
        self.script(&format!("CREATE SCHEMA {}{owner}", quote_identifier(&create.name))).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    async fn alter_schema(&mut self, name: &str, action: &AlterSchema) -> SqlResult<Outcome> {
        let schema = quote_identifier(name);
        match action {
            AlterSchema::RenameTo(to) => {
                reserved_schema(to)?;
                self.script(&format!("ALTER SCHEMA {schema} RENAME TO {}", quote_identifier(to))).await?;
            }
            AlterSchema::OwnerTo(owner) => {
                self.script(&format!("ALTER SCHEMA {schema} OWNER TO {}", quote_identifier(owner))).await?;
            }
            AlterSchema::Quota(_) => {}
        }
        self.object_changed();
        Ok(Outcome::nothing())
    }

    async fn create_external_schema(&mut self, create: &CreateExternalSchema) -> SqlResult<Outcome> {
        let view = self.view().await?;
        if view.snapshot.schemas.contains_key(&create.name) {
            // IF NOT EXISTS keeps what is there, stale brokers included.
            return if create.if_not_exists {
                Ok(Outcome::nothing())
            } else {
                Err(SqlError::new("42P06", format!("schema \"{}\" already exists", create.name)))
            };
        }
        reserved_schema(&create.name)?;
        let authentication = match create.authentication {
            StreamAuthentication::None => "none",
            StreamAuthentication::Iam => "iam",
            StreamAuthentication::Mtls => "mtls",
        };
        // Redshift Database Developer Guide, "Getting started with streaming ingestion from Apache
        // Kafka sources": no role is needed only where nobody logs in.
        if authentication != "none" && create.iam_role.is_none() {
            return Err(SqlError::new("42601", format!("IAM_ROLE is required with AUTHENTICATION {authentication}")));
        }
        let schema = quote_identifier(&create.name);
        self.script(&format!("CREATE SCHEMA {schema}")).await?;
        let meta = json!({
            "kind": "external",
            "source": match create.source {
                StreamSource::Kafka => "KAFKA",
                StreamSource::Kinesis => KINESIS,
                StreamSource::Msk => "MSK",
            },
            "options": {
                "IAM_ROLE": create.iam_role,
                "URI": create.uri,
                "CLUSTER_ARN": create.cluster_arn,
                "AUTHENTICATION": authentication,
                "AUTHENTICATION_ARN": create.credential_arn,
            },
        });
        self.set_meta("SCHEMA", &schema, &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    async fn analyze(&mut self, name: Option<&ObjectName>) -> SqlResult<Outcome> {
        if let Some(name) = name {
            let view = self.view().await?;
            let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
            if entry.owner != self.role && self.database.superuser(&self.role).await? != Some(true) {
                return Err(denied(format!("relation {}", name.name)));
            }
            let object = qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name);
            self.script(&format!("ANALYZE {object}")).await?;
        }
        Ok(Outcome::nothing())
    }
}

/// `relation … does not exist`.
pub(crate) fn missing(name: &ObjectName) -> SqlError {
    let full = match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    SqlError::new("42P01", format!("relation \"{full}\" does not exist"))
}

/// A result's columns under the names that a definition gives to the first of them.
fn named_columns(result: &[OutputColumn], names: &[String]) -> Vec<Column> {
    let named = result.iter().enumerate();
    named.map(|(n, column)| Column::new(names.get(n).unwrap_or(&column.name), column.rs_type.clone())).collect()
}

fn exists(name: &str) -> SqlError {
    SqlError::new("42P07", format!("relation \"{name}\" already exists"))
}

/// Names that are taken below.
fn reserved_schema(name: &str) -> SqlResult<()> {
    if name.starts_with("pg_") || ["rs", "rs_catalog", "rs_sys", "information_schema"].contains(&name) {
        return Err(SqlError::new("42939", format!("unacceptable schema name \"{name}\"")));
    }
    Ok(())
}

/// Types that PostgreSQL's columns do not tell: VARBYTE has no length below.
fn uncommon_types(columns: &[Column]) -> Json {
    let kept = columns
        .iter()
        .filter(|column| matches!(column.rs_type, RsType::Varbyte(_)))
        .map(|column| (column.name.clone(), json!(column.rs_type.to_string())))
        .collect();
    Json::Object(kept)
}

/// All columns' types.
pub(super) fn all_types(columns: &[Column]) -> Json {
    let kept = columns.iter().map(|column| (column.name.clone(), json!(column.rs_type.to_string()))).collect();
    Json::Object(kept)
}
