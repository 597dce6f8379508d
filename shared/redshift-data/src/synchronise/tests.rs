//! Whole synchronisations against the model, with faults and a paused clock.

use std::collections::BTreeMap;

use super::*;
use crate::fake::{FakeWarehouse, Fault, Model};

fn layout() -> Layout {
    Layout {
        control_schema: "cdc".to_owned(),
        landing_schema: "cdc_landing".to_owned(),
        external_schema: "cdc_kafka".to_owned(),
    }
}

fn spec(table: &str) -> TableSpec {
    TableSpec {
        topic: format!("shop.shop.{}", table.to_uppercase()),
        source_table: table.to_uppercase(),
        slug: format!("shop_{table}"),
        target_schema: "shop".to_owned(),
        target_table: table.to_owned(),
        auto_refresh: false,
    }
}

fn covering(table: &str, partition: i64, offset: i64) -> TableGoal {
    TableGoal { spec: spec(table), goal: Goal::Cover(BTreeMap::from([(partition, offset)])) }
}

fn model(tables: &[&str]) -> Model {
    let model = Model::new();
    for table in tables {
        model.table(&format!("shop_{table}"), &format!("shop.{table}"));
    }
    model
}

async fn run(warehouse: &FakeWarehouse, tables: &[TableGoal], seconds: u64) -> Report {
    synchronise(
        warehouse,
        &Request {
            layout: &layout(),
            tables,
            max_rows: 1000,
            seed: "test",
            deadline: Instant::now() + Duration::from_secs(seconds),
        },
    )
    .await
}

fn endings(report: &Report) -> Vec<&Ending> {
    report.tables.iter().map(|table| &table.ending).collect()
}

