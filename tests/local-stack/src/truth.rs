//! Ground truth: the source's own final tables, read from the source database.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::recording;

/// A row: column name to text or null.
pub type Row = BTreeMap<String, Option<String>>;

/// One table of the ground truth.
#[derive(Debug, Clone)]
pub struct TruthTable {
    /// The source table's name.
    pub name: String,
    /// Source names of the primary key; empty for a table without one.
    pub primary_key: Vec<String>,
    /// The columns in order.
    pub columns: Vec<TruthColumn>,
    /// The final rows.
    pub rows: Vec<Row>,
    /// Cells whose value the converter or the connector changed: (row index, column) to the
    /// value that the events deliver, which is as right as the database's own.
    pub delivered: BTreeMap<(usize, String), Option<String>>,
}

/// One column of the ground truth.
#[derive(Debug, Clone, Deserialize)]
pub struct TruthColumn {
    /// The column's name.
    pub name: String,
    /// The source's type, e.g. `decimal(12,2)`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How the text in the truth file encodes the value: `text`, `hex`, …
    pub encoding: String,
}

#[derive(Deserialize)]
struct TableColumns {
    primary_key: Vec<String>,
    columns: Vec<TruthColumn>,
}

#[derive(Deserialize)]
struct KnownDifference {
    table: String,
    #[serde(default)]
    key: Value,
    column: String,
    delivered: Option<Value>,
}

/// Reads a folder of ground truth: `columns.json` and one `TABLE.jsonl` (or `.jsonl.gz`, `.zst`)
/// a table. Cells that `known-differences.jsonl` lists may also have the value that the events
/// deliver.
///
/// # Errors
/// If a file is missing or malformed; names it.
pub fn read(folder: &Path) -> Result<Vec<TruthTable>> {
    let path = folder.join("columns.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let tables: BTreeMap<String, TableColumns> =
        serde_json::from_str(&text).with_context(|| format!("{} is not a table list", path.display()))?;
    let mut truth = Vec::new();
    for (name, table) in tables {
        let file = ["jsonl", "jsonl.gz", "jsonl.zst"]
            .iter()
            .map(|ending| folder.join(format!("{name}.{ending}")))
            .find(|candidate| candidate.exists())
            .with_context(|| format!("{} has no {name}.jsonl", folder.display()))?;
        let mut rows = Vec::new();
        for (index, line) in recording::lines(&file)?.enumerate() {
            let line = line.with_context(|| format!("reading {}", file.display()))?;
            rows.push(
                serde_json::from_str(&line)
                    .with_context(|| format!("{} line {} is not a row", file.display(), index + 1))?,
            );
        }
        truth.push(TruthTable {
            name,
            primary_key: table.primary_key,
            columns: table.columns,
            rows,
            delivered: BTreeMap::new(),
        });
    }
    apply_known_differences(folder, &mut truth)?;
    Ok(truth)
}

fn apply_known_differences(folder: &Path, truth: &mut [TruthTable]) -> Result<()> {
    let path = folder.join("known-differences.jsonl");
    if !path.exists() {
        return Ok(());
    }
    for (index, line) in recording::lines(&path)?.enumerate() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        let known: KnownDifference = serde_json::from_str(&line)
            .with_context(|| format!("{} line {} is not a known difference", path.display(), index + 1))?;
        let Some(table) = truth.iter_mut().find(|table| table.name == known.table) else {
            continue;
        };
        let delivered = known.delivered.as_ref().and_then(text_of);
        let key: Vec<Option<String>> = match &known.key {
            Value::Object(parts) => table.primary_key.iter().map(|name| parts.get(name).and_then(text_of)).collect(),
            Value::Array(parts) => parts.iter().map(text_of).collect(),
            other => vec![text_of(other)],
        };
        let primary_key = table.primary_key.clone();
        for (index, row) in table.rows.iter().enumerate() {
            let same = primary_key.iter().zip(&key).all(|(name, part)| row.get(name).cloned().flatten() == *part);
            if same {
                table.delivered.insert((index, known.column.clone()), delivered.clone());
            }
        }
    }
    Ok(())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
