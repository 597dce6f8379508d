//! The journey with a model of the warehouse's catalogs and a cluster in memory.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use cdc_core::error::ErrorKind;
use cdc_core::kafka::Record;
use msk_client::fake::FakeCluster;
use msk_client::{KafkaError, Offsets, Topic};
use redshift_data::fake::{FakeWarehouse, Fault};

use super::model::Objects;
use super::*;

const PIPELINE: &str = r#"
version: 1
name: salesdb
source: {topic_prefix: salesdb, connector: mysql, columns: declared}
kafka: {brokers: ["b-1.example:9098", "b-2.example:9098"], authentication: iam}
warehouse:
  users: {change_handler: "IAMR:handler", refresher: "IAMR:refresher"}
  readers: [analysts, "user:eve"]
tables:
  - topic: salesdb.salesdb.CUSTOMER
    key: [ID]
    columns: {declare: [{name: ID, type: bigint, nullable: false}, {name: NAME, type: varchar(20)}]}
  - topic: salesdb.salesdb.PRODUCT
    key: [ID]
    columns: {declare: [{name: ID, type: bigint, nullable: false}]}
"#;

/// Keeps what would have gone to CloudFormation.
#[derive(Default)]
struct Answers {
    bodies: Mutex<Vec<Value>>,
    refuse: bool,
}

#[async_trait]
impl Responder for Answers {
    async fn put(&self, url: &str, body: &str, _deadline: Deadline) -> Result<(), String> {
        assert_eq!(url, "https://receiver.example/answer?signature=secret");
        self.bodies.lock().unwrap().push(serde_json::from_str(body).unwrap());
        if self.refuse { Err("the answer's receiver said HTTP status 403".to_owned()) } else { Ok(()) }
    }
}

struct World {
    objects: Objects,
    warehouse: Arc<FakeWarehouse>,
    kafka: Arc<FakeCluster>,
    answers: Arc<Answers>,
    function: Function,
}

fn kafka() -> FakeCluster {
    let kafka = FakeCluster::new(&["b-1.example:9098", "b-2.example:9098"]);
    kafka.create_topic("salesdb.salesdb.CUSTOMER", 1);
    kafka.create_topic("salesdb.salesdb.PRODUCT", 1);
    kafka
}

fn world_of(pipeline: &str, objects: Objects, kafka: FakeCluster) -> World {
    let warehouse = Arc::new(objects.warehouse());
    let (kafka, answers) = (Arc::new(kafka), Arc::new(Answers::default()));
    let deps = Deps {
        pipeline: Pipeline::parse(pipeline).unwrap(),
        dumps: BTreeMap::new(),
        redshift_role: Some("arn:aws:iam::123456789012:role/redshift-reads-kafka".to_owned()),
        login: Login::Iam,
        warehouse: Arc::clone(&warehouse) as Arc<dyn Warehouse>,
        kafka: Arc::clone(&kafka) as Arc<dyn KafkaCluster>,
    };
    let function = Function { deps: Ok(Arc::new(deps)), responder: Arc::clone(&answers) as Arc<dyn Responder> };
    World { objects, warehouse, kafka, answers, function }
}

fn world() -> World {
    world_of(PIPELINE, Objects::default(), kafka())
}

fn limits(run: &str) -> Limits {
    let now = Deadline::now();
    Limits { work: now + Duration::from_secs(60), answer: now + Duration::from_secs(70), run: run.to_owned() }
}

async fn ask(world: &World, event: Value, run: &str) -> Result<Value, ProvisionError> {
    handle(event, &world.function, limits(run)).await
}

fn custom_resource(wish: &str, physical: Option<&str>, properties: Value) -> Value {
    let mut event = json!({
        "RequestType": wish,
        "ResponseURL": "https://receiver.example/answer?signature=secret",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/0a1b",
        "RequestId": format!("{wish}-1"),
        "ResourceType": "Custom::RedshiftCdcPipeline",
        "LogicalResourceId": "Pipeline",
        "ResourceProperties": properties,
    });
    if let Some(physical) = physical {
        event["PhysicalResourceId"] = physical.into();
    }
    event
}

