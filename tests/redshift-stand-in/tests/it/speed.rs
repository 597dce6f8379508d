//! Nothing is slow by an order of magnitude. The bounds are generous: the machine is shared.

use std::time::{Duration, Instant};

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

#[test]
fn a_hundred_thousand_rows_merge_in_seconds() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        for sql in [
            "CREATE TABLE digits (d BIGINT)",
            "INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
            "CREATE TABLE source AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS id, 'payload'::VARCHAR(50) AS v
             FROM digits AS a CROSS JOIN digits AS b CROSS JOIN digits AS c CROSS JOIN digits AS e CROSS JOIN digits AS f",
            "CREATE TABLE target (id BIGINT, v VARCHAR(50))",
            "INSERT INTO target SELECT id * 2, 'old' FROM source",
            "CREATE PROCEDURE sp_merge(n OUT BIGINT) AS $$
             BEGIN
               DROP TABLE IF EXISTS stage;
               CREATE TEMP TABLE stage AS SELECT s.id, s.v FROM source AS s;
               MERGE INTO target USING stage AS s ON target.id = s.id
               WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v);
               GET DIAGNOSTICS n := ROW_COUNT;
             END; $$ LANGUAGE plpgsql",
        ] {
            admin.ok(sql).await;
        }
        let start = Instant::now();
        assert_eq!(admin.rows("CALL sp_merge()").await, ["100000"]);
        println!("merge of 100,000 rows into 100,000: {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert_eq!(admin.rows("SELECT count(*) FROM target").await, ["150000"]);
    });
}
