//! SHOW commands that list things: the documented columns, and numbers that are numbers.
//!
//! Redshift Database Developer Guide, "SHOW TABLES", "SHOW COLUMNS", "SHOW CONSTRAINTS", "SHOW PROCEDURES", "SHOW FUNCTIONS",
//! "SHOW PARAMETERS", "SHOW GRANTS", "SHOW COLUMN GRANTS", "SHOW SCHEMAS", "SHOW DATABASES".

use redshift_data_api::Value;

use crate::harness::{Database, run};

#[test]
fn show_lists_with_the_documented_columns() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let role = database.unique("show_reader");
        for sql in [
            "CREATE SCHEMA s",
            "CREATE TABLE s.pk (i INT, j INT, PRIMARY KEY (i, j)) DISTSTYLE ALL",
            "CREATE TABLE s.fk (i INT ENCODE zstd, j INT, c VARCHAR(9), FOREIGN KEY (i, j) REFERENCES s.pk) SORTKEY(j)",
            "CREATE VIEW s.lb AS SELECT i FROM s.fk WITH NO SCHEMA BINDING",
            "CREATE PROCEDURE s.sp(a IN INT, b INOUT DECIMAL(9,2), c OUT VARCHAR(5)) AS $$ BEGIN c := 'x'; END; $$ LANGUAGE plpgsql",
            "CREATE FUNCTION s.f(INT) RETURNS INT IMMUTABLE AS $$ SELECT $1 $$ LANGUAGE sql",
            &format!("CREATE ROLE {role}"),
            &format!("GRANT SELECT ON s.pk TO ROLE {role}"),
        ] {
            admin.ok(sql).await;
        }
        for (sql, wanted) in [
            ("SHOW TABLES FROM SCHEMA s LIKE 'f_'", &["DB|s|fk|TABLE|~|~|awsuser|~|~|AUTO (ALL)|REGULAR TABLE"][..]),
            ("SHOW TABLES FROM SCHEMA DB.s LIKE 'l%'", &["DB|s|lb|VIEW|~|~|awsuser|~|~|~|LATE BINDING VIEW"]),
            (
                "SHOW COLUMNS FROM TABLE s.fk LIMIT 2",
                &[
                    "DB|s|fk|i|1|~|YES|integer|~|32|0|~|~|0|~|zstd|~",
                    "DB|s|fk|j|2|~|YES|integer|~|32|0|~|COMPOUND|1|~|none|~",
                ],
            ),
            ("SHOW COLUMNS FROM TABLE s.lb", &["DB|s|lb|i|1|~|YES|integer|~|32|0|~|~|0|~|az64|~"]),
            ("SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE s.pk", &["DB|s|pk|pk_pkey|i|1", "DB|s|pk|pk_pkey|j|2"]),
            (
                "SHOW CONSTRAINTS FOREIGN KEYS EXPORTED FROM TABLE s.pk LIMIT 1",
                &["DB|s|pk|i|DB|s|fk|i|1|fk_i_fkey|pk_pkey|~|~|~"],
            ),
            ("SHOW CONSTRAINTS FOREIGN KEYS FROM TABLE s.pk", &[]),
            ("SHOW PROCEDURES FROM SCHEMA s", &["DB|s|sp|2|integer, numeric|numeric, character varying|~"]),
            ("SHOW FUNCTIONS FROM SCHEMA s LIKE 'f'", &["DB|s|f|1|integer|integer|~"]),
            (
                "SHOW PARAMETERS OF PROCEDURE s.sp(INT, DECIMAL)",
                &[
                    "DB|s|sp|a|1|IN|integer|~|32|0",
                    "DB|s|sp|b|2|INOUT|numeric|~|9|2",
                    "DB|s|sp|c|3|OUT|character varying|5|~|~",
                ],
            ),
            ("SHOW SCHEMAS FROM DATABASE DB LIKE 's'", &["DB|s|OWNER|local|~|~|~"]),
        ] {
            let rows = admin.rows(&sql.replace("DB", database.name())).await;
            let owner = admin.rows("SELECT current_user_id").await.remove(0);
            let wanted: Vec<String> =
                wanted.iter().map(|row| row.replace("DB", database.name()).replace("OWNER", &owner)).collect();
            assert_eq!(rows, wanted, "{sql}");
        }
        let numbers = admin.ok("SHOW COLUMNS FROM TABLE s.pk LIMIT 1").await;
        assert_eq!(numbers.rows[0][4], Value::Long(1));
        let grants = admin.ok(&format!("SHOW GRANTS ON TABLE s.pk FOR ROLE {role}")).await;
        assert_eq!(grants.rows.len(), 1);
        assert_eq!(grants.rows[0][3], Value::String("SELECT".into()));
        assert!(!admin.rows(&format!("SHOW GRANTS FOR ROLE {role}")).await.is_empty());
        admin.ok(&format!("GRANT SELECT (i), UPDATE (i) ON s.pk TO ROLE {role}")).await;
        let columns = admin.rows(&format!("SHOW COLUMN GRANTS ON TABLE s.pk FOR ROLE {role} LIMIT 1")).await;
        let start = format!("{}|s|pk|i|COLUMN|SELECT|", database.name());
        assert!(columns.len() == 1 && columns[0].starts_with(&start), "{columns:?}");
        assert_eq!(admin.rows("SHOW COLUMN GRANTS ON TABLE s.pk").await.len(), 2);
        admin.ok(&format!("REVOKE SELECT (i), UPDATE (i) ON s.pk FROM ROLE {role}")).await;
        admin.ok(&format!("SHOW GRANTS ON DATABASE {}", database.name())).await;
        admin.ok("SHOW DATABASES LIMIT 1").await;
        assert!(admin.err("SHOW GRANTS ON TABLE s.nowhere").await.contains("does not exist"));
        admin.ok(&format!("REVOKE SELECT ON s.pk FROM ROLE {role}")).await;
        admin.ok(&format!("DROP ROLE {role}")).await;
    });
}
