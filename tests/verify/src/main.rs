//! The one command that runs every check: `cargo verify`.
//!
//! The checks run in order of cost and stop at the first that fails. Each needs Cargo and nothing
//! else, apart from the last three: `infra` and `deploy` need Python 3 and Node.js too, `arm64`
//! Python 3, rustup and an emulator, which it gets by itself on Debian.

mod boundaries;
mod deploy;
mod infra;
mod space;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str =
    "usage: cargo verify [fmt|boundaries|clippy|doc|test|infra|arm64|deploy]...   (no argument: all of them)";

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    let checks: [(&str, Check); 8] = [
        ("fmt", |root| cargo(root, &["fmt", "--all", "--", "--check"], &[])),
        ("boundaries", boundaries::check),
        ("clippy", |root| {
            let arguments =
                ["clippy", "--release", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
            cargo(root, &arguments, &[])
        }),
        ("doc", |root| {
            let arguments = ["doc", "--release", "--workspace", "--no-deps", "--locked", "--quiet"];
            cargo(root, &arguments, &[("RUSTDOCFLAGS", "--deny warnings")])
        }),
        ("test", |root| cargo(root, &["test", "--release", "--workspace", "--locked"], &[])),
        ("infra", infra::check),
        ("arm64", deploy::arm64),
        ("deploy", deploy::check),
    ];
    if let Some(unknown) = asked.iter().find(|name| !checks.iter().any(|(known, _)| known == name)) {
        eprintln!("there is no check {unknown}\n{USAGE}");
        return ExitCode::FAILURE;
    }
    let short = asked.is_empty().then(|| space::shortage(&infra::target(&root))).flatten();
    if let Some(short) = &short {
        eprintln!("== note: {short}");
    }
    for (name, check) in checks {
        if !asked.is_empty() && !asked.iter().any(|one| one == name) {
            continue;
        }
        println!("== {name}");
        let started = Instant::now();
        if let Err(problem) = check(&root) {
            eprintln!("== {name} failed: {problem}");
            if let Some(short) = &short {
                eprintln!("== note: when it began, {short}");
            }
            return ExitCode::FAILURE;
        }
        println!("== {name} passed in {:.0} s", started.elapsed().as_secs_f64());
    }
    ExitCode::SUCCESS
}

type Check = fn(&Path) -> Result<(), String>;

/// The workspace's root: this package lies two folders below it.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root).args(arguments);
    forget_package(&mut command);
    let status = command
        .envs(environment.iter().copied())
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} ended with {status}", arguments.join(" "))) }
}

/// What `cargo run` tells this program about its package would make build scripts that look at
/// these variables build everything anew, and once more where the tests call Cargo themselves.
#[expect(clippy::disallowed_methods, reason = "what Cargo set for this program is not for the Cargo below it")]
fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
}
