//! Compression and encodings of files.

use std::io::{Read as _, Write as _};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use redshift_data_api::SqlError;
use redshift_sql::statement::files::{Compression, Encoding};

use super::Uri;
use crate::error::SqlResult;

/// A file's bytes as text in UTF-8, as far as it is.
pub(super) fn decode(bytes: Vec<u8>, compression: Compression, encoding: Encoding, uri: &Uri) -> SqlResult<Vec<u8>> {
    let wrong = |what: &str| SqlError::new("22021", format!("{uri} is not {what}"));
    let plain = match compression {
        Compression::None => bytes,
        Compression::Gzip => {
            let mut out = Vec::new();
            MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).map_err(|_| wrong("in gzip format"))?;
            out
        }
        Compression::Zstd => zstd::decode_all(bytes.as_slice()).map_err(|_| wrong("in Zstandard format"))?,
    };
    // "ENCODING": UTF16 needs a byte order mark, the others may have one.
    let (big, text) = match (encoding, plain.as_slice()) {
        (Encoding::Utf8, [0xEF, 0xBB, 0xBF, rest @ ..]) => return Ok(rest.to_vec()),
        (Encoding::Utf8, _) => return Ok(plain),
        (Encoding::Utf16 | Encoding::Utf16Be, [0xFE, 0xFF, rest @ ..]) => (true, rest),
        (Encoding::Utf16 | Encoding::Utf16Le, [0xFF, 0xFE, rest @ ..]) => (false, rest),
        (Encoding::Utf16, _) => return Err(wrong("UTF-16 with a byte order mark")),
        (Encoding::Utf16Be, rest) => (true, rest),
        (Encoding::Utf16Le, rest) => (false, rest),
    };
    if !text.len().is_multiple_of(2) {
        return Err(wrong("UTF-16"));
    }
    let units = text.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(String::into_bytes).map_err(|_| wrong("UTF-16"))
}

pub(super) fn compress(bytes: Vec<u8>, compression: Compression) -> SqlResult<Vec<u8>> {
    let packed = match compression {
        Compression::None => return Ok(bytes),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&bytes).and_then(|()| encoder.finish())
        }
        Compression::Zstd => zstd::encode_all(bytes.as_slice(), 0),
    };
    packed.map_err(|error| SqlError::new("58030", format!("cannot compress a file: {error}")))
}

/// What UNLOAD puts behind a file's name.
pub(super) fn extension(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
    }
}
