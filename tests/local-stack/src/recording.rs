//! Recorded Kafka records: JSON Lines, plain, gzip or Zstandard.
//!
//! One line is one record: `{"topic", "partition", "offset", "timestamp", "key", "value",
//! "headers"}`, in the order in which the connector produced them. `key` and `value` are the
//! converter's text or null; a null value is a tombstone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// One recorded record.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedRecord {
    /// The topic.
    pub topic: String,
    /// The partition that Kafka chose.
    pub partition: i32,
    /// The offset in the recording; a broker gives its own.
    pub offset: i64,
    /// Milliseconds since the epoch at which the record was received.
    pub timestamp: i64,
    /// The key's text; `None` for a record without a key.
    pub key: Option<String>,
    /// The value's text; `None` for a tombstone.
    pub value: Option<String>,
    /// Header names and values as text.
    #[serde(default)]
    pub headers: Vec<RecordedHeader>,
}

/// One header of a recorded record.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedHeader {
    /// The header's name.
    pub key: String,
    /// Its value as text, or null.
    pub value: Option<String>,
}

/// Reads one recording whole.
///
/// # Errors
/// If the file cannot be read or decompressed, or a line is not a record; names file and line.
pub fn read(path: &Path) -> Result<Vec<RecordedRecord>> {
    let mut records = Vec::new();
    for (index, line) in lines(path)?.enumerate() {
        let line = line.with_context(|| format!("reading {} line {}", path.display(), index + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        records.push(
            serde_json::from_str(&line)
                .with_context(|| format!("{} line {} is not a recorded record", path.display(), index + 1))?,
        );
    }
    Ok(records)
}

/// The topics of some records, with as many partitions as the records need.
#[must_use]
pub fn topics(records: &[RecordedRecord]) -> BTreeMap<String, i32> {
    let mut topics: BTreeMap<String, i32> = BTreeMap::new();
    for record in records {
        let partitions = topics.entry(record.topic.clone()).or_insert(1);
        *partitions = (*partitions).max(record.partition + 1);
    }
    topics
}

/// The lines of a text file that may be compressed; the name's ending tells how.
///
/// # Errors
/// If the file cannot be opened or its header is not of the format that its name says.
pub fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let reader: Box<dyn Read> = match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => {
            Box::new(zstd::Decoder::new(file).with_context(|| format!("opening {} as Zstandard", path.display()))?)
        }
        _ => Box::new(file),
    };
    Ok(BufReader::with_capacity(1 << 20, reader).lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_the_partitions_that_their_records_need() {
        let at = |topic: &str, partition| RecordedRecord {
            topic: topic.to_owned(),
            partition,
            offset: 0,
            timestamp: 0,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let found = topics(&[at("b", 0), at("a", 4), at("a", 1)]);
        assert_eq!(found, BTreeMap::from([("a".to_owned(), 5), ("b".to_owned(), 1)]));
    }
}
