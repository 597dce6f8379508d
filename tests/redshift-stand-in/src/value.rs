//! Values between PostgreSQL's wire, plpgsql variables and the Data API.
//!
//! Results arrive in PostgreSQL's binary form and are decoded to [`Datum`]; variables and bind
//! parameters travel as text. Invariant: no value is rounded or cut here.

mod json;

use bytes::{BufMut as _, BytesMut};
use redshift_data_api::{ColumnMetadata, Nullable, SqlError, Value};
use redshift_sql::{OutputColumn, RsType};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::SqlResult;

/// One decoded value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    Null,
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Everything else, in Redshift's text form.
    Text(String),
}

impl Datum {
    /// The text form that PostgreSQL reads back; `None` for NULL.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Float(number) => Some(float_text(number)),
            Self::Boolean(value) => Some(if value { "true" } else { "false" }.to_owned()),
            Self::Text(text) => Some(text),
        }
    }

    /// As the Data API types it.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Long(number),
            Self::Float(number) => Value::Double(number),
            Self::Boolean(value) => Value::Boolean(value),
            Self::Text(text) => Value::String(text),
        }
    }

    /// A variable's text as a value of its type.
    pub(crate) fn from_text(text: Option<&str>, rs_type: &RsType) -> SqlResult<Self> {
        let Some(text) = text else {
            return Ok(Self::Null);
        };
        let wrong = || SqlError::new("22P02", format!("a variable does not hold a value of type {rs_type}"));
        Ok(match rs_type {
            RsType::SmallInt | RsType::Integer | RsType::BigInt | RsType::Oid => {
                Self::Integer(text.trim().parse().map_err(|_| wrong())?)
            }
            RsType::Real | RsType::Double => Self::Float(text.trim().parse().map_err(|_| wrong())?),
            RsType::Boolean => Self::Boolean(matches!(text, "t" | "true")),
            RsType::Varbyte(_) => Self::Text(text.trim_start_matches("\\x").to_owned()),
            RsType::Super => Self::Text(json::shown(text)),
            _ => Self::Text(text.to_owned()),
        })
    }

    /// A result's value as a variable keeps it: what PostgreSQL reads back as that type.
    pub(crate) fn into_variable(self, rs_type: &RsType) -> Option<String> {
        let text = self.into_text()?;
        Some(match rs_type {
            RsType::Varbyte(_) => format!("\\x{text}"),
            _ => text,
        })
    }
}

fn float_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{number}")
    }
}

