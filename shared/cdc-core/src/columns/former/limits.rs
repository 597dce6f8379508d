//! What MySQL and MariaDB take from a value when a column's type becomes a narrower one.
//!
//! Source: MySQL Reference Manual, "Data Types" and "ALTER TABLE Statement". In strict mode, the
//! default, a statement that would lose digits before the point or characters fails; without it
//! numbers are set to the nearest and text is cut. Either way what is told here is what is left.

use super::super::source_type::SqlType;
use crate::catalog::Limits;

enum Kind<'a> {
    Integer {
        low: i128,
        high: i128,
    },
    Decimal {
        whole: i64,
        scale: i64,
    },
    Time {
        digits: u8,
    },
    /// Characters; None for text that is longer than any other.
    Text {
        characters: Option<i64>,
        is_padded: bool,
    },
    Enum(&'a [String]),
    Set(&'a [String]),
    /// Filled up with zeros to its length.
    Binary {
        length: i64,
    },
    Other,
}

fn kind(sql: &SqlType) -> Kind<'_> {
    let is_unsigned = sql.name.contains("UNSIGNED") || sql.name.contains("ZEROFILL");
    let name = sql.name.split(' ').find(|word| *word != "NATIONAL").unwrap_or_default();
    let integer = |bits: u32| {
        let (low, high) = if is_unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) };
        Kind::Integer { low, high }
    };
    match name {
        "TINYINT" | "INT1" => integer(8),
        "SMALLINT" | "INT2" => integer(16),
        "MEDIUMINT" | "INT3" | "MIDDLEINT" => integer(24),
        "INT" | "INTEGER" | "INT4" => integer(32),
        "BIGINT" | "INT8" | "SERIAL" => integer(64),
        "DECIMAL" | "NUMERIC" | "DEC" | "FIXED" => {
            let scale = sql.scale().unwrap_or(0);
            Kind::Decimal { whole: sql.length().unwrap_or(10) - scale, scale }
        }
        "TIME" | "DATETIME" | "TIMESTAMP" => {
            Kind::Time { digits: sql.length().and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0) }
        }
        "CHAR" | "CHARACTER" | "NCHAR" if !sql.name.contains("VARYING") && !sql.name.contains("VARCHAR") => {
            Kind::Text { characters: Some(sql.length().unwrap_or(1)), is_padded: true }
        }
        "VARCHAR" | "NVARCHAR" | "CHAR" | "CHARACTER" | "NCHAR" => {
            Kind::Text { characters: sql.length(), is_padded: false }
        }
        // As many bytes: the characters are not told.
        "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "LONG" | "JSON" => {
            Kind::Text { characters: None, is_padded: false }
        }
        "ENUM" => Kind::Enum(&sql.values),
        "SET" => Kind::Set(&sql.values),
        "BINARY" => Kind::Binary { length: sql.length().unwrap_or(1) },
        _ => Kind::Other,
    }
}

/// What is left of the values of a column. None if nobody can tell what became of them.
pub(super) fn between(older: &SqlType, newer: &SqlType) -> Option<Limits> {
    let mut limits = Limits::default();
    match (kind(older), kind(newer)) {
        (Kind::Time { digits: were }, Kind::Time { digits }) if digits < were => limits.second_digits = Some(digits),
        (Kind::Integer { low: lowest, high: highest }, Kind::Integer { low, high })
            if low > lowest || high < highest =>
        {
            limits.range = Some((i64::try_from(low).ok()?, i64::try_from(high).unwrap_or(i64::MAX)));
        }
        // As the database writes them: `2024-02-29 12:34:56.789`. The digits of a second that the
        // type does not have are cut off here. A TIMESTAMP's text is of the session's time zone.
        (Kind::Time { digits }, Kind::Text { characters, .. }) => {
            let fraction = if digits == 0 { 0 } else { i64::from(digits) + 1 };
            let length = if older.name == "DATETIME" { 19 + fraction } else { return None };
            limits.characters = u32::try_from(characters.map_or(length, |characters| characters.min(length))).ok();
        }
        // Text becomes the bytes of its own character set.
        (Kind::Text { .. } | Kind::Enum(_) | Kind::Set(_), Kind::Other) if !is_unicode(older) => return None,
        // With zeros in front.
        (Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Other, Kind::Text { .. })
            if older.name.contains("ZEROFILL") =>
        {
            return None;
        }
        (Kind::Text { characters: were, is_padded: was_padded }, Kind::Text { characters, is_padded }) => {
            limits.characters = narrower(were, characters);
            limits.loses_blanks = is_padded && !was_padded;
        }
        (_, Kind::Text { characters, .. }) => limits.characters = narrower(None, characters),
        (Kind::Enum(were), Kind::Enum(are)) => limits.members = (!contains(are, were)).then(|| are.to_vec()),
        (Kind::Text { .. }, Kind::Enum(are)) => limits.members = Some(are.to_vec()),
        (Kind::Set(were), Kind::Set(are)) if contains(are, were) => {
            let order: Vec<&String> = are.iter().filter(|value| were.contains(value)).collect();
            limits.is_single = order != were.iter().collect::<Vec<_>>();
        }
        (_, Kind::Enum(_) | Kind::Set(_)) => return None,
        (Kind::Binary { length: was }, Kind::Binary { length }) if was == length => {}
        (_, Kind::Binary { .. }) => return None,
        _ => {}
    }
    Some(limits)
}

