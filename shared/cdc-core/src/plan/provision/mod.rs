//! Provisioning as a plan: what is declared, compared with what the warehouse has.
//!
//! The plan contains every decision; executing it makes none. A plan for a warehouse that has
//! everything is empty. Nothing here does I/O.

use std::collections::BTreeSet;

use crate::catalog::{TableDefinition, TableId};
use crate::sql::merge_procedure;

mod access;
mod attached;
mod changes;
mod declaration;
mod desired;
mod destroy;
mod emptied;
mod foundation;
mod kept;
mod modes;
mod observed;
mod protections;
mod rebuild;
mod renames;
mod step;
mod tables;
mod unions;

pub use declaration::{Access, Declaration, Waiting};
pub use desired::fingerprint;
pub use destroy::destroy;
pub use emptied::cannot_be_emptied;
pub use modes::switching;
pub use observed::{Attached, DependentView, LostRows, Observed, ObservedColumn};
pub use step::{ObjectKind, ProvisionPlan, Step, StepAction};
pub use unions::{Union, problems};

use desired::{Desired, OnChange, decide};

/// The longest statement that the Data API takes (Redshift Management Guide, "Considerations
/// when calling the Data API": 200 KB, read strictly).
const STATEMENT_BYTES: usize = 200_000;

/// Compares what is declared with what is observed.
#[must_use]
pub fn plan(declaration: &Declaration, observed: &Observed) -> ProvisionPlan {
    compare(declaration, observed).0
}

/// The tables whose targets, or columns of them, something new takes the place of: whoever plans has to
/// know what others have put on them ([`Observed::attached`]).
pub fn replacing<'d>(declaration: &'d Declaration, observed: &Observed) -> Vec<&'d TableDefinition> {
    let (_, replaced) = compare(declaration, observed);
    declaration.tables.iter().filter(|table| replaced.contains(&table.spec.id())).collect()
}

fn compare(declaration: &Declaration, observed: &Observed) -> (ProvisionPlan, BTreeSet<TableId>) {
    let mut plan = ProvisionPlan { waiting: declaration.waiting.clone(), ..ProvisionPlan::default() };
    let mut tables: Vec<TableDefinition> = Vec::new();
    for table in &declaration.tables {
        let table = &protections::possible(table, observed, &mut plan.warnings);
        match cannot_begin(declaration, table, observed) {
            Some(reason) => plan.waiting.push(Waiting { topic: table.spec.topic.clone(), reason }),
            None => tables.push(modes::possible(table, observed, &mut plan.warnings)),
        }
    }
    let mut desired = foundation::foundation(declaration, observed);
    desired.extend(foundation::hash_key(&declaration.layout, &tables, observed, &mut plan.warnings));
    desired.extend(foundation::schema_changes(declaration, &tables));
    let mut kept = BTreeSet::new();
    let mut replaced = BTreeSet::new();
    for table in &mut tables {
        *table = changes::without_ignored(table.clone(), observed);
        let found = tables::changes(declaration, table, observed);
        let held = changes::held(&found, table, declaration);
        let mut warnings = Vec::new();
        let objects = if held.is_empty() {
            tables::objects(declaration, table, observed, &found, &mut warnings)
        } else {
            Err(held_back(table, &held))
        };
        match objects {
            Ok((objects, changed)) => {
                desired.extend(objects);
                plan.warnings.extend(warnings);
                if !changed.is_nothing() {
                    replaced.insert(table.spec.id());
                }
            }
            Err(reason) => {
                plan.waiting.push(Waiting { topic: table.spec.topic.clone(), reason });
                kept.insert(table.spec.id());
                *table = modes::as_it_is(table, observed);
            }
        }
    }
    desired.extend(emptied::desired(declaration, &tables, observed));
    desired.extend(foundation::overview(&declaration.layout, &tables));
    desired.extend(unions::desired(declaration, &tables, &kept));
    desired.extend(access::desired(declaration, &tables, observed));
    let mut after = observed.clone();
    for table in tables.iter().filter(|table| modes::differs(table, observed)) {
        after.relations.remove(&tables::watermark(&declaration.layout, table));
    }
    for object in desired {
        decide(object, &after, &mut plan);
    }
    plan.warnings.extend(emptied::warnings(declaration, &tables, observed));
    undeclared(&tables, observed, &mut plan);
    (plan, replaced)
}

/// Why a table cannot be provisioned at all, with the next step.
fn cannot_begin(declaration: &Declaration, table: &TableDefinition, observed: &Observed) -> Option<String> {
    let source_table = &table.spec.source_table;
    if table.key.is_empty() && table.mode.needs_key() {
        return Some(format!(
            "table {source_table} has no key, and mode {} needs one; declare it with `key` in the pipeline file, or choose mode \
             current with `keyless: count`, or mode append",
            table.mode.as_str()
        ));
    }
    if modes::cannot_recount(table, observed) {
        return Some(format!(
            "the columns of table {source_table} changed, or which of them are protected; its rows are counted by all of them, and the landing view does not hold \
             every record that was merged any more, to count them anew. Declare a `key`, or give the topic another \
             `target` and take a new snapshot"
        ));
    }
    if merge_procedure::create(&declaration.layout, table).len() > STATEMENT_BYTES {
        return Some(format!(
            "the merge procedure of table {source_table} with its {} columns is longer than the {STATEMENT_BYTES} bytes that the \
             Data API takes; leave columns out with `columns.exclude`",
            table.columns.len()
        ));
    }
    None
}

/// A table whose changes wait for somebody to accept them: everything of it stays as it is.
fn held_back(table: &TableDefinition, held: &[&changes::Change]) -> String {
    let texts: Vec<String> = held.iter().map(|change| format!("{} ({}: hold)", change.text, change.kind)).collect();
    let id = table.spec.id();
    format!(
        "table {id} waits with its records: {}; accept it with {{\"action\": \"apply\", \"accept\": [\"{id}\"]}}, or \
         change `on_schema_change` in the pipeline file",
        texts.join("; ")
    )
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

#[cfg(test)]
mod tests;
