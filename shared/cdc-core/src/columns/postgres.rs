//! PostgreSQL's types to Redshift's.
//!
//! Source: Debezium documentation, "PostgreSQL connector, data type mappings"; checked against
//! recorded events.

use super::representation;
use super::source_type::{Mapped, SqlType};
use crate::catalog::{Decoding, RedshiftType};
use crate::pipeline::{ConnectorSettings, DecimalHandling, HstoreHandling, IntervalHandling, TimePrecision};

/// The longest value of the types that stand for network addresses, in bytes.
const ADDRESS_BYTES: i64 = 64;

/// PostgreSQL's `name`: 63 bytes.
const NAME_BYTES: i64 = 63;

/// Types whose arrays the connector leaves out of its events, or sends as null (recorded from
/// connector 3.6 with default settings).
const NO_ARRAYS: [&str; 7] = ["BIT", "INTERVAL", "MONEY", "NAME", "POINT", "VARBIT", "XML"];

/// The largest declared precision of `numeric` (PostgreSQL documentation, "Numeric Types"). The
/// connector propagates 0 (snapshot) and 131,089 (stream) for a column without one.
const MAX_PRECISION: i64 = 1_000;

/// What a column of this type becomes. `is_enum` tells whether the name is an enum's.
pub(super) fn map(sql: &SqlType, is_enum: bool, settings: &ConnectorSettings) -> Mapped {
    if sql.is_generated {
        return Mapped::unsupported("PostgreSQL's log does not hold generated columns");
    }
    if sql.is_array && NO_ARRAYS.iter().any(|name| sql.name.trim_start_matches("PG_CATALOG.").starts_with(name)) {
        return Mapped::unsupported("the connector does not send arrays of this type");
    }
    if sql.is_array {
        return Mapped::array(&map(&SqlType { is_array: false, ..sql.clone() }, is_enum, settings));
    }
    let name = sql.name.strip_prefix("PG_CATALOG.").unwrap_or(&sql.name);
    let exact = Mapped::Exact;
    let fraction = sql.length().unwrap_or(6);
    match name {
        "SMALLINT" | "INT2" | "SMALLSERIAL" | "SERIAL2" => exact(RedshiftType::SmallInt, Decoding::Integer),
        "INTEGER" | "INT" | "INT4" | "SERIAL" | "SERIAL4" => exact(RedshiftType::Integer, Decoding::Integer),
        "BIGINT" | "INT8" | "BIGSERIAL" | "SERIAL8" | "OID" => exact(RedshiftType::BigInt, Decoding::Integer),
        "NUMERIC" | "DECIMAL" | "DEC" => match sql.length().filter(|precision| (1..=MAX_PRECISION).contains(precision))
        {
            Some(precision) => representation::decimal(precision, sql.scale().unwrap_or(0), settings),
            None => match settings.decimals {
                Some(DecimalHandling::Double) => exact(RedshiftType::DoublePrecision, Decoding::Float),
                Some(DecimalHandling::Precise | DecimalHandling::String) | None => {
                    Mapped::Unsized(Decoding::DecimalVariable)
                }
            },
        },
        "MONEY" => representation::decimal(20, i64::from(settings.money_digits.unwrap_or(2)), settings),
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
        "TEXT" | "CITEXT" | "JSON" | "JSONB" | "XML" | "LTREE" | "TSVECTOR" | "TSQUERY" => Mapped::UnsizedText,
        "HSTORE" if settings.hstore == Some(HstoreHandling::Map) => exact(RedshiftType::Super, Decoding::Super),
        "HSTORE" => Mapped::UnsizedText,
        "NAME" => Mapped::text(NAME_BYTES),
        "UUID" => Mapped::text(36),
        "INET" | "CIDR" | "MACADDR" | "MACADDR8" => Mapped::text(ADDRESS_BYTES),
        "INT4RANGE" | "INT8RANGE" | "NUMRANGE" | "TSRANGE" | "TSTZRANGE" | "DATERANGE" | "INT4MULTIRANGE"
        | "INT8MULTIRANGE" | "NUMMULTIRANGE" | "TSMULTIRANGE" | "TSTZMULTIRANGE" | "DATEMULTIRANGE" => {
            Mapped::UnsizedText
        }
        "DATE" => representation::date(settings),
        "TIME" | "TIME WITHOUT TIME ZONE" => representation::time(fraction, TimePrecision::Adaptive, settings),
        // The text is the time in UTC; Redshift's TIMETZ would keep no more.
        "TIMETZ" | "TIME WITH TIME ZONE" => Mapped::text(32),
        "TIMESTAMP" | "TIMESTAMP WITHOUT TIME ZONE" => representation::timestamp(fraction, settings),
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => exact(RedshiftType::TimestampTz, Decoding::ZonedTimestamp),
        "BIT" => Mapped::bits(sql.length().unwrap_or(1)),
        "VARBIT" | "BIT VARYING" => {
            Mapped::unsupported("the number of bits of a value is not in the events, so zeros in front would be lost")
        }
        "BYTEA" => representation::binary(None, settings),
        "POINT" | "GEOMETRY" | "GEOGRAPHY" => Mapped::Unsized(Decoding::Geometry),
        "VECTOR" | "HALFVEC" | "SPARSEVEC" => exact(RedshiftType::Super, Decoding::Super),
        name if name.starts_with("INTERVAL") => match settings.intervals {
            Some(IntervalHandling::String) => Mapped::text(64),
            Some(IntervalHandling::Numeric) | None => exact(RedshiftType::BigInt, Decoding::Integer),
        },
        _ if is_enum => Mapped::text(255),
        _ => Mapped::unsupported("the type is not known"),
    }
}
