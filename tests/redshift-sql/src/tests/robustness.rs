//! No input panics, and splitting respects quotes and comments.

use super::{Small, translate};
use crate::{NoVariables, Settings, parse, parse_body, redshift_error_text, rewrite, split};

const SAMPLES: &[&str] = &[
    "WITH x AS (SELECT id, v.\"a\"[0].b::varchar(3) AS c FROM t, t.v.items AS i AT n WHERE name = 'é''x' AND id IN (1, 2)) SELECT TOP 1 * FROM x QUALIFY row_number() OVER (PARTITION BY id ORDER BY c ROWS UNBOUNDED PRECEDING) = 1",
    "CREATE TABLE IF NOT EXISTS a.b (c DECIMAL(38,0) ENCODE az64 NOT NULL DEFAULT 1, PRIMARY KEY (c)) DISTSTYLE KEY DISTKEY (c) COMPOUND SORTKEY (c)",
    "MERGE INTO u USING (SELECT * FROM s) x ON u.id = x.id WHEN MATCHED THEN UPDATE SET name = x.name WHEN NOT MATCHED THEN INSERT VALUES (x.id, x.name)",
    "CREATE OR REPLACE PROCEDURE p(a IN int, b OUT varchar(3)) AS $x$ DECLARE c int := 1; BEGIN IF a > 1 THEN b := 'x'; END IF; END; $x$ LANGUAGE plpgsql SECURITY DEFINER",
    "CREATE MATERIALIZED VIEW m DISTSTYLE EVEN SORTKEY (a) AUTO REFRESH YES AS SELECT kafka_offset AS a FROM kafka.topic",
    "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA a TO ROLE r, GROUP g, u WITH GRANT OPTION",
    "CREATE EXTERNAL SCHEMA k FROM KAFKA IAM_ROLE 'arn' URI 'b:1' AUTHENTICATION iam",
];

#[test]
fn no_truncated_statement_panics() {
    for sample in SAMPLES {
        for (cut, _) in sample.char_indices() {
            for text in [&sample[..cut], &sample[cut..]] {
                if let Ok(statement) = parse(text, &Settings::default()) {
                    // Whether it translates does not matter here: it must not panic.
                    drop(rewrite(&statement, &Small, &Settings::default(), &NoVariables));
                }
                drop(parse_body(text, true, &Settings::default()));
                drop(split(text));
            }
        }
        assert!(parse(sample, &Settings::default()).is_ok(), "{sample}");
    }
}

#[test]
fn no_swapped_token_panics() {
    for sample in SAMPLES {
        let words: Vec<&str> = sample.split(' ').collect();
        for from in 0..words.len() {
            for to in (0..words.len()).step_by(3) {
                let mut mixed = words.clone();
                mixed.swap(from, to);
                if let Ok(statement) = parse(&mixed.join(" "), &Settings::default()) {
                    drop(rewrite(&statement, &Small, &Settings::default(), &NoVariables));
                }
            }
        }
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    let error = parse(&deep, &Settings::default()).expect_err("too deep");
    assert!(error.message.contains("nested deeper"), "{}", error.message);
}

#[test]
fn long_chains_are_no_deep_recursion() {
    let chain = vec!["'a'"; 3000].join(" || ");
    assert!(translate(&format!("SELECT {chain}"), &Settings::default()).is_ok());
    let union = vec!["SELECT id FROM t"; 500].join(" UNION ALL ");
    assert!(translate(&union, &Settings::default()).is_ok());
}

#[test]
fn scripts_split_at_real_semicolons() {
    let script = "SELECT ';' -- a; b\n; /* ; /* ; */ */ CREATE PROCEDURE p() AS $a$ BEGIN NULL; END; $a$ LANGUAGE plpgsql;;\n SELECT \"a;b\" ; -- end";
    let parts = split(script).expect("splits");
    assert_eq!(
        parts,
        ["SELECT ';'", "CREATE PROCEDURE p() AS $a$ BEGIN NULL; END; $a$ LANGUAGE plpgsql", "SELECT \"a;b\""]
    );
    assert!(split("SELECT 'open").is_err() && split("/* open").is_err() && split("$a$ open").is_err());
}

#[test]
fn errors_of_postgresql_get_redshift_texts() {
    assert_eq!(
        redshift_error_text("21000", "MERGE command cannot affect row a second time", None).as_deref(),
        Some("Found multiple matches to update the same tuple.")
    );
    assert_eq!(
        redshift_error_text("23514", "new row violates check", Some("rs_len_varchar_20_3")).as_deref(),
        Some("value too long for type character varying(20)")
    );
    assert_eq!(redshift_error_text("23514", "new row violates check", Some("other")), None);
}
