//! Comparing a target table with the source's own: row by row, value by value.
//!
//! `normal.rs` says when two values are the same.

mod normal;

use std::collections::BTreeMap;

use cdc_core::catalog::RedshiftType;
use normal::normal;

use crate::truth::{Row, TruthColumn, TruthTable};

/// The outcome of comparing one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parity {
    /// Rows that are equal in every column.
    pub equal: usize,
    /// Rows that both sides have, with at least one different value.
    pub different: usize,
    /// Rows that only the source has.
    pub missing: usize,
    /// Rows that only the target has.
    pub unexpected: usize,
    /// Columns of the source that the target does not have.
    pub absent_columns: Vec<String>,
    /// The same, counted by values.
    pub cells: Cells,
    /// The first few differences, for people: key, column, both values.
    pub examples: Vec<String>,
}

/// Values of the source's rows, by what became of them. Columns that the target does not have
/// are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cells {
    /// The target has the value.
    pub exact: usize,
    /// The target has NULL in its place.
    pub unfilled: usize,
    /// The target does not have the row.
    pub missing: usize,
    /// The target has another value, or a value in a row that the source does not have.
    pub wrong: usize,
}

/// A column of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetColumn {
    /// Its name in the source.
    pub name: String,
    /// Its type.
    pub kind: RedshiftType,
}

impl Parity {
    /// Whether both sides are the same.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.different == 0 && self.missing == 0 && self.unexpected == 0 && self.absent_columns.is_empty()
    }
}

/// How many differences are spelled out.
const EXAMPLES: usize = 10;

/// Compares a table with its ground truth. A column of the source that is not among the
/// target's `columns` counts as absent, once.
#[must_use]
pub fn compare(truth: &TruthTable, columns: &[TargetColumn], target: &[Row]) -> Parity {
    let mut parity = Parity::default();
    let kind_of = |name: &str| columns.iter().find(|column| column.name == name).map(|column| column.kind);
    let shared: Vec<Shared<'_>> =
        truth.columns.iter().filter_map(|column| Some(Shared { column, kind: kind_of(&column.name)? })).collect();
    parity.absent_columns = truth
        .columns
        .iter()
        .filter(|column| kind_of(&column.name).is_none())
        .map(|column| column.name.clone())
        .collect();
    let identity: Vec<&Shared<'_>> = shared
        .iter()
        .filter(|shared| truth.primary_key.is_empty() || truth.primary_key.contains(&shared.column.name))
        .collect();
    let mut by_key: BTreeMap<Vec<Option<String>>, Vec<&Row>> = BTreeMap::new();
    for row in target {
        by_key.entry(key_of(&identity, row)).or_default().push(row);
    }
    for (index, expected) in truth.rows.iter().enumerate() {
        let key = key_of(&identity, expected);
        let Some(found) = by_key.get_mut(&key).and_then(Vec::pop) else {
            parity.missing += 1;
            parity.cells.missing += shared.len();
            note(&mut parity, || format!("{}: {} is missing", truth.name, show_key(&key)));
            continue;
        };
        let mut equal = true;
        for shared in &shared {
            let name = &shared.column.name;
            let (left, right) = (cell(expected, name), cell(found, name));
            let delivered = truth
                .delivered
                .get(&(index, name.clone()))
                .is_some_and(|value| shared.normal(value.as_deref()) == shared.normal(right));
            if delivered || shared.normal(left) == shared.normal(right) {
                parity.cells.exact += 1;
                continue;
            }
            equal = false;
            if right.is_none() {
                parity.cells.unfilled += 1;
            } else {
                parity.cells.wrong += 1;
            }
            let sign = if right.is_none() { "" } else { "WRONG " };
            note(&mut parity, || {
                format!(
                    "{sign}{}: {} column {name}: source {} target {}",
                    truth.name,
                    show_key(&key),
                    show(left),
                    show(right)
                )
            });
        }
        if equal {
            parity.equal += 1;
        } else {
            parity.different += 1;
        }
    }
    for (key, rows) in by_key.iter().filter(|(_, rows)| !rows.is_empty()) {
        parity.unexpected += rows.len();
        parity.cells.wrong += rows.len() * shared.len();
        note(&mut parity, || format!("{}: {} is not in the source", truth.name, show_key(key)));
    }
    parity
}

