//! Reading events that were written before a table's definition changed.
//!
//! Every event is of one version of its table: the number of known schema changes that are
//! before it in the source's log. Where a column was something else in a version (another name,
//! another scale, not there yet), its expression has a branch for that version. A table whose
//! definition never changed has one version and none of this in its procedure.

use super::decode::{self, Staged};
use super::decoding_functions::POSITION;
use super::ident::{literal, quoted};
use super::layout::Layout;
use crate::catalog::{
    Alteration, ChangePoint, Column, Decoding, FormerColumn, Limits, OtherColumn, RedshiftType, TableDefinition,
};

/// Whether an event is at or after a schema change. `event` names a relation with
/// `_cdc_log_server`, `_cdc_log_position` and `_cdc_kafka_timestamp`; `position` and
/// `kafka_timestamp` are expressions for the change's place, and `comparable` is the condition,
/// beginning with ` AND `, under which positions count.
///
/// Positions count on one server only; a snapshot's records do not tell the server. Otherwise
/// Kafka's time decides: Debezium writes a schema change before the events that follow it.
pub(super) fn at_or_after(event: &str, comparable: &str, position: &str, kafka_timestamp: &str) -> String {
    format!(
        "CASE WHEN {event}._cdc_log_position IS NOT NULL{comparable}\n\
         \x20               THEN {event}._cdc_log_position >= {position}\n\
         \x20               ELSE COALESCE({event}._cdc_kafka_timestamp >= {kafka_timestamp}, true) END"
    )
}

/// The place in the log of a relation with the attributes `file` and `pos`.
pub(super) fn log_position(layout: &Layout, source: &str) -> String {
    format!(
        "{}(NULL, NULL, {source}.\"file\"::VARCHAR(512), {source}.\"pos\"::BIGINT, 0, NULL)::VARCHAR(80)",
        layout.function(POSITION)
    )
}

/// The version of an event, counted from 0 for the oldest.
pub(super) fn version(table: &TableDefinition, event: &str) -> String {
    let passed: Vec<String> = table
        .former
        .iter()
        .filter_map(|former| former.until.as_ref())
        .map(|until| format!("CASE WHEN {} THEN 1 ELSE 0 END", at_or_after_point(event, until)))
        .collect();
    passed.join("\n            + ")
}

fn at_or_after_point(event: &str, point: &ChangePoint) -> String {
    let server = point.log.server_id;
    let same_server = match server {
        0 => String::new(),
        server => format!(" AND {event}._cdc_log_server IN (0, {server})"),
    };
    at_or_after(event, &same_server, &literal(&point.log.position), &timestamp(point.kafka_timestamp_ms))
}

/// A timestamp literal; the epoch if none is known.
pub(super) fn timestamp(millis: Option<i64>) -> String {
    super::merge_procedure::millis_to_timestamp(&millis.unwrap_or(0).to_string(), "CAST('1970-01-01' AS TIMESTAMP)")
}

/// Whether something is older than a change: by its position, and by `otherwise` where that
/// cannot be compared (a snapshot's read, another log). The arguments are expressions.
pub(super) fn is_older(what: &str, domain: &str, position: &str, otherwise: &str) -> String {
    format!(
        "(({what}._cdc_domain = {domain} AND {what}._cdc_position < {position})\n\
         \x20            OR (COALESCE({what}._cdc_domain, '') <> COALESCE({domain}, '-') AND {otherwise}))"
    )
}

/// Whether a row of the target is older than a change; the source's time decides where positions
/// cannot be compared. MySQL's and MariaDB's logs tell whole seconds, a snapshot's reads tell
/// milliseconds: a row that was read in the second of the change was there before it.
pub(super) fn row_is_older(row: &str, domain: &str, position: &str, source_ts: &str) -> String {
    let read_at = format!("{row}._cdc_source_ts");
    let by_clock = format!("COALESCE({read_at} <= {source_ts} OR DATE_TRUNC('second', {read_at}) = {source_ts}, true)");
    is_older(row, domain, position, &by_clock)
}

/// Events of versions below this are of a table that was dropped since.
pub(super) fn first_kept(table: &TableDefinition) -> usize {
    table.former.iter().rposition(|former| former.discarded).map_or(0, |index| index + 1)
}

