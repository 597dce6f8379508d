//! From a field to a column's value ("Data conversion parameters").
//!
//! What comes out is text that PostgreSQL reads as the column's type. Invariant: nothing is cut or rounded unless an option, or the
//! guide, says so.

use redshift_sql::statement::files::Conversion;
use redshift_sql::{Column, RsType};

use super::fault::Fault;
use super::moment;

/// A value before it is converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// The null string of a file, a missing field or text.
    Text(Vec<u8>),
    /// JSON, of a JSON document's object, array, number or boolean.
    Json(String),
    /// A string of a JSON document.
    JsonText(String),
}

/// The value as PostgreSQL reads it; `None` is NULL.
pub(super) fn convert(value: Value, column: &Column, options: &Conversion) -> Result<Option<String>, Fault> {
    let converted = match value {
        Value::Null => None,
        Value::Json(json) if column.rs_type == RsType::Super => Some(json),
        Value::JsonText(text) if column.rs_type == RsType::Super => Some(serde_json::Value::String(text).to_string()),
        Value::Json(json) => scalar(json.into_bytes(), column, options)?,
        Value::JsonText(text) => scalar(text.into_bytes(), column, options)?,
        Value::Text(bytes) => scalar(bytes, column, options)?,
    };
    if converted.is_none() && !column.nullable { Err(Fault::not_null()) } else { Ok(converted) }
}

fn scalar(bytes: Vec<u8>, column: &Column, options: &Conversion) -> Result<Option<String>, Fault> {
    let rs_type = &column.rs_type;
    if rs_type.is_character() {
        return characters(bytes, rs_type, options);
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::utf8())?;
    let text = text.trim();
    // "Blank fields for other data types, such as INT, are always loaded with NULL."
    if text.is_empty() {
        return Ok(None);
    }
    let or_null = |moment: Option<String>, fault: fn() -> Fault| match moment {
        Some(text) => Ok(Some(text)),
        None if options.accept_any_date => Ok(None),
        None => Err(fault()),
    };
    match rs_type {
        RsType::SmallInt => integer(text, i64::from(i16::MIN), i64::from(i16::MAX), "Short"),
        RsType::Integer => integer(text, i64::from(i32::MIN), i64::from(i32::MAX), "Integer"),
        RsType::BigInt => integer(text, i64::MIN, i64::MAX, "Long"),
        RsType::Decimal(precision, scale) => decimal(text, *precision, *scale, options.round_decimals),
        RsType::Real | RsType::Double => match text.parse::<f64>() {
            Ok(number) if *rs_type == RsType::Real && number.is_finite() && number.abs() > f64::from(f32::MAX) => {
                Err(Fault::out_of_range("Overflow, Type: Float"))
            }
            Ok(_) => Ok(Some(text.to_owned())),
            Err(_) => Err(Fault::float()),
        },
        RsType::Boolean => match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "1" => Ok(Some("t".to_owned())),
            "f" | "false" | "n" | "no" | "0" => Ok(Some("f".to_owned())),
            _ => Err(Fault::boolean()),
        },
        RsType::Date => or_null(moment::date(text, &options.date), Fault::date),
        RsType::Timestamp => or_null(moment::timestamp(text, &options.time, false), Fault::timestamp),
        RsType::TimestampTz => or_null(moment::timestamp(text, &options.time, true), Fault::timestamp),
        RsType::Time => moment::time(text, false).map(Some).ok_or_else(Fault::timestamp),
        RsType::TimeTz => moment::time(text, true).map(Some).ok_or_else(Fault::timestamp),
        // "Copying data from text and CSV": SUPER columns are serialized JSON.
        RsType::Super => match serde_json::from_str::<&serde_json::value::RawValue>(text) {
            Ok(_) => Ok(Some(text.to_owned())),
            Err(_) => Err(Fault::super_json()),
        },
        // "VARBYTE type": hexadecimal digits.
        RsType::Varbyte(most) => {
            let wrong = text.chars().position(|c| !c.is_ascii_hexdigit());
            match wrong {
                Some(position) => Err(Fault::digit(text, position, "Varbyte")),
                None if text.len() % 2 == 1 => Err(Fault::digit(text, text.len(), "Varbyte")),
                None if text.len() / 2 > usize::try_from(*most).unwrap_or(usize::MAX) => {
                    Err(Fault::out_of_range("Varbyte length exceeds DDL length"))
                }
                None => Ok(Some(text.to_owned())),
            }
        }
        other => Err(Fault::unsupported(&other.to_string())),
    }
}

