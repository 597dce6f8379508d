//! What is deployed, without an account: the arm64 packages answer under an emulator, and SAM and
//! CDK deploy the binaries that the tests have built in the same target folder into MiniStack.
//! `infra/local/arm64.py` and `infra/local/deploy.py` do it.

use std::path::Path;
use std::process::Command;

use crate::infra;

/// Deploys both ways at the same time.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    script(root, "infra/local/deploy.py")
}

/// Builds the functions for arm64, and asks each of them.
pub(crate) fn arm64(root: &Path) -> Result<(), String> {
    script(root, "infra/local/arm64.py")
}

fn script(root: &Path, path: &str) -> Result<(), String> {
    let mut command = Command::new("python3");
    command.current_dir(root).arg(path).arg("--target").arg(infra::target(root)).env("PYTHONDONTWRITEBYTECODE", "1");
    // As for every Cargo below this program: see `cargo` in main.rs.
    crate::forget_package(&mut command);
    infra::run(path, &mut command)
}
