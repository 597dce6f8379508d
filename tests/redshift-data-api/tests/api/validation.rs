//! What the service model forbids, and how the refusal reads. Raw HTTP, as SDKs check much of this
//! themselves.

use serde_json::json;

use crate::support::Stage;

const ID: &str = "00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn requests_that_the_model_refuses() {
    let stage = Stage::with_options(|options| {
        options.clusters = Some(vec!["c1".to_owned()]);
        options.workgroups = Some(vec!["wg1".to_owned()]);
        let secret = redshift_data_api::Secret { db_user: "u".to_owned(), cluster: Some("c1".to_owned()) };
        options.secrets.insert("s".to_owned(), secret);
    })
    .await;
    let one = "1 validation error detected: Value";
    let many: Vec<_> = (0..41).map(|_| "x").collect();
    let long_sql = "x".repeat(200_001);
    for (operation, request, expected) in [
        (
            "ExecuteStatement",
            json!({}),
            format!("{one} null at 'sql' failed to satisfy constraint: Member must not be null"),
        ),
        ("ExecuteStatement", json!({"Sql": null}), format!("{one} null at 'sql'")),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "WaitTimeSeconds": 31}),
            format!(
                "{one} '31' at 'waitTimeSeconds' failed to satisfy constraint: Member must have value less than or equal to 30"
            ),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "WaitTimeSeconds": 0}),
            format!(
                "{one} '0' at 'waitTimeSeconds' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "SessionKeepAliveSeconds": 86401}),
            format!("{one} '86401' at 'sessionKeepAliveSeconds'"),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "ClientToken": ""}),
            format!(
                "{one} '' at 'clientToken' failed to satisfy constraint: Member must have length greater than or equal to 1"
            ),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "ClientToken": "t".repeat(65)}),
            format!("{one} '{}' at 'clientToken'", "t".repeat(65)),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "StatementName": "n".repeat(2049)}),
            format!("{one} '{}' at 'statementName'", "n".repeat(2049)),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "ResultFormat": "XML"}),
            format!(
                "{one} 'XML' at 'resultFormat' failed to satisfy constraint: Member must satisfy enum value set: [JSON, CSV]"
            ),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "ClusterIdentifier": "Big"}),
            format!(
                "{one} 'Big' at 'clusterIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern:"
            ),
        ),
        ("ExecuteStatement", json!({"Sql": "x", "WorkgroupName": "a_b"}), format!("{one} 'a_b' at 'workgroupName'")),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "WorkgroupName": "wg", "ResultFormat": "XML"}),
            "3 validation errors detected: Value 'wg' at 'workgroupName'".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "SessionId": "x"}),
            "sessionId must satisfy regex pattern: ^[a-z0-9]{8}".to_owned(),
        ),
        ("ExecuteStatement", json!({"Sql": "x", "Parameters": []}), format!("{one} '[]' at 'parameters'")),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Parameters": [{"name": "a b", "value": "1"}]}),
            format!("{one} 'a b' at 'parameters.1.member.name'"),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Parameters": [{"name": "a", "value": ""}]}),
            format!("{one} '' at 'parameters.1.member.value'"),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Parameters": [{"name": "a"}]}),
            format!("{one} null at 'parameters.1.member.value'"),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "':a'", "Parameters": [{"name": "a", "value": "1"}]}),
            "Parameters list contains unused parameters. Unused parameters: [a]".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": ":a", "Parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}),
            "Parameters list contains duplicate".to_owned(),
        ),
        ("ExecuteStatement", json!({"Sql": long_sql}), "Query string length 200001 exceeds".to_owned()),
        ("ExecuteStatement", json!({"Sql": " "}), "Query string must not be empty.".to_owned()),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d"}),
            "Either ClusterIdentifier or WorkgroupName".to_owned(),
        ),
        ("ExecuteStatement", json!({"Sql": "x", "WorkgroupName": "wg1"}), "Database must be specified".to_owned()),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "WorkgroupName": "wg1", "ClusterIdentifier": "c1"}),
            "ClusterIdentifier and WorkgroupName".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "WorkgroupName": "wg1", "DbUser": "u"}),
            "DbUser can't".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "ClusterIdentifier": "c2"}),
            "Redshift endpoint doesn't exist in this region.".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "WorkgroupName": "wg2"}),
            "Redshift endpoint doesn't exist in this region.".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "ClusterIdentifier": "c1", "SecretArn": "other"}),
            "Secrets Manager can't find".to_owned(),
        ),
        (
            "ExecuteStatement",
            json!({"Sql": "x", "Database": "d", "ClusterIdentifier": "c1", "SecretArn": "s", "DbUser": "u"}),
            "SecretArn and DbUser".to_owned(),
        ),
        (
            "BatchExecuteStatement",
            json!({"Sqls": []}),
            format!(
                "{one} '[]' at 'sqls' failed to satisfy constraint: Member must have length greater than or equal to 1"
            ),
        ),
        (
            "BatchExecuteStatement",
            json!({"Sqls": many}),
            format!(
                "{one} '[41 items]' at 'sqls' failed to satisfy constraint: Member must have length less than or equal to 40"
            ),
        ),
        (
            "BatchExecuteStatement",
            json!({"Sqls": ["x"], "ExecutionMode": "BOTH"}),
            format!("{one} 'BOTH' at 'executionMode'"),
        ),
        ("DescribeStatement", json!({}), format!("{one} null at 'id'")),
        (
            "DescribeStatement",
            json!({"Id": "5"}),
            r"id must satisfy regex pattern: ^[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d+)?$".to_owned(),
        ),
        ("DescribeStatement", json!({"Id": format!("{ID}:100")}), "id must satisfy regex pattern".to_owned()),
        (
            "GetStatementResult",
            json!({"Id": ID.to_uppercase().replace('0', "A")}),
            "id must satisfy regex pattern".to_owned(),
        ),
        ("CancelStatement", json!({"Id": ""}), "id must satisfy regex pattern".to_owned()),
        ("ListStatements", json!({"MaxResults": 101}), format!("{one} '101' at 'maxResults'")),
        ("ListStatements", json!({"Status": "DONE"}), format!("{one} 'DONE' at 'status'")),
        ("ListSessions", json!({"Status": "OPEN"}), format!("{one} 'OPEN' at 'status'")),
        (
            "ListSessions",
            json!({"SessionId": ID, "Status": "BUSY"}),
            "Status can't be specified together with SessionId.".to_owned(),
        ),
        ("ListTables", json!({}), format!("{one} null at 'database'")),
        ("DescribeTable", json!({"Database": "d", "MaxResults": 1001}), format!("{one} '1001' at 'maxResults'")),
    ] {
        let answer = stage.raw(operation, &request.to_string()).await;
        let expected = format!("ValidationException: {expected}");
        let shown: String = request.to_string().chars().take(200).collect();
        assert!(answer.error().starts_with(&expected), "{operation} {shown}: {}", answer.error());
        assert_eq!(answer.status, 400);
    }
    assert!(stage.engine.log().is_empty(), "nothing of it reached the engine");
}

