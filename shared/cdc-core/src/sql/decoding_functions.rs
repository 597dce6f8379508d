//! Scalar SQL functions of the control schema that decode what Redshift has no function for.
//!
//! Redshift has no number from two's complement bytes and no timestamp from epoch microseconds.
//! These functions make both with functions and arithmetic that its Developer Guide documents. Scalar SQL functions hold
//! one SELECT without FROM (`CREATE FUNCTION`, SQL scalar functions) and take their arguments
//! as `$1`. Each answers NULL for what it cannot decode exactly; the merge procedure then
//! finds a value that was there and is NULL now, and puts it into quarantine.

mod passed;
mod protected;
mod temporal;

use super::decode::NUL_MARK;
use super::ident::literal;
use super::layout::Layout;

/// A function's name and its `CREATE OR REPLACE FUNCTION` statement.
pub type FunctionDefinition = (&'static str, String);

/// Four characters of base64 to six hexadecimal digits.
pub const BASE64_GROUP: &str = "f_base64_group";
/// The magnitude of a two's complement number, 32 hexadecimal digits.
pub const HEX_MAGNITUDE: &str = "f_hex_magnitude";
/// Sixteen hexadecimal digits to a number.
pub const HEX_HALF: &str = "f_hex_half";
/// A column's name if its value was lost in decoding.
pub const LOST: &str = "f_lost";
/// Whether an event is behind a change of its table's definition.
pub const PASSED: &str = "f_passed";
/// Text that is a JSON string, whole, and not too long.
pub const TEXT: &str = "f_text";
/// A value of an enum as the connector of MySQL or MariaDB writes it, as the source has it.
pub const LABEL: &str = "f_label";
/// The keyed hash of a text.
pub const HASH: &str = "f_hash";
/// A text of which all but the last characters are masked.
pub const KEEP_LAST: &str = "f_keep_last";
/// Base64 of up to 24 characters (18 bytes) to lower-case hexadecimal.
pub const BASE64_HEX: &str = "f_base64_hex";
/// Hexadecimal of a big-endian two's complement number of up to 16 bytes to DECIMAL(38,0).
pub const HEX_INTEGER: &str = "f_hex_integer";
/// An unscaled number and a scale to decimal text.
pub const DECIMAL_TEXT: &str = "f_decimal_text";
/// A decimal that may arrive as base64 or as text to the first stage's text.
pub const DECIMAL_ANY: &str = "f_decimal_any";
/// A decimal of both stages to decimal text.
pub const DECIMAL: &str = "f_decimal";
/// Decimal text without rounding, if it has no more digits than wanted.
pub const DECIMAL_FIT: &str = "f_decimal_fit";
/// Base64 to binary digits.
pub const BASE64_BITS: &str = "f_base64_bits";
/// WKB in base64 and an SRID to text.
pub const GEOMETRY: &str = "f_geometry";
/// The days by which ISO 8601 text of a far year was moved.
pub const ISO_DAYS: &str = "f_iso_days";
/// ISO 8601 text of a far year, moved into the years 2000 to 2399.
pub const ISO_NEAR: &str = "f_iso_near";
/// The year of ISO 8601 text.
pub const ISO_YEAR: &str = "f_iso_year";
/// ISO 8601 text to DATE.
pub const DATE_ISO: &str = "f_date_iso";
/// ISO 8601 text to TIME.
pub const TIME_ISO: &str = "f_time_iso";
/// ISO 8601 text to TIMESTAMP.
pub const TIMESTAMP_ISO: &str = "f_timestamp_iso";
/// Days since the epoch to DATE.
pub const DATE_DAYS: &str = "f_date_days";
/// Microseconds since midnight to TIME.
pub const TIME_MICROS: &str = "f_time_micros";
/// Microseconds since the epoch to TIMESTAMP.
pub const TIMESTAMP_MICROS: &str = "f_timestamp_micros";
/// ISO 8601 text with an offset to TIMESTAMPTZ.
pub const ZONED_TIMESTAMP: &str = "f_zoned_timestamp";
/// The domain in which a change's source position is comparable.
pub const POSITION_DOMAIN: &str = "f_position_domain";
/// A change's source position as text that sorts like the position.
pub const POSITION: &str = "f_position";

/// The digits of base64.
pub(super) const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// All functions in an order in which each finds those it calls.
#[must_use]
pub fn create_all(layout: &Layout) -> Vec<FunctionDefinition> {
    vec![
        (BASE64_GROUP, base64_group(layout)),
        (BASE64_HEX, base64_hex(layout)),
        (HEX_MAGNITUDE, hex_magnitude(layout)),
        (HEX_HALF, hex_half(layout)),
        (HEX_INTEGER, hex_integer(layout)),
        (DECIMAL_TEXT, decimal_text(layout)),
        (DECIMAL_FIT, decimal_fit(layout)),
        (DECIMAL_ANY, decimal_any(layout)),
        (DECIMAL, decimal(layout)),
        (BASE64_BITS, base64_bits(layout)),
        (GEOMETRY, geometry(layout)),
        (DATE_DAYS, temporal::date_days(layout)),
        (TIME_MICROS, temporal::time_micros(layout)),
        (TIMESTAMP_MICROS, temporal::timestamp_micros(layout)),
        (ISO_YEAR, temporal::iso_year(layout)),
        (ISO_NEAR, temporal::iso_near(layout)),
        (ISO_DAYS, temporal::iso_days(layout)),
        (ZONED_TIMESTAMP, temporal::zoned_timestamp(layout)),
        (DATE_ISO, temporal::date_iso(layout)),
        (TIME_ISO, temporal::time_iso(layout)),
        (TIMESTAMP_ISO, temporal::timestamp_iso(layout)),
        (POSITION_DOMAIN, position_domain(layout)),
        (POSITION, position(layout)),
        (LOST, lost(layout)),
        (PASSED, passed::passed(layout)),
        (TEXT, text(layout)),
        (LABEL, label(layout)),
        (HASH, protected::hash(layout)),
        (KEEP_LAST, protected::keep_last(layout)),
    ]
}

/// Text, its JSON type, and the most bytes. Text with the mark of U+0000 was repaired and is not
/// what the source has.
fn text(layout: &Layout) -> String {
    let body = format!(
        "SELECT CASE WHEN $2 = 'string' AND STRPOS($1, '{NUL_MARK}') = 0 AND OCTET_LENGTH($1) <= $3 THEN $1 END"
    );
    function(layout, TEXT, "VARCHAR(65535), VARCHAR(16), INTEGER", "VARCHAR(65535)", &body)
}

/// A value of an enum without the backslashes that the connector writes in front of a comma and of
/// another backslash (recorded from the stream of connectors 3.6; snapshots write none). A value
/// that has two backslashes or one in front of a comma of its own loses one in a snapshot.
fn label(layout: &Layout) -> String {
    let [one, two, comma, mark] = ["\\", "\\\\", "\\,", "__cdc_backslash__"].map(literal);
    let body = format!(
        "SELECT CASE WHEN STRPOS($1, {one}) = 0 THEN $1\n\
         \x20           ELSE REPLACE(REPLACE(REPLACE($1, {two}, {mark}), {comma}, ','), {mark}, {one}) END"
    );
    function(layout, LABEL, "VARCHAR(65535)", "VARCHAR(65535)", &body)
}

fn function(layout: &Layout, name: &str, arguments: &str, returns: &str, body: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION {}({arguments})\nRETURNS {returns}\nIMMUTABLE\nAS $function$\n{body}\n$function$ LANGUAGE sql",
        layout.function(name)
    )
}

