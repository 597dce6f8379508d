//! BatchExecuteStatement in its two modes.

use aws_sdk_redshiftdata::types::{ExecutionMode, SqlParameter};
use redshift_data_api::PartialFailure;

use crate::support::Stage;

/// Runs a batch, and gives back its status and error, and those of its sub-statements.
async fn run(
    stage: &Stage,
    mode: Option<ExecutionMode>,
    sqls: &[&str],
) -> (String, Option<String>, Vec<(String, Option<String>)>, String) {
    let answer = stage
        .client
        .batch_execute_statement()
        .set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect()))
        .set_execution_mode(mode)
        .workgroup_name("wg1")
        .database("dev")
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    let id = answer.id().unwrap().to_owned();
    let described = stage.client.describe_statement().id(&id).send().await.unwrap();
    assert_eq!(described.status().unwrap().as_str(), answer.status().unwrap().as_str());
    assert_eq!(described.query_string(), None);
    let parts = described.sub_statements().iter().enumerate();
    let parts = parts.map(|(index, part)| {
        assert_eq!(part.id(), format!("{id}:{}", index + 1));
        assert_eq!(part.query_string(), Some(sqls[index]));
        let status = part.status().unwrap().as_str().to_owned();
        (status, part.error().map(str::to_owned))
    });
    (described.status().unwrap().as_str().to_owned(), described.error().map(str::to_owned), parts.collect(), id)
}

fn statuses(parts: &[(String, Option<String>)]) -> Vec<&str> {
    parts.iter().map(|(status, _)| status.as_str()).collect()
}

#[tokio::test]
async fn a_transaction_commits_as_a_whole() {
    let stage = Stage::new().await;
    let (status, error, parts, id) = run(&stage, None, &["COUNT 2", "ROWS 3"]).await;
    assert_eq!((status.as_str(), error), ("FINISHED", None));
    assert_eq!(statuses(&parts), ["FINISHED", "FINISHED"]);
    let log = stage.engine.log();
    assert_eq!(log[1..5], ["begin", "execute COUNT 2", "execute ROWS 3", "commit"]);

    let describe = |id: String| stage.client.describe_statement().id(id).send();
    let whole = describe(id.clone()).await.unwrap();
    assert_eq!(whole.execution_mode(), Some(&ExecutionMode::Transaction));
    assert_eq!(whole.has_result_set(), Some(true), "any sub-statement's counts");
    assert_eq!(whole.sub_statements()[0].result_rows(), 2);
    assert_eq!(whole.sub_statements()[0].has_result_set(), Some(false));
    let second = describe(format!("{id}:2")).await.unwrap();
    assert_eq!(second.id(), format!("{id}:2"));
    assert_eq!((second.result_rows(), second.query_string()), (3, Some("ROWS 3")));
    let result = stage.client.get_statement_result().id(format!("{id}:2")).send();
    assert_eq!(result.await.unwrap().total_num_rows(), 3);
    for nothing in [format!("{id}:0"), format!("{id}:3"), format!("{id}:")] {
        let error = describe(nothing.clone()).await.unwrap_err().into_service_error();
        assert!(error.is_resource_not_found_exception(), "{nothing}");
    }
    for without_result in [id.clone(), format!("{id}:1")] {
        let result = stage.client.get_statement_result().id(without_result).send();
        let error = result.await.unwrap_err().into_service_error();
        assert!(error.is_resource_not_found_exception());
    }
}

#[tokio::test]
async fn a_transaction_rolls_back_at_the_first_failure() {
    let stage = Stage::new().await;
    let (status, error, parts, _) = run(&stage, None, &["COUNT 2", "FAIL no", "ROWS 3"]).await;
    assert_eq!(status, "FAILED");
    assert_eq!(error.as_deref(), Some("Query #2 failed with ERROR: no"));
    assert_eq!(statuses(&parts), ["FINISHED", "FAILED", "ABORTED"]);
    assert_eq!(parts[1].1.as_deref(), Some("ERROR: no"));
    let log = stage.engine.log();
    assert_eq!(log[1..5], ["begin", "execute COUNT 2", "execute FAIL no", "rollback"]);
}

#[tokio::test]
async fn a_transaction_that_cannot_commit_has_failed() {
    let stage = Stage::new().await;
    let (status, error, ..) = run(&stage, None, &["SET conflict"]).await;
    assert_eq!(status, "FAILED");
    assert!(error.unwrap().starts_with("ERROR: 1023"));
}

#[tokio::test]
async fn auto_commit_goes_on_after_a_failure() {
    let mode = Some(ExecutionMode::AutoCommit);
    let sqls = ["COUNT 2", "FAIL no", "ROWS 3"];
    for (reading, expected) in [
        (PartialFailure::Failed, ("FAILED", Some("Query #2 failed with ERROR: no"))),
        (PartialFailure::Finished, ("FINISHED", None)),
    ] {
        let stage = Stage::with_options(|options| options.unconfirmed.partial_failure = reading).await;
        let (status, error, parts, id) = run(&stage, mode.clone(), &sqls).await;
        assert_eq!((status.as_str(), error.as_deref()), expected);
        assert_eq!(statuses(&parts), ["FINISHED", "FAILED", "FINISHED"]);
        assert!(!stage.engine.log().iter().any(|line| line == "begin"));
        let result = stage.client.get_statement_result().id(format!("{id}:3")).send();
        assert_eq!(result.await.unwrap().total_num_rows(), 3);
    }
}

#[tokio::test]
async fn cancelling_a_batch_aborts_the_rest() {
    for mode in [ExecutionMode::AutoCommit, ExecutionMode::Transaction] {
        let stage = Stage::new().await;
        let batch = stage.client.batch_execute_statement().sqls("COUNT 1").sqls("WAIT").sqls("COUNT 3");
        let batch = batch.execution_mode(mode).workgroup_name("wg1").database("dev");
        let answer = batch.send().await.unwrap();
        stage.noted("waiting").await;
        let id = answer.id().unwrap();
        stage.client.cancel_statement().id(id).send().await.unwrap();
        let described = stage.client.describe_statement().id(id).wait_time_seconds(20).send();
        let described = described.await.unwrap();
        assert_eq!(described.status().unwrap().as_str(), "ABORTED");
        let statuses: Vec<_> = described.sub_statements().iter().map(|part| part.status().unwrap().as_str()).collect();
        assert_eq!(statuses, ["FINISHED", "ABORTED", "ABORTED"]);
        assert!(!stage.engine.log().contains(&"execute COUNT 3".to_owned()));
    }
}

#[tokio::test]
async fn each_statement_gets_the_parameters_it_names() {
    let stage = Stage::new().await;
    let parameter = |name: &str| SqlParameter::builder().name(name).value("v").build().unwrap();
    let batch = stage.client.batch_execute_statement().sqls("ECHO :a").sqls("ECHO :a :b").sqls("ECHO nothing");
    let batch = batch.parameters(parameter("a")).parameters(parameter("b"));
    let answer = batch.workgroup_name("wg1").database("dev").wait_time_seconds(20).send().await.unwrap();
    for (number, expected) in [(1, 1), (2, 2), (3, 0)] {
        let id = format!("{}:{number}", answer.id().unwrap());
        let result = stage.client.get_statement_result().id(id).send().await.unwrap();
        assert_eq!(result.total_num_rows(), expected);
    }
}
