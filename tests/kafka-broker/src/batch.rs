//! The header of a record batch (message format 2) and what must hold before a batch is stored.
//!
//! Batches are stored as they came: only the base offset and the leader epoch are rewritten, and neither
//! is covered by the checksum. Compressed records are never unpacked here except to look up a timestamp.
//! Layout: Apache Kafka documentation, "Record Batch".

use bytes::{Buf, Bytes};
use kafka_protocol::ResponseError;
use kafka_protocol::compression::{Decompressor, Gzip, Lz4, Snappy, Zstd};

/// Bytes from the start of a batch to its first record.
pub(crate) const HEADER_SIZE: usize = 61;
/// Bytes in front of what the field `batchLength` counts.
const LENGTH_PREFIX: usize = 12;
const CRC_COVERS_FROM: usize = 21;
const COMPRESSION_MASK: i16 = 0b0111;
const LOG_APPEND_TIME: i16 = 0b1000;
const TRANSACTIONAL: i16 = 0b1_0000;
const CONTROL: i16 = 0b10_0000;
/// A batch is unpacked for a timestamp only up to this size; a larger one answers with its first offset.
const UNPACK_LIMIT: usize = 64 * 1024 * 1024;

/// Why bytes are not an acceptable batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    #[error("the batch is cut off")]
    Truncated,
    #[error("the message format is {0}, only 2 is stored")]
    OldFormat(i8),
    #[error("the checksum does not match")]
    Checksum,
    #[error("{0}")]
    Invalid(&'static str),
}

impl BatchError {
    /// The protocol's code for this refusal.
    pub(crate) fn code(self) -> ResponseError {
        match self {
            Self::Truncated | Self::Checksum => ResponseError::CorruptMessage,
            Self::OldFormat(_) => ResponseError::UnsupportedForMessageFormat,
            Self::Invalid(_) => ResponseError::InvalidRecord,
        }
    }
}

