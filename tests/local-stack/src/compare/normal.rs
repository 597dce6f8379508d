//! The form in which equal values of the source and of the target have equal texts.
//!
//! Numbers are compared by value, floats and decimals that arrived as floats at their precision,
//! times as instants or local values, JSON as JSON, arrays element by element; everything else
//! as exact text.

use std::collections::BTreeMap;

use cdc_core::catalog::RedshiftType;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::truth::TruthColumn;

/// A value in the form in which equal values have equal texts. `target` is the type of the
/// target's column; both sides are given the same.
pub(super) fn normal(column: &TruthColumn, target: RedshiftType, value: &str) -> String {
    let kind = column.kind.to_ascii_lowercase();
    match column.encoding.as_str() {
        "hex" => return hex(value),
        "hex-number" => return bits(value, target),
        "srid-wkb-hex" => return value.to_ascii_lowercase().replace("srid", "SRID"),
        "vector-text" => return floats(value),
        _ => {}
    }
    if let Some(element) = kind.strip_suffix("[]") {
        return array(value, element);
    }
    let is_number =
        starts(&kind, &["tinyint", "smallint", "mediumint", "int", "bigint", "dec", "numeric", "year", "serial"])
            && !starts(&kind, &["interval", "int4range", "int8range", "int4multirange", "int8multirange"]);
    if column.encoding == "float32-as-double-text" || starts(&kind, &["float", "real", "float4"]) {
        float(value, |number| (number as f32 + 0.0).to_string())
    } else if starts(&kind, &["double", "float8"])
        || (is_number || kind == "money") && target == RedshiftType::DoublePrecision
    {
        float(&money(value), |number| (number + 0.0).to_string())
    } else if kind == "money" {
        number(&money(value))
    } else if kind == "bytea" {
        hex(value)
    } else if kind == "bit" || kind == "bit(1)" || starts(&kind, &["bool"]) {
        boolean(value)
    } else if starts(&kind, &["tinyint(1)"]) {
        match value {
            "t" | "true" => "1".to_owned(),
            "f" | "false" => "0".to_owned(),
            other => number(other),
        }
    } else if starts(&kind, &["interval"]) && target == RedshiftType::BigInt {
        interval_micros(value).map_or_else(|| value.to_owned(), |micros| micros.to_string())
    } else if is_number {
        number(value)
    } else if starts(&kind, &["timetz"]) || (starts(&kind, &["time ", "time("]) && kind.ends_with("with time zone")) {
        utc_time(value)
    } else if starts(&kind, &["timestamp", "datetime", "time", "date"]) && !kind.ends_with("range") {
        temporal(value)
    } else if starts(&kind, &["json"]) {
        serde_json::from_str::<Value>(value).map_or_else(|_| value.to_owned(), |json| json.to_string())
    } else if kind == "hstore" {
        hstore(value)
    } else if kind == "point" {
        point(value)
    } else if starts(&kind, &["vector", "halfvec"]) {
        floats(value)
    } else {
        value.to_owned()
    }
}

fn starts(kind: &str, names: &[&str]) -> bool {
    names.iter().any(|name| kind.starts_with(name))
}

fn hex(value: &str) -> String {
    value.trim_start_matches("\\x").to_ascii_lowercase()
}

fn boolean(value: &str) -> String {
    match value {
        "1" | "t" | "true" | "TRUE" => "t".to_owned(),
        "0" | "f" | "false" | "FALSE" => "f".to_owned(),
        other => other.to_owned(),
    }
}

fn float(value: &str, show: fn(f64) -> String) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), show)
}

/// `-$1,234.50` is -1234.50.
fn money(value: &str) -> String {
    value.chars().filter(|letter| !matches!(letter, '$' | ',')).collect()
}

/// A bit field: the source gives a hexadecimal number, the target binary digits or a boolean.
fn bits(value: &str, target: RedshiftType) -> String {
    if target == RedshiftType::Boolean {
        return boolean(value.trim_start_matches('0').strip_prefix('x').unwrap_or(value));
    }
    let is_source = !matches!(target, RedshiftType::Varchar { bytes } if value.len() == bytes as usize && value.bytes().all(|digit| digit == b'0' || digit == b'1'));
    let digits: String = if is_source {
        value.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| format!("{digit:04b}")).collect()
    } else {
        value.to_owned()
    };
    digits.trim_start_matches('0').to_owned()
}

/// An array as PostgreSQL writes it, or as JSON.
fn array(value: &str, element: &str) -> String {
    let elements = if value.starts_with('{') { postgres_array(value) } else { json_array(value) };
    let Some(elements) = elements else { return value.to_owned() };
    let column = TruthColumn { name: String::new(), kind: element.to_owned(), encoding: "text".to_owned() };
    let target = RedshiftType::Varchar { bytes: 1 };
    let shown: Vec<Option<String>> =
        elements.iter().map(|element| element.as_deref().map(|text| normal(&column, target, text))).collect();
    format!("{shown:?}")
}

