//! Hashed and masked columns, from the first record and switched on later: every protected value is the
//! one computed here from the source's own tables, and no reader finds a clear one anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cdc_core::pipeline::Pipeline;
use e2e::{assert_full_parity, corpus, options, records, run, stop};
use local_stack::binaries::Binaries;
use local_stack::producer::Producer;
use local_stack::recording::RecordedRecord;
use local_stack::replay::Replay;
use local_stack::stack::Deployment;
use local_stack::truth::{self, TruthTable};
use local_stack::warehouse::Administrator;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CORPUS: &str = "salesdb-small";

/// From the first record on: names are hashed, segments masked.
const FIRST: &str = "
  - topic: salesdb.salesdb.*
  - topic: salesdb.salesdb.CUSTOMER
    columns: {hash: [NAME], mask: {MKTSEGMENT: {keep_last: 2}}}
";

/// Later: of tables with clear rows a number, decimals, dates, times and texts, and there are readers.
const LATER: &str = "
  - topic: salesdb.salesdb.SALES_ORDER
    columns: {hash: [CUST_ID, TOTAL, ORDER_DATE, CREATED_AT, UPDATED_AT], mask: {ORDER_STATUS: {}}}
  - topic: salesdb.salesdb.SALES_ORDER_DETAIL
    columns: {hash: [NOTE], mask: {PRICE: {keep_last: 2}}}
  - topic: salesdb.salesdb.PRODUCT
    columns: {mask: {TITLE: {keep_last: 3}, STOCK: {keep_last: 1}}}
";

/// Columns of a table with what they have to be.
type Expected = [(&'static str, &'static [(&'static str, How)])];

#[derive(Clone, Copy)]
pub(crate) enum How {
    Hash,
    /// A time whose text has six digits of the second.
    HashTime,
    KeepLast(usize),
}

const OF_FIRST: &Expected = &[("CUSTOMER", &[("NAME", How::Hash), ("MKTSEGMENT", How::KeepLast(2))])];
const OF_LATER: &Expected = &[
    ("CUSTOMER", &[("NAME", How::Hash), ("MKTSEGMENT", How::KeepLast(2))]),
    (
        "SALES_ORDER",
        &[
            ("CUST_ID", How::Hash),
            ("TOTAL", How::Hash),
            ("ORDER_DATE", How::Hash),
            ("CREATED_AT", How::HashTime),
            ("UPDATED_AT", How::HashTime),
            ("ORDER_STATUS", How::KeepLast(0)),
        ],
    ),
    ("SALES_ORDER_DETAIL", &[("NOTE", How::Hash), ("PRICE", How::KeepLast(2))]),
    // Titles are made of the same texts as notes.
    ("PRODUCT", &[("TITLE", How::KeepLast(3)), ("STOCK", How::KeepLast(1))]),
];

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn protected(clear: &str, how: How, key: &str) -> String {
    let hash = |text: &str| sha256(&format!("{key}:{}", sha256(text)));
    match how {
        How::Hash => hash(clear),
        How::HashTime => {
            let (time, fraction) = clear.trim_end_matches("+00:00").split_once('.').unwrap_or((clear, ""));
            hash(&format!("{time}.{fraction:0<6}"))
        }
        How::KeepLast(count) => {
            let characters: Vec<char> = clear.chars().collect();
            let kept = if characters.len() > count { characters.len() - count } else { characters.len() };
            format!("****{}", characters[kept..].iter().collect::<String>())
        }
    }
}

async fn key(warehouse: &Administrator) -> String {
    let rows = warehouse.query("SELECT y.hash_key FROM cdc.hash_key AS y").await.expect("the key is there");
    let [row] = rows.as_slice() else { panic!("{} keys", rows.len()) };
    let key = row[0].clone().expect("the key");
    assert_eq!((key.len(), key.bytes().all(|digit| digit.is_ascii_hexdigit())), (64, true));
    key
}

/// Every protected value of every row, by the row's key.
async fn assert_protected(warehouse: &Administrator, truth: &[TruthTable], expected: &Expected) {
    let key = key(warehouse).await;
    for (name, columns) in expected {
        let table = truth.iter().find(|table| table.name == *name).expect("the table");
        let keys: Vec<String> = table.primary_key.iter().map(|name| name.to_lowercase()).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| name.to_lowercase()).collect();
        let sql = format!("SELECT {}, {} FROM salesdb.{}", keys.join(", "), names.join(", "), name.to_lowercase());
        let mut found = BTreeMap::new();
        for mut row in warehouse.query(&sql).await.expect("the target is readable") {
            let values = row.split_off(keys.len());
            found.insert(row, values);
        }
        assert_eq!(found.len(), table.rows.len(), "{name}");
        for row in &table.rows {
            let of_row: Vec<Option<String>> = table.primary_key.iter().map(|name| row[name].clone()).collect();
            let wanted: Vec<Option<String>> = columns
                .iter()
                .map(|(column, how)| row[*column].as_deref().map(|clear| protected(clear, *how, &key)))
                .collect();
            assert_eq!(found.get(&of_row), Some(&wanted), "{name} {of_row:?} {names:?}");
        }
    }
}

/// The clear values that protected columns had at any time, long enough to be nothing else by chance.
fn clear_values(expected: &Expected) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for record in records(CORPUS, "noschema").expect("the recording is readable") {
        let Some((_, columns)) = expected.iter().find(|(name, _)| record.topic == format!("salesdb.salesdb.{name}"))
        else {
            continue;
        };
        let Some(value) = record.value.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            continue;
        };
        for (image, (column, _)) in ["before", "after"].iter().flat_map(|image| columns.iter().map(move |c| (image, c)))
        {
            if let Some(text) = value[*image][*column].as_str().filter(|text| text.chars().count() > 5) {
                values.insert(text.to_owned());
            }
        }
    }
    values
}

/// What a user may read that has the readers' role and nothing else: each relation, with all of its text.
async fn readable(warehouse: &Administrator) -> BTreeMap<String, Vec<String>> {
    let schemas = "'salesdb', 'cdc', 'cdc_landing', 'cdc_kafka', 'public'";
    let sql = format!("SELECT t.table_schema, t.table_name FROM svv_tables AS t WHERE t.table_schema IN ({schemas})");
    let mut readable = BTreeMap::new();
    let relations = warehouse.query(&sql).await.expect("the relations are known");
    assert!(relations.len() > 15, "{relations:?}");
    for relation in relations {
        let name = |index: usize| relation[index].as_deref().expect("a name").to_owned();
        let table = format!("\"{}\".\"{}\"", name(0), name(1));
        let count = format!("SELECT COUNT(*) FROM {table}");
        if warehouse.batch(&["SET SESSION AUTHORIZATION reader", &count]).await.is_ok() {
            let rows = warehouse.query(&format!("SELECT * FROM {table}")).await.expect("the relation is readable");
            let text = rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("\u{1f}"));
            readable.insert(format!("{}.{}", name(0), name(1)), text.collect());
        }
    }
    readable
}

