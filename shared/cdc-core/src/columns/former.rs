//! How events that were written before the table's definition changed are read.

mod limits;

use std::collections::BTreeSet;

use super::history::{self, FormerSource, History};
use super::{Mapped, SourceColumn, meaning};
use crate::catalog::{
    Alteration, Column, Decoding, FormerColumn, FormerVersion, Limits, OtherColumn, RedshiftType, VARCHAR_MAX_BYTES,
};
use crate::pipeline::ConnectorSettings;

/// How events that were written before the table's definition changed are read. `sources` are
/// the present columns as the source has them. Also the attributes of the present definition's row
/// images; the connector may leave out the `excluded` columns, too.
pub(super) fn former_versions(
    history: &History,
    columns: &[Column],
    sources: &[SourceColumn],
    settings: &ConnectorSettings,
    excluded: &[String],
) -> (Vec<FormerVersion>, Vec<BTreeSet<String>>) {
    let sent = |mut attributes: BTreeSet<String>| {
        attributes.retain(|name| !excluded.contains(name));
        vec![attributes]
    };
    let names = source_names(columns);
    let adjustment = history.adjustment(&names, settings);
    let former = |(column, former): (&Column, FormerSource)| match former {
        FormerSource::Column { was, since } => {
            let present = sources.iter().find(|source| source.name == column.source_name);
            let former = former_column(column, present, &was, settings);
            altered(column, former, &was, &since, settings)
        }
        FormerSource::Absent { default, reuses_name } => FormerColumn::Absent { default, reuses_name },
        FormerSource::Unknown => FormerColumn::Unknown,
    };
    let versions = history
        .former(&names, adjustment)
        .into_iter()
        .map(|version| FormerVersion {
            until: Some(version.until),
            discarded: version.discarded,
            attributes: sent(version.attributes),
            // Events of a dropped table are not read at all.
            columns: if version.discarded {
                vec![FormerColumn::Same; columns.len()]
            } else {
                columns.iter().zip(version.columns).map(former).collect()
            },
        })
        .collect();
    let mut attributes = sent(history.present_attributes(adjustment));
    (history::compress(versions, &mut attributes), attributes)
}

/// The names that columns have in the events.
pub(super) fn source_names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.source_name.clone()).collect()
}

/// A column as an earlier definition had it. Where only its size differs it is read into the
/// present type at once: what does not fit there is lost and said.
fn former_column(
    column: &Column,
    present: Option<&SourceColumn>,
    former: &SourceColumn,
    settings: &ConnectorSettings,
) -> FormerColumn {
    if present.is_some_and(|present| present.sql == former.sql) {
        return read_as(column, former, column.target_type, column.decoding);
    }
    // The events' schema tells the present unit of times only. If it is another than the stated
    // settings give, that of former events is not known. Other forms show in the values.
    let stated = |source: &SourceColumn| SourceColumn { field: None, ..source.clone() }.mapped(settings);
    let is_as_stated = present.is_none_or(|present| stated(present) == present.mapped(settings));
    match stated(former) {
        Mapped::Exact(_, decoding) | Mapped::Unsized(decoding) if decoding.has_unit() && !is_as_stated => {
            FormerColumn::Unknown
        }
        mapped => as_former(column, present, former, mapped),
    }
}

/// A column as it was in an earlier definition, where it was `mapped`.
pub(super) fn as_former(
    column: &Column,
    present: Option<&SourceColumn>,
    former: &SourceColumn,
    mapped: Mapped,
) -> FormerColumn {
    if present.is_some_and(|present| !meaning::is_kept(former, present)) {
        return FormerColumn::Altered(Box::new(renamed(column, former)));
    }
    let unsized_text = RedshiftType::Varchar { bytes: VARCHAR_MAX_BYTES };
    match mapped {
        // The source widened the 32-bit number, not its shortest text.
        Mapped::Exact(RedshiftType::Real, Decoding::Float) if column.target_type == RedshiftType::DoublePrecision => {
            read_as(column, former, RedshiftType::Real, Decoding::Float)
        }
        // A narrower type tells that the rows' values fit, or that the source computed others.
        Mapped::Exact(was @ (RedshiftType::Integer | RedshiftType::BigInt), Decoding::Integer)
            if is_narrower(column.target_type, was) =>
        {
            read_as(column, former, was, Decoding::Integer)
        }
        Mapped::Exact(_, decoding) | Mapped::Unsized(decoding) if decoding == column.decoding => {
            read_as(column, former, column.target_type, decoding)
        }
        Mapped::UnsizedText if column.decoding == Decoding::Text => {
            read_as(column, former, column.target_type, Decoding::Text)
        }
        Mapped::Exact(target_type, decoding) => read_as(column, former, target_type, decoding),
        Mapped::UnsizedText => read_as(column, former, unsized_text, Decoding::Text),
        Mapped::Unsized(decoding) => read_as(column, former, unsized_text, decoding),
        Mapped::Unsupported { .. } => FormerColumn::Unknown,
    }
}

