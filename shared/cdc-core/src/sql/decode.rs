//! One column's way from the event's JSON value to a typed value, as SQL expressions.
//!
//! Redshift's casts from SUPER give NULL for a value of the wrong type ("Querying semistructured
//! data", lax semantics), and so does every expression here for a value that the column cannot
//! hold. The merge procedure compares: a value that is present in the row image and NULL after
//! decoding did not fit, and the column's policy decides what becomes of it.

use super::decoding_functions::{
    BASE64_BITS, BASE64_HEX, DATE_DAYS, DATE_ISO, DECIMAL, DECIMAL_ANY, DECIMAL_FIT, DECIMAL_TEXT, GEOMETRY,
    HEX_INTEGER, LABEL, TEXT, TIME_ISO, TIME_MICROS, TIMESTAMP_ISO, TIMESTAMP_MICROS, ZONED_TIMESTAMP,
};
use super::ident::quoted;
use super::layout::Layout;
use crate::catalog::{Column, DECIMAL_MAX_PRECISION, Decoding, Element, OnUnfitValue, RedshiftType, VARCHAR_MAX_BYTES};

/// What stands for U+0000 in a record that was repaired. Its length is twice that of the escape
/// `\u0000`.
pub(super) const NUL_MARK: &str = "__cdc_nul__!";

/// JSON_PARSE cuts strings over 65,535 bytes in the merge's session ("SUPER configurations"), at
/// a byte or in front of a character: the guide does not say. In a record that is large enough
/// to have such a string, one of up to so many bytes is surely whole.
const SURELY_WHOLE: u32 = VARCHAR_MAX_BYTES - 4;

/// Up to how many bytes a string of the record is surely whole: what `_cdc_whole` holds.
pub(super) fn whole_bytes(record: &str) -> String {
    format!("CASE WHEN OCTET_LENGTH({record}) > {VARCHAR_MAX_BYTES} THEN {SURELY_WHOLE} ELSE {VARCHAR_MAX_BYTES} END")
}

/// From this length on, text of hexadecimal digits only is hexadecimal and not base64 that
/// happens to have no other characters.
const SURELY_HEX: u32 = 32;

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
    matches!(column.decoding, Decoding::DecimalBase64 { .. } | Decoding::DecimalAny { .. } | Decoding::DecimalVariable)
}

/// How the elements of an array are decoded, which happens in stages of their own.
#[must_use]
pub fn element(column: &Column) -> Option<Element> {
    match column.decoding {
        Decoding::Array(element) => Some(element),
        _ => None,
    }
}

/// The columns of the stages that [`typed`] and [`element_json`] read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staged {
    /// The last stage: the unscaled number of a decimal, or the list of an array.
    pub unscaled: String,
    /// The first stage's text.
    pub text: String,
}

/// First stage: base64 to hexadecimal text. A number, which is not base64, and decimal text are
/// passed on behind a number sign.
#[must_use]
pub fn hexadecimal(layout: &Layout, image: &str, column: &Column) -> String {
    let value = attribute(image, column);
    let function = layout.function(BASE64_HEX);
    match column.decoding {
        Decoding::DecimalVariable => {
            format!("{function}({value}.\"value\"::VARCHAR(65535), JSON_TYPEOF({value}.\"value\"))")
        }
        Decoding::DecimalAny { scale } => {
            let precision = digits(column.target_type).0;
            format!(
                "{}({value}::VARCHAR(65535), JSON_TYPEOF({value}), {scale}, {precision})",
                layout.function(DECIMAL_ANY)
            )
        }
        _ => format!("{function}({value}::VARCHAR(65535), JSON_TYPEOF({value}))"),
    }
}

/// Second stage: hexadecimal text to the unscaled number, DECIMAL(38,0).
#[must_use]
pub fn unscaled(layout: &Layout, hexadecimal: &str) -> String {
    format!("{}({hexadecimal})", layout.function(HEX_INTEGER))
}

/// The typed value. `staged` names the columns of the stages, where there are some. The relation
/// of `image` tells in `_cdc_whole` how many bytes of a string are surely whole.
#[must_use]
pub fn typed(layout: &Layout, image: &str, column: &Column, staged: &Staged) -> String {
    let value = decoded(layout, image, column, staged);
    match maybe_cut(image, column) {
        Some(cut) => format!("CASE WHEN {cut} THEN NULL ELSE {value} END"),
        None => value,
    }
}

