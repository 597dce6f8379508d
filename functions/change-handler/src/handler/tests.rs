//! Batches against the model warehouse: what is answered, and what was sent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cdc_core::plan::merge::Unsettled;
use function_kit::settings::Reader;
use redshift_data::fake::{FakeWarehouse, Fault, Model};
use redshift_data::{Deadline, Progress, ResultSet, StatementId, Submission, WarehouseError};
use serde_json::{Value, json};

use super::*;

const PIPELINE: &str = "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n\
                        tables:\n  - topic: shop.shop.*\n    exclude: [shop.shop.secret]\n";
const NOW_MS: i64 = 1_800_000_000_000;

/// A warehouse that the test keeps a hand on.
#[derive(Debug, Clone)]
struct Shared(Arc<FakeWarehouse>);

#[async_trait]
impl Warehouse for Shared {
    async fn submit(&self, submission: &Submission, deadline: Deadline) -> Result<StatementId, WarehouseError> {
        self.0.submit(submission, deadline).await
    }
    async fn wait(&self, id: &StatementId, deadline: Deadline) -> Result<Progress, WarehouseError> {
        self.0.wait(id, deadline).await
    }
    async fn fetch(&self, id: &StatementId, deadline: Deadline) -> Result<ResultSet, WarehouseError> {
        self.0.fetch(id, deadline).await
    }
    async fn cancel(&self, id: &StatementId) -> Result<bool, WarehouseError> {
        self.0.cancel(id).await
    }
}

struct Bench {
    model: Model,
    warehouse: Arc<FakeWarehouse>,
    deps: Deps<Shared>,
}

fn bench(mode: &str) -> Bench {
    let model = Model::new();
    model.table("shop_item", "shop.item");
    model.table("shop_customer", "shop.customer");
    let warehouse = Arc::new(FakeWarehouse::with_model(&model));
    let settings = Settings::read(Reader::of(&[
        ("PIPELINE_FILE", "pipeline.yaml"),
        ("WAREHOUSE_DATABASE", "dev"),
        ("WAREHOUSE_WORKGROUP", "wg"),
        ("RESPONSE_MODE", mode),
        ("MAX_ROWS_PER_MERGE", "1000"),
    ]))
    .unwrap();
    let loaded = Loaded { pipeline: Pipeline::parse(PIPELINE).unwrap(), dumps: BTreeMap::new() };
    let deps = Deps::new(&settings, loaded, Shared(Arc::clone(&warehouse)));
    Bench { model, warehouse, deps }
}

impl Bench {
    async fn handle(&self, event: Value, seconds: u64) -> Result<Vec<(String, i64)>, Diagnostic> {
        let event: KafkaEvent = serde_json::from_value(event).unwrap();
        let invocation = Invocation::at(NOW_MS, Duration::from_secs(seconds));
        let response = handle(event, &invocation, &self.deps).await?;
        Ok(response
            .batch_item_failures
            .into_iter()
            .map(|failure| (failure.item_identifier.partition, failure.item_identifier.offset))
            .collect())
    }
}

fn change(operation: &str) -> String {
    let image = json!({"ID": 1, "NAME": "kept out of every log"});
    let (before, after) = if operation == "d" { (image, Value::Null) } else { (Value::Null, image) };
    json!({"before": before, "after": after, "op": operation, "ts_ms": NOW_MS,
           "source": {"ts_ms": NOW_MS - 1_000, "connector": "mysql", "db": "shop", "table": "ITEM",
                      "file": "binlog.000003", "pos": 4, "row": 0, "server_id": 1}})
    .to_string()
}

fn record(topic: &str, partition: i64, offset: i64, value: Option<&str>) -> Value {
    json!({"topic": topic, "partition": partition, "offset": offset, "timestamp": offset,
           "timestampType": "CREATE_TIME", "key": STANDARD.encode(r#"{"ID":1}"#),
           "value": value.map(|value| STANDARD.encode(value)), "headers": []})
}

fn event(records: Vec<Value>) -> Value {
    let mut groups = serde_json::Map::new();
    for record in records {
        let group = format!("{}-{}", record["topic"].as_str().unwrap_or("?"), record["partition"]);
        let list = groups.entry(group).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(record);
    }
    json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:eu-central-1:1:cluster/c/1",
           "bootstrapServers": "b-1:9098", "records": groups})
}

