//! Views that show many tables of the same kind as one, as the pipeline file asks for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Declaration, Desired, ObjectKind};
use crate::catalog::{RedshiftType, TableDefinition, TableId, TableSpec};
use crate::sql::union_view::{self, UnionColumn};
use crate::sql::{grants, reshape};

/// A view over all tables of an entry of the pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Union {
    /// The view's schema.
    pub schema: String,
    /// The view's name.
    pub table: String,
    /// The column that tells the source table.
    pub column: String,
    /// Topic -> the source table, `database.table`.
    pub members: BTreeMap<String, String>,
}

impl Union {
    fn spec(&self) -> TableSpec {
        TableSpec {
            topic: String::new(),
            source_table: String::new(),
            slug: String::new(),
            target_schema: self.schema.clone(),
            target_table: self.table.clone(),
            auto_refresh: false,
        }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    fn members<'a>(&self, tables: &'a [TableDefinition]) -> Vec<(&'a TableDefinition, String)> {
        let name = |table: &TableDefinition| self.members.get(&table.spec.topic).cloned();
        tables.iter().filter_map(|table| Some((table, name(table)?))).collect()
    }

    /// The columns of all members, each of the type that holds the values of all.
    fn columns(&self, tables: &[TableDefinition]) -> Result<Vec<UnionColumn>, String> {
        let mut columns: Vec<(String, RedshiftType, String)> = Vec::new();
        for (table, _) in self.members(tables) {
            let id = table.spec.id();
            for column in &table.columns {
                let name = &column.target_name;
                if *name == self.column {
                    return Err(format!(
                        "union {}: table {id} has a column {name} of its own; give the shard's column another name with \
                         `union.column`",
                        self.name()
                    ));
                }
                let Some(known) = columns.iter_mut().find(|(known, ..)| known == name) else {
                    columns.push((name.clone(), column.stored_type(), id.to_string()));
                    continue;
                };
                let Some(kind) = common(known.1, column.stored_type()) else {
                    return Err(format!(
                        "union {}: column {name} is {} in table {} and {} in table {id}, and neither holds the values of \
                         the other; leave the column out with `columns.exclude`, or one of the tables with `exclude`",
                        self.name(),
                        known.1,
                        known.2,
                        column.stored_type()
                    ));
                };
                known.1 = kind;
            }
        }
        Ok(columns.into_iter().map(|(name, kind, _)| (name, kind)).collect())
    }
}

/// The type of the two that holds the values of both.
fn common(left: RedshiftType, right: RedshiftType) -> Option<RedshiftType> {
    use RedshiftType as T;
    match (left, right) {
        (T::Varchar { bytes: left }, T::Varchar { bytes: right }) => Some(T::Varchar { bytes: left.max(right) }),
        (T::Varbyte { bytes: left }, T::Varbyte { bytes: right }) => Some(T::Varbyte { bytes: left.max(right) }),
        // Text is not wider than a number: it is another way of writing it.
        (T::Varchar { .. }, _) | (_, T::Varchar { .. }) => None,
        _ if reshape::converted("x", left, right).is_some() => Some(right),
        _ if reshape::converted("x", right, left).is_some() => Some(left),
        _ => None,
    }
}

/// What is wrong with the unions: columns that do not go together, names that are taken.
#[must_use]
pub fn problems(declaration: &Declaration) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, union) in declaration.unions.iter().enumerate() {
        let is_table = declaration.tables.iter().any(|table| table.spec.id().as_str() == union.name());
        let is_union = declaration.unions.iter().take(index).any(|other| other.name() == union.name());
        if is_table || is_union {
            problems.push(format!("union {}: the name is another table's, too", union.name()));
        }
        if let Err(problem) = union.columns(&declaration.tables) {
            problems.push(problem);
        }
    }
    problems
}

/// The views and the readers' rights on them. A view with a table in `kept`, which waits as it is,
/// stays as it is, too.
pub(super) fn desired(declaration: &Declaration, tables: &[TableDefinition], kept: &BTreeSet<TableId>) -> Vec<Desired> {
    let layout = &declaration.layout;
    let mut desired = Vec::new();
    for union in &declaration.unions {
        let members = union.members(tables);
        let Ok(columns) = union.columns(tables) else { continue };
        if members.is_empty() || members.iter().any(|(table, _)| kept.contains(&table.spec.id())) {
            continue;
        }
        let spec = union.spec();
        let statement = union_view::create(layout, &spec, &union.column, &columns, &members);
        let why = format!("shows {} tables as one", members.len());
        desired.push(Desired::new(ObjectKind::View, union.name(), vec![statement], why));
        for reader in &declaration.readers {
            desired.push(Desired::new(
                ObjectKind::Grant,
                format!("{reader} reads {}", union.name()),
                grants::reader_grants(layout, &spec, reader),
                format!("lets {reader} query {}", union.name()),
            ));
        }
    }
    desired
}
