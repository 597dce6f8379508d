//! The procedural language, in Redshift's sense.

use crate::harness::{Case, Database, Step, check, run};

#[test]
fn statements_of_the_language() {
    check(&[
        Case {
            rule: "OUT arguments come back as one row",
            source: "DG: CALL",
            steps: &[
                Step::Ok(
                    "CREATE PROCEDURE sp_x(a IN INT, b INOUT VARCHAR(10), c OUT BIGINT) AS $$
                     BEGIN c := a * 2; b := b || '!'; END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_x(21, 'hey')", &["hey!|42"]),
                Step::Err("CALL sp_x(1)", "does not exist"),
                Step::Err("CALL sp_x(21, 'much too long')", "too long"),
            ],
        },
        Case {
            rule: "IF, CASE, loops, EXIT and CONTINUE",
            source: "DG: Supported PL/pgSQL statements",
            steps: &[
                Step::Ok(
                    "CREATE PROCEDURE sp_x(r OUT VARCHAR(200)) AS $$
                     DECLARE i INT := 0;
                     BEGIN
                       r := '';
                       FOR n IN 1..5 LOOP
                         CONTINUE WHEN n = 2;
                         EXIT WHEN n = 5;
                         IF n = 1 THEN r := r || 'one '; ELSIF n = 3 THEN r := r || 'three '; ELSE r := r || 'else '; END IF;
                       END LOOP;
                       FOR n IN REVERSE 3..1 LOOP r := r || n::VARCHAR(10); END LOOP;
                       WHILE i < 3 LOOP i := i + 1; END LOOP;
                       <<around>>
                       LOOP
                         LOOP EXIT around; END LOOP;
                       END LOOP;
                       CASE i WHEN 1, 2 THEN r := r || ' few'; WHEN 3 THEN r := r || ' three'; END CASE;
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_x()", &["one three else 321 three"]),
            ],
        },
        Case {
            rule: "rows into variables and records, FOUND and ROW_COUNT",
            source: "DG: Structure of PL/pgSQL",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT, b VARCHAR(10))"),
                Step::Ok("INSERT INTO t VALUES (1, 'x'), (2, 'y')"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x(r OUT VARCHAR(200)) AS $$
                     DECLARE x INT; y VARCHAR(10); row RECORD; n BIGINT; total t.a%TYPE := 0;
                     BEGIN
                       SELECT t.a, t.b INTO x, y FROM t WHERE t.a = 2;
                       r := x::VARCHAR(10) || y;
                       SELECT t.a INTO x FROM t WHERE t.a = 9;
                       IF NOT FOUND AND x IS NULL THEN r := r || ' none'; END IF;
                       FOR row IN SELECT t.a, t.b FROM t ORDER BY t.a LOOP
                         total := total + row.a;
                         r := r || ' ' || row.b;
                       END LOOP;
                       UPDATE t SET b = 'z';
                       GET DIAGNOSTICS n := ROW_COUNT;
                       r := r || ' ' || n::VARCHAR(10) || ' ' || total::VARCHAR(10);
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_x()", &["2y none x y 2 3"]),
            ],
        },
        Case {
            rule: "dynamic SQL is Redshift SQL and sees no variables",
            source: "DG: Supported PL/pgSQL statements, Dynamic SQL",
            steps: &[
                Step::Ok(
                    "CREATE PROCEDURE sp_x(r OUT BIGINT) AS $$
                     DECLARE scope VARCHAR(1000) := '1 = 0';
                     BEGIN
                       FOR n IN 1..3 LOOP scope := scope || ' OR s.a = ' || n::VARCHAR(10); END LOOP;
                       EXECUTE 'CREATE TEMP TABLE made AS SELECT s.a FROM (SELECT 2 AS a UNION ALL SELECT 7 AS a) AS s WHERE ' || scope;
                       EXECUTE 'SELECT COUNT(*) FROM made' INTO r;
                       DROP TABLE made;
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_x()", &["1"]),
                Step::Ok("CREATE PROCEDURE sp_y() AS $$ DECLARE q VARCHAR(10); BEGIN EXECUTE q; END; $$ LANGUAGE plpgsql"),
                Step::Err("CALL sp_y()", "null"),
                Step::Ok("CREATE PROCEDURE sp_z() AS $$ BEGIN EXECUTE 'COMMIT'; END; $$ LANGUAGE plpgsql"),
                Step::Err("CALL sp_z()", "not supported in stored procedures"),
            ],
        },
        Case {
            rule: "RAISE EXCEPTION ends the call with its text",
            source: "DG: Supported PL/pgSQL statements, RAISE",
            steps: &[
                Step::Ok(
                    "CREATE PROCEDURE sp_x(n IN INT) AS $$ BEGIN RAISE INFO 'n is %', n; RAISE EXCEPTION 'n is % of 100%%', n; END; $$ LANGUAGE plpgsql",
                ),
                Step::Err("CALL sp_x(3)", "n is 3 of 100%"),
            ],
        },
        Case {
            rule: "one cursor is open at a time, and a loop over rows is one",
            source: "DG: Stored procedure limitations",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("INSERT INTO t VALUES (1), (2)"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() AS $$ DECLARE a RECORD; b RECORD; BEGIN
                       FOR a IN SELECT * FROM t LOOP FOR b IN SELECT * FROM t LOOP NULL; END LOOP; END LOOP;
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Err("CALL sp_x()", "one cursor"),
                Step::Ok(
                    "CREATE PROCEDURE sp_y(total OUT BIGINT) AS $$
                     DECLARE c CURSOR FOR SELECT t.a FROM t ORDER BY t.a; x INT;
                     BEGIN
                       total := 0;
                       OPEN c;
                       LOOP FETCH c INTO x; EXIT WHEN NOT FOUND; total := total + x; END LOOP;
                       CLOSE c;
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_y()", &["3"]),
            ],
        },
        Case {
            rule: "calls nest 16 deep, and output arguments go into variables",
            source: "DG: Stored procedure limitations; DG: Nested procedures",
            steps: &[
                Step::Ok("CREATE PROCEDURE sp_in(a IN INT, b OUT INT) AS $$ BEGIN b := a + 1; END; $$ LANGUAGE plpgsql"),
                Step::Ok(
                    "CREATE PROCEDURE sp_out(r OUT INT) AS $$ DECLARE x INT; BEGIN CALL sp_in(4, x); r := x; END; $$ LANGUAGE plpgsql",
                ),
                Step::Rows("CALL sp_out()", &["5"]),
                Step::Ok("CREATE PROCEDURE sp_self() AS $$ BEGIN CALL sp_self(); END; $$ LANGUAGE plpgsql"),
                Step::Err("CALL sp_self()", "deeper than 16"),
            ],
        },
        Case {
            rule: "what a procedure must not hold",
            source: "DG: Stored procedure limitations; DG: CREATE PROCEDURE",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE PROCEDURE sp_x() AS $$ BEGIN EXECUTE 'VACUUM t'; END; $$ LANGUAGE plpgsql"),
                Step::Err("CALL sp_x()", "not supported in stored procedures"),
                Step::Err(
                    "CREATE PROCEDURE sp_y() NONATOMIC AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql SECURITY DEFINER",
                    "NONATOMIC",
                ),
                Step::Err("CREATE PROCEDURE sp_z() AS $$ BEGIN SELEKT 1; END; $$ LANGUAGE plpgsql", ""),
                Step::Err(
                    "CREATE PROCEDURE sp_q() AS $$ BEGIN SELECT 1; END; $$ LANGUAGE plpgsql",
                    "no destination",
                ),
            ],
        },
        Case {
            rule: "replacing keeps the signature, another one is an overload",
            source: "DG: CREATE PROCEDURE",
            steps: &[
                Step::Ok("CREATE PROCEDURE sp_x(r OUT INT) AS $$ BEGIN r := 1; END; $$ LANGUAGE plpgsql"),
                Step::Err(
                    "CREATE PROCEDURE sp_x(r OUT INT) AS $$ BEGIN r := 2; END; $$ LANGUAGE plpgsql",
                    "already exists",
                ),
                Step::Ok("CREATE OR REPLACE PROCEDURE sp_x(r OUT INT) AS $$ BEGIN r := 2; END; $$ LANGUAGE plpgsql"),
                Step::Ok("CREATE OR REPLACE PROCEDURE sp_x(a IN INT, r OUT INT) AS $$ BEGIN r := a; END; $$ LANGUAGE plpgsql"),
                Step::Rows("CALL sp_x()", &["2"]),
                Step::Rows("CALL sp_x(7)", &["7"]),
                Step::Ok("DROP PROCEDURE sp_x()"),
                Step::Rows("CALL sp_x(7)", &["7"]),
            ],
        },
    ]);
}

#[test]
fn transactions() {
    check(&[
        Case {
            rule: "an atomic procedure is one transaction",
            source: "DG: Managing transactions",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() AS $$ BEGIN INSERT INTO t VALUES (1); INSERT INTO t SELECT 1/0; END; $$ LANGUAGE plpgsql",
                ),
                Step::Err("CALL sp_x()", "ivi"),
                Step::Rows("SELECT count(*) FROM t", &["0"]),
            ],
        },
        Case {
            rule: "COMMIT and ROLLBACK end the transaction and begin another",
            source: "DG: Managing transactions",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() AS $$ BEGIN
                       INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); ROLLBACK; INSERT INTO t VALUES (3);
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Ok("CALL sp_x()"),
                Step::Rows("SELECT a FROM t ORDER BY a", &["1", "3"]),
                Step::Ok("BEGIN"),
                Step::Err(
                    "CALL sp_x()",
                    "COMMIT cannot be invoked from a procedure that is executing in an atomic context.",
                ),
                Step::Ok("ROLLBACK"),
            ],
        },
        Case {
            rule: "TRUNCATE commits, except in the caller's transaction, where it is refused",
            source: "DG: Managing transactions",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE TABLE u (a INT)"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() AS $$ BEGIN INSERT INTO t VALUES (1); TRUNCATE u; RAISE EXCEPTION 'late'; END; $$ LANGUAGE plpgsql",
                ),
                Step::Err("CALL sp_x()", "late"),
                Step::Rows("SELECT count(*) FROM t", &["1"]),
                Step::Ok("BEGIN"),
                Step::Err(
                    "CALL sp_x()",
                    "TRUNCATE cannot be invoked from a procedure that is executing in an atomic context.",
                ),
                Step::Ok("ROLLBACK"),
            ],
        },
        Case {
            rule: "an atomic handler runs after the rollback, commits, and the error is thrown again",
            source: "DG: Trapping errors",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE TABLE log (m VARCHAR(200))"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() AS $$ BEGIN
                       INSERT INTO t VALUES (1);
                       RAISE EXCEPTION 'broken';
                     EXCEPTION WHEN OTHERS THEN
                       INSERT INTO log VALUES (SQLERRM);
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Err("CALL sp_x()", "broken"),
                Step::Rows("SELECT count(*) FROM t", &["0"]),
                Step::Rows("SELECT m FROM log", &["broken"]),
            ],
        },
        Case {
            rule: "NONATOMIC: every statement commits, and a handled error is not thrown again",
            source: "DG: Trapping errors; DG: NONATOMIC",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok(
                    "CREATE PROCEDURE sp_x() NONATOMIC AS $$ BEGIN
                       INSERT INTO t VALUES (1);
                       INSERT INTO t SELECT 1/0;
                       INSERT INTO t VALUES (2);
                     EXCEPTION WHEN OTHERS THEN
                       INSERT INTO t VALUES (99);
                     END; $$ LANGUAGE plpgsql",
                ),
                Step::Ok("CALL sp_x()"),
                Step::Rows("SELECT a FROM t ORDER BY a", &["1", "99"]),
                Step::Ok("CREATE PROCEDURE sp_atomic() AS $$ BEGIN CALL sp_x(); END; $$ LANGUAGE plpgsql"),
                Step::Err("CALL sp_atomic()", "same transaction mode"),
            ],
        },
        Case {
            rule: "a SET clause holds for the call and forbids COMMIT",
            source: "DG: CREATE PROCEDURE",
            steps: &[
                Step::Ok(
                    "CREATE PROCEDURE sp_x(r OUT BIGINT) AS $$ DECLARE d SUPER; BEGIN
                       d := JSON_PARSE('{\"Key\": 7}'); r := d.\"Key\"::BIGINT;
                     END; $$ LANGUAGE plpgsql SET enable_case_sensitive_identifier TO true",
                ),
                Step::Rows("SHOW enable_case_sensitive_identifier", &["off"]),
                Step::Rows("CALL sp_x()", &["7"]),
                Step::Rows("SHOW enable_case_sensitive_identifier", &["off"]),
                Step::Ok(
                    "CREATE PROCEDURE sp_y() AS $$ BEGIN COMMIT; END; $$ LANGUAGE plpgsql SET enable_case_sensitive_identifier TO true",
                ),
                Step::Err("CALL sp_y()", "atomic context"),
            ],
        },
    ]);
}

