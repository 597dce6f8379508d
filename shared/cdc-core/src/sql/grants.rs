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

/// What an administrator runs once by hand: the provisioner's own user. A database user that
/// only logs in through IAM has no rights until somebody gives them.
#[must_use]
pub fn bootstrap(provisioner_user: &str) -> String {
    format!("CREATE USER {} PASSWORD DISABLE CREATEUSER", quoted(provisioner_user))
}

/// The session setting that every statement of ours relies on.
pub const CASE_SENSITIVE: &str = "SET enable_case_sensitive_identifier TO true";

/// An IN list of literals.
#[must_use]
pub fn in_list(values: &[&str]) -> String {
    values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}