fn assert_no_clear_value(readable: &BTreeMap<String, Vec<String>>, expected: &Expected) {
    let values = clear_values(expected);
    assert!(values.len() > 100, "{} clear values", values.len());
    for (relation, rows) in readable {
        for row in rows {
            let found = values.iter().find(|value| row.split('\u{1f}').any(|cell| cell == value.as_str()));
            assert!(found.is_none(), "{relation} has a clear value");
        }
    }
}

struct World {
    replay: Replay,
    folder: tempfile::TempDir,
    truth: Vec<TruthTable>,
}

fn file(tables: &str, warehouse: &str) -> String {
    format!(
        "version: 1\nname: salesdb\nsource: {{topic_prefix: salesdb, connector: mysql, dump: ddl.sql}}\n{warehouse}tables:{tables}"
    )
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(corpus(CORPUS).join("ddl.sql"), folder.path().join("ddl.sql")).expect("the dump");
    let pipeline = folder.path().join("first.yaml");
    std::fs::write(&pipeline, file(FIRST, "")).expect("a pipeline file");
    let mut options = options(CORPUS, "noschema", "salesdb-dump.yaml");
    options.pipeline = pipeline;
    let replay = run(&options).await.expect("the replay runs to its end");
    let truth = truth::read(&corpus(CORPUS).join("truth")).expect("the source's tables");
    World { replay, folder, truth }
}

/// The functions with another pipeline file on the same stack.
async fn deployed(world: &World, name: &str, text: &str) -> Deployment {
    let path: PathBuf = world.folder.path().join(name);
    std::fs::write(&path, text).expect("a pipeline file");
    let pipeline = Pipeline::parse(text).expect("the pipeline file is right");
    let binaries = Binaries::build().expect("the binaries are built");
    world.replay.stack.deploy(&binaries, &path, &pipeline).await.expect("the functions are deployed")
}

