//! A Lambda function that does what its event asks for: the other side of the host's tests.
//!
//! `{"do": "echo" | "environment" | "fail" | "panic" | "exit" | "sleep" | "print" | "large" | "exit-after"}`. The variable
//! `ON_INIT` (`exit`, `hang`) makes it fail before it asks for its first event.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[expect(
    clippy::disallowed_methods,
    reason = "what a function's process finds in its environment is what the tests want to know"
)]
fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    match event["do"].as_str().unwrap_or("echo") {
        "echo" => Ok(json!({
            "event": event,
            "requestId": context.request_id,
            "arn": context.invoked_function_arn,
            "deadline": context.deadline,
            "process": std::process::id(),
        })),
        "environment" => Ok(json!(environment())),
        "fail" => Err("asked to fail".into()),
        "panic" => panic!("asked to panic"),
        "exit" => {
            eprintln!("last words of the process");
            std::process::exit(7)
        }
        "exit-after" => {
            // The answer is sent by the same thread before it comes back to this task.
            tokio::spawn(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                std::process::exit(1)
            });
            Ok(Value::Null)
        }
        "sleep" => {
            let ms = event["ms"].as_u64().unwrap_or(60_000);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(json!("slept"))
        }
        "print" => {
            println!("to standard output");
            eprintln!("to standard error");
            Ok(Value::Null)
        }
        "large" => {
            let bytes = event["bytes"].as_u64().and_then(|b| usize::try_from(b).ok());
            Ok(json!("x".repeat(bytes.unwrap_or(0).saturating_sub(2))))
        }
        other => Err(format!("unknown order {other}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match environment().get("ON_INIT").map(String::as_str) {
        Some("exit") => {
            eprintln!("PIPELINE_FILE is missing");
            std::process::exit(3);
        }
        Some("hang") => std::future::pending().await,
        _ => lambda_runtime::run(service_fn(handle)).await,
    }
}
