//! Columns whose clear values no reader of the target sees: hashed or masked.

use super::RedshiftType;

/// What takes the clear value of a column away before it is written anywhere but into the landing view
/// and quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protection {
    /// Nothing does.
    #[default]
    None,
    /// A keyed SHA-256: equal values have equal hashes, in all tables of a pipeline.
    Hash,
    /// Four asterisks, and behind them the last characters of a value that has more.
    Mask {
        /// How many characters stay.
        keep_last: u32,
    },
}

/// What stands for the characters of a masked value, whatever their number is.
pub const MASK: &str = "****";

/// The most characters that a mask keeps.
pub const MASK_KEEPS_AT_MOST: u32 = 64;

/// The most bytes of a value whose hexadecimal digits are one text.
const VARBYTE_AT_MOST: u32 = 32_767;

/// What the catalog of applied objects says of a column that is not protected any more.
const NOTHING: &str = "none";

impl Protection {
    /// Whether there is some.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::None
    }

    /// As the catalog of applied objects keeps it. The form is stable.
    #[must_use]
    pub fn recorded(self) -> String {
        match self {
            Self::None => NOTHING.to_owned(),
            Self::Hash => "hash".to_owned(),
            Self::Mask { keep_last } => format!("mask {keep_last}"),
        }
    }

    /// What [`Protection::recorded`] wrote.
    #[must_use]
    pub fn of_record(record: &str) -> Self {
        match record.strip_prefix("mask ").map(str::parse) {
            Some(Ok(keep_last)) => Self::Mask { keep_last },
            _ if record == NOTHING => Self::None,
            _ => Self::Hash,
        }
    }

    /// The type of a target's column whose clear values are of type `clear`.
    #[must_use]
    pub fn stored_type(self, clear: RedshiftType) -> RedshiftType {
        match self {
            Self::None => clear,
            Self::Hash => RedshiftType::Varchar { bytes: 64 },
            // A character has up to four bytes.
            Self::Mask { keep_last } => RedshiftType::Varchar { bytes: 4 + 4 * keep_last },
        }
    }

    /// Why values of a type cannot be protected so. None: they can.
    #[must_use]
    pub fn refusal(self, clear: RedshiftType) -> Option<&'static str> {
        if matches!(self, Self::None | Self::Mask { keep_last: 0 }) {
            return None;
        }
        match clear {
            RedshiftType::Real | RedshiftType::DoublePrecision => {
                Some("no document says how Redshift writes all digits of a floating-point number as text")
            }
            RedshiftType::Boolean if self == Self::Hash => Some("of two values anybody can tell which is which"),
            RedshiftType::Boolean => Some("of two values each shows by its last characters"),
            RedshiftType::Super => Some("an array or object has no one text"),
            RedshiftType::Varbyte { bytes } if bytes > VARBYTE_AT_MOST => {
                Some("binary values of more than 32,767 bytes have more hexadecimal digits than a text holds")
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Protection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => formatter.write_str("not protected"),
            Self::Hash => formatter.write_str("hashed"),
            Self::Mask { keep_last: 0 } => formatter.write_str("masked"),
            Self::Mask { keep_last } => write!(formatter, "masked but for the last {keep_last} characters"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_again() {
        for protection in [
            Protection::None,
            Protection::Hash,
            Protection::Mask { keep_last: 0 },
            Protection::Mask { keep_last: MASK_KEEPS_AT_MOST },
        ] {
            assert_eq!(Protection::of_record(&protection.recorded()), protection);
        }
    }

    #[test]
    fn types_that_cannot_be_protected_are_refused() {
        let keeps = Protection::Mask { keep_last: 4 };
        let hides = Protection::Mask { keep_last: 0 };
        for kind in [
            RedshiftType::Real,
            RedshiftType::DoublePrecision,
            RedshiftType::Boolean,
            RedshiftType::Super,
            RedshiftType::Varbyte { bytes: 65_535 },
        ] {
            assert!(Protection::Hash.refusal(kind).is_some() && keeps.refusal(kind).is_some(), "{kind}");
            assert_eq!(hides.refusal(kind), None, "{kind}");
        }
        for kind in [
            RedshiftType::Varchar { bytes: 65_535 },
            RedshiftType::Integer,
            RedshiftType::Decimal { precision: 38, scale: 10 },
            RedshiftType::Date,
            RedshiftType::Time,
            RedshiftType::TimestampTz,
            RedshiftType::Varbyte { bytes: 64 },
        ] {
            assert_eq!((Protection::Hash.refusal(kind), keeps.refusal(kind)), (None, None), "{kind}");
        }
    }
}
