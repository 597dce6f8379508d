//! What supported statements become. A snapshot is the text for PostgreSQL and the result columns.

use super::{sensitive, translate};
use crate::Settings;

fn snapshot(name: &str, settings: &Settings, cases: &[(&str, &str)]) {
    let mut out = String::new();
    for (source, sql) in cases {
        let translated = translate(sql, settings).unwrap_or_else(|e| panic!("{sql} was refused: {e}"));
        let columns: Vec<String> = translated.columns.iter().map(|c| format!("{} {}", c.name, c.rs_type)).collect();
        out.push_str(&format!("# {source}\n{sql}\n=> {}\n=> {}\n\n", translated.sql, columns.join(", ")));
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, out);
    });
}

#[test]
fn names_fold_by_default_even_quoted_ones() {
    snapshot(
        "folding",
        &Settings::default(),
        &[
            ("enable_case_sensitive_identifier", r#"SELECT "ID", T.Name AS "Mixed" FROM PUBLIC."T""#),
            ("SUPER configurations: attributes fold too", r#"SELECT v."payload"."CUST_ID", v.Payload.Op FROM t"#),
            ("late-binding view, expanded with its own identifier settings", "SELECT b FROM lb"),
        ],
    );
}

#[test]
fn names_keep_their_case_when_asked() {
    snapshot(
        "case_sensitive",
        &sensitive(),
        &[(
            "enable_case_sensitive_identifier: quoted attributes keep case",
            r#"SELECT t.v."payload"."CUST_ID"::BIGINT AS "Id", v.Payload FROM t"#,
        )],
    );
    let unquoted = Settings { case_sensitive_super_attribute: true, ..Settings::default() };
    snapshot(
        "case_sensitive_attribute",
        &unquoted,
        &[(
            "enable_case_sensitive_super_attribute: unquoted attributes keep case",
            r#"SELECT v.Payload.CUST_ID, ID FROM t"#,
        )],
    );
}

#[test]
fn super_values() {
    snapshot(
        "super",
        &sensitive(),
        &[
            ("query-super, navigation", "SELECT v.a[0].b, v.a[id], v['Key'], json_parse('[1]')[0] FROM t"),
            (
                "query-super, casts are lax",
                "SELECT v.a::int, v.a::smallint, v.a::decimal(10,2), v.a::float, v.a::boolean, v.a::varchar(5), v.a::date, v.a::timestamp FROM t",
            ),
            ("query-super, dynamic typing", "SELECT v.op = 'd', v.n > 1, v.a = v.b, v.op <> 'c', v.op IS NULL FROM t"),
            ("query-super, unnesting", "SELECT t.id, x.k, i FROM t, t.v.items AS x AT i"),
            ("query-super, unpivoting", "SELECT attr, val FROM t, UNPIVOT t.v.o AS val AT attr"),
            (
                "JSON_PARSE: only bytes that go into a temporary table lose the order of attributes",
                "INSERT INTO t (v) SELECT json_parse(b) FROM t",
            ),
            (
                "JSON_PARSE, CAN_JSON_PARSE, type information functions",
                "SELECT json_parse(b), can_json_parse(b), json_typeof(v.a), is_object(v), get_array_length(v.a), json_serialize(v) FROM t",
            ),
            (
                "CAN_JSON_PARSE: true if JSON_PARSE would succeed, so that what it has found good is not checked again",
                "CREATE TEMP TABLE k AS SELECT json_parse(b) AS v, json_parse(name) AS w FROM t WHERE can_json_parse(b) AND id > 1",
            ),
            (
                "CAN_JSON_PARSE in CASE, of the branch alone",
                "CREATE TEMP TABLE k AS SELECT CASE WHEN can_json_parse(b) THEN json_parse(b) ELSE json_parse(name) END FROM t",
            ),
            (
                "CAN_JSON_PARSE outside of a query is not one inside; nothing is known in WHERE, behind OR and NOT, and in an aggregate of a CASE",
                "CREATE TEMP TABLE k AS SELECT (SELECT json_parse(t.b) FROM u AS t2) AS a, CASE WHEN can_json_parse(t.c) THEN max(json_parse(t.c)) END AS z FROM (SELECT b, b AS c FROM t) AS t WHERE can_json_parse(t.b) AND json_parse(t.b) IS NOT NULL AND (can_json_parse(t.c) OR NOT can_json_parse(t.c)) GROUP BY t.b, t.c",
            ),
            (
                "COALESCE over SUPER",
                "SELECT coalesce(v.a, v.b)::varchar, CASE WHEN v.op = 'd' THEN v.x ELSE v.y END FROM t",
            ),
        ],
    );
    let strict = Settings {
        cast_super_null_on_error: false,
        navigate_super_null_on_error: false,
        parse_super_null_on_error: true,
        ..Settings::default()
    };
    snapshot(
        "super_strict",
        &strict,
        &[("SUPER configurations: strict navigation and casts", "SELECT v.a::int, json_parse(name) FROM t")],
    );
}

#[test]
fn numbers() {
    snapshot(
        "numbers",
        &Settings::default(),
        &[
            (
                "r_numeric_computations201: precision and scale",
                "SELECT d * d, d + 1, d / 3, id / 2, id % 2, d - d FROM t",
            ),
            ("r_numeric_computations201: overflow beyond 38 digits", "SELECT big + 1, big * 10, frac * frac FROM wide"),
            ("constants", "SELECT 1, 3000000000, 12345678901234567890, 1.50, 1e3, -1"),
            ("SUM, AVG", "SELECT sum(id), sum(d), avg(id), avg(d), count(*), count(DISTINCT name) FROM t"),
        ],
    );
}

#[test]
fn strings() {
    snapshot(
        "strings",
        &Settings::default(),
        &[
            (
                "r_Character_types: a cast cuts by bytes",
                "SELECT 'ééé'::varchar(3), name::varchar(2), name::varchar(20), 'x'::varchar FROM t",
            ),
            (
                "r_Character_types: trailing blanks do not count",
                "SELECT id FROM t WHERE name = 'a' AND name IN ('a', 'b') AND name BETWEEN 'a' AND 'b'",
            ),
            ("concatenation", "SELECT name || id, 'a' + 'b' FROM t"),
            (
                "string functions",
                "SELECT len(name), octet_length(name), strpos(name, 'a'), substring(name, 1, 2), left(name, 1), lpad(name, 3, '0'), translate(name, 'a', 'b'), split_part(name, '-', 1) FROM t",
            ),
            (
                "bytes",
                "SELECT strtol('ff', 16), to_hex(255), from_hex('ff'), to_varbyte('a', 'utf8'), from_varbyte(b, 'utf-8'), md5('a'), sha2('a', 256) FROM t",
            ),
            (
                "regular expressions",
                r"SELECT regexp_substr(name, '[a-z]+'), regexp_replace(name, '\\d', '#'), regexp_count(name, 'a'), name ~ '^a' FROM t",
            ),
            ("LISTAGG", "SELECT listagg(name, ',') WITHIN GROUP (ORDER BY id) FROM t"),
        ],
    );
}

#[test]
fn dates() {
    snapshot(
        "dates",
        &Settings::default(),
        &[
            (
                "DATEADD: the interval is an INTEGER",
                "SELECT dateadd(year, 1, ts), dateadd(m, 5, '2008-02-28'), dateadd(microsecond, 3000000000, ts) FROM t",
            ),
            ("DATEDIFF", "SELECT datediff(week, '2009-01-01', '2009-12-31'), datediff(ms, ts, sysdate) FROM t"),
            (
                "SYSDATE, GETDATE, EXTRACT, DATE_TRUNC",
                "SELECT sysdate, getdate(), extract(year FROM ts), date_part('epoch', ts), date_trunc('month', ts) FROM t",
            ),
        ],
    );
}

#[test]
fn queries() {
    snapshot(
        "queries",
        &Settings::default(),
        &[
            (
                "QUALIFY",
                "SELECT id, row_number() OVER (PARTITION BY name ORDER BY ts DESC) AS rn FROM t QUALIFY rn = 1 ORDER BY d",
            ),
            (
                "window frames",
                "SELECT sum(id) OVER (PARTITION BY name ORDER BY id ROWS UNBOUNDED PRECEDING), lag(id, 1) OVER (ORDER BY id) FROM t",
            ),
            ("TOP", "SELECT TOP 2 id FROM t ORDER BY 1 DESC"),
            ("MINUS, UNION ALL", "SELECT id FROM t UNION ALL SELECT id FROM s MINUS SELECT 1 ORDER BY id"),
            (
                "WITH",
                "WITH x (a) AS (SELECT max(id) FROM t) SELECT a FROM x WHERE EXISTS (SELECT 1 FROM s WHERE s.id = x.a)",
            ),
            ("lateral column aliases", "SELECT id + 1 AS n, n * 2 AS m FROM t"),
            ("JOIN USING", "SELECT id, t.name FROM t JOIN s USING (id)"),
            (
                "IN (query)",
                "SELECT id FROM t WHERE name IN (SELECT name FROM s) AND (id, name) NOT IN (SELECT id, name FROM u)",
            ),
            (
                "NVL, NVL2, DECODE, NULLIF",
                "SELECT nvl(name, 'x'), nvl2(name, 1, 0), decode(id, 1, 'a', NULL, 'b', 'c'), nullif(id, 1) FROM t",
            ),
            ("EXCLUDE", "SELECT * EXCLUDE (v, b) FROM t"),
            ("user function", "SELECT f_double(id) FROM t"),
            ("system views", "SELECT table_name FROM pg_catalog.svv_tables"),
        ],
    );
}

#[test]
fn changes() {
    snapshot(
        "changes",
        &Settings::default(),
        &[
            ("INSERT", "INSERT INTO t (id, v, name) VALUES (1, json_parse('{}'), 'a'), (2, NULL, DEFAULT)"),
            ("INSERT … SELECT: SUPER converts on assignment", "INSERT INTO s SELECT v.id, v.name FROM t"),
            ("UPDATE … FROM", "UPDATE t SET name = x.name, d = d + 1 FROM s x WHERE x.id = t.id"),
            ("DELETE … USING", "DELETE FROM t USING s WHERE t.id = s.id AND s.name = 'd'"),
            (
                "MERGE",
                "MERGE INTO u USING s AS x ON u.id = x.id WHEN MATCHED THEN UPDATE SET name = x.name || 'z' WHEN NOT MATCHED THEN INSERT (id, name) VALUES (x.id, x.name)",
            ),
            (
                "MERGE, subquery source and DELETE",
                "MERGE INTO u USING (SELECT id, name FROM s GROUP BY 1, 2) x ON u.id = x.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (x.id, x.name)",
            ),
            ("MERGE REMOVE DUPLICATES", "MERGE INTO u USING s ON u.id = s.id REMOVE DUPLICATES"),
        ],
    );
}

#[test]
fn definitions() {
    snapshot(
        "definitions",
        &Settings::default(),
        &[
            (
                "CREATE TABLE",
                "CREATE TABLE IF NOT EXISTS x.y (id BIGINT IDENTITY(1,1), a VARCHAR(20) ENCODE zstd NOT NULL, b SUPER, c VARBYTE(10), d DECIMAL(10,2) DEFAULT 0, PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (id, a) BACKUP NO",
            ),
            (
                "CREATE TEMP TABLE AS keeps the types",
                "CREATE TEMP TABLE x DISTKEY (id) AS SELECT id, v.a::varchar(5) AS a, d FROM t",
            ),
            ("#name is temporary", "SELECT id INTO #x FROM t"),
            ("CREATE VIEW", "CREATE OR REPLACE VIEW w (a) AS SELECT name FROM t"),
            (
                "CREATE FUNCTION … LANGUAGE sql",
                "CREATE FUNCTION f_x(int, varchar(5)) RETURNS varchar(10) IMMUTABLE AS $$ SELECT $2 || $1 $$ LANGUAGE sql",
            ),
            ("ALTER TABLE ADD COLUMN", "ALTER TABLE t ADD COLUMN extra VARCHAR(30)"),
            ("ALTER COLUMN TYPE widens VARCHAR", "ALTER TABLE t ALTER COLUMN name TYPE VARCHAR(50)"),
            ("DROP TABLE", "DROP TABLE IF EXISTS t, missing CASCADE"),
            ("TRUNCATE", "TRUNCATE TABLE t"),
        ],
    );
}