fn characters(bytes: Vec<u8>, rs_type: &RsType, options: &Conversion) -> Result<Option<String>, Fault> {
    let varchar = matches!(rs_type, RsType::Varchar(_));
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // "ACCEPTINVCHARS is valid only for VARCHAR columns."
        Err(error) => match options.replacement.filter(|_| varchar) {
            Some(replacement) => replaced(error.as_bytes(), char::from(replacement)),
            None => return Err(Fault::utf8()),
        },
    };
    if let Some(end) = text.find('\0') {
        text.truncate(end);
    }
    if (options.empty_as_null && text.is_empty())
        || (options.blanks_as_null && !text.is_empty() && text.trim().is_empty())
    {
        return Ok(None);
    }
    if varchar && options.trim_blanks {
        text.truncate(text.trim_end().len());
    }
    let (RsType::Varchar(most) | RsType::Char(most)) = rs_type else { return Err(Fault::char_field()) };
    let most = usize::try_from(*most).unwrap_or(usize::MAX);
    if !varchar {
        if !text.is_ascii() {
            return Err(Fault::char_field());
        }
        // Trailing blanks of CHAR mean nothing.
        text.truncate(text.trim_end_matches(' ').len());
    }
    if text.len() > most {
        if !options.truncate_columns {
            return Err(Fault::out_of_range("String length exceeds DDL length"));
        }
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    Ok(Some(text))
}

/// Each byte that belongs to no character becomes one replacement ("a string of equal length").
pub(super) fn replaced(bytes: &[u8], replacement: char) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| replacement));
    }
    out
}

fn integer(text: &str, least: i64, most: i64, name: &str) -> Result<Option<String>, Fault> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(position) = digits.chars().position(|c| !c.is_ascii_digit()) {
        return Err(Fault::digit(text, text.len() - digits.len() + position, name));
    }
    match text.parse::<i64>() {
        _ if digits.is_empty() => Err(Fault::digit(text, 0, name)),
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number.to_string())),
        _ => Err(Fault::out_of_range(&format!("Overflow, Type: {name}"))),
    }
}

/// "ROUNDEC": without it, digits behind the column's scale are cut off.
fn decimal(text: &str, precision: u8, scale: u8, round: bool) -> Result<Option<String>, Fault> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().map_err(|_| Fault::digit(text, mantissa.len() + 1, "Decimal"))?)
        }
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits: String = [whole, fraction].concat();
    if let Some(position) = digits.chars().position(|c| !c.is_ascii_digit()) {
        return Err(Fault::digit(text, mantissa.len() - unsigned.len() + position, "Decimal"));
    }
    if digits.is_empty() {
        return Err(Fault::digit(text, 0, "Decimal"));
    }
    // The point stands behind so many of the digits.
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(i64::from(exponent));
    let kept = point.saturating_add(i64::from(scale)).clamp(-1, 128);
    let mut scaled: Vec<u8> = Vec::new();
    for index in 0..kept.max(0) {
        scaled.push(usize::try_from(index).ok().and_then(|i| digits.as_bytes().get(i)).copied().unwrap_or(b'0'));
    }
    let next = usize::try_from(kept).ok().and_then(|index| digits.as_bytes().get(index));
    if round && next.is_some_and(|digit| *digit >= b'5') {
        let mut at = scaled.len();
        loop {
            if at == 0 {
                scaled.insert(0, b'1');
                break;
            }
            at -= 1;
            if scaled[at] == b'9' {
                scaled[at] = b'0';
            } else {
                scaled[at] += 1;
                break;
            }
        }
    }
    let significant = scaled.iter().skip_while(|digit| **digit == b'0').count();
    if significant > usize::from(precision) {
        return Err(Fault::out_of_range("Overflow, Type: Decimal"));
    }
    let mut number = String::from_utf8_lossy(&scaled).into_owned();
    let scale = usize::from(scale);
    if number.len() <= scale {
        number = format!("{}{number}", "0".repeat(scale + 1 - number.len()));
    }
    if scale > 0 {
        number.insert(number.len() - scale, '.');
    }
    Ok(Some(if negative { format!("-{number}") } else { number }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, round: bool) -> Result<Option<String>, i32> {
        decimal(text, 8, 2, round).map_err(|fault| fault.code)
    }

    /// "ROUNDEC": its example, and the edges of it.
    #[test]
    fn decimals_are_cut_or_rounded() {
        assert_eq!(of("20.259", false), Ok(Some("20.25".into())));
        assert_eq!(of("20.259", true), Ok(Some("20.26".into())));
        assert_eq!(of("-0.005", true), Ok(Some("-0.01".into())));
        assert_eq!(of("999999.995", true), Err(1204));
        assert_eq!(of("999999.995", false), Ok(Some("999999.99".into())));
        assert_eq!(of("1.5e3", false), Ok(Some("1500.00".into())));
        assert_eq!(of("15e-1", false), Ok(Some("1.50".into())));
        assert_eq!(of("5e-9", true), Ok(Some("0.00".into())));
        assert_eq!(of("7", false), Ok(Some("7.00".into())));
        assert_eq!(of("1,5", false), Err(1207));
        assert_eq!(of(".", false), Err(1207));
    }

    #[test]
    fn bytes_that_are_no_characters_are_replaced_one_by_one() {
        assert_eq!(replaced(b"a\xF0\x9F\x92b", '^'), "a^^^b");
    }
}
