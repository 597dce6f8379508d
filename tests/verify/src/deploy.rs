//! The deployment itself, without an account: SAM and CDK into MiniStack, with the binaries that
//! the tests have built in the same target folder. `infra/local/deploy.py` does it.

use std::path::Path;
use std::process::Command;

use crate::infra;

/// Deploys both ways at the same time.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let mut command = Command::new("python3");
    command
        .current_dir(root)
        .arg("infra/local/deploy.py")
        .arg("--target")
        .arg(infra::target(root))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    // As for every Cargo below this program: see `cargo` in main.rs.
    crate::forget_package(&mut command);
    infra::run("infra/local/deploy.py", &mut command)
}