/// Whether parsing may have cut a value that would be decoded all the same. None for text, which
/// [`whole_text`] measures, and for values that are then too long for their column.
fn maybe_cut(image: &str, column: &Column) -> Option<String> {
    let value = attribute(image, column);
    let whole = surely_whole(image);
    let long = |text: &str| format!("OCTET_LENGTH({text}::VARCHAR(65535)) > {whole}");
    match (column.decoding, column.target_type) {
        (Decoding::Super, _) => Some(format!("{whole} < {VARCHAR_MAX_BYTES} AND JSON_SIZE({value}) > {whole}")),
        (Decoding::Text | Decoding::Label, _) => None,
        (Decoding::Geometry, kind) if holds_cut(kind) => Some(long(&format!("{value}.\"wkb\""))),
        (_, kind) if holds_cut(kind) => Some(long(&value)),
        _ => None,
    }
}

/// Whether a column is wide enough for what is left of a value after a cut. Binary values arrive
/// as base64, four characters for three bytes, or as hexadecimal digits.
fn holds_cut(kind: RedshiftType) -> bool {
    match kind {
        RedshiftType::Varchar { bytes } => bytes > SURELY_WHOLE,
        RedshiftType::Varbyte { bytes } => bytes > SURELY_WHOLE / 2,
        _ => false,
    }
}

fn surely_whole(image: &str) -> String {
    format!("{}._cdc_whole", image.split('.').next().unwrap_or(image))
}

fn decoded(layout: &Layout, image: &str, column: &Column, staged: &Staged) -> String {
    let value = attribute(image, column);
    let text = format!("{value}::VARCHAR(65535)");
    let kind = column.target_type;
    match column.decoding {
        Decoding::Integer | Decoding::Boolean => format!("{value}::{kind}"),
        Decoding::Float => format!(
            "CASE WHEN JSON_TYPEOF({value}) <> 'string' THEN {value}::{kind}\n\
             \x20             WHEN {text} IN ('NaN', 'Infinity', '-Infinity') THEN {text}::{kind} END"
        ),
        Decoding::UnsignedBigInt => format!(
            "CASE WHEN {value}::BIGINT >= 0 THEN {value}::BIGINT::DECIMAL(20,0)\n\
             \x20             ELSE {value}::BIGINT::DECIMAL(20,0) + 18446744073709551616 END::{kind}"
        ),
        Decoding::Text | Decoding::Label => whole_text(layout, image, column),
        Decoding::DecimalBase64 { scale } | Decoding::DecimalAny { scale } => {
            format!("{}::{kind}", decimal(layout, staged, scale, kind))
        }
        Decoding::DecimalText => format!("{}::{kind}", decimal_from_text(layout, &text, kind)),
        Decoding::DecimalVariable => fitting(&variable_decimal(layout, &value, &staged.unscaled), kind),
        Decoding::DateDays => format!("{}({value}::BIGINT)", layout.function(DATE_DAYS)),
        Decoding::DateIso => format!("{}({text})", layout.function(DATE_ISO)),
        Decoding::TimeMillis => time_micros(layout, &format!("{value}::INTEGER::BIGINT * 1000")),
        Decoding::TimeMicros => time_micros(layout, &format!("{value}::BIGINT")),
        Decoding::TimeNanos => time_micros(layout, &whole_micros(&value)),
        Decoding::TimeIso => format!("{}({text})", layout.function(TIME_ISO)),
        Decoding::TimestampMillis => timestamp_micros(layout, &micros_of_millis(&value)),
        Decoding::TimestampMicros => timestamp_micros(layout, &format!("{value}::BIGINT")),
        Decoding::TimestampNanos => timestamp_micros(layout, &whole_micros(&value)),
        Decoding::TimestampIso => format!("{}({text})", layout.function(TIMESTAMP_ISO)),
        Decoding::ZonedTimestamp => format!("{}({text})", layout.function(ZONED_TIMESTAMP)),
        Decoding::BytesHex => format!(
            "CASE WHEN MOD(LEN({text}), 2) = 0 AND {text} ~ '^[0-9A-Fa-f]*$' AND {fits}\n\
             \x20             THEN {} END",
            bytes_from_hex(&text, kind),
            fits = hex_fits(&text, kind),
        ),
        Decoding::BytesBase64 => format!(
            "CASE WHEN JSON_TYPEOF({value}) = 'string' AND {} THEN {} END",
            is_base64(&text, kind),
            bytes_from_base64(&text, kind)
        ),
        Decoding::BytesAny => format!(
            "CASE WHEN JSON_TYPEOF({value}) <> 'string' THEN NULL\n\
             \x20             WHEN {text} ~ '^([0-9a-f][0-9a-f])*$'\n\
             \x20             THEN CASE WHEN ({text} = '' OR MOD(LEN({text}), 4) <> 0 OR LEN({text}) >= {SURELY_HEX}) AND {hex_fits}\n\
             \x20                       THEN {hex} END\n\
             \x20             WHEN {is_base64} THEN {base64} END",
            hex_fits = hex_fits(&text, kind),
            hex = bytes_from_hex(&text, kind),
            is_base64 = is_base64(&text, kind),
            base64 = bytes_from_base64(&text, kind),
        ),
        Decoding::Bits { length } => bits(layout, &value, &text, length),
        Decoding::Geometry => fitting(
            &format!("{}({value}.\"wkb\"::VARCHAR(65535), {value}.\"srid\"::INTEGER)", layout.function(GEOMETRY)),
            kind,
        ),
        Decoding::Super => format!(
            "CASE WHEN JSON_TYPEOF({value}) = 'object' OR JSON_TYPEOF({value}) = 'array' AND NOT {} THEN {value} END",
            is_java_array(&value)
        ),
        Decoding::Array(_) => format!(
            "CASE WHEN JSON_TYPEOF({value}) <> 'array' THEN NULL WHEN GET_ARRAY_LENGTH({value}) = 0 THEN {value} ELSE {} END",
            staged.unscaled
        ),
    }
}

