//! Recordings into tables of every mode: what the source has now is equal to it, value by value,
//! and what the mode has besides is as much as the recording tells.

use std::collections::{BTreeMap, BTreeSet};

use cdc_core::catalog::TableSpec;
use cdc_core::pipeline::TopicRole;
use cdc_core::sql::ident::{qualified, quoted};
use e2e::{assert_full_parity, records, run, stop, write_pipeline};
use local_stack::recording::RecordedRecord;
use local_stack::replay::{self, Replay, ReplayOptions};
use serde_json::Value;

/// A recording in one mode, still running, with the events of each table.
struct Recording {
    replay: Replay,
    tables: BTreeMap<String, (TableSpec, Vec<Event>)>,
    _folder: tempfile::TempDir,
}

/// A change event: its operation and its Kafka key.
struct Event {
    op: String,
    key: String,
}

fn event(record: &RecordedRecord) -> Option<Event> {
    let document: Value = serde_json::from_str(record.value.as_deref()?).ok()?;
    let envelope = match (&document["schema"], &document["payload"]) {
        (Value::Object(_), Value::Object(payload)) => Value::Object(payload.clone()),
        _ => document,
    };
    let op = match envelope["op"].as_str() {
        Some(op) => op.to_owned(),
        None if envelope["__deleted"] == "true" => "d".to_owned(),
        None => envelope["__op"].as_str()?.to_owned(),
    };
    Some(Event { op, key: record.key.clone().unwrap_or_default() })
}

async fn replayed(corpus: &str, rendering: &str, source: &str, mode: &str) -> Recording {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tables = format!("  - {{topic: '**', mode: {mode}, keyless: append}}\n");
    let pipeline = write_pipeline(folder.path(), corpus, source, &tables).expect("a pipeline file");
    let options = ReplayOptions { pipeline, ..e2e::options(corpus, rendering, "") };
    let (meaning, _) = replay::load(&options.pipeline).expect("the pipeline file is right");
    let mut tables: BTreeMap<String, (TableSpec, Vec<Event>)> = BTreeMap::new();
    for record in records(corpus, rendering).expect("the recording is readable") {
        if let TopicRole::Table(spec) = meaning.resolve(&record.topic)
            && let Some(event) = event(&record)
        {
            tables.entry(spec.id().to_string()).or_insert_with(|| (spec, Vec::new())).1.push(event);
        }
    }
    let replay = run(&options).await.expect("the replay runs to its end");
    Recording { replay, tables, _folder: folder }
}

impl Recording {
    async fn number(&self, sql: &str) -> usize {
        let rows =
            self.replay.stack.administrator().query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"));
        rows[0][0].as_deref().and_then(|text| text.parse().ok()).expect("a number")
    }

    /// The names of a table's key, quoted: those that its ledger of deleted keys has.
    async fn key(&self, spec: &TableSpec) -> String {
        let sql = format!(
            "SELECT c.column_name FROM svv_columns AS c WHERE c.table_schema = 'cdc' AND c.table_name = 'ledger_{}' \
             AND LEFT(c.column_name, 5) <> '_cdc_' ORDER BY c.ordinal_position",
            spec.slug
        );
        let rows = self.replay.stack.administrator().query(&sql).await.expect("the ledger is known");
        let names: Vec<String> =
            rows.into_iter().map(|row| format!("h.{}", quoted(row[0].as_deref().expect("a name")))).collect();
        names.join(", ")
    }

    /// Every present value is exact or in quarantine, and so many are exact.
    fn assert_nothing_is_wrong(&self, exact: usize) {
        let parities = self.replay.parities.values();
        let found: usize = parities.clone().map(|parity| parity.cells.exact).sum();
        let examples: Vec<&String> = parities.clone().flat_map(|parity| &parity.examples).collect();
        assert_eq!(parities.map(|parity| parity.cells.wrong).sum::<usize>(), 0, "{examples:#?}");
        assert!(found >= exact, "{found} values are exact, {exact} were: {examples:#?}");
    }
}

/// Keys that the source deleted and did not create again.
fn ended(events: &[Event]) -> usize {
    let mut ended = BTreeSet::new();
    for event in events {
        match event.op.as_str() {
            "d" => ended.insert(&event.key),
            _ => ended.remove(&event.key),
        };
    }
    ended.len()
}

fn target(spec: &TableSpec) -> String {
    qualified(&spec.target_schema, &spec.target_table)
}

