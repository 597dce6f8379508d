//! A partition's log: batches in segment files, read back by offset or by timestamp.
//!
//! Invariants: offsets are dense, `start <= next`, and a batch is visible to readers only once it is
//! completely in its file. Files are written without waiting for the disk: what was acknowledged survives
//! the end of the process, not the loss of power.

mod producers;
mod segment;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::batch::{self, BatchHeader};
use crate::error::BrokerError;
use crate::files;
use producers::{Producers, Verdict};
use segment::{BatchPlace, Segment};

/// One broker leads everything from the beginning, so the epoch never changes.
pub(crate) const LEADER_EPOCH: i32 = 0;
const START_FILE: &str = "start-offset";

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) log_start: i64,
}

/// The bounds of a log. `next` is the offset of the record that will be written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: i64,
    pub(crate) next: i64,
}

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    directory: PathBuf,
    segment_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By first offset; the last one is written to. Never empty.
    segments: Vec<Segment>,
    start: i64,
    next: i64,
    producers: Producers,
    deleted: bool,
}

/// A stretch of a file that holds whole batches.
struct Piece {
    file: Arc<File>,
    position: u64,
    size: u64,
}

impl PartitionLog {
    /// Opens the log in `directory`, creating it if it is missing and cutting off what a crash left incomplete.
    pub(crate) fn open(directory: PathBuf, segment_bytes: u64) -> Result<Self, BrokerError> {
        fs::create_dir_all(&directory).map_err(BrokerError::storage("create", &directory))?;
        let start_file = directory.join(START_FILE);
        let start = match fs::read_to_string(&start_file) {
            Ok(text) => text.trim().parse().unwrap_or(0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(BrokerError::storage("read", &start_file)(error)),
        };
        let mut producers = Producers::default();
        let mut segments: Vec<Segment> = Vec::new();
        let mut next = start;
        let found = Segment::list(&directory).map_err(BrokerError::storage("read", &directory))?;
        let mut found = found.into_iter();
        for (base, path) in found.by_ref() {
            if !segments.is_empty() && base != next {
                remove_unreachable(&path);
                break;
            }
            let (segment, cut) = Segment::recover(base, path.clone(), &mut |header| {
                producers.remember(header);
            })
            .map_err(BrokerError::storage("recover", &path))?;
            next = segment.batches.last().map_or(base, |batch| batch.last_offset + 1);
            segments.push(segment);
            if cut > 0 {
                tracing::warn!(path = %path.display(), bytes = cut, "cut off an incomplete end of a log");
                break;
            }
        }
        for (_, path) in found {
            remove_unreachable(&path);
        }
        if segments.is_empty() {
            segments
                .push(Segment::create(&directory, next).map_err(BrokerError::storage("create a log in", &directory))?);
        }
        let start = start.clamp(segments[0].base_offset, next);
        Ok(Self {
            directory,
            segment_bytes,
            state: Mutex::new(State { segments, start, next, producers, deleted: false }),
        })
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let state = self.lock();
        Bounds { start: state.start, next: state.next }
    }

    /// Stores an accepted batch at the end of the log, or finds it there if its producer sent it before.
    pub(crate) fn append(&self, mut header: BatchHeader, bytes: &Bytes) -> Result<Appended, ResponseError> {
        let mut batch = bytes.to_vec();
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.deleted {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        if let Verdict::Duplicate(base_offset) = state.producers.judge(&header)? {
            return Ok(Appended { base_offset, log_start: state.start });
        }
        header.base_offset = state.next;
        batch::stamp(&mut batch, state.next, LEADER_EPOCH);
        self.store(state, &header, &batch).map_err(|error| {
            tracing::error!(path = %self.directory.display(), %error, "could not append to a log");
            ResponseError::KafkaStorageError
        })?;
        state.producers.remember(&header);
        state.next = header.last_offset() + 1;
        Ok(Appended { base_offset: header.base_offset, log_start: state.start })
    }

    fn store(&self, state: &mut State, header: &BatchHeader, batch: &[u8]) -> std::io::Result<()> {
        let full = state
            .segments
            .last()
            .is_none_or(|last| last.length > 0 && last.length + batch.len() as u64 > self.segment_bytes);
        if full {
            let segment = Segment::create(&self.directory, state.next)?;
            state.segments.push(segment);
        }
        let last = state.segments.last_mut().expect("a log has a segment");
        last.append(header, batch)
    }

    /// Whole batches from the one that holds `offset` on, up to `max_bytes`; `at_least_one` ignores the limit
    /// for the first batch. Empty at the end of the log.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize, at_least_one: bool) -> Result<Bytes, ResponseError> {
        let pieces = self.plan_read(offset, max_bytes, at_least_one)?;
        let total: u64 = pieces.iter().map(|piece| piece.size).sum();
        let mut bytes = vec![0; usize::try_from(total).expect("limited by a 32 bit number")];
        let mut rest = &mut bytes[..];
        for piece in pieces {
            let (head, tail) = rest.split_at_mut(usize::try_from(piece.size).expect("part of the total"));
            piece.file.read_exact_at(head, piece.position).map_err(|error| self.read_failed(&error))?;
            rest = tail;
        }
        Ok(Bytes::from(bytes))
    }

    /// How many bytes `read` would return, without reading.
    pub(crate) fn available(&self, offset: i64, max_bytes: usize, at_least_one: bool) -> Result<usize, ResponseError> {
        let pieces = self.plan_read(offset, max_bytes, at_least_one)?;
        let total: u64 = pieces.iter().map(|piece| piece.size).sum();
        Ok(usize::try_from(total).expect("limited by a 32 bit number"))
    }

    fn plan_read(&self, offset: i64, max_bytes: usize, at_least_one: bool) -> Result<Vec<Piece>, ResponseError> {
        let state = self.lock();
        if state.deleted {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        if offset < state.start || offset > state.next {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let mut pieces = Vec::new();
        let mut total = 0u64;
        let limit = max_bytes as u64;
        let from = state.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1);
        'segments: for segment in &state.segments[from..] {
            let first = segment.find(offset);
            let Some(place) = segment.batches.get(first) else {
                continue;
            };
            let mut piece = Piece { file: segment.file.clone(), position: place.position, size: 0 };
            for batch in &segment.batches[first..] {
                let size = u64::from(batch.size);
                let forced = at_least_one && total == 0;
                if !forced && total + size > limit {
                    if piece.size > 0 {
                        pieces.push(piece);
                    }
                    break 'segments;
                }
                piece.size += size;
                total += size;
            }
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// The first record at or after a timestamp (milliseconds): offset and timestamp. `None`: there is none.
    pub(crate) fn find_timestamp(&self, timestamp: i64) -> Result<Option<(i64, i64)>, ResponseError> {
        let candidates: Vec<(Arc<File>, BatchPlace)> = {
            let state = self.lock();
            let start = state.start;
            state
                .segments
                .iter()
                .flat_map(|segment| segment.batches.iter().map(move |batch| (segment, *batch)))
                .filter(|(_, batch)| batch.max_timestamp >= timestamp && batch.last_offset >= start)
                .map(|(segment, batch)| (segment.file.clone(), batch))
                // The first one holds the record unless it lies below the start of the log.
                .take(2)
                .collect()
        };
        let start = self.bounds().start;
        for (file, place) in candidates {
            let mut bytes = vec![0; place.size as usize];
            file.read_exact_at(&mut bytes, place.position).map_err(|error| self.read_failed(&error))?;
            if let Some(found) = batch::find_timestamp(&bytes, timestamp) {
                return Ok(Some((found.0.max(start), found.1)));
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp: offset and timestamp. `None`: the log is empty.
    pub(crate) fn max_timestamp(&self) -> Result<Option<(i64, i64)>, ResponseError> {
        let largest = {
            let state = self.lock();
            state
                .segments
                .iter()
                .flat_map(|segment| &segment.batches)
                .filter(|batch| batch.last_offset >= state.start)
                .map(|batch| batch.max_timestamp)
                .max()
        };
        match largest {
            Some(timestamp) => self.find_timestamp(timestamp),
            None => Ok(None),
        }
    }

    /// Forgets the records before `offset` (-1: all) and returns the new start.
    pub(crate) fn delete_before(&self, offset: i64) -> Result<i64, ResponseError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let offset = if offset == -1 { state.next } else { offset };
        if state.deleted {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        if offset < 0 || offset > state.next {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if offset <= state.start {
            return Ok(state.start);
        }
        let stored = files::replace(&self.directory.join(START_FILE), offset.to_string().as_bytes());
        stored.map_err(|error| {
            tracing::error!(path = %self.directory.display(), %error, "could not store the start of a log");
            ResponseError::KafkaStorageError
        })?;
        state.start = offset;
        let keep = state.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1);
        for segment in state.segments.drain(..keep) {
            remove(&segment.path);
        }
        Ok(offset)
    }

    /// Writes everything to the disk.
    pub(crate) fn flush(&self) -> std::io::Result<()> {
        let files: Vec<_> = {
            let state = self.lock();
            state.segments.iter().map(|segment| segment.file.clone()).collect()
        };
        files.iter().try_for_each(|file| file.sync_data())
    }

    /// Refuses everything from now on; the topic is gone.
    pub(crate) fn mark_deleted(&self) {
        self.lock().deleted = true;
    }

    fn read_failed(&self, error: &std::io::Error) -> ResponseError {
        tracing::error!(path = %self.directory.display(), %error, "could not read a log");
        ResponseError::KafkaStorageError
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove_unreachable(path: &Path) {
    tracing::warn!(path = %path.display(), "removed a log file that follows a gap");
    remove(path);
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "could not remove a log file");
    }
}
