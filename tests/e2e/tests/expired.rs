//! Kafka does not keep records for ever: a target's version is known without them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::{options, run, stop, write_recording};
use local_stack::producer;
use local_stack::recording::RecordedRecord;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use serde_json::{Value, json};

const TOPIC: &str = "shop.public.item";

/// A row's columns besides its key, each with its schema and its value in an event.
pub(crate) type Row = Vec<(Value, Value)>;

pub(crate) fn text(name: &str, value: &str) -> (Value, Value) {
    (json!({"type": "string", "optional": true, "field": name}), value.into())
}

pub(crate) fn number(name: &str, value: i64) -> (Value, Value) {
    (json!({"type": "int32", "optional": true, "field": name}), value.into())
}

/// `value` is base64 of the unscaled number.
fn decimal(name: &str, precision: u8, scale: u8, value: &str) -> (Value, Value) {
    let parameters = json!({"scale": scale.to_string(), "connect.decimal.precision": precision.to_string()});
    let name_of_type = "org.apache.kafka.connect.data.Decimal";
    let schema = json!({"type": "bytes", "optional": true, "name": name_of_type, "version": 1, "parameters": parameters, "field": name});
    (schema, value.into())
}

/// An event in the form of Debezium's PostgreSQL connector (recording evolve-postgres).
pub(crate) fn event(offset: i64, operation: &str, id: i64, row: Row) -> RecordedRecord {
    let key = json!({"type": "int32", "optional": false, "field": "id"});
    let (mut fields, mut after) = (vec![key.clone()], json!({"id": id}));
    for (field, value) in row {
        after[field["field"].as_str().expect("a name")] = value;
        fields.push(field);
    }
    let image = |name: &str| json!({"type": "struct", "fields": fields, "optional": true, "name": format!("{TOPIC}.Value"), "field": name});
    let source = "io.debezium.connector.postgresql.Source";
    let value = json!({
        "schema": {"type": "struct", "optional": false, "name": format!("{TOPIC}.Envelope"), "fields": [
            image("before"), image("after"),
            {"type": "struct", "fields": [], "optional": false, "name": source, "field": "source"}]},
        "payload": {"before": null, "after": after, "op": operation, "source": {
            "connector": "postgresql", "name": "shop", "snapshot": "false", "db": "shop", "schema": "public",
            "table": "item", "lsn": 1_000 + offset, "ts_ms": 1_700_000_000_000_i64 + offset}},
    });
    let key = json!({"schema": {"type": "struct", "fields": [key], "optional": false, "name": format!("{TOPIC}.Key")}, "payload": {"id": id}});
    RecordedRecord {
        topic: TOPIC.to_owned(),
        partition: 0,
        offset,
        timestamp: 0,
        key: Some(key.to_string()),
        value: Some(value.to_string()),
        headers: Vec::new(),
    }
}

/// Takes all records away that the topic has, as its retention would.
async fn expire(bootstrap: &str) -> Result<()> {
    let client = ClientBuilder::new(vec![bootstrap.to_owned()]).build().await?;
    let partition = client.partition_client(TOPIC.to_owned(), 0, UnknownTopicHandling::Retry).await?;
    let end = partition.get_offset(OffsetAt::Latest).await?;
    partition.delete_records(end, 10_000).await?;
    let first = partition.get_offset(OffsetAt::Earliest).await?;
    (first == end).then_some(()).with_context(|| format!("the topic begins at {first} and not at {end}"))
}

/// The table changes after Kafka has lost all events of the version that the target has: a column gets
/// another name, one another scale, one is added. Rows without an event since follow all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_s_version_is_known_without_kafka_s_records_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let older = |offset, id, name: &str, price: &str| {
        event(offset, "c", id, vec![text("a", name), decimal("price", 10, 2, price), number("stock", id * 10)])
    };
    // 12.34 and -0.05 with two digits behind the point.
    let first = folder.path().join("first.jsonl");
    write_recording(&first, &[older(0, 1, "one", "BNI="), older(1, 2, "two", "+w==")]).expect("a recording");
    let pipeline = folder.path().join("pipeline.yaml");
    let file = "version: 1\nname: shop\nsource: {topic_prefix: shop}\ntables:\n  - topic: shop.public.*\n";
    std::fs::write(&pipeline, file).expect("a pipeline file");
    let mut options = options("evolve-postgres", "schema", "evolve-postgres.yaml");
    (options.pipeline, options.records, options.truth) = (pipeline, vec![first], None);
    let replay = run(&options).await.expect("the replay ends");

    expire(&replay.stack.kafka()).await.expect("the records are gone");
    let added = {
        let (mut schema, value) = number("left", 7);
        schema["default"] = 7.into();
        (schema, value)
    };
    let newer = vec![text("b", "three"), decimal("price", 12, 4, "AeJA"), number("stock", 30), added];
    let second = folder.path().join("second.jsonl");
    write_recording(&second, &[event(2, "c", 3, newer)]).expect("a recording");
    producer::run(&replay.stack.kafka(), &[second]).await.expect("the new version is written");

    let administrator = replay.stack.administrator();
    let deadline = Instant::now() + Duration::from_secs(120);
    let rows = loop {
        let rows = administrator.query("SELECT id FROM public.item").await.expect("the target is there");
        if rows.len() == 3 {
            let named = "SELECT id, b, price, stock, \"left\" FROM public.item ORDER BY id";
            break administrator.query(named).await.expect("the target has the new columns");
        }
        assert!(Instant::now() < deadline, "the new version is not taken in: {rows:?}");
        tokio::task::yield_now().await;
    };
    let rows: Vec<Vec<&str>> =
        rows.iter().map(|row| row.iter().map(|value| value.as_deref().unwrap_or("null")).collect()).collect();
    assert_eq!(
        rows,
        [["1", "one", "12.3400", "10", "7"], ["2", "two", "-0.0500", "20", "7"], ["3", "three", "12.3456", "30", "7"]]
    );
    let quarantined = administrator.query("SELECT COUNT(*) FROM cdc.quarantine").await.expect("the control schema");
    assert_eq!(quarantined[0][0].as_deref(), Some("0"));
    stop(replay).await;
}
