//! Lambda's Invoke API over HTTP, as the AWS CLI uses it.

use std::time::Duration;

use lambda_host::{Function, InvokeFront};
use serde_json::{Value, json};

use crate::function::probe_config;
use crate::http_client::{HttpClient, Response};

struct Api {
    front: InvokeFront,
    function: Function,
    client: HttpClient,
}

async fn api() -> Api {
    let function = Function::new(probe_config("probe")).unwrap();
    let front = InvokeFront::start(([127, 0, 0, 1], 0).into(), vec![function.clone()]).await.unwrap();
    Api { front, function, client: HttpClient::new() }
}

impl Api {
    async fn post(&self, name: &str, header: Option<(&str, &str)>, body: &str) -> Response {
        let name = name.replace(':', "%3A");
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.front.url());
        self.client.post(&url, header, body.to_owned()).await
    }
}

#[tokio::test]
async fn a_function_is_invoked_by_each_of_its_names() {
    let api = api().await;
    let arn = api.function.arn();
    let partial = "123456789012:function:probe";
    for name in ["probe", "probe:$LATEST", partial, &arn] {
        let response = api.post(name, Some(("x-amz-log-type", "Tail")), r#"{"do":"echo","n":1}"#).await;
        assert_eq!(response.status, 200, "{name}");
        assert_eq!(response.header("x-amz-executed-version"), Some("$LATEST"));
        assert_eq!(response.header("x-amz-function-error"), None);
        assert!(response.header("x-amz-log-result").is_some_and(|log| !log.is_empty()));
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(answer["event"]["n"], 1);
    }
    // An invocation without payload is an empty object.
    let response = api.post("probe", None, "").await;
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answer["event"], json!({}));
    api.front.shutdown().await;
}

#[tokio::test]
async fn errors_have_lambdas_shapes() {
    let api = api().await;
    let response = api.post("probe", None, r#"{"do":"fail"}"#).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("x-amz-function-error"), Some("Unhandled"));
    let document: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(document["errorMessage"], "asked to fail");

    let too_large = " ".repeat(6 * 1024 * 1024 + 1);
    let bad_type = Some(("x-amz-invocation-type", "Later"));
    for (response, status, error_type) in [
        (api.post("nobody", None, "{}").await, 404, "ResourceNotFoundException"),
        (api.post("probe", None, "{").await, 400, "InvalidRequestContentException"),
        (api.post("probe", None, &too_large).await, 413, "RequestTooLargeException"),
        (api.post("probe", bad_type, "{}").await, 400, "InvalidParameterValueException"),
        (api.client.get(&format!("{}/2015-03-31/layers", api.front.url())).await, 404, "UnknownOperationException"),
    ] {
        assert_eq!(response.status, status, "{error_type}");
        assert_eq!(response.header("x-amzn-errortype"), Some(error_type));
    }
}

#[tokio::test]
async fn events_run_after_the_answer_and_dry_runs_never() {
    let api = api().await;
    for (kind, status) in [("DryRun", 204), ("Event", 202)] {
        let response = api.post("probe", Some(("x-amz-invocation-type", kind)), r#"{"do":"echo"}"#).await;
        assert_eq!(response.status, status);
        assert!(response.body.is_empty());
    }
    let ran = async {
        while api.function.idle() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ran).await.unwrap();
    assert_eq!(api.function.starts(), 1);
}

#[tokio::test]
async fn functions_are_listed_and_described() {
    let api = api().await;
    let url = format!("{}/2015-03-31/functions", api.front.url());
    let list: Value = serde_json::from_slice(&api.client.get(&format!("{url}/")).await.body).unwrap();
    assert_eq!(list["Functions"][0]["FunctionArn"], api.function.arn());
    let one: Value = serde_json::from_slice(&api.client.get(&format!("{url}/probe")).await.body).unwrap();
    assert_eq!(one["Configuration"]["Timeout"], 20);
}
