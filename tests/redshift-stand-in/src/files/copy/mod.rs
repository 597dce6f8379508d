//! COPY from files in the folder that stands for S3 (Redshift Database Developer Guide, "COPY").
//!
//! All files are read and converted first; then one INSERT brings what is good into the table. Invariant: a load that fails leaves
//! no row, and writes its errors down.

mod convert;
mod fault;
mod journal;
mod json;
mod moment;
mod records;

use redshift_data_api::SqlError;
use redshift_sql::statement::files::{Copy, CopyFormat, JsonMapping};
use redshift_sql::{Column, RelationKind, RsType, quote_identifier};

use super::{Storage, Uri, apart, codec};
use crate::catalog::Entry;
use crate::clock;
use crate::error::{IntoSql as _, SqlResult, refused};
use crate::session::{Outcome, RedshiftSession};
use convert::Value;
use fault::Fault;
pub(super) use journal::micros;
use journal::{Load, LoadError, LoadedFile};

/// Rows of one INSERT.
const BATCH: usize = 5_000;
/// What STL_LOAD_ERRORS keeps of a line and of a field.
const RAW: usize = 1_024;

/// What was read: values by column, and what could not be.
#[derive(Default)]
struct Read {
    columns: Vec<Vec<Option<String>>>,
    rows: i64,
    files: Vec<LoadedFile>,
    errors: Vec<LoadError>,
    failed: bool,
}

impl RedshiftSession {
    pub(crate) async fn copy(&mut self, copy: &Copy) -> SqlResult<Outcome> {
        self.storage().check("COPY")?;
        let view = self.view().await?;
        let name = &copy.table;
        if name.database.as_ref().is_some_and(|database| *database != view.database) {
            return Err(refused(format!("cross-database reference to \"{name}\" is not supported by COPY")));
        }
        let entry = view
            .entry(name.schema.as_deref(), &name.name)
            .ok_or_else(|| SqlError::new("42P01", format!("relation \"{name}\" does not exist")))?;
        if entry.relation.kind != RelationKind::Table {
            return Err(SqlError::new("42809", format!("\"{}\" is not a table", entry.relation.name)));
        }
        let columns = columns(copy, &entry)?;
        let writes = vec![(entry.relation.schema.clone(), entry.relation.name.clone())];
        let began = self.begin_implicit().await?;
        let result = self.load(copy, &entry, &columns, &writes).await;
        self.end_implicit(began, result).await
    }

    async fn load(
        &mut self,
        copy: &Copy,
        entry: &Entry,
        columns: &[Column],
        writes: &[(String, String)],
    ) -> SqlResult<Outcome> {
        self.lock_for_writes(writes).await?;
        self.note_access(&[], writes)?;
        self.transaction.snapshot_taken = true;
        let started = clock::now();
        let work = (self.storage().clone(), copy.clone(), columns.to_vec());
        let read = apart(move || read(&work.0, &work.1, &work.2)).await?;
        let inserted =
            if read.failed || copy.no_load { Ok(()) } else { self.insert(entry, columns, &read.columns).await };
        let rows = if read.failed || copy.no_load || inserted.is_err() { 0 } else { read.rows };
        let load = Load {
            table: (entry.relation.name.clone(), entry.oid),
            source: copy.source.clone(),
            format: format_name(copy),
            started,
            rows,
            files: read.files,
            errors: read.errors,
            failed: read.failed || inserted.is_err(),
        };
        self.note_load(&load).await;
        inserted?;
        if load.failed {
            return Err(SqlError::new(
                "22000",
                format!(
                    "Load into table '{}' failed. Check 'stl_load_errors' system table for details.",
                    entry.relation.name
                ),
            ));
        }
        self.last_copy = (self.query_id, rows);
        Ok(Outcome::count(rows))
    }

