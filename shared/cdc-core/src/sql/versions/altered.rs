//! What the source made of the values of a column whose type it changed.

use super::super::ident::literal;
use crate::catalog::{Alteration, Column, Decoding, Limits, OtherColumn, RedshiftType};

/// A value of a former type as one of the present type. None where not every value can be
/// carried over exactly: then there is nothing but NULL, and the value counts as lost.
#[must_use]
pub fn converted(value: &str, from: RedshiftType, to: RedshiftType) -> Option<String> {
    use RedshiftType as T;
    let whole = |kind: RedshiftType| match kind {
        T::SmallInt => Some(5),
        T::Integer => Some(10),
        T::BigInt => Some(19),
        _ => None,
    };
    if from == to {
        return Some(value.to_owned());
    }
    match (from, to) {
        (T::SmallInt, T::Integer | T::BigInt) | (T::Integer, T::BigInt) | (T::Real, T::DoublePrecision) => {
            Some(format!("({value})::{to}"))
        }
        (T::SmallInt | T::Integer | T::BigInt, T::Decimal { precision, scale }) => {
            (whole(from)? <= precision - scale).then(|| format!("({value})::{to}"))
        }
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => {
            (s2 >= s1 && p2 - s2 >= p1 - s1).then(|| format!("({value})::{to}"))
        }
        (T::SmallInt | T::Integer | T::BigInt | T::Decimal { .. }, T::Varchar { bytes }) => {
            // A number's text has at most its 38 digits, a sign and a point.
            let text = format!("({value})::VARCHAR(40)");
            Some(if bytes >= 40 {
                format!("{text}::{to}")
            } else {
                format!("CASE WHEN LEN({text}) <= {bytes} THEN {text} END::{to}")
            })
        }
        (T::Varchar { .. }, T::Varchar { bytes }) => {
            Some(format!("CASE WHEN OCTET_LENGTH({value}) <= {bytes} THEN {value} END::{to}"))
        }
        (T::Date, T::Timestamp) => Some(format!("({value})::{to}")),
        _ => None,
    }
}

/// A value of a former column as the source has it now, whatever the column was in between. None
/// where nobody can tell.
#[must_use]
pub fn as_now(value: &str, other: &OtherColumn, column: &Column) -> Option<String> {
    let mut value = value.to_owned();
    let mut was = &other.was;
    for alteration in &other.then {
        let Alteration { column: is, limits } = alteration;
        let changed = match (was.target_type, is.target_type) {
            // As MySQL and MariaDB write it; `limits` leave the digits that the type had.
            (RedshiftType::Timestamp, RedshiftType::Varchar { .. }) if limits.characters.is_some() => {
                Some(format!("TO_CHAR({value}, 'YYYY-MM-DD HH24:MI:SS.US')"))
            }
            _ if limits.second_digits.is_some() => changed(&value, was, is),
            _ => as_altered(&value, was, is),
        };
        value = limited(changed?, limits, is);
        was = &alteration.column;
    }
    if std::ptr::eq(was, column) || was == column { Some(value) } else { as_altered(&value, was, column) }
}

/// Whether every value has the same text after the source changed the column's type: what was made of
/// that text, a hash or a mask, is what would be made of it now.
#[must_use]
pub fn keeps_text(other: &OtherColumn, column: &Column) -> bool {
    let (was, is) = (other.was.target_type, column.target_type);
    if was == is && other.then.iter().all(|alteration| alteration.column.target_type == is) {
        return as_now("x", other, column).as_deref() == Some("x");
    }
    use RedshiftType as T;
    let is_wider = match (was, is) {
        (T::SmallInt | T::Integer | T::BigInt, T::Decimal { scale, .. }) => scale == 0,
        (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision: p2, scale: s2 }) => s1 == s2 && p2 >= p1,
        (T::SmallInt, T::Integer | T::BigInt) | (T::Integer, T::BigInt) => true,
        (T::Varchar { bytes: was }, T::Varchar { bytes: is }) => {
            let is_text = |decoding| matches!(decoding, Decoding::Text | Decoding::Label);
            let same = other.was.decoding == column.decoding;
            is >= was && (same || is_text(other.was.decoding) && is_text(column.decoding))
        }
        (T::Varbyte { bytes: was }, T::Varbyte { bytes: is }) => is >= was && other.was.decoding == column.decoding,
        _ => false,
    };
    is_wider && other.then.is_empty() && as_altered("x", &other.was, column).is_some()
}

