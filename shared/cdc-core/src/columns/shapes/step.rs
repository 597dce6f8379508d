//! From one schema of a table to the next: what each column was.
//!
//! PostgreSQL puts a new column behind all others and never moves one, so the columns in front are
//! those that were there, in their order, less the dropped ones, under their names or others. Of
//! all ways to come from one schema to the next the shortest counts; where two are as short and do
//! not agree about a column, nobody can tell. Other sources may put columns anywhere: there only
//! names count.

use std::collections::{BTreeMap, BTreeSet};

use super::Ancestor;
use crate::columns::connect::Field;
use crate::columns::{SourceColumn, SourceTable};

/// What an `ALTER TABLE` weighs: a column dropped or added, another form, a name exchanged with
/// that of another column.
const ONE: usize = 1;

/// Another name: as much as a column dropped and one added, which look the same at the end.
const RENAMED: usize = 2;

/// A type of another family: dropped and added anew under the same name looks the same at the end.
const RETYPED: usize = 2;

/// A default that went with the type: the column was rather dropped and added anew.
const ANOTHER: usize = 3;

/// What the columns of a schema were in the one before.
pub(super) struct Step {
    ancestors: BTreeMap<String, Ancestor>,
}

impl Step {
    /// Without knowing whether the source is PostgreSQL, nobody can tell what only one of both says.
    pub(super) fn new(older: &SourceTable, newer: &SourceTable, is_postgres: Option<bool>) -> Self {
        let by_names = || newer.columns.iter().map(|column| by_name(column, &older.columns, &newer.columns));
        let by_places = || Ways::new(&older.columns, &newer.columns).ancestors();
        let agreed = |(name, place)| if name == place { name } else { Ancestor::Unknown };
        let ancestors: Vec<Ancestor> = match is_postgres {
            Some(true) => by_places(),
            Some(false) => by_names().collect(),
            None => by_names().zip(by_places()).map(agreed).collect(),
        };
        let names = newer.columns.iter().map(|column| column.name.clone());
        Self { ancestors: names.zip(ancestors).collect() }
    }

    pub(super) fn before(&self, column: &SourceColumn) -> Ancestor {
        self.ancestors.get(&column.name).cloned().unwrap_or(Ancestor::Unknown)
    }
}

fn by_name(column: &SourceColumn, older: &[SourceColumn], newer: &[SourceColumn]) -> Ancestor {
    if let Some(former) = older.iter().find(|older| older.name == column.name) {
        // The other one stands in front now and stood behind, or the other way round: one of them was
        // moved, or they have each other's names.
        let may_have_exchanged = |other: &SourceColumn| {
            let place = |columns: &[SourceColumn], name: &str| columns.iter().position(|column| column.name == name);
            let (was, is) = (place(older, &other.name), place(newer, &other.name));
            let has_passed = match (was, place(older, &column.name), is, place(newer, &column.name)) {
                (Some(was), Some(own_was), Some(is), Some(own_is)) => (was < own_was) != (is < own_is),
                _ => false,
            };
            let forms = newer.iter().find(|newer| newer.name == other.name).map(form);
            has_passed && form(other) == form(column) && forms == Some(form(former))
        };
        if older.iter().any(may_have_exchanged) {
            return Ancestor::Unknown;
        }
        return Ancestor::Column(Box::new(former.clone()));
    }
    let is_gone = |older: &SourceColumn| !newer.iter().any(|newer| newer.name == older.name);
    let may_be = |older: &SourceColumn| is_gone(older) && is_alike(older, column);
    if older.iter().any(may_be) { Ancestor::Unknown } else { added(column, false) }
}

/// The ways from one schema of PostgreSQL to the next.
struct Ways<'a> {
    older: &'a [SourceColumn],
    newer: &'a [SourceColumn],
    older_names: BTreeSet<&'a str>,
    newer_names: BTreeSet<&'a str>,
}

impl<'a> Ways<'a> {
    fn new(older: &'a [SourceColumn], newer: &'a [SourceColumn]) -> Self {
        let names = |columns: &'a [SourceColumn]| columns.iter().map(|column| column.name.as_str()).collect();
        Self { older, newer, older_names: names(older), newer_names: names(newer) }
    }

