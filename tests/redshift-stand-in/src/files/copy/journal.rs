//! What COPY writes down: STL_LOAD_ERRORS, STL_LOAD_COMMITS, SYS_LOAD_HISTORY and their like.
//!
//! It is there when the statement's answer is, and a rollback does not take it away: it goes through another connection.

use std::time::{SystemTime, UNIX_EPOCH};

use redshift_sql::RsType;

use super::fault::Fault;
use crate::session::RedshiftSession;

/// A row that could not be loaded.
#[derive(Debug, Clone)]
pub(super) struct LoadError {
    pub(super) file: String,
    pub(super) line: i64,
    /// Name and type of the column, if it is one column's fault.
    pub(super) column: Option<(String, RsType)>,
    pub(super) raw_line: String,
    pub(super) raw_field: String,
    pub(super) fault: Fault,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct LoadedFile {
    pub(super) name: String,
    pub(super) bytes: i64,
    pub(super) lines: i64,
    pub(super) errors: i64,
}

/// A load as the views show it.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) table: (String, u32),
    pub(super) source: String,
    pub(super) format: &'static str,
    pub(super) started: SystemTime,
    pub(super) rows: i64,
    pub(super) files: Vec<LoadedFile>,
    pub(super) errors: Vec<LoadError>,
    pub(super) failed: bool,
}

impl RedshiftSession {
    pub(super) async fn note_load(&self, load: &Load) {
        let entry = self.entry(self.query_id, "COPY");
        let micros = micros(load.started);
        let client = &self.database.reader;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let bytes: i64 = load.files.iter().map(|file| file.bytes).sum();
        let (table, oid) = (&load.table.0, i64::from(load.table.1));
        let mut written = client
            .execute(
                "INSERT INTO rs_catalog.load VALUES ($1, $2, $3, $4, $5, $6, $7, $8, rs_catalog.moment($9), pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', $10, $11, $12, $13, $14)",
                &[
                    &entry.user, &entry.query_id, &entry.transaction_id, &entry.session_id, table, &oid, &load.source, &load.format,
                    &micros, &load.rows, &bytes, &count(load.files.len()), &count(load.errors.len()), &load.failed,
                ],
            )
            .await;
        for file in &load.files {
            if written.is_ok() {
                written = client
                    .execute(
                        "INSERT INTO rs_catalog.load_file VALUES ($1, $2, $3, $4, $5)",
                        &[&entry.query_id, &file.name, &file.bytes, &file.lines, &file.errors],
                    )
                    .await;
            }
        }
        for error in &load.errors {
            if written.is_ok() {
                let (name, kind, length) = match &error.column {
                    Some((name, rs_type)) => (name.as_str(), kind(rs_type), length(rs_type)),
                    None => ("", "", String::new()),
                };
                written = client
                    .execute(
                        "INSERT INTO rs_catalog.load_error VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                        &[
                            &entry.query_id,
                            &error.file,
                            &error.line,
                            &name,
                            &kind,
                            &length,
                            &error.raw_line,
                            &error.raw_field,
                            &error.fault.code,
                            &error.fault.reason,
                        ],
                    )
                    .await;
            }
        }
        if let Err(error) = written {
            tracing::debug!(%error, "a load could not be written down");
        }
    }
}

pub(crate) fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The type as STL_LOAD_ERRORS names it.
fn kind(rs_type: &RsType) -> &'static str {
    match rs_type {
        RsType::Char(_) => "char",
        other => other.short_name(),
    }
}

/// "If applicable, the length of the column as defined by DDL": `10`, `8, 2`.
fn length(rs_type: &RsType) -> String {
    match rs_type {
        RsType::Char(length) | RsType::Varchar(length) | RsType::Varbyte(length) => length.to_string(),
        RsType::Decimal(precision, scale) => format!("{precision}, {scale}"),
        _ => "0".to_owned(),
    }
}