/// The columns as all versions have them, each way of reading an attribute once.
pub(super) fn columns(table: &TableDefinition) -> Vec<&Column> {
    let former = table.former.iter().flat_map(|version| &version.columns).filter_map(|column| match column {
        FormerColumn::Other(other) => Some(&other.was),
        FormerColumn::Same | FormerColumn::Altered(_) | FormerColumn::Absent { .. } | FormerColumn::Unknown => None,
    });
    let mut found: Vec<&Column> = Vec::new();
    for column in table.columns.iter().chain(former) {
        if !found.iter().any(|known| same_stage(known, column)) {
            found.push(column);
        }
    }
    found
}

/// Whether two columns have their stages in common: the stages of a decimal know the attribute
/// only, those of an array its elements, too.
pub(super) fn same_stage(left: &Column, right: &Column) -> bool {
    left.source_name == right.source_name
        && decode::needs_stages(left) == decode::needs_stages(right)
        && decode::element(left) == decode::element(right)
}

/// A column's typed value, whatever the version. `staged` names the
/// columns of the stages.
pub(super) fn typed(
    layout: &Layout,
    table: &TableDefinition,
    column: &Column,
    image: &str,
    version: &str,
    staged: &dyn Fn(&Column) -> Staged,
) -> String {
    let present = decode::typed(layout, image, column, &staged(column));
    by_version(table, column, version, &present, &|former| match former {
        FormerColumn::Same => present.clone(),
        FormerColumn::Other(other) => {
            let value = decode::typed(layout, image, &other.was, &staged(&other.was));
            as_now(&value, other, column).unwrap_or_else(|| nothing(column))
        }
        FormerColumn::Absent { default: Some(default), .. } => {
            default_value(default, column).unwrap_or_else(|| nothing(column))
        }
        FormerColumn::Altered(_) | FormerColumn::Absent { default: None, .. } | FormerColumn::Unknown => {
            nothing(column)
        }
    })
}

/// The JSON type of what an event has for a column; `null` where it rightly has nothing.
pub(super) fn type_of(table: &TableDefinition, column: &Column, image: &str, version: &str) -> String {
    let present = format!("JSON_TYPEOF({})", decode::attribute(image, column));
    by_version(table, column, version, &present, &|former| match former {
        FormerColumn::Same => present.clone(),
        FormerColumn::Other(_) | FormerColumn::Altered(_) => former
            .was()
            .map_or_else(|| present.clone(), |was| format!("JSON_TYPEOF({})", decode::attribute(image, was))),
        FormerColumn::Absent { default: Some(default), .. } if default_value(default, column).is_none() => {
            "'unknown'".to_owned()
        }
        FormerColumn::Absent { .. } => "'null'".to_owned(),
        FormerColumn::Unknown => "'unknown'".to_owned(),
    })
}

fn by_version(
    table: &TableDefinition,
    column: &Column,
    version: &str,
    present: &str,
    former: &dyn Fn(&FormerColumn) -> String,
) -> String {
    let Some(index) = table.columns.iter().position(|candidate| candidate.source_name == column.source_name) else {
        return present.to_owned();
    };
    let mut branches: Vec<(usize, String)> = Vec::new();
    for (number, past) in table.former.iter().enumerate() {
        let expression = past.columns.get(index).map_or_else(|| present.to_owned(), former);
        match branches.last_mut() {
            Some((until, last)) if *last == expression => *until = number + 1,
            _ => branches.push((number + 1, expression)),
        }
    }
    while branches.last().is_some_and(|(_, last)| last == present) {
        branches.pop();
    }
    if branches.is_empty() {
        return present.to_owned();
    }
    let branches: Vec<String> =
        branches.iter().map(|(until, expression)| format!("WHEN {version} < {until} THEN {expression}")).collect();
    format!("CASE {}\n              ELSE {present} END", branches.join("\n              "))
}

fn nothing(column: &Column) -> String {
    format!("NULL::{}", column.target_type)
}

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

/// The name of a column that holds a key's value before an update.
pub(super) fn old_key(column: &Column) -> String {
    quoted(&format!("_cdc_old_{}", column.target_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::OnUnfitValue;

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
