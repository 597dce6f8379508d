//! What a materialized view over a stream may hold.
//!
//! Sources: Redshift Database Developer Guide, "Streaming ingestion to a materialized view", "Getting started with streaming
//! ingestion from Apache Kafka sources", "REFRESH MATERIALIZED VIEW" (incremental refresh).

use crate::ast::{Call, Expr, Query, QueryBody, Select, SelectItem, Step, TableRef};
use crate::catalog::{Catalog, Relation, RelationKind};
use crate::error::SqlError;

/// Functions whose result changes between refreshes.
const MUTABLE: &[&str] = &[
    "sysdate",
    "getdate",
    "current_date",
    "current_timestamp",
    "current_time",
    "localtime",
    "localtimestamp",
    "timeofday",
    "random",
    "current_user",
    "session_user",
    "user",
];

fn banned(reason: &str) -> SqlError {
    SqlError::unsupported(format!("Materialized view over stream could not be created, reason: {reason}"))
}

fn stream(path: &[Step], catalog: &dyn Catalog) -> Option<Relation> {
    let names: Vec<&str> = path
        .iter()
        .map_while(|s| match s {
            Step::Name(ident) => Some(ident.name.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let relation = match names.as_slice() {
        [name] => catalog.relation(None, name),
        [.., schema, name] => catalog.relation(Some(schema), name),
        [] => None,
    }?;
    (relation.kind == RelationKind::Stream).then_some(relation)
}

fn from_items<'q>(items: &'q [TableRef], out: &mut Vec<&'q TableRef>) {
    for item in items {
        match item {
            TableRef::Join { left, right, .. } => {
                from_items(std::slice::from_ref(left), out);
                from_items(std::slice::from_ref(right), out);
            }
            other => out.push(other),
        }
    }
}

/// Streams read anywhere in a query.
fn streams_of(query: &Query, catalog: &dyn Catalog, out: &mut Vec<Relation>) {
    for cte in &query.with {
        streams_of(&cte.query, catalog, out);
    }
    body_streams(&query.body, catalog, out);
}

fn body_streams(body: &QueryBody, catalog: &dyn Catalog, out: &mut Vec<Relation>) {
    match body {
        QueryBody::Select(select) => {
            let mut items = Vec::new();
            from_items(&select.from, &mut items);
            for item in items {
                item_streams(item, catalog, out);
            }
        }
        QueryBody::Set(_, left, right) => {
            body_streams(left, catalog, out);
            body_streams(right, catalog, out);
        }
        QueryBody::Nested(query) => streams_of(query, catalog, out),
        QueryBody::Values(_) => {}
    }
}

fn item_streams(item: &TableRef, catalog: &dyn Catalog, out: &mut Vec<Relation>) {
    match item {
        TableRef::Named { path, .. } => out.extend(stream(path, catalog)),
        TableRef::Query { query, .. } => streams_of(query, catalog, out),
        TableRef::Pivot(pivot) => item_streams(&pivot.source, catalog, out),
        TableRef::UnpivotColumns(unpivot) => item_streams(&unpivot.source, catalog, out),
        _ => {}
    }
}

pub(crate) fn check_streaming_view(query: &Query, catalog: &dyn Catalog) -> Result<Option<(String, String)>, SqlError> {
    let mut streams = Vec::new();
    streams_of(query, catalog, &mut streams);
    let Some(first) = streams.first() else {
        return Ok(None);
    };
    let found = (first.schema.clone(), first.name.clone());
    if !query.with.is_empty() {
        return Err(banned("WITH and subqueries are not supported."));
    }
    let select: &Select = match &query.body {
        QueryBody::Select(select) => select,
        QueryBody::Set(..) => return Err(banned("set operations are not supported.")),
        _ => return Err(banned("subqueries are not supported.")),
    };
    let mut items = Vec::new();
    from_items(&select.from, &mut items);
    if items.iter().any(|i| matches!(i, TableRef::Query { .. })) {
        // The text that Redshift gives for subqueries in FROM.
        return Err(banned("Column aliases are not supported."));
    }
    if items.iter().any(|i| matches!(i, TableRef::Pivot(_) | TableRef::UnpivotColumns(_))) {
        return Err(banned("PIVOT and UNPIVOT are not supported."));
    }
    if items.len() > 1 {
        return Err(banned("joins are not supported."));
    }
    if select.distinct {
        return Err(banned("DISTINCT is not supported."));
    }
    if select.qualify.is_some() {
        return Err(banned("window functions are not supported."));
    }
    let selected = select.items.iter().filter_map(|i| match i {
        SelectItem::Expr(expr, _) => Some(expr),
        SelectItem::Star { .. } => None,
    });
    for expr in selected.chain(select.selection.iter()).chain(select.having.iter()) {
        check(expr, catalog)?;
    }
    Ok(Some(found))
}

fn check_call(call: &Call, catalog: &dyn Catalog) -> Result<(), SqlError> {
    let name = call.name.name.as_str();
    if call.over.is_some() {
        return Err(banned("window functions are not supported."));
    }
    if call.distinct {
        return Err(banned("DISTINCT aggregates are not supported."));
    }
    if MUTABLE.contains(&name) {
        return Err(banned(&format!("the mutable function {name} is not supported.")));
    }
    if !catalog.functions(call.name.schema.as_deref(), name).is_empty() {
        return Err(banned("user-defined functions are not supported."));
    }
    call.args.iter().try_for_each(|a| check(a, catalog))
}

fn check(expr: &Expr, catalog: &dyn Catalog) -> Result<(), SqlError> {
    match expr {
        Expr::Call(call) => check_call(call, catalog),
        Expr::Subquery(_) | Expr::Exists(_) | Expr::InQuery { .. } | Expr::Quantified { .. } => {
            Err(banned("subqueries are not supported."))
        }
        other => other.children().into_iter().try_for_each(|e| check(e, catalog)),
    }
}
