//! What all tables of a pipeline share: schemas, control tables, functions, the mapping to Kafka.

use super::{Declaration, Desired, ObjectKind, Observed, OnChange};
use crate::catalog::TableDefinition;
use crate::sql::layout::{
    CATALOG, DEFINITIONS, GAPS, HASH_KEY, HOLDS, Layout, MERGE_LOG, QUARANTINE, SCHEMA_CHANGES, SETTINGS_PROBE,
    TRUNCATIONS, WATERMARKS,
};
use crate::sql::{control_schema, decoding_functions, external_schema, landing_view, protect};

/// Schemas, control tables, functions and the external schema.
pub(super) fn foundation(declaration: &Declaration, observed: &Observed) -> Vec<Desired> {
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
        (
            DEFINITIONS,
            vec![control_schema::create_definitions(layout)],
            "keeps what the targets' definitions were learned from",
        ),
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

/// The key of the hashes, if a column is hashed. One that was there and is gone is not made anew: rows
/// that are hashed already would have other hashes than those that come.
pub(super) fn hash_key(
    layout: &Layout,
    tables: &[TableDefinition],
    observed: &Observed,
    warnings: &mut Vec<String>,
) -> Option<Desired> {
    let control = &layout.control_schema;
    let name = format!("{control}.{HASH_KEY}");
    if !tables.iter().any(TableDefinition::hashes) {
        return None;
    }
    let is_recorded = observed.catalog.contains_key(&(ObjectKind::ControlTable.as_str().to_owned(), name.clone()));
    if is_recorded && !observed.relations.contains(&(control.clone(), HASH_KEY.to_owned())) {
        warnings.push(format!(
            "table {name}, the key of the hashes, is gone, and tables with hashed columns are not merged until it is \
             restored from its backup; another key would give other hashes than those that are there"
        ));
        return None;
    }
    let statements = protect::create_key(layout).to_vec();
    let mut desired =
        Desired::new(ObjectKind::ControlTable, name, statements, "holds the key with which values are hashed")
            .relation(control, HASH_KEY)
            .on_change(OnChange::Keep);
    desired.random = Some(protect::SEED);
    Some(desired)
}

/// The landing view of the schema-change topic, if a table's definition comes from it.
pub(super) fn schema_changes(declaration: &Declaration, tables: &[TableDefinition]) -> Option<Desired> {
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
pub(super) fn overview(layout: &Layout, tables: &[TableDefinition]) -> Vec<Desired> {
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
