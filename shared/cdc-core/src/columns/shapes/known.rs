//! What the schemas that were seen mean for a table's definition: which version each is, and how
//! the present columns are read from the events of each.

use std::collections::BTreeSet;

use super::{Ancestor, Seen, SeenSchemas, ancestors, forms};
use crate::catalog::{Column, FormerColumn, FormerVersion, Shape, Shapes};
use crate::columns::SourceColumn;
use crate::columns::former::{altered, as_former, source_names};
use crate::pipeline::{Connector, Pipeline, TableOptions};

/// The schemas of a table whose columns are `columns`, in the source `sources`; and the former
/// versions that they are of. With `by_hand` the columns were chosen, and no other attribute
/// counts. `constant` tells a column's default where a dump has it as a constant.
pub(in crate::columns) fn known(
    pipeline: &Pipeline,
    seen: &SeenSchemas,
    columns: &[Column],
    sources: &[SourceColumn],
    options: &TableOptions,
    by_hand: bool,
    constant: &dyn Fn(&str) -> Option<String>,
) -> (Shapes, Vec<FormerVersion>) {
    let all: Vec<&Seen> = seen.iter().collect();
    let names = source_names(columns);
    // A flattened event does not tell its source.
    let is_postgres = match pipeline.connector() {
        Some(connector) => Some(connector == Connector::Postgresql),
        None => (!seen.is_flattened()).then(|| seen.is_postgres()),
    };
    let lineages = ancestors(&all, &names, is_postgres);
    // What MySQL and MariaDB take of a value that enters a narrower column is known where the schemas
    // have the source's types (`column.propagate.source.type`).
    let since = |index: usize, later: &[Vec<Ancestor>]| -> Option<Vec<SourceColumn>> {
        let later = later.iter().map(|columns| match columns.get(index) {
            Some(Ancestor::Column(column)) if column.sql.is_some() => Some((**column).clone()),
            _ => None,
        });
        later.collect::<Option<Vec<_>>>().filter(|_| is_postgres == Some(false))
    };
    let former = |index: usize, column: &Column, ancestor: &Ancestor, later: &[Vec<Ancestor>]| match ancestor {
        Ancestor::Column(former) => {
            let present = sources.iter().find(|source| source.name == column.source_name);
            let sql = former.sql.clone().or_else(|| present.and_then(|present| present.sql.clone()));
            let mapped = SourceColumn { sql, ..(**former).clone() }.mapped(pipeline.settings());
            let read = as_former(column, present, former, mapped);
            match since(index, later) {
                Some(since) if former.sql.is_some() => altered(column, read, former, &since, pipeline.settings()),
                _ => read,
            }
        }
        Ancestor::Absent { default, reuses_name } => {
            let default = default.as_ref().map(|default| told(default, constant(&column.source_name)));
            FormerColumn::Absent { default, reuses_name: *reuses_name }
        }
        Ancestor::Unknown => FormerColumn::Unknown,
    };
    let mut versions: Vec<FormerVersion> = Vec::new();
    let mut version_of: Vec<Option<usize>> = Vec::new();
    for (number, ancestors) in lineages.iter().enumerate() {
        let later = lineages.get(number + 1..).unwrap_or_default();
        let with_number = columns.iter().zip(ancestors).enumerate();
        let columns: Vec<FormerColumn> =
            with_number.map(|(index, (column, ancestor))| former(index, column, ancestor, later)).collect();
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

/// The default with which a column was added: a zero that may stand for an expression, which has
/// brackets around it, is one where a dump says so.
fn told(default: &str, constant: Option<String>) -> String {
    let zero = default.strip_prefix('(').and_then(|default| default.strip_suffix(')'));
    let is_zero = |text: &str| text.parse::<f64>() == Ok(0.0);
    let is_same = |constant: &String| zero.is_some_and(|zero| zero == constant || is_zero(zero) && is_zero(constant));
    constant.filter(is_same).unwrap_or_else(|| default.to_owned())
}

/// Every name under which the columns are found in events.
fn names_in(columns: &[Column], versions: &[FormerVersion]) -> BTreeSet<String> {
    let was = versions.iter().flat_map(|version| &version.columns).filter_map(FormerColumn::was);
    columns.iter().chain(was).map(|column| column.source_name.clone()).collect()
}
