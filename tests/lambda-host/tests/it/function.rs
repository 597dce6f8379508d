//! Functions as processes: answers, errors, deaths, limits, environment, logs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_host::{
    Credentials, Function, FunctionConfig, HostError, InvokeOutcome, LogLine, LogStream, MAX_REQUEST_BYTES,
    MAX_RESPONSE_BYTES,
};
use serde_json::{Value, json};

/// The example program, which `cargo test` builds beside the tests.
pub(crate) fn probe_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent()
        .and_then(|deps| deps.parent())
        .expect("tests are two folders below the profile's folder")
        .join("examples/probe_function")
}

pub(crate) fn probe_config(name: &str) -> FunctionConfig {
    let credentials = Credentials {
        access_key_id: "AKIDPROBE".to_owned(),
        secret_access_key: "probe secret".to_owned(),
        session_token: None,
    };
    FunctionConfig { timeout: Duration::from_secs(20), ..FunctionConfig::new(name, probe_binary(), credentials) }
}

fn probe(change: impl FnOnce(&mut FunctionConfig)) -> Function {
    let mut config = probe_config("probe");
    change(&mut config);
    Function::new(config).unwrap()
}

async fn ask(function: &Function, order: Value) -> InvokeOutcome {
    function.invoke(order.to_string().into_bytes()).await.unwrap()
}

fn answer(outcome: &InvokeOutcome) -> Value {
    serde_json::from_slice(outcome.result.as_ref().unwrap()).unwrap()
}

#[tokio::test]
async fn one_warm_process_answers_one_invocation_after_the_other() {
    let function = probe(|_| {});
    assert_eq!((function.starts(), function.idle()), (0, 0));
    let first = ask(&function, json!({"do": "echo", "n": 1})).await;
    let second = ask(&function, json!({"do": "echo", "n": 2})).await;
    assert!(first.cold_start && !second.cold_start);
    assert_eq!(answer(&first)["event"], json!({"do": "echo", "n": 1}));
    assert_eq!(answer(&first)["requestId"], first.request_id.as_str());
    assert_eq!(answer(&first)["arn"], function.arn());
    assert_eq!(answer(&first)["process"], answer(&second)["process"]);
    assert_ne!(first.request_id, second.request_id);
    assert_eq!((function.starts(), function.idle(), function.running()), (1, 1, 0));
    function.shutdown().await;
    assert_eq!(function.idle(), 0);
    let refused = function.invoke(b"{}".to_vec()).await;
    assert!(matches!(refused, Err(HostError::ShutDown { .. })));
}

