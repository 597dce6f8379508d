//! CREATE, ALTER, DROP, TRUNCATE.

use crate::harness::{Case, Step, check};

#[test]
fn tables() {
    check(&[
        Case {
            rule: "keys are declared and not enforced, NOT NULL is",
            source: "DG: Defining table constraints",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT NOT NULL PRIMARY KEY, b VARCHAR(5) UNIQUE) DISTKEY(a) SORTKEY(a, b)"),
                Step::Ok("INSERT INTO t VALUES (1, 'x'), (1, 'x')"),
                Step::Rows("SELECT count(*) FROM t", &["2"]),
                Step::Err("INSERT INTO t VALUES (NULL, 'x')", "null value in column \"a\""),
                Step::Rows(
                    "SELECT \"column\", type, distkey, sortkey, \"notnull\" FROM pg_table_def WHERE tablename = 't' ORDER BY sortkey",
                    &["a|integer|true|1|true", "b|character varying(5)|false|2|false"],
                ),
                Step::Rows(
                    "SELECT diststyle, sortkey1, sortkey_num FROM svv_table_info WHERE \"table\" = 't'",
                    &["KEY(a)|a|2"],
                ),
            ],
        },
        Case {
            rule: "VARCHAR counts bytes, and an overlong value is an error",
            source: "DG: Character types",
            steps: &[
                Step::Ok("CREATE TABLE t (a VARCHAR(3))"),
                Step::Ok("INSERT INTO t VALUES ('abc'), ('ü')"),
                Step::Err("INSERT INTO t VALUES ('üü')", "too long"),
                Step::Err("INSERT INTO t VALUES ('abcd')", "too long"),
            ],
        },
        Case {
            rule: "IDENTITY gives values",
            source: "DG: CREATE TABLE",
            steps: &[
                Step::Ok("CREATE TABLE t (id BIGINT IDENTITY(1,1), a INT)"),
                Step::Ok("INSERT INTO t (a) VALUES (10), (20)"),
                Step::Rows("SELECT count(DISTINCT id) FROM t", &["2"]),
            ],
        },
        Case {
            rule: "temporary tables hide permanent ones and go with the session",
            source: "DG: CREATE TABLE",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE TEMP TABLE t (b VARCHAR(5))"),
                Step::Ok("INSERT INTO t VALUES ('x')"),
                Step::Rows("SELECT b FROM t", &["x"]),
                Step::Ok("DROP TABLE t"),
                Step::Rows("SELECT a FROM t", &[]),
                Step::Ok("CREATE TABLE #u (a INT)"),
                Step::Ok("INSERT INTO #u SELECT 1"),
                Step::Rows("SELECT a FROM #u", &["1"]),
            ],
        },
        Case {
            rule: "a rolled back temporary table is gone",
            source: "DG: CREATE TABLE",
            steps: &[
                Step::Ok("BEGIN"),
                Step::Ok("CREATE TEMP TABLE t AS SELECT 1 AS a"),
                Step::Rows("SELECT a FROM t", &["1"]),
                Step::Ok("ROLLBACK"),
                Step::Err("SELECT a FROM t", "does not exist"),
            ],
        },
        Case {
            rule: "only VARCHAR can be widened, outside of transactions",
            source: "DG: ALTER TABLE",
            steps: &[
                Step::Ok("CREATE TABLE t (a VARCHAR(3), b INT)"),
                Step::Ok("ALTER TABLE t ALTER COLUMN a TYPE VARCHAR(10)"),
                Step::Ok("INSERT INTO t VALUES ('abcdefghij', 1)"),
                Step::Err("INSERT INTO t VALUES ('abcdefghijk', 1)", "too long"),
                Step::Err("ALTER TABLE t ALTER COLUMN b TYPE BIGINT", ""),
                Step::Ok("BEGIN"),
                Step::Err("ALTER TABLE t ALTER COLUMN a TYPE VARCHAR(20)", "cannot run inside a transaction block"),
                Step::Ok("ROLLBACK"),
                Step::Ok("ALTER TABLE t ADD COLUMN c VARBYTE(10)"),
                Step::Rows(
                    "SELECT column_name, data_type, character_maximum_length FROM svv_columns WHERE table_name = 't' ORDER BY ordinal_position",
                    &["a|character varying|10", "b|integer|~", "c|binary varying|10"],
                ),
                Step::Ok("ALTER TABLE t RENAME COLUMN c TO d"),
                Step::Ok("ALTER TABLE t RENAME TO u"),
                Step::Rows("SELECT d FROM u WHERE b = 2", &[]),
            ],
        },
        Case {
            rule: "TRUNCATE commits the transaction it is in",
            source: "DG: TRUNCATE",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("INSERT INTO t VALUES (1)"),
                Step::Ok("BEGIN"),
                Step::Ok("CREATE TABLE u (a INT)"),
                Step::Ok("TRUNCATE t"),
                Step::Ok("ROLLBACK"),
                Step::Rows("SELECT count(*) FROM t", &["0"]),
                Step::Rows("SELECT count(*) FROM u", &["0"]),
            ],
        },
        Case {
            rule: "VACUUM and ALTER TABLE APPEND run outside of transactions only",
            source: "DG: VACUUM; DG: ALTER TABLE APPEND",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE TABLE u (a INT)"),
                Step::Ok("INSERT INTO u VALUES (1), (2)"),
                Step::Ok("BEGIN"),
                Step::Err("VACUUM t", "cannot run inside a transaction block"),
                Step::Ok("ROLLBACK"),
                Step::Ok("VACUUM t"),
                Step::Ok("ALTER TABLE t APPEND FROM u"),
                Step::Rows("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)", &["2|0"]),
            ],
        },
        Case {
            rule: "LOCK needs a transaction and a table",
            source: "DG: LOCK",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE VIEW v AS SELECT a FROM t"),
                Step::Err("LOCK t", "transaction block"),
                Step::Ok("BEGIN"),
                Step::Ok("LOCK TABLE t"),
                Step::Err("LOCK v", "is not a table"),
                Step::Ok("ROLLBACK"),
            ],
        },
    ]);
}

