//! What the warehouse has: one batch of questions to the documented system views, and the
//! control schema's own catalog if there is one. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use cdc_core::catalog::{TableId, TableSpec};
use cdc_core::kafka::RecordPosition;
use cdc_core::plan::provision::{LostRows, ObjectKind, Observed, ObservedColumn};
use cdc_core::sql::grants::CASE_SENSITIVE;
use cdc_core::sql::layout::{CATALOG, DEFINITIONS, HOLDS, Layout, QUARANTINE, TRUNCATIONS, WATERMARKS};
use cdc_core::sql::observe;
use redshift_data::{Deadline, Executed, ResultSet, Submission, Warehouse, WarehouseError, query};

use crate::error::ProvisionError;

const WHAT: [&str; 6] = ["session settings", "tables and views", "columns", "external schemas", "users", "roles"];

/// Asks for everything that a plan compares with. `schemas` are the target schemas; the
/// pipeline's own are added.
pub async fn observe(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    schemas: &BTreeSet<String>,
    deadline: Deadline,
) -> Result<Observed, ProvisionError> {
    let mut schemas = schemas.clone();
    schemas.insert(layout.control_schema.clone());
    schemas.insert(layout.landing_schema.clone());
    let schemas: Vec<String> = schemas.into_iter().collect();
    let statements = vec![
        CASE_SENSITIVE.to_owned(),
        observe::relations(&schemas),
        observe::columns(&schemas),
        observe::EXTERNAL_SCHEMAS.to_owned(),
        observe::USERS.to_owned(),
        observe::ROLES.to_owned(),
    ];
    let answers = ask(warehouse, statements, deadline).await?;
    let mut observed = Observed::default();
    let unreadable = |what| move |source| ProvisionError::Answer { what, source };
    for row in answers[1].iter() {
        let schema = row.required_text("table_schema").map_err(unreadable(WHAT[1]))?;
        let name = row.required_text("table_name").map_err(unreadable(WHAT[1]))?;
        observed.relations.insert((schema.to_owned(), name.to_owned()));
    }
    for row in answers[2].iter() {
        let unreadable = unreadable(WHAT[2]);
        let schema = row.required_text("table_schema").map_err(unreadable)?;
        let name = row.required_text("table_name").map_err(unreadable)?;
        let column = ObservedColumn {
            name: row.required_text("column_name").map_err(unreadable)?.to_owned(),
            data_type: row.required_text("data_type").map_err(unreadable)?.to_owned(),
            length: row.integer("character_maximum_length").map_err(unreadable)?,
            precision: row.integer("numeric_precision").map_err(unreadable)?,
            scale: row.integer("numeric_scale").map_err(unreadable)?,
            rights: Vec::new(),
        };
        observed.columns.entry((schema.to_owned(), name.to_owned())).or_default().push(column);
    }
    observed.external_schemas = texts(&answers[3], "schemaname", WHAT[3])?;
    observed.users = texts(&answers[4], "usename", WHAT[4])?;
    observed.roles = texts(&answers[5], "role_name", WHAT[5])?;
    if observed.relations.contains(&(layout.control_schema.clone(), CATALOG.to_owned())) {
        read_catalog(warehouse, layout, &mut observed, deadline).await?;
    }
    let has = |name: &str| observed.relations.contains(&(layout.control_schema.clone(), name.to_owned()));
    if has(QUARANTINE) && has(TRUNCATIONS) {
        read_lost_rows(warehouse, layout, &mut observed, deadline).await?;
    }
    Ok(observed)
}

/// What the warehouse knows of the records that tell columns.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// The newest record of each partition at which a table waits, or waited, for a change of its
    /// definition.
    pub holds: Vec<RecordPosition>,
    /// The last merged offset by table and partition.
    pub merged: BTreeMap<String, BTreeMap<i32, i64>>,
    /// What the definition of each target was learned from.
    pub definitions: BTreeMap<String, String>,
}

/// Asks for them. Nothing is known before the control schema exists.
pub(crate) async fn records(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    deadline: Deadline,
) -> Result<Records, ProvisionError> {
    let what = "the control schema's holds and watermarks";
    let failed = |source| ProvisionError::Observe { what, source };
    let unreadable = |source| ProvisionError::Answer { what, source };
    let schemas = [layout.control_schema.clone()];
    let relations = query(warehouse, "relations", &observe::relations(&schemas), deadline).await.map_err(failed)?;
    let mut names = BTreeSet::new();
    for row in relations.iter() {
        names.insert(row.required_text("table_name").map_err(unreadable)?.to_owned());
    }
    let mut records = Records::default();
    let number = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    if names.contains(HOLDS) {
        let rows = query(warehouse, "holds", &observe::holds(layout), deadline).await.map_err(failed)?;
        for row in rows.iter() {
            records.holds.push(RecordPosition {
                topic: row.required_text("topic").map_err(unreadable)?.to_owned(),
                partition: number(row.required_integer("kafka_partition").map_err(unreadable)?),
                offset: row.required_integer("kafka_offset").map_err(unreadable)?,
            });
        }
    }
    if names.contains(DEFINITIONS) {
        let rows = query(warehouse, "definitions", &observe::definitions(layout), deadline).await.map_err(failed)?;
        for row in rows.iter() {
            let table = row.required_text("table_name").map_err(unreadable)?.to_owned();
            let piece = row.required_text("learned_from").map_err(unreadable)?;
            records.definitions.entry(table).or_default().push_str(piece);
        }
    }
    if names.contains(WATERMARKS) {
        let rows = query(warehouse, "watermarks", &observe::watermarks(layout), deadline).await.map_err(failed)?;
        for row in rows.iter() {
            let table = row.required_text("table_name").map_err(unreadable)?.to_owned();
            let partition = number(row.required_integer("kafka_partition").map_err(unreadable)?);
            let offset = row.required_integer("kafka_offset").map_err(unreadable)?;
            records.merged.entry(table).or_default().insert(partition, offset);
        }
    }
    Ok(records)
}

