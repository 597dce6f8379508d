//! The boundaries between the crates, as ARCHITECTURE.md states them.
//!
//! Reading the environment and the clock is forbidden by clippy's disallowed methods; what a
//! manifest can show is checked here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A dependency that only some of the shipped packages may name.
struct Rule {
    dependency: &'static str,
    allowed: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 6] = [
    Rule { dependency: "aws-sdk-redshiftdata", allowed: &["redshift-data"], why: "one crate talks to the Data API" },
    Rule { dependency: "aws-sdk-kafka", allowed: &["msk-client"], why: "one crate talks to MSK" },
    Rule { dependency: "rskafka", allowed: &["msk-client"], why: "one crate talks to Kafka" },
    Rule { dependency: "aws-msk-iam-sasl-signer", allowed: &["msk-client"], why: "one crate logs in to MSK" },
    Rule {
        dependency: "aws-config",
        allowed: &["function-kit", "msk-client", "redshift-data"],
        why: "the configuration is loaded at the edge and handed down",
    },
    Rule {
        dependency: "lambda_runtime",
        allowed: &["function-kit", "change-handler", "lag-monitor", "provisioner", "refresher"],
        why: "the core and the adapters do not know Lambda",
    },
];

/// Crates that the pure core must not reach, at any depth.
const IMPURE: [&str; 9] =
    ["tokio", "async-std", "smol", "hyper", "reqwest", "aws-config", "aws-smithy-runtime", "chrono", "rskafka"];

/// Checks every rule and reports all violations together.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let metadata = metadata(root)?;
    let mut problems = Vec::new();
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        lints(name, manifest, &mut problems);
        if is_below(manifest, "functions") || is_below(manifest, "shared") {
            shipped(name, package, &mut problems);
        }
    }
    problems.extend(pure_core(root)?);
    if problems.is_empty() {
        println!("{} packages keep the boundaries", packages.len());
        return Ok(());
    }
    Err(format!("\n  {}", problems.join("\n  ")))
}

fn is_below(manifest: &str, folder: &str) -> bool {
    manifest.contains(&format!("/{folder}/"))
}

/// Normal dependencies of a shipped package: the rules, and nothing of the local stack.
fn shipped(name: &str, package: &Value, problems: &mut Vec<String>) {
    let functions = ["change-handler", "lag-monitor", "provisioner", "refresher"];
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if !dependency["kind"].is_null() {
            continue;
        }
        let wanted = dependency["name"].as_str().unwrap_or_default();
        for rule in &RULES {
            if rule.dependency == wanted && !rule.allowed.contains(&name) {
                problems.push(format!("{name} depends on {wanted}, but {}", rule.why));
            }
        }
        if functions.contains(&wanted) {
            problems.push(format!("{name} depends on the function {wanted}; functions do not know each other"));
        }
        if dependency["path"].as_str().is_some_and(|path| path.contains("/tests/")) {
            problems.push(format!("{name} depends on {wanted}, which belongs to the local stack"));
        }
    }
}

fn lints(name: &str, manifest: &str, problems: &mut Vec<String>) {
    match std::fs::read_to_string(manifest) {
        Ok(text) if text.contains("[lints]\nworkspace = true") => {}
        Ok(_) => problems.push(format!("{name} does not take the workspace's lints")),
        Err(error) => problems.push(format!("{manifest} cannot be read: {error}")),
    }
}

fn pure_core(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["tree", "--package", "cdc-core", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--locked"])
        .output()
        .map_err(|error| format!("cargo tree cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let reached: BTreeSet<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if !reached.contains("cdc-core") {
        return Err("cargo tree did not list cdc-core".to_owned());
    }
    Ok(IMPURE
        .iter()
        .filter(|name| reached.contains(*name))
        .map(|name| format!("cdc-core reaches {name}; the core has no async runtime, no AWS and no clock"))
        .collect())
}

fn metadata(root: &Path) -> Result<Value, String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .map_err(|error| format!("cargo metadata cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(name: &str, dependency: Value) -> Vec<String> {
        let mut problems = Vec::new();
        shipped(name, &serde_json::json!({ "dependencies": [dependency] }), &mut problems);
        problems
    }

    #[test]
    fn a_forbidden_dependency_is_named_with_its_reason() {
        let found = violations("cdc-core", serde_json::json!({ "name": "aws-sdk-redshiftdata", "kind": null }));
        assert_eq!(found, ["cdc-core depends on aws-sdk-redshiftdata, but one crate talks to the Data API"]);
    }

    #[test]
    fn the_allowed_crate_and_development_dependencies_pass() {
        assert!(
            violations("redshift-data", serde_json::json!({ "name": "aws-sdk-redshiftdata", "kind": null })).is_empty()
        );
        assert!(violations("cdc-core", serde_json::json!({ "name": "rskafka", "kind": "dev" })).is_empty());
    }

    #[test]
    fn functions_do_not_depend_on_each_other_or_on_the_local_stack() {
        assert_eq!(violations("refresher", serde_json::json!({ "name": "provisioner", "kind": null })).len(), 1);
        let stack = serde_json::json!({ "name": "kafka-broker", "kind": null, "path": "/x/tests/kafka-broker" });
        assert_eq!(violations("refresher", stack).len(), 1);
    }
}
