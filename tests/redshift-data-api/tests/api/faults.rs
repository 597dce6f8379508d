//! Faults on request.

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use serde_json::json;

use crate::support::Stage;

async fn set(stage: &Stage, rules: serde_json::Value) {
    let answer = stage.http("POST", "/__faults", "", &rules.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn run(stage: &Stage, sql: &str) -> Result<(String, String), String> {
    let execute = stage.client.execute_statement().sql(sql).workgroup_name("wg1");
    match execute.database("dev").wait_time_seconds(20).send().await {
        Ok(answer) => Ok((answer.id().unwrap().to_owned(), answer.status().unwrap().to_string())),
        Err(error) => Err(error.code().unwrap_or("no answer").to_owned()),
    }
}

#[tokio::test]
async fn throttling_so_many_times() {
    let stage = Stage::new().await;
    set(&stage, json!([{"operation": "ExecuteStatement", "kind": "throttle", "count": 2, "skip": 1}])).await;
    run(&stage, "COUNT 1").await.unwrap();
    for _ in 0..2 {
        assert_eq!(run(&stage, "COUNT 1").await.unwrap_err(), "ThrottlingException");
    }
    run(&stage, "COUNT 1").await.unwrap();
    let left = stage.http("GET", "/__faults", "", "").await;
    assert_eq!(left.body[0]["count"], 0);
    assert_eq!(stage.server.faults().rules()[0].skip, 0);
}

#[tokio::test]
async fn statements_fail_with_a_text_by_pattern() {
    let stage = Stage::new().await;
    set(&stage, json!([{"sql": "^count", "kind": "fail", "text": "1023"}])).await;
    let (_, status) = run(&stage, "ROWS 1").await.unwrap();
    assert_eq!(status, "FINISHED");
    let (id, status) = run(&stage, "COUNT 1").await.unwrap();
    assert_eq!(status, "FAILED");
    let described = stage.client.describe_statement().id(id).send().await.unwrap();
    assert_eq!(described.error(), Some("ERROR: 1023"));
    assert!(!stage.engine.log().contains(&"execute COUNT 1".to_owned()));
    assert_eq!(run(&stage, "COUNT 1").await.unwrap().1, "FINISHED");
}

#[tokio::test]
async fn the_reply_is_lost_after_execution_and_the_token_finds_it_again() {
    let stage = Stage::new().await;
    let rule = json!([{"operation": "ExecuteStatement", "kind": "drop_reply_after_execution"}]);
    set(&stage, rule.clone()).await;
    assert_eq!(run(&stage, "COUNT 1").await.unwrap_err(), "no answer");
    assert!(stage.engine.log().contains(&"execute COUNT 1".to_owned()));
    let raw = stage.http("GET", "/__faults", "", "").await;
    assert_eq!(raw.body[0]["count"], 0);

    set(&stage, rule).await;
    let execute = stage.retrying_client().execute_statement().sql("COUNT 2").workgroup_name("wg1");
    let answer = execute.database("dev").wait_time_seconds(20).send().await.unwrap();
    assert_eq!(answer.status().unwrap().as_str(), "FINISHED");
    let log = stage.engine.log();
    assert_eq!(log.iter().filter(|line| *line == "execute COUNT 2").count(), 1);
}

#[tokio::test]
async fn delay_and_abort() {
    let stage = Stage::new().await;
    set(
        &stage,
        json!([
            {"sql": "ROWS", "kind": "delay", "delay_ms": 200},
            {"sql": "COUNT", "kind": "abort"},
            {"operation": "DescribeStatement", "kind": "fail", "text": "boom"},
        ]),
    )
    .await;
    let began = std::time::Instant::now();
    let (id, status) = run(&stage, "ROWS 1").await.unwrap();
    assert_eq!(status, "FINISHED");
    assert!(began.elapsed().as_millis() >= 200);
    assert_eq!(run(&stage, "COUNT 1").await.unwrap().1, "ABORTED");
    let error = stage.client.describe_statement().id(&id).send().await.unwrap_err().into_service_error();
    assert!(error.is_internal_server_exception());
    assert_eq!(error.message(), Some("boom"));
}

#[tokio::test]
async fn sessions_expire_and_events_get_lost() {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let stage = Stage::with_options(|options| options.events = Some(sender)).await;
    let execute = |sql: &str| stage.client.execute_statement().sql(sql).with_event(true).wait_time_seconds(20);
    let first = execute("COUNT 7").statement_name("n").workgroup_name("wg1").database("dev");
    let first = first.session_keep_alive_seconds(600).send().await.unwrap();
    let event = events.recv().await.unwrap();
    assert_eq!(event["detail"]["statementId"], json!(first.id().unwrap()));
    assert_eq!(event["detail"]["state"], "FINISHED");
    assert_eq!(event["detail"]["rows"], 7);
    assert_eq!(event["detail"]["statementName"], "n");
    assert_eq!(event["detail-type"], "Redshift Data Statement Status Change");
    assert_eq!(event["resources"][0], "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/wg1");

    set(&stage, json!([{"kind": "lose_event"}, {"sql": "SHOW", "kind": "expire_session"}])).await;
    let session = first.session_id().unwrap();
    execute("COUNT 8").session_id(session).send().await.unwrap();
    let error = execute("SHOW").session_id(session).send().await.unwrap_err();
    assert_eq!(error.message(), Some("Session is not available"));
    assert!(events.try_recv().is_err(), "the event of COUNT 8 was lost");
}

#[tokio::test]
async fn unusable_rules_are_refused_and_change_nothing() {
    let stage = Stage::new().await;
    set(&stage, json!([{"kind": "abort", "sql": "x"}])).await;
    for rules in [
        json!([{"kind": "explode"}]),
        json!([{"kind": "fail"}]),
        json!([{"kind": "delay"}]),
        json!([{"kind": "abort", "operation": "Execute"}]),
        json!([{"kind": "abort", "sql": "("}]),
        json!([{"kind": "abort", "sqls": "x"}]),
        json!({"kind": "abort"}),
    ] {
        let answer = stage.http("POST", "/__faults", "", &rules.to_string()).await;
        assert_eq!(answer.status, 400, "{rules}");
        assert!(answer.body["error"].is_string());
    }
    assert_eq!(stage.server.faults().rules().len(), 1);
}

/// Each exception of the service model can be asked for, and has the model's status and members.
#[tokio::test]
async fn requests_are_refused_with_an_exception_of_the_model() {
    let stage = Stage::new().await;
    let body = json!({"Sql": "COUNT 1", "WorkgroupName": "wg1", "Database": "dev"}).to_string();
    for (code, status, member) in [
        ("ActiveSessionsExceededException", 400, None),
        ("ActiveStatementsExceededException", 400, None),
        ("ActiveWaitingRequestsExceededException", 400, None),
        ("BatchExecuteStatementException", 500, Some("StatementId")),
        ("DatabaseConnectionException", 500, None),
        ("ExecuteStatementException", 500, Some("StatementId")),
        ("InternalServerException", 500, None),
        ("QueryTimeoutException", 400, None),
        ("ResourceNotFoundException", 400, Some("ResourceId")),
        ("ValidationException", 400, None),
    ] {
        set(&stage, json!([{"operation": "ExecuteStatement", "kind": "refuse", "code": code, "text": "as asked"}]))
            .await;
        let answer = stage.raw("ExecuteStatement", &body).await;
        assert_eq!(
            (answer.status, &answer.body["__type"], &answer.body["Message"]),
            (status, &json!(code), &json!("as asked"))
        );
        assert!(member.is_none_or(|member| answer.body[member].is_string()), "{code}: {:?}", answer.body);
    }
    assert!(!stage.engine.log().iter().any(|line| line.starts_with("execute")), "nothing was executed");
    set(&stage, json!([{"operation": "ExecuteStatement", "kind": "refuse", "code": "ExecuteStatementException"}]))
        .await;
    let error = stage.client.execute_statement().sql("COUNT 1").workgroup_name("wg1").database("dev").send().await;
    assert!(error.unwrap_err().into_service_error().is_execute_statement_exception());
    let refused =
        stage.http("POST", "/__faults", "", &json!([{"kind": "refuse", "code": "NoSuchException"}]).to_string()).await;
    assert_eq!(refused.status, 400);
}
