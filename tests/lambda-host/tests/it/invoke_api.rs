//! Lambda's Invoke API over HTTP, as the AWS CLI uses it.

use std::time::Duration;

use lambda_host::{Function, InvokeFront};
use serde_json::{Value, json};

use crate::function::probe_config;

struct Api {
    front: InvokeFront,
    function: Function,
    client: reqwest::Client,
}

async fn api() -> Api {
    let function = Function::new(probe_config("probe")).unwrap();
    let front = InvokeFront::start(([127, 0, 0, 1], 0).into(), vec![function.clone()]).await.unwrap();
    Api { front, function, client: reqwest::Client::new() }
}

impl Api {
    fn post(&self, name: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let name = name.replace(':', "%3A");
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.front.url());
        self.client.post(url).body(body)
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_function_is_invoked_by_each_of_its_names() {
    let api = api().await;
    let arn = api.function.arn();
    let partial = "123456789012:function:probe";
    for name in ["probe", "probe:$LATEST", partial, &arn] {
        let response = api.post(name, r#"{"do":"echo","n":1}"#).header("x-amz-log-type", "Tail").send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(header(&response, "x-amz-executed-version"), Some("$LATEST"));
        assert_eq!(header(&response, "x-amz-function-error"), None);
        assert!(header(&response, "x-amz-log-result").is_some_and(|log| !log.is_empty()));
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["event"]["n"], 1);
    }
    // An invocation without payload is an empty object.
    let response = api.post("probe", "").send().await.unwrap();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["event"], json!({}));
    api.front.shutdown().await;
}

#[tokio::test]
async fn errors_have_lambdas_shapes() {
    let api = api().await;
    let response = api.post("probe", r#"{"do":"fail"}"#).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-amz-function-error"), Some("Unhandled"));
    let document: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(document["errorMessage"], "asked to fail");

    let too_large = " ".repeat(6 * 1024 * 1024 + 1);
    let bad_type = api.post("probe", "{}").header("x-amz-invocation-type", "Later");
    for (request, status, error_type) in [
        (api.post("nobody", "{}"), 404, "ResourceNotFoundException"),
        (api.post("probe", "{"), 400, "InvalidRequestContentException"),
        (api.post("probe", too_large), 413, "RequestTooLargeException"),
        (bad_type, 400, "InvalidParameterValueException"),
        (api.client.get(format!("{}/2015-03-31/layers", api.front.url())), 404, "UnknownOperationException"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{error_type}");
        assert_eq!(header(&response, "x-amzn-errortype"), Some(error_type));
    }
}

#[tokio::test]
async fn events_run_after_the_answer_and_dry_runs_never() {
    let api = api().await;
    for (kind, status) in [("DryRun", 204), ("Event", 202)] {
        let response =
            api.post("probe", r#"{"do":"echo"}"#).header("x-amz-invocation-type", kind).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.bytes().await.unwrap().is_empty());
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
    let get = |path: &str| {
        let request = api.client.get(format!("{}/2015-03-31/functions{path}", api.front.url()));
        async { request.send().await.unwrap().bytes().await.unwrap() }
    };
    let list: Value = serde_json::from_slice(&get("/").await).unwrap();
    assert_eq!(list["Functions"][0]["FunctionArn"], api.function.arn());
    let one: Value = serde_json::from_slice(&get("/probe").await).unwrap();
    assert_eq!(one["Configuration"]["Timeout"], 20);
}
