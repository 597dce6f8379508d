//! Small files that are replaced as a whole, so that a crash leaves the old or the new content.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces the content of a file by writing a neighbour and renaming it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let neighbour = Path::new(&name);
    let mut file = File::create(neighbour)?;
    file.write_all(content)?;
    drop(file);
    fs::rename(neighbour, path)
}
