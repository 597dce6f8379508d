//! Streaming ingestion from a real broker.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rskafka::chrono::{DateTime, Utc};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::record::Record;

use crate::harness::{Client, Database, broker, run};

const COLUMNS: &str = "kafka_partition, kafka_offset, kafka_timestamp_type, kafka_timestamp, kafka_key, kafka_value, kafka_headers, refresh_time";

pub(crate) fn record(key: &str, value: Option<&[u8]>) -> Record {
    Record {
        key: Some(key.as_bytes().to_vec()),
        value: value.map(<[u8]>::to_vec),
        headers: BTreeMap::from([("h".to_owned(), b"1".to_vec())]),
        timestamp: DateTime::<Utc>::from_timestamp_millis(1_700_000_000_123).unwrap(),
    }
}

pub(crate) async fn produce(topic: &str, partition: i32, records: Vec<Record>) {
    let brokers = vec![broker().plaintext_address().unwrap()];
    let client = ClientBuilder::new(brokers).build().await.unwrap();
    let partition = client.partition_client(topic, partition, UnknownTopicHandling::Error).await.unwrap();
    for batch in records.chunks(1000) {
        partition.produce(batch.to_vec(), Compression::NoCompression).await.unwrap();
    }
}

async fn schema(admin: &mut Client) {
    admin.ok("SET enable_case_sensitive_identifier TO true").await;
    admin.ok("CREATE SCHEMA landing").await;
    admin
        .ok("CREATE EXTERNAL SCHEMA ext FROM KAFKA IAM_ROLE default URI 'b-1.example:9098,b-2.example:9098' AUTHENTICATION iam")
        .await;
}

/// DG: "Getting started with streaming ingestion from Apache Kafka sources" (columns, start at the
/// earliest record); "Streaming ingestion to a materialized view" (each record once).
#[test]
fn a_refresh_appends_what_is_new_with_its_metadata() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let topic = database.unique("salesdb.salesdb.CUSTOMER");
        broker().create_topic(&topic, 2).unwrap();
        produce(&topic, 0, vec![record("k0", Some(b"{\"a\":1}")), record("k1", None)]).await;
        produce(&topic, 1, vec![record("k2", Some(&[0xff, 0x00]))]).await;
        schema(&mut admin).await;
        admin
            .ok(&format!("CREATE MATERIALIZED VIEW landing.customer DISTSTYLE EVEN AUTO REFRESH NO AS SELECT {COLUMNS} FROM ext.\"{topic}\""))
            .await;
        assert_eq!(admin.rows("SELECT count(*) FROM landing.customer").await, ["0"]);
        admin.ok("REFRESH MATERIALIZED VIEW landing.customer").await;
        assert_eq!(
            admin
                .rows("SELECT kafka_partition, kafka_offset, kafka_timestamp_type, kafka_timestamp, kafka_key, kafka_value, kafka_headers FROM landing.customer ORDER BY 1, 2")
                .await,
            [
                "0|0|C|2023-11-14 22:13:20.123|6b30|7b2261223a317d|{\"h\":\"1\"}",
                "0|1|C|2023-11-14 22:13:20.123|6b31|~|{\"h\":\"1\"}",
                "1|0|C|2023-11-14 22:13:20.123|6b32|ff00|{\"h\":\"1\"}",
            ]
        );
        assert_eq!(admin.rows("SELECT count(DISTINCT refresh_time) FROM landing.customer").await, ["1"]);
        admin.ok("REFRESH MATERIALIZED VIEW landing.customer").await;
        produce(&topic, 0, vec![record("k3", Some(b"x"))]).await;
        admin.ok("REFRESH MATERIALIZED VIEW landing.customer").await;
        assert_eq!(admin.rows("SELECT count(*) FROM landing.customer").await, ["4"]);
        assert_eq!(
            admin
                .rows("SELECT TRIM(stream_name), TRIM(mv_name), TRIM(partition_id), TRIM(latest_position), scanned_rows FROM sys_stream_scan_states ORDER BY record_time, 3")
                .await,
            [
                format!("{topic}|customer|0|1|2"),
                format!("{topic}|customer|1|0|1"),
                format!("{topic}|customer|0|2|1"),
            ]
        );
        assert_eq!(
            admin.rows("SELECT TRIM(status) FROM sys_mv_refresh_history ORDER BY start_time").await,
            [
                "Refresh successfully updated MV incrementally",
                "Refresh successfully completed. MV was already updated",
                "Refresh successfully updated MV incrementally",
            ]
        );
        assert_eq!(admin.rows("SELECT TRIM(name), autorefresh FROM svv_mv_info").await, ["customer|f"]);
        // Streaming views may be deleted from; positions stay.
        admin.ok("DELETE FROM landing.customer WHERE kafka_partition = 1").await;
        assert!(
            admin
                .err("INSERT INTO landing.customer SELECT * FROM landing.customer")
                .await
                .contains("materialized view")
        );
        admin.ok("REFRESH MATERIALIZED VIEW landing.customer").await;
        assert_eq!(admin.rows("SELECT count(*) FROM landing.customer").await, ["3"]);
        assert_eq!(admin.rows("SELECT TRIM(schemaname) FROM svv_external_schemas").await, ["ext"]);
        assert!(admin.err(&format!("SELECT * FROM ext.\"{topic}\"")).await.contains("materialized view"));
    });
}