#[tokio::test]
async fn the_process_sees_lambdas_variables_and_its_own_and_nothing_else() {
    let function = probe(|config| {
        config.environment.insert("PIPELINE_FILE".to_owned(), "p.yaml".to_owned());
    });
    let seen = ask(&function, json!({"do": "environment"})).await;
    let seen: BTreeMap<String, String> = serde_json::from_value(answer(&seen)).unwrap();
    let expected = [
        ("AWS_ACCESS_KEY_ID", "AKIDPROBE"),
        ("AWS_SECRET_ACCESS_KEY", "probe secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "probe"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("PIPELINE_FILE", "p.yaml"),
    ];
    for (name, value) in expected {
        assert_eq!(seen.get(name).map(String::as_str), Some(value), "{name}");
    }
    let strangers: Vec<&String> = seen
        .keys()
        .filter(|name| !name.starts_with("AWS_") && !name.starts_with("LAMBDA_"))
        .filter(|name| {
            !["PATH", "LANG", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID", "PIPELINE_FILE"].contains(&name.as_str())
        })
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(!seen.contains_key("AWS_SESSION_TOKEN"));
}

#[tokio::test]
async fn errors_and_panics_are_function_errors_of_a_living_process() {
    let function = probe(|_| {});
    for (order, message) in [("fail", "asked to fail"), ("panic", "asked to panic")] {
        let outcome = ask(&function, json!({"do": order})).await;
        let error = outcome.result.unwrap_err();
        assert!(error.message.contains(message), "{error}");
        let document: Value = serde_json::from_slice(&error.payload).unwrap();
        assert_eq!(document["errorMessage"], error.message.as_str());
        assert!(error.log_tail.is_empty());
    }
    assert_eq!(function.starts(), 1);
}

#[tokio::test]
async fn a_process_that_dies_is_reported_and_replaced() {
    let function = probe(|_| {});
    let outcome = ask(&function, json!({"do": "exit"})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert_eq!(
        error.message,
        format!("RequestId: {} Error: Runtime exited with error: exit status 7", outcome.request_id)
    );
    assert!(error.log_tail.iter().any(|line| line == "last words of the process"));
    let next = ask(&function, json!({"do": "echo"})).await;
    assert!(next.cold_start && next.result.is_ok());
    assert_eq!(function.starts(), 2);
}

#[tokio::test]
async fn a_process_that_dies_while_idle_costs_no_invocation() {
    let function = probe(|_| {});
    let outcome = ask(&function, json!({"do": "exit-after"})).await;
    assert!(outcome.result.is_ok());
    // Depending on when the process ends it takes the next event or not. If it does not, nobody notices.
    let process = || async { answer(&ask(&function, json!({"do": "echo"})).await)["process"].clone() };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let first = loop {
        let outcome = ask(&function, json!({"do": "echo"})).await;
        if function.starts() == 2 && outcome.result.is_ok() {
            break answer(&outcome)["process"].clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "the process did not end");
        tokio::task::yield_now().await;
    };
    assert_eq!(process().await, first);
}

#[tokio::test]
async fn a_timeout_kills_the_process() {
    let function = probe(|config| config.timeout = Duration::from_millis(300));
    let outcome = ask(&function, json!({"do": "sleep"})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!(error.error_type, "Sandbox.Timedout");
    assert_eq!(error.message, format!("RequestId: {} Error: Task timed out after 0.30 seconds", outcome.request_id));
    assert!(outcome.duration >= Duration::from_millis(300));
    assert_eq!(function.idle(), 0);
}

#[tokio::test]
async fn a_process_can_be_killed_during_an_invocation() {
    let function = probe(|_| {});
    let order = json!({"do": "sleep"}).to_string().into_bytes();
    let outcome = function.invoke_and_kill(order, Duration::from_millis(20)).await.unwrap();
    let error = outcome.result.unwrap_err();
    assert!(error.message.ends_with("Runtime exited with error: signal: killed"), "{error}");
    // An answer that comes sooner is kept.
    let order = json!({"do": "echo"}).to_string().into_bytes();
    let outcome = function.invoke_and_kill(order, Duration::from_secs(15)).await.unwrap();
    assert!(outcome.result.is_ok());
}

#[tokio::test]
async fn failures_of_initialisation_are_reported_with_the_last_lines() {
    let function = probe(|config| {
        config.environment.insert("ON_INIT".to_owned(), "exit".to_owned());
    });
    let error = ask(&function, json!({})).await.result.unwrap_err();
    assert!(error.message.ends_with("Runtime exited with error: exit status 3"), "{error}");
    assert_eq!(error.log_tail, ["PIPELINE_FILE is missing"]);

    let function = probe(|config| {
        config.environment.insert("ON_INIT".to_owned(), "hang".to_owned());
        config.init_timeout = Duration::from_millis(200);
    });
    let error = ask(&function, json!({})).await.result.unwrap_err();
    assert_eq!(error.error_type, "Sandbox.Timedout");
    assert!(error.message.contains("Initialization timed out after 0.20 seconds"), "{error}");
}

#[tokio::test]
async fn requests_and_responses_have_lambdas_limits() {
    let function = probe(|_| {});
    let mut payload = br#"{"do":"large","bytes":3,"pad":""#.to_vec();
    payload.resize(MAX_REQUEST_BYTES - 2, b'x');
    payload.extend(b"\"}");
    assert_eq!(payload.len(), MAX_REQUEST_BYTES);
    assert!(function.invoke(payload.clone()).await.unwrap().result.is_ok());
    payload.push(b' ');
    let refused = function.invoke(payload).await;
    assert!(matches!(refused, Err(HostError::RequestTooLarge { .. })));

    let largest = ask(&function, json!({"do": "large", "bytes": MAX_RESPONSE_BYTES})).await;
    assert_eq!(largest.result.unwrap().len(), MAX_RESPONSE_BYTES);
    let larger = ask(&function, json!({"do": "large", "bytes": MAX_RESPONSE_BYTES + 1})).await;
    let error = larger.result.unwrap_err();
    assert_eq!(error.error_type, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn concurrent_invocations_get_processes_of_their_own_up_to_the_limit() {
    let function = probe(|config| config.concurrency = 2);
    let slow = json!({"do": "sleep", "ms": 400});
    let (one, two, three) = tokio::join!(
        function.invoke(slow.to_string().into_bytes()),
        function.invoke(slow.to_string().into_bytes()),
        async {
            while function.running() < 2 {
                tokio::task::yield_now().await;
            }
            function.invoke(b"{}".to_vec()).await
        },
    );
    assert!(one.unwrap().result.is_ok() && two.unwrap().result.is_ok());
    assert!(matches!(three, Err(HostError::Throttled { limit: 2, .. })));
    assert_eq!((function.starts(), function.idle()), (2, 2));
}

#[tokio::test]
async fn an_invocation_survives_its_caller() {
    let function = probe(|_| {});
    let abandoned = tokio::time::timeout(
        Duration::from_millis(50),
        function.invoke(json!({"do": "sleep", "ms": 600}).to_string().into_bytes()),
    )
    .await;
    assert!(abandoned.is_err());
    assert_eq!(function.running(), 1);
    function.shutdown().await;
    assert_eq!((function.running(), function.starts()), (0, 1));
}

#[tokio::test]
async fn output_goes_to_the_file_the_callback_and_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe.log");
    let lines: Arc<Mutex<Vec<LogLine>>> = Arc::default();
    let seen = Arc::clone(&lines);
    let function = probe(|config| {
        config.log_file = Some(file.clone());
        config.on_log = Some(Arc::new(move |line| seen.lock().unwrap().push(line.clone())));
    });
    let outcome = ask(&function, json!({"do": "print"})).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let has = |stream, text: &str| {
        lines.lock().unwrap().iter().any(|line| {
            line.stream == stream
                && line.text == text
                && line.request_id.as_deref() == Some(outcome.request_id.as_str())
        })
    };
    while !(has(LogStream::Stdout, "to standard output") && has(LogStream::Stderr, "to standard error")) {
        assert!(tokio::time::Instant::now() < deadline, "{lines:?}");
        tokio::task::yield_now().await;
    }
    assert!(has(LogStream::Platform, &format!("END RequestId: {}", outcome.request_id)));
    assert!(outcome.log_tail.starts_with("START RequestId: "), "{}", outcome.log_tail);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains(" stderr to standard error\n"), "{written}");
    assert!(written.contains(" platform REPORT RequestId: "), "{written}");
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let check = |change: fn(&mut FunctionConfig), problem: &str| {
        let mut config = probe_config("probe");
        change(&mut config);
        let error = Function::new(config).err().expect(problem).to_string();
        assert!(error.contains(problem), "{error}");
    };
    check(|c| c.name.clear(), "name");
    check(|c| c.concurrency = 0, "concurrency");
    check(|c| c.binary = "/no/such/binary".into(), "/no/such/binary");
    check(
        |c| {
            c.environment.insert("AWS_REGION".to_owned(), "x".to_owned());
        },
        "AWS_REGION is reserved",
    );
    check(|c| c.log_file = Some("/no/such/folder/log".into()), "cannot append to the log file /no/such/folder/log");
    assert!(!format!("{:?}", probe_config("p").credentials).contains("secret"));
}