fn items(partition: i64, offsets: std::ops::Range<i64>) -> Vec<Value> {
    offsets.map(|offset| record("shop.shop.ITEM", partition, offset, Some(&change("u")))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_merged_and_nothing_is_reported() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..3);
    bench.model.produce("shop_customer", 1, 0..2);
    let mut records = items(0, 0..2);
    // A delete and its tombstone land like any record.
    records.push(record("shop.shop.ITEM", 0, 2, None));
    records.push(record("shop.shop.CUSTOMER", 1, 1, Some(&change("d"))));
    assert_eq!(bench.handle(event(records), 60).await, Ok(vec![]));
    assert_eq!(bench.warehouse.submissions().len(), 1);
    assert_eq!(bench.model.watermark("shop_item", 0), Some(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_by_rule_not_ours_costs_no_statement() {
    let bench = bench("partial");
    let records = vec![
        record("shop.shop.secret", 0, 1, Some(&change("c"))),
        record("__debezium-heartbeat.shop", 0, 1, Some(r#"{"ts_ms":1}"#)),
        record(
            "shop",
            0,
            1,
            Some(r#"{"source":{},"databaseName":"shop","ddl":"CREATE TABLE x (y INT)","tableChanges":[]}"#),
        ),
        record(
            "shop.transaction",
            0,
            1,
            Some(r#"{"status":"BEGIN","id":"1","event_count":null,"data_collections":null,"ts_ms":1}"#),
        ),
    ];
    assert_eq!(bench.handle(event(records), 60).await, Ok(vec![]));
    assert_eq!(bench.handle(event(vec![]), 60).await, Ok(vec![]));
    assert!(bench.warehouse.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_topic_is_never_acknowledged() {
    let other = || event(vec![record("other.shop.ITEM", 0, 7, Some(&change("c")))]);
    assert_eq!(bench("partial").handle(other(), 60).await, Ok(vec![("other.shop.ITEM-0".to_owned(), 7)]));
    let error = bench("whole").handle(other(), 60).await.unwrap_err();
    assert_eq!(error.error_type, "RedshiftCdc.RecordsNotProcessed");
    assert!(error.error_message.contains("topic other.shop.ITEM is not mentioned in the pipeline file"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_land_is_reported_from_there_on() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..2);
    bench.model.produce("shop_item", 1, 0..4);
    let mut records = items(0, 0..4);
    records.extend(items(1, 0..4));
    let failed = bench.handle(event(records), 30).await.unwrap();
    assert_eq!(failed, [("shop.shop.ITEM-0".to_owned(), 2), ("shop.shop.ITEM-0".to_owned(), 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_batch_fails_with_the_tables_and_counts() {
    let bench = bench("whole");
    bench.model.produce("shop_item", 0, 0..2);
    assert_eq!(bench.handle(event(items(0, 0..2)), 30).await, Ok(vec![]));
    let error = bench.handle(event(items(0, 0..4)), 30).await.unwrap_err();
    assert_eq!(error.error_type, "RedshiftCdc.RecordsNotProcessed");
    assert!(
        error.error_message.starts_with("2 of 4 records are not processed (not_covered 2); shop.item: the time was up"),
        "{error:?}"
    );
    assert!(!error.error_message.contains("kept out"));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_batch_finds_the_watermark_where_it_is() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..3);
    for _ in 0..3 {
        assert_eq!(bench.handle(event(items(0, 0..3)), 60).await, Ok(vec![]));
    }
    // The clock stands still: all three share one statement.
    assert_eq!(bench.warehouse.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_and_throttling_are_nobodys_business() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..3);
    bench.warehouse.fault(Fault::Refuse("ThrottlingException"));
    bench.warehouse.fault(Fault::LoseReply);
    assert_eq!(bench.handle(event(items(0, 0..3)), 60).await, Ok(vec![]));
    assert_eq!(bench.warehouse.started(), 1);
    assert_eq!(bench.warehouse.faults_left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_statement_still_running_fails_the_batch_in_good_time() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..2);
    bench.warehouse.fault(Fault::TakeFor(Duration::from_secs(600)));
    let began = tokio::time::Instant::now();
    let failed = bench.handle(event(items(0, 0..2)), 25).await.unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(began.elapsed(), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn a_shared_statement_that_began_too_early_is_followed_up() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..2);
    assert_eq!(bench.handle(event(items(0, 0..2)), 60).await, Ok(vec![]));
    bench.model.produce("shop_item", 0, 2..5);
    assert_eq!(bench.handle(event(items(0, 2..5)), 60).await, Ok(vec![]));
    assert_eq!(bench.warehouse.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_merged_is_isolated_and_the_batch_succeeds() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..100);
    bench.model.partition("shop_item", 0, |partition| partition.poison.insert(57));
    assert_eq!(bench.handle(event(items(0, 0..100)), 600).await, Ok(vec![]));
    bench.model.partition("shop_item", 0, |partition| {
        assert_eq!(partition.quarantined.iter().copied().collect::<Vec<_>>(), [57]);
        assert_eq!(partition.watermark, Some(99));
    });
}

#[tokio::test(start_paused = true)]
async fn failed_settings_and_refreshes_are_got_over() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..3);
    for (containing, error) in [
        ("SET ", "ERROR: something"),
        ("sp_merge_", "ERROR: enable_case_sensitive_identifier is off in this session"),
        ("sp_refresh_", "ERROR: could not open relation with OID 1"),
    ] {
        bench.warehouse.fault(Fault::FailStatement { containing: containing.to_owned(), error: error.to_owned() });
    }
    assert_eq!(bench.handle(event(items(0, 0..3)), 60).await, Ok(vec![]));
    assert_eq!(bench.warehouse.faults_left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_warehouse_passed_without_having_it_is_not_acknowledged() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..6);
    bench.model.partition("shop_item", 0, |partition| partition.lost.insert(3));
    let failed = bench.handle(event(items(0, 0..6)), 30).await.unwrap();
    // The stop rule: from the lost record on.
    let offsets: Vec<i64> = failed.iter().map(|(_, offset)| *offset).collect();
    assert_eq!(offsets, [3, 4, 5]);
    // A transaction marker at the same place is no record of anybody's.
    let mut records = items(0, 0..3);
    records.extend(items(0, 4..6));
    assert_eq!(bench.handle(event(records), 30).await, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_lost_record_in_quarantine_counts_as_processed() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..6);
    bench.model.partition("shop_item", 0, |partition| {
        partition.lost.insert(3);
        partition.quarantined.insert(3);
    });
    assert_eq!(bench.handle(event(items(0, 0..6)), 30).await, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn holes_that_cannot_be_read_acknowledge_nothing() {
    let bench = bench("whole");
    bench.model.produce("shop_item", 0, 0..6);
    bench.model.partition("shop_item", 0, |partition| partition.lost.insert(3));
    bench.warehouse.fault(Fault::FailStatement {
        containing: "first_missing".to_owned(),
        error: "ERROR: permission denied for relation gaps".to_owned(),
    });
    let error = bench.handle(event(items(0, 0..6)), 30).await.unwrap_err();
    assert!(error.error_message.contains("is unknown"), "{error:?}");
    assert!(error.error_message.contains("not_covered 6"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_created_anew_stops_and_says_so() {
    let bench = bench("whole");
    bench.model.partition("shop_item", 0, |partition| {
        partition.watermark = Some(500);
        partition.timestamp_ms = Some(1);
    });
    let error = bench.handle(event(items(0, 3..5)), 30).await.unwrap_err();
    assert!(error.error_message.contains(Unsettled::TopicRecreated.name()), "{error:?}");
    assert!(error.error_message.contains("the topic was re-created"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn malformed_records_with_a_position_are_covered_by_the_warehouse() {
    let bench = bench("partial");
    bench.model.produce("shop_item", 0, 0..3);
    let mut records = items(0, 0..2);
    let mut odd = record("shop.shop.ITEM", 0, 2, Some("x"));
    odd["value"] = json!("%%% not base64 %%%");
    records.push(odd);
    assert_eq!(bench.handle(event(records), 60).await, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn records_without_a_position_fail_the_batch_in_either_mode() {
    for mode in ["partial", "whole"] {
        let bench = bench(mode);
        let event = json!({"eventSource": "aws:kafka", "records": {"shop.shop.ITEM-0": [{"value": "eA=="}]}});
        let error = bench.handle(event, 30).await.unwrap_err();
        assert_eq!(error.error_type, "RedshiftCdc.RecordsWithoutPosition", "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_procedure_fails_the_batch_with_the_next_step() {
    let bench = bench("whole");
    let records = vec![record("shop.shop.NEW", 0, 0, Some(&change("c")))];
    let error = bench.handle(event(records), 30).await.unwrap_err();
    assert!(error.error_message.contains("shop.new: the merge failed"), "{error:?}");
    assert!(error.error_message.contains("run the provisioner"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_sample_events_are_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let event: KafkaEvent = serde_json::from_str(&text).unwrap();
        let batch = event.into_batch();
        assert!(!batch.records.is_empty());
        assert!(plan(&batch, &Pipeline::parse(PIPELINE).unwrap()).unknown_topics.is_empty());
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn the_readme_lists_the_settings_and_error_types() {
    let readme = include_str!("../../README.md");
    let table = function_kit::settings::table(&crate::SETTINGS);
    assert!(readme.contains(&table), "the README's table should be\n{table}");
    for error in [
        HandlerError::Unattributed { records: 1 },
        HandlerError::Unsettled { unsettled: 1, records: 1, reasons: String::new(), details: String::new() },
    ] {
        assert!(readme.contains(&format!("`{}`", error.error_type())));
    }
}