    async fn insert(&self, entry: &Entry, columns: &[Column], values: &[Vec<Option<String>>]) -> SqlResult<()> {
        let names = |map: &dyn Fn(usize, &Column) -> String| {
            columns.iter().enumerate().map(|(n, c)| map(n, c)).collect::<Vec<_>>().join(", ")
        };
        let sql = format!(
            "INSERT INTO {}.{} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS rs_file({})",
            quote_identifier(&entry.relation.postgres_schema),
            quote_identifier(&entry.relation.postgres_name),
            names(&|_, column| quote_identifier(&column.name)),
            names(&|n, column| assigned(&format!("c{n}"), &column.rs_type)),
            names(&|n, _| format!("${}::text[]", n + 1)),
            names(&|n, _| format!("c{n}")),
        );
        let statement = self.client().prepare(&sql).await.sql()?;
        let rows = values.first().map_or(0, Vec::len);
        for start in (0..rows).step_by(BATCH) {
            let end = rows.min(start + BATCH);
            let parts: Vec<&[Option<String>]> = values.iter().map(|column| &column[start..end]).collect();
            let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
                parts.iter().map(|part| part as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
            self.client().execute(&statement, &parameters).await.sql()?;
        }
        Ok(())
    }
}

/// A text of the file as the column's type.
fn assigned(text: &str, rs_type: &RsType) -> String {
    match rs_type {
        t if t.is_character() => text.to_owned(),
        RsType::Super => format!("rs.json_parse({text})"),
        RsType::Varbyte(_) => format!("pg_catalog.decode({text}, 'hex')"),
        other => format!("{text}::{}", other.postgres()),
    }
}

fn format_name(copy: &Copy) -> &'static str {
    match copy.format {
        CopyFormat::Delimited { .. } => "Text",
        CopyFormat::Csv { .. } => "CSV",
        CopyFormat::FixedWidth(_) => "Fixed Width",
        CopyFormat::Json(_) => "JSON",
    }
}

/// The columns that the file fills, in its order ("Column mapping options": IDENTITY columns go with EXPLICIT_IDS).
fn columns(copy: &Copy, entry: &Entry) -> SqlResult<Vec<Column>> {
    let all = &entry.relation.columns;
    let identity = all.iter().find(|column| column.identity);
    if copy.columns.is_empty() {
        return Ok(all.iter().filter(|column| copy.explicit_ids || !column.identity).cloned().collect());
    }
    let mut columns: Vec<Column> = Vec::new();
    for name in &copy.columns {
        let found = all.iter().find(|column| column.name == *name).ok_or_else(|| {
            SqlError::new("42703", format!("column \"{name}\" of relation \"{}\" does not exist", entry.relation.name))
        })?;
        if columns.iter().any(|column| column.name == *name) {
            return Err(SqlError::new("42701", format!("column \"{name}\" specified more than once")));
        }
        columns.push(found.clone());
    }
    let listed = identity.is_some_and(|identity| columns.iter().any(|column| column.name == identity.name));
    match (listed, copy.explicit_ids) {
        (true, false) => Err(refused("an IDENTITY column in the column list needs EXPLICIT_IDS")),
        (false, true) if identity.is_some() => {
            Err(refused("EXPLICIT_IDS needs the IDENTITY column in the column list"))
        }
        _ => Ok(columns),
    }
}

/// The files of the prefix or the manifest.
fn sources(storage: &Storage, copy: &Copy) -> SqlResult<Vec<Uri>> {
    let given = Uri::parse(&copy.source)?;
    let missing = |uri: &Uri| SqlError::new("58P01", format!("The specified S3 prefix '{}' does not exist", uri.key));
    if !copy.manifest {
        let found = storage.list(&given)?;
        return if found.is_empty() { Err(missing(&given)) } else { Ok(found) };
    }
    if !storage.exists(&given) {
        return Err(missing(&given));
    }
    // "COPY from Amazon S3": entries with url, and mandatory, which is false if it is not there.
    let wrong = || SqlError::new("22023", "the manifest is not properly formed: it needs entries with url");
    let manifest: serde_json::Value = serde_json::from_slice(&storage.read(&given)?).map_err(|_| wrong())?;
    let mut files = Vec::new();
    for entry in manifest["entries"].as_array().ok_or_else(wrong)? {
        let uri = Uri::parse(entry["url"].as_str().ok_or_else(wrong)?)?;
        if storage.exists(&uri) {
            files.push(uri);
        } else if entry["mandatory"].as_bool().unwrap_or(false) {
            return Err(missing(&uri));
        }
    }
    // "Regardless of any mandatory settings, COPY will terminate if no files are found."
    if files.is_empty() { Err(missing(&given)) } else { Ok(files) }
}

