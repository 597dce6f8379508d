//! UNLOAD into files of the folder that stands for S3 (Redshift Database Developer Guide, "UNLOAD").
//!
//! There is one slice: PARALLEL ON writes `0000_part_00`, `0000_part_01` and so on, PARALLEL OFF `000`, `001`. Invariant: nothing is
//! written before the query has ended and everything that may refuse has been asked.

mod format;

use redshift_data_api::SqlError;
use redshift_sql::statement::files::{Unload, UnloadFormat};
use redshift_sql::{OutputColumn, RsType};
use serde_json::{Value as Json, json};

use super::{Storage, Uri, apart, codec, copy::micros};
use crate::clock;
use crate::error::SqlResult;
use crate::session::{NamedParameters, Outcome, RedshiftSession};
use crate::value::Datum;
use format::Writer;

/// A file that is to be written.
struct File {
    uri: Uri,
    rows: i64,
    /// With the header.
    lines: i64,
    text: Vec<u8>,
}

/// A file as the log shows it.
struct Written {
    name: String,
    lines: i64,
    bytes: i64,
}

impl RedshiftSession {
    pub(crate) async fn unload(&mut self, unload: &Unload) -> SqlResult<Outcome> {
        self.storage().check("UNLOAD")?;
        let started = clock::now();
        let outcome = self.run_query(&unload.query, &NamedParameters(&[])).await?;
        let rows = i64::try_from(outcome.rows.len()).unwrap_or(i64::MAX);
        let work = (self.storage().clone(), unload.clone());
        let written = apart(move || {
            let columns = outcome.columns.unwrap_or_default();
            write(&work.0, &work.1, &columns, &outcome.rows)
        })
        .await?;
        self.note_unload(unload, micros(started), rows, &written).await;
        self.last_unload = (self.query_id, rows);
        Ok(Outcome::count(rows))
    }

    async fn note_unload(&self, unload: &Unload, started: i64, rows: i64, files: &[Written]) {
        let entry = self.entry(self.query_id, "UNLOAD");
        let client = &self.database.reader;
        let format = match unload.format {
            UnloadFormat::Csv { .. } => "CSV",
            UnloadFormat::Json => "JSON",
            UnloadFormat::Delimited { .. } | UnloadFormat::FixedWidth(_) => "Text",
        };
        let compression = codec::extension(unload.compression).trim_start_matches('.');
        let mut noted = client
            .execute(
                "INSERT INTO rs_catalog.unload VALUES ($1, $2, $3, $4, $5, $6, $7, rs_catalog.moment($8), pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', $9)",
                &[&entry.user, &entry.query_id, &entry.transaction_id, &entry.session_id, &unload.target, &format, &compression, &started, &rows],
            )
            .await;
        for file in files {
            if noted.is_ok() {
                noted = client
                    .execute(
                        "INSERT INTO rs_catalog.unload_file VALUES ($1, $2, $3, $4)",
                        &[&entry.query_id, &file.name, &file.lines, &file.bytes],
                    )
                    .await;
            }
        }
        if let Err(error) = noted {
            tracing::debug!(%error, "an unload could not be written down");
        }
    }
}

fn write(storage: &Storage, unload: &Unload, columns: &[OutputColumn], rows: &[Vec<Datum>]) -> SqlResult<Vec<Written>> {
    let target = Uri::parse(&unload.target)?;
    if let Some(name) = repeated(columns).filter(|_| unload.format == UnloadFormat::Json) {
        return Err(SqlError::new(
            "42701",
            format!("the name of each column must be unique in JSON, and \"{name}\" is not"),
        ));
    }
    let keys = partition_keys(unload, columns)?;
    let kept: Vec<usize> = (0..columns.len()).filter(|n| unload.include || !keys.contains(n)).collect();
    if kept.is_empty() {
        return Err(SqlError::new("0A000", "UNLOAD needs at least one column that is not in PARTITION BY"));
    }
    let writer = Writer {
        format: &unload.format,
        null_as: unload.null_as.as_deref(),
        columns: kept.iter().map(|n| &columns[*n]).collect(),
    };
    writer.check()?;
    // By prefix, in the order in which they come up.
    let mut parts: Vec<(Uri, Vec<&[Datum]>)> = Vec::new();
    if keys.is_empty() {
        parts.push((target.clone(), rows.iter().map(Vec::as_slice).collect()));
    } else {
        for row in rows {
            let prefix = partition(&target, &keys, columns, row);
            match parts.iter_mut().find(|(known, _)| *known == prefix) {
                Some((_, rows)) => rows.push(row),
                None => parts.push((prefix, vec![row])),
            }
        }
    }
    let mut files = Vec::new();
    for (prefix, rows) in &parts {
        files.extend(split(unload, &writer, prefix, rows, &kept)?);
    }
    make_room(storage, unload, &target, &parts)?;
    let mut written = Vec::new();
    for file in files {
        let packed = codec::compress(file.text, unload.compression)?;
        storage.write(&file.uri, &packed)?;
        let bytes = i64::try_from(packed.len()).unwrap_or(i64::MAX);
        written.push((file.uri, file.rows, Written { name: String::new(), lines: file.lines, bytes }));
    }
    if unload.manifest {
        let uri = Uri { key: format!("{}manifest", target.key), ..target.clone() };
        let text = manifest(unload, &writer.columns, &written).to_string();
        storage.write(&uri, text.as_bytes())?;
    }
    Ok(written.into_iter().map(|(uri, _, file)| Written { name: uri.to_string(), ..file }).collect())
}

