//! Provisioning, refreshing, monitoring: what an operator does, on a warehouse with data.

use e2e::{assert_full_parity, options, records, run, stop, write_recording};
use local_stack::producer;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_day() {
    let replay = run(&options("salesdb-postgres", "schema", "pgsales.yaml")).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    let deployment = &replay.deployment;

    let again = deployment.provision().await.expect("a second apply succeeds");
    assert_eq!(again["changed"], 0, "a second apply changes nothing: {again}");
    let plan = deployment.invoke("provisioner", &json!({ "action": "plan" })).await.expect("a plan is made");
    assert_eq!(plan["steps"], json!([]), "nothing is left to do: {plan}");

    let refreshed = deployment
        .invoke("refresher", &json!({ "tables": ["public.customer"] }))
        .await
        .expect("a named table is synchronised");
    assert!(refreshed.to_string().contains("public.customer"), "{refreshed}");
    let unknown = deployment.invoke("refresher", &json!({ "tables": ["public.nobody"] })).await;
    let message = format!("{:#}", unknown.expect_err("an unknown table is refused"));
    assert!(message.contains("public.nobody") && message.contains("public.customer"), "{message}");

    let lag = deployment.invoke("lag-monitor", &json!({})).await.expect("the lag is measured");
    assert!(lag.to_string().contains("public.customer"), "{lag}");

    let refused = deployment.invoke("provisioner", &json!({ "action": "destroy", "drop_data": true })).await;
    assert!(refused.is_err(), "dropping data needs the pipeline's name");
    deployment
        .invoke("provisioner", &json!({ "action": "destroy", "confirm": "pgsales", "drop_data": true }))
        .await
        .expect("destroy with the pipeline's name succeeds");
    let left = replay
        .stack
        .administrator()
        .query("SELECT t.table_name FROM svv_tables AS t WHERE t.table_schema IN ('cdc', 'cdc_landing', 'public') ORDER BY 1")
        .await
        .expect("the warehouse answers");
    assert!(left.is_empty(), "{left:?}");
    stop(replay).await;
}

/// A topic that appears under a pattern: the refresher says that it waits, fails nothing else, and
/// merges it as soon as the provisioner has made its table.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_appears_later_is_taken_in() {
    let replay = run(&options("salesdb-postgres", "schema", "pgsales.yaml")).await.expect("the replay runs to its end");
    let deployment = &replay.deployment;
    let mut recorded = records("salesdb-postgres", "schema").expect("the recording is read");
    recorded.retain(|record| record.topic == "pgsales.public.PRODUCT");
    for record in &mut recorded {
        "pgsales.public.PARCEL".clone_into(&mut record.topic);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("parcel.jsonl");
    write_recording(&recording, &recorded).expect("the recording is written");
    producer::run(&replay.stack.kafka(), &[recording]).await.expect("the new topic is written");

    let state = |answer: &serde_json::Value| {
        let tables = answer["tables"].as_array().expect("tables").iter();
        tables.map(|table| format!("{}: {}", table["table"], table["state"])).find(|text| text.contains("parcel"))
    };
    let refreshed = deployment.invoke("refresher", &json!({})).await.expect("a new topic fails nothing");
    assert_eq!(state(&refreshed).as_deref(), Some("\"public.parcel\": \"not_provisioned\""), "{refreshed}");
    let lag = deployment.invoke("lag-monitor", &json!({})).await.expect("the lag is measured");
    assert!(lag.to_string().contains("public.parcel"), "{lag}");

    // The alarm on the metric has the provisioner make the table.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        let merged = deployment.invoke("refresher", &json!({ "tables": ["public.parcel"] })).await;
        if merged.as_ref().is_ok_and(|answer| state(answer).is_some_and(|text| text.ends_with("\"synchronised\""))) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the table was not made: {merged:?}");
    }
    let rows = replay
        .stack
        .administrator()
        .query(
            "SELECT (SELECT COUNT(*) FROM public.parcel) AS parcels, (SELECT COUNT(*) FROM public.product) AS products",
        )
        .await
        .expect("the warehouse answers");
    assert_eq!(rows[0][0], rows[0][1], "{rows:?}");
    assert_ne!(rows[0][0].as_deref(), Some("0"), "{rows:?}");
    stop(replay).await;
}
