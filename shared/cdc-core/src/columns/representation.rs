//! How values arrive: what the connector's settings and an event's schema say of a column whose
//! type in the source is known.
//!
//! The schema inside an event says exactly how a value arrives, but not always what it is: text
//! may be a decimal or a binary value, a 64-bit number may be unsigned, and text has no length.
//! The source's type says the latter and not the former. Where both are known, both count.

use super::connect::Field;
use super::source_type::{Mapped, SqlType};
use super::{mysql, postgres};
use crate::catalog::{Decoding, RedshiftType};
use crate::pipeline::{
    BinaryHandling, ConnectorSettings, DecimalHandling, FieldNameAdjustment, IntervalHandling, TimePrecision,
    UnsignedHandling,
};

/// A column's type in the source, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSql {
    pub(super) sql: SqlType,
    pub(super) is_postgres: bool,
    /// Whether the name is an enum's of PostgreSQL.
    pub(super) is_enum: bool,
}

impl SourceSql {
    /// What the column becomes if its values arrive as the settings say.
    pub(super) fn map(&self, settings: &ConnectorSettings) -> Mapped {
        if self.is_postgres {
            postgres::map(&self.sql, self.is_enum, settings)
        } else {
            mysql::map(&self.sql, settings)
        }
    }

    /// The schema of such values is that of a fixed number of bits.
    fn is_varying_bits(&self) -> bool {
        self.is_postgres && ["VARBIT", "BIT VARYING"].contains(&self.sql.name.as_str())
    }

    fn is_binary(&self) -> bool {
        let stated = ConnectorSettings { binary: Some(BinaryHandling::Bytes), ..ConnectorSettings::default() };
        matches!(self.map(&stated), Mapped::Exact(_, Decoding::BytesBase64))
    }
}

/// What a column becomes of which an event's schema tells how it arrives and perhaps the
/// source's type what it is.
pub(super) fn combine(field: &Field, sql: Option<&SourceSql>, settings: &ConnectorSettings) -> Mapped {
    let Some(sql) = sql else { return field.mapped.clone() };
    let as_text = ConnectorSettings { decimals: Some(DecimalHandling::String), ..settings.clone() };
    match (field.kind.as_str(), field.logical.as_deref(), sql.map(&as_text)) {
        ("bytes" | "boolean", _, mapped @ Mapped::Unsupported { .. }) if sql.is_varying_bits() => mapped,
        ("string", None, _) if sql.is_binary() => sql.map(settings),
        (
            "string",
            None,
            mapped @ (Mapped::Exact(_, Decoding::DecimalText | Decoding::DecimalVariable)
            | Mapped::Unsized(Decoding::DecimalVariable)),
        ) => mapped,
        (
            "string",
            _,
            Mapped::Exact(RedshiftType::Varchar { bytes: stated }, decoding @ (Decoding::Text | Decoding::Label)),
        ) => match field.mapped {
            Mapped::UnsizedText => Mapped::sized(i64::from(stated), decoding),
            Mapped::Exact(RedshiftType::Varchar { bytes }, Decoding::Text | Decoding::Label) => {
                Mapped::sized(i64::from(stated.max(bytes)), decoding)
            }
            _ => field.mapped.clone(),
        },
        ("int64", None, _) => {
            let long = ConnectorSettings { unsigned: Some(UnsignedHandling::Long), ..settings.clone() };
            match sql.map(&long) {
                mapped @ Mapped::Exact(_, Decoding::UnsignedBigInt) => mapped,
                _ => field.mapped.clone(),
            }
        }
        ("bytes", None, _) => {
            let bytes = ConnectorSettings { binary: Some(BinaryHandling::Bytes), ..settings.clone() };
            match sql.map(&bytes) {
                mapped @ Mapped::Exact(_, Decoding::BytesBase64) => mapped,
                _ => field.mapped.clone(),
            }
        }
        _ => field.mapped.clone(),
    }
}

/// What the connector takes away from a column's values before it sends them, with the setting
/// that keeps it; None if it sends them whole. `arrives` is how they arrive.
pub(super) fn loss(sql: &SourceSql, arrives: Decoding) -> Option<&'static str> {
    let whole = ConnectorSettings {
        decimals: Some(DecimalHandling::Precise),
        times: Some(TimePrecision::Adaptive),
        intervals: Some(IntervalHandling::String),
        ..ConnectorSettings::default()
    };
    let Mapped::Exact(_, sent) = sql.map(&whole) else { return None };
    match (sent, arrives) {
        (Decoding::DecimalBase64 { .. }, Decoding::Float) => {
            Some("decimals arrive as floating-point numbers of 15 to 17 digits; set decimal.handling.mode=precise")
        }
        (Decoding::TimeMicros, Decoding::TimeMillis) | (Decoding::TimestampMicros, Decoding::TimestampMillis) => {
            Some("times arrive without their microseconds; set time.precision.mode to another value than connect")
        }
        (Decoding::Text, Decoding::Integer) => {
            Some("intervals arrive as a number that counts a month as 30.4375 days; set interval.handling.mode=string")
        }
        _ => None,
    }
}

