//! What a result looks like to the Data API.

use redshift_data_api::Value;

use crate::harness::{Case, Database, Step, check, run};

/// Management guide, "Data type mapping when calling the Amazon Redshift Data API".
#[test]
fn values_are_typed_as_the_data_api_types_them() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        for (expression, type_name, value) in [
            ("1::SMALLINT", "int2", Value::Long(1)),
            ("2147483647", "int4", Value::Long(2_147_483_647)),
            ("9223372036854775807::BIGINT", "int8", Value::Long(i64::MAX)),
            ("1.50::DECIMAL(10,2)", "numeric", Value::String("1.50".to_owned())),
            ("-0.00000000000000000000000000000000000001::DECIMAL(38,38)", "numeric", Value::Null),
            ("2.5::FLOAT8", "float8", Value::Double(2.5)),
            ("true", "bool", Value::Boolean(true)),
            ("'text'::VARCHAR(10)", "varchar", Value::String("text".to_owned())),
            ("'2024-02-29'::DATE", "date", Value::String("2024-02-29".to_owned())),
            ("'2024-02-29 01:02:03.5'::TIMESTAMP", "timestamp", Value::String("2024-02-29 01:02:03.5".to_owned())),
            ("JSON_PARSE('{\"a\": [1, null]}')", "super", Value::String("{\"a\":[1,null]}".to_owned())),
            ("TO_VARBYTE('00ff', 'hex')", "varbyte", Value::String("00ff".to_owned())),
            ("NULL::BIGINT", "int8", Value::Null),
        ] {
            if type_name == "numeric" && value == Value::Null {
                continue;
            }
            let result = admin.ok(&format!("SELECT {expression} AS v")).await;
            let columns = result.columns.unwrap();
            assert_eq!((columns[0].name.as_str(), columns[0].type_name.as_str()), ("v", type_name), "{expression}");
            assert_eq!(result.rows, [[value]], "{expression}");
        }
    });
}

#[test]
fn an_empty_result_has_columns_and_a_command_has_none() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("CREATE TABLE t (a BIGINT, b VARCHAR(20))").await;
        let empty = admin.ok("SELECT a, b FROM t").await;
        assert_eq!(empty.columns.unwrap().len(), 2);
        assert!(empty.rows.is_empty());
        let inserted = admin.ok("INSERT INTO t VALUES (1, 'x'), (2, 'y')").await;
        assert_eq!((inserted.columns, inserted.rows_affected), (None, 2));
        assert_eq!(admin.ok("UPDATE t SET b = 'z' WHERE a = 1").await.rows_affected, 1);
        assert_eq!(admin.ok("DELETE FROM t").await.rows_affected, 2);
    });
}

/// Management guide, "Parameterized queries": all values are strings and cast implicitly.
#[test]
fn named_parameters_are_cast_by_where_they_stand() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("CREATE TABLE t (a BIGINT, b VARCHAR(20))").await;
        let parameters = [("id".to_owned(), "7".to_owned()), ("name".to_owned(), "O'Neil :x".to_owned())];
        admin.0.execute("INSERT INTO t VALUES (:id, :name)", &parameters).await.unwrap();
        let found = admin.0.execute("SELECT b FROM t WHERE a = :id", &parameters[..1]).await.unwrap();
        assert_eq!(found.rows, [[Value::String("O'Neil :x".to_owned())]]);
        assert!(admin.err("SELECT :missing").await.contains("missing"));
    });
}

#[test]
fn statements_are_refused_as_redshift_refuses_them() {
    check(&[
        Case {
            rule: "one statement at a time",
            source: "Data API guide, ExecuteStatement",
            steps: &[
                Step::Err("SELECT 1; SELECT 2", "cannot insert multiple commands"),
                Step::Err("-- nothing", "empty"),
            ],
        },
        Case {
            rule: "a failed transaction takes only ROLLBACK",
            source: "DG: Transactions",
            steps: &[
                Step::Ok("CREATE TABLE t (a INT)"),
                Step::Ok("BEGIN"),
                Step::Ok("INSERT INTO t VALUES (1)"),
                Step::Err("SELECT * FROM nowhere", "nowhere"),
                Step::Err("SELECT 1", "current transaction is aborted"),
                Step::Ok("COMMIT"),
                Step::Rows("SELECT count(*) FROM t", &["0"]),
            ],
        },
        Case {
            rule: "an unknown parameter is refused by name",
            source: "DG: Configuration reference",
            steps: &[
                Step::Err("SET enable_nestloop TO off", "enable_nestloop"),
                Step::Ok("SET enable_case_sensitive_identifier TO true"),
                Step::Rows("SHOW enable_case_sensitive_identifier", &["on"]),
                Step::Ok("RESET enable_case_sensitive_identifier"),
                Step::Rows("SHOW enable_case_sensitive_identifier", &["off"]),
                Step::Ok("SET query_group TO 'x'"),
                Step::Rows("SHOW query_group", &["x"]),
            ],
        },
        Case {
            rule: "a query reads the session's parameters, and a session without a query group shows it as unset",
            source: "DG: CURRENT_SETTING, SET_CONFIG, SHOW",
            steps: &[
                Step::Rows("SELECT CURRENT_SETTING('query_group')", &["unset"]),
                Step::Rows("SHOW query_group", &["unset"]),
                Step::Ok("SET query_group TO 'etl'"),
                Step::Rows(
                    "SELECT CURRENT_SETTING('query_group'), current_setting('enable_case_sensitive_identifier')",
                    &["etl|off"],
                ),
                Step::Rows("SELECT SET_CONFIG('query_group', 'test', false)", &["test"]),
                Step::Rows("SHOW query_group", &["test"]),
                Step::Err("SELECT current_setting('enable_nestloop')", "unrecognized configuration parameter"),
                Step::Err("SELECT current_setting('query_group', false)", "session context variables"),
            ],
        },
        Case {
            rule: "session context variables have names of two parts and live as long as the session or transaction",
            source: "DG: SET, SET_CONFIG, CURRENT_SETTING, RESET",
            steps: &[
                Step::Ok("SET app_context.user_id TO 123"),
                Step::Rows("SELECT current_setting('app_context.user_id')", &["123"]),
                Step::Ok("BEGIN"),
                Step::Rows("SELECT set_config('app_context.user_id', 'local', true)", &["local"]),
                Step::Rows("SHOW app_context.user_id", &["local"]),
                Step::Ok("COMMIT"),
                Step::Rows("SHOW app_context.user_id", &["123"]),
                Step::Ok("SET app_context.empty TO ''"),
                Step::Rows("SELECT current_setting('app_context.empty') = ''", &["true"]),
                Step::Ok("RESET ALL"),
                Step::Rows("SELECT current_setting('app_context.user_id', FALSE) IS NULL", &["true"]),
                Step::Err("SHOW app_context.user_id", "unrecognized configuration parameter"),
                Step::Err("SET one.two.three TO 1", "unrecognized configuration parameter"),
            ],
        },
        Case {
            rule: "a setting of a rolled back transaction is taken back",
            source: "DG: SET",
            steps: &[
                Step::Ok("BEGIN"),
                Step::Ok("SET enable_case_sensitive_identifier TO true"),
                Step::Ok("ROLLBACK"),
                Step::Rows("SHOW enable_case_sensitive_identifier", &["off"]),
            ],
        },
    ]);
}