    /// What it weighs that one column became the other.
    fn weight(&self, older: &SourceColumn, newer: &SourceColumn) -> usize {
        let form_differs = form(older) != form(newer);
        if older.name == newer.name {
            let lost_default = default(older).is_some() && default(newer).is_none();
            return match (form_differs, lost_default) {
                (false, _) => 0,
                (true, true) => ANOTHER,
                (true, false) if family(older) == family(newer) => ONE,
                (true, false) => RETYPED,
            };
        }
        let is_exchange =
            self.older_names.contains(newer.name.as_str()) && self.newer_names.contains(older.name.as_str());
        let name = if is_exchange { ONE } else { RENAMED };
        name + if is_alike(older, newer) { 0 } else { ONE }
    }

    /// The rest of the older columns was dropped, and the rest of the newer ones added.
    fn rest(&self, from: usize, to: usize) -> usize {
        ONE * (self.older.len() - from) + ONE * (self.newer.len() - to)
    }

    fn ancestors(&self) -> Vec<Ancestor> {
        let (olds, news) = (self.older.len(), self.newer.len());
        let mut weights = vec![vec![0; news]; olds];
        for (weights, older) in weights.iter_mut().zip(self.older) {
            for (weight, newer) in weights.iter_mut().zip(self.newer) {
                *weight = self.weight(older, newer);
            }
        }
        // The shortest way from here to the end, and from the beginning to here.
        let mut behind = vec![vec![0; news + 1]; olds + 1];
        for from in (0..=olds).rev() {
            for to in (0..=news).rev() {
                let mut least = self.rest(from, to);
                if from < olds {
                    least = least.min(ONE + behind[from + 1][to]);
                    if to < news {
                        least = least.min(weights[from][to] + behind[from + 1][to + 1]);
                    }
                }
                behind[from][to] = least;
            }
        }
        let mut before = vec![vec![usize::MAX / 2; news + 1]; olds + 1];
        before[0][0] = 0;
        for from in 0..olds {
            for to in 0..=news {
                let here = before[from][to];
                before[from + 1][to] = before[from + 1][to].min(here + ONE);
                if to < news {
                    before[from + 1][to + 1] = before[from + 1][to + 1].min(here + weights[from][to]);
                }
            }
        }
        let least = behind[0][0];
        let first_added = (0..=news)
            .find(|to| (0..=olds).any(|from| before[from][*to] + self.rest(from, *to) == least))
            .unwrap_or(news);
        let ancestor = |(to, column): (usize, &SourceColumn)| {
            let mut found = (0..olds)
                .filter(|from| before[*from][to] + weights[*from][to] + behind[*from + 1][to + 1] == least)
                .filter_map(|from| self.older.get(from));
            match (found.next(), found.next(), to >= first_added) {
                (Some(former), None, false) => Ancestor::Column(Box::new(former.clone())),
                (None, _, true) => added(column, self.older_names.contains(column.name.as_str())),
                _ => Ancestor::Unknown,
            }
        };
        self.newer.iter().enumerate().map(ancestor).collect()
    }
}

fn form(column: &SourceColumn) -> Option<&str> {
    column.field.as_ref().map(|field| field.form.as_str())
}

fn default(column: &SourceColumn) -> Option<&str> {
    column.field.as_ref().and_then(|field: &Field| field.default.as_deref())
}

/// Types between which columns are usually altered: numbers, dates with and without a time.
fn family(column: &SourceColumn) -> Option<&str> {
    let field = column.field.as_ref()?;
    let kind = field.kind.as_str();
    Some(match field.logical.as_deref() {
        Some("org.apache.kafka.connect.data.Decimal" | "io.debezium.data.VariableScaleDecimal") => "number",
        Some(name) if name.ends_with("Timestamp") || name.ends_with("Date") => "date",
        Some(name) if name.ends_with("Time") => "time",
        Some(name) => name,
        None if ["int16", "int32", "int64", "float", "double", "float32", "float64"].contains(&kind) => "number",
        None => kind,
    })
}

/// Whether nothing but the name may have changed.
fn is_alike(older: &SourceColumn, newer: &SourceColumn) -> bool {
    form(older) == form(newer) && default(older) == default(newer)
}

fn added(column: &SourceColumn, reuses_name: bool) -> Ancestor {
    match (default(column), column.nullable) {
        (Some(default), _) => Ancestor::Absent { default: Some(default.to_owned()), reuses_name },
        (None, true) => Ancestor::Absent { default: None, reuses_name },
        // NOT NULL without a default: somebody gave the rows their values, and no event says so.
        (None, false) => Ancestor::Unknown,
    }
}