fn is_unicode(sql: &SqlType) -> bool {
    let sets = ["utf8mb4", "utf8mb3", "utf8", "ascii"];
    sql.charset.as_ref().is_some_and(|charset| sets.contains(&charset.to_lowercase().as_str()))
}

fn narrower(were: Option<i64>, are: Option<i64>) -> Option<u32> {
    let are = are?;
    if were.is_some_and(|were| were <= are) { None } else { u32::try_from(are).ok() }
}

fn contains(all: &[String], some: &[String]) -> bool {
    some.iter().all(|value| all.contains(value))
}

/// Whether every value of the older type is one of the newer, in the same form.
pub(super) fn keeps_all(older: &SqlType, newer: &SqlType) -> bool {
    match (kind(older), kind(newer)) {
        (Kind::Integer { low: lowest, high: highest }, Kind::Integer { low, high }) => low <= lowest && high >= highest,
        (Kind::Decimal { whole: were, scale: was }, Kind::Decimal { whole, scale }) => whole >= were && scale >= was,
        (Kind::Time { digits: were }, Kind::Time { digits }) => older.name == newer.name && digits >= were,
        (Kind::Text { .. } | Kind::Enum(_) | Kind::Set(_), Kind::Text { .. })
        | (Kind::Enum(_), Kind::Enum(_))
        | (Kind::Set(_), Kind::Set(_)) => between(older, newer) == Some(Limits::default()),
        _ => older.name == newer.name && older.arguments == newer.arguments,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(name: &str, arguments: &[i64], values: &[&str]) -> SqlType {
        SqlType {
            name: name.to_owned(),
            arguments: arguments.to_vec(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..SqlType::default()
        }
    }

    #[test]
    fn narrower_types_take_something() {
        let none = Limits::default();
        for (older, newer, expected) in [
            (sql("INT", &[11], &[]), sql("BIGINT", &[], &[]), Some(none.clone())),
            (
                sql("INT", &[], &[]),
                sql("TINYINT", &[4], &[]),
                Some(Limits { range: Some((-128, 127)), ..none.clone() }),
            ),
            (
                sql("INT", &[], &[]),
                sql("BIGINT UNSIGNED", &[], &[]),
                Some(Limits { range: Some((0, i64::MAX)), ..none.clone() }),
            ),
            (
                sql("DATETIME", &[6], &[]),
                sql("DATETIME", &[], &[]),
                Some(Limits { second_digits: Some(0), ..none.clone() }),
            ),
            (sql("TIME", &[], &[]), sql("TIME", &[3], &[]), Some(none.clone())),
            (
                sql("VARCHAR", &[50], &[]),
                sql("VARCHAR", &[5], &[]),
                Some(Limits { characters: Some(5), ..none.clone() }),
            ),
            (sql("VARCHAR", &[5], &[]), sql("CHAR", &[5], &[]), Some(Limits { loses_blanks: true, ..none.clone() })),
            (sql("TEXT", &[], &[]), sql("VARCHAR", &[9], &[]), Some(Limits { characters: Some(9), ..none.clone() })),
            (sql("ENUM", &[], &["a", "b"]), sql("ENUM", &[], &["c", "b", "a"]), Some(none.clone())),
            (
                sql("VARCHAR", &[5], &[]),
                sql("ENUM", &[], &["a"]),
                Some(Limits { members: Some(vec!["a".into()]), ..none.clone() }),
            ),
            (sql("SET", &[], &["a", "b"]), sql("SET", &[], &["a", "c", "b"]), Some(none.clone())),
            (
                sql("SET", &[], &["a", "b"]),
                sql("SET", &[], &["b", "a"]),
                Some(Limits { is_single: true, ..none.clone() }),
            ),
            (
                sql("DATETIME", &[3], &[]),
                sql("VARCHAR", &[60], &[]),
                Some(Limits { characters: Some(23), ..none.clone() }),
            ),
            (sql("TIMESTAMP", &[], &[]), sql("VARCHAR", &[60], &[]), None),
            (sql("VARCHAR", &[5], &[]), sql("BLOB", &[], &[]), None),
            (sql("INT", &[], &[]), sql("ENUM", &[], &["a"]), None),
            (sql("VARBINARY", &[5], &[]), sql("BINARY", &[5], &[]), None),
            (sql("INT UNSIGNED ZEROFILL", &[5], &[]), sql("VARCHAR", &[9], &[]), None),
        ] {
            assert_eq!(between(&older, &newer), expected, "{older:?} {newer:?}");
        }
    }
}