/// Reads a value of any type that translated SQL returns.
impl<'a> FromSql<'a> for Datum {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        decode(ty, raw).ok_or_else(|| format!("a value of type {} cannot be read", ty.name()).into())
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn decode(ty: &Type, raw: &[u8]) -> Option<Datum> {
    let int = |bytes: &[u8]| -> Option<i64> {
        Some(match bytes.len() {
            2 => i64::from(i16::from_be_bytes(bytes.try_into().ok()?)),
            4 => i64::from(i32::from_be_bytes(bytes.try_into().ok()?)),
            8 => i64::from_be_bytes(bytes.try_into().ok()?),
            _ => return None,
        })
    };
    let text = || String::from_utf8(raw.to_vec()).ok();
    Some(match *ty {
        Type::BOOL => Datum::Boolean(*raw.first()? != 0),
        Type::INT2 | Type::INT4 | Type::INT8 => Datum::Integer(int(raw)?),
        Type::OID | Type::REGCLASS | Type::REGPROC | Type::XID => {
            Datum::Integer(i64::from(u32::from_be_bytes(raw.try_into().ok()?)))
        }
        Type::FLOAT4 => {
            // The shortest decimal that means the same single-precision number.
            let single = f32::from_be_bytes(raw.try_into().ok()?);
            Datum::Float(single.to_string().parse().unwrap_or(f64::from(single)))
        }
        Type::FLOAT8 => Datum::Float(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => Datum::Text(numeric(raw)?),
        Type::DATE => Datum::Text(date_text(int(raw)?)),
        Type::TIME => Datum::Text(time_text(int(raw)?)),
        Type::TIMETZ => {
            let zone = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
            Datum::Text(time_text(int(raw.get(..8)?)?) + &zone_text(-zone))
        }
        Type::TIMESTAMP => Datum::Text(timestamp_text(int(raw)?)),
        Type::TIMESTAMPTZ => Datum::Text(in_utc(&timestamp_text(int(raw)?))),
        Type::INTERVAL => Datum::Text(interval_text(raw)?),
        Type::BYTEA => Datum::Text(hex(raw)),
        Type::JSONB => Datum::Text(json::shown(std::str::from_utf8(raw.get(1..)?).ok()?)),
        Type::JSON => Datum::Text(json::shown(std::str::from_utf8(raw).ok()?)),
        Type::CHAR => Datum::Text(String::from_utf8_lossy(raw).into_owned()),
        Type::VOID => Datum::Null,
        Type::UUID => Datum::Text(hex(raw)),
        _ => Datum::Text(text()?),
    })
}

/// Lower-case hexadecimal, as Redshift prints VARBYTE.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// PostgreSQL's binary numeric: base-10000 digits, weight, sign, display scale.
fn numeric(raw: &[u8]) -> Option<String> {
    let word =
        |index: usize| -> Option<u16> { Some(u16::from_be_bytes(raw.get(index * 2..index * 2 + 2)?.try_into().ok()?)) };
    let (count, weight, sign, scale) = (word(0)?, word(1)? as i16, word(2)?, word(3)?);
    match sign {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digit = |place: i32| -> Option<u16> {
        let index = i32::from(weight) - place;
        if index < 0 || index >= i32::from(count) { Some(0) } else { word(4 + usize::try_from(index).ok()?) }
    };
    let mut out = String::new();
    if sign == 0x4000 {
        out.push('-');
    }
    if weight < 0 {
        out.push('0');
    } else {
        for place in (0..=i32::from(weight)).rev() {
            let value = digit(place)?;
            if place == i32::from(weight) {
                out.push_str(&value.to_string());
            } else {
                out.push_str(&format!("{value:04}"));
            }
        }
    }
    if scale > 0 {
        let mut fraction = String::new();
        let mut place = -1;
        while fraction.len() < usize::from(scale) {
            fraction.push_str(&format!("{:04}", digit(place)?));
            place -= 1;
        }
        fraction.truncate(usize::from(scale));
        out.push('.');
        out.push_str(&fraction);
    }
    Some(out)
}

const DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's epoch.
const EPOCH: i64 = 10_957;

/// Proleptic Gregorian calendar from days since 2000-01-01.
pub(crate) fn date_text(days: i64) -> String {
    if days == i64::from(i32::MAX) {
        return "infinity".to_owned();
    }
    if days == i64::from(i32::MIN) {
        return "-infinity".to_owned();
    }
    let (year, month, day) = civil(days + EPOCH);
    if year > 0 { format!("{year:04}-{month:02}-{day:02}") } else { format!("{:04}-{month:02}-{day:02} BC", 1 - year) }
}

fn civil(days_since_1970: i64) -> (i64, i64, i64) {
    let shifted = days_since_1970 + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn time_text(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let mut out = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % 1_000_000;
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
    out
}

pub(crate) fn timestamp_text(micros: i64) -> String {
    if micros == i64::MAX {
        return "infinity".to_owned();
    }
    if micros == i64::MIN {
        return "-infinity".to_owned();
    }
    let date = date_text(micros.div_euclid(DAY));
    let time = time_text(micros.rem_euclid(DAY));
    match date.strip_suffix(" BC") {
        Some(date) => format!("{date} {time} BC"),
        None => format!("{date} {time}"),
    }
}

/// A timestamp with its offset, which stands in front of the era.
fn in_utc(timestamp: &str) -> String {
    match timestamp.strip_suffix(" BC") {
        Some(timestamp) => format!("{timestamp}+00 BC"),
        None => format!("{timestamp}+00"),
    }
}

fn zone_text(seconds_east: i32) -> String {
    let sign = if seconds_east < 0 { '-' } else { '+' };
    let minutes = seconds_east.abs() / 60;
    if minutes % 60 == 0 {
        format!("{sign}{:02}", minutes / 60)
    } else {
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn interval_text(raw: &[u8]) -> Option<String> {
    let micros = i64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
    let days = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
    let months = i32::from_be_bytes(raw.get(12..16)?.try_into().ok()?);
    let mut parts = Vec::new();
    let mut part = |count: i32, unit: &str| {
        if count != 0 {
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{count} {unit}{plural}"));
        }
    };
    part(months / 12, "year");
    part(months % 12, "mon");
    part(days, "day");
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        parts.push(format!("{sign}{}", time_text(micros.abs())));
    }
    Some(parts.join(" "))
}

/// A bind parameter in text form, whatever its type.
#[derive(Debug)]
pub(crate) struct TextParameter(pub(crate) Option<String>);

impl ToSql for TextParameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// What JDBC's metadata would say of a column.
pub(crate) fn column_metadata(column: &OutputColumn) -> ColumnMetadata {
    let (length, precision, scale) = match &column.rs_type {
        RsType::SmallInt => (0, 5, 0),
        RsType::Integer | RsType::Oid => (0, 10, 0),
        RsType::BigInt => (0, 19, 0),
        RsType::Decimal(precision, scale) => (0, i32::from(*precision), i32::from(*scale)),
        RsType::Real => (0, 8, 8),
        RsType::Double => (0, 17, 17),
        RsType::Boolean => (0, 1, 0),
        RsType::Char(n) | RsType::Varchar(n) => {
            let n = i32::try_from(*n).unwrap_or(i32::MAX);
            (0, n, 0)
        }
        RsType::Date => (0, 13, 0),
        RsType::Time => (0, 15, 6),
        RsType::TimeTz => (0, 21, 6),
        RsType::Timestamp => (0, 29, 6),
        RsType::TimestampTz => (0, 35, 6),
        RsType::Varbyte(n) => (i32::try_from(*n).unwrap_or(i32::MAX), i32::try_from(*n).unwrap_or(i32::MAX), 0),
        RsType::Super | RsType::Interval | RsType::Unknown => (0, 0, 0),
    };
    let (schema_name, table_name) = column.origin.clone().unwrap_or_default();
    ColumnMetadata {
        name: column.name.clone(),
        label: column.name.clone(),
        type_name: column.rs_type.short_name().to_owned(),
        length,
        precision,
        scale,
        nullable: Nullable::Yes,
        schema_name,
        table_name,
        is_signed: column.rs_type.is_numeric(),
        is_case_sensitive: column.rs_type.is_character() || column.rs_type == RsType::Super,
        is_currency: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_numerics_with_their_scale() {
        // 12345.6780: digits 1 2345 6780, weight 1, scale 4.
        let raw = [0, 3, 0, 1, 0, 0, 0, 4, 0, 1, 0x09, 0x29, 0x1A, 0x7C];
        assert_eq!(numeric(&raw).as_deref(), Some("12345.6780"));
        let zero = [0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(numeric(&zero).as_deref(), Some("0.00"));
        // -0.0005: one digit of weight -1.
        let small = [0, 1, 0xFF, 0xFF, 0x40, 0, 0, 4, 0, 5];
        assert_eq!(numeric(&small).as_deref(), Some("-0.0005"));
    }

    #[test]
    fn prints_instants_as_redshift_does() {
        for (micros, expected) in [
            (0, "2000-01-01 00:00:00"),
            (-1, "1999-12-31 23:59:59.999999"),
            (500_000, "2000-01-01 00:00:00.5"),
            (-63_082_281_600_000_000, "0001-01-01 00:00:00"),
        ] {
            assert_eq!(timestamp_text(micros), expected);
        }
        assert_eq!(date_text(59), "2000-02-29");
    }
}
