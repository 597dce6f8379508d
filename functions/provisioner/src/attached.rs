//! What others have put on a target: rights, views that depend on it, policies. Asked only for a table
//! that a plan replaces something of. Reads only.
//!
//! Not every user sees everything, so a question that the warehouse does not answer is none that
//! fails: the plan says what nobody could see.

use cdc_core::catalog::TableSpec;
use cdc_core::plan::provision::{Attached, DependentView, Observed};
use cdc_core::sql::grants::CASE_SENSITIVE;
use cdc_core::sql::observe;
use cdc_core::sql::rights::Right;
use redshift_data::{Deadline, Executed, ReadError, ResultSet, Row, Submission, Warehouse, WarehouseError};

use crate::error::ProvisionError;

const WHAT: &str = "what others have put on a table";

/// Asks for it, and adds it to what is observed.
pub(crate) async fn observe(
    warehouse: &dyn Warehouse,
    spec: &TableSpec,
    observed: &mut Observed,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let mut statements = vec![
        CASE_SENSITIVE.to_owned(),
        observe::CALLER.to_owned(),
        observe::SECURITY_ADMINISTRATOR.to_owned(),
        observe::rights(spec),
        observe::column_rights(spec),
        observe::dependent_views(spec),
    ];
    statements.extend(observe::policies(spec));
    let answers = ask(warehouse, &statements, deadline).await?;
    read(spec, &answers, observed).map_err(|source| ProvisionError::Answer { what: WHAT, source })
}

fn read(spec: &TableSpec, answers: &[Option<ResultSet>], observed: &mut Observed) -> Result<(), ReadError> {
    let mut attached = Attached::default();
    let mut is_superuser = false;
    let mut sees_all = false;
    for row in rows(answers, 1) {
        attached.user = row.required_text("user_name")?.to_owned();
        is_superuser = row.boolean("superuser")?.unwrap_or(false);
        sees_all = is_superuser || row.text("syslog_access")?.is_some_and(|access| access.trim() == "UNRESTRICTED");
    }
    let is_security_administrator = rows(answers, 2).next().is_some();
    for row in rows(answers, 3) {
        let (kind, name) = (row.required_text("identity_type")?, row.required_text("identity_name")?);
        let privilege = row.required_text("privilege_type")?;
        match Right::on_table(kind, name, privilege, row.boolean("admin_option")?.unwrap_or(false)) {
            Some(right) => attached.rights.push(right),
            None => attached.other_rights.push(format!("{privilege} of {kind} {name}")),
        }
    }
    let relation = (spec.target_schema.clone(), spec.target_table.clone());
    let columns = observed.columns.entry(relation).or_default();
    for row in rows(answers, 4) {
        let (kind, name) = (row.required_text("identity_type")?, row.required_text("identity_name")?);
        let (privilege, column) = (row.required_text("privilege_type")?, row.required_text("column_name")?);
        let found = columns.iter_mut().find(|found| found.name == column);
        match (found, Right::on_column(kind, name, privilege)) {
            (Some(found), Some(right)) => found.rights.push(right),
            _ => attached.other_rights.push(format!("{privilege} of {kind} {name} on column {column}")),
        }
    }
    attached.sees_rights = sees_all && is_answered(answers, 3..=4);
    for row in rows(answers, 5) {
        attached.views.push(DependentView {
            view: format!("{}.{}", row.required_text("view_schema")?, row.required_text("view_name")?),
            column: row.text("column_name")?.map(str::to_owned),
        });
    }
    for index in 6..=8 {
        for row in rows(answers, index) {
            attached.policies.push(format!("{} {}", row.required_text("kind")?, row.required_text("name")?));
        }
    }
    attached.sees_policies = (is_superuser || is_security_administrator) && is_answered(answers, 6..=8);
    observed.attached.insert(spec.id(), attached);
    Ok(())
}

fn rows(answers: &[Option<ResultSet>], index: usize) -> impl Iterator<Item = Row<'_>> {
    answers.get(index).and_then(Option::as_ref).into_iter().flat_map(ResultSet::iter)
}

fn is_answered(answers: &[Option<ResultSet>], mut indices: std::ops::RangeInclusive<usize>) -> bool {
    indices.all(|index| answers.get(index).is_some_and(Option::is_some))
}

