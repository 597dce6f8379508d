//! The protocol below the operations: routes, headers, identity, shutting down.

use redshift_data_api::Identities;

use crate::support::{AUTHORIZATION, LONG, Stage, target};

#[tokio::test]
async fn routes_and_headers() {
    let stage = Stage::new().await;
    let health = stage.http("GET", "/__health", "", "").await;
    assert_eq!((health.status, &health.body["status"]), (200, &"ok".into()));

    let answer = stage.raw("ListStatements", "{}").await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains("x-amzn-requestid: "));
    assert!(answer.headers.contains("content-type: application/x-amz-json-1.1"));

    let json = "content-type: application/json\r\nx-amz-target: RedshiftData.ListStatements\r\n";
    for (method, path, headers, status) in [
        ("GET", "/", target("ListStatements"), 404),
        ("POST", "/other", target("ListStatements"), 404),
        ("POST", "/", json.to_owned(), 404),
        ("POST", "/", target("Nothing"), 400),
        (
            "POST",
            "/",
            "content-type: application/x-amz-json-1.1\r\nx-amz-target: Other.ListStatements\r\n".to_owned(),
            400,
        ),
    ] {
        let answer = stage.http(method, path, &format!("{headers}{AUTHORIZATION}"), "{}").await;
        assert_eq!(answer.status, status, "{method} {path} {headers}");
        assert_eq!(answer.body["__type"], "UnknownOperationException");
        assert!(answer.headers.contains("x-amzn-errortype: unknownoperationexception"));
    }
}

#[tokio::test]
async fn requests_must_be_signed() {
    let stage = Stage::with_options(|options| {
        options.identities = Identities { default: None, ..Identities::default() };
        options.check_region = true;
    })
    .await;
    let date = "x-amz-date: 20260101T000000Z\r\n";
    let signed = |credential: &str| {
        format!("{date}authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00\r\n")
    };
    for (headers, expected) in [
        (String::new(), "MissingAuthenticationTokenException"),
        ("authorization: Bearer x\r\n".to_owned(), "IncompleteSignatureException"),
        (
            format!("{date}authorization: AWS4-HMAC-SHA256 Credential=A/b/c/d/aws4_request\r\n"),
            "IncompleteSignatureException",
        ),
        (AUTHORIZATION.split_once("\r\n").unwrap().1.to_owned(), "IncompleteSignatureException"),
        (signed("AKIDALICE"), "IncompleteSignatureException"),
        (signed("AKIDALICE/20260101/eu-west-1/redshift-data/aws4_request"), "InvalidSignatureException"),
        (signed("AKIDALICE/20260101/us-east-1/s3/aws4_request"), "InvalidSignatureException"),
        (signed("AKIDNOBODY/20260101/us-east-1/redshift-data/aws4_request"), "UnrecognizedClientException"),
    ] {
        let headers = format!("{}{headers}", target("ListStatements"));
        let answer = stage.http("POST", "/", &headers, "{}").await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["__type"], expected, "{headers}");
        assert!(answer.body["message"].is_string());
    }
}

#[tokio::test]
async fn shutting_down_ends_statements_and_closes_the_port() {
    let stage = Stage::new().await;
    let execute = stage.client.execute_statement().sql("WAIT").workgroup_name("wg1");
    execute.database("dev").session_keep_alive_seconds(600).send().await.unwrap();
    stage.noted("waiting").await;
    let Stage { server, engine, .. } = stage;
    let address = server.address();
    tokio::time::timeout(LONG, server.shutdown()).await.unwrap();
    assert!(engine.log().contains(&"close 1000".to_owned()));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
