//! The value with which a column was added, as SQL.

use super::super::ident::literal;
use crate::catalog::{Column, Decoding, RedshiftType};

/// A column's default as a typed literal. None for what is no plain literal of the type:
/// expressions, and values that the target's type does not hold.
pub(crate) fn default_value(default: &str, column: &Column) -> Option<String> {
    use RedshiftType as T;
    let kind = column.target_type;
    let is = |pattern: &dyn Fn(&str) -> bool| pattern(default).then(|| format!("{}::{kind}", literal(default)));
    match kind {
        T::SmallInt | T::Integer | T::BigInt if matches!(default, "TRUE" | "true" | "FALSE" | "false") => {
            Some(format!("{}::{kind}", u8::from(default.eq_ignore_ascii_case("TRUE"))))
        }
        T::SmallInt => default.parse::<i16>().ok().map(|number| format!("{number}::{kind}")),
        T::Integer => default.parse::<i32>().ok().map(|number| format!("{number}::{kind}")),
        T::BigInt => default.parse::<i64>().ok().map(|number| format!("{number}::{kind}")),
        T::Decimal { precision, scale } => is(&|text| is_decimal(text, precision, scale)),
        T::Real | T::DoublePrecision => is(&|text| text.parse::<f64>().is_ok_and(f64::is_finite)),
        T::Boolean => match default {
            "0" | "b'0'" | "false" | "FALSE" => Some("false".to_owned()),
            "1" | "b'1'" | "true" | "TRUE" => Some("true".to_owned()),
            _ => None,
        },
        T::Varchar { .. } if column.decoding == Decoding::Geometry => None,
        T::Varchar { .. } if matches!(column.decoding, Decoding::Bits { .. }) => bits_of(default, column),
        T::Varchar { bytes } => {
            is(&|text| !text.starts_with('(') && u32::try_from(text.len()).is_ok_and(|length| length <= bytes))
        }
        T::Date => is(&is_date),
        T::Timestamp => is(&|text| text.split_once(' ').is_some_and(|(date, time)| is_date(date) && is_time(time))),
        T::Time => is(&is_time),
        T::TimestampTz | T::Varbyte { .. } | T::Super => None,
    }
}

/// `b'101'` as text of as many binary digits as the column has. Debezium leaves out what is around
/// the digits, and then several may be a decimal number.
fn bits_of(default: &str, column: &Column) -> Option<String> {
    let Decoding::Bits { length } = column.decoding else { return None };
    let digits = match default {
        "0" | "1" => default,
        _ => default.strip_prefix("b'")?.strip_suffix('\'')?,
    };
    let is_fit = digits.len() <= usize::from(length) && digits.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    let padded = format!("{digits:0>width$}", width = usize::from(length));
    is_fit.then(|| format!("{}::{}", literal(&padded), column.target_type))
}

fn is_decimal(text: &str, precision: u8, scale: u8) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !whole.is_empty()
        && all_digits(whole)
        && all_digits(fraction)
        && whole.trim_start_matches('0').len() <= usize::from(precision - scale)
        && fraction.len() <= usize::from(scale)
}

fn numbers(text: &str, separator: char) -> Vec<Option<u32>> {
    text.split(separator)
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect()
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && matches!(numbers(text, '-').as_slice(), [Some(1..), Some(1..=12), Some(1..=28)])
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    fraction.len() <= 6
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && clock.len() == 8
        && matches!(numbers(clock, ':').as_slice(), [Some(0..=23), Some(0..=59), Some(0..=59)])
}
