//! Kafka Connect schemas to Redshift's types: what the embedded schema of an event tells.
//!
//! Sources: Debezium documentation, "Data type mappings" and "Temporal types" of the
//! connectors; Kafka Connect's logical types. With `column.propagate.source.type` the schema
//! also has the source's own type and length; they are used where they tell more
//! (`representation.rs`). Without them BIGINT UNSIGNED cannot be told from BIGINT; a dump or the
//! schema-change topic can.

use super::representation::SourceSql;
use super::source_type::{Mapped, SqlType};
use super::{SourceColumn, SourceTable, form};
use crate::catalog::{DECIMAL_MAX_PRECISION, Decoding, RedshiftType};
use crate::event::flattened;
use crate::event::json::Object;

/// A field of a row in an event's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Kafka Connect's type, such as `int64`.
    pub(super) kind: String,
    /// The logical type's name, where there is one.
    pub(super) logical: Option<String>,
    /// What it becomes as far as the schema alone tells.
    pub(super) mapped: Mapped,
    /// Whether the schema has a default in place of which JsonConverter writes no null: a null
    /// of the source cannot be told from the default.
    pub(super) hides_null: bool,
    /// All of the schema that matters for how values are read.
    pub(super) form: String,
    /// The column's default, as a literal of the database where it is one.
    pub(super) default: Option<String>,
}

impl Field {
    /// Whether values have parts of a second, and the schema does not tell how many digits.
    pub(super) fn leaves_digits_open(&self) -> bool {
        let logical = self.logical.as_deref().unwrap_or_default();
        let is_time = logical.strip_prefix("io.debezium.time.").is_some_and(|name| {
            matches!(name, "Timestamp" | "MicroTimestamp" | "NanoTimestamp" | "ZonedTimestamp" | "IsoTimestamp")
                || matches!(name, "Time" | "MicroTime" | "NanoTime" | "IsoTime")
        });
        is_time || matches!(logical, "org.apache.kafka.connect.data.Timestamp" | "org.apache.kafka.connect.data.Time")
    }
}

/// The columns of the row images and of the key. None when the text is no schema of a change
/// event or of a flattened row, or no row image is a struct.
pub(super) fn table(key_schema: Option<&str>, value_schema: &str) -> Option<SourceTable> {
    let value = Object::parse(value_schema)?;
    let envelope = field(&value, "after").or_else(|| field(&value, "before"));
    let is_flattened = envelope.is_none();
    let row = match envelope {
        Some(row) => row,
        None if is_flattened_row(&value) => value.clone(),
        None => return None,
    };
    let connector = field(&value, "source").and_then(|source| source.string("name"));
    let is_postgres = connector.is_some_and(|name| name.contains("postgresql"));
    let columns = fields(&row)?
        .iter()
        .filter(|field| !(is_flattened && field.text("field").is_some_and(|name| flattened::is_metadata(&name))))
        .map(|field| column(field, is_postgres, is_postgres || is_flattened))
        .collect::<Option<Vec<SourceColumn>>>()?;
    let key = key_schema.map(names).unwrap_or_default();
    Some(SourceTable { columns, key })
}

/// The names of a structure's fields.
pub(super) fn names(schema: &str) -> Vec<String> {
    let fields = Object::parse(schema).and_then(|schema| fields(&schema)).unwrap_or_default();
    fields.iter().filter_map(|field| field.string("field")).collect()
}

fn is_flattened_row(schema: &Object<'_>) -> bool {
    schema.text("name").is_some_and(|name| name.ends_with(flattened::ROW_SCHEMA))
}

fn fields<'a>(schema: &Object<'a>) -> Option<Vec<Object<'a>>> {
    if schema.text("type")? != "struct" {
        return None;
    }
    schema.list("fields")?.into_iter().map(|raw| Object::parse(raw.get())).collect()
}

fn field<'a>(schema: &Object<'a>, name: &str) -> Option<Object<'a>> {
    fields(schema)?.into_iter().find(|field| field.text("field").as_deref() == Some(name))
}

/// `may_be_postgres`: it is, or nothing tells.
fn column(field: &Object<'_>, is_postgres: bool, may_be_postgres: bool) -> Option<SourceColumn> {
    let logical = field.string("name");
    let kind = field.string("type")?;
    let parameters = field.object("parameters").unwrap_or_default();
    let optional = field.boolean("optional").unwrap_or(false);
    let mapped = match (map(field, &kind, logical.as_deref()), logical.as_deref()) {
        (Mapped::Exact(target, Decoding::Text), Some("io.debezium.data.Enum")) if !is_postgres => {
            Mapped::Exact(target, Decoding::Label)
        }
        (mapped, _) => mapped,
    };
    Some(SourceColumn {
        name: field.string("field")?,
        field: Some(Field {
            form: form::of(field),
            default: default(field, &mapped, may_be_postgres),
            mapped,
            hides_null: optional && field.raw("default").is_some_and(|default| default.get() != "null"),
            logical: logical.clone(),
            kind: kind.clone(),
        }),
        sql: propagated(&parameters).map(|sql| SourceSql { sql, is_postgres, is_enum: false }),
        nullable: optional,
        source_type: logical.unwrap_or(kind),
    })
}

