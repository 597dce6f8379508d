//! Nothing is slow by an order of magnitude. The bounds are generous: the machine is shared.

use std::time::{Duration, Instant};

use redshift_data_api::{Options, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Database, run};

#[test]
fn a_trivial_statement_takes_milliseconds() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("CREATE TABLE t (a BIGINT)").await;
        let mut times = Vec::new();
        for _ in 0..200 {
            let start = Instant::now();
            admin.ok("SELECT count(*) FROM t").await;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        println!("median of a trivial statement: {:?}", times[100]);
        assert!(times[100] < Duration::from_millis(20), "{:?}", times[100]);
    });
}

/// Sends one request of the Data API on a kept connection and returns the answer's body.
async fn post(stream: &mut TcpStream, operation: &str, body: &str) -> String {
    let request = format!(
        "POST / HTTP/1.1\r\nhost: stand-in\r\ncontent-type: application/x-amz-json-1.1\r\nx-amz-target: RedshiftData.{operation}\r\n\
         x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDLOCAL/20260101/us-east-1/redshift-data/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        answer.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() == length.expect("a length").parse::<usize>().unwrap() {
                return body.to_owned();
            }
        }
    }
}

/// ExecuteStatement that waits for the end, over HTTP: what a client without polling sees.
#[test]
fn a_trivial_statement_through_the_data_api_takes_less_than_ten_milliseconds() {
    run(async {
        let database = Database::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = serve(listener, database.engine.clone(), Options::default()).unwrap();
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let mut times = Vec::new();
        for _ in 0..200 {
            let body = format!(
                r#"{{"Sql":"SELECT 1","WorkgroupName":"workgroup","Database":"{}","WaitTimeSeconds":5}}"#,
                database.name()
            );
            let start = Instant::now();
            let answer = post(&mut stream, "ExecuteStatement", &body).await;
            times.push(start.elapsed());
            assert!(answer.contains("FINISHED"), "{answer}");
        }
        times.sort_unstable();
        println!("median of SELECT 1 through the Data API: {:?}", times[100]);
        assert!(times[100] < Duration::from_millis(10), "{:?}", times[100]);
    });
}

/// 100,000 numbers, from a table of digits.
const NUMBERS: &str = "SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
     FROM digits AS a CROSS JOIN digits AS b CROSS JOIN digits AS c CROSS JOIN digits AS e CROSS JOIN digits AS f";

const PROCEDURE: &str = "CREATE PROCEDURE sp_merge(n OUT BIGINT) AS $$
     BEGIN
       DROP TABLE IF EXISTS parsed; DROP TABLE IF EXISTS stage;
       CREATE TEMP TABLE parsed AS SELECT kafka_offset, JSON_PARSE(kafka_value) AS v FROM landed WHERE CAN_JSON_PARSE(kafka_value);
       CREATE TEMP TABLE stage AS SELECT id, name, amount FROM
         (SELECT p.v.after.id::BIGINT AS id, p.v.after.name::VARCHAR(50) AS name, p.v.after.amount::DECIMAL(10,2) AS amount,
                 ROW_NUMBER() OVER (PARTITION BY p.v.after.id::BIGINT ORDER BY kafka_offset DESC) AS rn FROM parsed AS p) AS s
         WHERE rn = 1;
       MERGE INTO target USING stage AS s ON target.id = s.id
       WHEN MATCHED THEN UPDATE SET name = s.name, amount = s.amount
       WHEN NOT MATCHED THEN INSERT (id, name, amount) VALUES (s.id, s.name, s.amount);
       GET DIAGNOSTICS n := ROW_COUNT;
     END; $$ LANGUAGE plpgsql";

/// The same work as somebody would write it for PostgreSQL.
const BY_HAND: &str = "BEGIN;
     CREATE TEMP TABLE parsed ON COMMIT DROP AS SELECT kafka_offset, convert_from(kafka_value, 'UTF8')::jsonb AS v FROM landed
       WHERE pg_temp.is_json(convert_from(kafka_value, 'UTF8'));
     CREATE TEMP TABLE stage ON COMMIT DROP AS SELECT id, name, amount FROM
       (SELECT (v -> 'after' -> 'id')::bigint AS id, (v -> 'after' ->> 'name')::varchar(50) AS name,
               (v -> 'after' -> 'amount')::numeric(10,2) AS amount,
               row_number() OVER (PARTITION BY (v -> 'after' -> 'id')::bigint ORDER BY kafka_offset DESC) AS rn FROM parsed) AS s
       WHERE rn = 1;
     MERGE INTO target USING stage AS s ON target.id = s.id
     WHEN MATCHED THEN UPDATE SET name = s.name, amount = s.amount
     WHEN NOT MATCHED THEN INSERT (id, name, amount) VALUES (s.id, s.name, s.amount);
     COMMIT";

