//! Reads target tables and control tables back, and writes them as JSON Lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use cdc_core::catalog::{Mode, RedshiftType, TableDefinition};
use cdc_core::sql::ident::quoted;
use cdc_core::sql::layout::{Layout, QUARANTINE};

use crate::reduce;
use crate::truth::Row;
use crate::warehouse::{Administrator, TextRows};

/// The Data API refuses a row of more than 64 KB (Redshift Management Guide, "Considerations
/// when calling the Data API"); text is then read in pieces of this many characters.
const PIECE_CHARACTERS: usize = 15_000;

/// The rows that the source has according to a target table of any mode, under the source's
/// column names, as text, in key order; of a table without a key all rows.
///
/// # Errors
/// If the warehouse refuses the query.
pub async fn rows(warehouse: &Administrator, layout: &Layout, table: &TableDefinition) -> Result<Vec<Row>> {
    let reading = || format!("reading target table {}", table.spec.id());
    let further = reduce::further_columns(table);
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("t.{}", quoted(&column.target_name)))
        .chain(further.iter().cloned())
        .collect();
    let cells = match warehouse.query(&select(layout, table, &columns)).await {
        Err(error) if format!("{error:#}").contains("Packet for query is too large") => {
            by_column(warehouse, layout, table, &further).await.with_context(reading)?
        }
        other => other.with_context(reading)?,
    };
    let names: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.source_name.clone())
        .chain(reduce::EVENT_COLUMNS.iter().take(further.len()).map(|name| (*name).to_owned()))
        .collect();
    let rows = cells.into_iter().map(|cells| names.iter().cloned().zip(cells).collect()).collect();
    Ok(if further.is_empty() { rows } else { reduce::newest(table, rows) })
}

fn select(layout: &Layout, table: &TableDefinition, expressions: &[String]) -> String {
    // The record's position is unique, so that queries for different columns agree on the order.
    let mut order: Vec<String> = match table.mode {
        Mode::Append => Vec::new(),
        _ => table.key_columns().map(|column| format!("t.{}", quoted(&column.target_name))).collect(),
    };
    order.extend(["t._cdc_kafka_partition", "t._cdc_kafka_offset"].map(str::to_owned));
    format!(
        "SELECT {} FROM {} AS t{} ORDER BY {}",
        expressions.join(", "),
        layout.target_table(&table.spec),
        reduce::condition(table),
        order.join(", ")
    )
}

/// One query a column, long text in pieces.
async fn by_column(
    warehouse: &Administrator,
    layout: &Layout,
    table: &TableDefinition,
    further: &[String],
) -> Result<TextRows> {
    let mut rows: TextRows = Vec::new();
    let own = table.columns.iter().map(|column| {
        let is_text = matches!(column.stored_type(), RedshiftType::Varchar { .. });
        (format!("t.{}", quoted(&column.target_name)), is_text)
    });
    for (name, is_text) in own.chain(further.iter().map(|name| (name.clone(), false))) {
        let mut cells: Vec<Option<String>> = Vec::new();
        if is_text {
            let mut start = 1;
            loop {
                let piece = format!("SUBSTRING({name}, {start}, {PIECE_CHARACTERS})");
                let pieces = warehouse.query(&select(layout, table, &[piece])).await?;
                let longest = pieces.iter().flatten().flatten().map(|text| text.chars().count()).max().unwrap_or(0);
                cells.resize(pieces.len(), None);
                for (cell, piece) in cells.iter_mut().zip(pieces) {
                    if let Some(text) = piece.into_iter().next().flatten() {
                        cell.get_or_insert_default().push_str(&text);
                    }
                }
                if longest < PIECE_CHARACTERS {
                    break;
                }
                start += PIECE_CHARACTERS;
            }
        } else {
            let read = warehouse.query(&select(layout, table, &[name])).await?;
            cells.extend(read.into_iter().map(|row| row.into_iter().next().flatten()));
        }
        rows.resize(cells.len(), Vec::new());
        for (row, cell) in rows.iter_mut().zip(cells) {
            row.push(cell);
        }
    }
    Ok(rows)
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

/// Names of the quarantine's columns in the dump. Keys of more than 1,000 and values of more
/// than 15,000 bytes are left out; the sizes tell.
const QUARANTINE_COLUMNS: [&str; 12] = [
    "table_name",
    "topic",
    "kafka_partition",
    "kafka_offset",
    "scope",
    "reason",
    "column_names",
    "quarantined_at",
    "key_bytes",
    "value_bytes",
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
         q.quarantined_at::VARCHAR(40), OCTET_LENGTH(q.kafka_key), OCTET_LENGTH(q.kafka_value), \
         CASE WHEN OCTET_LENGTH(q.kafka_key) <= 1000 THEN q.kafka_key END, \
         CASE WHEN OCTET_LENGTH(q.kafka_value) <= 15000 THEN q.kafka_value END FROM {} AS q ORDER BY 1, 3, 4, 5",
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