fn json_array(value: &str) -> Option<Vec<Option<String>>> {
    let raw: Vec<Option<&RawValue>> = serde_json::from_str(value).ok()?;
    let text = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    Some(raw.into_iter().map(|element| element.map(text)).collect())
}

/// `{1,NULL,"a \"b\""}`: one dimension.
fn postgres_array(value: &str) -> Option<Vec<Option<String>>> {
    let inner = value.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let (mut text, mut in_quotes, mut quoted) = (String::new(), false, false);
    let mut letters = inner.chars();
    let mut push = |text: &mut String, quoted: &mut bool| {
        elements.push(if !*quoted && text == "NULL" { None } else { Some(std::mem::take(text)) });
        text.clear();
        *quoted = false;
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                in_quotes = !in_quotes;
                quoted = true;
            }
            '\\' => text.extend(letters.next()),
            ',' if !in_quotes => push(&mut text, &mut quoted),
            other => text.push(other),
        }
    }
    if !inner.is_empty() {
        push(&mut text, &mut quoted);
    }
    Some(elements)
}

/// `"a"=>"1", "b"=>NULL`, or the same as JSON.
fn hstore(value: &str) -> String {
    if let Ok(json) = serde_json::from_str::<BTreeMap<String, Option<String>>>(value) {
        return format!("{json:?}");
    }
    let mut texts = Vec::new();
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let mut text = String::new();
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' => break,
                        '\\' => text.extend(letters.next()),
                        other => text.push(other),
                    }
                }
                texts.push(Some(text));
            }
            'N' => texts.push(None),
            _ => {}
        }
    }
    let pairs: BTreeMap<String, Option<String>> =
        texts.chunks(2).filter_map(|pair| Some((pair.first()?.clone()?, pair.get(1)?.clone()))).collect();
    format!("{pairs:?}")
}

/// `[1,2.5]` at 32 bits.
fn floats(value: &str) -> String {
    serde_json::from_str::<Vec<f64>>(value).map_or_else(
        |_| value.to_owned(),
        |numbers| format!("{:?}", numbers.iter().map(|n| *n as f32).collect::<Vec<_>>()),
    )
}

/// `(1,2)`, or the WKB of that point.
fn point(value: &str) -> String {
    let wkb = value.rsplit(';').next().unwrap_or(value);
    let coordinate = |from: usize| -> Option<f64> {
        let bits = u64::from_str_radix(wkb.get(from..from + 16)?, 16).ok()?;
        Some(f64::from_bits(if wkb.starts_with("01") { bits.swap_bytes() } else { bits }))
    };
    match (coordinate(10), coordinate(26)) {
        (Some(x), Some(y)) if wkb.len() == 42 => format!("({x},{y})"),
        _ => value.to_owned(),
    }
}

/// PostgreSQL's text of an interval as the connector counts microseconds: a month has a twelfth
/// of 365.25 days.
fn interval_micros(value: &str) -> Option<i64> {
    if let Ok(micros) = value.parse() {
        return Some(micros);
    }
    let (mut days, mut micros) = (0.0_f64, 0_i64);
    let mut words = value.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let negative = word.starts_with('-');
            let mut parts = word.trim_start_matches(['-', '+']).split(':');
            let hours: i64 = parts.next()?.parse().ok()?;
            let minutes: i64 = parts.next()?.parse().ok()?;
            let (seconds, fraction) = parts.next()?.split_once('.').unwrap_or((word.rsplit(':').next()?, ""));
            let seconds: i64 = seconds.parse().ok()?;
            let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
            let time = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
            micros += if negative { -time } else { time };
        } else {
            let number: f64 = word.parse().ok()?;
            days += match words.next()?.trim_end_matches('s') {
                "year" => number * 365.25,
                "mon" => number * 365.25 / 12.0,
                "day" => number,
                _ => return None,
            };
        }
    }
    Some((days * 86_400_000_000.0) as i64 + micros)
}

/// A time with an offset as the time in UTC.
fn utc_time(value: &str) -> String {
    let text = value.replace('Z', "+00");
    let parsed = text.rfind(['+', '-']).and_then(|at| {
        let (time, offset) = text.split_at(at);
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let seconds = |text: &str| -> Option<i64> {
            let mut parts = text.split(':').map(str::parse::<i64>);
            let hours = parts.next()?.ok()?;
            let minutes = parts.next().map_or(Ok(0), |part| part).ok()?;
            let seconds = parts.next().map_or(Ok(0), |part| part).ok()?;
            Some((hours * 60 + minutes) * 60 + seconds)
        };
        let shift = seconds(offset.trim_start_matches(['+', '-']))?;
        let shift = if offset.starts_with('-') { -shift } else { shift };
        let utc = (seconds(clock)? - shift).rem_euclid(86_400);
        Some(format!("{utc}.{}", fraction.trim_end_matches('0')))
    });
    parsed.unwrap_or_else(|| value.to_owned())
}

