//! Provisioning as a plan: what is declared, compared with what the warehouse has.
//!
//! The plan contains every decision; executing it makes none. A plan for a warehouse that has
//! everything is empty. Nothing here does I/O.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::catalog::{Mode, TableDefinition, TableId};
use crate::sql::control_schema::{self, CatalogEntry};
use crate::sql::external_schema::{self, StreamSource};
use crate::sql::ident::quoted;
use crate::sql::layout::{
    CATALOG, GAPS, HOLDS, Layout, MERGE_LOG, QUARANTINE, SCHEMA_CHANGES, SETTINGS_PROBE, TRUNCATIONS, WATERMARKS,
};
use crate::sql::{decoding_functions, grants, landing_view, merge_procedure};

mod changes;
mod modes;
mod tables;
mod unions;

pub use unions::{Union, problems};

pub use modes::switching;

/// The longest statement that the Data API takes (Redshift Management Guide, "Considerations
/// when calling the Data API": 200 KB, read strictly).
const STATEMENT_BYTES: usize = 200_000;

/// What the pipeline file and the sources' columns ask for.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The pipeline's schemas.
    pub layout: Layout,
    /// The Kafka cluster as Redshift reaches it.
    pub stream: StreamSource,
    /// Tables whose columns are known.
    pub tables: Vec<TableDefinition>,
    /// Tables that cannot be provisioned yet, with the reason and the next step.
    pub waiting: Vec<Waiting>,
    /// The database role that holds the functions' rights, and the functions' users.
    /// `None`: all functions are the same database user and need no grants.
    pub access: Option<Access>,
    /// Roles that may read the target tables.
    pub readers: Vec<String>,
    /// Tables whose pending changes somebody has accepted, whatever their policies say.
    pub accepted: BTreeSet<TableId>,
    /// Views that show many tables as one.
    pub unions: Vec<Union>,
}

/// The functions' role and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Name of the role.
    pub role: String,
    /// Database users of the functions, e.g. `IAMR:redshift-cdc-change-handler`.
    pub users: Vec<String>,
}

/// A declared table that has to wait, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The table's topic.
    pub topic: String,
    /// Why, with the next step.
    pub reason: String,
}

/// What the warehouse has. Names are as the warehouse shows them.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// (schema, name) of tables and views in the pipeline's schemas.
    pub relations: BTreeSet<(String, String)>,
    /// Columns of each (schema, name), in order.
    pub columns: BTreeMap<(String, String), Vec<ObservedColumn>>,
    /// Names of external schemas.
    pub external_schemas: BTreeSet<String>,
    /// Names of database users.
    pub users: BTreeSet<String>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Tables of which the landing view still has every record that was merged. Only asked for where
    /// it matters ([`switching`]).
    pub whole_logs: BTreeSet<TableId>,
    /// (object kind, object name) -> fingerprint of the newest catalog entry.
    pub catalog: BTreeMap<(String, String), String>,
}

/// A column as `SVV_COLUMNS` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedColumn {
    /// The column's name.
    pub name: String,
    /// `data_type`, e.g. `character varying`.
    pub data_type: String,
    /// Limit in bytes of a character column.
    pub length: Option<i64>,
    /// Digits of a decimal.
    pub precision: Option<i64>,
    /// Digits of a decimal behind the point.
    pub scale: Option<i64>,
}

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

/// How an existing object follows a changed definition.
enum OnChange {
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
struct Desired {
    kind: ObjectKind,
    object: String,
    /// (schema, name) if the warehouse shows whether it exists.
    relation: Option<(String, String)>,
    /// What the fingerprint covers, if not the statements.
    identity: Option<String>,
    /// The fingerprint itself, where it is none of a text.
    recorded_as: Option<String>,
    /// A change is recorded although no statement comes with it.
    may_be_empty: bool,
    statements: Vec<String>,
    on_change: OnChange,
    why: String,
    table: Option<TableId>,
    topic: Option<String>,
}

impl Desired {
    fn new(kind: ObjectKind, object: String, statements: Vec<String>, why: impl Into<String>) -> Self {
        Self {
            kind,
            object,
            relation: None,
            identity: None,
            recorded_as: None,
            may_be_empty: false,
            statements,
            on_change: OnChange::Replace,
            why: why.into(),
            table: None,
            topic: None,
        }
    }

    fn relation(mut self, schema: &str, name: &str) -> Self {
        self.relation = Some((schema.to_owned(), name.to_owned()));
        self
    }

    fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    fn of(mut self, table: &TableDefinition) -> Self {
        self.table = Some(table.spec.id());
        self.topic = Some(table.spec.topic.clone());
        self
    }

