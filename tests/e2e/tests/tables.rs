//! Definitions of tables for tests that provision them without the provisioner.

use cdc_core::catalog::{Column, Decoding, Mode, OnUnfitValue, Protection, RedshiftType, TableDefinition, TableSpec};
use cdc_core::columns::UNAVAILABLE_VALUE;

/// A column whose name in the target is the source's in lower case.
pub(crate) fn column(source: &str, target_type: RedshiftType, decoding: Decoding) -> Column {
    Column {
        source_name: source.into(),
        target_name: source.to_lowercase(),
        target_type,
        decoding,
        nullable: true,
        source_type: String::new(),
        on_unfit_value: OnUnfitValue::default(),
        protection: Protection::None,
    }
}

/// A column of text of at most so many bytes.
pub(crate) fn text(source: &str, bytes: u32) -> Column {
    column(source, RedshiftType::Varchar { bytes }, Decoding::Text)
}

/// The table of the topic `prefix.container.Name`, as `schema.name`.
pub(crate) fn table(topic: &str, schema: &str, columns: Vec<Column>, key: &[&str], mode: Mode) -> TableDefinition {
    let (_, source) = topic.split_once('.').expect("a prefix");
    let (_, name) = source.split_once('.').expect("a container");
    TableDefinition {
        spec: TableSpec {
            topic: topic.to_owned(),
            source_table: name.to_owned(),
            slug: source.replace('.', "_").to_lowercase(),
            target_schema: schema.to_owned(),
            target_table: name.to_lowercase(),
            auto_refresh: false,
        },
        columns,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        mode,
        former: Vec::new(),
        known_attributes: None,
        shapes: None,
        attributes: Vec::new(),
        records_key: None,
        learned_from: None,
        tombstones_delete: false,
        on_schema_change: Default::default(),
        schema_changes: None,
        unavailable_value: UNAVAILABLE_VALUE.into(),
    }
}
