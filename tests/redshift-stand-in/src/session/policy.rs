//! CREATE, ALTER, DROP, ATTACH and DETACH of policies, and ROW LEVEL SECURITY of relations (Redshift Database Developer Guide,
//! "Row-level security", "Dynamic data masking").
//!
//! Invariant: what is kept has been parsed, and names columns that are there.

use redshift_data_api::SqlError;
use redshift_sql::statement::{
    AlterTableAction, Attachment, Grant, Grantee, PolicyAction, PolicyKind, PolicyStatement, RowLevelSecurity,
};
use redshift_sql::{RelationKind, RsType, quote_literal};
use serde_json::{Value as Json, json};
use tokio_postgres::SimpleQueryMessage;

use super::definition::missing;
use super::{Outcome, RedshiftSession, role_statements};
use crate::catalog::{Entry, type_from_text};
use crate::error::{IntoSql as _, SqlResult, denied, refused};
use crate::protection::SECURITY_ADMIN;

fn duplicate(name: &str) -> SqlError {
    SqlError::new("42710", format!("policy \"{name}\" already exists"))
}

/// The kind and name of a grantee.
fn who(grantee: &Grantee) -> (&'static str, &str) {
    match grantee {
        Grantee::User(name) => ("user", name),
        Grantee::Role(name) => ("role", name),
        Grantee::Group(name) => ("group", name),
        Grantee::Public => ("public", "public"),
    }
}

fn array(names: &[String]) -> String {
    let list: Vec<String> = names.iter().map(|name| quote_literal(name)).collect();
    format!("ARRAY[{}]::text[]", list.join(", "))
}

impl RedshiftSession {
    pub(super) async fn policy(&mut self, statement: &PolicyStatement) -> SqlResult<Outcome> {
        self.security_admin_only().await?;
        let masking = statement.kind == PolicyKind::Masking;
        let name = quote_literal(&statement.name);
        let key = format!("masking = {masking} AND name = {name}");
        let known = self.kept_policy(masking, &statement.name).await?;
        if let PolicyAction::Create { if_not_exists, columns, alias, using } = &statement.action {
            if known.is_some() {
                return if *if_not_exists { Ok(Outcome::nothing()) } else { Err(duplicate(&statement.name)) };
            }
            let columns: Vec<Json> =
                columns.iter().map(|(name, ty)| json!({"name": name, "type": ty.to_string()})).collect();
            let alias = alias.as_ref().map_or_else(|| "NULL".to_owned(), |alias| quote_literal(alias));
            let columns = quote_literal(&Json::Array(columns).to_string());
            let by = quote_literal(&self.role);
            self.as_engine(&format!(
                "INSERT INTO rs_catalog.policy VALUES ({masking}, {name}, {columns}::jsonb, {alias}, {}, {by}, LOCALTIMESTAMP)",
                quote_literal(using)
            ))
            .await?;
            return Ok(Outcome::nothing());
        }
        let Some((columns, alias)) = known else {
            if matches!(statement.action, PolicyAction::Drop { if_exists: true, .. }) {
                return Ok(Outcome::nothing());
            }
            return Err(SqlError::new("42704", format!("policy \"{}\" does not exist", statement.name)));
        };
        match &statement.action {
            PolicyAction::Create { .. } => {}
            PolicyAction::Alter { using } => {
                self.as_engine(&format!(
                    "UPDATE rs_catalog.policy SET expression = {}, modified_by = {}, modified = LOCALTIMESTAMP WHERE {key}",
                    quote_literal(using),
                    quote_literal(&self.role)
                ))
                .await?;
            }
            PolicyAction::Drop { cascade, .. } => {
                let attached =
                    format!("DELETE FROM rs_catalog.policy_attachment WHERE masking = {masking} AND policy = {name}");
                if *cascade {
                    self.as_engine(&attached).await?;
                } else if self.count_attached(masking, &statement.name).await? > 0 {
                    return Err(SqlError::new(
                        "2BP01",
                        format!("cannot drop policy \"{}\" because it is attached to relations", statement.name),
                    ));
                }
                self.as_engine(&format!("DELETE FROM rs_catalog.policy WHERE {key}")).await?;
            }
            PolicyAction::Attach(attachment) => {
                self.attach(masking, &statement.name, &columns, alias.as_deref(), attachment).await?;
            }
            PolicyAction::Detach(attachment) => self.detach(masking, &statement.name, attachment).await?,
        }
        self.object_changed();
        Ok(Outcome::nothing())
    }