#[tokio::test]
async fn bodies_that_are_not_of_the_model() {
    let stage = Stage::new().await;
    for (operation, body) in [
        ("ExecuteStatement", ""),
        ("ExecuteStatement", "{"),
        ("ExecuteStatement", "[]"),
        ("ExecuteStatement", r#"{"Sql": 5}"#),
        ("ExecuteStatement", r#"{"Sql": "x", "WithEvent": "yes"}"#),
        ("ExecuteStatement", r#"{"Sql": "x", "WaitTimeSeconds": 1.5}"#),
        ("ExecuteStatement", r#"{"Sql": "x", "Parameters": {"name": "a"}}"#),
        ("ExecuteStatement", r#"{"Sql": "x", "Parameters": ["a"]}"#),
        ("ExecuteStatement", r#"{"Sql": "x", "Parameters": [{"name": "a", "value": 5}]}"#),
        ("BatchExecuteStatement", r#"{"Sqls": "x"}"#),
        ("BatchExecuteStatement", r#"{"Sqls": [5]}"#),
        ("DescribeStatement", "\u{feff}{}"),
    ] {
        let answer = stage.raw(operation, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.error().starts_with("SerializationException: "), "{body}: {}", answer.error());
    }
}

#[tokio::test]
async fn what_does_not_exist() {
    let stage = Stage::new().await;
    for operation in ["DescribeStatement", "GetStatementResult", "GetStatementResultV2", "CancelStatement"] {
        let answer = stage.raw(operation, &json!({"Id": ID}).to_string()).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.error(), "ResourceNotFoundException: Query does not exist.");
        assert_eq!(answer.body["ResourceId"], ID);
    }
    let answer = stage.raw("ListSessions", &json!({"SessionId": ID}).to_string()).await;
    assert!(answer.error().starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn unknown_and_null_members_are_ignored() {
    let stage = Stage::new().await;
    let request = json!({"Sql": "COUNT 1", "WorkgroupName": "wg1", "Database": "d", "ClusterIdentifier": null, "NewMember": {"x": 1}});
    let answer = stage.raw("ExecuteStatement", &request.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.error());
    assert!(answer.body["CreatedAt"].is_f64() || answer.body["CreatedAt"].is_i64(), "epoch seconds");
    assert!(answer.body.get("ClusterIdentifier").is_none());
}
