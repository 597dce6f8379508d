//! MySQL's and MariaDB's types to Redshift's.
//!
//! Source: Debezium documentation, "How the connector maps data types" of the MySQL and MariaDB
//! connectors; checked against recorded events.

use super::representation;
use super::source_type::{Mapped, SqlType};
use crate::catalog::{Decoding, RedshiftType};
use crate::pipeline::{ConnectorSettings, TimePrecision, UnsignedHandling};

/// The most bytes of UTF-8 for one character of a character set. JSON is UTF-8 whatever the
/// table's character set is.
fn character_bytes(charset: Option<&str>) -> i64 {
    match charset.map(str::to_lowercase).as_deref() {
        Some("ascii") => 1,
        // Every character of these sets is within the basic plane of Unicode.
        Some(
            "utf8" | "utf8mb3" | "ucs2" | "latin1" | "latin2" | "latin5" | "latin7" | "cp1250" | "cp1251" | "cp1256"
            | "cp1257" | "cp850" | "cp852" | "cp866" | "greek" | "hebrew" | "koi8r" | "koi8u" | "tis620" | "sjis"
            | "cp932" | "ujis" | "eucjpms" | "euckr" | "big5" | "gb2312" | "gbk",
        ) => 3,
        _ => 4,
    }
}

/// The most bytes of UTF-8 for a text that takes `bytes` bytes in its own character set.
fn converted_bytes(bytes: i64, charset: Option<&str>) -> i64 {
    match charset.map(str::to_lowercase).as_deref() {
        None | Some("utf8mb4" | "utf8" | "utf8mb3" | "ascii") => bytes,
        Some(_) => bytes.saturating_mul(3),
    }
}

/// What a column of this type becomes.
pub(super) fn map(sql: &SqlType, settings: &ConnectorSettings) -> Mapped {
    let mut words: Vec<&str> = sql.name.split(' ').collect();
    let is_unsigned = words.contains(&"UNSIGNED") || words.contains(&"ZEROFILL");
    words.retain(|word| !matches!(*word, "UNSIGNED" | "ZEROFILL" | "SIGNED" | "BINARY") || sql.name == *word);
    let name = words.join(" ");
    let exact = Mapped::Exact;
    match (name.as_str(), is_unsigned) {
        // TINYINT(1) is a number in the events too, unless a converter is configured.
        ("TINYINT" | "INT1", _) | ("SMALLINT" | "INT2", false) | ("YEAR", _) => {
            exact(RedshiftType::SmallInt, Decoding::Integer)
        }
        ("SMALLINT" | "INT2", true) | ("MEDIUMINT" | "INT3" | "MIDDLEINT", _) | ("INT" | "INTEGER" | "INT4", false) => {
            exact(RedshiftType::Integer, Decoding::Integer)
        }
        ("INT" | "INTEGER" | "INT4", true) | ("BIGINT" | "INT8", false) => {
            exact(RedshiftType::BigInt, Decoding::Integer)
        }
        ("BIGINT" | "INT8", true) | ("SERIAL", _) if settings.unsigned == Some(UnsignedHandling::Precise) => {
            Mapped::decimal(20, 0, |scale| Decoding::DecimalBase64 { scale })
        }
        ("BIGINT" | "INT8", true) | ("SERIAL", _) => {
            exact(RedshiftType::Decimal { precision: 20, scale: 0 }, Decoding::UnsignedBigInt)
        }
        // Written in a statement of the stream, BOOLEAN stays a boolean in the events.
        ("BOOL" | "BOOLEAN", _) => exact(RedshiftType::Boolean, Decoding::Boolean),
        ("DECIMAL" | "NUMERIC" | "DEC" | "FIXED", _) => {
            representation::decimal(sql.length().unwrap_or(10), sql.scale().unwrap_or(0), settings)
        }
        ("FLOAT" | "FLOAT4", _) => {
            let is_double = sql.scale().is_some() || sql.length().is_some_and(|bits| bits > 24);
            if is_double {
                exact(RedshiftType::DoublePrecision, Decoding::Float)
            } else {
                exact(RedshiftType::Real, Decoding::Float)
            }
        }
        ("DOUBLE" | "DOUBLE PRECISION" | "REAL" | "FLOAT8", _) => exact(RedshiftType::DoublePrecision, Decoding::Float),
        ("DATE", _) => representation::date(settings),
        ("TIME", _) => {
            representation::time(sql.length().unwrap_or(0), TimePrecision::AdaptiveTimeMicroseconds, settings)
        }
        ("DATETIME", _) => representation::timestamp(sql.length().unwrap_or(0), settings),
        ("TIMESTAMP", _) => exact(RedshiftType::TimestampTz, Decoding::ZonedTimestamp),
        ("CHAR" | "CHARACTER", _) => {
            Mapped::characters(sql.length().unwrap_or(1), character_bytes(sql.charset.as_deref()))
        }
        ("NCHAR" | "NATIONAL CHAR" | "NATIONAL CHARACTER", _) => Mapped::characters(sql.length().unwrap_or(1), 3),
        ("VARCHAR" | "CHARACTER VARYING" | "CHAR VARYING", _) => match sql.length() {
            Some(length) => Mapped::characters(length, character_bytes(sql.charset.as_deref())),
            None => Mapped::UnsizedText,
        },
        ("NVARCHAR" | "NATIONAL VARCHAR" | "NCHAR VARCHAR" | "NATIONAL CHARACTER VARYING", _) => match sql.length() {
            Some(length) => Mapped::characters(length, 3),
            None => Mapped::UnsizedText,
        },
        ("TINYTEXT", _) => Mapped::text(converted_bytes(255, sql.charset.as_deref())),
        ("TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "LONG" | "LONG VARCHAR" | "JSON", _) => Mapped::UnsizedText,
        ("ENUM", _) => Mapped::sized(sql.values_bytes(false), Decoding::Label),
        ("SET", _) => Mapped::text(sql.values_bytes(true)),
        ("UUID", _) => Mapped::text(36),
        ("INET4" | "INET6", _) => Mapped::text(45),
        ("BIT", _) => Mapped::bits(sql.length().unwrap_or(1)),
        ("BINARY", _) => representation::binary(Some(sql.length().unwrap_or(1)), settings),
        ("VARBINARY", _) => representation::binary(sql.length(), settings),
        ("TINYBLOB", _) => representation::binary(Some(255), settings),
        ("BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "LONG VARBINARY", _) => representation::binary(None, settings),
        (
            "GEOMETRY" | "POINT" | "LINESTRING" | "POLYGON" | "MULTIPOINT" | "MULTILINESTRING" | "MULTIPOLYGON"
            | "GEOMETRYCOLLECTION" | "GEOMCOLLECTION",
            _,
        ) => Mapped::Unsized(Decoding::Geometry),
        ("VECTOR", _) => exact(RedshiftType::Super, Decoding::Super),
        _ => Mapped::unsupported("the type is not known"),
    }
}
