//! boto3 and the AWS CLI against the stand-in, as a project of another language would use it.
//!
//! The packages are those of `clients/requirements.txt`, installed with pip into a virtual environment in the target folder, once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// The folder of the environment's programs.
fn environment() -> PathBuf {
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