/// A decimal of the source in the stated form, or in the form that its values show.
pub(super) fn decimal(precision: i64, scale: i64, settings: &ConnectorSettings) -> Mapped {
    match settings.decimals {
        Some(DecimalHandling::Precise) => Mapped::decimal(precision, scale, |scale| Decoding::DecimalBase64 { scale }),
        Some(DecimalHandling::Double) => Mapped::Exact(RedshiftType::DoublePrecision, Decoding::Float),
        // A negative scale of PostgreSQL, as the connector shows it: eleven bits without the sign.
        // It writes so many zeros behind the point.
        Some(DecimalHandling::String) if scale > 1_000 => {
            Mapped::sized(precision + 2_048 - scale + scale + 2, Decoding::DecimalVariable)
        }
        // A negative scale stands for zeros in front of the point.
        Some(DecimalHandling::String) if scale < 0 && precision - scale <= 38 => {
            Mapped::decimal(precision - scale, 0, |_| Decoding::DecimalText)
        }
        // Text keeps all digits of a decimal that DECIMAL cannot hold.
        Some(DecimalHandling::String) if precision > 38 || !(0..=37).contains(&scale) => {
            Mapped::sized(precision.max(scale).max(precision - scale) + 3, Decoding::DecimalVariable)
        }
        Some(DecimalHandling::String) => Mapped::decimal(precision, scale, |_| Decoding::DecimalText),
        None => Mapped::decimal(precision, scale, |scale| Decoding::DecimalAny { scale }),
    }
}

/// A binary value of the source in the stated form, or in the form that its values show.
pub(super) fn binary(bytes: Option<i64>, settings: &ConnectorSettings) -> Mapped {
    let decoding = match settings.binary {
        Some(BinaryHandling::Bytes | BinaryHandling::Base64 | BinaryHandling::Base64UrlSafe) => Decoding::BytesBase64,
        Some(BinaryHandling::Hex) => Decoding::BytesHex,
        None => Decoding::BytesAny,
    };
    Mapped::binary(bytes, decoding)
}

/// A calendar date.
pub(super) fn date(settings: &ConnectorSettings) -> Mapped {
    let decoding = match settings.times {
        Some(TimePrecision::Isostring) => Decoding::DateIso,
        _ => Decoding::DateDays,
    };
    Mapped::Exact(RedshiftType::Date, decoding)
}

/// A time of day with so many digits of the second. `default` is the connector's.
pub(super) fn time(fraction: i64, default: TimePrecision, settings: &ConnectorSettings) -> Mapped {
    let decoding = match settings.times.unwrap_or(default) {
        TimePrecision::Adaptive if fraction <= 3 => Decoding::TimeMillis,
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => {
            Decoding::TimeMicros
        }
        TimePrecision::Connect => Decoding::TimeMillis,
        TimePrecision::Isostring => Decoding::TimeIso,
        TimePrecision::Nanoseconds => Decoding::TimeNanos,
    };
    Mapped::Exact(RedshiftType::Time, decoding)
}

/// A local timestamp with so many digits of the second.
pub(super) fn timestamp(fraction: i64, settings: &ConnectorSettings) -> Mapped {
    let decoding = match settings.times.unwrap_or(TimePrecision::Adaptive) {
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds if fraction <= 3 => Decoding::TimestampMillis,
        TimePrecision::Adaptive | TimePrecision::AdaptiveTimeMicroseconds | TimePrecision::Microseconds => {
            Decoding::TimestampMicros
        }
        TimePrecision::Connect => Decoding::TimestampMillis,
        TimePrecision::Isostring => Decoding::TimestampIso,
        TimePrecision::Nanoseconds => Decoding::TimestampNanos,
    };
    Mapped::Exact(RedshiftType::Timestamp, decoding)
}

/// A column's name as the connector writes it into events (`field.name.adjustment.mode`).
pub(super) fn field_name(name: &str, mode: FieldNameAdjustment) -> String {
    let mut adjusted = String::new();
    for (index, letter) in name.chars().enumerate() {
        let allowed = letter == '_' || letter.is_ascii_alphabetic() || (letter.is_ascii_digit() && (index > 0));
        match mode {
            FieldNameAdjustment::None => adjusted.push(letter),
            FieldNameAdjustment::Avro if allowed => adjusted.push(letter),
            // A digit in front stays behind an underscore.
            FieldNameAdjustment::Avro if letter.is_ascii_digit() => {
                adjusted.push('_');
                adjusted.push(letter);
            }
            FieldNameAdjustment::Avro => adjusted.push('_'),
            FieldNameAdjustment::AvroUnicode if allowed && letter != '_' => adjusted.push(letter),
            FieldNameAdjustment::AvroUnicode => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    adjusted.push_str(&format!("_u{unit:04x}"));
                }
            }
        }
    }
    adjusted
}
