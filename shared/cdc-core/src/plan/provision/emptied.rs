//! Rows that the source took away without an event: what is said of them, and how a table gets rid
//! of them. Which rows those are nobody can tell, so all are taken for gone, and a snapshot brings
//! back the ones that the source has.

use super::{Declaration, Desired, ObjectKind, Observed};
use crate::catalog::{Mode, TableDefinition};
use crate::sql::reshape;

/// Why a table cannot be emptied for a new snapshot. None: it can.
#[must_use]
pub fn cannot_be_emptied(table: &TableDefinition) -> Option<String> {
    let id = table.spec.id();
    match table.mode {
        Mode::Current | Mode::SoftDelete | Mode::History => None,
        Mode::Append => Some(format!("table {id} is an append log, which keeps what it has")),
        Mode::Count => Some(format!(
            "the rows of table {id} are counted, and a second snapshot of it waits; give the topic another `target`, or \
             declare a `key`"
        )),
    }
}

/// Tables whose rows are taken for gone. Done whenever it is asked for.
pub(super) fn desired(declaration: &Declaration, tables: &[TableDefinition], observed: &Observed) -> Vec<Desired> {
    let is_asked =
        |table: &&TableDefinition| declaration.emptied.contains(&table.spec.id()) && cannot_be_emptied(table).is_none();
    tables
        .iter()
        .filter(is_asked)
        .map(|table| {
            let object = format!("{} emptied", table.spec.id());
            let mut emptied = Desired::new(
                ObjectKind::TableState,
                object.clone(),
                reshape::empty(&declaration.layout, table),
                "the rows that are there are taken for gone with the next merge; a snapshot that is taken from now on \
                 brings back those that the source has",
            );
            // What was done before says nothing about now.
            let before = observed.catalog.get(&(ObjectKind::TableState.as_str().to_owned(), object));
            emptied.identity = Some(format!("after {}", before.map_or("nothing", String::as_str)));
            emptied.of(table)
        })
        .collect()
}

/// What is said of tables that have rows which the source may not have any more.
pub(super) fn warnings(declaration: &Declaration, tables: &[TableDefinition], observed: &Observed) -> Vec<String> {
    tables
        .iter()
        .filter(|table| !declaration.emptied.contains(&table.spec.id()))
        .filter_map(|table| {
            let id = table.spec.id();
            let lost = observed.lost_rows.get(&id)?;
            let next = match cannot_be_emptied(table) {
                None => format!(
                    "send {{\"action\": \"apply\", \"empty\": [\"{id}\"]}} and take a snapshot of the table afterwards"
                ),
                Some(reason) => reason,
            };
            Some(format!(
                "table {id}: since {} UTC {} events say that the source took rows away without an event (a TRUNCATE that the \
                 connector does not send, a table that was created anew, a replica identity other than the key); they are in \
                 quarantine with scope lost, and the target may have rows that the source has not. To mend it, {next}",
                lost.first_at, lost.entries
            ))
        })
        .collect()
}