/// DG: MERGE; "Stored procedures": the shape of a merge that folds change events into a table.
#[test]
fn a_merge_of_change_events() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        for sql in [
            "SET enable_case_sensitive_identifier TO true",
            "CREATE SCHEMA \"cdc\"",
            "CREATE TABLE \"cdc\".\"watermark\" (kafka_partition BIGINT NOT NULL, kafka_offset BIGINT NOT NULL)",
            "CREATE TABLE \"cdc\".\"landed\" (kafka_partition BIGINT, kafka_offset BIGINT, kafka_value VARBYTE(16777216))",
            "CREATE TABLE \"customer\" (\"cust_id\" BIGINT, \"name\" VARCHAR(50))",
            "INSERT INTO \"customer\" VALUES (1, 'old'), (2, 'gone'), (3, 'stays')",
            "INSERT INTO \"cdc\".\"watermark\" VALUES (0, 9)",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 9, TO_VARBYTE('{\"op\":\"c\",\"after\":{\"CUST_ID\":8}}', 'utf-8')",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 10, TO_VARBYTE('{\"op\":\"u\",\"after\":{\"CUST_ID\":1,\"Name\":\"newer\"}}', 'utf-8')",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 11, TO_VARBYTE('{\"op\":\"u\",\"after\":{\"CUST_ID\":1,\"Name\":\"newest\"}}', 'utf-8')",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 12, TO_VARBYTE('{\"op\":\"d\",\"before\":{\"CUST_ID\":2},\"after\":null}', 'utf-8')",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 13, TO_VARBYTE('{\"op\":\"c\",\"after\":{\"CUST_ID\":4,\"Name\":\"fresh\"}}', 'utf-8')",
            "INSERT INTO \"cdc\".\"landed\" SELECT 0, 14, TO_VARBYTE('{broken', 'utf-8')",
            "CREATE OR REPLACE PROCEDURE \"cdc\".\"sp_merge\"(max_rows IN BIGINT, applied OUT BIGINT, deleted OUT BIGINT, pending OUT BIGINT)
             AS $procedure$
             DECLARE
                 mark RECORD;
                 scope VARCHAR(65535) := '';
             BEGIN
                 LOCK TABLE \"cdc\".\"watermark\";
                 FOR mark IN SELECT w.kafka_partition, w.kafka_offset FROM \"cdc\".\"watermark\" AS w ORDER BY w.kafka_partition LOOP
                     scope := scope || ' OR (l.kafka_partition = ' || mark.kafka_partition::VARCHAR(20) || ' AND l.kafka_offset > ' || mark.kafka_offset::VARCHAR(20) || ')';
                 END LOOP;
                 DROP TABLE IF EXISTS \"stage\";
                 EXECUTE 'CREATE TEMP TABLE \"stage\" AS SELECT l.kafka_offset, l.kafka_value, '
                      || 'CASE WHEN CAN_JSON_PARSE(l.kafka_value) THEN ''json'' ELSE ''malformed'' END::VARCHAR(16) AS shape '
                      || 'FROM \"cdc\".\"landed\" AS l WHERE ' || SUBSTRING(scope, 5);
                 DROP TABLE IF EXISTS \"parsed\";
                 CREATE TEMP TABLE \"parsed\" AS
                 SELECT s.kafka_offset, JSON_PARSE(s.kafka_value) AS document FROM \"stage\" AS s WHERE s.shape = 'json';
                 DROP TABLE IF EXISTS \"typed\";
                 CREATE TEMP TABLE \"typed\" AS
                 SELECT p.kafka_offset, p.document.\"op\"::VARCHAR(1) AS op,
                        CASE WHEN p.document.\"op\"::VARCHAR(1) = 'd' THEN p.document.\"before\".\"CUST_ID\"::BIGINT ELSE p.document.\"after\".\"CUST_ID\"::BIGINT END AS cust_id,
                        p.document.\"after\".\"Name\"::VARCHAR(50) AS name
                 FROM \"parsed\" AS p;
                 DROP TABLE IF EXISTS \"newest\";
                 CREATE TEMP TABLE \"newest\" AS
                 SELECT n.* FROM (SELECT t.*, ROW_NUMBER() OVER (PARTITION BY t.cust_id ORDER BY t.kafka_offset DESC) AS rank FROM \"typed\" AS t) AS n WHERE n.rank = 1;
                 DELETE FROM \"customer\" USING \"newest\" AS s WHERE \"customer\".\"cust_id\" = s.cust_id AND s.op = 'd';
                 GET DIAGNOSTICS deleted := ROW_COUNT;
                 DROP TABLE IF EXISTS \"upserts\";
                 CREATE TEMP TABLE \"upserts\" AS SELECT s.cust_id, s.name FROM \"newest\" AS s WHERE s.op <> 'd';
                 MERGE INTO \"customer\" USING \"upserts\" AS s ON \"customer\".\"cust_id\" = s.cust_id
                 WHEN MATCHED THEN UPDATE SET \"name\" = s.name
                 WHEN NOT MATCHED THEN INSERT (\"cust_id\", \"name\") VALUES (s.cust_id, s.name);
                 SELECT COUNT(*) INTO applied FROM \"upserts\" AS u;
                 UPDATE \"cdc\".\"watermark\" SET kafka_offset = h.high FROM (SELECT MAX(s.kafka_offset) AS high FROM \"stage\" AS s) AS h;
                 pending := 0;
                 IF applied > max_rows THEN
                     RAISE EXCEPTION 'more than % rows', max_rows;
                 END IF;
             END;
             $procedure$ LANGUAGE plpgsql SECURITY DEFINER",
        ] {
            admin.ok(sql).await;
        }
        assert_eq!(admin.rows("CALL \"cdc\".\"sp_merge\"(100)").await, ["2|1|0"]);
        assert_eq!(
            admin.rows("SELECT \"cust_id\", \"name\" FROM \"customer\" ORDER BY 1").await,
            ["1|newest", "3|stays", "4|fresh"]
        );
        assert_eq!(admin.rows("SELECT kafka_offset FROM \"cdc\".\"watermark\"").await, ["14"]);
    });
}
