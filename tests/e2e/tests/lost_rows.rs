//! Rows that change places, and rows that go without an event.

use std::collections::BTreeMap;

use e2e::{corpus, options, records, run, stop, write_pipeline, write_recording};
use local_stack::producer;
use local_stack::recording::RecordedRecord;
use local_stack::replay::Replay;
use serde_json::{Value, json};

/// A snapshot of a table as it is at the source, after everything that was recorded.
fn snapshot(recorded: &[RecordedRecord], table: &str) -> Vec<RecordedRecord> {
    let topic = format!("lostpostgres.public.{table}");
    let of_table: Vec<&RecordedRecord> = recorded.iter().filter(|record| record.topic == topic).collect();
    let read = of_table.iter().find(|record| op(record).as_deref() == Some("r")).expect("the table was read once");
    let later = recorded.iter().map(|record| record.timestamp).max().expect("records") + 60_000;
    let truth = std::fs::read_to_string(corpus("lost-postgres").join(format!("truth/{table}.jsonl"))).expect("rows");
    let parsed = |text: &Option<String>| -> Value { serde_json::from_str(text.as_ref().expect("text")).expect("JSON") };
    truth
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).expect("a row");
            row["id"] = row["id"].as_str().expect("a number").parse::<i64>().expect("a number").into();
            let (mut key, mut value) = (parsed(&read.key), parsed(&read.value));
            key["payload"]["id"] = row["id"].clone();
            value["payload"]["after"] = row;
            value["payload"]["source"]["ts_ms"] = later.into();
            let key = key.to_string();
            let partition = of_table.iter().find(|record| record.key.as_ref() == Some(&key)).map_or(0, |r| r.partition);
            RecordedRecord {
                partition,
                timestamp: later,
                key: Some(key),
                value: Some(value.to_string()),
                ..RecordedRecord::clone(read)
            }
        })
        .collect()
}

fn op(record: &RecordedRecord) -> Option<String> {
    let value: Value = serde_json::from_str(record.value.as_ref()?).ok()?;
    value["payload"]["op"].as_str().map(str::to_owned)
}

async fn target(replay: &Replay, table: &str) -> Vec<Vec<Option<String>>> {
    let columns = if table == "indexed" { "id, code, v" } else { "id, v" };
    let sql = format!("SELECT {columns} FROM public.{table} ORDER BY id");
    replay.stack.administrator().query(&sql).await.expect("the warehouse answers")
}

fn warned(answer: &Value) -> Vec<&str> {
    let warnings = answer["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str);
    warnings.filter(|warning| warning.contains("without an event")).collect()
}

/// PostgreSQL with deferred constraints, a TRUNCATE that the connector does not send, a table that
/// was dropped and created anew, and a replica identity that is not the key. The first is exact; the
/// others show as rows that come a second time, or deletions without a name, and a new snapshot into
/// the emptied table mends them.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_change_places_stay_and_rows_that_go_without_an_event_are_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = options("lost-postgres", "schema", "");
    options.pipeline = write_pipeline(folder.path(), "lost-postgres", "", "").expect("a pipeline file");
    let replay = run(&options).await.expect("the replay runs to its end");
    for table in ["shifted", "ids", "full_ids", "swapped"] {
        let parity = &replay.parities[table];
        assert!(parity.is_full() && parity.equal > 0, "{table}: {:?}", parity.examples);
    }
    let quarantined: BTreeMap<&str, i64> =
        replay.summary.tables.iter().map(|table| (table.table.as_str(), table.quarantined)).collect();
    // The keys that were used again, and in the table with another identity the deletions and the row
    // whose index changed.
    let expected =
        [("full_ids", 0), ("ids", 0), ("indexed", 3), ("phoenix", 10), ("reloaded", 7), ("shifted", 0), ("swapped", 0)];
    assert_eq!(quarantined, BTreeMap::from(expected));

    let deployment = &replay.deployment;
    let plan = deployment.invoke("provisioner", &json!({ "action": "plan" })).await.expect("a plan is made");
    assert_eq!(plan["steps"], json!([]), "{plan}");
    let lost = ["public.indexed", "public.phoenix", "public.reloaded"];
    let warnings = warned(&plan);
    assert_eq!(warnings.len(), lost.len(), "{warnings:#?}");
    for (warning, table) in warnings.iter().zip(lost) {
        assert!(warning.contains(&format!("\"empty\": [\"{table}\"]")), "{warning}");
    }

    let unknown = deployment.invoke("provisioner", &json!({ "action": "apply", "empty": ["public.nobody"] })).await;
    let message = format!("{:#}", unknown.expect_err("an unknown table is refused"));
    assert!(message.contains("public.nobody") && message.contains("nothing was done"), "{message}");
    let emptied =
        deployment.invoke("provisioner", &json!({ "action": "apply", "empty": lost })).await.expect("it is done");
    assert_eq!((emptied["changed"].as_i64(), warned(&emptied).len()), (Some(3), 0), "{emptied}");

    let recorded = records("lost-postgres", "schema").expect("the recording is read");
    let reads: Vec<RecordedRecord> =
        ["indexed", "phoenix", "reloaded"].iter().flat_map(|table| snapshot(&recorded, table)).collect();
    let recording = folder.path().join("snapshot.jsonl");
    write_recording(&recording, &reads).expect("the recording is written");
    producer::run(&replay.stack.kafka(), &[recording]).await.expect("the snapshot is written");
    deployment.invoke("refresher", &json!({ "tables": lost })).await.expect("the tables are synchronised");
    for table in ["indexed", "phoenix", "reloaded"] {
        let truth =
            std::fs::read_to_string(corpus("lost-postgres").join(format!("truth/{table}.jsonl"))).expect("rows");
        let mut expected: Vec<Vec<Option<String>>> = truth
            .lines()
            .map(|line| {
                let row: BTreeMap<String, Option<String>> = serde_json::from_str(line).expect("a row");
                let names: &[&str] = if table == "indexed" { &["id", "code", "v"] } else { &["id", "v"] };
                names.iter().map(|name| row[*name].clone()).collect()
            })
            .collect();
        expected.sort_by_key(|row| row[0].as_ref().and_then(|id| id.parse::<i64>().ok()));
        assert_eq!(target(&replay, table).await, expected, "{table}");
    }
    let again = deployment.provision().await.expect("an apply succeeds");
    assert_eq!((again["changed"].as_i64(), warned(&again).len()), (Some(0), 0), "{again}");
    stop(replay).await;
}