/// What a narrower column leaves of a value.
fn limited(value: String, limits: &Limits, column: &Column) -> String {
    let kind = column.target_type;
    let mut value = value;
    if let Some(digits) = limits.second_digits {
        // Rounded or cut off: what is the same either way is known.
        let unit = 10_u32.pow(6 - u32::from(digits.min(6)));
        let rest = format!("MOD(EXTRACT(microsecond FROM {value})::BIGINT, {unit})");
        value = match kind {
            RedshiftType::Timestamp | RedshiftType::TimestampTz | RedshiftType::Time => format!(
                "CASE WHEN {rest} < {half} THEN DATEADD(microsecond, -({rest})::INTEGER, {value}) END",
                half = unit / 2
            ),
            _ => format!("CASE WHEN {rest} = 0 THEN {value} END"),
        };
    }
    if let Some(characters) = limits.characters {
        value = format!("LEFT({value}, {characters})::{kind}");
    }
    if limits.loses_blanks {
        value = format!("RTRIM({value}, ' ')::{kind}");
    }
    if let Some((low, high)) = limits.range {
        // GREATEST and LEAST overlook NULL.
        value = format!("CASE WHEN {value} IS NOT NULL THEN LEAST(GREATEST({value}, {low}), {high}) END::{kind}");
    }
    if let Some(members) = &limits.members {
        let members: Vec<String> = members.iter().map(|member| literal(member)).collect();
        value = format!("CASE WHEN {value} IN ({}) THEN {value} END", members.join(", "));
    }
    if limits.is_single {
        value = format!("CASE WHEN POSITION(',' IN {value}) = 0 THEN {value} END");
    }
    value
}

/// A value of a former column as the source has it since it changed the column's type: as
/// [`converted`]; a decimal that lost digits behind the point is rounded, half away from zero, as
/// the sources and Redshift do ("ROUND function"); a time that lost digits of the second is known
/// if it had none. None where nobody can tell.
fn as_altered(value: &str, former: &Column, column: &Column) -> Option<String> {
    if lost_digits(former, column) {
        return Some(format!("CASE WHEN {} THEN NULL ELSE {value} END", has_fraction(value)));
    }
    changed(value, former, column)
}

