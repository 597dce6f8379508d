//! Comparing a target table with the source's own: row by row, value by value.
//!
//! Numbers are compared by value, floats at their own precision, times as instants or local
//! values, JSON as JSON; everything else as exact text.

use std::collections::BTreeMap;

use serde_json::Value;

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
    /// The first few differences, for people: key, column, both values.
    pub examples: Vec<String>,
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

/// Compares a table with its ground truth. `columns` are the source names of the target's
/// columns; a source column that is not among them counts as absent, once.
#[must_use]
pub fn compare(truth: &TruthTable, columns: &[String], target: &[Row]) -> Parity {
    let mut parity = Parity::default();
    let shared: Vec<&TruthColumn> = truth.columns.iter().filter(|column| columns.contains(&column.name)).collect();
    parity.absent_columns = truth
        .columns
        .iter()
        .filter(|column| !columns.contains(&column.name))
        .map(|column| column.name.clone())
        .collect();
    let identity: Vec<&TruthColumn> = if truth.primary_key.is_empty() {
        shared.clone()
    } else {
        shared.iter().copied().filter(|column| truth.primary_key.contains(&column.name)).collect()
    };
    let mut by_key: BTreeMap<Vec<Option<String>>, Vec<&Row>> = BTreeMap::new();
    for row in target {
        by_key.entry(key_of(&identity, row)).or_default().push(row);
    }
    for (index, expected) in truth.rows.iter().enumerate() {
        let key = key_of(&identity, expected);
        let Some(found) = by_key.get_mut(&key).and_then(Vec::pop) else {
            parity.missing += 1;
            note(&mut parity, || format!("{}: {} is missing", truth.name, show_key(&key)));
            continue;
        };
        let mut equal = true;
        for column in &shared {
            let (left, right) = (cell(expected, &column.name), cell(found, &column.name));
            let delivered = truth
                .delivered
                .get(&(index, column.name.clone()))
                .is_some_and(|value| normal(column, value.as_deref()) == normal(column, right));
            if !delivered && normal(column, left) != normal(column, right) {
                equal = false;
                note(&mut parity, || {
                    format!(
                        "{}: {} column {}: source {} target {}",
                        truth.name,
                        show_key(&key),
                        column.name,
                        show(left),
                        show(right)
                    )
                });
            }
        }
        if equal {
            parity.equal += 1;
        } else {
            parity.different += 1;
        }
    }
    for (key, rows) in by_key.iter().filter(|(_, rows)| !rows.is_empty()) {
        parity.unexpected += rows.len();
        note(&mut parity, || format!("{}: {} is not in the source", truth.name, show_key(key)));
    }
    parity
}

fn note(parity: &mut Parity, text: impl FnOnce() -> String) {
    if parity.examples.len() < EXAMPLES {
        parity.examples.push(text());
    }
}

fn cell<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Option::as_deref)
}

fn key_of(identity: &[&TruthColumn], row: &Row) -> Vec<Option<String>> {
    identity.iter().map(|column| normal(column, cell(row, &column.name))).collect()
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

/// A value in the form in which equal values have equal texts.
fn normal(column: &TruthColumn, value: Option<&str>) -> Option<String> {
    let value = value?;
    let kind = column.kind.to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().any(|name| kind.starts_with(name));
    let text = if column.encoding == "hex" {
        value.trim_start_matches("\\x").to_ascii_lowercase()
    } else if column.encoding == "float32-as-double-text" || starts(&["float", "real", "float4"]) {
        value.parse::<f64>().map_or_else(|_| value.to_owned(), |number| (number as f32 + 0.0).to_string())
    } else if starts(&["double", "float8"]) {
        value.parse::<f64>().map_or_else(|_| value.to_owned(), |number| (number + 0.0).to_string())
    } else if starts(&["bool"]) {
        match value {
            "1" | "t" | "true" | "TRUE" => "t".to_owned(),
            "0" | "f" | "false" | "FALSE" => "f".to_owned(),
            other => other.to_owned(),
        }
    } else if starts(&["tinyint(1)"]) {
        match value {
            "t" | "true" => "1".to_owned(),
            "f" | "false" => "0".to_owned(),
            other => number(other),
        }
    } else if starts(&["interval"]) {
        value.to_owned()
    } else if starts(&["tinyint", "smallint", "mediumint", "int", "bigint", "dec", "numeric", "year", "serial"]) {
        number(value)
    } else if starts(&["timestamp", "datetime", "time", "date"]) {
        temporal(value)
    } else if starts(&["json"]) {
        serde_json::from_str::<Value>(value).map_or_else(|_| value.to_owned(), |json| json.to_string())
    } else {
        value.to_owned()
    };
    Some(text)
}

/// A decimal number without a plus, leading zeros and trailing zeros behind the point.
fn number(value: &str) -> String {
    let (sign, digits) = match value.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", value.strip_prefix('+').unwrap_or(value)),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain {
        return value.to_owned();
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    if text == "0" { text } else { format!("{sign}{text}") }
}

/// A date or time with a blank between both, without trailing zeros of the fraction, and in
/// UTC without saying so.
fn temporal(value: &str) -> String {
    let text = value.replacen('T', " ", 1);
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))
        .or_else(|| text.strip_suffix("+00"))
        .unwrap_or(&text);
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text.to_owned(),
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
    fn values_are_equal_by_value_not_by_text() {
        for (kind, left, right, same) in [
            ("decimal(12,2)", "1.50", "1.5", true),
            ("decimal(12,2)", "-0.00", "0", true),
            ("decimal(12,2)", "1.50", "1.51", false),
            ("bigint", "007", "7", true),
            ("datetime(6)", "2024-01-02T03:04:05.120000", "2024-01-02 03:04:05.12", true),
            ("timestamp", "2024-01-02 03:04:05+00", "2024-01-02 03:04:05", true),
            ("timestamp", "2024-01-02 03:04:05", "2024-01-02 03:04:06", false),
            ("double", "1e2", "100", true),
            ("float", "0.1", "0.10000000149011612", true),
            ("double", "-0", "0", true),
            ("json", "{\"a\": 1}", "{\"a\":1}", true),
            ("varchar(10)", "a ", "a", false),
            ("varchar(10)", "007", "7", false),
            ("boolean", "t", "true", true),
            ("interval", "01:00:00", "1:00:00", false),
        ] {
            let column = column("c", kind);
            assert_eq!(normal(&column, Some(left)) == normal(&column, Some(right)), same, "{kind}: {left} and {right}");
        }
    }

    #[test]
    fn missing_different_and_unexpected_rows_are_counted_apart() {
        let columns = ["ID", "PRICE", "AT"].map(str::to_owned);
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
        assert!(!parity.is_full());
        assert_eq!(parity.examples.len(), 3);
    }

    #[test]
    fn a_row_that_occurs_twice_in_the_target_is_not_full_parity() {
        let columns = ["ID", "PRICE", "AT"].map(str::to_owned);
        let one = row(&[("ID", Some("1")), ("PRICE", Some("1.00")), ("AT", None)]);
        let parity = compare(&table(vec![one.clone()]), &columns, &[one.clone(), one]);
        assert_eq!((parity.equal, parity.unexpected), (1, 1));
    }

    #[test]
    fn an_absent_column_is_not_full_parity() {
        let parity = compare(&table(Vec::new()), &["ID".to_owned(), "AT".to_owned()], &[]);
        assert_eq!(parity.absent_columns, ["PRICE"]);
        assert!(!parity.is_full());
    }
}
