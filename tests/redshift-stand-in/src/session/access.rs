//! Users, groups, roles, GRANT and REVOKE, by PostgreSQL's own roles and privileges.
//!
//! Redshift keeps users, groups and roles in three name spaces and PostgreSQL in one: a role is
//! `role:<name>` below, a group `group:<name>`. Invariant: a privilege that PostgreSQL cannot enforce
//! is refused, not accepted in silence.

use redshift_data_api::SqlError;
use redshift_sql::statement::{DefaultPrivileges, Grant, GrantObject, Grantee, UserStatement};
use redshift_sql::{ObjectName, quote_identifier, quote_literal};

use super::definition::{missing, qualified};
use super::routine::no_routine;
use super::{Outcome, RedshiftSession};
use crate::catalog::View;
use crate::error::{IntoSql as _, SqlResult, denied, refused};

fn grantee_role(grantee: &Grantee) -> String {
    match grantee {
        Grantee::User(name) => quote_identifier(name),
        Grantee::Group(name) => quote_identifier(&format!("group:{name}")),
        Grantee::Role(name) => quote_identifier(&format!("role:{name}")),
        Grantee::Public => "PUBLIC".to_owned(),
    }
}

/// What PostgreSQL can enforce on a kind of object.
fn check_privileges(privileges: &[String], known: &[&str], kind: &str) -> SqlResult<()> {
    for privilege in privileges {
        if privilege != "ALL" && !known.contains(&privilege.as_str()) {
            return Err(refused(format!("privilege {privilege} on {kind} is not supported by this stand-in")));
        }
    }
    Ok(())
}

