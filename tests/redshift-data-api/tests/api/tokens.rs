//! Client tokens: one token, one execution.

use redshift_data_api::{AfterFailure, TokenReuse, Unconfirmed};

use crate::support::Stage;

async fn send(stage: &Stage, key: &str, token: &str, sql: &str) -> Result<String, String> {
    let execute = stage.client_of(key).execute_statement().sql(sql).client_token(token);
    let execute = execute.workgroup_name("wg1").database("dev").wait_time_seconds(20);
    match execute.send().await {
        Ok(answer) => Ok(answer.id().unwrap().to_owned()),
        Err(error) => Err(error.into_service_error().to_string()),
    }
}

fn executed(stage: &Stage) -> usize {
    let log = stage.engine.log();
    log.iter().filter(|line| line.starts_with("execute")).count()
}

#[tokio::test]
async fn the_same_token_and_request_is_the_same_statement() {
    let stage = Stage::new().await;
    let first = send(&stage, "AKIDALICE", "t1", "COUNT 1").await.unwrap();
    assert_eq!(send(&stage, "AKIDALICE", "t1", "COUNT 1").await.unwrap(), first);
    assert_eq!(executed(&stage), 1);
    assert_ne!(send(&stage, "AKIDALICE", "t2", "COUNT 1").await.unwrap(), first);
    assert_ne!(send(&stage, "AKIDBOB", "t1", "COUNT 1").await.unwrap(), first, "another caller's token");
    assert_eq!(executed(&stage), 3);
}

#[tokio::test]
async fn concurrent_requests_with_one_token_execute_once() {
    let stage = Stage::new().await;
    let sends: Vec<_> = (0..10)
        .map(|_| {
            let execute = stage.client.execute_statement().sql("COUNT 1").client_token("t");
            tokio::spawn(execute.workgroup_name("wg1").database("dev").wait_time_seconds(20).send())
        })
        .collect();
    let mut ids = Vec::new();
    for send in sends {
        ids.push(send.await.unwrap().unwrap().id().unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!((ids.len(), executed(&stage)), (1, 1));
}

#[tokio::test]
async fn another_request_with_the_token_is_refused_or_the_first() {
    let stage = Stage::new().await;
    send(&stage, "AKIDALICE", "t", "COUNT 1").await.unwrap();
    let error = send(&stage, "AKIDALICE", "t", "COUNT 2").await.unwrap_err();
    assert!(error.starts_with("ValidationException"), "{error}");

    let lenient = Unconfirmed { token_reuse: TokenReuse::FirstStatement, ..Unconfirmed::default() };
    let stage = Stage::with_options(|options| options.unconfirmed = lenient).await;
    let first = send(&stage, "AKIDALICE", "t", "COUNT 1").await.unwrap();
    assert_eq!(send(&stage, "AKIDALICE", "t", "COUNT 2").await.unwrap(), first);
    assert_eq!(executed(&stage), 1);
}

#[tokio::test]
async fn after_a_failure_the_token_is_still_the_failed_statements() {
    for (reading, executions) in [(AfterFailure::FirstStatement, 1), (AfterFailure::NewStatement, 2)] {
        let stage = Stage::with_options(|options| options.unconfirmed.token_after_failure = reading).await;
        let first = send(&stage, "AKIDALICE", "t", "FAIL no").await.unwrap();
        let second = send(&stage, "AKIDALICE", "t", "FAIL no").await.unwrap();
        assert_eq!(first == second, executions == 1);
        assert_eq!(executed(&stage), executions);
    }
}

#[tokio::test]
async fn a_token_is_forgotten_after_its_lifetime() {
    let stage = Stage::with_options(|options| options.limits.token_lifetime = Default::default()).await;
    let first = send(&stage, "AKIDALICE", "t", "COUNT 1").await.unwrap();
    assert_ne!(send(&stage, "AKIDALICE", "t", "COUNT 1").await.unwrap(), first);
}
