//! Every recording ends equal to its ground truth.

use e2e::{assert_full_parity, options, run, stop};

async fn replays_to_parity(corpus: &str, rendering: &str, pipeline: &str) {
    let replay = run(&options(corpus, rendering, pipeline)).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    let quarantined: i64 = replay.summary.tables.iter().map(|table| table.quarantined).sum();
    assert_eq!(quarantined, 0, "nothing of this recording belongs into quarantine");
    stop(replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salesdb_with_schemas_in_the_events() {
    replays_to_parity("salesdb-small", "schema", "salesdb-events.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salesdb_without_schemas_from_the_schema_change_topic() {
    replays_to_parity("salesdb-small", "noschema", "salesdb-schema-changes.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salesdb_without_schemas_from_a_dump() {
    replays_to_parity("salesdb-small", "noschema", "salesdb-dump.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_with_transaction_metadata() {
    replays_to_parity("salesdb-mariadb-tx", "schema", "shop.yaml").await;
    replays_to_parity("salesdb-mariadb-tx", "noschema", "shop.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_with_replica_identity_default() {
    replays_to_parity("salesdb-postgres", "schema", "pgsales.yaml").await;
    replays_to_parity("salesdb-postgres", "noschema", "pgsales-dump.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incremental_snapshots_between_changes() {
    replays_to_parity("salesdb-incremental", "schema", "salesinc.yaml").await;
    replays_to_parity("salesdb-incremental", "noschema", "salesinc.yaml").await;
}
