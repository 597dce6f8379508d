//! Records as PostgreSQL's binary COPY format.
//!
//! Invariant: the bytes of keys and values are passed on unchanged.

use bytes::{BufMut as _, BytesMut};
use rskafka::record::RecordAndOffset;
use serde_json::{Map, Value as Json};

/// Microseconds from 1970 to PostgreSQL's epoch, 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Columns of the staging table.
const COLUMNS: i16 = 8;

/// Signature, flags, and the length of no extension.
pub(super) fn header(out: &mut BytesMut) {
    out.put_slice(b"PGCOPY\n\xff\r\n\0");
    out.put_i32(0);
    out.put_i32(0);
}

/// The end of the data.
pub(super) fn trailer(out: &mut BytesMut) {
    out.put_i16(-1);
}

/// One record. `refresh_time` is in microseconds since 1970.
pub(super) fn row(out: &mut BytesMut, partition: i64, record: &RecordAndOffset, refresh_time: i64) {
    out.put_i16(COLUMNS);
    number(out, partition);
    number(out, record.offset);
    // The client library does not tell create time from log-append time.
    field(out, Some(b"C"));
    number(out, record.record.timestamp.timestamp_micros() - EPOCH_MICROS);
    field(out, record.record.key.as_deref());
    field(out, record.record.value.as_deref());
    headers(out, record);
    number(out, refresh_time - EPOCH_MICROS);
}

fn number(out: &mut BytesMut, value: i64) {
    out.put_i32(8);
    out.put_i64(value);
}

fn field(out: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        // A record is below 16 MiB when it comes here.
        Some(bytes) => {
            out.put_i32(i32::try_from(bytes.len()).expect("longer records are skipped"));
            out.put_slice(bytes);
        }
        None => out.put_i32(-1),
    }
}

/// Headers as an object of texts. How Redshift shows them is not documented in detail; a value that
/// is not UTF-8 appears as hexadecimal digits.
fn headers(out: &mut BytesMut, record: &RecordAndOffset) {
    let headers: Map<String, Json> = record
        .record
        .headers
        .iter()
        .map(|(name, value)| {
            let text = match std::str::from_utf8(value) {
                // jsonb cannot hold U+0000.
                Ok(text) if !text.contains('\0') => text.to_owned(),
                _ => crate::value::hex(value),
            };
            (name.replace('\0', ""), Json::String(text))
        })
        .collect();
    let text = Json::Object(headers).to_string();
    out.put_i32(i32::try_from(text.len() + 1).expect("headers are part of a record"));
    out.put_u8(1); // The version of jsonb's binary form.
    out.put_slice(text.as_bytes());
}
