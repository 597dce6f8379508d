//! What a plan consists of: steps, each on one object.

use super::Waiting;
use crate::catalog::TableId;
use crate::sql::control_schema::CatalogEntry;

/// Kinds of provisioned objects. The text form is stored in the catalog: it is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A schema.
    Schema,
    /// A table of the control schema.
    ControlTable,
    /// A scalar SQL function.
    Function,
    /// The mapping to Kafka.
    ExternalSchema,
    /// A streaming materialized view.
    LandingView,
    /// The parsed view for people, or the union of watermarks.
    View,
    /// A target table.
    TargetTable,
    /// A watermark or ledger table.
    TableState,
    /// The version of a source table's definition that is taken in.
    TableVersion,
    /// What that version was learned from.
    TableDefinition,
    /// What takes the clear values of a target's column away; the fingerprint says what.
    Protection,
    /// A procedure.
    Procedure,
    /// A database user.
    User,
    /// A database role.
    Role,
    /// A set of rights.
    Grant,
}

impl ObjectKind {
    /// The name in the catalog.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::ControlTable => "control table",
            Self::Function => "function",
            Self::ExternalSchema => "external schema",
            Self::LandingView => "landing view",
            Self::View => "view",
            Self::TargetTable => "target table",
            Self::TableState => "table state",
            Self::TableVersion => "table version",
            Self::TableDefinition => "table definition",
            Self::Protection => "protection",
            Self::Procedure => "procedure",
            Self::User => "user",
            Self::Role => "role",
            Self::Grant => "grant",
        }
    }
}

/// What a step does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepAction {
    /// The object is new.
    Create,
    /// The object is replaced in place.
    Replace,
    /// The object is altered in place.
    Alter,
    /// The object goes.
    Drop,
}

impl StepAction {
    /// The name in the catalog and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Alter => "alter",
            Self::Drop => "drop",
        }
    }
}

/// One step: one object, one or a few statements, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// The object's name, `schema.name` where it has a schema, unquoted.
    pub object: String,
    /// What is done.
    pub action: StepAction,
    /// Why it is done, for people.
    pub why: String,
    /// The statements, in order. Each is run outside a transaction with
    /// `enable_case_sensitive_identifier` on.
    pub statements: Vec<String>,
    /// A parameter of the statements to which whoever runs them gives 32 random bytes, in hexadecimal. No
    /// plan, answer or log line has them.
    pub random: Option<&'static str>,
    /// Fingerprint to record in the catalog; empty for a drop.
    pub fingerprint: String,
    /// The table that the object belongs to.
    pub table: Option<TableId>,
    /// The topic that the object belongs to.
    pub topic: Option<String>,
}

impl Step {
    /// The entry that records this step in the catalog.
    #[must_use]
    pub fn catalog_entry(&self) -> CatalogEntry<'_> {
        CatalogEntry {
            object_kind: self.kind.as_str(),
            object_name: &self.object,
            action: self.action.as_str(),
            fingerprint: &self.fingerprint,
            table_name: self.table.as_ref().map(TableId::as_str),
            topic: self.topic.as_deref(),
            reason: &self.why,
        }
    }
}

/// The whole plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProvisionPlan {
    /// Steps in the order of execution.
    pub steps: Vec<Step>,
    /// Tables that have to wait.
    pub waiting: Vec<Waiting>,
    /// What an operator should know, each with the next step.
    pub warnings: Vec<String>,
}

impl ProvisionPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
