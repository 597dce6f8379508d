//! One file of a partition's log, with the index of its batches in memory.
//!
//! The index holds 32 bytes a batch and is rebuilt by reading the file once when the log is opened.
//! Invariant: the index describes exactly the first `length` bytes of the file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::batch::BatchHeader;

const SUFFIX: &str = "log";

/// Where one batch is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchPlace {
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) position: u64,
    pub(crate) size: u32,
}

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) file: Arc<File>,
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    pub(crate) batches: Vec<BatchPlace>,
}

impl Segment {
    /// A new, empty file for offsets from `base_offset` on.
    pub(crate) fn create(directory: &Path, base_offset: i64) -> io::Result<Self> {
        let path = directory.join(format!("{base_offset:020}.{SUFFIX}"));
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
        Ok(Self { base_offset, file: Arc::new(file), path, length: 0, batches: Vec::new() })
    }

    /// The segment files of a directory, by first offset.
    pub(crate) fn list(directory: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let base = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let Some(base) = base
                && path.extension().is_some_and(|suffix| suffix == SUFFIX)
            {
                found.push((base, path));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Reads a file, hands every sound batch to `each`, and cuts the file after the last sound one.
    ///
    /// Returns the segment and the number of bytes that were cut off.
    pub(crate) fn recover(
        base_offset: i64,
        path: PathBuf,
        each: &mut dyn FnMut(&BatchHeader),
    ) -> io::Result<(Self, u64)> {
        let bytes = std::fs::read(&path)?;
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let mut segment = Self { base_offset, file: Arc::new(file), path, length: 0, batches: Vec::new() };
        let mut rest = &bytes[..];
        let mut expected = base_offset;
        while let Ok(header) = BatchHeader::parse(rest) {
            if header.base_offset != expected || header.last_offset_delta < 0 || header.check_crc(rest).is_err() {
                break;
            }
            expected = header.last_offset().saturating_add(1);
            segment.index(&header);
            each(&header);
            rest = &rest[header.size..];
        }
        if !rest.is_empty() {
            segment.file.set_len(segment.length)?;
        }
        Ok((segment, rest.len() as u64))
    }

    /// Appends a stamped batch. After an error the file is as long as before.
    pub(crate) fn append(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(batch, self.length) {
            // What was written beyond the index is overwritten by the next append or cut off at the next start.
            self.file.set_len(self.length).ok();
            return Err(error);
        }
        self.index(header);
        Ok(())
    }

    /// The place in the index of the batch that holds `offset`, or of the next one.
    pub(crate) fn find(&self, offset: i64) -> usize {
        self.batches.partition_point(|batch| batch.last_offset < offset)
    }

    fn index(&mut self, header: &BatchHeader) {
        self.batches.push(BatchPlace {
            last_offset: header.last_offset(),
            max_timestamp: header.max_timestamp,
            position: self.length,
            size: u32::try_from(header.size).expect("a batch length is a 32 bit number"),
        });
        self.length += header.size as u64;
    }
}