fn read(storage: &Storage, copy: &Copy, columns: &[Column]) -> SqlResult<Read> {
    let json = match &copy.format {
        CopyFormat::Json(mapping) => {
            let paths = match mapping {
                JsonMapping::Paths(path) => Some(storage.read(&Uri::parse(path)?)?),
                JsonMapping::Auto { .. } | JsonMapping::Whole => None,
            };
            Some(json::Reader::new(mapping, columns, paths.as_deref())?)
        }
        _ => None,
    };
    let mut read = Read { columns: columns.iter().map(|_| Vec::new()).collect(), ..Read::default() };
    for uri in sources(storage, copy)? {
        let packed = storage.read(&uri)?;
        let bytes = i64::try_from(packed.len()).unwrap_or(i64::MAX);
        let text = codec::decode(packed, copy.compression, copy.encoding, &uri)?;
        let mut file = LoadedFile { name: uri.to_string(), bytes, lines: 0, errors: 0 };
        let rows: Vec<json::Row> = match &json {
            Some(reader) => match copy.conversion.replacement {
                Some(byte) => reader.rows(convert::replaced(&text, char::from(byte)).as_bytes()),
                None => reader.rows(&text),
            },
            None => records::read(&text, copy).into_iter().map(|record| row(record, columns, copy)).collect(),
        };
        for row in rows {
            file.lines += 1;
            let fields = row.values.map_err(|fault| (None, String::new(), fault));
            match fields.and_then(|values| converted(values, columns, copy)) {
                Ok(values) => {
                    read.rows += 1;
                    for (column, value) in read.columns.iter_mut().zip(values) {
                        column.push(value);
                    }
                }
                Err((column, raw_field, fault)) => {
                    file.errors += 1;
                    let (file, raw_line) = (file.name.clone(), cut(&row.raw));
                    read.errors.push(LoadError { file, line: row.line, column, raw_line, raw_field, fault });
                    let errors = u64::try_from(read.errors.len()).unwrap_or(u64::MAX);
                    read.failed = copy.max_error.is_some_and(|most| errors >= most.max(1));
                }
            }
            if read.failed {
                break;
            }
        }
        read.files.push(file);
        if read.failed {
            break;
        }
    }
    Ok(read)
}

/// A record's fields, as many as there are columns.
fn row(record: records::Record, columns: &[Column], copy: &Copy) -> json::Row {
    let values = record.fields.and_then(|mut fields| {
        if record.raw.is_empty() && columns.len() > 1 {
            return Err(Fault::no_data());
        }
        // A delimiter may end the line ("COPY examples").
        if fields.len() == columns.len() + 1 && fields.last().is_some_and(|last| last.bytes.is_empty()) {
            fields.pop();
        }
        if fields.len() > columns.len() {
            return Err(Fault::extra_columns());
        }
        if fields.len() < columns.len() && !copy.fill_record {
            return Err(Fault::delimiter());
        }
        let mut values: Vec<Value> =
            fields.into_iter().map(|f| if f.null { Value::Null } else { Value::Text(f.bytes) }).collect();
        // "FILLRECORD": zero-length strings for VARCHAR, NULL for the others.
        for column in &columns[values.len()..] {
            let empty = matches!(column.rs_type, RsType::Varchar(_));
            values.push(if empty { Value::Text(Vec::new()) } else { Value::Null });
        }
        Ok(values)
    });
    json::Row { line: record.line, raw: record.raw, values }
}

type Faulty = (Option<(String, RsType)>, String, Fault);

fn converted(values: Vec<Value>, columns: &[Column], copy: &Copy) -> Result<Vec<Option<String>>, Faulty> {
    let mut row = Vec::with_capacity(values.len());
    for (value, column) in values.into_iter().zip(columns) {
        let raw = match &value {
            Value::Null => String::new(),
            Value::Text(bytes) => cut(bytes),
            Value::Json(text) | Value::JsonText(text) => cut(text.as_bytes()),
        };
        match convert::convert(value, column, &copy.conversion) {
            Ok(value) => row.push(value),
            Err(fault) => return Err((Some((column.name.clone(), column.rs_type.clone())), raw, fault)),
        }
    }
    Ok(row)
}

fn cut(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\0', "");
    let mut end = text.len().min(RAW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
