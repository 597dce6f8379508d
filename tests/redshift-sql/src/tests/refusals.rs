//! What is refused, and how. The second member of a case is a part of the message.

use super::{Small, sensitive, translate};
use crate::{Settings, Statement, check_streaming_view, parse};

fn refused(cases: &[(&str, &str)]) {
    for (sql, text) in cases {
        match translate(sql, &Settings::default()) {
            Ok(translated) => panic!("{sql} was accepted: {}", translated.sql),
            Err(error) => assert!(error.message.contains(text), "{sql}: \"{}\" does not say \"{text}\"", error.message),
        }
    }
}

/// "MERGE", syntax and usage notes.
#[test]
fn merge_follows_the_documented_grammar() {
    refused(&[
        (
            "MERGE INTO u x USING s ON x.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1, 'a')",
            "syntax error at or near \"x\"",
        ),
        (
            "MERGE INTO u USING s ON u.id = s.id WHEN MATCHED THEN DELETE",
            "MERGE statement with a single WHEN clause is not enabled.",
        ),
        (
            "MERGE INTO u USING s ON u.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)",
            "MERGE statement with a single WHEN clause is not enabled.",
        ),
        (
            "MERGE INTO u USING s ON u.id = s.id WHEN MATCHED AND s.id > 1 THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)",
            "syntax error at or near \"AND\"",
        ),
        (
            "MERGE INTO u USING s ON u.id = s.id WHEN MATCHED THEN UPDATE SET u.name = 'a' WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)",
            "syntax error at or near \".\"",
        ),
        (
            "MERGE INTO u USING (SELECT * FROM u) s ON u.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)",
            "Source view/subquery in Merge statement cannot reference target table.",
        ),
        ("MERGE INTO u USING u ON u.id = u.id REMOVE DUPLICATES", "cannot reference target table"),
        (
            "MERGE INTO u USING t ON u.id = t.id WHEN MATCHED THEN UPDATE SET name = t.v.a::varchar WHEN NOT MATCHED THEN INSERT VALUES (t.id, t.name)",
            "Partial reference of SUPER column is not supported in MERGE statement.",
        ),
        (
            "WITH x AS (SELECT 1) MERGE INTO u USING x ON u.id = 1 REMOVE DUPLICATES",
            "WITH clause is not supported in a MERGE",
        ),
        ("MERGE INTO u USING t ON u.id = t.id REMOVE DUPLICATES", "same columns"),
        (
            "MERGE INTO u USING s ON u.id > s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)",
            "equality",
        ),
    ]);
}

/// "Unsupported PostgreSQL features" and the pages of the commands: none of this is in their grammar.
#[test]
fn syntax_of_postgresql_does_not_pass() {
    refused(&[
        ("INSERT INTO s VALUES (1, 'a') ON CONFLICT DO NOTHING", "ON CONFLICT"),
        ("INSERT INTO s VALUES (1, 'a') RETURNING id", "RETURNING"),
        ("DELETE FROM s RETURNING id", "RETURNING"),
        ("SELECT DISTINCT ON (id) id FROM t", "DISTINCT ON"),
        ("SELECT count(*) FILTER (WHERE id > 1) FROM t", "FILTER"),
        ("SELECT * FROM t, LATERAL (SELECT 1) x", "LATERAL"),
        ("SELECT 1 FROM (VALUES (1)) x", "VALUES lists"),
        ("SELECT id FROM t FOR UPDATE", "FOR UPDATE"),
        ("SELECT id FROM t FETCH FIRST 1 ROW ONLY", "FETCH FIRST"),
        ("SELECT id FROM t EXCEPT ALL SELECT 1", "EXCEPT ALL"),
        ("SELECT sum(id) OVER w FROM t WINDOW w AS ()", "named window"),
        ("SELECT name IS DISTINCT FROM 'a' FROM t", "IS DISTINCT FROM"),
        ("CREATE INDEX i ON t (id)", "CREATE INDEX"),
        ("CREATE TABLE x (a int CHECK (a > 1))", "CHECK"),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", "IF NOT EXISTS"),
        ("ALTER TABLE t ALTER COLUMN id TYPE bigint", "only supported for VARCHAR"),
        ("SELECT a FROM json_each('{}') a", "function call in FROM"),
        ("SELECT tag FROM t", "syntax error at or near \"tag\""),
    ]);
}

/// "SQL functions reference", "Data types".
#[test]
fn functions_and_types_of_postgresql_do_not_exist() {
    refused(&[
        (
            "SELECT string_agg(name, ',') FROM t",
            "function string_agg(character varying(10), \"unknown\") does not exist",
        ),
        ("SELECT jsonb_typeof(v) FROM t", "function jsonb_typeof(super) does not exist"),
        ("SELECT gen_random_uuid()", "function gen_random_uuid() does not exist"),
        ("SELECT now() FROM t", "not supported on Redshift tables"),
        ("SELECT unknown_thing(id) FROM t", "function unknown_thing(integer) does not exist"),
        ("SELECT 'a'::json", "type \"json\" does not exist"),
        ("SELECT 'a'::uuid", "type \"uuid\" does not exist"),
        ("CREATE TABLE x (a bytea)", "type \"bytea\" does not exist"),
        ("CREATE TABLE x (a serial)", "type \"serial\" does not exist"),
        ("CREATE TABLE x (a int[])", "array types"),
        ("CREATE TABLE x (a varchar(70000))", "cannot exceed 65535"),
        ("CREATE TABLE x (a decimal(39,0))", "between 1 and 38"),
        ("SELECT true::varchar", "cannot cast type boolean"),
        ("SELECT sysdate::super", "cannot cast type timestamp without time zone to super"),
        ("SELECT checksum('a')", "CHECKSUM is not supported by this stand-in"),
    ]);
}

