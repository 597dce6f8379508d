//! Sessions that outlive a statement.

use aws_sdk_redshiftdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_redshiftdata::types::SessionStatusString;

use crate::support::{LONG, Stage};

fn opening(stage: &Stage, sql: &str, keep_alive: i32) -> ExecuteStatementFluentBuilder {
    let execute = stage.client.execute_statement().sql(sql).workgroup_name("wg1").database("dev");
    execute.session_keep_alive_seconds(keep_alive).wait_time_seconds(20)
}

fn within(stage: &Stage, session: &str, sql: &str) -> ExecuteStatementFluentBuilder {
    let execute = stage.client.execute_statement().sql(sql).session_id(session);
    execute.wait_time_seconds(20)
}

async fn refused(execute: ExecuteStatementFluentBuilder) -> String {
    let error = execute.send().await.unwrap_err().into_service_error();
    error.to_string()
}

#[tokio::test]
async fn a_session_keeps_its_settings() {
    let stage = Stage::new().await;
    let first = opening(&stage, "SET a", 600).send().await.unwrap();
    let session = first.session_id().unwrap();
    within(&stage, session, "SET b").send().await.unwrap();
    let shown = within(&stage, session, "SHOW").send().await.unwrap();
    assert_eq!(shown.session_id(), Some(session));
    assert_eq!(shown.redshift_pid(), first.redshift_pid());
    assert_eq!(shown.database(), Some("dev"));
    assert_eq!(shown.workgroup_name(), Some("wg1"));
    let id = shown.id().unwrap();
    let result = stage.client.get_statement_result().id(id).send().await.unwrap();
    assert_eq!(result.records()[0][0].as_string_value().unwrap(), "a,b");
    let described = stage.client.describe_statement().id(id).send().await.unwrap();
    assert_eq!(described.session_id(), Some(session));
}

#[tokio::test]
async fn a_session_runs_one_statement_at_a_time() {
    let stage = Stage::new().await;
    let first = opening(&stage, "SET a", 600).send().await.unwrap();
    let session = first.session_id().unwrap();
    let running = within(&stage, session, "WAIT").set_wait_time_seconds(None).send().await.unwrap();
    stage.noted("waiting").await;
    assert_eq!(refused(within(&stage, session, "SHOW")).await, "ValidationException: Session is not available");
    let listed = stage.client.list_sessions().send().await.unwrap();
    let listed = &listed.sessions()[0];
    assert_eq!(listed.status(), &SessionStatusString::Busy);
    assert_eq!(listed.current_statement_id(), running.id());
    stage.engine.release();
    let described = stage.client.describe_statement().id(running.id().unwrap());
    described.wait_time_seconds(20).send().await.unwrap();
    within(&stage, session, "SHOW").send().await.unwrap();
}

#[tokio::test]
async fn a_session_has_one_owner_and_one_target() {
    let stage = Stage::new().await;
    let first = opening(&stage, "SET a", 600).send().await.unwrap();
    let session = first.session_id().unwrap();
    let bob = stage.client_of("AKIDBOB").execute_statement().sql("SHOW").session_id(session);
    let invalid = format!("ValidationException: Session with Id: {session} is invalid.");
    assert_eq!(refused(bob).await, invalid);
    let nowhere = "00000000-0000-0000-0000-000000000000";
    let invalid = format!("ValidationException: Session with Id: {nowhere} is invalid.");
    assert_eq!(refused(within(&stage, nowhere, "SHOW")).await, invalid);
    for execute in [
        within(&stage, session, "SHOW").workgroup_name("wg1"),
        within(&stage, session, "SHOW").database("other"),
        within(&stage, session, "SHOW").db_user("eve"),
    ] {
        assert!(refused(execute).await.starts_with("ValidationException"));
    }
    within(&stage, session, "SHOW").database("dev").send().await.unwrap();
    let error = stage.client_of("AKIDBOB").list_sessions().session_id(session).send().await;
    assert!(error.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn an_idle_session_is_closed_after_its_keep_alive() {
    let stage = Stage::new().await;
    let first = opening(&stage, "SET a", 1).send().await.unwrap();
    let session = first.session_id().unwrap();
    tokio::time::timeout(LONG, stage.noted("close 1000")).await.unwrap();
    assert_eq!(refused(within(&stage, session, "SHOW")).await, "ValidationException: Session is not available");
    let open = stage.client.list_sessions().send().await.unwrap();
    assert!(open.sessions().is_empty());
    let closed = stage.client.list_sessions().session_id(session).send().await.unwrap();
    assert_eq!(closed.sessions()[0].status(), &SessionStatusString::Closed);
}

#[tokio::test]
async fn the_keep_alive_can_be_changed_and_zero_closes() {
    let stage = Stage::new().await;
    let none = opening(&stage, "SET a", 0).send().await.unwrap();
    assert_eq!(none.session_id(), None);
    let first = opening(&stage, "SET a", 600).send().await.unwrap();
    let session = first.session_id().unwrap();
    within(&stage, session, "SHOW").session_keep_alive_seconds(1200).send().await.unwrap();
    let listed = stage.client.list_sessions().send().await.unwrap();
    assert_eq!(listed.sessions()[0].session_alive_seconds(), Some(1200));
    within(&stage, session, "SHOW").session_keep_alive_seconds(0).send().await.unwrap();
    assert!(refused(within(&stage, session, "SHOW")).await.ends_with("Session is not available"));
}

#[tokio::test]
async fn a_failed_statement_leaves_its_session_open() {
    let stage = Stage::new().await;
    let first = opening(&stage, "FAIL no", 600).send().await.unwrap();
    let session = first.session_id().unwrap();
    within(&stage, session, "SHOW").send().await.unwrap();
    within(&stage, session, "PANIC").send().await.unwrap();
    assert!(refused(within(&stage, session, "SHOW")).await.ends_with("Session is not available"));
}

#[tokio::test]
async fn there_are_only_so_many_sessions() {
    let stage = Stage::with_options(|options| options.limits.sessions = 1).await;
    opening(&stage, "SET a", 600).send().await.unwrap();
    let error = opening(&stage, "SET a", 600).send().await.unwrap_err();
    assert!(error.into_service_error().is_active_sessions_exceeded_exception());
}

#[tokio::test]
async fn a_session_ends_after_its_longest_life() {
    let stage = Stage::with_options(|options| {
        options.limits.session_lifetime = std::time::Duration::from_millis(300);
    })
    .await;
    let first = opening(&stage, "WAIT", 600).send().await.unwrap();
    assert_eq!(first.status().unwrap().as_str(), "ABORTED");
    let session = first.session_id().unwrap();
    assert!(refused(within(&stage, session, "SHOW")).await.ends_with("Session is not available"));
}
