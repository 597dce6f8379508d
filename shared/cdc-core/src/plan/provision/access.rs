//! Users, role and rights.

use super::{Declaration, Desired, ObjectKind, Observed, OnChange};
use crate::catalog::{Mode, TableDefinition};
use crate::sql::grants;

/// Users, role and rights.
pub(super) fn desired(declaration: &Declaration, tables: &[TableDefinition], observed: &Observed) -> Vec<Desired> {
    let layout = &declaration.layout;
    let mut desired = Vec::new();
    if let Some(access) = &declaration.access {
        let role = &access.role;
        if !observed.roles.contains(role) {
            desired.push(
                Desired::new(
                    ObjectKind::Role,
                    role.clone(),
                    vec![grants::create_role(role)],
                    "holds the rights of the functions",
                )
                .on_change(OnChange::Keep),
            );
        }
        for user in &access.users {
            if !observed.users.contains(user) {
                desired.push(
                    Desired::new(
                        ObjectKind::User,
                        user.clone(),
                        vec![grants::create_user(user)],
                        "a function logs in as this user; rights are given before its first login",
                    )
                    .on_change(OnChange::Keep),
                );
            }
            desired.push(Desired::new(
                ObjectKind::Grant,
                format!("{role} to {user}"),
                vec![grants::grant_role(role, user)],
                "gives the function its rights",
            ));
        }
        if !tables.is_empty() {
            desired.push(Desired::new(
                ObjectKind::Grant,
                format!("{role} on {}", layout.control_schema),
                grants::schema_grants(layout, role),
                "lets the functions read the control schema",
            ));
        }
        for table in tables {
            let mut rights = Desired::new(
                ObjectKind::Grant,
                format!("{role} on {}", table.spec.id()),
                grants::table_grants(layout, &table.spec, role),
                format!("lets the functions synchronise {}", table.spec.id()),
            );
            if table.mode != Mode::default() {
                // Another mode begins with another watermark table.
                rights.identity = Some(format!("{};\n{}", rights.statements.join(";\n"), table.mode.as_str()));
            }
            desired.push(rights.of(table));
        }
    }
    for reader in &declaration.readers {
        for table in tables {
            desired.push(
                Desired::new(
                    ObjectKind::Grant,
                    format!("{reader} reads {}", table.spec.id()),
                    grants::reader_grants(layout, &table.spec, reader),
                    format!("lets {reader} query {}", table.spec.id()),
                )
                .of(table),
            );
        }
    }
    desired
}