#[test]
fn views() {
    check(&[
        Case {
            rule: "a view keeps a table from being dropped, a late-binding view does not",
            source: "DG: CREATE VIEW; DG: DROP TABLE",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("CREATE VIEW v AS SELECT a FROM t"),
                Step::Err("DROP TABLE t", "depend"),
                Step::Ok("DROP VIEW v"),
                Step::Ok("CREATE VIEW late AS SELECT a FROM public.t WITH NO SCHEMA BINDING"),
                Step::Ok("DROP TABLE t"),
                Step::Err("SELECT * FROM late", "does not exist"),
                Step::Ok("CREATE TABLE t (a VARCHAR(5))"),
                Step::Ok("INSERT INTO t VALUES ('x')"),
                Step::Rows("SELECT * FROM late", &["x"]),
                Step::Ok("CREATE OR REPLACE VIEW late AS SELECT a AS b FROM public.t WITH NO SCHEMA BINDING"),
                Step::Rows("SELECT b FROM late", &["x"]),
            ],
        },
        Case {
            rule: "an ordinary materialized view is full from the start, and as old as its last refresh",
            source: "DG: CREATE MATERIALIZED VIEW",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT, b INT)"),
                Step::Ok("INSERT INTO t VALUES (1, 2), (1, 3)"),
                Step::Ok("CREATE MATERIALIZED VIEW mv AS SELECT a, sum(b) AS total FROM t GROUP BY a"),
                Step::Rows("SELECT a, total FROM mv", &["1|5"]),
                Step::Ok("INSERT INTO t VALUES (1, 4)"),
                Step::Rows("SELECT total FROM mv", &["5"]),
                Step::Ok("REFRESH MATERIALIZED VIEW mv"),
                Step::Rows("SELECT total FROM mv", &["9"]),
                Step::Err("INSERT INTO mv VALUES (1, 1)", "materialized view"),
                Step::Err("DROP TABLE mv", "is not a table"),
                Step::Ok("DROP MATERIALIZED VIEW mv"),
            ],
        },
    ]);
}

#[test]
fn schemas_and_functions() {
    check(&[
        Case {
            rule: "schemas, with the names that are taken",
            source: "DG: CREATE SCHEMA",
            steps: &[
                Step::Ok("CREATE SCHEMA s"),
                Step::Err("CREATE SCHEMA s", "already exists"),
                Step::Ok("CREATE SCHEMA IF NOT EXISTS s"),
                Step::Err("CREATE SCHEMA rs_catalog", "unacceptable"),
                Step::Ok("CREATE TABLE s.t (a INT)"),
                Step::Err("DROP SCHEMA s", "depend"),
                Step::Ok("DROP SCHEMA s CASCADE"),
                Step::Ok("DROP SCHEMA IF EXISTS s"),
                Step::Err("CREATE TABLE s.t (a INT)", "schema \"s\" does not exist"),
            ],
        },
        Case {
            rule: "search_path decides where names are found and made",
            source: "DG: search_path",
            steps: &[
                Step::Ok("CREATE SCHEMA s"),
                Step::Ok("SET search_path TO s, public"),
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Rows("SELECT table_schema FROM svv_tables WHERE table_name = 't'", &["s"]),
                Step::Ok("SET search_path TO public"),
                Step::Err("SELECT * FROM t", "does not exist"),
            ],
        },
        Case {
            rule: "scalar SQL functions",
            source: "DG: CREATE FUNCTION",
            steps: &[
                Step::Ok("CREATE SCHEMA s"),
                Step::Ok(
                    "CREATE FUNCTION s.f_double(BIGINT) RETURNS DECIMAL(38,0) STABLE AS $$ SELECT ($1 * 2)::DECIMAL(38,0) $$ LANGUAGE sql",
                ),
                Step::Rows("SELECT s.f_double(21)", &["42"]),
                Step::Ok(
                    "CREATE OR REPLACE FUNCTION s.f_double(BIGINT) RETURNS DECIMAL(38,0) STABLE AS $$ SELECT ($1 * 3)::DECIMAL(38,0) $$ LANGUAGE sql",
                ),
                Step::Rows("SELECT s.f_double(21)", &["63"]),
                Step::Ok("DROP FUNCTION s.f_double(BIGINT)"),
                Step::Err("SELECT s.f_double(21)", "does not exist"),
            ],
        },
    ]);
}