/// Four characters of base64 to six hexadecimal digits. Padding counts as zero bits here and is
/// cut off by the caller. An empty argument gives an empty text.
fn base64_group(layout: &Layout) -> String {
    let digit = |index: usize| format!("(STRPOS('{ALPHABET}', SUBSTRING($1, {index}, 1)) - 1)");
    let body = format!(
        "SELECT CASE WHEN LEN($1) < 4 THEN ''\n\
         \x20           ELSE LPAD(TO_HEX({a} * 262144\n\
         \x20                          + {b} * 4096\n\
         \x20                          + {c} * 64\n\
         \x20                          + {d}), 6, '0') END",
        a = digit(1),
        b = digit(2),
        c = digit(3),
        d = digit(4)
    );
    function(layout, BASE64_GROUP, "VARCHAR(4)", "VARCHAR(6)", &body)
}

/// The second argument is the JSON type: a number is not base64, even if its digits look so.
/// Its text is passed on behind a number sign.
fn base64_hex(layout: &Layout) -> String {
    let groups: Vec<String> = (0..6)
        .map(|group| {
            format!("{}(SUBSTRING(TRANSLATE($1, '=', 'A'), {}, 4))", layout.function(BASE64_GROUP), group * 4 + 1)
        })
        .collect();
    let body = format!(
        "SELECT CASE WHEN $2 = 'number' THEN '#' || $1\n\
         \x20           WHEN $2 = 'string' AND LEN($1) BETWEEN 4 AND 24 AND MOD(LEN($1), 4) = 0\n\
         \x20            AND $1 ~ '^[A-Za-z0-9+/]+={{0,2}}$'\n\
         \x20           THEN LEFT({}, LEN($1) / 4 * 6 - 2 * (LEN($1) - LEN(REPLACE($1, '=', ''))))\n\
         \x20      END",
        groups.join("\n                  || ")
    );
    function(layout, BASE64_HEX, "VARCHAR(65535), VARCHAR(16)", "VARCHAR(65535)", &body)
}

