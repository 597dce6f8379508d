//! PostgreSQL's types to Redshift's, for the connector's default settings.
//!
//! Source: Debezium documentation, "PostgreSQL connector, data type mappings", with
//! `decimal.handling.mode=precise`, `time.precision.mode=adaptive`,
//! `binary.handling.mode=bytes`, `interval.handling.mode=numeric` and
//! `hstore.handling.mode=json`; checked against recorded events.

use super::source_type::{Mapped, SqlType};
use crate::catalog::{Decoding, RedshiftType};

/// The longest value of the types that stand for network addresses, in bytes.
const ADDRESS_BYTES: i64 = 64;

/// PostgreSQL's `name`: 63 bytes.
const NAME_BYTES: i64 = 63;

/// What a column of this type becomes. `is_enum` tells whether a name is an enum's.
pub(super) fn map(sql: &SqlType, is_enum: &dyn Fn(&str) -> bool) -> Mapped {
    if sql.is_array {
        return Mapped::unsupported("arrays arrive as a list");
    }
    let name = sql.name.strip_prefix("PG_CATALOG.").unwrap_or(&sql.name);
    let exact = Mapped::Exact;
    let fraction = sql.length().unwrap_or(6);
    match name {
        "SMALLINT" | "INT2" | "SMALLSERIAL" | "SERIAL2" => exact(RedshiftType::SmallInt, Decoding::Integer),
        "INTEGER" | "INT" | "INT4" | "SERIAL" | "SERIAL4" => exact(RedshiftType::Integer, Decoding::Integer),
        "BIGINT" | "INT8" | "BIGSERIAL" | "SERIAL8" | "OID" => exact(RedshiftType::BigInt, Decoding::Integer),
        "NUMERIC" | "DECIMAL" | "DEC" => match sql.length() {
            Some(precision) => Mapped::decimal(precision, sql.scale().unwrap_or(0)),
            None => Mapped::unsupported("a numeric without a fixed scale arrives as a structure"),
        },
        "MONEY" => Mapped::decimal(19, 2),
        "REAL" | "FLOAT4" => exact(RedshiftType::Real, Decoding::Float),
        "FLOAT" => {
            if sql.length().is_some_and(|bits| bits <= 24) {
                exact(RedshiftType::Real, Decoding::Float)
            } else {
                exact(RedshiftType::DoublePrecision, Decoding::Float)
            }
        }
        "DOUBLE PRECISION" | "FLOAT8" => exact(RedshiftType::DoublePrecision, Decoding::Float),
        "BOOLEAN" | "BOOL" => exact(RedshiftType::Boolean, Decoding::Boolean),
        "CHAR" | "CHARACTER" | "BPCHAR" | "NCHAR" | "NATIONAL CHARACTER" => {
            Mapped::characters(sql.length().unwrap_or(1), 4)
        }
        "VARCHAR" | "CHARACTER VARYING" | "CHAR VARYING" | "NATIONAL CHARACTER VARYING" => match sql.length() {
            Some(length) => Mapped::characters(length, 4),
            None => Mapped::UnsizedText,
        },
        "TEXT" | "CITEXT" | "JSON" | "JSONB" | "XML" | "HSTORE" | "LTREE" | "TSVECTOR" | "TSQUERY" => {
            Mapped::UnsizedText
        }
        "NAME" => Mapped::text(NAME_BYTES),
        "UUID" => Mapped::text(36),
        "INET" | "CIDR" | "MACADDR" | "MACADDR8" => Mapped::text(ADDRESS_BYTES),
        "INT4RANGE" | "INT8RANGE" | "NUMRANGE" | "TSRANGE" | "TSTZRANGE" | "DATERANGE" | "INT4MULTIRANGE"
        | "INT8MULTIRANGE" | "NUMMULTIRANGE" | "TSMULTIRANGE" | "TSTZMULTIRANGE" | "DATEMULTIRANGE" => {
            Mapped::UnsizedText
        }
        "DATE" => exact(RedshiftType::Date, Decoding::DateDays),
        "TIME" | "TIME WITHOUT TIME ZONE" => {
            exact(RedshiftType::Time, if fraction <= 3 { Decoding::TimeMillis } else { Decoding::TimeMicros })
        }
        // The text is the time in UTC; Redshift's TIMETZ would keep no more.
        "TIMETZ" | "TIME WITH TIME ZONE" => Mapped::text(32),
        "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => exact(
            RedshiftType::Timestamp,
            if fraction <= 3 { Decoding::TimestampMillis } else { Decoding::TimestampMicros },
        ),
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => exact(RedshiftType::TimestampTz, Decoding::ZonedTimestamp),
        "BIT" if sql.length().unwrap_or(1) == 1 => exact(RedshiftType::Boolean, Decoding::Boolean),
        "BIT" | "VARBIT" | "BIT VARYING" => Mapped::unsupported("values of several bits arrive as base64"),
        "BYTEA" => {
            Mapped::unsupported("binary values arrive as base64 in the connector's default binary.handling.mode")
        }
        "POINT" | "GEOMETRY" | "GEOGRAPHY" => Mapped::unsupported("geometry values arrive as a structure"),
        name if name.starts_with("INTERVAL") => Mapped::unsupported(
            "intervals arrive as an approximate number of microseconds; interval.handling.mode=string keeps them",
        ),
        name if is_enum(name) => Mapped::text(255),
        _ => Mapped::unsupported("the type is not known"),
    }
}