/// The fields of a batch header that the broker needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub(crate) size: usize,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
    crc: u32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`, which must hold the whole batch.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let mut header = bytes.get(..HEADER_SIZE).ok_or(BatchError::Truncated)?;
        let base_offset = header.get_i64();
        let length =
            usize::try_from(header.get_i32()).map_err(|_| BatchError::Invalid("the batch length is negative"))?;
        let _leader_epoch = header.get_i32();
        let magic = header.get_i8();
        if magic != 2 {
            return Err(BatchError::OldFormat(magic));
        }
        let size = length + LENGTH_PREFIX;
        if size < HEADER_SIZE {
            return Err(BatchError::Invalid("the batch is shorter than its header"));
        }
        if bytes.len() < size {
            return Err(BatchError::Truncated);
        }
        Ok(Self {
            base_offset,
            size,
            crc: header.get_u32(),
            attributes: header.get_i16(),
            last_offset_delta: header.get_i32(),
            base_timestamp: header.get_i64(),
            max_timestamp: header.get_i64(),
            producer_id: header.get_i64(),
            producer_epoch: header.get_i16(),
            base_sequence: header.get_i32(),
            record_count: header.get_i32(),
        })
    }

    /// Compares the checksum in the header with the bytes of this batch.
    pub(crate) fn check_crc(&self, bytes: &[u8]) -> Result<(), BatchError> {
        let covered = bytes.get(CRC_COVERS_FROM..self.size).ok_or(BatchError::Truncated)?;
        if crc32c::crc32c(covered) == self.crc { Ok(()) } else { Err(BatchError::Checksum) }
    }

    /// The offset of the last record, once stored at `base_offset`.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    fn compression(&self) -> i16 {
        self.attributes & COMPRESSION_MASK
    }
}

/// Takes the one batch of a produce request apart and checks everything that does not need the log.
///
/// A produce request of version 3 or later holds exactly one batch per partition (Kafka protocol guide).
pub(crate) fn accept(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = BatchHeader::parse(bytes)?;
    if bytes.len() != header.size {
        return Err(BatchError::Invalid("a produce request holds one batch per partition"));
    }
    header.check_crc(bytes)?;
    if header.record_count < 1 || header.last_offset_delta != header.record_count - 1 {
        return Err(BatchError::Invalid("the record count does not fit the offsets"));
    }
    if header.attributes & (TRANSACTIONAL | CONTROL) != 0 {
        return Err(BatchError::Invalid("transactions are not supported"));
    }
    if header.attributes & LOG_APPEND_TIME != 0 {
        return Err(BatchError::Invalid("a producer must not set log append time"));
    }
    if header.compression() > 4 {
        return Err(BatchError::Invalid("the compression is unknown"));
    }
    if header.producer_id >= 0 && (header.producer_epoch < 0 || header.base_sequence < 0) {
        return Err(BatchError::Invalid("an idempotent batch needs an epoch and a sequence"));
    }
    if header.compression() == 0 {
        let mut seen = 0;
        let mut records = &bytes[HEADER_SIZE..];
        while !records.is_empty() {
            next_record(&mut records)?;
            seen += 1;
        }
        if seen != header.record_count {
            return Err(BatchError::Invalid("the record count does not fit the records"));
        }
    }
    Ok(header)
}

/// Writes the two fields that belong to the broker into a stored copy of a batch.
pub(crate) fn stamp(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// The first record at or after `timestamp` (milliseconds) in a stored batch: its offset and timestamp.
///
/// A batch that cannot be unpacked answers with its first offset, which is never too late.
pub(crate) fn find_timestamp(batch: &[u8], timestamp: i64) -> Option<(i64, i64)> {
    let header = BatchHeader::parse(batch).ok()?;
    if header.max_timestamp < timestamp {
        return None;
    }
    let first = (header.base_offset, header.base_timestamp);
    let Some(records) = unpack(&header, batch) else {
        return Some(first);
    };
    let mut rest = &records[..];
    while !rest.is_empty() {
        let Ok(record) = next_record(&mut rest) else {
            return Some(first);
        };
        let at = header.base_timestamp.saturating_add(record.timestamp_delta);
        if at >= timestamp {
            return Some((header.base_offset.saturating_add(record.offset_delta), at));
        }
    }
    None
}

fn unpack(header: &BatchHeader, batch: &[u8]) -> Option<Bytes> {
    let records = batch.get(HEADER_SIZE..header.size)?;
    if records.len() > UNPACK_LIMIT {
        return None;
    }
    let mut packed = Bytes::copy_from_slice(records);
    let take = |buffer: &mut Bytes| Ok(std::mem::take(buffer));
    match header.compression() {
        0 => Some(packed),
        1 => Gzip::decompress(&mut packed, take).ok(),
        2 => Snappy::decompress(&mut packed, take).ok(),
        3 => Lz4::decompress(&mut packed, take).ok(),
        4 => Zstd::decompress(&mut packed, take).ok(),
        _ => None,
    }
}

struct RecordPlace {
    timestamp_delta: i64,
    offset_delta: i64,
}

fn next_record(bytes: &mut &[u8]) -> Result<RecordPlace, BatchError> {
    let length = usize::try_from(varint(bytes)?).map_err(|_| BatchError::Invalid("a record length is negative"))?;
    if length > bytes.len() {
        return Err(BatchError::Invalid("a record is longer than its batch"));
    }
    let (mut record, rest) = bytes.split_at(length);
    *bytes = rest;
    if record.is_empty() {
        return Err(BatchError::Invalid("a record is empty"));
    }
    let _attributes = record.get_i8();
    Ok(RecordPlace { timestamp_delta: varint(&mut record)?, offset_delta: varint(&mut record)? })
}

/// A zig-zag variable length integer of up to 64 bits.
fn varint(bytes: &mut &[u8]) -> Result<i64, BatchError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Err(BatchError::Invalid("a record is cut off"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(BatchError::Invalid("a number in a record is too long"))
}
