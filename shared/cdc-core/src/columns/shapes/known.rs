//! What the schemas that were seen mean for a table's definition: which version each is, and how
//! the present columns are read from the events of each.

use std::collections::BTreeSet;

use super::{Ancestor, Seen, SeenSchemas, ancestors, forms};
use crate::catalog::{Column, FormerColumn, FormerVersion, Shape, Shapes};
use crate::columns::SourceColumn;
use crate::columns::former::as_former;
use crate::pipeline::{Connector, Pipeline, TableOptions};

/// The schemas of a table whose columns are `columns`, in the source `sources`; and the former
/// versions that they are of. With `by_hand` the columns were chosen, and no other attribute
/// counts.
pub(in crate::columns) fn known(
    pipeline: &Pipeline,
    seen: &SeenSchemas,
    columns: &[Column],
    sources: &[SourceColumn],
    options: &TableOptions,
    by_hand: bool,
) -> (Shapes, Vec<FormerVersion>) {
    let all: Vec<&Seen> = seen.iter().collect();
    let names: Vec<String> = columns.iter().map(|column| column.source_name.clone()).collect();
    // A flattened event does not tell its source.
    let is_postgres = match pipeline.connector() {
        Some(connector) => Some(connector == Connector::Postgresql),
        None => (!seen.is_flattened()).then(|| seen.is_postgres()),
    };
    let former = |(column, ancestor): (&Column, &Ancestor)| match ancestor {
        Ancestor::Column(former) => {
            let present = sources.iter().find(|source| source.name == column.source_name);
            let sql = former.sql.clone().or_else(|| present.and_then(|present| present.sql.clone()));
            let mapped = SourceColumn { sql, ..(**former).clone() }.mapped(pipeline.settings());
            as_former(column, present, former, mapped)
        }
        Ancestor::Absent { default, reuses_name } => {
            FormerColumn::Absent { default: default.clone(), reuses_name: *reuses_name }
        }
        Ancestor::Unknown => FormerColumn::Unknown,
    };
    let mut versions: Vec<FormerVersion> = Vec::new();
    let mut version_of: Vec<Option<usize>> = Vec::new();
    for ancestors in ancestors(&all, &names, is_postgres) {
        let columns: Vec<FormerColumn> = columns.iter().zip(&ancestors).map(former).collect();
        let is_present = columns.iter().all(|column| *column == FormerColumn::Same);
        let known = versions.iter().position(|version| version.columns == columns);
        version_of.push(if is_present { None } else { known.or(Some(versions.len())) });
        if !is_present && known.is_none() {
            versions.push(FormerVersion { until: None, columns, attributes: Vec::new(), discarded: false });
        }
    }
    let only = by_hand.then(|| names_in(columns, &versions));
    let ignored: BTreeSet<String> = options.exclude.iter().cloned().collect();
    let is_flattened = seen.is_flattened();
    let is_own = |name: &str| !(is_flattened && name.starts_with("__"));
    let counts =
        |name: &str| is_own(name) && only.as_ref().is_none_or(|only| only.contains(name)) && !ignored.contains(name);
    let mut shapes: Vec<Shape> = Vec::new();
    // Of schemas that read alike the newest counts.
    for (seen, version) in all.iter().zip(version_of).rev() {
        let forms = forms(&seen.table, &counts);
        if !shapes.iter().any(|shape| shape.forms == forms) {
            shapes.push(Shape { version: version.unwrap_or(versions.len()), forms });
        }
    }
    shapes.reverse();
    (Shapes { known: shapes, only, ignored, place: seen.place() }, versions)
}

/// Every name under which the columns are found in events.
fn names_in(columns: &[Column], versions: &[FormerVersion]) -> BTreeSet<String> {
    let was = versions.iter().flat_map(|version| &version.columns).filter_map(FormerColumn::was);
    columns.iter().chain(was).map(|column| column.source_name.clone()).collect()
}