/// DG: "Streaming ingestion to a materialized view": a conversion that fails makes the refresh fail;
/// "REFRESH MATERIALIZED VIEW": only the owner can.
#[test]
fn expressions_are_evaluated_at_the_refresh_by_the_owner_only() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let topic = database.unique("events");
        broker().create_topic(&topic, 1).unwrap();
        schema(&mut admin).await;
        let handler = database.unique("handler");
        let mut user = database.role(&handler).await;
        admin
            .ok(&format!("CREATE MATERIALIZED VIEW landing.guarded AS SELECT kafka_offset, JSON_PARSE(kafka_value) AS payload FROM ext.\"{topic}\" WHERE CAN_JSON_PARSE(kafka_value)"))
            .await;
        admin
            .ok(&format!("CREATE MATERIALIZED VIEW landing.strict AS SELECT kafka_offset, JSON_PARSE(kafka_value) AS payload FROM ext.\"{topic}\""))
            .await;
        produce(&topic, 0, vec![record("a", Some(b"{\"Id\": 7}")), record("b", Some(b"{broken"))]).await;
        admin.ok("REFRESH MATERIALIZED VIEW landing.guarded").await;
        assert_eq!(admin.rows("SELECT g.kafka_offset, g.payload.\"Id\"::INT FROM landing.guarded AS g").await, ["0|7"]);
        assert!(!admin.err("REFRESH MATERIALIZED VIEW landing.strict").await.is_empty());
        assert_eq!(admin.rows("SELECT count(*) FROM landing.strict").await, ["0"]);
        let failed = admin.rows("SELECT TRIM(status) FROM sys_mv_refresh_history WHERE mv_name = 'strict'").await;
        assert!(failed[0].starts_with("Refresh failed"), "{failed:?}");
        // A procedure with its owner's rights lets others refresh.
        admin.ok(&format!("GRANT USAGE ON SCHEMA landing TO \"IAMR:{handler}\"")).await;
        assert!(user.err("REFRESH MATERIALIZED VIEW landing.guarded").await.contains("must be owner"));
        admin
            .ok("CREATE PROCEDURE landing.sp_refresh() AS $$ BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW landing.guarded'; END; $$ LANGUAGE plpgsql SECURITY DEFINER")
            .await;
        admin.ok(&format!("GRANT EXECUTE ON PROCEDURE landing.sp_refresh() TO \"IAMR:{handler}\"")).await;
        produce(&topic, 0, vec![record("c", Some(b"{\"Id\": 8}"))]).await;
        user.ok("CALL landing.sp_refresh()").await;
        assert_eq!(admin.rows("SELECT count(*) FROM landing.guarded").await, ["2"]);
        // The SYS_ views show others nothing.
        assert_eq!(user.rows("SELECT count(*) FROM sys_stream_scan_states").await, ["0"]);
        assert_eq!(user.rows("SELECT count(*) FROM svv_mv_info").await, ["0"]);
    });
}

#[test]
fn what_is_wrong_is_named() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        schema(&mut admin).await;
        admin.ok("CREATE MATERIALIZED VIEW landing.mv AS SELECT kafka_value FROM ext.\"no.such.topic\"").await;
        let error = admin.err("REFRESH MATERIALIZED VIEW landing.mv").await;
        assert!(
            error.contains("no.such.topic") && error.contains("ext") && error.contains("does not exist"),
            "{error}"
        );
        for (sql, expected) in [
            ("CREATE MATERIALIZED VIEW landing.m AS SELECT count(*) OVER () AS c FROM ext.t", "window"),
            (
                "CREATE MATERIALIZED VIEW landing.m AS SELECT a.kafka_key FROM ext.t AS a JOIN ext.u AS b ON a.kafka_key = b.kafka_key",
                "JOIN",
            ),
            ("CREATE EXTERNAL SCHEMA other FROM KAFKA URI 'b:9098' AUTHENTICATION iam", "IAM_ROLE"),
            ("CREATE TABLE ext.t (a INT)", "external schema"),
        ] {
            let error = admin.err(sql).await;
            assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{sql}: {error}");
        }
    });
}

