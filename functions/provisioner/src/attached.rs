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
