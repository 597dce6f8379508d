//! A source database's column type as it is written, taken apart but not yet understood.

/// What a source's column becomes, before the pipeline file's policies apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// A type and the way to it.
    Exact(RedshiftType, Decoding),
    /// Text whose length the source does not tell; the pipeline file's `unsized_text_bytes`
    /// is its size.
    UnsizedText,
    /// Other values that become text of a length that nobody tells; sized like `UnsizedText`.
    Unsized(Decoding),
    /// Its values cannot be carried over exactly.
    Unsupported {
        /// Why.
        reason: String,
    },
}

use crate::catalog::{
    DECIMAL_MAX_PRECISION, DECIMAL_MAX_SCALE, Decoding, Element, RedshiftType, VARBYTE_UNSIZED_BYTES, VARCHAR_MAX_BYTES,
};

impl Mapped {
    /// An unsupported type.
    pub(super) fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported { reason: reason.into() }
    }

    /// Text of at most this many bytes, at least one and at most what a VARCHAR holds.
    pub(super) fn text(bytes: i64) -> Self {
        Self::sized(bytes, Decoding::Text)
    }

    /// Values that become text of at most this many bytes.
    pub(super) fn sized(bytes: i64, decoding: Decoding) -> Self {
        let bytes = u32::try_from(bytes.max(1)).unwrap_or(VARCHAR_MAX_BYTES).min(VARCHAR_MAX_BYTES);
        Self::Exact(RedshiftType::Varchar { bytes }, decoding)
    }

    /// Text of at most this many characters of at most `width` bytes each.
    pub(super) fn characters(length: i64, width: i64) -> Self {
        Self::text(length.saturating_mul(width))
    }

    /// A decimal of this many digits, `scale` of them behind the point, decoded from `form`.
    ///
    /// More than 38 digits: the column holds 38 of them, and a value that needs more does not
    /// fit. A DECIMAL of exactly 19 digits is stored in 64 bits and would not hold all of them
    /// ("Numeric types", note), so it becomes one of 20.
    pub(super) fn decimal(precision: i64, scale: i64, form: impl Fn(u8) -> Decoding) -> Self {
        if scale < 0 {
            return Self::unsupported("a decimal with a negative scale has no Redshift type");
        }
        let Ok(digits) = u8::try_from(scale) else {
            return Self::unsupported(format!(
                "a decimal with {scale} digits behind the point does not fit Redshift's DECIMAL, which has {DECIMAL_MAX_SCALE}; set decimal.handling.mode=string"
            ));
        };
        let scale = digits;
        // Text holds the digits that DECIMAL has no place for.
        if scale > DECIMAL_MAX_SCALE {
            return Self::sized(i64::from(scale).max(precision.min(i64::from(DECIMAL_MAX_PRECISION))) + 3, form(scale));
        }
        // PostgreSQL allows more digits behind the point than in all.
        let precision = precision.clamp(i64::from(scale.max(1)), i64::from(DECIMAL_MAX_PRECISION));
        let precision = match u8::try_from(precision).unwrap_or(DECIMAL_MAX_PRECISION) {
            19 => 20,
            other => other,
        };
        Self::Exact(RedshiftType::Decimal { precision, scale }, form(scale))
    }

    /// A binary value of at most this many bytes; None: the source does not tell.
    pub(super) fn binary(bytes: Option<i64>, decoding: Decoding) -> Self {
        let bytes = bytes.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(VARBYTE_UNSIZED_BYTES);
        Self::Exact(RedshiftType::Varbyte { bytes: bytes.clamp(1, VARBYTE_UNSIZED_BYTES) }, decoding)
    }

    /// A number of this many bits: one is a boolean.
    pub(super) fn bits(length: i64) -> Self {
        match u16::try_from(length) {
            Ok(1) => Self::Exact(RedshiftType::Boolean, Decoding::Boolean),
            Ok(length) if (2..=MAX_BITS).contains(&length) => {
                Self::Exact(RedshiftType::Varchar { bytes: u32::from(length) }, Decoding::Bits { length })
            }
            _ => Self::unsupported(format!("a value of more than {MAX_BITS} bits, or of no fixed number of them")),
        }
    }

    /// An array of what one element becomes.
    pub(super) fn array(element: &Self) -> Self {
        let decoded = |element| Self::Exact(RedshiftType::Super, Decoding::Array(element));
        match element {
            Self::UnsizedText => Self::Exact(RedshiftType::Super, Decoding::Super),
            Self::Unsized(Decoding::DecimalVariable) => decoded(Element::DecimalVariable),
            Self::Exact(kind, decoding) => match *decoding {
                Decoding::Integer
                | Decoding::Float
                | Decoding::Boolean
                | Decoding::Text
                | Decoding::DecimalText
                | Decoding::BytesHex
                | Decoding::Super
                | Decoding::ZonedTimestamp => Self::Exact(RedshiftType::Super, Decoding::Super),
                Decoding::DecimalAny { scale } => {
                    let precision = match *kind {
                        RedshiftType::Decimal { precision, .. } => precision,
                        _ => DECIMAL_MAX_PRECISION,
                    };
                    decoded(Element::DecimalAny { precision, scale })
                }
                Decoding::DecimalVariable => decoded(Element::DecimalVariable),
                Decoding::DecimalBase64 { scale } => decoded(Element::DecimalBase64 { scale }),
                Decoding::DateDays => decoded(Element::DateDays),
                Decoding::DateIso => decoded(Element::DateIso),
                Decoding::TimeNanos => decoded(Element::TimeNanos),
                Decoding::TimeIso => decoded(Element::TimeIso),
                Decoding::TimestampNanos => decoded(Element::TimestampNanos),
                Decoding::TimestampIso => decoded(Element::TimestampIso),
                Decoding::TimeMillis => decoded(Element::TimeMillis),
                Decoding::TimeMicros => decoded(Element::TimeMicros),
                Decoding::TimestampMillis => decoded(Element::TimestampMillis),
                Decoding::TimestampMicros => decoded(Element::TimestampMicros),
                Decoding::BytesBase64 => decoded(Element::BytesBase64),
                _ => Self::unsupported("arrays of such elements are not decoded"),
            },
            Self::Unsized(_) => Self::unsupported("arrays of such elements are not decoded"),
            Self::Unsupported { reason } => Self::unsupported(format!("an array's element: {reason}")),
        }
    }
}

