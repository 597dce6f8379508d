//! Many tables of the same kind, shards, as one: a view over their target tables.
//!
//! A view and no table, because each topic keeps its landing view, watermark and procedure:
//! writers of one table would wait for each other, and keys of shards may collide. It binds its
//! tables late, so that they can be altered and built anew.

use super::ident::{literal, qualified, quoted};
use super::layout::Layout;
use crate::catalog::{RedshiftType, TableDefinition, TableSpec};

/// A column of the union and its type.
pub type UnionColumn = (String, RedshiftType);

/// One table of the union and what the shard's column says of it.
pub type Member<'a> = (&'a TableDefinition, String);

/// `CREATE OR REPLACE VIEW` over the members, columns by name. A column that a member does not
/// have is NULL.
#[must_use]
pub fn create(
    layout: &Layout,
    view: &TableSpec,
    shard: &str,
    columns: &[UnionColumn],
    members: &[Member<'_>],
) -> String {
    let branches: Vec<String> = members
        .iter()
        .map(|(table, name)| {
            let values: Vec<String> = columns
                .iter()
                .map(|(column, kind)| {
                    let has = table.columns.iter().any(|candidate| candidate.target_name == *column);
                    let value = if has { format!("t.{}", quoted(column)) } else { "NULL".to_owned() };
                    format!("CAST({value} AS {kind}) AS {}", quoted(column))
                })
                .collect();
            format!(
                "SELECT CAST({} AS VARCHAR(260)) AS {},\n       {}\nFROM {} AS t",
                literal(name),
                quoted(shard),
                values.join(",\n       "),
                layout.target_table(&table.spec)
            )
        })
        .collect();
    format!(
        "CREATE OR REPLACE VIEW {} AS\n{}\nWITH NO SCHEMA BINDING",
        qualified(&view.target_schema, &view.target_table),
        branches.join("\nUNION ALL\n")
    )
}
