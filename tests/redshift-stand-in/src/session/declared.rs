//! What a table's definition declares and nobody enforces: distribution, sort keys, encodings, constraints.
//!
//! It is kept in the object's comment and shown by the catalogs (PG_TABLE_DEF, SVV_TABLE_INFO, PG_CONSTRAINT and others).

use std::time::UNIX_EPOCH;

use redshift_sql::ObjectName;
use redshift_sql::statement::{CreateTable, DistStyle, SortKey, SortKind, TableAttributes, TableConstraint};
use serde_json::{Map, Value as Json, json};

use crate::clock;

pub(super) fn style_text(style: DistStyle) -> &'static str {
    match style {
        DistStyle::Auto => "AUTO(ALL)",
        DistStyle::Even => "EVEN",
        DistStyle::Key => "KEY",
        DistStyle::All => "ALL",
    }
}

/// Sets the sort key and its kind.
pub(super) fn set_sort_key(meta: &mut Json, key: &SortKey) {
    meta["sortkey"] = match key.kind {
        SortKind::Auto | SortKind::None => Json::Null,
        SortKind::Compound | SortKind::Interleaved => json!(key.columns),
    };
    meta["interleaved"] = json!(key.kind == SortKind::Interleaved);
}

/// Distribution and sort keys, as SVV_TABLE_INFO and PG_TABLE_DEF show them.
pub(super) fn attributes_meta(attributes: &TableAttributes) -> Json {
    let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut meta = json!({ "created": since.as_secs() });
    if let Some(style) = attributes.dist_style {
        meta["diststyle"] = json!(style_text(style));
    }
    if let Some(column) = &attributes.dist_key {
        meta["diststyle"] = json!(format!("KEY({column})"));
        meta["distkey"] = json!(column);
    }
    if let Some(key) = &attributes.sort_key {
        set_sort_key(&mut meta, key);
    }
    meta
}

/// Identities, encodings and constraints of a new table.
pub(super) fn declared(create: &CreateTable, schema: &str, meta: &mut Json) {
    let (mut identity, mut encodings, mut primary) = (Map::new(), Map::new(), Vec::new());
    for column in &create.columns {
        let only = || vec![column.name.clone()];
        if let Some(id) = column.identity {
            identity.insert(column.name.clone(), json!(format!("{},{}", id.seed, id.step)));
        }
        if let Some(encoding) = column.encoding.as_ref().filter(|encoding| *encoding != "auto") {
            encodings.insert(column.name.clone(), json!(encoding));
        }
        if column.primary_key {
            primary.push(column.name.clone());
        }
        if column.unique {
            constrain(&TableConstraint::Unique(only()), schema, meta);
        }
        if let Some(table) = &column.references {
            let constraint =
                TableConstraint::ForeignKey { columns: only(), table: table.clone(), references: Vec::new() };
            constrain(&constraint, schema, meta);
        }
    }
    meta["identity"] = Json::Object(identity);
    if !encodings.is_empty() {
        meta["encodings"] = Json::Object(encodings);
    }
    if !primary.is_empty() {
        constrain(&TableConstraint::PrimaryKey(primary), schema, meta);
    }
    for constraint in &create.constraints {
        constrain(constraint, schema, meta);
    }
}

/// Adds one constraint.
pub(super) fn constrain(constraint: &TableConstraint, schema: &str, meta: &mut Json) {
    let mut push = |member: &str, value: Json| match meta[member].as_array_mut() {
        Some(list) => list.push(value),
        None => meta[member] = json!([value]),
    };
    match constraint {
        TableConstraint::PrimaryKey(columns) => meta["primary_key"] = json!(columns),
        TableConstraint::Unique(columns) => push("unique", json!(columns)),
        TableConstraint::ForeignKey { columns, table, references } => {
            let ObjectName { schema: given, name, .. } = table;
            let target = given.as_deref().unwrap_or(schema);
            push(
                "foreign_keys",
                json!({ "columns": columns, "schema": target, "table": name, "references": references }),
            );
        }
    }
}

/// Takes a constraint away, by the name that PG_CONSTRAINT shows.
pub(super) fn drop_constraint(meta: &mut Json, table: &str, name: &str) {
    if name == format!("{table}_pkey")
        && let Some(map) = meta.as_object_mut()
    {
        map.remove("primary_key");
    }
    for (member, ending) in [("unique", "key"), ("foreign_keys", "fkey")] {
        if let Some(list) = meta[member].as_array_mut() {
            list.retain(|one| {
                let columns = if member == "unique" { one } else { &one["columns"] };
                columns[0].as_str().is_none_or(|first| name != format!("{table}_{first}_{ending}"))
            });
        }
    }
}

/// Says everywhere what a column is called now.
pub(super) fn rename_column(meta: &mut Json, from: &str, to: &str) {
    for member in ["types", "identity", "encodings", "defaults"] {
        if let Some(map) = meta[member].as_object_mut()
            && let Some(value) = map.remove(from)
        {
            map.insert(to.to_owned(), value);
        }
    }
    for member in ["primary_key", "sortkey", "unique", "foreign_keys"] {
        if !meta[member].is_null() {
            rename_in(&mut meta[member], from, to);
        }
    }
    if meta["distkey"] == from {
        meta["distkey"] = json!(to);
        meta["diststyle"] = json!(format!("KEY({to})"));
    }
}

/// In lists of names, and in the `columns` of foreign keys; `references` are another table's.
fn rename_in(value: &mut Json, from: &str, to: &str) {
    match value {
        Json::String(name) if name == from => to.clone_into(name),
        Json::Array(items) => items.iter_mut().for_each(|item| rename_in(item, from, to)),
        Json::Object(map) => {
            if let Some(columns) = map.get_mut("columns") {
                rename_in(columns, from, to);
            }
        }
        _ => {}
    }
}