/// Whether the landing view still has every record of the table that was merged.
pub(crate) async fn has_whole_log(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    spec: &TableSpec,
    observed: &Observed,
    deadline: Deadline,
) -> Result<bool, ProvisionError> {
    let watermark = (layout.control_schema.clone(), format!("watermark_{}", spec.slug));
    let landing = (ObjectKind::LandingView.as_str().to_owned(), format!("{}.{}", layout.landing_schema, spec.slug));
    if !observed.relations.contains(&watermark) || !observed.catalog.contains_key(&landing) {
        return Ok(false);
    }
    let what = "the landing view's records";
    let rows = query(warehouse, "whole-log", &observe::incomplete_logs(layout, spec), deadline)
        .await
        .map_err(|source| ProvisionError::Observe { what, source })?;
    Ok(rows.iter().next().is_none())
}

/// One batch; every statement is judged by itself, and each but the first has a result.
async fn ask(
    warehouse: &dyn Warehouse,
    statements: Vec<String>,
    deadline: Deadline,
) -> Result<Vec<ResultSet>, ProvisionError> {
    let failed = |what| move |source| ProvisionError::Observe { what, source };
    let submission = Submission::batch("observe", statements);
    let settled =
        match redshift_data::execute(warehouse, &submission, deadline).await.map_err(failed("system views"))? {
            Executed::Settled(_, settled) => settled,
            Executed::Running(statement) => {
                let source = WarehouseError::StillRunning { statement };
                return Err(ProvisionError::Observe { what: "system views", source });
            }
        };
    let mut answers = Vec::new();
    for (index, what) in WHAT.into_iter().enumerate() {
        let outcome = settled.outcome(index);
        if let Some(failure) = outcome.failure() {
            return Err(ProvisionError::ObserveSql { what, text: failure.text, kind: failure.kind });
        }
        answers.push(if outcome.has_result {
            warehouse.fetch(&outcome.id, deadline).await.map_err(failed(what))?
        } else {
            ResultSet::default()
        });
    }
    Ok(answers)
}

async fn read_catalog(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    observed: &mut Observed,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let what = "the control schema's catalog";
    let unreadable = |source| ProvisionError::Answer { what, source };
    let rows = query(warehouse, "catalog", &observe::catalog(layout), deadline)
        .await
        .map_err(|source| ProvisionError::Observe { what, source })?;
    for row in rows.iter() {
        let kind = row.required_text("object_kind").map_err(unreadable)?;
        let name = row.required_text("object_name").map_err(unreadable)?;
        let fingerprint = row.required_text("fingerprint").map_err(unreadable)?;
        if kind == ObjectKind::TableVersion.as_str() {
            let entries = row.required_integer("entries").map_err(unreadable)?;
            observed.versions.insert(TableId(name.to_owned()), entries);
        }
        observed.catalog.insert((kind.to_owned(), name.to_owned()), fingerprint.to_owned());
    }
    Ok(())
}

async fn read_lost_rows(
    warehouse: &dyn Warehouse,
    layout: &Layout,
    observed: &mut Observed,
    deadline: Deadline,
) -> Result<(), ProvisionError> {
    let what = "the control schema's quarantine";
    let unreadable = |source| ProvisionError::Answer { what, source };
    let rows = query(warehouse, "lost-rows", &observe::lost_rows(layout), deadline)
        .await
        .map_err(|source| ProvisionError::Observe { what, source })?;
    for row in rows.iter() {
        let table = TableId(row.required_text("table_name").map_err(unreadable)?.to_owned());
        let lost = LostRows {
            entries: row.required_integer("entries").map_err(unreadable)?,
            first_at: row.required_text("first_at").map_err(unreadable)?.to_owned(),
        };
        observed.lost_rows.insert(table, lost);
    }
    Ok(())
}

fn texts(answer: &ResultSet, column: &str, what: &'static str) -> Result<BTreeSet<String>, ProvisionError> {
    answer
        .iter()
        .map(|row| {
            row.required_text(column).map(str::to_owned).map_err(|source| ProvisionError::Answer { what, source })
        })
        .collect()
}