    fn fingerprint(&self) -> String {
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

/// Compares what is declared with what is observed.
#[must_use]
pub fn plan(declaration: &Declaration, observed: &Observed) -> ProvisionPlan {
    let mut plan = ProvisionPlan { waiting: declaration.waiting.clone(), ..ProvisionPlan::default() };
    let mut tables: Vec<TableDefinition> = Vec::new();
    for table in &declaration.tables {
        if table.key.is_empty() && table.mode.needs_key() {
            plan.waiting.push(Waiting {
                topic: table.spec.topic.clone(),
                reason: format!(
                    "table {} has no key, and mode {} needs one; declare it with `key` in the pipeline file, or choose mode \
                     current with `keyless: count`, or mode append",
                    table.spec.source_table,
                    table.mode.as_str()
                ),
            });
        } else if modes::cannot_recount(table, observed) {
            plan.waiting.push(Waiting {
                topic: table.spec.topic.clone(),
                reason: format!(
                    "the columns of table {} changed; its rows are counted by all of them, and the landing view does not hold \
                     every record that was merged any more, to count them anew. Declare a `key`, or give the topic another \
                     `target` and take a new snapshot",
                    table.spec.source_table
                ),
            });
        } else if merge_procedure::create(&declaration.layout, table).len() > STATEMENT_BYTES {
            plan.waiting.push(Waiting {
                topic: table.spec.topic.clone(),
                reason: format!(
                    "the merge procedure of table {} with its {} columns is longer than the {STATEMENT_BYTES} bytes that the \
                     Data API takes; leave columns out with `columns.exclude`",
                    table.spec.source_table,
                    table.columns.len()
                ),
            });
        } else {
            tables.push(table.clone());
        }
    }
    let mut tables: Vec<TableDefinition> =
        tables.iter().map(|table| modes::possible(table, observed, &mut plan.warnings)).collect();
    let mut desired = foundation(declaration, observed);
    desired.extend(schema_changes(declaration, &tables));
    let mut kept = BTreeSet::new();
    for table in &mut tables {
        *table = changes::without_ignored(table.clone(), observed);
        let found = tables::changes(declaration, table, observed);
        let held = changes::held(&found, table, declaration);
        if held.is_empty() {
            desired.extend(tables::objects(declaration, table, observed, &found, &mut plan.warnings));
        } else {
            plan.waiting.push(held_back(table, &held));
            kept.insert(table.spec.id());
        }
    }
    desired.extend(overview(&declaration.layout, &tables));
    desired.extend(unions::desired(declaration, &tables, &kept));
    desired.extend(access(declaration, &tables, observed));
    let mut after = observed.clone();
    for table in tables.iter().filter(|table| modes::differs(table, observed)) {
        after.relations.remove(&tables::watermark(&declaration.layout, table));
    }
    for object in desired {
        decide(object, &after, &mut plan);
    }
    undeclared(&tables, observed, &mut plan);
    plan
}

/// A table whose changes wait for somebody to accept them: everything of it stays as it is.
fn held_back(table: &TableDefinition, held: &[&changes::Change]) -> Waiting {
    let texts: Vec<String> = held.iter().map(|change| format!("{} ({}: hold)", change.text, change.kind)).collect();
    let id = table.spec.id();
    Waiting {
        topic: table.spec.topic.clone(),
        reason: format!(
            "table {id} waits with its records: {}; accept it with {{\"action\": \"apply\", \"accept\": [\"{id}\"]}}, or \
             change `on_schema_change` in the pipeline file",
            texts.join("; ")
        ),
    }
}

fn decide(object: Desired, observed: &Observed, plan: &mut ProvisionPlan) {
    let fingerprint = object.fingerprint();
    let recorded = observed.catalog.get(&(object.kind.as_str().to_owned(), object.object.clone()));
    let missing = object.relation.as_ref().is_some_and(|relation| !observed.relations.contains(relation));
    let (action, statements, why) = match recorded {
        Some(recorded) if *recorded == fingerprint && !missing => return,
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
        fingerprint,
        table: object.table,
        topic: object.topic,
    });
}

/// Schemas, control tables, functions and the external schema.
fn foundation(declaration: &Declaration, observed: &Observed) -> Vec<Desired> {
    let layout = &declaration.layout;
    let control = &layout.control_schema;
    let mut schemas: Vec<(&str, &str)> = vec![
        (control, "holds watermarks, quarantine, merge log and procedures"),
        (&layout.landing_schema, "holds the landing views"),
    ];
    for table in &declaration.tables {
        let name = table.spec.target_schema.as_str();
        if !schemas.iter().any(|(known, _)| *known == name) {
            schemas.push((name, "holds target tables"));
        }
    }
    for union in &declaration.unions {
        let name = union.schema.as_str();
        if !schemas.iter().any(|(known, _)| *known == name) {
            schemas.push((name, "holds views over several tables"));
        }
    }
    let mut desired: Vec<Desired> = schemas
        .iter()
        .map(|(name, why)| {
            Desired::new(ObjectKind::Schema, (*name).to_owned(), vec![control_schema::create_schema(name)], *why)
        })
        .collect();
    let tables = [
        (CATALOG, vec![control_schema::create_catalog(layout)], "records what has been provisioned, as a history"),
        (QUARANTINE, vec![control_schema::create_quarantine(layout)], "keeps what cannot be merged, with the reason"),
        (MERGE_LOG, vec![control_schema::create_merge_log(layout)], "records every merge"),
        (GAPS, vec![control_schema::create_gaps(layout)], "records offsets that never landed"),
        (HOLDS, vec![control_schema::create_holds(layout)], "records where a table waits for a schema change"),
        (TRUNCATIONS, vec![control_schema::create_truncations(layout)], "remembers when source tables were emptied"),
        (
            SETTINGS_PROBE,
            control_schema::create_settings_probe(layout).to_vec(),
            "lets a merge procedure check its session's settings",
        ),
    ];
    for (name, statements, why) in tables {
        desired.push(
            Desired::new(ObjectKind::ControlTable, format!("{control}.{name}"), statements, why)
                .relation(control, name)
                .on_change(OnChange::Keep),
        );
    }
    for (name, statement) in decoding_functions::create_all(layout) {
        desired.push(Desired::new(
            ObjectKind::Function,
            format!("{control}.{name}"),
            vec![statement],
            "decodes values for which the warehouse has no function",
        ));
    }
    desired.push(external(declaration, observed));
    desired
}

fn external(declaration: &Declaration, observed: &Observed) -> Desired {
    let layout = &declaration.layout;
    let name = layout.external_schema.clone();
    let create = external_schema::create(layout, &declaration.stream);
    let object = Desired::new(
        ObjectKind::ExternalSchema,
        name.clone(),
        vec![create.clone()],
        "maps the Kafka cluster into the warehouse",
    );
    if observed.external_schemas.contains(&name) {
        // Landing views depend on the schema and would lose their position with it.
        return object.on_change(OnChange::Hold(format!(
            "the brokers or the login of external schema {name} changed, and Redshift cannot alter them in place: \
             drop and re-create the schema by hand when the landing views may start again at the beginning of their topics"
        )));
    }
    object
}

/// The landing view of the schema-change topic, if a table's definition comes from it.
fn schema_changes(declaration: &Declaration, tables: &[TableDefinition]) -> Option<Desired> {
    let mark = tables.iter().find_map(|table| table.schema_changes.as_ref())?;
    let layout = &declaration.layout;
    let object = Desired::new(
        ObjectKind::LandingView,
        format!("{}.{SCHEMA_CHANGES}", layout.landing_schema),
        vec![landing_view::create_schema_changes(layout, &mark.topic)],
        "keeps what Kafka delivers on the schema-change topic, so that no event is read with an old definition",
    );
    Some(object.on_change(OnChange::Keep))
}

/// The union of the watermarks of all tables.
fn overview(layout: &Layout, tables: &[TableDefinition]) -> Vec<Desired> {
    if tables.is_empty() {
        return Vec::new();
    }
    let specs: Vec<_> = tables.iter().map(|table| table.spec.clone()).collect();
    vec![Desired::new(
        ObjectKind::View,
        format!("{}.{WATERMARKS}", layout.control_schema),
        vec![control_schema::create_watermarks_view(layout, &specs)],
        "shows the watermarks of all tables",
    )]
}

/// Users, role and rights.
fn access(declaration: &Declaration, tables: &[TableDefinition], observed: &Observed) -> Vec<Desired> {
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

/// Tables that were provisioned once and are declared no more: kept, and said.
fn undeclared(tables: &[TableDefinition], observed: &Observed, plan: &mut ProvisionPlan) {
    let declared: BTreeSet<String> = tables.iter().map(|table| table.spec.id().to_string()).collect();
    for (kind, object) in observed.catalog.keys() {
        if kind == ObjectKind::TargetTable.as_str() && !declared.contains(object) {
            plan.warnings.push(format!(
                "table {object} was provisioned and is no longer declared, or its columns are not known any more; it is kept as it is"
            ));
        }
    }
}

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

#[cfg(test)]
mod tests;
