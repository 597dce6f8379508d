//! The pipeline's own SQL, from the golden files of `cdc-core`, exactly as it is sent.

use std::path::PathBuf;
use std::time::Instant;

use crate::harness::{Client, Database, broker, run};
use crate::streaming::{produce, record};

const TOPIC: &str = "salesdb.salesdb.SALES_ORDER_DETAIL";

fn golden(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/cdc-core/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn send(client: &mut Client, script: &str) {
    for statement in redshift_sql::split(script).unwrap() {
        client.ok(statement).await;
    }
}

fn event(op: &str, order: i64, line: i64, sku: &str, position: i64) -> String {
    let image =
        format!("{{\"ORDER_ID\":{order},\"LINE_NO\":{line},\"SKU\":\"{sku}\",\"QUANTITY\":\"MDk=\",\"NOTE\":null}}");
    let (before, after) = if op == "d" { (image.as_str(), "null") } else { ("null", image.as_str()) };
    format!(
        "{{\"before\":{before},\"after\":{after},\"op\":\"{op}\",\"ts_ms\":1700000000999,\"source\":{{\"ts_ms\":1700000000{:03},\
         \"snapshot\":\"false\",\"server_id\":1,\"gtid\":null,\"file\":\"binlog.000001\",\"pos\":{position},\"row\":0}}}}",
        position % 1000
    )
}

#[test]
fn provisioning_and_synchronisation_run() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("SET enable_case_sensitive_identifier TO true").await;
        for schema in ["cdc_landing", "salesdb", "cdc"] {
            admin.ok(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await;
        }
        send(&mut admin, &golden("decoding_functions.sql")).await;
        send(&mut admin, &golden("pipeline_objects.sql")).await;
        send(&mut admin, &golden("table_objects.sql")).await;
        send(&mut admin, &golden("merge_order_detail.sql")).await;
        send(&mut admin, &golden("merge_awkward.sql")).await;
        admin.ok("CREATE ROLE \"analysts\"").await;
        // The golden file's database is a deployment's.
        send(&mut admin, &golden("grants.sql").replace("\"dev\"", &format!("\"{}\"", database.name()))).await;

        broker().create_topic(TOPIC, 2).unwrap();
        let mut records: Vec<_> =
            (0..3000).map(|n| record(&n.to_string(), Some(event("c", n, 1, "a", n).as_bytes()))).collect();
        records.extend((0..3000).map(|n| record(&n.to_string(), Some(event("u", n, 1, "b", 3000 + n).as_bytes()))));
        records.extend((0..1000).map(|n| record(&n.to_string(), Some(event("d", n, 1, "b", 6000 + n).as_bytes()))));
        records.push(record("bad", Some(b"{not json")));
        records.push(record("0", None));
        produce(TOPIC, 0, records).await;
        produce(TOPIC, 1, vec![record("x", Some(event("c", 9000, 2, "c", 9000).as_bytes()))]).await;

        // As the function's own database user would, with nothing but what it was granted.
        let mut handler = database.role("change-handler").await;
        handler.ok("SET enable_case_sensitive_identifier TO true").await;
        let start = Instant::now();
        handler.ok("CALL \"cdc\".\"sp_refresh_salesdb_sales_order_detail\"()").await;
        let refreshed = start.elapsed();
        let counts = handler.rows("CALL \"cdc\".\"sp_merge_salesdb_sales_order_detail\"(100000, -1, -1)").await;
        println!("refresh of 7,003 records {refreshed:?}, with merge {:?}", start.elapsed());
        assert_eq!(counts, ["7003|2001|0|0|1|0|0"]);
        assert_eq!(
            admin
                .rows("SELECT count(*), min(\"order_id\"), min(\"sku\"), max(\"sku\"), min(\"quantity\") FROM \"salesdb\".\"sales_order_detail\"")
                .await,
            ["2001|1000|b|c|12.345"]
        );
        assert_eq!(
            admin.rows("SELECT w.kafka_partition, w.kafka_offset, w.gaps FROM \"cdc\".\"watermark_salesdb_sales_order_detail\" AS w ORDER BY 1").await,
            ["0|7001|0", "1|0|0"]
        );
        assert_eq!(admin.rows("SELECT q.kafka_offset FROM \"cdc\".\"quarantine\" AS q").await, ["7000"]);
        // A second call finds nothing.
        let again = handler.rows("CALL \"cdc\".\"sp_merge_salesdb_sales_order_detail\"(100000, -1, -1)").await;
        assert_eq!(again, ["0|0|0|0|0|0|0"]);
        // Deletions of rows that are there.
        produce(TOPIC, 0, vec![record("2000", Some(event("d", 2000, 1, "b", 9500).as_bytes()))]).await;
        handler.ok("CALL \"cdc\".\"sp_refresh_salesdb_sales_order_detail\"()").await;
        let deleted = handler.rows("CALL \"cdc\".\"sp_merge_salesdb_sales_order_detail\"(100000, -1, -1)").await;
        assert_eq!(deleted, ["1|0|1|0|0|0|0"]);
        // Without the setting the procedure refuses to work.
        handler.ok("RESET enable_case_sensitive_identifier").await;
        let error = handler.err("CALL cdc.sp_merge_salesdb_sales_order_detail(100000, -1, -1)").await;
        assert!(error.contains("enable_case_sensitive_identifier"), "{error}");
    });
}
