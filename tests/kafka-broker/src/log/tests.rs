//! The log by itself: reading, finding, rolling, recovering.

use std::fs::OpenOptions;
use std::io::Write as _;

use kafka_protocol::records::Compression;
use tempfile::TempDir;

use super::*;
use crate::samples;

const SEGMENT: u64 = 1000;

fn open(directory: &TempDir) -> PartitionLog {
    PartitionLog::open(directory.path().join("0"), SEGMENT).unwrap()
}

fn append(log: &PartitionLog, bytes: &Bytes) -> Appended {
    log.append(batch::accept(bytes).unwrap(), bytes).unwrap()
}

/// The first and the last offset of every batch in `bytes`.
fn ranges(mut bytes: &[u8]) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let header = BatchHeader::parse(bytes).unwrap();
        header.check_crc(bytes).unwrap();
        found.push((header.base_offset, header.last_offset()));
        bytes = &bytes[header.size..];
    }
    found
}

fn segment_files(directory: &TempDir) -> Vec<PathBuf> {
    let found = Segment::list(&directory.path().join("0")).unwrap();
    found.into_iter().map(|(_, path)| path).collect()
}

#[test]
fn batches_are_read_whole_from_the_one_that_holds_the_offset() {
    let directory = TempDir::new().unwrap();
    let log = open(&directory);
    let bytes = samples::batch(&[1, 2, 3], Compression::None);
    for base in [0, 3, 6, 9, 12] {
        assert_eq!(append(&log, &bytes).base_offset, base);
    }
    assert!(segment_files(&directory).len() > 1, "the test wants several files");
    let read = |offset, max, at_least_one| ranges(&log.read(offset, max, at_least_one).unwrap());
    assert_eq!(read(0, usize::MAX, false), [(0, 2), (3, 5), (6, 8), (9, 11), (12, 14)]);
    assert_eq!(read(4, bytes.len() * 2, false), [(3, 5), (6, 8)]);
    assert_eq!(read(4, bytes.len() * 2 - 1, false), [(3, 5)]);
    assert_eq!(read(4, 1, false), []);
    assert_eq!(read(4, 1, true), [(3, 5)]);
    assert_eq!(read(15, 1, true), []);
    assert_eq!(log.available(4, bytes.len() * 2, false).unwrap(), bytes.len() * 2);
    assert_eq!(log.read(16, 1, true), Err(ResponseError::OffsetOutOfRange));
    assert_eq!(log.read(-1, 1, true), Err(ResponseError::OffsetOutOfRange));
}

#[test]
fn a_timestamp_is_found_in_every_compression() {
    for compression in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let directory = TempDir::new().unwrap();
        let log = open(&directory);
        append(&log, &samples::batch(&[10, 20, 30], compression));
        append(&log, &samples::batch(&[25, 40, 50], compression));
        let find = |timestamp| log.find_timestamp(timestamp).unwrap();
        assert_eq!(find(0), Some((0, 10)), "{compression:?}");
        assert_eq!(find(20), Some((1, 20)));
        assert_eq!(find(21), Some((2, 30)));
        assert_eq!(find(31), Some((4, 40)));
        assert_eq!(find(51), None);
        assert_eq!(log.max_timestamp().unwrap(), Some((5, 50)));
    }
}

#[test]
fn a_reopened_log_goes_on_where_it_ended() {
    let directory = TempDir::new().unwrap();
    let bytes = samples::producer_batch(&[1, 2, 3], Compression::None, 9, 0, 0);
    let log = open(&directory);
    append(&log, &bytes);
    for _ in 0..4 {
        append(&log, &samples::batch(&[1, 2, 3], Compression::None));
    }
    log.delete_before(4).unwrap();
    drop(log);
    let log = open(&directory);
    assert_eq!(log.bounds(), Bounds { start: 4, next: 15 });
    assert_eq!(ranges(&log.read(4, usize::MAX, true).unwrap())[0], (3, 5));
    assert_eq!(log.read(3, 1, true), Err(ResponseError::OffsetOutOfRange));
    let next = samples::batch(&[7], Compression::None);
    assert_eq!(append(&log, &next).base_offset, 15);
}

#[test]
fn a_reopened_log_remembers_its_producers() {
    let directory = TempDir::new().unwrap();
    let bytes = samples::producer_batch(&[1, 2, 3], Compression::None, 9, 0, 0);
    append(&open(&directory), &bytes);
    let log = open(&directory);
    assert_eq!(append(&log, &bytes).base_offset, 0);
    assert_eq!(log.bounds().next, 3);
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_is_torn() {
    let bytes = samples::batch(&[1, 2, 3], Compression::None);
    for torn in [1, 11, 12, 60, 61, bytes.len() - 1] {
        let directory = TempDir::new().unwrap();
        let log = open(&directory);
        append(&log, &bytes);
        drop(log);
        let path = segment_files(&directory).pop().unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        let mut second = bytes.to_vec();
        batch::stamp(&mut second, 3, 0);
        file.write_all(&second[..torn]).unwrap();
        drop(file);
        let log = open(&directory);
        assert_eq!(log.bounds().next, 3, "{torn} bytes of the second batch");
        assert_eq!(append(&log, &bytes).base_offset, 3);
        drop(log);
        let log = open(&directory);
        assert_eq!(ranges(&log.read(0, usize::MAX, true).unwrap()), [(0, 2), (3, 5)]);
    }
}

#[test]
fn damage_in_the_middle_ends_the_log_there() {
    let directory = TempDir::new().unwrap();
    let log = open(&directory);
    let bytes = samples::batch(&[1, 2, 3], Compression::None);
    for _ in 0..9 {
        append(&log, &bytes);
    }
    drop(log);
    let paths = segment_files(&directory);
    assert!(paths.len() >= 3, "the test wants several files");
    let mut content = std::fs::read(&paths[0]).unwrap();
    let at = bytes.len() + 70;
    content[at] ^= 0xff;
    std::fs::write(&paths[0], content).unwrap();
    let log = open(&directory);
    assert_eq!(log.bounds().next, 3);
    assert_eq!(segment_files(&directory).len(), 1);
}

#[test]
fn deleted_records_free_their_files_and_keep_their_offsets() {
    let directory = TempDir::new().unwrap();
    let log = open(&directory);
    let bytes = samples::batch(&[1, 2, 3], Compression::None);
    for _ in 0..6 {
        append(&log, &bytes);
    }
    let before = segment_files(&directory).len();
    assert_eq!(log.delete_before(10), Ok(10));
    assert!(segment_files(&directory).len() < before);
    assert_eq!(log.delete_before(5), Ok(10), "the start never goes back");
    assert_eq!(log.delete_before(19), Err(ResponseError::OffsetOutOfRange));
    assert_eq!(log.delete_before(-1), Ok(18));
    assert_eq!(log.bounds(), Bounds { start: 18, next: 18 });
    drop(log);
    assert_eq!(open(&directory).bounds(), Bounds { start: 18, next: 18 });
}
