//! What goes with the pipeline.

use super::{ObjectKind, Observed, ProvisionPlan, Step, StepAction};
use crate::sql::ident::quoted;
use crate::sql::layout::Layout;
use crate::sql::{external_schema, merge_procedure};

/// What `destroy` removes. Without `drop_data` tables, landing views and the control tables
/// stay: a landing view that is created again starts at the beginning of its topic.
#[must_use]
pub fn destroy(layout: &Layout, observed: &Observed, drop_data: bool) -> ProvisionPlan {
    let mut plan = ProvisionPlan::default();
    let drop = |kind: ObjectKind, object: &str, statements: Vec<String>, why: &str| Step {
        kind,
        object: object.to_owned(),
        action: StepAction::Drop,
        why: why.to_owned(),
        statements,
        random: None,
        fingerprint: String::new(),
        table: None,
        topic: None,
    };
    let recorded = |wanted: ObjectKind| {
        observed.catalog.keys().filter(move |(kind, _)| kind == wanted.as_str()).map(|(_, object)| object.clone())
    };
    for object in recorded(ObjectKind::Procedure) {
        let arguments = if object.contains(".sp_merge_") { merge_procedure::ARGUMENT_TYPES } else { "" };
        let statement = format!("DROP PROCEDURE {}({arguments})", quote_dotted(&object));
        plan.steps.push(drop(ObjectKind::Procedure, &object, vec![statement], "the pipeline goes"));
    }
    for object in recorded(ObjectKind::View) {
        let statement = format!("DROP VIEW IF EXISTS {}", quote_dotted(&object));
        plan.steps.push(drop(ObjectKind::View, &object, vec![statement], "the pipeline goes"));
    }
    if drop_data {
        for object in recorded(ObjectKind::LandingView) {
            let statement = format!("DROP MATERIALIZED VIEW IF EXISTS {}", quote_dotted(&object));
            plan.steps.push(drop(ObjectKind::LandingView, &object, vec![statement], "data is dropped as asked"));
        }
        for kind in [ObjectKind::TargetTable, ObjectKind::TableState] {
            for object in recorded(kind) {
                let statement = format!("DROP TABLE IF EXISTS {}", quote_dotted(&object));
                plan.steps.push(drop(kind, &object, vec![statement], "data is dropped as asked"));
            }
        }
        for object in recorded(ObjectKind::ExternalSchema) {
            plan.steps.push(drop(
                ObjectKind::ExternalSchema,
                &object,
                vec![external_schema::drop(layout)],
                "data is dropped as asked",
            ));
        }
        // The control schema goes last and with everything in it: functions, logs, catalog.
        plan.steps.push(drop(
            ObjectKind::Schema,
            &layout.control_schema,
            vec![format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(&layout.control_schema))],
            "data is dropped as asked",
        ));
    } else {
        plan.warnings.push(
            "target tables, landing views, watermarks and logs are kept; ask with drop_data to remove them".to_owned(),
        );
    }
    plan
}

fn quote_dotted(object: &str) -> String {
    match object.split_once('.') {
        Some((schema, name)) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(object),
    }
}
