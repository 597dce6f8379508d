//! Results: how a statement's rows are kept, paged and encoded.
//!
//! Invariant: walking the pages of a result from no token to no token gives every row once, in the
//! statement's order, whatever the page size.

use serde_json::{Map, Value as Json, json};

use crate::engine::{ColumnMetadata, Nullable, StatementResult, Value};
use crate::error::ApiError;
use crate::options::Limits;

/// A statement's result set.
#[derive(Debug)]
pub(crate) struct ResultSet {
    pub(crate) columns: Vec<ColumnMetadata>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Bytes of all values.
    pub(crate) size: usize,
}

impl ResultSet {
    /// Takes a result over, within the limits: 64 KB a row, 500 MB a result (management guide,
    /// "Troubleshooting issues for the Amazon Redshift Data API").
    pub(crate) fn accept(result: StatementResult, limits: &Limits) -> Result<Option<Self>, String> {
        let Some(columns) = result.columns else {
            return Ok(None);
        };
        let mut size = 0;
        for row in &result.rows {
            let row_size = row.iter().map(value_size).sum::<usize>();
            if row_size > limits.row_bytes {
                return Err(format!("Packet for query is too large ({row_size} > {}).", limits.row_bytes));
            }
            size += row_size;
        }
        if size > limits.result_bytes {
            return Err(format!("Query result size exceeds the limit of {} bytes.", limits.result_bytes));
        }
        Ok(Some(Self { columns, rows: result.rows, size }))
    }

    /// One page as typed records, from row `start`, and the next page's first row.
    pub(crate) fn json_page(&self, start: usize, limits: &Limits) -> (Vec<Json>, Option<usize>) {
        let mut records = Vec::new();
        let mut size = 0;
        for row in self.rows.iter().skip(start) {
            let row_size = row.iter().map(value_size).sum::<usize>();
            if size + row_size > limits.page_bytes && !records.is_empty() {
                break;
            }
            size += row_size;
            records.push(Json::Array(row.iter().map(field).collect()));
        }
        let next = start + records.len();
        (records, (next < self.rows.len()).then_some(next))
    }

    /// One response's CSV, in chunks of at most a page each and fifteen pages together.
    pub(crate) fn csv_page(&self, start: usize, limits: &Limits) -> (Vec<String>, Option<usize>) {
        const CHUNKS: usize = 15;
        let mut chunks: Vec<String> = Vec::new();
        let mut taken = 0;
        for row in self.rows.iter().skip(start) {
            let line = csv_line(row);
            let full = chunks.len() == CHUNKS;
            match chunks.last_mut() {
                Some(chunk) if chunk.len() + line.len() <= limits.page_bytes => {
                    chunk.push_str(&line);
                }
                _ if full => break,
                _ => chunks.push(line),
            }
            taken += 1;
        }
        let next = start + taken;
        (chunks, (next < self.rows.len()).then_some(next))
    }

    pub(crate) fn metadata(&self) -> Vec<Json> {
        self.columns.iter().map(|column| column_json(column, None)).collect()
    }
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Boolean(_) => 1,
        Value::Long(_) | Value::Double(_) => 8,
        Value::String(text) => text.len(),
    }
}

/// A value as a `Field` of the model. A double that JSON cannot write is its name, which is how the
/// AWS JSON protocols write it.
fn field(value: &Value) -> Json {
    match value {
        Value::Null => json!({"isNull": true}),
        Value::Boolean(value) => json!({"booleanValue": value}),
        Value::Long(value) => json!({"longValue": value}),
        Value::Double(value) => json!({"doubleValue": double(*value)}),
        Value::String(value) => json!({"stringValue": value}),
    }
}

fn double(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// A row as CSV: fields with quotation marks, commas or line ends are quoted; NULL is nothing, an
/// empty text is `""`; lines end in CR LF, and there is no header (API reference,
/// GetStatementResultV2).
fn csv_line(row: &[Value]) -> String {
    let mut line = String::new();
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        match value {
            Value::Null => {}
            Value::Boolean(value) => line.push_str(if *value { "true" } else { "false" }),
            Value::Long(value) => line.push_str(&value.to_string()),
            Value::Double(value) => line.push_str(&value.to_string()),
            Value::String(text) => push_csv(&mut line, text),
        }
    }
    line.push_str("\r\n");
    line
}

fn push_csv(line: &mut String, text: &str) {
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        line.push_str(text);
        return;
    }
    line.push('"');
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

/// A column as the model's `ColumnMetadata`.
pub(crate) fn column_json(column: &ColumnMetadata, default: Option<&str>) -> Json {
    let nullable = match column.nullable {
        Nullable::No => 0,
        Nullable::Yes => 1,
        Nullable::Unknown => 2,
    };
    let mut members = Map::new();
    for (name, value) in [
        ("isCaseSensitive", json!(column.is_case_sensitive)),
        ("isCurrency", json!(column.is_currency)),
        ("isSigned", json!(column.is_signed)),
        ("label", json!(column.label)),
        ("length", json!(column.length)),
        ("name", json!(column.name)),
        ("nullable", json!(nullable)),
        ("precision", json!(column.precision)),
        ("scale", json!(column.scale)),
        ("schemaName", json!(column.schema_name)),
        ("tableName", json!(column.table_name)),
        ("typeName", json!(column.type_name)),
    ] {
        members.insert(name.to_owned(), value);
    }
    if let Some(default) = default {
        members.insert("columnDefault".to_owned(), json!(default));
    }
    Json::Object(members)
}

/// The token of a page: opaque to clients, and bound to what is being paged.
pub(crate) fn page_token(of: &str, offset: usize) -> String {
    format!("{:016x}{offset:016x}", binding(of))
}

/// The offset that a token stands for; no token is the beginning.
pub(crate) fn page_offset(of: &str, token: Option<&str>) -> Result<usize, ApiError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(0);
    };
    let bound = format!("{:016x}", binding(of));
    token
        .strip_prefix(bound.as_str())
        .filter(|offset| offset.len() == 16)
        .and_then(|offset| usize::from_str_radix(offset, 16).ok())
        .ok_or_else(|| ApiError::validation("NextToken is invalid for this request."))
}

/// FNV-1a, so that a token stays good across builds of the server.
fn binding(of: &str) -> u64 {
    of.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Cuts a list into pages; `of` binds the token to the request.
pub(crate) fn list_page(
    of: &str,
    mut items: Vec<Json>,
    token: Option<&str>,
    max_results: Option<u64>,
    page: usize,
) -> Result<(Vec<Json>, Option<String>), ApiError> {
    let start = page_offset(of, token)?.min(items.len());
    let size = match max_results {
        None | Some(0) => page,
        Some(size) => usize::try_from(size).unwrap_or(page).min(page),
    };
    let mut rest = items.split_off(start);
    let next = (rest.len() > size).then(|| page_token(of, start + size));
    rest.truncate(size);
    Ok((rest, next))
}