/// The answer to each statement; None where the warehouse refuses one.
async fn ask(
    warehouse: &dyn Warehouse,
    statements: &[String],
    deadline: Deadline,
) -> Result<Vec<Option<ResultSet>>, ProvisionError> {
    let failed = |source| ProvisionError::Observe { what: WHAT, source };
    let submission = Submission::batch("attached", statements.to_vec());
    let settled = match redshift_data::execute(warehouse, &submission, deadline).await.map_err(failed)? {
        Executed::Settled(_, settled) => settled,
        Executed::Running(statement) => return Err(failed(WarehouseError::StillRunning { statement })),
    };
    let mut answers = Vec::new();
    for index in 0..statements.len() {
        let outcome = settled.outcome(index);
        if let Some(failure) = outcome.failure() {
            tracing::warn!(
                text = failure.text,
                "the provisioner's user may not see all that others have put on a table"
            );
            answers.push(None);
        } else if outcome.has_result {
            answers.push(Some(warehouse.fetch(&outcome.id, deadline).await.map_err(failed)?));
        } else {
            answers.push(None);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cdc_core::plan::provision::ObservedColumn;
    use cdc_core::sql::rights::Grantee;
    use redshift_data::Cell;
    use redshift_data::fake::{FakeWarehouse, Reply};

    use super::*;

    fn text(text: &str) -> Option<Cell> {
        Some(Cell::Text(text.to_owned()))
    }

    /// What a user sees that has this access and no role; policies are refused, as "SVV_RLS_ATTACHED_POLICY"
    /// lets others than security administrators expect.
    fn answer(sql: &str, access: &str) -> Reply {
        let rows = |columns: &[&str], rows| Reply::Rows(ResultSet::of(columns, rows));
        if sql.contains("svv_user_info") {
            let user = vec![text("IAMR:p"), Some(Cell::Boolean(false)), text(access)];
            return rows(&["user_name", "superuser", "syslog_access"], vec![user]);
        }
        let columns = ["column_name", "privilege_type", "identity_name", "identity_type", "admin_option"];
        let right = |column, privilege, name, kind, option| {
            vec![text(column), text(privilege), text(name), text(kind), Some(Cell::Boolean(option))]
        };
        if sql.contains("svv_relation_privileges") {
            let given = [right("", "SELECT", "ana", "user", true), right("", "RULE", "ana", "user", false)];
            return rows(&columns, given.to_vec());
        }
        if sql.contains("svv_column_privileges") {
            let given =
                [right("note", "SELECT", "public", "public", false), right("elsewhere", "SELECT", "r", "role", false)];
            return rows(&columns, given.to_vec());
        }
        if sql.contains("pg_depend") {
            let view = vec![text("marts"), text("v"), text("note")];
            return rows(&["view_schema", "view_name", "column_name"], vec![view]);
        }
        if sql.contains("svv_user_grants") {
            return rows(&["role_name"], Vec::new());
        }
        if sql.contains("policy") || sql.contains("svv_rls") {
            return Reply::Fails("ERROR: permission denied for relation svv_rls_attached_policy".to_owned());
        }
        Reply::Affected(0)
    }

    async fn observed(access: &'static str) -> (Attached, Vec<Right>) {
        let warehouse = FakeWarehouse::answering(move |sql| answer(sql, access));
        let spec = TableSpec {
            topic: "t".into(),
            source_table: "t".into(),
            slug: "t".into(),
            target_schema: "s".into(),
            target_table: "t".into(),
            auto_refresh: false,
        };
        let mut observed = Observed::default();
        let note = ObservedColumn {
            name: "note".into(),
            data_type: "integer".into(),
            length: None,
            precision: None,
            scale: None,
            rights: Vec::new(),
        };
        observed.columns.insert(("s".into(), "t".into()), vec![note]);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        observe(&warehouse, &spec, &mut observed, deadline).await.unwrap();
        let rights = observed.columns[&("s".to_owned(), "t".to_owned())][0].rights.clone();
        (observed.attached[&spec.id()].clone(), rights)
    }

    #[tokio::test]
    async fn what_is_seen_is_taken_and_what_is_not_is_known() {
        let (attached, note) = observed("UNRESTRICTED").await;
        let granted: Vec<_> =
            attached.rights.iter().map(|right| (&right.grantee, right.privilege, right.may_grant)).collect();
        assert_eq!(granted, [(&Grantee::User("ana".into()), "SELECT", true)]);
        assert_eq!(note.iter().map(|right| &right.grantee).collect::<Vec<_>>(), [&Grantee::Public]);
        assert_eq!(attached.other_rights, ["RULE of user ana", "SELECT of role r on column elsewhere"]);
        assert_eq!(attached.views, [DependentView { view: "marts.v".into(), column: Some("note".into()) }]);
        assert_eq!((attached.user.as_str(), attached.sees_rights, attached.sees_policies), ("IAMR:p", true, false));
        let (attached, _) = observed("RESTRICTED").await;
        assert!(!attached.sees_rights, "others may have rights that were not shown");
    }
}
