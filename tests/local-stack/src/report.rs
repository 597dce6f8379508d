//! Figures of a run and the table that shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::compare::Parity;

/// What happened to one table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TableFigures {
    /// The source table's name.
    pub table: String,
    /// The target table, `schema.table`.
    pub target: String,
    /// Row changes merged: snapshot reads, creates, updates and deletes.
    pub events: i64,
    /// Snapshot reads and creates.
    pub inserts: i64,
    /// Updates.
    pub updates: i64,
    /// Deletes.
    pub deletes: i64,
    /// Changes that a newer one had overtaken.
    pub stale: i64,
    /// Records and values in quarantine.
    pub quarantined: i64,
    /// Rows of the target table.
    pub rows: i64,
    /// Merges that had something to do.
    pub merges: i64,
    /// Milliseconds from Kafka to the acknowledged merge, half of the records below.
    pub lag_p50_ms: Option<i64>,
    /// The same for 99 of 100 records.
    pub lag_p99_ms: Option<i64>,
    /// Comparison with the source; none without ground truth.
    pub parity: Option<ParityFigures>,
}

/// Parity in numbers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ParityFigures {
    /// Rows equal in every column.
    pub equal: usize,
    /// Rows with a different value.
    pub different: usize,
    /// Rows that only the source has.
    pub missing: usize,
    /// Rows that only the target has.
    pub unexpected: usize,
    /// Source columns that the target does not have.
    pub absent_columns: Vec<String>,
    /// Values that the target has.
    pub exact_values: usize,
    /// Values in whose place the target has NULL, and values of missing rows.
    pub unfilled_values: usize,
    /// Values that differ.
    pub wrong_values: usize,
}

impl From<&Parity> for ParityFigures {
    fn from(parity: &Parity) -> Self {
        Self {
            equal: parity.equal,
            different: parity.different,
            missing: parity.missing,
            unexpected: parity.unexpected,
            absent_columns: parity.absent_columns.clone(),
            exact_values: parity.cells.exact,
            unfilled_values: parity.cells.unfilled + parity.cells.missing,
            wrong_values: parity.cells.wrong,
        }
    }
}

/// The whole run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Records written to Kafka.
    pub records: usize,
    /// Milliseconds from the first record to the last acknowledgement.
    pub elapsed_ms: u128,
    /// Records of topics that the pipeline file does not declare: neither handled nor lost.
    pub undeclared: BTreeMap<String, usize>,
    /// Tables that were not provisioned, with the reason.
    pub waiting: BTreeMap<String, String>,
    /// Columns that the pipeline leaves out, `table.column` to the reason.
    pub excluded_columns: BTreeMap<String, String>,
    /// One entry a table.
    pub tables: Vec<TableFigures>,
    /// Whether every table with ground truth is equal to it; none without ground truth.
    pub full_parity: Option<bool>,
}

/// A value at a quantile of sorted values.
#[must_use]
pub fn quantile(sorted: &[i64], part: f64) -> Option<i64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a list in memory, within its bounds"
    )]
    let index = (last as f64 * part).ceil() as usize;
    sorted.get(index.min(last)).copied()
}

/// The summary as a table of aligned columns.
#[must_use]
pub fn table(summary: &Summary) -> String {
    let mut rows: Vec<Vec<String>> = vec![
        [
            "table",
            "events",
            "inserts",
            "updates",
            "deletes",
            "rows",
            "merges",
            "lag p50",
            "lag p99",
            "equal",
            "different",
            "missing",
            "extra",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for figures in &summary.tables {
        let parity = |pick: fn(&ParityFigures) -> usize| {
            figures.parity.as_ref().map_or_else(|| "-".to_owned(), |parity| pick(parity).to_string())
        };
        rows.push(vec![
            figures.target.clone(),
            figures.events.to_string(),
            figures.inserts.to_string(),
            figures.updates.to_string(),
            figures.deletes.to_string(),
            figures.rows.to_string(),
            figures.merges.to_string(),
            millis(figures.lag_p50_ms),
            millis(figures.lag_p99_ms),
            parity(|parity| parity.equal),
            parity(|parity| parity.different),
            parity(|parity| parity.missing),
            parity(|parity| parity.unexpected),
        ]);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
            if column == 0 {
                text.push_str(&format!("  {cell}{padding}"));
            } else {
                text.push_str(&format!("  {padding}{cell}"));
            }
        }
        text.push('\n');
        if index == 0 {
            text.push_str(&format!("  {}\n", "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1))));
        }
    }
    text
}

fn millis(value: Option<i64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value < 10_000 => format!("{value} ms"),
        Some(value) => format!("{:.1} s", value as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_sorted_values() {
        let values: Vec<i64> = (1..=100).collect();
        assert_eq!(quantile(&values, 0.5), Some(51));
        assert_eq!(quantile(&values, 0.99), Some(100));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7], 0.99), Some(7));
    }

    #[test]
    fn columns_are_aligned() {
        let summary = Summary {
            tables: vec![TableFigures { target: "a.b".into(), events: 12_345, ..TableFigures::default() }],
            ..Summary::default()
        };
        let text = table(&summary);
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths[0], lengths[2], "{text}");
    }
}
