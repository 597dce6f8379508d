//! Invocations against the model warehouse and the in-memory cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use function_kit::settings::Reader;
use msk_client::fake::FakeCluster;
use msk_client::{KafkaError, Offsets, Topic};
use redshift_data::fake::{FakeWarehouse, Fault, Model};
use redshift_data::{Deadline, Progress, ResultSet, StatementId, Submission, WarehouseError};
use serde_json::json;

use super::*;
use crate::answer::TableState;

const PIPELINE: &str = "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n\
                        tables:\n  - topic: shop.shop.*\n";
const NOW_MS: i64 = 1_800_000_000_000;

#[derive(Debug, Clone)]
struct Shared<T>(Arc<T>);

#[async_trait]
impl Warehouse for Shared<FakeWarehouse> {
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

#[async_trait]
impl KafkaCluster for Shared<FakeCluster> {
    async fn brokers(&self, deadline: Deadline) -> Result<Vec<String>, KafkaError> {
        self.0.brokers(deadline).await
    }
    async fn topics(&self, deadline: Deadline) -> Result<Vec<Topic>, KafkaError> {
        self.0.topics(deadline).await
    }
    async fn start_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.0.start_offsets(topics, deadline).await
    }
    async fn end_offsets(&self, topics: &[String], deadline: Deadline) -> Result<Offsets, KafkaError> {
        self.0.end_offsets(topics, deadline).await
    }
    async fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        max: usize,
        deadline: Deadline,
    ) -> Result<Vec<cdc_core::kafka::Record>, KafkaError> {
        self.0.read(topic, partition, from, max, deadline).await
    }
}

struct Bench {
    model: Model,
    warehouse: Arc<FakeWarehouse>,
    kafka: Arc<FakeCluster>,
    deps: Deps<Shared<FakeWarehouse>, Shared<FakeCluster>>,
}

fn bench(pipeline: &str) -> Bench {
    let model = Model::new();
    let kafka = Arc::new(FakeCluster::new(&["b-1:9098"]));
    kafka.create_topic("shop", 1);
    for (topic, slug, id) in
        [("shop.shop.ITEM", "shop_item", "shop.item"), ("shop.shop.CUSTOMER", "shop_customer", "shop.customer")]
    {
        model.table(slug, id);
        kafka.create_topic(topic, 2);
    }
    let warehouse = Arc::new(FakeWarehouse::with_model(&model));
    let settings = Settings::read(Reader::of(&[
        ("PIPELINE_FILE", "pipeline.yaml"),
        ("WAREHOUSE_DATABASE", "dev"),
        ("WAREHOUSE_WORKGROUP", "wg"),
    ]))
    .unwrap();
    let loaded = Loaded { pipeline: Pipeline::parse(pipeline).unwrap(), dumps: BTreeMap::new() };
    let deps = Deps::new(&settings, loaded, Shared(Arc::clone(&warehouse)), Shared(Arc::clone(&kafka)));
    Bench { model, warehouse, kafka, deps }
}

impl Bench {
    fn produce(&self, offsets: std::ops::Range<i64>) {
        self.kafka.set_end("shop.shop.ITEM", 0, offsets.end);
        self.model.produce("shop_item", 0, offsets);
    }

    async fn invoke(&self, payload: Value, hours: i64) -> Result<Answer, Diagnostic> {
        let invocation = Invocation::at(NOW_MS + hours * 3_600_000, Duration::from_secs(60));
        handle(&payload, &invocation, &self.deps).await
    }
}

fn states(answer: &Answer) -> Vec<(&str, TableState)> {
    answer.tables.iter().map(|table| (table.table.as_str(), table.state)).collect()
}

fn unreachable() -> KafkaError {
    KafkaError::Unreachable { brokers: "b-1:9098".to_owned(), doing: "listing topics".to_owned(), source: None }
}

#[tokio::test(start_paused = true)]
async fn a_new_process_sweeps_and_then_idles_until_something_arrives() {
    let bench = bench(PIPELINE);
    bench.produce(0..5);
    let first = bench.invoke(json!({}), 0).await.unwrap();
    assert!(first.sweep);
    assert_eq!(states(&first), [("shop.customer", TableState::Synchronised), ("shop.item", TableState::Synchronised)]);
    assert_eq!(first.tables[1].landed_rows, 5);
    assert_eq!(first.tables[1].watermarks, Some(BTreeMap::from([(0, 4)])));

    let idle = bench.invoke(json!({}), 1).await.unwrap();
    assert_eq!(states(&idle), [("shop.customer", TableState::Idle), ("shop.item", TableState::Idle)]);
    assert_eq!((idle.statements, idle.sweep), (0, false));
    assert_eq!(bench.warehouse.submissions().len(), 1);

    bench.produce(5..8);
    let third = bench.invoke(json!(null), 2).await.unwrap();
    assert_eq!(states(&third), [("shop.customer", TableState::Idle), ("shop.item", TableState::Synchronised)]);
    assert_eq!(third.tables[1].landed_rows, 3);

    let next_day = bench.invoke(json!({}), 25).await.unwrap();
    assert!(next_day.sweep);
    assert_eq!(next_day.statements, 1);
}

