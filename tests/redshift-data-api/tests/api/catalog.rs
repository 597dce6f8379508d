//! ListDatabases, ListSchemas, ListTables, DescribeTable.

use redshift_data_api::Value;

use crate::support::Stage;

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn asked(stage: &Stage) -> Vec<String> {
    let log = stage.engine.log();
    log.into_iter().filter(|line| line.starts_with("parameter") || line.starts_with("connect")).collect()
}

#[tokio::test]
async fn databases_and_schemas() {
    let stage = Stage::new().await;
    stage.engine.set_catalog(vec![vec![text("dev")], vec![text("prod")], vec![text("test")]]);
    let databases = stage.client.list_databases().workgroup_name("wg1").database("dev");
    let mut pages = databases.max_results(2).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.push(page.unwrap().databases().to_vec());
    }
    assert_eq!(found, [vec!["dev", "prod"], vec!["test"]]);

    let schemas = stage.client.list_schemas().workgroup_name("wg1").database("prod");
    let schemas = schemas.connected_database("dev").schema_pattern("cdc%").send().await.unwrap();
    assert_eq!(schemas.schemas().len(), 3);
    // Service model, `ConnectedDatabase`: it is connected to, and must be reachable; what is listed is `Database`'s.
    let asked = asked(&stage);
    assert_eq!(
        asked[asked.len() - 4..],
        [
            "connect dev IAMR:alice Iam",
            "connect prod IAMR:alice Iam",
            "parameter database=prod",
            "parameter schema=cdc%"
        ]
    );
}

#[tokio::test]
async fn tables_and_columns() {
    let stage = Stage::new().await;
    let table = |schema, name, kind| vec![text(schema), text(name), text(kind)];
    stage.engine.set_catalog(vec![
        table("pg_catalog", "pg_class", "BASE TABLE"),
        table("sales", "customer", "BASE TABLE"),
        table("sales", "people", "VIEW"),
    ]);
    let tables = stage.client.list_tables().cluster_identifier("c1").database("dev");
    let tables = tables.table_pattern("%").send().await.unwrap();
    let kinds: Vec<_> = tables.tables().iter().map(|table| table.r#type().unwrap()).collect();
    assert_eq!(kinds, ["SYSTEM TABLE", "TABLE", "VIEW"]);

    let column = |name, default, nullable, kind, length, precision, scale| {
        vec![text("sales"), text("customer"), text(name), default, text(nullable), text(kind), length, precision, scale]
    };
    stage.engine.set_catalog(vec![
        column("id", Value::Null, "NO", "bigint", Value::Null, Value::Long(64), Value::Long(0)),
        column("name", text("'x'::text"), "YES", "character varying", Value::Long(40), Value::Null, Value::Null),
        column("price", Value::Null, "YES", "numeric", Value::Null, Value::Long(12), Value::Long(2)),
    ]);
    let described = stage.client.describe_table().workgroup_name("wg1").database("dev");
    let described = described.schema("sales").table("customer").send().await.unwrap();
    assert_eq!(described.table_name(), Some("customer"));
    let columns: Vec<_> = described
        .column_list()
        .iter()
        .map(|one| {
            let words = (one.name().unwrap(), one.type_name().unwrap(), one.column_default());
            (words, [one.length(), one.precision(), one.scale(), one.nullable()])
        })
        .collect();
    assert_eq!(
        columns,
        [
            (("id", "int8", None), [0, 19, 0, 0]),
            (("name", "varchar", Some("'x'::text")), [40, 40, 0, 1]),
            (("price", "numeric", None), [0, 12, 2, 1]),
        ]
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_an_error_of_the_request() {
    let stage = Stage::new().await;
    let tables = stage.client.list_tables().workgroup_name("wg1").database("missing");
    let error = tables.send().await.unwrap_err().into_service_error();
    assert!(error.is_database_connection_exception(), "{error:?}");
    let tables = stage.client.list_tables().database("dev").send().await;
    assert!(tables.unwrap_err().into_service_error().is_validation_exception());
}
