//! The gates on the deployment: SAM and CDK templates, translated, linted, compared.
//!
//! Needs Python 3 and Node.js besides Cargo. Pinned Python packages go into a virtual
//! environment below the target folder, Node packages to `infra/cdk/node_modules`; both are kept
//! and installed again when their lists change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the gates.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let infra = root.join("infra");
    let python = python(&infra, &target(root))?;
    let cdk = infra.join("cdk");
    install_node_packages(&cdk)?;
    // Both use one core most of the time.
    std::thread::scope(|scope| {
        let types_and_assertions = scope.spawn(|| {
            run_quietly("npm run check", npm(&cdk).args(["run", "--silent", "check"]))?;
            run_quietly("npm test", npm(&cdk).args(["run", "--silent", "test"]))
        });
        let gates = run(
            "python",
            Command::new(&python)
                .current_dir(&infra)
                .args(["-m", "unittest", "discover", "--start-directory", "checks", "--top-level-directory", "."])
                .env("PYTHONDONTWRITEBYTECODE", "1"),
        );
        let npm = types_and_assertions.join().unwrap_or_else(|_| Err("the thread of npm panicked".to_owned()));
        gates.and(npm)
    })
}

/// The folder that Cargo builds into: this program lies in it.
pub(crate) fn target(root: &Path) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().and_then(Path::parent).map_or_else(|| root.join("target"), Path::to_owned)
}

/// Python with the packages of `infra/checks/requirements.txt`.
fn python(infra: &Path, target: &Path) -> Result<PathBuf, String> {
    let requirements = infra.join("checks/requirements.txt");
    let environment = target.join("infra-checks");
    let python = environment.join("bin/python");
    let installed = environment.join("requirements.txt");
    if python.is_file() && same(&requirements, &installed) {
        return Ok(python);
    }
    println!("installing infra/checks/requirements.txt into {}", environment.display());
    run(
        "python3 (with its venv module; on Debian the package python3-venv)",
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment),
    )?;
    run(
        "pip",
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements),
    )?;
    keep(&requirements, &installed)?;
    Ok(python)
}

fn install_node_packages(cdk: &Path) -> Result<(), String> {
    let lock = cdk.join("package-lock.json");
    let installed = cdk.join("node_modules/.installed-package-lock.json");
    if same(&lock, &installed) {
        return Ok(());
    }
    println!("installing infra/cdk/package-lock.json");
    run("npm (Node.js 20 or newer)", npm(cdk).args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"]))?;
    keep(&lock, &installed)
}

fn npm(cdk: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(cdk);
    command
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn keep(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("writing {}: {error}", to.display()))
}

/// Shows the output only if the command fails, so that it does not mix with another's.
fn run_quietly(what: &str, command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{what} cannot be started: {error}"))?;
    if output.status.success() {
        println!("{what} passed");
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(format!("{what} ended with {}:\n{}", output.status, String::from_utf8_lossy(&text)))
}

/// Runs a command; its output goes where this program's goes.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} ended with {status}")),
        Err(error) => Err(format!("{what} cannot be started: {error}; install it, or name the other checks")),
    }
}