#[tokio::test(start_paused = true)]
async fn named_tables_are_always_synchronised() {
    let bench = bench(PIPELINE);
    bench.invoke(json!({}), 0).await.unwrap();
    let answer = bench.invoke(json!({"tables": ["shop.customer"]}), 0).await.unwrap();
    assert_eq!(states(&answer), [("shop.customer", TableState::Synchronised)]);
    assert_eq!(answer.statements, 1);
    assert!(!answer.sweep);
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_and_tables_are_errors_that_name_the_known() {
    let bench = bench(PIPELINE);
    let error = bench.invoke(json!({"tables": ["shop.custmer"]}), 0).await.unwrap_err();
    assert_eq!(error.error_type, "RedshiftCdc.Misconfigured");
    assert!(error.error_message.contains("it has shop.customer, shop.item"), "{error:?}");
    let error = bench.invoke(json!({"all": true}), 0).await.unwrap_err();
    assert!(error.error_message.contains("unknown field all"), "{error:?}");
    assert!(bench.warehouse.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_kafka_the_catalog_gives_the_tables_and_all_are_synchronised() {
    // The catalog of the model's warehouse knows no topic: only exact names remain.
    let exact = "version: 1\nname: shop\nsource:\n  topic_prefix: shop\ntables:\n  - topic: shop.shop.ITEM\n";
    for (pipeline, expected) in [(exact, 1), (PIPELINE, 0)] {
        let bench = bench(pipeline);
        bench.kafka.fail_next(unreachable());
        let answer = bench.invoke(json!({}), 0).await.unwrap();
        assert!(matches!(&answer.kafka, KafkaState::Unreachable(reason) if reason.contains("b-1:9098")));
        assert_eq!(answer.tables.len(), expected);
        assert!(answer.tables.iter().all(|table| table.state == TableState::Synchronised));
        // Nothing was compared, so the next run begins anew.
        bench.kafka.fail_next(unreachable());
        assert_eq!(bench.invoke(json!({}), 0).await.unwrap().tables.len(), expected);
    }
    let result = tables::list(
        &Pipeline::parse(PIPELINE).unwrap(),
        &bench(PIPELINE).deps.layout,
        &{
            let kafka = FakeCluster::new(&["b-1:9098"]);
            kafka.fail_next(unreachable());
            kafka
        },
        &FakeWarehouse::answering(|sql| {
            assert!(sql.contains("\"catalog\""), "{sql}");
            redshift_data::fake::Reply::Rows(ResultSet::of(
                &["object_kind", "object_name", "fingerprint", "table_name", "topic"],
                vec![vec![
                    Some("landing_view".into()),
                    Some("cdc_landing.shop_item".into()),
                    Some("f".into()),
                    Some("shop.item".into()),
                    Some("shop.shop.ITEM".into()),
                ]],
            ))
        }),
        tokio::time::Instant::now() + Duration::from_secs(30),
    )
    .await
    .unwrap();
    assert_eq!(result.specs.len(), 1);
    assert_eq!(result.specs[0].id().as_str(), "shop.item");
}

/// A pattern's new topic is nobody's failure: it is said, and tried again after a while.
#[tokio::test(start_paused = true)]
async fn a_new_topic_waits_for_the_provisioner_and_holds_nothing_up() {
    let bench = bench(PIPELINE);
    bench.produce(0..5);
    bench.kafka.create_topic("shop.shop.PARCEL", 1);
    bench.kafka.set_end("shop.shop.PARCEL", 0, 3);
    let first = bench.invoke(json!({}), 0).await.unwrap();
    assert_eq!(
        states(&first)[1..],
        [("shop.item", TableState::Synchronised), ("shop.parcel", TableState::NotProvisioned)]
    );
    assert!(first.tables[2].reason.as_deref().unwrap().contains("run the provisioner"), "{first:?}");
    assert!(bench.warehouse.submissions().iter().any(|submission| submission.statements[0].contains("\"catalog\"")));

    // The sweep is done, and the warehouse is not asked again at once.
    let second = bench.invoke(json!({}), 0).await.unwrap();
    assert_eq!((second.sweep, second.statements), (false, 0));

    // Named, it is an error with the next step.
    let error = bench.invoke(json!({"tables": ["shop.parcel"]}), 0).await.unwrap_err();
    assert!(error.error_message.contains("run the provisioner"), "{error:?}");

    bench.model.table("shop_parcel", "shop.parcel");
    bench.model.produce("shop_parcel", 0, 0..3);
    let provisioned = bench.invoke(json!({}), 1).await.unwrap();
    assert_eq!(states(&provisioned)[2], ("shop.parcel", TableState::Synchronised));
    assert_eq!(bench.model.watermark("shop_parcel", 0), Some(2));
}

/// A table that was provisioned once and has lost its procedure is a failure.
#[tokio::test(start_paused = true)]
async fn a_table_that_the_catalog_has_fails() {
    let bench = bench(PIPELINE);
    bench.warehouse.fault(Fault::FailStatement {
        containing: "sp_merge_shop_customer".to_owned(),
        error: "ERROR: procedure cdc.sp_merge_shop_customer(bigint, bigint, bigint) does not exist".to_owned(),
    });
    let error = bench.invoke(json!({}), 0).await.unwrap_err();
    assert_eq!(error.error_type, "RedshiftCdc.TablesFailed");
}

#[tokio::test(start_paused = true)]
async fn a_failed_table_fails_the_invocation_after_the_others_are_done() {
    let bench = bench(PIPELINE);
    bench.produce(0..5);
    bench.warehouse.fault(Fault::FailStatement {
        containing: "sp_merge_shop_customer".to_owned(),
        error: "ERROR: permission denied for procedure sp_merge_shop_customer".to_owned(),
    });
    let error = bench.invoke(json!({}), 0).await.unwrap_err();
    assert_eq!(error.error_type, "RedshiftCdc.TablesFailed");
    assert!(error.error_message.starts_with("1 of 2 tables failed: shop.customer: the merge failed"), "{error:?}");
    assert_eq!(bench.model.watermark("shop_item", 0), Some(4));
    // The sweep is not done: it is tried again.
    assert!(bench.invoke(json!({}), 1).await.unwrap().sweep);
}

#[tokio::test(start_paused = true)]
async fn running_out_of_time_is_an_answer_and_the_table_stays_pending() {
    let bench = bench(PIPELINE);
    bench.invoke(json!({}), 0).await.unwrap();
    bench.produce(0..5);
    bench.warehouse.fault(Fault::TakeFor(Duration::from_secs(600)));
    let answer = bench.invoke(json!({}), 1).await.unwrap();
    assert_eq!(answer.tables[1].state, TableState::OutOfTime);
    assert!(answer.tables[1].reason.as_deref().unwrap().contains("while statement"));
    let answer = bench.invoke(json!({}), 2).await.unwrap();
    assert_eq!(answer.tables[1].state, TableState::Synchronised);
}

#[tokio::test(start_paused = true)]
async fn a_marker_at_the_end_of_a_topic_is_not_waited_for_for_ever() {
    let bench = bench(PIPELINE);
    bench.produce(0..5);
    bench.kafka.set_end("shop.shop.ITEM", 0, 6);
    let mut statements = Vec::new();
    for hour in 0..5 {
        statements.push(bench.invoke(json!({}), hour).await.unwrap().statements);
    }
    assert_eq!(statements, [1, 1, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_declared_topic_that_is_not_there_is_mentioned() {
    let bench = bench("version: 1\nname: shop\nsource:\n  topic_prefix: shop\ntables:\n  - topic: shop.shop.GONE\n");
    let answer = bench.invoke(json!({}), 0).await.unwrap();
    assert!(answer.tables.is_empty());
    assert!(answer.warnings[0].contains("shop.shop.GONE"), "{answer:?}");
}

#[test]
fn the_readme_lists_the_settings_and_error_types() {
    let readme = include_str!("../../README.md");
    let table = function_kit::settings::table(&crate::SETTINGS);
    assert!(readme.contains(&table), "the README's table should be\n{table}");
    let failed = HandlerError::TablesFailed { failures: Vec::new(), tables: 0 };
    let unknown = HandlerError::UnknownTable { name: String::new(), pipeline: String::new(), known: String::new() };
    for error in [failed, unknown] {
        assert!(readme.contains(&format!("`{}`", error.error_type())));
    }
}

#[test]
fn the_sample_events_are_requests() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(Request::read(&serde_json::from_str(&text).unwrap()).is_ok());
        seen += 1;
    }
    assert!(seen >= 2);
}
