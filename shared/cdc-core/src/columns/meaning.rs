//! Whether rows have the values still that they had before the source changed a column's type.
//!
//! No event tells how a source altered its rows. Where the values of both types have one text,
//! such as those of a JSON document and of text, a row's former value is its present one; where
//! the database writes them otherwise than the connector does, nobody can tell.

use super::SourceColumn;

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
    fn of(column: &SourceColumn) -> Self {
        let Some(field) = &column.field else { return Self::of_sql(column) };
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
    match (Meaning::of(former), Meaning::of(present)) {
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
