//! A source database's column type as it is written, taken apart but not yet understood.

/// What a source's column becomes, before the pipeline file's policies apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// A type and the way to it.
    Exact(RedshiftType, Decoding),
    /// Text whose length the source does not tell; the pipeline file's `unsized_text_bytes`
    /// is its size.
    UnsizedText,
    /// Its values cannot be carried over exactly.
    Unsupported {
        /// Why.
        reason: String,
    },
}

use crate::catalog::{Decoding, RedshiftType, VARCHAR_MAX_BYTES};

impl Mapped {
    /// An unsupported type.
    pub(super) fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported { reason: reason.into() }
    }

    /// Text of at most this many bytes, at least one and at most what a VARCHAR holds.
    pub(super) fn text(bytes: i64) -> Self {
        let bytes = u32::try_from(bytes.max(1)).unwrap_or(VARCHAR_MAX_BYTES).min(VARCHAR_MAX_BYTES);
        Self::Exact(RedshiftType::Varchar { bytes }, Decoding::Text)
    }

    /// Text of at most this many characters of at most `width` bytes each.
    pub(super) fn characters(length: i64, width: i64) -> Self {
        Self::text(length.saturating_mul(width))
    }

    /// A decimal in Debezium's default form.
    pub(super) fn decimal(precision: i64, scale: i64) -> Self {
        let too_long = || {
            Self::unsupported(format!(
                "a decimal of {precision} digits with {scale} behind the point does not fit Redshift's DECIMAL(38)"
            ))
        };
        if scale < 0 {
            return Self::unsupported("a decimal with a negative scale has no Redshift type");
        }
        // PostgreSQL allows more digits behind the point than in all.
        let (Ok(precision), Ok(scale)) = (u8::try_from(precision.max(scale)), u8::try_from(scale)) else {
            return too_long();
        };
        if precision > crate::catalog::DECIMAL_MAX_PRECISION {
            return too_long();
        }
        Self::Exact(RedshiftType::Decimal { precision: precision.max(1), scale }, Decoding::DecimalBase64 { scale })
    }
}

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