fn last_answer(world: &World) -> Value {
    world.answers.bodies.lock().unwrap().last().cloned().expect("CloudFormation was answered")
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[tokio::test]
async fn plan_prints_every_statement_with_why_and_changes_nothing() {
    let world = world();
    let answer = ask(&world, json!({"action": "plan"}), "1").await.unwrap();
    assert_eq!(answer["changed"], 0);
    assert_eq!(world.objects.changes(), [] as [String; 0]);
    let steps = answer["steps"].as_array().unwrap();
    for step in steps {
        assert!(!step["why"].as_str().unwrap().is_empty(), "{step}");
        assert!(!strings(&step["sql"]).is_empty(), "{step}");
        assert_eq!(step["outcome"], "planned");
    }
    let external = steps.iter().find(|step| step["kind"] == "external schema").unwrap();
    let sql = strings(&external["sql"])[0];
    assert!(sql.contains("URI 'b-1.example:9098,b-2.example:9098'"), "{sql}");
    assert!(sql.contains("AUTHENTICATION iam") && sql.contains("role/redshift-reads-kafka"), "{sql}");
    assert!(answer["message"].as_str().unwrap().contains("\"apply\""), "{answer}");
    let eve = strings(&answer["warnings"]).iter().any(|warning| warning.contains("eve"));
    assert!(eve, "a reader who is no role is told of: {answer}");
}

#[tokio::test]
async fn applying_twice_changes_nothing_and_says_so() {
    let world = world();
    let planned = ask(&world, json!({"action": "plan"}), "1").await.unwrap();
    let first = ask(&world, json!({"action": "apply"}), "2").await.unwrap();
    assert_eq!(first["changed"], planned["steps"].as_array().unwrap().len());
    assert!(first["steps"].as_array().unwrap().iter().all(|step| step["outcome"] == "done"));
    assert!(world.objects.has_relation("salesdb", "customer"));
    assert_eq!(world.objects.recorded("landing view"), ["cdc_landing.salesdb_customer", "cdc_landing.salesdb_product"]);
    let changes = world.objects.changes().len();
    let second = ask(&world, json!({"action": "apply"}), "3").await.unwrap();
    assert_eq!((&second["changed"], &second["steps"]), (&json!(0), &json!([])));
    assert!(second["message"].as_str().unwrap().starts_with("nothing to do"), "{second}");
    assert_eq!(world.objects.changes().len(), changes);
}

#[tokio::test]
async fn every_step_is_its_own_batch_behind_the_session_setting() {
    let world = world();
    let applied = ask(&world, json!({"action": "apply"}), "1").await.unwrap();
    let mut steps: Vec<_> = applied["steps"].as_array().unwrap().iter().map(|step| step["sql"].clone()).collect();
    let submissions = world.warehouse.submissions();
    let changes: Vec<_> = submissions.iter().filter(|submission| submission.name.starts_with("step-")).collect();
    assert!(changes.len() > 20, "{}", changes.len());
    let mut tokens = BTreeSet::new();
    for submission in changes {
        assert!(submission.batch);
        assert_eq!(submission.statements[0], "SET enable_case_sensitive_identifier TO true");
        let sql = json!(submission.statements[1..]);
        if !submission.statements[1].starts_with("INSERT INTO \"cdc\".\"catalog\"") {
            assert_eq!(steps.remove(0), sql, "the next step of the plan, whole and alone");
        }
        assert!(tokens.insert(submission.token.clone().expect("a lost reply must not repeat a change")));
    }
    assert!(steps.is_empty(), "{steps:?}");
}

#[tokio::test]
async fn a_failed_step_stops_and_the_next_apply_goes_on_from_there() {
    let world = world();
    world.warehouse.fault(Fault::FailStatement {
        containing: "sp_merge_salesdb_customer".to_owned(),
        error: "ERROR: permission denied for language plpgsql".to_owned(),
    });
    let error = ask(&world, json!({"action": "apply"}), "1").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("procedure cdc.sp_merge_salesdb_customer"), "{text}");
    assert!(text.contains("permission denied") && text.contains("right"), "{text}");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!error.nothing_done());
    assert!(!world.objects.has_relation("salesdb", "product"), "nothing after the failed step is tried");
    ask(&world, json!({"action": "apply"}), "2").await.unwrap();
    assert!(world.objects.has_relation("salesdb", "product"));
    let externals = world.objects.changes().iter().filter(|sql| sql.starts_with("CREATE EXTERNAL SCHEMA")).count();
    assert_eq!(externals, 1, "a step that is done is not done again");
    let third = ask(&world, json!({"action": "apply"}), "3").await.unwrap();
    assert_eq!(third["changed"], 0);
}

