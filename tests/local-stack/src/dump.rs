//! Reads target tables and control tables back, and writes them as JSON Lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use cdc_core::catalog::TableDefinition;
use cdc_core::sql::ident::quoted;
use cdc_core::sql::layout::{Layout, QUARANTINE};

use crate::truth::Row;
use crate::warehouse::Administrator;

/// A target table's rows under the source's column names, as text, in key order.
///
/// # Errors
/// If the warehouse refuses the query.
pub async fn rows(warehouse: &Administrator, layout: &Layout, table: &TableDefinition) -> Result<Vec<Row>> {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("t.{}", quoted(&column.target_name))).collect();
    let order: Vec<String> = table.key_columns().map(|column| format!("t.{}", quoted(&column.target_name))).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let sql = format!("SELECT {} FROM {} AS t{order}", columns.join(", "), layout.target_table(&table.spec));
    let rows = warehouse
        .query(&sql)
        .await
        .with_context(|| format!("reading target table {}", table.spec.id()))?;
    Ok(rows
        .into_iter()
        .map(|cells| {
            table
                .columns
                .iter()
                .map(|column| column.source_name.clone())
                .zip(cells)
                .collect()
        })
        .collect())
}

/// Writes rows as one JSON object a line, columns in the source's order.
///
/// # Errors
/// If the file cannot be written.
pub fn write_rows(path: &Path, columns: &[String], rows: &[Row]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut writer = BufWriter::new(file);
    for row in rows {
        let mut cells = Vec::with_capacity(columns.len());
        for column in columns {
            let value = row.get(column).cloned().flatten();
            cells.push(format!("{}: {}", serde_json::to_string(column)?, serde_json::to_string(&value)?));
        }
        writeln!(writer, "{{{}}}", cells.join(", ")).with_context(|| format!("writing {}", path.display()))?;
    }
    writer.flush().with_context(|| format!("writing {}", path.display()))
}

/// Names of the quarantine's columns in the dump.
const QUARANTINE_COLUMNS: [&str; 10] = [
    "table_name",
    "topic",
    "kafka_partition",
    "kafka_offset",
    "scope",
    "reason",
    "column_names",
    "quarantined_at",
    "kafka_key",
    "kafka_value",
];

/// The quarantine's rows; keys and values as hexadecimal text.
///
/// # Errors
/// If the warehouse refuses the query.
pub async fn quarantine(warehouse: &Administrator, layout: &Layout) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT q.table_name, q.topic, q.kafka_partition, q.kafka_offset, q.scope, q.reason, q.column_names, \
         q.quarantined_at::VARCHAR(40), q.kafka_key, q.kafka_value FROM {} AS q ORDER BY 1, 3, 4, 5",
        layout.control(QUARANTINE)
    );
    let rows = warehouse.query(&sql).await.context("reading the quarantine")?;
    Ok(rows
        .into_iter()
        .map(|cells| QUARANTINE_COLUMNS.iter().map(|name| (*name).to_owned()).zip(cells).collect())
        .collect())
}

/// Writes the quarantine.
///
/// # Errors
/// If the file cannot be written.
pub fn write_quarantine(path: &Path, rows: &[Row]) -> Result<()> {
    write_rows(path, &QUARANTINE_COLUMNS.map(str::to_owned), rows)
}

/// File names for tables: the source table's name; where several tables share one, the target's.
#[must_use]
pub fn file_names(tables: &[TableDefinition]) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for table in tables {
        *counts.entry(&table.spec.source_table).or_default() += 1;
    }
    tables
        .iter()
        .map(|table| {
            let name = if counts[table.spec.source_table.as_str()] == 1 {
                table.spec.source_table.replace('/', "_")
            } else {
                table.spec.id().to_string().replace('/', "_")
            };
            (table.spec.topic.clone(), name)
        })
        .collect()
}