/// A column that both sides have.
struct Shared<'a> {
    column: &'a TruthColumn,
    kind: RedshiftType,
}

impl Shared<'_> {
    fn normal(&self, value: Option<&str>) -> Option<String> {
        value.map(|value| normal(self.column, self.kind, value))
    }
}

fn note(parity: &mut Parity, text: impl FnOnce() -> String) {
    if parity.examples.len() < EXAMPLES {
        parity.examples.push(text());
    }
}

fn cell<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Option::as_deref)
}

fn key_of(identity: &[&Shared<'_>], row: &Row) -> Vec<Option<String>> {
    identity.iter().map(|shared| shared.normal(cell(row, &shared.column.name))).collect()
}

fn show_key(key: &[Option<String>]) -> String {
    let parts: Vec<String> = key.iter().map(|part| show(part.as_deref())).collect();
    format!("row ({})", parts.join(", "))
}

fn show(value: Option<&str>) -> String {
    match value {
        None => "null".to_owned(),
        Some(text) if text.chars().count() > 60 => format!("{:?}…", text.chars().take(60).collect::<String>()),
        Some(text) => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: &str) -> TruthColumn {
        TruthColumn { name: name.into(), kind: kind.into(), encoding: "text".into() }
    }

    fn row(cells: &[(&str, Option<&str>)]) -> Row {
        cells.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    fn columns(names: &[&str]) -> Vec<TargetColumn> {
        let kind = RedshiftType::Decimal { precision: 12, scale: 2 };
        names.iter().map(|name| TargetColumn { name: (*name).to_owned(), kind }).collect()
    }

    fn table(rows: Vec<Row>) -> TruthTable {
        TruthTable {
            name: "T".into(),
            primary_key: vec!["ID".into()],
            columns: vec![column("ID", "bigint"), column("PRICE", "decimal(12,2)"), column("AT", "datetime(6)")],
            rows,
            delivered: BTreeMap::new(),
        }
    }

    #[test]
    fn missing_different_and_unexpected_rows_are_counted_apart() {
        let columns = columns(&["ID", "PRICE", "AT"]);
        let truth = table(vec![
            row(&[("ID", Some("1")), ("PRICE", Some("1.00")), ("AT", None)]),
            row(&[("ID", Some("2")), ("PRICE", Some("2.00")), ("AT", None)]),
            row(&[("ID", Some("3")), ("PRICE", None), ("AT", None)]),
        ]);
        let target = vec![
            row(&[("ID", Some("1")), ("PRICE", Some("1")), ("AT", None)]),
            row(&[("ID", Some("2")), ("PRICE", None), ("AT", None)]),
            row(&[("ID", Some("9")), ("PRICE", None), ("AT", None)]),
        ];
        let parity = compare(&truth, &columns, &target);
        assert_eq!((parity.equal, parity.different, parity.missing, parity.unexpected), (1, 1, 1, 1));
        assert_eq!(parity.cells, Cells { exact: 5, unfilled: 1, missing: 3, wrong: 3 });
        assert!(!parity.is_full());
        assert_eq!(parity.examples.len(), 3);
    }

    #[test]
    fn a_row_that_occurs_twice_in_the_target_is_not_full_parity() {
        let columns = columns(&["ID", "PRICE", "AT"]);
        let one = row(&[("ID", Some("1")), ("PRICE", Some("1.00")), ("AT", None)]);
        let parity = compare(&table(vec![one.clone()]), &columns, &[one.clone(), one]);
        assert_eq!((parity.equal, parity.unexpected), (1, 1));
    }

    #[test]
    fn an_absent_column_is_not_full_parity() {
        let parity = compare(&table(Vec::new()), &columns(&["ID", "AT"]), &[]);
        assert_eq!(parity.absent_columns, ["PRICE"]);
        assert!(!parity.is_full());
    }
}