    /// ROW LEVEL SECURITY ON or OFF of a relation.
    pub(super) async fn row_level_security(&mut self, entry: &Entry, security: RowLevelSecurity) -> SqlResult<()> {
        self.security_admin_only().await?;
        attachable(entry)?;
        let conjunction = security.any.map(|any| if any { "or" } else { "and" });
        self.as_engine(&format!(
            "INSERT INTO rs_catalog.row_security VALUES ({}, {}, '{}') ON CONFLICT (relation) DO UPDATE SET is_on = EXCLUDED.is_on{}",
            entry.oid,
            security.on,
            conjunction.unwrap_or("and"),
            if conjunction.is_some() { ", conjunction = EXCLUDED.conjunction" } else { "" }
        ))
        .await?;
        self.object_changed();
        Ok(())
    }

    /// GRANT and REVOKE of IGNORE RLS, EXPLAIN RLS and EXPLAIN MASKING.
    pub(super) async fn grant_policies(&mut self, grant: &Grant, give: bool) -> SqlResult<Outcome> {
        self.security_admin_only().await?;
        for privilege in &grant.privileges {
            for grantee in &grant.grantees {
                self.grantee_exists(grantee).await?;
                let (kind, name) = who(grantee);
                let (privilege, name) = (quote_literal(privilege), quote_literal(name));
                self.as_engine(&if give {
                    format!("INSERT INTO rs_catalog.system_privilege VALUES ({privilege}, '{kind}', {name}) ON CONFLICT DO NOTHING")
                } else {
                    format!(
                        "DELETE FROM rs_catalog.system_privilege WHERE privilege = {privilege} AND grantee_type = '{kind}' AND grantee = {name}"
                    )
                })
                .await?;
            }
        }
        self.object_changed();
        Ok(Outcome::nothing())
    }

    /// Policies are attached to names; those of other databases stay as they are.
    pub(super) async fn grantee_renamed(&mut self, kind: &str, from: &str, to: &str) -> SqlResult<()> {
        for table in ["policy_attachment", "system_privilege"] {
            self.as_engine(&format!(
                "UPDATE rs_catalog.{table} SET grantee = {} WHERE grantee_type = '{kind}' AND grantee = {}",
                quote_literal(to),
                quote_literal(from)
            ))
            .await?;
        }
        self.object_changed();
        Ok(())
    }

    /// "Row-level security end-to-end example": columns that policies depend on stay as they are.
    pub(super) async fn check_policies_of_columns(&self, entry: &Entry, action: &AlterTableAction) -> SqlResult<()> {
        let (verb, column) = match action {
            AlterTableAction::DropColumn { column, .. } => ("drop", column),
            AlterTableAction::RenameColumn { from, .. } => ("rename", from),
            AlterTableAction::AlterColumnType { column, .. } => ("alter type of", column),
            _ => return Ok(()),
        };
        let row = self
            .database
            .reader
            .query_one(
                "SELECT count(*) FROM rs_catalog.policy_attachment a JOIN rs_catalog.policy p ON (p.masking, p.name) = (a.masking, a.policy)
                 WHERE a.relation = $1 AND ($2 = ANY (a.inputs) OR $2 = ANY (a.outputs)
                   OR (NOT a.masking AND EXISTS (SELECT FROM jsonb_array_elements(p.columns) c WHERE c ->> 'name' = $2)))",
                &[&entry.oid, column],
            )
            .await
            .sql()?;
        if row.get::<_, i64>(0) > 0 {
            return Err(SqlError::new(
                "2BP01",
                format!("cannot {verb} column \"{column}\" because policies depend on it"),
            ));
        }
        Ok(())
    }

    /// The role sys:secadmin comes into being with its first grant.
    pub(super) async fn make_system_role(&mut self, name: &str) -> SqlResult<()> {
        if name == SECURITY_ADMIN && self.database.superuser(&format!("role:{name}")).await?.is_none() {
            self.as_engine(&format!("CREATE ROLE \"role:{SECURITY_ADMIN}\" NOLOGIN")).await?;
        }
        Ok(())
    }