/// How many values were cut, 0 or 1; None for a column whose values are never cut.
#[must_use]
pub fn truncated(layout: &Layout, image: &str, column: &Column) -> Option<String> {
    match (column.on_unfit_value, column.decoding, column.target_type) {
        (OnUnfitValue::Truncate, Decoding::Text | Decoding::Label, RedshiftType::Varchar { .. }) => Some(format!(
            "CASE WHEN JSON_TYPEOF({}) = 'string' AND OCTET_LENGTH({}) > {} THEN 1 ELSE 0 END",
            attribute(image, column),
            text(layout, image, column),
            longest_whole(image, column.target_type)
        )),
        _ => None,
    }
}

/// The first stage of an array's element: its hexadecimal text, for decimals only.
#[must_use]
pub fn element_hexadecimal(layout: &Layout, element: Element, item: &str) -> Option<String> {
    let function = layout.function(BASE64_HEX);
    match element {
        Element::DecimalBase64 { .. } => Some(format!("{function}({item}::VARCHAR(65535), JSON_TYPEOF({item}))")),
        Element::DecimalAny { precision, scale } => Some(format!(
            "{}({item}::VARCHAR(65535), JSON_TYPEOF({item}), {scale}, {precision})",
            layout.function(DECIMAL_ANY)
        )),
        Element::DecimalVariable => {
            Some(format!("{function}({item}.\"value\"::VARCHAR(65535), JSON_TYPEOF({item}.\"value\"))"))
        }
        _ => None,
    }
}