/// The connector of an event with this schema is PostgreSQL's.
pub(super) fn is_postgres(value_schema: &str) -> bool {
    let Some(value) = Object::parse(value_schema) else { return false };
    let name = field(&value, "source").and_then(|source| source.string("name"));
    name.is_some_and(|name| name.contains("postgresql"))
}

/// Whether an event with this schema is a flattened row.
pub(super) fn is_flattened(value_schema: &str) -> bool {
    Object::parse(value_schema)
        .is_some_and(|value| field(&value, "after").or_else(|| field(&value, "before")).is_none())
}

/// A field's default as a literal. What Debezium's PostgreSQL connector writes for a default that it
/// cannot evaluate, such as `nextval('s')` or `md5('x')`, is the type's zero, which nobody can tell
/// from one that was written so: it gets brackets around it, which make it none.
fn default(field: &Object<'_>, mapped: &Mapped, may_be_postgres: bool) -> Option<String> {
    let default = form::scalar(field, "default")?;
    let is_zero = ["", "false"].contains(&default.as_str()) || default.parse::<f64>() == Ok(0.0);
    Some(match mapped {
        _ if may_be_postgres && is_zero && !matches!(mapped, Mapped::Exact(_, Decoding::DecimalBase64 { .. })) => {
            format!("({default})")
        }
        Mapped::Exact(_, Decoding::DecimalBase64 { scale }) => {
            decimal(&default, *scale).unwrap_or_else(|| format!("({default})"))
        }
        Mapped::Exact(_, Decoding::Text) if default == NIL_UUID => format!("({default})"),
        // MySQL's connector writes quotes as the statement had them.
        Mapped::Exact(_, Decoding::Text) | Mapped::UnsizedText if default.contains("''") || default.contains('\\') => {
            format!("({default})")
        }
        Mapped::UnsizedText if SQL_NAMES.contains(&default.as_str()) => format!("({default})"),
        // As in the table's definition, or as the stream writes it.
        Mapped::Exact(_, Decoding::Label) if default.contains('\\') => format!("({default})"),
        Mapped::Exact(
            _,
            Decoding::Integer | Decoding::Float | Decoding::Boolean | Decoding::Text | Decoding::Label,
        )
        | Mapped::UnsizedText => default,
        _ => format!("({default})"),
    })
}

/// What PostgreSQL's connector sends as default of text where it is one of these values of the
/// session (PostgreSQL, "Session Information Functions").
const SQL_NAMES: [&str; 6] =
    ["CURRENT_USER", "SESSION_USER", "USER", "CURRENT_ROLE", "CURRENT_CATALOG", "CURRENT_SCHEMA"];