    async fn attach(
        &mut self,
        masking: bool,
        policy: &str,
        columns: &Json,
        alias: Option<&str>,
        attachment: &Attachment,
    ) -> SqlResult<()> {
        let view = self.view().await?;
        for name in &attachment.relations {
            let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
            attachable(&entry)?;
            let inputs = if attachment.inputs.is_empty() { &attachment.outputs } else { &attachment.inputs };
            if masking {
                check_columns(&entry, &attachment.outputs)?;
                check_columns(&entry, inputs)?;
                let wanted = columns.as_array().map_or(0, Vec::len);
                if wanted != inputs.len() {
                    return Err(SqlError::new(
                        "42P17",
                        format!("policy \"{policy}\" takes {wanted} columns, and {} are given", inputs.len()),
                    ));
                }
                self.check_priority(policy, &entry, attachment).await?;
            } else {
                check_policy_columns(&entry, columns)?;
                self.check_alias(&entry, policy, alias).await?;
            }
            for grantee in &attachment.grantees {
                self.grantee_exists(grantee).await?;
                let (kind, grantee) = who(grantee);
                self.as_engine(&format!(
                    "INSERT INTO rs_catalog.policy_attachment VALUES ({masking}, {}, {}, {}, {}, '{kind}', {}, {}, {})",
                    quote_literal(policy),
                    entry.oid,
                    array(&attachment.outputs),
                    array(inputs),
                    quote_literal(grantee),
                    attachment.priority,
                    quote_literal(&self.role)
                ))
                .await?;
            }
        }
        Ok(())
    }

    async fn detach(&mut self, masking: bool, policy: &str, attachment: &Attachment) -> SqlResult<()> {
        let view = self.view().await?;
        for name in &attachment.relations {
            let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
            for grantee in &attachment.grantees {
                let (kind, grantee) = who(grantee);
                let rows = self
                    .as_engine(&format!(
                        "DELETE FROM rs_catalog.policy_attachment WHERE masking = {masking} AND policy = {} AND relation = {}
                           AND grantee_type = '{kind}' AND grantee = {} AND (NOT masking OR outputs = {})",
                        quote_literal(policy),
                        entry.oid,
                        quote_literal(grantee),
                        array(&attachment.outputs)
                    ))
                    .await?;
                if rows == 0 {
                    return Err(SqlError::new(
                        "42704",
                        format!("policy \"{policy}\" is not attached to \"{}\" for {kind} \"{grantee}\"", name.name),
                    ));
                }
            }
        }
        Ok(())
    }

    /// "ATTACH MASKING POLICY": one policy for a column and grantee, and one for a column and priority.
    async fn check_priority(&self, policy: &str, entry: &Entry, attachment: &Attachment) -> SqlResult<()> {
        let rows = self
            .client
            .query(
                "SELECT policy, grantee_type, grantee, priority FROM rs_sys.attached_masks($1) WHERE output = ANY ($2)",
                &[&entry.oid, &attachment.outputs],
            )
            .await
            .sql()?;
        for row in &rows {
            let (other, kind, grantee, priority): (String, String, String, i32) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            let same = attachment.grantees.iter().any(|g| who(g) == (kind.as_str(), grantee.as_str()));
            if same || (other != policy && priority == attachment.priority) {
                return Err(SqlError::new(
                    "42710",
                    format!(
                        "policy \"{other}\" is attached to the column with {}",
                        if same { "the same user or role".to_owned() } else { format!("the same priority {priority}") }
                    ),
                ));
            }
        }
        Ok(())
    }

    /// "CREATE RLS POLICY": all policies of a table have one table alias.
    async fn check_alias(&self, entry: &Entry, policy: &str, alias: Option<&str>) -> SqlResult<()> {
        let row = self
            .client
            .query_one("SELECT rs_sys.other_policy_alias($1, $2, $3)", &[&entry.oid, &policy, &alias])
            .await
            .sql()?;
        match row.get::<_, Option<String>>(0) {
            None => Ok(()),
            Some(other) => Err(SqlError::new(
                "42P17",
                format!("policy \"{other}\" of \"{}\" has another table alias than \"{policy}\"", entry.relation.name),
            )),
        }
    }

