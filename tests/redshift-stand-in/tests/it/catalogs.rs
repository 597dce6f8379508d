//! System views show Redshift's objects in Redshift's words.

use crate::harness::{Case, Database, Step, check, run};

#[test]
fn views_that_tools_read() {
    check(&[
        Case {
            rule: "types and kinds are Redshift's, and what is below is hidden",
            source: "DG: SVV_TABLES, SVV_COLUMNS",
            steps: &[
                Step::Ok("CREATE SCHEMA s"),
                Step::Ok("CREATE TABLE s.t (a SUPER, b VARBYTE(100), c DECIMAL(20,3) NOT NULL, d TIMESTAMPTZ, e VARCHAR(MAX))"),
                Step::Ok("CREATE VIEW s.v AS SELECT c FROM s.t"),
                Step::Rows(
                    "SELECT table_name, table_type FROM svv_tables WHERE table_schema = 's' ORDER BY 1",
                    &["t|BASE TABLE", "v|VIEW"],
                ),
                Step::Rows(
                    "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable
                     FROM svv_columns WHERE table_name = 't' ORDER BY ordinal_position",
                    &[
                        "a|super|~|~|~|YES",
                        "b|binary varying|100|~|~|YES",
                        "c|numeric|~|20|3|NO",
                        "d|timestamp with time zone|~|~|~|YES",
                        "e|character varying|65535|~|~|YES",
                    ],
                ),
                Step::Rows("SELECT count(*) FROM svv_tables WHERE table_schema LIKE 'rs%'", &["0"]),
                Step::Err("SELECT * FROM rs_catalog.query_history", "does not exist"),
                Step::Err("SELECT * FROM rs_sys.svv_tables", "does not exist"),
            ],
        },
        Case {
            rule: "the isolation level can be asked for",
            source: "DG: STV_DB_ISOLATION_LEVEL",
            steps: &[Step::Rows(
                "SELECT DISTINCT TRIM(isolation_level) FROM stv_db_isolation_level",
                &["Snapshot Isolation"],
            )],
        },
        Case {
            rule: "SHOW",
            source: "DG: SHOW TABLE, SHOW PROCEDURE, SHOW COLUMNS",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT NOT NULL, b VARCHAR(5)) DISTKEY(a) SORTKEY(b)"),
                Step::Rows(
                    "SHOW TABLE t",
                    &["CREATE TABLE public.t (\n    \"a\" integer NOT NULL,\n    \"b\" character varying(5)\n)\nDISTSTYLE KEY\nDISTKEY (a)\nSORTKEY (b);"],
                ),
            ],
        },
    ]);
}

/// DG: SYS_QUERY_HISTORY.
#[test]
fn statements_appear_in_the_history() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let id = admin.ok("SELECT 41 + 1").await.query_id.unwrap();
        assert!(!admin.err("SELECT * FROM nowhere_at_all").await.is_empty());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let rows = admin
                .rows(&format!("SELECT TRIM(status), query_text FROM sys_query_history WHERE query_id IN ({id}, {}) ORDER BY query_id", id + 1))
                .await;
            if rows.len() == 2 || std::time::Instant::now() > deadline {
                // Other tests' statements may have taken the next id.
                assert_eq!(rows[0], "success|SELECT 41 + 1");
                break;
            }
            tokio::task::yield_now().await;
        }
    });
}
