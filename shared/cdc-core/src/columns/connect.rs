//! Kafka Connect schemas to Redshift's types: what the embedded schema of an event tells.
//!
//! Sources: Debezium documentation, "Data type mappings" and "Temporal types" of the
//! connectors; Kafka Connect's logical types. With `column.propagate.source.type` the schema
//! also has the source's own type and length; they are used where they tell more. Without them
//! BIGINT UNSIGNED cannot be told from BIGINT; a dump or the schema-change topic can.

use super::source_type::{Mapped, SqlType};
use super::{SourceColumn, SourceTable, mysql};
use crate::catalog::{DECIMAL_MAX_PRECISION, Decoding, RedshiftType};
use crate::event::json::Object;

/// The columns of the row images and of the key. None when the text is no schema of a change
/// event, or no row image is a struct.
pub(super) fn table(key_schema: Option<&str>, value_schema: &str) -> Option<SourceTable> {
    let envelope = Object::parse(value_schema)?;
    let row = field(&envelope, "after").or_else(|| field(&envelope, "before"))?;
    let columns = fields(&row)?.iter().map(column).collect::<Option<Vec<SourceColumn>>>()?;
    let key = key_schema
        .and_then(Object::parse)
        .and_then(|schema| fields(&schema))
        .map(|fields| fields.iter().filter_map(|field| field.string("field")).collect())
        .unwrap_or_default();
    Some(SourceTable { columns, key })
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

fn column(field: &Object<'_>) -> Option<SourceColumn> {
    let logical = field.string("name");
    let kind = field.string("type")?;
    Some(SourceColumn {
        name: field.string("field")?,
        mapped: map(field, &kind, logical.as_deref()),
        nullable: field.boolean("optional").unwrap_or(false),
        source_type: logical.unwrap_or(kind),
    })
}

fn map(field: &Object<'_>, kind: &str, logical: Option<&str>) -> Mapped {
    let parameters = field.object("parameters").unwrap_or_default();
    let number = |name: &str| -> Option<i64> { parameters.text(name)?.parse().ok() };
    let exact = Mapped::Exact;
    match (kind, logical) {
        ("bytes", Some("org.apache.kafka.connect.data.Decimal")) => match number("scale") {
            Some(scale) => {
                Mapped::decimal(number("connect.decimal.precision").unwrap_or(i64::from(DECIMAL_MAX_PRECISION)), scale)
            }
            None => Mapped::unsupported("the decimal's schema has no scale"),
        },
        (_, Some("io.debezium.data.VariableScaleDecimal")) => {
            Mapped::unsupported("a decimal without a fixed scale arrives as a structure")
        }
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
        ("int64", Some("io.debezium.time.MicroDuration" | "io.debezium.time.NanoDuration")) => {
            Mapped::unsupported("intervals arrive as an approximate number; interval.handling.mode=string keeps them")
        }
        ("string", Some("io.debezium.data.Enum" | "io.debezium.data.EnumSet")) => {
            let values = parameters.text("allowed").map_or(0, |allowed| allowed.len());
            Mapped::text(i64::try_from(values).unwrap_or(i64::MAX).max(255))
        }
        ("string", Some("io.debezium.data.Uuid")) => Mapped::text(36),
        (
            "string",
            Some(
                "io.debezium.data.Json"
                | "io.debezium.data.Xml"
                | "io.debezium.data.Ltree"
                | "io.debezium.data.Tsvector"
                | "io.debezium.time.Interval",
            ),
        ) => Mapped::UnsizedText,
        (_, Some(logical)) => Mapped::unsupported(format!("values of {logical} are not decoded")),
        ("int8" | "int16", None) => exact(RedshiftType::SmallInt, Decoding::Integer),
        ("int32", None) => exact(RedshiftType::Integer, Decoding::Integer),
        ("int64", None) => propagated(&parameters)
            .filter(|sql| sql.name.contains("UNSIGNED") && sql.name.starts_with("BIGINT"))
            .map_or(exact(RedshiftType::BigInt, Decoding::Integer), |sql| mysql::map(&sql)),
        ("float" | "float32", None) => exact(RedshiftType::Real, Decoding::Float),
        ("double" | "float64", None) => exact(RedshiftType::DoublePrecision, Decoding::Float),
        ("boolean", None) => exact(RedshiftType::Boolean, Decoding::Boolean),
        ("string", None) => match propagated(&parameters) {
            Some(sql) if sql.name.contains("CHAR") && sql.length().is_some() => {
                Mapped::characters(sql.length().unwrap_or(1), 4)
            }
            _ => Mapped::UnsizedText,
        },
        ("bytes", None) => {
            Mapped::unsupported("binary values arrive as base64 in the connector's default binary.handling.mode")
        }
        ("array", None) => Mapped::unsupported("arrays arrive as a list"),
        ("struct" | "map", None) => Mapped::unsupported("the values are structures"),
        _ => Mapped::unsupported("the schema's type is not known"),
    }
}

/// The source's own type, with `column.propagate.source.type`.
fn propagated(parameters: &Object<'_>) -> Option<SqlType> {
    Some(SqlType {
        name: parameters.text("__debezium.source.column.type")?.to_uppercase(),
        arguments: parameters
            .text("__debezium.source.column.length")
            .and_then(|length| length.parse().ok())
            .into_iter()
            .collect(),
        ..SqlType::default()
    })
}
