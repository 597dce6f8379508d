//! Is there room for a whole run? A full disk shows as a hundred different failures.

use std::path::Path;
use std::process::Command;

/// What a run from an empty target folder writes at its height, with something to spare;
/// CONTRIBUTING.md says what was measured.
const NEEDED_MB: u64 = 7 * 1024;

/// Says how little is free where Cargo builds or where temporary files go; `None` if it is enough,
/// or if `df` cannot tell.
pub(crate) fn shortage(target: &Path) -> Option<String> {
    [target, &std::env::temp_dir()].into_iter().find_map(|folder| short(folder, free_mb(folder)?))
}

fn short(folder: &Path, free_mb: u64) -> Option<String> {
    (free_mb < NEEDED_MB).then(|| {
        let folder = folder.display();
        format!("{free_mb} MB are free in {folder}, and a run from an empty target folder needs {NEEDED_MB} MB")
    })
}

fn free_mb(folder: &Path) -> Option<u64> {
    let output = Command::new("df").args(["-Pk"]).arg(folder).output().ok()?;
    available_mb(&String::from_utf8(output.stdout).ok()?)
}

/// The fourth column of the POSIX format's second line, in units of 1,024 bytes.
fn available_mb(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kb| kb / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_and_compared() {
        let df =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263174212 92274688 3250585 97% /\n";
        assert_eq!(available_mb(df), Some(3174));
        assert_eq!(available_mb("df: no such file"), None);
        assert!(short(Path::new("/build"), 3174).is_some_and(|text| text.starts_with("3174 MB are free in /build,")));
        assert_eq!(short(Path::new("/build"), NEEDED_MB), None);
        assert!(free_mb(Path::new(".")).is_some());
    }
}