fn repeated(columns: &[OutputColumn]) -> Option<&str> {
    let name = |n: usize| columns[n].name.as_str();
    (1..columns.len()).find(|n| columns[..*n].iter().any(|before| before.name == columns[*n].name)).map(name)
}

fn partition_keys(unload: &Unload, columns: &[OutputColumn]) -> SqlResult<Vec<usize>> {
    let mut keys = Vec::new();
    for name in &unload.partition_by {
        let found = columns.iter().position(|column| column.name == *name).ok_or_else(|| {
            SqlError::new("42703", format!("the partition column \"{name}\" is not a column of the query"))
        })?;
        // "PARTITION BY clause": the types that may be keys.
        let fits = match &columns[found].rs_type {
            RsType::SmallInt
            | RsType::Integer
            | RsType::BigInt
            | RsType::Decimal(..)
            | RsType::Real
            | RsType::Boolean => true,
            RsType::Date | RsType::Timestamp => true,
            other => other.is_character(),
        };
        if !fits {
            return Err(SqlError::new("0A000", format!("\"{name}\" has a type that UNLOAD does not partition by")));
        }
        keys.push(found);
    }
    Ok(keys)
}

/// `prefix/year=2019/month=September/`.
fn partition(target: &Uri, keys: &[usize], columns: &[OutputColumn], row: &[Datum]) -> Uri {
    let mut key = target.key.clone();
    if !key.is_empty() && !key.ends_with('/') {
        key.push('/');
    }
    for index in keys {
        let value = format::text_of(&row[*index]).unwrap_or_else(|| "__HIVE_DEFAULT_PARTITION__".to_owned());
        key +=
            &format!("{}={}/", columns[*index].name, value.replace('%', "%25").replace('/', "%2F").replace(':', "%3A"));
    }
    Uri { key, ..target.clone() }
}

/// The files of one prefix, each of MAXFILESIZE at most before it is compressed.
fn split(
    unload: &Unload,
    writer: &Writer<'_>,
    prefix: &Uri,
    rows: &[&[Datum]],
    kept: &[usize],
) -> SqlResult<Vec<File>> {
    let header = if unload.header { writer.header()? } else { String::new() };
    let most = usize::try_from(unload.max_file_size).unwrap_or(usize::MAX);
    let mut files: Vec<File> = Vec::new();
    let mut lines = rows.iter();
    let mut next = lines.next();
    loop {
        let number = files.len();
        let part = if unload.parallel { format!("0000_part_{number:02}") } else { format!("{number:03}") };
        let key = format!("{}{part}{}", prefix.key, codec::extension(unload.compression));
        let mut file = File {
            uri: Uri { key, ..prefix.clone() },
            rows: 0,
            lines: i64::from(unload.header),
            text: header.clone().into_bytes(),
        };
        while let Some(row) = next {
            let values: Vec<&Datum> = kept.iter().map(|n| &row[*n]).collect();
            let line = writer.row(&values)?;
            if file.rows > 0 && file.text.len() + line.len() > most {
                break;
            }
            file.text.extend_from_slice(line.as_bytes());
            file.rows += 1;
            file.lines += 1;
            next = lines.next();
        }
        files.push(file);
        if next.is_none() {
            return Ok(files);
        }
    }
}

/// "By default, UNLOAD fails if it finds files that it would possibly overwrite." CLEANPATH removes them, with PARTITION BY only from
/// the folders that get new ones.
fn make_room(storage: &Storage, unload: &Unload, target: &Uri, parts: &[(Uri, Vec<&[Datum]>)]) -> SqlResult<()> {
    if unload.clean_path {
        let prefixes: Vec<&Uri> = if unload.partition_by.is_empty() {
            vec![target]
        } else {
            parts.iter().map(|(prefix, _)| prefix).collect()
        };
        for prefix in prefixes {
            for uri in storage.list(prefix)? {
                storage.remove(&uri)?;
            }
        }
        return Ok(());
    }
    if !unload.allow_overwrite && !storage.list(target)?.is_empty() {
        return Err(SqlError::new(
            "58P02",
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the \
             target files in S3, or using the ALLOWOVERWRITE option.",
        ));
    }
    Ok(())
}

/// "MANIFEST [ VERBOSE ]".
fn manifest(unload: &Unload, columns: &[&OutputColumn], written: &[(Uri, i64, Written)]) -> Json {
    let entries: Vec<Json> = written
        .iter()
        .map(|(uri, _, file)| {
            let mut entry = json!({ "url": uri.to_string() });
            if unload.verbose {
                entry["meta"] = json!({ "content_length": file.bytes, "record_count": file.lines });
            }
            entry
        })
        .collect();
    let mut manifest = json!({ "entries": entries });
    if unload.verbose {
        let elements: Vec<Json> =
            columns.iter().map(|column| json!({ "name": column.name, "type": base(&column.rs_type) })).collect();
        let (mut bytes, mut lines) = (0, 0);
        for (_, _, file) in written {
            bytes += file.bytes;
            lines += file.lines;
        }
        manifest["schema"] = json!({ "elements": elements });
        manifest["meta"] = json!({ "content_length": bytes, "record_count": lines });
        manifest["author"] = json!({ "name": "Amazon Redshift", "version": "1.0.0" });
    }
    manifest
}

/// "For CHAR and VARCHAR the dimension is the length, for DECIMAL precision and scale."
fn base(rs_type: &RsType) -> Json {
    let text = rs_type.to_string();
    let name = text.split('(').next().unwrap_or_default();
    match rs_type {
        RsType::Char(length) | RsType::Varchar(length) => json!({ "base": name, "max_length": length }),
        RsType::Decimal(precision, scale) => json!({ "base": name, "precision": precision, "scale": scale }),
        _ => json!({ "base": name }),
    }
}
