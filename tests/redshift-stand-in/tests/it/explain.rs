//! EXPLAIN: scans, joins, the labels of distribution, and the rows that are scanned. Pages of the Redshift Database Developer Guide.

use crate::harness::{Client, Database, run};

/// The plan without its numbers.
async fn plan(client: &mut Client, sql: &str) -> Vec<String> {
    let rows = client.rows(&format!("EXPLAIN {sql}")).await;
    rows.iter().map(|line| line.split("  (cost=").next().unwrap_or_default().to_owned()).collect()
}

/// The label of the only join.
async fn label(client: &mut Client, from: &str) -> String {
    let plan = plan(client, &format!("SELECT 1 FROM {from}")).await;
    let join = plan.iter().find(|line| line.contains(" DS_")).unwrap_or_else(|| panic!("no join in {plan:?}"));
    join.rsplit(' ').next().unwrap().to_owned()
}

async fn tables(client: &mut Client) {
    for (name, attributes) in [
        ("by_a", "DISTKEY (a) SORTKEY (d, n)"),
        ("also_by_a", "DISTKEY (a)"),
        ("by_b", "DISTKEY (b)"),
        ("even", "DISTSTYLE EVEN SORTKEY (b)"),
        ("everywhere", "DISTSTYLE ALL"),
        ("automatic", ""),
    ] {
        client.ok(&format!("CREATE TABLE {name} (a INT PRIMARY KEY, b INT, n VARCHAR(10), d DATE) {attributes}")).await;
        client
            .ok(&format!(
                "INSERT INTO {name} VALUES (1, 1, 'a', '2020-01-01'), (2, 2, 'b', '2020-01-02'), (3, 3, 'c', '2020-01-03')"
            ))
            .await;
    }
}

/// "Creating and interpreting a query plan", "Reviewing query plan steps": the shape.
#[test]
fn a_plan_has_the_shape_of_the_guide() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        tables(&mut admin).await;
        let steps = plan(
            &mut admin,
            "SELECT e.n, sum(t.b) FROM by_a AS t JOIN even AS e ON t.b = e.b GROUP BY e.n ORDER BY 2 DESC LIMIT 10",
        )
        .await;
        let names: Vec<&str> = steps.iter().map(|line| line.trim_start()).filter(|line| line.contains("XN ")).collect();
        assert!(names[0].starts_with("XN Limit"), "{steps:?}");
        assert!(names[1].starts_with("->  XN Merge"), "{steps:?}");
        assert!(
            names[2].starts_with("->  XN Network") && steps.iter().any(|l| l.trim() == "Send to leader"),
            "{steps:?}"
        );
        assert!(names[3].starts_with("->  XN Sort"), "{steps:?}");
        assert!(names.iter().any(|name| name.contains("Aggregate")), "{steps:?}");
        assert!(names.iter().any(|name| name.starts_with("->  XN Hash Join DS_BCAST_INNER")), "{steps:?}");
        assert!(names.contains(&"->  XN Hash"), "{steps:?}");
        assert!(names.contains(&"->  XN Seq Scan on by_a t"), "{steps:?}");
        let numbers = admin.rows("EXPLAIN SELECT a FROM by_a").await;
        assert!(
            numbers[0].starts_with("XN Seq Scan on by_a  (cost=0.00..") && numbers[0].contains(" rows="),
            "{numbers:?}"
        );
        // "EXPLAIN": SELECT, SELECT INTO, CREATE TABLE AS, INSERT, UPDATE, DELETE; it does not run them.
        for sql in [
            "DELETE FROM by_a WHERE b = 1",
            "UPDATE by_a SET b = 2",
            "CREATE TABLE copy AS SELECT * FROM by_a",
            "INSERT INTO by_b SELECT * FROM by_a",
            "MERGE INTO by_b USING by_a AS s ON by_b.a = s.a WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b, s.n, s.d)",
        ] {
            let steps = plan(&mut admin, sql).await;
            assert!(steps.iter().any(|line| line.contains("XN Seq Scan on by_a")), "{sql}: {steps:?}");
        }
        assert_eq!(admin.rows("SELECT count(*), sum(b) FROM by_a").await, ["3|6"]);
        assert!(admin.err("EXPLAIN DROP TABLE by_a").await.contains("EXPLAIN"));
    });
}