#[tokio::test]
async fn a_failed_record_keeping_is_a_failed_step() {
    let world = world();
    world.warehouse.fault(Fault::FailStatement {
        containing: "INSERT INTO \"cdc\".\"catalog\"".to_owned(),
        error: "ERROR: disk full".to_owned(),
    });
    assert!(ask(&world, json!({"action": "apply"}), "1").await.is_err());
    ask(&world, json!({"action": "apply"}), "2").await.unwrap();
    assert_eq!(ask(&world, json!({"action": "apply"}), "3").await.unwrap()["changed"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_outlasts_the_time_is_cancelled() {
    let world = world();
    let slow = limits("1");
    // The holds and the system views are read, then the first step hangs.
    world.warehouse.fault(Fault::TakeFor(Duration::ZERO));
    world.warehouse.fault(Fault::TakeFor(Duration::ZERO));
    world.warehouse.fault(Fault::TakeFor(Duration::from_secs(3600)));
    let error = handle(json!({"action": "apply"}), &world.function, slow).await.unwrap_err();
    assert!(matches!(&error, ProvisionError::Step(failure) if failure.number == 1), "{error}");
    assert!(error.to_string().contains("was cancelled"), "{error}");
    assert_eq!(world.warehouse.cancelled().len(), 1);
    assert_eq!(error.kind(), ErrorKind::Transient);
}

#[tokio::test]
async fn without_time_no_step_is_begun() {
    let world = world();
    let deps = world.function.deps().unwrap();
    let (plan, _) = plan(&deps, &Said::default(), limits("1").work).await.unwrap();
    let layout = declare::layout(&deps.pipeline);
    let error = apply::apply(&*world.warehouse, &layout, &plan, false, "1", Deadline::now()).await.unwrap_err();
    assert!(matches!(error, ProvisionError::Time { done: 0, number: 1, .. }), "{error}");
    assert_eq!(world.objects.changes(), [] as [String; 0]);
    let mut none = limits("2");
    none.work = Deadline::now();
    let error = handle(json!({"action": "apply"}), &world.function, none).await.unwrap_err();
    assert!(error.whole().contains("still running"), "{}", error.whole());
    assert_eq!(error.kind(), ErrorKind::Transient);
}

#[tokio::test]
async fn an_unreachable_warehouse_is_told_from_an_unwilling_one() {
    let world = world();
    world.warehouse.fault(Fault::Refuse("DatabaseConnectionException"));
    let error = ask(&world, json!({"action": "plan"}), "1").await.unwrap_err();
    assert!(matches!(error, ProvisionError::Observe { .. }), "{error}");
    assert!(error.nothing_done());
    world.warehouse.fault(Fault::FailStatement {
        containing: "svv_roles".to_owned(),
        error: "ERROR: permission denied for relation svv_roles".to_owned(),
    });
    let error = ask(&world, json!({"action": "plan"}), "2").await.unwrap_err();
    assert!(error.to_string().contains("(roles)"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

const PATTERN: &str = r#"
version: 1
name: salesdb
source: {topic_prefix: salesdb, columns: events}
kafka: {brokers: ["b-1.example:9098"], authentication: iam}
tables:
  - topic: salesdb.salesdb.*
"#;

fn event(id: i64) -> Vec<u8> {
    let row = json!({"type": "struct", "optional": true, "name": "salesdb.salesdb.ORDERS.Value", "fields": [
        {"type": "int64", "optional": false, "field": "ID"},
        {"type": "string", "optional": true, "field": "NOTE"}]});
    let field = |name: &str| {
        let mut field = row.clone();
        field["field"] = name.into();
        field
    };
    let source = json!({"type": "struct", "optional": false, "name": "io.debezium.connector.mysql.Source",
        "field": "source", "fields": [
            {"type": "string", "optional": false, "field": "connector"},
            {"type": "string", "optional": false, "field": "name"},
            {"type": "int64", "optional": false, "field": "ts_ms"},
            {"type": "string", "optional": false, "field": "db"},
            {"type": "string", "optional": true, "field": "table"}]});
    json!({
        "schema": {"type": "struct", "optional": false, "name": "salesdb.salesdb.ORDERS.Envelope", "fields": [
            field("before"), field("after"), source,
            {"type": "string", "optional": false, "field": "op"},
            {"type": "int64", "optional": true, "field": "ts_ms"}]},
        "payload": {"before": null, "after": {"ID": id, "NOTE": "x"},
            "source": {"connector": "mysql", "name": "salesdb", "ts_ms": 1, "db": "salesdb", "table": "ORDERS"},
            "op": "c", "ts_ms": 2}
    })
    .to_string()
    .into_bytes()
}

fn event_key(id: i64) -> Vec<u8> {
    json!({
        "schema": {"type": "struct", "optional": false, "name": "salesdb.salesdb.ORDERS.Key",
            "fields": [{"type": "int64", "optional": false, "field": "ID"}]},
        "payload": {"ID": id}
    })
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn a_table_without_events_waits_and_comes_with_the_first_one() {
    let kafka = FakeCluster::new(&["b-1.example:9098"]);
    kafka.create_topic("salesdb.salesdb.ORDERS", 2);
    let world = world_of(PATTERN, Objects::default(), kafka);
    let answer = ask(&world, json!({"action": "apply"}), "1").await.unwrap();
    assert_eq!(answer["waiting"][0]["topic"], "salesdb.salesdb.ORDERS", "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("`waiting`"), "{answer}");
    assert!(!world.objects.has_relation("cdc_landing", "salesdb_orders"));
    world.kafka.append("salesdb.salesdb.ORDERS", 1, 5, Some(&event_key(7)), Some(&event(7)));
    let answer = ask(&world, json!({"action": "apply"}), "2").await.unwrap();
    assert_eq!(answer["waiting"], json!([]), "{answer}");
    assert!(world.objects.has_relation("salesdb", "orders"));
}

#[tokio::test]
async fn the_newest_event_is_looked_for_behind_tombstones() {
    let kafka = FakeCluster::new(&["b-1.example:9098"]);
    kafka.append("salesdb.salesdb.ORDERS", 0, 1, Some(&event_key(1)), Some(&event(1)));
    for id in 0..40 {
        kafka.append("salesdb.salesdb.ORDERS", 0, 2, Some(&event_key(id)), None);
    }
    let world = world_of(PATTERN, Objects::default(), kafka);
    let answer = ask(&world, json!({"action": "plan"}), "1").await.unwrap();
    assert_eq!(answer["waiting"], json!([]), "{answer}");
    let reads: Vec<String> = world.kafka.calls().into_iter().filter(|call| call.starts_with("read")).collect();
    // The last read is that of the records that are merged next.
    let whole = "read salesdb.salesdb.ORDERS 0 0";
    assert_eq!(reads, ["read salesdb.salesdb.ORDERS 0 25", whole, whole]);
}

#[tokio::test]
async fn a_declared_topic_that_does_not_exist_waits() {
    let kafka = kafka();
    kafka.delete_topic("salesdb.salesdb.PRODUCT");
    let world = world_of(PIPELINE, Objects::default(), kafka);
    let answer = ask(&world, json!({"action": "apply"}), "1").await.unwrap();
    assert_eq!(answer["waiting"][0]["topic"], "salesdb.salesdb.PRODUCT");
    assert!(world.objects.has_relation("salesdb", "customer"));
    assert!(!world.objects.has_relation("salesdb", "product"));
}

#[tokio::test]
async fn unreachable_kafka_stops_only_what_needs_it() {
    let unreachable = || KafkaError::Unreachable {
        brokers: "b-1.example:9098".to_owned(),
        doing: "listing topics".to_owned(),
        source: None,
    };
    // The brokers' list comes first and is needed by all.
    let world = world_of(PATTERN, Objects::default(), kafka());
    world.kafka.fail_next(unreachable());
    let error = ask(&world, json!({"action": "plan"}), "1").await.unwrap_err();
    assert!(matches!(error, ProvisionError::Kafka { .. }), "{error}");
    assert!(error.whole().contains("security group"), "{}", error.whole());
    // A file that declares topics and columns needs no more than that.
    let world = self::world();
    let listing_fails = FailsListing(Arc::clone(&world.kafka));
    let deps = world.function.deps().unwrap();
    let inputs = Inputs {
        pipeline: &deps.pipeline,
        dumps: &deps.dumps,
        redshift_role: None,
        login: Login::Iam,
        records: crate::observe::Records::default(),
    };
    let declared = declare::declare(&inputs, &listing_fails, limits("2").work).await.unwrap();
    assert_eq!(declared.declaration.tables.len(), 2);
    assert!(declared.warnings.iter().any(|warning| warning.contains("exist")), "{:?}", declared.warnings);
}

/// A cluster whose control plane answers and whose brokers do not.
struct FailsListing(Arc<FakeCluster>);

#[async_trait]
impl KafkaCluster for FailsListing {
    async fn brokers(&self, deadline: Deadline) -> Result<Vec<String>, KafkaError> {
        self.0.brokers(deadline).await
    }

    async fn topics(&self, _deadline: Deadline) -> Result<Vec<Topic>, KafkaError> {
        Err(KafkaError::Unreachable {
            brokers: "b-1.example:9098".to_owned(),
            doing: "listing topics".to_owned(),
            source: None,
        })
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
    ) -> Result<Vec<Record>, KafkaError> {
        self.0.read(topic, partition, from, max, deadline).await
    }
}

#[tokio::test]
async fn destroy_keeps_data_unless_told_and_confirmed() {
    let world = world();
    ask(&world, json!({"action": "apply"}), "1").await.unwrap();
    let before = world.objects.changes().len();
    for unclear in [
        json!({"action": "destroy", "drop_data": true}),
        json!({"action": "destroy", "drop_data": true, "confirm": "orders"}),
        json!({"action": "destroy", "confirm": "SALESDB"}),
    ] {
        let error = ask(&world, unclear.clone(), "2").await.unwrap_err();
        assert!(error.to_string().contains("nothing was done"), "{unclear}: {error}");
    }
    assert_eq!(world.objects.changes().len(), before);
    let answer = ask(&world, json!({"action": "destroy"}), "3").await.unwrap();
    assert!(answer["changed"].as_u64().unwrap() > 0);
    assert!(world.objects.has_relation("salesdb", "customer"));
    assert!(world.objects.has_relation("cdc_landing", "salesdb_customer"));
    assert!(world.objects.has_relation("cdc", "catalog"));
    assert_eq!(world.objects.recorded("procedure"), [] as [String; 0]);
    let answer = ask(&world, json!({"action": "destroy", "drop_data": true, "confirm": "salesdb"}), "4").await.unwrap();
    assert!(answer["changed"].as_u64().unwrap() > 0);
    assert!(!world.objects.has_relation("salesdb", "customer"));
    assert!(!world.objects.has_relation("cdc", "catalog"));
    let again = ask(&world, json!({"action": "destroy", "drop_data": true, "confirm": "salesdb"}), "5").await.unwrap();
    assert_eq!(again["changed"], 0, "a schema that only has the same name is left alone");
}

#[tokio::test]
async fn cloudformation_creates_updates_and_deletes() {
    let world = world();
    ask(&world, custom_resource("Create", None, json!({})), "1").await.unwrap();
    let created = last_answer(&world);
    assert_eq!(created["Status"], "SUCCESS", "{created}");
    assert_ne!(created["Data"]["Changed"], "0");
    let id = created["PhysicalResourceId"].as_str().unwrap();
    ask(&world, custom_resource("Update", Some(id), json!({"PipelineDigest": "2"})), "2").await.unwrap();
    let updated = last_answer(&world);
    assert_eq!((&updated["Status"], &updated["Data"]["Changed"]), (&json!("SUCCESS"), &json!("0")));
    assert_eq!(updated["PhysicalResourceId"], id);
    let before = world.objects.changes().len();
    ask(&world, custom_resource("Delete", Some(id), json!({})), "3").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS");
    assert_eq!(world.objects.changes().len(), before, "data is retained by default");
    ask(&world, custom_resource("Delete", Some(id), json!({"OnDelete": "destroy"})), "4").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS");
    assert!(!world.objects.has_relation("salesdb", "customer"));
}

#[tokio::test]
async fn an_update_with_more_tables_adds_them() {
    let objects = Objects::default();
    let one = PIPELINE.split("  - topic: salesdb.salesdb.PRODUCT").next().unwrap();
    let before = world_of(one, objects.clone(), kafka());
    ask(&before, custom_resource("Create", None, json!({})), "1").await.unwrap();
    assert!(!objects.has_relation("salesdb", "product"));
    let after = world_of(PIPELINE, objects.clone(), kafka());
    let id = last_answer(&before)["PhysicalResourceId"].as_str().unwrap().to_owned();
    ask(&after, custom_resource("Update", Some(&id), json!({})), "2").await.unwrap();
    assert_eq!(last_answer(&after)["Status"], "SUCCESS");
    assert!(objects.has_relation("salesdb", "product"));
    let views = objects.changes().iter().filter(|sql| sql.starts_with("CREATE MATERIALIZED VIEW")).count();
    assert_eq!(views, 2, "the table that was there is left alone");
}

#[tokio::test]
async fn a_failed_creation_is_answered_with_its_reason_and_rolled_back() {
    let world = world();
    world.warehouse.fault(Fault::FailStatement {
        containing: "CREATE EXTERNAL SCHEMA".to_owned(),
        error: "ERROR: IAM role is not attached to the cluster".to_owned(),
    });
    ask(&world, custom_resource("Create", None, json!({"OnDelete": "destroy"})), "1").await.unwrap();
    let failed = last_answer(&world);
    assert_eq!(failed["Status"], "FAILED");
    let reason = failed["Reason"].as_str().unwrap();
    assert!(reason.contains("cdc_kafka") && reason.contains("IAM role"), "{reason}");
    let id = failed["PhysicalResourceId"].as_str().unwrap();
    ask(&world, custom_resource("Delete", Some(id), json!({"OnDelete": "destroy"})), "2").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS");
    assert!(!world.objects.has_relation("cdc", "catalog"));
}

#[tokio::test]
async fn broken_settings_are_answered_and_their_rollback_succeeds() {
    let mut world = world();
    world.function.deps = Err("WAREHOUSE_DATABASE is not set".to_owned());
    ask(&world, custom_resource("Create", None, json!({"OnDelete": "destroy"})), "1").await.unwrap();
    let failed = last_answer(&world);
    assert_eq!(failed["Status"], "FAILED");
    assert!(failed["Reason"].as_str().unwrap().contains("WAREHOUSE_DATABASE"), "{failed}");
    let id = failed["PhysicalResourceId"].as_str().unwrap();
    ask(&world, custom_resource("Delete", Some(id), json!({"OnDelete": "destroy"})), "2").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS", "nothing was created");
    let own = id.strip_suffix("/nothing-created").unwrap();
    ask(&world, custom_resource("Delete", Some(own), json!({})), "3").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS", "retaining needs no settings");
    ask(&world, custom_resource("Delete", Some(own), json!({"OnDelete": "destroy"})), "4").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "FAILED", "what exists cannot be dropped");
    let error = ask(&world, json!({"action": "plan"}), "5").await.unwrap_err();
    assert!(error.to_string().contains("WAREHOUSE_DATABASE"), "{error}");
}

#[tokio::test]
async fn an_unclear_policy_or_request_type_is_refused_and_never_drops() {
    let world = world();
    ask(&world, custom_resource("Create", None, json!({"OnDelete": "drop"})), "1").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "FAILED");
    assert_eq!(world.objects.changes(), [] as [String; 0]);
    ask(&world, custom_resource("Create", None, json!({})), "2").await.unwrap();
    let id = last_answer(&world)["PhysicalResourceId"].as_str().unwrap().to_owned();
    let before = world.objects.changes().len();
    ask(&world, custom_resource("Delete", Some(&id), json!({"OnDelete": "Destroy"})), "3").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "SUCCESS");
    ask(&world, custom_resource("Remove", Some(&id), json!({"OnDelete": "destroy"})), "4").await.unwrap();
    assert_eq!(last_answer(&world)["Status"], "FAILED");
    assert_eq!(world.objects.changes().len(), before);
}

#[tokio::test]
async fn a_panic_is_answered_too() {
    struct Bug;
    #[async_trait]
    impl Warehouse for Bug {
        async fn submit(
            &self,
            _: &redshift_data::Submission,
            _: Deadline,
        ) -> Result<redshift_data::StatementId, redshift_data::WarehouseError> {
            panic!("a bug")
        }
        async fn wait(
            &self,
            _: &redshift_data::StatementId,
            _: Deadline,
        ) -> Result<redshift_data::Progress, redshift_data::WarehouseError> {
            unreachable!("nothing is submitted")
        }
        async fn fetch(
            &self,
            _: &redshift_data::StatementId,
            _: Deadline,
        ) -> Result<redshift_data::ResultSet, redshift_data::WarehouseError> {
            unreachable!("nothing is submitted")
        }
        async fn cancel(&self, _: &redshift_data::StatementId) -> Result<bool, redshift_data::WarehouseError> {
            unreachable!("nothing is submitted")
        }
    }
    let mut world = world();
    let deps = Deps {
        pipeline: Pipeline::parse(PIPELINE).unwrap(),
        dumps: BTreeMap::new(),
        redshift_role: None,
        login: Login::Iam,
        warehouse: Arc::new(Bug),
        kafka: Arc::new(kafka()),
    };
    world.function.deps = Ok(Arc::new(deps));
    ask(&world, custom_resource("Create", None, json!({})), "1").await.unwrap();
    let answer = last_answer(&world);
    assert_eq!(answer["Status"], "FAILED");
    assert!(answer["Reason"].as_str().unwrap().contains("bug"), "{answer}");
}

#[tokio::test]
async fn a_refused_answer_is_the_functions_error_without_the_url() {
    let mut world = world();
    world.function.responder = Arc::new(Answers { refuse: true, ..Answers::default() });
    let error = ask(&world, custom_resource("Create", None, json!({})), "1").await.unwrap_err();
    assert!(matches!(error, ProvisionError::Respond { .. }), "{error}");
    assert!(error.to_string().contains("403") && !error.to_string().contains("secret"), "{error}");
}

/// The key of the hashes is random, a parameter, and shown nowhere: not in the plan, the answer, the
/// catalog, or what a submission says of itself.
#[tokio::test]
async fn the_key_of_the_hashes_is_made_once_and_shown_nowhere() {
    let hashed = PIPELINE.replace(
        "    columns: {declare: [{name: ID, type: bigint, nullable: false}, {name: NAME",
        "    columns: {hash: [NAME], declare: [{name: ID, type: bigint, nullable: false}, {name: NAME",
    );
    assert_ne!(hashed, PIPELINE);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let world = world_of(&hashed, Objects::default(), kafka());
        let plan = ask(&world, json!({"action": "plan"}), "1").await.unwrap();
        assert!(plan.to_string().contains("SHA2(:seed"), "{plan}");
        let applied = ask(&world, json!({"action": "apply"}), "2").await.unwrap();
        assert_eq!(ask(&world, json!({"action": "apply"}), "3").await.unwrap()["changed"], 0);
        let submissions = world.warehouse.submissions();
        let with_parameters: Vec<_> =
            submissions.iter().filter(|submission| !submission.parameters.is_empty()).collect();
        let [made] = with_parameters.as_slice() else { panic!("{} statements have parameters", with_parameters.len()) };
        let [parameter] = made.parameters.as_slice() else { panic!("{made:?}") };
        assert_eq!(parameter.name, "seed");
        assert!(parameter.value.len() == 64 && parameter.value.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert!(made.statements.iter().any(|sql| sql.contains(":seed")), "{made:?}");
        assert!(!applied.to_string().contains(&parameter.value));
        assert!(!format!("{submissions:?}").contains(&parameter.value));
        assert_eq!(world.objects.recorded("protection"), ["salesdb.customer.name"]);
        keys.push(parameter.value.clone());
    }
    assert_ne!(keys[0], keys[1]);
}