/// Sends all events of the tables again.
async fn send_again(world: &World, deployment: &Deployment) {
    let mut recorded = records(CORPUS, "noschema").expect("the recording is readable");
    recorded.retain(|record| record.topic.matches('.').count() == 2);
    send(world, deployment, &recorded).await;
}

/// Sends events of tables and waits until all of them are merged.
async fn send(world: &World, deployment: &Deployment, recorded: &[RecordedRecord]) {
    let warehouse = world.replay.stack.administrator();
    let merged = || async {
        let sql = "SELECT SUM(w.kafka_offset + 1)::BIGINT FROM cdc.watermarks AS w";
        let rows = warehouse.query(sql).await.expect("the watermarks are readable");
        rows[0][0].as_deref().and_then(|text| text.parse::<usize>().ok()).expect("a number")
    };
    let before = merged().await;
    let mut producer = Producer::connect(&world.replay.stack.kafka()).await.expect("the broker answers");
    producer.produce(recorded).await.expect("the records are written");
    let deadline = Instant::now() + Duration::from_secs(180);
    let all = before + recorded.len();
    while merged().await < all {
        assert!(Instant::now() < deadline, "{} of {all}", merged().await);
        deployment.invoke("refresher", &json!({})).await.expect("what is pending is merged");
    }
}

/// A row of the source under another key, created, and deleted: its events like the last of the row's own.
fn under_another_key(topic: &str, name: &str, key: i64, other: i64) -> [RecordedRecord; 2] {
    let mut of_row = records(CORPUS, "noschema").expect("the recording is readable");
    let is_of_row = |record: &RecordedRecord| {
        let key_of = |text: &str| serde_json::from_str::<Value>(text).ok()?[name].as_i64();
        record.topic == topic && record.value.is_some() && record.key.as_deref().and_then(key_of) == Some(key)
    };
    of_row.retain(is_of_row);
    let last = of_row.pop().expect("the row has events");
    let value: Value = serde_json::from_str(last.value.as_deref().expect("a value")).expect("an event");
    let mut row = value["after"].clone();
    assert!(row.is_object(), "the row is there in the end");
    row[name] = other.into();
    let event = |op: &str, before: &Value, after: &Value| {
        let mut event = value.clone();
        event["op"] = op.into();
        (event["before"], event["after"]) = (before.clone(), after.clone());
        RecordedRecord { key: Some(json!({ name: other }).to_string()), value: Some(event.to_string()), ..last.clone() }
    };
    [event("c", &Value::Null, &row), event("d", &row, &Value::Null)]
}

/// The values of a row of the target that are the source's.
async fn row(warehouse: &Administrator, columns: &str, table: &str, key: &str) -> Vec<Vec<Option<String>>> {
    let sql = format!("SELECT {columns} FROM salesdb.{table} WHERE {key}");
    warehouse.query(&sql).await.expect("the target is readable")
}

