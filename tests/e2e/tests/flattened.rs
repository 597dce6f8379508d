//! Flattened events of tables that change: what nothing in an event tells goes into quarantine, and
//! what `add.fields` adds tells it.

use anyhow::{Context, Result};
use e2e::{options, records, run, stop, write_recording};
use local_stack::recording::RecordedRecord;
use local_stack::replay::Replay;
use serde_json::Value;

use crate::evolution::NULLS_SENT_AS_DEFAULTS;

/// How ExtractNewRecordState is set: `delete.tombstone.handling.mode` is `rewrite` or `tombstone`,
/// and `add.fields` has these fields of the source besides `op`.
struct Transform {
    rewrites: bool,
    added: &'static [&'static str],
}

impl Transform {
    /// The records as the transform writes them. It leaves out truncations.
    fn of(&self, recorded: Vec<RecordedRecord>) -> Result<Vec<RecordedRecord>> {
        let mut flattened = Vec::new();
        for mut record in recorded {
            let is_event = record.topic.contains('.');
            match record.value.as_deref() {
                Some(value) if is_event => {
                    let event: Value = serde_json::from_str(value)?;
                    if let Some(row) = self.row(&event)? {
                        record.value = Some(row.to_string());
                        flattened.push(record);
                    }
                }
                None if self.rewrites => {}
                Some(_) | None => flattened.push(record),
            }
        }
        Ok(flattened)
    }

    fn row(&self, event: &Value) -> Result<Option<Value>> {
        let operation = event["op"].as_str().context("an event without an operation")?;
        let is_deletion = operation == "d";
        if operation == "t" || is_deletion && !self.rewrites {
            return Ok(None);
        }
        let mut row = event[if is_deletion { "before" } else { "after" }].clone();
        if self.rewrites {
            row["__deleted"] = is_deletion.to_string().into();
        }
        row["__op"] = operation.into();
        for field in self.added {
            row[format!("__source_{field}")] = event["source"][field].clone();
        }
        Ok(Some(row))
    }
}

async fn replayed(transform: Transform) -> Replay {
    let folder = tempfile::tempdir().expect("a folder");
    let recorded = records("evolve-mariadb", "noschema").expect("the recording");
    let path = folder.path().join("records.jsonl");
    write_recording(&path, &transform.of(recorded).expect("flattened events")).expect("a recording");
    let mut options = options("evolve-mariadb", "noschema", "evolve-flattened.yaml");
    options.records = vec![path];
    run(&options).await.expect("the replay ends")
}

const TABLES: [&str; 5] = ["acct", "acct_quiet", "extra", "phoenix", "pkchg"];

fn assert_nothing_wrong(replay: &Replay) {
    for table in TABLES {
        let parity = replay
            .parities
            .get(table)
            .unwrap_or_else(|| panic!("{table} is not replicated; waiting: {:#?}", replay.summary.waiting));
        let known: &[&str] = if table == "acct_quiet" { &NULLS_SENT_AS_DEFAULTS } else { &[] };
        let wrong = parity.examples.iter().filter(|example| example.starts_with("WRONG"));
        assert!(wrong.into_iter().all(|example| known.contains(&example.as_str())), "{table}: {:#?}", parity.examples);
        assert!(parity.cells.wrong <= known.len(), "{table}: {:#?}", parity.examples);
        assert_eq!(parity.unexpected, 0, "{table}: {:#?}", parity.examples);
    }
}

/// The recording is written within a few milliseconds, so that Kafka's time does not tell an event
/// from the schema changes around it; 62 values were wrong, and rows of a former key and of a dropped
/// table stayed.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_schema_change_s_own_millisecond_are_not_guessed_at() {
    for rewrites in [true, false] {
        let replay = replayed(Transform { rewrites, added: &[] }).await;
        assert_nothing_wrong(&replay);
        stop(replay).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn added_places_tell_the_definition_of_every_event() {
    let replay = replayed(Transform { rewrites: true, added: &["file", "pos", "server_id"] }).await;
    assert_nothing_wrong(&replay);
    for table in TABLES {
        let parity = &replay.parities[table];
        assert_eq!((parity.missing, parity.cells.unfilled), (0, 0), "{table}: {:#?}", parity.examples);
    }
    stop(replay).await;
}