/// DG: "Getting started with streaming ingestion from Amazon Kinesis Data Streams". The stream is the topic of its name.
#[test]
fn a_kinesis_stream_is_the_topic_of_its_name() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let stream = database.unique("clicks");
        broker().create_topic(&stream, 1).unwrap();
        produce(&stream, 0, vec![record("k0", Some(b"{\"b\": 1, \"a\": [2]}")), record("k1", Some(b"{oops"))]).await;
        admin.ok("CREATE EXTERNAL SCHEMA kds FROM KINESIS REGION 'eu-west-1' IAM_ROLE default").await;
        admin
            .ok(&format!(
                "CREATE MATERIALIZED VIEW clicks SORTKEY (1) AUTO REFRESH NO AS
                 SELECT approximate_arrival_timestamp, partition_key, shard_id, sequence_number, json_parse(kinesis_data) AS payload,
                        json_extract_path_text(from_varbyte(kinesis_data, 'utf-8'), 'b', true)::INT AS b
                 FROM kds.{stream} WHERE can_json_parse(kinesis_data)"
            ))
            .await;
        for rows in [1, 2] {
            admin.ok("REFRESH MATERIALIZED VIEW clicks").await;
            assert_eq!(admin.rows("SELECT count(*) FROM clicks").await, [rows.to_string()]);
            produce(&stream, 0, vec![record("k2", Some(b"{}"))]).await;
        }
        assert_eq!(
            admin.rows("SELECT approximate_arrival_timestamp, partition_key, shard_id, right(sequence_number, 2), payload, b FROM clicks WHERE b = 1").await,
            [r#"2023-11-14 22:13:20.123|k0|shardId-000000000000|00|{"b":1,"a":[2]}|1"#]
        );
        let error = admin.err("CREATE MATERIALIZED VIEW x AS SELECT kafka_value FROM kds.nothing").await;
        assert!(error.contains("kafka_value"), "{error}");
    });
}

/// Several refreshes of one view at once: each record is there once.
#[test]
fn refreshes_of_one_view_are_one_after_another() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let topic = database.unique("busy");
        broker().create_topic(&topic, 1).unwrap();
        schema(&mut admin).await;
        admin.ok(&format!("CREATE MATERIALIZED VIEW landing.mv AS SELECT kafka_offset FROM ext.\"{topic}\"")).await;
        for round in 0..4 {
            produce(&topic, 0, (0..50).map(|n| record(&format!("{round}-{n}"), Some(b"{}"))).collect()).await;
            let mut tasks = Vec::new();
            for _ in 0..3 {
                let mut session = database.admin().await;
                tasks.push(tokio::spawn(async move {
                    session.ok("REFRESH MATERIALIZED VIEW landing.mv").await;
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        }
        assert_eq!(admin.rows("SELECT count(*), count(DISTINCT kafka_offset) FROM landing.mv").await, ["200|200"]);
    });
}

/// DG: AUTO REFRESH of a streaming view.
#[test]
fn auto_refresh_keeps_a_view_fresh() {
    run(async {
        let stand_in = redshift_stand_in::StandIn::start(redshift_stand_in::Options {
            kafka_bootstrap: broker().plaintext_address(),
            auto_refresh: true,
            ..Default::default()
        })
        .await
        .unwrap();
        let login = redshift_data_api::Login {
            database: "dev".to_owned(),
            db_user: "awsuser".to_owned(),
            authentication: redshift_data_api::Authentication::DbUser,
        };
        let mut admin = Client(stand_in.engine().connect(&login).await.unwrap(), None);
        broker().create_topic("auto", 1).unwrap();
        schema(&mut admin).await;
        admin.ok("CREATE MATERIALIZED VIEW landing.mv AUTO REFRESH YES AS SELECT kafka_offset FROM ext.auto").await;
        produce("auto", 0, vec![record("a", Some(b"{}"))]).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while admin.rows("SELECT count(*) FROM landing.mv").await != ["1"] {
            assert!(Instant::now() < deadline, "the view was not refreshed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stand_in.shutdown().await;
    });
}