/// Rows that come and go have what the rows have that are there already: equal values, equal hashes.
async fn assert_new_rows_are_protected(world: &World, deployment: &Deployment) {
    let warehouse = world.replay.stack.administrator();
    let columns = "cust_id, total, order_date, created_at, updated_at, order_status";
    let order = world.truth.iter().find(|table| table.name == "SALES_ORDER").expect("the table");
    let key: i64 = order.rows[0]["ORDER_ID"].as_deref().and_then(|text| text.parse().ok()).expect("a number");
    let [created, deleted] = under_another_key("salesdb.salesdb.SALES_ORDER", "ORDER_ID", key, 9_000_001);
    send(world, deployment, &[created]).await;
    let there = row(&warehouse, columns, "sales_order", &format!("order_id = {key}")).await;
    let new = row(&warehouse, columns, "sales_order", "order_id = 9000001").await;
    assert_eq!((new.len(), &new), (1, &there));
    assert!(there[0][0].as_deref().is_some_and(|hash| hash.len() == 64), "{there:?}");
    send(world, deployment, &[deleted]).await;
    assert_eq!(row(&warehouse, columns, "sales_order", "order_id = 9000001").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_finds_a_clear_value_of_a_protected_column() {
    let world = world().await;
    assert_full_parity(&world.replay);
    let warehouse = world.replay.stack.administrator();
    assert_protected(&warehouse, &world.truth, OF_FIRST).await;

    // A role that reads all tables, three of them with clear rows of columns that are protected from here on.
    warehouse.query("CREATE ROLE analysts").await.expect("a role");
    warehouse.query("CREATE USER reader PASSWORD DISABLE").await.expect("a user");
    warehouse.query("GRANT ROLE analysts TO reader").await.expect("a right");
    let readers = "warehouse: {readers: [analysts]}\n";
    let clear = deployed(&world, "readers.yaml", &file(FIRST, readers)).await;
    clear.provision().await.expect("the readers get their rights");
    clear.shutdown().await;
    let before = readable(&warehouse).await;
    let targets = ["customer", "product", "sales_order", "sales_order_detail"].map(|name| format!("salesdb.{name}"));
    assert_eq!(before.keys().collect::<Vec<_>>(), targets.iter().collect::<Vec<_>>());
    assert_no_clear_value(&before, OF_FIRST);
    let notes = clear_values(&OF_LATER[2..3]);
    assert!(before["salesdb.sales_order_detail"].iter().any(|row| notes.iter().any(|note| row.contains(note))));

    let tables = format!("{FIRST}{}", LATER.trim_start_matches('\n'));
    let later = deployed(&world, "later.yaml", &file(&tables, readers)).await;
    let plan = later.invoke("provisioner", &json!({ "action": "plan" })).await.expect("a plan").to_string();
    let key = key(&warehouse).await;
    assert!(!plan.contains(&key), "a plan shows no key");
    let applied = later.provision().await.expect("the columns are protected").to_string();
    assert!(applied.contains("cust_id (hashed)") && !applied.contains(&key), "{applied}");
    assert_protected(&warehouse, &world.truth, OF_LATER).await;
    let again = later.provision().await.expect("a second apply succeeds");
    assert_eq!(again["changed"], 0, "{again}");

    // Everything is sent once more: updates, deletes and key changes of protected rows, twice over.
    send_again(&world, &later).await;
    assert_protected(&warehouse, &world.truth, OF_LATER).await;
    send_again(&world, &later).await;
    assert_protected(&warehouse, &world.truth, OF_LATER).await;
    assert_new_rows_are_protected(&world, &later).await;
    let after = readable(&warehouse).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), targets.iter().collect::<Vec<_>>());
    assert_no_clear_value(&after, OF_LATER);
    let quarantined = warehouse.query("SELECT COUNT(*) FROM cdc.quarantine").await.expect("the control schema");
    assert_eq!(quarantined[0][0].as_deref(), Some("0"));

    // The declaration goes, the protection stays and is said.
    let without = deployed(&world, "without.yaml", &file("\n  - topic: salesdb.salesdb.*\n", readers)).await;
    let answer = without.provision().await.expect("the apply succeeds");
    assert!(answer["warnings"].to_string().contains("column note is hashed and stays so"), "{answer}");
    assert_protected(&warehouse, &world.truth, OF_LATER).await;
    assert_no_clear_value(&readable(&warehouse).await, OF_LATER);
    without.shutdown().await;
    later.shutdown().await;
    stop(world.replay).await;
}

/// Without the key a merge stops before it has read anything, rows stay as they are, and both go on as soon
/// as it is back.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_merged_without_the_key() {
    let world = world().await;
    let warehouse = world.replay.stack.administrator();
    let key = key(&warehouse).await;
    warehouse.query("CREATE TABLE cdc.backup AS SELECT * FROM cdc.hash_key").await.expect("a backup");
    warehouse.query("DELETE FROM cdc.hash_key").await.expect("the key is gone");
    let call = "CALL cdc.sp_merge_salesdb_customer(1000, -1, -1)";
    let settings = ["SET enable_case_sensitive_identifier TO true", "SET json_parse_truncate_strings TO on", call];
    let error = format!("{:#}", warehouse.batch(&settings).await.expect_err("the merge fails"));
    assert!(error.contains("hash_key has not exactly one row") && !error.contains(&key), "{error}");
    let later = deployed(&world, "later.yaml", &file(&format!("{FIRST}{}", LATER.trim_start_matches('\n')), "")).await;
    let note = "SELECT note FROM salesdb.sales_order_detail WHERE note IS NOT NULL ORDER BY order_id, line_no";
    let clear = warehouse.query(note).await.expect("the notes are clear");
    let error = format!("{:#}", later.provision().await.expect_err("nothing can be hashed"));
    assert!(error.contains("hash_key"), "{error}");
    assert_eq!(warehouse.query(note).await.expect("the notes are clear still"), clear);
    warehouse.query("INSERT INTO cdc.hash_key SELECT * FROM cdc.backup").await.expect("the backup is there");
    later.provision().await.expect("an apply goes on");
    send_again(&world, &later).await;
    assert_protected(&warehouse, &world.truth, OF_LATER).await;
    later.shutdown().await;
    stop(world.replay).await;
}
