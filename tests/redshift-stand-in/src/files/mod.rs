//! A folder that stands for S3: COPY reads from it, UNLOAD writes to it.
//!
//! `s3://bucket/prefix` is the folder's `bucket/prefix`; an object's key is the path below the bucket's folder. Credentials and
//! regions mean nothing here. Without a folder COPY and UNLOAD are refused.
//!
//! Invariant: no path leads out of the folder.

mod codec;
mod copy;
mod unload;

use std::path::{Path, PathBuf};

use redshift_data_api::SqlError;

use crate::error::{SqlResult, refused};

/// The folder, if there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage(Option<PathBuf>);

/// `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Uri {
    bucket: String,
    key: String,
}

impl Uri {
    fn parse(text: &str) -> SqlResult<Self> {
        let wrong = || SqlError::new("22023", "the path must have the form s3://bucket/key");
        let (bucket, key) = text.strip_prefix("s3://").ok_or_else(wrong)?.split_once('/').ok_or_else(wrong)?;
        let climbs = |part: &str| part == ".." || part == "." || part.contains(['\\', '\0']);
        if bucket.is_empty() || climbs(bucket) || key.split('/').any(climbs) || key.starts_with('/') {
            return Err(wrong());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl std::fmt::Display for Uri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl Storage {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// Fails if there is no folder; `what` is the statement.
    fn check(&self, what: &str) -> SqlResult<()> {
        match self.0 {
            Some(_) => Ok(()),
            None => Err(refused(format!(
                "{what} is not supported by this stand-in without a folder that stands for S3: start it with --s3 FOLDER"
            ))),
        }
    }

    fn path(&self, uri: &Uri) -> PathBuf {
        self.0.clone().unwrap_or_default().join(&uri.bucket).join(&uri.key)
    }

    /// The objects whose keys begin with the prefix, by key.
    fn list(&self, prefix: &Uri) -> SqlResult<Vec<Uri>> {
        let root = self.0.clone().unwrap_or_default().join(&prefix.bucket);
        let mut keys = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry.map_err(|error| failed("read", prefix, &error))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(key) = key_of(&root, &path)
                    && key.starts_with(&prefix.key)
                {
                    keys.push(key);
                }
            }
        }
        keys.sort_unstable();
        Ok(keys.into_iter().map(|key| Uri { bucket: prefix.bucket.clone(), key }).collect())
    }

    fn exists(&self, uri: &Uri) -> bool {
        self.path(uri).is_file()
    }

    fn read(&self, uri: &Uri) -> SqlResult<Vec<u8>> {
        std::fs::read(self.path(uri)).map_err(|error| failed("read", uri, &error))
    }

    fn write(&self, uri: &Uri, bytes: &[u8]) -> SqlResult<()> {
        let path = self.path(uri);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.and_then(|()| std::fs::write(&path, bytes)).map_err(|error| failed("write", uri, &error))
    }

    fn remove(&self, uri: &Uri) -> SqlResult<()> {
        std::fs::remove_file(self.path(uri)).map_err(|error| failed("remove", uri, &error))
    }
}

/// The path below the bucket's folder, with slashes.
fn key_of(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn failed(what: &str, uri: &Uri, error: &std::io::Error) -> SqlError {
    SqlError::new("58030", format!("cannot {what} {uri} in the folder that stands for S3: {error}"))
}

/// Runs work on files where it stops nobody.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> SqlResult<T> + Send + 'static) -> SqlResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| SqlError::new("58000", format!("work on files was interrupted: {error}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        for text in
            ["s3://b/../x", "s3://../x", "s3:///x", "s3://b", "/etc/passwd", "s3://b//etc/passwd", "s3://b/a/../../x"]
        {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
        assert_eq!(Uri::parse("s3://b/a/").unwrap().to_string(), "s3://b/a/");
    }
}