/// The most bits of a number that is decoded: each byte is a part of the SQL text.
const MAX_BITS: u16 = 256;

/// A column type as SQL writes it: `decimal(12,2) unsigned` is the name `DECIMAL UNSIGNED`
/// with the arguments 12 and 2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlType {
    /// The words of the type in upper case, one space between them, arguments left out.
    pub name: String,
    /// The numbers in parentheses.
    pub arguments: Vec<i64>,
    /// The values of an enum or set, unquoted.
    pub values: Vec<String>,
    /// The character set, where stated.
    pub charset: Option<String>,
    /// Whether it is an array of this type.
    pub is_array: bool,
    /// Whether the values are computed from other columns of the row.
    pub is_generated: bool,
    /// The column's default, where a dump has it as a constant.
    pub default: Option<String>,
}

impl SqlType {
    /// The first number in parentheses.
    pub(super) fn length(&self) -> Option<i64> {
        self.arguments.first().copied()
    }

    /// The second number in parentheses.
    pub(super) fn scale(&self) -> Option<i64> {
        self.arguments.get(1).copied()
    }

    /// The type for people: `decimal unsigned(12,2)`.
    pub(super) fn display(&self) -> String {
        let mut text = self.name.to_lowercase();
        if !self.arguments.is_empty() {
            let numbers: Vec<String> = self.arguments.iter().map(ToString::to_string).collect();
            text = format!("{text}({})", numbers.join(","));
        }
        if self.is_array {
            text.push_str("[]");
        }
        text
    }

    /// The size of the longest value of an enum, or of all values of a set, in bytes. At least
    /// 255, so that values that are added later still fit.
    pub(super) fn values_bytes(&self, all_at_once: bool) -> i64 {
        let sizes = self.values.iter().map(|value| value.len() + 1);
        let bytes = if all_at_once { sizes.sum::<usize>() } else { sizes.max().unwrap_or(0) };
        i64::try_from(bytes).unwrap_or(i64::MAX).max(255)
    }
}