/// The 32 digits of a number's magnitude: complemented if the sign bit is set, then padded.
fn hex_magnitude(layout: &Layout) -> String {
    function(
        layout,
        HEX_MAGNITUDE,
        "VARCHAR(65535)",
        "VARCHAR(64)",
        "SELECT LPAD(CASE WHEN SUBSTRING($1, 1, 1) >= '8' THEN TRANSLATE($1, '0123456789abcdef', 'fedcba9876543210') ELSE $1 END, 32, '0')",
    )
}

/// Sixteen hexadecimal digits to a number. STRTOL's range is that of a signed 64-bit integer,
/// hence eight digits at a time.
fn hex_half(layout: &Layout) -> String {
    function(
        layout,
        HEX_HALF,
        "VARCHAR(16)",
        "DECIMAL(20,0)",
        "SELECT (STRTOL(SUBSTRING($1, 1, 8), 16)::DECIMAL(20,0) * 4294967296 + STRTOL(SUBSTRING($1, 9, 8), 16))::DECIMAL(20,0)",
    )
}

/// Two halves of 64 bits, because 2^128 does not fit into DECIMAL(38). A negative number is
/// computed from its complement, -(~n) - 1, whose parts never exceed the result's magnitude.
/// 5421010862427522170 and 687399551400673279 are the halves of 10^38 - 1, the largest DECIMAL.
fn hex_integer(layout: &Layout) -> String {
    let half = |from: usize| {
        format!("{}(SUBSTRING({}($1), {from}, 16))", layout.function(HEX_HALF), layout.function(HEX_MAGNITUDE))
    };
    let (high, low) = (half(1), half(17));
    let body = format!(
        "SELECT CASE WHEN LEN($1) BETWEEN 2 AND 32 AND LEFT($1, 1) <> '#'\n\
         \x20            AND ({high} < 5421010862427522170\n\
         \x20                 OR ({high} = 5421010862427522170\n\
         \x20                     AND {low} <= 687399551400673279 - CASE WHEN SUBSTRING($1, 1, 1) >= '8' THEN 1 ELSE 0 END))\n\
         \x20           THEN CASE WHEN SUBSTRING($1, 1, 1) >= '8'\n\
         \x20                     THEN -({high}::DECIMAL(38,0) * 18446744073709551616 + {low}) - 1\n\
         \x20                     ELSE {high}::DECIMAL(38,0) * 18446744073709551616 + {low} END\n\
         \x20      END::DECIMAL(38,0)"
    );
    function(layout, HEX_INTEGER, "VARCHAR(65535)", "DECIMAL(38,0)", &body)
}

