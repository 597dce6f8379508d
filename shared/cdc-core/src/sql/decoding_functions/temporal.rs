//! Dates, times and timestamps from numbers and from ISO 8601 text.

use super::{
    DATE_DAYS, DATE_ISO, ISO_DAYS, ISO_NEAR, ISO_YEAR, TIME_ISO, TIME_MICROS, TIMESTAMP_ISO, TIMESTAMP_MICROS,
    ZONED_TIMESTAMP, function,
};
use crate::sql::layout::Layout;

/// The years that Redshift's DATE and TIMESTAMP have, 4713 BC to 294276 ("Datetime types"), as
/// ISO 8601 counts them: the year 0 is 1 BC.
const FIRST_YEAR: i32 = -4712;
const LAST_YEAR: i32 = 294_276;

/// The last year of a timestamp that is a number or became one on the way: the connector's
/// number for infinity is in the year after it.
const LAST_YEAR_BEFORE_INFINITY: i32 = 294_246;

/// The days from 4713-01-01 BC to 1970.
const FIRST_DAY: i64 = -2_440_550;

/// The source's infinities lie outside of the range.
pub(super) fn date_days(layout: &Layout) -> String {
    let body = format!(
        "SELECT CASE WHEN $1 BETWEEN {FIRST_DAY} AND 106762939\n\
         \x20           THEN DATEADD(day, $1::INTEGER, '1970-01-01'::DATE)::DATE END"
    );
    function(layout, DATE_DAYS, "BIGINT", "DATE", &body)
}

/// Redshift's TIME reaches from 00:00:00 to 24:00:00 ("Datetime types").
pub(super) fn time_micros(layout: &Layout) -> String {
    function(
        layout,
        TIME_MICROS,
        "BIGINT",
        "TIME",
        "SELECT CASE WHEN $1 BETWEEN 0 AND 86399999999\n\
         \x20           THEN DATEADD(microsecond, MOD($1, 1000000)::INTEGER,\n\
         \x20                DATEADD(second, ($1 / 1000000)::INTEGER, '1970-01-01'::TIMESTAMP))::TIME\n\
         \x20           WHEN $1 = 86400000000 THEN '24:00:00'::TIME END",
    )
}

/// DATEADD counts in 32-bit integers, hence days, seconds and microseconds one after another.
/// The source's infinities lie outside of the range.
pub(super) fn timestamp_micros(layout: &Layout) -> String {
    let in_day = "MOD(MOD($1, 86400000000) + 86400000000, 86400000000)";
    let body = format!(
        "SELECT CASE WHEN $1 BETWEEN {} AND 9223371244799999999\n\
         \x20           THEN DATEADD(microsecond, MOD({in_day}, 1000000)::INTEGER,\n\
         \x20                DATEADD(second, ({in_day} / 1000000)::INTEGER,\n\
         \x20                DATEADD(day, (($1 - {in_day}) / 86400000000)::INTEGER, '1970-01-01'::TIMESTAMP))) END",
        FIRST_DAY * 86_400_000_000,
    );
    function(layout, TIMESTAMP_MICROS, "BIGINT", "TIMESTAMP", &body)
}

/// The year as ISO 8601 has it: four digits, or a sign and any number of them.
pub(super) fn iso_year(layout: &Layout) -> String {
    function(
        layout,
        ISO_YEAR,
        "VARCHAR(65535)",
        "INTEGER",
        "SELECT CASE WHEN LEFT($1, 1) = '-' THEN -(SPLIT_PART(SUBSTRING($1, 2, 12), '-', 1)::INTEGER)\n\
         \x20           WHEN LEFT($1, 1) = '+' THEN SPLIT_PART(SUBSTRING($1, 2, 12), '-', 1)::INTEGER\n\
         \x20           ELSE LEFT($1, 4)::INTEGER END",
    )
}

/// The calendar repeats after 400 years.
pub(super) fn iso_near(layout: &Layout) -> String {
    let year = format!("{}($1)", layout.function(ISO_YEAR));
    let body = format!(
        "SELECT (2000 + MOD(MOD({year}, 400) + 400, 400))::VARCHAR(4)\n\
         \x20      || SUBSTRING($1, CASE WHEN LEFT($1, 1) IN ('+', '-') THEN STRPOS(SUBSTRING($1, 2, 12), '-') + 1 ELSE 5 END, 40)"
    );
    function(layout, ISO_NEAR, "VARCHAR(65535)", "VARCHAR(48)", &body)
}

