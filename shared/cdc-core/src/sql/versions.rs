//! Reading events that were written before a table's definition changed.
//!
//! Every event is of one version of its table: the number of known schema changes that are
//! before it in the source's log. Where a column was something else in a version (another name,
//! another scale, not there yet), its expression has a branch for that version. A table whose
//! definition never changed has one version and none of this in its procedure.

mod altered;
mod default_value;
mod place;

use super::decode::{self, Staged};
use super::ident::quoted;
use super::layout::Layout;
use super::protect;
use crate::catalog::{Column, FormerColumn, TableDefinition};

pub use altered::{as_now, converted, keeps_text};
pub(crate) use default_value::default_value;
pub(super) use place::{MARGIN_MS, at_or_after, columns as place_columns, log_position, timestamp, versions};

/// Whether something is older than a change: by its position, and by `otherwise` where that
/// cannot be compared (a snapshot's read, another log). The arguments are expressions.
pub(super) fn is_older(what: &str, domain: &str, position: &str, otherwise: &str) -> String {
    format!(
        "(({what}._cdc_domain = {domain} AND {what}._cdc_position < {position})\n\
         \x20            OR (COALESCE({what}._cdc_domain, '') <> COALESCE({domain}, '-') AND {otherwise}))"
    )
}

/// Whether a row of the target is older than a change; the source's time decides where positions
/// cannot be compared. MySQL's and MariaDB's logs tell whole seconds, a snapshot's reads tell
/// milliseconds: a row that was read in the second of the change was there before it.
pub(super) fn row_is_older(row: &str, domain: &str, position: &str, source_ts: &str) -> String {
    let read_at = format!("{row}._cdc_source_ts");
    let by_clock = format!("COALESCE({read_at} <= {source_ts} OR DATE_TRUNC('second', {read_at}) = {source_ts}, true)");
    is_older(row, domain, position, &by_clock)
}

/// Events of versions below this are of a table that was dropped since.
pub(super) fn first_kept(table: &TableDefinition) -> usize {
    table.former.iter().rposition(|former| former.discarded).map_or(0, |index| index + 1)
}

/// The columns as all versions have them, each way of reading an attribute once.
pub(super) fn columns(table: &TableDefinition) -> Vec<&Column> {
    let former = table.former.iter().flat_map(|version| &version.columns).filter_map(|column| match column {
        FormerColumn::Other(other) => Some(&other.was),
        FormerColumn::Same | FormerColumn::Altered(_) | FormerColumn::Absent { .. } | FormerColumn::Unknown => None,
    });
    let mut found: Vec<&Column> = Vec::new();
    for column in table.columns.iter().chain(former) {
        if !found.iter().any(|known| same_stage(known, column)) {
            found.push(column);
        }
    }
    found
}

/// Whether two columns have their stages in common: the stages of a decimal know the attribute
/// only, those of an array its elements, too.
pub(super) fn same_stage(left: &Column, right: &Column) -> bool {
    left.source_name == right.source_name
        && decode::needs_stages(left) == decode::needs_stages(right)
        && decode::element(left) == decode::element(right)
}

/// A column's typed value, whatever the version of the event, whose typed relation is `event`; the
/// protected one of a protected column. `staged` names the columns of the stages.
pub(super) fn typed(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    image: &str,
    event: &str,
    staged: &dyn Fn(&Column) -> Staged,
) -> String {
    let present = decode::typed(layout, image, column, &staged(column));
    let former = |former: &FormerColumn| match former {
        FormerColumn::Same => present.clone(),
        FormerColumn::Other(other) => {
            let value = decode::typed(layout, image, &other.was, &staged(&other.was));
            as_now(&value, other, column).unwrap_or_else(|| nothing(column))
        }
        FormerColumn::Absent { default: Some(default), .. } => {
            default_value(default, column).unwrap_or_else(|| nothing(column))
        }
        FormerColumn::Altered(_) | FormerColumn::Absent { default: None, .. } | FormerColumn::Unknown => {
            nothing(column)
        }
    };
    let value = Branches::new(table, column, present.clone(), &former).text(event, &nothing(column));
    protect::protected(layout, column, &value)
}

/// The JSON type of what an event has for a column; `null` where it rightly has nothing.
pub(super) fn type_of(table: &TableDefinition, column: &Column, image: &str, event: &str) -> String {
    let present = format!("JSON_TYPEOF({})", decode::attribute(image, column));
    let former = |former: &FormerColumn| match former {
        FormerColumn::Same => present.clone(),
        FormerColumn::Other(_) | FormerColumn::Altered(_) => former
            .was()
            .map_or_else(|| present.clone(), |was| format!("JSON_TYPEOF({})", decode::attribute(image, was))),
        FormerColumn::Absent { default: Some(default), .. } if default_value(default, column).is_none() => {
            "'unknown'".to_owned()
        }
        FormerColumn::Absent { .. } => "'null'".to_owned(),
        FormerColumn::Unknown => "'unknown'".to_owned(),
    };
    Branches::new(table, column, present.clone(), &former).text(event, "'unknown'")
}

/// What an expression is in each version.
struct Branches {
    /// Each former expression with the first version that has another, in their order.
    former: Vec<(usize, String)>,
    present: String,
    /// Whether events' places tell versions, which may leave open which of several it is.
    has_places: bool,
}

impl Branches {
    fn new(
        table: &TableDefinition,
        column: &Column,
        present: String,
        expression_of: &dyn Fn(&FormerColumn) -> String,
    ) -> Self {
        let index = table.columns.iter().position(|candidate| candidate.source_name == column.source_name);
        let mut former: Vec<(usize, String)> = Vec::new();
        for (number, past) in table.former.iter().enumerate() {
            let was = index.and_then(|index| past.columns.get(index));
            let expression = was.map_or_else(|| present.clone(), expression_of);
            match former.last_mut() {
                Some((until, last)) if *last == expression => *until = number + 1,
                _ => former.push((number + 1, expression)),
            }
        }
        while former.last().is_some_and(|(_, last)| *last == present) {
            former.pop();
        }
        Self { former, present, has_places: table.has_places() }
    }

    /// The expression for an event; `open` where the event may be of versions that do not agree.
    fn text(self, event: &str, open: &str) -> String {
        let Self { former, present, has_places } = self;
        if former.is_empty() {
            return present;
        }
        let mut branches = Vec::new();
        if has_places {
            let is_open = |(until, _): &(usize, String)| {
                format!("({event}._cdc_version < {until} AND {event}._cdc_version_to >= {until})")
            };
            branches.push(format!("WHEN {} THEN {open}", former.iter().map(is_open).collect::<Vec<_>>().join(" OR ")));
        }
        branches.extend(
            former.iter().map(|(until, expression)| format!("WHEN {event}._cdc_version < {until} THEN {expression}")),
        );
        format!("CASE {}\n              ELSE {present} END", branches.join("\n              "))
    }
}

fn nothing(column: &Column) -> String {
    format!("NULL::{}", column.target_type)
}

/// The name of a column that holds a key's value before an update.
pub(super) fn old_key(column: &Column) -> String {
    quoted(&format!("_cdc_old_{}", column.target_name))
}