/// Arguments: unscaled number, scale, precision. NULL if the number has more digits than the
/// precision. Text keeps every digit; a division or a multiplication by a fraction would be
/// rounded to the computed scale of DECIMAL arithmetic ("Computations with numeric values").
/// A negative scale stands for zeros in front of the point. PostgreSQL's scales end at 16,383.
fn decimal_text(layout: &Layout) -> String {
    let plain = "ABS($1)::VARCHAR(40)";
    let padded = format!("LPAD({plain}, GREATEST(LEN({plain}), $2 + 1), '0')");
    let body = format!(
        "SELECT CASE WHEN (LEN({plain}) > GREATEST($3, 1) AND $1 <> 0) OR $2 NOT BETWEEN -1000 AND 16383 THEN NULL\n\
         \x20           ELSE CASE WHEN $1 < 0 THEN '-' ELSE '' END\n\
         \x20             || CASE WHEN $1 = 0 AND $2 <= 0 THEN '0'\n\
         \x20                     WHEN $2 <= 0 THEN {plain} || REPEAT('0', -$2)\n\
         \x20                     ELSE LEFT({padded}, LEN({padded}) - $2)\n\
         \x20                          || '.' || RIGHT({padded}, $2) END END"
    );
    function(layout, DECIMAL_TEXT, "DECIMAL(38,0), INTEGER, INTEGER", "VARCHAR(16500)", &body)
}

/// Arguments: decimal text, digits in front of the point, digits behind it. Zeros that mean
/// nothing do not count. NULL for more digits, and for what is no plain decimal.
fn decimal_fit(layout: &Layout) -> String {
    let whole = "LTRIM(SPLIT_PART($1, '.', 1), '+-0')";
    let fraction = "RTRIM(SPLIT_PART($1, '.', 2), '0')";
    let body = format!(
        "SELECT CASE WHEN $1 ~ '^[+-]?[0-9]+([.][0-9]+)?$' AND LEN({whole}) <= $2 AND LEN({fraction}) <= $3\n\
         \x20           THEN CASE WHEN LEFT($1, 1) = '-' THEN '-' ELSE '' END\n\
         \x20             || CASE WHEN {whole} = '' THEN '0' ELSE {whole} END\n\
         \x20             || CASE WHEN {fraction} = '' THEN '' ELSE '.' || {fraction} END END"
    );
    function(layout, DECIMAL_FIT, "VARCHAR(65535), INTEGER, INTEGER", "VARCHAR(128)", &body)
}

/// Arguments: text, its JSON type, scale, precision. Base64 has neither point nor minus sign, and
/// decimal text of a scale has a point. Whole numbers of digits only are text where base64 would
/// have another length; else nothing tells, and the value is not read. A JSON number may be a
/// double that was rounded: it is exact if a double holds all digits of the precision, or if it
/// has more digits than a double.
fn decimal_any(layout: &Layout) -> String {
    let digits = "LEN(BTRIM(TRANSLATE($1, '-.', ''), '0'))";
    let body = format!(
        "SELECT CASE WHEN $2 = 'number' AND $4 > 15 AND {digits} < 18 THEN NULL\n\
         \x20           WHEN $2 = 'string' AND ($1 ~ '[.]|^-' OR ($3 = 0 AND $1 ~ '^[0-9]+$' AND MOD(LEN($1), 4) <> 0)) THEN '#' || $1\n\
         \x20           WHEN $2 = 'string' AND $3 = 0 AND $1 ~ '^[0-9]+$' THEN NULL\n\
         \x20           ELSE {}($1, $2) END",
        layout.function(BASE64_HEX)
    );
    function(layout, DECIMAL_ANY, "VARCHAR(65535), VARCHAR(16), INTEGER, INTEGER", "VARCHAR(65535)", &body)
}

/// Arguments: the unscaled number, the first stage's text, scale, precision.
fn decimal(layout: &Layout) -> String {
    let body = format!(
        "SELECT CASE WHEN LEFT($2, 1) = '#' THEN {}(SUBSTRING($2, 2), $4 - $3, $3)\n\
         \x20           ELSE {}($1, $3, $4) END",
        layout.function(DECIMAL_FIT),
        layout.function(DECIMAL_TEXT)
    );
    function(layout, DECIMAL, "DECIMAL(38,0), VARCHAR(65535), INTEGER, INTEGER", "VARCHAR(16500)", &body)
}