/// 400 years have 146,097 days.
pub(super) fn iso_days(layout: &Layout) -> String {
    let year = format!("{}($1)", layout.function(ISO_YEAR));
    let body = format!("SELECT ({year} - (2000 + MOD(MOD({year}, 400) + 400, 400))) / 400 * 146097");
    function(layout, ISO_DAYS, "VARCHAR(65535)", "INTEGER", &body)
}

/// The pattern of a year outside of 1 to 9999.
const FAR_YEAR: &str = "([+-][0-9]{4,6}|0000)";

/// A moment of a far year, computed from the same moment of a near one. `text` is the near
/// moment without its zone.
fn far(layout: &Layout, text: &str, kind: &str, last_year: i32) -> String {
    format!(
        "CASE WHEN {}($1) BETWEEN {FIRST_YEAR} AND {last_year}\n\
         \x20                     THEN DATEADD(day, {}($1), {text}::{kind})::{kind} END",
        layout.function(ISO_YEAR),
        layout.function(ISO_DAYS),
    )
}

/// At most six fractional digits: Redshift keeps no more. PostgreSQL's infinities are words.
pub(super) fn zoned_timestamp(layout: &Layout) -> String {
    let near = format!("REPLACE(REPLACE({}($1), 'T', ' '), 'Z', '')", layout.function(ISO_NEAR));
    let body = format!(
        "SELECT CASE WHEN $1 ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})$'\n\
         \x20            AND LEFT($1, 4) <> '0000'\n\
         \x20           THEN REPLACE(REPLACE($1, 'T', ' '), 'Z', '+00')::TIMESTAMPTZ\n\
         \x20           WHEN $1 ~ '^{FAR_YEAR}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?Z$'\n\
         \x20           THEN ({}) AT TIME ZONE 'UTC' END",
        far(layout, &near, "TIMESTAMP", LAST_YEAR),
    );
    function(layout, ZONED_TIMESTAMP, "VARCHAR(65535)", "TIMESTAMPTZ", &body)
}

/// UTC is the connector's way of saying that there is no time zone.
pub(super) fn date_iso(layout: &Layout) -> String {
    let near = format!("LEFT({}($1), 10)", layout.function(ISO_NEAR));
    let body = format!(
        "SELECT CASE WHEN $1 ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(Z|[+]00:00)?$' AND LEFT($1, 4) <> '0000'\n\
         \x20           THEN LEFT($1, 10)::DATE\n\
         \x20           WHEN $1 ~ '^{FAR_YEAR}-[0-9]{{2}}-[0-9]{{2}}(Z|[+]00:00)?$'\n\
         \x20           THEN {} END",
        far(layout, &near, "DATE", LAST_YEAR),
    );
    function(layout, DATE_ISO, "VARCHAR(65535)", "DATE", &body)
}

/// UTC is the connector's way of saying that there is no time zone. At most six digits count.
pub(super) fn time_iso(layout: &Layout) -> String {
    function(
        layout,
        TIME_ISO,
        "VARCHAR(65535)",
        "TIME",
        "SELECT CASE WHEN $1 ~ '^[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+]00:00)?$'\n\
         \x20           THEN LEFT(REPLACE(REPLACE($1, 'Z', ''), '+00:00', ''), 15)::TIME END",
    )
}

/// UTC is the connector's way of saying that there is no time zone. Six digits count.
pub(super) fn timestamp_iso(layout: &Layout) -> String {
    let moment = |text: &str| format!("LEFT(REPLACE(REPLACE(REPLACE({text}, 'T', ' '), 'Z', ''), '+00:00', ''), 26)");
    let near = moment(&format!("{}($1)", layout.function(ISO_NEAR)));
    let pattern = "-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+]00:00)?$";
    let body = format!(
        "SELECT CASE WHEN $1 ~ '^[0-9]{{4}}{pattern}' AND LEFT($1, 4) <> '0000'\n\
         \x20           THEN {}::TIMESTAMP\n\
         \x20           WHEN $1 ~ '^{FAR_YEAR}{pattern}'\n\
         \x20           THEN {} END",
        moment("$1"),
        far(layout, &near, "TIMESTAMP", LAST_YEAR_BEFORE_INFINITY),
    );
    function(layout, TIMESTAMP_ISO, "VARCHAR(65535)", "TIMESTAMP", &body)
}
