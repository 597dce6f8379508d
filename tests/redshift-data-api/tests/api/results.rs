//! Results: typing, metadata, pages, CSV.

use aws_sdk_redshiftdata::types::{Field, QueryRecords, ResultFormatString};

use crate::support::Stage;

async fn run(stage: &Stage, sql: &str, format: Option<ResultFormatString>) -> String {
    let execute = stage.client.execute_statement().sql(sql).set_result_format(format);
    let execute = execute.workgroup_name("wg1").database("dev").wait_time_seconds(20);
    execute.send().await.unwrap().id().unwrap().to_owned()
}

#[tokio::test]
async fn values_are_typed() {
    let stage = Stage::new().await;
    let id = run(&stage, "TYPES", None).await;
    let result = stage.client.get_statement_result().id(id).send().await.unwrap();
    let expected = [
        Field::LongValue(i64::MIN),
        Field::DoubleValue(0.1),
        Field::BooleanValue(false),
        Field::StringValue("a,\"b\"\nc".to_owned()),
        Field::StringValue("12345678901234567890.10".to_owned()),
    ];
    assert_eq!(result.records()[0], expected);
    assert!(result.records()[1].iter().all(|field| *field == Field::IsNull(true)));
    let columns = result.column_metadata();
    assert_eq!(columns.len(), 5);
    assert_eq!(columns[0].name(), Some("long"));
    assert_eq!(columns[0].type_name(), Some("long"));
    assert_eq!(columns[0].nullable(), 1);
    assert_eq!((result.total_num_rows(), result.next_token()), (2, None));
}

#[tokio::test]
async fn an_empty_result_is_a_result() {
    let stage = Stage::new().await;
    let id = run(&stage, "ROWS 0", None).await;
    let described = stage.client.describe_statement().id(&id).send().await.unwrap();
    assert_eq!((described.has_result_set(), described.result_rows()), (Some(true), 0));
    let result = stage.client.get_statement_result().id(id).send().await.unwrap();
    assert!(result.records().is_empty());
    assert_eq!(result.column_metadata().len(), 2);
}

#[tokio::test]
async fn pages_give_every_row_once() {
    for page_bytes in [1, 100, 1_000_000] {
        let stage = Stage::with_options(|options| options.limits.page_bytes = page_bytes).await;
        let id = run(&stage, "ROWS 50", None).await;
        let mut pages = stage.client.get_statement_result().id(&id).into_paginator().send();
        let (mut numbers, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            numbers.extend(page.records().iter().map(|row| *row[0].as_long_value().unwrap()));
            count += 1;
        }
        assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
        assert_eq!(count > 1, page_bytes < 1000);
    }
}

#[tokio::test]
async fn csv_has_its_own_operation() {
    let stage = Stage::with_options(|options| options.limits.page_bytes = 64).await;
    let id = run(&stage, "TYPES", Some(ResultFormatString::Csv)).await;
    let result = stage.client.get_statement_result_v2().id(&id).send().await.unwrap();
    let texts: String = result.records().iter().map(csv).collect();
    assert_eq!(texts, "-9223372036854775808,0.1,false,\"a,\"\"b\"\"\nc\",12345678901234567890.10\r\n,,,,\r\n");
    assert_eq!(result.result_format(), Some(&ResultFormatString::Csv));
    let wrong = stage.client.get_statement_result().id(&id).send().await.unwrap_err();
    assert!(wrong.into_service_error().is_validation_exception());
    let json = run(&stage, "TYPES", None).await;
    let wrong = stage.client.get_statement_result_v2().id(json).send().await.unwrap_err();
    assert!(wrong.into_service_error().is_validation_exception());

    // Fifteen chunks of 64 bytes are one answer; the rest is another.
    let id = run(&stage, "ROWS 200", Some(ResultFormatString::Csv)).await;
    let mut pages = stage.client.get_statement_result_v2().id(&id).into_paginator().send();
    let (mut text, mut count) = (String::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.records().len() <= 15);
        text.extend(page.records().iter().map(csv));
        count += 1;
    }
    let expected: String = (1..=200).map(|n| format!("{n},row {n}\r\n")).collect();
    assert_eq!(text, expected);
    assert!(count > 1);
}

fn csv(records: &QueryRecords) -> &str {
    records.as_csv_records().unwrap()
}
