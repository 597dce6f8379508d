//! The function binaries: built when they are missing or stale.
//!
//! `cargo run` builds only the package that it runs. Cargo itself knows best what is stale, so
//! it is asked each time; with nothing to do it answers within a second.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The deployed functions; folder, package and binary have the same name.
pub const FUNCTIONS: [&str; 4] = ["change-handler", "lag-monitor", "provisioner", "refresher"];

/// Where a function's binary is.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds the function binaries beside this program's own.
    ///
    /// # Errors
    /// If Cargo cannot be run or the build fails, and the binaries are not there already.
    pub fn build() -> Result<Self> {
        let folder = own_folder()?;
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "dev",
            Some(name) => name,
            None => "release",
        }
        .to_owned();
        let binaries = Self { folder };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if !workspace.join("Cargo.toml").exists() {
            return binaries.present("the source tree is not there to build them from");
        }
        let mut command = Command::new(cargo());
        command
            .current_dir(&workspace)
            .args(["build", "--quiet", "--locked", "--profile", &profile])
            .stdin(Stdio::null());
        if let Some(target) = binaries.folder.parent() {
            command.arg("--target-dir").arg(target);
        }
        // With this program's package beside them, the dependencies have the features with which
        // this program was built, and are not built again.
        for package in FUNCTIONS.iter().chain([&env!("CARGO_PKG_NAME")]) {
            command.args(["--package", package, "--bin", package]);
        }
        // `cargo run` and `cargo test` tell a program about its package. Build scripts that look at
        // these variables would take the change for a reason to build everything anew.
        for name in package_variables() {
            command.env_remove(name);
        }
        match command.status() {
            Ok(status) if status.success() => binaries.present("Cargo built them elsewhere"),
            Ok(status) => bail!("building the function binaries failed ({status}); the compiler's messages are above"),
            Err(error) => binaries.present(&format!("Cargo could not be started to build them: {error}")),
        }
    }

    fn present(self, otherwise: &str) -> Result<Self> {
        for function in FUNCTIONS {
            let path = self.path(function);
            if !path.is_file() {
                bail!(
                    "the binary of function {function} is not at {}, and {otherwise}; run `cargo build --release --workspace`",
                    path.display()
                );
            }
        }
        Ok(self)
    }

    /// The path of one function's binary.
    #[must_use]
    pub fn path(&self, function: &str) -> PathBuf {
        self.folder.join(function)
    }
}

/// The folder of this program's profile: test programs live one folder deeper.
fn own_folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("finding this program's own path")?;
    let mut folder = program.parent().context("this program's path has no folder")?.to_owned();
    if folder.ends_with("deps") || folder.ends_with("examples") {
        folder.pop();
    }
    Ok(folder)
}

#[expect(clippy::disallowed_methods, reason = "what Cargo set for this program is not for the Cargo below it")]
fn package_variables() -> Vec<OsString> {
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "Cargo names itself in the environment of what it runs")]
fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}
