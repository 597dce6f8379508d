//! One statement: its answer, its life, its errors, waiting for it, cancelling it.

use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use aws_sdk_redshiftdata::types::{SqlParameter, StatusString};
use redshift_data_api::{Identities, Identity, Secret};

use crate::support::{LONG, Stage};

fn parameter(name: &str, value: &str) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build().unwrap()
}

#[tokio::test]
async fn a_statement_without_waiting_answers_with_its_submission() {
    let stage = Stage::new().await;
    let before = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let answer =
        stage.client.execute_statement().sql("WAIT").workgroup_name("analytics").database("dev").send().await.unwrap();
    let id = answer.id().unwrap();
    assert_eq!(id.len(), 36);
    assert!(id.chars().all(|c| c == '-' || c.is_ascii_hexdigit() && !c.is_uppercase()));
    assert_eq!(answer.workgroup_name(), Some("analytics"));
    assert_eq!(answer.cluster_identifier(), None);
    assert_eq!(answer.database(), Some("dev"));
    assert_eq!(answer.db_user(), Some("IAMR:alice"));
    assert_eq!(answer.status(), None, "only a caller that waits learns the status");
    let created = answer.created_at().unwrap().as_secs_f64();
    assert!((before - 0.001..before + 20.0).contains(&created), "{created} {before}");

    stage.noted("waiting").await;
    let describe = || stage.client.describe_statement().id(id).send();
    let running = describe().await.unwrap();
    assert_eq!(running.status(), Some(&StatusString::Started));
    assert_eq!(running.duration(), -1);
    assert_eq!(running.result_rows(), -1);
    assert_eq!(running.redshift_pid(), 1000);
    stage.engine.release();
    let finished = stage.client.describe_statement().id(id).wait_time_seconds(20).send();
    let finished = finished.await.unwrap();
    assert_eq!(finished.status(), Some(&StatusString::Finished));
    assert!(finished.duration() > 0);
    assert_eq!(finished.has_result_set(), Some(false));
    assert_eq!(finished.query_string(), Some("WAIT"));
    assert_eq!(finished.error(), None);
    assert!(finished.updated_at().unwrap().as_secs_f64() >= created);
}

#[tokio::test]
async fn waiting_returns_the_end_as_soon_as_it_is_there() {
    let stage = Stage::new().await;
    let answer = stage
        .client
        .execute_statement()
        .sql("ROWS 3")
        .workgroup_name("analytics")
        .database("dev")
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().unwrap().as_str(), "FINISHED");
    assert_eq!(answer.has_result_set(), Some(true));
    assert_eq!(answer.redshift_pid(), Some(1000));
    let described = stage.client.describe_statement().id(answer.id().unwrap()).send();
    let described = described.await.unwrap();
    assert_eq!(described.result_rows(), 3);
    assert_eq!(described.redshift_query_id(), 77);
    assert!(described.result_size() > 0);
}

#[tokio::test]
async fn waiting_ends_with_its_time() {
    let stage = Stage::new().await;
    let began = Instant::now();
    let answer = stage
        .client
        .execute_statement()
        .sql("WAIT")
        .workgroup_name("analytics")
        .database("dev")
        .wait_time_seconds(1)
        .send()
        .await
        .unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(answer.status().unwrap().as_str(), "STARTED");
    assert_eq!(answer.has_result_set(), None);
    let result = stage.client.get_statement_result().id(answer.id().unwrap());
    let error = result.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn errors_are_found_by_describing() {
    let stage = Stage::new().await;
    for (database, sql, expected) in [
        ("dev", "FAIL relation \"x\" does not exist", "ERROR: relation \"x\" does not exist"),
        ("missing", "ROWS 1", "ERROR: database \"missing\" does not exist"),
        ("dev", "PANIC", "ERROR: the engine stopped while it executed the statement"),
        ("dev", "WIDE 64001", "ERROR: Packet for query is too large (64001 > 64000)."),
    ] {
        let answer = stage
            .client
            .execute_statement()
            .sql(sql)
            .cluster_identifier("cluster-1")
            .database(database)
            .wait_time_seconds(20)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().unwrap().as_str(), "FAILED", "{sql}");
        let described = stage.client.describe_statement().id(answer.id().unwrap()).send();
        let described = described.await.unwrap();
        assert_eq!(described.error(), Some(expected));
        assert_eq!(described.cluster_identifier(), Some("cluster-1"));
        assert_eq!(described.has_result_set(), Some(false));
    }
}

#[tokio::test]
async fn parameters_are_passed_on_and_described() {
    let stage = Stage::new().await;
    let answer = stage
        .client
        .execute_statement()
        .sql("ECHO :id, :name")
        .parameters(parameter("id", "1"))
        .parameters(parameter("name", "NULL"))
        .workgroup_name("analytics")
        .database("dev")
        .wait_time_seconds(20)
        .send()
        .await
        .unwrap();
    let id = answer.id().unwrap();
    let described = stage.client.describe_statement().id(id).send().await.unwrap();
    assert_eq!(described.query_parameters().len(), 2);
    let result = stage.client.get_statement_result().id(id).send().await.unwrap();
    let texts: Vec<_> = result
        .records()
        .iter()
        .map(|row| row.iter().map(|field| field.as_string_value().unwrap().as_str()).collect())
        .collect::<Vec<Vec<_>>>();
    assert_eq!(texts, [["id", "1"], ["name", "NULL"]]);
}