/// Arguments: base64, the number of bytes at most. Eight digits a byte, in the bytes' order.
fn base64_bits(layout: &Layout) -> String {
    function(
        layout,
        BASE64_BITS,
        "VARCHAR(65535), INTEGER",
        "VARCHAR(4096)",
        "SELECT CASE WHEN MOD(LEN($1), 4) = 0 AND $1 ~ '^[A-Za-z0-9+/]*={0,2}$'\n\
         \x20            AND LEN($1) / 4 * 3 - (LEN($1) - LEN(REPLACE($1, '=', ''))) <= $2\n\
         \x20           THEN FROM_VARBYTE(TO_VARBYTE($1, 'base64'), 'binary') END",
    )
}

/// Arguments: WKB in base64, SRID or NULL. Text has room for some 32,000 bytes of WKB.
fn geometry(layout: &Layout) -> String {
    function(
        layout,
        GEOMETRY,
        "VARCHAR(65535), INTEGER",
        "VARCHAR(65535)",
        "SELECT CASE WHEN LEN($1) BETWEEN 4 AND 43600 AND MOD(LEN($1), 4) = 0 AND $1 ~ '^[A-Za-z0-9+/]*={0,2}$'\n\
         \x20           THEN COALESCE('SRID=' || $2::VARCHAR(12) || ';', '') || LOWER(TO_HEX(TO_VARBYTE($1, 'base64'))) END",
    )
}

/// Arguments: whether the typed value is NULL, the JSON type of what was there, the column's
/// name. Gives the name with a comma if a value was lost, else an empty text. A column that the
/// row image does not have is lost too: the source renamed or dropped it.
fn lost(layout: &Layout) -> String {
    function(
        layout,
        LOST,
        "BOOLEAN, VARCHAR(16), VARCHAR(127)",
        "VARCHAR(128)",
        "SELECT CASE WHEN $1 AND COALESCE($2, 'absent') <> 'null' THEN $3 || ',' ELSE '' END",
    )
}

/// Arguments: snapshot marker, GTID, server id, binlog file, log sequence number.
///
/// Snapshot reads have no comparable position. MySQL GTIDs are `uuid:n` or `uuid:tag:n`,
/// MariaDB's `domain-server-sequence`. Without a GTID, a binlog position is comparable within
/// one server's binlog. A PostgreSQL position is its LSN.
fn position_domain(layout: &Layout) -> String {
    function(
        layout,
        POSITION_DOMAIN,
        "VARCHAR(64), VARCHAR(256), BIGINT, VARCHAR(512), BIGINT",
        "VARCHAR(128)",
        "SELECT CASE WHEN COALESCE($1, 'false') <> 'false' THEN NULL\n\
         \x20           WHEN $5 IS NOT NULL THEN 'lsn'\n\
         \x20           WHEN STRPOS($2, ':') > 0 THEN LEFT('gtid:' || LEFT($2, LEN($2) - STRPOS(REVERSE($2), ':')), 128)\n\
         \x20           WHEN STRPOS($2, '-') > 0 THEN 'gtid:' || SPLIT_PART($2, '-', 1)\n\
         \x20           WHEN $4 IS NOT NULL AND $3 IS NOT NULL THEN 'binlog:' || $3::VARCHAR(20) END",
    )
}

/// Arguments: snapshot marker, GTID, binlog file, position, row, log sequence number.
fn position(layout: &Layout) -> String {
    function(
        layout,
        POSITION,
        "VARCHAR(64), VARCHAR(256), VARCHAR(512), BIGINT, BIGINT, BIGINT",
        "VARCHAR(80)",
        "SELECT CASE WHEN COALESCE($1, 'false') <> 'false' THEN NULL\n\
         \x20           WHEN $6 IS NOT NULL THEN LPAD($6::VARCHAR(20), 20, '0')\n\
         \x20           WHEN STRPOS($2, ':') > 0 THEN LPAD(REVERSE(SPLIT_PART(REVERSE($2), ':', 1)), 20, '0')\n\
         \x20           WHEN STRPOS($2, '-') > 0 THEN LPAD(SPLIT_PART($2, '-', 3), 20, '0')\n\
         \x20           WHEN $3 IS NOT NULL THEN LPAD(REVERSE(SPLIT_PART(REVERSE($3), '.', 1)), 12, '0')\n\
         \x20                || ':' || LPAD($4::VARCHAR(20), 20, '0') || ':' || LPAD($5::VARCHAR(20), 10, '0') END",
    )
}