/// An array's element as JSON text; NULL for one that cannot be read. `staged` names the
/// stages of a decimal.
#[must_use]
pub fn element_json(layout: &Layout, element: Element, item: &str, staged: &Staged) -> String {
    let text = format!("{item}::VARCHAR(65535)");
    let in_quotes = |value: String| format!("'\"' || {value} || '\"'");
    let moment = |value: String| in_quotes(format!("{value}::VARCHAR(40)"));
    // PostgreSQL's connector 3.6 moves older timestamps of arrays by the days between the calendars.
    let timestamp =
        |value: String| format!("CASE WHEN {value} >= '1582-10-15'::TIMESTAMP THEN {} END", moment(value.clone()));
    let json = match element {
        Element::DecimalBase64 { scale } | Element::DecimalAny { scale, .. } => {
            let kind = RedshiftType::Decimal { precision: DECIMAL_MAX_PRECISION, scale };
            decimal(layout, staged, scale, kind)
        }
        // Text, since nobody promises a number of SUPER so many digits.
        Element::DecimalVariable => in_quotes(variable_decimal(layout, item, &staged.unscaled)),
        Element::DateIso => moment(format!("{}({text})", layout.function(DATE_ISO))),
        Element::TimeNanos => moment(time_micros(layout, &whole_micros(item))),
        Element::TimeIso => moment(format!("{}({text})", layout.function(TIME_ISO))),
        Element::TimestampNanos => timestamp(timestamp_micros(layout, &whole_micros(item))),
        Element::TimestampIso => timestamp(format!("{}({text})", layout.function(TIMESTAMP_ISO))),
        Element::DateDays => moment(format!("{}({item}::BIGINT)", layout.function(DATE_DAYS))),
        Element::TimeMillis => moment(time_micros(layout, &format!("{item}::INTEGER::BIGINT * 1000"))),
        Element::TimeMicros => moment(time_micros(layout, &format!("{item}::BIGINT"))),
        Element::TimestampMillis => timestamp(timestamp_micros(layout, &micros_of_millis(item))),
        Element::TimestampMicros => timestamp(timestamp_micros(layout, &format!("{item}::BIGINT"))),
        Element::BytesBase64 => {
            let kind = RedshiftType::Varbyte { bytes: crate::catalog::VARBYTE_UNSIZED_BYTES };
            let hex = in_quotes(format!("LOWER(TO_HEX({}))", bytes_from_base64(&text, kind)));
            format!("CASE WHEN LEN({text}) <= 40000 AND {} THEN {hex} END", is_base64(&text, kind))
        }
    };
    format!("CASE WHEN JSON_TYPEOF({item}) = 'null' THEN 'null' ELSE {json} END")
}

/// Whether an array of more than one dimension lost its values: the connector writes each part
/// as Java shows an array, `[Ljava.lang.String;@1b2c3d` (recorded from connector 3.6).
fn is_java_array(value: &str) -> String {
    format!("COALESCE({value}[0]::VARCHAR(65535) ~ '^[[]+L[A-Za-z.]+;@[0-9a-f]+$', false)")
}

/// A decimal without a scale of its own, as text. As text, the connector writes the values that
/// are no numbers like the names of its constants (recorded with `decimal.handling.mode=string`).
fn variable_decimal(layout: &Layout, value: &str, unscaled: &str) -> String {
    let text = format!("{value}::VARCHAR(65535)");
    format!(
        "CASE WHEN JSON_TYPEOF({value}) = 'object' THEN {}({unscaled}, {value}.\"scale\"::INTEGER, {DECIMAL_MAX_PRECISION})\n\
         \x20             WHEN JSON_TYPEOF({value}) <> 'string' THEN NULL\n\
         \x20             WHEN {text} = 'NAN' THEN 'NaN' WHEN {text} = 'POSITIVE_INFINITY' THEN 'Infinity' WHEN {text} = 'NEGATIVE_INFINITY' THEN '-Infinity'\n\
         \x20             WHEN {text} ~ '^(NaN|-?Infinity|[+-]?[0-9]+([.][0-9]+)?)$' THEN {text} END",
        layout.function(DECIMAL_TEXT),
    )
}

/// Text as it is. What is too long is cut only if the column's policy says so: a cast to a
/// shorter VARCHAR would cut it without a word.
fn whole_text(layout: &Layout, image: &str, column: &Column) -> String {
    let value = attribute(image, column);
    let kind = column.target_type;
    let most = match column.on_unfit_value {
        OnUnfitValue::Truncate => VARCHAR_MAX_BYTES.to_string(),
        OnUnfitValue::Quarantine | OnUnfitValue::Null => longest_whole(image, kind),
    };
    let text = text(layout, image, column);
    format!("{}({text}, JSON_TYPEOF({value}), {most})::{kind}", layout.function(TEXT))
}

/// A string's characters.
fn text(layout: &Layout, image: &str, column: &Column) -> String {
    let text = format!("{}::VARCHAR(65535)", attribute(image, column));
    if column.decoding == Decoding::Label { format!("{}({text})", layout.function(LABEL)) } else { text }
}

/// The most bytes of a text that is whole and fits into the column.
fn longest_whole(image: &str, kind: RedshiftType) -> String {
    match kind {
        RedshiftType::Varchar { bytes } if !holds_cut(kind) => bytes.to_string(),
        RedshiftType::Varchar { bytes } if bytes < VARCHAR_MAX_BYTES => {
            format!("LEAST({bytes}, {})", surely_whole(image))
        }
        _ => surely_whole(image),
    }
}