    async fn kept_policy(&self, masking: bool, name: &str) -> SqlResult<Option<(Json, Option<String>)>> {
        let row = self
            .client
            .query_opt("SELECT columns, alias FROM rs_sys.kept_policy($1, $2)", &[&masking, &name])
            .await
            .sql()?;
        Ok(row.map(|row| (serde_json::from_str(row.get(0)).unwrap_or_default(), row.get(1))))
    }

    async fn count_attached(&self, masking: bool, name: &str) -> SqlResult<i64> {
        let row = self.client.query_one("SELECT rs_sys.count_attached($1, $2)", &[&masking, &name]).await.sql()?;
        Ok(row.get(0))
    }

    async fn grantee_exists(&self, grantee: &Grantee) -> SqlResult<()> {
        let role = match grantee {
            Grantee::User(name) => name.clone(),
            Grantee::Role(name) => format!("role:{name}"),
            Grantee::Group(name) => {
                return Err(refused(format!("group \"{name}\" cannot have policies: users and roles can")));
            }
            Grantee::Public => return Ok(()),
        };
        match self.database.superuser(&role).await? {
            Some(_) => Ok(()),
            None => Err(SqlError::new("42704", format!("user or role \"{}\" does not exist", who(grantee).1))),
        }
    }

    async fn security_admin_only(&self) -> SqlResult<()> {
        if self.database.superuser(&self.role).await? == Some(true) {
            return Ok(());
        }
        let row = self.client.query_one("SELECT rs_sys.is_security_admin()", &[]).await.sql()?;
        if row.get(0) { Ok(()) } else { Err(denied("policies: only superusers and sys:secadmin manage them")) }
    }

    /// The superuser's own work in the transaction at hand: the number of rows that the statement
    /// changed. All of it is one message, so that a failure leaves the role as it was.
    async fn as_engine(&self, sql: &str) -> SqlResult<u64> {
        let role = role_statements(&self.role);
        let answers = self.client.simple_query(&format!("RESET ROLE; {sql}; {role}")).await.sql()?;
        let mut ended = answers.iter().filter_map(|answer| match answer {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(ended.nth(1).unwrap_or_default())
    }
}

/// "ATTACH RLS POLICY" and "Considerations when using dynamic data masking": what may have policies.
fn attachable(entry: &Entry) -> SqlResult<()> {
    let name = &entry.relation.name;
    let what = match entry.relation.kind {
        RelationKind::System => "a system relation",
        RelationKind::Stream => "an external relation",
        _ if entry.relation.schema == "pg_temp" => "a temporary table",
        RelationKind::View => {
            return Err(refused(format!(
                "policies on view \"{name}\" are not supported by this stand-in: attach them to its tables"
            )));
        }
        RelationKind::Table | RelationKind::MaterializedView => return Ok(()),
    };
    Err(refused(format!("policies cannot be attached to {what} (\"{name}\")")))
}

fn check_columns(entry: &Entry, names: &[String]) -> SqlResult<()> {
    match names.iter().find(|name| !entry.relation.columns.iter().any(|c| c.name == **name)) {
        None => Ok(()),
        Some(name) => Err(SqlError::new(
            "42703",
            format!("column \"{name}\" of relation \"{}\" does not exist", entry.relation.name),
        )),
    }
}

/// The columns of a policy's WITH are the relation's, by name and type.
fn check_policy_columns(entry: &Entry, columns: &Json) -> SqlResult<()> {
    for column in columns.as_array().into_iter().flatten() {
        let name = column["name"].as_str().unwrap_or_default();
        let wanted = type_from_text(column["type"].as_str().unwrap_or_default());
        let found = entry.relation.columns.iter().find(|c| c.name == name);
        let fits = |have: &RsType| {
            std::mem::discriminant(have) == std::mem::discriminant(&wanted)
                || (have.is_character() && wanted.is_character())
                || (have.is_integer() && wanted.is_integer())
        };
        if !found.is_some_and(|c| fits(&c.rs_type)) {
            return Err(SqlError::new(
                "42703",
                format!(
                    "relation \"{}\" has no column \"{name}\" of type {wanted}, which the policy needs",
                    entry.relation.name
                ),
            ));
        }
    }
    Ok(())
}
