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

/// Column families: what is supported is equal, what is not is left out or in quarantine, and
/// nothing is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn mysql_column_families_are_exact_or_quarantined() {
    let replay = run(&options("types-mysql", "noschema", "typesdb.yaml")).await.expect("the replay runs to its end");
    let parity =
        |table: &str| replay.parities.get(table).unwrap_or_else(|| panic!("{table} is not replicated")).clone();
    for table in ["t_int", "t_dec", "t_default", "t_enum", "t_float", "t_json"] {
        let parity = parity(table);
        let wrong = (parity.different, parity.missing, parity.unexpected);
        assert_eq!(wrong, (0, 0, 0), "{table}: {:#?}", parity.examples);
    }
    // Text with U+0000 or over 65,535 bytes and times outside a day: the warehouse cannot hold them.
    for table in ["t_bin", "t_char", "t_time"] {
        let parity = parity(table);
        let figures = replay.summary.tables.iter().find(|figures| figures.table == table).expect("a replicated table");
        assert_eq!(parity.unexpected, 0, "{table}: {:#?}", parity.examples);
        let not_equal = i64::try_from(parity.different + parity.missing).expect("a few rows");
        assert!(not_equal > 0 && not_equal <= figures.quarantined, "{table}: {parity:#?}, {figures:#?}");
    }
    let decimals = parity("t_dec");
    assert_eq!(decimals.absent_columns, ["c_6530", "c_650"], "only what DECIMAL(38) cannot hold is left out");
    stop(replay).await;
}
