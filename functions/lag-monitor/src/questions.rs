//! What the warehouse is asked: watermarks, the stream scans' positions and errors, quarantine,
//! and which tables it has.
//!
//! One batch of reads, each judged by itself: without the watermarks nothing can be said, and
//! without the system views only the stage of a lag is unknown. Those views show a database user
//! its own rows only, unless it may monitor (Redshift Database Developer Guide,
//! SYS_STREAM_SCAN_STATES), so that no rows mean "unknown", never "healthy".

use std::collections::{BTreeMap, BTreeSet};

use cdc_core::catalog::TableId;
use cdc_core::plan::provision::ObjectKind;
use cdc_core::sql::layout::Layout;
use cdc_core::sql::{observe, synchronise};
use cdc_core::watermark::Watermark;
use redshift_data::{Deadline, Executed, ReadError, ResultSet, Submission, Warehouse};

use cdc_core::sql::measure;

/// Something that was asked: the answer, or why there is none.
pub(crate) type Known<T> = Result<T, String>;

/// Highest landed offset by landing view (the slug) and partition.
pub(crate) type Landed = BTreeMap<String, BTreeMap<i64, i64>>;

/// The warehouse's answers.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    /// All rows of the watermarks view.
    pub(crate) watermarks: Known<Vec<Watermark>>,
    /// Positions of the stream scans. Empty: nobody may show them to us, or nothing was scanned
    /// in the days that the view covers.
    pub(crate) landed: Known<Landed>,
    /// Errors of the stream scans in the last day, by landing view.
    pub(crate) scan_errors: Known<BTreeMap<String, i64>>,
    /// Entries of the quarantine in the last day, by table.
    pub(crate) quarantined: Known<BTreeMap<TableId, i64>>,
    /// Source time of the newest change merged in the last week, by table, in milliseconds
    /// since the epoch.
    pub(crate) newest_source: Known<BTreeMap<TableId, i64>>,
    /// The tables that have a merge procedure, by the control schema's catalog.
    pub(crate) provisioned: Known<BTreeSet<TableId>>,
}

impl Answers {
    fn none(reason: &str) -> Self {
        Self {
            watermarks: Err(reason.to_owned()),
            landed: Err(reason.to_owned()),
            scan_errors: Err(reason.to_owned()),
            quarantined: Err(reason.to_owned()),
            newest_source: Err(reason.to_owned()),
            provisioned: Err(reason.to_owned()),
        }
    }
}

/// Asks everything. Never fails: an unanswered question is part of the answer.
pub(crate) async fn ask(warehouse: &dyn Warehouse, layout: &Layout, deadline: Deadline) -> Answers {
    let statements = vec![
        synchronise::watermarks(layout, &[]),
        measure::scan_positions(layout),
        measure::scan_errors(layout),
        measure::quarantined(layout),
        measure::newest_source(layout),
        observe::tables_with(layout, ObjectKind::Procedure.as_str()),
    ];
    let submission = Submission::batch("lag", statements);
    let settled = match redshift_data::execute(warehouse, &submission, deadline).await {
        Ok(Executed::Settled(_, settled)) => settled,
        Ok(Executed::Running(_)) => {
            return Answers::none("the warehouse did not answer in time; it may be busy or starting");
        }
        Err(error) => return Answers::none(&error.to_string()),
    };
    let mut results = Vec::new();
    for index in 0..submission.statements.len() {
        let outcome = settled.outcome(index);
        results.push(match outcome.failure() {
            Some(failure) => Err(failure.text),
            None if outcome.has_result => {
                warehouse.fetch(&outcome.id, deadline).await.map_err(|error| error.to_string())
            }
            None => Ok(ResultSet::default()),
        });
    }
    let mut results = results.into_iter();
    let mut next = || results.next().expect("one result for each of the six statements");
    Answers {
        watermarks: next().and_then(|rows| read(&rows, watermarks)),
        landed: next().and_then(|rows| read(&rows, landed)),
        scan_errors: next().and_then(|rows| read(&rows, |rows| by_name(rows, "mv_name", "records"))),
        quarantined: next().and_then(|rows| read(&rows, |rows| by_table(rows, "records"))),
        newest_source: next().and_then(|rows| read(&rows, |rows| by_table(rows, "newest_source_ms"))),
        provisioned: next().and_then(|rows| read(&rows, provisioned)),
    }
}

fn read<T>(rows: &ResultSet, of: impl Fn(&ResultSet) -> Result<T, ReadError>) -> Known<T> {
    of(rows).map_err(|error| error.to_string())
}

fn watermarks(rows: &ResultSet) -> Result<Vec<Watermark>, ReadError> {
    rows.iter()
        .map(|row| {
            Ok(Watermark {
                table: TableId(row.required_text("table_name")?.to_owned()),
                partition: row.required_integer("kafka_partition")?,
                offset: row.required_integer("kafka_offset")?,
                kafka_timestamp_ms: row.integer("kafka_timestamp_ms")?,
                refresh_time_ms: row.integer("refresh_time_ms")?,
                gaps: row.required_integer("gaps")?,
                merged_at_ms: row.integer("merged_at_ms")?,
            })
        })
        .collect()
}

fn landed(rows: &ResultSet) -> Result<Landed, ReadError> {
    let mut landed = Landed::new();
    for row in rows.iter() {
        let view = row.required_text("mv_name")?.trim_end().to_owned();
        let partition = row.required_integer("kafka_partition")?;
        let position = row.required_integer("latest_position")?;
        landed.entry(view).or_default().insert(partition, position);
    }
    Ok(landed)
}

fn provisioned(rows: &ResultSet) -> Result<BTreeSet<TableId>, ReadError> {
    rows.iter().map(|row| Ok(TableId(row.required_text("table_name")?.to_owned()))).collect()
}

fn by_name(rows: &ResultSet, name: &str, value: &str) -> Result<BTreeMap<String, i64>, ReadError> {
    rows.iter()
        .filter_map(|row| {
            let value = row.integer(value).transpose()?;
            Some(row.required_text(name).and_then(|name| Ok((name.trim_end().to_owned(), value?))))
        })
        .collect()
}

fn by_table(rows: &ResultSet, value: &str) -> Result<BTreeMap<TableId, i64>, ReadError> {
    Ok(by_name(rows, "table_name", value)?.into_iter().map(|(name, value)| (TableId(name), value)).collect())
}