/// A computed text, if it fits.
fn fitting(text: &str, kind: RedshiftType) -> String {
    match kind {
        RedshiftType::Varchar { bytes } if bytes < VARCHAR_MAX_BYTES => {
            format!("CASE WHEN OCTET_LENGTH({text}) <= {bytes} THEN {text} END::{kind}")
        }
        _ => text.to_owned(),
    }
}

fn time_micros(layout: &Layout, micros: &str) -> String {
    format!("{}({micros})", layout.function(TIME_MICROS))
}

fn timestamp_micros(layout: &Layout, micros: &str) -> String {
    format!("{}({micros})", layout.function(TIMESTAMP_MICROS))
}

/// Milliseconds as microseconds, as far as 64 bits hold them.
fn micros_of_millis(value: &str) -> String {
    format!("CASE WHEN ABS({value}::BIGINT) <= 9223372036854775 THEN {value}::BIGINT * 1000 END")
}

/// Nanoseconds as microseconds; only whole ones, since Redshift keeps no more.
fn whole_micros(value: &str) -> String {
    format!("CASE WHEN MOD({value}::BIGINT, 1000) = 0 THEN {value}::BIGINT / 1000 END")
}

fn digits(kind: RedshiftType) -> (u8, u8) {
    match kind {
        RedshiftType::Decimal { precision, scale } => (precision, scale),
        _ => (DECIMAL_MAX_PRECISION, 0),
    }
}

/// A decimal of both stages as decimal text.
fn decimal(layout: &Layout, staged: &Staged, scale: u8, kind: RedshiftType) -> String {
    let Staged { unscaled, text } = staged;
    format!("{}({unscaled}, {text}, {scale}, {})", layout.function(DECIMAL), digits(kind).0)
}

/// Only what the column holds without rounding.
fn decimal_from_text(layout: &Layout, text: &str, kind: RedshiftType) -> String {
    let (precision, scale) = digits(kind);
    format!("{}({text}, {}, {scale})", layout.function(DECIMAL_FIT), precision - scale)
}

fn varbyte_bytes(kind: RedshiftType) -> u32 {
    match kind {
        RedshiftType::Varbyte { bytes } => bytes,
        _ => VARCHAR_MAX_BYTES,
    }
}

fn hex_fits(text: &str, kind: RedshiftType) -> String {
    format!("LEN({text}) <= {}", u64::from(varbyte_bytes(kind)) * 2)
}

fn bytes_from_hex(text: &str, kind: RedshiftType) -> String {
    format!("TO_VARBYTE({text}, 'hex')::{kind}")
}

/// Base64 of the standard or the URL-safe alphabet, of a value that fits.
fn is_base64(text: &str, kind: RedshiftType) -> String {
    format!(
        "MOD(LEN({text}), 4) = 0 AND {text} ~ '^[A-Za-z0-9+/_-]*={{0,2}}$'\n\
         \x20             AND LEN({text}) / 4 * 3 - (LEN({text}) - LEN(REPLACE({text}, '=', ''))) <= {}",
        varbyte_bytes(kind)
    )
}

fn bytes_from_base64(text: &str, kind: RedshiftType) -> String {
    format!("TO_VARBYTE(TRANSLATE({text}, '-_', '+/'), 'base64')::{kind}")
}

/// Binary digits, the highest first. The bytes come lowest first, each with its highest digit
/// first; bytes of zeros at the end may be left out.
fn bits(layout: &Layout, value: &str, text: &str, length: u16) -> String {
    let bytes = length.div_ceil(8);
    let digits = format!("{}({text}, {bytes})", layout.function(BASE64_BITS));
    let parts: Vec<String> =
        (0..bytes).rev().map(|index| format!("SUBSTRING({digits}, {}, 8)", index * 8 + 1)).collect();
    let kind = RedshiftType::Varchar { bytes: u32::from(length) };
    format!(
        "CASE WHEN JSON_TYPEOF({value}) = 'string'\n\
         \x20             THEN RIGHT('{zeros}' || {parts}, {length}) END::{kind}",
        zeros = "0".repeat(usize::from(length)),
        parts = parts.join("\n              || "),
    )
}
