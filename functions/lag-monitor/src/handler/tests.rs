//! The journey with a warehouse and a cluster in memory.

use std::collections::BTreeMap;

use msk_client::fake::FakeCluster;
use redshift_data::fake::{FakeWarehouse, Fault, Reply};
use redshift_data::{Cell, ResultSet};

use super::*;
use crate::metrics;

const TOPIC: &str = "salesdb.salesdb.CUSTOMER";
const NOW: i64 = 1_700_000_000_000;
const PIPELINE: &str = "version: 1\nname: salesdb\nsource: {topic_prefix: salesdb}\n\
                        kafka: {brokers: [\"b-1:9098\"], authentication: iam}\n\
                        tables: [{topic: salesdb.salesdb.*}]\n";

/// What the warehouse shows. Clones share it.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    /// partition -> merged offset
    merged: BTreeMap<i64, i64>,
    landed: BTreeMap<i64, i64>,
    quarantined: i64,
}

impl Shown {
    fn merge(&self, partition: i64, offset: i64) {
        self.0.lock().unwrap().merged.insert(partition, offset);
    }

    fn land(&self, partition: i64, offset: i64) {
        self.0.lock().unwrap().landed.insert(partition, offset);
    }

    fn answer(&self, sql: &str) -> Reply {
        let rows = self.0.lock().unwrap();
        let text = |text: &str| Some(Cell::from(text));
        let number = |number: i64| Some(Cell::from(number));
        if sql.contains("\"cdc\".\"watermarks\"") {
            let columns = cdc_core::sql::synchronise::WATERMARK_COLUMNS;
            let rows = rows.merged.iter().map(|(partition, offset)| {
                vec![
                    text("salesdb.customer"),
                    number(*partition),
                    number(*offset),
                    number(NOW - 1),
                    None,
                    number(0),
                    number(NOW - 1_000),
                ]
            });
            Reply::Rows(ResultSet::of(&columns, rows.collect()))
        } else if sql.contains("sys_stream_scan_states") {
            let rows = rows.landed.iter().map(|(partition, offset)| {
                // The views' texts are padded.
                vec![text("salesdb_customer   "), number(*partition), text(&offset.to_string())]
            });
            Reply::Rows(ResultSet::of(&["mv_name", "kafka_partition", "latest_position"], rows.collect()))
        } else if sql.contains("sys_stream_scan_errors") {
            Reply::Rows(ResultSet::of(&["mv_name", "records"], Vec::new()))
        } else if sql.contains("\"cdc\".\"quarantine\"") {
            let count = rows.quarantined;
            let rows = (count > 0).then(|| vec![text("salesdb.customer"), number(count)]);
            Reply::Rows(ResultSet::of(&["table_name", "records"], rows.into_iter().collect()))
        } else if sql.contains("\"cdc\".\"merge_log\"") {
            let row = vec![text("salesdb.customer"), number(NOW - 2_000)];
            Reply::Rows(ResultSet::of(&["table_name", "newest_source_ms"], vec![row]))
        } else if sql.contains("\"cdc\".\"catalog\"") {
            let row = vec![text("procedure"), text("cdc.sp_merge_salesdb_customer"), text("salesdb.customer")];
            Reply::Rows(ResultSet::of(&["object_kind", "object_name", "table_name"], vec![row]))
        } else {
            Reply::Fails(format!("ERROR: the test does not know {sql}"))
        }
    }
}

struct World {
    shown: Shown,
    warehouse: Arc<FakeWarehouse>,
    kafka: Arc<FakeCluster>,
    deps: Deps,
}

fn world() -> World {
    let shown = Shown::default();
    let answers = shown.clone();
    let warehouse = Arc::new(FakeWarehouse::answering(move |sql| answers.answer(sql)));
    let kafka = Arc::new(FakeCluster::new(&["b-1:9098"]));
    kafka.create_topic(TOPIC, 1);
    let deps = Deps {
        pipeline: Pipeline::parse(PIPELINE).unwrap(),
        thresholds: Thresholds { behind_after: Duration::from_secs(60), stopped_after: Duration::from_secs(900) },
        warehouse: Arc::clone(&warehouse) as Arc<dyn Warehouse>,
        kafka: Arc::clone(&kafka) as Arc<dyn KafkaCluster>,
        memory: Memory::default(),
    };
    World { shown, warehouse, kafka, deps }
}

