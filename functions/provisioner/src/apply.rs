//! Carries a plan out, step by step, and records each done step in the catalog.
//!
//! Every step is its own batch in AUTO_COMMIT mode behind the session setting that our names
//! rely on: many of them may not run in a transaction block (Redshift Database Developer
//! Guide, CREATE MATERIALIZED VIEW, CREATE EXTERNAL SCHEMA), and a batch's default mode is one
//! transaction. The first failure stops everything. Done steps are recorded, those that cannot
//! run twice at once and others a few together, so that what is recorded is true and a
//! repetition goes on where it stopped.
//! Client tokens contain the run: a statement that must run again after a failure or a destroy
//! has the same text, and the Data API would answer an old token with the old statement for
//! eight hours.

use cdc_core::error::ErrorKind;
use cdc_core::plan::provision::{ObjectKind, ProvisionPlan, Step, StepAction};
use cdc_core::sql::control_schema::record_in_catalog;
use cdc_core::sql::grants::CASE_SENSITIVE;
use cdc_core::sql::layout::{CATALOG, Layout};
use redshift_data::{ClientToken, Deadline, Executed, Submission, Warehouse};

use crate::error::{ProvisionError, StepFailure};

/// The most steps that wait to be recorded: each statement counts against the account's quota.
const RECORDED_TOGETHER: usize = 8;

/// Applies all steps in order. `catalog_exists` says whether the catalog was observed; before
/// it exists, done steps wait to be recorded. `run` is different in every invocation.
pub(crate) async fn apply(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    plan: &ProvisionPlan,
    mut catalog_exists: bool,
    run: &str,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let catalog = format!("{}.{CATALOG}", layout.control_schema);
    let mut unrecorded: Vec<&Step> = Vec::new();
    for (done, step) in plan.steps.iter().enumerate() {
        let place = Place { number: done + 1, total: plan.steps.len(), done, step, run };
        // A step without statements is recorded only.
        let executed = if step.statements.is_empty() {
            Ok(())
        } else {
            execute(warehouse, &step.statements, step.random, &place, deadline).await
        };
        if executed.is_err() && catalog_exists && !unrecorded.is_empty() {
            record(warehouse, layout, &unrecorded, &place, deadline).await?;
        }
        executed?;
        tracing::info!(
            step = place.number,
            of = place.total,
            kind = step.kind.as_str(),
            object = step.object,
            action = step.action.as_str(),
            "step done"
        );
        unrecorded.push(step);
        if step.kind == ObjectKind::ControlTable && step.object == catalog {
            catalog_exists = true;
        }
        if drops_control_schema(step, layout) {
            // The catalog went with its schema.
            catalog_exists = false;
            unrecorded.clear();
        }
        let last = place.number == place.total;
        if catalog_exists && (last || !is_repeatable(step) || unrecorded.len() >= RECORDED_TOGETHER) {
            record(warehouse, layout, &unrecorded, &place, deadline).await?;
            unrecorded.clear();
        }
    }
    Ok(())
}

/// Whether the step can run again without harm if its record is lost: `CREATE OR REPLACE`,
/// `IF NOT EXISTS` and grants. The others fail when their object is there already, or must be known before
/// anything is merged.
fn is_repeatable(step: &Step) -> bool {
    step.action != StepAction::Drop
        && !matches!(
            step.kind,
            ObjectKind::LandingView
                | ObjectKind::ExternalSchema
                | ObjectKind::User
                | ObjectKind::Role
                | ObjectKind::Protection
        )
}

async fn record(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    steps: &[&Step],
    place: &Place<'_>,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let entries: Vec<_> = steps.iter().map(|step| step.catalog_entry()).collect();
    execute(warehouse, &[record_in_catalog(layout, &entries)], None, place, deadline).await
}

fn drops_control_schema(step: &Step, layout: &Layout) -> bool {
    step.kind == ObjectKind::Schema && step.action == StepAction::Drop && step.object == layout.control_schema
}

struct Place<'a> {
    number: usize,
    total: usize,
    done: usize,
    step: &'a Step,
    run: &'a str,
}

impl Place<'_> {
    fn object(&self) -> String {
        format!("{} {}", self.step.kind.as_str(), self.step.object)
    }

    fn failed(
        &self,
        text: String,
        kind: ErrorKind,
        next_step: &'static str,
        source: Option<redshift_data::WarehouseError>,
    ) -> ProvisionError {
        ProvisionError::Step(Box::new(StepFailure {
            number: self.number,
            total: self.total,
            done: self.done,
            action: self.step.action.as_str(),
            object: self.object(),
            why: self.step.why.clone(),
            text,
            next_step,
            kind,
            source,
        }))
    }
}

async fn execute(
    warehouse: &dyn Warehouse,
    statements: &[String],
    random: Option<&str>,
    place: &Place<'_>,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    if tokio::time::Instant::now() >= deadline {
        return Err(ProvisionError::Time {
            number: place.number,
            total: place.total,
            done: place.done,
            object: place.object(),
        });
    }
    let mut batch = vec![CASE_SENSITIVE.to_owned()];
    batch.extend_from_slice(statements);
    let token = ClientToken::derive(&["provision", place.run, &place.number.to_string(), &statements.join(";")]);
    let mut submission = Submission::batch(format!("step-{}", place.number), batch).with_token(token);
    if let Some(name) = random {
        submission = submission.with_parameter(name, secret(place)?);
    }
    let executed = redshift_data::execute(warehouse, &submission, deadline).await.map_err(|source| {
        let kind = source.kind();
        place.failed("the warehouse could not be asked".to_owned(), kind, "apply again when it answers", Some(source))
    })?;
    let settled = match executed {
        Executed::Settled(_, settled) => settled,
        Executed::Running(id) => {
            // Ended, so that the next apply finds the object either there and recorded or not
            // there; if it cannot be ended, the next apply reports what it meets.
            if let Err(error) = warehouse.cancel(&id).await {
                tracing::warn!(%error, "the running statement could not be cancelled");
            }
            return Err(place.failed(
                "it was still running when time was up, and was cancelled".to_owned(),
                ErrorKind::Transient,
                "apply again, or give the function a longer timeout",
                None,
            ));
        }
    };
    match settled.first_failure() {
        Some((_, failure)) => {
            let next_step = next_step(failure.kind, &failure.text);
            Err(place.failed(failure.text, failure.kind, next_step, None))
        }
        None => Ok(()),
    }
}

/// 32 random bytes of the operating system, in hexadecimal: what nobody can guess, and no text here shows.
fn secret(place: &Place<'_>) -> Result<String, ProvisionError> {
    let mut bytes = [0_u8; 32];
    getrandom::getrandom(&mut bytes).map_err(|error| {
        let text = format!("the operating system gave no random bytes ({error})");
        place.failed(text, ErrorKind::Transient, "apply again", None)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn next_step(kind: ErrorKind, text: &str) -> &'static str {
    // "DROP TABLE", "ALTER TABLE": RESTRICT is the default.
    if text.contains("other objects depend on it") || text.contains("used by a view") {
        return "create the views that depend on it again WITH NO SCHEMA BINDING (drop materialized views, and create \
                them again afterwards), then apply again";
    }
    match kind {
        ErrorKind::Transient | ErrorKind::Throttled | ErrorKind::Conflict => "apply again",
        ErrorKind::Misconfigured | ErrorKind::Poison => {
            "correct what the message names (often a right of the provisioner's database user), then apply again"
        }
        ErrorKind::Invariant => "run the statement that `plan` prints by hand to see the whole message, and report it",
    }
}