/// What stands for `gen_random_uuid()`.
const NIL_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// Base64 of an unscaled two's complement number, as decimal text.
fn decimal(base64: &str, scale: u8) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok()?;
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let sign = if bytes[0] >= 128 { -1 } else { 0 };
    let number = bytes.iter().fold(sign, |number: i128, byte| number << 8 | i128::from(*byte));
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if number < 0 { "-" } else { "" };
    Some(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// What a field becomes as far as its schema alone tells.
fn map(field: &Object<'_>, kind: &str, logical: Option<&str>) -> Mapped {
    let parameters = field.object("parameters").unwrap_or_default();
    let number = |name: &str| -> Option<i64> { parameters.text(name)?.parse().ok() };
    let exact = Mapped::Exact;
    match (kind, logical) {
        ("bytes", Some("org.apache.kafka.connect.data.Decimal")) => match number("scale") {
            Some(scale) => Mapped::decimal(
                number("connect.decimal.precision").unwrap_or(i64::from(DECIMAL_MAX_PRECISION)),
                scale,
                |scale| Decoding::DecimalBase64 { scale },
            ),
            None => Mapped::unsupported("the decimal's schema has no scale"),
        },
        ("struct", Some("io.debezium.data.VariableScaleDecimal")) => Mapped::Unsized(Decoding::DecimalVariable),
        ("string", Some("io.debezium.time.IsoDate")) => exact(RedshiftType::Date, Decoding::DateIso),
        ("string", Some("io.debezium.time.IsoTime")) => exact(RedshiftType::Time, Decoding::TimeIso),
        ("string", Some("io.debezium.time.IsoTimestamp")) => exact(RedshiftType::Timestamp, Decoding::TimestampIso),
        ("int64", Some("io.debezium.time.NanoTime")) => exact(RedshiftType::Time, Decoding::TimeNanos),
        ("int64", Some("io.debezium.time.NanoTimestamp")) => exact(RedshiftType::Timestamp, Decoding::TimestampNanos),
        ("int32", Some("io.debezium.time.Date" | "org.apache.kafka.connect.data.Date")) => {
            exact(RedshiftType::Date, Decoding::DateDays)
        }
        ("int32", Some("io.debezium.time.Time" | "org.apache.kafka.connect.data.Time")) => {
            exact(RedshiftType::Time, Decoding::TimeMillis)
        }
        ("int64", Some("io.debezium.time.MicroTime")) => exact(RedshiftType::Time, Decoding::TimeMicros),
        ("int64", Some("io.debezium.time.Timestamp" | "org.apache.kafka.connect.data.Timestamp")) => {
            exact(RedshiftType::Timestamp, Decoding::TimestampMillis)
        }
        ("int64", Some("io.debezium.time.MicroTimestamp")) => exact(RedshiftType::Timestamp, Decoding::TimestampMicros),
        ("string", Some("io.debezium.time.ZonedTimestamp")) => {
            exact(RedshiftType::TimestampTz, Decoding::ZonedTimestamp)
        }
        ("string", Some("io.debezium.time.ZonedTime")) => Mapped::text(32),
        ("int32", Some("io.debezium.time.Year")) => exact(RedshiftType::SmallInt, Decoding::Integer),
        // The number of microseconds or nanoseconds, as the connector counts a month.
        ("int64", Some("io.debezium.time.MicroDuration" | "io.debezium.time.NanoDuration")) => {
            exact(RedshiftType::BigInt, Decoding::Integer)
        }
        ("bytes", Some("io.debezium.data.Bits")) => Mapped::bits(number("length").unwrap_or(0)),
        (
            "struct",
            Some(
                "io.debezium.data.geometry.Geometry"
                | "io.debezium.data.geometry.Geography"
                | "io.debezium.data.geometry.Point",
            ),
        ) => Mapped::Unsized(Decoding::Geometry),
        (
            "array" | "struct",
            Some(
                "io.debezium.data.FloatVector"
                | "io.debezium.data.DoubleVector"
                | "io.debezium.data.vector.FloatVector"
                | "io.debezium.data.vector.DoubleVector"
                | "io.debezium.data.SparseDoubleVector"
                | "io.debezium.data.vector.SparseDoubleVector",
            ),
        ) => exact(RedshiftType::Super, Decoding::Super),
        ("string", Some("io.debezium.data.Enum" | "io.debezium.data.EnumSet")) => {
            let values = parameters.text("allowed").map_or(0, |allowed| allowed.len());
            Mapped::text(i64::from(form::stepped(values)))
        }
        ("string", Some("io.debezium.data.Uuid")) => Mapped::text(36),
        ("string", Some("io.debezium.time.Interval")) => Mapped::text(64),
        // Any other logical type of text is text: JSON, XML, ltree, tsvector and what comes.
        ("string", Some(name)) if !name.starts_with("io.debezium.time.") => Mapped::UnsizedText,
        (_, Some(logical)) => Mapped::unsupported(format!("values of {logical} are not decoded")),
        ("int8" | "int16", None) => exact(RedshiftType::SmallInt, Decoding::Integer),
        ("int32", None) => exact(RedshiftType::Integer, Decoding::Integer),
        ("int64", None) => exact(RedshiftType::BigInt, Decoding::Integer),
        ("float" | "float32", None) => exact(RedshiftType::Real, Decoding::Float),
        ("double" | "float64", None) => exact(RedshiftType::DoublePrecision, Decoding::Float),
        ("boolean", None) => exact(RedshiftType::Boolean, Decoding::Boolean),
        ("string", None) => Mapped::UnsizedText,
        ("bytes", None) => Mapped::binary(None, Decoding::BytesBase64),
        ("array", None) => match field.object("items") {
            Some(items) => {
                let kind = items.string("type").unwrap_or_default();
                Mapped::array(&map(&items, &kind, items.text("name").as_deref()))
            }
            None => Mapped::unsupported("the array's schema does not tell its elements"),
        },
        // hstore with `hstore.handling.mode=map`: texts by name.
        ("map", None) => exact(RedshiftType::Super, Decoding::Super),
        ("struct", None) => Mapped::unsupported("the values are structures"),
        _ => Mapped::unsupported("the schema's type is not known"),
    }
}

/// The source's own type, with `column.propagate.source.type` or `datatype.propagate.source.type`.
fn propagated(parameters: &Object<'_>) -> Option<SqlType> {
    let number = |name: &str| parameters.text(name).and_then(|number| number.parse().ok());
    let length = number("__debezium.source.column.length");
    // A scale counts only behind a length.
    let scale = length.and_then(|_| number("__debezium.source.column.scale"));
    Some(SqlType {
        name: parameters.text("__debezium.source.column.type")?.to_uppercase(),
        arguments: length.into_iter().chain(scale).collect(),
        ..SqlType::default()
    })
}
