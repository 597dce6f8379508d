//! ListStatements and ListSessions.

use aws_sdk_redshiftdata::types::StatusString;

use crate::support::Stage;

async fn run(stage: &Stage, key: &str, sql: &str, name: &str) {
    let execute = stage.client_of(key).execute_statement().sql(sql).statement_name(name);
    let execute = execute.workgroup_name("wg1").database("dev").wait_time_seconds(20);
    execute.send().await.unwrap();
}

#[tokio::test]
async fn statements_are_listed_by_status_name_and_owner() {
    let stage = Stage::new().await;
    run(&stage, "AKIDALICE", "COUNT 1", "load-1").await;
    run(&stage, "AKIDALICE", "FAIL no", "load-2").await;
    run(&stage, "AKIDALICE", "COUNT 3", "Load-3").await;
    run(&stage, "AKIDBOB", "COUNT 4", "load-4").await;
    let batch = stage.client.batch_execute_statement().sqls("COUNT 5").sqls("COUNT 6");
    let batch = batch.cluster_identifier("c1").database("other").wait_time_seconds(20);
    batch.send().await.unwrap();

    let list = || stage.client.list_statements();
    let names = |listed: &aws_sdk_redshiftdata::operation::list_statements::ListStatementsOutput| {
        let statements = listed.statements().iter();
        statements.map(|one| one.statement_name().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&list().send().await.unwrap()), ["-", "Load-3", "load-1"], "finished ones, newest first");
    let all = list().status(StatusString::All).send().await.unwrap();
    assert_eq!(names(&all), ["-", "Load-3", "load-2", "load-1"]);
    let batch = &all.statements()[0];
    assert_eq!(batch.is_batch_statement(), Some(true));
    assert_eq!(batch.query_strings(), ["COUNT 5", "COUNT 6"]);
    assert_eq!(all.statements()[1].query_string(), Some("COUNT 3"));
    let failed = list().status(StatusString::Failed).send().await.unwrap();
    assert_eq!(names(&failed), ["load-2"]);
    let prefix = list().status(StatusString::All).statement_name("load").send().await.unwrap();
    assert_eq!(names(&prefix), ["load-2", "load-1"], "the prefix minds case");
    let cluster = list().cluster_identifier("c1").send().await.unwrap();
    assert_eq!(names(&cluster), ["-"]);
    let database = list().workgroup_name("wg1").database("dev").send().await.unwrap();
    assert_eq!(names(&database), ["Load-3", "load-1"]);
    let both = list().workgroup_name("wg1").cluster_identifier("c1").send().await;
    assert!(both.unwrap_err().into_service_error().is_validation_exception());

    let mut pages = list().status(StatusString::All).max_results(3).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().statements().len());
    }
    assert_eq!(sizes, [3, 1]);
    let wrong = list().next_token("nonsense").send().await;
    assert!(wrong.unwrap_err().into_service_error().is_validation_exception());
}

#[tokio::test]
async fn role_level_false_lists_the_role_sessions_own() {
    use redshift_data_api::Identity;
    let stage = Stage::with_options(|options| {
        for (key, session) in [("AKIDONE", "one"), ("AKIDTWO", "two")] {
            let identity = Identity::Role { name: "etl".to_owned(), session: session.to_owned() };
            options.identities.keys.insert(key.to_owned(), identity);
        }
    })
    .await;
    run(&stage, "AKIDONE", "COUNT 1", "one").await;
    let two = stage.client_of("AKIDTWO");
    assert_eq!(two.list_statements().send().await.unwrap().statements().len(), 1);
    let own = two.list_statements().role_level(false).send().await.unwrap();
    assert!(own.statements().is_empty());
}
