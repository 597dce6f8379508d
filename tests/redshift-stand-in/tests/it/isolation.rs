//! Sessions at the same time.

use crate::harness::{Database, run};

/// DG: "Serializable isolation": a snapshot is taken at the first query, so that a LOCK before it sees
/// what the earlier holder committed.
#[test]
fn a_lock_comes_before_the_snapshot() {
    run(async {
        let database = Database::new().await;
        let (mut first, mut second) = (database.admin().await, database.admin().await);
        first.ok("CREATE TABLE mark (a INT)").await;
        first.ok("INSERT INTO mark VALUES (1)").await;
        first
            .ok("CREATE PROCEDURE sp_next(step IN BIGINT, seen OUT BIGINT) AS $$
                 DECLARE
                     nothing BIGINT := 0;
                     text VARCHAR(65535) := '';
                 BEGIN
                     LOCK TABLE mark;
                     SELECT a INTO seen FROM mark;
                     UPDATE mark SET a = a + step;
                 END; $$ LANGUAGE plpgsql")
            .await;
        first.ok("BEGIN").await;
        first.ok("LOCK mark").await;
        let waiting = tokio::spawn(async move {
            let rows = second.rows("CALL sp_next(10)").await;
            (second, rows)
        });
        // The second session waits for the lock: PostgreSQL shows it.
        let mut third = database.admin().await;
        first.ok("UPDATE mark SET a = 5").await;
        third.ok("SELECT 1").await;
        assert!(!waiting.is_finished());
        first.ok("COMMIT").await;
        let (mut second, rows) = waiting.await.unwrap();
        assert_eq!(rows, ["5"]);
        assert_eq!(second.rows("SELECT a FROM mark").await, ["15"]);
    });
}

/// DG: "Serializable isolation", error 1023.
#[test]
fn a_conflict_is_error_1023() {
    run(async {
        let database = Database::new().await;
        let (mut first, mut second) = (database.admin().await, database.admin().await);
        first.ok("CREATE TABLE t (a INT)").await;
        first.ok("INSERT INTO t VALUES (1)").await;
        for session in [&mut first, &mut second] {
            session.ok("BEGIN").await;
            session.ok("SELECT * FROM t").await;
        }
        first.ok("UPDATE t SET a = 2").await;
        first.ok("COMMIT").await;
        let error = second.err("UPDATE t SET a = 3").await;
        assert!(error.starts_with("ERROR: 1023"), "{error}");
        assert!(error.contains("Serializable isolation violation on table"), "{error}");
        second.ok("ROLLBACK").await;
        second.ok("UPDATE t SET a = 3").await;
    });
}

/// DG: "Isolation levels in Amazon Redshift", the timeline: under SNAPSHOT writers of different rows both commit, under SERIALIZABLE
/// the second gets error 1023.
#[test]
fn writers_of_different_rows_conflict_under_serializable_only() {
    for serializable in [false, true] {
        run(async {
            let database = Database::new().await;
            if serializable {
                database.serializable().await;
            }
            let (mut first, mut second) = (database.admin().await, database.admin().await);
            first.ok("CREATE TABLE numbers (digits INT)").await;
            first.ok("INSERT INTO numbers VALUES (0), (1)").await;
            for session in [&mut first, &mut second] {
                session.ok("BEGIN").await;
                session.ok("SELECT * FROM numbers").await;
            }
            first.ok("UPDATE numbers SET digits = 0 WHERE digits = 1").await;
            first.ok("COMMIT").await;
            let update = "UPDATE numbers SET digits = 1 WHERE digits = 0";
            if serializable {
                let error = second.err(update).await;
                assert!(error.starts_with("ERROR: 1023"), "{error}");
                second.ok("ROLLBACK").await;
                assert_eq!(first.rows("SELECT * FROM numbers").await, ["0", "0"]);
            } else {
                second.ok(update).await;
                assert_eq!(second.rows("SELECT * FROM numbers").await, ["1", "1"]);
                second.ok("COMMIT").await;
                assert_eq!(first.rows("SELECT * FROM numbers ORDER BY 1").await, ["0", "1"]);
            }
        });
    }
}

/// DG: "Troubleshooting serializable isolation errors": reads across, and inserts alone.
#[test]
fn reads_across_tables_conflict_under_serializable() {
    run(async {
        let database = Database::new().await;
        database.serializable().await;
        let (mut first, mut second) = (database.admin().await, database.admin().await);
        assert_eq!(
            first
                .rows("SELECT trim(isolation_level) FROM stv_db_isolation_level WHERE db_name = current_database()")
                .await,
            ["Serializable"]
        );
        first.ok("CREATE TABLE tab1 (a INT)").await;
        first.ok("CREATE TABLE tab2 (a INT)").await;
        first.ok("BEGIN").await;
        second.ok("BEGIN").await;
        first.ok("SELECT * FROM tab1").await;
        first.ok("INSERT INTO tab2 VALUES (1)").await;
        second.ok("INSERT INTO tab1 VALUES (1)").await;
        assert!(second.err("SELECT * FROM tab2").await.contains("1023"));
        second.ok("ROLLBACK").await;
        first.ok("COMMIT").await;
        for session in [&mut first, &mut second] {
            session.ok("BEGIN").await;
        }
        first.ok("INSERT INTO tab1 VALUES (2)").await;
        first.ok("COMMIT").await;
        second.ok("INSERT INTO tab1 VALUES (3)").await;
        second.ok("COMMIT").await;
        assert_eq!(first.rows("SELECT count(*) FROM tab1").await, ["2"]);
    });
}

/// DG: "Write and read/write operations": a second writer of a table waits for the first, whatever rows it writes; a reader does not.
#[test]
fn writers_of_a_table_follow_each_other_and_readers_do_not_wait() {
    run(async {
        let database = Database::new().await;
        let (mut first, mut second, mut reader) =
            (database.admin().await, database.admin().await, database.admin().await);
        first.ok("CREATE TABLE t (a INT)").await;
        first.ok("BEGIN").await;
        first.ok("INSERT INTO t VALUES (1)").await;
        let waiting = tokio::spawn(async move {
            second.ok("INSERT INTO t SELECT count(*) FROM t").await;
            second
        });
        let waits = "SELECT count(*) FROM svv_transactions WHERE NOT granted AND lock_mode = 'ShareRowExclusiveLock'";
        let mut tries = 0;
        while reader.rows(waits).await != ["1"] {
            tries += 1;
            assert!(tries < 10_000, "the second writer does not wait for the first");
        }
        assert_eq!(reader.rows("SELECT count(*) FROM t").await, ["0"]);
        first.ok("COMMIT").await;
        let mut second = waiting.await.unwrap();
        // Its snapshot is later than the lock: it has counted the first writer's row.
        assert_eq!(second.rows("SELECT a FROM t").await, ["1", "1"]);
    });
}

#[test]
fn a_cancelled_statement_ends_with_an_error() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin
            .ok("CREATE PROCEDURE sp_endless() AS $$ DECLARE n BIGINT := 0; BEGIN LOOP n := n + 1; END LOOP; END; $$ LANGUAGE plpgsql")
            .await;
        let canceller = admin.0.canceller();
        let running = tokio::spawn(async move {
            let error = admin.err("CALL sp_endless()").await;
            (admin, error)
        });
        tokio::task::yield_now().await;
        let (mut admin, error) = {
            let mut running = running;
            loop {
                canceller.cancel().await;
                tokio::select! {
                    done = &mut running => break done.unwrap(),
                    () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
                }
            }
        };
        assert!(error.contains("cancel"), "{error}");
        assert_eq!(admin.rows("SELECT 1").await, ["1"]);
    });
}

/// The Data API's TRANSACTION batches, and its pooled sessions.
#[test]
fn batches_commit_or_roll_back_as_a_whole_and_sessions_can_be_reset() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("CREATE TABLE t (a INT)").await;
        admin.0.begin().await.unwrap();
        admin.ok("INSERT INTO t VALUES (1)").await;
        admin.0.rollback().await.unwrap();
        admin.0.begin().await.unwrap();
        admin.ok("INSERT INTO t VALUES (2)").await;
        admin.0.commit().await.unwrap();
        assert_eq!(admin.rows("SELECT a FROM t").await, ["2"]);
        admin.ok("CREATE TEMP TABLE mine AS SELECT 1 AS a").await;
        admin.ok("SET enable_case_sensitive_identifier TO true").await;
        assert!(admin.0.reset().await.unwrap());
        assert!(admin.err("SELECT * FROM mine").await.contains("does not exist"));
        assert_eq!(admin.rows("SHOW enable_case_sensitive_identifier").await, ["off"]);
        assert_eq!(admin.rows("SELECT current_user").await, ["awsuser"]);
    });
}
