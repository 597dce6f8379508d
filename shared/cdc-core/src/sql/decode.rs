//! One column's way from the event's JSON value to a typed value, as SQL expressions.
//!
//! Redshift's casts from SUPER give NULL for a value of the wrong type ("Querying semistructured
//! data", lax semantics). The merge procedure therefore compares: a value that is present in
//! the row image and NULL after decoding was lost and goes to quarantine.

use super::decoding_functions::{
    BASE64_HEX, DATE_DAYS, DECIMAL_TEXT, HEX_INTEGER, TIME_MICROS, TIMESTAMP_MICROS, ZONED_TIMESTAMP,
};
use super::ident::quoted;
use super::layout::Layout;
use crate::catalog::{Column, DECIMAL_MAX_PRECISION, Decoding, RedshiftType};

/// What Debezium's PostgreSQL connector sends for a large value that did not change
/// (`unavailable.value.placeholder`, default).
pub const UNAVAILABLE_VALUE: &str = "__debezium_unavailable_value";

/// The attribute of a row image that holds the column, e.g. `c._cdc_image."CUST_ID"`.
#[must_use]
pub fn attribute(image: &str, column: &Column) -> String {
    format!("{image}.{}", quoted(&column.source_name))
}

/// The stages in front of [`typed`] for decimals: hexadecimal text, then the unscaled number.
///
/// Each is computed into a staging table of its own. Written as one expression, every use of
/// an intermediate value would compute it again: a scalar SQL function's arguments are put
/// into its body as expressions.
#[must_use]
pub fn needs_stages(column: &Column) -> bool {
    matches!(column.decoding, Decoding::DecimalBase64 { .. })
}

/// First stage: base64 to hexadecimal text. Only strings: a number is not base64.
#[must_use]
pub fn hexadecimal(layout: &Layout, image: &str, column: &Column) -> String {
    let value = attribute(image, column);
    format!("{}({value}::VARCHAR(65535), JSON_TYPEOF({value}))", layout.function(BASE64_HEX))
}

/// Second stage: hexadecimal text to the unscaled number, DECIMAL(38,0).
#[must_use]
pub fn unscaled(layout: &Layout, hexadecimal: &str) -> String {
    format!("{}({hexadecimal})", layout.function(HEX_INTEGER))
}

/// The typed value. `unscaled` names the second stage's column, where there is one.
#[must_use]
pub fn typed(layout: &Layout, image: &str, column: &Column, unscaled: &str) -> String {
    let value = attribute(image, column);
    let kind = column.target_type;
    match column.decoding {
        Decoding::Integer | Decoding::Float | Decoding::Boolean => format!("{value}::{kind}"),
        Decoding::UnsignedBigInt => format!(
            "CASE WHEN {value}::BIGINT >= 0 THEN {value}::BIGINT::DECIMAL(20,0)\n\
             \x20             ELSE {value}::BIGINT::DECIMAL(20,0) + 18446744073709551616 END::{kind}"
        ),
        Decoding::Text => text(&value, kind),
        Decoding::DecimalBase64 { scale } => decimal_from_unscaled(layout, unscaled, scale, kind),
        Decoding::DecimalText => decimal_from_text(&value, kind),
        Decoding::DateDays => format!("{}({value}::BIGINT)", layout.function(DATE_DAYS)),
        Decoding::TimeMillis => format!("{}({value}::BIGINT * 1000)", layout.function(TIME_MICROS)),
        Decoding::TimeMicros => format!("{}({value}::BIGINT)", layout.function(TIME_MICROS)),
        Decoding::TimestampMillis => format!(
            "{}(CASE WHEN ABS({value}::BIGINT) < 900000000000000 THEN {value}::BIGINT * 1000 END)",
            layout.function(TIMESTAMP_MICROS)
        ),
        Decoding::TimestampMicros => {
            format!("{}({value}::BIGINT)", layout.function(TIMESTAMP_MICROS))
        }
        Decoding::ZonedTimestamp => format!("{}({value}::VARCHAR(65535))", layout.function(ZONED_TIMESTAMP)),
        Decoding::BytesHex => bytes_from_hex(&value, kind),
    }
}

/// Whether the column may carry the placeholder of an unchanged large value.
#[must_use]
pub fn may_be_unavailable(column: &Column) -> bool {
    matches!(column.decoding, Decoding::Text)
}

/// Text as it is, if it fits: a cast to a shorter VARCHAR would cut it without a word.
fn text(value: &str, kind: RedshiftType) -> String {
    let RedshiftType::Varchar { bytes } = kind else {
        return format!("{value}::VARCHAR(65535)::{kind}");
    };
    if bytes == crate::catalog::VARCHAR_MAX_BYTES {
        return format!("CASE WHEN JSON_TYPEOF({value}) = 'string' THEN {value}::VARCHAR(65535) END");
    }
    format!(
        "CASE WHEN JSON_TYPEOF({value}) = 'string' AND OCTET_LENGTH({value}::VARCHAR(65535)) <= {bytes}\n\
         \x20             THEN {value}::VARCHAR(65535) END::VARCHAR({bytes})"
    )
}

fn decimal_from_unscaled(layout: &Layout, number: &str, scale: u8, kind: RedshiftType) -> String {
    let precision = match kind {
        RedshiftType::Decimal { precision, .. } => precision,
        _ => DECIMAL_MAX_PRECISION,
    };
    format!("{}({number}, {scale}, {precision})::{kind}", layout.function(DECIMAL_TEXT))
}

/// Only what the column holds without rounding.
fn decimal_from_text(value: &str, kind: RedshiftType) -> String {
    let (precision, scale) = match kind {
        RedshiftType::Decimal { precision, scale } => (precision, scale),
        _ => (DECIMAL_MAX_PRECISION, 0),
    };
    let whole = usize::from(precision - scale);
    let fraction = if scale == 0 { String::new() } else { format!("([.][0-9]{{1,{scale}}}0*)?") };
    let digits = if whole == 0 { "0*".to_owned() } else { format!("0*[0-9]{{1,{whole}}}") };
    format!("CASE WHEN {value}::VARCHAR(65535) ~ '^[+-]?{digits}{fraction}$' THEN {value}::VARCHAR(65535)::{kind} END")
}

fn bytes_from_hex(value: &str, kind: RedshiftType) -> String {
    let bytes = match kind {
        RedshiftType::Varbyte { bytes } => bytes,
        _ => crate::catalog::VARCHAR_MAX_BYTES,
    };
    format!(
        "CASE WHEN MOD(LEN({value}::VARCHAR(65535)), 2) = 0 AND LEN({value}::VARCHAR(65535)) <= {limit}\n\
         \x20             AND {value}::VARCHAR(65535) ~ '^[0-9A-Fa-f]*$'\n\
         \x20             THEN TO_VARBYTE({value}::VARCHAR(65535), 'hex')::{kind} END",
        limit = u64::from(bytes) * 2
    )
}