impl RedshiftSession {
    pub(super) async fn grant(&mut self, grant: &Grant, give: bool) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let mut statements = Vec::new();
        let mut checks = Vec::new();
        let mut on = |kind: &str, objects: Vec<String>, privileges: &str| {
            for object in objects {
                checks.push((kind.to_owned(), object.clone()));
                for grantee in &grant.grantees {
                    let role = grantee_role(grantee);
                    statements.push(if give {
                        let option = if grant.with_option { " WITH GRANT OPTION" } else { "" };
                        format!("GRANT {privileges} ON {kind} {object} TO {role}{option}")
                    } else {
                        let option = if grant.with_option { "GRANT OPTION FOR " } else { "" };
                        format!("REVOKE {option}{privileges} ON {kind} {object} FROM {role}")
                    });
                }
            }
        };
        let plain = grant.privileges.join(", ");
        const TABLE: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRUNCATE"];
        match &grant.on {
            GrantObject::Tables(names) => {
                check_privileges(&grant.privileges, TABLE, "a table")?;
                let privileges: Vec<String> = grant
                    .privileges
                    .iter()
                    .enumerate()
                    .map(|(index, privilege)| match grant.columns.get(index) {
                        Some(columns) if !columns.is_empty() => {
                            let columns: Vec<String> = columns.iter().map(|c| quote_identifier(c)).collect();
                            format!("{privilege} ({})", columns.join(", "))
                        }
                        _ => privilege.clone(),
                    })
                    .collect();
                let objects = names.iter().map(|name| relation(&view, name)).collect::<SqlResult<_>>()?;
                on("TABLE", objects, &privileges.join(", "));
            }
            GrantObject::AllTablesInSchema(schemas) => {
                check_privileges(&grant.privileges, TABLE, "a table")?;
                let objects = schemas.iter().map(|s| quote_identifier(s)).collect();
                on("ALL TABLES IN SCHEMA", objects, &plain);
            }
            GrantObject::Schemas(names) => {
                check_privileges(&grant.privileges, &["CREATE", "USAGE"], "a schema")?;
                on("SCHEMA", names.iter().map(|s| quote_identifier(s)).collect(), &plain);
            }
            GrantObject::Databases(names) => {
                check_privileges(&grant.privileges, &["CREATE", "TEMP", "TEMPORARY"], "a database")?;
                on("DATABASE", names.iter().map(|s| quote_identifier(s)).collect(), &plain);
            }
            GrantObject::Routines(procedure, names) => {
                check_privileges(&grant.privileges, &["EXECUTE"], "a routine")?;
                let objects = names
                    .iter()
                    .map(|(name, arguments)| {
                        Self::routine_signature(&view, *procedure, name, arguments.as_deref())?
                            .ok_or_else(|| no_routine(*procedure, name, arguments.as_deref()))
                    })
                    .collect::<SqlResult<_>>()?;
                on(if *procedure { "PROCEDURE" } else { "FUNCTION" }, objects, &plain);
            }
            GrantObject::AllRoutinesInSchema(procedures, schemas) => {
                check_privileges(&grant.privileges, &["EXECUTE"], "a routine")?;
                let kind = if *procedures { "ALL PROCEDURES IN SCHEMA" } else { "ALL FUNCTIONS IN SCHEMA" };
                on(kind, schemas.iter().map(|s| quote_identifier(s)).collect(), &plain);
            }
            GrantObject::Languages(names) => {
                // Everyone may use plpgsql and sql, as in Redshift by default.
                if !give {
                    return Err(refused(format!(
                        "REVOKE ON LANGUAGE {} is not supported by this stand-in",
                        names.join(", ")
                    )));
                }
            }
            GrantObject::Roles(names) => {
                for name in names {
                    let role = quote_identifier(&format!("role:{name}"));
                    for grantee in &grant.grantees {
                        let to = grantee_role(grantee);
                        statements.push(if give {
                            let option = if grant.with_option { " WITH ADMIN OPTION" } else { "" };
                            format!("GRANT {role} TO {to}{option}")
                        } else {
                            let option = if grant.with_option { "ADMIN OPTION FOR " } else { "" };
                            format!("REVOKE {option}{role} FROM {to}")
                        });
                    }
                }
            }
            GrantObject::System
                if grant
                    .privileges
                    .iter()
                    .all(|p| ["IGNORE RLS", "EXPLAIN RLS", "EXPLAIN MASKING"].contains(&p.as_str())) =>
            {
                return self.grant_policies(grant, give).await;
            }
            GrantObject::System => {
                return Err(refused(format!("system permission {plain} is not supported by this stand-in")));
            }
        }
        if let GrantObject::Roles(names) = &grant.on {
            for name in names {
                self.make_system_role(name).await?;
            }
            // Policies follow the roles.
            self.object_changed();
        }
        for (kind, object) in &checks {
            self.check_grantable(kind, object, &grant.privileges).await?;
        }
        for statement in &statements {
            self.script(statement).await?;
        }
        Ok(Outcome::nothing())
    }

    /// ALTER DEFAULT PRIVILEGES. PostgreSQL counts procedures among functions.
    pub(super) async fn alter_default_privileges(&mut self, defaults: &DefaultPrivileges) -> SqlResult<Outcome> {
        let list = |names: &[String]| names.iter().map(|n| quote_identifier(n)).collect::<Vec<_>>().join(", ");
        let (known, kind): (&[&str], _) = match defaults.objects.as_str() {
            "TABLES" => (&["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRUNCATE"], "TABLES"),
            "SCHEMAS" => (&["CREATE", "USAGE"], "SCHEMAS"),
            _ => (&["EXECUTE"], "FUNCTIONS"),
        };
        check_privileges(&defaults.grant.privileges, known, "an object")?;
        let mut scope = String::from("ALTER DEFAULT PRIVILEGES");
        if !defaults.users.is_empty() {
            scope.push_str(&format!(" FOR ROLE {}", list(&defaults.users)));
        }
        if !defaults.schemas.is_empty() {
            scope.push_str(&format!(" IN SCHEMA {}", list(&defaults.schemas)));
        }
        let privileges = defaults.grant.privileges.join(", ");
        for grantee in &defaults.grant.grantees {
            let role = grantee_role(grantee);
            let change = match (defaults.give, defaults.grant.with_option) {
                (true, false) => format!("GRANT {privileges} ON {kind} TO {role}"),
                (true, true) => format!("GRANT {privileges} ON {kind} TO {role} WITH GRANT OPTION"),
                (false, false) => format!("REVOKE {privileges} ON {kind} FROM {role}"),
                (false, true) => format!("REVOKE GRANT OPTION FOR {privileges} ON {kind} FROM {role}"),
            };
            self.script(&format!("{scope} {change}")).await?;
        }
        Ok(Outcome::nothing())
    }

    /// PostgreSQL only warns of a GRANT by someone who may not grant; Redshift refuses it.
    async fn check_grantable(&self, kind: &str, object: &str, privileges: &[String]) -> SqlResult<()> {
        let (function, all, what) = match kind {
            "TABLE" => ("has_table_privilege", "SELECT", "relation"),
            "SCHEMA" => ("has_schema_privilege", "USAGE", "schema"),
            "DATABASE" => ("has_database_privilege", "CREATE", "database"),
            "PROCEDURE" | "FUNCTION" => ("has_function_privilege", "EXECUTE", "routine"),
            _ => return Ok(()),
        };
        let wanted: Vec<String> = privileges
            .iter()
            .map(|privilege| {
                let privilege = if privilege == "ALL" { all } else { privilege };
                format!("{privilege} WITH GRANT OPTION")
            })
            .collect();
        // These two take a name, not an identifier as it is written in a statement.
        let plain = object.trim_matches('"').replace("\"\"", "\"");
        let object = if matches!(kind, "SCHEMA" | "DATABASE") { plain.as_str() } else { object };
        let allowed: bool = self
            .client
            .query_one(&format!("SELECT pg_catalog.{function}($1::text, $2::text)"), &[&object, &wanted.join(", ")])
            .await
            .sql()?
            .get(0);
        if allowed { Ok(()) } else { Err(denied(format!("{what} {}", plain.replace("\".\"", ".")))) }
    }

    /// CREATE USER and ALTER USER. Passwords are not kept: nobody logs in with one here.
    pub(super) async fn user(&mut self, user: &UserStatement) -> SqlResult<Outcome> {
        reserved_name(&user.name)?;
        let name = quote_identifier(&user.name);
        let mut options = String::new();
        match user.create_user {
            Some(true) => options.push_str(" SUPERUSER"),
            Some(false) => options.push_str(" NOSUPERUSER"),
            None => {}
        }
        match user.create_db {
            Some(true) => options.push_str(" CREATEDB"),
            Some(false) => options.push_str(" NOCREATEDB"),
            None => {}
        }
        self.superuser_only("create or alter users").await?;
        if !user.alter {
            // Redshift Database Developer Guide, "CREATE USER": PASSWORD is required.
            if user.password.is_none() {
                return Err(SqlError::new("42601", "CREATE USER needs PASSWORD"));
            }
            self.script(&format!("CREATE ROLE {name} LOGIN{options}")).await?;
        } else if let Some(to) = &user.rename_to {
            reserved_name(to)?;
            self.script(&format!("ALTER ROLE {name} RENAME TO {}", quote_identifier(to))).await?;
            self.grantee_renamed("user", &user.name, to).await?;
        } else {
            self.existing(&user.name).await?;
            if !options.is_empty() {
                self.script(&format!("ALTER ROLE {name}{options}")).await?;
            }
        }
        for (parameter, value) in &user.set {
            // Fails for a parameter that Redshift has not.
            self.parameter(parameter)?;
            let kept = quote_identifier(&format!("default_{parameter}"));
            self.script(&match value {
                Some(value) => format!("ALTER ROLE {name} SET rs.{kept} TO {}", quote_literal(value)),
                None => format!("ALTER ROLE {name} RESET rs.{kept}"),
            })
            .await?;
        }
        for option in &user.options {
            if let Some(access) = option.strip_prefix("SYSLOG ACCESS ") {
                self.script(&format!("ALTER ROLE {name} SET rs.syslog_access TO {}", quote_literal(access))).await?;
            }
        }
        for group in &user.groups {
            let group = quote_identifier(&format!("group:{group}"));
            self.script(&format!("GRANT {group} TO {name}")).await?;
        }
        Ok(Outcome::nothing())
    }

    pub(super) async fn drop_users(&mut self, names: &[String], if_exists: bool) -> SqlResult<Outcome> {
        for name in names {
            reserved_name(name)?;
            self.drop_role(name, if_exists).await?;
        }
        Ok(Outcome::nothing())
    }

    pub(super) async fn create_group(&mut self, name: &str, users: &[String]) -> SqlResult<Outcome> {
        self.superuser_only("create groups").await?;
        let group = quote_identifier(&format!("group:{name}"));
        self.script(&format!("CREATE ROLE {group} NOLOGIN")).await?;
        self.alter_group(name, true, users).await
    }

    pub(super) async fn alter_group(&mut self, name: &str, add: bool, users: &[String]) -> SqlResult<Outcome> {
        let group = quote_identifier(&format!("group:{name}"));
        for user in users {
            let user = quote_identifier(user);
            let sql = if add { format!("GRANT {group} TO {user}") } else { format!("REVOKE {group} FROM {user}") };
            self.script(&sql).await?;
        }
        Ok(Outcome::nothing())
    }

    pub(super) async fn rename_role(&mut self, group: bool, name: &str, to: &str) -> SqlResult<Outcome> {
        self.superuser_only("rename groups or roles").await?;
        let kind = if group { "group" } else { "role" };
        let role = |name: &str| quote_identifier(&format!("{kind}:{name}"));
        self.script(&format!("ALTER ROLE {} RENAME TO {}", role(name), role(to))).await?;
        self.grantee_renamed(kind, name, to).await?;
        Ok(Outcome::nothing())
    }

    pub(super) async fn create_role(&mut self, name: &str) -> SqlResult<Outcome> {
        self.superuser_only("create roles").await?;
        let role = quote_identifier(&format!("role:{name}"));
        self.script(&format!("CREATE ROLE {role} NOLOGIN")).await?;
        Ok(Outcome::nothing())
    }

    pub(super) async fn drop_role(&mut self, name: &str, if_exists: bool) -> SqlResult<Outcome> {
        self.superuser_only("drop users, groups or roles").await?;
        let exists = if if_exists { "IF EXISTS " } else { "" };
        let role = quote_identifier(name);
        if self.database.superuser(name).await?.is_some() {
            // What it owns or may do stands in the way, as in Redshift.
            self.script(&format!("DROP ROLE {exists}{role}")).await?;
        } else if !if_exists {
            let plain = name.trim_start_matches("role:").trim_start_matches("group:");
            return Err(SqlError::new("42704", format!("user, group or role \"{plain}\" does not exist")));
        }
        Ok(Outcome::nothing())
    }

    async fn superuser_only(&self, what: &str) -> SqlResult<()> {
        if self.database.superuser(&self.role).await? == Some(true) {
            Ok(())
        } else {
            Err(SqlError::new("42501", format!("must be superuser to {what}")))
        }
    }

    async fn existing(&self, user: &str) -> SqlResult<()> {
        match self.database.superuser(user).await? {
            Some(_) => Ok(()),
            None => Err(SqlError::new("42704", format!("user \"{user}\" does not exist"))),
        }
    }
}

fn relation(view: &View, name: &ObjectName) -> SqlResult<String> {
    let entry = view.entry(name.schema.as_deref(), &name.name).ok_or_else(|| missing(name))?;
    if entry.oid == 0 {
        return Err(denied(format!("relation {}", name.name)));
    }
    Ok(qualified(&entry.relation.postgres_schema, &entry.relation.postgres_name))
}

fn reserved_name(name: &str) -> SqlResult<()> {
    if name.starts_with("role:")
        || name.starts_with("group:")
        || name.starts_with("pg_")
        || name == crate::postgres::SUPERUSER
    {
        return Err(SqlError::new("42939", format!("user name \"{name}\" is reserved")));
    }
    Ok(())
}
