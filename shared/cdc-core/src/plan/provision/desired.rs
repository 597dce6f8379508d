//! An object that should exist, and what has to be done for it.

use sha2::{Digest, Sha256};

use super::{ObjectKind, Observed, ProvisionPlan, Step, StepAction};
use crate::catalog::{TableDefinition, TableId};

/// How an existing object follows a changed definition.
pub(super) enum OnChange {
    /// `CREATE OR REPLACE` or an idempotent statement: run it again.
    Replace,
    /// The object stays as it is; its definition does not change in this version.
    Keep,
    /// Other statements bring the existing object up to date.
    Alter(Vec<String>),
    /// Cannot follow; an operator must decide.
    Hold(String),
}

/// An object that should exist.
pub(super) struct Desired {
    pub(super) kind: ObjectKind,
    pub(super) object: String,
    /// (schema, name) if the warehouse shows whether it exists.
    pub(super) relation: Option<(String, String)>,
    /// What the fingerprint covers, if not the statements.
    pub(super) identity: Option<String>,
    /// The fingerprint itself, where it is none of a text.
    pub(super) recorded_as: Option<String>,
    /// It is done whatever is recorded.
    pub(super) is_due: bool,
    /// A change is recorded although no statement comes with it.
    pub(super) may_be_empty: bool,
    pub(super) statements: Vec<String>,
    /// As [`Step::random`].
    pub(super) random: Option<&'static str>,
    pub(super) on_change: OnChange,
    pub(super) why: String,
    pub(super) table: Option<TableId>,
    pub(super) topic: Option<String>,
}

impl Desired {
    pub(super) fn new(kind: ObjectKind, object: String, statements: Vec<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            object,
            relation: None,
            identity: None,
            recorded_as: None,
            is_due: false,
            may_be_empty: false,
            statements,
            random: None,
            on_change: OnChange::Replace,
            why: why.into(),
            table: None,
            topic: None,
        }
    }

    pub(super) fn relation(mut self, schema: &str, name: &str) -> Self {
        self.relation = Some((schema.to_owned(), name.to_owned()));
        self
    }

    pub(super) fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    pub(super) fn of(mut self, table: &TableDefinition) -> Self {
        self.table = Some(table.spec.id());
        self.topic = Some(table.spec.topic.clone());
        self
    }

    /// Whether something is done to an object that is there.
    pub(super) fn changes_something(&self) -> bool {
        match &self.on_change {
            OnChange::Replace => !self.statements.is_empty(),
            OnChange::Alter(statements) => !statements.is_empty(),
            OnChange::Keep | OnChange::Hold(_) => false,
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        if let Some(recorded) = &self.recorded_as {
            return recorded.clone();
        }
        fingerprint(self.identity.as_ref().unwrap_or(&self.statements.join(";\n")))
    }
}

/// The first half of the SHA-256 of a definition, hexadecimal.
#[must_use]
pub fn fingerprint(definition: &str) -> String {
    Sha256::digest(definition.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Compares one object with what is recorded of it, and adds the step that it needs.
pub(super) fn decide(object: Desired, observed: &Observed, plan: &mut ProvisionPlan) {
    let fingerprint = object.fingerprint();
    let recorded = observed.catalog.get(&(object.kind.as_str().to_owned(), object.object.clone()));
    let missing = object.relation.as_ref().is_some_and(|relation| !observed.relations.contains(relation));
    let (action, statements, why) = match recorded {
        Some(recorded) if *recorded == fingerprint && !missing && !object.is_due => return,
        Some(_) if missing => {
            (StepAction::Create, object.statements, format!("{}; it is recorded but missing", object.why))
        }
        Some(_) => match object.on_change {
            OnChange::Replace => {
                (StepAction::Replace, object.statements, format!("{}; its definition changed", object.why))
            }
            OnChange::Keep => return,
            OnChange::Alter(statements) if statements.is_empty() && !object.may_be_empty => return,
            OnChange::Alter(statements) => {
                (StepAction::Alter, statements, format!("{}; its definition changed", object.why))
            }
            OnChange::Hold(reason) => {
                plan.warnings.push(reason);
                return;
            }
        },
        None => (StepAction::Create, object.statements, object.why),
    };
    plan.steps.push(Step {
        kind: object.kind,
        object: object.object,
        action,
        why,
        statements,
        random: object.random,
        fingerprint,
        table: object.table,
        topic: object.topic,
    });
}