fn read_as(column: &Column, former: &SourceColumn, target_type: RedshiftType, decoding: Decoding) -> FormerColumn {
    if former.name == column.source_name && target_type == column.target_type && decoding == column.decoding {
        return FormerColumn::Same;
    }
    FormerColumn::other(read(column, former, target_type, decoding))
}

fn read(column: &Column, former: &SourceColumn, target_type: RedshiftType, decoding: Decoding) -> Column {
    Column { target_type, decoding, ..renamed(column, former) }
}

fn is_narrower(narrow: RedshiftType, wide: RedshiftType) -> bool {
    use RedshiftType as T;
    matches!((narrow, wide), (T::SmallInt, T::Integer | T::BigInt) | (T::Integer, T::BigInt))
}

fn renamed(column: &Column, former: &SourceColumn) -> Column {
    Column {
        source_name: former.name.clone(),
        nullable: former.nullable,
        source_type: former.source_type.clone(),
        ..column.clone()
    }
}

/// Each makes the expression longer that computes a value.
const MOST_ALTERATIONS: usize = 3;

/// A former column with what the source made of it since, step by step: what a narrower column in
/// between took from a value does not come back.
pub(super) fn altered(
    column: &Column,
    former: FormerColumn,
    was: &SourceColumn,
    since: &[SourceColumn],
    settings: &ConnectorSettings,
) -> FormerColumn {
    let mut then: Vec<Alteration> = Vec::new();
    let mut before = was;
    for (index, source) in since.iter().enumerate() {
        if before.sql == source.sql {
            continue;
        }
        let is_present = index + 1 == since.len();
        let limits = match (&before.sql, &source.sql) {
            (Some(before), Some(source)) => match limits::between(&before.sql, &source.sql) {
                Some(limits) => limits,
                None => return FormerColumn::Unknown,
            },
            _ => Limits::default(),
        };
        let keeps_all = match (&before.sql, &source.sql) {
            (Some(before), Some(source)) => limits::keeps_all(&before.sql, &source.sql),
            _ => false,
        };
        before = source;
        if limits != Limits::default() || !is_present && !keeps_all {
            // The present column is read with what the events' schema says of it, too.
            let altered = if is_present {
                column.clone()
            } else {
                match as_stated(column, source, settings) {
                    Some(altered) => altered,
                    None => return FormerColumn::Unknown,
                }
            };
            then.push(Alteration { column: altered, limits });
        }
    }
    if then.is_empty() {
        return former;
    }
    if then.len() > MOST_ALTERATIONS {
        return FormerColumn::Unknown;
    }
    match former {
        FormerColumn::Same => FormerColumn::Other(Box::new(OtherColumn { was: column.clone(), then })),
        FormerColumn::Other(other) => FormerColumn::Other(Box::new(OtherColumn { then, ..*other })),
        other => other,
    }
}

/// A column in between, of which only the source's type is known.
fn as_stated(column: &Column, source: &SourceColumn, settings: &ConnectorSettings) -> Option<Column> {
    let unsized_text = RedshiftType::Varchar { bytes: VARCHAR_MAX_BYTES };
    Some(match (SourceColumn { field: None, ..source.clone() }).mapped(settings) {
        Mapped::Exact(kind, decoding) => read(column, source, kind, decoding),
        Mapped::UnsizedText => read(column, source, unsized_text, Decoding::Text),
        Mapped::Unsized(decoding) => read(column, source, unsized_text, decoding),
        Mapped::Unsupported { .. } => return None,
    })
}