/// Names: the wording of "does not exist".
#[test]
fn names_that_do_not_exist() {
    refused(&[
        ("SELECT nope FROM t", "column \"nope\" does not exist in t"),
        ("SELECT t.nope FROM t", "column t.nope does not exist"),
        ("SELECT 1 FROM nope", "relation \"nope\" does not exist"),
        ("SELECT name FROM s, u", "column reference \"name\" is ambiguous"),
        ("SELECT name.a FROM t", "navigation needs SUPER"),
        ("INSERT INTO s (nope) VALUES (1)", "column \"nope\" of relation \"s\" does not exist"),
        ("INSERT INTO s VALUES (1, 'a', 3)", "more expressions than target columns"),
        (
            "INSERT INTO s (id) SELECT name FROM t",
            "column \"id\" is of type integer but expression is of type character varying(10)",
        ),
        ("SELECT kafka_offset FROM kafka.topic", "can only be read by a materialized view"),
        ("SELECT sum(id) OVER (ORDER BY id) FROM t", "require a frame clause"),
        ("SELECT id = ts FROM t", "operator does not exist: integer = timestamp"),
        ("SELECT row_number() FROM t", "requires an OVER clause"),
    ]);
}

/// "Streaming ingestion to a materialized view", "CREATE MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW".
#[test]
fn streaming_views_are_restricted() {
    let check = |query: &str| {
        let sql = format!("CREATE MATERIALIZED VIEW mv AUTO REFRESH YES AS {query}");
        let statement = parse(&sql, &sensitive()).map_err(|e| e.message)?;
        let Statement::CreateMaterializedView(view) = statement else {
            panic!("{sql} is no materialized view");
        };
        check_streaming_view(&view.query, &Small).map_err(|e| e.message)
    };
    assert_eq!(
        check(
            "SELECT kafka_offset, CASE WHEN can_json_parse(kafka_value) THEN json_parse(kafka_value) END AS p FROM kafka.topic"
        ),
        Ok(Some(("kafka".to_owned(), "topic".to_owned())))
    );
    assert_eq!(check("SELECT id FROM t"), Ok(None));
    for (query, text) in [
        ("SELECT a FROM (SELECT kafka_offset AS a FROM kafka.topic) x", "Column aliases are not supported."),
        ("SELECT kafka_offset FROM kafka.topic JOIN t ON true", "joins"),
        ("SELECT DISTINCT kafka_offset FROM kafka.topic", "DISTINCT"),
        ("SELECT row_number() OVER (ORDER BY kafka_offset) AS r FROM kafka.topic", "window functions"),
        ("SELECT kafka_offset, sysdate AS s FROM kafka.topic", "mutable function sysdate"),
        ("SELECT f_double(kafka_offset) AS f FROM kafka.topic", "user-defined functions"),
        ("SELECT kafka_offset FROM kafka.topic UNION ALL SELECT 1", "set operations"),
        ("SELECT kafka_offset FROM kafka.topic ORDER BY 1", "ORDER BY"),
        ("SELECT kafka_offset FROM kafka.topic LIMIT 1", "LIMIT"),
    ] {
        let error = check(query).expect_err(query);
        assert!(error.contains(text), "{query}: {error}");
    }
    let late = parse("CREATE MATERIALIZED VIEW mv AUTO REFRESH YES DISTKEY(a) AS SELECT 1", &Settings::default());
    assert_eq!(late.expect_err("attributes come first").message, "syntax error at or near \"DISTKEY\"");
}

/// "CREATE EXTERNAL SCHEMA", "Getting started with streaming ingestion from Apache Kafka sources".
#[test]
fn external_schemas_are_checked() {
    let accepted = "CREATE EXTERNAL SCHEMA IF NOT EXISTS k FROM MSK IAM_ROLE default AUTHENTICATION iam CLUSTER_ARN 'arn:aws:kafka:x'";
    assert!(parse(accepted, &Settings::default()).is_ok());
    for (rest, text) in [
        ("FROM KAFKA AUTHENTICATION none", "needs a URI"),
        ("FROM KAFKA URI 'b:9098' AUTHENTICATION iam", "needs an IAM_ROLE"),
        ("FROM KAFKA IAM_ROLE default URI 'b:9094' AUTHENTICATION mtls", "AUTHENTICATION_ARN or SECRET_ARN"),
        ("FROM KAFKA URI 'b:9092'", "needs AUTHENTICATION"),
        ("FROM KINESIS", "needs an IAM_ROLE"),
        ("FROM KINESIS IAM_ROLE default URI 'b:9092'", "takes no URI"),
        ("FROM MYSQL DATABASE 'd' URI 'h'", "FROM MYSQL is not supported by this stand-in"),
    ] {
        let sql = format!("CREATE EXTERNAL SCHEMA k {rest}");
        let error = parse(&sql, &Settings::default()).expect_err(&sql);
        assert!(error.message.contains(text), "{sql}: {}", error.message);
    }
}
