//! Limits and quotas.

use std::time::Duration;

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use redshift_data_api::Throttle;

use crate::support::Stage;

#[tokio::test]
async fn active_statements_are_limited() {
    let stage = Stage::with_options(|options| options.limits.active_statements = 2).await;
    let execute = |sql: &str| {
        let execute = stage.client.execute_statement().sql(sql).workgroup_name("wg1").database("dev");
        execute.send()
    };
    let first = execute("WAIT").await.unwrap();
    execute("WAIT").await.unwrap();
    let error = execute("COUNT 1").await.unwrap_err().into_service_error();
    assert!(error.is_active_statements_exceeded_exception(), "{error:?}");
    stage.engine.release();
    stage.engine.release();
    let described = stage.client.describe_statement().id(first.id().unwrap());
    described.wait_time_seconds(20).send().await.unwrap();
    execute("COUNT 1").await.unwrap();
}

#[tokio::test]
async fn waiting_requests_are_limited() {
    let stage = Stage::with_options(|options| options.limits.waiting_requests = Some(0)).await;
    let execute = stage.client.execute_statement().sql("WAIT").workgroup_name("wg1");
    let answer = execute.database("dev").send().await.unwrap();
    let id = answer.id().unwrap();
    let describe = stage.client.describe_statement().id(id);
    let error = describe.wait_time_seconds(20).send().await.unwrap_err().into_service_error();
    assert!(error.is_active_waiting_requests_exceeded_exception(), "{error:?}");
    stage.client.describe_statement().id(id).send().await.unwrap();
}

#[tokio::test]
async fn operations_are_throttled() {
    let stage = Stage::with_options(|options| options.limits.throttle = Some(Throttle::documented())).await;
    let mut refused = 0;
    for _ in 0..10 {
        if let Err(error) = stage.client.list_statements().send().await {
            assert_eq!(error.code(), Some("ThrottlingException"));
            refused += 1;
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn statements_are_forgotten() {
    let stage = Stage::with_options(|options| options.limits.retention = Duration::ZERO).await;
    let execute = stage.client.execute_statement().sql("COUNT 1").workgroup_name("wg1");
    let answer = execute.database("dev").wait_time_seconds(20).send().await.unwrap();
    let describe = stage.client.describe_statement().id(answer.id().unwrap());
    let error = describe.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
}

#[tokio::test]
async fn a_statement_ends_after_its_longest_duration() {
    let stage = Stage::with_options(|options| {
        options.limits.statement_duration = Duration::from_millis(100);
    })
    .await;
    let execute = stage.client.execute_statement().sql("WAIT").workgroup_name("wg1");
    let answer = execute.database("dev").wait_time_seconds(20).send().await.unwrap();
    assert_eq!(answer.status().unwrap().as_str(), "ABORTED");
}

#[tokio::test]
async fn bodies_are_limited() {
    let stage = Stage::with_options(|options| options.limits.body_bytes = 1000).await;
    let answer = stage.raw("ExecuteStatement", &"x".repeat(1001)).await;
    assert_eq!(answer.status, 413);
}