fn changed(value: &str, former: &Column, column: &Column) -> Option<String> {
    use Decoding as D;
    use RedshiftType as T;
    let to = column.target_type;
    match (former.decoding, column.decoding) {
        (D::Bits { length: was }, D::Bits { length }) if was != length => {
            return (length > was).then(|| format!("LPAD({value}, {length}, '0')::{to}"));
        }
        (D::Boolean, D::Integer) => return Some(format!("CASE WHEN {value} THEN 1 WHEN NOT {value} THEN 0 END::{to}")),
        (D::Boolean, D::Bits { length }) => {
            let digits = |last: char| literal(&format!("{}{last}", "0".repeat(usize::from(length) - 1)));
            let (one, zero) = (digits('1'), digits('0'));
            return Some(format!("CASE WHEN {value} THEN {one} WHEN NOT {value} THEN {zero} END::{to}"));
        }
        (D::Text, D::BytesBase64 | D::BytesHex | D::BytesAny) => {
            return Some(format!("TO_VARBYTE({value}, 'utf8')::{to}"));
        }
        // Their text in Redshift is this pipeline's, not the source's.
        (was @ (D::Bits { .. } | D::Geometry), is) | (was, is @ (D::Bits { .. } | D::Geometry)) if was != is => {
            return None;
        }
        _ => {}
    }
    if let (T::Decimal { precision: p1, scale: s1 }, T::Decimal { precision, scale }) = (former.target_type, to)
        && (scale < s1 || precision - scale < p1 - s1)
    {
        let rounded = if scale < s1 { format!("ROUND({value}, {scale})") } else { value.to_owned() };
        // The source has all digits of a decimal without a fixed scale.
        let all_digits =
            if column.decoding == D::DecimalVariable { format!(" AND {rounded} = {value}") } else { String::new() };
        return Some(format!(
            "CASE WHEN ABS({rounded}) < {}{all_digits} THEN {rounded} END::{to}",
            power_of_ten(precision - scale)
        ));
    }
    let range = match to {
        T::SmallInt => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        T::Integer => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        T::BigInt => Some((i64::MIN, i64::MAX)),
        _ => None,
    };
    if let (T::Decimal { scale, .. }, Some((low, high))) = (former.target_type, range) {
        let rounded = if scale > 0 { format!("ROUND({value}, 0)") } else { value.to_owned() };
        return Some(format!("CASE WHEN {rounded} BETWEEN {low} AND {high} THEN {rounded} END::{to}"));
    }
    if let (T::SmallInt | T::Integer, T::DoublePrecision) | (T::SmallInt, T::Real) = (former.target_type, to) {
        return Some(format!("({value})::{to}"));
    }
    if let (T::Integer, T::SmallInt, Some((low, high))) | (T::BigInt, T::SmallInt | T::Integer, Some((low, high))) =
        (former.target_type, to, range)
    {
        return Some(format!("CASE WHEN {value} BETWEEN {low} AND {high} THEN {value} END::{to}"));
    }
    if (former.target_type, to) == (T::Timestamp, T::Date) {
        return Some(format!("({value})::{to}"));
    }
    converted(value, former.target_type, to)
}

/// Whether a column's times arrive in milliseconds now and had more digits before. How many digits
/// they have left is not told.
fn lost_digits(former: &Column, column: &Column) -> bool {
    use Decoding as D;
    matches!(
        (former.decoding, column.decoding),
        (D::TimestampMicros | D::TimestampNanos, D::TimestampMillis) | (D::TimeMicros | D::TimeNanos, D::TimeMillis)
    )
}

/// Whether a time has a fraction of a second.
fn has_fraction(value: &str) -> String {
    format!("MOD(EXTRACT(microsecond FROM {value})::BIGINT, 1000000) <> 0")
}

/// One with so many zeros.
fn power_of_ten(zeros: u8) -> String {
    format!("1{}", "0".repeat(usize::from(zeros)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{OnUnfitValue, Protection};

    /// GREATEST and LEAST overlook NULL (Redshift Database Developer Guide, "GREATEST and LEAST"): a
    /// NULL from before an INT became a TINYINT would have become -128.
    #[test]
    fn a_null_stays_null_in_a_narrower_range() {
        let column = |target_type| Column {
            source_name: "A".into(),
            target_name: "a".into(),
            target_type,
            decoding: Decoding::Integer,
            nullable: true,
            source_type: String::new(),
            on_unfit_value: OnUnfitValue::default(),
            protection: Protection::None,
        };
        let narrow = column(RedshiftType::SmallInt);
        let limits = Limits { range: Some((-128, 127)), ..Limits::default() };
        let other = OtherColumn {
            was: column(RedshiftType::SmallInt),
            then: vec![Alteration { column: narrow.clone(), limits }],
        };
        let value = as_now("v", &other, &narrow).expect("it is known");
        assert_eq!(value, "CASE WHEN v IS NOT NULL THEN LEAST(GREATEST(v, -128), 127) END::SMALLINT");
    }
}