/// A decimal number without a plus, leading zeros and trailing zeros behind the point.
fn number(value: &str) -> String {
    let (sign, digits) = match value.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", value.strip_prefix('+').unwrap_or(value)),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !plain {
        return value.to_owned();
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    if text == "0" { text } else { format!("{sign}{text}") }
}

/// A date or time with a blank between both, without trailing zeros of the fraction, and in
/// UTC without saying so.
fn temporal(value: &str) -> String {
    let text = value.replacen('T', " ", 1);
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))
        .or_else(|| text.strip_suffix("+00"))
        .unwrap_or(&text);
    match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_by_value_not_by_text() {
        let text = RedshiftType::Varchar { bytes: 8 };
        let double = RedshiftType::DoublePrecision;
        for (kind, encoding, target, left, right, same) in [
            ("decimal(12,2)", "text", text, "1.50", "1.5", true),
            ("decimal(12,2)", "text", text, "-0.00", "0", true),
            ("decimal(12,2)", "text", text, "1.50", "1.51", false),
            ("decimal(38,0)", "text", double, "99999999999999999999", "100000000000000000000", true),
            ("decimal(38,0)", "text", text, "99999999999999999999", "100000000000000000000", false),
            ("bigint", "text", text, "007", "7", true),
            ("datetime(6)", "text", text, "2024-01-02T03:04:05.120000", "2024-01-02 03:04:05.12", true),
            ("timestamp", "text", text, "2024-01-02 03:04:05+00", "2024-01-02 03:04:05", true),
            ("timestamp", "text", text, "2024-01-02 03:04:05", "2024-01-02 03:04:06", false),
            ("double", "text", text, "1e2", "100", true),
            ("float", "text", text, "0.1", "0.10000000149011612", true),
            ("double", "text", text, "-0", "0", true),
            ("json", "text", text, "{\"a\": 1}", "{\"a\":1}", true),
            ("varchar(10)", "text", text, "a ", "a", false),
            ("varchar(10)", "text", text, "007", "7", false),
            ("boolean", "text", text, "t", "true", true),
            ("interval", "text", text, "01:00:00", "1:00:00", false),
            ("interval", "text", RedshiftType::BigInt, "1 year 2 mons 3 days 04:05:06.789012", "37091106789012", true),
            ("interval", "text", RedshiftType::BigInt, "-00:00:00.000001", "-1", true),
            ("money", "text", text, "-$92,233.08", "-92233.08", true),
            ("bytea", "text", text, "\\x00FF", "00ff", true),
            ("bit(8)", "hex-number", text, "5", "00000101", true),
            ("bit(8)", "hex-number", text, "11", "00010001", true),
            ("bit(8)", "hex-number", text, "5", "00000100", false),
            ("bit(5)", "text", text, "00101", "101", false),
            ("time with time zone", "text", text, "12:34:56.5+05:30", "07:04:56.500Z", true),
            ("time with time zone", "text", text, "23:00:00-12", "11:00:00Z", true),
            ("time(3) with time zone", "text", text, "12:34:56.789+02", "10:34:56.789Z", true),
            ("time with time zone", "text", text, "23:00:00-12", "12:00:00Z", false),
            ("hstore", "text", text, "\"a\"=>\"1\", \"b\"=>NULL", "{\"b\":null,\"a\":\"1\"}", true),
            ("hstore", "text", text, "\"a\"=>\"1\"", "{\"a\":\"2\"}", false),
            ("text[]", "text", text, "{a,NULL,\"q\\\"u,o\",\"NULL\"}", "[\"a\",null,\"q\\\"u,o\",\"NULL\"]", true),
            ("text[]", "text", text, "{a}", "[\"b\"]", false),
            ("numeric(10,2)[]", "text", text, "{1.25,-3.00}", "[1.25,-3]", true),
            ("boolean[]", "text", text, "{t,f,NULL}", "[true,false,null]", true),
            ("integer[]", "text", text, "{}", "[]", true),
            ("point", "text", text, "(1.5,-2)", "0101000000000000000000f83f00000000000000c0", true),
            ("vector(2)", "vector-text", text, "[1.00000e+00,2.50000e+00]", "[1.0,2.5]", true),
            ("point", "srid-wkb-hex", text, "SRID=0;0101AB", "SRID=0;0101ab", true),
        ] {
            let column = TruthColumn { name: "c".into(), kind: kind.into(), encoding: encoding.into() };
            let equal = normal(&column, target, left) == normal(&column, target, right);
            assert_eq!(equal, same, "{kind}: {left} and {right}");
        }
    }
}
