//! Provisioning, refreshing, monitoring: what an operator does, on a warehouse with data.

use e2e::{assert_full_parity, options, run, stop};
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
