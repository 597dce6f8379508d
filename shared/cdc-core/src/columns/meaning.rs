//! Whether rows have the values still that they had before the source changed a column's type.
//!
//! No event tells how a source altered its rows. Where the values of both types have one text,
//! such as those of a JSON document and of text, a row's former value is its present one; where
//! the database writes them otherwise than the connector does, nobody can tell.

use super::{Field, SourceColumn};

/// What texts and numbers of a column stand for, besides themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Plain,
    Json,
    /// What MySQL writes as JSON, whose spacing differs between events and the database.
    SpacedJson,
    Uuid,
    /// Durations and times of day with a zone, which arrive in forms of the connector's own.
    OwnForm(String),
    /// Decimals without a fixed scale.
    Variable,
    /// Arrays, with their elements' form.
    Elements(String),
}

impl Meaning {
    fn of_field(column: &SourceColumn, field: &Field) -> Self {
        let (_, elements) = field.form.split_once(" holding ").unwrap_or_default();
        match (field.kind.as_str(), field.logical.as_deref()) {
            (_, Some("io.debezium.data.Json")) => match &column.sql {
                Some(sql) if !sql.is_postgres => Self::SpacedJson,
                _ => Self::Json,
            },
            (_, Some("io.debezium.data.Uuid")) => Self::Uuid,
            (_, Some("io.debezium.data.VariableScaleDecimal")) => Self::Variable,
            ("array", _) => Self::Elements(elements.to_owned()),
            (kind, Some(logical)) if has_own_form(logical) => Self::OwnForm(format!("{kind} {logical}")),
            _ => Self::Plain,
        }
    }

    fn of_sql(column: &SourceColumn) -> Self {
        let Some(sql) = &column.sql else { return Self::Plain };
        match sql.sql.name.as_str() {
            name if sql.sql.is_array => Self::Elements(name.to_owned()),
            "JSON" if !sql.is_postgres => Self::SpacedJson,
            "JSON" | "JSONB" => Self::Json,
            "UUID" => Self::Uuid,
            name if name.starts_with("INTERVAL") || name == "TIMETZ" || name.ends_with("WITH TIME ZONE") => {
                Self::OwnForm(name.to_owned())
            }
            _ => Self::Plain,
        }
    }
}

fn has_own_form(logical: &str) -> bool {
    matches!(
        logical,
        "io.debezium.time.Interval"
            | "io.debezium.time.MicroDuration"
            | "io.debezium.time.NanoDuration"
            | "io.debezium.time.ZonedTime"
            | "io.debezium.data.Bits"
    ) || logical.starts_with("io.debezium.data.geometry.")
}

/// Whether a value of `former` is still the row's value now that the column is `present`, as far
/// as the types of the target do not tell.
pub(super) fn is_kept(former: &SourceColumn, present: &SourceColumn) -> bool {
    let is_text = |column: &SourceColumn| column.field.as_ref().is_none_or(|field| field.kind == "string");
    let (before, after) = match (&former.field, &present.field) {
        (Some(before), Some(after)) => (Meaning::of_field(former, before), Meaning::of_field(present, after)),
        _ => (Meaning::of_sql(former), Meaning::of_sql(present)),
    };
    match (before, after) {
        (before, after) if before == after => true,
        (Meaning::Elements(before), Meaning::Elements(after)) => is_wider(&before, &after),
        (Meaning::Json | Meaning::Uuid, Meaning::Plain) | (Meaning::Plain, Meaning::SpacedJson) => true,
        (Meaning::Variable, Meaning::Plain) => !is_text(present),
        (Meaning::Plain, Meaning::Variable) => !is_text(former),
        (Meaning::Elements(_), _) | (_, Meaning::Elements(_)) => true,
        _ => false,
    }
}

fn is_wider(before: &str, after: &str) -> bool {
    let width = |form: &str| ["int16", "int32", "int64"].iter().position(|kind| *kind == form);
    matches!((width(before), width(after)), (Some(before), Some(after)) if before <= after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::from_event_schema;

    /// A column with this field schema, apart from its name.
    fn column(schema: &str) -> SourceColumn {
        let value =
            format!(r#"{{"type":"struct","name":"t.Value","fields":[{{{schema},"optional":true,"field":"a"}}]}}"#);
        from_event_schema(None, &value).expect("a row's schema").columns.remove(0)
    }

    #[test]
    fn values_are_kept_where_both_types_write_them_alike() {
        let logical = |kind: &str, name: &str| format!(r#""type":"{kind}","name":"{name}""#);
        let array = |items: &str| format!(r#""type":"array","items":{{"type":"{items}"}}"#);
        let text = r#""type":"string""#.to_owned();
        let number = r#""type":"int32""#.to_owned();
        let decimal = r#""type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}"#;
        let json = logical("string", "io.debezium.data.Json");
        let uuid = logical("string", "io.debezium.data.Uuid");
        let interval = logical("int64", "io.debezium.time.MicroDuration");
        let zoned = logical("string", "io.debezium.time.ZonedTime");
        let any = logical("struct", "io.debezium.data.VariableScaleDecimal");
        let cases = [
            (&text, &text, true),
            (&number, &text, true),
            (&json, &text, true),
            (&uuid, &text, true),
            (&text, &json, false),
            (&text, &uuid, false),
            (&interval, &text, false),
            (&interval, &interval, true),
            (&number, &interval, false),
            (&zoned, &text, false),
            (&any, &text, false),
            (&text, &any, false),
            (&any, &decimal.to_owned(), true),
            (&number, &any, true),
            (&array("int32"), &array("int64"), true),
            (&array("int64"), &array("int32"), false),
            (&array("int32"), &array("string"), false),
        ];
        for (former, present, kept) in cases {
            assert_eq!(is_kept(&column(former), &column(present)), kept, "{former} to {present}");
        }
    }
}