/// "Evaluating the query plan": the labels. No table is larger than another, so that the order in FROM does not matter here.
#[test]
fn joins_say_what_they_move() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        tables(&mut admin).await;
        for (from, wanted) in [
            ("by_a JOIN also_by_a ON by_a.a = also_by_a.a", &["DS_DIST_NONE"][..]),
            ("by_a AS x JOIN everywhere AS y ON x.b = y.b", &["DS_DIST_ALL_NONE", "DS_DIST_ALL_INNER"]),
            ("everywhere AS x JOIN everywhere AS y ON x.b = y.b", &["DS_DIST_ALL_NONE"]),
            ("by_a AS x LEFT JOIN everywhere AS y ON x.b = y.b", &["DS_DIST_ALL_NONE"]),
            // "Distribution styles": AUTO, the default, is ALL while a table is small.
            ("by_a AS x LEFT JOIN automatic AS y ON x.b = y.b", &["DS_DIST_ALL_NONE"]),
            ("by_a LEFT JOIN by_b ON by_a.a = by_b.a", &["DS_DIST_INNER"]),
            ("by_b LEFT JOIN by_a ON by_a.a = by_b.a", &["DS_DIST_OUTER"]),
            ("even AS x JOIN even AS y ON x.b = y.b", &["DS_BCAST_INNER"]),
            ("even AS x FULL JOIN even AS y ON x.b = y.b", &["DS_DIST_BOTH"]),
            ("even AS x CROSS JOIN by_a AS y", &["DS_BCAST_INNER"]),
        ] {
            let label = label(&mut admin, from).await;
            assert!(wanted.contains(&label.as_str()), "{from}: {label}");
        }
    });
}

/// "Working with sort keys": a range on the sort key's leading column leaves blocks out; nothing else does.
#[test]
fn rows_scanned_follow_the_sort_key() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        tables(&mut admin).await;
        for (filter, wanted) in [
            ("a = 1", "public.by_a: 3 of 3 rows"),
            ("d >= '2020-01-02' AND b > 0", "public.by_a: 2 of 3 rows (sort key d)"),
            ("d BETWEEN '2020-01-02' AND '2020-01-02'", "public.by_a: 1 of 3 rows (sort key d)"),
            ("n = 'a'", "public.by_a: 3 of 3 rows"),
            ("d = '2020-01-01' OR b = 2", "public.by_a: 3 of 3 rows"),
            ("dateadd(day, 1, d) > '2020-01-03'", "public.by_a: 3 of 3 rows"),
        ] {
            let plan = plan(&mut admin, &format!("SELECT a FROM by_a WHERE {filter}")).await;
            assert_eq!(plan.last().unwrap(), wanted, "{filter}: {plan:?}");
            assert!(plan[plan.len() - 2].contains("Model"), "{plan:?}");
        }
        // Whoever may see a view, and not its table, may explain it.
        let user = database.unique("reader");
        admin.ok(&format!("CREATE USER {user} PASSWORD DISABLE")).await;
        admin.ok("CREATE VIEW v AS SELECT a FROM by_a WHERE d > '2020-01-01'").await;
        admin.ok(&format!("GRANT SELECT ON v TO {user}")).await;
        admin.ok(&format!("SET SESSION AUTHORIZATION {user}")).await;
        let plan = plan(&mut admin, "SELECT * FROM v").await;
        assert_eq!(plan.last().unwrap(), "public.by_a: 2 of 3 rows (sort key d)");
        assert!(admin.err("EXPLAIN SELECT * FROM by_a").await.contains("permission denied"));
        assert!(admin.err("SELECT * FROM by_a").await.contains("permission denied"));
    });
}

/// "Defining table constraints": keys are information only; "Amazon Redshift and PostgreSQL": there are no indexes.
#[test]
fn no_table_has_an_index() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        tables(&mut admin).await;
        admin.ok("CREATE TABLE keyed (a INT UNIQUE, b INT REFERENCES by_a (a), PRIMARY KEY (a, b), UNIQUE (b)) SORTKEY (a)").await;
        admin.ok("CREATE TABLE liked (LIKE keyed INCLUDING DEFAULTS)").await;
        admin.ok("CREATE TEMP TABLE temporary_keyed (a BIGINT IDENTITY(1, 1) PRIMARY KEY)").await;
        admin.ok("ALTER TABLE by_b ADD PRIMARY KEY (a)").await;
        admin.ok("ALTER TABLE by_b ADD CONSTRAINT other UNIQUE (b)").await;
        let client = database.postgres().await;
        let row = client
            .query_one(
                "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'public' OR c.relname = 'temporary_keyed'",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, i64>(0), 0);
        for sql in ["SELECT a FROM keyed WHERE a = 1 AND b = 2", "SELECT a FROM by_b WHERE a = 1"] {
            let plan = plan(&mut admin, sql).await;
            assert!(plan[0].starts_with("XN Seq Scan on "), "{plan:?}");
        }
    });
}