#[tokio::test(start_paused = true)]
async fn one_statement_covers_several_tables() {
    let model = model(&["item", "customer"]);
    model.produce("shop_item", 0, 0..10);
    model.produce("shop_customer", 1, 0..5);
    let warehouse = FakeWarehouse::with_model(&model);
    let report = run(&warehouse, &[covering("item", 0, 9), covering("customer", 1, 4)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached, &Ending::Reached]);
    assert_eq!(report.submissions, 1);
    assert_eq!(report.tables[0].counts.landed, 10);
    assert_eq!(report.tables[1].watermarks.as_ref().unwrap()[0].offset, 4);
    let sent = &warehouse.submissions()[0];
    assert_eq!(sent.statements.len(), 7);
    assert_eq!(sent.name, "shop.item and 1 more");
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_sends_nothing() {
    let warehouse = FakeWarehouse::new();
    let report = run(&warehouse, &[], 60).await;
    assert_eq!(report, Report::default());
    assert!(warehouse.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_tables_than_a_batch_takes_go_in_several() {
    let names: Vec<String> = (0..25).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let model = model(&names);
    let warehouse = FakeWarehouse::with_model(&model);
    let goals: Vec<TableGoal> = names.iter().map(|name| TableGoal { spec: spec(name), goal: Goal::Pending }).collect();
    let report = run(&warehouse, &goals, 60).await;
    assert_eq!(report.submissions, 2);
    assert!(report.tables.iter().all(|table| table.ending == Ending::Reached));
    assert_eq!(warehouse.submissions()[0].statements.len(), 39);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_starts_nothing_twice() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    warehouse.fault(Fault::LoseReply);
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(warehouse.started(), 1);
    let sent = warehouse.submissions();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    assert_eq!(report.tables[0].counts.landed, 3);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_within_the_deadline() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    for _ in 0..4 {
        warehouse.fault(Fault::Refuse("ThrottlingException"));
    }
    let began = Instant::now();
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(began.elapsed(), Duration::from_millis(250 + 500 + 1000 + 2000));

    for _ in 0..100 {
        warehouse.fault(Fault::Refuse("ThrottlingException"));
    }
    let began = Instant::now();
    let report = run(&warehouse, &[covering("item", 0, 9)], 20).await;
    let Ending::OutOfTime { running: None, last: Some(last) } = &report.tables[0].ending else {
        panic!("{report:?}");
    };
    assert_eq!(last.kind, ErrorKind::Throttled);
    assert!(began.elapsed() <= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_needs_a_person_ends_it_at_once() {
    let warehouse = FakeWarehouse::with_model(&model(&["item"]));
    warehouse.fault(Fault::Refuse("AccessDeniedException"));
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    let Ending::Failed(failure) = &report.tables[0].ending else { panic!("{report:?}") };
    assert_eq!((failure.stage, failure.kind), (Stage::Submit, ErrorKind::Misconfigured));
    assert_eq!(warehouse.submissions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_statement_still_running_at_the_deadline_is_an_outcome() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    warehouse.fault(Fault::TakeFor(Duration::from_secs(100)));
    let began = Instant::now();
    let report = run(&warehouse, &[covering("item", 0, 2)], 30).await;
    assert!(matches!(&report.tables[0].ending, Ending::OutOfTime { running: Some(_), .. }));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert!(warehouse.cancelled().is_empty());
    // The next invocation with the same seed finds the same statement, and its end.
    let report = run(&warehouse, &[covering("item", 0, 2)], 120).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(warehouse.started(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shared_statement_that_began_before_the_records_existed_is_followed_up() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    run(&warehouse, &[covering("item", 0, 2)], 60).await;
    model.produce("shop_item", 0, 3..6);
    // Two invocations with the same seed: both find the first statement, both need another one,
    // and both derive the same token for it.
    let goal = [covering("item", 0, 5)];
    let (one, other) = tokio::join!(run(&warehouse, &goal, 60), run(&warehouse, &goal, 60));
    assert_eq!(endings(&one), [&Ending::Reached]);
    assert_eq!(endings(&other), [&Ending::Reached]);
    assert_eq!(warehouse.started(), 2);
    assert_eq!(model.watermark("shop_item", 0), Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_failed_statement_is_never_found_again_by_its_follow_up() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    for _ in 0..2 {
        warehouse.fault(Fault::FailStatement {
            containing: "sp_merge_".to_owned(),
            error: "ERROR:1023 DETAIL: Serializable isolation violation".to_owned(),
        });
    }
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(warehouse.started(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_setting_is_repeated_with_the_whole_batch() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    warehouse.fault(Fault::FailStatement { containing: "SET ".to_owned(), error: "ERROR: something".to_owned() });
    warehouse.fault(Fault::FailStatement {
        containing: "sp_merge_".to_owned(),
        error: "ERROR: enable_case_sensitive_identifier is off in this session".to_owned(),
    });
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(report.submissions, 2);
}

#[tokio::test(start_paused = true)]
async fn what_has_landed_is_merged_though_a_refresh_fails() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    model.partition("shop_item", 0, |partition| partition.landed.extend(0..3));
    let warehouse = FakeWarehouse::with_model(&model);
    warehouse.fault(Fault::FailStatement {
        containing: "sp_refresh_".to_owned(),
        error: "ERROR: could not open relation with OID 4711".to_owned(),
    });
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(report.submissions, 1);
    assert_eq!(report.tables[0].warnings.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_table_in_trouble_does_not_hold_up_another() {
    let model = model(&["item", "customer"]);
    model.produce("shop_item", 0, 0..3);
    model.produce("shop_customer", 0, 0..3);
    let warehouse = FakeWarehouse::with_model(&model);
    warehouse.fault(Fault::FailStatement {
        containing: "sp_merge_shop_item".to_owned(),
        error: "ERROR: permission denied for procedure sp_merge_shop_item".to_owned(),
    });
    let report = run(&warehouse, &[covering("item", 0, 2), covering("customer", 0, 2)], 60).await;
    assert!(matches!(&report.tables[0].ending, Ending::Failed(failure) if failure.text.contains("warehouse.users")));
    assert_eq!(report.tables[1].ending, Ending::Reached);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_merged_in_portions() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3_500);
    let warehouse = FakeWarehouse::with_model(&model);
    let goal = [TableGoal { spec: spec("item"), goal: Goal::Pending }];
    let report = run(&warehouse, &goal, 60).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(report.submissions, 4);
    assert_eq!(report.tables[0].counts.landed, 3_500);
    assert_eq!(report.tables[0].pending, Some(0));
}

#[tokio::test(start_paused = true)]
async fn bad_records_are_isolated_and_everything_else_is_merged() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..700);
    // Partition 1 begins late and has holes.
    model.partition("shop_item", 1, |partition| {
        partition.kafka.extend((500..900).step_by(3).map(|offset| (offset, offset)));
        partition.poison.extend([503, 506]);
    });
    model.partition("shop_item", 0, |partition| {
        partition.poison.insert(699);
    });
    let warehouse = FakeWarehouse::with_model(&model);
    let goal = [TableGoal { spec: spec("item"), goal: Goal::Pending }];
    let report = run(&warehouse, &goal, 600).await;
    assert_eq!(endings(&report), [&Ending::Reached]);
    assert_eq!(report.tables[0].isolated, [(1, 503), (1, 506), (0, 699)]);
    assert_eq!(model.watermark("shop_item", 0), Some(699));
    assert_eq!(model.watermark("shop_item", 1), Some(899));
    assert_eq!(report.tables[0].counts.landed, 700 + 134);
    assert_eq!(report.tables[0].counts.quarantined, 3);
    assert!(report.submissions < 60, "{}", report.submissions);
}

#[tokio::test(start_paused = true)]
async fn records_that_never_land_are_waited_for_until_the_deadline() {
    let model = model(&["item"]);
    model.produce("shop_item", 0, 0..3);
    model.partition("shop_item", 0, |partition| {
        partition.lost.insert(2);
    });
    let warehouse = FakeWarehouse::with_model(&model);
    let report = run(&warehouse, &[covering("item", 0, 2)], 60).await;
    assert!(matches!(&report.tables[0].ending, Ending::OutOfTime { running: None, .. }));
    assert_eq!(report.tables[0].watermarks.as_ref().unwrap()[0].offset, 1);
    assert!(report.submissions < 15, "{}", report.submissions);
}

#[test]
fn the_shared_seed_changes_with_the_time_bucket() {
    let now = 1_800_000_000_000;
    assert_eq!(shared_seed("f", now), shared_seed("f", now + TIME_BUCKET_MS - 1));
    assert_ne!(shared_seed("f", now), shared_seed("f", now + TIME_BUCKET_MS));
    assert_ne!(shared_seed("f", now), shared_seed("g", now));
}
