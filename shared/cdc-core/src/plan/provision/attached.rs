//! What others have put on a target when something takes its place, or a column's.
//!
//! Rights are given on the new one in the same transaction. Views go with the former one, or forbid
//! that it goes; policies would leave the rows open: so they hold the table as it is. What the
//! provisioner's user may not see is said.

use std::collections::BTreeSet;

use super::{Attached, Declaration, Observed};
use crate::catalog::TableDefinition;
use crate::sql::grants::CASE_SENSITIVE;
use crate::sql::ident::literal;
use crate::sql::rights::{self, Right};
use crate::sql::{grants, layout::Layout};

/// What of a target gives way to something new.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// The whole table.
    pub(super) table: bool,
    /// Columns, by the names that they had when they were observed.
    pub(super) columns: BTreeSet<String>,
}

impl Replaced {
    pub(super) fn is_nothing(&self) -> bool {
        !self.table && self.columns.is_empty()
    }
}

/// GRANTs on what takes a target's place: the readers' of the pipeline file, and what others have.
/// `columns` are the rights on single columns, by the columns' names from now on.
pub(super) fn grants<'a>(
    declaration: &Declaration,
    table: &TableDefinition,
    observed: &Observed,
    columns: impl IntoIterator<Item = (&'a str, &'a [Right])>,
) -> Vec<String> {
    let layout: &Layout = &declaration.layout;
    let target = layout.target_table(&table.spec);
    let mut statements: Vec<String> =
        declaration.readers.iter().flat_map(|reader| grants::reader_grants(layout, &table.spec, reader)).collect();
    let given = observed.attached.get(&table.spec.id());
    for statement in given.map(|given| rights::grant_on_table(&target, &given.rights)).unwrap_or_default() {
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    statements.extend(rights::grant_on_columns(&target, columns));
    statements
}

/// Why a target has to stay as it is, with the next step.
pub(super) fn in_the_way(table: &TableDefinition, replaced: &Replaced, observed: &Observed) -> Option<String> {
    let attached = observed.attached.get(&table.spec.id())?;
    if replaced.is_nothing() {
        return None;
    }
    let id = table.spec.id();
    let what = if replaced.table { "a new table takes its place" } else { "columns of it get successors" };
    if !attached.policies.is_empty() {
        return Some(format!(
            "table {id} stays as it is: {what}, on which its policies would not be, and everybody with rights would \
             read what they hide: {}. An administrator takes the readers' rights away, detaches the policies and turns \
             row-level security off, applies, puts them on again and gives the rights back",
            attached.policies.join(", ")
        ));
    }
    let is_concerned =
        |column: &Option<String>| replaced.table || column.as_ref().is_none_or(|name| replaced.columns.contains(name));
    let views: BTreeSet<&str> =
        attached.views.iter().filter(|view| is_concerned(&view.column)).map(|view| view.view.as_str()).collect();
    if views.is_empty() {
        return None;
    }
    let views: Vec<&str> = views.into_iter().collect();
    Some(format!(
        "table {id} stays as it is: {what}, and these views depend on the former: {}. Create them again WITH NO \
         SCHEMA BINDING (drop a materialized view, and create it again afterwards), then apply",
        views.join(", ")
    ))
}

/// What may get lost with what is replaced, because the provisioner does not see it.
pub(super) fn warnings(table: &TableDefinition, replaced: &Replaced, observed: &Observed) -> Vec<String> {
    if replaced.is_nothing() {
        return Vec::new();
    }
    let nothing = Attached::default();
    let attached = observed.attached.get(&table.spec.id()).unwrap_or(&nothing);
    let id = table.spec.id();
    let what = if replaced.table { "the new table" } else { "the columns that get successors" };
    let mut warnings = Vec::new();
    if !attached.sees_rights {
        let user = if attached.user.is_empty() { "the provisioner's database user" } else { &attached.user };
        warnings.push(format!(
            "table {id}: rights that others than the readers in the pipeline file have may be missing on {what}, because \
             the provisioner does not see all of them. Before it applies, an administrator lets it carry them over, in one session \
             with {CASE_SENSITIVE}; {see_all}, or keeps what SELECT * FROM svv_relation_privileges and svv_column_privileges WHERE \
             namespace_name = {schema} AND relation_name = {name} show, and gives the rights again",
            see_all = grants::see_all(user),
            schema = literal(&table.spec.target_schema),
            name = literal(&table.spec.target_table),
        ));
    }
    if !attached.other_rights.is_empty() {
        warnings.push(format!(
            "table {id}: rights that the provisioner cannot give on {what}: {}; an administrator gives them again",
            attached.other_rights.join(", ")
        ));
    }
    if replaced.table && !attached.sees_policies {
        warnings.push(format!(
            "table {id}: row-level security and masking policies, which only administrators see, do not move to {what}. Before \
             it applies, see whether there are any (svv_rls_relation, svv_rls_attached_policy, \
             svv_attached_masking_policy), or give the provisioner's user the role sys:secadmin: then it looks itself"
        ));
    }
    warnings
}