/// PostgreSQL 15 has no `IS JSON`.
const IS_JSON: &str = "CREATE OR REPLACE FUNCTION pg_temp.is_json(t text) RETURNS boolean LANGUAGE plpgsql AS
     $$ BEGIN PERFORM t::jsonb; RETURN true; EXCEPTION WHEN data_exception THEN RETURN false; END $$";

const MIN_ROUNDS: usize = 5;
const MAX_ROUNDS: usize = 20;

/// An event with a new name and amount: its form, its text with `#` for a number, and how many times as long as the work by hand ours
/// may take. The fastest of several counts on either side: what else the machine does only adds.
const EVENTS: &[(&str, &str, f64)] = &[
    ("short", r#"{"op": "u", "after": {"id": #, "name": "name #", "amount": 12.5}}"#, 1.5),
    (
        "as Debezium writes it",
        r#"{"before":null,"after":{"id":#,"name":"name #","amount":12.5,"note":"a \"note\" é","closed":null},"source":{"version":"3.0.0","connector":"mysql","name":"salesdb","ts_ms":1700000000123,"snapshot":"false","db":"salesdb","table":"orders","server_id":1,"gtid":"3E11FA47-71CA-11E1-9E33-C80AA9429562:#","file":"binlog.000001","pos":#,"row":0},"op":"u","ts_ms":1700000000999}"#,
        1.5,
    ),
    (
        "with escapes and exponents",
        r#"{"before":null,"after":{"id":#,"name":"name #","amount":12.5,"note":"a \u00e9","weight":1.5E10},"source":{"version":"3.0.0","connector":"mysql","name":"salesdb","ts_ms":1700000000123,"file":"binlog.000001","pos":#,"row":0},"op":"u","ts_ms":1700000000999}"#,
        2.0,
    ),
];

/// 100,000 landed events into a table of 100,000 rows, in turns with PostgreSQL's by hand in the same database.
#[test]
fn a_merge_is_compared_with_one_written_by_hand() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        for sql in [
            "CREATE TABLE digits (d BIGINT)",
            "INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
            "CREATE TABLE landed (kafka_offset BIGINT, kafka_value VARBYTE(1000))",
            "CREATE TABLE target (id BIGINT, name VARCHAR(50), amount DECIMAL(10,2))",
            PROCEDURE,
        ] {
            admin.ok(sql).await;
        }
        let client = database.postgres().await;
        client.batch_execute(IS_JSON).await.unwrap();
        // As the stand-in's own sessions: without an index a nested loop is never the better join.
        client.batch_execute("SET enable_nestloop TO off").await.unwrap();
        let mut slow = Vec::new();
        for (form, event, bound) in EVENTS {
            admin.ok("TRUNCATE landed").await;
            let event = event.replace('\\', "\\\\");
            admin
                .ok(&format!(
                    "INSERT INTO landed SELECT n, replace('{event}', '#', n * 2)::VARBYTE FROM ({NUMBERS}) AS s"
                ))
                .await;
            let mut fastest = [Duration::MAX; 2];
            let ratio = |fastest: [Duration; 2]| fastest[0].as_secs_f64() / fastest[1].as_secs_f64();
            for round in 0..MAX_ROUNDS {
                // On a busy machine it takes longer until both sides have had an undisturbed turn.
                if round >= MIN_ROUNDS && ratio(fastest) <= *bound {
                    break;
                }
                let mut times = [Duration::ZERO; 2];
                for (turn, time) in times.iter_mut().enumerate() {
                    admin.ok("TRUNCATE target").await;
                    admin.ok(&format!("INSERT INTO target SELECT n, 'old', 0 FROM ({NUMBERS}) AS s")).await;
                    client.batch_execute("ANALYZE target; ANALYZE landed").await.unwrap();
                    let start = Instant::now();
                    if turn == 0 {
                        assert_eq!(admin.rows("CALL sp_merge()").await, ["100000"]);
                    } else {
                        client.batch_execute(BY_HAND).await.unwrap();
                    }
                    *time = start.elapsed();
                    assert_eq!(admin.rows("SELECT count(*), sum(amount) FROM target").await, ["150000|1250000.00"]);
                }
                println!("  {form}: {:?}, by hand {:?}", times[0], times[1]);
                fastest = [fastest[0].min(times[0]), fastest[1].min(times[1])];
            }
            let ratio = ratio(fastest);
            println!("100,000 events, {form}, merged into 100,000 rows: {ratio:.2} times the work by hand");
            if ratio > *bound {
                slow.push(format!("events {form}: {ratio:.2} times as long as PostgreSQL by hand"));
            }
        }
        assert!(slow.is_empty(), "{slow:?}");
    });
}
