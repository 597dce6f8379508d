//! boto3 and the AWS CLI against the stand-in, as a project of another language would use it.
//!
//! The texts of the README are tried as they stand there, against the program that it names.
//!
//! The packages are those of `clients/requirements.txt`, installed with pip into a virtual environment in the target folder, once.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use redshift_data_api::{Options, serve};

use crate::harness::{Database, run};

const REQUIREMENTS: &str = include_str!("clients/requirements.txt");
const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/operations.py");

fn ran(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{what} could not be started ({error}): this test needs python3 with its venv module on the path")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what} failed:\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// The folder of the environment's programs; the first test makes it.
fn environment() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(make_environment).clone()
}

fn make_environment() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-clients");
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).ok().as_deref() != Some(REQUIREMENTS) {
        ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "python3 -m venv");
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, REQUIREMENTS).unwrap();
        ran(
            Command::new(folder.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(&requirements),
            "pip install of boto3 and the AWS CLI (it needs the package index)",
        );
        std::fs::write(&installed, REQUIREMENTS).unwrap();
    }
    folder.join("bin")
}

#[test]
fn boto3_and_the_aws_cli_run_all_operations() {
    let programs = environment();
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin
            .ok("CREATE PROCEDURE sp_endless() AS $$ DECLARE n BIGINT := 0; BEGIN LOOP n := n + 1; END LOOP; END; $$ LANGUAGE plpgsql")
            .await;
        admin.ok("GRANT EXECUTE ON PROCEDURE sp_endless() TO PUBLIC").await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = serve(listener, database.engine.clone(), Options::default()).unwrap();
        let mut command = Command::new(programs.join("python"));
        command
            .arg(OPERATIONS)
            .arg(database.name())
            .arg(programs.join("aws"))
            .env("AWS_ENDPOINT_URL_REDSHIFT_DATA", server.endpoint())
            .env("AWS_ACCESS_KEY_ID", "AKIDLOCAL")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let output = tokio::task::spawn_blocking(move || ran(&mut command, "operations.py")).await.unwrap();
        print!("{}", String::from_utf8_lossy(&output.stdout));
    });
}

const README: &str = include_str!("../../README.md");

/// The blocks of code in a language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    README.split(opening.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Ends the program, however the test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_readme_s_first_statements_work() {
    let programs = environment();
    let mut child = Command::new(env!("CARGO_BIN_EXE_redshift-stand-in"))
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the stand-in starts");
    let output = BufReader::new(child.stdout.take().unwrap());
    let _program = Program(child);
    let endpoint = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL_REDSHIFT_DATA=").map(str::to_owned))
        .expect("the program prints its endpoint");
    // The README's variables, with the port that was free.
    let (start, exports, cli) = match blocks("sh")[..] {
        [start, exports, cli, ..] => (start, exports.replace("http://127.0.0.1:8439", &endpoint), cli),
        _ => panic!("the README has commands to start, to set variables, and for the CLI"),
    };
    assert_eq!(start.trim(), "cargo run --release -p redshift-stand-in");
    let shell = |text: &str, what: &str| {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", &format!("PATH=\"$PROGRAMS:$PATH\"\n{text}")]);
        command.env("PROGRAMS", &programs).env("AWS_CONFIG_FILE", "/dev/null");
        String::from_utf8(ran(&mut command, what).stdout).unwrap()
    };
    let answer = shell(&format!("{exports}\n{cli}"), "the README's text for the AWS CLI");
    assert!(answer.contains("\"longValue\": 42"), "{answer}");
    let python = blocks("python")[0];
    let answer = shell(&format!("{exports}\npython - <<'EOF'\n{python}EOF"), "the README's text for boto3");
    assert_eq!(answer.trim(), "[[{'longValue': 42}]]");
}