#[tokio::test]
async fn the_database_user_follows_the_identity() {
    let stage = Stage::with_options(|options| {
        let keys = [("AKIDUSER", Identity::user("eve")), ("AKIDROLE", Identity::role("etl"))];
        options.identities = Identities { keys: keys.map(|(key, who)| (key.to_owned(), who)).into(), default: None };
        let secret = Secret { db_user: "keeper".to_owned(), cluster: None };
        options.secrets.insert("arn:secret".to_owned(), secret);
    })
    .await;
    let execute = |key: &str| stage.client_of(key).execute_statement().sql("x").database("dev").wait_time_seconds(20);
    execute("AKIDUSER").workgroup_name("wg1").send().await.unwrap();
    execute("AKIDROLE").cluster_identifier("c1").send().await.unwrap();
    execute("AKIDROLE").cluster_identifier("c1").db_user("admin").send().await.unwrap();
    let by_secret = execute("AKIDROLE").cluster_identifier("c1").secret_arn("arn:secret");
    let answer = by_secret.send().await.unwrap();
    assert_eq!(answer.secret_arn(), Some("arn:secret"));
    let connects: Vec<_> = stage.engine.log();
    let connects: Vec<_> = connects.iter().filter(|line| line.starts_with("connect")).collect();
    assert_eq!(
        connects,
        [
            "connect dev IAM:eve Iam",
            "connect dev IAMR:etl Iam",
            "connect dev admin DbUser",
            "connect dev keeper Secret"
        ]
    );
    let stranger = execute("AKIDALICE").workgroup_name("wg1").send().await;
    // The stage knows AKIDALICE; a key that it does not know is refused.
    stranger.unwrap();
    let unknown = execute("AKIDNOBODY").workgroup_name("wg1").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("UnrecognizedClientException"));
}

#[tokio::test]
async fn a_statement_belongs_to_its_role() {
    let stage = Stage::new().await;
    let execute = stage.client.execute_statement().sql("ROWS 1").database("dev");
    let answer = execute.workgroup_name("wg1").wait_time_seconds(20).send().await.unwrap();
    let id = answer.id().unwrap();
    let bob = stage.client_of("AKIDBOB");
    let error = bob.describe_statement().id(id).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(error.message(), Some("Query does not exist."));
    let error = bob.get_statement_result().id(id).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
    let error = bob.cancel_statement().id(id).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
}

#[tokio::test]
async fn cancelling_aborts_a_running_statement_only() {
    let stage = Stage::new().await;
    let execute = stage.client.execute_statement().sql("WAIT").database("dev");
    let answer = execute.workgroup_name("wg1").send().await.unwrap();
    let id = answer.id().unwrap();
    stage.noted("waiting").await;
    let cancelled = stage.client.cancel_statement().id(id).send().await.unwrap();
    assert_eq!(cancelled.status(), Some(true));
    let described = stage.client.describe_statement().id(id).wait_time_seconds(20).send();
    assert_eq!(described.await.unwrap().status(), Some(&StatusString::Aborted));
    let error = stage.client.cancel_statement().id(id).send().await.unwrap_err();
    let expected = format!("Could not cancel a query that is already in ABORTED state with ID: {id}");
    assert_eq!(error.into_service_error().message(), Some(expected.as_str()));
}

#[tokio::test]
async fn many_waiters_are_all_told() {
    let stage = Stage::new().await;
    let execute = stage.client.execute_statement().sql("WAIT").database("dev");
    let answer = execute.workgroup_name("wg1").send().await.unwrap();
    let id = answer.id().unwrap().to_owned();
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let describe = stage.client.describe_statement().id(&id).wait_time_seconds(20);
            tokio::spawn(describe.send())
        })
        .collect();
    stage.noted("waiting").await;
    stage.engine.release();
    for waiter in waiters {
        let described = tokio::time::timeout(LONG, waiter).await.unwrap().unwrap().unwrap();
        assert_eq!(described.status(), Some(&StatusString::Finished));
    }
}

#[tokio::test]
async fn engine_sessions_are_reused_only_if_the_engine_resets_them() {
    for (resettable, expected) in [(false, ["1000", "1001"]), (true, ["1000", "1000"])] {
        let mut engine = crate::fake::Fake::default();
        engine.resettable = resettable;
        let stage = Stage::with(engine, Default::default()).await;
        let mut pids = Vec::new();
        for sql in ["SET x", "SHOW"] {
            let execute = stage.client.execute_statement().sql(sql).database("dev");
            let answer = execute.workgroup_name("wg1").wait_time_seconds(20).send().await.unwrap();
            pids.push(answer.redshift_pid().unwrap().to_string());
            if sql == "SHOW" {
                let id = answer.id().unwrap();
                let result = stage.client.get_statement_result().id(id).send().await.unwrap();
                assert_eq!(result.records()[0][0].as_string_value().unwrap(), "");
            }
            if !resettable {
                stage.noted("close 1000").await;
            }
        }
        assert_eq!(pids, expected);
    }
}

/// A server for a project that has secrets of its own takes them all as one user's.
#[tokio::test]
async fn other_secrets_may_be_one_user_s() {
    let stage = Stage::with_options(|options| options.secret_user = Some("keeper".to_owned())).await;
    let execute = stage.client.execute_statement().sql("COUNT 1").cluster_identifier("c1").database("dev");
    let answer = execute.secret_arn("arn:aws:secretsmanager:any").wait_time_seconds(10).send().await.unwrap();
    assert_eq!(answer.status().map(ToString::to_string).as_deref(), Some("FINISHED"));
    assert!(stage.engine.log().contains(&"connect dev keeper Secret".to_owned()));
}