fn at(now_ms: i64) -> Invocation {
    Invocation::at(now_ms, Duration::from_secs(30))
}

async fn measure(world: &World, now_ms: i64) -> Answer {
    handle(&world.deps, &at(now_ms)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_pipeline_file_promises_a_freshness_per_table() {
    let mut world = world();
    world.kafka.append(TOPIC, 0, NOW - 30_000, None, Some(b"{}"));
    assert_eq!(measure(&world, NOW).await.state, State::Ok);
    let promised = PIPELINE.replace("version: 1", "version: 1\ndefaults: {freshness_seconds: 10}");
    world.deps.pipeline = Pipeline::parse(&promised).unwrap();
    world.deps.memory = Memory::default();
    assert_eq!(measure(&world, NOW).await.state, State::Behind);
}

#[tokio::test(start_paused = true)]
async fn lag_is_measured_per_stage_and_table() {
    let world = world();
    for offset in 0..10 {
        world.kafka.append(TOPIC, 0, NOW - 120_000 + offset, None, Some(b"{}"));
    }
    world.shown.merge(0, 4);
    world.shown.land(0, 6);
    let answer = measure(&world, NOW).await;
    let table = &answer.tables[0];
    assert_eq!(table.table, "salesdb.customer");
    assert_eq!(
        (table.landing_lag_records, table.merge_lag_records, table.pending_records),
        (Some(3), Some(2), Some(5))
    );
    assert!((119_000..=121_000).contains(&table.oldest_pending_ms.unwrap()), "{table:?}");
    assert_eq!((answer.state, answer.checked), (State::Behind, Checked::KafkaAndWarehouse));
    assert_eq!(answer.conditions[0].name, "behind");
    assert!(answer.message.contains("behind: salesdb.customer"), "{}", answer.message);
    assert!(world.kafka.calls().contains(&format!("read {TOPIC} 0 5")));
    let lines = metrics::metrics(&answer).lines(NOW);
    let line: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!((&line["landing_lag_records"], &line["merge_lag_records"]), (&3.0.into(), &2.0.into()));
    assert_eq!((&line["pipeline"], &line["table"]), (&"salesdb".into(), &"salesdb.customer".into()));
    assert_eq!(line["freshness_ms"], 2_000.0);
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&line["behind_tables"], &line["stopped_tables"]), (&1.0.into(), &0.0.into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_not_published() {
    let world = world();
    world.kafka.append(TOPIC, 0, NOW - 1, None, Some(b"{}"));
    world.warehouse.fault(Fault::Refuse("DatabaseConnectionException"));
    let answer = measure(&world, NOW).await;
    assert_eq!(answer.state, State::Unknown);
    assert_eq!(answer.conditions.len(), 1);
    let lines = metrics::metrics(&answer).lines(NOW);
    assert!(lines[0].contains("\"unknown_tables\":1.0"), "{}", lines[0]);
    for metric in ["lag_records", "freshness_ms", "quarantined_records"] {
        assert!(!lines.iter().any(|line| line.contains(metric)), "{metric}: {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_sends_no_statement_apart_from_one_look_a_day() {
    let world = world();
    world.kafka.append(TOPIC, 0, NOW - 5, None, Some(b"{}"));
    world.shown.merge(0, 0);
    assert_eq!(measure(&world, NOW).await.state, State::Ok);
    assert_eq!(world.warehouse.submissions().len(), 1);
    let hour = 3_600_000;
    let idle = measure(&world, NOW + hour).await;
    assert_eq!((idle.checked, idle.state), (Checked::KafkaOnly, State::Ok));
    assert_eq!(idle.tables[0].pending_records, Some(0));
    let freshness = idle.tables[0].freshness_ms.unwrap();
    assert!((hour..hour + 10_000).contains(&freshness), "{freshness}");
    assert_eq!(world.warehouse.submissions().len(), 1, "nothing was sent");
    assert_eq!(measure(&world, NOW + 24 * hour).await.checked, Checked::KafkaAndWarehouse);
    assert_eq!(world.warehouse.submissions().len(), 2, "the daily look");
    world.kafka.append(TOPIC, 0, NOW + 24 * hour, None, Some(b"{}"));
    assert_eq!(measure(&world, NOW + 24 * hour + 1).await.checked, Checked::KafkaAndWarehouse);
    assert_eq!(world.warehouse.submissions().len(), 3, "a record moved the end");
}

#[tokio::test(start_paused = true)]
async fn only_a_healthy_finding_is_remembered() {
    let world = world();
    world.kafka.append(TOPIC, 0, NOW - 5, None, Some(b"{}"));
    assert_eq!(measure(&world, NOW).await.tables[0].pending_records, Some(1), "young, so ok, and yet pending");
    assert_eq!(measure(&world, NOW).await.checked, Checked::KafkaAndWarehouse);
    world.shown.merge(0, 0);
    world.shown.0.lock().unwrap().quarantined = 2;
    let quarantined = measure(&world, NOW).await;
    assert_eq!(quarantined.tables[0].quarantined_records, Some(2));
    assert_eq!(measure(&world, NOW).await.checked, Checked::KafkaAndWarehouse, "a condition holds");
}

#[tokio::test(start_paused = true)]
async fn one_refused_question_leaves_the_others_answered() {
    let world = world();
    world.kafka.append(TOPIC, 0, NOW - 5, None, Some(b"{}"));
    world.shown.merge(0, 0);
    world.warehouse.fault(Fault::FailStatement {
        containing: "sys_stream_scan_states".to_owned(),
        error: "ERROR: permission denied for relation sys_stream_scan_states".to_owned(),
    });
    let answer = measure(&world, NOW).await;
    assert_eq!(answer.state, State::Ok);
    assert_eq!(answer.conditions[0].name, "partly_unknown");
    assert!(answer.conditions[0].what.contains("permission denied"), "{:?}", answer.conditions);
}

#[tokio::test(start_paused = true)]
async fn markers_and_late_records_are_not_pending() {
    let world = world();
    world.kafka.append(TOPIC, 0, NOW - 900_000_000, None, Some(b"{}"));
    world.shown.merge(0, 0);
    world.kafka.set_end(TOPIC, 0, 2);
    let answer = measure(&world, NOW).await;
    assert_eq!((answer.state, answer.tables[0].pending_records), (State::Ok, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn expired_records_are_found() {
    let world = world();
    for _ in 0..10 {
        world.kafka.append(TOPIC, 0, NOW - 5, None, Some(b"{}"));
    }
    world.kafka.truncate(TOPIC, 0, 7);
    world.shown.merge(0, 2);
    let answer = measure(&world, NOW).await;
    assert_eq!(answer.conditions[0].name, "records_expired");
    assert_eq!(answer.tables[0].pending_records, Some(3));
    assert!(world.kafka.calls().contains(&format!("read {TOPIC} 0 7")));
}

#[tokio::test(start_paused = true)]
async fn unreachable_kafka_is_the_functions_error() {
    let world = world();
    world.kafka.fail_next(KafkaError::Unreachable {
        brokers: "b-1:9098".to_owned(),
        doing: "listing topics".to_owned(),
        source: None,
    });
    let error = handle(&world.deps, &at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(world.warehouse.submissions().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_declared_topic_that_does_not_exist_is_unknown() {
    let mut world = world();
    world.deps.pipeline = Pipeline::parse(&PIPELINE.replace("salesdb.salesdb.*", "salesdb.salesdb.PRODUCT")).unwrap();
    let answer = measure(&world, NOW).await;
    assert_eq!((answer.state, answer.tables[0].state), (State::Unknown, State::Unknown));
    assert!(answer.message.contains("salesdb.product"), "{}", answer.message);
}
