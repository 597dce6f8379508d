//! Users, roles and rights: the functions log in as different database users.

use super::ident::{literal, quoted};
use super::layout::{CATALOG, GAPS, HOLDS, Layout, MERGE_LOG, QUARANTINE, WATERMARKS};
use super::merge_procedure;
use crate::catalog::TableSpec;

/// `CREATE USER` for an IAM identity's database user, which Redshift itself would make only at
/// its first login: rights must be granted before that.
#[must_use]
pub fn create_user(name: &str) -> String {
    format!("CREATE USER {} PASSWORD DISABLE", quoted(name))
}

/// The role that holds the functions' rights.
#[must_use]
pub fn create_role(name: &str) -> String {
    format!("CREATE ROLE {}", quoted(name))
}

/// Gives a user the role.
#[must_use]
pub fn grant_role(role: &str, user: &str) -> String {
    format!("GRANT ROLE {} TO {}", quoted(role), quoted(user))
}

/// What the role may do in the control and landing schemas, apart from single tables.
#[must_use]
pub fn schema_grants(layout: &Layout, role: &str) -> Vec<String> {
    let role = quoted(role);
    let mut statements = vec![
        format!("GRANT USAGE ON SCHEMA {} TO ROLE {role}", quoted(&layout.control_schema)),
        format!("GRANT USAGE ON SCHEMA {} TO ROLE {role}", quoted(&layout.landing_schema)),
    ];
    for table in [CATALOG, QUARANTINE, MERGE_LOG, GAPS, HOLDS, WATERMARKS] {
        statements.push(format!("GRANT SELECT ON {} TO ROLE {role}", layout.control(table)));
    }
    statements
}

/// What the role may do with one table: call its procedures, read its watermark and landing view.
#[must_use]
pub fn table_grants(layout: &Layout, spec: &TableSpec, role: &str) -> Vec<String> {
    let role = quoted(role);
    vec![
        format!("GRANT EXECUTE ON PROCEDURE {}() TO ROLE {role}", layout.refresh_procedure(spec)),
        format!(
            "GRANT EXECUTE ON PROCEDURE {}({}) TO ROLE {role}",
            layout.merge_procedure(spec),
            merge_procedure::ARGUMENT_TYPES
        ),
        format!("GRANT SELECT ON {} TO ROLE {role}", layout.watermark_table(spec)),
        format!("GRANT SELECT ON {} TO ROLE {role}", layout.landing_view(spec)),
    ]
}

/// Lets readers query a target table. `reader` is a role.
#[must_use]
pub fn reader_grants(layout: &Layout, spec: &TableSpec, reader: &str) -> Vec<String> {
    vec![
        format!("GRANT USAGE ON SCHEMA {} TO ROLE {}", quoted(&spec.target_schema), quoted(reader)),
        format!("GRANT SELECT ON {} TO ROLE {}", layout.target_table(spec), quoted(reader)),
    ]
}

/// Lets a user see the rights of all others, so that what takes a table's place gets them, too. It sees the
/// system tables' rows of other users with that, queries among them, and may nothing more ("CREATE USER",
/// SYSLOG ACCESS; "SVV_RELATION_PRIVILEGES").
#[must_use]
pub fn see_all(user: &str) -> String {
    format!("ALTER USER {} SYSLOG ACCESS UNRESTRICTED", quoted(user))
}

/// Takes the right to read a table away from a reader. `table` is quoted and qualified.
#[must_use]
pub fn revoke_read(table: &str, reader: &str) -> String {
    format!("REVOKE SELECT ON {table} FROM ROLE {}", quoted(reader))
}

/// What an administrator runs once by hand, so that the provisioner is no superuser. Everything
/// that it makes afterwards it owns, and may change and grant.
///
/// Users and roles are made here because only superusers and users with the system permissions
/// CREATE USER and CREATE ROLE may make them, and these permissions reach beyond one pipeline
/// (Amazon Redshift Database Developer Guide, "System permissions for RBAC"). A user with a role's
/// ADMIN OPTION may grant it (the same, "Role assignment"); CREATE on a database lets a user make
/// schemas in it (the same, "GRANT"). `CREATEUSER` would make a superuser. In one session: without
/// the setting, names are folded to lower case in quotes, too, and users of IAM begin with `IAMR:`.
#[must_use]
pub fn bootstrap(database: &str, provisioner: &str, role: Option<&str>, users: &[String]) -> Vec<String> {
    let mut statements = vec![CASE_SENSITIVE.to_owned(), create_user(provisioner), see_all(provisioner)];
    statements.extend(users.iter().filter(|user| *user != provisioner).map(|user| create_user(user)));
    if let Some(role) = role {
        statements.push(create_role(role));
        statements.push(format!("{} WITH ADMIN OPTION", grant_role(role, provisioner)));
    }
    statements.push(format!("GRANT CREATE ON DATABASE {} TO {}", quoted(database), quoted(provisioner)));
    statements
}

/// The session setting that every statement of ours relies on.
pub const CASE_SENSITIVE: &str = "SET enable_case_sensitive_identifier TO true";

/// An IN list of literals.
#[must_use]
pub fn in_list(values: &[&str]) -> String {
    values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}