/// The present rows are the source's, and every key that was deleted for good has a marked row.
async fn marks_what_is_deleted(recording: &Recording) {
    for (spec, events) in recording.tables.values() {
        let marked = format!("SELECT COUNT(*) FROM {} AS h WHERE h._cdc_deleted", target(spec));
        assert_eq!(recording.number(&marked).await, ended(events), "{}", spec.id());
        let timed = format!("{marked} AND h._cdc_deleted_at IS NOT NULL");
        assert_eq!(recording.number(&timed).await, ended(events), "{}", spec.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soft_delete_keeps_the_deleted_rows() {
    let recording = replayed("salesdb-small", "noschema", "", "soft_delete").await;
    assert_full_parity(&recording.replay);
    marks_what_is_deleted(&recording).await;
    stop(recording.replay).await;
}

/// A delete of a table with REPLICA IDENTITY DEFAULT has an empty text as filler.
#[tokio::test(flavor = "multi_thread")]
async fn soft_delete_keeps_values_and_no_fillers() {
    let recording = replayed("salesdb-postgres", "schema", "", "soft_delete").await;
    assert_full_parity(&recording.replay);
    marks_what_is_deleted(&recording).await;
    let fillers = "SELECT COUNT(*) FROM public.customer AS h WHERE h._cdc_deleted AND COALESCE(h.name, '') = ''";
    assert_eq!(recording.number(fillers).await, 0);
    stop(recording.replay).await;
}

/// Every change opened one version, and the versions of a key follow each other.
async fn has_all_versions(recording: &Recording, reads_are_repeated: bool) {
    for (spec, events) in recording.tables.values() {
        let table = target(spec);
        let all = recording.number(&format!("SELECT COUNT(*) FROM {table}")).await;
        let changes = events.iter().filter(|event| event.op == "c" || event.op == "u").count();
        let reads = events.iter().filter(|event| event.op == "r").count();
        let expected = if reads_are_repeated { changes..=changes + reads } else { changes + reads..=changes + reads };
        assert!(expected.contains(&all), "{}: {all} versions, {changes} changes, {reads} reads", spec.id());
        let key = recording.key(spec).await;
        let broken = recording
            .number(&format!(
                "SELECT COUNT(*) FROM (SELECT h._cdc_valid_from AS since, h._cdc_valid_to AS until, \
                 LEAD(h._cdc_valid_from) OVER (PARTITION BY {key} ORDER BY h._cdc_valid_from, h._cdc_kafka_offset) AS next \
                 FROM {table} AS h) AS v WHERE v.until < v.since OR v.next < COALESCE(v.until, CAST('9999-01-01' AS TIMESTAMP))"
            ))
            .await;
        assert_eq!(broken, 0, "{}: versions of one time", spec.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_has_a_version_for_every_change() {
    let recording = replayed("salesdb-small", "noschema", "", "history").await;
    assert_full_parity(&recording.replay);
    has_all_versions(&recording, false).await;
    stop(recording.replay).await;
}

/// Incremental snapshots read rows that did not change: those open no version.
#[tokio::test(flavor = "multi_thread")]
async fn history_with_incremental_snapshots() {
    let recording = replayed("salesdb-incremental", "noschema", "", "history").await;
    assert_full_parity(&recording.replay);
    has_all_versions(&recording, true).await;
    stop(recording.replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_large_values_that_did_not_change() {
    let recording = replayed("types-postgres", "schema", "", "history").await;
    recording.assert_nothing_is_wrong(1465);
    has_all_versions(&recording, false).await;
    let placeholders = "SELECT COUNT(*) FROM public.p_toast AS h WHERE h.c_t LIKE '%unavailable_value%'";
    assert_eq!(recording.number(placeholders).await, 0);
    stop(recording.replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn append_has_a_row_for_every_event() {
    let cases =
        [("salesdb-unwrap", "noschema", 3217), ("types-postgres", "schema", 1465), ("types-mysql", "schema", 1800)];
    for (corpus, rendering, exact) in cases {
        let recording = replayed(corpus, rendering, "", "append").await;
        recording.assert_nothing_is_wrong(exact);
        assert!(recording.replay.summary.waiting.is_empty(), "{:#?}", recording.replay.summary.waiting);
        for (spec, events) in recording.tables.values() {
            let rows = recording.number(&format!("SELECT COUNT(*) FROM {}", target(spec))).await;
            assert_eq!(rows, events.len(), "{corpus} {}", spec.id());
        }
        if corpus == "types-mysql" {
            let deleted = "SELECT COUNT(*) FROM typesdb.t_nopk AS h WHERE h._cdc_op = 'd' AND h.c_a IS NOT NULL";
            assert_eq!(recording.number(deleted).await, 2);
        }
        stop(recording.replay).await;
    }
}
